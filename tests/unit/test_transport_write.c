/* SPDX-License-Identifier: MIT */
/* The base of transports: what is written, its marks, and what is dropped. */
#include "base_fixture.h"

/* The marks, by default. */
enum { HIGH = 64 * 1024, LOW = 16 * 1024 };

static size_t
queued(void)
{
    return ouro_transport_write_buffer_size(fixture.transport);
}

static bool
is_paused(void)
{
    return ouro_transport_is_writing_paused(fixture.transport);
}

/* A66 of the list of behaviours, as are all of the marks. */
static void
at_the_high_mark_writing_goes_on(void **state)
{
    (void)state;
    begin(&user_ops);
    write_size(HIGH);
    turn();

    assert_string_equal(fixture.calls, "M");
    assert_false(is_paused());
    do_abort();
}

static void
a_byte_above_the_high_mark_it_is_paused_from_the_loop(void **state)
{
    (void)state;
    begin(&user_ops);
    write_size(HIGH);
    write_size(1);
    assert_true(is_paused());
    assert_string_equal(fixture.calls, "M"); /* not inside write */
    turn();

    assert_string_equal(fixture.calls, "MP");
    do_abort();
}

static void
it_resumes_at_the_low_mark_and_not_a_byte_above(void **state)
{
    (void)state;
    begin(&user_ops);
    write_size(HIGH + 1);
    turn();
    drain_to(LOW + 1);
    turn();
    assert_string_equal(fixture.calls, "MP");
    assert_true(is_paused());
    drain_to(LOW);
    turn();

    assert_string_equal(fixture.calls, "MPR");
    assert_false(is_paused());
    do_abort();
}

static void
pause_and_resume_alternate(void **state)
{
    (void)state;
    begin(&user_ops);
    for (int i = 0; i < 3; i++) {
        write_size(HIGH + 1);
        turn();
        write_size(1);
        turn();
        drain_to(0);
        turn();
    }

    assert_string_equal(fixture.calls, "MPRPRPR");
    do_abort();
}

static void
a_queue_that_drained_before_the_turn_is_not_told_of(void **state)
{
    (void)state;
    begin(&user_ops);
    write_size(HIGH + 1);
    drain_to(0);
    turn();

    assert_string_equal(fixture.calls, "M");
    do_abort();
}

static void
write_over_the_mark(void)
{
    if (strlen(fixture.calls) < 6)
        write_size(HIGH + 1);
}

static void
resume_may_write_and_is_paused_again(void **state)
{
    (void)state;
    fixture.on_resume = write_over_the_mark;
    begin(&user_ops);
    write_size(HIGH + 1);
    turn();
    drain_to(0);
    turn();
    assert_string_equal(fixture.calls, "MPR");
    turn();

    assert_string_equal(fixture.calls, "MPRP");
    do_abort();
}

static void
the_marks_are_options_and_count_at_once(void **state)
{
    (void)state;
    begin(&user_ops);
    write_size(100);
    ouro_transport_set_write_buffer_limits(fixture.transport, 99, 50);
    turn();
    assert_string_equal(fixture.calls, "MP");
    ouro_transport_set_write_buffer_limits(fixture.transport, 200, 100);
    turn();

    assert_string_equal(fixture.calls, "MPR");
    do_abort();
}

static void
low_is_a_quarter_of_high_by_default(void **state)
{
    (void)state;
    begin(&user_ops);
    ouro_transport_set_write_buffer_limits(fixture.transport, 400, 0);
    write_size(401);
    turn();
    drain_to(101);
    turn();
    assert_string_equal(fixture.calls, "MP");
    drain_to(100);
    turn();

    assert_string_equal(fixture.calls, "MPR");
    do_abort();
}

static void
a_low_above_high_is_taken_as_high(void **state)
{
    (void)state;
    begin(&user_ops);
    ouro_transport_set_write_buffer_limits(fixture.transport, 100, 500);
    write_size(101);
    turn();
    drain_to(101);
    turn();
    assert_string_equal(fixture.calls, "MP");
    drain_to(100);
    turn();

    assert_string_equal(fixture.calls, "MPR");
    do_abort();
}

