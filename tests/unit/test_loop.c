/* SPDX-License-Identifier: MIT */
/* What a loop promises: the order of calls, runs and their end, handles, and
 * who is told of what went wrong.  See include/ouro/loop.h; timers have a file
 * of their own. */
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
    bool flag;
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

/* Order. */

/* A67 */
static void
calls_are_made_in_the_order_they_were_asked_for(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < LETTERS; i++)
        call(f, i);
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "abcdefgh");
}

static void
queue_two_more(void *arg)
{
    struct fixture *f = arg;

    add(f, "1");
    call(f, 2);
    call(f, 3);
}

/* A67 */
static void
what_a_call_queues_is_for_the_next_turn(void **state)
{
    struct fixture *f = *state;

    ouro_call_soon(f->loop, &f->chain, queue_two_more, f);
    call(f, 0);
    ouro_sim_turn(f->sim);
    add(f, "|");
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "1a|cd");
}

static void
call_again(void *arg)
{
    struct fixture *f = arg;

    ouro_call_soon(f->loop, &f->chain, call_again, f);
}

/* A43; a chain and I/O: see integration.loop. */
static void
an_endless_chain_of_calls_does_not_delay_a_timer(void **state)
{
    struct fixture *f = *state;

    ouro_call_soon(f->loop, &f->chain, call_again, f);
    ouro_call_later(f->loop, &f->letters[0].handle, 0, write_letter,
                    &f->letters[0]);
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "a");
    ouro_handle_cancel(&f->chain);
}

/* Runs. */

static void
stop_and_queue(void *arg)
{
    struct fixture *f = arg;

    stop(f);
    call(f, 1);
}

/* A67 */
static void
stop_finishes_the_turn_and_leaves_the_next(void **state)
{
    struct fixture *f = *state;

    ouro_call_soon(f->loop, &f->chain, stop_and_queue, f);
    call(f, 0);
    ouro_loop_run_forever(f->loop);

    assert_string_equal(f->trace, "a");
    assert_true(ouro_handle_is_pending(&f->letters[1].handle));
    ouro_handle_cancel(&f->letters[1].handle);
}

/* A67, M10 */
static void
stop_before_a_run_makes_it_one_turn_that_does_not_wait(void **state)
{
    struct fixture *f = *state;
    int64_t before_ns = ouro_loop_time_ns(f->loop);

    call(f, 0);
    ouro_call_later(f->loop, &f->letters[1].handle, 1, write_letter,
                    &f->letters[1]);
    ouro_loop_stop(f->loop);
    ouro_loop_run_forever(f->loop);

    assert_string_equal(f->trace, "a");
    assert_int_equal(ouro_loop_time_ns(f->loop), before_ns);
    ouro_handle_cancel(&f->letters[1].handle);
}

static void
a_stop_is_good_for_one_run(void **state)
{
    struct fixture *f = *state;

    ouro_loop_stop(f->loop);
    ouro_loop_stop(f->loop);
    ouro_loop_run_forever(f->loop);
    ouro_call_later(f->loop, &f->letters[0].handle, 5, write_letter,
                    &f->letters[0]);
    ouro_call_later(f->loop, &f->chain, 9, stop, f);
    ouro_loop_run_forever(f->loop);

    assert_string_equal(f->trace, "a");
}

static void
look_around(void *arg)
{
    struct fixture *f = arg;

    f->flag = ouro_get_running_loop() == f->loop
              && ouro_loop_is_running(f->loop) && ouro_current_task() == NULL;
    stop(f);
}

