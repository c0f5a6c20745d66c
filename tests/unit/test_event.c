/* SPDX-License-Identifier: MIT */
/* Events: whom a flag wakes.  See struct ouro_event. */
#include "sync_fixture.h"

static int
wait_for_it(void *arg)
{
    struct actor *actor = arg;

    actor->result = ouro_event_wait(&actor->f->event);
    if (actor->result == 0)
        note(actor);
    actor->next = ouro_sleep(0);
    return 0;
}

static void
set_wakes_all_that_wait_in_their_order(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 3, wait_for_it);
    assert_false(ouro_event_is_set(&f->event));
    ouro_event_set(&f->event);
    assert_string_equal(f->trace, "");
    turn(f);
    turn(f);

    assert_string_equal(f->trace, "abc");
    assert_true(ouro_event_is_set(&f->event));
}

static void
set_wakes_all_also_if_it_is_cleared_before_they_run(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, wait_for_it);
    ouro_event_set(&f->event);
    ouro_event_clear(&f->event);
    turn(f);
    turn(f);

    assert_string_equal(f->trace, "ab");
    assert_false(ouro_event_is_set(&f->event));
}

static void
nobody_waits_for_an_event_that_is_set(void **state)
{
    struct fixture *f = *state;

    ouro_event_set(&f->event);
    ouro_event_set(&f->event);
    start_actors(f, 1, wait_for_it);

    assert_string_equal(f->trace, "a");
    turn(f);
}

static void
after_clear_tasks_wait_again(void **state)
{
    struct fixture *f = *state;

    ouro_event_set(&f->event);
    ouro_event_clear(&f->event);
    start_actors(f, 1, wait_for_it);
    turn(f);
    assert_string_equal(f->trace, "");

    ouro_event_set(&f->event);
    turn(f);
    turn(f);
    assert_string_equal(f->trace, "a");
}

static void
one_that_is_cancelled_is_not_woken_by_set(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 3, wait_for_it);
    cancel(f, 1);
    ouro_event_set(&f->event);
    turn(f);
    turn(f);

    assert_err(f->actors[1].result, ECANCELED);
    assert_string_equal(f->trace, "ac");
}

static void
one_that_was_woken_and_is_cancelled_fails_at_its_next_wait(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 1, wait_for_it);
    ouro_event_set(&f->event);
    cancel(f, 0);
    turn(f);

    assert_ok(f->actors[0].result);
    assert_err(f->actors[0].next, ECANCELED);
}

static void
a_cancelled_task_fails_although_it_need_not_wait(void **state)
{
    struct fixture *f = *state;

    ouro_event_set(&f->event);
    spawn(f, 0, wait_for_it);
    cancel(f, 0);
    turn(f);

    assert_err(f->actors[0].result, ECANCELED);
}

static int
end_while_somebody_waits(void *arg)
{
    struct fixture f = {0};
    struct actor actor = {.f = &f};

    (void)arg;
    ouro_event_init(&f.event, ouro_get_running_loop());
    int rc = ouro_create_task(NULL, wait_for_it, &actor);
    if (rc == 0)
        rc = ouro_sleep(0);
    ouro_event_fini(&f.event);
    return rc;
}

static void
to_end_an_event_somebody_waits_for_stops_the_program(void **state)
{
    (void)state;

    assert_stops(end_while_somebody_waits, NULL,
                 "nobody waits for an event that is ended");
    assert_stops(end_while_somebody_waits, NULL, "ouro: test_event.c:");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(set_wakes_all_that_wait_in_their_order),
        TEST(set_wakes_all_also_if_it_is_cleared_before_they_run),
        TEST(nobody_waits_for_an_event_that_is_set),
        TEST(after_clear_tasks_wait_again),
        TEST(one_that_is_cancelled_is_not_woken_by_set),
        TEST(one_that_was_woken_and_is_cancelled_fails_at_its_next_wait),
        TEST(a_cancelled_task_fails_although_it_need_not_wait),
        TEST(to_end_an_event_somebody_waits_for_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
