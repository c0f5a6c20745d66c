/* SPDX-License-Identifier: MIT */
/* Calls on threads, for executors and for the resolver. */
#ifndef OURO_THREAD_POOL_H
#define OURO_THREAD_POOL_H

#include "list.h"
#include "threads.h"

#include <ouro/executor.h>

/*
 * A call on a thread; it stands at the head of what the call is about.
 *
 * Zero it, and fill in the first part.  `run` is called on a thread, at most
 * once.  `free` is called, on any thread, when the job is in no list, and
 * nobody wants what became of it.
 */
struct ouro__job {
    void (*run)(struct ouro__job *job);
    void (*free)(struct ouro__job *job);
    const char *name; /* what is called, and where that was asked for, for */
    const char *site; /* reports; NULL: unknown */
    bool borrows;     /* the frame of who waits, who cannot leave */

    /* Private, as all below is.  The loop's: */
    struct ouro_executor *executor;
    struct ouro__list alive; /* in executor->all */
    struct ouro_future done;
    bool delivered; /* it was made, and the loop knows */
    bool abandoned; /* nobody waits */
    bool reported;  /* that it did not end */

    /* Of the lock of the executor: */
    struct ouro__list link; /* in executor->queue */
    bool begun;             /* a thread took it */
    bool refused;           /* the mailbox was closed */

    struct ouro_handle handle; /* in the mailbox; simulated: a timer */
};

struct ouro_executor {
    struct ouro_loop *loop;       /* NULL once it is gone */
    struct ouro_mailbox *mailbox; /* of the loop; ours, for it may go first */
    struct ouro__list link;       /* in a list of who made it */
    struct ouro__list all;        /* jobs that are not freed; the loop's */
    size_t jobs;                  /* how many */
    size_t *total;                /* where they are counted too, or NULL */
    struct ouro_future drained;   /* no jobs are left, nor can come */
    size_t enders;                /* tasks that are shutting it down */
    bool closed;                  /* it accepts no more */
    bool freed;                   /* by its user; we end with the last job */
    bool simulated;               /* the loop makes the calls */

    char name[OURO__THREAD_NAME_SIZE]; /* as the options have them, filled in */
    size_t most_threads;
    size_t queue_limit;
    int64_t idle_ns;

    pthread_mutex_t lock;    /* for all below */
    pthread_cond_t work;     /* something is queued, or this is the end */
    pthread_cond_t gone;     /* a thread has ended */
    struct ouro__list queue; /* jobs that no thread has taken */
    size_t queued;           /* how many */
    size_t threads;
    size_t busy; /* threads that are inside a call */
    bool ending; /* threads end when there is no work */
    bool left;   /* the loop has gone: the last thread frees us */
};

/* An executor for `loop`, without threads. Options are those of
 * ouro_executor_new(); `total` is where jobs are counted too, or NULL.  NULL:
 * no memory. */
struct ouro_executor *
ouro__executor_make(struct ouro_loop *loop,
                    const struct ouro_executor_options *options, size_t *total);

/*
 * Give `job` to a thread, and suspend until it was made.  Takes the job.
 *
 * Returns 0: it was made, and is yours again, for ouro__job_end().  No
 * checkpoint at the beginning.  On an error it is gone, or will be.
 *   -ECANCELED, -ESHUTDOWN, -OURO_ELIMIT, -EAGAIN  see ouro_run_in_executor()
 */
OURO_SUSPENDS int ouro__executor_run(struct ouro_executor *executor,
                                     struct ouro__job *job);

/* You have taken what you want from it. */
void ouro__job_end(struct ouro__job *job);

/* It accepts no more jobs. */
void ouro__executor_close(struct ouro_executor *executor);

/* Let its threads end, and wait for them.  There are no jobs. */
void ouro__executor_join(struct ouro_executor *executor);

/* Report each call that is still made, and was not reported yet. */
void ouro__executor_report(struct ouro_executor *executor);

/* Its user needs it no longer: fail what no thread has taken, and free it with
 * the last job. */
void ouro__executor_let_go(struct ouro_executor *executor);

/*
 * The loop is being freed: end it, and leave threads that are inside a call to
 * themselves.
 *
 * Returns whether one of them uses the frame of a task.
 */
bool ouro__executor_end(struct ouro_executor *executor);

#endif
