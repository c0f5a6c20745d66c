/* SPDX-License-Identifier: MIT */
/* Executors: the threads of a loop, as its tasks use them.
 *
 * A call is a job of the pool (job.c), of one of two kinds.  One owns
 * its arguments, which are copied in and out, so that a task that is cancelled
 * can leave.  The other borrows the frame of the task, and so it is in that
 * frame itself.
 */
#include "executor.h"

#include "alloc.h"
#include "job.h"
#include "loop.h"
#include "task.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

enum { MOST_THREADS = 32, EXTRA_THREADS = 4, QUEUE_LIMIT = 65536 };

/* What the floor keeps for a loop. */
struct executors {
    struct ouro__list all;
    struct ouro_executor *chosen; /* what NULL means; NULL: not made yet */
    bool closed;                  /* the program ends: no more calls */
};

/* A call that owns its arguments. */
struct call {
    struct ouro__job job;
    ouro_job_fn *fn;
    ouro_discard_fn *discard; /* NULL: the block owns nothing */
    int result;
    size_t size;
    _Alignas(max_align_t) unsigned char block[];
};

/* A call that borrows them. */
struct borrowing_call {
    struct ouro__job job;
    ouro_job_fn *fn;
    void *arg;
    int result;
};

/* The executors of a loop. */

static struct ouro_executor *
executor_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro_executor, link);
}

/* What a thread is still inside of cannot be told that its frame goes. */
static void
end_executors(struct ouro_loop *loop, void *kept)
{
    struct executors *executors = kept;
    struct ouro__tasks *tasks = loop->floors[OURO__FLOOR_TASK];
    struct ouro__list *link;

    while ((link = ouro__list_shift(&executors->all)) != NULL) {
        struct ouro_executor *executor = executor_of(link);

        ouro__executor_report(executor);
        if (ouro__executor_end(executor))
            tasks->borrowed = true;
    }
    ouro__free(executors);
}

/* What the loop of an executor keeps: there is one, so it has been made. */
static struct executors *
executors_with(const struct ouro_executor *executor)
{
    struct executors *executors = executor->loop->floors[OURO__FLOOR_EXECUTORS];

    OURO_CHECK(executors != NULL, "an executor is among those of its loop");
    return executors;
}

/* NULL: no memory. */
static struct executors *
executors_of(struct ouro_loop *loop)
{
    struct executors *executors = loop->floors[OURO__FLOOR_EXECUTORS];

    if (executors != NULL)
        return executors;
    executors = ouro__alloc_zeroed(sizeof(*executors));
    if (executors == NULL)
        return NULL;
    ouro__list_init(&executors->all);
    loop->floors[OURO__FLOOR_EXECUTORS] = executors;
    loop->end_floor[OURO__FLOOR_EXECUTORS] = end_executors;
    return executors;
}

static size_t
count_processors(void)
{
    cpu_set_t usable;

    if (sched_getaffinity(0, sizeof(usable), &usable) < 0)
        return 1; /* more of them than the set holds */
    return (size_t)CPU_COUNT(&usable);
}

static struct ouro_executor_options
with_defaults(const struct ouro_executor_options *options)
{
    struct ouro_executor_options filled = {0};

    if (options != NULL)
        filled = *options;
    if (filled.name == NULL)
        filled.name = "ouro-worker";
    if (filled.threads == 0)
        filled.threads = count_processors() + EXTRA_THREADS;
    if ((options == NULL || options->threads == 0)
        && filled.threads > MOST_THREADS)
        filled.threads = MOST_THREADS;
    if (filled.queue_limit == 0)
        filled.queue_limit = QUEUE_LIMIT;
    if (filled.idle_ns == 0)
        filled.idle_ns = OURO_SECONDS(5);
    return filled;
}

int
ouro_executor_new(struct ouro_executor **out_executor, struct ouro_loop *loop,
                  const struct ouro_executor_options *options)
{
    const struct ouro_executor_options filled = with_defaults(options);

    if (loop == NULL)
        loop = ouro_get_running_loop();
    OURO_CHECK(loop != NULL, "an executor is made where a loop runs");
    ouro__loop_check_owner(loop);

    struct executors *executors = executors_of(loop);
    struct ouro_executor *executor = NULL;
    if (executors != NULL)
        executor = ouro__executor_make(loop, &filled, &loop->stats.jobs);
    if (executor == NULL)
        return -ENOMEM;
    ouro__list_append(&executors->all, &executor->link);
    if (executors->closed)
        ouro__executor_close(executor);
    *out_executor = executor;
    return 0;
}

/* In a forked child a thread of the parent may have the lock for ever. */
static void
check_owner(const struct ouro_executor *executor)
{
    ouro__loop_check_owner(executor->loop);
    ouro__loop_check_process(executor->loop);
}

void
ouro_executor_free(struct ouro_executor *executor)
{
    if (executor == NULL)
        return;
    check_owner(executor);
    struct executors *executors = executors_with(executor);

    if (executors->chosen == executor)
        executors->chosen = NULL;
    ouro__executor_let_go(executor);
}

void
ouro_set_default_executor(struct ouro_executor *executor)
{
    check_owner(executor);
    struct executors *executors = executors_with(executor);

    if (executors->chosen != executor)
        ouro_executor_free(executors->chosen);
    executors->chosen = executor;
}

