/* SPDX-License-Identifier: MIT */
/* What the simulated operations promise.  See src/op.h; each way to end is one
 * that the kernel has shown. */
#include "engine_sim_fixture.h"

/* Accept. */

static void
an_accept_brings_one_connection_after_the_other(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);
    assert_int_equal(accept.count, 0);

    connect_somehow(f);
    connect_somehow(f);
    settle(f);
    assert_int_equal(accept.count, 2);
    assert_true(accept.results[0] >= OURO__SIM_FIRST_FD);
    assert_int_not_equal(accept.results[0], accept.results[1]);
    assert_false(accept.ended);
    cancel(f, &accept);
    settle(f);
}

static void
an_accept_without_a_free_descriptor_ends_though_nobody_comes(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    f->sim->net.limit = 1;
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);

    assert_true(accept.ended);
    assert_err(accept.results[0], EMFILE);
}

static void
an_accept_that_takes_the_last_descriptor_ends_at_once(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    connect_somehow(f);
    f->sim->net.limit = 3;
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);

    assert_int_equal(accept.count, 2);
    assert_true(accept.results[0] >= 0);
    assert_true(accept.ended);
    assert_err(accept.results[1], EMFILE);
}

static void
who_waits_while_there_is_no_descriptor_is_served_later(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    connect_somehow(f);
    f->sim->net.limit = 2;
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);
    assert_err(accept.results[0], EMFILE);

    f->sim->net.limit = SIZE_MAX;
    assert_true(accept_somehow(f) >= 0);
}

static void
a_connection_may_be_gone_before_the_accept(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    listen_somewhere(f);
    int client = connect_somehow(f);
    let_happen(f, (struct ouro__sim_options){.abort_accept_percent = 100});
    start_op(f, &accept, OURO__OP_ACCEPT, f->listener);
    settle(f);

    assert_true(accept.ended);
    assert_err(accept.results[0], ECONNABORTED);
    assert_err(get(f, client, 1), ECONNRESET);
}

static void
an_accept_needs_a_listener(void **state)
{
    struct fixture *f = *state;
    struct probe accept;

    start_op(f, &accept, OURO__OP_ACCEPT, open_socket(f));
    settle(f);

    assert_err(accept.results[0], EINVAL);
}

/* Receive. */

static void
a_receive_brings_data_as_they_come(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "one");
    start_op(f, &receive, OURO__OP_RECV, f->server);
    receive.bytes = f->bytes[0];
    settle(f);
    put(f, f->client, "two");
    settle(f);

    assert_int_equal(receive.count, 2);
    assert_false(receive.ended);
    assert_memory_equal(f->bytes[0], "onetwo", 6);
    cancel(f, &receive);
    settle(f);
}

static void
a_receive_ends_with_0_at_the_end(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "last");
    assert_ok(f->engine->sockets->shutdown_write(f->engine, f->client));
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);

    assert_int_equal(receive.count, 2);
    assert_int_equal(receive.results[0], 4);
    assert_int_equal(receive.results[1], 0);
    assert_true(receive.ended);
}

static void
a_reset_comes_after_the_data_before_it(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "hello");
    reset(f, f->client);
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);
    assert_int_equal(receive.count, 2);
    assert_int_equal(receive.results[0], 5);
    assert_err(receive.results[1], ECONNRESET);
    assert_true(receive.ended);

    submit(f, &receive);
    settle(f);
    assert_int_equal(receive.results[0], 0);
}

static void
a_reset_told_to_a_send_is_a_clean_end_for_the_receive(void **state)
{
    struct fixture *f = *state;
    struct iovec vector = {f->bytes[0], 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct probe send;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "hello");
    reset(f, f->client);
    start_send(f, &send, &message, f->server);
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);

    assert_err(send.results[0], ECONNRESET);
    assert_int_equal(receive.results[0], 5);
    assert_int_equal(receive.results[1], 0);
    assert_err(send_now(f, f->server, "x", 1), EPIPE);
}

