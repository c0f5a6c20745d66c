/* SPDX-License-Identifier: MIT */
/* What a cancelled gather does to what it waits for, and what a shielded wait
 * does not.  See ouro_gather() and ouro_task_join(). */
#include "wait_fixture.h"

static int
gather(struct fixture *f)
{
    return ouro_gather(f->nodes, f->count);
}

static int
gather_all(struct fixture *f)
{
    return ouro_gather_all(f->nodes, f->count);
}

static void
cancel(struct fixture *f)
{
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 0);
}

/* A72: test_cancellation_broadcast. */
static void
a_cancel_goes_to_all_and_the_wait_ends_with_the_last(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    set_worker(f, 1, 50, 8);
    f->workers[1].clean_up_ns = 30;
    run(f, gather, 10);
    cancel(f);
    assert_int_equal(f->workers[0].ended_ns, 10);
    assert_int_equal(f->result, UNSEEN);
    ouro_sim_advance(f->sim, 30);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->returned_ns, 40);
    assert_int_equal(f->workers[1].ended_ns, 40);
    assert_int_equal(f->workers[1].cancels, 1);
    assert_err(f->nodes[1].result, ECANCELED);
    assert_err(f->next, ECANCELED);
}

static int
gather_when_cancelled(struct fixture *f)
{
    ouro_task_cancel(ouro_current_task());
    return ouro_gather(f->nodes, f->count);
}

/* They may use the frame it is about to leave. */
static void
a_task_that_was_cancelled_before_cancels_all_and_waits_too(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->workers[0].clean_up_ns = 5;
    begin(f, gather_when_cancelled);
    assert_int_equal(f->result, UNSEEN);
    ouro_sim_advance(f->sim, 5);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->returned_ns, 5);
}

/* A46 */
static void
a_second_cancel_is_passed_on_too(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->workers[0].ignores = 1;
    run(f, gather, 10);
    cancel(f);
    assert_int_equal(f->workers[0].ended_ns, -1);
    ouro_sim_advance(f->sim, 10);
    assert_int_equal(f->result, UNSEEN);
    cancel(f);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->workers[0].ended_ns, 20);
}

/* A72: as many waits, one request. */
static void
the_same_task_twice_is_cancelled_once(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    start_workers(f);
    f->nodes[1].task = ouro_task_ref(f->nodes[0].task);
    f->count = 2;
    run(f, gather, 10);
    cancel(f);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->workers[0].cancels, 1);
    assert_err(f->nodes[1].result, ECANCELED);
}

static void
a_future_is_cancelled_too(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 0);
    f->nodes[0].future = &f->future;
    begin(f, gather);
    cancel(f);

    assert_err(f->result, ECANCELED);
    assert_err(ouro_future_error(&f->future), ECANCELED);
}

static void
values_that_come_in_spite_of_the_cancel_stand_in_the_nodes(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->workers[0].stubborn = true;
    run(f, gather, 10);
    cancel(f);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->nodes[0].result, 7);
}

static void
a_real_failure_goes_before_those_of_the_cancel(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    set_worker(f, 1, 50, -EPIPE);
    f->workers[1].stubborn = true;
    run(f, gather, 10);
    cancel(f);

    assert_err(f->result, EPIPE);
    assert_err(f->next, ECANCELED);
}

/* A72: test_result_exception_one_cancellation. */
static void
a_cancelled_gather_all_tells_every_result(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 5, -EPROTO);
    set_worker(f, 1, 50, 8);
    set_worker(f, 2, 50, -EPIPE);
    f->workers[2].stubborn = true;
    run(f, gather_all, 10);
    cancel(f);

    assert_err(f->result, ECANCELED);
    assert_err(f->nodes[0].result, EPROTO);
    assert_err(f->nodes[1].result, ECANCELED);
    assert_err(f->nodes[2].result, EPIPE);
}

/* ADR 2: what was done first stands, and its siblings run on. */
static void
a_failure_that_came_before_the_cancel_is_the_result(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 0);
    set_worker(f, 1, 50, 8);
    f->nodes[0].future = &f->future;
    begin(f, gather);
    assert_ok(ouro_future_set_error(&f->future, -EPROTO));
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 50);

    assert_err(f->result, EPROTO);
    assert_int_equal(f->returned_ns, 0);
    assert_err(f->next, ECANCELED);
    assert_int_equal(f->workers[1].cancels, 0);
    assert_int_equal(f->workers[1].ended_ns, 50);
}

