/* SPDX-License-Identifier: MIT */
/* Who waits for whom, through all that a task can wait for (A91). */
#include "dump_fixture.h"

static int
wait_for_event(void *arg)
{
    struct fixture *f = arg;

    return ouro_event_wait(&f->event);
}

static int
join_the_first(void *arg)
{
    struct fixture *f = arg;

    return ouro_task_join(f->tasks[0]);
}

/* A91: await */
static void
a_join_leads_to_the_task(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, wait_for_event);
    hold(f, 1, join_the_first);

    assert_string_equal(
        dump(f), "2 tasks\n"
                 "1 'wait_for_event' (test_await_graph.c) waits for an event "
                 "(dump_fixture.h)\n"
                 "    awaited by 2 'join_the_first'\n"
                 "2 'join_the_first' (test_await_graph.c) waits for a task: 1 "
                 "'wait_for_event'\n"
                 "who waits for whom\n"
                 "2 'join_the_first'\n"
                 "  1 'wait_for_event'\n");
}

static int
own_a_group(void *arg)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    for (int i = 0; i < 2; i++)
        (void)ouro_group_create_task(&group, wait_for_event, arg);
    return ouro_group_end(&group, 0);
}

/* A91: group */
static void
the_end_of_a_group_leads_to_its_tasks(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, own_a_group);
    ouro_sim_turn(f->sim);

    assert_string_equal(
        dump(f),
        "3 tasks\n"
        "1 'own_a_group' (test_await_graph.c) waits for a group "
        "(test_await_graph.c): 2 'wait_for_event', 3 'wait_for_event'\n"
        "    in a group (test_await_graph.c)\n"
        "2 'wait_for_event' (test_await_graph.c) waits for an event "
        "(dump_fixture.h)\n"
        "    awaited by 1 'own_a_group'\n"
        "3 'wait_for_event' (test_await_graph.c) waits for an event "
        "(dump_fixture.h)\n"
        "    awaited by 1 'own_a_group'\n"
        "who waits for whom\n"
        "1 'own_a_group'\n"
        "  2 'wait_for_event'\n"
        "  3 'wait_for_event'\n");
}

static int
say_nothing(void *arg)
{
    int rc = wait_for_event(arg);

    ouro_task_started();
    return rc;
}

static int
start_in_a_group(void *arg)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    int rc = ouro_group_start(&group, say_nothing, arg);
    return ouro_group_end(&group, rc);
}

/* A91: group */
static void
a_start_leads_to_the_task_that_is_not_ready(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, start_in_a_group);

    const char *text = dump(f);
    assert_non_null(strstr(text, "waits for a task of a group to be ready "
                                 "(test_await_graph.c): 2 'say_nothing'\n"));
}

static int
gather_two_and_a_future(void *arg)
{
    struct fixture *f = arg;
    struct ouro_awaited nodes[] = {
        {.task = f->tasks[0]},
        {.future = &f->future},
        {.future = ouro_task_future(f->tasks[1])},
    };

    return ouro_gather(nodes, 3);
}

/* A91: gather */
static void
a_gather_leads_to_what_is_not_done(void **state)
{
    struct fixture *f = *state;
    const char *text;

    hold(f, 0, wait_for_event);
    hold(f, 1, join_the_first);
    hold(f, 2, gather_two_and_a_future);
    text = dump(f);
    assert_non_null(strstr(text, "3 'gather_two_and_a_future' "
                                 "(test_await_graph.c) waits for several "
                                 "things, 3 of 3 left: 1 'wait_for_event', 2 "
                                 "'join_the_first'\n"));
    assert_non_null(strstr(text, "    awaited by 2 'join_the_first' and 1 "
                                 "more\n"));

    ouro_task_cancel(f->tasks[1]);
    ouro_sim_turn(f->sim);
    text = dump(f);
    assert_null(strstr(text, "2 'join_the_first', "));
}

static int
wait_for_many(void *arg)
{
    enum { MANY = 6 };
    struct ouro_awaited nodes[MANY] = {{0}};
    struct fixture *f = arg;
    int rc = 0;

    for (size_t i = 0; i < MANY && rc == 0; i++)
        rc = ouro_create_task(&nodes[i].task, wait_for_event, f);
    rc = rc < 0 ? rc : ouro_gather_all(nodes, MANY);
    for (size_t i = 0; i < MANY; i++)
        ouro_task_unref(nodes[i].task);
    return rc;
}

static void
of_many_a_line_names_the_first(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, wait_for_many);

    assert_non_null(strstr(dump(f), "6 of 6 left: 2 'wait_for_event', 3 "
                                    "'wait_for_event', 4 'wait_for_event', 5 "
                                    "'wait_for_event' and 2 more\n"));
}

static int
join_under_a_limit(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_SECONDS(5));
    ssize_t rc = ouro_wait_for(f->tasks[0], OURO_SECONDS(50));
    return (int)ouro_timeout_end(&limit, rc);
}

/* A91: timeout */
static void
a_wait_with_a_limit_leads_on(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, wait_for_event);
    hold(f, 1, join_under_a_limit);

    assert_non_null(strstr(dump(f),
                           "2 'join_under_a_limit' (test_await_graph.c) waits "
                           "for a task: 1 'wait_for_event'\n"
                           "    in a timeout (wait_for.c), 50.000 s left\n"
                           "    in a timeout (test_await_graph.c), 5.000 s "
                           "left\n"));
}

/* Locks. */

