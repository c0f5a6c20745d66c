/* SPDX-License-Identifier: MIT */
/* What a cancellation does to calls on plain sockets: it loses nothing.  Rows
 * A1, A2, A3, A9 and M30 of the list of behaviours. */
#include "sock_scene.h"

#include <stdlib.h>
#include <string.h>

static const char *engine;

enum { RACES = 100000, M30_RACES = 200, BULK = 16 * 1024 * 1024, STORM = 500 };

/* What a main task and its helpers saw. */
struct seen {
    struct ends ends;
    struct ouro_address address;
    int rc[4];
    ssize_t size[2];
    size_t count[2];
    size_t sent; /* bytes of the race, whose values count up */
    size_t received;
    size_t cancelled;
    size_t wrong;
    int races;
    uint8_t *bulk;
};

/* A1 and M30: receives. */

static void
take(struct seen *seen, const uint8_t *bytes, ssize_t size)
{
    for (ssize_t i = 0; i < size; i++)
        seen->wrong += bytes[i] != (uint8_t)seen->received++;
}

static int
receive_some(void *arg)
{
    struct seen *seen = arg;
    uint8_t bytes[3];

    ssize_t size = ouro_sock_recv(seen->ends.b, bytes, sizeof(bytes));
    take(seen, bytes, size);
    seen->cancelled += size == -ECANCELED;
    return size < 0 && size != -ECANCELED ? (int)size : 0;
}

static int
receive_five(void *arg)
{
    struct seen *seen = arg;
    uint8_t bytes[5];
    size_t count;

    ssize_t size = ouro_sock_recv_exactly(seen->ends.b, bytes, 5, &count);
    take(seen, bytes, (ssize_t)count);
    seen->cancelled += size == -ECANCELED;
    return size < 0 && size != -ECANCELED ? (int)size : 0;
}

static int
send_next(struct seen *seen)
{
    uint8_t byte = (uint8_t)seen->sent;
    int rc = ouro_sock_sendall(seen->ends.a, ouro_slice_of(&byte, 1), NULL);

    seen->sent += rc == 0;
    return rc;
}

/* One race: the cancel comes before the byte, after it, or a turn later. */
static int
race_once(struct seen *seen, int i)
{
    struct ouro_task *receiver =
        begin(i % 3 == 0 ? receive_five : receive_some, seen);
    int rc = 0;

    if (receiver == NULL)
        return -ENOMEM;
    for (int turn = i / 3 % 3; rc == 0 && turn > 0; turn--)
        rc = ouro_sleep(0);
    if (i % 2 == 0)
        ouro_task_cancel(receiver);
    if (rc == 0)
        rc = send_next(seen);
    for (int turn = i / 9 % 4; rc == 0 && turn > 0; turn--)
        rc = ouro_sleep(0);
    ouro_task_cancel(receiver);
    int result = finish(receiver);
    return rc < 0 ? rc : result;
}

static int
race_cancels_against_data(void *arg)
{
    struct seen *seen = arg;
    uint8_t byte;

    int rc = open_ends(&seen->ends);
    for (int i = 0; rc == 0 && i < seen->races; i++)
        rc = race_once(seen, i);
    while (rc == 0 && seen->received < seen->sent) {
        rc = (int)ouro_sock_recv(seen->ends.b, &byte, 1) - 1;
        take(seen, &byte, rc + 1);
    }
    close_ends(&seen->ends);
    return rc;
}

static void
no_cancelled_receive_loses_a_byte(void **state)
{
    struct seen seen = {.races = RACES};

    (void)state;
    assert_ok(run_in_world(engine, race_cancels_against_data, &seen));

    assert_int_equal(seen.sent, RACES);
    assert_int_equal(seen.received, RACES);
    assert_int_equal(seen.wrong, 0);
    assert_true(seen.cancelled > RACES / 10);
    assert_true(seen.cancelled < RACES);
}

static int
sleep_often(void *arg)
{
    struct seen *seen = arg;

    for (int i = 0; i < 60; i++) {
        int64_t before_ns = ouro_loop_time_ns(ouro_get_running_loop());
        int rc = ouro_sleep(OURO_MILLISECONDS(1));
        if (rc < 0)
            return rc;
        seen->count[0] += ouro_loop_time_ns(ouro_get_running_loop())
                          < before_ns + OURO_MILLISECONDS(1);
    }
    return 0;
}

static int
race_beside_sleeps(void *arg)
{
    struct ouro_task *sleeper = begin(sleep_often, arg);

    int rc = race_cancels_against_data(arg);
    int slept = finish(sleeper);
    return rc < 0 ? rc : slept;
}

