/* SPDX-License-Identifier: MIT */
/* What wait promises: it hears of things, and ends none.  See ouro_wait(). */
#include "wait_fixture.h"

static int
wait(struct fixture *f)
{
    return (int)ouro_wait(f->nodes, f->count, f->timeout_ns,
                          (enum ouro_wait_until)f->until);
}

/* Ends after 20, 10 and 30; the middle one returns `second`. */
static void
set_three(struct fixture *f, int second)
{
    set_worker(f, 0, 20, 7);
    set_worker(f, 1, 10, second);
    set_worker(f, 2, 30, 9);
}

static void
assert_nothing_was_cancelled(struct fixture *f)
{
    ouro_sim_advance(f->sim, 100);
    for (size_t i = 0; i < f->count; i++) {
        assert_int_equal(f->workers[i].cancels, 0);
        assert_in_range(f->workers[i].ended_ns, 0, 100);
    }
}

/* A74: test_wait_first_completed. */
static void
the_first_that_is_done_is_enough(void **state)
{
    struct fixture *f = *state;

    set_three(f, 8);
    f->until = OURO_FIRST_COMPLETED;
    run(f, wait, 9);
    assert_int_equal(f->result, UNSEEN);
    ouro_sim_advance(f->sim, 1);

    assert_int_equal(f->result, 1);
    assert_int_equal(f->nodes[1].result, 8);
    assert_err(f->nodes[0].result, EINPROGRESS);
    assert_err(f->nodes[2].result, EINPROGRESS);
    assert_nothing_was_cancelled(f);
}

/* A74: test_wait_first_exception. */
static void
the_first_failure_is_enough(void **state)
{
    struct fixture *f = *state;

    set_three(f, 8);
    f->workers[0].returns = -EPROTO;
    f->until = OURO_FIRST_ERROR;
    run(f, wait, 20);

    assert_int_equal(f->result, 2);
    assert_int_equal(f->returned_ns, 20);
    assert_err(f->nodes[0].result, EPROTO);
    assert_int_equal(f->nodes[1].result, 8);
    assert_err(f->nodes[2].result, EINPROGRESS);
    assert_nothing_was_cancelled(f);
}

/* A74 */
static void
without_a_failure_the_first_of_them_is_all(void **state)
{
    struct fixture *f = *state;

    set_three(f, -ECANCELED);
    f->until = OURO_FIRST_ERROR;
    run(f, wait, 30);

    assert_int_equal(f->result, 3);
    assert_int_equal(f->returned_ns, 30);
    assert_err(f->nodes[1].result, ECANCELED);
}

/* A74: and failures are told, not reported. */
static void
all_means_the_failed_too(void **state)
{
    struct fixture *f = *state;

    set_three(f, -EPROTO);
    run(f, wait, 30);

    assert_int_equal(f->result, 3);
    assert_int_equal(f->returned_ns, 30);
    assert_err(f->nodes[1].result, EPROTO);
}

/* A74: test_wait_with_timeout. */
static void
a_timeout_is_no_failure_and_cancels_nothing(void **state)
{
    struct fixture *f = *state;

    set_three(f, 8);
    f->timeout_ns = 25;
    run(f, wait, 25);

    assert_int_equal(f->result, 2);
    assert_int_equal(f->returned_ns, 25);
    assert_int_equal(f->nodes[0].result, 7);
    assert_int_equal(f->nodes[1].result, 8);
    assert_err(f->nodes[2].result, EINPROGRESS);
    assert_ok(f->next);
    assert_nothing_was_cancelled(f);
}

static void
when_the_time_is_up_none_may_be_done(void **state)
{
    struct fixture *f = *state;

    set_three(f, 8);
    f->timeout_ns = 5;
    run(f, wait, 5);

    assert_int_equal(f->result, 0);
    assert_nothing_was_cancelled(f);
}

static void
no_time_at_all_is_one_look(void **state)
{
    struct fixture *f = *state;

    set_three(f, 8);
    start_workers(f);
    ouro_sim_advance(f->sim, 15);
    f->timeout_ns = -1;
    begin(f, wait);

    assert_int_equal(f->result, 1);
    assert_int_equal(f->returned_ns, 15);
    assert_int_equal(f->nodes[1].result, 8);
    assert_nothing_was_cancelled(f);
}

