/* SPDX-License-Identifier: MIT */
/* What a limit on the time of a part promises.  See struct ouro_timeout. */
#include "ouro_test.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_RESULTS = 8 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_future reply;
    struct ouro_task *task;
    int64_t start_ns;
    int64_t outer_ns; /* limits of the nested parts */
    int64_t inner_ns;
    int64_t cancel_ns; /* when somebody cancels the task; 0: nobody does */
    int results[MOST_RESULTS];
    int64_t ended_ns;
    bool flags[2];
    unsigned cancels;
};

static int64_t
passed_ns(const struct fixture *f)
{
    return ouro_loop_time_ns(f->loop) - f->start_ns;
}

static void
create(struct fixture *f, ouro_task_fn *fn)
{
    assert_ok(ouro_loop_create_task(f->loop, &f->task, fn, f));
    ouro_sim_turn(f->sim);
}

static size_t
count_timers(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    return stats.timers;
}

/* One limit. */

static int
await_five_seconds(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_SECONDS(5));
    int rc = ouro_await(&f->reply);
    f->flags[0] = ouro_timeout_expired(&limit);
    f->results[0] = (int)ouro_timeout_end(&limit, rc);
    f->ended_ns = passed_ns(f);
    f->results[1] = ouro_sleep(0);
    return 0;
}

static void
end_says_etimedout_when_the_time_has_passed(void **state)
{
    struct fixture *f = *state;

    start(f->sim, await_five_seconds, f);
    ouro_sim_advance(f->sim, OURO_SECONDS(5));

    assert_err(f->results[0], ETIMEDOUT);
    assert_true(f->flags[0]);
    assert_ok(f->results[1]);
}

/* A76 */
static void
it_is_not_early_by_a_nanosecond(void **state)
{
    struct fixture *f = *state;

    start(f->sim, await_five_seconds, f);
    ouro_sim_advance(f->sim, OURO_SECONDS(5) - 1);
    assert_int_equal(f->results[0], UNSEEN);
    ouro_sim_advance(f->sim, 1);

    assert_int_equal(f->ended_ns, OURO_SECONDS(5));
}

static void
a_result_in_time_is_what_end_returns(void **state)
{
    struct fixture *f = *state;

    start(f->sim, await_five_seconds, f);
    assert_ok(ouro_future_set_result(&f->reply, NULL));
    ouro_sim_turn(f->sim);

    assert_ok(f->results[0]);
    assert_false(f->flags[0]);
    assert_int_equal(count_timers(f), 0);
    ouro_sim_turn(f->sim);
}

static void
another_error_stays_that_error(void **state)
{
    struct fixture *f = *state;

    start(f->sim, await_five_seconds, f);
    assert_ok(ouro_future_set_error(&f->reply, -EPIPE));
    ouro_sim_advance(f->sim, 0);

    assert_err(f->results[0], EPIPE);
}

static int
return_seven_late(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, 1);
    f->results[0] = ouro_sleep(2);
    f->results[1] = (int)ouro_timeout_end(&limit, 7);
    return 0;
}

static void
a_result_stands_although_the_time_has_passed(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, return_seven_late, f));

    assert_err(f->results[0], ECANCELED);
    assert_int_equal(f->results[1], 7);
}

static void
reply(void *arg)
{
    struct fixture *f = arg;

    (void)ouro_future_set_result(&f->reply, NULL);
}

/* A47: the timer that replies was set first, so it is the first of the two. */
static void
a_result_of_the_turn_of_the_limit_stands(void **state)
{
    struct fixture *f = *state;
    struct ouro_handle handle = {0};

    ouro_call_later(f->loop, &handle, OURO_SECONDS(5), reply, f);
    start(f->sim, await_five_seconds, f);
    ouro_sim_advance(f->sim, OURO_SECONDS(5));

    assert_ok(f->results[0]);
    assert_true(f->flags[0]);
    assert_ok(f->results[1]);
}

/* A47: the other way round. */
static void
a_limit_that_was_first_in_its_turn_wins(void **state)
{
    struct fixture *f = *state;
    struct ouro_handle handle = {0};

    start(f->sim, await_five_seconds, f);
    ouro_call_later(f->loop, &handle, OURO_SECONDS(5), reply, f);
    ouro_sim_advance(f->sim, OURO_SECONDS(5));

    assert_err(f->results[0], ETIMEDOUT);
    assert_ok(ouro_future_error(&f->reply));
}

