/* SPDX-License-Identifier: MIT */
/* What it is to be cancelled: a level, not an edge.  See ouro_task_cancel(),
 * ouro_uncancel() and ouro_sleep(). */
#include "ouro_test.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_RESULTS = 8 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_future future;
    struct ouro_task *task;
    struct ouro_task *other;
    struct ouro_handle handle;
    int results[MOST_RESULTS];
    unsigned counts[4];
    int64_t start_ns;
    bool stay;
};

static void
create(struct fixture *f, ouro_task_fn *fn)
{
    assert_ok(ouro_loop_create_task(f->loop, &f->task, fn, f));
}

/* Its result, after it has ended. */
static int
end(struct fixture *f)
{
    int result = ouro_task_result(f->task);

    f->task = ouro_task_unref(f->task);
    return result;
}

static int64_t
passed_ns(const struct fixture *f)
{
    return ouro_loop_time_ns(f->loop) - f->start_ns;
}

/* Sleeping. */

static int
sleep_three_times(void *arg)
{
    struct fixture *f = arg;

    f->results[0] = ouro_sleep(OURO_MILLISECONDS(5));
    if (passed_ns(f) != OURO_MILLISECONDS(5))
        return -EPROTO;
    f->results[1] = ouro_sleep(0);
    f->results[2] = ouro_sleep(-7);
    return passed_ns(f) == OURO_MILLISECONDS(5) ? 0 : -EPROTO;
}

static void
sleep_lets_exactly_its_time_pass(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, sleep_three_times, f));

    for (size_t i = 0; i < 3; i++)
        assert_ok(f->results[i]);
}

static int
sleep_for_nothing(void *arg)
{
    struct fixture *f = arg;

    f->counts[0]++;
    f->results[0] = ouro_sleep(0);
    f->counts[0]++;
    return 0;
}

static void
to_sleep_for_nothing_is_one_turn(void **state)
{
    struct fixture *f = *state;

    start(f->sim, sleep_for_nothing, f);
    assert_int_equal(f->counts[0], 1);
    ouro_sim_turn(f->sim);

    assert_int_equal(f->counts[0], 2);
}

static int
sleep_long(void *arg)
{
    struct fixture *f = arg;

    f->results[0] = ouro_sleep(OURO_FOREVER);
    return f->results[0];
}

/* The one that is there until it has ended is for the report that it has not.
 */
static void
a_sleep_that_is_cancelled_leaves_no_timer(void **state)
{
    struct fixture *f = *state;
    struct ouro_loop_stats stats;

    create(f, sleep_long);
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->task);
    ouro_loop_get_stats(f->loop, &stats);
    assert_int_equal(stats.timers, 1);
    assert_int_equal(f->results[0], UNSEEN);
    ouro_sim_turn(f->sim);
    ouro_loop_get_stats(f->loop, &stats);

    assert_int_equal(stats.timers, 0);
    assert_err(end(f), ECANCELED);
}

/* The level. */

/* Every call that suspends, also where it need not wait. */
static int
try_every_call(void *arg)
{
    struct fixture *f = arg;
    struct ouro_future done;

    ouro_future_init(&done, f->loop);
    (void)ouro_future_set_result(&done, NULL);
    f->results[0] = ouro_await(&f->future);
    f->results[1] = ouro_await(&f->future);
    f->results[2] = ouro_await(&done);
    f->results[3] = ouro_sleep(0);
    f->results[4] = ouro_sleep(OURO_SECONDS(1));
    f->results[5] = ouro_task_join(f->other);
    ouro_future_fini(&done);
    return 3;
}

static int
end_at_once(void *arg)
{
    (void)arg;
    return 0;
}

/* A70, A71 */
static void
after_a_cancel_every_call_that_suspends_fails_at_once(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_loop_create_task(f->loop, &f->other, end_at_once, f));
    create(f, try_every_call);
    ouro_sim_turn(f->sim);
    assert_int_equal(f->results[0], UNSEEN);
    ouro_task_cancel(f->task);
    assert_int_equal(f->results[0], UNSEEN);
    ouro_sim_turn(f->sim);

    for (size_t i = 0; i < 6; i++)
        assert_err(f->results[i], ECANCELED);
    assert_int_equal(end(f), 3);
    assert_false(ouro_future_is_done(&f->future));
    ouro_task_unref(f->other);
}

