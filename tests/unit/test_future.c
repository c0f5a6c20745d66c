/* SPDX-License-Identifier: MIT */
/* What a future promises.  See include/ouro/future.h. */
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
    int value;
    int result;
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

/* States. */

/* A69 */
static void
a_new_future_is_pending(void **state)
{
    struct fixture *f = *state;

    assert_false(ouro_future_is_done(&f->future));
    assert_err(ouro_future_error(&f->future), EINPROGRESS);
}

/* The ways to complete one: what is done, and what its error is then. */
static int
set_result(struct ouro_future *future)
{
    return ouro_future_set_result(future, future);
}

static int
set_error(struct ouro_future *future)
{
    return ouro_future_set_error(future, -EPIPE);
}

static const struct way {
    int (*complete)(struct ouro_future *future);
    int error;
} ways[] = {
    {set_result, 0},
    {set_error, -EPIPE},
    {ouro_future_cancel, -ECANCELED},
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* A69: a table of state and call. */
static void
a_future_is_completed_once(void **state)
{
    struct fixture *f = *state;

    for (size_t first = 0; first < WAYS; first++) {
        struct ouro_future future;

        ouro_future_init(&future, f->loop);
        assert_ok(ways[first].complete(&future));
        for (size_t second = 0; second < WAYS; second++)
            assert_err(ways[second].complete(&future), EALREADY);
        assert_true(ouro_future_is_done(&future));
        assert_int_equal(ouro_future_error(&future), ways[first].error);
        ouro_future_fini(&future);
    }
}

static void
the_result_is_what_was_set(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_future_set_result(&f->future, &f->value));

    assert_ok(ouro_future_error(&f->future));
    assert_ptr_equal(ouro_future_result(&f->future), &f->value);
}

static void
ask_too_early(void *arg)
{
    struct fixture *f = arg;

    (void)ouro_future_result(&f->future);
}

static void
ask_one_that_failed(void *arg)
{
    struct fixture *f = arg;

    if (ouro_future_set_error(&f->future, -EPIPE) == 0)
        (void)ouro_future_result(&f->future);
}

/* A69 */
static void
to_ask_for_a_result_that_is_not_there_stops_the_program(void **state)
{
    const char *words = "only a future whose error is 0 has a result";

    assert_callback_stops(ask_too_early, *state, words);
    assert_callback_stops(ask_one_that_failed, *state, words);
    assert_callback_stops(ask_too_early, *state, "ouro: test_future.c:");
}

static void
set_an_error(struct fixture *f, int error)
{
    if (ouro_future_set_error(&f->future, error) < 0)
        exit(EXIT_FAILURE);
}

static void
set_no_error(void *arg)
{
    set_an_error(arg, 0);
}

static void
set_a_positive_error(void *arg)
{
    set_an_error(arg, EPIPE);
}

static void
set_that_it_is_in_progress(void *arg)
{
    set_an_error(arg, -EINPROGRESS);
}

static void
an_error_that_is_none_stops_the_program(void **state)
{
    const char *words = "the error of a future is negative";

    assert_callback_stops(set_no_error, *state, words);
    assert_callback_stops(set_a_positive_error, *state, words);
    assert_callback_stops(set_that_it_is_in_progress, *state, words);
}

/* Done callbacks. */

/* A68 */
static void
done_callbacks_come_later_and_in_their_order(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < WATCHERS; i++)
        watch(f, i);
    ouro_sim_turn(f->sim);
    assert_string_equal(f->trace, "");
    assert_ok(ouro_future_set_result(&f->future, NULL));
    assert_string_equal(f->trace, "");
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "abcd");
}

/* A68 */
static void
a_done_callback_of_what_is_done_comes_later_too(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_future_set_result(&f->future, NULL));
    watch(f, 0);
    assert_string_equal(f->trace, "");
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "a");
}

static void
a_done_callback_can_be_taken_back(void **state)
{
    struct fixture *f = *state;

    watch(f, 0);
    watch(f, 1);
    watch(f, 2);
    ouro_handle_cancel(&f->watchers[1].handle);
    assert_ok(ouro_future_cancel(&f->future));
    ouro_handle_cancel(&f->watchers[2].handle);
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "a");
}

static void
take_back_itself_and_the_next(void *arg)
{
    struct fixture *f = arg;

    add(f, "x");
    ouro_handle_cancel(&f->handle);
    ouro_handle_cancel(&f->watchers[0].handle);
    watch(f, 2);
}

/* A68 */
static void
a_done_callback_may_change_the_list(void **state)
{
    struct fixture *f = *state;

    ouro_future_add_done_callback(&f->future, &f->handle,
                                  take_back_itself_and_the_next, f);
    watch(f, 0);
    watch(f, 1);
    assert_ok(ouro_future_set_result(&f->future, NULL));
    ouro_sim_turn(f->sim);
    assert_string_equal(f->trace, "xb");
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "xbc");
}

