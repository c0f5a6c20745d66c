/* SPDX-License-Identifier: MIT */
/* The base of transports: the order of calls, ends, references, protocols. */
#include "base_fixture.h"

static const struct ouro_protocol_ops buffered_ops = {
    .size = sizeof(struct user),
    .connection_made = user_made,
    .get_buffer = user_get_buffer,
    .buffer_updated = user_updated,
    .connection_lost = user_lost,
};

static void
ignore_data(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)self;
    (void)data;
}

/* No call but the one that must be there. */
static const struct ouro_protocol_ops silent_ops = {
    .size = sizeof(struct user),
    .data_received = ignore_data,
};

/* Beginning. */

static void
to_begin_calls_connection_made_and_then_starts(void **state)
{
    (void)state;
    begin(&user_ops);

    assert_string_equal(fixture.calls, "M");
    assert_string_equal(fixture.orders, "s");
    assert_ptr_equal(fixture.context, &fixture);
    do_abort();
}

static void
all_calls_but_one_may_be_missing(void **state)
{
    (void)state;
    begin(&silent_ops);
    receive("x");
    write_size(OURO_KIB(64) + 1);
    turn();
    drain_to(0);
    turn();
    ouro_transport_received_eof(fixture.transport);
    turn();

    assert_string_equal(fixture.orders, "swcf");
}

static void
make_with(const struct ouro_protocol_ops *ops)
{
    struct ouro_transport *transport = NULL;

    assert_err(ouro_transport_new(&transport, fixture.loop, &fake_ops, ops,
                                  "here.c:1"),
               EINVAL);
    assert_null(transport);
}

static void
a_table_that_lacks_what_it_must_have_is_refused(void **state)
{
    const struct ouro_protocol_ops none = {.size = sizeof(struct user)};
    struct ouro_protocol_ops small = user_ops;
    struct ouro_protocol_ops half = user_ops;
    struct ouro_protocol_ops other_half = user_ops;

    (void)state;
    small.size = sizeof(struct ouro_protocol) - 1;
    half.get_buffer = user_get_buffer;
    other_half.buffer_updated = user_updated;

    make_with(&none);
    make_with(&small);
    make_with(&half);
    make_with(&other_half);
}

static void
one_that_has_not_begun_is_thrown_away_without_a_word(void **state)
{
    (void)state;
    make(&user_ops);
    ouro_transport_discard(fixture.transport);

    assert_string_equal(fixture.calls, "");
    assert_string_equal(fixture.orders, "f");
}

/* DESIGN: a refusal is followed by connection_lost with that code. */
static void
a_refusal_is_followed_by_connection_lost_and_nothing_else(void **state)
{
    (void)state;
    fixture.made_result = -EACCES;
    begin(&user_ops);
    receive("too late");
    turn();

    assert_string_equal(fixture.calls, "ML");
    assert_string_equal(fixture.orders, "af");
    assert_err(fixture.reason, EACCES);
}

static void
write_and_close(void)
{
    write_size(5);
    do_close();
}

/* M29 of the list of behaviours. */
static void
to_write_and_close_in_connection_made_never_starts(void **state)
{
    (void)state;
    fixture.on_made = write_and_close;
    begin(&user_ops);
    receive("too late");
    turn();

    assert_string_equal(fixture.calls, "ML");
    assert_string_equal(fixture.orders, "wcf");
    assert_ok(fixture.reason);
}

/* Ends. */

static void
connection_lost_comes_from_the_loop_after_close(void **state)
{
    (void)state;
    begin(&user_ops);
    do_close();
    assert_string_equal(fixture.calls, "M");
    turn();

    assert_string_equal(fixture.calls, "ML");
    assert_ok(fixture.reason);
}

/* A8 of the list of behaviours. */
static void
abort_may_follow_close(void **state)
{
    (void)state;
    fixture.lingers = true;
    begin(&user_ops);
    do_close();
    do_abort();
    ouro_transport_ended(fixture.transport);
    turn();

    assert_string_equal(fixture.orders, "scaf");
    assert_err(fixture.reason, ECONNABORTED);
}