/* `executor`, or what NULL means in the running loop; NULL: no memory. */
static struct ouro_executor *
choose(struct ouro_executor *executor)
{
    struct ouro_loop *loop = ouro_get_running_loop();

    OURO_CHECK(executor != NULL || loop != NULL,
               "the executor of a loop is used where that runs");
    if (executor != NULL) {
        check_owner(executor);
        return executor;
    }

    struct executors *executors = executors_of(loop);
    if (executors == NULL)
        return NULL;
    if (executors->chosen == NULL
        && ouro_executor_new(&executors->chosen, loop, NULL) < 0)
        return NULL;
    return executors->chosen;
}

size_t
ouro_executor_threads(struct ouro_executor *executor)
{
    executor = choose(executor);
    if (executor == NULL)
        return 0;
    pthread_mutex_lock(&executor->lock);
    size_t threads = executor->threads;
    pthread_mutex_unlock(&executor->lock);
    return threads;
}

/* Ends. */

void
ouro__executors_close(struct ouro_loop *loop)
{
    struct executors *executors = executors_of(loop);

    if (executors == NULL)
        return; /* no memory for one, either */
    executors->closed = true;
    ouro__list_for_each (link, &executors->all) {
        ouro__executor_close(executor_of(link));
    }
}

void
ouro__executors_report(struct ouro_loop *loop)
{
    struct executors *executors = loop->floors[OURO__FLOOR_EXECUTORS];

    if (executors == NULL)
        return;
    ouro__list_for_each (link, &executors->all) {
        ouro__executor_report(executor_of(link));
    }
}

static const struct ouro__wait_kind wait_drained = {
    .text = "the last call of an executor",
};

static int
wait_until_drained(struct ouro_executor *executor, int64_t limit_ns)
{
    struct ouro_timeout limit;

    executor->enders++;
    ouro_timeout_begin(&limit, limit_ns);
    int rc = ouro__await_for(&executor->drained, &wait_drained, executor);
    rc = (int)ouro_timeout_end(&limit, rc);
    executor->enders--;
    return rc;
}

int
ouro_executor_shutdown(struct ouro_executor *executor, int64_t limit_ns)
{
    executor = choose(executor);
    if (executor == NULL)
        return -ENOMEM;
    ouro__executor_close(executor);

    int rc = wait_until_drained(executor, limit_ns);
    if (rc == -ETIMEDOUT)
        ouro__executor_report(executor);
    if (rc == 0)
        ouro__executor_join(executor);
    return rc;
}

/* Calls that own their arguments. */

static struct call *
call_of(struct ouro__job *job)
{
    return OURO_CONTAINER_OF(job, struct call, job);
}

static void
call_run(struct ouro__job *job)
{
    struct call *call = call_of(job);

    call->result = call->fn(call->block);
}

static void
call_free(struct ouro__job *job)
{
    struct call *call = call_of(job);

    if (call->discard != NULL)
        call->discard(call->block);
    ouro__free(call);
}

static struct call *
call_new(ouro_job_fn *fn, ouro_discard_fn *discard, const void *block,
         size_t size)
{
    if (size > SIZE_MAX - sizeof(struct call))
        return NULL;

    struct call *call = ouro__alloc(sizeof(*call) + size);
    if (call == NULL)
        return NULL;
    *call = (struct call){
        .job = {.run = call_run, .free = call_free},
        .fn = fn,
        .discard = discard,
        .size = size,
    };
    if (size > 0)
        memcpy(call->block, block, size);
    return call;
}

/* Make the call, and copy the block back.  If it is not made the job has what
 * the block owns, and frees it. */
static int
run_call(struct ouro_executor *executor, struct call *call, void *block)
{
    bool taken = call->discard != NULL;
    size_t size = call->size;

    int rc = ouro__executor_run(executor, &call->job);
    if (rc < 0 && taken)
        memset(block, 0, size);
    if (rc < 0)
        return rc;

    rc = call->result;
    if (size > 0)
        memcpy(block, call->block, size);
    call->discard = NULL;
    ouro__job_end(&call->job);
    return rc;
}

/* There is no call that could own it. */
static int
refuse(int error, ouro_discard_fn *discard, void *block, size_t size)
{
    if (discard != NULL) {
        discard(block);
        memset(block, 0, size);
    }
    return error;
}

int
ouro__run_in_executor(struct ouro_executor *executor, ouro_job_fn *fn,
                      ouro_discard_fn *discard, void *block, size_t size,
                      const char *name, const char *site)
{
    struct call *call = NULL;

    int rc = ouro__checkpoint();
    if (rc < 0)
        return refuse(rc, discard, block, size);
    executor = choose(executor);
    if (executor != NULL)
        call = call_new(fn, discard, block, size);
    if (call == NULL)
        return refuse(-ENOMEM, discard, block, size);

    call->job.name = name;
    call->job.site = site;
    return run_call(executor, call, block);
}

/* Calls that borrow them. */

static void
borrowing_run(struct ouro__job *job)
{
    struct borrowing_call *call =
        OURO_CONTAINER_OF(job, struct borrowing_call, job);

    call->result = call->fn(call->arg);
}

/* It is in the frame of who waits. */
static void
borrowing_free(struct ouro__job *job)
{
    (void)job;
}

int
ouro__to_thread(struct ouro_executor *executor, ouro_job_fn *fn, void *arg,
                const char *name, const char *site)
{
    struct borrowing_call call = {
        .job = {.run = borrowing_run,
                .free = borrowing_free,
                .name = name,
                .site = site,
                .borrows = true},
        .fn = fn,
        .arg = arg,
    };

    int rc = ouro__checkpoint();
    if (rc < 0)
        return rc;
    executor = choose(executor);
    if (executor == NULL)
        return -ENOMEM;
    rc = ouro__executor_run(executor, &call.job);
    if (rc < 0)
        return rc;
    ouro__job_end(&call.job);
    return call.result;
}
