/* SPDX-License-Identifier: MIT */
/* What gather promises as long as nobody cancels.  See ouro_gather(). */
#include "wait_fixture.h"

#include <stdlib.h>

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

/* A72 */
static void
results_stand_where_their_tasks_do(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 30, 7);
    set_worker(f, 1, 10, 8);
    set_worker(f, 2, 20, 9);
    run(f, gather, 29);
    assert_int_equal(f->result, UNSEEN);
    ouro_sim_advance(f->sim, 1);

    assert_ok(f->result);
    assert_int_equal(f->nodes[0].result, 7);
    assert_int_equal(f->nodes[1].result, 8);
    assert_int_equal(f->nodes[2].result, 9);
    assert_ok(f->next);
}

/* A72 */
static void
nothing_to_wait_for_is_done_at_once(void **state)
{
    struct fixture *f = *state;

    f->wait = gather;
    assert_ok(ouro_loop_create_task(f->loop, &f->task, wait_in_task, f));
    ouro_sim_turn(f->sim);

    assert_ok(f->result);
    ouro_sim_turn(f->sim);
    assert_true(ouro_task_is_done(f->task));
}

static void
what_is_done_already_counts_too(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 7);
    set_worker(f, 1, 10, 8);
    start_workers(f);
    ouro_sim_advance(f->sim, 5);
    assert_true(ouro_task_is_done(f->nodes[0].task));
    run(f, gather, 5);

    assert_ok(f->result);
    assert_int_equal(f->nodes[0].result, 7);
    assert_int_equal(f->nodes[1].result, 8);
}

/* Failures. */

/* A72, M16: no result is told of those that run on. */
static void
the_first_failure_is_returned_and_the_others_run_on(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 30, 7);
    set_worker(f, 1, 10, -EPROTO);
    set_worker(f, 2, 20, 9);
    run(f, gather, 10);

    assert_err(f->result, EPROTO);
    assert_err(f->nodes[1].result, EPROTO);
    assert_err(f->nodes[0].result, EINPROGRESS);
    assert_int_equal(f->workers[0].ended_ns, -1);
    ouro_sim_advance(f->sim, 20);

    assert_int_equal(f->workers[0].ended_ns, 30);
    assert_int_equal(f->workers[0].cancels, 0);
    assert_int_equal(ouro_task_result(f->nodes[0].task), 7);
}

/* A72: where asyncio eats it. */
static void
the_later_failure_of_a_sibling_is_reported_once(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 30, -EPIPE);
    set_worker(f, 1, 10, -EPROTO);
    run(f, gather, 10);
    drop_workers(f);
    assert_int_equal(f->seen.count, 0);
    ouro_sim_advance(f->sim, 20);

    assert_err(f->result, EPROTO);
    assert_string_equal(f->seen.name, "work");
    expect_report(f, EPIPE);
}

/* A72 */
static void
the_second_failure_of_a_turn_is_reported_once(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, -EPROTO);
    set_worker(f, 1, 10, -EPIPE);
    run(f, gather, 10);
    assert_err(f->result, EPROTO);
    drop_workers(f);

    expect_report(f, EPIPE);
}

static void
a_later_failure_that_somebody_takes_is_not_reported(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 30, -EPIPE);
    set_worker(f, 1, 10, -EPROTO);
    run(f, gather, 30);

    assert_err(f->result, EPROTO);
    assert_err(ouro_task_result(f->nodes[0].task), EPIPE);
}

/* A72 */
static void
a_child_that_somebody_cancels_is_a_failure(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 30, 7);
    set_worker(f, 1, 30, 8);
    run(f, gather, 10);
    ouro_task_cancel(f->nodes[1].task);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->result, ECANCELED);
    assert_ok(f->next);
    assert_int_equal(f->returned_ns, 10);
    ouro_sim_advance(f->sim, 20);
    assert_int_equal(f->workers[0].ended_ns, 30);
    assert_int_equal(f->workers[0].cancels, 0);
}

/* A72: test_return_exceptions. */
static void
gather_all_tells_every_result_and_reports_none(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 30, -EPIPE);
    set_worker(f, 1, 10, -EPROTO);
    set_worker(f, 2, 20, 9);
    run(f, gather_all, 29);
    assert_int_equal(f->result, UNSEEN);
    ouro_sim_advance(f->sim, 1);

    assert_ok(f->result);
    assert_err(f->nodes[0].result, EPIPE);
    assert_err(f->nodes[1].result, EPROTO);
    assert_int_equal(f->nodes[2].result, 9);
}

/* What is awaited. */

static void
share(struct fixture *f, size_t i, size_t other)
{
    f->nodes[i].task = ouro_task_ref(f->nodes[other].task);
    f->count = i + 1;
}

