/* SPDX-License-Identifier: MIT */
#ifndef OURO_RUN_H
#define OURO_RUN_H

#include <ouro/executor.h>
#include <ouro/stall.h>
#include <ouro/task.h>

OURO_BEGIN_DECLS

/** How to run a program.  All zero is a good program. */
struct ouro_run_options {
    struct ouro_loop_options loop;
    int64_t cancel_limit_ns;  /* for tasks that are left at the end; 0: that of
                                 loop, which is 30 s */
    int64_t join_limit_ns;    /* for calls on threads; 0: 300 s */
    int64_t resolve_limit_ns; /* for lookups that libc is still in; 0: 1 s */
    const struct ouro_executor_options *executor; /* of the loop; NULL:
                                                     defaults; borrowed */
    int dump_signal; /* that asks for a dump of all tasks, on stderr:
                        SIGQUIT, say; see <ouro/dump.h>; 0: none */
    const struct ouro_stall_options *stalls; /* what holds the loop too long;
                                                NULL: defaults; borrowed */
    bool no_stall_report;    /* let calls hold it as long as they like */
    bool no_signals;         /* leave SIGINT and SIGTERM alone */
    bool no_overflow_report; /* leave SIGSEGV alone */
};

/**
 * Make a loop, run `main(arg)` in it as a task, free it: a program's main.
 *
 * The first SIGINT or SIGTERM cancels `main`, the second kills; what was there
 * for the two before is there again afterwards.  What nobody else can be told
 * goes to stderr, unless options.loop names another handler; so does the
 * overflow of a task's stack, if nobody else handles SIGSEGV, and each call
 * that holds the loop for too long, while it does; see <ouro/stall.h>.
 *
 * When `main` returns, what is left is ended, in this order and each with a
 * limit; what does not end is reported.  Tasks are cancelled and waited for,
 * and one that fails then is reported.  Those that such tasks start meanwhile
 * are cancelled when those have ended, or when half of the time has passed.
 * Connections are closed, so that what was written leaves.  Executors take no
 * more calls, and those that were accepted are waited for; so are lookups of
 * names.
 *
 * Returns what `main` returned, or why there is no loop; see ouro_loop_new().
 *   -ENOMEM     there is a loop, and no memory for its first task
 *   -EINVAL     dump_signal cannot be handled, or is one of the two; or
 *               the limit of the stalls is out of its range
 *   -EINTR      a signal cancelled `main`, and it ended with -ECANCELED for
 *               that
 *   -ETIMEDOUT  `main` did not fail, but a task did not end, or a call on a
 *               thread
 */
int ouro_run(ouro_task_fn *main, void *arg);

/** The same with options, which are borrowed.  NULL: defaults. */
int ouro_run_with(ouro_task_fn *main, void *arg,
                  const struct ouro_run_options *options);

/**
 * ouro_run() in pieces: several runs on one loop, for tests and shells.
 *
 * Tasks that a run leaves go on with the next.
 */
struct ouro_runner;

/**
 * Make a runner.  The loop is made when it is first needed.
 *
 * `options` are copied, but for what they point to.  NULL: defaults.
 *   -ENOMEM  no memory
 */
OURO_MUST_USE int ouro_runner_new(struct ouro_runner **out_runner,
                                  const struct ouro_run_options *options);

/** Its loop, made now if need be; NULL: there is none, as ouro_run() tells. */
struct ouro_loop *ouro_runner_loop(struct ouro_runner *runner);

/**
 * Run `main(arg)` as a task until it returns.  Not inside a run.
 *
 * Signals are handled meanwhile, as ouro_run() does it.  Returns what `main`
 * returned, or why there is no loop.
 *   -EINTR      a signal cancelled `main`, and it ended with -ECANCELED for
 *               that
 *   -ESHUTDOWN  the runner was closed
 */
int ouro_runner_run(struct ouro_runner *runner, ouro_task_fn *main, void *arg);

/**
 * End what is left, as ouro_run() does it, and the loop.  Again is nothing.
 *
 * Returns 0.
 *   -ETIMEDOUT  a task did not end, or a call on a thread
 */
int ouro_runner_close(struct ouro_runner *runner);

/** Close and free it.  NULL is nothing. */
void ouro_runner_free(struct ouro_runner *runner);

OURO_END_DECLS

#endif