static void
none_is_lost_and_no_sleep_is_early(void **state)
{
    struct seen seen = {.races = M30_RACES};

    (void)state;
    assert_ok(run_in_world(engine, race_beside_sleeps, &seen));

    assert_int_equal(seen.received, M30_RACES);
    assert_int_equal(seen.wrong, 0);
    assert_int_equal(seen.count[0], 0);
}

/* A2: sends. */

static int
send_bulk(void *arg)
{
    struct seen *seen = arg;

    seen->rc[0] = ouro_sock_sendall(
        seen->ends.a, ouro_slice_of(seen->bulk, BULK), &seen->count[0]);
    seen->rc[1] = ouro_sock_sendall(seen->ends.a, OURO_BYTES("x"), NULL);
    ouro_uncancel();
    seen->rc[2] = ouro_sock_sendall(seen->ends.a, OURO_BYTES("marker"), NULL);
    ouro_sock_close(seen->ends.a);
    return 0;
}

static int
cancel_a_send(void *arg)
{
    struct seen *seen = arg;
    ssize_t size = 1;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *sender = begin(send_bulk, seen);
    rc = ouro_sleep(OURO_MILLISECONDS(1));
    ouro_task_cancel(sender);
    while (rc == 0 && size > 0) {
        size = ouro_sock_recv(seen->ends.b, seen->bulk + BULK + seen->count[1],
                              BULK - seen->count[1]);
        if (size > 0)
            seen->count[1] += (size_t)size;
        rc = size < 0 ? (int)size : 0;
    }
    finish(sender);
    ouro_sock_close(seen->ends.b);
    return rc;
}

static void
what_a_cancelled_send_did_not_send_never_leaves(void **state)
{
    struct seen seen = {.bulk = malloc((size_t)2 * BULK)};

    (void)state;
    assert_non_null(seen.bulk);
    for (size_t i = 0; i < BULK; i++)
        seen.bulk[i] = (uint8_t)(i * 31 + i / 4093);
    assert_ok(run_in_world(engine, cancel_a_send, &seen));

    assert_err(seen.rc[0], ECANCELED);
    assert_err(seen.rc[1], ECANCELED);
    assert_ok(seen.rc[2]);
    assert_true(seen.count[0] > 0 && seen.count[0] < BULK);
    assert_int_equal(seen.count[1], seen.count[0] + strlen("marker"));
    assert_int_equal(memcmp(seen.bulk, seen.bulk + BULK, seen.count[0]), 0);
    assert_memory_equal(seen.bulk + BULK + seen.count[0], "marker", 6);
    free(seen.bulk);
}

/* A3: connects. */

static int
connect_there(void *arg)
{
    struct seen *seen = arg;

    return ouro_sock_connect(seen->ends.a, &seen->address);
}

/* Cancelled after so many turns; then there is one connection, from one or the
 * other try.  A result that won the race stands. */
static int
connect_twice(struct seen *seen, int turns)
{
    int rc = 0;

    seen->ends.a = open_socket();
    struct ouro_task *first = begin(connect_there, seen);
    for (int i = 0; rc == 0 && i < turns; i++)
        rc = ouro_sleep(0);
    ouro_task_cancel(first);
    int early = finish(first);
    seen->cancelled += early == -ECANCELED;
    if (rc == 0 && early == -ECANCELED)
        rc = ouro_sock_connect(seen->ends.a, &seen->address);
    return rc;
}

/* Whether it is alone: nobody else can be accepted. */
static int
accept_the_only_one(struct seen *seen, int listener)
{
    struct ouro_timeout limit;

    seen->ends.b = ouro_sock_accept(listener, NULL);
    ouro_timeout_begin(&limit, OURO_MILLISECONDS(1));
    int rc = ouro_sock_accept(listener, NULL);
    rc = (int)ouro_timeout_end(&limit, rc);
    seen->wrong += rc != -ETIMEDOUT;
    return seen->ends.b < 0 ? seen->ends.b : 0;
}

static int
cancel_connects(void *arg)
{
    struct seen *seen = arg;
    int listener = listen_somewhere(5, &seen->address);
    int rc = 0;

    for (int turns = 0; rc == 0 && turns < 6; turns++) {
        rc = connect_twice(seen, turns);
        if (rc == 0)
            rc = accept_the_only_one(seen, listener);
        close_ends(&seen->ends);
    }
    ouro_sock_close(listener);
    return rc;
}

static void
a_connect_that_was_cancelled_may_be_tried_again(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, cancel_connects, &seen));

    assert_true(seen.cancelled >= 1);
    assert_int_equal(seen.wrong, 0);
}