static int
lock_both(struct ouro_lock *first, struct ouro_lock *second)
{
    int rc = ouro_lock_acquire(first);
    if (rc < 0)
        return rc;

    rc = ouro_sleep(OURO_SECONDS(1));
    if (rc == 0)
        rc = ouro_lock_acquire(second);
    if (rc == 0)
        ouro_lock_release(second);
    ouro_lock_release(first);
    return rc;
}

static int
lock_left_then_right(void *arg)
{
    struct fixture *f = arg;

    return lock_both(&f->locks[0], &f->locks[1]);
}

static int
lock_right_then_left(void *arg)
{
    struct fixture *f = arg;

    return lock_both(&f->locks[1], &f->locks[0]);
}

static int
join_the_second(void *arg)
{
    struct fixture *f = arg;

    return ouro_task_join(f->tasks[1]);
}

/* A91: a cycle ends */
static void
a_cycle_ends_where_it_began(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, lock_left_then_right);
    hold(f, 1, lock_right_then_left);
    ouro_sim_advance(f->sim, OURO_SECONDS(2));

    assert_string_equal(
        dump(f),
        "2 tasks\n"
        "1 'lock_left_then_right' (test_await_graph.c) waits for a lock "
        "(dump_fixture.h): 2 'lock_right_then_left'\n"
        "    awaited by 2 'lock_right_then_left'\n"
        "2 'lock_right_then_left' (test_await_graph.c) waits for a lock "
        "(dump_fixture.h): 1 'lock_left_then_right'\n"
        "    awaited by 1 'lock_left_then_right'\n"
        "who waits for whom\n"
        "1 'lock_left_then_right'\n"
        "  2 'lock_right_then_left'\n"
        "    1 'lock_left_then_right', a cycle\n");
}

/* A91: a cycle ends */
static void
a_cycle_that_others_wait_for_is_told_once(void **state)
{
    struct fixture *f = *state;

    hold(f, 0, lock_left_then_right);
    hold(f, 1, lock_right_then_left);
    ouro_sim_advance(f->sim, OURO_SECONDS(2));
    hold(f, 2, join_the_second);
    hold(f, 3, join_the_first);

    assert_non_null(strstr(dump(f), "who waits for whom\n"
                                    "3 'join_the_second'\n"
                                    "  2 'lock_right_then_left'\n"
                                    "    1 'lock_left_then_right'\n"
                                    "      2 'lock_right_then_left', a cycle\n"
                                    "4 'join_the_first'\n"
                                    "  1 'lock_left_then_right', see above\n"));
}

static int
take_the_lock_away(void *arg)
{
    struct fixture *f = arg;

    int rc = ouro_lock_acquire(&f->locks[0]);

    return rc < 0 ? rc : ouro_sleep(OURO_SECONDS(1));
}

/* Its memory may be another task's by now, or nobody's. */
static void
an_owner_that_has_ended_is_not_told(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_loop_create_task(f->loop, NULL, take_the_lock_away, f));
    ouro_sim_turn(f->sim);
    hold(f, 0, lock_left_then_right);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));

    assert_string_equal(dump(f), "1 task\n"
                                 "1 'lock_left_then_right' "
                                 "(test_await_graph.c) waits for a lock "
                                 "(dump_fixture.h)\n");
    ouro_lock_release(&f->locks[0]);
}

/* A long way. */

enum { CHAIN = 3000 };

struct chain {
    struct ouro_task *tasks[CHAIN];
    size_t count;
    unsigned lines;
    size_t widest;
};

static int
join_the_one_before(void *arg)
{
    struct ouro_task **before = arg;

    return ouro_task_join(*before);
}

static void
measure_line(const char *line, size_t size, void *arg)
{
    struct chain *chain = arg;

    (void)line;
    chain->lines++;
    if (size > chain->widest)
        chain->widest = size;
}

static int
dump_the_chain(void *arg)
{
    const struct ouro_dump_options options = {.no_stacks = true};

    ouro_dump_tasks_to(ouro_get_running_loop(), measure_line, arg, &options);
    return 0;
}

/* From a task, whose stack is small. */
static void
a_chain_of_thousands_is_walked_to_its_end(void **state)
{
    static struct chain chain;
    struct fixture *f = *state;

    hold(f, 0, wait_for_event);
    chain.tasks[0] = f->tasks[0];
    for (size_t i = 1; i < CHAIN; i++)
        assert_ok(ouro_loop_create_task(f->loop, &chain.tasks[i],
                                        join_the_one_before,
                                        &chain.tasks[i - 1]));
    ouro_sim_turn(f->sim);
    assert_ok(ouro_loop_create_task(f->loop, NULL, dump_the_chain, &chain));
    ouro_sim_turn(f->sim);
    ouro_event_set(&f->event);
    ouro_sim_advance(f->sim, 0);
    for (size_t i = 1; i < CHAIN; i++)
        ouro_task_unref(chain.tasks[i]);

    /* Two titles, two lines for each but the last, which is not waited for, and
     * the one that dumps; and the graph. */
    assert_int_equal(chain.lines, 2 + 2 * CHAIN - 1 + 1 + CHAIN);
    assert_in_range(chain.widest, 80, 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_join_leads_to_the_task),
        TEST(the_end_of_a_group_leads_to_its_tasks),
        TEST(a_start_leads_to_the_task_that_is_not_ready),
        TEST(a_gather_leads_to_what_is_not_done),
        TEST(of_many_a_line_names_the_first),
        TEST(a_wait_with_a_limit_leads_on),
        TEST(a_cycle_ends_where_it_began),
        TEST(a_cycle_that_others_wait_for_is_told_once),
        TEST(an_owner_that_has_ended_is_not_told),
        TEST(a_chain_of_thousands_is_walked_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
