/* SPDX-License-Identifier: MIT */
/* Calls on threads: they block, perhaps for long, and cannot be told to stop.
 *
 * The happy path:
 *
 * - The task that wants a call queues a job and waits for its future.
 * - A thread takes it, makes the call, and posts it to the mailbox of the loop.
 * - The loop completes the future; the task takes what it wants and frees it.
 *
 * What may happen instead:
 *
 * - The task is cancelled.  It leaves at once.  A job that no thread has taken
 *   yet goes with it; another is abandoned, and freed when it is delivered.  A
 *   task whose job borrows its frame stays until it is delivered.
 * - The loop is freed while a thread is inside a call.  The mailbox refuses the
 *   post, the thread frees the job, and the last thread the executor.
 * - The world is simulated.  There is no thread: the loop makes the call when
 *   its time has passed, as many at once as there would be threads.
 *
 * Invariant: whoever has a job owns it.  That is the queue, then a thread, then
 * the mailbox, then the loop; only the future, `all` and what is marked as the
 * loop's are touched from its thread at any time.
 */
#include "thread_pool.h"

#include "alloc.h"
#include "loop.h"
#include "task.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct ouro__job *
job_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro__job, link);
}

static struct ouro__job *
job_of_alive(struct ouro__list *alive)
{
    return OURO_CONTAINER_OF(alive, struct ouro__job, alive);
}

/* Ends. */

/* The lock is not held, and nobody else has it. */
static void
executor_free(struct ouro_executor *executor)
{
    pthread_cond_destroy(&executor->gone);
    pthread_cond_destroy(&executor->work);
    pthread_mutex_destroy(&executor->lock);
    ouro_mailbox_unref(executor->mailbox);
    ouro__free(executor);
}

/* Tell the threads to end, and wait for those that are not inside a call. */
static void
end_threads(struct ouro_executor *executor)
{
    executor->ending = true;
    pthread_cond_broadcast(&executor->work);
    while (executor->threads > executor->busy)
        pthread_cond_wait(&executor->gone, &executor->lock);
}

void
ouro__executor_join(struct ouro_executor *executor)
{
    pthread_mutex_lock(&executor->lock);
    end_threads(executor);
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
    executor_free(executor);
}

static void
forget_job(struct ouro__job *job)
{
    struct ouro_executor *executor = job->executor;

    ouro__list_remove(&job->alive);
    executor->jobs--;
    if (executor->total != NULL)
        --*executor->total;
}

void
ouro__job_end(struct ouro__job *job)
{
    struct ouro_executor *executor = job->executor;

    forget_job(job);
    ouro_future_fini(&job->done);
    job->free(job);
    if (executor->closed && executor->jobs == 0)
        executor_is_drained(executor);
}

/* From the loop: the call was made. */
static void
job_deliver(void *arg)
{
    struct ouro__job *job = arg;

    job->delivered = true;
    if (job->abandoned)
        ouro__job_end(job);
    else
        ouro_future_set_result(&job->done, NULL);
}

/* Threads.  The lock is held where a function does not say otherwise. */

/* NULL: there is none. */
static struct ouro__job *
take_first(struct ouro_executor *executor)
{
    struct ouro__list *link = ouro__list_shift(&executor->queue);

    if (link == NULL)
        return NULL;

    struct ouro__job *job = job_of(link);
    executor->queued--;
    job->begun = true;
    return job;
}

/* Wait for a job and take it; NULL: it is time to end. */
static struct ouro__job *
wait_and_take(struct ouro_executor *executor)
{
    struct timespec until = ouro__deadline(executor->idle_ns);
    struct ouro__job *job;
    int rc = 0;

    while ((job = take_first(executor)) == NULL) {
        if (executor->ending || rc == ETIMEDOUT)
            return NULL;
        rc = pthread_cond_timedwait(&executor->work, &executor->lock, &until);
    }
    return job;
}

/* The mailbox does not take it any more.  It is freed by the thread of the loop
 * until that has left.  What frees it is not ours, so the lock is not held. */
static void
keep_refused(struct ouro_executor *executor, struct ouro__job *job)
{
    job->refused = true;
    if (executor->loop != NULL)
        return;
    pthread_mutex_unlock(&executor->lock);
    job->free(job);
    pthread_mutex_lock(&executor->lock);
}

/* The post is made under the lock, so that a thread that is not busy is done
 * with the loop when it lets go of the lock. */
static void
make_call(struct ouro_executor *executor, struct ouro__job *job)
{
    executor->busy++;
    pthread_mutex_unlock(&executor->lock);
    job->run(job);
    pthread_mutex_lock(&executor->lock);

    int rc =
        ouro_mailbox_post(executor->mailbox, &job->handle, job_deliver, job);
    if (rc < 0)
        keep_refused(executor, job);
    executor->busy--;
}

static void *
thread_main(void *arg)
{
    struct ouro_executor *executor = arg;
    struct ouro__job *job;

    ouro__thread_set_name(executor->name);
    pthread_mutex_lock(&executor->lock);
    while ((job = wait_and_take(executor)) != NULL)
        make_call(executor, job);
    executor->threads--;
    pthread_cond_signal(&executor->gone);
    bool last = executor->left && executor->threads == 0;
    pthread_mutex_unlock(&executor->lock);

    if (last)
        executor_free(executor);
    return NULL;
}