static int
wait_on_after_the_limit(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, 5);
    for (size_t i = 0; i < 4; i++)
        f->results[i] = ouro_sleep(2);
    f->results[4] = ouro_await(&f->reply);
    f->results[5] = (int)ouro_timeout_end(&limit, f->results[3]);
    f->results[6] = ouro_sleep(2);
    f->cancels = ouro_task_cancelling(ouro_current_task());
    return 0;
}

static void
it_is_for_any_number_of_calls_and_a_level(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, wait_on_after_the_limit, f));

    assert_ok(f->results[0]);
    assert_ok(f->results[1]);
    assert_err(f->results[2], ECANCELED);
    assert_err(f->results[3], ECANCELED);
    assert_err(f->results[4], ECANCELED);
    assert_err(f->results[5], ETIMEDOUT);
    assert_ok(f->results[6]);
    assert_int_equal(f->cancels, 0);
}

/* Odd limits. */

static int
await_within(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, f->inner_ns);
    f->results[0] = ouro_await(&f->reply);
    f->results[1] = (int)ouro_timeout_end(&limit, f->results[0]);
    f->ended_ns = passed_ns(f);
    return 0;
}

static void
no_time_at_all_ends_the_first_wait_in_the_next_turn(void **state)
{
    struct fixture *f = *state;
    const int64_t none[] = {0, -1, INT64_MIN};

    for (size_t i = 0; i < 3; i++) {
        f->inner_ns = none[i];
        f->results[1] = UNSEEN;
        start(f->sim, await_within, f);
        assert_int_equal(f->results[1], UNSEEN);
        ouro_sim_advance(f->sim, 0);
        assert_err(f->results[1], ETIMEDOUT);
        ouro_sim_advance(f->sim, 1);
    }
}

static void
forever_is_no_limit(void **state)
{
    struct fixture *f = *state;
    const int64_t long_ones[] = {OURO_FOREVER, OURO_FOREVER - 1};

    for (size_t i = 0; i < 2; i++) {
        f->inner_ns = long_ones[i];
        create(f, await_within);
        assert_int_equal(count_timers(f), 0);
        ouro_sim_advance(f->sim, OURO_SECONDS(1000000000));
        assert_int_equal(f->results[1], UNSEEN);
        ouro_task_cancel(f->task);
        ouro_sim_turn(f->sim);
        assert_err(f->results[1], ECANCELED);
        ouro_task_unref(f->task);
        f->results[1] = UNSEEN;
    }
}

static int
never_wait(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    (void)ouro_future_set_result(&f->reply, NULL);
    ouro_timeout_begin(&limit, OURO_SECONDS(1));
    int rc = ouro_await(&f->reply);
    return (int)ouro_timeout_end(&limit, rc);
}

static void
a_limit_that_is_not_needed_leaves_no_timer(void **state)
{
    struct fixture *f = *state;

    start(f->sim, never_wait, f);

    assert_int_equal(count_timers(f), 0);
}

/* Nesting. */

static int
nest(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout outer;
    struct ouro_timeout inner;

    ouro_timeout_begin(&outer, f->outer_ns);
    ouro_timeout_begin(&inner, f->inner_ns);
    int rc = ouro_await(&f->reply);
    f->flags[0] = ouro_timeout_expired(&inner);
    f->flags[1] = ouro_timeout_expired(&outer);
    f->results[0] = (int)ouro_timeout_end(&inner, rc);
    f->ended_ns = passed_ns(f);
    f->results[1] = ouro_sleep(0);
    f->results[2] = (int)ouro_timeout_end(&outer, f->results[0]);
    f->cancels = ouro_task_cancelling(ouro_current_task());
    return 0;
}

static void
cancel_it(void *arg)
{
    struct fixture *f = arg;

    ouro_task_cancel(f->task);
}

/* All orders of the inner limit, the outer one, and a cancel from outside; and
 * what comes of it: at the end of the inner part, at a wait between the two,
 * at the end of the outer, and how many requests stand. */
