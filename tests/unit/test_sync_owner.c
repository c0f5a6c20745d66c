/* SPDX-License-Identifier: MIT */
/* Locks and their like belong to one loop, and to its thread: each call of them
 * from another stops the program, and so does one that waits in a callback. */
#include "queue_fixture.h"

#include <stdlib.h>

typedef void call_fn(struct fixture *f);

struct call {
    const char *name;
    call_fn *fn;
    struct fixture *f;
};

/* gcc warns of an ignored result even where it is cast to void. */
static void
ignore(int rc)
{
    (void)rc;
}

/* Calls that never suspend. */

static void
call_lock_release(struct fixture *f)
{
    ouro_lock_release(&f->lock);
}

static void
call_lock_is_locked(struct fixture *f)
{
    ignore(ouro_lock_is_locked(&f->lock));
}

static void
call_event_set(struct fixture *f)
{
    ouro_event_set(&f->event);
}

static void
call_event_clear(struct fixture *f)
{
    ouro_event_clear(&f->event);
}

static void
call_event_is_set(struct fixture *f)
{
    ignore(ouro_event_is_set(&f->event));
}

static void
call_condition_notify(struct fixture *f)
{
    ouro_condition_notify(&f->condition, 1);
}

static void
call_condition_notify_all(struct fixture *f)
{
    ouro_condition_notify_all(&f->condition);
}

static void
call_semaphore_release(struct fixture *f)
{
    ouro_semaphore_release(&f->semaphore);
}

static void
call_semaphore_is_locked(struct fixture *f)
{
    ignore(ouro_semaphore_is_locked(&f->semaphore));
}

static void
call_barrier_reset(struct fixture *f)
{
    ouro_barrier_reset(&f->barrier);
}

static void
call_barrier_abort(struct fixture *f)
{
    ouro_barrier_abort(&f->barrier);
}

static void
call_barrier_is_broken(struct fixture *f)
{
    ignore(ouro_barrier_is_broken(&f->barrier));
}

static void
call_barrier_parties(struct fixture *f)
{
    ignore((int)ouro_barrier_parties(&f->barrier));
}

static void
call_barrier_waiting(struct fixture *f)
{
    ignore((int)ouro_barrier_waiting(&f->barrier));
}

static void
call_queue_put_nowait(struct fixture *f)
{
    ignore(ouro_queue_put_nowait(&f->queue, f));
}

static void
call_queue_get_nowait(struct fixture *f)
{
    void *got;

    ignore(ouro_queue_get_nowait(&f->queue, &got));
}

static void
call_queue_task_done(struct fixture *f)
{
    ouro_queue_task_done(&f->queue);
}

static void
call_queue_shutdown(struct fixture *f)
{
    ouro_queue_shutdown(&f->queue, true);
}

static void
call_queue_is_shut_down(struct fixture *f)
{
    ignore(ouro_queue_is_shut_down(&f->queue));
}

static void
call_queue_size(struct fixture *f)
{
    ignore((int)ouro_queue_size(&f->queue));
}

static void
call_queue_max_size(struct fixture *f)
{
    ignore((int)ouro_queue_max_size(&f->queue));
}

static void
call_queue_is_empty(struct fixture *f)
{
    ignore(ouro_queue_is_empty(&f->queue));
}

static void
call_queue_is_full(struct fixture *f)
{
    ignore(ouro_queue_is_full(&f->queue));
}

/* Calls that suspend. */

static void
call_lock_acquire(struct fixture *f)
{
    ignore(ouro_lock_acquire(&f->lock));
}

static void
call_event_wait(struct fixture *f)
{
    ignore(ouro_event_wait(&f->event));
}

static void
call_condition_wait(struct fixture *f)
{
    ignore(ouro_condition_wait(&f->condition));
}

static bool
say_yes(void *arg)
{
    (void)arg;
    return true;
}

static void
call_condition_wait_for(struct fixture *f)
{
    ignore(ouro_condition_wait_for(&f->condition, say_yes, f));
}

static void
call_semaphore_acquire(struct fixture *f)
{
    ignore(ouro_semaphore_acquire(&f->semaphore));
}

