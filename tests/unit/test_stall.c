/* SPDX-License-Identifier: MIT */
/* When the watchdog tells of a call; all of it without time. */
#include "ouro_test.h"

#include "loop.h"
#include "stall.h"

enum { LIMIT = 100, CALLS = 3 };

struct fixture {
    struct ouro__stall_state state;
    struct ouro__stall_view view;
    int64_t held_ns;
};

static int
set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.view = {.turns = 1, .calls = 1, .busy = true}};
    *state = &fixture;
    return 0;
}

static bool
look(struct fixture *f, int64_t now_ns)
{
    return ouro__stall_look(&f->state, &f->view, LIMIT, now_ns, &f->held_ns);
}

/* A90 */
static void
a_call_is_told_of_when_it_has_been_seen_for_its_limit(void **state)
{
    struct fixture *f = *state;

    assert_false(look(f, 1000));
    assert_false(look(f, 1000 + LIMIT - 1));
    assert_true(look(f, 1000 + LIMIT));

    assert_int_equal(f->held_ns, LIMIT);
}

static void
it_is_told_of_once(void **state)
{
    struct fixture *f = *state;

    assert_false(look(f, 0));
    assert_true(look(f, LIMIT));

    assert_false(look(f, 10 * LIMIT));
}

static void
another_call_of_the_turn_begins_anew(void **state)
{
    struct fixture *f = *state;

    assert_false(look(f, 0));
    assert_true(look(f, LIMIT));
    f->view.calls++;

    assert_false(look(f, 2 * LIMIT));
    assert_true(look(f, 3 * LIMIT));
}

static void
another_turn_begins_anew(void **state)
{
    struct fixture *f = *state;

    assert_false(look(f, 0));
    f->view.turns++;

    assert_false(look(f, LIMIT));
}

static void
a_loop_that_waits_is_held_by_nobody(void **state)
{
    struct fixture *f = *state;

    assert_false(look(f, 0));
    f->view.busy = false;
    assert_false(look(f, LIMIT));
    f->view.busy = true;

    assert_false(look(f, 10 * LIMIT));
}

static void
it_looks_twice_within_a_limit(void **state)
{
    (void)state;
    assert_int_equal(ouro__stall_pause_ns(LIMIT), LIMIT / 2);
}

/* What the watchdog sees of a loop from inside each of its calls. */

struct seen {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro__stall_view views[CALLS];
    struct ouro__op op;
    struct ouro__flush flushes[CALLS];
    size_t count;
};

static struct seen seen;

static void
see(void)
{
    seen.views[seen.count++] = ouro__stall_view_of(seen.loop);
}

static void
see_completion(struct ouro__op *op, const struct ouro__completion *completion)
{
    (void)op;
    (void)completion;
    see();
}

static void
see_flush(struct ouro__flush *flush)
{
    (void)flush;
    see();
}

static int
set_up_loop(void **state)
{
    (void)state;
    seen = (struct seen){0};
    assert_ok(ouro_sim_new(&seen.sim, NULL));
    seen.loop = ouro_sim_loop(seen.sim);
    return 0;
}

static int
tear_down_loop(void **state)
{
    (void)state;
    ouro_sim_free(seen.sim);
    return 0;
}

static void
check_that_they_are_different_calls_of_one_turn(void)
{
    assert_int_equal(seen.count, CALLS);
    for (size_t i = 1; i < CALLS; i++) {
        assert_int_equal(seen.views[i].turns, seen.views[0].turns);
        assert_int_equal(seen.views[i].calls, seen.views[i - 1].calls + 1);
    }
}

/* A90: many short calls are no long one. */
static void
each_completion_of_a_turn_is_a_call_of_its_own(void **state)
{
    const struct ouro__completion completion = {.op = &seen.op, .more = true};

    (void)state;
    ouro__op_init(&seen.op, OURO__OP_POLL, -1, see_completion);
    for (size_t i = 0; i < CALLS; i++)
        ouro__op_completed(seen.loop->engine, &completion);
    ouro_sim_turn(seen.sim);

    check_that_they_are_different_calls_of_one_turn();
}

/* A90 */
static void
each_flush_of_a_turn_is_a_call_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < CALLS; i++) {
        seen.flushes[i].fn = see_flush;
        ouro__loop_flush_later(seen.loop, &seen.flushes[i]);
    }
    ouro_sim_turn(seen.sim);

    check_that_they_are_different_calls_of_one_turn();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            a_call_is_told_of_when_it_has_been_seen_for_its_limit, set_up),
        cmocka_unit_test_setup(it_is_told_of_once, set_up),
        cmocka_unit_test_setup(another_call_of_the_turn_begins_anew, set_up),
        cmocka_unit_test_setup(another_turn_begins_anew, set_up),
        cmocka_unit_test_setup(a_loop_that_waits_is_held_by_nobody, set_up),
        cmocka_unit_test(it_looks_twice_within_a_limit),
        cmocka_unit_test_setup_teardown(
            each_completion_of_a_turn_is_a_call_of_its_own, set_up_loop,
            tear_down_loop),
        cmocka_unit_test_setup_teardown(
            each_flush_of_a_turn_is_a_call_of_its_own, set_up_loop,
            tear_down_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
