/* SPDX-License-Identifier: MIT */
/* What becomes of a group that is cancelled: from outside, with the one around
 * it, or by itself.  See ouro_group_end() and ouro_group_cancel(). */
#include "group_fixture.h"

/* A cancel from outside. */

static void
a_cancel_while_end_waits_cancels_the_tasks_and_waits_for_them(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 50, 0);
    create(f, own);
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->children[0].slept, ECANCELED);
    assert_err(f->results[0], ECANCELED);
    assert_int_equal(f->counts[0], 1);
    assert_err(f->results[1], ECANCELED);
    assert_err(end(f), ECANCELED);
}

static int
end_slowly(void *arg)
{
    struct child *child = arg;
    struct ouro_shield shield;

    int rc = ouro_sleep(child->sleep_ns);
    ouro_shield_begin(&shield, OURO_FOREVER);
    child->slept = (int)ouro_shield_end(&shield, ouro_sleep(40));
    child->ended_ns = passed_ns(child->f);
    return rc;
}

static int
own_a_slow_one(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, end_slowly, &f->children[0]);
    f->results[0] = ouro_group_end(&group, 0);
    f->ended_ns = passed_ns(f);
    return f->results[0];
}

static void
end_waits_to_the_end_although_its_task_is_cancelled_twice(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 50, 0);
    create(f, own_a_slow_one);
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 20);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 19);
    assert_int_equal(f->results[0], UNSEEN);
    ouro_sim_advance(f->sim, 1);

    assert_int_equal(f->children[0].ended_ns, 40);
    assert_int_equal(f->ended_ns, 40);
    assert_err(end(f), ECANCELED);
}

/* A50: the failure is told, and the cancel stands. */
static void
a_cancel_and_a_failure_of_one_turn_are_both_kept(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 10, -EPROTO);
    create(f, own);
    ouro_sim_advance(f->sim, 9);
    ouro_task_cancel(f->task);
    f->children[0].stubborn = true;
    ouro_sim_advance(f->sim, 1);

    assert_err(f->results[0], EPROTO);
    assert_int_equal(f->counts[0], 1);
    assert_err(f->results[1], ECANCELED);
    assert_err(end(f), EPROTO);
}

/* Nesting. */

static int
nest(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group outer;
    struct ouro_group inner;

    ouro_group_begin(&outer);
    ouro_group_create_task(&outer, run_child, &f->children[0]);
    ouro_group_begin(&inner);
    ouro_group_create_task(&inner, run_child, &f->children[1]);
    f->results[0] = ouro_group_end(&inner, 0);
    f->results[1] = ouro_sleep(0);
    f->results[2] = ouro_group_end(&outer, 0);
    f->results[3] = ouro_sleep(0);
    f->counts[0] = ouro_task_cancelling(ouro_current_task());
    return f->results[2];
}

/* A50 */
static void
the_failure_of_the_outer_ends_the_inner(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 10, -EPROTO);
    set_child(f, 1, 50, 0);
    assert_err(ouro_sim_run(f->sim, nest, f), EPROTO);

    assert_err(f->children[1].slept, ECANCELED);
    assert_err(f->results[0], ECANCELED);
    assert_err(f->results[1], ECANCELED);
    assert_err(f->results[2], EPROTO);
    assert_ok(f->results[3]);
    assert_int_equal(f->counts[0], 0);
}

/* A50 */
static void
the_failure_of_the_inner_is_not_the_outers(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 50, 0);
    set_child(f, 1, 10, -EPROTO);
    assert_ok(ouro_sim_run(f->sim, nest, f));

    assert_err(f->results[0], EPROTO);
    assert_ok(f->results[1]);
    assert_ok(f->children[0].slept);
    assert_ok(f->results[2]);
}

/* A50 */
static void
a_cancel_while_the_inner_fails_is_not_swallowed(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 50, 0);
    set_child(f, 1, 10, -EPROTO);
    create(f, nest);
    ouro_sim_advance(f->sim, 9);
    ouro_task_cancel(f->task);
    f->children[1].stubborn = true;
    ouro_sim_advance(f->sim, 1);

    assert_err(f->results[0], EPROTO);
    assert_err(f->results[1], ECANCELED);
    assert_err(f->children[0].slept, ECANCELED);
    assert_err(f->results[2], ECANCELED);
    assert_err(f->results[3], ECANCELED);
    assert_int_equal(f->counts[0], 1);
    assert_err(end(f), ECANCELED);
}

/* A group that ends early. */