/* A70, M13: it may own what its argument is. */
static void
a_task_that_is_cancelled_before_it_starts_runs_and_fails_to_wait(void **state)
{
    struct fixture *f = *state;

    create(f, sleep_long);
    ouro_task_cancel(f->task);
    ouro_sim_turn(f->sim);

    assert_err(f->results[0], ECANCELED);
    assert_err(end(f), ECANCELED);
}

static int
return_a_value_all_the_same(void *arg)
{
    struct fixture *f = arg;

    f->results[0] = ouro_await(&f->future);
    return 42;
}

/* A70, O9 */
static void
a_value_that_is_returned_under_a_cancel_stands(void **state)
{
    struct fixture *f = *state;

    create(f, return_a_value_all_the_same);
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->task);
    ouro_sim_turn(f->sim);

    assert_err(f->results[0], ECANCELED);
    assert_int_equal(end(f), 42);
}

static int
cancel_itself(void *arg)
{
    struct fixture *f = arg;

    ouro_task_cancel(ouro_current_task());
    f->results[0] = ouro_await(&f->future);
    return f->results[0];
}

/* A70 */
static void
a_task_that_cancels_itself_fails_at_its_next_wait(void **state)
{
    struct fixture *f = *state;

    assert_err(ouro_sim_run(f->sim, cancel_itself, f), ECANCELED);
    assert_err(f->results[0], ECANCELED);
}

/* A70: at the end. */
static void
to_cancel_what_is_done_is_nothing(void **state)
{
    struct fixture *f = *state;

    create(f, end_at_once);
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->task);

    assert_int_equal(ouro_task_cancelling(f->task), 0);
    assert_ok(end(f));
}

static int
await_twice(void *arg)
{
    struct fixture *f = arg;

    f->results[0] = ouro_await(&f->future);
    f->results[1] = ouro_sleep(0);
    return f->results[1];
}

/* A70: both, the result first. */
static void
a_result_that_came_before_the_cancel_stands(void **state)
{
    struct fixture *f = *state;

    create(f, await_twice);
    ouro_sim_turn(f->sim);
    assert_ok(ouro_future_set_result(&f->future, NULL));
    ouro_task_cancel(f->task);
    ouro_sim_turn(f->sim);

    assert_ok(f->results[0]);
    assert_err(f->results[1], ECANCELED);
    assert_err(end(f), ECANCELED);
}

/* A70: both, the cancel first. */
static void
a_cancel_that_came_before_the_result_wins(void **state)
{
    struct fixture *f = *state;

    create(f, await_twice);
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->task);
    assert_ok(ouro_future_set_result(&f->future, NULL));
    ouro_sim_turn(f->sim);

    assert_err(f->results[0], ECANCELED);
    assert_err(end(f), ECANCELED);
}

/* A70: of what it waits for. */
static void
to_cancel_the_future_leaves_its_waiter_alone(void **state)
{
    struct fixture *f = *state;

    create(f, await_twice);
    ouro_sim_turn(f->sim);
    assert_ok(ouro_future_cancel(&f->future));
    ouro_sim_advance(f->sim, 0);

    assert_err(f->results[0], ECANCELED);
    assert_ok(f->results[1]);
    assert_int_equal(ouro_task_cancelling(f->task), 0);
    assert_ok(end(f));
}

/* Counting. */

static int
uncancel_twice(void *arg)
{
    struct fixture *f = arg;

    f->results[0] = ouro_await(&f->future);
    f->counts[0] = ouro_task_cancelling(ouro_current_task());
    f->counts[1] = ouro_uncancel();
    f->results[1] = ouro_sleep(0);
    f->counts[2] = ouro_uncancel();
    f->results[2] = ouro_sleep(0);
    f->counts[3] = ouro_uncancel();
    return 0;
}

/* A71 */
static void
requests_are_counted_and_taken_back_one_by_one(void **state)
{
    struct fixture *f = *state;

    create(f, uncancel_twice);
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->task);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->results[0], ECANCELED);
    assert_int_equal(f->counts[0], 2);
    assert_int_equal(f->counts[1], 1);
    assert_err(f->results[1], ECANCELED);
    assert_int_equal(f->counts[2], 0);
    assert_ok(f->results[2]);
    assert_int_equal(f->counts[3], 0);
    assert_ok(end(f));
}

static int
go_on_living_once(void *arg)
{
    struct fixture *f = arg;

    f->results[0] = ouro_sleep(OURO_SECONDS(1));
    ouro_uncancel();
    f->results[1] = ouro_sleep(OURO_SECONDS(1));
    return f->results[1];
}

