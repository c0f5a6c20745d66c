/* SPDX-License-Identifier: MIT */
/* What executors promise to tasks, in a world without threads. */
#include "executor_fixture.h"

#include <sched.h>

/* Calls. */

static void
a_call_works_on_a_copy_that_comes_back(void **state)
{
    struct fixture *f = *state;
    struct caller *caller = &f->callers[2];

    start_callers(f, run_in_executor, 3);
    ouro_sim_advance(f->sim, JOB_NS - 1);
    assert_int_equal(caller->result, UNSEEN);
    assert_int_equal(caller->block.number, 3);
    ouro_sim_advance(f->sim, 1);

    assert_int_equal(caller->result, 3);
    assert_int_equal(caller->block.number, 30);
    assert_int_equal(f->made, 3);
}

static int
make_no_use_of(void *arg)
{
    (void)arg;
    return 7;
}

static int
run_without_a_block(void *arg)
{
    struct caller *caller = arg;

    return finish(caller, ouro_run_in_executor(NULL, make_no_use_of, NULL, 0));
}

static void
a_call_may_have_no_block(void **state)
{
    struct fixture *f = *state;

    start_callers(f, run_without_a_block, 1);
    ouro_sim_advance(f->sim, JOB_NS);

    assert_int_equal(f->callers[0].result, 7);
}

static void
a_failure_is_what_the_call_returns_and_the_block_comes_back(void **state)
{
    struct fixture *f = *state;
    struct caller *caller = &f->callers[0];

    caller->block.number = -EPROTO;
    start_callers(f, run_in_executor, 1);
    ouro_sim_advance(f->sim, JOB_NS);

    assert_err(caller->result, EPROTO);
    assert_int_equal(caller->block.number, -10 * EPROTO);
}

static void
a_borrowed_argument_is_used_where_it_is(void **state)
{
    struct fixture *f = *state;

    start_callers(f, run_to_thread, 1);
    ouro_sim_advance(f->sim, JOB_NS);

    assert_int_equal(f->callers[0].result, 1);
    assert_int_equal(f->callers[0].block.number, 10);
}

static int
see_no_loop(void *arg)
{
    *(bool *)arg =
        ouro_get_running_loop() == NULL && ouro_current_task() == NULL;
    return 0;
}

static int
see_from_a_thread(void *arg)
{
    return ouro_to_thread(see_no_loop, arg);
}

static void
a_call_has_no_running_loop_as_on_a_thread(void **state)
{
    struct fixture *f = *state;
    bool alone = false;

    assert_ok(ouro_sim_run(f->sim, see_from_a_thread, &alone));

    assert_true(alone);
    assert_null(ouro_get_running_loop());
}

/* How many at once. */

static void
so_many_calls_at_once_as_there_may_be_threads(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 2, 0);
    start_callers(f, run_in_executor, 5);
    ouro_sim_advance(f->sim, 3 * JOB_NS);

    for (int i = 0; i < 5; i++)
        assert_int_equal(f->callers[i].returned_ns, (i / 2 + 1) * JOB_NS);
}

static size_t
processors(void)
{
    cpu_set_t usable;

    assert_ok(sched_getaffinity(0, sizeof(usable), &usable));
    return (size_t)CPU_COUNT(&usable);
}

/* Where there are many processors, all callers are served at once. */
static void
by_default_there_are_four_more_than_processors(void **state)
{
    struct fixture *f = *state;
    size_t most = processors() + 4 < 32 ? processors() + 4 : 32;

    start_callers(f, run_in_executor, CALLERS);
    ouro_sim_advance(f->sim, 2 * JOB_NS);

    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(f->callers[i].returned_ns,
                         i < most ? JOB_NS : 2 * JOB_NS);
}

static void
executors_do_not_hold_each_other_up(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 1, 0);
    start_callers(f, run_in_executor, 2);
    f->callers[2].executor = NULL;
    assert_ok(ouro_loop_create_task(f->loop, &f->callers[2].task,
                                    run_in_executor, &f->callers[2]));
    ouro_sim_advance(f->sim, JOB_NS);

    assert_int_equal(f->callers[0].result, 1);
    assert_int_equal(f->callers[1].result, UNSEEN);
    assert_int_equal(f->callers[2].result, 3);
    ouro_sim_advance(f->sim, JOB_NS);
}