static void
a_loop_is_the_running_one_only_in_its_run(void **state)
{
    struct fixture *f = *state;

    assert_null(ouro_get_running_loop());
    assert_false(ouro_loop_is_running(f->loop));
    ouro_call_soon(f->loop, &f->chain, look_around, f);
    ouro_loop_run_forever(f->loop);

    assert_true(f->flag);
    assert_null(ouro_get_running_loop());
    assert_false(ouro_loop_is_running(f->loop));
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

static void
run_again(void *arg)
{
    struct fixture *f = arg;

    ouro_loop_run_forever(f->loop);
}

static void
run_inside_a_run(void *arg)
{
    struct fixture *f = renew(arg);

    ouro_call_soon(f->loop, &f->chain, run_again, f);
    ouro_loop_run_forever(f->loop);
}

/* A67 */
static void
a_run_in_a_run_stops_the_program(void **state)
{
    assert_callback_stops(run_inside_a_run, *state,
                          "runs of loops do not nest");
}

static void
run_another(void *arg)
{
    struct ouro_loop *other = arg;

    ouro_loop_run_forever(other);
}

static void
run_another_inside_a_run(void *arg)
{
    struct fixture *f = renew(arg);
    struct ouro_sim *other;

    if (ouro_sim_new(&other, NULL) < 0)
        return;
    ouro_call_soon(f->loop, &f->chain, run_another, ouro_sim_loop(other));
    ouro_loop_run_forever(f->loop);
}

static void
a_run_of_another_loop_in_a_run_stops_the_program(void **state)
{
    assert_callback_stops(run_another_inside_a_run, *state,
                          "runs of loops do not nest");
}

/* Reports. */

struct whole {
    struct ouro_exception exception;
    unsigned count;
    struct ouro_loop *loop;
};

static void
keep_whole(const struct ouro_exception *exception, void *arg)
{
    struct whole *whole = arg;

    whole->exception = *exception;
    whole->count++;
}

/* A89 */
static void
the_exception_handler_gets_every_field(void **state)
{
    struct fixture *f = *state;
    struct whole whole = {0};
    const struct ouro_exception told = {
        .message = "the bridge is down",
        .error = -EPIPE,
        .name = "bridge",
        .site = "river.c:3",
    };

    ouro_loop_set_exception_handler(f->loop, keep_whole, &whole);
    ouro_loop_call_exception_handler(f->loop, &told);

    assert_int_equal(whole.count, 1);
    assert_string_equal(whole.exception.message, told.message);
    assert_err(whole.exception.error, EPIPE);
    assert_null(whole.exception.task);
    assert_string_equal(whole.exception.name, told.name);
    assert_string_equal(whole.exception.site, told.site);
    assert_int_equal(f->seen.count, 0);
}

static void
report_again(const struct ouro_exception *exception, void *arg)
{
    struct whole *whole = arg;

    whole->count++;
    ouro_loop_call_exception_handler(whole->loop, exception);
}

/* A89 */
static void
what_the_exception_handler_reports_itself_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct whole whole = {.loop = f->loop};
    const struct ouro_exception told = {.message = "again"};

    ouro_loop_set_exception_handler(f->loop, report_again, &whole);
    ouro_loop_call_exception_handler(f->loop, &told);
    ouro_loop_call_exception_handler(f->loop, &told);

    assert_int_equal(whole.count, 2);
}

/* A89 */
static void
without_an_exception_handler_nobody_is_told(void **state)
{
    struct fixture *f = *state;
    const struct ouro_exception told = {.message = "a tree fell"};

    ouro_loop_set_exception_handler(f->loop, NULL, NULL);
    ouro_loop_call_exception_handler(f->loop, &told);

    assert_int_equal(f->seen.count, 0);
}

/* Numbers. */

static void
the_stats_count_turns_calls_and_timers(void **state)
{
    struct fixture *f = *state;
    struct ouro_loop_stats before;
    struct ouro_loop_stats after;

    ouro_loop_get_stats(f->loop, &before);
    call(f, 0);
    call(f, 1);
    ouro_call_later(f->loop, &f->chain, 1, stop, f);
    ouro_sim_turn(f->sim);
    ouro_sim_turn(f->sim);
    ouro_loop_get_stats(f->loop, &after);
    ouro_handle_cancel(&f->chain);

    assert_int_equal(after.turns - before.turns, 2);
    assert_int_equal(after.callbacks - before.callbacks, 2);
    assert_int_equal(after.timers, 1);
    assert_int_equal(after.waits, before.waits);
}

static void
the_stats_count_turns_that_could_wait(void **state)
{
    struct fixture *f = *state;
    struct ouro_loop_stats stats;

    ouro_call_later(f->loop, &f->chain, 5, stop, f);
    call(f, 0);
    ouro_loop_run_forever(f->loop);
    ouro_loop_get_stats(f->loop, &stats);

    assert_int_equal(stats.turns, 2);
    assert_int_equal(stats.waits, 1);
}

static void
the_engine_says_what_it_is(void **state)
{
    struct fixture *f = *state;
    const struct ouro_engine_info *info = ouro_loop_engine(f->loop);

    assert_string_equal(info->name, "sim");
    assert_int_equal(info->ring_entries, 0);
    assert_non_null(info->features);
    assert_non_null(info->missing);
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
        TEST(calls_are_made_in_the_order_they_were_asked_for),
        TEST(what_a_call_queues_is_for_the_next_turn),
        TEST(an_endless_chain_of_calls_does_not_delay_a_timer),
        TEST(stop_finishes_the_turn_and_leaves_the_next),
        TEST(stop_before_a_run_makes_it_one_turn_that_does_not_wait),
        TEST(a_stop_is_good_for_one_run),
        TEST(a_loop_is_the_running_one_only_in_its_run),
        TEST(a_run_in_a_run_stops_the_program),
        TEST(a_run_of_another_loop_in_a_run_stops_the_program),
        TEST(the_exception_handler_gets_every_field),
        TEST(what_the_exception_handler_reports_itself_is_dropped),
        TEST(without_an_exception_handler_nobody_is_told),
        TEST(the_stats_count_turns_calls_and_timers),
        TEST(the_stats_count_turns_that_could_wait),
        TEST(the_engine_says_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
