/* SPDX-License-Identifier: MIT */
/* Signals as what a task waits for.  Row A82 of the list of behaviours. */
#include "ouro_test.h"

#include <signal.h>
#include <stdlib.h>

/* A world, and what its task saw. */
struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro_task *task;
    struct ouro_signals signals;
    int seen[3];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_ok(ouro_sim_new(&f->sim, NULL));
    f->loop = ouro_sim_loop(f->sim);
    for (size_t i = 0; i < 3; i++)
        f->seen[i] = UNSEEN;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    free(f);
    return 0;
}

static void
come(struct fixture *f, int number)
{
    assert_ok(raise(number));
    ouro_sim_turn(f->sim);
}

static bool
is_default(int number)
{
    struct sigaction now;

    assert_ok(sigaction(number, NULL, &now));
    return now.sa_handler == SIG_DFL;
}

/* One, and several. */

static int
wait_for_one(void *arg)
{
    struct fixture *f = arg;

    f->seen[0] = ouro_wait_signal(SIGUSR1);
    return 0;
}

static void
a_task_waits_for_a_signal(void **state)
{
    struct fixture *f = *state;

    start(f->sim, wait_for_one, f);
    assert_int_equal(f->seen[0], UNSEEN);
    assert_ok(raise(SIGUSR1));
    ouro_sim_advance(f->sim, 0);

    assert_int_equal(f->seen[0], SIGUSR1);
    assert_true(is_default(SIGUSR1));
}

static int
wait_briefly(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_SECONDS(1));
    int rc = ouro_wait_signal(SIGUSR1);
    f->seen[0] = (int)ouro_timeout_end(&limit, rc);
    f->seen[1] = ouro_wait_signal(SIGKILL);
    return 0;
}

static void
a_wait_that_is_cancelled_puts_back_what_was_there(void **state)
{
    struct fixture *f = *state;

    start(f->sim, wait_briefly, f);
    assert_false(is_default(SIGUSR1));
    ouro_sim_advance(f->sim, OURO_SECONDS(1));

    assert_err(f->seen[0], ETIMEDOUT);
    assert_err(f->seen[1], EINVAL);
    assert_true(is_default(SIGUSR1));
}

static int
wait_for_several(void *arg)
{
    static const int numbers[] = {SIGUSR2, SIGUSR1, SIGUSR2, SIGHUP};
    struct fixture *f = arg;

    int rc = ouro_signals_begin(&f->signals, numbers, 4);
    if (rc < 0)
        return rc;
    rc = ouro_sleep(OURO_SECONDS(1));
    for (size_t i = 0; rc == 0 && i < 3; i++)
        f->seen[i] = ouro_signals_wait(&f->signals);
    ouro_signals_end(&f->signals);
    return rc;
}

static void
what_comes_between_two_waits_is_kept_the_lowest_first(void **state)
{
    struct fixture *f = *state;

    start(f->sim, wait_for_several, f);
    come(f, SIGUSR2);
    come(f, SIGUSR1);
    ouro_sim_advance(f->sim, OURO_SECONDS(2));
    assert_int_equal(f->seen[0], SIGUSR1);
    assert_int_equal(f->seen[1], SIGUSR2);
    assert_int_equal(f->seen[2], UNSEEN);

    assert_ok(raise(SIGHUP));
    ouro_sim_advance(f->sim, 0);
    assert_int_equal(f->seen[2], SIGHUP);
    assert_true(is_default(SIGUSR2));
}

static int
wait_again_after_a_cancel(void *arg)
{
    static const int number = SIGUSR1;
    struct fixture *f = arg;

    f->seen[0] = ouro_signals_begin(&f->signals, &number, 1);
    f->seen[1] = ouro_signals_wait(&f->signals);
    ouro_uncancel();
    f->seen[2] = ouro_signals_wait(&f->signals);
    ouro_signals_end(&f->signals);
    return 0;
}

static void
what_came_when_a_wait_was_cancelled_is_for_the_next(void **state)
{
    struct fixture *f = *state;

    assert_ok(
        ouro_loop_create_task(f->loop, &f->task, wait_again_after_a_cancel, f));
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->task);
    assert_ok(raise(SIGUSR1));
    ouro_sim_advance(f->sim, 0);
    ouro_task_unref(f->task);

    assert_ok(f->seen[0]);
    assert_err(f->seen[1], ECANCELED);
    assert_int_equal(f->seen[2], SIGUSR1);
}

static int
begin_with_a_bad_one(void *arg)
{
    static const int numbers[] = {SIGUSR1, SIGKILL};
    struct fixture *f = arg;

    f->seen[0] = ouro_signals_begin(&f->signals, numbers, 2);
    return 0;
}

static void
a_set_with_a_bad_number_takes_none(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, begin_with_a_bad_one, f));

    assert_err(f->seen[0], EINVAL);
    assert_true(is_default(SIGUSR1));
}

/* Breaches. */

static int
wait_for_the_same(void *arg)
{
    int rc = ouro_signals_wait(arg);

    return rc < 0 ? rc : 0;
}

static int
wait_twice_at_once(void *arg)
{
    static const int number = SIGUSR1;
    struct ouro_signals signals;
    struct ouro_task *first = NULL;

    (void)arg;
    int rc = ouro_signals_begin(&signals, &number, 1);
    if (rc == 0)
        rc = ouro_create_task(&first, wait_for_the_same, &signals);
    if (rc == 0)
        rc = ouro_sleep(0);
    return rc < 0 ? rc : ouro_signals_wait(&signals);
}

static void
two_tasks_that_wait_for_the_same_stop_the_program(void **state)
{
    (void)state;
    assert_stops(wait_twice_at_once, NULL,
                 "one task at a time waits for the same signals");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_task_waits_for_a_signal),
        TEST(a_wait_that_is_cancelled_puts_back_what_was_there),
        TEST(what_comes_between_two_waits_is_kept_the_lowest_first),
        TEST(what_came_when_a_wait_was_cancelled_is_for_the_next),
        TEST(a_set_with_a_bad_number_takes_none),
        TEST(two_tasks_that_wait_for_the_same_stop_the_program),
    };

    return cmocka_run_group_tests_name("signal_wait", tests, NULL, NULL);
}
