/* SPDX-License-Identifier: MIT */
/* How bytes come in, whichever way: each test by ring and by poll. */
#include "inlet_fixture.h"

static void
bytes_come_in_order_and_then_the_end(struct fixture *f)
{
    send_size(f, 3);
    settle(f);
    send_size(f, 40000);
    sim_close_end(f->loop, &f->peer);
    settle(f);

    assert_all_came(f);
    assert_int_equal(f->end, 0);
    assert_true(ouro__inlet_is_at_end(&f->inlet));
}

/* A12 of the list of behaviours. */
static void
bytes_before_a_reset_come_before_its_error(struct fixture *f)
{
    send_size(f, 5);
    sim_reset_end(f->loop, &f->peer);
    settle(f);

    assert_all_came(f);
    assert_err(f->end, ECONNRESET);
}

/* A35 of the list of behaviours, as are those that pause. */
static void
while_paused_nothing_comes_and_then_all_of_it(struct fixture *f)
{
    settle(f);
    pause_it(f);
    for (int i = 0; i < 3; i++) {
        send_size(f, 1000);
        settle(f);
    }
    sim_close_end(f->loop, &f->peer);
    settle(f);
    assert_int_equal(f->calls, 0);
    assert_int_equal(f->end, UNSEEN);
    ouro__inlet_resume(&f->inlet);
    assert_int_equal(f->calls, 0); /* not inside the call */
    settle(f);

    assert_all_came(f);
    assert_int_equal(f->end, 0);
}

static void
a_pause_before_the_start_holds(struct fixture *f)
{
    ouro__inlet_stop(&f->inlet);
    settle(f);
    ouro__inlet_init(&f->inlet, f->inlet.pool, f->fd, f->inlet.by_poll, &ops);
    pause_it(f);
    ouro__inlet_start(&f->inlet);
    send_size(f, 10);
    settle(f);
    assert_int_equal(f->calls, 0);
    assert_false(f->inlet.op.in_flight);
    ouro__inlet_resume(&f->inlet);
    settle(f);

    assert_all_came(f);
}

static void
a_pause_among_bytes_keeps_the_rest(struct fixture *f)
{
    f->on_received = pause_it;
    send_size(f, 50000);
    sim_close_end(f->loop, &f->peer);
    settle(f);
    assert_int_equal(f->calls, 1);
    while (f->end == UNSEEN) {
        ouro__inlet_resume(&f->inlet);
        settle(f);
    }

    assert_all_came(f);
    assert_int_equal(f->end, 0);
}

static void
what_is_not_taken_comes_again(struct fixture *f)
{
    f->takes = 1000;
    f->on_received = pause_it;
    send_size(f, 4500);
    settle(f);
    assert_int_equal(f->got_size, 1000);
    for (int i = 0; i < 4; i++) {
        ouro__inlet_resume(&f->inlet);
        settle(f);
    }

    assert_all_came(f);
    assert_int_equal(f->calls, 5);
}

static void
a_reset_while_paused_is_told_after_what_came(struct fixture *f)
{
    settle(f);
    pause_it(f);
    send_size(f, 100);
    settle(f);
    sim_reset_end(f->loop, &f->peer);
    settle(f);
    assert_int_equal(f->end, UNSEEN);
    ouro__inlet_resume(&f->inlet);
    settle(f);

    assert_all_came(f);
    assert_err(f->end, ECONNRESET);
}

static void
a_stop_among_bytes_is_the_last_call(struct fixture *f)
{
    f->on_received = stop_it;
    send_size(f, 50000);
    sim_close_end(f->loop, &f->peer);
    settle(f);

    assert_int_equal(f->calls, 1);
    assert_int_equal(f->end, UNSEEN);
    assert_true(ouro__inlet_is_idle(&f->inlet));
}

static void
a_stop_of_what_waits_says_when_it_has(struct fixture *f)
{
    settle(f);
    stop_it(f);
    assert_false(ouro__inlet_is_idle(&f->inlet));
    assert_false(f->has_stopped);
    settle(f);

    assert_true(ouro__inlet_is_idle(&f->inlet));
    assert_true(f->has_stopped);
}

static void
a_stop_drops_what_was_kept(struct fixture *f)
{
    struct ouro_loop_stats stats;

    settle(f);
    pause_it(f);
    send_size(f, 100);
    settle(f);
    stop_it(f);
    ouro__inlet_resume(&f->inlet);
    settle(f);
    ouro_loop_get_stats(f->loop, &stats);

    assert_int_equal(f->calls, 0);
    assert_int_equal(stats.buffers, 0);
}