static void
each_end_is_asked_for_once(void **state)
{
    (void)state;
    fixture.lingers = true;
    begin(&user_ops);
    do_close();
    do_close();
    do_abort();
    do_abort();
    do_close();
    ouro_transport_ended(fixture.transport);
    do_abort();
    do_close();
    turn();

    assert_string_equal(fixture.orders, "scaf");
    assert_string_equal(fixture.calls, "ML");
}

static void
the_first_reason_is_kept(void **state)
{
    (void)state;
    fixture.lingers = true;
    begin(&user_ops);
    ouro_transport_set_broken(fixture.transport, -EPIPE);
    ouro_transport_fail(fixture.transport, -ECONNRESET);
    ouro_transport_ended(fixture.transport);
    turn();

    assert_err(fixture.reason, EPIPE);
}

/* A26 of the list of behaviours, as is the next; M6. */
static void
a_close_that_takes_too_long_becomes_an_abort(void **state)
{
    (void)state;
    begin(&user_ops);
    write_size(1);
    fixture.lingers = true;
    do_close();
    ouro_sim_advance(fixture.sim, OURO_SECONDS(30) - 1);
    assert_string_equal(fixture.orders, "swc");
    fixture.lingers = false;
    ouro_sim_advance(fixture.sim, 1);

    assert_string_equal(fixture.orders, "swcaf");
    assert_err(fixture.reason, ETIMEDOUT);
}

static void
the_close_timeout_is_an_option(void **state)
{
    (void)state;
    begin(&user_ops);
    ouro_transport_set_close_timeout(fixture.transport, 1000);
    fixture.lingers = true;
    do_close();
    fixture.lingers = false;
    ouro_sim_advance(fixture.sim, 1000);
    assert_err(fixture.reason, ETIMEDOUT);

    begin(&user_ops);
    ouro_transport_set_close_timeout(fixture.transport, OURO_FOREVER);
    fixture.lingers = true;
    do_close();
    ouro_sim_advance(fixture.sim, OURO_SECONDS(1e6));
    ouro_transport_ended(fixture.transport);
    turn();
    assert_ok(fixture.reason);
}

static void
no_deadline_outlives_a_connection_that_ended_in_time(void **state)
{
    (void)state;
    fixture.lingers = true;
    begin(&user_ops);
    do_close();
    ouro_sim_advance(fixture.sim, OURO_SECONDS(1));
    ouro_transport_ended(fixture.transport);
    ouro_sim_advance(fixture.sim, OURO_SECONDS(60));

    assert_string_equal(fixture.calls, "ML");
    assert_ok(fixture.reason);
}

/* Input. */

static void
bytes_and_the_end_are_told_as_they_come(void **state)
{
    (void)state;
    begin(&user_ops);
    receive("ab");
    receive("cd");
    ouro_transport_received_eof(fixture.transport);
    turn();

    assert_string_equal(fixture.calls, "MDDEL");
    assert_string_equal(fixture.data, "abcd");
}

/* A64 of the list of behaviours. */
static void
the_end_leaves_it_open_if_the_protocol_says_so(void **state)
{
    (void)state;
    fixture.keep_open = true;
    begin(&user_ops);
    ouro_transport_received_eof(fixture.transport);
    write_size(1);

    assert_string_equal(fixture.orders, "sw");
    assert_false(ouro_transport_is_reading(fixture.transport));
    assert_false(ouro_transport_is_closing(fixture.transport));
    do_close();
}

static void
nothing_is_received_after_close(void **state)
{
    (void)state;
    fixture.lingers = true;
    begin(&user_ops);
    do_close();
    receive("late");
    ouro_transport_received_eof(fixture.transport);
    ouro_transport_ended(fixture.transport);
    turn();

    assert_string_equal(fixture.calls, "ML");
}

