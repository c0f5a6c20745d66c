/* SPDX-License-Identifier: MIT */
/* Who leaves a call that is made on a thread, and who has to stay; how an
 * executor ends. */
#include "executor_fixture.h"

/* Cancellation. */

static void
a_cancelled_task_leaves_at_once_and_the_call_is_made(void **state)
{
    struct fixture *f = *state;
    struct caller *caller = &f->callers[0];

    start_callers(f, run_in_executor, 1);
    ouro_sim_advance(f->sim, 1);
    ouro_task_cancel(caller->task);
    ouro_sim_advance(f->sim, 0);
    assert_err(caller->result, ECANCELED);
    assert_int_equal(f->made, 0);

    ouro_sim_advance(f->sim, JOB_NS);
    assert_int_equal(f->made, 1);
    assert_int_equal(caller->block.number, 1);
}

static void
a_call_that_no_thread_has_taken_goes_with_its_task(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 1, 1);
    start_callers(f, run_in_executor, 2);
    ouro_task_cancel(f->callers[1].task);
    ouro_sim_advance(f->sim, 0);
    assert_err(f->callers[1].result, ECANCELED);

    /* There is room in the queue again. */
    f->callers[2].executor = f->executor;
    assert_ok(ouro_loop_create_task(f->loop, &f->callers[2].task,
                                    run_in_executor, &f->callers[2]));
    ouro_sim_advance(f->sim, 3 * JOB_NS);
    assert_int_equal(f->callers[2].result, 3);
    assert_int_equal(f->made, 2);
}

static void
a_task_whose_frame_is_borrowed_stays_to_the_end(void **state)
{
    struct fixture *f = *state;
    struct caller *caller = &f->callers[0];

    start_callers(f, run_to_thread, 1);
    ouro_sim_advance(f->sim, 1);
    ouro_task_cancel(caller->task);
    ouro_sim_advance(f->sim, JOB_NS - 2);
    assert_int_equal(caller->result, UNSEEN);
    ouro_sim_advance(f->sim, 1);

    assert_int_equal(caller->result, 1);
    assert_int_equal(caller->block.number, 10);
    assert_int_equal(ouro_task_cancelling(caller->task), 1);
}

static void
a_borrowed_frame_is_left_if_no_thread_has_taken_the_call(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 1, 0);
    start_callers(f, run_to_thread, 2);
    ouro_task_cancel(f->callers[1].task);
    ouro_sim_advance(f->sim, 0);
    assert_err(f->callers[1].result, ECANCELED);

    ouro_sim_advance(f->sim, 2 * JOB_NS);
    assert_int_equal(f->made, 1);
}

static void
cancel_caller(void *arg)
{
    struct caller *caller = arg;

    ouro_task_cancel(caller->task);
}

/* The cancel comes first, then the result, and then the task runs. */
static void
a_result_that_is_there_is_not_lost_to_a_cancel(void **state)
{
    struct fixture *f = *state;
    struct caller *caller = &f->callers[0];
    struct ouro_handle cancel = {0};

    ouro_call_later(f->loop, &cancel, JOB_NS, cancel_caller, caller);
    start_callers(f, run_and_give_away, 1);
    ouro_sim_advance(f->sim, JOB_NS);

    assert_int_equal(caller->result, 1);
    assert_int_equal(caller->block.number, 10);
    assert_int_equal(f->discarded, 0);
    assert_int_equal(ouro_task_cancelling(caller->task), 1);
}

static int
call_when_cancelled(void *arg)
{
    struct caller *caller = arg;

    ouro_task_cancel(ouro_current_task());
    return run_in_executor(caller);
}

static void
a_task_that_is_cancelled_already_begins_no_call(void **state)
{
    struct fixture *f = *state;

    start_callers(f, call_when_cancelled, 1);

    assert_err(f->callers[0].result, ECANCELED);
    ouro_sim_advance(f->sim, JOB_NS);
    assert_int_equal(f->made, 0);
}

/* What a block owns. */

