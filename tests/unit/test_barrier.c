/* SPDX-License-Identifier: MIT */
/* Barriers: when tasks that meet go on, and when they do not.  See
 * struct ouro_barrier.  The fixture's is for three. */
#include "sync_fixture.h"

static int
meet(void *arg)
{
    struct actor *actor = arg;

    actor->result = ouro_barrier_wait(&actor->f->barrier);
    if (actor->result >= 0)
        note(actor);
    actor->next = ouro_sleep(0);
    return 0;
}

static int
meet_twice(void *arg)
{
    struct actor *actor = arg;

    actor->result = ouro_barrier_wait(&actor->f->barrier);
    note(actor);
    actor->next = ouro_barrier_wait(&actor->f->barrier);
    note(actor);
    return 0;
}

static void
settle(struct fixture *f)
{
    ouro_sim_advance(f->sim, 0);
}

static void
nobody_goes_on_before_all_have_come(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, meet);
    settle(f);
    assert_string_equal(f->trace, "");
    assert_int_equal(ouro_barrier_waiting(&f->barrier), 2);
    assert_int_equal(ouro_barrier_parties(&f->barrier), 3);

    spawn(f, 2, meet);
    settle(f);
    assert_string_equal(f->trace, "cab");
    assert_int_equal(ouro_barrier_waiting(&f->barrier), 0);
}

static void
each_is_told_which_one_it_was(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 3, meet);
    settle(f);

    assert_int_equal(f->actors[0].result, 0);
    assert_int_equal(f->actors[1].result, 1);
    assert_int_equal(f->actors[2].result, 2);
}

static void
it_can_be_used_round_after_round(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 3, meet_twice);
    settle(f);

    assert_string_equal(f->trace, "cabbca");
    assert_int_equal(f->actors[2].next, 0);
    assert_int_equal(f->actors[0].next, 1);
    assert_int_equal(f->actors[1].next, 2);
}

static void
one_for_a_single_task_never_makes_it_wait(void **state)
{
    struct fixture *f = *state;

    ouro_barrier_init(&f->barrier, f->loop, 1);
    start_actors(f, 1, meet_twice);

    assert_string_equal(f->trace, "aa");
    assert_int_equal(f->actors[0].result, 0);
}

/* d, e and f are enough for a round, but a and b have not run. */
static void
who_comes_while_it_drains_waits_for_that_too(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, meet);
    for (size_t i = 2; i < 6; i++)
        spawn(f, i, meet);
    turn(f);
    assert_string_equal(f->trace, "c");
    assert_int_equal(ouro_barrier_waiting(&f->barrier), 0);
    turn(f);
    assert_string_equal(f->trace, "cab");
    settle(f);

    assert_string_equal(f->trace, "cabdef");
    assert_int_equal(f->actors[3].result, 0);
    assert_int_equal(f->actors[5].result, 2);
}

static void
who_came_while_it_drained_counts_when_it_fills(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, meet);
    for (size_t i = 2; i < 5; i++)
        spawn(f, i, meet);
    settle(f);
    assert_string_equal(f->trace, "cab");
    assert_int_equal(ouro_barrier_waiting(&f->barrier), 2);
    spawn(f, 5, meet);
    settle(f);

    assert_string_equal(f->trace, "cabfde");
}

/* Nor where it has not run yet when the next one comes. */
static void
one_that_is_cancelled_does_not_count(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, meet);
    spawn(f, 2, meet);
    cancel(f, 0);
    assert_int_equal(ouro_barrier_waiting(&f->barrier), 1);
    settle(f);
    assert_err(f->actors[0].result, ECANCELED);
    assert_string_equal(f->trace, "");
    spawn(f, 3, meet);
    settle(f);

    assert_string_equal(f->trace, "dbc");
    assert_int_equal(f->actors[1].result, 0);
    assert_int_equal(f->actors[2].result, 1);
}

static void
one_that_was_let_go_and_is_cancelled_goes_on(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 3, meet);
    cancel(f, 0);
    settle(f);

    assert_int_equal(f->actors[0].result, 0);
    assert_err(f->actors[0].next, ECANCELED);
    assert_string_equal(f->trace, "cab");
}

static void
a_cancelled_task_does_not_come(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, meet);
    spawn(f, 2, meet);
    cancel(f, 2);
    settle(f);
    assert_err(f->actors[2].result, ECANCELED);
    assert_string_equal(f->trace, "");

    ouro_barrier_reset(&f->barrier);
    settle(f);
}

static void
reset_turns_those_away_that_wait(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, meet);
    ouro_barrier_reset(&f->barrier);
    assert_false(ouro_barrier_is_broken(&f->barrier));
    settle(f);
    assert_err(f->actors[0].result, OURO_EBROKEN);
    assert_err(f->actors[1].result, OURO_EBROKEN);

    for (size_t i = 2; i < 5; i++)
        spawn(f, i, meet);
    settle(f);
    assert_string_equal(f->trace, "ecd");
}

