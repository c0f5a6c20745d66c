/* SPDX-License-Identifier: MIT */
/* Calls on plain sockets.  Rows A44 and M9 of the list of behaviours; what a
 * cancellation does to them is in test_sock_cancel.c. */
#include "sock_scene.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *engine;

enum { BULK = 8 * 1024 * 1024, FLOOD = 4000 };

/* What a main task and its helpers saw. */
struct seen {
    struct ends ends;
    int rc[4];
    ssize_t size[4];
    size_t count[2];
    unsigned turns;
    char text[16];
    uint8_t *bulk;
    struct ouro_address address;
    struct ouro_address peer;
};

/* Bytes. */

static int
say_and_hear(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    seen->size[0] = ouro_sock_send(seen->ends.a, OURO_BYTES("hello"));
    seen->size[1] =
        ouro_sock_recv(seen->ends.b, seen->text, sizeof(seen->text));
    ouro_sock_close(seen->ends.a);
    seen->size[2] =
        ouro_sock_recv(seen->ends.b, seen->text, sizeof(seen->text));
    ouro_sock_close(seen->ends.b);
    return 0;
}

static void
what_is_sent_is_received_and_then_the_end(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, say_and_hear, &seen));

    assert_true(seen.size[0] >= 1 && seen.size[0] <= 5);
    assert_true(seen.size[1] >= 1 && seen.size[1] <= seen.size[0]);
    assert_memory_equal(seen.text, "hello", (size_t)seen.size[1]);
    assert_int_equal(seen.size[2], 0);
}

static int
move_nothing(void *arg)
{
    struct seen *seen = arg;
    struct ouro_timeout limit;
    char byte;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    seen->size[0] = ouro_sock_send(seen->ends.a, ouro_slice_of("", 0));
    seen->size[1] = ouro_sock_recv_exactly(seen->ends.b, &byte, 0, NULL);
    ouro_timeout_begin(&limit, OURO_MILLISECONDS(5));
    ssize_t size = ouro_sock_recv(seen->ends.b, &byte, 0);
    seen->size[2] = ouro_timeout_end(&limit, size);
    rc = ouro_sock_sendall(seen->ends.a, OURO_BYTES("x"), NULL);
    seen->size[3] = ouro_sock_recv(seen->ends.b, &byte, 0);
    if (rc == 0)
        rc = (int)ouro_sock_recv(seen->ends.b, &byte, 1) - 1;
    close_ends(&seen->ends);
    return rc;
}

static void
nothing_is_moved_at_once_but_received_when_there_is_something(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, move_nothing, &seen));

    assert_int_equal(seen.size[0], 0);
    assert_int_equal(seen.size[1], 0);
    assert_err(seen.size[2], ETIMEDOUT);
    assert_int_equal(seen.size[3], 0);
}

static int
say_in_pieces(void *arg)
{
    struct seen *seen = arg;
    int rc = 0;

    for (int i = 0; rc == 0 && i < 5; i++) {
        rc = ouro_sleep(OURO_MILLISECONDS(1));
        if (rc == 0)
            rc = ouro_sock_sendall(seen->ends.a, ouro_slice_of(&"abcde"[i], 1),
                                   NULL);
    }
    return rc;
}

static int
hear_exactly(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *other = begin(say_in_pieces, seen);
    seen->size[0] =
        ouro_sock_recv_exactly(seen->ends.b, seen->text, 3, &seen->count[0]);
    rc = finish(other);
    ouro_sock_close(seen->ends.a);
    seen->size[1] = ouro_sock_recv_exactly(seen->ends.b, seen->text + 3, 3,
                                           &seen->count[1]);
    ouro_sock_close(seen->ends.b);
    return rc;
}

static void
recv_exactly_waits_for_all_and_tells_what_came_before_the_end(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, hear_exactly, &seen));

    assert_int_equal(seen.size[0], 3);
    assert_int_equal(seen.count[0], 3);
    assert_int_equal(seen.size[1], -OURO_EINCOMPLETE);
    assert_int_equal(seen.count[1], 2);
    assert_string_equal(seen.text, "abcde");
}

static int
send_bulk(void *arg)
{
    struct seen *seen = arg;

    return ouro_sock_sendall(seen->ends.a, ouro_slice_of(seen->bulk, BULK),
                             &seen->count[0]);
}

