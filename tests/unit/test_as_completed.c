/* SPDX-License-Identifier: MIT */
/* What as_completed promises: what is done first comes first, and nothing is
 * ended.  See struct ouro_as_completed. */
#include "wait_fixture.h"

#include <stdio.h>

/* Write down which node comes when: "2@10 ". */
static void
note(struct fixture *f, const struct ouro_awaited *node)
{
    size_t used = strlen(f->trace);

    snprintf(f->trace + used, sizeof(f->trace) - used, "%d@%d ",
             (int)(node - f->nodes), (int)passed_ns(f));
}

static int
iterate(struct fixture *f)
{
    struct ouro_as_completed each;
    struct ouro_awaited *node;
    int rc;

    ouro_as_completed_begin(&each, f->nodes, f->count, f->timeout_ns);
    while ((rc = ouro_as_completed_next(&each, &node)) > 0)
        note(f, node);
    ouro_as_completed_end(&each);
    return rc;
}

/* Ends after 20, 10 and 30. */
static void
set_three(struct fixture *f)
{
    set_worker(f, 0, 20, 7);
    set_worker(f, 1, 10, -EPROTO);
    set_worker(f, 2, 30, 9);
}

static void
what_is_done_first_comes_first(void **state)
{
    struct fixture *f = *state;

    set_three(f);
    run(f, iterate, 30);

    assert_ok(f->result);
    assert_string_equal(f->trace, "1@10 0@20 2@30 ");
    assert_int_equal(f->nodes[0].result, 7);
    assert_err(f->nodes[1].result, EPROTO);
    assert_int_equal(f->nodes[2].result, 9);
}

static void
what_is_done_in_one_turn_comes_in_that_order(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, 7);
    set_worker(f, 1, 10, 8);
    set_worker(f, 2, 10, 9);
    run(f, iterate, 10);

    assert_ok(f->result);
    assert_string_equal(f->trace, "0@10 1@10 2@10 ");
}

static void
nothing_to_wait_for_ends_at_once(void **state)
{
    struct fixture *f = *state;

    begin(f, iterate);

    assert_ok(f->result);
}

static void
a_timeout_ends_the_iteration_and_the_tasks_live_on(void **state)
{
    struct fixture *f = *state;

    set_three(f);
    f->timeout_ns = 25;
    run(f, iterate, 25);

    assert_err(f->result, ETIMEDOUT);
    assert_string_equal(f->trace, "1@10 0@20 ");
    assert_err(f->nodes[2].result, EINPROGRESS);
    ouro_sim_advance(f->sim, 5);
    assert_int_equal(f->workers[2].ended_ns, 30);
    assert_int_equal(f->workers[2].cancels, 0);
}

static int
iterate_slowly(struct fixture *f)
{
    struct ouro_as_completed each;
    struct ouro_awaited *node;
    int rc;

    ouro_as_completed_begin(&each, f->nodes, f->count, f->timeout_ns);
    while ((rc = ouro_as_completed_next(&each, &node)) > 0) {
        note(f, node);
        f->next = ouro_sleep(30);
    }
    ouro_as_completed_end(&each);
    return rc;
}

static void
what_was_done_in_time_comes_although_the_time_is_up(void **state)
{
    struct fixture *f = *state;

    set_three(f);
    f->timeout_ns = 25;
    run(f, iterate_slowly, 70);

    assert_err(f->result, ETIMEDOUT);
    assert_string_equal(f->trace, "1@10 0@40 ");
    assert_err(f->nodes[2].result, EINPROGRESS);
}

static void
a_time_that_is_up_after_the_last_is_nothing(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, 7);
    f->timeout_ns = 25;
    run(f, iterate_slowly, 40);

    assert_ok(f->result);
    assert_string_equal(f->trace, "0@10 ");
}

static int
leave_early(struct fixture *f)
{
    struct ouro_as_completed each;
    struct ouro_awaited *node;

    ouro_as_completed_begin(&each, f->nodes, f->count, OURO_SECONDS(1));
    int rc = ouro_as_completed_next(&each, &node);
    if (rc > 0)
        note(f, node);
    ouro_as_completed_end(&each);
    return rc;
}