/* c, d and e come before a and b have gone. */
static void
the_round_after_a_reset_begins_when_the_old_one_has_gone(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, meet);
    for (size_t i = 2; i < 5; i++)
        spawn(f, i, meet);
    ouro_barrier_reset(&f->barrier);
    ouro_barrier_reset(&f->barrier);
    turn(f);
    assert_string_equal(f->trace, "");
    settle(f);

    assert_err(f->actors[0].result, OURO_EBROKEN);
    assert_string_equal(f->trace, "cde");
}

static void
reset_leaves_alone_who_waits_for_it_to_drain(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, meet);
    for (size_t i = 2; i < 5; i++)
        spawn(f, i, meet);
    turn(f);
    ouro_barrier_reset(&f->barrier);
    settle(f);
    assert_string_equal(f->trace, "cab");
    assert_int_equal(ouro_barrier_waiting(&f->barrier), 2);
    spawn(f, 5, meet);
    settle(f);

    assert_string_equal(f->trace, "cabfde");
}

static void
abort_turns_away_all_that_wait_and_all_that_come(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, meet);
    ouro_barrier_abort(&f->barrier);
    assert_true(ouro_barrier_is_broken(&f->barrier));
    assert_int_equal(ouro_barrier_waiting(&f->barrier), 0);
    spawn(f, 2, meet);
    settle(f);

    for (size_t i = 0; i < 3; i++)
        assert_err(f->actors[i].result, OURO_EBROKEN);
}

static void
abort_turns_away_who_waits_for_it_to_drain(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, meet);
    spawn(f, 2, meet);
    spawn(f, 3, meet);
    turn(f);
    ouro_barrier_abort(&f->barrier);
    settle(f);

    assert_string_equal(f->trace, "cab");
    assert_err(f->actors[3].result, OURO_EBROKEN);
}

static void
reset_makes_a_broken_one_whole(void **state)
{
    struct fixture *f = *state;

    ouro_barrier_abort(&f->barrier);
    ouro_barrier_reset(&f->barrier);
    assert_false(ouro_barrier_is_broken(&f->barrier));
    start_actors(f, 3, meet);
    settle(f);

    assert_string_equal(f->trace, "cab");
}

/* What stops the program. */

static int
meet_there(void *arg)
{
    return ouro_barrier_wait(arg);
}

static int
end_while_somebody_waits(void *arg)
{
    bool *reset = arg;
    struct ouro_barrier barrier;

    ouro_barrier_init(&barrier, ouro_get_running_loop(), 2);
    int rc = ouro_create_task(NULL, meet_there, &barrier);
    if (rc == 0)
        rc = ouro_sleep(0);
    if (*reset)
        ouro_barrier_reset(&barrier);
    ouro_barrier_fini(&barrier);
    return rc;
}

static void
to_end_a_barrier_somebody_waits_at_stops_the_program(void **state)
{
    const char *rule = "nobody waits at a barrier that is ended";
    bool reset = false;

    (void)state;
    assert_stops(end_while_somebody_waits, &reset, rule);
    assert_stops(end_while_somebody_waits, &reset, "ouro: test_barrier.c:");
    reset = true;
    assert_stops(end_while_somebody_waits, &reset, rule);
}

static int
make_one_for_nobody(void *arg)
{
    struct ouro_barrier barrier;

    (void)arg;
    ouro_barrier_init(&barrier, ouro_get_running_loop(), 0);
    return 0;
}

static void
a_barrier_for_nobody_stops_the_program(void **state)
{
    (void)state;

    assert_stops(make_one_for_nobody, NULL,
                 "a barrier is for one task at least");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_goes_on_before_all_have_come),
        TEST(each_is_told_which_one_it_was),
        TEST(it_can_be_used_round_after_round),
        TEST(one_for_a_single_task_never_makes_it_wait),
        TEST(who_comes_while_it_drains_waits_for_that_too),
        TEST(who_came_while_it_drained_counts_when_it_fills),
        TEST(one_that_is_cancelled_does_not_count),
        TEST(one_that_was_let_go_and_is_cancelled_goes_on),
        TEST(a_cancelled_task_does_not_come),
        TEST(reset_turns_those_away_that_wait),
        TEST(the_round_after_a_reset_begins_when_the_old_one_has_gone),
        TEST(reset_leaves_alone_who_waits_for_it_to_drain),
        TEST(abort_turns_away_all_that_wait_and_all_that_come),
        TEST(abort_turns_away_who_waits_for_it_to_drain),
        TEST(reset_makes_a_broken_one_whole),
        TEST(to_end_a_barrier_somebody_waits_at_stops_the_program),
        TEST(a_barrier_for_nobody_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