static void
a_block_that_comes_back_is_not_discarded(void **state)
{
    struct fixture *f = *state;

    start_callers(f, run_and_give_away, 1);
    ouro_sim_advance(f->sim, JOB_NS);

    assert_int_equal(f->callers[0].result, 1);
    assert_ptr_equal(f->callers[0].block.owned, f);
    assert_int_equal(f->discarded, 0);
}

static void
a_block_that_was_left_is_discarded_after_the_call(void **state)
{
    struct fixture *f = *state;
    struct caller *caller = &f->callers[0];

    start_callers(f, run_and_give_away, 1);
    ouro_task_cancel(caller->task);
    ouro_sim_advance(f->sim, JOB_NS - 1);
    assert_err(caller->result, ECANCELED);
    assert_null(caller->block.owned);
    assert_int_equal(f->discarded, 0);

    ouro_sim_advance(f->sim, 1);
    assert_int_equal(f->made, 1);
    assert_int_equal(f->discarded, 1);
}

static void
a_block_of_a_call_that_is_not_made_is_discarded_at_once(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 1, 1);
    start_callers(f, run_and_give_away, 3);
    assert_err(f->callers[2].result, OURO_ELIMIT);
    assert_null(f->callers[2].block.owned);
    assert_int_equal(f->discarded, 1);

    ouro_task_cancel(f->callers[1].task);
    ouro_sim_advance(f->sim, 0);
    assert_int_equal(f->discarded, 2);
    ouro_sim_advance(f->sim, JOB_NS);
    assert_int_equal(f->discarded, 2);
}

static int
give_away_when_cancelled(void *arg)
{
    ouro_task_cancel(ouro_current_task());
    return run_and_give_away(arg);
}

static void
a_block_of_a_task_that_was_cancelled_before_is_discarded_too(void **state)
{
    struct fixture *f = *state;

    start_callers(f, give_away_when_cancelled, 1);

    assert_err(f->callers[0].result, ECANCELED);
    assert_null(f->callers[0].block.owned);
    assert_int_equal(f->discarded, 1);
}

/* What discards may do anything: nothing of the executor is locked. */

static struct fixture *discarding;

/* It cannot wait, but start what does. */
static void
discard_and_call_again(void *arg)
{
    struct caller *again = &discarding->callers[2];

    discard(arg);
    again->executor = discarding->executor;
    assert_ok(ouro_loop_create_task(discarding->loop, &again->task,
                                    run_in_executor, again));
}

static void
discard_and_free_the_executor(void *arg)
{
    discard(arg);
    ouro_executor_free(discarding->executor);
}

static int
give_away_to_who_calls_again(void *arg)
{
    struct caller *caller = arg;

    return finish(caller, ouro_run_in_executor_take(caller->executor, multiply,
                                                    discard_and_call_again,
                                                    &caller->block,
                                                    sizeof(caller->block)));
}

static int
give_away_to_who_frees(void *arg)
{
    struct caller *caller = arg;

    return finish(caller,
                  ouro_run_in_executor_take(
                      caller->executor, multiply, discard_and_free_the_executor,
                      &caller->block, sizeof(caller->block)));
}

/* The first call is being made, the second waits; cancel the one of them. */
static void
cancel_one_of_two(struct fixture *f, ouro_task_fn *fn, int which)
{
    discarding = f;
    make_executor(f, 1, 0);
    start_callers(f, fn, 2);
    ouro_task_cancel(f->callers[which].task);
    ouro_sim_advance(f->sim, 0);
    assert_err(f->callers[which].result, ECANCELED);
}

static void
what_discards_after_a_call_may_make_another(void **state)
{
    struct fixture *f = *state;

    cancel_one_of_two(f, give_away_to_who_calls_again, 0);
    ouro_sim_advance(f->sim, 3 * JOB_NS);

    assert_int_equal(f->discarded, 1);
    assert_int_equal(f->callers[1].result, 2);
    assert_int_equal(f->callers[2].result, 3);
}

static void
what_discards_a_call_that_is_not_made_may_make_another(void **state)
{
    struct fixture *f = *state;

    cancel_one_of_two(f, give_away_to_who_calls_again, 1);
    assert_int_equal(f->discarded, 1);
    ouro_sim_advance(f->sim, 2 * JOB_NS);

    assert_int_equal(f->callers[0].result, 1);
    assert_int_equal(f->callers[2].result, 3);
}

