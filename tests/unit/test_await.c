/* SPDX-License-Identifier: MIT */
/* What awaiting a future promises.  See ouro_await(). */
#include "ouro_test.h"

#include <stdlib.h>
#include <string.h>

enum { WATCHERS = 4 };

struct fixture;

/* A done callback, and the letter it adds to the trace. */
struct watcher {
    struct ouro_handle handle;
    struct fixture *f;
    char text[2];
};

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_future future;
    struct watcher watchers[WATCHERS];
    struct ouro_handle handle;
    char trace[32];
    int results[2];
};

static void
add(struct fixture *f, const char *text)
{
    strncat(f->trace, text, sizeof(f->trace) - strlen(f->trace) - 1);
}

static void
note(void *arg)
{
    struct watcher *watcher = arg;

    add(watcher->f, watcher->text);
}

static void
watch(struct fixture *f, size_t i)
{
    ouro_future_add_done_callback(&f->future, &f->watchers[i].handle, note,
                                  &f->watchers[i]);
}

/* Awaiting. */

static int
await_first(void *arg)
{
    struct fixture *f = arg;

    f->results[0] = ouro_await(&f->future);
    add(f, "1");
    return 0;
}

static int
await_second(void *arg)
{
    struct fixture *f = arg;

    f->results[1] = ouro_await(&f->future);
    add(f, "2");
    return 0;
}

static void
every_waiter_gets_the_outcome_in_its_order(void **state)
{
    struct fixture *f = *state;

    start(f->sim, await_first, f);
    watch(f, 0);
    start(f->sim, await_second, f);
    assert_ok(ouro_future_set_error(&f->future, -ENOTCONN));
    assert_string_equal(f->trace, "");
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "1a2");
    assert_err(f->results[0], ENOTCONN);
    assert_err(f->results[1], ENOTCONN);
}

static void
to_await_what_is_done_needs_no_turn(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_future_set_result(&f->future, NULL));
    start(f->sim, await_first, f);

    assert_string_equal(f->trace, "1");
    assert_ok(f->results[0]);
}

static void
to_await_a_future_that_was_cancelled_is_ecanceled(void **state)
{
    struct fixture *f = *state;

    start(f->sim, await_first, f);
    assert_ok(ouro_future_cancel(&f->future));
    ouro_sim_turn(f->sim);

    assert_err(f->results[0], ECANCELED);
}

/* An object that completes the future in it, and dies. */
struct owner {
    struct ouro_future future;
    struct fixture *f;
};

static int
await_owner(void *arg)
{
    struct owner *owner = arg;
    struct fixture *f = owner->f;

    f->results[0] = ouro_await(&owner->future);
    return 0;
}

static void
a_future_that_is_done_may_die_before_its_waiters_run(void **state)
{
    struct fixture *f = *state;
    struct owner *owner = malloc(sizeof(*owner));

    assert_non_null(owner);
    owner->f = f;
    ouro_future_init(&owner->future, f->loop);
    start(f->sim, await_owner, owner);
    assert_ok(ouro_future_set_error(&owner->future, -EPROTO));
    ouro_future_fini(&owner->future);
    memset(owner, 0xff, sizeof(*owner));
    free(owner);
    ouro_sim_turn(f->sim);

    assert_err(f->results[0], EPROTO);
}

/* A forked child has to have a loop of its own. */
static struct fixture *
renew(struct fixture *f)
{
    if (ouro_sim_new(&f->sim, NULL) < 0)
        exit(EXIT_FAILURE);
    f->loop = ouro_sim_loop(f->sim);
    ouro_future_init(&f->future, f->loop);
    return f;
}

static void
await_in_a_callback(void *arg)
{
    struct fixture *f = arg;

    f->results[0] = ouro_await(&f->future);
}

static void
await_what_is_done_in_a_callback(void *arg)
{
    struct fixture *f = renew(arg);

    if (ouro_future_set_result(&f->future, NULL) < 0)
        exit(EXIT_FAILURE);
    ouro_call_soon(f->loop, &f->handle, await_in_a_callback, f);
    ouro_sim_turn(f->sim);
}

/* Rule 4: also where it need not wait. */
static void
to_await_in_a_callback_stops_the_program(void **state)
{
    assert_callback_stops(
        await_what_is_done_in_a_callback, *state,
        "a call that suspends is made in a task, not in a callback");
}

static int
await_in_another_loop(void *arg)
{
    struct fixture *f = arg;

    return ouro_await(&f->future);
}

static void
to_await_a_future_of_another_loop_stops_the_program(void **state)
{
    assert_stops(await_in_another_loop, *state,
                 "a future is awaited in its own loop");
}

/* A88 */
static void
a_failure_that_a_waiter_got_is_not_reported(void **state)
{
    struct fixture *f = *state;

    start(f->sim, await_first, f);
    assert_ok(ouro_future_set_error(&f->future, -EPIPE));
    ouro_sim_turn(f->sim);
    ouro_future_fini(&f->future);

    assert_int_equal(f->seen.count, 0);
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
    ouro_future_init(&f.future, f.loop);
    for (size_t i = 0; i < WATCHERS; i++) {
        f.watchers[i].f = &f;
        f.watchers[i].text[0] = (char)('a' + i);
    }
    f.results[0] = UNSEEN;
    f.results[1] = UNSEEN;
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    assert_int_equal(f->seen.count, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_waiter_gets_the_outcome_in_its_order),
        TEST(to_await_what_is_done_needs_no_turn),
        TEST(to_await_a_future_that_was_cancelled_is_ecanceled),
        TEST(a_future_that_is_done_may_die_before_its_waiters_run),
        TEST(to_await_in_a_callback_stops_the_program),
        TEST(to_await_a_future_of_another_loop_stops_the_program),
        TEST(a_failure_that_a_waiter_got_is_not_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
