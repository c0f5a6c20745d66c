/* SPDX-License-Identifier: MIT */
/* A program's main: make a loop, run a task in it, end everything.
 *
 * The end, in order: tasks that are left are cancelled and waited for; then
 * connections that are open are closed, so that what was written leaves; then
 * the loop is freed, which reports what there still is.  Both waits share one
 * limit.  A signal that comes meanwhile has no main to cancel, if it is the
 * first; the second kills, as ever.
 */
#include "mailbox.h"
#include "overflow.h"
#include "task.h"

#include <ouro/run.h>
#include <ouro/transport_impl.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static const int handled[] = {SIGINT, SIGTERM};
enum { HANDLED = sizeof(handled) / sizeof(handled[0]) };

struct run {
    struct ouro_loop *loop;
    struct ouro_task *main;
    struct ouro_handle told; /* posted by the signal handler */
    struct ouro_mailbox *mailbox;
    atomic_uint signals; /* that came */
    bool interrupted;    /* one of them found main alive */
    struct sigaction previous[HANDLED];
};

/* Signals are the process's: one run at a time has them.  A forked child has
 * the handler, and its parent's run, which is none of its own. */
static _Atomic(struct run *) signalled;
static atomic_int signalled_pid;
static atomic_uint handlers; /* that run now, on any thread */

/* Signals. */

static void
cancel_main(void *arg)
{
    struct run *run = arg;

    if (run->main == NULL || ouro_task_is_done(run->main))
        return;
    run->interrupted = true;
    ouro_task_cancel(run->main);
}

/* Whether it is the first, and there is a main to be told of it. */
static bool
tell_main(struct run *run)
{
    return run != NULL && atomic_load(&signalled_pid) == getpid()
           && atomic_fetch_add(&run->signals, 1) == 0
           && ouro_mailbox_post(run->mailbox, &run->told, cancel_main, run)
                  == 0;
}

static void
signal_came(int number)
{
    int error = errno;

    atomic_fetch_add(&handlers, 1);
    if (!tell_main(atomic_load(&signalled))) {
        struct sigaction fatal = {.sa_handler = SIG_DFL};

        (void)sigaction(number, &fatal, NULL);
        (void)raise(number);
    }
    atomic_fetch_sub(&handlers, 1);
    errno = error;
}

static bool
take_signals(struct run *run)
{
    struct run *nobody = NULL;
    struct sigaction action = {.sa_handler = signal_came};

    if (atomic_load(&signalled_pid) != getpid()) { /* what a parent left */
        atomic_store(&signalled, NULL);
        atomic_store(&handlers, 0);
        atomic_store(&signalled_pid, getpid());
    }
    if (!atomic_compare_exchange_strong(&signalled, &nobody, run))
        return false;
    for (size_t i = 0; i < HANDLED; i++)
        (void)sigaction(handled[i], &action, &run->previous[i]);
    return true;
}

/* A handler may have begun on another thread, and then it has `run` in its
 * hands; it does not wait for anything. */
static void
give_signals_back(struct run *run)
{
    for (size_t i = 0; i < HANDLED; i++)
        (void)sigaction(handled[i], &run->previous[i], NULL);
    atomic_store(&signalled, NULL);
    while (atomic_load(&handlers) > 0)
        sched_yield();
}

/* The end. */

static void
wake(void *arg)
{
    (void)arg;
}

/* Turn the loop until `*left` is 0, or `deadline_ns` has passed. */
static void
wait_for_none(struct ouro_loop *loop, const size_t *left, int64_t deadline_ns)
{
    struct ouro_handle deadline = {0};

    ouro_call_at(loop, &deadline, deadline_ns, wake, NULL);
    ouro__loop_begin_run(loop);
    while (*left > 0 && ouro_handle_is_pending(&deadline)) {
        loop->stopping = false; /* it is over when nothing is left */
        ouro__loop_turn(loop, true);
    }
    ouro__loop_end_run(loop);
    ouro_handle_cancel(&deadline);
}