static void
add_one_twice(void *arg)
{
    watch(arg, 0);
    watch(arg, 0);
}

static void
to_add_a_handle_twice_stops_the_program(void **state)
{
    assert_callback_stops(add_one_twice, *state,
                          "a handle is scheduled once at a time");
}

/* The end. */

static void
end_with_a_waiter(void *arg)
{
    struct fixture *f = arg;

    watch(f, 0);
    ouro_future_fini(&f->future);
}

static void
to_end_a_future_with_a_waiter_stops_with_its_site(void **state)
{
    assert_callback_stops(end_with_a_waiter, *state,
                          "nobody waits for a future that is ended");
    assert_callback_stops(end_with_a_waiter, *state, "ouro: test_future.c:");
}

/* A88 */
static void
a_failure_that_nobody_saw_is_reported_once_with_its_site(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_future_set_error(&f->future, -EPIPE));
    ouro_future_fini(&f->future);
    ouro_future_fini(&f->future);

    assert_int_equal(f->seen.count, 1);
    assert_err(f->seen.error, EPIPE);
    assert_non_null(strstr(f->seen.site, "test_future.c:"));
    f->seen.count = 0;
}

/* A88 */
static void
a_failure_that_was_looked_at_is_not_reported(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_future_set_error(&f->future, -EPIPE));
    assert_err(ouro_future_error(&f->future), EPIPE);
    ouro_future_fini(&f->future);

    assert_int_equal(f->seen.count, 0);
}

/* A88 */
static void
neither_what_was_cancelled_nor_what_is_pending_is_reported(void **state)
{
    struct fixture *f = *state;
    struct ouro_future pending;

    ouro_future_init(&pending, f->loop);
    assert_ok(ouro_future_cancel(&f->future));
    ouro_future_fini(&f->future);
    ouro_future_fini(&pending);

    assert_int_equal(f->seen.count, 0);
}

/* Runs. */

static void
complete_it(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_future_set_error(&f->future, -EPIPE);
}

static void
stop(void *arg)
{
    struct fixture *f = arg;

    ouro_loop_stop(f->loop);
}

static void
a_run_until_complete_ends_with_the_error_of_the_future(void **state)
{
    struct fixture *f = *state;

    ouro_call_later(f->loop, &f->handle, OURO_SECONDS(5), complete_it, f);

    assert_err(ouro_loop_run_until_complete(f->loop, &f->future), EPIPE);
    assert_ok(f->result);
    assert_err(ouro_loop_run_until_complete(f->loop, &f->future), EPIPE);
}

static void
a_run_that_is_stopped_before_says_so(void **state)
{
    struct fixture *f = *state;

    ouro_call_later(f->loop, &f->handle, 10, stop, f);
    assert_err(ouro_loop_run_until_complete(f->loop, &f->future),
               OURO_ESTOPPED);
    assert_false(ouro_future_is_done(&f->future));

    ouro_call_later(f->loop, &f->handle, 10, complete_it, f);
    assert_err(ouro_loop_run_until_complete(f->loop, &f->future), EPIPE);
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
run_until_complete(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_loop_run_until_complete(f->loop, &f->future);
}

static void
run_inside_a_run(void *arg)
{
    struct fixture *f = renew(arg);

    ouro_call_soon(f->loop, &f->handle, run_until_complete, f);
    ouro_sim_turn(f->sim);
}

static void
a_run_until_complete_in_a_run_stops_the_program(void **state)
{
    assert_callback_stops(run_inside_a_run, *state,
                          "runs of loops do not nest");
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
    f.result = UNSEEN;
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
        TEST(a_new_future_is_pending),
        TEST(a_future_is_completed_once),
        TEST(the_result_is_what_was_set),
        TEST(to_ask_for_a_result_that_is_not_there_stops_the_program),
        TEST(an_error_that_is_none_stops_the_program),
        TEST(done_callbacks_come_later_and_in_their_order),
        TEST(a_done_callback_of_what_is_done_comes_later_too),
        TEST(a_done_callback_can_be_taken_back),
        TEST(a_done_callback_may_change_the_list),
        TEST(to_add_a_handle_twice_stops_the_program),
        TEST(to_end_a_future_with_a_waiter_stops_with_its_site),
        TEST(a_failure_that_nobody_saw_is_reported_once_with_its_site),
        TEST(a_failure_that_was_looked_at_is_not_reported),
        TEST(neither_what_was_cancelled_nor_what_is_pending_is_reported),
        TEST(a_run_until_complete_ends_with_the_error_of_the_future),
        TEST(a_run_that_is_stopped_before_says_so),
        TEST(a_run_until_complete_in_a_run_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