static void
what_discards_the_last_call_may_free_the_executor(void **state)
{
    struct fixture *f = *state;

    discarding = f;
    make_executor(f, 1, 0);
    start_callers(f, give_away_to_who_frees, 1);
    size_t blocks = live_allocations();
    ouro_task_cancel(f->callers[0].task);
    ouro_sim_advance(f->sim, JOB_NS);

    assert_int_equal(f->discarded, 1);
    assert_int_equal(live_allocations(), blocks - 2); /* and the call */
}

/* The end. */

static void
a_shutdown_waits_for_what_was_accepted(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 1, 0);
    start_callers(f, run_in_executor, 2);
    start_ending(f, OURO_FOREVER);
    ouro_sim_advance(f->sim, 2 * JOB_NS - 1);
    assert_int_equal(f->result, UNSEEN);
    ouro_sim_advance(f->sim, 1);

    assert_ok(f->result);
    assert_int_equal(f->callers[1].result, 2);
}

static void
a_shutdown_waits_for_a_call_that_nobody_waits_for(void **state)
{
    struct fixture *f = *state;

    start_callers(f, run_in_executor, 1);
    ouro_task_cancel(f->callers[0].task);
    start_ending(f, OURO_FOREVER);
    ouro_sim_advance(f->sim, JOB_NS - 1);
    assert_int_equal(f->result, UNSEEN);
    ouro_sim_advance(f->sim, 1);

    assert_ok(f->result);
    assert_int_equal(f->made, 1);
}

static void
after_a_shutdown_calls_are_refused(void **state)
{
    struct fixture *f = *state;

    start_ending(f, 0);
    ouro_sim_advance(f->sim, 0);
    assert_ok(f->result);
    start_callers(f, run_and_give_away, 1);

    assert_err(f->callers[0].result, ESHUTDOWN);
    assert_int_equal(f->discarded, 1);
}

/* A60 */
static void
a_shutdown_that_takes_too_long_says_what_it_waits_for(void **state)
{
    struct fixture *f = *state;

    start_callers(f, run_in_executor, 1);
    start_ending(f, JOB_NS / 2);
    ouro_sim_advance(f->sim, JOB_NS / 2);

    assert_err(f->result, ETIMEDOUT);
    assert_string_equal(f->seen.message, "a call on a thread did not end");
    assert_string_equal(f->seen.name, "multiply");
    assert_non_null(strstr(f->seen.site, "executor_fixture.h:"));
    f->seen.count = 0;
    ouro_sim_advance(f->sim, JOB_NS);
    assert_int_equal(f->callers[0].result, 1);
}

static void
a_cancelled_shutdown_lets_no_more_in(void **state)
{
    struct fixture *f = *state;

    start_callers(f, run_in_executor, 1);
    start_ending(f, OURO_FOREVER);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 0);
    assert_err(f->result, ECANCELED);

    assert_ok(ouro_loop_create_task(f->loop, &f->callers[1].task,
                                    run_in_executor, &f->callers[1]));
    ouro_sim_advance(f->sim, JOB_NS);
    assert_int_equal(f->callers[0].result, 1);
    assert_err(f->callers[1].result, ESHUTDOWN);
}

static void
a_freed_executor_ends_with_its_last_call(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 1, 0);
    start_callers(f, run_in_executor, 2);
    size_t blocks = live_allocations();
    ouro_executor_free(f->executor);
    ouro_sim_advance(f->sim, 0);
    assert_err(f->callers[1].result, ESHUTDOWN);
    assert_int_equal(f->callers[0].result, UNSEEN);

    ouro_sim_advance(f->sim, JOB_NS);
    assert_int_equal(f->callers[0].result, 1);
    assert_int_equal(live_allocations(), blocks - 3); /* and two calls */
}

static void
to_free_none_is_nothing(void **state)
{
    (void)state;
    ouro_executor_free(NULL);
}