static int
receive_bulk(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *other = begin(send_bulk, seen);
    seen->size[0] =
        ouro_sock_recv_exactly(seen->ends.b, seen->bulk + BULK, BULK, NULL);
    rc = finish(other);
    close_ends(&seen->ends);
    return rc;
}

static void
sendall_sends_more_than_any_buffer_holds_in_order(void **state)
{
    struct seen seen = {.bulk = malloc((size_t)2 * BULK)};

    (void)state;
    assert_non_null(seen.bulk);
    for (size_t i = 0; i < BULK; i++)
        seen.bulk[i] = (uint8_t)(i * 31 + i / 4093);
    assert_ok(run_in_world(engine, receive_bulk, &seen));

    assert_int_equal(seen.size[0], BULK);
    assert_int_equal(seen.count[0], BULK);
    assert_int_equal(memcmp(seen.bulk, seen.bulk + BULK, BULK), 0);
    free(seen.bulk);
}

static int
send_until_it_fails(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    here()->sockets->set_reset(here(), seen->ends.b);
    ouro_sock_close(seen->ends.b);
    for (int i = 0; rc == 0 && i < 10; i++) {
        rc = ouro_sock_sendall(seen->ends.a, OURO_BYTES("x"), NULL);
        seen->rc[rc == 0 ? 0 : 1] = rc;
        if (rc == 0)
            rc = settle();
    }
    seen->rc[2] = ouro_sock_sendall(seen->ends.a, OURO_BYTES("x"), NULL);
    ouro_sock_close(seen->ends.a);
    return 0;
}

static void
a_peer_that_is_gone_is_an_error_and_no_sigpipe(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    assert_ok(run_in_world(engine, send_until_it_fails, &seen));

    assert_true(seen.rc[1] == -ECONNRESET || seen.rc[1] == -EPIPE);
    assert_err(seen.rc[2], EPIPE);
}

/* Connections. */

static int
connect_and_accept(void *arg)
{
    struct seen *seen = arg;
    int listener = listen_somewhere(5, &seen->address);
    int client = open_socket();
    struct ouro_address local;

    seen->rc[0] = ouro_sock_connect(client, &seen->address);
    seen->rc[1] = ouro_sock_connect(client, &seen->address);
    int taken = ouro_sock_accept(listener, &seen->peer);
    int rc = here()->sockets->local_address(here(), client, &local);
    seen->rc[2] = ouro_address_equals(&seen->peer, &local);
    ouro_sock_close(listener);
    ouro_sock_close(client);
    ouro_sock_close(taken);
    return rc;
}

static void
a_connection_is_accepted_and_says_whose_it_is(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, connect_and_accept, &seen));

    assert_ok(seen.rc[0]);
    assert_err(seen.rc[1], EISCONN);
    assert_int_equal(seen.rc[2], true);
}

static int
accept_one(void *arg)
{
    struct seen *seen = arg;

    return ouro_sock_accept(seen->ends.a, NULL);
}

static int
accept_first(void *arg)
{
    struct seen *seen = arg;

    seen->ends.a = listen_somewhere(5, &seen->address);
    struct ouro_task *other = begin(accept_one, seen);
    int rc = settle();
    seen->ends.b = open_socket();
    if (rc == 0)
        rc = ouro_sock_connect(seen->ends.b, &seen->address);
    seen->rc[0] = finish(other);
    ouro_sock_close(seen->rc[0]);
    close_ends(&seen->ends);
    return rc;
}

static void
an_accept_waits_for_a_connection(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, accept_first, &seen));

    assert_true(seen.rc[0] > 0);
}

static int
connect_to_nobody(void *arg)
{
    struct seen *seen = arg;
    int listener = listen_somewhere(1, &seen->address);
    int client = open_socket();

    ouro_sock_close(listener);
    int rc = settle();
    seen->rc[0] = ouro_sock_connect(client, &seen->address);
    ouro_sock_close(client);
    seen->rc[1] = ouro_sock_connect(client, &seen->address);
    return rc;
}

static void
a_connect_says_why_there_is_no_connection(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, connect_to_nobody, &seen));

    assert_err(seen.rc[0], ECONNREFUSED);
    assert_err(seen.rc[1], EBADF);
}

/* M9: one at a time. */

