/* SPDX-License-Identifier: MIT */
/* Tasks: functions that run on a stack of their own, and suspend.
 *
 * The happy path:
 *
 * - ouro__task_new() takes a stack and queues the first step.
 * - A step, run by the loop, switches to the stack of the task.
 * - The task suspends: its handle is in the list of a future, or among the
 *   timers, and the step returns.  Whoever wakes the handle queues the next.
 * - The function returns: the loop's next call is the end of the task, which
 *   wakes the joiners and drops the loop's reference.
 *
 * A step and a suspension both end in the switch, with nothing to do after it:
 * see context.h for why.
 *
 * What may happen instead:
 *
 * - A cancellation comes while it waits: its handle is taken out of where it
 *   waits, and woken with -ECANCELED.  If it was woken already, that result
 *   stands, and the next wait fails.
 * - It fails and nobody holds it: that is reported at once.  If somebody holds
 *   it and never looks, it is reported when the last reference goes.
 */
#include "task.h"

#include "alloc.h"
#include "check.h"
#include "overdue.h"

#include <errno.h>

/* Of options.stack_size, so that a stride is a power of two. */
enum { GUARD_SIZE = 4096 };

/* From a trim of the free stacks to the next. */
#define TRIM_NS OURO_SECONDS(1)

static _Thread_local struct ouro_task *current;

static const char *
name_of_current(void)
{
    return current != NULL ? current->name : NULL;
}

struct ouro_task *
ouro_current_task(void)
{
    return current;
}

struct ouro_task *
ouro__task_here(void)
{
    OURO_CHECK(current != NULL,
               "a call that suspends is made in a task, not in a callback");

    return current;
}

/* The floor's part of a loop. */

static struct ouro_task *
task_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro_task, link);
}

static void
report_left(struct ouro_loop *loop, const struct ouro_task *task)
{
    ouro__loop_report(loop,
                      ouro_task_is_done(task)
                          ? "a reference to a finished task was still held"
                          : "a task was still alive",
                      0, task->name, task->site);
}

static void
give_up(struct ouro_task *task)
{
    ouro__list_remove(&task->link);
    ouro__context_fini(&task->context);
    ouro__stack_pool_put(&task->tasks->stacks, task->stack);
}

static void
end_tasks(struct ouro_loop *loop, void *kept)
{
    struct ouro__tasks *tasks = kept;

    /* What one waits in may be on the stack of another. */
    ouro__list_for_each (link, &tasks->all) {
        struct ouro_task *task = task_of(link);

        report_left(loop, task);
        ouro_handle_cancel(&task->wake);
        ouro_handle_cancel(&task->limit);
    }
    ouro_handle_cancel(&tasks->overdue_timer);
    ouro_handle_cancel(&tasks->trim_timer);
    if (tasks->borrowed) {
        ouro__loop_report(loop,
                          "a thread uses the frame of a task; all stacks are "
                          "leaked on purpose",
                          -EBUSY, NULL, NULL);
        return;
    }
    ouro__loop_report_handles(loop); /* some are in frames of tasks */
    while (!ouro__list_is_empty(&tasks->all))
        give_up(task_of(tasks->all.next));
    ouro__stack_pool_fini(&tasks->stacks);
    ouro__free(tasks);
}

static struct ouro__tasks *
tasks_of(struct ouro_loop *loop)
{
    struct ouro__tasks *tasks = loop->floors[OURO__FLOOR_TASK];

    if (tasks != NULL)
        return tasks;
    tasks = ouro__alloc_zeroed(sizeof(*tasks));
    if (tasks == NULL)
        return NULL;

    if (ouro__stack_pool_init(&tasks->stacks,
                              loop->options.stack_size - GUARD_SIZE)
        < 0) {
        ouro__free(tasks);
        return NULL;
    }
    ouro__running_name = name_of_current;
    tasks->loop = loop;
    ouro__list_init(&tasks->all);
    ouro__list_init(&tasks->overdue);
    ouro__context_init_thread(&tasks->main);
    loop->floors[OURO__FLOOR_TASK] = tasks;
    loop->end_floor[OURO__FLOOR_TASK] = end_tasks;
    return tasks;
}

/* The end of one. */