static void
a_receive_that_finds_no_buffer_ends_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "hello");
    let_happen(f, (struct ouro__sim_options){.no_buffer_percent = 100});
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);
    assert_true(receive.ended);
    assert_err(receive.results[0], ENOBUFS);

    let_happen(f, calm);
    submit(f, &receive);
    settle(f);
    assert_int_equal(receive.results[0], 5);
    cancel(f, &receive);
    settle(f);
}

static void
an_idle_receive_needs_no_buffer(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    let_happen(f, (struct ouro__sim_options){.no_buffer_percent = 100});
    start_op(f, &receive, OURO__OP_RECV, f->server);
    settle(f);

    assert_int_equal(receive.count, 0);
    cancel(f, &receive);
    settle(f);
}

/* Each of six peers has sent, and there are four buffers. */
static void
there_are_as_many_buffers_as_the_memory_holds(void **state)
{
    struct fixture *f = *state;
    struct probe receives[6];
    int clients[6];
    size_t starved = 0;

    listen_somewhere(f);
    for (size_t i = 0; i < 6; i++) {
        clients[i] = connect_somehow(f);
        start_op(f, &receives[i], OURO__OP_RECV, accept_somehow(f));
    }
    for (size_t i = 0; i < 6; i++)
        put(f, clients[i], "hello");
    turn(f);
    for (size_t i = 0; i < 6; i++)
        starved += receives[i].ended && receives[i].results[0] == -ENOBUFS;
    assert_int_equal(starved, 2);

    for (size_t i = 0; i < 6; i++) {
        if (receives[i].ended)
            submit(f, &receives[i]);
    }
    settle(f);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(receives[i].size, 5);
        cancel(f, &receives[i]);
    }
    settle(f);
}

static void
a_buffer_may_be_read_only_while_it_is_lent(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    make_pair(f);
    put(f, f->client, "hello");
    start_op(f, &receive, OURO__OP_RECV, f->server);
    f->engine->ops->wait(f->engine, 0);
    const uint8_t *data = f->engine->batch[0].data;
    assert_memory_equal(data, "hello", 5);
    assert_true(IS_FORBIDDEN(data + 8));

    ouro__op_dispatch(f->engine);
    assert_true(IS_FORBIDDEN(data));
    cancel(f, &receive);
    settle(f);
}

static void
a_receive_on_what_is_not_connected_fails(void **state)
{
    struct fixture *f = *state;
    struct probe receive;

    start_op(f, &receive, OURO__OP_RECV, open_socket(f));
    settle(f);

    assert_err(receive.results[0], ENOTCONN);
}

/* Send. */

static void
a_send_takes_all_of_a_message_however_slow_the_reader(void **state)
{
    struct fixture *f = *state;
    struct iovec vectors[] = {{f->bytes[0], 2000}, {f->bytes[1], 3000}};
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = 2};
    struct probe send;
    size_t read = 0;

    make_pair(f);
    start_send(f, &send, &message, f->client);
    settle(f);
    while (!send.ended) {
        ssize_t size = get(f, f->server, 333);

        assert_true(size > 0);
        read += (size_t)size;
        settle(f);
    }

    assert_int_equal(send.results[0], 5000);
    assert_in_range(read, 5000 - SOCKET_BUFFER, 5000);
}

static void
a_send_that_is_cancelled_says_how_much_has_left(void **state)
{
    struct fixture *f = *state;
    struct iovec vector = {f->bytes[0], 5000};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct probe send;

    make_pair(f);
    start_send(f, &send, &message, f->client);
    settle(f);
    cancel(f, &send);
    settle(f);
    assert_int_equal(send.results[0], SOCKET_BUFFER);

    submit(f, &send);
    settle(f);
    cancel(f, &send);
    settle(f);
    assert_err(send.results[0], ECANCELED);
    assert_int_equal(get(f, f->server, 4096), SOCKET_BUFFER);
    assert_err(get(f, f->server, 4096), EAGAIN);
}

