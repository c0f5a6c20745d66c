/* SPDX-License-Identifier: MIT */
/* Semaphores: who gets a permit, and that none is lost.  See
 * struct ouro_semaphore.  The fixture's has two permits. */
#include "sync_fixture.h"

/* Take a permit, keep it until told to go on, release it. */
static int
hold(void *arg)
{
    struct actor *actor = arg;

    actor->result = ouro_semaphore_acquire(&actor->f->semaphore);
    if (actor->result < 0)
        return 0;
    note(actor);
    actor->next = ouro_await(&actor->go);
    ouro_semaphore_release(&actor->f->semaphore);
    return 0;
}

/* The first `count` actors want one, in their order; a and b have it. */
static void
start_holders(struct fixture *f, size_t count)
{
    start_actors(f, count, hold);
    assert_string_equal(f->trace, "ab");
}

static void
let_all_go(struct fixture *f)
{
    for (size_t i = 0; i < ACTORS; i++)
        (void)ouro_future_set_result(&f->actors[i].go, NULL);
    for (size_t i = 0; i < ACTORS; i++)
        turn(f);
}

static void
a_permit_that_is_free_is_taken_at_once(void **state)
{
    struct fixture *f = *state;

    assert_false(ouro_semaphore_is_locked(&f->semaphore));
    start_actors(f, 1, hold);
    assert_string_equal(f->trace, "a");
    assert_false(ouro_semaphore_is_locked(&f->semaphore));
    spawn(f, 1, hold);
    turn(f);
    assert_string_equal(f->trace, "ab");
    assert_true(ouro_semaphore_is_locked(&f->semaphore));

    let_all_go(f);
    assert_false(ouro_semaphore_is_locked(&f->semaphore));
}

/* A54 */
static void
those_that_wait_get_one_in_the_order_of_coming(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 5);
    let_go(f, 1);
    turn(f);
    turn(f);
    assert_string_equal(f->trace, "abc");
    let_all_go(f);

    assert_string_equal(f->trace, "abcde");
}

/* A54: d comes when the permit was given to c, which has not run. */
static void
nobody_overtakes_a_woken_waiter(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 3);
    let_go(f, 0);
    spawn(f, 3, hold);
    turn(f);
    assert_string_equal(f->trace, "ab");
    turn(f);
    assert_string_equal(f->trace, "abc");

    let_all_go(f);
    assert_string_equal(f->trace, "abcd");
}

static void
it_stays_locked_while_somebody_waits(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 3);
    ouro_semaphore_release(&f->semaphore);
    assert_true(ouro_semaphore_is_locked(&f->semaphore));
    ouro_semaphore_release(&f->semaphore);
    assert_false(ouro_semaphore_is_locked(&f->semaphore));

    let_all_go(f);
}

static int
count_free_permits(void *arg)
{
    struct actor *actor = arg;
    struct ouro_semaphore *semaphore = &actor->f->semaphore;

    actor->result = 0;
    while (!ouro_semaphore_is_locked(semaphore)) {
        int rc = ouro_semaphore_acquire(semaphore);
        if (rc < 0)
            return rc;
        actor->result++;
    }
    for (int i = 0; i < actor->result; i++)
        ouro_semaphore_release(semaphore);
    return 0;
}

static int
free_permits(struct fixture *f)
{
    spawn(f, ACTORS - 1, count_free_permits);
    turn(f);
    f->actors[ACTORS - 1].task = ouro_task_unref(f->actors[ACTORS - 1].task);
    return f->actors[ACTORS - 1].result;
}

/* A54 */
static void
a_waiter_that_is_cancelled_leaves_the_line(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 5);
    cancel(f, 3);
    turn(f);
    assert_err(f->actors[3].result, ECANCELED);
    let_all_go(f);

    assert_string_equal(f->trace, "abce");
    assert_int_equal(free_permits(f), 2);
}

/* A54: cancelled first, then released to, all before it runs. */
static void
no_permit_is_given_to_one_that_was_cancelled(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 4);
    cancel(f, 2);
    let_go(f, 0);
    turn(f);
    turn(f);
    assert_err(f->actors[2].result, ECANCELED);
    assert_string_equal(f->trace, "abd");

    let_all_go(f);
    assert_int_equal(free_permits(f), 2);
}

