/* SPDX-License-Identifier: MIT */
/* How bytes come in by ring, by poll, and from the one to the other. */
#include "inlet_fixture.h"

/* By ring. */

static void
a_short_pause_asks_nothing_of_the_engine(void **state)
{
    struct fixture *f = *state;

    begin(f, OURO_RECEIVE_RING);
    settle(f);
    pause_it(f);
    settle(f);
    assert_true(is_armed(f));
    ouro__inlet_resume(&f->inlet);
    settle(f);
    f->on_received = pause_it;
    send_size(f, 10);
    settle(f);

    assert_true(f->inlet.paused);
    assert_true(is_armed(f));
}

static void
bytes_that_come_into_a_pause_end_the_receive(void **state)
{
    struct fixture *f = *state;

    begin(f, OURO_RECEIVE_RING);
    settle(f);
    pause_it(f);
    send_size(f, 10);
    settle(f);
    assert_false(f->inlet.op.in_flight);
    ouro__inlet_resume(&f->inlet);
    settle(f);

    assert_all_came(f);
    assert_true(is_armed(f));
}

static void
bulk_goes_over_to_the_poll(void **state)
{
    struct fixture *f = *state;

    begin(f, OURO_RECEIVE_AUTO);
    send_size(f, 4 * FULL);
    settle(f);
    assert_true(f->inlet.by_poll);
    for (int i = 0; i < 3; i++) {
        send_size(f, 30000);
        settle(f);
    }

    assert_all_came(f);
    assert_int_equal(f->inlet.op.kind, OURO__OP_POLL);
}

static void
small_pieces_stay_with_the_ring(void **state)
{
    struct fixture *f = *state;

    begin(f, OURO_RECEIVE_AUTO);
    for (int i = 0; i < 20; i++) {
        send_size(f, 100);
        settle(f);
    }

    assert_all_came(f);
    assert_int_equal(f->inlet.op.kind, OURO__OP_RECV);
}

static void
whoever_asks_for_the_ring_keeps_it(void **state)
{
    struct fixture *f = *state;

    begin(f, OURO_RECEIVE_RING);
    for (int i = 0; i < 2; i++) {
        send_size(f, 4 * FULL);
        settle(f);
    }

    assert_all_came(f);
    assert_int_equal(f->inlet.op.kind, OURO__OP_RECV);
}

/* In each of the next turns more is sent, just before the inlet goes on. */
static void
send_more_and_resume(void *arg)
{
    struct fixture *f = arg;

    send_size(f, 100);
    if (f->sent_size < 4 * FULL + 500)
        ouro_call_soon(f->loop, &f->soon, send_more_and_resume, f);
    ouro__inlet_resume(&f->inlet);
}

static void
pause_for_a_turn_after_four(struct fixture *f)
{
    if (f->calls != 4)
        return;
    pause_it(f);
    send_more_and_resume(f);
}

/* Its cancel loses the race, and the receive still brings bytes, while the
 * inlet could read the socket already. */
static void
nobody_overtakes_a_receive_that_is_ending(void **state)
{
    const struct ouro_sim_options options = {.late_cancel_percent = 100};
    struct fixture *f = *state;

    make(f, &options);
    ouro__inlet_start(&f->inlet);
    f->on_received = pause_for_a_turn_after_four;
    send_size(f, 4 * FULL);
    settle(f);

    assert_all_came(f);
}

static void
reset_after_four(struct fixture *f)
{
    if (f->calls == 4)
        sim_reset_end(f->loop, &f->peer);
}

/* The socket tells its error once: spec of io_uring, 3.7. */
static void
an_error_told_to_a_receive_that_is_ending_is_kept(void **state)
{
    const struct ouro_sim_options options = {.late_cancel_percent = 100};
    struct fixture *f = *state;

    make(f, &options);
    ouro__inlet_start(&f->inlet);
    f->on_received = reset_after_four;
    send_size(f, 4 * FULL);
    settle(f);

    assert_all_came(f);
    assert_err(f->end, ECONNRESET);
}

/* Spec of io_uring, 3.4. */
static void
without_buffers_the_bytes_are_read_all_the_same(void **state)
{
    const struct ouro_sim_options options = {.no_buffer_percent = 100};
    struct fixture *f = *state;

    make(f, &options);
    ouro__inlet_start(&f->inlet);
    for (int i = 0; i < 5; i++) {
        send_size(f, 10000);
        settle(f);
    }
    sim_close_end(f->loop, &f->peer);
    settle(f);

    assert_all_came(f);
    assert_int_equal(f->end, 0);
}