static void
report_failure(struct ouro_task *task, const char *message)
{
    struct ouro_exception exception = {
        .message = message,
        .error = task->result,
        .task = task,
        .name = task->name,
        .site = task->site,
    };

    if (task->result < 0 && task->result != -ECANCELED && !task->seen)
        ouro_loop_call_exception_handler(task->tasks->loop, &exception);
    task->seen = true;
}

static void trim_later(struct ouro__tasks *tasks);

static void
trim_stacks(void *arg)
{
    struct ouro__tasks *tasks = arg;

    ouro__stack_pool_trim(&tasks->stacks);
    trim_later(tasks);
}

/* A burst of tasks keeps pages for the next.  Time takes them back, and not
 * the end of other tasks: there may be none. */
static void
trim_later(struct ouro__tasks *tasks)
{
    if (ouro__stack_pool_keeps_many(&tasks->stacks)
        && !ouro_handle_is_pending(&tasks->trim_timer))
        ouro_call_later(tasks->loop, &tasks->trim_timer, TRIM_NS, trim_stacks,
                        tasks);
}

struct ouro_task *
ouro_task_ref(struct ouro_task *task)
{
    task->refs++;
    return task;
}

struct ouro_task *
ouro_task_unref(struct ouro_task *task)
{
    if (task == NULL)
        return NULL;
    ouro__loop_check_owner(task->tasks->loop);
    OURO_CHECK(task->refs > 0, "a reference is given back once");
    if (--task->refs > 0)
        return NULL;

    report_failure(task, "a task failed, and nobody took its result");
    ouro_future_fini(&task->done);
    ouro__list_remove(&task->link);
    ouro__context_fini(&task->context);
    struct ouro__tasks *tasks = task->tasks; /* the task is on its stack */
    ouro__stack_pool_put(&tasks->stacks, task->stack);
    trim_later(tasks);
    return NULL;
}

static void
task_end(void *arg)
{
    struct ouro_task *task = arg;
    struct ouro_group *group = task->group;

    ouro_handle_cancel(&task->limit);
    ouro__overdue_forget(task);
    if (ouro__list_is_linked(&task->sibling))
        ouro__list_remove(&task->sibling);
    task->tasks->loop->stats.tasks--;
    ouro_future_set_result(&task->done, NULL);
    if (group != NULL) {
        task->seen = true;
        ouro__group_child_done(group, task);
    } else if (task->refs == 1) {
        report_failure(task, "a task failed, and nobody waits for it");
    }
    ouro_task_unref(task);
}

/* The first frame of every task. */
static void
task_main(void *arg)
{
    struct ouro_task *task = arg;
    int result = task->fn(task->arg);

    OURO_CHECK_AT(task->scope == NULL,
                  "what a task begins must be ended on every path",
                  task->scope_site);
    task->result = result != -EINPROGRESS ? result : -EIO;
    current = NULL;
    ouro__call_next(task->tasks->loop, &task->wake, task_end, task, task->site);
    ouro__context_exit(&task->context, &task->tasks->main);
}

static void
task_step(void *arg)
{
    struct ouro_task *task = arg;

    task->budget = OURO__TASK_BUDGET;
    task->interruptible = false;
    current = task;
    (void)ouro__context_pass(&task->tasks->main, &task->context,
                             task->wake.outcome);
}

/* Making one. */

/* At the top of the stack, on cache lines of its own.  Stacks lie a power of
 * two apart, and so the same field of all tasks would be in the same few lines
 * of the cache: neighbours stand some lines apart instead. */
static struct ouro_task *
place_on(char *stack, size_t size)
{
    enum { LINE = 64, SHIFT_COUNT = 16 };
    uintptr_t number = (uintptr_t)stack / (size + GUARD_SIZE);
    uintptr_t top = (uintptr_t)(stack + size) - sizeof(struct ouro_task)
                    - number % SHIFT_COUNT * LINE;
    size_t offset = (top & ~(uintptr_t)(LINE - 1)) - (uintptr_t)stack;

    return (struct ouro_task *)(void *)(stack + offset);
}

