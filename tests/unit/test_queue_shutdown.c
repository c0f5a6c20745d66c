/* SPDX-License-Identifier: MIT */
/* Queues: how they are shut down.  See ouro_queue_shutdown().  The fixture's
 * queue holds two. */
#include "queue_fixture.h"

/* A55 */
static void
shutdown_wakes_those_that_wait_to_get(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, get_one);
    assert_false(ouro_queue_is_shut_down(&f->queue));
    ouro_queue_shutdown(&f->queue, false);
    assert_true(ouro_queue_is_shut_down(&f->queue));
    settle(f);

    assert_err(f->actors[0].result, ESHUTDOWN);
    assert_err(f->actors[1].result, ESHUTDOWN);
}

/* A55 */
static void
shutdown_wakes_those_that_wait_to_put_and_leaves_them_their_items(void **state)
{
    struct fixture *f = *state;

    put_now(f, "xy");
    start_actors(f, 2, put_own_letter);
    ouro_queue_shutdown(&f->queue, false);
    settle(f);
    assert_err(f->actors[0].result, ESHUTDOWN);
    assert_err(f->actors[1].result, ESHUTDOWN);
    drain(f);

    assert_string_equal(f->trace, "xy");
}

/* A55 */
static void
what_is_in_it_can_still_be_got_and_then_nothing(void **state)
{
    struct fixture *f = *state;
    void *got;

    put_now(f, "xy");
    ouro_queue_shutdown(&f->queue, false);
    start_actors(f, 3, get_one);
    settle(f);

    assert_got(f, 0, 'x');
    assert_got(f, 1, 'y');
    assert_err(f->actors[2].result, ESHUTDOWN);
    assert_err(ouro_queue_get_nowait(&f->queue, &got), ESHUTDOWN);
}

/* A55 */
static void
nothing_can_be_put_any_more_even_where_there_is_room(void **state)
{
    struct fixture *f = *state;

    ouro_queue_shutdown(&f->queue, false);
    start_actors(f, 1, put_own_letter);
    settle(f);

    assert_err(f->actors[0].result, ESHUTDOWN);
    assert_err(ouro_queue_put_nowait(&f->queue, item('z')), ESHUTDOWN);
    assert_true(ouro_queue_is_empty(&f->queue));
}

static void
who_was_served_before_it_was_shut_down_has_been(void **state)
{
    struct fixture *f = *state;
    void *got;

    start_actors(f, 1, get_one);
    put_now(f, "xyz");
    spawn(f, 1, put_own_letter);
    turn(f);
    assert_ok(ouro_queue_get_nowait(&f->queue, &got));
    ouro_queue_shutdown(&f->queue, true);
    settle(f);

    assert_got(f, 0, 'x');
    assert_ok(f->actors[1].result);
}

static void
one_that_was_cancelled_is_not_told_of_the_shutdown(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, get_one);
    cancel(f, 0);
    ouro_queue_shutdown(&f->queue, false);
    cancel(f, 1);
    settle(f);

    assert_err(f->actors[0].result, ECANCELED);
    assert_err(f->actors[1].result, ESHUTDOWN);
    assert_err(f->actors[1].next, ECANCELED);
}

/* A55 */
static void
at_once_means_that_what_is_in_it_is_forgotten(void **state)
{
    struct fixture *f = *state;
    void *got;

    put_now(f, "xy");
    ouro_queue_shutdown(&f->queue, true);

    assert_true(ouro_queue_is_empty(&f->queue));
    assert_err(ouro_queue_get_nowait(&f->queue, &got), ESHUTDOWN);
}

/* A55 */
static void
at_once_lets_those_go_that_wait_for_what_is_forgotten(void **state)
{
    struct fixture *f = *state;

    put_now(f, "xy");
    start_actors(f, 1, join_it);
    ouro_queue_shutdown(&f->queue, true);
    settle(f);

    assert_ok(f->actors[0].result);
}

/* A55 */
static void
at_once_join_still_waits_for_what_is_being_dealt_with(void **state)
{
    struct fixture *f = *state;
    void *got;

    put_now(f, "xy");
    start_actors(f, 1, join_it);
    assert_ok(ouro_queue_get_nowait(&f->queue, &got));
    ouro_queue_shutdown(&f->queue, true);
    settle(f);
    assert_int_equal(f->actors[0].result, UNSEEN);
    ouro_queue_task_done(&f->queue);
    settle(f);

    assert_ok(f->actors[0].result);
}

