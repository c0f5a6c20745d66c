/* SPDX-License-Identifier: MIT */
/* How real threads end: when they are idle, with their executor, with the
 * loop, and not at all. */
#include "executor_fixture.h"

static int
wait_until_threads_are_gone(void *arg)
{
    struct fixture *f = arg;
    int rc = 0;

    while (rc == 0 && ouro_executor_threads(f->executor) > 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    return rc;
}

static void
threads_without_work_end(void **state)
{
    struct fixture *f = *state;
    const struct ouro_executor_options options = {
        .idle_ns = OURO_MILLISECONDS(5),
    };

    gate_open(&gate);
    assert_ok(ouro_executor_new(&f->executor, f->loop, &options));
    start_caller(f, &f->caller, call);
    finish(f, &f->caller);
    assert_ok(run_task(f, wait_until_threads_are_gone, f));

    start_caller(f, &f->caller, call);
    finish(f, &f->caller);
    assert_int_equal(f->caller.result, 10);
}

/* Shutdown. */

static int
shut_down(void *arg)
{
    struct fixture *f = arg;

    return ouro_executor_shutdown(f->executor, OURO_FOREVER);
}

static int
shut_down_in_vain(void *arg)
{
    struct fixture *f = arg;

    return ouro_executor_shutdown(f->executor, OURO_MILLISECONDS(5));
}

static void
a_shutdown_joins_all_threads(void **state)
{
    struct fixture *f = *state;

    make_executor(f);
    gate_open(&gate);
    for (int i = 0; i < 10; i++)
        start_caller(f, &f->many[i], call);
    run_one_turn(f);

    assert_ok(run_task(f, shut_down, f));
    assert_int_equal(ouro_executor_threads(f->executor), 0);
    for (int i = 0; i < 10; i++) {
        finish(f, &f->many[i]);
        assert_int_equal(f->many[i].result, i);
    }
}

/* A60 */
static void
a_thread_that_is_stuck_is_reported_and_left(void **state)
{
    struct fixture *f = *state;

    make_executor(f);
    start_caller(f, &f->caller, call);
    run_one_turn(f);
    gate_wait_inside(&gate, 1);

    assert_err(run_task(f, shut_down_in_vain, f), ETIMEDOUT);
    assert_int_equal(f->seen.count, 1);
    assert_ok(f->seen.error);
    assert_string_equal(f->seen.name, "pass_and_multiply");
    assert_non_null(strstr(f->seen.site, "executor_fixture.h:"));

    gate_open(&gate);
    finish(f, &f->caller);
    assert_int_equal(f->caller.result, 1);
    assert_ok(run_task(f, shut_down, f));
}

static void
an_executor_is_freed_under_a_call(void **state)
{
    struct fixture *f = *state;

    make_executor(f);
    for (int i = 0; i < THREADS + 1; i++)
        start_caller(f, &f->many[i], call);
    run_one_turn(f);
    gate_wait_inside(&gate, THREADS);
    ouro_executor_free(f->executor);
    finish(f, &f->many[THREADS]);
    assert_err(f->many[THREADS].result, ESHUTDOWN);

    gate_open(&gate);
    for (int i = 0; i < THREADS; i++) {
        finish(f, &f->many[i]);
        assert_int_equal(f->many[i].result, i);
    }
}

/* The loop goes first. */

static void
a_loop_is_freed_under_a_call_that_was_left(void **state)
{
    struct fixture *f = *state;

    start_caller(f, &f->caller, call_and_give_away);
    run_one_turn(f);
    gate_wait_inside(&gate, 1);
    ouro_task_cancel(f->caller.task);
    finish(f, &f->caller);
    free_loop(f);

    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.message, "a call on a thread did not end");
    gate_open(&gate);
    wait_until_blocks_are(f->blocks);
}

/* With a task that waits for it, and another whose call is in the queue. */
static void
a_loop_is_freed_with_its_tasks_under_a_call(void **state)
{
    struct fixture *f = *state;

    make_executor(f);
    for (int i = 0; i < THREADS + 1; i++)
        start_caller(f, &f->many[i], call);
    run_one_turn(f);
    gate_wait_inside(&gate, THREADS);
    for (int i = 0; i < THREADS + 1; i++)
        ouro_task_unref(f->many[i].task);
    free_loop(f);

    assert_int_equal(f->seen.count, 2 * (THREADS + 1));
    gate_open(&gate);
    wait_until_blocks_are(f->blocks);
    assert_int_equal(f->many[0].result, UNSEEN);
}

