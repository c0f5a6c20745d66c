/* SPDX-License-Identifier: MIT */
/* Tasks that were told to end and do not: who is told of, when, and who is
 * not.  P2 of the list of behaviours: one that outlives its cancel is named. */
#include "ouro_test.h"

#include <string.h>

enum { TASKS = 3 };

#define LIMIT   OURO_SECONDS(30)
#define MESSAGE "a task did not end although it was cancelled"

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_future until; /* when stubborn ones end */
    struct ouro_task *tasks[TASKS];
    bool leave; /* the part that has to end */
    int result;
};

#define create(f, fn) create_task(f, fn, #fn)

static void
create_task(struct fixture *f, ouro_task_fn *fn, const char *name)
{
    size_t i = 0;

    while (f->tasks[i] != NULL)
        i++;
    assert_ok(ouro__create_task(f->loop, &f->tasks[i], fn, f, name, OURO_HERE));
    ouro_sim_turn(f->sim);
}

static size_t
count_timers(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    return stats.timers;
}

/* Clean-up that hangs. */
static int
be_stubborn(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;

    ouro_shield_begin(&shield, OURO_FOREVER);
    return (int)ouro_shield_end(&shield, ouro_await(&f->until));
}

static int
await_until(void *arg)
{
    struct fixture *f = arg;

    return ouro_await(&f->until);
}

/* A89 */
static void
one_is_told_of_when_the_limit_has_passed(void **state)
{
    struct fixture *f = *state;

    create(f, be_stubborn);
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_advance(f->sim, LIMIT - 1);
    assert_int_equal(f->seen.count, 0);
    ouro_sim_advance(f->sim, 1);

    assert_int_equal(f->seen.count, 1);
    assert_ok(f->seen.error);
    assert_string_equal(f->seen.message, MESSAGE);
    assert_string_equal(f->seen.name, "be_stubborn");
    assert_non_null(strstr(f->seen.site, "test_overdue.c:"));
}

static void
it_is_told_of_once_however_often_it_is_cancelled(void **state)
{
    struct fixture *f = *state;

    create(f, be_stubborn);
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_advance(f->sim, LIMIT - 1);
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_advance(f->sim, 1);
    assert_int_equal(f->seen.count, 1);
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_advance(f->sim, 3 * LIMIT);

    assert_int_equal(f->seen.count, 1);
    assert_int_equal(count_timers(f), 0);
}

static void
one_that_ends_in_time_is_not_told_of_and_leaves_no_timer(void **state)
{
    struct fixture *f = *state;

    create(f, await_until);
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_turn(f->sim);
    assert_true(ouro_task_is_done(f->tasks[0]));
    assert_int_equal(count_timers(f), 0);
    ouro_sim_advance(f->sim, LIMIT);

    assert_int_equal(f->seen.count, 0);
}

static void
one_that_nobody_cancelled_has_no_limit(void **state)
{
    struct fixture *f = *state;

    create(f, be_stubborn);
    assert_int_equal(count_timers(f), 0);
    ouro_sim_advance(f->sim, 3 * LIMIT);

    assert_int_equal(f->seen.count, 0);
}

static void
each_has_the_whole_limit_and_all_of_them_one_timer(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < TASKS; i++) {
        create(f, be_stubborn);
        ouro_task_set_name(f->tasks[i], i == 1 ? "second" : "other");
        ouro_task_cancel(f->tasks[i]);
        ouro_sim_advance(f->sim, OURO_SECONDS(1));
    }
    assert_int_equal(count_timers(f), 1);
    ouro_sim_advance(f->sim, LIMIT - OURO_SECONDS(2) - 1);
    assert_int_equal(f->seen.count, 1);
    ouro_sim_advance(f->sim, 1);
    assert_int_equal(f->seen.count, 2);
    assert_string_equal(f->seen.name, "second");
    ouro_sim_advance(f->sim, OURO_SECONDS(1));

    assert_int_equal(f->seen.count, 3);
}

/* Those that come after one that has left are still told of. */
static void
the_first_may_leave_before_its_time(void **state)
{
    struct fixture *f = *state;

    create(f, await_until);
    ouro_task_cancel(f->tasks[0]);
    create(f, be_stubborn);
    ouro_task_cancel(f->tasks[1]);
    ouro_sim_advance(f->sim, LIMIT);

    assert_true(ouro_task_is_done(f->tasks[0]));
    assert_int_equal(f->seen.count, 1);
}

static int
take_the_request_back(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_await(&f->until);
    ouro_uncancel();
    return ouro_await(&f->until);
}

static void
one_that_takes_the_request_back_may_live(void **state)
{
    struct fixture *f = *state;

    create(f, take_the_request_back);
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_advance(f->sim, 3 * LIMIT);

    assert_err(f->result, ECANCELED);
    assert_false(ouro_task_is_done(f->tasks[0]));
    assert_int_equal(f->seen.count, 0);
}

/* Groups. */