/* The queue of the listener is full, so that it cannot be done at once. */
static int
cancel_a_slow_connect(void *arg)
{
    struct seen *seen = arg;
    struct ends fillers = {open_socket(), -1};
    int listener = listen_somewhere(0, &seen->address);

    int rc = ouro_sock_connect(fillers.a, &seen->address);
    seen->ends.a = open_socket();
    struct ouro_task *first = begin(connect_there, seen);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    ouro_task_cancel(first);
    seen->rc[0] = finish(first);
    struct ouro_task *second = begin(connect_there, seen);
    if (rc == 0)
        rc = settle();
    seen->rc[1] = ouro_task_is_done(second);
    fillers.b = ouro_sock_accept(listener, NULL);
    seen->rc[2] = finish(second);
    if (rc == 0)
        rc = accept_the_only_one(seen, listener);
    close_ends(&fillers);
    close_ends(&seen->ends);
    ouro_sock_close(listener);
    return rc;
}

static void
one_that_is_still_under_way_is_waited_for_by_the_next(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, cancel_a_slow_connect, &seen));

    assert_err(seen.rc[0], ECANCELED);
    assert_int_equal(seen.rc[1], false);
    assert_ok(seen.rc[2]);
    assert_int_equal(seen.wrong, 0);
}

/* Accepts. */

static int
accept_one(void *arg)
{
    struct seen *seen = arg;

    return ouro_sock_accept(seen->ends.b, NULL);
}

/* The cancel comes some turns after the connect has begun. */
static int
race_one_accept(struct seen *seen, int turns)
{
    struct ouro_task *acceptor = begin(accept_one, seen);
    int rc = 0;

    seen->ends.a = open_socket();
    struct ouro_task *connector = begin(connect_there, seen);
    for (int i = 0; rc == 0 && i < turns; i++)
        rc = ouro_sleep(0);
    ouro_task_cancel(acceptor);
    int taken = finish(acceptor);
    seen->cancelled += taken == -ECANCELED;
    int connected = finish(connector);
    if (taken == -ECANCELED)
        taken = ouro_sock_accept(seen->ends.b, NULL);
    ouro_sock_close(seen->ends.a);
    if (taken >= 0)
        ouro_sock_close(taken);
    return rc < 0 ? rc : taken < 0 ? taken : connected;
}

/* The world finds the descriptor that was leaked, if any was. */
static int
race_accepts(void *arg)
{
    struct seen *seen = arg;
    int rc = 0;

    seen->ends.b = listen_somewhere(5, &seen->address);
    for (int i = 0; rc == 0 && i < 200; i++)
        rc = race_one_accept(seen, i % 10);
    ouro_sock_close(seen->ends.b);
    return rc;
}

static void
a_cancelled_accept_leaves_the_connection_for_the_next(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, race_accepts, &seen));

    assert_true(seen.cancelled > 10);
    assert_true(seen.cancelled < 200);
}

/* A9: the next owner of a number. */

static int
receive_one(void *arg)
{
    struct seen *seen = arg;
    uint8_t byte;

    return (int)ouro_sock_recv(seen->ends.b, &byte, 1);
}

static int
close_and_reopen(struct seen *seen)
{
    struct ouro_task *old = begin(receive_one, seen);
    int number = seen->ends.b;
    uint8_t byte = 0;

    int rc = settle();
    close_ends(&seen->ends);
    if (rc == 0)
        rc = open_ends(&seen->ends);
    seen->count[0] += seen->ends.a == number || seen->ends.b == number;
    if (rc == 0)
        rc = ouro_sock_sendall(seen->ends.a, OURO_BYTES("n"), NULL);
    if (rc == 0)
        rc = (int)ouro_sock_recv(seen->ends.b, &byte, 1) - 1;
    seen->wrong += byte != 'n';
    seen->wrong += finish(old) != -EBADF;
    return rc;
}

static int
reopen_often(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    for (int i = 0; rc == 0 && i < STORM; i++)
        rc = close_and_reopen(seen);
    close_ends(&seen->ends);
    return rc;
}

static void
no_completion_reaches_the_next_owner_of_a_number(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, reopen_often, &seen));

    assert_int_equal(seen.wrong, 0);
    assert_true(seen.count[0] > STORM / 2);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_cancelled_receive_loses_a_byte),
        cmocka_unit_test(none_is_lost_and_no_sleep_is_early),
        cmocka_unit_test(what_a_cancelled_send_did_not_send_never_leaves),
        cmocka_unit_test(a_connect_that_was_cancelled_may_be_tried_again),
        cmocka_unit_test(one_that_is_still_under_way_is_waited_for_by_the_next),
        cmocka_unit_test(a_cancelled_accept_leaves_the_connection_for_the_next),
        cmocka_unit_test(no_completion_reaches_the_next_owner_of_a_number),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests_name("sock_cancel", tests, NULL, NULL);
}