static void
who_leaves_early_leaves_the_others_alone(void **state)
{
    struct fixture *f = *state;

    set_three(f);
    run(f, leave_early, 10);
    assert_int_equal(f->result, 1);
    assert_string_equal(f->trace, "1@10 ");
    ouro_sim_advance(f->sim, 20);

    assert_int_equal(ouro_task_result(f->nodes[0].task), 7);
    assert_int_equal(f->workers[2].cancels, 0);
}

static void
a_failure_that_did_not_come_is_reported(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, 7);
    set_worker(f, 1, 10, -EPIPE);
    run(f, leave_early, 10);
    drop_workers(f);

    assert_string_equal(f->trace, "0@10 ");
    expect_report(f, EPIPE);
}

static void
the_failure_of_a_future_that_did_not_come_is_reported(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 10, 7);
    set_worker(f, 1, 0, 0);
    f->nodes[1].future = &f->future;
    start_workers(f);
    ouro_sim_advance(f->sim, 10);
    assert_ok(ouro_future_set_error(&f->future, -EPIPE));
    begin(f, leave_early);
    ouro_future_fini(&f->future);

    assert_string_equal(f->trace, "0@10 ");
    expect_report(f, EPIPE);
}

static void
a_cancel_ends_the_wait_and_nothing_else(void **state)
{
    struct fixture *f = *state;

    set_three(f);
    run(f, iterate, 15);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 15);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->returned_ns, 15);
    assert_string_equal(f->trace, "1@10 ");
    assert_int_equal(f->workers[0].cancels, 0);
    assert_int_equal(f->workers[2].ended_ns, 30);
}

static int
iterate_when_cancelled(struct fixture *f)
{
    ouro_task_cancel(ouro_current_task());
    return iterate(f);
}

/* Rule 4 */
static void
a_task_that_was_cancelled_gets_none(void **state)
{
    struct fixture *f = *state;

    set_worker(f, 0, 0, 7);
    start_workers(f);
    ouro_sim_advance(f->sim, 0);
    begin(f, iterate_when_cancelled);

    assert_err(f->result, ECANCELED);
    assert_string_equal(f->trace, "");
}

static int
iterate_oneself(struct fixture *f)
{
    f->nodes[0].task = ouro_task_ref(ouro_current_task());
    f->count = 1;
    return iterate(f);
}

static void
a_task_that_waits_for_itself_is_told_so(void **state)
{
    struct fixture *f = *state;

    begin(f, iterate_oneself);

    assert_err(f->result, EDEADLK);
}

static int
forget_the_end(void *arg)
{
    struct ouro_as_completed each;

    (void)arg;
    ouro_as_completed_begin(&each, NULL, 0, OURO_SECONDS(1));
    return 0;
}

/* Its timer and its nodes would call into a frame that is gone. */
static void
a_forgotten_end_stops_with_the_line_of_its_begin(void **state)
{
    assert_stops(forget_the_end, *state,
                 "what a task begins must be ended on every path");
    assert_stops(forget_the_end, *state, "ouro: test_as_completed.c:");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_done_first_comes_first),
        TEST(what_is_done_in_one_turn_comes_in_that_order),
        TEST(nothing_to_wait_for_ends_at_once),
        TEST(a_timeout_ends_the_iteration_and_the_tasks_live_on),
        TEST(what_was_done_in_time_comes_although_the_time_is_up),
        TEST(a_time_that_is_up_after_the_last_is_nothing),
        TEST(who_leaves_early_leaves_the_others_alone),
        TEST(a_failure_that_did_not_come_is_reported),
        TEST(the_failure_of_a_future_that_did_not_come_is_reported),
        TEST(a_cancel_ends_the_wait_and_nothing_else),
        TEST(a_task_that_was_cancelled_gets_none),
        TEST(a_task_that_waits_for_itself_is_told_so),
        TEST(a_forgotten_end_stops_with_the_line_of_its_begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