static void
task_init(struct ouro_task *task, struct ouro__tasks *tasks, void *stack,
          ouro_task_fn *fn, void *arg)
{
    size_t size = (size_t)((char *)task - (char *)stack);

    *task = (struct ouro_task){
        .tasks = tasks,
        .fn = fn,
        .arg = arg,
        .stack = stack,
        .locals = current != NULL ? current->locals : NULL,
        .refs = 1,
        .result = -EINPROGRESS,
        .limit_ns = OURO_FOREVER,
        .fired_ns = INT64_MIN,
    };
    ouro__context_init(&task->context, stack, size, task_main, task);
    ouro__list_append(&tasks->all, &task->link);
    tasks->loop->stats.tasks++;
}

int
ouro__task_new(struct ouro_loop *loop, struct ouro_task **out_task,
               ouro_task_fn *fn, void *arg, const char *name, const char *site)
{
    ouro__loop_check_owner(loop);
    struct ouro__tasks *tasks = tasks_of(loop);
    void *stack = tasks != NULL ? ouro__stack_pool_get(&tasks->stacks) : NULL;

    if (stack == NULL)
        return -ENOMEM;

    struct ouro_task *task = place_on(stack, tasks->stacks.stack_size);
    task_init(task, tasks, stack, fn, arg);
    task->name = name;
    task->site = site;
    ouro__future_init(&task->done, loop, site);
    task->done.of_task = true;
    ouro__call_soon(loop, &task->wake, task_step, task, site);
    *out_task = task;
    return 0;
}

int
ouro__create_task(struct ouro_loop *loop, struct ouro_task **out_task,
                  ouro_task_fn *fn, void *arg, const char *name,
                  const char *site)
{
    struct ouro_task *task;

    if (loop == NULL)
        loop = ouro_get_running_loop();
    OURO_CHECK_AT(loop != NULL, "a task is created where a loop runs", site);

    int rc = ouro__task_new(loop, &task, fn, arg, name, site);
    if (rc == 0 && out_task != NULL)
        *out_task = ouro_task_ref(task);
    return rc;
}

/* Suspending. */

/* Returns the outcome of `wake`, which the step hands over. */
static int
suspend(struct ouro_task *task, bool interruptible)
{
    task->interruptible = interruptible;
    current = NULL;
    return ouro__context_pass(&task->context, &task->tasks->main, 0);
}

/* It had its share: let the others run. */
static int
give_way(struct ouro_task *task)
{
    ouro__call_soon(task->tasks->loop, &task->wake, task_step, task,
                    task->site);
    suspend(task, false);
    return ouro__task_is_cancelled(task) ? -ECANCELED : 0;
}

int
ouro__checkpoint_of(struct ouro_task *task)
{
    if (ouro__task_is_cancelled(task))
        return -ECANCELED;
    if (--task->budget > 0)
        return 0;
    return give_way(task);
}

int
ouro__checkpoint(void)
{
    return ouro__checkpoint_of(ouro__task_here());
}

int
ouro_checkpoint(void)
{
    return ouro__checkpoint();
}

void
ouro__task_interrupt(struct ouro_task *task)
{
    ouro__overdue_watch(task);
    if (!task->interruptible || task->wake.state == OURO__HANDLE_READY
        || !ouro__task_is_cancelled(task))
        return;

    ouro_handle_cancel(&task->wake);
    ouro__handle_wake(&task->wake, -ECANCELED);
}

const struct ouro__wait_kind ouro__wait_future = {
    .text = "a future",
    .shape = OURO__WAIT_FUTURE,
    .site = offsetof(struct ouro_future, site),
};

static const struct ouro__wait_kind wait_sleep = {.text = "a sleep"};

static void
note_wait(struct ouro_task *task, const struct ouro__wait_kind *kind,
          const void *thing)
{
    task->waits_for = kind;
    task->waits_on = thing;
}

/* As ouro__handle_list(); its first step has filled in `wake`. */
static void
enlist(struct ouro_task *task, struct ouro__list *list)
{
    OURO_CHECK(task->wake.state == OURO__HANDLE_IDLE,
               "a handle is scheduled once at a time");
    task->wake.state = OURO__HANDLE_LISTED;
    ouro__list_append(list, &task->wake.link);
}

