/* SPDX-License-Identifier: MIT */
/* Calls that executors refuse, and what else they are told in vain. */
#include "executor_fixture.h"

/* Calls. */

static void
a_call_that_borrows_is_refused_as_others_are(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 1, 1);
    start_callers(f, run_to_thread, 3);
    assert_err(f->callers[2].result, OURO_ELIMIT);
    start_ending(f, OURO_FOREVER);
    ouro_sim_advance(f->sim, 2 * JOB_NS);
    assert_int_equal(f->callers[1].result, 2);

    f->callers[3].executor = f->executor;
    assert_ok(ouro_loop_create_task(f->loop, &f->callers[3].task, run_to_thread,
                                    &f->callers[3]));
    ouro_sim_advance(f->sim, JOB_NS);
    assert_err(f->callers[3].result, ESHUTDOWN);
    assert_int_equal(f->made, 2);
}

static void
a_block_whose_call_is_refused_is_untouched(void **state)
{
    struct fixture *f = *state;
    struct caller *caller = &f->callers[0];

    start_ending(f, 0);
    ouro_sim_advance(f->sim, 0);
    start_callers(f, run_in_executor, 1);

    assert_err(caller->result, ESHUTDOWN);
    assert_int_equal(caller->block.number, 1);
    assert_ptr_equal(caller->block.owned, f);
}

/* Memory. */

static int
borrow_once(void *arg)
{
    struct block *block = arg;
    int rc = ouro_to_thread(multiply, block);

    return rc == 4 ? 0 : rc;
}

static int
borrow_in_a_new_world(void *arg)
{
    struct fixture *f = arg;
    struct block block = {4, &f->made, &f->discarded, f};
    struct ouro_sim *sim;

    int rc = ouro_sim_new(&sim, NULL);
    if (rc < 0)
        return rc;
    f->made = 0;
    rc = ouro_sim_run(sim, borrow_once, &block);
    ouro_sim_free(sim);
    return f->made == (rc == 0) ? rc : -EPROTO;
}

static void
without_memory_for_an_executor_no_call_is_made(void **state)
{
    for_each_allocation_failure(borrow_in_a_new_world, *state);
}

static int
make_one_in_a_new_world(void *arg)
{
    struct fixture *f = arg;
    struct ouro_executor *executor = NULL;
    struct ouro_sim *sim;

    int rc = ouro_sim_new(&sim, NULL);
    if (rc < 0)
        return rc;
    rc = ouro_executor_new(&executor, ouro_sim_loop(sim), NULL);
    f->result = (executor != NULL) == (rc == 0) ? rc : -EPROTO;
    ouro_sim_free(sim);
    return f->result;
}

static void
without_memory_there_is_no_executor(void **state)
{
    for_each_allocation_failure(make_one_in_a_new_world, *state);
}

/* In vain. */

static void
a_second_shutdown_has_nothing_to_wait_for(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        f->result = UNSEEN;
        start_ending(f, OURO_FOREVER);
        ouro_sim_advance(f->sim, 0);
        assert_ok(f->result);
        f->task = ouro_task_unref(f->task);
    }
}

static void
one_that_was_shut_down_can_be_freed(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 1, 0);
    start_ending(f, OURO_FOREVER);
    ouro_sim_advance(f->sim, 0);
    assert_ok(f->result);
    size_t blocks = live_allocations();
    ouro_executor_free(f->executor);

    assert_int_equal(live_allocations(), blocks - 1);
}

static void
to_choose_what_is_chosen_already_is_nothing(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 1, 0);
    ouro_set_default_executor(f->executor);
    ouro_set_default_executor(f->executor);
    f->executor = NULL;
    start_callers(f, run_in_executor, 2);
    ouro_sim_advance(f->sim, JOB_NS);

    assert_int_equal(f->callers[0].result, 1);
    assert_int_equal(f->callers[1].result, UNSEEN);
    ouro_sim_advance(f->sim, JOB_NS);
}

/* A60 */
static void
a_call_that_does_not_end_is_reported_once(void **state)
{
    struct fixture *f = *state;

    start_callers(f, run_in_executor, 1);
    for (int i = 0; i < 2; i++) {
        f->result = UNSEEN;
        start_ending(f, JOB_NS / 4);
        ouro_sim_advance(f->sim, JOB_NS / 4);
        assert_err(f->result, ETIMEDOUT);
        f->task = ouro_task_unref(f->task);
    }

    assert_int_equal(f->seen.count, 1);
    f->seen.count = 0;
    ouro_sim_advance(f->sim, JOB_NS);
}

/* Misuse. */

static void
make_one_for_no_loop(void *arg)
{
    struct ouro_executor *executor;

    (void)arg;
    int rc = ouro_executor_new(&executor, NULL, NULL);
    (void)rc;
}

static void
ask_for_that_of_no_loop(void *arg)
{
    (void)arg;
    (void)ouro_executor_threads(NULL);
}

static void
where_no_loop_runs_one_is_named(void **state)
{
    (void)state;
    assert_callback_stops(make_one_for_no_loop, NULL,
                          "an executor is made where a loop runs");
    assert_callback_stops(ask_for_that_of_no_loop, NULL,
                          "the executor of a loop is used where that runs");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_that_borrows_is_refused_as_others_are),
        TEST(a_block_whose_call_is_refused_is_untouched),
        TEST(without_memory_for_an_executor_no_call_is_made),
        TEST(without_memory_there_is_no_executor),
        TEST(a_second_shutdown_has_nothing_to_wait_for),
        TEST(one_that_was_shut_down_can_be_freed),
        TEST(to_choose_what_is_chosen_already_is_nothing),
        TEST(a_call_that_does_not_end_is_reported_once),
        TEST(where_no_loop_runs_one_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
