/* SPDX-License-Identifier: MIT */
/* A dump is harmless in whatever state the loop is. */
#include "dump_fixture.h"

/* Where a dump may come from. */

static void
dump_it(void *arg)
{
    dump_stacks(arg);
}

static int
fail_at_once(void *arg)
{
    (void)arg;
    return -EPIPE;
}

static void
a_done_callback_may_dump(void **state)
{
    struct fixture *f = *state;
    struct ouro_handle handle = {0};

    assert_ok(ouro_loop_create_task(f->loop, &f->tasks[0], fail_at_once, f));
    ouro_future_add_done_callback(ouro_task_future(f->tasks[0]), &handle,
                                  dump_it, f);
    ouro_sim_advance(f->sim, 0);

    assert_non_null(strstr(f->text, " has ended: Broken pipe\n"));
    assert_null(strstr(f->text, "    at "));
    assert_err(ouro_task_result(f->tasks[0]), EPIPE);
}

static void
dump_exception(const struct ouro_exception *exception, void *arg)
{
    (void)exception;
    dump_stacks(arg);
}

/* With something to do after the wait, so that it has a frame. */
static int
wait_for_event(void *arg)
{
    static volatile int last;
    struct fixture *f = arg;
    int rc = ouro_event_wait(&f->event);

    last = rc;
    return last;
}

/* It comes from the last of what the task does. */
static void
an_exception_handler_may_dump(void **state)
{
    struct fixture *f = *state;

    ouro_loop_set_exception_handler(f->loop, dump_exception, f);
    hold(f, 0, wait_for_event);
    assert_ok(ouro_loop_create_task(f->loop, NULL, fail_at_once, f));
    ouro_sim_turn(f->sim);

    assert_non_null(strstr(f->text, "2 tasks\n"));
    assert_non_null(strstr(f->text, " has ended: Broken pipe\n"));
    assert_non_null(strstr(f->text, "    at wait_for_event+0x"));
}

static void
a_loop_that_ends_has_no_tasks_to_tell_of(void **state)
{
    struct fixture other = {0};

    (void)state;
    assert_ok(ouro_sim_new(&other.sim, NULL));
    other.loop = ouro_sim_loop(other.sim);
    ouro_loop_set_exception_handler(other.loop, dump_exception, &other);
    ouro_event_init(&other.event, other.loop);
    assert_ok(ouro_loop_create_task(other.loop, NULL, wait_for_event, &other));
    ouro_sim_turn(other.sim);
    ouro_sim_free(other.sim);

    assert_string_equal(other.text, "0 tasks\n");
}

/* In the middle of a cancellation. */

static int
clean_up_slowly(void *arg)
{
    struct ouro_shield shield;
    int rc = wait_for_event(arg);

    ouro_shield_begin(&shield, OURO_SECONDS(1));
    int cleaned = ouro_sleep(OURO_SECONDS(0.5));
    cleaned = (int)ouro_shield_end(&shield, cleaned);
    return cleaned < 0 ? cleaned : rc;
}

static int
own_a_group(void *arg)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, clean_up_slowly, arg);
    ouro_group_create_task(&group, wait_for_event, arg);
    return ouro_group_end(&group, 0);
}

static void
each_step_of_a_cancellation_is_told(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, own_a_group);
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->tasks[0]);
    assert_non_null(strstr(dump(f),
                           "1 'own_a_group' (test_dump_anywhere.c) is ready to "
                           "run, cancelled\n"
                           "    in a group (test_dump_anywhere.c)\n"));

    ouro_sim_turn(f->sim);
    assert_non_null(strstr(dump(f), "2 'clean_up_slowly' "
                                    "(test_dump_anywhere.c) is ready to run, "
                                    "cancelled\n"));

    ouro_sim_turn(f->sim);
    assert_string_equal(
        dump(f),
        "2 tasks\n"
        "1 'own_a_group' (test_dump_anywhere.c) waits for a group "
        "(test_dump_anywhere.c): 2 'clean_up_slowly', cancelled\n"
        "    in a group (test_dump_anywhere.c)\n"
        "2 'clean_up_slowly' (test_dump_anywhere.c) waits for a sleep, 0.500 s "
        "left, cancelled behind a shield\n"
        "    in a shield (test_dump_anywhere.c), 1.000 s left\n"
        "    awaited by 1 'own_a_group'\n"
        "who waits for whom\n"
        "1 'own_a_group'\n"
        "  2 'clean_up_slowly'\n");
}

/* Little room, and many. */

static int
dump_here(void *arg)
{
    dump_stacks(arg);
    return 0;
}

/* Of the smallest stacks that a loop may have. */
static void
a_small_stack_is_enough_for_a_dump(void **state)
{
    struct ouro_sim_options options = {
        .loop = {.stack_size = 16 * 1024},
    };
    struct fixture other = {0};

    (void)state;
    assert_ok(ouro_sim_new(&other.sim, &options));
    other.loop = ouro_sim_loop(other.sim);
    ouro_event_init(&other.event, other.loop);
    hold(&other, 0, wait_for_event);
    hold(&other, 1, dump_here);
    ouro_event_set(&other.event);
    ouro_sim_advance(other.sim, 0);
    for (size_t i = 0; i < 2; i++)
        ouro_task_unref(other.tasks[i]);
    ouro_event_fini(&other.event);
    ouro_sim_free(other.sim);

    assert_non_null(strstr(other.text, "    at wait_for_event+0x"));
    assert_non_null(strstr(other.text, "2 'dump_here' "));
}

/* ThreadSanitizer knows no more than some 8,000. */
enum { MANY = 5000 };

struct counts {
    size_t tasks;
    size_t frames;
    size_t others;
};

static void
count_line(const char *line, size_t size, void *arg)
{
    static const char frame[] = "    at wait_for_event+";
    static const char task[] = "'wait_for_event' ";
    struct counts *counts = arg;

    if (memmem(line, size, frame, sizeof(frame) - 1) != NULL)
        counts->frames++;
    else if (memmem(line, size, task, sizeof(task) - 1) != NULL)
        counts->tasks++;
    else
        counts->others++;
}

static void
thousands_of_tasks_are_all_told(void **state)
{
    struct fixture *f = *state;
    struct counts counts = {0};

    for (int i = 0; i < MANY; i++)
        assert_ok(ouro_loop_create_task(f->loop, NULL, wait_for_event, f));
    ouro_sim_turn(f->sim);
    ouro_dump_tasks_to(f->loop, count_line, &counts, NULL);

    assert_int_equal(counts.tasks, MANY);
    assert_int_equal(counts.frames, MANY);
    assert_in_range(counts.others, MANY, 8 * MANY); /* frames beside that */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_done_callback_may_dump),
        TEST(an_exception_handler_may_dump),
        TEST(a_loop_that_ends_has_no_tasks_to_tell_of),
        TEST(each_step_of_a_cancellation_is_told),
        TEST(a_small_stack_is_enough_for_a_dump),
        TEST(thousands_of_tasks_are_all_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
