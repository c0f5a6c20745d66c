/* SPDX-License-Identifier: MIT */
/* Signals of other threads and processes, and loops that sleep.  Row A82 of the
 * list of behaviours on the real engine. */
#include "ouro_test.h"

#include "mailbox.h"
#include "peer.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 1000, STORM = 100000, CHANGES = 300, CALLS = 100 };

/* A loop, and somebody who sends signals to its process. */
struct fixture {
    struct ouro_loop *loop;
    struct ouro_signal_handler handler;
    struct peer sender;
    int told[2]; /* a pipe: a byte for each signal that may be sent */
    unsigned calls;
    atomic_uint sent;
    atomic_bool over;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_ok(pipe(f->told));
    assert_ok(ouro_loop_new(&f->loop, NULL));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_loop_free(f->loop);
    close(f->told[0]);
    close(f->told[1]);
    free(f);
    return 0;
}

/* A loop that sleeps. */

static int
send_when_told(void *arg)
{
    struct fixture *f = arg;
    char byte;

    for (int i = 0; i < ROUNDS; i++) {
        if (read(f->told[0], &byte, 1) != 1 || kill(getpid(), SIGUSR1) < 0)
            return -errno;
    }
    return 0;
}

static void
call_again(void *arg)
{
    struct fixture *f = arg;

    if (++f->calls == ROUNDS)
        ouro_loop_stop(f->loop);
    else
        assert_int_equal(write(f->told[1], "x", 1), 1);
}

static void
each_signal_wakes_a_loop_that_sleeps(void **state)
{
    struct fixture *f = *state;

    assert_ok(
        ouro_add_signal_handler(f->loop, &f->handler, SIGUSR1, call_again, f));
    peer_start(&f->sender, send_when_told, f);
    assert_int_equal(write(f->told[1], "x", 1), 1);
    ouro_loop_run_forever(f->loop);

    assert_ok(peer_join(&f->sender));
    assert_int_equal(f->calls, ROUNDS);
    assert_true(ouro_remove_signal_handler(&f->handler));
}

/* A storm. */

/* Half of them to this thread, which then posts from outside of the loop.  It
 * takes them, as other peers do not: else the last would come to nobody. */
static int
send_a_storm(void *arg)
{
    struct fixture *f = arg;
    sigset_t storm;

    sigemptyset(&storm);
    sigaddset(&storm, SIGUSR1);
    if (pthread_sigmask(SIG_UNBLOCK, &storm, NULL) != 0)
        return -EINVAL;
    for (unsigned i = 1; i <= STORM; i++) {
        atomic_store(&f->sent, i);
        if ((i % 2 == 0 ? raise(SIGUSR1) : kill(getpid(), SIGUSR1)) < 0)
            return -errno;
    }
    return 0;
}

/* What it looks at is as new as the signal: none may come after the last. */
static void
look_at_the_storm(void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    if (atomic_load(&f->sent) == STORM)
        ouro_loop_stop(f->loop);
}

static void
the_last_signal_of_a_storm_is_heard(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_add_signal_handler(f->loop, &f->handler, SIGUSR1,
                                      look_at_the_storm, f));
    peer_start(&f->sender, send_a_storm, f);
    ouro_loop_run_forever(f->loop);

    assert_ok(peer_join(&f->sender));
    assert_in_range(f->calls, 1, STORM);
    assert_true(ouro_remove_signal_handler(&f->handler));
}

/* Handlers that come and go under fire. */

/* It yields, or the other thread would do nothing but take signals. */
static int
send_all_the_time(void *arg)
{
    struct fixture *f = arg;

    while (!atomic_load(&f->over)) {
        (void)sched_yield();
        if (kill(getpid(), SIGUSR2) < 0)
            return -errno;
    }
    return 0;
}

static void
count_call(void *arg)
{
    struct fixture *f = arg;

    f->calls++;
}

/* The second turn calls it for what came in the first. */
static int
come_and_go(void *arg)
{
    struct fixture *f = arg;
    int rc = 0;

    for (int i = 0; rc == 0 && (i < CHANGES || f->calls < CALLS); i++) {
        rc = ouro_add_signal_handler(f->loop, &f->handler, SIGUSR2, count_call,
                                     f);
        for (int turn = 0; rc == 0 && turn < 2; turn++)
            rc = ouro_sleep(0);
        ouro_remove_signal_handler(&f->handler);
    }
    atomic_store(&f->over, true);
    return rc;
}

static int
run_to_end(struct ouro_loop *loop, ouro_task_fn *fn, void *arg)
{
    struct ouro_task *task;

    int rc = ouro_loop_create_task(loop, &task, fn, arg);
    if (rc == 0)
        rc = ouro_loop_run_until_complete(loop, ouro_task_future(task));
    ouro_task_unref(task);
    return rc;
}

