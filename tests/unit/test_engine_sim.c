/* SPDX-License-Identifier: MIT */
/* What the simulated engine promises: cancels, chance, time.  See src/engine.h,
 * and include/ouro/sim.h for what chance may do. */
#include "engine_sim_fixture.h"

/* Cancel. */

static void
a_cancelled_receive_leaves_the_data_in_the_socket(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);
    put(f, f->client, "hello");
    cancel(f, &receive);
    settle(f);

    assert_int_equal(receive.count, 1);
    assert_err(receive.results[0], ECANCELED);
    assert_int_equal(get(f, f->server, 10), 5);
}

static void
a_cancelled_accept_leaves_the_connection_in_the_backlog(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);
    start_connect(f, &f->connected, open_socket(f));
    cancel(f, &accept);
    settle(f);

    assert_err(accept.results[0], ECANCELED);
    assert_true(accept_somehow(f) >= 0);
}

static void
a_cancel_after_the_last_completion_was_queued_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct probe connect;

    listen_somewhere(f);
    start_connect(f, &connect, open_socket(f));
    f->engine->ops->wait(f->engine, 0);
    cancel(f, &connect);
    ouro__op_dispatch(f->engine);
    settle(f);

    assert_int_equal(connect.count, 1);
    assert_ok(connect.results[0]);
}

/* Seen with some seed: all that a late cancel may bring. */
static void
a_late_cancel_may_lose_the_race(void **state)
{
    struct fixture *f = *state;
    struct probe accept;
    bool canceled_first = false;
    bool accepted_and_canceled = false;
    bool accepted_only = false;

    for (uint64_t seed = 0; seed < 50; seed++) {
        renew(f, &calm);
        listen_somewhere(f);
        start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
        settle(f);
        let_happen(f, (struct ouro__sim_options){.late_cancel_percent = 50});
        f->sim->chance = seed;
        cancel(f, &accept);
        connect_somehow(f);
        settle(f);

        assert_true(accept.ended);
        bool accepted = accept.results[0] >= 0;
        canceled_first |= !accepted;
        accepted_and_canceled |= accepted && accept.count == 2;
        accepted_only |= accepted && accept.count == 1;
    }

    assert_true(canceled_first);
    assert_true(accepted_and_canceled);
    assert_true(accepted_only);
}

static void
a_late_cancel_comes_to_an_end_without_data(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    let_happen(f, (struct ouro__sim_options){.late_cancel_percent = 100});
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);
    cancel(f, &receive);
    turn(f);
    assert_false(receive.ended);

    settle(f);
    assert_int_equal(receive.count, 1);
    assert_err(receive.results[0], ECANCELED);
}

/* Chance. */

static void
without_chance_all_comes_in_the_turn_after_it_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct probe receive;
    struct probe accept;

    listen_somewhere(f);
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    start_connect(f, &f->connected, open_socket(f));
    turn(f);
    assert_true(f->connected.ended);
    turn(f);
    assert_int_equal(accept.count, 1);

    put(f, f->connected.op.fd, "x");
    start_op(f, &receive, OURO__OP_RECV, accept.results[0]);
    turn(f);
    assert_int_equal(receive.count, 1);
    cancel(f, &receive);
    cancel(f, &accept);
    turn(f);
    assert_true(receive.ended);
    assert_true(accept.ended);
}

static void
what_is_late_comes_some_turns_later(void **state)
{
    struct fixture *f = *state;
    struct probe poll;
    uint32_t longest = 0;

    make_pair(f);
    put(f, f->client, "x");
    let_happen(f, (struct ouro__sim_options){.late_percent = 100});
    for (int i = 0; i < 100; i++) {
        uint32_t now = f->sim->turn;

        start_poll(f, &poll, f->server, POLLIN, false);
        settle(f);
        assert_true(poll.ended);
        assert_in_range(poll.last_turn - now, 1, 5);
        if (poll.last_turn - now > longest)
            longest = poll.last_turn - now;
    }

    assert_int_equal(longest, 3);
}

/* The bytes have left, and may have been answered, before that is told. */
static void
a_send_may_be_told_after_its_bytes_were_received(void **state)
{
    struct fixture *f = *state;
    struct iovec vector = {f->bytes[0], 5};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct probe send;
    bool seen = false;

    make_pair(f);
    let_happen(f, (struct ouro__sim_options){.late_percent = 50});
    for (int i = 0; i < 50; i++) {
        start_send(f, &send, &message, f->client);
        while (get(f, f->server, 10) == -EAGAIN)
            turn(f);
        seen |= !send.ended;
        cancel(f, &send);
        settle(f);
        assert_int_equal(send.results[0], 5);
    }

    assert_true(seen);
}

