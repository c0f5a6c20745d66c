/* SPDX-License-Identifier: MIT */
/* Tasks that are started through a mailbox, by the thread of the loop itself;
 * other threads do it, and wait, in integration.remote. */
#include "ouro_test.h"

#include <string.h>

struct fixture {
    struct ouro_sim *sim;
    struct ouro_mailbox *mailbox;
    struct seen_exceptions seen;
    struct ouro_remote *remote;
    int returns;
    unsigned began;
    int slept;
    unsigned cancelling;
    char name[32];
    size_t blocks;
};

static int
sleep_and_return(void *arg)
{
    struct fixture *f = arg;

    f->began++;
    strcpy(f->name, ouro_task_name(ouro_current_task()));
    f->slept = ouro_sleep(10);
    f->cancelling = ouro_task_cancelling(ouro_current_task());
    return f->returns;
}

static void
start_remote(struct fixture *f, int returns)
{
    f->returns = returns;
    assert_ok(ouro_run_coroutine_threadsafe(f->mailbox, &f->remote,
                                            sleep_and_return, f));
}

static void
it_runs_as_a_task_of_the_loop(void **state)
{
    struct fixture *f = *state;

    start_remote(f, 0);
    assert_int_equal(f->began, 0);
    ouro_sim_advance(f->sim, 10);

    assert_int_equal(f->began, 1);
    assert_ok(f->slept);
    assert_string_equal(f->name, "sleep_and_return");
}

static void
a_cancel_that_follows_finds_it_begun(void **state)
{
    struct fixture *f = *state;

    start_remote(f, 0);
    ouro_remote_cancel(f->remote);
    ouro_sim_advance(f->sim, 0);

    assert_int_equal(f->began, 1);
    assert_err(f->slept, ECANCELED);
}

static void
cancels_on_their_way_are_one(void **state)
{
    struct fixture *f = *state;

    start_remote(f, 0);
    ouro_sim_turn(f->sim);
    ouro_remote_cancel(f->remote);
    ouro_remote_cancel(f->remote);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->slept, ECANCELED);
    assert_int_equal(f->cancelling, 1);
}

static void
a_cancel_that_comes_too_late_is_nothing(void **state)
{
    struct fixture *f = *state;

    start_remote(f, 0);
    ouro_sim_advance(f->sim, 10);
    ouro_remote_cancel(f->remote);
    ouro_sim_advance(f->sim, 0);

    assert_ok(f->slept);
}

/* Failures that nobody took. */

static void
expect_one_report(struct fixture *f)
{
    assert_int_equal(f->seen.count, 1);
    assert_err(f->seen.error, EPROTO);
    assert_string_equal(f->seen.name, "sleep_and_return");
    assert_non_null(strstr(f->seen.site, "test_remote.c:"));
    f->seen.count = 0;
}

static void
one_that_is_let_go_reports_its_failure(void **state)
{
    struct fixture *f = *state;

    start_remote(f, -EPROTO);
    ouro_remote_free(f->remote);
    f->remote = NULL;
    ouro_sim_advance(f->sim, 10);

    expect_one_report(f);
}

static void
one_that_was_never_held_reports_its_failure(void **state)
{
    struct fixture *f = *state;

    f->returns = -EPROTO;
    assert_ok(
        ouro_run_coroutine_threadsafe(f->mailbox, NULL, sleep_and_return, f));
    ouro_sim_advance(f->sim, 10);

    expect_one_report(f);
}

static void
a_failure_is_reported_when_it_is_certain_that_nobody_looks(void **state)
{
    struct fixture *f = *state;

    start_remote(f, -EPROTO);
    ouro_sim_advance(f->sim, 10);
    assert_int_equal(f->seen.count, 0);
    ouro_remote_free(f->remote);
    f->remote = NULL;
    ouro_sim_turn(f->sim);

    expect_one_report(f);
}

/* The end of the loop, and of memory. */

static void
a_loop_that_is_gone_says_so(void **state)
{
    struct fixture *f = *state;
    struct ouro_remote *remote = NULL;

    ouro_sim_free(f->sim);
    f->sim = NULL;
    assert_err(
        ouro_run_coroutine_threadsafe(f->mailbox, &remote, sleep_and_return, f),
        ESHUTDOWN);
    assert_null(remote);
}