static int
hear_two(void *arg)
{
    struct seen *seen = arg;

    seen->size[0] = ouro_sock_recv_exactly(seen->ends.b, seen->text, 2, NULL);
    return 0;
}

static int
hear_twice(void *arg)
{
    struct seen *seen = arg;
    char byte;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *other = begin(hear_two, seen);
    rc = settle();
    seen->size[1] = ouro_sock_recv(seen->ends.b, &byte, 1);
    seen->rc[0] = ouro_sock_accept(seen->ends.b, NULL);
    seen->size[2] = ouro_sock_recvfrom(seen->ends.b, &byte, 1, NULL);
    seen->rc[1] = ouro_sock_sendall(seen->ends.b, OURO_BYTES("!"), NULL);
    if (rc == 0)
        rc = ouro_sock_sendall(seen->ends.a, OURO_BYTES("hi"), NULL);
    finish(other);
    close_ends(&seen->ends);
    return rc;
}

static void
a_second_receiver_is_refused_and_the_first_gets_all(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, hear_twice, &seen));

    assert_err(seen.size[1], EBUSY);
    assert_err(seen.rc[0], EBUSY);
    assert_err(seen.size[2], EBUSY);
    assert_ok(seen.rc[1]);
    assert_int_equal(seen.size[0], 2);
    assert_string_equal(seen.text, "hi");
}

static int
send_twice(void *arg)
{
    struct seen *seen = arg;
    char byte;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *other = begin(send_bulk, seen);
    rc = settle();
    seen->size[0] = ouro_sock_send(seen->ends.a, OURO_BYTES("x"));
    seen->rc[0] = ouro_sock_connect(seen->ends.a, &seen->address);
    seen->rc[1] = ouro_sock_sendall(seen->ends.b, OURO_BYTES("y"), NULL);
    seen->size[1] = ouro_sock_recv(seen->ends.a, &byte, 1);
    ouro_task_cancel(other);
    seen->rc[2] = finish(other);
    close_ends(&seen->ends);
    return rc;
}

static void
a_second_sender_is_refused_and_a_receiver_is_not(void **state)
{
    struct seen seen = {.bulk = calloc(1, BULK)};

    (void)state;
    assert_non_null(seen.bulk);
    assert_ok(ouro_address_parse(&seen.address, "127.0.0.1", 1));
    assert_ok(run_in_world(engine, send_twice, &seen));

    assert_err(seen.size[0], EBUSY);
    assert_err(seen.rc[0], EBUSY);
    assert_ok(seen.rc[1]);
    assert_int_equal(seen.size[1], 1);
    assert_err(seen.rc[2], ECANCELED);
    free(seen.bulk);
}

static int
use_no_descriptor(void *arg)
{
    struct seen *seen = arg;
    char byte;

    seen->size[0] = ouro_sock_recv(-1, &byte, 1);
    seen->size[1] = ouro_sock_send(-5, OURO_BYTES("x"));
    seen->size[2] = ouro_sock_recvfrom(999999, &byte, 1, NULL);
    seen->rc[0] = ouro_sock_accept(999999, NULL);
    seen->rc[1] = ouro_sock_connect(999999, &seen->address);
    seen->size[3] = ouro_sock_sendto(999999, OURO_BYTES("x"), &seen->address);
    return 0;
}

static void
what_is_no_descriptor_is_refused(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(ouro_address_parse(&seen.address, "127.0.0.1", 1));
    assert_ok(run_in_world(engine, use_no_descriptor, &seen));

    for (size_t i = 0; i < 4; i++)
        assert_err(seen.size[i], EBADF);
    assert_err(seen.rc[0], EBADF);
    assert_err(seen.rc[1], EBADF);
}

/* Closing. */

static int
hear_nothing(void *arg)
{
    struct seen *seen = arg;

    seen->size[0] = ouro_sock_recv(seen->ends.a, seen->text, 1);
    return 0;
}

static int
close_under_both(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ends other = {0};
    struct ouro_task *receiver = begin(hear_nothing, seen);
    struct ouro_task *sender = begin(send_bulk, seen);
    rc = settle();
    seen->rc[0] = ouro_task_is_done(receiver);
    close_ends(&seen->ends);
    finish(receiver);
    seen->rc[1] = finish(sender);
    if (rc == 0)
        rc = open_ends(&other);
    close_ends(&other);
    return rc;
}