static int
own_a_stubborn_one(void *arg)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, be_stubborn, arg);
    return ouro_group_end(&group, 0);
}

static void
of_a_group_its_task_is_told_of_and_not_its_owner(void **state)
{
    struct fixture *f = *state;

    create(f, own_a_stubborn_one);
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_advance(f->sim, 5 * LIMIT);

    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.name, "be_stubborn");
}

/* Nobody has told the tasks of this one to end. */
static int
clean_up_with_a_group(void *arg)
{
    struct ouro_shield shield;

    ouro_shield_begin(&shield, OURO_FOREVER);
    return (int)ouro_shield_end(&shield, own_a_stubborn_one(arg));
}

static void
who_waits_for_a_group_that_may_live_is_told_of(void **state)
{
    struct fixture *f = *state;

    create(f, clean_up_with_a_group);
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_advance(f->sim, 5 * LIMIT);

    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.name, "clean_up_with_a_group");
}

/* Those it waits for otherwise. */

static int
wait_for_a_stubborn_one(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_wait_for(f->tasks[0], 1);
    return f->result;
}

static int
gather_a_stubborn_one(void *arg)
{
    struct fixture *f = arg;
    struct ouro_awaited one = {.task = f->tasks[0]};

    return ouro_gather(&one, 1);
}

static int
join_a_stubborn_one_to_the_end(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;

    ouro_shield_begin(&shield, OURO_FOREVER);
    return (int)ouro_shield_end(&shield, ouro_task_join(f->tasks[0]));
}

static int
join_then_stay(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;

    ouro_shield_begin(&shield, OURO_FOREVER);
    f->result = ouro_task_join(f->tasks[0]);
    return (int)ouro_shield_end(&shield, ouro_sleep(2 * LIMIT));
}

/* A48: a limit that is up cancels what is waited for, and waits on. */
static void
of_a_wait_with_a_limit_the_awaited_is_told_of(void **state)
{
    struct fixture *f = *state;

    create(f, be_stubborn);
    create(f, wait_for_a_stubborn_one);
    ouro_sim_advance(f->sim, 1);
    ouro_sim_advance(f->sim, 5 * LIMIT);

    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.name, "be_stubborn");
    (void)ouro_future_set_result(&f->until, NULL);
    ouro_sim_advance(f->sim, 0);
    assert_int_equal(count_timers(f), 0);
}

static void
of_a_gather_the_awaited_are_told_of(void **state)
{
    struct fixture *f = *state;

    create(f, be_stubborn);
    create(f, gather_a_stubborn_one);
    ouro_task_cancel(f->tasks[1]);
    ouro_sim_advance(f->sim, 5 * LIMIT);

    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.name, "be_stubborn");
}

static void
who_joins_one_that_may_live_is_told_of(void **state)
{
    struct fixture *f = *state;

    create(f, await_until);
    create(f, join_a_stubborn_one_to_the_end);
    ouro_task_cancel(f->tasks[1]);
    ouro_sim_advance(f->sim, 5 * LIMIT);

    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.name, "join_a_stubborn_one_to_the_end");
}

/* Then it is at fault itself. */
static void
who_stays_when_the_awaited_has_ended_is_told_of_later(void **state)
{
    struct fixture *f = *state;

    create(f, be_stubborn);
    create(f, join_then_stay);
    ouro_task_cancel(f->tasks[0]);
    ouro_task_cancel(f->tasks[1]);
    ouro_sim_advance(f->sim, LIMIT);
    assert_int_equal(f->seen.count, 1);
    (void)ouro_future_set_result(&f->until, NULL);
    ouro_sim_advance(f->sim, LIMIT);

    assert_int_equal(f->seen.count, 2);
    assert_string_equal(f->seen.name, "join_then_stay");
}

static int
fail_later(void *arg)
{
    (void)arg;
    return ouro_sleep(1) < 0 ? -ECANCELED : -EPROTO;
}

/* What an owner does in its group when a task of that has failed. */
static int
clean_up_in_a_group_that_failed(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, fail_later, NULL);
    f->result = ouro_sleep(2);
    if (!f->leave)
        (void)be_stubborn(f);
    f->result = ouro_group_end(&group, f->result);
    return be_stubborn(f);
}

static void
an_owner_that_stays_in_a_group_that_failed_is_told_of(void **state)
{
    struct fixture *f = *state;

    create(f, clean_up_in_a_group_that_failed);
    ouro_sim_advance(f->sim, LIMIT + 1);

    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.message, MESSAGE);
}

static void
an_owner_that_has_left_a_group_that_failed_may_live(void **state)
{
    struct fixture *f = *state;

    f->leave = true;
    create(f, clean_up_in_a_group_that_failed);
    ouro_sim_advance(f->sim, 3 * LIMIT);

    assert_err(f->result, EPROTO);
    assert_int_equal(f->seen.count, 0);
}

/* Limits. */

