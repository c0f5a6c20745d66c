/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM while a program runs: the first cancels its main, the
 * second kills by the default action.
 *
 * One that comes when main has returned has nothing to cancel, if it is the
 * first; the second kills, as ever.
 */
#include "runner.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

static const int handled[OURO__RUN_SIGNALS] = {SIGINT, SIGTERM};

/* Signals are the process's: one run at a time has them.  A forked child has
 * the handler, and its parent's run, which is none of its own. */
static _Atomic(struct ouro__run_signals *) signalled;
static atomic_int signalled_pid;
static atomic_uint handlers; /* that run now, on any thread */

static void
cancel_main(void *arg)
{
    struct ouro__run_signals *signals = arg;

    if (signals->main == NULL || ouro_task_is_done(signals->main))
        return;
    signals->interrupted = true;
    ouro_task_cancel(signals->main);
}

/* Whether it is the first.  If the loop is gone there is no main to tell. */
static bool
is_first(struct ouro__run_signals *signals)
{
    if (signals == NULL || atomic_load(&signalled_pid) != getpid()
        || atomic_fetch_add(&signals->came, 1) > 0)
        return false;

    int rc = ouro_mailbox_post(signals->mailbox, &signals->told, cancel_main,
                               signals);
    (void)rc;
    return true;
}

static void
signal_came(int number)
{
    int error = errno;

    atomic_fetch_add(&handlers, 1);
    if (!is_first(atomic_load(&signalled))) {
        struct sigaction fatal = {.sa_handler = SIG_DFL};

        (void)sigaction(number, &fatal, NULL);
        (void)raise(number);
    }
    atomic_fetch_sub(&handlers, 1);
    errno = error;
}

void
ouro__run_signals_take(struct ouro__run_signals *signals)
{
    struct ouro__run_signals *nobody = NULL;
    struct sigaction action = {.sa_handler = signal_came};

    if (atomic_load(&signalled_pid) != getpid()) { /* what a parent left */
        atomic_store(&signalled, NULL);
        atomic_store(&handlers, 0);
        atomic_store(&signalled_pid, getpid());
    }
    signals->taken =
        atomic_compare_exchange_strong(&signalled, &nobody, signals);
    for (size_t i = 0; signals->taken && i < OURO__RUN_SIGNALS; i++)
        (void)sigaction(handled[i], &action, &signals->previous[i]);
}

/* A handler may have begun on another thread, and then it has `signals` in its
 * hands; it does not wait for anything. */
void
ouro__run_signals_give_back(struct ouro__run_signals *signals)
{
    if (!signals->taken)
        return;
    for (size_t i = 0; i < OURO__RUN_SIGNALS; i++)
        (void)sigaction(handled[i], &signals->previous[i], NULL);
    atomic_store(&signalled, NULL);
    while (atomic_load(&handlers) > 0)
        sched_yield();
    signals->taken = false;
    (void)ouro_mailbox_cancel(signals->mailbox, &signals->told);
}
