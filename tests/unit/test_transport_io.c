/* SPDX-License-Identifier: MIT */
/* What a transport asks its base about reading: who writes one needs it.  See
 * include/ouro/transport_impl.h. */
#include "base_fixture.h"

static const struct ouro_protocol_ops buffered_ops = {
    .size = sizeof(struct user),
    .connection_made = user_made,
    .get_buffer = user_get_buffer,
    .buffer_updated = user_updated,
    .connection_lost = user_lost,
};

/* Whose the buffer is. */

static void
a_protocol_is_buffered_by_its_table(void **state)
{
    (void)state;
    begin(&buffered_ops);
    assert_true(ouro_transport_is_buffered(fixture.transport));

    do_set_protocol();
    assert_false(ouro_transport_is_buffered(fixture.transport));
    do_abort();
}

static void
the_room_is_the_protocols_and_it_hears_what_is_in_it(void **state)
{
    (void)state;
    begin(&buffered_ops);
    struct ouro_span room = ouro_transport_get_buffer(fixture.transport, 3);
    assert_ptr_equal(room.data, user_of(fixture.transport->protocol)->room);
    assert_int_equal(room.size, 8);
    assert_string_equal(fixture.calls, "MB");

    memcpy(room.data, "abcdef", 6);
    ouro_transport_buffer_updated(fixture.transport, 3);
    assert_string_equal(fixture.calls, "MBU");
    assert_string_equal(fixture.data, "abc");
    do_abort();
}

/* There is no place for what has come. */
static void
without_room_there_is_none_and_the_connection_ends(void **state)
{
    (void)state;
    fixture.room = 0;
    begin(&buffered_ops);
    assert_int_equal(ouro_transport_get_buffer(fixture.transport, 3).size, 0);
    turn();

    assert_string_equal(fixture.calls, "MBL");
    assert_err(fixture.reason, ENOBUFS);
}

/* It is another's, or may not be filled now. */
static void
what_happens_in_get_buffer_may_take_the_room_away(void **state)
{
    action_fn *const actions[] = {do_pause, do_set_protocol, do_close};

    for (size_t i = 0; i < 3; i++) {
        fixture.on_buffer = actions[i];
        begin(&buffered_ops);
        struct ouro_span room = ouro_transport_get_buffer(fixture.transport, 3);

        assert_null(room.data);
        assert_int_equal(room.size, 0);
        do_abort();
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

/* Whether bytes are wanted. */

static void
data_are_wanted_unless_reading_is_paused(void **state)
{
    (void)state;
    begin(&user_ops);
    assert_true(ouro_transport_wants_data(fixture.transport));
    do_pause();
    assert_false(ouro_transport_wants_data(fixture.transport));
    ouro_transport_resume_reading(fixture.transport);
    assert_true(ouro_transport_wants_data(fixture.transport));

    do_abort();
}

static void
none_are_wanted_before_the_beginning_nor_after_a_close(void **state)
{
    (void)state;
    fixture.lingers = true;
    make(&user_ops);
    assert_false(ouro_transport_wants_data(fixture.transport));
    ouro_transport_begin(fixture.transport, &fixture);
    do_close();

    assert_false(ouro_transport_wants_data(fixture.transport));
    ouro_transport_ended(fixture.transport);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_protocol_is_buffered_by_its_table),
        TEST(the_room_is_the_protocols_and_it_hears_what_is_in_it),
        TEST(without_room_there_is_none_and_the_connection_ends),
        TEST(what_happens_in_get_buffer_may_take_the_room_away),
        TEST(data_are_wanted_unless_reading_is_paused),
        TEST(none_are_wanted_before_the_beginning_nor_after_a_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
