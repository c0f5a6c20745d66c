/* SPDX-License-Identifier: MIT */
/* What a dump says of the tasks of a loop, as text (A91). */
#include "dump_fixture.h"

#include <pthread.h>
#include <unistd.h>

/* One task. */

static void
a_loop_without_tasks_has_none(void **state)
{
    assert_string_equal(dump(*state), "0 tasks\n");
}

static int
dump_itself(void *arg)
{
    dump(arg);
    return 0;
}

static void
a_task_that_dumps_runs(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, dump_itself);

    assert_string_equal(f->text, "1 task\n"
                                 "1 'dump_itself' (test_dump.c) runs\n");
}

static int
sleep_a_little(void *arg)
{
    (void)arg;
    return ouro_sleep(OURO_SECONDS(2.5));
}

static void
a_task_that_was_not_begun_is_ready(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_loop_create_task(f->loop, &f->tasks[0], sleep_a_little, f));

    assert_string_equal(dump(f),
                        "1 task\n"
                        "1 'sleep_a_little' (test_dump.c) is ready to run\n");
}

static void
a_sleep_tells_how_long_it_lasts(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, sleep_a_little);
    ouro_sim_advance(f->sim, OURO_SECONDS(0.5) - 1);

    assert_string_equal(dump(f), "1 task\n"
                                 "1 'sleep_a_little' (test_dump.c) waits for "
                                 "a sleep, 2.001 s left\n");
}

static int
fail_at_once(void *arg)
{
    (void)arg;
    return -EPIPE;
}

static void
a_task_that_is_held_after_its_end_tells_its_result(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, fail_at_once);

    assert_string_equal(dump(f), "1 task\n"
                                 "1 'fail_at_once' (test_dump.c) has ended: "
                                 "Broken pipe\n");
    assert_err(ouro_task_result(f->tasks[0]), EPIPE);
}

static int
await_reply(void *arg)
{
    struct fixture *f = arg;

    return ouro_await(&f->future);
}

static void
a_future_is_told_with_its_site(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, await_reply);

    assert_string_equal(dump(f),
                        "1 task\n"
                        "1 'await_reply' (test_dump.c) waits for a future "
                        "(dump_fixture.h)\n");
}

static void
a_task_that_was_woken_is_ready(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, await_reply);
    assert_ok(ouro_future_set_result(&f->future, NULL));

    assert_string_equal(dump(f),
                        "1 task\n"
                        "1 'await_reply' (test_dump.c) is ready to run\n");
}

/* Cancellation and scopes. */

static int
go_on_when_cancelled(void *arg)
{
    struct fixture *f = arg;

    int rc = ouro_sleep(OURO_FOREVER);

    dump(f);
    return rc;
}

static void
a_task_that_is_cancelled_says_so(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, go_on_when_cancelled);
    assert_string_equal(dump(f), "1 task\n"
                                 "1 'go_on_when_cancelled' (test_dump.c) waits "
                                 "for a sleep, for ever\n");
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_turn(f->sim);

    assert_string_equal(f->text, "1 task\n"
                                 "1 'go_on_when_cancelled' (test_dump.c) runs, "
                                 "cancelled\n");
}

static int
wait_in_scopes(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout outer;
    struct ouro_timeout inner;
    struct ouro_shield shield;

    ouro_timeout_begin(&outer, OURO_SECONDS(3));
    ouro_timeout_begin(&inner, OURO_FOREVER);
    ouro_shield_begin(&shield, OURO_SECONDS(4));
    ssize_t rc = ouro_event_wait(&f->event);
    rc = ouro_shield_end(&shield, rc);
    rc = ouro_timeout_end(&inner, rc);
    return (int)ouro_timeout_end(&outer, rc);
}

/* A91: timeout, shield */
static void
scopes_that_are_open_are_told_from_the_inside(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, wait_in_scopes);
    ouro_sim_advance(f->sim, OURO_SECONDS(3.25));
    ouro_task_cancel(f->tasks[0]);

    assert_string_equal(dump(f),
                        "1 task\n"
                        "1 'wait_in_scopes' (test_dump.c) waits for an event "
                        "(dump_fixture.h), cancelled behind a shield\n"
                        "    in a shield (test_dump.c), 0.750 s left\n"
                        "    in a timeout (test_dump.c), for ever\n"
                        "    in a timeout (test_dump.c), no time left\n");
}

/* How it is told. */

static void
a_name_that_is_too_long_for_a_line_is_cut(void **state)
{
    struct fixture *f = *state;
    static char name[1024];

    memset(name, 'x', sizeof(name) - 1);
    hold(f, 0, sleep_a_little);
    ouro_task_set_name(f->tasks[0], name);
    dump(f);

    assert_int_equal(strcspn(f->text + strlen("1 task\n"), "\n"), 510);
    assert_int_equal(f->text[f->used - 1], '\n');
}

