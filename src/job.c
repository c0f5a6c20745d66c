/* SPDX-License-Identifier: MIT */
/* Calls on threads, as the loop sees them: asked for, waited for, taken back.
 *
 * The happy path:
 *
 * - The task that wants a call queues a job and waits for its future.
 * - A thread takes it, makes the call, and posts it to the mailbox of the loop
 *   (thread_pool.c).
 * - The loop completes the future; the task takes what it wants and frees it.
 *
 * What may happen instead:
 *
 * - The task is cancelled.  It leaves at once.  A job that no thread has taken
 *   yet goes with it; another is abandoned, and freed when it is delivered.  A
 *   task whose job borrows its frame stays until it is delivered.
 * - The loop is freed while a thread is inside a call.  The mailbox refuses the
 *   post, the thread frees the job, and the last thread the executor.
 *
 * Invariant: whoever has a job owns it.  That is the queue, then a thread, then
 * the mailbox, then the loop; only the future, `all` and what is marked as the
 * loop's are touched from its thread at any time.
 *
 * What frees a job is the program's, and may do anything: no lock is held then,
 * and the executor still counts the job, so it stays.
 */
#include "job.h"

#include "alloc.h"
#include "loop.h"
#include "task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct ouro__job *
job_of_alive(struct ouro__list *alive)
{
    return OURO_CONTAINER_OF(alive, struct ouro__job, alive);
}

void
ouro__executor_join(struct ouro_executor *executor)
{
    pthread_mutex_lock(&executor->lock);
    ouro__executor_end_threads(executor);
    pthread_mutex_unlock(&executor->lock);
}

/* Everything that will ever happen in it has happened. */
static void
executor_is_drained(struct ouro_executor *executor)
{
    ouro_future_set_result(&executor->drained, NULL);
    if (!executor->freed)
        return;
    ouro__executor_join(executor);
    ouro__list_remove(&executor->link);
    ouro__executor_free(executor);
}

static void
forget_one(struct ouro_executor *executor)
{
    executor->jobs--;
    if (executor->total != NULL)
        --*executor->total;
    if (executor->closed && executor->jobs == 0)
        executor_is_drained(executor);
}

void
ouro__job_end(struct ouro__job *job)
{
    struct ouro_executor *executor = job->executor;

    ouro__list_remove(&job->alive);
    ouro_future_fini(&job->done);
    job->free(job);
    forget_one(executor);
}

void
ouro__job_deliver(void *arg)
{
    struct ouro__job *job = arg;

    job->delivered = true;
    if (job->abandoned)
        ouro__job_end(job);
    else
        ouro_future_set_result(&job->done, NULL);
}

/* The task that waits was cancelled.  Returns whether it may leave. */
static bool
leave(struct ouro_executor *executor, struct ouro__job *job)
{
    if (ouro__executor_take_back(executor, job)) {
        ouro__job_end(job);
        return true;
    }
    job->abandoned = !job->borrows;
    return job->abandoned;
}

static int
begin(struct ouro_executor *executor, struct ouro__job *job)
{
    job->executor = executor;
    ouro_future_init(&job->done, executor->loop);
    int rc = executor->closed ? -ESHUTDOWN : ouro__executor_give(executor, job);
    if (rc < 0) {
        job->free(job);
        return rc;
    }

    ouro__list_append(&executor->all, &job->alive);
    executor->jobs++;
    if (executor->total != NULL)
        ++*executor->total;
    return 0;
}

static void
tell_job(const void *thing, char *text, size_t size)
{
    const struct ouro__job *job = thing;

    if (job->name != NULL)
        snprintf(text, size, ", '%s'", job->name);
}

static const struct ouro__wait_kind wait_job = {
    .text = "a call on a thread",
    .site = offsetof(struct ouro__job, site),
    .tell = tell_job,
};

int
ouro__executor_run(struct ouro_executor *executor, struct ouro__job *job)
{
    int rc = begin(executor, job);
    if (rc < 0)
        return rc;

    rc = ouro__await_plainly_for(&job->done, &wait_job, job);
    if (rc == 0 || job->delivered)
        return 0;
    if (ouro_future_error(&job->done) != -EINPROGRESS) {
        ouro__job_end(job); /* it was queued, and the executor was freed */
        return rc;
    }
    if (leave(executor, job))
        return rc;
    (void)ouro__await_to_the_end_for(&job->done, &wait_job, job);
    return 0;
}

void
ouro__executor_close(struct ouro_executor *executor)
{
    if (executor->closed)
        return;
    executor->closed = true;
    if (executor->jobs == 0)
        executor_is_drained(executor);
}

void
ouro__executor_report(struct ouro_executor *executor)
{
    ouro__list_for_each (alive, &executor->all) {
        struct ouro__job *job = job_of_alive(alive);

        if (job->delivered || job->reported)
            continue;
        job->reported = true;
        ouro__loop_report(executor->loop, "a call on a thread did not end", 0,
                          job->name, job->site);
    }
}

/* Its waiter ends the job. */
static void
fail_queued(struct ouro_executor *executor)
{
    ouro__list_for_each (alive, &executor->all) {
        struct ouro__job *job = job_of_alive(alive);

        if (ouro__executor_take_back(executor, job))
            ouro_future_set_error(&job->done, -ESHUTDOWN);
    }
}

void
ouro__executor_let_go(struct ouro_executor *executor)
{
    OURO_CHECK(executor->enders == 0,
               "an executor is not freed while a task shuts it down");
    fail_queued(executor);
    executor->freed = true;
    if (executor->closed && executor->jobs == 0)
        executor_is_drained(executor);
    else
        ouro__executor_close(executor);
}

/* Let go of what waits in the loop, which will not run, and put what is to be
 * freed into `dropped`.  A job that a thread has is that thread's, which frees
 * it; a simulated one is nobody's. */
static bool
drop_all(struct ouro_executor *executor, struct ouro__list *dropped)
{
    struct ouro__list *alive;
    bool borrowed = false;

    while ((alive = ouro__list_shift(&executor->all)) != NULL) {
        struct ouro__job *job = job_of_alive(alive);
        bool ours = !job->begun || job->refused || job->delivered;

        ouro_future_set_error(&job->done, -OURO_ESTOPPED);
        if (ouro__list_is_linked(&job->link))
            ouro__list_remove(&job->link);
        if (executor->simulated) {
            ouro_handle_cancel(&job->handle);
            ours = true;
        }
        if (ours)
            ouro__list_append(dropped, &job->alive);
        else
            borrowed = borrowed || job->borrows;
    }
    executor->queued = 0;
    return borrowed;
}

static void
free_all(struct ouro__list *dropped)
{
    struct ouro__list *alive;

    while ((alive = ouro__list_shift(dropped)) != NULL) {
        struct ouro__job *job = job_of_alive(alive);

        job->free(job);
    }
}

bool
ouro__executor_end(struct ouro_executor *executor)
{
    struct ouro__list dropped;

    ouro__list_init(&dropped);
    ouro_future_set_error(&executor->drained, -OURO_ESTOPPED);
    pthread_mutex_lock(&executor->lock);
    bool borrowed = drop_all(executor, &dropped);
    executor->loop = NULL;
    ouro__executor_end_threads(executor);
    executor->left = true;
    bool last = executor->threads == 0;
    pthread_mutex_unlock(&executor->lock);

    free_all(&dropped);
    if (last)
        ouro__executor_free(executor);
    return borrowed;
}
