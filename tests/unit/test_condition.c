/* SPDX-License-Identifier: MIT */
/* Conditions: who is woken, and who has the lock then.  See
 * struct ouro_condition. */
#include "sync_fixture.h"

/* Take the lock, wait to be notified, keep the lock until told to go on. */
static int
wait_with_lock(void *arg)
{
    struct actor *actor = arg;
    struct fixture *f = actor->f;

    int rc = ouro_lock_acquire(&f->lock);
    if (rc < 0)
        return rc;
    actor->result = ouro_condition_wait(&f->condition);
    note(actor);
    actor->next = ouro_await(&actor->go);
    ouro_lock_release(&f->lock);
    return 0;
}

/* Take the lock, keep it until told to go on. */
static int
hold(void *arg)
{
    struct actor *actor = arg;
    struct ouro_lock *lock = &actor->f->lock;

    actor->result = ouro_lock_acquire(lock);
    if (actor->result < 0)
        return 0;
    note(actor);
    actor->next = ouro_await(&actor->go);
    ouro_lock_release(lock);
    return 0;
}

static void
start_waiters(struct fixture *f, size_t count)
{
    start_actors(f, count, wait_with_lock);
    for (size_t i = 1; i < count; i++)
        turn(f);
    assert_false(ouro_lock_is_locked(&f->lock));
}

/* The last actor takes the lock, and keeps it; it may do so several times. */
static void
take_lock(struct fixture *f)
{
    struct actor *last = &f->actors[ACTORS - 1];

    last->task = ouro_task_unref(last->task);
    ouro_future_init(&last->go, f->loop);
    spawn(f, ACTORS - 1, hold);
    turn(f);
    assert_ok(f->actors[ACTORS - 1].result);
}

static void
give_up_lock(struct fixture *f)
{
    let_go(f, ACTORS - 1);
    turn(f);
    turn(f);
}

static void
let_all_go(struct fixture *f)
{
    for (size_t i = 0; i < ACTORS; i++)
        (void)ouro_future_set_result(&f->actors[i].go, NULL);
    for (size_t i = 0; i < ACTORS; i++)
        turn(f);
    assert_false(ouro_lock_is_locked(&f->lock));
}

static void
wait_gives_up_the_lock_and_has_it_again(void **state)
{
    struct fixture *f = *state;

    start_waiters(f, 1);
    take_lock(f);
    ouro_condition_notify(&f->condition, 1);
    turn(f);
    assert_int_equal(f->actors[0].result, UNSEEN);
    give_up_lock(f);
    assert_ok(f->actors[0].result);
    assert_true(ouro_lock_is_locked(&f->lock));

    let_all_go(f);
}

static void
notify_wakes_so_many_in_the_order_of_coming(void **state)
{
    struct fixture *f = *state;

    start_waiters(f, 4);
    take_lock(f);
    ouro_condition_notify(&f->condition, 0);
    ouro_condition_notify(&f->condition, 2);
    let_all_go(f);
    assert_string_equal(f->trace, "fab");

    take_lock(f);
    ouro_condition_notify(&f->condition, 7);
    let_all_go(f);
    assert_string_equal(f->trace, "fabfcd");
}

static void
notify_all_wakes_all(void **state)
{
    struct fixture *f = *state;

    start_waiters(f, 3);
    take_lock(f);
    ouro_condition_notify_all(&f->condition);
    let_all_go(f);

    assert_string_equal(f->trace, "fabc");
}

static void
a_notification_of_nobody_is_not_remembered(void **state)
{
    struct fixture *f = *state;

    take_lock(f);
    ouro_condition_notify_all(&f->condition);
    give_up_lock(f);
    start_waiters(f, 1);
    turn(f);
    assert_int_equal(f->actors[0].result, UNSEEN);

    cancel(f, 0);
    turn(f);
}

/* b was there before a is notified, c comes after. */
static void
who_is_notified_waits_for_the_lock_from_that_moment(void **state)
{
    struct fixture *f = *state;

    start_waiters(f, 1);
    take_lock(f);
    spawn(f, 1, hold);
    turn(f);
    ouro_condition_notify(&f->condition, 1);
    spawn(f, 2, hold);
    turn(f);
    let_all_go(f);

    assert_string_equal(f->trace, "fbac");
}

/* A54 */
static void
one_that_is_cancelled_has_the_lock_when_it_returns(void **state)
{
    struct fixture *f = *state;

    start_waiters(f, 1);
    cancel(f, 0);
    turn(f);

    assert_err(f->actors[0].result, ECANCELED);
    assert_err(f->actors[0].next, ECANCELED);
    assert_false(ouro_lock_is_locked(&f->lock));
}

/* A54: and it waits for the lock as long as that may need, though that is told
 * when it takes long. */
