/* SPDX-License-Identifier: MIT */
/* The parts of a runner. */
#ifndef OURO_RUNNER_H
#define OURO_RUNNER_H

#include <ouro/run.h>
#include <ouro/signals.h>

#include <signal.h>
#include <stdatomic.h>

/* SIGINT and SIGTERM. */
enum { OURO__RUN_SIGNALS = 2 };

/* What signals do to a main; see run_signals.c. */
struct ouro__run_signals {
    struct ouro_mailbox *mailbox; /* borrowed */
    struct ouro_task *main;       /* NULL: there is none now; the loop's */
    struct ouro_handle told;      /* posted by the handler */
    atomic_uint came;             /* how many */
    bool interrupted;             /* one of them found main alive */
    bool taken;                   /* they come to us */
    struct sigaction previous[OURO__RUN_SIGNALS];
};

struct ouro_runner {
    struct ouro_run_options options;
    struct ouro_loop *loop;       /* NULL: not made yet, or freed again */
    struct ouro_mailbox *mailbox; /* its */
    struct ouro__run_signals signals;
    struct ouro_signal_handler dump; /* as long as the loop */
    unsigned held; /* how many calls want the handlers to be there */
    bool overflow; /* one of them is ours */
    bool closed;
};

/* Let the first signal cancel signals->main, and the second kill.  Nothing if
 * another runner has them. */
void ouro__run_signals_take(struct ouro__run_signals *signals);

/* Put back what was there.  No handler runs any more afterwards. */
void ouro__run_signals_give_back(struct ouro__run_signals *signals);

/* End what is left in `loop`, which does not run; see ouro_run(). */
int ouro__end_everything(struct ouro_loop *loop,
                         const struct ouro_run_options *options);

/* Prepare one; `options` NULL: defaults. */
void ouro__runner_init(struct ouro_runner *runner,
                       const struct ouro_run_options *options);
void ouro__runner_fini(struct ouro_runner *runner);

/* Make the loop if it is not there. */
OURO_MUST_USE int ouro__runner_make_loop(struct ouro_runner *runner);

/* From hold to release the handlers of signals are there. */
void ouro__runner_hold(struct ouro_runner *runner);
void ouro__runner_release(struct ouro_runner *runner);

#endif
