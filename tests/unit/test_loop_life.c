/* SPDX-License-Identifier: MIT */
/* How a loop is made and how it ends: its options, and what is told of what
 * is left.  See ouro_loop_new() and ouro_loop_free(); the real engine is in
 * integration.loop. */
#include "ouro_test.h"

#include "loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REPORTS = 8 };

/* Every report of a loop, in order. */
struct reports {
    unsigned count;
    char lines[MOST_REPORTS][128];
};

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct reports reports;
    struct ouro_handle handles[3];
    struct ouro_future never;
    struct ouro_task *task;
    int seen;
};

static void
keep_report(const struct ouro_exception *exception, void *arg)
{
    struct reports *reports = arg;
    const char *name = exception->name != NULL ? exception->name : "-";
    const char *site = exception->site != NULL ? exception->site : "-";
    const char *slash = strrchr(site, '/');

    if (reports->count < MOST_REPORTS)
        snprintf(reports->lines[reports->count], sizeof(reports->lines[0]),
                 "%s (%s, %.11s)", exception->message, name,
                 slash != NULL ? slash + 1 : site);
    reports->count++;
}

/* Options. */

/* What is out of range, and the word that the report says it with. */
static const struct wrong {
    struct ouro_loop_options options;
    const char *word;
} wrongs[] = {
    {{.engine = (enum ouro_engine)7}, "engine"},
    {{.ring_entries = 32769}, "ring_entries"},
    {{.ring_entries = 256, .completion_entries = 511}, "completion_entries"},
    {{.completion_entries = 65537}, "completion_entries"},
    {{.cancel_limit_ns = -1}, "cancel_limit_ns"},
    {{.stack_size = 16 * 1024 - 1}, "stack_size"},
    {{.stack_size = ((size_t)1 << 30) + 1}, "stack_size"},
    {{.receive_memory = 64 * 1024 - 1}, "receive_memory"},
    {{.receive_memory = ((size_t)1 << 28) + 1}, "receive_memory"},
    {{.receive = (enum ouro_receive)3}, "receive"},
};

static void
an_option_out_of_its_range_is_refused_with_a_report(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        struct ouro_loop_options options = wrongs[i].options;
        struct ouro_report report = {""};
        struct ouro_loop *loop = NULL;

        options.report = &report;
        assert_err(ouro_loop_new(&loop, &options), EINVAL);
        assert_null(loop);
        assert_non_null(strstr(report.text, "loop options: "));
        assert_non_null(strstr(report.text, wrongs[i].word));
    }
}

static void
a_refusal_needs_no_report(void **state)
{
    const struct ouro_loop_options options = {.stack_size = 1};
    struct ouro_loop *loop = NULL;

    (void)state;
    assert_err(ouro_loop_new(&loop, &options), EINVAL);
    assert_null(loop);
}

