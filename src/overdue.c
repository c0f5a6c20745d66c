/* SPDX-License-Identifier: MIT */
/* Tasks that were told to end, and when it is told that one has not.
 *
 * The happy path: a task that is told to end goes to the end of a list, and
 * leaves it when it ends, or when the last reason has gone: a request that it
 * took back, a part whose limit was up and that it has left.
 *
 * What may happen instead: it is first in the list when the limit has passed.
 * That is told once.  The limit is one for all, so the list is in the order of
 * the times, and one timer does.
 *
 * - A shield does not stop the clock: what is told is that something takes
 *   long, and clean-up that hangs is just that.
 * - Who waits for a task that was told to end, too, is not at fault.  That one
 *   is in the list itself, and who waits is looked at again.
 */
#include "overdue.h"

static struct ouro_task *
first_of(const struct ouro__tasks *tasks)
{
    return OURO_CONTAINER_OF(tasks->overdue.next, struct ouro_task, overdue);
}

/* Whether it would have to end its waits, were there no shield. */
static bool
has_to_end(const struct ouro_task *task)
{
    return task->cancels > 0 || task->told || ouro__task_is_cancelled(task);
}

/* Its group's, the one it joins or waits for with a limit, those it gathers.
 * Who has a lock is known in a dump only. */
static bool
waits_for_one_that_has_to_end(struct ouro_task *task)
{
    struct ouro__edges edges = {0};
    const struct ouro_task *other;

    if (!ouro__task_waits(task) || task->waits_for->shape == OURO__WAIT_OWNER)
        return false;
    while ((other = ouro__graph_next(task, &edges)) != NULL) {
        if (has_to_end(other))
            return true;
    }
    return false;
}

static void tell_all(void *arg);

static void
set_timer(struct ouro__tasks *tasks)
{
    ouro_call_at(tasks->loop, &tasks->overdue_timer,
                 first_of(tasks)->overdue_ns, tell_all, tasks);
}

static void
append(struct ouro_task *task, int64_t now_ns)
{
    struct ouro__tasks *tasks = task->tasks;
    int64_t limit_ns = tasks->loop->options.cancel_limit_ns;

    task->overdue_ns =
        limit_ns > OURO_FOREVER - now_ns ? OURO_FOREVER : now_ns + limit_ns;
    ouro__list_append(&tasks->overdue, &task->overdue);
}

static void
tell_all(void *arg)
{
    struct ouro__tasks *tasks = arg;
    int64_t now_ns = ouro_loop_time_ns(tasks->loop);

    while (!ouro__list_is_empty(&tasks->overdue)) {
        struct ouro_task *task = first_of(tasks);

        if (task->overdue_ns > now_ns) {
            set_timer(tasks);
            return;
        }
        if (!waits_for_one_that_has_to_end(task)) {
            ouro__overdue_tell(task);
            continue;
        }
        ouro__list_remove(&task->overdue);
        append(task, now_ns);
    }
}

void
ouro__overdue_watch(struct ouro_task *task)
{
    struct ouro__tasks *tasks = task->tasks;

    if (ouro__list_is_linked(&task->overdue) || ouro_task_is_done(task))
        return;

    append(task, ouro_loop_time_ns(tasks->loop));
    if (!ouro_handle_is_pending(&tasks->overdue_timer))
        set_timer(tasks);
}

void
ouro__overdue_left(struct ouro__tasks *tasks)
{
    if (ouro__list_is_empty(&tasks->overdue))
        ouro_handle_cancel(&tasks->overdue_timer);
}

void
ouro__overdue_look(struct ouro_task *task)
{
    if (!has_to_end(task))
        ouro__overdue_forget(task);
}

void
ouro__overdue_tell(struct ouro_task *task)
{
    const struct ouro_exception exception = {
        .message = "a task did not end although it was cancelled",
        .task = task,
        .name = task->name,
        .site = task->site,
    };

    ouro__overdue_forget(task);
    if (task->overdue_told)
        return;
    task->overdue_told = true;
    ouro_loop_call_exception_handler(task->tasks->loop, &exception);
}