static void
who_waits_for_a_descriptor_hears_that_it_is_closed(void **state)
{
    struct seen seen = {.bulk = calloc(1, BULK)};

    (void)state;
    assert_non_null(seen.bulk);
    assert_ok(run_in_world(engine, close_under_both, &seen));

    assert_int_equal(seen.rc[0], false);
    assert_err(seen.size[0], EBADF);
    assert_err(seen.rc[1], EBADF);
    free(seen.bulk);
}

/* A44: a peer that is always faster. */

static void
count_turn(void *arg)
{
    (*(unsigned *)arg)++;
}

static int
receive_flood(void *arg)
{
    struct seen *seen = arg;
    static char much[FLOOD];
    struct ouro_handle handle = {0};
    char byte;

    int rc = open_ends(&seen->ends);
    if (rc == 0)
        rc = ouro_sock_sendall(seen->ends.a, ouro_slice_of(much, FLOOD), NULL);
    if (rc == 0)
        rc = settle();
    for (int i = 0; rc == 0 && i < FLOOD; i++) {
        if (!ouro_handle_is_pending(&handle))
            ouro_call_soon(ouro_get_running_loop(), &handle, count_turn,
                           &seen->turns);
        rc = (int)ouro_sock_recv(seen->ends.b, &byte, 1) - 1;
    }
    ouro_handle_cancel(&handle);
    close_ends(&seen->ends);
    return rc;
}

static void
a_receiver_of_much_lets_others_run_now_and_then(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, receive_flood, &seen));

    assert_true(seen.turns >= FLOOD / 200);
    if (strcmp(engine, "chaos") != 0)
        assert_true(seen.turns <= FLOOD / 50);
}

/* Two receives of 32 KiB weigh as much as the budget of four waits. */
static int
receive_flood_of_bulk(void *arg)
{
    struct seen *seen = arg;
    struct ouro_handle handle = {0};

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *other = begin(send_bulk, seen);
    ouro_call_soon(ouro_get_running_loop(), &handle, count_turn, &seen->turns);
    while (rc == 0 && seen->count[1] < BULK) {
        ssize_t size = ouro_sock_recv(seen->ends.b, seen->bulk, OURO_MIB(1));
        rc = size > 0 ? 0 : -EIO;
        seen->count[1] += size > 0 ? (size_t)size : 0;
        if (!ouro_handle_is_pending(&handle))
            ouro_call_soon(ouro_get_running_loop(), &handle, count_turn,
                           &seen->turns);
    }
    ouro_handle_cancel(&handle);
    finish(other);
    close_ends(&seen->ends);
    return rc;
}

static void
bulk_counts_by_its_bytes(void **state)
{
    struct seen seen = {.bulk = calloc(1, BULK)};

    (void)state;
    assert_non_null(seen.bulk);
    assert_ok(run_in_world(engine, receive_flood_of_bulk, &seen));

    assert_true(seen.turns >= BULK / (128 * 16 * 1024));
    free(seen.bulk);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_is_received_and_then_the_end),
        cmocka_unit_test(
            nothing_is_moved_at_once_but_received_when_there_is_something),
        cmocka_unit_test(
            recv_exactly_waits_for_all_and_tells_what_came_before_the_end),
        cmocka_unit_test(sendall_sends_more_than_any_buffer_holds_in_order),
        cmocka_unit_test(a_peer_that_is_gone_is_an_error_and_no_sigpipe),
        cmocka_unit_test(a_connection_is_accepted_and_says_whose_it_is),
        cmocka_unit_test(an_accept_waits_for_a_connection),
        cmocka_unit_test(a_connect_says_why_there_is_no_connection),
        cmocka_unit_test(a_second_receiver_is_refused_and_the_first_gets_all),
        cmocka_unit_test(a_second_sender_is_refused_and_a_receiver_is_not),
        cmocka_unit_test(what_is_no_descriptor_is_refused),
        cmocka_unit_test(who_waits_for_a_descriptor_hears_that_it_is_closed),
        cmocka_unit_test(a_receiver_of_much_lets_others_run_now_and_then),
        cmocka_unit_test(bulk_counts_by_its_bytes),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests_name("sock", tests, NULL, NULL);
}
