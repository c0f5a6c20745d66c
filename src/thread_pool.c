/* SPDX-License-Identifier: MIT */
/* The threads of an executor, and the queue they take jobs from.
 *
 * A thread is started for a job that no other is free to take, makes calls
 * until it was idle for a while, and posts each to the mailbox of the loop.  It
 * holds the lock but for the call and for what frees a job.
 *
 * In a simulated world there is no thread: the loop makes the call when its
 * time has passed, as many at once as there would be threads.
 */
#include "thread_pool.h"

#include "alloc.h"
#include "loop.h"

#include <errno.h>
#include <string.h>

static struct ouro__job *
job_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro__job, link);
}

/* Life. */

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

void
ouro__executor_free(struct ouro_executor *executor)
{
    pthread_cond_destroy(&executor->gone);
    pthread_cond_destroy(&executor->work);
    pthread_mutex_destroy(&executor->lock);
    ouro_mailbox_unref(executor->mailbox);
    ouro__free(executor);
}

void
ouro__executor_end_threads(struct ouro_executor *executor)
{
    executor->ending = true;
    pthread_cond_broadcast(&executor->work);
    while (executor->threads > executor->busy)
        pthread_cond_wait(&executor->gone, &executor->lock);
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

    int rc = ouro_mailbox_post(executor->mailbox, &job->handle,
                               ouro__job_deliver, job);
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
        ouro__executor_free(executor);
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
    ouro__job_deliver(job);
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

/* From the loop. */

int
ouro__executor_give(struct ouro_executor *executor, struct ouro__job *job)
{
    pthread_mutex_lock(&executor->lock);
    int rc = executor->simulated ? give_to_simulation(executor, job)
                                 : give_to_threads(executor, job);
    pthread_mutex_unlock(&executor->lock);
    return rc;
}

bool
ouro__executor_take_back(struct ouro_executor *executor, struct ouro__job *job)
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