/* Threads outside of a call: each is about to take a job, if there is one. */
static size_t
free_threads(const struct ouro_executor *executor)
{
    return executor->threads - executor->busy;
}

static void
start_thread_if_needed(struct ouro_executor *executor)
{
    if (executor->queued < free_threads(executor)
        || executor->threads >= executor->most_threads)
        return;
    if (ouro__thread_start(thread_main, executor) == 0)
        executor->threads++;
}

static int
give_to_threads(struct ouro_executor *executor, struct ouro__job *job)
{
    start_thread_if_needed(executor);
    if (executor->threads == 0)
        return -EAGAIN;

    size_t taken = free_threads(executor);
    if (executor->queued >= taken
        && executor->queued - taken >= executor->queue_limit)
        return -OURO_ELIMIT;

    ouro__list_append(&executor->queue, &job->link);
    executor->queued++;
    pthread_cond_signal(&executor->work);
    return 0;
}

/* Without threads: `busy` counts the calls whose time passes.  Nobody else
 * wants the lock. */

static void make_simulated_call(void *arg);

static void
start_simulated(struct ouro_executor *executor)
{
    struct ouro__engine *engine = executor->loop->engine;
    struct ouro__job *job;

    while (executor->busy < executor->most_threads
           && (job = take_first(executor)) != NULL) {
        executor->busy++;
        ouro_call_later(executor->loop, &job->handle,
                        engine->ops->job_ns(engine), make_simulated_call, job);
    }
}

/* A thread would have no running loop. */
static void
make_simulated_call(void *arg)
{
    struct ouro__job *job = arg;
    struct ouro_executor *executor = job->executor;
    struct ouro_loop *running = ouro__loop_set_running(NULL);

    job->run(job);
    ouro__loop_set_running(running);
    executor->busy--;
    start_simulated(executor);
    job_deliver(job);
}

static int
give_to_simulation(struct ouro_executor *executor, struct ouro__job *job)
{
    if (executor->queued >= executor->queue_limit)
        return -OURO_ELIMIT;

    ouro__list_append(&executor->queue, &job->link);
    executor->queued++;
    start_simulated(executor);
    return 0;
}

/* Executors, from the loop. */

static void
fill_in(struct ouro_executor *executor,
        const struct ouro_executor_options *options)
{
    strncpy(executor->name, options->name, sizeof(executor->name) - 1);
    executor->most_threads = options->threads;
    executor->queue_limit = options->queue_limit;
    executor->idle_ns = options->idle_ns;
}

struct ouro_executor *
ouro__executor_make(struct ouro_loop *loop,
                    const struct ouro_executor_options *options, size_t *total)
{
    struct ouro_executor *executor = ouro__alloc_zeroed(sizeof(*executor));

    if (executor == NULL)
        return NULL;
    fill_in(executor, options);
    executor->loop = loop;
    executor->mailbox = ouro_loop_mailbox(loop);
    executor->total = total;
    executor->simulated = loop->engine->ops->job_ns != NULL;
    ouro_future_init(&executor->drained, loop);
    ouro__list_init(&executor->all);
    ouro__list_init(&executor->queue);
    pthread_mutex_init(&executor->lock, NULL);
    ouro__thread_condition_init(&executor->work);
    ouro__thread_condition_init(&executor->gone);
    return executor;
}

static int
submit(struct ouro_executor *executor, struct ouro__job *job)
{
    if (executor->closed)
        return -ESHUTDOWN;
    pthread_mutex_lock(&executor->lock);
    int rc = executor->simulated ? give_to_simulation(executor, job)
                                 : give_to_threads(executor, job);
    pthread_mutex_unlock(&executor->lock);
    return rc;
}

/* Take it out of the queue, if it is there. */
static bool
withdraw(struct ouro_executor *executor, struct ouro__job *job)
{
    pthread_mutex_lock(&executor->lock);
    bool queued = ouro__list_is_linked(&job->link);
    if (queued) {
        ouro__list_remove(&job->link);
        executor->queued--;
    }
    pthread_mutex_unlock(&executor->lock);
    return queued;
}

/* The task that waits was cancelled.  Returns whether it may leave. */
static bool
leave(struct ouro_executor *executor, struct ouro__job *job)
{
    if (withdraw(executor, job)) {
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
    int rc = submit(executor, job);
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
        ouro__loop_report(executor->loop, "a call on a thread did not end",
                          -ETIMEDOUT, job->name, job->site);
    }
}

/* Its waiter ends the job. */
static void
fail_queued(struct ouro_executor *executor)
{
    struct ouro__list *link;

    pthread_mutex_lock(&executor->lock);
    while ((link = ouro__list_shift(&executor->queue)) != NULL)
        ouro_future_set_error(&job_of(link)->done, -ESHUTDOWN);
    executor->queued = 0;
    pthread_mutex_unlock(&executor->lock);
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
    end_threads(executor);
    executor->left = true;
    bool last = executor->threads == 0;
    pthread_mutex_unlock(&executor->lock);

    free_all(&dropped);
    if (last)
        executor_free(executor);
    return borrowed;
}
