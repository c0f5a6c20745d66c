/* SPDX-License-Identifier: MIT */
/* What a handle promises: whose it is when, and what may be done with it.  See
 * struct ouro_handle. */
#include "ouro_test.h"

#include <stdlib.h>
#include <string.h>

enum { LETTERS = 8, MOST_TRACE = 64 };

struct fixture;

/* A handle, and the letter that its call adds to the trace. */
struct letter {
    struct ouro_handle handle;
    struct fixture *f;
    char text[2];
};

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct letter letters[LETTERS];
    struct ouro_handle chain;
    char trace[MOST_TRACE];
};

static void
add(struct fixture *f, const char *text)
{
    strncat(f->trace, text, sizeof(f->trace) - strlen(f->trace) - 1);
}

static void
write_letter(void *arg)
{
    struct letter *letter = arg;

    add(letter->f, letter->text);
}

static void
call(struct fixture *f, size_t i)
{
    struct letter *letter = &f->letters[i];

    ouro_call_soon(f->loop, &letter->handle, write_letter, letter);
}

static void
stop(void *arg)
{
    struct fixture *f = arg;

    ouro_loop_stop(f->loop);
}

/* A forked child has to have a loop of its own. */
static struct fixture *
renew(struct fixture *f)
{
    if (ouro_sim_new(&f->sim, NULL) < 0)
        exit(EXIT_FAILURE);
    f->loop = ouro_sim_loop(f->sim);
    return f;
}

/* Handles. */

static void
a_handle_of_zeros_is_idle(void **state)
{
    struct fixture *f = *state;

    assert_false(ouro_handle_is_pending(&f->letters[0].handle));
    ouro_handle_cancel(&f->letters[0].handle);
    call(f, 0);
    assert_true(ouro_handle_is_pending(&f->letters[0].handle));
    ouro_sim_turn(f->sim);
    assert_false(ouro_handle_is_pending(&f->letters[0].handle));
    ouro_handle_cancel(&f->letters[0].handle);

    assert_string_equal(f->trace, "a");
}

static void
a_handle_that_was_cancelled_is_not_called(void **state)
{
    struct fixture *f = *state;

    call(f, 0);
    call(f, 1);
    call(f, 2);
    ouro_handle_cancel(&f->letters[1].handle);
    ouro_handle_cancel(&f->letters[1].handle);
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "ac");
}

static void
cancel_the_next(void *arg)
{
    struct fixture *f = arg;

    ouro_handle_cancel(&f->letters[0].handle);
}

static void
a_call_may_cancel_the_next_of_its_turn(void **state)
{
    struct fixture *f = *state;

    ouro_call_soon(f->loop, &f->chain, cancel_the_next, f);
    call(f, 0);
    call(f, 1);
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "b");
}

/* A handle that goes with its object. */
struct own {
    struct ouro_handle handle;
    struct fixture *f;
};

static void
cancel_and_free(void *arg)
{
    struct own *own = arg;

    add(own->f, "x");
    ouro_handle_cancel(&own->handle);
    memset(&own->handle, 0xff, sizeof(own->handle));
    free(own);
}

/* O18 */
static void
in_its_own_callback_a_handle_is_the_callers(void **state)
{
    struct fixture *f = *state;
    struct own *own = calloc(1, sizeof(*own));

    assert_non_null(own);
    own->f = f;
    ouro_call_soon(f->loop, &own->handle, cancel_and_free, own);
    call(f, 0);
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "xa");
}

static void
queue_itself_twice(void *arg)
{
    struct fixture *f = arg;

    add(f, "x");
    if (strlen(f->trace) < 3)
        ouro_call_soon(f->loop, &f->chain, queue_itself_twice, f);
}

static void
in_its_own_callback_a_handle_may_be_queued_again(void **state)
{
    struct fixture *f = *state;

    ouro_call_soon(f->loop, &f->chain, queue_itself_twice, f);
    ouro_sim_advance(f->sim, 1);

    assert_string_equal(f->trace, "xxx");
}

static void
call_twice(void *arg)
{
    struct fixture *f = arg;

    call(f, 0);
    call(f, 0);
}

static void
call_what_is_a_timer(void *arg)
{
    struct fixture *f = arg;

    ouro_call_later(f->loop, &f->chain, 1, stop, f);
    ouro_call_soon(f->loop, &f->chain, stop, f);
}

static void
make_a_timer_of_what_is_called(void *arg)
{
    struct fixture *f = arg;

    ouro_call_soon(f->loop, &f->chain, stop, f);
    ouro_call_later(f->loop, &f->chain, 1, stop, f);
}

static void
to_schedule_a_handle_twice_stops_with_the_line(void **state)
{
    const char *words = "a handle is scheduled once at a time";

    assert_callback_stops(call_twice, *state, "ouro: test_handle.c:");
    assert_callback_stops(call_twice, *state, words);
    assert_callback_stops(call_what_is_a_timer, *state, words);
    assert_callback_stops(make_a_timer_of_what_is_called, *state, words);
}

static int
suspend_anyhow(void *arg)
{
    (void)arg;
    return ouro_sleep(1);
}

static void
sleep_in_a_callback(void *arg)
{
    if (suspend_anyhow(arg) < 0)
        abort();
}

static void
suspend_in_a_callback(void *arg)
{
    struct fixture *f = renew(arg);

    ouro_call_soon(f->loop, &f->chain, sleep_in_a_callback, f);
    ouro_sim_turn(f->sim);
}

static void
to_suspend_in_a_callback_stops_with_the_rule(void **state)
{
    assert_callback_stops(
        suspend_in_a_callback, *state,
        "a call that suspends is made in a task, not in a callback");
}

static int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &f.seen},
    };

    memset(&f, 0, sizeof(f));
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.loop = ouro_sim_loop(f.sim);
    for (size_t i = 0; i < LETTERS; i++) {
        f.letters[i].f = &f;
        f.letters[i].text[0] = (char)('a' + i);
    }
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_loop_set_exception_handler(f->loop, see_exception, &f->seen);
    ouro_sim_free(f->sim);
    assert_int_equal(f->seen.count, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_handle_of_zeros_is_idle),
        TEST(a_handle_that_was_cancelled_is_not_called),
        TEST(a_call_may_cancel_the_next_of_its_turn),
        TEST(in_its_own_callback_a_handle_is_the_callers),
        TEST(in_its_own_callback_a_handle_may_be_queued_again),
        TEST(to_schedule_a_handle_twice_stops_with_the_line),
        TEST(to_suspend_in_a_callback_stops_with_the_rule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