static void
handlers_may_come_and_go_while_signals_come(void **state)
{
    struct fixture *f = *state;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction after;

    assert_ok(sigaction(SIGUSR2, &ignore, NULL));
    peer_start(&f->sender, send_all_the_time, f);
    assert_ok(run_to_end(f->loop, come_and_go, f));
    assert_ok(peer_join(&f->sender));

    ignore.sa_handler = SIG_DFL;
    assert_ok(sigaction(SIGUSR2, &ignore, &after));
    assert_ptr_equal(after.sa_handler, SIG_IGN);
    assert_true(f->calls >= CALLS);
}

/* Loops of other threads. */

static int
wait_on_its_own_thread(void *arg)
{
    struct fixture *f = arg;
    struct ouro_signals signals;
    int number = SIGUSR1;

    int rc = ouro_signals_begin(&signals, &number, 1);
    if (rc < 0)
        return rc;
    (void)!write(f->told[1], "x", 1);
    f->calls = (unsigned)ouro_signals_wait(&signals);
    ouro_signals_end(&signals);
    return 0;
}

static int
run_a_loop(void *arg)
{
    struct ouro_loop *loop;

    int rc = ouro_loop_new(&loop, NULL);
    if (rc < 0)
        return rc;
    rc = run_to_end(loop, wait_on_its_own_thread, arg);
    ouro_loop_free(loop);
    return rc;
}

static void
loops_of_several_threads_all_hear_of_a_signal(void **state)
{
    struct fixture *f = *state;
    struct fixture others[3];
    char byte;

    for (size_t i = 0; i < 3; i++) {
        others[i] = (struct fixture){.told = {f->told[0], f->told[1]}};
        peer_start(&others[i].sender, run_a_loop, &others[i]);
    }
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(read(f->told[0], &byte, 1), 1);
    assert_ok(kill(getpid(), SIGUSR1));

    for (size_t i = 0; i < 3; i++) {
        assert_ok(peer_join(&others[i].sender));
        assert_int_equal(others[i].calls, SIGUSR1);
    }
}

/* A thread that was cancelled, and has the signal before it comes to its end.
 */

static void *
raise_when_cancelled(void *arg)
{
    (void)pthread_cancel(pthread_self());
    (void)raise(SIGUSR1);
    pthread_testcancel();
    return arg;
}

static void
stop_the_loop(void *arg)
{
    struct fixture *f = arg;

    f->calls++;
    ouro_loop_stop(f->loop);
}

/* Else the loop would be freed for ever: it waits for whoever is in there. */
static void
a_thread_is_not_cancelled_in_the_midst_of_a_signal(void **state)
{
    struct fixture *f = *state;
    struct ouro_mailbox *mailbox = ouro_loop_mailbox(f->loop);
    pthread_t thread;
    void *end;

    assert_ok(ouro_add_signal_handler(f->loop, &f->handler, SIGUSR1,
                                      stop_the_loop, f));
    assert_true(ouro__mailbox_may_sleep(mailbox));
    ouro_mailbox_unref(mailbox);
    assert_ok(pthread_create(&thread, NULL, raise_when_cancelled, f));
    assert_ok(pthread_join(thread, &end));
    assert_ptr_equal(end, PTHREAD_CANCELED);

    ouro_loop_run_forever(f->loop);
    assert_int_equal(f->calls, 1);
}

/* Beside ouro_run(), which handles SIGTERM as well. */

static int
handle_then_leave_sigterm(void *arg)
{
    struct ouro_signals signals;
    int number = SIGTERM;
    int *seen = arg;

    int rc = ouro_signals_begin(&signals, &number, 1);
    if (rc < 0)
        return rc;
    (void)raise(SIGTERM);
    seen[0] = ouro_signals_wait(&signals);
    ouro_signals_end(&signals);
    (void)raise(SIGTERM);
    seen[1] = ouro_sleep(OURO_SECONDS(10));
    return seen[1];
}

static void
a_handler_comes_before_the_run_which_has_it_back_afterwards(void **state)
{
    int seen[2] = {UNSEEN, UNSEEN};

    (void)state;
    assert_err(ouro_run(handle_then_leave_sigterm, seen), EINTR);
    assert_int_equal(seen[0], SIGTERM);
    assert_err(seen[1], ECANCELED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_signal_wakes_a_loop_that_sleeps),
        TEST(the_last_signal_of_a_storm_is_heard),
        TEST(handlers_may_come_and_go_while_signals_come),
        TEST(loops_of_several_threads_all_hear_of_a_signal),
        TEST(a_thread_is_not_cancelled_in_the_midst_of_a_signal),
        cmocka_unit_test(
            a_handler_comes_before_the_run_which_has_it_back_afterwards),
    };

    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
