/* SPDX-License-Identifier: MIT */
/* Bursts of tasks: what their stacks keep for the next one, and for how long.
 * See docs/adr/0016; the pool alone is in test_stack_pages.c. */
#include "ouro_test.h"
#include "task.h"

#include <string.h>

enum { TASKS = 3000, LEAST = 1024, BATCH = 64 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro_future until;
};

static int
await_until(void *arg)
{
    struct fixture *f = arg;

    return ouro_await(&f->until);
}

static void
begin_burst(struct fixture *f)
{
    ouro_future_init(&f->until, f->loop);
    for (size_t i = 0; i < TASKS; i++)
        assert_ok(
            ouro__create_task(f->loop, NULL, await_until, f, "it", OURO_HERE));
    ouro_sim_turn(f->sim);
}

/* All of them end, in no time. */
static void
end_burst(struct fixture *f)
{
    ouro_future_set_result(&f->until, NULL);
    for (int i = 0; i < 3; i++)
        ouro_sim_turn(f->sim);
    ouro_future_fini(&f->until);
}

static void
burst_twice(struct fixture *f)
{
    for (int i = 0; i < 2; i++) {
        begin_burst(f);
        end_burst(f);
    }
}

/* Free stacks that may hold pages. */
static size_t
count_kept(const struct fixture *f)
{
    const struct ouro__tasks *tasks = f->loop->floors[OURO__FLOOR_TASK];

    assert_int_equal(tasks->stacks.used_count, 0);
    return tasks->stacks.free_count - tasks->stacks.emptied_count;
}

static size_t
count_timers(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    return stats.timers;
}

static void
a_burst_that_comes_once_leaves_the_least_and_no_timer(void **state)
{
    struct fixture *f = *state;

    begin_burst(f);
    end_burst(f);

    assert_in_range(count_kept(f), LEAST, LEAST + BATCH);
    assert_int_equal(count_timers(f), 0);
}

static void
a_burst_that_comes_again_keeps_its_stacks_for_the_third(void **state)
{
    struct fixture *f = *state;

    burst_twice(f);

    assert_int_equal(count_kept(f), TASKS);
    assert_int_equal(count_timers(f), 1);
}

static void
a_loop_that_does_nothing_gives_back_what_bursts_left(void **state)
{
    struct fixture *f = *state;

    burst_twice(f);
    ouro_sim_advance(f->sim, OURO_SECONDS(1) - 1);
    assert_int_equal(count_kept(f), TASKS);
    ouro_sim_advance(f->sim, 1);
    assert_in_range(count_kept(f), LEAST, TASKS - BATCH);
    ouro_sim_advance(f->sim, OURO_SECONDS(20));

    assert_int_equal(count_kept(f), LEAST);
    assert_int_equal(count_timers(f), 0);
}

static void
one_timer_is_enough_for_many_bursts(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        burst_twice(f);
        assert_int_equal(count_timers(f), 1);
        ouro_sim_advance(f->sim, OURO_SECONDS(2));
    }
    ouro_sim_advance(f->sim, OURO_SECONDS(20));
    assert_int_equal(count_timers(f), 0);
}

static void
a_loop_may_end_while_it_waits_to_give_back(void **state)
{
    struct fixture *f = *state;

    burst_twice(f);

    assert_int_equal(count_timers(f), 1); /* teardown sees what it reports */
}

static struct seen_exceptions seen;

static int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &seen},
    };

    memset(&seen, 0, sizeof(seen));
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.loop = ouro_sim_loop(f.sim);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    assert_int_equal(seen.count, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_burst_that_comes_once_leaves_the_least_and_no_timer),
        TEST(a_burst_that_comes_again_keeps_its_stacks_for_the_third),
        TEST(a_loop_that_does_nothing_gives_back_what_bursts_left),
        TEST(one_timer_is_enough_for_many_bursts),
        TEST(a_loop_may_end_while_it_waits_to_give_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
