/* SPDX-License-Identifier: MIT */
/* Limits that begin at a time, and that are moved.  See
 * ouro_timeout_reschedule(). */
#include "ouro_test.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_RESULTS = 4 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_task *task;
    struct ouro_timeout *limit; /* of the part that is moved */
    int64_t start_ns;
    int64_t move_ns; /* where to, from the start */
    int64_t inner_ns;
    int results[MOST_RESULTS];
    int64_t times_ns[MOST_RESULTS]; /* when they were there */
};

static int64_t
passed_ns(const struct fixture *f)
{
    return ouro_loop_time_ns(f->loop) - f->start_ns;
}

static void
see(struct fixture *f, size_t i, ssize_t result)
{
    f->results[i] = (int)result;
    f->times_ns[i] = passed_ns(f);
}

static void
begin(struct fixture *f, ouro_task_fn *fn)
{
    assert_ok(ouro_loop_create_task(f->loop, &f->task, fn, f));
    ouro_sim_turn(f->sim);
}

/* Absolute times. */

static int
share_a_limit(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    for (size_t i = 0; i < 3; i++) {
        ouro_timeout_begin_at(&limit, f->start_ns + 10);
        int rc = ouro_sleep(6);
        see(f, i, ouro_timeout_end(&limit, rc));
    }
    return 0;
}

static void
several_parts_may_share_a_time(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, share_a_limit, f));

    assert_ok(f->results[0]);
    assert_err(f->results[1], ETIMEDOUT);
    assert_int_equal(f->times_ns[1], 10);
    assert_err(f->results[2], ETIMEDOUT);
    assert_in_range(f->times_ns[2], 10, 11);
}

static int
need_no_time(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;
    struct ouro_future future;

    ouro_future_init(&future, f->loop);
    ouro_future_set_result(&future, NULL);
    ouro_timeout_begin(&limit, 10);
    int rc = ouro_sleep(20);
    see(f, 0, ouro_timeout_end(&limit, rc));
    ouro_timeout_begin_at(&limit, f->start_ns);
    rc = ouro_await(&future);
    see(f, 1, ouro_timeout_end(&limit, rc));
    ouro_timeout_begin(&limit, 0);
    rc = ouro_await(&future);
    see(f, 2, ouro_timeout_end(&limit, rc));
    return 0;
}

/* Also right after another limit was up, at the very same time. */
static void
what_need_not_wait_succeeds_although_the_time_has_passed(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, need_no_time, f));

    assert_err(f->results[0], ETIMEDOUT);
    assert_ok(f->results[1]);
    assert_ok(f->results[2]);
    assert_int_equal(f->times_ns[2], 10);
}

static int
look_at_the_time(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, 10);
    see(f, 0, (int)(ouro_timeout_when_ns(&limit) - f->start_ns));
    ouro_timeout_reschedule(&limit, OURO_FOREVER);
    see(f, 1, ouro_timeout_when_ns(&limit) == OURO_FOREVER);
    return (int)ouro_timeout_end(&limit, 0);
}

static void
a_limit_tells_its_time(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, look_at_the_time, f));

    assert_int_equal(f->results[0], 10);
    assert_int_equal(f->results[1], 1);
}

/* Moving. */

static int
move_after_two(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, 10);
    int rc = ouro_sleep(2);
    see(f, 0, ouro_timeout_reschedule_at(&limit, f->start_ns + f->move_ns));
    if (rc == 0)
        rc = ouro_sleep(100);
    see(f, 1, ouro_timeout_end(&limit, rc));
    return 0;
}

static void
a_limit_moves_either_way(void **state)
{
    struct fixture *f = *state;
    static const int64_t times_ns[] = {3, 9, 11, 50};

    for (size_t i = 0; i < sizeof(times_ns) / sizeof(times_ns[0]); i++) {
        f->start_ns = ouro_loop_time_ns(f->loop);
        f->move_ns = times_ns[i];
        assert_ok(ouro_sim_run(f->sim, move_after_two, f));
        assert_ok(f->results[0]);
        assert_err(f->results[1], ETIMEDOUT);
        assert_int_equal(f->times_ns[1], times_ns[i]);
    }
}

static void
a_limit_that_moves_into_the_past_is_up_at_once(void **state)
{
    struct fixture *f = *state;

    f->move_ns = 1;
    assert_ok(ouro_sim_run(f->sim, move_after_two, f));

    assert_ok(f->results[0]);
    assert_err(f->results[1], ETIMEDOUT);
    assert_int_equal(f->times_ns[1], 2);
}

static int
move_too_late(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, 10);
    see(f, 0, ouro_sleep(20));
    see(f, 1, ouro_timeout_reschedule(&limit, 100));
    see(f, 2, ouro_sleep(1));
    see(f, 3, ouro_timeout_end(&limit, f->results[2]));
    return 0;
}

/* asyncio: "Cannot change state of expired Timeout". */
static void
a_limit_that_was_up_stays_so(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, move_too_late, f));

    assert_err(f->results[0], ECANCELED);
    assert_err(f->results[1], EALREADY);
    assert_err(f->results[2], ECANCELED);
    assert_err(f->results[3], ETIMEDOUT);
}

