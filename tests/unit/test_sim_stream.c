/* SPDX-License-Identifier: MIT */
/* What the simulated network promises of bytes and their ends.  See
 * src/sim_net.h; the events and errors are those Linux 6.18 gives. */
#include "sim_net_fixture.h"

#include <stdio.h>

/* Bytes. */

static void
bytes_arrive_in_order(void **state)
{
    struct fixture *f = *state;
    char text[BUFFER_SIZE];

    make_pair(f);
    for (int i = 0; i < 500; i++) {
        int size = snprintf(text, sizeof(text), "number %*d", i % 50, i);

        assert_int_equal(put(f, f->client, text), size);
        assert_gets(f, f->server, text);
    }
}

static void
a_send_is_gathered_from_vectors(void **state)
{
    struct fixture *f = *state;
    char one[] = "one";
    char two[] = "two";
    struct iovec vectors[] = {{one, 3}, {NULL, 0}, {two, 3}};

    make_pair(f);
    assert_int_equal(ouro__sim_send(&f->net, f->client, vectors, 0, 6), 6);
    assert_gets(f, f->server, "onetwo");
    assert_int_equal(ouro__sim_send(&f->net, f->client, vectors, 2, 3), 3);
    assert_gets(f, f->server, "etw");
    assert_int_equal(ouro__sim_send(&f->net, f->client, vectors, 6, 0), 0);
}

static void
a_full_buffer_takes_no_more(void **state)
{
    struct fixture *f = *state;
    char big[2 * BUFFER_SIZE + 1];

    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    make_pair(f);
    assert_int_equal(put(f, f->client, big), BUFFER_SIZE);
    assert_err(put(f, f->client, "x"), EAGAIN);
    assert_int_equal(poll_of(f, f->client), 0);
    assert_int_equal(put(f, f->server, "x"), 1);
}

static void
room_is_announced_when_a_third_is_free(void **state)
{
    struct fixture *f = *state;
    char big[BUFFER_SIZE + 1];

    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    make_pair(f);
    assert_int_equal(put(f, f->client, big), BUFFER_SIZE);
    assert_err(put(f, f->client, "x"), EAGAIN);

    f->changes = 0;
    for (int i = 1; i < BUFFER_SIZE / 3; i++)
        assert_int_equal(get(f, f->server), 1);
    assert_int_equal(f->changes, 0);
    assert_int_equal(get(f, f->server), 1);
    assert_int_equal(f->changes, 1);
    assert_ptr_equal(f->changed, f->client);
    assert_int_equal(f->events, POLLOUT);
}

/* Ends. */

static void
what_is_not_connected_neither_sends_nor_receives(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *fresh = make_socket(f, AF_INET);

    make_pair(f);

    assert_int_equal(poll_of(f, fresh), POLLOUT | POLLHUP);
    assert_err(get(f, fresh), ENOTCONN);
    assert_err(put(f, fresh, "x"), EPIPE);
    assert_err(ouro__sim_shutdown_write(&f->net, fresh), ENOTCONN);
    assert_int_equal(poll_of(f, f->listener), 0);
    assert_err(get(f, f->listener), ENOTCONN);
    assert_err(put(f, f->listener, "x"), EPIPE);
}

static void
a_half_close_leaves_the_other_half(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    assert_int_equal(put(f, f->client, "last"), 4);
    assert_ok(ouro__sim_shutdown_write(&f->net, f->client));
    assert_ok(ouro__sim_shutdown_write(&f->net, f->client));

    assert_int_equal(poll_of(f, f->client), POLLOUT);
    assert_int_equal(poll_of(f, f->server), POLLIN | POLLOUT | POLLRDHUP);
    assert_err(put(f, f->client, "x"), EPIPE);
    assert_gets(f, f->server, "last");
    assert_int_equal(get(f, f->server), 0);
    assert_int_equal(get(f, f->server), 0);
    assert_int_equal(put(f, f->server, "reply"), 5);
    assert_gets(f, f->client, "reply");
}

