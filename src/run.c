/* SPDX-License-Identifier: MIT */
/* A program's main: make a loop, run a task in it, end everything. */
#include "runner.h"

/* Signals are ours all the time, so that none comes between main and the end,
 * and kills. */
static int
run_to_the_end(struct ouro_runner *runner, ouro_task_fn *main, void *arg)
{
    ouro__runner_hold(runner);
    int result = ouro_runner_run(runner, main, arg);
    int rc = ouro_runner_close(runner);
    ouro__runner_release(runner);
    return result < 0 || rc == 0 ? result : rc;
}

int
ouro_run_with(ouro_task_fn *main, void *arg,
              const struct ouro_run_options *options)
{
    struct ouro_runner runner;

    ouro__runner_init(&runner, options);
    int rc = ouro__runner_make_loop(&runner);
    if (rc == 0)
        rc = run_to_the_end(&runner, main, arg);
    ouro__runner_fini(&runner);
    return rc;
}

int
ouro_run(ouro_task_fn *main, void *arg)
{
    return ouro_run_with(main, arg, NULL);
}
