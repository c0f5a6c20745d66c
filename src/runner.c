/* SPDX-License-Identifier: MIT */
/* A loop for several mains, one after the other, and a good end for it.
 *
 * The loop is made when it is first needed, and belongs to the thread that does
 * that.  Signals are handled from the beginning of each run, and of the end, to
 * its own end: in between they are the program's.
 */
#include "runner.h"

#include "alloc.h"
#include "loop.h"
#include "overflow.h"

#include <ouro/dump.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>

void
ouro__runner_init(struct ouro_runner *runner,
                  const struct ouro_run_options *options)
{
    *runner = (struct ouro_runner){0};
    if (options != NULL)
        runner->options = *options;
}

void
ouro__runner_fini(struct ouro_runner *runner)
{
    runner->mailbox = ouro_mailbox_unref(runner->mailbox);
}

/* Its loop. */

static int
new_loop(struct ouro_loop **out_loop, const struct ouro_run_options *options)
{
    struct ouro_loop_options wanted = options->loop;
    struct ouro_report report;

    if (wanted.report == NULL)
        wanted.report = &report;
    if (wanted.exception_handler == NULL)
        wanted.exception_handler = ouro_print_exception;
    int rc = ouro_loop_new(out_loop, &wanted);
    if (rc < 0 && options->loop.report == NULL)
        fprintf(stderr, "ouro: %s\n", report.text);
    return rc;
}

static int
choose_executor(struct ouro_loop *loop,
                const struct ouro_executor_options *options)
{
    struct ouro_executor *executor;

    if (options == NULL)
        return 0;
    int rc = ouro_executor_new(&executor, loop, options);
    if (rc == 0)
        ouro_set_default_executor(executor);
    return rc;
}

/* A loop that nobody can watch runs all the same. */
static int
watch_stalls(struct ouro_loop *loop, const struct ouro_run_options *options)
{
    if (options->no_stall_report)
        return 0;
    int rc = ouro_loop_watch_stalls(loop, options->stalls);
    return rc == -EINVAL ? rc : 0;
}

/* The loop takes it back when it ends. */
static int
dump_on_signal(struct ouro_runner *runner, struct ouro_loop *loop)
{
    int number = runner->options.dump_signal;

    if (number == 0)
        return 0;
    if (!runner->options.no_signals && (number == SIGINT || number == SIGTERM))
        return -EINVAL; /* each can have one meaning */
    return ouro_dump_on_signal(loop, &runner->dump, number);
}

int
ouro__runner_make_loop(struct ouro_runner *runner)
{
    if (runner->closed)
        return -ESHUTDOWN;
    if (runner->loop != NULL)
        return 0;

    struct ouro_loop *loop;
    int rc = new_loop(&loop, &runner->options);
    if (rc < 0)
        return rc;
    rc = choose_executor(loop, runner->options.executor);
    if (rc == 0)
        rc = dump_on_signal(runner, loop);
    if (rc == 0)
        rc = watch_stalls(loop, &runner->options);
    if (rc < 0) {
        ouro_loop_free(loop);
        return rc;
    }
    runner->loop = loop;
    runner->mailbox = ouro_loop_mailbox(loop);
    runner->signals.mailbox = runner->mailbox;
    return 0;
}

/* The handlers of signals. */

void
ouro__runner_hold(struct ouro_runner *runner)
{
    if (runner->held++ > 0)
        return;
    if (!runner->options.no_signals)
        ouro__run_signals_take(&runner->signals);
    runner->overflow =
        !runner->options.no_overflow_report && ouro__overflow_report_begin();
}

void
ouro__runner_release(struct ouro_runner *runner)
{
    if (--runner->held > 0)
        return;
    if (runner->overflow)
        ouro__overflow_report_end();
    ouro__run_signals_give_back(&runner->signals);
}

/* What it does. */

static int
run_task(struct ouro_runner *runner, struct ouro_task *task)
{
    struct ouro__run_signals *signals = &runner->signals;

    if (runner->held == 0)
        atomic_store(&signals->came, 0);
    signals->interrupted = false;
    signals->main = task;
    ouro__runner_hold(runner);

    int rc;
    do
        rc = ouro_loop_run_until_complete(runner->loop, ouro_task_future(task));
    while (rc == -OURO_ESTOPPED); /* main decides when it is over */

    ouro__runner_release(runner);
    signals->main = NULL;
    rc = ouro_task_result(task);
    return rc == -ECANCELED && signals->interrupted ? -EINTR : rc;
}

int
ouro_runner_run(struct ouro_runner *runner, ouro_task_fn *main, void *arg)
{
    struct ouro_task *task;

    int rc = ouro__runner_make_loop(runner);
    if (rc < 0)
        return rc;
    rc = ouro__create_task(runner->loop, &task, main, arg, "main", OURO_HERE);
    if (rc < 0) {
        ouro__loop_report(runner->loop, "the main task could not be started",
                          rc, NULL, NULL);
        return rc;
    }

    rc = run_task(runner, task);
    ouro_task_unref(task);
    return rc;
}

int
ouro_runner_close(struct ouro_runner *runner)
{
    runner->closed = true;
    if (runner->loop == NULL)
        return 0;

    ouro__runner_hold(runner);
    int rc = ouro__end_everything(runner->loop, &runner->options);
    ouro_loop_free(runner->loop);
    runner->loop = NULL;
    ouro__runner_release(runner);
    return rc;
}

int
ouro_runner_new(struct ouro_runner **out_runner,
                const struct ouro_run_options *options)
{
    struct ouro_runner *runner = ouro__alloc(sizeof(*runner));

    if (runner == NULL)
        return -ENOMEM;
    ouro__runner_init(runner, options);
    *out_runner = runner;
    return 0;
}

struct ouro_loop *
ouro_runner_loop(struct ouro_runner *runner)
{
    return ouro__runner_make_loop(runner) == 0 ? runner->loop : NULL;
}

void
ouro_runner_free(struct ouro_runner *runner)
{
    if (runner == NULL)
        return;
    (void)ouro_runner_close(runner);
    ouro__runner_fini(runner);
    ouro__free(runner);
}