static void
after_both_halves_it_is_not_connected(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    assert_ok(ouro__sim_shutdown_write(&f->net, f->client));
    assert_ok(ouro__sim_shutdown_write(&f->net, f->server));

    assert_int_equal(poll_of(f, f->client),
                     POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
    assert_err(ouro__sim_shutdown_write(&f->net, f->client), ENOTCONN);
    assert_err(put(f, f->server, "x"), EPIPE);
}

static void
a_reset_is_told_once_after_the_data(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    assert_int_equal(put(f, f->client, "hello"), 5);
    reset_by(f, f->client);

    assert_int_equal(poll_of(f, f->server),
                     POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
    assert_gets(f, f->server, "hello");
    assert_err(get(f, f->server), ECONNRESET);
    assert_int_equal(poll_of(f, f->server),
                     POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
    assert_int_equal(get(f, f->server), 0);
    assert_err(put(f, f->server, "x"), EPIPE);
    assert_err(ouro__sim_shutdown_write(&f->net, f->server), ENOTCONN);
}

static void
a_send_that_hears_of_the_reset_keeps_it_from_the_receive(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    assert_int_equal(put(f, f->client, "hello"), 5);
    reset_by(f, f->client);

    assert_err(put(f, f->server, "x"), ECONNRESET);
    assert_gets(f, f->server, "hello");
    assert_int_equal(get(f, f->server), 0);
    assert_err(put(f, f->server, "x"), EPIPE);
}

static void
a_reset_after_the_end_is_an_end(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    assert_ok(ouro__sim_shutdown_write(&f->net, f->client));
    reset_by(f, f->client);

    assert_int_equal(poll_of(f, f->server),
                     POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
    assert_int_equal(get(f, f->server), 0);
    assert_err(put(f, f->server, "x"), EPIPE);
    assert_int_equal(poll_of(f, f->server),
                     POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
}

static void
to_close_over_unread_bytes_is_a_reset(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    assert_int_equal(put(f, f->server, "unread"), 6);
    ouro__sim_close(&f->net, f->client);

    assert_err(get(f, f->server), ECONNRESET);
}

static void
what_a_closed_peer_is_sent_is_gone_and_answered_with_a_reset(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    ouro__sim_close(&f->net, f->client);

    assert_int_equal(poll_of(f, f->server), POLLIN | POLLOUT | POLLRDHUP);
    assert_int_equal(put(f, f->server, "x"), 1);
    assert_int_equal(poll_of(f, f->server),
                     POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
    assert_err(put(f, f->server, "x"), EPIPE);
    assert_int_equal(get(f, f->server), 0);
}

static void
a_dropped_connection_is_reset(void **state)
{
    struct fixture *f = *state;
    struct ouro__sim_socket *listener = listen_at(f, "127.0.0.1", 80, 1);
    struct ouro__sim_socket *client = make_socket(f, AF_INET);

    assert_ok(connect_to(f, client, "127.0.0.1", 80));
    ouro__sim_drop_first(&f->net, listener);

    assert_int_equal(listener->queued, 0);
    assert_err(get(f, client), ECONNRESET);
}

static void
both_ends_may_close_in_any_order(void **state)
{
    struct fixture *f = *state;

    make_pair(f);
    ouro__sim_close(&f->net, f->client);
    ouro__sim_close(&f->net, f->server);
    ouro__sim_close(&f->net, f->listener);

    assert_int_equal(f->net.count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_arrive_in_order),
        TEST(a_send_is_gathered_from_vectors),
        TEST(a_full_buffer_takes_no_more),
        TEST(room_is_announced_when_a_third_is_free),
        TEST(what_is_not_connected_neither_sends_nor_receives),
        TEST(a_half_close_leaves_the_other_half),
        TEST(after_both_halves_it_is_not_connected),
        TEST(a_reset_is_told_once_after_the_data),
        TEST(a_send_that_hears_of_the_reset_keeps_it_from_the_receive),
        TEST(a_reset_after_the_end_is_an_end),
        TEST(to_close_over_unread_bytes_is_a_reset),
        TEST(what_a_closed_peer_is_sent_is_gone_and_answered_with_a_reset),
        TEST(a_dropped_connection_is_reset),
        TEST(both_ends_may_close_in_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