static void
receive_after_eof(void *arg)
{
    (void)arg;
    fixture.keep_open = true;
    begin(&user_ops);
    ouro_transport_received_eof(fixture.transport);
    receive("against the order");
}

static void
begin_twice(void *arg)
{
    (void)arg;
    begin(&user_ops);
    ouro_transport_begin(fixture.transport, NULL);
}

static void
end_twice(void *arg)
{
    (void)arg;
    begin(&user_ops);
    ouro_transport_ended(fixture.transport);
    ouro_transport_ended(fixture.transport);
}

static void
discard_late(void *arg)
{
    (void)arg;
    begin(&user_ops);
    ouro_transport_discard(fixture.transport);
}

static void
a_transport_that_breaks_the_order_is_stopped(void **state)
{
    (void)state;
    assert_callback_stops(receive_after_eof, NULL, "promised order");
    assert_callback_stops(begin_twice, NULL, "promised order");
    assert_callback_stops(end_twice, NULL, "a transport ends once");
    assert_callback_stops(discard_late, NULL, "has not begun");
}

/* A35 of the list of behaviours. */
static void
to_pause_twice_is_to_pause_once(void **state)
{
    (void)state;
    begin(&user_ops);
    do_pause();
    do_pause();
    assert_false(ouro_transport_is_reading(fixture.transport));
    ouro_transport_resume_reading(fixture.transport);
    ouro_transport_resume_reading(fixture.transport);
    assert_true(ouro_transport_is_reading(fixture.transport));

    assert_string_equal(fixture.orders, "spr");
    do_abort();
}

static void
a_paused_protocol_is_told_of_no_bytes(void **state)
{
    const struct ouro_slice data = OURO_BYTES("abc");

    (void)state;
    begin(&user_ops);
    do_pause();

    assert_int_equal(ouro_transport_received(fixture.transport, data), 0);
    assert_string_equal(fixture.calls, "M");
    do_abort();
}

/* Protocols with a buffer of their own. */

static void
bytes_go_into_a_protocols_own_buffer_as_far_as_it_goes(void **state)
{
    (void)state;
    fixture.room = 3;
    begin(&buffered_ops);
    receive("abcdefgh");

    assert_string_equal(fixture.calls, "MBUBUBU");
    assert_string_equal(fixture.data, "abcdefgh");
    do_abort();
}

/* A84 of the list of behaviours, as are the next four. */
static void
an_empty_buffer_ends_the_connection(void **state)
{
    (void)state;
    fixture.room = 0;
    begin(&buffered_ops);
    receive("abc");
    turn();

    assert_string_equal(fixture.calls, "MBL");
    assert_err(fixture.reason, ENOBUFS);
}

static void
a_pause_in_get_buffer_holds_the_bytes_back(void **state)
{
    const struct ouro_slice data = OURO_BYTES("abc");

    (void)state;
    fixture.on_buffer = do_pause;
    begin(&buffered_ops);
    size_t taken = ouro_transport_received(fixture.transport, data);

    assert_int_equal(taken, 0);
    assert_string_equal(fixture.calls, "MB");
    do_abort();
}

static void
a_pause_in_buffer_updated_holds_the_rest_back(void **state)
{
    const struct ouro_slice data = OURO_BYTES("abc");

    (void)state;
    fixture.on_data = do_pause;
    fixture.room = 2;
    begin(&buffered_ops);
    size_t taken = ouro_transport_received(fixture.transport, data);

    assert_int_equal(taken, 2);
    assert_string_equal(fixture.calls, "MBU");
    do_abort();
}

/* The buffer was the old protocol's, which is gone when get_buffer returns. */
static void
a_new_protocol_in_get_buffer_gets_the_bytes(void **state)
{
    (void)state;
    fixture.on_buffer = do_set_protocol;
    begin(&buffered_ops);
    receive("abc");

    assert_string_equal(fixture.calls, "MBd");
    assert_string_equal(fixture.data, "abc");
    do_abort();
}

