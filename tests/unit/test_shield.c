/* SPDX-License-Identifier: MIT */
/* What a shield holds back, and what it does not.  See struct ouro_shield. */
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
    int64_t limit_ns; /* of the shield */
    int results[MOST_RESULTS];
    int64_t ended_ns;
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

static int
end(struct fixture *f)
{
    int result = ouro_task_result(f->task);

    f->task = ouro_task_unref(f->task);
    return result;
}

/* Requests. */

static int
clean_up(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;

    f->results[0] = ouro_await(&f->reply);
    ouro_shield_begin(&shield, f->limit_ns);
    f->results[1] = ouro_sleep(OURO_SECONDS(1));
    f->results[2] = (int)ouro_shield_end(&shield, f->results[1]);
    f->ended_ns = passed_ns(f);
    f->results[3] = ouro_sleep(0);
    return f->results[0];
}

static void
a_task_that_is_cancelled_can_wait_inside(void **state)
{
    struct fixture *f = *state;

    create(f, clean_up);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));

    assert_err(f->results[0], ECANCELED);
    assert_ok(f->results[1]);
    assert_ok(f->results[2]);
    assert_err(f->results[3], ECANCELED);
    assert_int_equal(f->ended_ns, OURO_SECONDS(1));
    assert_err(end(f), ECANCELED);
}

static void
a_request_that_comes_meanwhile_is_held_back_until_the_end(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_future_set_result(&f->reply, NULL));
    create(f, clean_up);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, OURO_SECONDS(1) - 1);
    assert_int_equal(f->results[1], UNSEEN);
    ouro_sim_advance(f->sim, 1);

    assert_ok(f->results[2]);
    assert_err(f->results[3], ECANCELED);
    assert_ok(end(f));
}

/* Its limit. */

static void
its_limit_ends_the_wait_and_says_etimedout(void **state)
{
    struct fixture *f = *state;

    f->limit_ns = OURO_MILLISECONDS(10);
    create(f, clean_up);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));

    assert_err(f->results[1], ECANCELED);
    assert_err(f->results[2], ETIMEDOUT);
    assert_int_equal(f->ended_ns, OURO_MILLISECONDS(10));
    assert_err(f->results[3], ECANCELED);
    assert_err(end(f), ECANCELED);
}

static int
end_with_another_result(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;

    ouro_shield_begin(&shield, 1);
    f->results[0] = ouro_sleep(5);
    f->results[1] = (int)ouro_shield_end(&shield, 7);
    f->results[2] = ouro_sleep(5);
    return 0;
}

static void
a_result_stands_although_its_time_has_passed(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, end_with_another_result, f));

    assert_err(f->results[0], ECANCELED);
    assert_int_equal(f->results[1], 7);
    assert_ok(f->results[2]);
}

/* Limits of others. */

static int
shield_inside_a_limit(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;
    struct ouro_shield shield;

    ouro_timeout_begin(&limit, 5);
    ouro_shield_begin(&shield, 100);
    f->results[0] = (int)ouro_shield_end(&shield, ouro_sleep(20));
    f->ended_ns = passed_ns(f);
    f->results[1] = ouro_await(&f->reply);
    f->results[2] = (int)ouro_timeout_end(&limit, f->results[1]);
    f->results[3] = ouro_sleep(1);
    return 0;
}

static void
a_limit_begun_before_is_held_back_until_the_end(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, shield_inside_a_limit, f));

    assert_ok(f->results[0]);
    assert_int_equal(f->ended_ns, 20);
    assert_err(f->results[1], ECANCELED);
    assert_err(f->results[2], ETIMEDOUT);
    assert_ok(f->results[3]);
    assert_int_equal(passed_ns(f), 21);
}

static int
clean_up_after_a_limit(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;
    struct ouro_shield shield;

    ouro_timeout_begin(&limit, 5);
    f->results[0] = ouro_await(&f->reply);
    ouro_shield_begin(&shield, 100);
    f->results[1] = (int)ouro_shield_end(&shield, ouro_sleep(20));
    f->results[2] = ouro_sleep(0);
    f->results[3] = (int)ouro_timeout_end(&limit, f->results[0]);
    f->results[4] = ouro_sleep(0);
    return 0;
}

static void
clean_up_after_a_limit_has_passed_works_too(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, clean_up_after_a_limit, f));

    assert_err(f->results[0], ECANCELED);
    assert_ok(f->results[1]);
    assert_err(f->results[2], ECANCELED);
    assert_err(f->results[3], ETIMEDOUT);
    assert_ok(f->results[4]);
}

static int
limit_inside_a_shield(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;
    struct ouro_timeout limit;

    ouro_task_cancel(ouro_current_task());
    ouro_shield_begin(&shield, 100);
    ouro_timeout_begin(&limit, 5);
    f->results[0] = (int)ouro_timeout_end(&limit, ouro_await(&f->reply));
    f->results[1] = ouro_sleep(1);
    f->results[2] = (int)ouro_shield_end(&shield, 0);
    f->results[3] = ouro_sleep(0);
    return 0;
}

static void
a_limit_begun_inside_counts(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, limit_inside_a_shield, f));

    assert_err(f->results[0], ETIMEDOUT);
    assert_ok(f->results[1]);
    assert_ok(f->results[2]);
    assert_err(f->results[3], ECANCELED);
    assert_int_equal(passed_ns(f), 6);
}