static void
a_stop_at_the_end_is_in_order(struct fixture *f)
{
    f->on_end = stop_it;
    sim_close_end(f->loop, &f->peer);
    settle(f);

    assert_int_equal(f->end, 0);
    assert_true(ouro__inlet_is_idle(&f->inlet));
}

static void
after_the_end_nothing_is_asked_of_the_socket(struct fixture *f)
{
    f->has_room = f->inlet.by_poll;
    sim_finish(f->loop, f->peer);
    settle(f);
    unsigned asked = f->asked;
    sim_finish(f->loop, f->fd); /* a poll says that both are at the end */
    settle(f);
    sim_close_end(f->loop, &f->peer);
    settle(f);

    assert_int_equal(f->end, 0);
    assert_int_equal(f->asked, asked);
}

static void
resume_at_once(struct fixture *f)
{
    ouro__inlet_pause(&f->inlet);
    ouro__inlet_resume(&f->inlet);
}

static void
a_pause_and_a_resume_in_one_call_change_nothing(struct fixture *f)
{
    f->on_received = resume_at_once;
    for (int i = 0; i < 5; i++) {
        send_size(f, 20000);
        settle(f);
    }

    assert_all_came(f);
    assert_true(is_armed(f));
}

#define BOTH_WAYS(name)                      \
    static void by_ring_##name(void **state) \
    {                                        \
        begin(*state, OURO_RECEIVE_RING);    \
        name(*state);                        \
    }                                        \
    static void by_poll_##name(void **state) \
    {                                        \
        begin(*state, OURO_RECEIVE_POLL);    \
        name(*state);                        \
    }

BOTH_WAYS(bytes_come_in_order_and_then_the_end)
BOTH_WAYS(bytes_before_a_reset_come_before_its_error)
BOTH_WAYS(while_paused_nothing_comes_and_then_all_of_it)
BOTH_WAYS(a_pause_before_the_start_holds)
BOTH_WAYS(a_pause_among_bytes_keeps_the_rest)
BOTH_WAYS(what_is_not_taken_comes_again)
BOTH_WAYS(a_reset_while_paused_is_told_after_what_came)
BOTH_WAYS(a_stop_among_bytes_is_the_last_call)
BOTH_WAYS(a_stop_of_what_waits_says_when_it_has)
BOTH_WAYS(a_stop_drops_what_was_kept)
BOTH_WAYS(a_stop_at_the_end_is_in_order)
BOTH_WAYS(after_the_end_nothing_is_asked_of_the_socket)
BOTH_WAYS(a_pause_and_a_resume_in_one_call_change_nothing)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(by_ring_bytes_come_in_order_and_then_the_end),
        TEST(by_poll_bytes_come_in_order_and_then_the_end),
        TEST(by_ring_bytes_before_a_reset_come_before_its_error),
        TEST(by_poll_bytes_before_a_reset_come_before_its_error),
        TEST(by_ring_while_paused_nothing_comes_and_then_all_of_it),
        TEST(by_poll_while_paused_nothing_comes_and_then_all_of_it),
        TEST(by_ring_a_pause_before_the_start_holds),
        TEST(by_poll_a_pause_before_the_start_holds),
        TEST(by_ring_a_pause_among_bytes_keeps_the_rest),
        TEST(by_poll_a_pause_among_bytes_keeps_the_rest),
        TEST(by_ring_what_is_not_taken_comes_again),
        TEST(by_poll_what_is_not_taken_comes_again),
        TEST(by_ring_a_reset_while_paused_is_told_after_what_came),
        TEST(by_poll_a_reset_while_paused_is_told_after_what_came),
        TEST(by_ring_a_stop_among_bytes_is_the_last_call),
        TEST(by_poll_a_stop_among_bytes_is_the_last_call),
        TEST(by_ring_a_stop_of_what_waits_says_when_it_has),
        TEST(by_poll_a_stop_of_what_waits_says_when_it_has),
        TEST(by_ring_a_stop_drops_what_was_kept),
        TEST(by_poll_a_stop_drops_what_was_kept),
        TEST(by_ring_a_stop_at_the_end_is_in_order),
        TEST(by_poll_a_stop_at_the_end_is_in_order),
        TEST(by_ring_after_the_end_nothing_is_asked_of_the_socket),
        TEST(by_poll_after_the_end_nothing_is_asked_of_the_socket),
        TEST(by_ring_a_pause_and_a_resume_in_one_call_change_nothing),
        TEST(by_poll_a_pause_and_a_resume_in_one_call_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