static void
zero_brings_the_default_marks_back(void **state)
{
    (void)state;
    begin(&user_ops);
    ouro_transport_set_write_buffer_limits(fixture.transport, 1, 1);
    ouro_transport_set_write_buffer_limits(fixture.transport, 0, 0);
    write_size(HIGH);
    turn();

    assert_string_equal(fixture.calls, "M");
    do_abort();
}

static void
write_much(void)
{
    write_size(HIGH + 1);
}

static void
what_connection_made_wrote_is_counted_too(void **state)
{
    (void)state;
    fixture.on_made = write_much;
    begin(&user_ops);
    turn();

    assert_string_equal(fixture.calls, "MP");
    do_abort();
}

/* It has not drained: it was dropped. */
static void
an_aborted_connection_is_not_told_to_resume(void **state)
{
    (void)state;
    fixture.lingers = true;
    begin(&user_ops);
    write_size(HIGH + 1);
    turn();
    do_abort();
    drain_to(0);
    turn();
    ouro_transport_ended(fixture.transport);
    turn();

    assert_string_equal(fixture.calls, "MPL");
}

static void
a_closing_connection_is_told_to_resume(void **state)
{
    (void)state;
    fixture.lingers = true;
    begin(&user_ops);
    write_size(HIGH + 1);
    turn();
    do_close();
    drain_to(0);
    turn();
    ouro_transport_ended(fixture.transport);
    turn();

    assert_string_equal(fixture.calls, "MPRL");
}

/* A10 and M17 of the list of behaviours: every way to write. */
static void
writev_and_write_take_reach_the_mark_as_write_does(void **state)
{
    static uint8_t half[HIGH / 2 + 1];
    const struct ouro_slice slices[] = {{half, sizeof(half)},
                                        {half, sizeof(half)}};

    (void)state;
    begin(&user_ops);
    ouro_transport_writev(fixture.transport, slices, 2);
    turn();
    drain_to(0);
    turn();
    ouro_transport_write_take(fixture.transport, ouro_buf_new(HIGH + 1));
    turn();

    assert_string_equal(fixture.calls, "MPRP");
    do_abort();
}

/* Limits. */

static void
past_the_hard_limit_the_connection_is_aborted(void **state)
{
    (void)state;
    begin(&user_ops);
    ouro_transport_set_write_buffer_max(fixture.transport, 100);
    write_size(99);
    write_size(1);
    assert_false(ouro_transport_is_closing(fixture.transport));
    write_size(1);
    turn();

    assert_string_equal(fixture.orders, "swwaf");
    assert_err(fixture.reason, ENOBUFS);
}

static void
one_write_past_the_hard_limit_is_not_queued(void **state)
{
    (void)state;
    begin(&user_ops);
    ouro_transport_set_write_buffer_max(fixture.transport, 100);
    write_size(101);
    turn();

    assert_string_equal(fixture.orders, "saf");
}

static void
sizes_that_overflow_are_past_every_limit(void **state)
{
    const struct ouro_slice slices[] = {{(const uint8_t *)"", SIZE_MAX},
                                        {(const uint8_t *)"", SIZE_MAX}};

    (void)state;
    begin(&user_ops);
    ouro_transport_writev(fixture.transport, slices, 2);
    turn();

    assert_err(fixture.reason, ENOBUFS);
}

static void
nothing_is_written_where_there_is_nothing(void **state)
{
    const struct ouro_slice empty[] = {OURO_BYTES(""), OURO_BYTES("")};

    (void)state;
    begin(&user_ops);
    ouro_transport_write(fixture.transport, empty[0]);
    ouro_transport_writev(fixture.transport, empty, 2);
    ouro_transport_writev(fixture.transport, NULL, 0);
    ouro_transport_write_take(fixture.transport, ouro_buf_new(0));

    assert_string_equal(fixture.orders, "s");
    do_abort();
}

/* Drops. */