static void
no_memory_to_keep_bytes_ends_it_without_a_gap(void **state)
{
    struct fixture *f = *state;

    begin(f, OURO_RECEIVE_RING);
    settle(f);
    pause_it(f);
    send_size(f, 100);
    fail_allocation(1);
    settle(f);
    fail_allocation(0);
    send_size(f, 100);
    settle(f);
    ouro__inlet_resume(&f->inlet);
    settle(f);

    assert_err(f->end, ENOMEM);
    assert_int_equal(f->got_size, 0);
}

static void
pause_without_memory(struct fixture *f)
{
    if (f->calls == 1) {
        f->takes = 10;
        fail_allocation(1);
    }
}

static void
bytes_behind_a_gap_are_never_delivered(void **state)
{
    struct fixture *f = *state;

    begin(f, OURO_RECEIVE_RING);
    f->takes = 100;
    f->on_received = pause_without_memory;
    send_size(f, 3 * FULL);
    settle(f);
    fail_allocation(0);

    assert_int_equal(f->calls, 1);
    assert_int_equal(f->got_size, 100);
    assert_err(f->end, ENOMEM);
}

/* By poll. */

static void
begin_with_room(struct fixture *f)
{
    begin(f, OURO_RECEIVE_POLL);
    f->has_room = true;
}

/* A84 of the list of behaviours, as are those with room. */
static void
bytes_go_where_the_owner_says(void **state)
{
    struct fixture *f = *state;

    begin_with_room(f);
    send_size(f, 1000);
    sim_close_end(f->loop, &f->peer);
    settle(f);

    assert_all_came(f);
    assert_int_equal(f->calls, (1000 + 63) / 64);
    assert_int_equal(f->end, 0);
}

static void
pause_when_asked_first(struct fixture *f)
{
    if (f->asked != 1)
        return;
    f->no_room = true;
    pause_it(f);
}

static void
a_pause_when_asked_for_room_forgets_no_bytes(void **state)
{
    struct fixture *f = *state;

    begin_with_room(f);
    f->on_asked = pause_when_asked_first;
    send_size(f, 100);
    settle(f);
    assert_int_equal(f->calls, 0);
    ouro__inlet_resume(&f->inlet);
    settle(f);

    assert_all_came(f);
}

static void
change_of_kind_when_asked(struct fixture *f)
{
    f->no_room = true;
    f->has_room = false;
}

static void
who_no_longer_has_room_gets_what_is_there(void **state)
{
    struct fixture *f = *state;

    begin_with_room(f);
    f->on_asked = change_of_kind_when_asked;
    send_size(f, 100);
    settle(f);

    assert_all_came(f);
    assert_int_equal(f->asked, 1);
}

static void
stop_when_asked(struct fixture *f)
{
    f->no_room = true;
    stop_it(f);
}

static void
a_stop_when_asked_for_room_reads_nothing(void **state)
{
    struct fixture *f = *state;

    begin_with_room(f);
    f->on_asked = stop_when_asked;
    send_size(f, 100);
    settle(f);

    assert_int_equal(f->calls, 0);
    assert_true(ouro__inlet_is_idle(&f->inlet));
}

static void
send_again(struct fixture *f)
{
    f->sent_size = 0;
    send_size(f, 60000);
    f->got_size = 0;
    if (f->calls > 1000)
        stop_it(f);
}

static void
a_flood_lets_others_have_their_turn(void **state)
{
    struct fixture *f = *state;

    begin(f, OURO_RECEIVE_POLL);
    f->on_received = send_again;
    send_size(f, 60000);
    ouro_sim_turn(f->sim);

    assert_in_range(f->calls, 1, 16);
    stop_it(f);
    settle(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_short_pause_asks_nothing_of_the_engine),
        TEST(bytes_that_come_into_a_pause_end_the_receive),
        TEST(bulk_goes_over_to_the_poll),
        TEST(small_pieces_stay_with_the_ring),
        TEST(whoever_asks_for_the_ring_keeps_it),
        TEST(nobody_overtakes_a_receive_that_is_ending),
        TEST(an_error_told_to_a_receive_that_is_ending_is_kept),
        TEST(without_buffers_the_bytes_are_read_all_the_same),
        TEST(no_memory_to_keep_bytes_ends_it_without_a_gap),
        TEST(bytes_behind_a_gap_are_never_delivered),
        TEST(bytes_go_where_the_owner_says),
        TEST(a_pause_when_asked_for_room_forgets_no_bytes),
        TEST(who_no_longer_has_room_gets_what_is_there),
        TEST(a_stop_when_asked_for_room_reads_nothing),
        TEST(a_flood_lets_others_have_their_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