static void
the_ends_of_the_ranges_are_taken(void **state)
{
    const struct ouro_loop_options ends[] = {
        {.engine = OURO_ENGINE_URING},
        {.ring_entries = 1, .completion_entries = 2},
        {.ring_entries = 32768},
        {.ring_entries = 32768, .completion_entries = 65536},
        {.ring_entries = 2048},
        {.stack_size = 16 * 1024},
        {.stack_size = (size_t)1 << 30},
        {.receive_memory = 64 * 1024},
        {.receive_memory = (size_t)1 << 28},
        {.receive = OURO_RECEIVE_POLL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        assert_ok(ouro__loop_check_options(&ends[i]));
}

static void
the_options_are_copied(void **state)
{
    struct fixture *f = *state;
    struct ouro_report report = {""};
    struct ouro_sim_options options = {.loop = {.report = &report}};
    struct ouro_sim *sim;

    assert_ok(ouro_sim_new(&sim, &options));
    memset(&options, 0xff, sizeof(options));
    ouro_sim_turn(sim);
    ouro_sim_free(sim);

    assert_string_equal(report.text, "");
    assert_int_equal(f->reports.count, 0);
}

/* The end. */

static void
to_free_no_loop_is_nothing(void **state)
{
    (void)state;

    ouro_loop_free(NULL);
}

static void
nothing(void *arg)
{
    (void)arg;
}

static void
calls_and_timers_that_are_left_are_reported_with_their_sites(void **state)
{
    struct fixture *f = *state;
    const char *site = "there.c:123";

    ouro__call_soon(f->loop, &f->handles[0], nothing, NULL, site);
    ouro__call_later(f->loop, &f->handles[1], 7, nothing, NULL, "a/timer.c:44");
    ouro_call_later(f->loop, &f->handles[2], OURO_FOREVER, nothing, NULL);
    ouro_sim_free(f->sim);
    f->sim = NULL;

    assert_int_equal(f->reports.count, 3);
    assert_string_equal(f->reports.lines[0],
                        "a call was still waiting to be made (-, there.c:123)");
    assert_string_equal(f->reports.lines[1],
                        "a timer was still waiting (-, timer.c:44)");
    assert_string_equal(f->reports.lines[2],
                        "a timer was still waiting (-, test_loop_l)");
    for (size_t i = 0; i < 3; i++)
        assert_false(ouro_handle_is_pending(&f->handles[i]));
    f->reports.count = 0;
}

static int
wait_for_ever(void *arg)
{
    struct fixture *f = arg;

    return ouro_await(&f->never);
}

static int
join_the_other(void *arg)
{
    struct fixture *f = arg;

    return ouro_task_join(f->task);
}

/* The second waits in a list that is in the first. */
static void
tasks_that_are_left_are_reported_with_name_and_site(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro__create_task(f->loop, &f->task, wait_for_ever, f, "first",
                                "a.c:1"));
    assert_ok(
        ouro__create_task(f->loop, NULL, join_the_other, f, "second", "b.c:2"));
    ouro_sim_turn(f->sim);
    assert_ok(
        ouro__create_task(f->loop, NULL, wait_for_ever, f, "third", "c.c:3"));
    ouro_sim_free(f->sim);
    f->sim = NULL;

    assert_int_equal(f->reports.count, 3);
    assert_string_equal(f->reports.lines[0],
                        "a task was still alive (first, a.c:1)");
    assert_string_equal(f->reports.lines[1],
                        "a task was still alive (second, b.c:2)");
    assert_string_equal(f->reports.lines[2],
                        "a task was still alive (third, c.c:3)");
    f->reports.count = 0;
}

static int
end_at_once(void *arg)
{
    (void)arg;
    return 0;
}

static void
a_reference_that_is_left_is_reported(void **state)
{
    struct fixture *f = *state;

    assert_ok(
        ouro__create_task(f->loop, &f->task, end_at_once, f, "done", "a.c:1"));
    ouro_sim_turn(f->sim);
    assert_true(ouro_task_is_done(f->task));
    ouro_sim_free(f->sim);
    f->sim = NULL;

    assert_int_equal(f->reports.count, 1);
    assert_string_equal(
        f->reports.lines[0],
        "a reference to a finished task was still held (done, a.c:1)");
    f->reports.count = 0;
}

/* An operation that nobody completes. */
struct waiting {
    struct ouro__op op;
    int result;
};

static void
op_done(struct ouro__op *op, const struct ouro__completion *completion)
{
    struct waiting *waiting = OURO_CONTAINER_OF(op, struct waiting, op);

    waiting->result = completion->result;
}

static void
what_is_in_flight_is_cancelled_and_waited_for(void **state)
{
    struct fixture *f = *state;
    struct ouro_sim_options options = {.late_cancel_percent = 100};
    struct waiting waiting = {.result = UNSEEN};
    struct ouro_sim *sim;

    assert_ok(ouro_sim_new(&sim, &options));
    struct ouro__engine *engine = ouro_sim_loop(sim)->engine;
    int fd = engine->sockets->open(engine, AF_INET);
    assert_ok(engine->sockets->listen(engine, fd, 1));
    ouro__op_init(&waiting.op, OURO__OP_ACCEPT, fd, op_done);
    ouro__op_submit(engine, &waiting.op);
    ouro_sim_turn(sim);
    ouro_sim_free(sim);

    assert_err(waiting.result, ECANCELED);
    assert_int_equal(f->reports.count, 0);
}

static void
free_it(void *arg)
{
    struct ouro_loop *loop = arg;

    ouro_loop_free(loop);
}

static void
free_in_a_call(void *arg)
{
    struct ouro_handle handle = {0};
    struct ouro_sim *sim;

    (void)arg;
    if (ouro_sim_new(&sim, NULL) < 0)
        return;
    ouro_call_soon(ouro_sim_loop(sim), &handle, free_it, ouro_sim_loop(sim));
    ouro_sim_turn(sim);
}

static void
to_free_a_loop_that_runs_stops_the_program(void **state)
{
    (void)state;

    assert_callback_stops(free_in_a_call, NULL,
                          "a loop is not freed while it runs");
}

/* The last mail. */

static void
remember(void *arg)
{
    struct fixture *f = arg;

    f->seen++;
}

static void
a_post_that_was_taken_runs_before_the_end(void **state)
{
    struct fixture *f = *state;
    struct ouro_mailbox *mailbox = ouro_loop_mailbox(f->loop);

    f->seen = 0;
    assert_ok(ouro_mailbox_post(mailbox, &f->handles[0], remember, f));
    ouro_call_soon(f->loop, &f->handles[1], remember, f);
    ouro_sim_free(f->sim);
    f->sim = NULL;

    assert_int_equal(f->seen, 1);
    assert_int_equal(f->reports.count, 1);
    f->reports.count = 0;
    assert_err(ouro_mailbox_post(mailbox, &f->handles[2], remember, f),
               ESHUTDOWN);
    assert_false(ouro_handle_is_pending(&f->handles[2]));
    ouro_mailbox_unref(mailbox);
}

static void
start_a_task(void *arg)
{
    struct fixture *f = arg;

    f->seen = ouro_create_task(NULL, end_at_once, f);
}

/* As a post that comes a little earlier does. */
static void
the_last_mail_finds_its_loop_running(void **state)
{
    struct fixture *f = *state;

    assert_ok(
        ouro_call_soon_threadsafe(f->loop, &f->handles[0], start_a_task, f));
    ouro_sim_free(f->sim);
    f->sim = NULL;

    assert_ok(f->seen);
    assert_int_equal(f->reports.count, 1);
    assert_non_null(
        strstr(f->reports.lines[0], "a task was still alive (end_at_once, "));
    f->reports.count = 0;
    assert_null(ouro_get_running_loop());
}

static void
free_another(void *arg)
{
    struct fixture *f = arg;

    ouro_sim_free(f->sim);
    f->sim = NULL;
    f->seen = ouro_get_running_loop() != NULL
              && ouro_loop_is_running(ouro_get_running_loop());
}

static void
a_loop_may_be_freed_in_a_run_of_another(void **state)
{
    struct fixture *f = *state;
    struct ouro_handle handle = {0};
    struct ouro_sim *other;

    assert_ok(ouro_sim_new(&other, NULL));
    assert_ok(ouro_call_soon_threadsafe(f->loop, &f->handles[0], nothing, f));
    ouro_call_soon(ouro_sim_loop(other), &handle, free_another, f);
    ouro_sim_turn(other);
    ouro_sim_free(other);

    assert_true(f->seen);
}

static int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = keep_report, .exception_arg = &f.reports},
    };

    memset(&f, 0, sizeof(f));
    f.seen = UNSEEN;
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.loop = ouro_sim_loop(f.sim);
    ouro_future_init(&f.never, f.loop);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    assert_int_equal(f->reports.count, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_option_out_of_its_range_is_refused_with_a_report),
        TEST(a_refusal_needs_no_report),
        TEST(the_ends_of_the_ranges_are_taken),
        TEST(the_options_are_copied),
        TEST(to_free_no_loop_is_nothing),
        TEST(calls_and_timers_that_are_left_are_reported_with_their_sites),
        TEST(tasks_that_are_left_are_reported_with_name_and_site),
        TEST(a_reference_that_is_left_is_reported),
        TEST(what_is_in_flight_is_cancelled_and_waited_for),
        TEST(to_free_a_loop_that_runs_stops_the_program),
        TEST(a_post_that_was_taken_runs_before_the_end),
        TEST(the_last_mail_finds_its_loop_running),
        TEST(a_loop_may_be_freed_in_a_run_of_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