static void
a_call_that_ends_with_the_loop_is_freed(void **state)
{
    struct fixture *f = *state;

    for (int round = 0; round < 50; round++) {
        start_caller(f, &f->caller, call_and_give_away);
        run_one_turn(f);
        gate_wait_inside(&gate, 1);
        ouro_task_cancel(f->caller.task);
        finish(f, &f->caller);
        gate_open(&gate);
        free_loop(f);

        wait_until_blocks_are(f->blocks);
        gate_shut(&gate);
        assert_ok(ouro_loop_new(&f->loop, NULL));
    }
}

static atomic_int inside; /* threads that give back what a call owned */

static void
free_together(void *arg)
{
    atomic_fetch_add(&inside, 1);
    while (atomic_load(&inside) < 2)
        sched_yield();
    free_owned(arg);
}

static int
call_and_free_together(void *arg)
{
    struct caller *caller = arg;

    caller->block.owned = malloc(100);
    caller->result = ouro_run_in_executor_take(caller->executor, pass_and_fill,
                                               free_together, &caller->block,
                                               sizeof(caller->block));
    return 0;
}

/* What a program does there may take long, or wait for another thread. */
static void
threads_give_back_what_calls_own_side_by_side(void **state)
{
    struct fixture *f = *state;

    atomic_store(&inside, 0);
    make_executor(f);
    for (int i = 0; i < 2; i++)
        start_caller(f, &f->many[i], call_and_free_together);
    run_one_turn(f);
    gate_wait_inside(&gate, 2);
    for (int i = 0; i < 2; i++) {
        ouro_task_cancel(f->many[i].task);
        finish(f, &f->many[i]);
    }
    free_loop(f);

    gate_open(&gate);
    wait_until_blocks_are(f->blocks);
    assert_int_equal(atomic_load(&inside), 2);
}

/* The thread writes into the frame of a task that nobody runs any more. */
static int
free_a_loop_whose_frame_is_borrowed(void *arg)
{
    struct fixture *f = arg;

    setup((void **)&f);
    start_caller(f, &f->caller, call_with_frame);
    run_one_turn(f);
    gate_wait_inside(&gate, 1);
    ouro_task_unref(f->caller.task);
    free_loop(f);
    size_t blocks = live_allocations();
    gate_open(&gate);
    wait_until_blocks_are(blocks - 1); /* the thread frees the executor */
    return strstr(f->seen.message, "leaked on purpose") != NULL ? 0 : 1;
}

static void
a_frame_that_a_thread_uses_is_never_freed(void **state)
{
    struct child_process child;

    child_start(&child, free_a_loop_whose_frame_is_borrowed, *state);
    child_wait(&child);

    assert_string_equal(child.text, "");
    assert_true(child_exited(&child, 0));
}

/* Forks. */

static void
free_that_of_the_parent(void *arg)
{
    struct fixture *f = arg;

    ouro_executor_free(f->executor);
}

static void
ask_that_of_the_parent(void *arg)
{
    struct fixture *f = arg;

    (void)ouro_executor_threads(f->executor);
}

/* A62: the threads are the parent's. */
static void
a_forked_child_does_not_use_the_executors_of_its_parent(void **state)
{
    struct fixture *f = *state;

    make_executor(f);
    assert_callback_stops(ask_that_of_the_parent, f,
                          "a forked child makes a loop of its own");
    assert_callback_stops(free_that_of_the_parent, f,
                          "a forked child makes a loop of its own");

    gate_open(&gate);
    start_caller(f, &f->caller, call);
    finish(f, &f->caller);
    assert_int_equal(f->caller.result, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(threads_without_work_end),
        TEST(a_shutdown_joins_all_threads),
        TEST(a_thread_that_is_stuck_is_reported_and_left),
        TEST(an_executor_is_freed_under_a_call),
        TEST(a_loop_is_freed_under_a_call_that_was_left),
        TEST(a_loop_is_freed_with_its_tasks_under_a_call),
        TEST(a_call_that_ends_with_the_loop_is_freed),
        TEST(threads_give_back_what_calls_own_side_by_side),
        TEST(a_frame_that_a_thread_uses_is_never_freed),
        TEST(a_forked_child_does_not_use_the_executors_of_its_parent),
    };

    if (!has_loops())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
