/* SPDX-License-Identifier: MIT */
/* What wait_for promises: whatever ends the wait, what was waited for has ended
 * before.  See ouro_wait_for(). */
#include "wait_fixture.h"

static int
wait_for(struct fixture *f)
{
    return ouro_wait_for(f->nodes[0].task, f->timeout_ns);
}

static int
wait_for_future(struct fixture *f)
{
    return ouro_wait_for_future(&f->future, f->timeout_ns);
}

static int
wait_for_call(struct fixture *f)
{
    return ouro_wait_for_call(work, &f->workers[0], f->timeout_ns);
}

static void
cancel(struct fixture *f)
{
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 0);
}

/* A task. */

static void
a_result_in_time_is_returned(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, 7);
    f->timeout_ns = 10 + 1;
    run(f, wait_for, 10);

    assert_int_equal(f->result, 7);
    assert_int_equal(f->workers[0].cancels, 0);
    assert_ok(f->next);
}

static void
a_failure_in_time_is_returned_and_not_reported(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, -EPROTO);
    run(f, wait_for, 10);

    assert_err(f->result, EPROTO);
}

/* A48: test_wait_for_waits_for_task_cancellation. */
static void
a_task_that_cleans_up_is_waited_for(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->workers[0].clean_up_ns = 30;
    f->timeout_ns = 10;
    run(f, wait_for, 39);
    assert_int_equal(f->result, UNSEEN);
    ouro_sim_advance(f->sim, 1);

    assert_err(f->result, ETIMEDOUT);
    assert_int_equal(f->workers[0].ended_ns, 40);
    assert_int_equal(f->workers[0].cancels, 1);
    assert_ok(f->next);
}

static void
a_value_that_comes_in_spite_of_the_timeout_is_returned(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->workers[0].stubborn = true;
    f->timeout_ns = 10;
    run(f, wait_for, 10);

    assert_int_equal(f->result, 7);
    assert_ok(f->next);
}

static void
a_failure_that_comes_of_the_timeout_is_returned(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, -EPIPE);
    f->workers[0].stubborn = true;
    f->timeout_ns = 10;
    run(f, wait_for, 10);

    assert_err(f->result, EPIPE);
}

static void
a_task_that_somebody_cancels_is_ecanceled(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->timeout_ns = 20;
    run(f, wait_for, 10);
    ouro_task_cancel(f->nodes[0].task);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->result, ECANCELED);
    assert_ok(f->next);
}

/* No time. */

/* A48: test_wait_for_timeout_less_then_0_or_0_future_done. */
static void
without_time_a_result_that_is_there_is_returned(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 7);
    start_workers(f);
    ouro_sim_advance(f->sim, 0);
    f->timeout_ns = 0;
    begin(f, wait_for);

    assert_int_equal(f->result, 7);
}

/* A48 */
static void
without_time_a_task_that_runs_is_cancelled_and_waited_for(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    start_workers(f);
    ouro_sim_advance(f->sim, 10);
    f->workers[0].clean_up_ns = 5;
    f->timeout_ns = -1;
    begin(f, wait_for);
    assert_int_equal(f->result, UNSEEN);
    ouro_sim_advance(f->sim, 5);

    assert_err(f->result, ETIMEDOUT);
    assert_int_equal(f->workers[0].cancels, 1);
    assert_int_equal(f->workers[0].ended_ns, 15);
}

/* A48: it had not even begun. */
static void
without_time_a_task_gets_no_turn_before_it_is_cancelled(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 7);
    f->timeout_ns = 0;
    f->wait = wait_for;
    assert_ok(ouro_loop_create_task(f->loop, &f->task, wait_in_task, f));
    start_workers(f);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->result, ETIMEDOUT);
    assert_int_equal(f->workers[0].ended_ns, 0);
}

/* Cancellation of who waits. */

static void
a_cancel_is_passed_on_and_waits_for_the_end(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->workers[0].clean_up_ns = 5;
    f->timeout_ns = 30;
    run(f, wait_for, 10);
    cancel(f);
    assert_int_equal(f->result, UNSEEN);
    ouro_sim_advance(f->sim, 5);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->workers[0].cancels, 1);
    assert_err(f->next, ECANCELED);
}

/* A46 */
static void
a_second_cancel_is_passed_on_too(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->workers[0].ignores = 1;
    run(f, wait_for, 10);
    cancel(f);
    assert_int_equal(f->result, UNSEEN);
    ouro_sim_advance(f->sim, 10);
    cancel(f);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->workers[0].ended_ns, 20);
}

static void
a_cancel_after_the_limit_is_what_is_told(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->workers[0].clean_up_ns = 20;
    f->timeout_ns = 10;
    run(f, wait_for, 15);
    cancel(f);
    ouro_sim_advance(f->sim, 15);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->returned_ns, 30);
    assert_err(f->next, ECANCELED);
}

static int
wait_for_when_cancelled(struct fixture *f)
{
    ouro_task_cancel(ouro_current_task());
    return wait_for(f);
}

static void
a_task_that_was_cancelled_before_ends_the_other_too(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    begin(f, wait_for_when_cancelled);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->workers[0].cancels, 1);
    assert_true(ouro_task_is_done(f->nodes[0].task));
}

/* Rule 4.  Its result is not lost: the task has it. */
static void
a_task_that_was_cancelled_before_does_not_wait(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 7);
    start_workers(f);
    ouro_sim_advance(f->sim, 0);
    begin(f, wait_for_when_cancelled);

    assert_err(f->result, ECANCELED);
    assert_int_equal(ouro_task_result(f->nodes[0].task), 7);
}