/* A74: test_wait_really_done.  What is done by the time it returns is told,
 * also if that is not what woke it. */
static void
all_that_is_done_when_it_returns_is_told(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 0);
    set_worker(f, 1, 50, 8);
    f->nodes[0].future = &f->future;
    f->until = OURO_FIRST_COMPLETED;
    begin(f, wait);
    assert_ok(ouro_future_set_result(&f->future, NULL));
    ouro_task_cancel(f->nodes[1].task);
    ouro_sim_advance(f->sim, 0);

    assert_int_equal(f->result, 2);
    assert_ok(f->nodes[0].result);
    assert_err(f->nodes[1].result, ECANCELED);
}

static void
a_cancel_ends_the_wait_and_nothing_else(void **state)
{
    struct fixture *f = *state;

    set_three(f, -EPROTO);
    run(f, wait, 15);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->result, ECANCELED);
    assert_err(f->nodes[1].result, EPROTO);
    assert_err(f->nodes[0].result, EINPROGRESS);
    assert_nothing_was_cancelled(f);
}

static int
wait_when_cancelled(struct fixture *f)
{
    ouro_task_cancel(ouro_current_task());
    return wait(f);
}

/* Rule 4 */
static void
a_task_that_was_cancelled_before_does_not_wait(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 7);
    start_workers(f);
    ouro_sim_turn(f->sim);
    begin(f, wait_when_cancelled);

    assert_err(f->result, ECANCELED);
}

static void
a_failure_that_comes_after_the_wait_is_reported(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, 7);
    set_worker(f, 1, 20, -EPIPE);
    f->until = OURO_FIRST_COMPLETED;
    run(f, wait, 10);
    drop_workers(f);
    ouro_sim_advance(f->sim, 10);

    assert_int_equal(f->result, 1);
    expect_report(f, EPIPE);
}

static void
the_failure_of_a_future_that_is_let_go_is_reported(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 0);
    f->nodes[0].future = &f->future;
    f->timeout_ns = 10;
    run(f, wait, 10);
    assert_ok(ouro_future_set_error(&f->future, -EPIPE));
    ouro_future_fini(&f->future);

    assert_int_equal(f->result, 0);
    expect_report(f, EPIPE);
}

/* Its timer and its nodes are in the frame that goes with the loop. */
static void
a_loop_that_ends_before_the_wait_reports_it(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 0);
    f->nodes[0].future = &f->future;
    f->timeout_ns = OURO_SECONDS(1);
    begin(f, wait);
    f->task = ouro_task_unref(f->task);
    ouro_sim_free(f->sim);

    assert_int_equal(f->result, UNSEEN);
    assert_int_equal(f->seen.count, 2);
    assert_string_equal(f->seen.message, "a timer was still waiting");
    renew(f);
}

/* Where asyncio raises ValueError. */
static void
to_wait_for_nothing_is_an_error(void **state)
{
    struct fixture *f = *state;

    begin(f, wait);

    assert_err(f->result, EINVAL);
}

static int
wait_for_oneself(struct fixture *f)
{
    f->nodes[0].task = ouro_task_ref(ouro_current_task());
    f->count = 1;
    return wait(f);
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
        TEST(the_first_that_is_done_is_enough),
        TEST(the_first_failure_is_enough),
        TEST(without_a_failure_the_first_of_them_is_all),
        TEST(all_means_the_failed_too),
        TEST(a_timeout_is_no_failure_and_cancels_nothing),
        TEST(when_the_time_is_up_none_may_be_done),
        TEST(no_time_at_all_is_one_look),
        TEST(all_that_is_done_when_it_returns_is_told),
        TEST(a_cancel_ends_the_wait_and_nothing_else),
        TEST(a_task_that_was_cancelled_before_does_not_wait),
        TEST(a_failure_that_comes_after_the_wait_is_reported),
        TEST(the_failure_of_a_future_that_is_let_go_is_reported),
        TEST(a_loop_that_ends_before_the_wait_reports_it),
        TEST(to_wait_for_nothing_is_an_error),
        TEST(a_task_that_waits_for_itself_is_told_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