static void
one_that_comes_with_the_end_does_not_run(void **state)
{
    struct fixture *f = *state;

    start_remote(f, 0);
    ouro_sim_free(f->sim);
    f->sim = NULL;
    ouro_remote_cancel(f->remote);

    assert_int_equal(f->began, 0);
    assert_int_equal(f->seen.count, 0);
}

/* A thread that begins may have the place in memory of one that is gone, so the
 * loop's is nobody's when that has ended. */
static void
a_loop_that_is_gone_has_no_thread(void **state)
{
    struct fixture *f = *state;

    start_remote(f, 0);
    ouro_sim_free(f->sim);
    f->sim = NULL;

    assert_err(ouro_remote_wait(f->remote, OURO_FOREVER), OURO_ESTOPPED);
}

static void
a_loop_may_end_under_it(void **state)
{
    struct fixture *f = *state;

    start_remote(f, 0);
    ouro_sim_turn(f->sim);
    ouro_sim_turn(f->sim);
    ouro_sim_free(f->sim);
    f->sim = NULL;

    assert_int_equal(f->began, 1);
    assert_err(f->slept, EINPROGRESS);
    assert_string_equal(f->seen.message, "a task was still alive");
    f->seen.count = 0;
}

static int
start_in_a_new_world(void *arg)
{
    struct fixture *f = arg;
    struct ouro_sim *sim;

    int rc = ouro_sim_new(&sim, NULL);
    if (rc < 0)
        return rc;
    struct ouro_mailbox *mailbox = ouro_loop_mailbox(ouro_sim_loop(sim));
    f->began = 0;
    rc = ouro_run_coroutine_threadsafe(mailbox, NULL, sleep_and_return, f);
    ouro_sim_advance(sim, 10);
    ouro_sim_free(sim);
    ouro_mailbox_unref(mailbox);
    return rc == 0 && f->began == 0 ? -ENOMEM : rc;
}

static void
without_memory_nothing_is_lost(void **state)
{
    for_each_allocation_failure(start_in_a_new_world, *state);
}

static int
wait_for_itself(void *arg)
{
    struct ouro_remote *remote;
    struct ouro_mailbox *mailbox = ouro_loop_mailbox(ouro_get_running_loop());

    int rc =
        ouro_run_coroutine_threadsafe(mailbox, &remote, sleep_and_return, arg);
    return rc < 0 ? rc : ouro_remote_wait(remote, OURO_FOREVER);
}

static void
the_thread_of_the_loop_does_not_wait(void **state)
{
    assert_stops(wait_for_itself, *state,
                 "the thread of a loop does not block for a task of that loop");
}

/* The thread of a loop that is gone may be another by now, in the same place.
 */
static void
what_is_there_can_be_asked_for_on_any_thread(void **state)
{
    struct fixture *f = *state;

    start_remote(f, 7);
    ouro_sim_advance(f->sim, 10);
    assert_int_equal(ouro_remote_wait(f->remote, OURO_FOREVER), 7);
    ouro_remote_free(f->remote);

    start_remote(f, 7);
    ouro_sim_free(f->sim);
    f->sim = NULL;
    assert_err(ouro_remote_wait(f->remote, OURO_FOREVER), OURO_ESTOPPED);
}

static int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_sim_options options = {
        .loop.exception_handler = see_exception,
        .loop.exception_arg = &f.seen,
    };

    f = (struct fixture){.blocks = live_allocations(), .slept = -EINPROGRESS};
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.mailbox = ouro_loop_mailbox(ouro_sim_loop(f.sim));
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_remote_free(f->remote);
    ouro_sim_free(f->sim);
    ouro_mailbox_unref(f->mailbox);
    assert_int_equal(f->seen.count, 0);
    assert_int_equal(live_allocations(), f->blocks);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_runs_as_a_task_of_the_loop),
        TEST(a_cancel_that_follows_finds_it_begun),
        TEST(cancels_on_their_way_are_one),
        TEST(a_cancel_that_comes_too_late_is_nothing),
        TEST(one_that_is_let_go_reports_its_failure),
        TEST(one_that_was_never_held_reports_its_failure),
        TEST(a_failure_is_reported_when_it_is_certain_that_nobody_looks),
        TEST(a_loop_that_is_gone_says_so),
        TEST(one_that_comes_with_the_end_does_not_run),
        TEST(a_loop_that_is_gone_has_no_thread),
        TEST(a_loop_may_end_under_it),
        TEST(without_memory_nothing_is_lost),
        TEST(the_thread_of_the_loop_does_not_wait),
        TEST(what_is_there_can_be_asked_for_on_any_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