/* A54, A44: given first, then cancelled. */
static void
one_that_was_given_a_permit_and_is_cancelled_has_it(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 4);
    let_go(f, 0);
    turn(f);
    cancel(f, 2);
    turn(f);
    assert_ok(f->actors[2].result);
    assert_err(f->actors[2].next, ECANCELED);
    turn(f);
    assert_string_equal(f->trace, "abcd");

    let_all_go(f);
    assert_int_equal(free_permits(f), 2);
}

static void
a_cancelled_task_takes_none(void **state)
{
    struct fixture *f = *state;

    spawn(f, 0, hold);
    cancel(f, 0);
    turn(f);

    assert_err(f->actors[0].result, ECANCELED);
    assert_int_equal(free_permits(f), 2);
}

static void
one_without_permits_makes_everybody_wait(void **state)
{
    struct fixture *f = *state;

    ouro_semaphore_init(&f->semaphore, f->loop, 0);
    assert_true(ouro_semaphore_is_locked(&f->semaphore));
    start_actors(f, 1, hold);
    assert_string_equal(f->trace, "");
    ouro_semaphore_release(&f->semaphore);
    turn(f);

    assert_string_equal(f->trace, "a");
    let_all_go(f);
}

static void
one_without_a_bound_may_be_released_more_often(void **state)
{
    struct fixture *f = *state;

    ouro_semaphore_release(&f->semaphore);

    assert_int_equal(free_permits(f), 3);
}

static void
a_bounded_one_is_acquired_and_released_likewise(void **state)
{
    struct fixture *f = *state;

    ouro_bounded_semaphore_init(&f->semaphore, f->loop, 2);
    start_holders(f, 5);
    let_all_go(f);

    assert_string_equal(f->trace, "abcde");
    assert_int_equal(free_permits(f), 2);
}

/* What stops the program. */

static int
release_more_than_there_are(void *arg)
{
    struct ouro_semaphore semaphore;

    (void)arg;
    ouro_bounded_semaphore_init(&semaphore, ouro_get_running_loop(), 1);
    int rc = ouro_semaphore_acquire(&semaphore);
    ouro_semaphore_release(&semaphore);
    ouro_semaphore_release(&semaphore);
    return rc;
}

static void
to_release_a_bounded_one_too_often_stops_the_program(void **state)
{
    (void)state;

    assert_stops(release_more_than_there_are, NULL,
                 "a permit is released once for each time it was acquired");
    assert_stops(release_more_than_there_are, NULL, "ouro: test_semaphore.c:");
}

static int
end_while_somebody_waits(void *arg)
{
    struct fixture f = {0};
    struct actor actor = {.f = &f};

    (void)arg;
    ouro_semaphore_init(&f.semaphore, ouro_get_running_loop(), 0);
    int rc = ouro_create_task(NULL, hold, &actor);
    if (rc == 0)
        rc = ouro_sleep(0);
    ouro_semaphore_fini(&f.semaphore);
    return rc;
}

static void
to_end_a_semaphore_somebody_waits_for_stops_the_program(void **state)
{
    (void)state;

    assert_stops(end_while_somebody_waits, NULL,
                 "nobody waits for a semaphore that is ended");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_permit_that_is_free_is_taken_at_once),
        TEST(those_that_wait_get_one_in_the_order_of_coming),
        TEST(nobody_overtakes_a_woken_waiter),
        TEST(it_stays_locked_while_somebody_waits),
        TEST(a_waiter_that_is_cancelled_leaves_the_line),
        TEST(no_permit_is_given_to_one_that_was_cancelled),
        TEST(one_that_was_given_a_permit_and_is_cancelled_has_it),
        TEST(a_cancelled_task_takes_none),
        TEST(one_without_permits_makes_everybody_wait),
        TEST(one_without_a_bound_may_be_released_more_often),
        TEST(a_bounded_one_is_acquired_and_released_likewise),
        TEST(to_release_a_bounded_one_too_often_stops_the_program),
        TEST(to_end_a_semaphore_somebody_waits_for_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