static void
a_send_broken_by_a_reset_says_how_much_and_swallows_the_error(void **state)
{
    struct fixture *f = *state;
    struct iovec vector = {f->bytes[0], 5000};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct probe send;

    make_pair(f);
    start_send(f, &send, &message, f->client);
    settle(f);
    reset(f, f->server);
    settle(f);

    assert_int_equal(send.results[0], SOCKET_BUFFER);
    submit(f, &send);
    settle(f);
    assert_err(send.results[0], EPIPE);
}

static void
a_send_of_nothing_is_0(void **state)
{
    struct fixture *f = *state;
    struct msghdr message = {.msg_iovlen = 0};
    struct probe send;

    make_pair(f);
    start_send(f, &send, &message, f->client);
    settle(f);

    assert_int_equal(send.count, 1);
    assert_int_equal(send.results[0], 0);
}

/* Connect. */

static void
a_connect_to_nobody_is_refused(void **state)
{
    struct fixture *f = *state;
    struct probe connect;

    assert_ok(ouro_address_parse(&f->there, "127.0.0.1", 9));
    start_connect(f, &connect, open_socket(f));
    settle(f);

    assert_int_equal(connect.count, 1);
    assert_err(connect.results[0], ECONNREFUSED);
}

static void
a_connect_takes_as_long_as_its_route(void **state)
{
    struct fixture *f = *state;
    struct probe connect;

    listen_somewhere(f);
    assert_ok(
        ouro__sim_set_route(&f->sim->names, "127.0.0.1", OURO_SECONDS(3), 0));
    int64_t start_ns = f->sim->now_ns;
    start_connect(f, &connect, open_socket(f));
    settle(f);
    assert_int_equal(connect.count, 0);
    assert_int_equal(ouro__sim_next_event_ns(f->sim),
                     start_ns + OURO_SECONDS(3));

    f->sim->now_ns = start_ns + OURO_SECONDS(3) - 1;
    settle(f);
    assert_int_equal(connect.count, 0);
    f->sim->now_ns++;
    settle(f);
    assert_ok(connect.results[0]);
    assert_true(ouro__sim_next_event_ns(f->sim) == OURO_FOREVER);
}

static void
a_route_may_end_in_an_error(void **state)
{
    struct fixture *f = *state;
    struct probe connect;

    listen_somewhere(f);
    assert_ok(
        ouro__sim_set_route(&f->sim->names, "127.0.0.1", 0, -EHOSTUNREACH));
    start_connect(f, &connect, open_socket(f));
    settle(f);

    assert_err(connect.results[0], EHOSTUNREACH);
}

static void
a_cancelled_connect_goes_on_when_it_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct probe connect;

    listen_somewhere(f);
    assert_ok(
        ouro__sim_set_route(&f->sim->names, "127.0.0.1", OURO_FOREVER, 0));
    int fd = open_socket(f);
    start_connect(f, &connect, fd);
    settle(f);
    assert_true(ouro__sim_next_event_ns(f->sim) == OURO_FOREVER);

    cancel(f, &connect);
    settle(f);
    assert_err(connect.results[0], ECANCELED);
    submit(f, &connect);
    settle(f);
    assert_int_equal(connect.count, 0);
    cancel(f, &connect);
    settle(f);
    close_socket(f, fd);
}

/* Poll. */

static void
a_poll_reports_the_state_there_is(void **state)
{
    struct fixture *f = *state;
    struct probe poll;

    make_pair(f);
    put(f, f->client, "x");
    start_poll(f, &poll, f->server, POLLIN | POLLOUT, false);
    settle(f);
    assert_int_equal(poll.count, 1);
    assert_true(poll.ended);
    assert_int_equal(poll.results[0], POLLIN | POLLOUT);

    submit(f, &poll);
    settle(f);
    assert_int_equal(poll.results[0], POLLIN | POLLOUT);
}