static int
create_in_a_dying_group(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, run_child, &f->children[0]);
    f->results[0] = ouro_await(&f->reply);
    f->results[1] = ouro_group_create_task(&group, run_child, &f->children[1]);
    f->results[2] = ouro_group_end(&group, 0);
    return 0;
}

/* A51 */
static void
a_group_that_has_failed_takes_no_task(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 10, -EPROTO);
    assert_ok(ouro_sim_run(f->sim, create_in_a_dying_group, f));
    ouro_sim_advance(f->sim, 100);

    assert_err(f->results[1], ECANCELED);
    assert_false(f->children[1].ran);
    assert_err(f->results[2], EPROTO);
}

static int
end_it_early(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    start_children(f, &group);
    f->results[0] = ouro_sleep(5);
    ouro_group_cancel(&group);
    ouro_group_cancel(&group);
    f->results[1] = ouro_sleep(0);
    f->results[2] = ouro_group_create_task(&group, run_child, &f->children[4]);
    f->results[3] = ouro_group_end(&group, f->result);
    f->ended_ns = passed_ns(f);
    f->results[4] = ouro_sleep(0);
    return 0;
}

/* A51 */
static void
a_group_can_be_ended_early_and_that_is_no_failure(void **state)
{
    struct fixture *f = *state;
    const int results[][2] = {
        {0, 0}, {8, 8}, {-ECANCELED, 0}, {-EPIPE, -EPIPE}};

    set_child(f, 0, 50, 0);
    set_child(f, 1, 50, 0);
    for (size_t i = 0; i < 4; i++) {
        f->start_ns = ouro_loop_time_ns(f->loop);
        f->result = results[i][0];
        assert_ok(ouro_sim_run(f->sim, end_it_early, f));
        assert_ok(f->results[0]);
        assert_err(f->results[1], ECANCELED);
        assert_err(f->results[2], ECANCELED);
        assert_false(f->children[4].ran);
        assert_int_equal(f->results[3], results[i][1]);
        assert_int_equal(f->ended_ns, 5);
        assert_ok(f->results[4]);
    }
}

static int
cancel_the_group(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_sleep(5);

    ouro_group_cancel(f->group);
    return rc;
}

static int
own_one_that_a_child_ends(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    f->group = &group;
    start_children(f, &group);
    ouro_group_create_task(&group, cancel_the_group, f);
    f->results[0] = ouro_await(&f->reply);
    f->results[1] = ouro_group_end(&group, f->results[0]);
    f->ended_ns = passed_ns(f);
    return 0;
}

static void
a_child_may_end_the_group_early(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 50, 0);
    assert_ok(ouro_sim_run(f->sim, own_one_that_a_child_ends, f));

    assert_err(f->results[0], ECANCELED);
    assert_ok(f->results[1]);
    assert_err(f->children[0].slept, ECANCELED);
    assert_int_equal(f->ended_ns, 5);
}

/* What a group told it cannot be taken back by the child. */
static int
try_to_uncancel(void *arg)
{
    struct child *child = arg;

    child->slept = ouro_sleep(50);
    child->returns = (int)ouro_uncancel();
    child->slept = ouro_sleep(50);
    return child->slept;
}

static int
own_one_that_uncancels(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, try_to_uncancel, &f->children[0]);
    f->results[0] = ouro_sleep(5);
    ouro_group_cancel(&group);
    f->results[1] = ouro_group_end(&group, 0);
    return 0;
}

static void
uncancel_takes_no_word_of_a_group_back(void **state)
{
    struct fixture *f = *state;

    f->children[0].returns = UNSEEN;
    assert_ok(ouro_sim_run(f->sim, own_one_that_uncancels, f));

    assert_int_equal(f->children[0].returns, 0);
    assert_err(f->children[0].slept, ECANCELED);
    assert_ok(f->results[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cancel_while_end_waits_cancels_the_tasks_and_waits_for_them),
        TEST(end_waits_to_the_end_although_its_task_is_cancelled_twice),
        TEST(a_cancel_and_a_failure_of_one_turn_are_both_kept),
        TEST(the_failure_of_the_outer_ends_the_inner),
        TEST(the_failure_of_the_inner_is_not_the_outers),
        TEST(a_cancel_while_the_inner_fails_is_not_swallowed),
        TEST(a_group_that_has_failed_takes_no_task),
        TEST(a_group_can_be_ended_early_and_that_is_no_failure),
        TEST(a_child_may_end_the_group_early),
        TEST(uncancel_takes_no_word_of_a_group_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
