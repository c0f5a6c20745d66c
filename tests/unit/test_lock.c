/* SPDX-License-Identifier: MIT */
/* Locks: who gets it, in which order, and who does not.  See struct ouro_lock.
 */
#include "sync_fixture.h"

/* Take the lock, keep it until told to go on, release it. */
static int
hold(void *arg)
{
    struct actor *actor = arg;

    actor->result = ouro_lock_acquire(&actor->f->lock);
    if (actor->result < 0)
        return 0;
    note(actor);
    actor->next = ouro_await(&actor->go);
    ouro_lock_release(&actor->f->lock);
    return 0;
}

/* The first `count` actors want it, in their order; a has it. */
static void
start_holders(struct fixture *f, size_t count)
{
    start_actors(f, count, hold);
    assert_string_equal(f->trace, "a");
}

static void
let_go_and_turn(struct fixture *f, size_t i)
{
    let_go(f, i);
    turn(f);
    turn(f);
}

static void
a_free_lock_is_taken_at_once(void **state)
{
    struct fixture *f = *state;

    assert_false(ouro_lock_is_locked(&f->lock));
    start_holders(f, 1);
    assert_ok(f->actors[0].result);
    assert_true(ouro_lock_is_locked(&f->lock));
    let_go_and_turn(f, 0);

    assert_false(ouro_lock_is_locked(&f->lock));
}

/* A54 */
static void
those_that_wait_get_it_in_the_order_of_coming(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 4);
    let_go_and_turn(f, 0);
    assert_string_equal(f->trace, "ab");
    let_go_and_turn(f, 1);
    assert_string_equal(f->trace, "abc");
    let_go_and_turn(f, 2);
    let_go_and_turn(f, 3);

    assert_string_equal(f->trace, "abcd");
}

/* A54: c comes when the lock was given to b, which has not run. */
static void
nobody_overtakes_a_woken_waiter(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 2);
    let_go(f, 0);
    spawn(f, 2, hold);
    turn(f);
    assert_string_equal(f->trace, "a");
    turn(f);
    assert_string_equal(f->trace, "ab");

    let_go_and_turn(f, 1);
    assert_string_equal(f->trace, "abc");
    let_go_and_turn(f, 2);
}

static void
it_stays_locked_when_it_is_given_on(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 2);
    let_go(f, 0);
    turn(f);
    assert_true(ouro_lock_is_locked(&f->lock));
    assert_int_equal(f->actors[1].result, UNSEEN);
    turn(f);
    assert_ok(f->actors[1].result);

    let_go_and_turn(f, 1);
    assert_false(ouro_lock_is_locked(&f->lock));
}

/* A54: whichever it is. */
static void
a_waiter_that_is_cancelled_leaves_the_line(void **state)
{
    static const char *const traces[] = {"acd", "abd", "abc"};
    struct fixture *f = *state;

    for (size_t gone = 1; gone <= 3; gone++) {
        start_holders(f, 4);
        cancel(f, gone);
        turn(f);
        assert_err(f->actors[gone].result, ECANCELED);
        for (size_t i = 0; i < 4; i++)
            let_go(f, i);
        for (size_t i = 0; i < 6; i++)
            turn(f);

        assert_string_equal(f->trace, traces[gone - 1]);
        assert_false(ouro_lock_is_locked(&f->lock));
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

/* A54: cancelled first, then the lock is released, all before it runs. */
static void
the_lock_is_not_given_to_one_that_was_cancelled(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 3);
    cancel(f, 1);
    let_go(f, 0);
    turn(f);
    turn(f);

    assert_err(f->actors[1].result, ECANCELED);
    assert_string_equal(f->trace, "ac");
    let_go_and_turn(f, 2);
}

/* A54, A44: given first, then cancelled. */
static void
one_that_was_given_the_lock_and_is_cancelled_has_it(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 3);
    let_go(f, 0);
    turn(f);
    cancel(f, 1);
    turn(f);
    assert_ok(f->actors[1].result);
    assert_err(f->actors[1].next, ECANCELED);
    turn(f);

    assert_string_equal(f->trace, "abc");
    let_go_and_turn(f, 2);
}

static void
a_cancelled_task_does_not_even_take_a_free_lock(void **state)
{
    struct fixture *f = *state;

    spawn(f, 0, hold);
    cancel(f, 0);
    turn(f);

    assert_err(f->actors[0].result, ECANCELED);
    assert_false(ouro_lock_is_locked(&f->lock));
}

static int
take_twice(void *arg)
{
    struct actor *actor = arg;
    struct ouro_lock *lock = &actor->f->lock;

    actor->result = ouro_lock_acquire(lock);
    actor->next = ouro_lock_acquire(lock);
    ouro_lock_release(lock);
    return 0;
}

static void
a_task_that_has_it_already_is_told_so(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 1, take_twice);

    assert_ok(f->actors[0].result);
    assert_err(f->actors[0].next, EDEADLK);
    assert_false(ouro_lock_is_locked(&f->lock));
}

/* Also by one that was given it, and has not run before. */
static int
wait_and_take_again(void *arg)
{
    struct actor *actor = arg;
    struct ouro_lock *lock = &actor->f->lock;

    actor->result = ouro_lock_acquire(lock);
    actor->next = ouro_lock_acquire(lock);
    ouro_lock_release(lock);
    actor->next += ouro_lock_acquire(lock);
    ouro_lock_release(lock);
    return 0;
}

