/* SPDX-License-Identifier: MIT */
/* What timers promise: never early, ties in order, no memory.  See
 * ouro_call_later(). */
#include "ouro_test.h"

#include <stdlib.h>
#include <string.h>

enum { TIMERS = 10, MILLION = 1000000 };

struct fixture;

struct timer {
    struct ouro_handle handle;
    struct fixture *f;
    char digit;
};

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    int64_t start_ns;
    struct timer timers[TIMERS];
    char trace[4 * TIMERS];
};

static void
note(void *arg)
{
    struct timer *timer = arg;

    timer->f->trace[strlen(timer->f->trace)] = timer->digit;
}

static void
set(struct fixture *f, size_t i, int64_t delay_ns)
{
    struct timer *timer = &f->timers[i];

    ouro_call_later(f->loop, &timer->handle, delay_ns, note, timer);
}

static void
set_at(struct fixture *f, size_t i, int64_t when_ns)
{
    struct timer *timer = &f->timers[i];

    ouro_call_at(f->loop, &timer->handle, when_ns, note, timer);
}

static size_t
count_timers(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    return stats.timers;
}

/* A76, M1 */
static void
timers_of_one_instant_come_in_the_order_they_were_set(void **state)
{
    struct fixture *f = *state;
    int64_t when_ns = f->start_ns + OURO_SECONDS(1);

    for (size_t i = 0; i < TIMERS; i++)
        set_at(f, i, when_ns);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));

    assert_string_equal(f->trace, "0123456789");
}

/* A76 */
static void
the_order_is_that_of_time_and_then_of_setting(void **state)
{
    struct fixture *f = *state;

    set(f, 0, 20);
    set(f, 1, 10);
    set(f, 2, 20);
    set(f, 3, 10);
    set_at(f, 4, f->start_ns + 15);
    ouro_sim_advance(f->sim, 20);

    assert_string_equal(f->trace, "13402");
}

/* A76 */
static void
a_timer_is_not_early_by_a_nanosecond_nor_late(void **state)
{
    struct fixture *f = *state;

    set(f, 0, OURO_MILLISECONDS(3));
    ouro_sim_advance(f->sim, OURO_MILLISECONDS(3) - 1);
    assert_string_equal(f->trace, "");
    ouro_sim_advance(f->sim, 1);

    assert_string_equal(f->trace, "0");
}

static void
queue_a_nested_call(void *arg)
{
    struct timer *timer = arg;

    note(timer);
    ouro_call_soon(timer->f->loop, &timer->f->timers[2].handle, note,
                   &timer->f->timers[2]);
}

/* M2 */
static void
a_timer_without_delay_comes_after_calls_and_before_what_they_queue(void **state)
{
    struct fixture *f = *state;

    set(f, 1, 0);
    ouro_call_soon(f->loop, &f->timers[0].handle, queue_a_nested_call,
                   &f->timers[0]);
    ouro_sim_advance(f->sim, 0);

    assert_string_equal(f->trace, "012");
}

static void
a_time_in_the_past_is_the_next_turn(void **state)
{
    struct fixture *f = *state;

    set_at(f, 0, f->start_ns - OURO_SECONDS(100));
    set_at(f, 1, INT64_MIN);
    set(f, 2, -5);
    set(f, 3, INT64_MIN);
    assert_string_equal(f->trace, "");
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "1023");
}

/* A76 */
static void
forever_never_comes_and_does_not_wrap(void **state)
{
    struct fixture *f = *state;

    set(f, 0, OURO_FOREVER);
    set_at(f, 1, OURO_FOREVER);
    set(f, 2, OURO_FOREVER - 1);
    set(f, 3, 1);
    ouro_sim_advance(f->sim, OURO_SECONDS(1000000000));

    assert_string_equal(f->trace, "3");
    for (size_t i = 0; i < 3; i++)
        ouro_handle_cancel(&f->timers[i].handle);
}

static void
a_timer_that_waits_is_moved(void **state)
{
    struct fixture *f = *state;

    set(f, 0, 10);
    set(f, 1, 20);
    set(f, 0, 30);
    set(f, 1, 5);
    assert_int_equal(count_timers(f), 2);
    ouro_sim_advance(f->sim, 5);
    assert_string_equal(f->trace, "1");
    ouro_sim_advance(f->sim, 24);
    assert_string_equal(f->trace, "1");
    ouro_sim_advance(f->sim, 1);

    assert_string_equal(f->trace, "10");
}