static void
call_barrier_wait(struct fixture *f)
{
    ignore(ouro_barrier_wait(&f->barrier));
}

static void
call_queue_put(struct fixture *f)
{
    ignore(ouro_queue_put(&f->queue, f));
}

static void
call_queue_get(struct fixture *f)
{
    void *got;

    ignore(ouro_queue_get(&f->queue, &got));
}

static void
call_queue_join(struct fixture *f)
{
    ignore(ouro_queue_join(&f->queue));
}

#define CALL(name)               \
    {                            \
#        name, call_##name, NULL \
    }

static const struct call plain_calls[] = {
    CALL(lock_release),
    CALL(lock_is_locked),
    CALL(event_set),
    CALL(event_clear),
    CALL(event_is_set),
    CALL(condition_notify),
    CALL(condition_notify_all),
    CALL(semaphore_release),
    CALL(semaphore_is_locked),
    CALL(barrier_reset),
    CALL(barrier_abort),
    CALL(barrier_is_broken),
    CALL(barrier_parties),
    CALL(barrier_waiting),
    CALL(queue_put_nowait),
    CALL(queue_get_nowait),
    CALL(queue_task_done),
    CALL(queue_shutdown),
    CALL(queue_is_shut_down),
    CALL(queue_size),
    CALL(queue_max_size),
    CALL(queue_is_empty),
    CALL(queue_is_full),
};

static const struct call waiting_calls[] = {
    CALL(lock_acquire),       CALL(event_wait),        CALL(condition_wait),
    CALL(condition_wait_for), CALL(semaphore_acquire), CALL(barrier_wait),
    CALL(queue_put),          CALL(queue_get),         CALL(queue_join),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Another thread. */

static void *
make_call(void *arg)
{
    const struct call *call = arg;

    call->fn(call->f);
    return NULL;
}

static void
call_on_a_thread(void *arg)
{
    run_on_a_thread(make_call, arg);
}

static void
a_call_from_another_thread_stops_the_program(void **state)
{
    for (size_t i = 0; i < COUNT(plain_calls); i++) {
        struct call call = plain_calls[i];

        call.f = *state;
        print_message("%s\n", call.name);
        assert_callback_stops(call_on_a_thread, &call,
                              "a loop is used only on the thread that made it");
    }
}

/* Another loop, on the same thread. */

static int
call_in_a_task(void *arg)
{
    make_call(arg);
    return 0;
}

static void
to_wait_in_a_task_of_another_loop_stops_the_program(void **state)
{
    for (size_t i = 0; i < COUNT(waiting_calls); i++) {
        struct call call = waiting_calls[i];

        call.f = *state;
        print_message("%s\n", call.name);
        assert_stops(call_in_a_task, &call,
                     "tasks wait for each other in one loop");
    }
}

/* No task at all. */

static void
call_in_no_task(void *arg)
{
    make_call(arg);
}

static void
to_wait_outside_a_task_stops_the_program(void **state)
{
    for (size_t i = 0; i < COUNT(waiting_calls); i++) {
        struct call call = waiting_calls[i];

        call.f = *state;
        print_message("%s\n", call.name);
        assert_callback_stops(
            call_in_no_task, &call,
            "a call that suspends is made in a task, not in a callback");
    }
}

static int
setup_with_queue(void **state)
{
    int rc = setup(state);
    struct fixture *f = *state;

    return rc < 0 ? rc : ouro_queue_init(&f->queue, f->loop, 2);
}

static int
teardown_with_queue(void **state)
{
    struct fixture *f = *state;

    ouro_queue_fini(&f->queue);
    return teardown(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_call_from_another_thread_stops_the_program, setup_with_queue,
            teardown_with_queue),
        cmocka_unit_test_setup_teardown(
            to_wait_in_a_task_of_another_loop_stops_the_program,
            setup_with_queue, teardown_with_queue),
        cmocka_unit_test_setup_teardown(
            to_wait_outside_a_task_stops_the_program, setup_with_queue,
            teardown_with_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
