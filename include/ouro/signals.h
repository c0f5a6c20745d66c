/* SPDX-License-Identifier: MIT */
#ifndef OURO_SIGNALS_H
#define OURO_SIGNALS_H

#include <ouro/future.h>

OURO_BEGIN_DECLS

/**
 * Signals of the process, as calls of a loop.
 *
 * The loop touches only the signals it was asked for.  What was done about one
 * before is remembered, and is there again when its last handler goes.  While
 * it has handlers nothing else happens: SIGTERM does not end the program, and
 * does not cancel the main task of ouro_run().
 *
 * A signal that comes several times before the loop looks is told once, as the
 * kernel does.  It must not be blocked in every thread.
 *
 * A forked child has none of the handlers: there signals do again what they
 * did before.
 */

/**
 * A call that the loop makes for a signal.
 *
 * The caller owns it; all zero is an idle one.  It must stay where it is until
 * it has been removed, or until the loop is freed.
 */
struct ouro_signal_handler {
    struct ouro__list link; /* private, as all of it is; of its loop's */
    struct ouro_loop *loop;
    ouro_callback_fn *fn;
    void *arg;
    const char *site;
    struct ouro_handle call;
    uint64_t wanted; /* bit n - 1 is signal n */
    uint64_t came;
    bool is_due; /* some came that it was not called for yet */
};

/**
 * Call `fn(arg)` from the loop whenever signal `number` comes.
 *
 * Several handlers may want the same signal, in one loop or in many, and all
 * are called, those of one loop in the order in which they were added.  A
 * handler is not told of what came before it was added.
 *   -EINVAL  no such signal; or SIGKILL or SIGSTOP, which nobody can handle; or
 *            SIGSEGV, SIGBUS, SIGFPE or SIGILL, which would come for ever
 *   -ENOMEM
 */
#define ouro_add_signal_handler(loop, handler, number, fn, arg) \
    ouro__add_signal_handler(loop, handler, number, fn, arg, OURO_HERE)

OURO_MUST_USE int ouro__add_signal_handler(struct ouro_loop *loop,
                                           struct ouro_signal_handler *handler,
                                           int number, ouro_callback_fn *fn,
                                           void *arg, const char *site);

/**
 * Call it no more.  Its memory is the caller's again, also inside its own call.
 *
 * Returns whether it had been added.
 */
bool ouro_remove_signal_handler(struct ouro_signal_handler *handler);

/**
 * Signals that a task waits for.
 *
 * Lives in the frame of the task, from begin to end.  Only one task at a time
 * waits for them.  What comes between two waits is kept for the next.
 */
struct ouro_signals {
    struct ouro_signal_handler handler; /* private, as all of it is */
    struct ouro_future news;
};

/**
 * From now on catch `count` signals, whose numbers are borrowed.
 *   -EINVAL, -ENOMEM  as above; nothing was begun
 */
OURO_MUST_USE int ouro_signals_begin(struct ouro_signals *signals,
                                     const int *numbers, size_t count);

/**
 * Wait for the next of them.  Returns its number; of several the lowest.
 *   -ECANCELED  the running task was cancelled; what came is kept
 */
OURO_SUSPENDS int ouro_signals_wait(struct ouro_signals *signals);

/** End it.  What came and was not waited for is dropped. */
void ouro_signals_end(struct ouro_signals *signals);

/**
 * Wait for one signal: begin, wait, end.  Returns `number`.
 *
 * Only while it waits: the same signal a moment before or after does what it
 * did before.  To wait again and again, use the three.
 *   -EINVAL, -ENOMEM  as above
 *   -ECANCELED        the running task was cancelled
 */
OURO_SUSPENDS int ouro_wait_signal(int number);

OURO_END_DECLS

#endif