static void
more_than_the_limit_of_the_queue_are_refused(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 2, 3);
    start_callers(f, run_in_executor, 6);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->callers[5].result, OURO_ELIMIT);
    assert_int_equal(f->callers[5].block.number, 6);
    assert_int_equal(f->callers[4].result, UNSEEN);
    ouro_sim_advance(f->sim, 3 * JOB_NS);
    assert_int_equal(f->callers[4].result, 5);
}

static void
choose_one_of_one_thread(struct fixture *f)
{
    make_executor(f, 1, 0);
    ouro_set_default_executor(f->executor);
    f->executor = NULL;
}

static void
what_null_means_can_be_chosen(void **state)
{
    struct fixture *f = *state;

    choose_one_of_one_thread(f);
    start_callers(f, run_in_executor, 2);
    choose_one_of_one_thread(f);
    f->callers[2].executor = NULL;
    assert_ok(ouro_loop_create_task(f->loop, &f->callers[2].task,
                                    run_in_executor, &f->callers[2]));
    ouro_sim_advance(f->sim, JOB_NS);

    /* The one before ends with its calls. */
    assert_int_equal(f->callers[0].result, 1);
    assert_err(f->callers[1].result, ESHUTDOWN);
    assert_int_equal(f->callers[2].result, 3);
}

static void
a_late_call_is_overtaken(void **state)
{
    struct fixture *f = *state;
    const struct ouro_sim_options options = {.seed = 3, .late_percent = 50};
    bool overtaken = false;

    ouro_sim_free(f->sim);
    assert_ok(ouro_sim_new(&f->sim, &options));
    f->loop = ouro_sim_loop(f->sim);
    ouro_sim_set_job_time(f->sim, JOB_NS);
    make_executor(f, CALLERS, 0);
    start_callers(f, run_in_executor, CALLERS);
    ouro_sim_advance(f->sim, 3 * JOB_NS);

    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(f->callers[i].result, i + 1);
        overtaken |=
            i > 0 && f->callers[i].returned_ns < f->callers[i - 1].returned_ns;
    }
    assert_true(overtaken);
}

static int
call_once(void *arg)
{
    struct caller *caller = arg;

    caller->block.number = 4;
    int rc = ouro_run_in_executor_take(NULL, multiply, discard, &caller->block,
                                       sizeof(caller->block));
    if (rc == -ENOMEM && caller->block.owned != NULL)
        return -EPROTO;
    return rc == 4 && caller->block.number == 40 ? 0 : rc;
}

static int
call_in_a_new_world(void *arg)
{
    struct fixture *f = arg;
    struct caller *caller = &f->callers[0];
    struct ouro_sim *sim;

    caller->block = (struct block){4, &f->made, &f->discarded, f};
    int rc = ouro_sim_new(&sim, NULL);
    if (rc < 0)
        return rc;
    rc = ouro_sim_run(sim, call_once, caller);
    ouro_sim_free(sim);
    return rc;
}

static void
without_memory_nothing_is_lost(void **state)
{
    for_each_allocation_failure(call_in_a_new_world, *state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_works_on_a_copy_that_comes_back),
        TEST(a_call_may_have_no_block),
        TEST(a_failure_is_what_the_call_returns_and_the_block_comes_back),
        TEST(a_borrowed_argument_is_used_where_it_is),
        TEST(a_call_has_no_running_loop_as_on_a_thread),
        TEST(so_many_calls_at_once_as_there_may_be_threads),
        TEST(by_default_there_are_four_more_than_processors),
        TEST(executors_do_not_hold_each_other_up),
        TEST(more_than_the_limit_of_the_queue_are_refused),
        TEST(what_null_means_can_be_chosen),
        TEST(a_late_call_is_overtaken),
        TEST(without_memory_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