static int
wait_until_the_limit(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    f->limit = &limit;
    ouro_timeout_begin(&limit, 10);
    int rc = ouro_sleep(100);
    see(f, 0, ouro_timeout_end(&limit, rc));
    return 0;
}

/* A watchdog that is fed: from a callback, while the task waits. */
static void
somebody_else_may_move_it(void **state)
{
    struct fixture *f = *state;

    begin(f, wait_until_the_limit);
    ouro_sim_advance(f->sim, 8);
    assert_false(ouro_timeout_expired(f->limit));
    assert_ok(ouro_timeout_reschedule(f->limit, 10));
    ouro_sim_advance(f->sim, 9);
    assert_int_equal(f->results[0], UNSEEN);
    ouro_sim_advance(f->sim, 1);

    assert_err(f->results[0], ETIMEDOUT);
    assert_int_equal(f->times_ns[0], 18);
}

/* Nested limits: the one that is moved is the outer. */

static int
move_the_outer(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout outer;
    struct ouro_timeout inner;

    ouro_timeout_begin(&outer, 10);
    ouro_timeout_begin(&inner, f->inner_ns);
    ouro_timeout_reschedule(&outer, f->move_ns);
    int rc = ouro_sleep(100);
    see(f, 0, ouro_timeout_end(&inner, rc));
    rc = ouro_sleep(100);
    see(f, 1, ouro_timeout_end(&outer, rc));
    return 0;
}

/* A52 */
static void
an_outer_limit_that_moves_past_the_inner_lets_it_be_first(void **state)
{
    struct fixture *f = *state;

    f->inner_ns = 20;
    f->move_ns = 30;
    assert_ok(ouro_sim_run(f->sim, move_the_outer, f));

    assert_err(f->results[0], ETIMEDOUT);
    assert_int_equal(f->times_ns[0], 20);
    assert_err(f->results[1], ETIMEDOUT);
    assert_int_equal(f->times_ns[1], 30);
}

/* A52 */
static void
an_outer_limit_that_moves_before_the_inner_is_first(void **state)
{
    struct fixture *f = *state;

    f->inner_ns = 5;
    f->move_ns = 3;
    assert_ok(ouro_sim_run(f->sim, move_the_outer, f));

    assert_err(f->results[0], ECANCELED);
    assert_int_equal(f->times_ns[0], 3);
    assert_err(f->results[1], ETIMEDOUT);
}

static int
move_what_is_outside_a_shield(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;
    struct ouro_shield shield;
    struct ouro_group group;

    ouro_timeout_begin(&limit, 10);
    ouro_group_begin(&group);
    ouro_shield_begin(&shield, OURO_FOREVER);
    ouro_timeout_reschedule(&limit, 5);
    int rc = ouro_sleep(f->inner_ns);
    see(f, 0, ouro_shield_end(&shield, rc));
    rc = ouro_group_end(&group, ouro_sleep(20));
    see(f, 1, ouro_timeout_end(&limit, rc));
    return 0;
}

static void
a_shield_holds_a_limit_back_that_is_moved(void **state)
{
    struct fixture *f = *state;

    f->inner_ns = 20;
    assert_ok(ouro_sim_run(f->sim, move_what_is_outside_a_shield, f));

    assert_ok(f->results[0]);
    assert_int_equal(f->times_ns[0], 20);
    assert_err(f->results[1], ETIMEDOUT);
    assert_int_equal(f->times_ns[1], 20);
}

static void
after_a_shield_a_limit_that_was_moved_counts_again(void **state)
{
    struct fixture *f = *state;

    f->inner_ns = 3;
    assert_ok(ouro_sim_run(f->sim, move_what_is_outside_a_shield, f));

    assert_ok(f->results[0]);
    assert_int_equal(f->times_ns[0], 3);
    assert_err(f->results[1], ETIMEDOUT);
    assert_int_equal(f->times_ns[1], 5);
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
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    struct ouro_loop_stats stats;

    f->task = ouro_task_unref(f->task);
    ouro_loop_get_stats(f->loop, &stats);
    ouro_sim_free(f->sim);
    assert_int_equal(stats.timers, 0);
    assert_int_equal(f->seen.count, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(several_parts_may_share_a_time),
        TEST(what_need_not_wait_succeeds_although_the_time_has_passed),
        TEST(a_limit_tells_its_time),
        TEST(a_limit_moves_either_way),
        TEST(a_limit_that_moves_into_the_past_is_up_at_once),
        TEST(a_limit_that_was_up_stays_so),
        TEST(somebody_else_may_move_it),
        TEST(an_outer_limit_that_moves_past_the_inner_lets_it_be_first),
        TEST(an_outer_limit_that_moves_before_the_inner_is_first),
        TEST(a_shield_holds_a_limit_back_that_is_moved),
        TEST(after_a_shield_a_limit_that_was_moved_counts_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