static void
a_timer_that_is_moved_goes_behind_its_equals(void **state)
{
    struct fixture *f = *state;

    set(f, 0, 10);
    set(f, 1, 10);
    set(f, 0, 10);
    ouro_sim_advance(f->sim, 10);

    assert_string_equal(f->trace, "10");
}

static void
a_timer_that_was_cancelled_does_not_come(void **state)
{
    struct fixture *f = *state;

    set(f, 0, 10);
    set(f, 1, 10);
    set(f, 2, 10);
    ouro_handle_cancel(&f->timers[1].handle);
    assert_false(ouro_handle_is_pending(&f->timers[1].handle));
    assert_int_equal(count_timers(f), 2);
    ouro_sim_advance(f->sim, 10);

    assert_string_equal(f->trace, "02");
}

static void
cancel_another(void *arg)
{
    struct timer *timer = arg;

    note(timer);
    ouro_handle_cancel(&timer->f->timers[1].handle);
}

static void
a_timer_may_cancel_another_that_is_due_too(void **state)
{
    struct fixture *f = *state;

    ouro_call_later(f->loop, &f->timers[0].handle, 10, cancel_another,
                    &f->timers[0]);
    set(f, 1, 10);
    set(f, 2, 10);
    ouro_sim_advance(f->sim, 10);

    assert_string_equal(f->trace, "02");
}

static void
set_itself_again(void *arg)
{
    struct timer *timer = arg;

    note(timer);
    if (strlen(timer->f->trace) < 3)
        ouro_call_later(timer->f->loop, &timer->handle, 0, set_itself_again,
                        timer);
}

static void
in_its_own_callback_a_timer_may_be_set_again(void **state)
{
    struct fixture *f = *state;

    ouro_call_later(f->loop, &f->timers[4].handle, 1, set_itself_again,
                    &f->timers[4]);
    ouro_sim_advance(f->sim, 0);
    assert_string_equal(f->trace, "");
    ouro_sim_advance(f->sim, 1);

    assert_string_equal(f->trace, "444");
}

static void
never_called(void *arg)
{
    bool *called = arg;

    *called = true;
}

/* A76 */
static void
a_million_timers_armed_and_cancelled_leave_nothing(void **state)
{
    struct fixture *f = *state;
    struct ouro_handle *handles = calloc(MILLION, sizeof(*handles));
    size_t before = live_allocations();
    bool called = false;

    assert_non_null(handles);
    for (size_t i = 0; i < MILLION; i++)
        ouro_call_later(f->loop, &handles[i], 1 + (int64_t)(i % 1000),
                        never_called, &called);
    assert_int_equal(count_timers(f), MILLION);
    assert_int_equal(live_allocations(), before);
    for (size_t i = 0; i < MILLION; i++)
        ouro_handle_cancel(&handles[(i * 7919) % MILLION]);
    free(handles);
    ouro_sim_advance(f->sim, 2000);

    assert_int_equal(count_timers(f), 0);
    assert_false(called);
}

static int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &f.seen},
    };

    memset(&f, 0, sizeof(f));
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.loop = ouro_sim_loop(f.sim);
    f.start_ns = ouro_loop_time_ns(f.loop);
    for (size_t i = 0; i < TIMERS; i++) {
        f.timers[i].f = &f;
        f.timers[i].digit = (char)('0' + i);
    }
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
        TEST(timers_of_one_instant_come_in_the_order_they_were_set),
        TEST(the_order_is_that_of_time_and_then_of_setting),
        TEST(a_timer_is_not_early_by_a_nanosecond_nor_late),
        TEST(
            a_timer_without_delay_comes_after_calls_and_before_what_they_queue),
        TEST(a_time_in_the_past_is_the_next_turn),
        TEST(forever_never_comes_and_does_not_wrap),
        TEST(a_timer_that_waits_is_moved),
        TEST(a_timer_that_is_moved_goes_behind_its_equals),
        TEST(a_timer_that_was_cancelled_does_not_come),
        TEST(a_timer_may_cancel_another_that_is_due_too),
        TEST(in_its_own_callback_a_timer_may_be_set_again),
        TEST(a_million_timers_armed_and_cancelled_leave_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