/* A72 */
static void
the_same_task_twice_is_one(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, 7);
    set_worker(f, 1, 20, 8);
    start_workers(f);
    share(f, 2, 0);
    run(f, gather, 20);

    assert_ok(f->result);
    assert_int_equal(f->nodes[0].result, 7);
    assert_int_equal(f->nodes[1].result, 8);
    assert_int_equal(f->nodes[2].result, 7);
}

static void
tasks_and_futures_may_be_mixed(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, 7);
    set_worker(f, 1, 0, 0);
    f->nodes[1].future = &f->future;
    run(f, gather, 10);
    assert_int_equal(f->result, UNSEEN);
    assert_ok(ouro_future_set_result(&f->future, f));
    ouro_sim_advance(f->sim, 0);

    assert_ok(f->result);
    assert_ok(f->nodes[1].result);
    assert_ptr_equal(ouro_future_result(&f->future), f);
}

static void
the_second_failure_of_a_turn_is_reported_of_futures_too(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, -EPROTO);
    set_worker(f, 1, 0, 0);
    set_worker(f, 2, 0, 0);
    f->nodes[1].future = &f->future;
    f->nodes[2].future = &f->future;
    begin(f, gather);
    ouro_sim_advance(f->sim, 9);
    ouro_task_cancel(f->nodes[0].task);
    ouro_sim_turn(f->sim);
    assert_ok(ouro_future_set_error(&f->future, -EPIPE));
    ouro_future_fini(&f->future);
    memset(&f->future, 0xff, sizeof(f->future));
    ouro_sim_advance(f->sim, 0);

    assert_err(f->result, ECANCELED);
    expect_report(f, EPIPE);
}

static void
the_failure_of_a_future_that_is_returned_is_not_reported(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 0);
    set_worker(f, 1, 0, 0);
    f->nodes[0].future = &f->future;
    f->nodes[1].future = &f->future;
    begin(f, gather);
    assert_ok(ouro_future_set_error(&f->future, -EPIPE));
    ouro_future_fini(&f->future);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->result, EPIPE);
}

static int
gather_twice(struct fixture *f)
{
    int rc = ouro_gather(f->nodes, f->count);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < f->count; i++)
        f->nodes[i].result = UNSEEN;
    return ouro_gather(f->nodes, f->count);
}

static void
nodes_may_be_waited_for_again(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, 7);
    set_worker(f, 1, 20, 8);
    run(f, gather_twice, 20);

    assert_ok(f->result);
    assert_int_equal(f->nodes[0].result, 7);
    assert_int_equal(f->nodes[1].result, 8);
}

static int
gather_oneself(struct fixture *f)
{
    f->nodes[0].task = ouro_task_ref(ouro_current_task());
    f->count = 1;
    return ouro_gather(f->nodes, f->count);
}

/* Where a wait would never end. */
static void
a_task_that_gathers_itself_is_told_so(void **state)
{
    struct fixture *f = *state;

    run(f, gather_oneself, 0);

    assert_err(f->result, EDEADLK);
}

static int
gather_nothing_at_all(void *arg)
{
    struct ouro_awaited nodes[1] = {{.result = 0}};

    (void)arg;
    return ouro_gather(nodes, 1);
}

static void
a_node_that_is_nothing_stops_the_program(void **state)
{
    assert_stops(gather_nothing_at_all, *state,
                 "what is awaited is a task or a future, and not both");
}

static void
gather_in_a_callback(void *arg)
{
    (void)arg;
    if (ouro_gather(NULL, 0) < 0)
        exit(EXIT_FAILURE);
}

static void
to_gather_outside_a_task_stops_the_program(void **state)
{
    assert_callback_stops(gather_in_a_callback, *state, "is made in a task");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(results_stand_where_their_tasks_do),
        TEST(nothing_to_wait_for_is_done_at_once),
        TEST(what_is_done_already_counts_too),
        TEST(the_first_failure_is_returned_and_the_others_run_on),
        TEST(the_later_failure_of_a_sibling_is_reported_once),
        TEST(the_second_failure_of_a_turn_is_reported_once),
        TEST(a_later_failure_that_somebody_takes_is_not_reported),
        TEST(a_child_that_somebody_cancels_is_a_failure),
        TEST(gather_all_tells_every_result_and_reports_none),
        TEST(the_same_task_twice_is_one),
        TEST(tasks_and_futures_may_be_mixed),
        TEST(the_second_failure_of_a_turn_is_reported_of_futures_too),
        TEST(the_failure_of_a_future_that_is_returned_is_not_reported),
        TEST(nodes_may_be_waited_for_again),
        TEST(a_task_that_gathers_itself_is_told_so),
        TEST(a_node_that_is_nothing_stops_the_program),
        TEST(to_gather_outside_a_task_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
