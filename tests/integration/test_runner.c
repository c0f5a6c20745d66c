/* SPDX-License-Identifier: MIT */
/* Several runs on one loop: what they share, whose signals are when, and how
 * all of it ends.  See struct ouro_runner. */
#include "ouro_test.h"

#include "child.h"

#include <signal.h>
#include <string.h>

enum { BROKEN = 99 };

struct fixture {
    struct ouro_run_options options;
    struct seen_exceptions seen;
    struct ouro_runner *runner;
    struct ouro_loop *ran_in;
    struct ouro_task *task;
    int returns;
    int result;
    unsigned count;
    size_t descriptors;
    size_t blocks;
};

static volatile sig_atomic_t caught;

static void
make_runner(struct fixture *f)
{
    assert_ok(ouro_runner_new(&f->runner, &f->options));
}

static int
return_it(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_sleep(0);

    f->ran_in = ouro_get_running_loop();
    return rc < 0 ? rc : f->returns;
}

/* Its loop. */

static void
the_loop_is_made_when_it_is_needed(void **state)
{
    struct fixture *f = *state;

    make_runner(f);
    assert_int_equal(count_descriptors(), f->descriptors);
    struct ouro_loop *loop = ouro_runner_loop(f->runner);

    assert_non_null(loop);
    assert_ptr_equal(ouro_runner_loop(f->runner), loop);
    assert_true(count_descriptors() > f->descriptors);
}

static void
runs_share_a_loop_and_return_what_main_returned(void **state)
{
    struct fixture *f = *state;
    const int values[] = {0, 7, -EPIPE, -ECANCELED};

    make_runner(f);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        f->returns = values[i];
        f->ran_in = NULL;
        assert_int_equal(ouro_runner_run(f->runner, return_it, f), values[i]);
        assert_ptr_equal(f->ran_in, ouro_runner_loop(f->runner));
    }
    assert_null(ouro_get_running_loop());
}

static void
the_options_are_copied(void **state)
{
    struct fixture *f = *state;

    make_runner(f);
    f->options.loop.stack_size = 1;

    assert_ok(ouro_runner_run(f->runner, return_it, f));
}

static void
a_run_returns_why_there_is_no_loop(void **state)
{
    struct fixture *f = *state;
    struct ouro_report report = {""};

    f->options.loop.stack_size = 1;
    f->options.loop.report = &report;
    make_runner(f);

    assert_err(ouro_runner_run(f->runner, return_it, f), EINVAL);
    assert_null(ouro_runner_loop(f->runner));
    assert_non_null(strstr(report.text, "stack_size"));
    assert_ok(ouro_runner_close(f->runner));
}

static int
run_without_memory(void *arg)
{
    struct fixture *f = arg;
    struct ouro_report report;
    struct ouro_runner *runner;

    f->options.loop.report = &report;
    int rc = ouro_runner_new(&runner, &f->options);
    if (rc < 0)
        return rc;
    rc = ouro_runner_run(runner, return_it, f);
    ouro_runner_free(runner);
    return rc;
}

static void
without_memory_nothing_is_left(void **state)
{
    for_each_allocation_failure(run_without_memory, *state);
}

static int
run_the_same_runner(void *arg)
{
    struct fixture *f = arg;

    return ouro_runner_run(f->runner, return_it, f);
}

static void
run_in_a_run(void *arg)
{
    struct fixture *f = arg;

    if (ouro_runner_new(&f->runner, NULL) == 0)
        (void)ouro_runner_run(f->runner, run_the_same_runner, f);
}

static void
a_run_inside_a_run_stops_the_program(void **state)
{
    assert_callback_stops(run_in_a_run, *state, "runs of loops do not nest");
}

/* Tasks. */

static int
count_three_turns(void *arg)
{
    struct fixture *f = arg;
    int rc = 0;

    for (int i = 0; rc == 0 && i < 3; i++) {
        f->count++;
        rc = ouro_sleep(0);
    }
    return rc < 0 ? rc : 3;
}

static int
leave_a_task(void *arg)
{
    struct fixture *f = arg;

    return ouro_loop_create_task(ouro_get_running_loop(), &f->task,
                                 count_three_turns, f);
}

static int
join_the_task(void *arg)
{
    struct fixture *f = arg;

    return ouro_task_join(f->task);
}

static void
a_task_that_a_run_left_goes_on_with_the_next(void **state)
{
    struct fixture *f = *state;

    make_runner(f);
    assert_ok(ouro_runner_run(f->runner, leave_a_task, f));
    assert_in_range(f->count, 0, 2);

    assert_int_equal(ouro_runner_run(f->runner, join_the_task, f), 3);
    assert_int_equal(f->count, 3);
    f->task = ouro_task_unref(f->task);
}

/* The end. */

static int
note_the_cancellation(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_sleep(OURO_FOREVER);
    return f->result;
}

static int
leave_one_that_waits(void *arg)
{
    int rc = ouro_create_task(NULL, note_the_cancellation, arg);

    return rc < 0 ? rc : ouro_sleep(0);
}

/* A60 */
static void
what_runs_left_ends_with_the_runner(void **state)
{
    struct fixture *f = *state;

    make_runner(f);
    assert_ok(ouro_runner_run(f->runner, leave_one_that_waits, f));
    assert_int_equal(f->result, UNSEEN);
    assert_ok(ouro_runner_close(f->runner));

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->seen.count, 0);
}