static void
a_dump_may_go_to_a_descriptor(void **state)
{
    struct fixture *f = *state;
    int ends[2];

    hold(f, 0, sleep_a_little);
    assert_ok(pipe(ends));
    ouro_dump_tasks(f->loop, ends[1]);
    close(ends[1]);
    ssize_t size = read(ends[0], f->text, sizeof(f->text) - 1);
    close(ends[0]);

    assert_true(size > 0);
    f->text[size] = '\0';
    assert_non_null(
        strstr(f->text, "1 task\n1 'sleep_a_little' (test_dump.c:"));
}

static void
a_dump_needs_no_memory(void **state)
{
    struct fixture *f = *state;
    hold(f, 0, wait_in_scopes);
    size_t blocks = live_allocations();
    fail_allocation(1);
    dump_stacks(f);
    fail_allocation(0);

    assert_non_null(strstr(f->text, "in a shield"));
    assert_int_equal(live_allocations(), blocks);
}

static void
dump_nothing(void *arg)
{
    ouro_dump_tasks(arg, STDERR_FILENO);
}

static void *
dump_on_a_thread(void *arg)
{
    dump_nothing(arg);
    return NULL;
}

static void
dump_elsewhere(void *arg)
{
    struct ouro_sim *sim;
    pthread_t thread;

    (void)arg;
    if (ouro_sim_new(&sim, NULL) < 0)
        return;
    if (pthread_create(&thread, NULL, dump_on_a_thread, ouro_sim_loop(sim))
        == 0)
        pthread_join(thread, NULL);
}

static void
a_dump_on_another_thread_stops_the_program(void **state)
{
    assert_callback_stops(dump_elsewhere, *state,
                          "a loop is used only on the thread that made it");
}

/* Stacks. */

__attribute__((noinline)) static int
wait_deep_inside(struct fixture *f)
{
    int rc = ouro_event_wait(&f->event);

    f->used += rc < 0; /* so that this is no tail call */
    return rc;
}

static int
wait_with_a_stack(void *arg)
{
    struct fixture *f = arg;
    int rc = wait_deep_inside(f);

    f->used += rc < 0;
    return rc;
}

/* Where `words` stand in the text, behind `before`; fails if they do not. */
static const char *
find(const char *before, const char *words)
{
    const char *at = strstr(before, words);

    if (at == NULL)
        print_error("no '%s' in:\n%s\n", words, before);
    assert_non_null(at);
    return at;
}

static void
functions_are_told_from_the_innermost_on(void **state)
{
    /* Optimised, ouro_event_wait() jumps into what suspends: it has no frame.
     */
    struct fixture *f = *state;

    hold(f, 0, wait_with_a_stack);
    const char *at = dump_stacks(f);

    at = find(at, "    at wait_deep_inside+0x");
    at = find(at, "    at wait_with_a_stack+0x");
    at = find(at, "    at task_main+0x");
    find(at, " (test_dump)\n");
    assert_null(strstr(f->text, "ouro__context_bottom"));
    assert_null(strstr(f->text, "ouro_dump_tasks_to"));
}

static void
a_task_that_was_not_begun_has_no_stack(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_loop_create_task(f->loop, &f->tasks[0], sleep_a_little, f));
    dump_stacks(f);

    assert_null(strstr(f->text, "    at "));
}

static void
a_dump_leaves_a_stack_as_it_was(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, wait_with_a_stack);
    for (int i = 0; i < 100; i++)
        dump_stacks(f);
    ouro_event_set(&f->event);
    ouro_sim_turn(f->sim);

    assert_ok(ouro_task_result(f->tasks[0]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_loop_without_tasks_has_none),
        TEST(a_task_that_dumps_runs),
        TEST(a_task_that_was_not_begun_is_ready),
        TEST(a_sleep_tells_how_long_it_lasts),
        TEST(a_task_that_is_held_after_its_end_tells_its_result),
        TEST(a_future_is_told_with_its_site),
        TEST(a_task_that_was_woken_is_ready),
        TEST(a_task_that_is_cancelled_says_so),
        TEST(scopes_that_are_open_are_told_from_the_inside),
        TEST(a_name_that_is_too_long_for_a_line_is_cut),
        TEST(a_dump_may_go_to_a_descriptor),
        TEST(a_dump_needs_no_memory),
        TEST(a_dump_on_another_thread_stops_the_program),
        TEST(functions_are_told_from_the_innermost_on),
        TEST(a_task_that_was_not_begun_has_no_stack),
        TEST(a_dump_leaves_a_stack_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
