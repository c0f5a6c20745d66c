/* SPDX-License-Identifier: MIT */
/* Queues: who waits, who is served, and that nothing is lost.  See
 * struct ouro_queue; the orders and the shutdown have files of their own.  The
 * fixture's queue holds two. */
#include "queue_fixture.h"

static void
what_is_put_can_be_got_in_its_order(void **state)
{
    struct fixture *f = *state;

    assert_true(ouro_queue_is_empty(&f->queue));
    put_now(f, "xy");
    assert_int_equal(ouro_queue_size(&f->queue), 2);
    assert_true(ouro_queue_is_full(&f->queue));
    drain(f);

    assert_string_equal(f->trace, "xy");
    assert_true(ouro_queue_is_empty(&f->queue));
    assert_false(ouro_queue_is_full(&f->queue));
}

static void
without_waiting_a_full_or_empty_queue_is_eagain(void **state)
{
    struct fixture *f = *state;
    void *got = f;

    assert_err(ouro_queue_get_nowait(&f->queue, &got), EAGAIN);
    assert_ptr_equal(got, f);
    put_now(f, "xy");
    assert_err(ouro_queue_put_nowait(&f->queue, item('z')), EAGAIN);
    drain(f);

    assert_string_equal(f->trace, "xy");
}

static void
null_is_an_item_like_any(void **state)
{
    struct fixture *f = *state;
    void *got = f;

    assert_ok(ouro_queue_put_nowait(&f->queue, NULL));
    assert_ok(ouro_queue_get_nowait(&f->queue, &got));

    assert_null(got);
}

static void
those_that_wait_to_get_are_served_in_their_order(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 3, get_one);
    put_now(f, "xyz");
    assert_true(ouro_queue_is_empty(&f->queue));
    settle(f);

    assert_got(f, 0, 'x');
    assert_got(f, 1, 'y');
    assert_got(f, 2, 'z');
}

static void
those_that_wait_to_put_are_served_in_their_order(void **state)
{
    struct fixture *f = *state;

    put_now(f, "xy");
    start_actors(f, 3, put_own_letter);
    assert_int_equal(f->actors[0].result, UNSEEN);
    assert_int_equal(ouro_queue_size(&f->queue), 2);
    drain(f);
    settle(f);

    assert_string_equal(f->trace, "xyabc");
    for (size_t i = 0; i < 3; i++)
        assert_ok(f->actors[i].result);
}

static void
to_put_where_there_is_room_needs_no_turn(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, put_own_letter);
    assert_ok(f->actors[1].result);
    spawn(f, 2, get_one);
    turn(f);
    assert_got(f, 2, 'a');

    drain(f);
    settle(f);
}

/* A53: b comes when the item was given to a, which has not run. */
static void
nobody_overtakes_a_getter_that_was_served(void **state)
{
    struct fixture *f = *state;
    void *got;

    start_actors(f, 1, get_one);
    spawn(f, 1, get_one);
    put_now(f, "x");
    assert_err(ouro_queue_get_nowait(&f->queue, &got), EAGAIN);
    turn(f);
    assert_int_equal(f->actors[1].result, UNSEEN);
    assert_got(f, 0, 'x');

    put_now(f, "y");
    settle(f);
    assert_got(f, 1, 'y');
}

/* A53 */
static void
nobody_overtakes_a_putter_for_whom_there_is_room(void **state)
{
    struct fixture *f = *state;
    void *got;

    put_now(f, "xy");
    start_actors(f, 1, put_own_letter);
    assert_ok(ouro_queue_get_nowait(&f->queue, &got));
    assert_err(ouro_queue_put_nowait(&f->queue, item('z')), EAGAIN);
    drain(f);
    settle(f);

    assert_string_equal(f->trace, "ya");
    assert_ok(f->actors[0].result);
}

/* A53 */
static void
a_getter_that_is_cancelled_takes_no_item(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 3, get_one);
    cancel(f, 0);
    put_now(f, "x");
    cancel(f, 2);
    settle(f);

    assert_err(f->actors[0].result, ECANCELED);
    assert_null(f->actors[0].item);
    assert_got(f, 1, 'x');
    assert_err(f->actors[2].result, ECANCELED);
    assert_true(ouro_queue_is_empty(&f->queue));
}

/* A53, A44 */
static void
a_getter_that_was_served_and_is_cancelled_has_the_item(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, get_one);
    put_now(f, "x");
    cancel(f, 0);
    put_now(f, "y");
    settle(f);

    assert_got(f, 0, 'x');
    assert_err(f->actors[0].next, ECANCELED);
    assert_got(f, 1, 'y');
}

/* A53 */
static void
a_putter_that_is_cancelled_puts_nothing(void **state)
{
    struct fixture *f = *state;

    put_now(f, "xy");
    start_actors(f, 3, put_own_letter);
    cancel(f, 1);
    drain(f);
    settle(f);

    assert_err(f->actors[1].result, ECANCELED);
    assert_string_equal(f->trace, "xyac");
}

/* A53 */
static void
a_putter_that_was_served_and_is_cancelled_has_put(void **state)
{
    struct fixture *f = *state;

    put_now(f, "xy");
    start_actors(f, 1, put_own_letter);
    drain(f);
    cancel(f, 0);
    settle(f);

    assert_ok(f->actors[0].result);
    assert_err(f->actors[0].next, ECANCELED);
    assert_string_equal(f->trace, "xya");
}

/* A53: many of them; those that stay are served. */
static void
getters_cancelled_in_any_number_leave_the_others_their_items(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 6, get_one);
    for (size_t i = 0; i < 6; i += 2)
        cancel(f, i);
    put_now(f, "xyz");
    settle(f);

    assert_string_equal(f->trace, "xyz");
    assert_got(f, 1, 'x');
    assert_got(f, 3, 'y');
    assert_got(f, 5, 'z');
}