static void
a_poll_waits_for_what_it_wants(void **state)
{
    struct fixture *f = *state;
    struct probe poll;

    make_pair(f);
    start_poll(f, &poll, f->server, POLLIN, false);
    settle(f);
    assert_int_equal(poll.count, 0);

    put(f, f->client, "x");
    settle(f);
    assert_int_equal(poll.results[0], POLLIN);
}

static void
a_poll_for_room_waits_for_the_reader(void **state)
{
    struct fixture *f = *state;
    struct probe poll;

    make_pair(f);
    assert_int_equal(send_now(f, f->client, f->bytes[0], 4000), SOCKET_BUFFER);
    start_poll(f, &poll, f->client, POLLOUT, false);
    settle(f);
    assert_int_equal(poll.count, 0);

    assert_int_equal(get(f, f->server, 4000), SOCKET_BUFFER);
    settle(f);
    assert_int_equal(poll.results[0], POLLOUT);
}

static void
a_multishot_poll_reports_each_arrival_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct probe poll;

    make_pair(f);
    put(f, f->client, "x");
    start_poll(f, &poll, f->server, POLLIN, true);
    settle(f);
    assert_int_equal(poll.count, 1);
    settle(f);
    assert_int_equal(poll.count, 1);

    put(f, f->client, "y");
    settle(f);
    assert_int_equal(poll.count, 2);
    assert_false(poll.ended);
    cancel(f, &poll);
    settle(f);
    assert_err(poll.results[2], ECANCELED);
}

static void
a_multishot_poll_for_nothing_reports_the_ends(void **state)
{
    struct fixture *f = *state;
    struct probe poll;

    make_pair(f);
    start_poll(f, &poll, f->server, 0, true);
    put(f, f->client, "abc");
    settle(f);
    assert_int_equal(poll.count, 0);
    assert_ok(f->engine->sockets->shutdown_write(f->engine, f->client));
    settle(f);
    assert_int_equal(poll.results[0], POLLRDHUP);
    reset(f, f->client);
    settle(f);
    assert_int_equal(poll.results[1], POLLERR | POLLHUP | POLLRDHUP);

    cancel(f, &poll);
    settle(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_accept_brings_one_connection_after_the_other),
        TEST(an_accept_without_a_free_descriptor_ends_though_nobody_comes),
        TEST(an_accept_that_takes_the_last_descriptor_ends_at_once),
        TEST(who_waits_while_there_is_no_descriptor_is_served_later),
        TEST(a_connection_may_be_gone_before_the_accept),
        TEST(an_accept_needs_a_listener),
        TEST(a_receive_brings_data_as_they_come),
        TEST(a_receive_ends_with_0_at_the_end),
        TEST(a_reset_comes_after_the_data_before_it),
        TEST(a_reset_told_to_a_send_is_a_clean_end_for_the_receive),
        TEST(a_receive_that_finds_no_buffer_ends_and_loses_nothing),
        TEST(an_idle_receive_needs_no_buffer),
        TEST(there_are_as_many_buffers_as_the_memory_holds),
        TEST(a_buffer_may_be_read_only_while_it_is_lent),
        TEST(a_receive_on_what_is_not_connected_fails),
        TEST(a_send_takes_all_of_a_message_however_slow_the_reader),
        TEST(a_send_that_is_cancelled_says_how_much_has_left),
        TEST(a_send_broken_by_a_reset_says_how_much_and_swallows_the_error),
        TEST(a_send_of_nothing_is_0),
        TEST(a_connect_to_nobody_is_refused),
        TEST(a_connect_takes_as_long_as_its_route),
        TEST(a_route_may_end_in_an_error),
        TEST(a_cancelled_connect_goes_on_when_it_is_asked_again),
        TEST(a_poll_reports_the_state_there_is),
        TEST(a_poll_waits_for_what_it_wants),
        TEST(a_poll_for_room_waits_for_the_reader),
        TEST(a_multishot_poll_reports_each_arrival_and_no_more),
        TEST(a_multishot_poll_for_nothing_reports_the_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
