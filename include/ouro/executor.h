/* SPDX-License-Identifier: MIT */
#ifndef OURO_EXECUTOR_H
#define OURO_EXECUTOR_H

#include <ouro/task.h>

OURO_BEGIN_DECLS

/**
 * Threads for calls that block: reading files, hashing, libraries of others.
 *
 * Every loop has one, made with its first call; that is what NULL means below.
 * More can be made, so that slow calls of one kind do not hold up another kind.
 * The threads start one by one when they are needed, get no signals, and end
 * when they were idle for a while.
 *
 * An executor belongs to the thread of its loop, as tasks do, and ends with the
 * loop at the latest.  In a simulation there are no threads: the calls are made
 * by the loop, in order; see ouro_sim_set_job_time().
 */
struct ouro_executor;

/** How to make one.  All zero is a good executor. */
struct ouro_executor_options {
    const char *name;   /* of its threads, copied, cut at 15 bytes; NULL:
                           "ouro-worker" */
    size_t threads;     /* at most; 0: the processors + 4, 32 at most */
    size_t queue_limit; /* calls that wait for a thread; 0: 65536 */
    int64_t idle_ns;    /* a thread without work ends after it; 0: 5 s */
};

/**
 * Make an executor for `loop`; NULL: the running one.  It starts no thread.
 *
 * On success `*out_executor` is it; on failure that is left alone.  `options`
 * are copied; NULL: defaults.
 *   -ENOMEM  no memory
 */
OURO_MUST_USE int
ouro_executor_new(struct ouro_executor **out_executor, struct ouro_loop *loop,
                  const struct ouro_executor_options *options);

/**
 * Free an executor, which no task shuts down.  NULL is nothing.  Never waits.
 *
 * Calls that a thread makes are made to their end, and who waits for one gets
 * its result; calls that no thread has taken fail with -ESHUTDOWN.
 */
void ouro_executor_free(struct ouro_executor *executor);

/**
 * Let `executor` be what NULL means for its loop, which takes it.
 *
 * The one it was before is freed, as ouro_executor_free() does it.
 */
void ouro_set_default_executor(struct ouro_executor *executor);

/**
 * Accept no more calls, and wait until those that were accepted are made, and
 * the threads have ended.
 *
 * Returns 0.
 *   -ETIMEDOUT  `limit_ns` has passed; each call that is still made is reported
 *               to the exception handler, once, and its thread left alone
 *   -ECANCELED  the running task was cancelled; it accepts no calls all the
 *               same
 *   -ENOMEM     no memory for the executor of the loop
 */
OURO_SUSPENDS int ouro_executor_shutdown(struct ouro_executor *executor,
                                         int64_t limit_ns);

/** How many threads it has. */
size_t ouro_executor_threads(struct ouro_executor *executor);

/**
 * What a thread is to call.  It runs beside the loop, so it uses nothing of the
 * loop but ouro_mailbox_post() and what else says that any thread may.
 * It returns 0 or more, or a negative error.
 */
typedef int ouro_job_fn(void *arg);

/** Give back what a block owns.  On any thread. */
typedef void ouro_discard_fn(void *block);

/**
 * Call `fn` on a thread, on a copy of `block`, and suspend until it returns.
 *
 * The call owns the copy, of `size` bytes, so a task that is cancelled leaves
 * at once, and nobody uses its frame.  When the call has returned, the copy is
 * copied back, so `fn` writes its results there.  What pointers in the block
 * point to must live as long as the call: to give memory away with a call, or
 * get some from it, use ouro_run_in_executor_take().
 *
 * Returns what `fn` returned, and `block` is as `fn` left it; or one of these,
 * and `block` is untouched:
 *   -ECANCELED   the running task was cancelled; a call that has begun goes on
 *   -OURO_ELIMIT options.queue_limit calls wait already
 *   -EAGAIN      no thread could be started, and there is none
 *   -ENOMEM      no memory
 *   -ESHUTDOWN   the executor was shut down or freed
 */
#define ouro_run_in_executor(executor, fn, block, size) \
    ouro__run_in_executor(executor, fn, NULL, block, size, #fn, OURO_HERE)

/**
 * The same, where the block owns something: memory, a descriptor.
 *
 * It is taken, always: either `fn` is called and the block comes back as it
 * left it, or `discard` is called for the copy, once, and the caller's `block`
 * is all zero.  So the caller frees what the block has in every case.
 */
#define ouro_run_in_executor_take(executor, fn, discard, block, size) \
    ouro__run_in_executor(executor, fn, discard, block, size, #fn, OURO_HERE)

OURO_SUSPENDS int ouro__run_in_executor(struct ouro_executor *executor,
                                        ouro_job_fn *fn,
                                        ouro_discard_fn *discard, void *block,
                                        size_t size, const char *name,
                                        const char *site);

/**
 * Call `fn(arg)` on a thread of the loop's executor, and suspend until it
 * returns.
 *
 * `arg` is borrowed, so it may be the frame of the task.  Therefore a task that
 * is cancelled waits all the same until a call that has begun has returned;
 * then this returns what `fn` returned, and the next call that suspends fails.
 * Needs no memory.
 *
 * Returns what `fn` returned, or one of these, and `fn` was not called:
 *   -ECANCELED   the running task was cancelled, and no thread had taken it
 *   -OURO_ELIMIT, -EAGAIN, -ESHUTDOWN  as in ouro_run_in_executor()
 *   -ENOMEM      no memory for the executor of the loop
 */
#define ouro_to_thread(fn, arg) ouro_to_thread_of(NULL, fn, arg)

/** The same for another executor. */
#define ouro_to_thread_of(executor, fn, arg) \
    ouro__to_thread(executor, fn, arg, #fn, OURO_HERE)

OURO_SUSPENDS int ouro__to_thread(struct ouro_executor *executor,
                                  ouro_job_fn *fn, void *arg, const char *name,
                                  const char *site);

OURO_END_DECLS

#endif