/* One turn. */

/* A47, M7: test_wait_for_race_condition. */
static void
a_result_and_then_a_cancel_are_both_kept(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->workers[0].stubborn = true;
    f->timeout_ns = 100;
    run(f, wait_for, 10);
    ouro_task_cancel(f->nodes[0].task);
    ouro_sim_turn(f->sim);
    assert_true(ouro_task_is_done(f->nodes[0].task));
    cancel(f);

    assert_int_equal(f->result, 7);
    assert_err(f->next, ECANCELED);
}

/* A47, M7: the other way round. */
static void
a_cancel_and_then_a_result_are_both_kept(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->workers[0].stubborn = true;
    f->timeout_ns = 100;
    run(f, wait_for, 10);
    ouro_task_cancel(f->task);
    ouro_task_cancel(f->nodes[0].task);
    ouro_sim_advance(f->sim, 0);

    assert_int_equal(f->result, 7);
    assert_err(f->next, ECANCELED);
}

/* A47: test_wait_for_issue86296.  The limit and the result are of one time. */
static void
a_result_at_the_limit_is_not_lost(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, 7);
    f->workers[0].stubborn = true;
    f->timeout_ns = 10;
    run(f, wait_for, 10);

    assert_int_equal(f->result, 7);
    assert_ok(f->next);
}

/* A future. */

static void
the_outcome_of_a_future_is_returned(void **state)
{
    struct fixture *f = *state;

    f->timeout_ns = 20;
    run(f, wait_for_future, 10);
    assert_ok(ouro_future_set_error(&f->future, -EPIPE));
    ouro_sim_advance(f->sim, 0);

    assert_err(f->result, EPIPE);
    ouro_future_fini(&f->future);
}

static void
a_future_that_is_late_is_cancelled(void **state)
{
    struct fixture *f = *state;

    f->timeout_ns = 10;
    run(f, wait_for_future, 10);

    assert_err(f->result, ETIMEDOUT);
    assert_err(ouro_future_error(&f->future), ECANCELED);
    assert_err(ouro_future_set_result(&f->future, NULL), EALREADY);
}

/* A call. */

static void
a_call_runs_in_a_task_of_its_own(void **state)
{
    struct fixture *f = *state;

    f->workers[0].sleep_ns = 10;
    f->workers[0].returns = 7;
    f->timeout_ns = 11;
    run(f, wait_for_call, 10);

    assert_int_equal(f->result, 7);
}

static void
a_call_that_is_late_has_ended_when_the_wait_has(void **state)
{
    struct fixture *f = *state;

    f->workers[0].sleep_ns = 50;
    f->workers[0].clean_up_ns = 5;
    f->timeout_ns = 10;
    run(f, wait_for_call, 15);

    assert_err(f->result, ETIMEDOUT);
    assert_int_equal(f->workers[0].ended_ns, 15);
}

/* A48: test_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started. */
static void
without_time_a_call_is_not_made(void **state)
{
    struct fixture *f = *state;

    f->timeout_ns = 0;
    run(f, wait_for_call, 100);

    assert_err(f->result, ETIMEDOUT);
    assert_int_equal(f->workers[0].ended_ns, -1);
    assert_ok(f->next);
}

static int
wait_for_call_when_cancelled(struct fixture *f)
{
    ouro_task_cancel(ouro_current_task());
    return wait_for_call(f);
}

static void
a_task_that_was_cancelled_before_makes_no_call(void **state)
{
    struct fixture *f = *state;

    run(f, wait_for_call_when_cancelled, 100);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->workers[0].ended_ns, -1);
}

static int
wait_for_oneself(struct fixture *f)
{
    return ouro_wait_for(ouro_current_task(), f->timeout_ns);
}

static void
a_task_that_waits_for_itself_is_told_so(void **state)
{
    struct fixture *f = *state;

    begin(f, wait_for_oneself);

    assert_err(f->result, EDEADLK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_result_in_time_is_returned),
        TEST(a_failure_in_time_is_returned_and_not_reported),
        TEST(a_task_that_cleans_up_is_waited_for),
        TEST(a_value_that_comes_in_spite_of_the_timeout_is_returned),
        TEST(a_failure_that_comes_of_the_timeout_is_returned),
        TEST(a_task_that_somebody_cancels_is_ecanceled),
        TEST(without_time_a_result_that_is_there_is_returned),
        TEST(without_time_a_task_that_runs_is_cancelled_and_waited_for),
        TEST(without_time_a_task_gets_no_turn_before_it_is_cancelled),
        TEST(a_cancel_is_passed_on_and_waits_for_the_end),
        TEST(a_second_cancel_is_passed_on_too),
        TEST(a_cancel_after_the_limit_is_what_is_told),
        TEST(a_task_that_was_cancelled_before_ends_the_other_too),
        TEST(a_task_that_was_cancelled_before_does_not_wait),
        TEST(a_result_and_then_a_cancel_are_both_kept),
        TEST(a_cancel_and_then_a_result_are_both_kept),
        TEST(a_result_at_the_limit_is_not_lost),
        TEST(the_outcome_of_a_future_is_returned),
        TEST(a_future_that_is_late_is_cancelled),
        TEST(a_call_runs_in_a_task_of_its_own),
        TEST(a_call_that_is_late_has_ended_when_the_wait_has),
        TEST(without_time_a_call_is_not_made),
        TEST(a_task_that_was_cancelled_before_makes_no_call),
        TEST(a_task_that_waits_for_itself_is_told_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