static const struct order {
    int64_t inner_ns, outer_ns, cancel_ns;
    int inner, between, outer;
    unsigned cancels;
} orders[] = {
    {1, 2, 3, -ETIMEDOUT, 0, -ETIMEDOUT, 0},
    {2, 1, 3, -ECANCELED, -ECANCELED, -ETIMEDOUT, 0},
    {1, 3, 2, -ETIMEDOUT, 0, -ETIMEDOUT, 0},
    {3, 1, 2, -ECANCELED, -ECANCELED, -ETIMEDOUT, 0},
    {2, 3, 1, -ECANCELED, -ECANCELED, -ECANCELED, 1},
    {3, 2, 1, -ECANCELED, -ECANCELED, -ECANCELED, 1},
    {1, 1, 3, -ECANCELED, -ECANCELED, -ETIMEDOUT, 0},
    {1, 2, 1, -ECANCELED, -ECANCELED, -ECANCELED, 1},
    {2, 1, 1, -ECANCELED, -ECANCELED, -ECANCELED, 1},
    {1, OURO_FOREVER, 0, -ETIMEDOUT, 0, -ETIMEDOUT, 0},
    {OURO_FOREVER, 1, 0, -ECANCELED, -ECANCELED, -ETIMEDOUT, 0},
};

/* The cancel was asked for first, so it is the first of its instant. */
static void
run_order(struct fixture *f, const struct order *order)
{
    struct ouro_handle handle = {0};

    f->inner_ns = order->inner_ns;
    f->outer_ns = order->outer_ns;
    f->start_ns = ouro_loop_time_ns(f->loop);
    assert_ok(ouro_loop_create_task(f->loop, &f->task, nest, f));
    if (order->cancel_ns > 0)
        ouro_call_later(f->loop, &handle, order->cancel_ns, cancel_it, f);
    ouro_sim_advance(f->sim, 10);
    assert_true(ouro_task_is_done(f->task));
    f->task = ouro_task_unref(f->task);
}

/* A52 */
static void
only_the_limit_that_cancelled_says_etimedout(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        run_order(f, &orders[i]);
        assert_int_equal(f->results[0], orders[i].inner);
        assert_int_equal(f->results[1], orders[i].between);
        assert_int_equal(f->results[2], orders[i].outer);
        assert_int_equal(f->cancels, orders[i].cancels);
    }
}

static void
an_inner_limit_that_is_longer_does_not_prolong_the_outer(void **state)
{
    struct fixture *f = *state;
    const struct order order = {.inner_ns = 8, .outer_ns = 3};

    run_order(f, &order);

    assert_int_equal(f->ended_ns, 3);
    assert_false(f->flags[0]);
    assert_true(f->flags[1]);
}

static int
leave_the_inner_in_time(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout outer;
    struct ouro_timeout inner;

    ouro_timeout_begin(&outer, 10);
    ouro_timeout_begin(&inner, 5);
    f->results[0] = (int)ouro_timeout_end(&inner, ouro_sleep(2));
    ouro_timeout_begin(&inner, 3);
    f->results[1] = (int)ouro_timeout_end(&inner, ouro_sleep(6));
    f->results[2] = (int)ouro_timeout_end(&outer, ouro_sleep(20));
    f->ended_ns = passed_ns(f);
    return 0;
}

static void
after_an_inner_limit_the_outer_one_counts_again(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, leave_the_inner_in_time, f));

    assert_ok(f->results[0]);
    assert_err(f->results[1], ETIMEDOUT);
    assert_err(f->results[2], ETIMEDOUT);
    assert_int_equal(f->ended_ns, 10);
}

static void
a_limit_that_is_due_and_has_not_run_is_taken_back(void **state)
{
    struct fixture *f = *state;
    struct ouro_handle handle = {0};

    f->outer_ns = 10;
    assert_ok(ouro_loop_create_task(f->loop, NULL, nest, f));
    ouro_call_soon(f->loop, &handle, reply, f);
    ouro_sim_advance(f->sim, 0);

    assert_ok(f->results[0]);
    assert_false(f->flags[0]);
    assert_ok(f->results[1]);
    assert_ok(f->results[2]);
    assert_int_equal(count_timers(f), 0);
}