/* A55 */
static void
join_waits_for_what_is_left_where_it_is_not_at_once(void **state)
{
    struct fixture *f = *state;

    put_now(f, "x");
    start_actors(f, 1, join_it);
    ouro_queue_shutdown(&f->queue, false);
    settle(f);
    assert_int_equal(f->actors[0].result, UNSEEN);
    drain(f);
    ouro_queue_task_done(&f->queue);
    settle(f);

    assert_ok(f->actors[0].result);
}

static void
it_may_be_shut_down_at_once_after_all(void **state)
{
    struct fixture *f = *state;
    void *got;

    put_now(f, "xy");
    ouro_queue_shutdown(&f->queue, false);
    ouro_queue_shutdown(&f->queue, true);
    ouro_queue_shutdown(&f->queue, false);

    assert_true(ouro_queue_is_shut_down(&f->queue));
    assert_err(ouro_queue_get_nowait(&f->queue, &got), ESHUTDOWN);
}

/* Said to be done before they were got, which nobody forbids. */
static void
at_once_does_not_count_what_is_done_twice(void **state)
{
    struct fixture *f = *state;

    put_now(f, "xy");
    ouro_queue_task_done(&f->queue);
    ouro_queue_shutdown(&f->queue, true);
    start_actors(f, 1, join_it);
    settle(f);

    assert_ok(f->actors[0].result);
}

/* The way to free items of an owner, as the header has it. */
static void
items_can_be_taken_out_in_the_same_breath(void **state)
{
    struct fixture *f = *state;
    void *got = NULL;

    put_now(f, "xy");
    start_actors(f, 1, put_own_letter);
    spawn(f, 1, join_it);
    turn(f);
    ouro_queue_shutdown(&f->queue, false);
    while (ouro_queue_get_nowait(&f->queue, &got) == 0) {
        strncat(f->trace, got, 1);
        ouro_queue_task_done(&f->queue);
    }
    settle(f);

    assert_string_equal(f->trace, "xy");
    assert_err(f->actors[0].result, ESHUTDOWN);
    assert_ok(f->actors[1].result);
}

static int
put_and_note(void *arg)
{
    struct actor *actor = arg;
    int rc = put_own_letter(actor);

    note(actor);
    return rc;
}

static int
join_and_note(void *arg)
{
    struct actor *actor = arg;
    int rc = join_it(actor);

    note(actor);
    return rc;
}

/* In the order of asyncio; tests/differential found it. */
static void
at_once_lets_those_that_join_go_before_those_that_put(void **state)
{
    struct fixture *f = *state;

    put_now(f, "xy");
    spawn(f, 0, put_and_note);
    spawn(f, 1, join_and_note);
    turn(f);
    ouro_queue_shutdown(&f->queue, true);
    settle(f);

    assert_string_equal(f->trace, "ba");
}

static int
setup_queue(void **state)
{
    int rc = setup(state);
    struct fixture *f = *state;

    return rc < 0 ? rc : ouro_queue_init(&f->queue, f->loop, 2);
}

static int
teardown_queue(void **state)
{
    struct fixture *f = *state;

    ouro_queue_fini(&f->queue);
    return teardown(state);
}

#define QUEUE_TEST(name) \
    cmocka_unit_test_setup_teardown(name, setup_queue, teardown_queue)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE_TEST(shutdown_wakes_those_that_wait_to_get),
        QUEUE_TEST(
            shutdown_wakes_those_that_wait_to_put_and_leaves_them_their_items),
        QUEUE_TEST(what_is_in_it_can_still_be_got_and_then_nothing),
        QUEUE_TEST(nothing_can_be_put_any_more_even_where_there_is_room),
        QUEUE_TEST(who_was_served_before_it_was_shut_down_has_been),
        QUEUE_TEST(one_that_was_cancelled_is_not_told_of_the_shutdown),
        QUEUE_TEST(at_once_means_that_what_is_in_it_is_forgotten),
        QUEUE_TEST(at_once_lets_those_go_that_wait_for_what_is_forgotten),
        QUEUE_TEST(at_once_join_still_waits_for_what_is_being_dealt_with),
        QUEUE_TEST(join_waits_for_what_is_left_where_it_is_not_at_once),
        QUEUE_TEST(it_may_be_shut_down_at_once_after_all),
        QUEUE_TEST(at_once_does_not_count_what_is_done_twice),
        QUEUE_TEST(items_can_be_taken_out_in_the_same_breath),
        QUEUE_TEST(at_once_lets_those_that_join_go_before_those_that_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
