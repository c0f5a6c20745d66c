/* SPDX-License-Identifier: MIT */
/* What a task that waits in a list says that it waits for, for dumps. */
#include "queue_fixture.h"

#include "waiters.h"

static int
wait_for_lock(void *arg)
{
    struct actor *actor = arg;
    struct ouro_lock *lock = &actor->f->lock;

    actor->result = ouro_lock_acquire(lock);
    if (actor->result == 0) {
        actor->next = ouro_await(&actor->go);
        ouro_lock_release(lock);
    }
    return 0;
}

static int
wait_for_condition(void *arg)
{
    struct actor *actor = arg;
    struct ouro_lock *lock = &actor->f->lock;

    int rc = ouro_lock_acquire(lock);
    if (rc < 0)
        return rc;
    actor->result = ouro_condition_wait(&actor->f->condition);
    ouro_lock_release(lock);
    return 0;
}

static int
wait_for_event(void *arg)
{
    struct actor *actor = arg;

    return ouro_event_wait(&actor->f->event);
}

static int
wait_for_permit(void *arg)
{
    struct actor *actor = arg;

    return ouro_semaphore_acquire(&actor->f->semaphore);
}

static int
wait_at_barrier(void *arg)
{
    struct actor *actor = arg;

    return ouro_barrier_wait(&actor->f->barrier);
}

static void
assert_waits_for(struct fixture *f, size_t i, const char *text,
                 const void *thing)
{
    assert_string_equal(f->actors[i].task->waits_for->text, text);
    assert_ptr_equal(f->actors[i].task->waits_on, thing);
}

static void
cancel_all(struct fixture *f)
{
    for (size_t i = 0; i < ACTORS; i++)
        if (f->actors[i].task != NULL)
            cancel(f, i);
    settle(f);
}

static void
each_names_what_it_waits_for(void **state)
{
    struct fixture *f = *state;

    ouro_semaphore_init(&f->semaphore, f->loop, 0);
    spawn(f, 0, wait_for_condition);
    spawn(f, 1, wait_for_event);
    spawn(f, 2, wait_for_permit);
    spawn(f, 3, wait_at_barrier);
    turn(f);

    assert_waits_for(f, 0, "a condition", &f->condition);
    assert_waits_for(f, 1, "an event", &f->event);
    assert_waits_for(f, 2, "a permit of a semaphore", &f->semaphore);
    assert_waits_for(f, 3, "others at a barrier", &f->barrier);
    cancel_all(f);
}

static void
so_does_each_that_waits_for_a_queue(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_queue_init(&f->queue, f->loop, 1));
    start_actors(f, 1, get_one);
    assert_waits_for(f, 0, "an item of a queue", &f->queue);
    put_now(f, "xy");
    spawn(f, 1, put_own_letter);
    spawn(f, 2, join_it);
    turn(f);

    assert_waits_for(f, 1, "room in a queue", &f->queue);
    assert_waits_for(f, 2, "the end of what is in a queue", &f->queue);
    cancel_all(f);
    ouro_queue_fini(&f->queue);
}

/* Where a dump finds the task that has it. */
static void
one_that_waits_for_a_lock_leads_to_its_owner(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 2, wait_for_lock);
    assert_waits_for(f, 1, "a lock", &f->lock);
    const struct ouro__wait_kind *kind = f->actors[1].task->waits_for;
    const char *lock = f->actors[1].task->waits_on;
    const void *owner;
    memcpy(&owner, lock + kind->owner, sizeof(owner));

    assert_int_equal(kind->shape, OURO__WAIT_OWNER);
    assert_ptr_equal(owner, f->actors[0].task);
    cancel_all(f);
}

static void
one_that_was_notified_waits_for_the_lock(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 1, wait_for_condition);
    spawn(f, 1, wait_for_lock);
    turn(f);
    ouro_condition_notify(&f->condition, 1);

    assert_waits_for(f, 0, "a lock", &f->lock);
    let_go(f, 1);
    settle(f);
}

/* It has been cancelled, and takes it again. */
static void
one_that_was_cancelled_waits_for_the_lock(void **state)
{
    struct fixture *f = *state;

    start_actors(f, 1, wait_for_condition);
    spawn(f, 1, wait_for_lock);
    turn(f);
    cancel(f, 0);
    turn(f);

    assert_waits_for(f, 0, "a lock", &f->lock);
    let_go(f, 1);
    settle(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_names_what_it_waits_for),
        TEST(so_does_each_that_waits_for_a_queue),
        TEST(one_that_waits_for_a_lock_leads_to_its_owner),
        TEST(one_that_was_notified_waits_for_the_lock),
        TEST(one_that_was_cancelled_waits_for_the_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