/* A48: what ends slowly has ended when the limit has. */

static int
clean_up_slowly(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;

    f->results[3] = ouro_await(&f->reply);
    ouro_shield_begin(&shield, OURO_FOREVER);
    f->results[4] = (int)ouro_shield_end(&shield, ouro_sleep(100));
    f->flags[0] = true;
    return f->results[3];
}

static int
wait_for_it(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;
    struct ouro_group group;

    ouro_timeout_begin(&limit, 5);
    ouro_group_begin(&group);
    ouro_group_create_task(&group, clean_up_slowly, f);
    int rc = ouro_group_end(&group, 0);
    f->flags[1] = f->flags[0];
    f->results[0] = (int)ouro_timeout_end(&limit, rc);
    f->ended_ns = passed_ns(f);
    return 0;
}

/* A48 */
static void
a_limit_on_a_task_waits_for_it_to_clean_up(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, wait_for_it, f));

    assert_err(f->results[3], ECANCELED);
    assert_ok(f->results[4]);
    assert_true(f->flags[1]);
    assert_err(f->results[0], ETIMEDOUT);
    assert_int_equal(f->ended_ns, 105);
}

/* The rules. */

static int
return_without_end(void *arg)
{
    struct ouro_timeout limit;

    (void)arg;
    ouro__timeout_begin(&limit, 5, "src/ask_line.c:16");
    return 0;
}

static int
end_the_outer_first(void *arg)
{
    struct ouro_timeout outer;
    struct ouro_timeout inner;

    (void)arg;
    ouro__timeout_begin(&outer, 5, "outer.c:1");
    ouro__timeout_begin(&inner, 5, "inner.c:2");
    return (int)ouro_timeout_end(&outer, 0);
}

static int
end_twice(void *arg)
{
    struct ouro_timeout limit;

    (void)arg;
    ouro_timeout_begin(&limit, 5);
    int rc = (int)ouro_timeout_end(&limit, 0);
    return rc < 0 ? rc : (int)ouro_timeout_end(&limit, 0);
}

static void
a_forgotten_end_stops_with_the_line_of_its_begin(void **state)
{
    const char *rule = "what a task begins must be ended on every path";

    (void)state;
    assert_stops(return_without_end, NULL, rule);
    assert_stops(return_without_end, NULL, "ouro: ask_line.c:16: ");
    assert_stops(return_without_end, NULL, "(task 'return_without_end')");
    assert_stops(end_the_outer_first, NULL, "ouro: inner.c:2: what a task");
    assert_stops(end_twice, NULL, rule);
}

static void
begin_outside(void *arg)
{
    static struct ouro_timeout limit;

    (void)arg;
    ouro_timeout_begin(&limit, 5);
}

static void
a_limit_outside_a_task_stops_the_program(void **state)
{
    assert_callback_stops(begin_outside, *state, "is made in a task");
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
    ouro_future_init(&f.reply, f.loop);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    assert_int_equal(f->seen.count, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(end_says_etimedout_when_the_time_has_passed),
        TEST(it_is_not_early_by_a_nanosecond),
        TEST(a_result_in_time_is_what_end_returns),
        TEST(another_error_stays_that_error),
        TEST(a_result_stands_although_the_time_has_passed),
        TEST(a_result_of_the_turn_of_the_limit_stands),
        TEST(a_limit_that_was_first_in_its_turn_wins),
        TEST(it_is_for_any_number_of_calls_and_a_level),
        TEST(no_time_at_all_ends_the_first_wait_in_the_next_turn),
        TEST(forever_is_no_limit),
        TEST(a_limit_that_is_not_needed_leaves_no_timer),
        TEST(only_the_limit_that_cancelled_says_etimedout),
        TEST(an_inner_limit_that_is_longer_does_not_prolong_the_outer),
        TEST(after_an_inner_limit_the_outer_one_counts_again),
        TEST(a_limit_that_is_due_and_has_not_run_is_taken_back),
        TEST(a_limit_on_a_task_waits_for_it_to_clean_up),
        TEST(a_forgotten_end_stops_with_the_line_of_its_begin),
        TEST(a_limit_outside_a_task_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