static void
cancel_tasks(struct ouro__tasks *tasks)
{
    ouro__list_for_each (link, &tasks->all) {
        ouro_task_cancel(OURO_CONTAINER_OF(link, struct ouro_task, link));
    }
}

static void
report_stubborn(struct ouro__tasks *tasks)
{
    ouro__list_for_each (link, &tasks->all) {
        struct ouro_task *task =
            OURO_CONTAINER_OF(link, struct ouro_task, link);

        if (!ouro_task_is_done(task))
            ouro__loop_report(tasks->loop,
                              "a task did not end although it was cancelled",
                              -ETIMEDOUT, task->name, task->site);
    }
}

static void
close_transports(struct ouro_loop *loop)
{
    ouro__list_for_each (link, &loop->transports) {
        ouro_transport_close(
            OURO_CONTAINER_OF(link, struct ouro_transport, link));
    }
}

/* Returns 0, or -ETIMEDOUT if tasks are still there. */
static int
end_everything(struct ouro_loop *loop, int64_t limit_ns)
{
    int64_t now_ns = ouro_loop_time_ns(loop);
    int64_t deadline_ns =
        limit_ns > OURO_FOREVER - now_ns ? OURO_FOREVER : now_ns + limit_ns;
    struct ouro__tasks *tasks = loop->floors[OURO__FLOOR_TASK];

    cancel_tasks(tasks);
    wait_for_none(loop, &loop->stats.tasks, deadline_ns);
    close_transports(loop);
    wait_for_none(loop, &loop->stats.transports, deadline_ns);
    if (loop->stats.tasks == 0)
        return 0;
    report_stubborn(tasks);
    return -ETIMEDOUT;
}

/* The run. */

static int
run_main(struct run *run, const struct ouro_run_options *options)
{
    int64_t limit_ns = options->cancel_limit_ns != 0 ? options->cancel_limit_ns
                                                     : OURO_SECONDS(30);
    struct ouro_future *done = ouro_task_future(run->main);

    int rc;

    do
        rc = ouro_loop_run_until_complete(run->loop, done);
    while (rc == -OURO_ESTOPPED); /* main decides when it is over */

    int result = ouro_task_result(run->main);
    rc = end_everything(run->loop, limit_ns);
    if (result == -ECANCELED && run->interrupted)
        return -EINTR;
    return result < 0 || rc == 0 ? result : rc;
}

static int
run_with_signals(struct run *run, const struct ouro_run_options *options)
{
    bool signals = !options->no_signals && take_signals(run);
    bool overflow =
        !options->no_overflow_report && ouro__overflow_report_begin();
    int result = run_main(run, options);

    if (overflow)
        ouro__overflow_report_end();
    if (signals)
        give_signals_back(run);
    return result;
}

static int
new_loop(struct ouro_loop **out_loop, const struct ouro_run_options *options)
{
    struct ouro_loop_options wanted = options->loop;
    struct ouro_report report = {"no memory for a loop"};

    if (wanted.report == NULL)
        wanted.report = &report;
    if (wanted.exception_handler == NULL)
        wanted.exception_handler = ouro_print_exception;
    int rc = ouro_loop_new(out_loop, &wanted);
    if (rc < 0 && options->loop.report == NULL)
        fprintf(stderr, "ouro: %s\n", report.text);
    return rc;
}

int
ouro_run_with(ouro_task_fn *main, void *arg,
              const struct ouro_run_options *options)
{
    static const struct ouro_run_options defaults;
    struct run run = {0};

    options = options != NULL ? options : &defaults;
    int rc = new_loop(&run.loop, options);
    if (rc < 0)
        return rc;

    run.mailbox = ouro_loop_mailbox(run.loop);
    rc = ouro__create_task(run.loop, &run.main, main, arg, "main", OURO_HERE);
    if (rc == 0)
        rc = run_with_signals(&run, options);
    run.main = ouro_task_unref(run.main);
    ouro_mailbox_unref(run.mailbox);
    ouro_loop_free(run.loop);
    return rc;
}

int
ouro_run(ouro_task_fn *main, void *arg)
{
    return ouro_run_with(main, arg, NULL);
}
