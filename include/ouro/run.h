/* SPDX-License-Identifier: MIT */
#ifndef OURO_RUN_H
#define OURO_RUN_H

#include <ouro/task.h>

OURO_BEGIN_DECLS

/** How to run a program.  All zero is a good program. */
struct ouro_run_options {
    struct ouro_loop_options loop;
    int64_t cancel_limit_ns; /* for tasks that are left; 0: 30 s */
    bool no_signals;         /* leave SIGINT and SIGTERM alone */
    bool no_overflow_report; /* leave SIGSEGV alone */
};

/**
 * Make a loop, run `main(arg)` in it as a task, free it: a program's main.
 *
 * The first SIGINT or SIGTERM cancels `main`, the second kills; what was there
 * for the two before is there again afterwards.  Tasks that are left when
 * `main` returns are cancelled and waited for.  What nobody else can be told
 * goes to stderr, unless options.loop names another handler; so does the
 * overflow of a task's stack, if nobody else handles SIGSEGV.
 *
 * Returns what `main` returned, or why there is no loop; see ouro_loop_new().
 *   -EINTR  a signal cancelled `main`, and it ended with -ECANCELED for that
 */
int ouro_run(ouro_task_fn *main, void *arg);

/** The same with options, which are borrowed.  NULL: defaults. */
int ouro_run_with(ouro_task_fn *main, void *arg,
                  const struct ouro_run_options *options);

OURO_END_DECLS

#endif
