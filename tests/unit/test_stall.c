/* SPDX-License-Identifier: MIT */
/* When the watchdog tells of a call; all of it without time. */
#include "ouro_test.h"

#include "stall.h"

enum { LIMIT = 100 };

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
