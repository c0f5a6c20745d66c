/* SPDX-License-Identifier: MIT */
/* How a stream ends, is paused, and what must not be done with it.  See
 * include/ouro/stream.h. */
#include "stream_fixture.h"

/* Errors. */

/* A12 */
static void
an_error_comes_behind_the_bytes_and_again(void **state)
{
    struct fixture *f = *state;

    receive(f, "part", 4);
    start(f->sim, read_line, f);
    lose(f, -ECONNRESET);
    assert_err(f->seen, ECONNRESET);
    start(f->sim, read_line, f);
    assert_err(f->seen, ECONNRESET);

    assert_rest(f, "part", -ECONNRESET);
    start(f->sim, peek, f);
    assert_err(f->seen, ECONNRESET);
}

static void
after_an_abort_reads_find_what_came_then_that(void **state)
{
    struct fixture *f = *state;

    receive(f, "part", 4);
    ouro_stream_abort(f->stream);

    assert_rest(f, "part", -ECONNABORTED);
}

static void
on_failure_the_slice_is_left_alone(void **state)
{
    struct fixture *f = *state;

    f->slice = OURO_BYTES("before");
    start(f->sim, peek, f);
    lose(f, -ECONNRESET);

    assert_err(f->seen, ECONNRESET);
    assert_int_equal(f->slice.size, 6);
}

static void
without_memory_the_connection_is_lost_for_it(void **state)
{
    struct fixture *f = *state;

    start(f->sim, peek, f);
    fail_allocation(1);
    receive(f, "abc", 3);
    fail_allocation(0);
    ouro_sim_turn(f->sim);

    assert_err(f->seen, ENOMEM);
}

/* Back-pressure. */

/* A11 */
static void
reading_is_paused_above_twice_the_limit_and_resumed_at_it(void **state)
{
    struct fixture *f = *state;

    receive(f, "0123456789012345", 2 * LIMIT);
    assert_int_equal(f->fake->pauses, 0);
    receive(f, "6", 1);
    assert_int_equal(f->fake->pauses, 1);

    start(f->sim, peek, f);
    ouro_stream_consume(f->stream, LIMIT);
    assert_int_equal(f->fake->resumes, 0);
    ouro_stream_consume(f->stream, 1);
    assert_int_equal(f->fake->resumes, 1);
    assert_int_equal(ouro_stream_bytes_read(f->stream), LIMIT + 1);
}

static void
a_reader_that_needs_more_resumes_it(void **state)
{
    struct fixture *f = *state;

    receive(f, "01234567890123456789", 20);
    assert_int_equal(f->fake->pauses, 1);
    set_limit(f, 9);
    f->size = 30;
    start(f->sim, read_exactly, f);

    assert_int_equal(f->fake->resumes, 1);
    receive(f, "0123456789", 10);
    ouro_sim_turn(f->sim);
    assert_int_equal(f->seen, 30);
}

/* What is against the rules. */

static void
consume_too_much(struct fixture *f)
{
    receive(f, "abc", 3);
    start(f->sim, peek, f);
    receive(f, "def", 3);
    ouro_stream_consume(f->stream, 4);
}

static void
consume_after_a_read(struct fixture *f)
{
    receive(f, "abc", 3);
    start(f->sim, peek, f);
    f->size = 1;
    start(f->sim, read_exactly, f);
    ouro_stream_consume(f->stream, 1);
}

static void
free_under_a_reader(struct fixture *f)
{
    start(f->sim, peek, f);
    ouro_stream_free(f->stream);
}

static void
read_in_no_task(struct fixture *f)
{
    f->seen = ouro_stream_read(f->stream, f->bytes, 1);
}

static void
stops_for(void *arg)
{
    void (*const *fn)(struct fixture * f) = arg;
    void *state;

    setup(&state);
    (*fn)(state);
}

static void
a_breach_of_the_rules_stops_the_program(void **state)
{
    void (*fn)(struct fixture * f);

    (void)state;
    fn = consume_too_much;
    assert_callback_stops(stops_for, &fn, "no more is consumed than");
    fn = consume_after_a_read;
    assert_callback_stops(stops_for, &fn, "no more is consumed than");
    fn = free_under_a_reader;
    assert_callback_stops(stops_for, &fn, "when no task waits");
    fn = read_in_no_task;
    assert_callback_stops(stops_for, &fn, "in a task, not in a callback");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_error_comes_behind_the_bytes_and_again),
        TEST(after_an_abort_reads_find_what_came_then_that),
        TEST(on_failure_the_slice_is_left_alone),
        TEST(without_memory_the_connection_is_lost_for_it),
        TEST(reading_is_paused_above_twice_the_limit_and_resumed_at_it),
        TEST(a_reader_that_needs_more_resumes_it),
        TEST(a_breach_of_the_rules_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