static int
clean_up_after_a_limit(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, 1);
    f->result = ouro_await(&f->until);
    if (!f->leave)
        (void)be_stubborn(f);
    f->result = (int)ouro_timeout_end(&limit, f->result);
    return ouro_await(&f->until);
}

static void
one_that_stays_in_a_part_whose_time_is_up_is_told_of(void **state)
{
    struct fixture *f = *state;

    create(f, clean_up_after_a_limit);
    ouro_sim_advance(f->sim, LIMIT);
    assert_int_equal(f->seen.count, 0);
    ouro_sim_advance(f->sim, 1);

    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.message, MESSAGE);
}

static void
one_that_has_left_a_part_whose_time_was_up_may_live(void **state)
{
    struct fixture *f = *state;

    f->leave = true;
    create(f, clean_up_after_a_limit);
    ouro_sim_advance(f->sim, 3 * LIMIT);

    assert_err(f->result, ETIMEDOUT);
    assert_int_equal(f->seen.count, 0);
}

/* A limit within the clean-up is over, the request is not. */
static int
clean_up_in_two_parts(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;
    struct ouro_timeout limit;

    ouro_shield_begin(&shield, OURO_FOREVER);
    ouro_timeout_begin(&limit, 1);
    f->result = (int)ouro_timeout_end(&limit, ouro_await(&f->until));
    return (int)ouro_shield_end(&shield, ouro_await(&f->until));
}

static void
to_leave_such_a_part_is_not_to_end(void **state)
{
    struct fixture *f = *state;

    create(f, clean_up_in_two_parts);
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_advance(f->sim, LIMIT);

    assert_err(f->result, ETIMEDOUT);
    assert_int_equal(f->seen.count, 1);
}

/* The loop. */

static void
the_limit_is_an_option_of_the_loop(void **state)
{
    const struct ouro_sim_options options = {
        .loop = {.cancel_limit_ns = 5, .exception_handler = see_exception}};
    struct seen_exceptions seen = {0};
    struct fixture other = {0};

    (void)state;
    assert_ok(ouro_sim_new(&other.sim, &options));
    other.loop = ouro_sim_loop(other.sim);
    ouro_loop_set_exception_handler(other.loop, see_exception, &seen);
    ouro_future_init(&other.until, other.loop);
    create(&other, be_stubborn);
    ouro_task_cancel(other.tasks[0]);
    ouro_sim_advance(other.sim, 4);
    assert_int_equal(seen.count, 0);
    ouro_sim_advance(other.sim, 1);

    assert_int_equal(seen.count, 1);
    (void)ouro_future_set_result(&other.until, NULL);
    ouro_sim_turn(other.sim);
    ouro_task_unref(other.tasks[0]);
    ouro_sim_free(other.sim);
}

/* What is left are its task and the reference to that: no timer. */
static void
a_loop_that_is_freed_meanwhile_tells_of_the_task_only(void **state)
{
    struct fixture *f = *state;

    create(f, be_stubborn);
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_free(f->sim);
    f->sim = NULL;

    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.message, "a task was still alive");
}

static int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    assert_ok(ouro_sim_new(&f.sim, NULL));
    f.loop = ouro_sim_loop(f.sim);
    ouro_loop_set_exception_handler(f.loop, see_exception, &f.seen);
    ouro_future_init(&f.until, f.loop);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    if (f->sim == NULL)
        return 0;
    (void)ouro_future_set_result(&f->until, NULL);
    ouro_sim_advance(f->sim, 1);
    for (size_t i = 0; i < TASKS; i++)
        ouro_task_unref(f->tasks[i]);
    ouro_sim_free(f->sim);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_is_told_of_when_the_limit_has_passed),
        TEST(it_is_told_of_once_however_often_it_is_cancelled),
        TEST(one_that_ends_in_time_is_not_told_of_and_leaves_no_timer),
        TEST(one_that_nobody_cancelled_has_no_limit),
        TEST(each_has_the_whole_limit_and_all_of_them_one_timer),
        TEST(the_first_may_leave_before_its_time),
        TEST(one_that_takes_the_request_back_may_live),
        TEST(of_a_group_its_task_is_told_of_and_not_its_owner),
        TEST(who_waits_for_a_group_that_may_live_is_told_of),
        TEST(of_a_wait_with_a_limit_the_awaited_is_told_of),
        TEST(of_a_gather_the_awaited_are_told_of),
        TEST(who_joins_one_that_may_live_is_told_of),
        TEST(who_stays_when_the_awaited_has_ended_is_told_of_later),
        TEST(an_owner_that_stays_in_a_group_that_failed_is_told_of),
        TEST(an_owner_that_has_left_a_group_that_failed_may_live),
        TEST(one_that_stays_in_a_part_whose_time_is_up_is_told_of),
        TEST(one_that_has_left_a_part_whose_time_was_up_may_live),
        TEST(to_leave_such_a_part_is_not_to_end),
        TEST(the_limit_is_an_option_of_the_loop),
        TEST(a_loop_that_is_freed_meanwhile_tells_of_the_task_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