/* The call, its task and the shutdown stand in one turn. */
static int
free_under_a_shutdown(void *arg)
{
    static struct fixture f;
    const struct ouro_executor_options options = {.threads = 1};
    struct caller *caller = &f.callers[0];

    (void)arg;
    f.limit_ns = OURO_FOREVER;
    int rc = ouro_executor_new(&f.executor, NULL, &options);
    if (rc < 0)
        return rc;
    *caller = (struct caller){
        .f = &f,
        .executor = f.executor,
        .block = {1, &f.made, &f.discarded, &f},
    };
    f.loop = ouro_get_running_loop();
    rc = ouro_create_task(NULL, run_in_executor, caller);
    if (rc == 0)
        rc = ouro_create_task(NULL, shut_down, &f);
    if (rc == 0)
        rc = ouro_sleep(0);
    ouro_executor_free(f.executor);
    return rc;
}

static void
one_that_is_being_shut_down_is_not_freed(void **state)
{
    (void)state;
    assert_stops(free_under_a_shutdown, NULL,
                 "an executor is not freed while a task shuts it down");
}

static int
call_and_free(void *arg)
{
    struct caller *caller = arg;
    int rc = run_in_executor(caller);

    ouro_executor_free(caller->executor);
    return rc;
}

/* Its last call has just ended, and the task that shuts it down is awake, but
 * has not run yet. */
static void
free_before_a_shutdown_returns(void *arg)
{
    struct fixture *f = arg;

    (void)setup((void **)&f); /* a fork has no loop */
    make_executor(f, 1, 0);
    start_callers(f, call_and_free, 1);
    start_ending(f, OURO_FOREVER);
    ouro_sim_advance(f->sim, JOB_NS);
}

static void
one_is_not_freed_before_its_shutdown_has_returned(void **state)
{
    assert_callback_stops(
        free_before_a_shutdown_returns, *state,
        "an executor is not freed while a task shuts it down");
}

/* The loop is freed under a call that is made, and one that waits. */
static void
a_loop_that_ends_gives_back_what_calls_own(void **state)
{
    struct fixture *f = *state;

    make_executor(f, 1, 0);
    start_callers(f, run_and_give_away, 2);
    for (size_t i = 0; i < 2; i++)
        f->callers[i].task = ouro_task_unref(f->callers[i].task);
    ouro_sim_free(f->sim);

    assert_int_equal(f->discarded, 2);
    assert_int_equal(f->made, 0);
    assert_int_equal(f->seen.count, 4); /* two calls, two tasks */
    assert_int_equal(live_allocations(), f->blocks);
    assert_ok(setup(state));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cancelled_task_leaves_at_once_and_the_call_is_made),
        TEST(a_call_that_no_thread_has_taken_goes_with_its_task),
        TEST(a_task_whose_frame_is_borrowed_stays_to_the_end),
        TEST(a_borrowed_frame_is_left_if_no_thread_has_taken_the_call),
        TEST(a_result_that_is_there_is_not_lost_to_a_cancel),
        TEST(a_task_that_is_cancelled_already_begins_no_call),
        TEST(a_block_that_comes_back_is_not_discarded),
        TEST(a_block_that_was_left_is_discarded_after_the_call),
        TEST(a_block_of_a_call_that_is_not_made_is_discarded_at_once),
        TEST(a_block_of_a_task_that_was_cancelled_before_is_discarded_too),
        TEST(what_discards_after_a_call_may_make_another),
        TEST(what_discards_a_call_that_is_not_made_may_make_another),
        TEST(what_discards_the_last_call_may_free_the_executor),
        TEST(a_shutdown_waits_for_what_was_accepted),
        TEST(a_shutdown_waits_for_a_call_that_nobody_waits_for),
        TEST(after_a_shutdown_calls_are_refused),
        TEST(a_shutdown_that_takes_too_long_says_what_it_waits_for),
        TEST(a_cancelled_shutdown_lets_no_more_in),
        TEST(a_freed_executor_ends_with_its_last_call),
        TEST(to_free_none_is_nothing),
        TEST(one_that_is_being_shut_down_is_not_freed),
        TEST(one_is_not_freed_before_its_shutdown_has_returned),
        TEST(a_loop_that_ends_gives_back_what_calls_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
