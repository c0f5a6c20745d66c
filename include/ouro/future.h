/* SPDX-License-Identifier: MIT */
#ifndef OURO_FUTURE_H
#define OURO_FUTURE_H

#include <ouro/loop.h>

OURO_BEGIN_DECLS

/**
 * A value that will be there later.
 *
 * One side completes it, once; any number of tasks await it.  Embed it in the
 * object that completes it: a future is never allocated on its own.  Once it
 * is done, and the result was taken, that object may die: each waiter was given
 * the outcome when it was woken.
 *
 * Belongs to the thread of its loop.
 */
struct ouro_future {
    struct ouro_loop *loop; /* private, as all of it is */
    void *result;           /* when error is 0 */
    const char *site;
    struct ouro__list waiters; /* handles, in the order they came */
    int error;                 /* -EINPROGRESS, then 0 or why there is none */
    bool seen;                 /* somebody looked at the outcome */
    bool of_task;              /* it is the end of one */
};

/** Start `future` as pending.  Cannot fail. */
#define ouro_future_init(future, loop) \
    ouro__future_init(future, loop, OURO_HERE)

void ouro__future_init(struct ouro_future *future, struct ouro_loop *loop,
                       const char *site);

/**
 * End a future.  Nobody may be waiting for it.
 *
 * One that failed and was never looked at is reported to the exception handler.
 */
void ouro_future_fini(struct ouro_future *future);

/**
 * Complete `future` with `result`, with `error` (negative), or with
 * -ECANCELED.  Its waiters run from the loop, never inside this call.
 *
 * Returns 0.
 *   -EALREADY  it was done before; nothing has changed
 */
int ouro_future_set_result(struct ouro_future *future, void *result);
int ouro_future_set_error(struct ouro_future *future, int error);
int ouro_future_cancel(struct ouro_future *future);

/** Whether it has a result, failed, or was cancelled. */
bool ouro_future_is_done(const struct ouro_future *future);

/**
 * Why there is no result: 0 if there is one, -EINPROGRESS if not yet.  Who asks
 * has looked at it.
 */
int ouro_future_error(struct ouro_future *future);

/** The result.  Ask only a future whose error is 0. */
void *ouro_future_result(const struct ouro_future *future);

/**
 * Call `fn(arg)` from the loop when `future` is done, also if it is already.
 *
 * `handle` is the caller's; ouro_handle_cancel() takes the wish back.
 */
void ouro_future_add_done_callback(struct ouro_future *future,
                                   struct ouro_handle *handle,
                                   ouro_callback_fn *fn, void *arg);

/**
 * Suspend the running task until `future` is done.
 *
 * Returns 0, and then there is a result, or the error it was completed with.
 *   -ECANCELED  the running task was cancelled; the future is untouched
 */
OURO_SUSPENDS int ouro_await(struct ouro_future *future);

/**
 * Run the loop until `future` is done.  Not inside a run.
 *
 * Returns what ouro_future_error() says then.
 *   -OURO_ESTOPPED  ouro_loop_stop() came first
 */
OURO_MUST_USE int ouro_loop_run_until_complete(struct ouro_loop *loop,
                                               struct ouro_future *future);

OURO_END_DECLS

#endif