static void
to_take_the_lock_again_is_not_cut_short(void **state)
{
    struct fixture *f = *state;

    start_waiters(f, 1);
    take_lock(f);
    cancel(f, 0);
    turn(f);
    cancel(f, 0);
    ouro_sim_advance(f->sim, OURO_SECONDS(100));
    assert_int_equal(f->actors[0].result, UNSEEN);
    give_up_lock(f);

    assert_err(f->actors[0].result, ECANCELED);
    assert_string_equal(f->trace, "fa");
    assert_false(ouro_lock_is_locked(&f->lock));
    assert_int_equal(f->seen.count, 1);
    f->seen.count = 0;
}

/* A54: cancelled first, then notified, all before it runs. */
static void
a_notification_is_not_wasted_on_one_that_was_cancelled(void **state)
{
    struct fixture *f = *state;

    start_waiters(f, 2);
    take_lock(f);
    cancel(f, 0);
    ouro_condition_notify(&f->condition, 1);
    let_all_go(f);

    assert_err(f->actors[0].result, ECANCELED);
    assert_ok(f->actors[1].result);
}

/* A54: notified first, then cancelled. */
static void
one_that_was_notified_and_is_cancelled_has_that_and_the_lock(void **state)
{
    struct fixture *f = *state;

    start_waiters(f, 2);
    take_lock(f);
    ouro_condition_notify(&f->condition, 1);
    cancel(f, 0);
    turn(f);
    assert_int_equal(f->actors[0].result, UNSEEN);
    give_up_lock(f);
    assert_ok(f->actors[0].result);
    assert_err(f->actors[0].next, ECANCELED);
    assert_int_equal(f->actors[1].result, UNSEEN);

    cancel(f, 1);
    turn(f);
    let_all_go(f);
}

static void
a_cancelled_task_does_not_give_up_the_lock_to_wait(void **state)
{
    struct fixture *f = *state;

    spawn(f, 1, hold);
    spawn(f, 0, wait_with_lock);
    spawn(f, 2, hold);
    turn(f);
    let_go(f, 1);
    turn(f);
    cancel(f, 0);
    turn(f);

    assert_err(f->actors[0].result, ECANCELED);
    assert_string_equal(f->trace, "ba");
    let_all_go(f);
    assert_string_equal(f->trace, "bac");
}

static int
wait_in_time(void *arg)
{
    struct actor *actor = arg;
    struct fixture *f = actor->f;
    struct ouro_timeout limit;

    int rc = ouro_lock_acquire(&f->lock);
    if (rc < 0)
        return rc;
    ouro_timeout_begin(&limit, OURO_SECONDS(1));
    rc = ouro_condition_wait(&f->condition);
    actor->result = (int)ouro_timeout_end(&limit, rc);
    note(actor);
    ouro_lock_release(&f->lock);
    return 0;
}

static void
a_limit_ends_the_wait_with_the_lock_taken(void **state)
{
    struct fixture *f = *state;

    spawn(f, 0, wait_in_time);
    turn(f);
    take_lock(f);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));
    assert_int_equal(f->actors[0].result, UNSEEN);
    give_up_lock(f);

    assert_err(f->actors[0].result, ETIMEDOUT);
    assert_string_equal(f->trace, "fa");
}

/* With a predicate. */

static bool
flag_is_set(void *arg)
{
    struct actor *actor = arg;

    return actor->f->flag;
}

static int
wait_for_flag(void *arg)
{
    struct actor *actor = arg;
    struct fixture *f = actor->f;

    int rc = ouro_lock_acquire(&f->lock);
    if (rc < 0)
        return rc;
    actor->result = ouro_condition_wait_for(&f->condition, flag_is_set, actor);
    note(actor);
    actor->next = ouro_await(&actor->go);
    ouro_lock_release(&f->lock);
    return 0;
}

static void
notify_under_lock(struct fixture *f)
{
    take_lock(f);
    ouro_condition_notify_all(&f->condition);
    give_up_lock(f);
}

static void
wait_for_waits_until_it_is_so(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 1, wait_for_flag);
    notify_under_lock(f);
    assert_int_equal(f->actors[0].result, UNSEEN);
    assert_false(ouro_lock_is_locked(&f->lock));
    f->flag = true;
    turn(f);
    assert_int_equal(f->actors[0].result, UNSEEN);
    notify_under_lock(f);

    assert_ok(f->actors[0].result);
    let_all_go(f);
}

static void
wait_for_does_not_wait_if_it_is_so_already(void **state)
{
    struct fixture *f = *state;

    f->flag = true;
    start_actors(f, 1, wait_for_flag);

    assert_ok(f->actors[0].result);
    let_all_go(f);
}

static void
wait_for_fails_in_a_cancelled_task_also_if_it_is_so(void **state)
{
    struct fixture *f = *state;

    f->flag = true;
    spawn(f, 0, hold);
    spawn(f, 1, wait_for_flag);
    turn(f);
    let_go(f, 0);
    turn(f);
    cancel(f, 1);
    turn(f);

    assert_err(f->actors[1].result, ECANCELED);
    assert_false(ouro_lock_is_locked(&f->lock));
}