static void
a_cancelled_task_neither_gets_nor_puts(void **state)
{
    struct fixture *f = *state;

    put_now(f, "x");
    spawn(f, 0, get_one);
    spawn(f, 1, put_own_letter);
    cancel(f, 0);
    cancel(f, 1);
    settle(f);
    assert_err(f->actors[0].result, ECANCELED);
    assert_err(f->actors[1].result, ECANCELED);
    drain(f);

    assert_string_equal(f->trace, "x");
}

/* Joining. */

static void
join_waits_until_all_that_was_put_is_done(void **state)
{
    struct fixture *f = *state;

    put_now(f, "xy");
    start_actors(f, 1, join_it);
    drain(f);
    ouro_queue_task_done(&f->queue);
    settle(f);
    assert_int_equal(f->actors[0].result, UNSEEN);
    ouro_queue_task_done(&f->queue);
    settle(f);

    assert_ok(f->actors[0].result);
}

static void
join_of_what_is_done_does_not_wait(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 1, join_it);

    assert_ok(f->actors[0].result);
    settle(f);
}

/* x was handed over; c is put when there is room. */
static void
what_was_handed_over_counts_for_join(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 1, get_one);
    put_now(f, "xyz");
    spawn(f, 2, put_own_letter);
    spawn(f, 1, join_it);
    turn(f);
    drain(f);
    for (int done = 0; done < 3; done++)
        ouro_queue_task_done(&f->queue);
    settle(f);
    assert_int_equal(f->actors[1].result, UNSEEN);
    ouro_queue_task_done(&f->queue);
    settle(f);

    assert_ok(f->actors[1].result);
    assert_string_equal(f->trace, "xyzc");
}

static void
all_joiners_are_woken_but_for_those_that_were_cancelled(void **state)
{
    struct fixture *f = *state;

    put_now(f, "x");
    start_actors(f, 3, join_it);
    cancel(f, 1);
    drain(f);
    ouro_queue_task_done(&f->queue);
    cancel(f, 2);
    settle(f);

    assert_ok(f->actors[0].result);
    assert_err(f->actors[1].result, ECANCELED);
    assert_ok(f->actors[2].result);
    assert_err(f->actors[2].next, ECANCELED);
}

/* What stops the program. */

static int
be_done_too_often(void *arg)
{
    struct ouro_queue queue;
    int rc = ouro_queue_init(&queue, ouro_get_running_loop(), 0);

    if (rc == 0)
        rc = ouro_queue_put_nowait(&queue, arg);
    ouro_queue_task_done(&queue);
    ouro_queue_task_done(&queue);
    return rc;
}

static void
to_be_done_too_often_stops_the_program(void **state)
{
    (void)state;

    assert_stops(be_done_too_often, NULL,
                 "an item of a queue is done with once");
    assert_stops(be_done_too_often, NULL, "ouro: test_queue.c:");
}

struct wait {
    ouro_task_fn *fn;
    size_t items; /* that are in the queue before */
};

static int
end_while_somebody_waits(void *arg)
{
    struct wait *wait = arg;
    struct fixture f = {0};
    struct actor actor = {.f = &f, .name = "a"};
    int rc = ouro_queue_init(&f.queue, ouro_get_running_loop(), 1);

    if (rc == 0 && wait->items > 0)
        rc = ouro_queue_put_nowait(&f.queue, item('x'));
    if (rc == 0)
        rc = ouro_create_task(NULL, wait->fn, &actor);
    if (rc == 0)
        rc = ouro_sleep(0);
    ouro_queue_fini(&f.queue);
    return rc;
}

static void
to_end_a_queue_somebody_waits_for_stops_the_program(void **state)
{
    struct wait waits[] = {{get_one, 0}, {put_own_letter, 1}, {join_it, 1}};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_stops(end_while_somebody_waits, &waits[i],
                     "nobody waits for a queue that is ended");
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
        QUEUE_TEST(what_is_put_can_be_got_in_its_order),
        QUEUE_TEST(without_waiting_a_full_or_empty_queue_is_eagain),
        QUEUE_TEST(null_is_an_item_like_any),
        QUEUE_TEST(those_that_wait_to_get_are_served_in_their_order),
        QUEUE_TEST(those_that_wait_to_put_are_served_in_their_order),
        QUEUE_TEST(to_put_where_there_is_room_needs_no_turn),
        QUEUE_TEST(nobody_overtakes_a_getter_that_was_served),
        QUEUE_TEST(nobody_overtakes_a_putter_for_whom_there_is_room),
        QUEUE_TEST(a_getter_that_is_cancelled_takes_no_item),
        QUEUE_TEST(a_getter_that_was_served_and_is_cancelled_has_the_item),
        QUEUE_TEST(a_putter_that_is_cancelled_puts_nothing),
        QUEUE_TEST(a_putter_that_was_served_and_is_cancelled_has_put),
        QUEUE_TEST(
            getters_cancelled_in_any_number_leave_the_others_their_items),
        QUEUE_TEST(a_cancelled_task_neither_gets_nor_puts),
        QUEUE_TEST(join_waits_until_all_that_was_put_is_done),
        QUEUE_TEST(join_of_what_is_done_does_not_wait),
        QUEUE_TEST(what_was_handed_over_counts_for_join),
        QUEUE_TEST(all_joiners_are_woken_but_for_those_that_were_cancelled),
        TEST(to_be_done_too_often_stops_the_program),
        TEST(to_end_a_queue_somebody_waits_for_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