static void
completions_may_overtake_those_of_others(void **state)
{
    struct fixture *f = *state;
    struct probe polls[8];
    bool overtaken = false;

    make_pair(f);
    put(f, f->client, "x");
    let_happen(f, (struct ouro__sim_options){.reorder_percent = 50});
    for (size_t i = 0; i < 8; i++)
        start_poll(f, &polls[i], f->server, POLLIN, false);
    settle(f);

    for (size_t i = 1; i < 8; i++)
        overtaken |= polls[i].order < polls[i - 1].order;
    assert_true(overtaken);
}

static void
without_reordering_none_overtakes(void **state)
{
    struct fixture *f = *state;
    struct probe polls[8];

    make_pair(f);
    put(f, f->client, "x");
    for (size_t i = 0; i < 8; i++)
        start_poll(f, &polls[i], f->server, POLLIN, false);
    settle(f);

    for (size_t i = 1; i < 8; i++)
        assert_true(polls[i - 1].order < polls[i].order);
}

static void
short_reads_and_writes_move_something(void **state)
{
    struct fixture *f = *state;
    bool shorter = false;

    make_pair(f);
    let_happen(f, (struct ouro__sim_options){.short_io_percent = 50});
    for (int i = 0; i < 50; i++) {
        ssize_t sent = send_now(f, f->client, "0123456789", 10);
        ssize_t got = get(f, f->server, 10);

        assert_in_range(sent, 1, 10);
        assert_in_range(got, 1, sent);
        shorter |= sent < 10 || got < sent;
        while (get(f, f->server, 10) > 0)
            continue;
    }

    assert_true(shorter);
}

static void
a_multishot_may_end_early_with_a_result(void **state)
{
    struct fixture *f = *state;
    struct probe receive;
    bool seen = false;

    make_pair(f);
    let_happen(f, (struct ouro__sim_options){.short_io_percent = 100});
    for (int i = 0; i < 50 && !seen; i++) {
        start_op(f, &receive, OURO__OP_RECV, f->server);
        assert_true(send_now(f, f->client, "hello", 5) > 0);
        settle(f);
        seen = receive.ended && receive.results[receive.count - 1] > 0;
        cancel(f, &receive);
        settle(f);
    }

    assert_true(seen);
}

/* Many. */

static void
a_thousand_connections_are_served_in_turn(void **state)
{
    struct fixture *f = *state;
    static struct probe receives[1000];
    static int clients[1000];

    listen_somewhere(f);
    for (size_t i = 0; i < 1000; i++) {
        clients[i] = connect_somehow(f);
        start_op(f, &receives[i], OURO__OP_RECV, accept_somehow(f));
    }
    settle(f);
    for (int round = 0; round < 400; round++) {
        for (size_t i = 0; i < 1000; i++) {
            if (receives[i].ended)
                submit(f, &receives[i]);
        }
        if (round < 10) {
            for (size_t i = 0; i < 1000; i++)
                put(f, clients[i], "x");
        }
        turn(f);
    }

    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(receives[i].size, 10);
        cancel(f, &receives[i]);
    }
    settle(f);
}

/* More than a batch holds, all ready at once. */
static void
a_wait_brings_no_more_than_there_is_room_for(void **state)
{
    struct fixture *f = *state;
    static struct probe polls[OURO__BATCH + 44];

    for (size_t i = 0; i < OURO__BATCH + 44; i++)
        start_poll(f, &polls[i], open_socket(f), POLLOUT, false);

    f->engine->ops->wait(f->engine, 0);
    assert_int_equal(f->engine->count, OURO__BATCH);
    assert_true(ouro__sim_has_work(f->sim));
    ouro__op_dispatch(f->engine);
    turn(f);
    assert_int_equal(f->engine->in_flight, 0);
}

/* Time. */

static void
time_stands_while_it_may_not_pass(void **state)
{
    struct fixture *f = *state;
    int64_t start_ns = f->engine->ops->now_ns(f->engine);

    assert_true(start_ns > 0);
    f->engine->ops->wait(f->engine, 0);
    f->engine->ops->wait(f->engine, start_ns);

    assert_int_equal(f->engine->ops->now_ns(f->engine), start_ns);
}

static void
a_wait_with_nothing_to_do_lets_the_time_pass(void **state)
{
    struct fixture *f = *state;
    int64_t start_ns = f->engine->ops->now_ns(f->engine);

    f->engine->ops->wait(f->engine, start_ns + 5);

    assert_int_equal(f->engine->ops->now_ns(f->engine), start_ns + 5);
}