static void
one_that_was_given_it_is_told_so_too_and_may_take_it_later(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 1);
    spawn(f, 1, wait_and_take_again);
    let_go_and_turn(f, 0);

    assert_ok(f->actors[1].result);
    assert_err(f->actors[1].next, EDEADLK);
    assert_false(ouro_lock_is_locked(&f->lock));
}

static void
release_it(void *arg)
{
    struct fixture *f = arg;

    ouro_lock_release(&f->lock);
}

static int
take_and_leave(void *arg)
{
    struct actor *actor = arg;

    actor->result = ouro_lock_acquire(&actor->f->lock);
    return ouro_await(&actor->go);
}

static void
a_callback_may_release_it(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 1, take_and_leave);
    spawn(f, 1, hold);
    ouro_call_soon(f->loop, &f->handle, release_it, f);
    turn(f);
    assert_int_equal(f->actors[1].result, UNSEEN);
    turn(f);

    assert_ok(f->actors[1].result);
    let_go(f, 0);
    let_go_and_turn(f, 1);
}

static int
hold_in_time(void *arg)
{
    struct actor *actor = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_SECONDS(1));
    int rc = ouro_lock_acquire(&actor->f->lock);
    actor->result = (int)ouro_timeout_end(&limit, rc);
    return 0;
}

static void
a_limit_ends_the_wait(void **state)
{
    struct fixture *f = *state;

    start_holders(f, 1);
    spawn(f, 1, hold_in_time);
    spawn(f, 2, hold);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));
    assert_err(f->actors[1].result, ETIMEDOUT);
    let_go_and_turn(f, 0);

    assert_string_equal(f->trace, "ac");
    let_go_and_turn(f, 2);
}

/* A task that never has to wait must not keep the others from running. */
static int
take_often(void *arg)
{
    struct actor *actor = arg;

    for (int i = 0; i < 1000 && actor->f->trace[0] == '\0'; i++) {
        int rc = ouro_lock_acquire(&actor->f->lock);
        if (rc < 0)
            return rc;
        ouro_lock_release(&actor->f->lock);
        actor->next = i;
    }
    return 0;
}

static int
leave_a_note(void *arg)
{
    note(arg);
    return 0;
}

static void
to_take_a_free_lock_lets_others_run_now_and_then(void **state)
{
    struct fixture *f = *state;

    spawn(f, 0, take_often);
    spawn(f, 1, leave_a_note);
    ouro_sim_advance(f->sim, 0);

    assert_in_range(f->actors[0].next, 1, 998);
}

/* What stops the program. */

static int
release_a_free_lock(void *arg)
{
    struct ouro_lock lock;

    (void)arg;
    ouro_lock_init(&lock, ouro_get_running_loop());
    ouro_lock_release(&lock);
    return 0;
}

static void
to_release_a_lock_that_is_free_stops_the_program(void **state)
{
    (void)state;

    assert_stops(release_a_free_lock, NULL,
                 "a lock that is released is locked");
    assert_stops(release_a_free_lock, NULL, "ouro: test_lock.c:");
}

static int
end_while_it_is_locked(void *arg)
{
    struct ouro_lock lock;

    (void)arg;
    ouro_lock_init(&lock, ouro_get_running_loop());
    if (ouro_lock_acquire(&lock) == 0)
        ouro_lock_fini(&lock);
    return 0;
}

static int
wait_for_lock(void *arg)
{
    struct ouro_lock *lock = arg;

    return ouro_lock_acquire(lock);
}

static int
end_while_somebody_waits(void *arg)
{
    struct ouro_lock lock;

    (void)arg;
    ouro_lock_init(&lock, ouro_get_running_loop());
    int rc = ouro_lock_acquire(&lock);
    if (rc == 0)
        rc = ouro_create_task(NULL, wait_for_lock, &lock);
    if (rc == 0)
        rc = ouro_sleep(0);
    ouro_lock_fini(&lock);
    return rc;
}

static void
to_end_a_lock_in_use_stops_the_program(void **state)
{
    (void)state;

    assert_stops(end_while_it_is_locked, NULL, "a lock that is ended is free");
    assert_stops(end_while_somebody_waits, NULL,
                 "nobody waits for a lock that is ended");
    assert_stops(end_while_somebody_waits, NULL, "ouro: test_lock.c:");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_free_lock_is_taken_at_once),
        TEST(those_that_wait_get_it_in_the_order_of_coming),
        TEST(nobody_overtakes_a_woken_waiter),
        TEST(it_stays_locked_when_it_is_given_on),
        TEST(a_waiter_that_is_cancelled_leaves_the_line),
        TEST(the_lock_is_not_given_to_one_that_was_cancelled),
        TEST(one_that_was_given_the_lock_and_is_cancelled_has_it),
        TEST(a_cancelled_task_does_not_even_take_a_free_lock),
        TEST(a_task_that_has_it_already_is_told_so),
        TEST(one_that_was_given_it_is_told_so_too_and_may_take_it_later),
        TEST(a_callback_may_release_it),
        TEST(a_limit_ends_the_wait),
        TEST(to_take_a_free_lock_lets_others_run_now_and_then),
        TEST(to_release_a_lock_that_is_free_stops_the_program),
        TEST(to_end_a_lock_in_use_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