static int
await(struct ouro_task *task, struct ouro_future *future, bool interruptible)
{
    OURO_CHECK(future->loop == task->tasks->loop,
               "a future is awaited in its own loop");
    if (future->error != -EINPROGRESS)
        return ouro_future_error(future);

    enlist(task, &future->waiters);
    return suspend(task, interruptible);
}

int
ouro__suspend_for(struct ouro__list *list, const struct ouro__wait_kind *kind,
                  const void *thing, bool interruptible)
{
    struct ouro_task *task = ouro__task_here();

    note_wait(task, kind, thing);
    enlist(task, list);
    return suspend(task, interruptible);
}

int
ouro__await_to_the_end_for(struct ouro_future *future,
                           const struct ouro__wait_kind *kind,
                           const void *thing)
{
    struct ouro_task *task = ouro__task_here();

    note_wait(task, kind, thing);
    return await(task, future, false);
}

int
ouro__await_plainly_for(struct ouro_future *future,
                        const struct ouro__wait_kind *kind, const void *thing)
{
    struct ouro_task *task = ouro__task_here();

    note_wait(task, kind, thing);
    return await(task, future, true);
}

/* Apart, for it is rare: without it ouro_await() saves no registers. */
static __attribute__((noinline)) int
give_way_and_await(struct ouro_task *task, struct ouro_future *future)
{
    int rc = give_way(task);

    return rc < 0 ? rc : await(task, future, true);
}

int
ouro_await(struct ouro_future *future)
{
    struct ouro_task *task = ouro__task_here();

    if (ouro__task_is_cancelled(task))
        return -ECANCELED;
    note_wait(task, &ouro__wait_future, future);
    if (--task->budget == 0)
        return give_way_and_await(task, future);
    return await(task, future, true);
}

int
ouro__await_for(struct ouro_future *future, const struct ouro__wait_kind *kind,
                const void *thing)
{
    int rc = ouro__checkpoint();

    return rc < 0 ? rc : ouro__await_plainly_for(future, kind, thing);
}

int
ouro_sleep(int64_t delay_ns)
{
    struct ouro_task *task = ouro__task_here();

    if (ouro__task_is_cancelled(task))
        return -ECANCELED;

    struct ouro_loop *loop = task->tasks->loop;
    task->wake.outcome = 0;
    note_wait(task, &wait_sleep, NULL);
    if (delay_ns > 0)
        ouro__call_later(loop, &task->wake, delay_ns, task_step, task,
                         task->site);
    else
        ouro__call_soon(loop, &task->wake, task_step, task, task->site);
    return suspend(task, true);
}

int
ouro_task_join(struct ouro_task *task)
{
    if (task == ouro__task_here())
        return -EDEADLK;

    int rc = ouro_await(&task->done);
    if (rc < 0)
        return rc;
    return ouro_task_result(task);
}

/* Small things. */

const char *
ouro_task_name(const struct ouro_task *task)
{
    return task->name;
}

void
ouro_task_set_name(struct ouro_task *task, const char *name)
{
    task->name = name;
}

const char *
ouro_task_site(const struct ouro_task *task)
{
    return task->site;
}

bool
ouro_task_is_done(const struct ouro_task *task)
{
    return task->result != -EINPROGRESS;
}

int
ouro_task_result(struct ouro_task *task)
{
    if (task->result != -EINPROGRESS)
        task->seen = true;
    return task->result;
}

void *
ouro_task_locals(const struct ouro_task *task)
{
    return task->locals;
}

void
ouro_task_set_locals(struct ouro_task *task, void *locals)
{
    task->locals = locals;
}

struct ouro_future *
ouro_task_future(struct ouro_task *task)
{
    return &task->done;
}

const struct ouro_task *
ouro__task_of_guard(const void *address)
{
    const struct ouro_loop *loop = ouro_get_running_loop();
    void *low;

    if (loop == NULL || loop->floors[OURO__FLOOR_TASK] == NULL)
        return NULL;

    const struct ouro__tasks *tasks = loop->floors[OURO__FLOOR_TASK];
    if (!ouro__stack_pool_find_guard(&tasks->stacks, address, &low))
        return NULL;
    return place_on(low, tasks->stacks.stack_size);
}