static void
to_free_one_closes_it(void **state)
{
    struct fixture *f = *state;

    make_runner(f);
    assert_ok(ouro_runner_run(f->runner, leave_one_that_waits, f));
    ouro_runner_free(f->runner);
    f->runner = NULL;

    assert_err(f->result, ECANCELED);
    ouro_runner_free(NULL);
}

static void
a_closed_runner_runs_nothing(void **state)
{
    struct fixture *f = *state;

    make_runner(f);
    f->returns = 1;
    assert_int_equal(ouro_runner_run(f->runner, return_it, f), 1);
    f->ran_in = NULL;
    assert_ok(ouro_runner_close(f->runner));

    assert_err(ouro_runner_run(f->runner, return_it, f), ESHUTDOWN);
    assert_null(f->ran_in);
    assert_null(ouro_runner_loop(f->runner));
    assert_ok(ouro_runner_close(f->runner));
}

static void
one_that_never_ran_can_be_closed(void **state)
{
    struct fixture *f = *state;

    make_runner(f);
    assert_ok(ouro_runner_close(f->runner));
    assert_err(ouro_runner_run(f->runner, return_it, f), ESHUTDOWN);
}

static int
ignore_every_cancel(void *arg)
{
    int rc;

    (void)arg;
    do {
        rc = ouro_sleep(OURO_FOREVER);
        ouro_uncancel();
    } while (rc <= 0);
    return rc;
}

static int
leave_a_stubborn_one(void *arg)
{
    int rc = ouro_create_task(NULL, ignore_every_cancel, arg);

    return rc < 0 ? rc : ouro_sleep(0);
}

/* A60, O11: it is told when the limit is over, and when its memory goes. */
static void
a_task_that_does_not_end_is_reported_in_time(void **state)
{
    struct fixture *f = *state;

    f->options.cancel_limit_ns = OURO_MILLISECONDS(20);
    make_runner(f);
    assert_ok(ouro_runner_run(f->runner, leave_a_stubborn_one, f));

    assert_err(ouro_runner_close(f->runner), ETIMEDOUT);
    assert_int_equal(f->seen.count, 2);
    assert_string_equal(f->seen.name, "ignore_every_cancel");
    assert_ok(ouro_runner_close(f->runner));
}

/* Signals. */

static int
signal_itself(void *arg)
{
    (void)arg;
    return raise(SIGINT) == 0 ? ouro_sleep(OURO_SECONDS(30)) : -BROKEN;
}

static int
signal_itself_in_each_run(void *arg)
{
    struct fixture *f = arg;

    if (ouro_runner_new(&f->runner, NULL) < 0)
        return BROKEN;
    for (int i = 0; i < 3; i++) {
        if (ouro_runner_run(f->runner, signal_itself, f) != -EINTR)
            return 1;
    }
    ouro_runner_free(f->runner);
    return 0;
}

/* A61 */
static void
each_run_has_a_first_signal_of_its_own(void **state)
{
    struct child_process child;

    child_start(&child, signal_itself_in_each_run, *state);
    child_wait(&child);

    assert_true(child_exited(&child, 0));
}

static void catch (int number)
{
    caught = number;
}

static int
signal_itself_between_runs(void *arg)
{
    struct fixture *f = arg;

    if (ouro_runner_new(&f->runner, NULL) < 0
        || signal(SIGINT, catch) == SIG_ERR)
        return BROKEN;
    if (ouro_runner_run(f->runner, signal_itself, f) != -EINTR || caught != 0)
        return 1;
    if (raise(SIGINT) != 0 || caught != SIGINT)
        return 2;
    f->returns = 3;
    if (ouro_runner_run(f->runner, return_it, f) != 3)
        return 3;
    ouro_runner_free(f->runner);
    return 0;
}

/* A61: a signal that the program took is nothing to the next run. */
static void
between_runs_signals_are_the_programs(void **state)
{
    struct child_process child;

    child_start(&child, signal_itself_between_runs, *state);
    child_wait(&child);

    assert_true(child_exited(&child, 0));
}

static int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    f.descriptors = count_descriptors();
    f.blocks = live_allocations();
    f.result = UNSEEN;
    f.options.loop.exception_handler = see_exception;
    f.options.loop.exception_arg = &f.seen;
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_runner_free(f->runner);
    assert_int_equal(count_descriptors(), f->descriptors);
    assert_int_equal(live_allocations(), f->blocks);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_loop_is_made_when_it_is_needed),
        TEST(runs_share_a_loop_and_return_what_main_returned),
        TEST(the_options_are_copied),
        TEST(a_run_returns_why_there_is_no_loop),
        TEST(without_memory_nothing_is_left),
        TEST(a_run_inside_a_run_stops_the_program),
        TEST(a_task_that_a_run_left_goes_on_with_the_next),
        TEST(what_runs_left_ends_with_the_runner),
        TEST(to_free_one_closes_it),
        TEST(a_closed_runner_runs_nothing),
        TEST(one_that_never_ran_can_be_closed),
        TEST(a_task_that_does_not_end_is_reported_in_time),
        TEST(each_run_has_a_first_signal_of_its_own),
        TEST(between_runs_signals_are_the_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
