/* SPDX-License-Identifier: MIT */
/* The threads of an executor, and the queue they take jobs from. */
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

/* Free its memory.  It has no threads, and nobody holds its lock. */
void ouro__executor_free(struct ouro_executor *executor);

/*
 * Queue `job` for a thread, which may have to be started.  When it has been
 * called, ouro__job_deliver() is called for it from the loop.
 *
 * Returns 0.  On an error the job is still yours.
 *   -OURO_ELIMIT  the queue is full
 *   -EAGAIN       no thread could be started, and there is none
 */
OURO_MUST_USE int ouro__executor_give(struct ouro_executor *executor,
                                      struct ouro__job *job);

/* Take it out of the queue.  Returns whether it was there. */
bool ouro__executor_take_back(struct ouro_executor *executor,
                              struct ouro__job *job);

/* Tell the threads to end, and wait for those that are not inside a call.  The
 * lock is held. */
void ouro__executor_end_threads(struct ouro_executor *executor);

/* A job, `arg`, was called, and this is the loop; it is in job.c. */
void ouro__job_deliver(void *arg);

#endif