static void
a_wait_for_ever_ends_with_the_next_event_or_at_once(void **state)
{
    struct fixture *f = *state;
    struct probe connect;
    int64_t start_ns = f->sim->now_ns;

    f->engine->ops->wait(f->engine, OURO_FOREVER);
    assert_int_equal(f->sim->now_ns, start_ns);

    listen_somewhere(f);
    assert_ok(ouro__sim_set_route(&f->sim->names, "127.0.0.1", 77, 0));
    start_connect(f, &connect, open_socket(f));
    turn(f);
    f->engine->ops->wait(f->engine, OURO_FOREVER);
    ouro__op_dispatch(f->engine);
    assert_int_equal(f->sim->now_ns, start_ns + 77);
    assert_ok(connect.results[0]);
}

/* Breaches. */

static void
an_operation_on_nobody_is_refused(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    start_op(f, &receive, OURO__OP_RECV, 3);
    settle(f);

    assert_err(receive.results[0], EBADF);
}

static void
socket_calls_on_nobody_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct ouro__socket_ops *sockets = f->engine->sockets;
    struct ouro_address address;
    char byte = 0;
    struct iovec vector = {&byte, 1};

    assert_ok(ouro_address_parse(&address, "127.0.0.1", 0));
    assert_err(sockets->set_option(f->engine, 3, OURO__SOCKET_NO_DELAY, 1),
               EBADF);
    assert_err(sockets->bind(f->engine, 3, &address), EBADF);
    assert_err(sockets->listen(f->engine, 3, 1), EBADF);
    assert_err(sockets->send(f->engine, 3, &vector, 1), EBADF);
    assert_err(sockets->recv(f->engine, 3, &byte, 1), EBADF);
    assert_err(sockets->shutdown_write(f->engine, 3), EBADF);
    assert_err(sockets->local_address(f->engine, 3, &address), EBADF);
    assert_err(sockets->peer_address(f->engine, 3, &address), EBADF);
}

static void
close_under_an_operation(void *arg)
{
    struct fixture *f = arg;
    struct probe receive;

    make_pair(f);
    start_op(f, &receive, OURO__OP_RECV, f->server);
    close_socket(f, f->server);
}

static void
to_close_a_descriptor_that_an_operation_names_stops_the_program(void **state)
{
    assert_callback_stops(close_under_an_operation, *state,
                          "when no operation names it");
}

static void
close_twice(void *arg)
{
    struct fixture *f = arg;
    int fd = open_socket(f);

    close_socket(f, fd);
    close_socket(f, fd);
}

static void
to_close_a_descriptor_twice_stops_the_program(void **state)
{
    assert_callback_stops(close_twice, *state, "that is closed is open");
}

/* What memory can refuse. */

static int
make_an_engine(void *arg)
{
    struct ouro__sim_engine *sim;

    int rc = ouro__engine_sim_new(&sim, arg);
    if (rc < 0)
        return rc;
    rc = ouro__sim_add_name(&sim->names, "host", "10.0.0.1,::1", 0, 0);
    if (rc == 0)
        rc = ouro__sim_set_route(&sim->names, "10.0.0.1", 0, 0);
    sim->base.ops->free(&sim->base);
    return rc;
}

static void
without_memory_there_is_no_engine(void **state)
{
    struct ouro__sim_options options = calm;

    (void)state;
    for_each_allocation_failure(make_an_engine, &options);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cancelled_receive_leaves_the_data_in_the_socket),
        TEST(a_cancelled_accept_leaves_the_connection_in_the_backlog),
        TEST(a_cancel_after_the_last_completion_was_queued_changes_nothing),
        TEST(a_late_cancel_may_lose_the_race),
        TEST(a_late_cancel_comes_to_an_end_without_data),
        TEST(without_chance_all_comes_in_the_turn_after_it_was_asked_for),
        TEST(what_is_late_comes_some_turns_later),
        TEST(a_send_may_be_told_after_its_bytes_were_received),
        TEST(completions_may_overtake_those_of_others),
        TEST(without_reordering_none_overtakes),
        TEST(short_reads_and_writes_move_something),
        TEST(a_multishot_may_end_early_with_a_result),
        TEST(a_thousand_connections_are_served_in_turn),
        TEST(a_wait_brings_no_more_than_there_is_room_for),
        TEST(time_stands_while_it_may_not_pass),
        TEST(a_wait_with_nothing_to_do_lets_the_time_pass),
        TEST(a_wait_for_ever_ends_with_the_next_event_or_at_once),
        TEST(an_operation_on_nobody_is_refused),
        TEST(socket_calls_on_nobody_are_refused),
        TEST(to_close_a_descriptor_that_an_operation_names_stops_the_program),
        TEST(to_close_a_descriptor_twice_stops_the_program),
        TEST(without_memory_there_is_no_engine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