/* M4 of the list of behaviours; A65. */
static void
what_is_written_after_close_is_dropped(void **state)
{
    (void)state;
    fixture.lingers = true;
    begin(&user_ops);
    write_size(1);
    do_close();
    write_size(10);
    ouro_transport_write_eof(fixture.transport);

    assert_int_equal(queued(), 1);
    assert_int_equal(ouro_transport_bytes_dropped(fixture.transport), 10);
    assert_string_equal(fixture.orders, "swc");
    ouro_transport_ended(fixture.transport);
}

/* A65 of the list of behaviours. */
static void
the_end_is_written_once_and_what_comes_after_is_dropped(void **state)
{
    (void)state;
    begin(&user_ops);
    write_size(1);
    ouro_transport_write_eof(fixture.transport);
    ouro_transport_write_eof(fixture.transport);
    write_size(10);

    assert_string_equal(fixture.orders, "swe");
    assert_int_equal(ouro_transport_bytes_dropped(fixture.transport), 10);
    assert_int_equal(fixture.seen.count, 1);
    do_abort();
}

/* M5 and A87 of the list of behaviours. */
static void
a_thousand_writes_to_a_lost_connection_are_one_report(void **state)
{
    struct ouro_loop_stats stats;

    (void)state;
    begin(&user_ops);
    struct ouro_protocol *protocol =
        ouro_protocol_ref(fixture.transport->protocol);
    do_abort();
    turn();
    for (int i = 0; i < 1000; i++)
        ouro_transport_write(protocol->transport, OURO_BYTES("x"));
    ouro_loop_get_stats(fixture.loop, &stats);

    assert_int_equal(ouro_transport_bytes_dropped(protocol->transport), 1000);
    assert_int_equal(stats.writes_dropped, 1000);
    assert_int_equal(fixture.seen.count, 1);
    assert_err(fixture.seen.error, ECONNABORTED);
    assert_string_equal(fixture.seen.name, "fake");
    assert_string_equal(fixture.seen.site, "here.c:1");
    ouro_protocol_unref(protocol);
}

static void
a_block_that_is_dropped_is_given_back(void **state)
{
    (void)state;
    begin(&user_ops);
    do_abort();
    size_t before = live_allocations();
    ouro_transport_write_take(fixture.transport, ouro_buf_new(10));

    assert_int_equal(live_allocations(), before);
    assert_int_equal(ouro_transport_bytes_dropped(fixture.transport), 10);
}

static void
a_broken_connection_drops_what_is_written_and_can_still_receive(void **state)
{
    (void)state;
    begin(&user_ops);
    ouro_transport_set_broken(fixture.transport, -ECONNRESET);
    write_size(10);
    receive("rest");

    assert_int_equal(ouro_transport_bytes_dropped(fixture.transport), 10);
    assert_string_equal(fixture.data, "rest");
    do_close();
    turn();
    assert_err(fixture.reason, ECONNRESET);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(at_the_high_mark_writing_goes_on),
        TEST(a_byte_above_the_high_mark_it_is_paused_from_the_loop),
        TEST(it_resumes_at_the_low_mark_and_not_a_byte_above),
        TEST(pause_and_resume_alternate),
        TEST(a_queue_that_drained_before_the_turn_is_not_told_of),
        TEST(resume_may_write_and_is_paused_again),
        TEST(the_marks_are_options_and_count_at_once),
        TEST(low_is_a_quarter_of_high_by_default),
        TEST(a_low_above_high_is_taken_as_high),
        TEST(zero_brings_the_default_marks_back),
        TEST(what_connection_made_wrote_is_counted_too),
        TEST(an_aborted_connection_is_not_told_to_resume),
        TEST(a_closing_connection_is_told_to_resume),
        TEST(writev_and_write_take_reach_the_mark_as_write_does),
        TEST(past_the_hard_limit_the_connection_is_aborted),
        TEST(one_write_past_the_hard_limit_is_not_queued),
        TEST(sizes_that_overflow_are_past_every_limit),
        TEST(nothing_is_written_where_there_is_nothing),
        TEST(what_is_written_after_close_is_dropped),
        TEST(the_end_is_written_once_and_what_comes_after_is_dropped),
        TEST(a_thousand_writes_to_a_lost_connection_are_one_report),
        TEST(a_block_that_is_dropped_is_given_back),
        TEST(a_broken_connection_drops_what_is_written_and_can_still_receive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