static int
gather_in_time(struct fixture *f)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, 20);
    int rc = ouro_gather(f->nodes, f->count);
    return (int)ouro_timeout_end(&limit, rc);
}

static void
a_limit_around_it_cancels_all_and_says_etimedout(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    set_worker(f, 1, 10, 8);
    run(f, gather_in_time, 20);

    assert_err(f->result, ETIMEDOUT);
    assert_ok(f->next);
    assert_int_equal(f->workers[0].ended_ns, 20);
    assert_int_equal(f->nodes[1].result, 8);
}

/* Shielded: a cancel of who waits does not reach what is awaited. */

static int
join(struct fixture *f)
{
    return ouro_task_join(f->nodes[0].task);
}

/* A73: test_shield_cancel_outer. */
static void
a_join_that_is_cancelled_leaves_the_task_alone(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    run(f, join, 10);
    cancel(f);
    assert_err(f->result, ECANCELED);
    ouro_sim_advance(f->sim, 40);

    assert_int_equal(f->workers[0].ended_ns, 50);
    assert_int_equal(f->workers[0].cancels, 0);
    assert_int_equal(ouro_task_result(f->nodes[0].task), 7);
}

/* A73: test_shield_cancel_inner. */
static void
a_join_of_a_task_that_is_cancelled_is_ecanceled(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    run(f, join, 10);
    ouro_task_cancel(f->nodes[0].task);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->result, ECANCELED);
    assert_ok(f->next);
}

/* A73: test_shield_cancel_outer_exception, test_shield_duplicate_log_once. */
static void
a_failure_after_the_join_was_cancelled_is_reported_once(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, -EPIPE);
    run(f, join, 10);
    cancel(f);
    assert_err(f->result, ECANCELED);
    drop_workers(f);
    ouro_sim_advance(f->sim, 40);

    expect_report(f, EPIPE);
}

/* A73: asyncio.gather(asyncio.shield(...), ...) */
static void
a_shielded_node_is_left_alone(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, -EPIPE);
    set_worker(f, 1, 50, 8);
    f->nodes[0].shielded = true;
    run(f, gather, 10);
    cancel(f);
    assert_err(f->result, ECANCELED);
    assert_err(f->nodes[0].result, EINPROGRESS);
    assert_int_equal(f->workers[0].ended_ns, -1);
    drop_workers(f);
    ouro_sim_advance(f->sim, 40);

    assert_int_equal(f->workers[0].cancels, 0);
    expect_report(f, EPIPE);
}

static void
when_all_are_shielded_it_ends_at_once(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 50, 7);
    f->nodes[0].shielded = true;
    run(f, gather, 10);
    cancel(f);
    assert_err(f->result, ECANCELED);
    assert_int_equal(f->returned_ns, 10);
    ouro_sim_advance(f->sim, 40);

    assert_int_equal(f->workers[0].ended_ns, 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cancel_goes_to_all_and_the_wait_ends_with_the_last),
        TEST(a_task_that_was_cancelled_before_cancels_all_and_waits_too),
        TEST(a_second_cancel_is_passed_on_too),
        TEST(the_same_task_twice_is_cancelled_once),
        TEST(a_future_is_cancelled_too),
        TEST(values_that_come_in_spite_of_the_cancel_stand_in_the_nodes),
        TEST(a_real_failure_goes_before_those_of_the_cancel),
        TEST(a_cancelled_gather_all_tells_every_result),
        TEST(a_failure_that_came_before_the_cancel_is_the_result),
        TEST(a_limit_around_it_cancels_all_and_says_etimedout),
        TEST(a_join_that_is_cancelled_leaves_the_task_alone),
        TEST(a_join_of_a_task_that_is_cancelled_is_ecanceled),
        TEST(a_failure_after_the_join_was_cancelled_is_reported_once),
        TEST(a_shielded_node_is_left_alone),
        TEST(when_all_are_shielded_it_ends_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