static void
wait_for_that_is_cancelled_has_the_lock(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 1, wait_for_flag);
    take_lock(f);
    cancel(f, 0);
    turn(f);
    assert_int_equal(f->actors[0].result, UNSEEN);
    give_up_lock(f);

    assert_err(f->actors[0].result, ECANCELED);
    assert_string_equal(f->trace, "fa");
}

/* What stops the program. */

struct pair {
    struct ouro_lock lock;
    struct ouro_condition condition;
};

static void
init_pair(struct pair *pair)
{
    ouro_lock_init(&pair->lock, ouro_get_running_loop());
    ouro_condition_init(&pair->condition, &pair->lock);
}

static int
wait_without_the_lock(void *arg)
{
    struct pair pair;

    (void)arg;
    init_pair(&pair);
    return ouro_condition_wait(&pair.condition);
}

static int
wait_for_without_the_lock(void *arg)
{
    struct actor actor = {.f = arg};
    struct pair pair;

    init_pair(&pair);
    actor.f->flag = true;
    return ouro_condition_wait_for(&pair.condition, flag_is_set, &actor);
}

static int
take_and_sleep(void *arg)
{
    struct pair *pair = arg;

    int rc = ouro_lock_acquire(&pair->lock);
    return rc < 0 ? rc : ouro_sleep(OURO_FOREVER);
}

static int
wait_while_another_has_the_lock(void *arg)
{
    struct pair pair;

    (void)arg;
    init_pair(&pair);
    int rc = ouro_create_task(NULL, take_and_sleep, &pair);
    if (rc == 0)
        rc = ouro_sleep(0);
    return rc < 0 ? rc : ouro_condition_wait(&pair.condition);
}

static void
to_wait_without_the_lock_stops_the_program(void **state)
{
    const char *rule = "who waits for a condition has its lock";

    assert_stops(wait_without_the_lock, NULL, rule);
    assert_stops(wait_without_the_lock, NULL, "ouro: test_condition.c:");
    assert_stops(wait_for_without_the_lock, *state, rule);
    assert_stops(wait_while_another_has_the_lock, NULL, rule);
}

static int
notify_without_the_lock(void *arg)
{
    struct pair pair;

    (void)arg;
    init_pair(&pair);
    ouro_condition_notify_all(&pair.condition);
    return 0;
}

static void
to_notify_while_the_lock_is_free_stops_the_program(void **state)
{
    (void)state;

    assert_stops(notify_without_the_lock, NULL,
                 "a condition is notified while its lock is taken");
}

static int
wait_in_pair(void *arg)
{
    struct pair *pair = arg;

    int rc = ouro_lock_acquire(&pair->lock);
    return rc < 0 ? rc : ouro_condition_wait(&pair->condition);
}

static int
end_while_somebody_waits(void *arg)
{
    bool *cancelled = arg;
    struct ouro_task *task;
    struct pair pair;

    init_pair(&pair);
    int rc = ouro_create_task(&task, wait_in_pair, &pair);
    if (rc == 0)
        rc = ouro_sleep(0);
    if (*cancelled)
        ouro_task_cancel(task);
    ouro_condition_fini(&pair.condition);
    return rc;
}

/* One that was cancelled has still to take the lock. */
static void
to_end_a_condition_somebody_waits_for_stops_the_program(void **state)
{
    const char *rule = "nobody waits for a condition that is ended";
    bool cancelled = false;

    (void)state;
    assert_stops(end_while_somebody_waits, &cancelled, rule);
    cancelled = true;
    assert_stops(end_while_somebody_waits, &cancelled, rule);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wait_gives_up_the_lock_and_has_it_again),
        TEST(notify_wakes_so_many_in_the_order_of_coming),
        TEST(notify_all_wakes_all),
        TEST(a_notification_of_nobody_is_not_remembered),
        TEST(who_is_notified_waits_for_the_lock_from_that_moment),
        TEST(one_that_is_cancelled_has_the_lock_when_it_returns),
        TEST(to_take_the_lock_again_is_not_cut_short),
        TEST(a_notification_is_not_wasted_on_one_that_was_cancelled),
        TEST(one_that_was_notified_and_is_cancelled_has_that_and_the_lock),
        TEST(a_cancelled_task_does_not_give_up_the_lock_to_wait),
        TEST(a_limit_ends_the_wait_with_the_lock_taken),
        TEST(wait_for_waits_until_it_is_so),
        TEST(wait_for_does_not_wait_if_it_is_so_already),
        TEST(wait_for_fails_in_a_cancelled_task_also_if_it_is_so),
        TEST(wait_for_that_is_cancelled_has_the_lock),
        TEST(to_wait_without_the_lock_stops_the_program),
        TEST(to_notify_while_the_lock_is_free_stops_the_program),
        TEST(to_end_a_condition_somebody_waits_for_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