static int
await_the_other(void *arg)
{
    struct fixture *f = arg;

    f->results[2] = ouro_task_join(f->other);
    return 0;
}

/* A46 */
static void
a_task_may_go_on_living_and_a_second_cancel_ends_it(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_loop_create_task(f->loop, &f->other, go_on_living_once, f));
    create(f, await_the_other);
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->other);
    ouro_sim_turn(f->sim);
    assert_err(f->results[0], ECANCELED);
    assert_false(ouro_task_is_done(f->other));
    ouro_task_cancel(f->other);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->results[1], ECANCELED);
    assert_err(f->results[2], ECANCELED);
    assert_int_equal(passed_ns(f), 0);
    assert_ok(end(f));
    ouro_task_unref(f->other);
}

static int
ignore_it(void *arg)
{
    struct fixture *f = arg;

    do {
        f->counts[0]++;
        f->results[0] = ouro_await(&f->future);
    } while (f->counts[0] < 1000);
    return 0;
}

/* A46: who ignores a cancel does not go back to sleep. */
static void
a_missed_cancellation_is_told_again_and_again(void **state)
{
    struct fixture *f = *state;

    create(f, ignore_it);
    ouro_sim_turn(f->sim);
    assert_int_equal(f->counts[0], 1);
    ouro_task_cancel(f->task);
    ouro_sim_turn(f->sim);

    assert_int_equal(f->counts[0], 1000);
    assert_ok(end(f));
}

/* Fairness. */

static int
wait_without_waiting(void *arg)
{
    struct fixture *f = arg;

    while (!f->stay) {
        int rc = ouro_await(&f->future);
        if (rc < 0)
            return rc;
        f->counts[0]++;
    }
    return 0;
}

static void
let_it_end(void *arg)
{
    struct fixture *f = arg;

    f->stay = true;
}

static void
a_task_that_need_never_wait_lets_others_run(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_future_set_result(&f->future, NULL));
    create(f, wait_without_waiting);
    ouro_call_later(f->loop, &f->handle, 0, let_it_end, f);
    ouro_sim_advance(f->sim, 0);

    assert_in_range(f->counts[0], 1, 10000);
    assert_ok(end(f));
}

static void
a_task_that_need_never_wait_can_be_cancelled(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_future_set_result(&f->future, NULL));
    create(f, wait_without_waiting);
    ouro_sim_turn(f->sim);
    assert_false(ouro_task_is_done(f->task));
    ouro_task_cancel(f->task);
    ouro_sim_turn(f->sim);

    assert_err(end(f), ECANCELED);
}

static void
uncancel_nothing(void *arg)
{
    (void)arg;
    ouro_uncancel();
}

static void
to_uncancel_outside_a_task_stops_the_program(void **state)
{
    assert_callback_stops(uncancel_nothing, *state, "is made in a task");
}

static int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &f.seen},
    };

    memset(&f, 0, sizeof(f));
    for (size_t i = 0; i < MOST_RESULTS; i++)
        f.results[i] = UNSEEN;
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.loop = ouro_sim_loop(f.sim);
    f.start_ns = ouro_loop_time_ns(f.loop);
    ouro_future_init(&f.future, f.loop);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_future_fini(&f->future);
    ouro_sim_free(f->sim);
    assert_int_equal(f->seen.count, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sleep_lets_exactly_its_time_pass),
        TEST(to_sleep_for_nothing_is_one_turn),
        TEST(a_sleep_that_is_cancelled_leaves_no_timer),
        TEST(after_a_cancel_every_call_that_suspends_fails_at_once),
        TEST(a_task_that_is_cancelled_before_it_starts_runs_and_fails_to_wait),
        TEST(a_value_that_is_returned_under_a_cancel_stands),
        TEST(a_task_that_cancels_itself_fails_at_its_next_wait),
        TEST(to_cancel_what_is_done_is_nothing),
        TEST(a_result_that_came_before_the_cancel_stands),
        TEST(a_cancel_that_came_before_the_result_wins),
        TEST(to_cancel_the_future_leaves_its_waiter_alone),
        TEST(requests_are_counted_and_taken_back_one_by_one),
        TEST(a_task_may_go_on_living_and_a_second_cancel_ends_it),
        TEST(a_missed_cancellation_is_told_again_and_again),
        TEST(a_task_that_need_never_wait_lets_others_run),
        TEST(a_task_that_need_never_wait_can_be_cancelled),
        TEST(to_uncancel_outside_a_task_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