static int
nest_shields(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield outer;
    struct ouro_shield inner;

    ouro_task_cancel(ouro_current_task());
    ouro_shield_begin(&outer, 5);
    ouro_shield_begin(&inner, 50);
    f->results[0] = (int)ouro_shield_end(&inner, ouro_sleep(20));
    f->results[1] = ouro_sleep(1);
    f->results[2] = (int)ouro_shield_end(&outer, f->results[1]);
    f->results[3] = ouro_sleep(0);
    return 0;
}

static void
a_shield_in_a_shield_has_its_own_limit(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, nest_shields, f));

    assert_ok(f->results[0]);
    assert_err(f->results[1], ECANCELED);
    assert_err(f->results[2], ETIMEDOUT);
    assert_err(f->results[3], ECANCELED);
    assert_int_equal(passed_ns(f), 20);
}

/* Groups. */

static int
fail_soon(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_sleep(1);

    f->results[6]++;
    return rc < 0 ? rc : -EPROTO;
}

static int
shield_inside_a_group(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;
    struct ouro_shield shield;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, fail_soon, f);
    ouro_shield_begin(&shield, 100);
    f->results[0] = (int)ouro_shield_end(&shield, ouro_sleep(20));
    f->results[1] = ouro_sleep(20);
    f->results[2] = ouro_group_end(&group, 0);
    f->results[3] = ouro_sleep(0);
    return 0;
}

static void
the_failure_of_a_group_begun_before_is_held_back(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, shield_inside_a_group, f));

    assert_ok(f->results[0]);
    assert_err(f->results[1], ECANCELED);
    assert_err(f->results[2], EPROTO);
    assert_ok(f->results[3]);
    assert_int_equal(passed_ns(f), 20);
}

static int
group_inside_a_shield(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;
    struct ouro_group group;

    ouro_task_cancel(ouro_current_task());
    ouro_shield_begin(&shield, 100);
    ouro_group_begin(&group);
    ouro_group_create_task(&group, fail_soon, f);
    f->results[0] = ouro_await(&f->reply);
    f->results[1] = ouro_group_end(&group, 0);
    f->results[2] = ouro_sleep(3);
    f->results[3] = (int)ouro_shield_end(&shield, 0);
    f->results[4] = ouro_sleep(3);
    return 0;
}

static void
a_group_begun_inside_works_as_ever(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, group_inside_a_shield, f));

    assert_err(f->results[0], ECANCELED);
    assert_err(f->results[1], EPROTO);
    assert_ok(f->results[2]);
    assert_ok(f->results[3]);
    assert_err(f->results[4], ECANCELED);
    assert_int_equal(passed_ns(f), 4);
}

static int
shield_in_a_child(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;

    ouro_shield_begin(&shield, 100);
    f->results[4] = (int)ouro_shield_end(&shield, ouro_sleep(20));
    f->results[5] = ouro_sleep(0);
    return f->results[5];
}

static int
cancel_a_group(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, shield_in_a_child, f);
    f->results[0] = ouro_sleep(1);
    ouro_group_cancel(&group);
    f->results[1] = ouro_group_end(&group, 0);
    f->ended_ns = passed_ns(f);
    return 0;
}

static void
the_word_of_a_group_to_its_child_is_held_back(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, cancel_a_group, f));

    assert_ok(f->results[4]);
    assert_err(f->results[5], ECANCELED);
    assert_ok(f->results[1]);
    assert_int_equal(f->ended_ns, 20);
}

/* The rules. */

static int
return_without_end(void *arg)
{
    struct ouro_shield shield;

    (void)arg;
    ouro__shield_begin(&shield, 5, "src/clean.c:61");
    return 0;
}

static int
end_the_outer_first(void *arg)
{
    struct ouro_shield shield;
    struct ouro_timeout limit;

    (void)arg;
    ouro__shield_begin(&shield, 5, "outer.c:1");
    ouro__timeout_begin(&limit, 5, "inner.c:2");
    return (int)ouro_shield_end(&shield, 0);
}

static void
a_forgotten_end_stops_with_the_line_of_its_begin(void **state)
{
    const char *rule = "what a task begins must be ended on every path";

    (void)state;
    assert_stops(return_without_end, NULL, rule);
    assert_stops(return_without_end, NULL, "ouro: clean.c:61: ");
    assert_stops(end_the_outer_first, NULL, "ouro: inner.c:2: ");
}

static void
begin_outside(void *arg)
{
    static struct ouro_shield shield;

    (void)arg;
    ouro_shield_begin(&shield, 5);
}

static void
a_shield_outside_a_task_stops_the_program(void **state)
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
    f.limit_ns = OURO_FOREVER;
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
        TEST(a_task_that_is_cancelled_can_wait_inside),
        TEST(a_request_that_comes_meanwhile_is_held_back_until_the_end),
        TEST(its_limit_ends_the_wait_and_says_etimedout),
        TEST(a_result_stands_although_its_time_has_passed),
        TEST(a_limit_begun_before_is_held_back_until_the_end),
        TEST(clean_up_after_a_limit_has_passed_works_too),
        TEST(a_limit_begun_inside_counts),
        TEST(a_shield_in_a_shield_has_its_own_limit),
        TEST(the_failure_of_a_group_begun_before_is_held_back),
        TEST(a_group_begun_inside_works_as_ever),
        TEST(the_word_of_a_group_to_its_child_is_held_back),
        TEST(a_forgotten_end_stops_with_the_line_of_its_begin),
        TEST(a_shield_outside_a_task_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