static void
an_abort_in_get_buffer_takes_nothing(void **state)
{
    (void)state;
    fixture.on_buffer = do_abort;
    begin(&buffered_ops);
    receive("abc");
    turn();

    assert_string_equal(fixture.calls, "MBL");
    assert_err(fixture.reason, ECONNABORTED);
}

/* Another protocol. */

static void
a_new_protocol_hears_of_everything_from_the_next_call_on(void **state)
{
    (void)state;
    begin(&user_ops);
    receive("1");
    do_set_protocol();
    receive("2");
    do_close();
    turn();

    assert_string_equal(fixture.calls, "MDdl");
    assert_string_equal(fixture.data, "12");
}

static void
a_protocol_may_be_replaced_inside_its_own_call(void **state)
{
    (void)state;
    fixture.on_data = do_set_protocol;
    begin(&user_ops);
    receive("1");
    receive("2");
    do_close();
    turn();

    assert_string_equal(fixture.calls, "MDdl");
}

static void
set_protocol_when_lost(void)
{
    struct ouro_protocol *next;
    int rc = ouro_transport_set_protocol(fixture.transport, &next_ops, &next);

    note(fixture.calls, rc == -ENOTCONN ? '!' : '?');
}

static void
a_lost_connection_gets_no_new_protocol(void **state)
{
    (void)state;
    fixture.on_lost = set_protocol_when_lost;
    begin(&user_ops);
    do_abort();
    set_protocol_when_lost();
    turn();

    assert_string_equal(fixture.calls, "M!L!");
}

static void
without_memory_the_protocol_stays(void **state)
{
    struct ouro_protocol *next;

    (void)state;
    begin(&user_ops);
    fail_allocation(1);
    int rc = ouro_transport_set_protocol(fixture.transport, &next_ops, &next);
    fail_allocation(0);
    receive("1");

    assert_err(rc, ENOMEM);
    assert_string_equal(fixture.calls, "MD");
    do_abort();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(to_begin_calls_connection_made_and_then_starts),
        TEST(all_calls_but_one_may_be_missing),
        TEST(a_table_that_lacks_what_it_must_have_is_refused),
        TEST(one_that_has_not_begun_is_thrown_away_without_a_word),
        TEST(a_refusal_is_followed_by_connection_lost_and_nothing_else),
        TEST(to_write_and_close_in_connection_made_never_starts),
        TEST(connection_lost_comes_from_the_loop_after_close),
        TEST(abort_may_follow_close),
        TEST(each_end_is_asked_for_once),
        TEST(the_first_reason_is_kept),
        TEST(a_close_that_takes_too_long_becomes_an_abort),
        TEST(the_close_timeout_is_an_option),
        TEST(no_deadline_outlives_a_connection_that_ended_in_time),
        TEST(bytes_and_the_end_are_told_as_they_come),
        TEST(the_end_leaves_it_open_if_the_protocol_says_so),
        TEST(nothing_is_received_after_close),
        TEST(a_transport_that_breaks_the_order_is_stopped),
        TEST(to_pause_twice_is_to_pause_once),
        TEST(a_paused_protocol_is_told_of_no_bytes),
        TEST(bytes_go_into_a_protocols_own_buffer_as_far_as_it_goes),
        TEST(an_empty_buffer_ends_the_connection),
        TEST(a_pause_in_get_buffer_holds_the_bytes_back),
        TEST(a_pause_in_buffer_updated_holds_the_rest_back),
        TEST(a_new_protocol_in_get_buffer_gets_the_bytes),
        TEST(an_abort_in_get_buffer_takes_nothing),
        TEST(a_new_protocol_hears_of_everything_from_the_next_call_on),
        TEST(a_protocol_may_be_replaced_inside_its_own_call),
        TEST(a_lost_connection_gets_no_new_protocol),
        TEST(without_memory_the_protocol_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
