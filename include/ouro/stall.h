/* SPDX-License-Identifier: MIT */
#ifndef OURO_STALL_H
#define OURO_STALL_H

#include <ouro/loop.h>

OURO_BEGIN_DECLS

/**
 * A call that holds its loop: nothing else of the loop runs meanwhile.
 *
 * All of it is borrowed for the report.
 */
struct ouro_stall {
    int64_t held_ns;  /* so far, at least */
    const char *name; /* of the task; NULL: a callback outside tasks, or the
                         thread did not answer */
    const char *site; /* where the task or the call was made; NULL: unknown */
    void *const *frames; /* where the thread is, innermost first: addresses in
                            functions */
    size_t frame_count;  /* 0: it did not answer, since it blocks signals */
};

/**
 * Hears of a stall while it lasts, on a thread of the library.
 *
 * It uses nothing of any loop but what says that any thread may.  A loop that
 * is freed waits until it has returned.
 */
typedef void ouro_stall_fn(const struct ouro_stall *stall, void *arg);

/** The shipped one: some lines on stderr, with the names of functions. */
void ouro_print_stall(const struct ouro_stall *stall, void *arg);

/** What a stall is, and who is told.  All zero is good. */
struct ouro_stall_options {
    int64_t limit_ns;      /* 0: 0.1 s; at least 1 ms */
    ouro_stall_fn *report; /* NULL: ouro_print_stall() */
    void *arg;
};

/**
 * Report the calls of `loop` that hold it for longer than a limit, while they
 * hold it, each once.  Also replaces the options of a loop that is watched.
 * It ends with the loop.
 *
 * ouro_run() does so by itself; other loops ask.  One thread watches all loops
 * of a process; it starts with the first, ends with the last, and sleeps while
 * they sleep.  To learn where a loop is, it sends its thread a real-time signal
 * that nobody else handled, once per stall: a sleep(3) or poll(2) that holds
 * the loop may end early for that.
 *
 * A call is told of after the limit, and half of that at the most.  The time is
 * the machine's, also where that of a loop is simulated.
 *
 * Returns 0.
 *   -EINVAL  the limit is out of its range
 *   -ENOMEM  no memory
 *   -EAGAIN  no more threads
 */
OURO_MUST_USE int
ouro_loop_watch_stalls(struct ouro_loop *loop,
                       const struct ouro_stall_options *options);

/** No more reports.  Nothing if it is not watched. */
void ouro_loop_unwatch_stalls(struct ouro_loop *loop);

OURO_END_DECLS

#endif
