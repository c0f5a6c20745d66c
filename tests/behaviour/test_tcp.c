/* SPDX-License-Identifier: MIT */
/* TCP connections to a peer that is a bare socket. */
#include "tcp_pair.h"
#include "witness.h"
#include "world.h"

#include <string.h>

static const char *engine;

enum { LAST_WORDS = 1000000 };

/* A connection, whose second end may be a bare socket. */
struct scene {
    struct end ends[2];
    int fd; /* of the peer without a transport */
    struct ouro_slice words;
    size_t size;
    ssize_t result;
    bool flag;
    int64_t took_ns;
    uint8_t got[1024];
    struct ouro_address addresses[4];
};

/* Words. */

/* A connection between the first end and a bare socket. */
static int
meet_socket(struct scene *scene)
{
    int fds[2];

    ends_init(scene->ends);
    int rc = make_tcp_pair(fds);
    if (rc < 0)
        return rc;
    scene->fd = fds[1];
    return begin_over_tcp(&scene->ends[0], fds[0]);
}

static int
until_lost(struct end *end)
{
    int rc = until_called(end, 'L');

    end->protocol = ouro_protocol_unref(end->protocol);
    return rc;
}

static int64_t
now_ns(void)
{
    return ouro_loop_time_ns(ouro_get_running_loop());
}

static int
let_arrive(void)
{
    return ouro_sleep(OURO_MILLISECONDS(10));
}

/* All that comes to the bare socket, to its end or an error. */
static int
read_socket_to_end(struct scene *scene)
{
    int rc = 0;

    for (;;) {
        scene->result = raw_receive(scene->fd, scene->got, sizeof(scene->got));
        if (scene->result > 0)
            scene->size += (size_t)scene->result;
        else if (scene->result != -EAGAIN)
            return rc;
        else if ((rc = ouro_sleep(OURO_MILLISECONDS(1))) < 0)
            return rc;
    }
}

static void
check_end(const struct end *end, const char *calls, int reason)
{
    assert_string_equal(end->calls, calls);
    assert_int_equal(end->reason, reason);
    assert_int_equal(end->losses, 1);
    assert_false(end->wrong);
    assert_false(end->reentered);
}

/* A reset, and who is told of it: A12 of the list of behaviours; spec of
 * io_uring, 3.7. */

static int
receive_before_a_reset(void *arg)
{
    struct scene *scene = arg;

    int rc = meet_socket(scene);
    if (rc < 0)
        return rc;
    scene->result = raw_send(scene->fd, pattern(0, 5));
    raw_reset(scene->fd);
    return until_lost(&scene->ends[0]);
}

static void
bytes_before_a_reset_are_delivered(void **state)
{
    struct scene scene = {.fd = -1};

    (void)state;
    assert_ok(run_in_world(engine, receive_before_a_reset, &scene));

    check_end(&scene.ends[0], "MDL", -ECONNRESET);
    assert_int_equal(scene.ends[0].received, scene.result);
}

/* The error is taken by the send: no clean end may be made of what the receive
 * says then. */
static int
send_into_a_reset(void *arg)
{
    struct scene *scene = arg;

    int rc = meet_socket(scene);
    if (rc < 0)
        return rc;
    scene->ends[0].keeps_open = true;
    scene->result = raw_send(scene->fd, pattern(0, 5));
    raw_reset(scene->fd);
    end_write(&scene->ends[0], scene->size);
    return until_lost(&scene->ends[0]);
}

static void
bytes_are_delivered_although_a_send_took_the_error(void **state)
{
    const size_t sizes[] = {1, 5000, 300000};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct scene scene = {.size = sizes[i]};

        assert_ok(run_in_world(engine, send_into_a_reset, &scene));
        check_end(&scene.ends[0], "MDL", -ECONNRESET);
        assert_int_equal(scene.ends[0].received, scene.result);
    }
}

/* A35 too: while it is paused nothing is told, and nothing is lost by that. */
static int
send_into_a_reset_while_paused(void *arg)
{
    struct scene *scene = arg;
    struct end *end = &scene->ends[0];

    int rc = meet_socket(scene);
    if (rc < 0)
        return rc;
    end_pause(end);
    for (int i = 0; rc == 0 && i < 3; i++) {
        ssize_t sent = raw_send(scene->fd, pattern(scene->size, 1000));

        scene->size += sent > 0 ? (size_t)sent : 0;
        rc = let_arrive();
    }
    raw_reset(scene->fd);
    end_write(end, 5000);
    if (rc == 0)
        rc = let_arrive();
    scene->flag = end->losses == 0;
    end_resume(end);
    int lost = until_lost(end);
    return rc < 0 ? rc : lost;
}

static void
a_paused_connection_keeps_what_came_before_a_failed_send(void **state)
{
    struct scene scene = {.fd = -1};

    (void)state;
    assert_ok(run_in_world(engine, send_into_a_reset_while_paused, &scene));

    assert_true(scene.flag);
    assert_true(scene.size > 0);
    assert_int_equal(scene.ends[0].received, scene.size);
    check_end(&scene.ends[0], "MDL", -ECONNRESET);
}

static int
write_after_a_failed_send(void *arg)
{
    struct scene *scene = arg;
    struct end *end = &scene->ends[0];

    int rc = meet_socket(scene);
    if (rc < 0)
        return rc;
    raw_reset(scene->fd);
    end_write(end, 5000);
    rc = ouro_sleep(0);
    end_write(end, 7);
    scene->size = (size_t)ouro_transport_bytes_dropped(end->transport);
    int lost = until_lost(end);
    return rc < 0 ? rc : lost;
}

static void
what_is_written_after_a_failed_send_is_dropped(void **state)
{
    struct scene scene = {.fd = -1};
    struct seen_exceptions seen;

    (void)state;
    assert_ok(
        run_in_noisy_world(engine, write_after_a_failed_send, &scene, &seen));

    check_end(&scene.ends[0], "ML", -ECONNRESET);
    assert_int_equal(scene.size, 7);
    assert_int_equal(seen.count, 0); /* who wrote could not know */
}

static int
reset_amid_a_send(void *arg)
{
    struct scene *scene = arg;
    struct end *end = &scene->ends[0];

    int rc = meet_socket(scene);
    if (rc < 0)
        return rc;
    end_write(end, 16 * 1024 * 1024);
    rc = let_arrive();
    scene->result = raw_receive(scene->fd, scene->got, sizeof(scene->got));
    if (rc == 0)
        rc = let_arrive();
    raw_reset(scene->fd);
    int lost = until_lost(end);
    return rc < 0 ? rc : lost;
}

static void
a_reset_amid_a_send_ends_it_with_an_error(void **state)
{
    struct scene scene = {.fd = -1};

    (void)state;
    assert_ok(run_in_world(engine, reset_amid_a_send, &scene));

    assert_true(scene.ends[0].reason == -ECONNRESET
                || scene.ends[0].reason == -EPIPE);
    assert_true(calls_are_in_order(scene.ends[0].calls));
}

/* The peer is gone, not only done: the second write finds out. */
static int
write_to_nobody(void *arg)
{
    struct scene *scene = arg;
    struct end *end = &scene->ends[0];

    int rc = meet_socket(scene);
    if (rc < 0)
        return rc;
    end->keeps_open = true;
    raw_close(scene->fd);
    rc = until_called(end, 'E');
    while (rc == 0 && end->losses == 0
           && !ouro_transport_is_closing(end->transport)) {
        end_write(end, 10);
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    }
    int lost = until_lost(end);
    return rc < 0 ? rc : lost;
}

static void
a_write_to_a_peer_that_is_gone_ends_it(void **state)
{
    struct scene scene = {.fd = -1};

    (void)state;
    assert_ok(run_in_world(engine, write_to_nobody, &scene));

    check_end(&scene.ends[0], "MEL", -EPIPE);
}

/* Ends. */

/* A34 of the list of behaviours.  What the kernel has not yet sent would go
 * with a reset. */
static int
say_bye_with_unread_input(void *arg)
{
    struct scene *scene = arg;
    struct end *end = &scene->ends[0];
    size_t sent = 0;

    int rc = meet_socket(scene);
    if (rc < 0)
        return rc;
    end_pause(end);
    for (int i = 0; rc == 0 && i < 20 && sent < 1024 * 1024; i++) {
        ssize_t size = raw_send(scene->fd, pattern(0, 1024 * 1024 - sent));

        sent += size > 0 ? (size_t)size : 0;
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    }
    end_write(end, LAST_WORDS);
    end_close(end);
    if (rc == 0)
        rc = let_arrive();
    if (rc == 0)
        rc = read_socket_to_end(scene);
    raw_close(scene->fd);
    int lost = until_lost(end);
    return rc < 0 ? rc : lost;
}

static void
unread_input_does_not_reset_what_was_written_last(void **state)
{
    struct scene scene = {.fd = -1};

    (void)state;
    assert_ok(run_in_world(engine, say_bye_with_unread_input, &scene));

    assert_ok(scene.ends[0].reason);
    assert_int_equal(scene.ends[0].received, 0);
    assert_int_equal(scene.result, 0); /* the end, not a reset */
    assert_int_equal(scene.size, LAST_WORDS);
}

/* Spec of io_uring, 3.2: also a cancel that misses. */
static int
abort_amid_a_send(void *arg)
{
    struct scene *scene = arg;
    struct end *end = &scene->ends[0];

    int rc = meet_socket(scene);
    for (int i = 0; rc == 0 && i < 3; i++) {
        end_write(end, 8 * 1024 * 1024);
        rc = ouro_sleep(0);
    }
    for (int i = 0; i < 100; i++)
        (void)raw_receive(scene->fd, scene->got, sizeof(scene->got));
    int64_t from_ns = now_ns();
    end_abort(end);
    int lost = until_lost(end);
    scene->took_ns = now_ns() - from_ns;
    raw_close(scene->fd);
    return rc < 0 ? rc : lost;
}

static void
an_abort_amid_a_send_takes_no_time(void **state)
{
    struct scene scene = {.fd = -1};

    (void)state;
    assert_ok(run_in_world(engine, abort_amid_a_send, &scene));

    assert_err(scene.ends[0].reason, ECONNABORTED);
    assert_true(scene.took_ns < OURO_SECONDS(5));
}

static int
note_addresses(void *arg)
{
    struct scene *scene = arg;

    int rc = meet_over_tcp(scene->ends);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 2; i++) {
        struct ouro_transport *transport = scene->ends[i].transport;

        scene->addresses[2 * i] = ouro_transport_local_address(transport);
        scene->addresses[2 * i + 1] = ouro_transport_peer_address(transport);
        scene->flag = ouro_transport_descriptor(transport) >= 0;
    }
    end_close(&scene->ends[0]);
    rc = until_both_lost(scene->ends);
    scene->size = ouro_transport_peer_address(scene->ends[0].transport).size;
    scene->result = ouro_transport_descriptor(scene->ends[0].transport);
    ends_leave(scene->ends);
    return rc;
}

static bool
are_same(const struct ouro_address *a, const struct ouro_address *b)
{
    char first[OURO_ADDRESS_TEXT];
    char second[OURO_ADDRESS_TEXT];

    return strcmp(ouro_address_format(a, first), ouro_address_format(b, second))
           == 0;
}

static void
each_end_knows_where_both_are(void **state)
{
    struct scene scene = {.fd = -1};

    (void)state;
    assert_ok(run_in_world(engine, note_addresses, &scene));

    assert_true(scene.flag);
    assert_true(are_same(&scene.addresses[0], &scene.addresses[3]));
    assert_true(are_same(&scene.addresses[1], &scene.addresses[2]));
    assert_int_equal(scene.size, 0);
    assert_int_equal(scene.result, -1);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_before_a_reset_are_delivered),
        cmocka_unit_test(bytes_are_delivered_although_a_send_took_the_error),
        cmocka_unit_test(
            a_paused_connection_keeps_what_came_before_a_failed_send),
        cmocka_unit_test(what_is_written_after_a_failed_send_is_dropped),
        cmocka_unit_test(a_reset_amid_a_send_ends_it_with_an_error),
        cmocka_unit_test(a_write_to_a_peer_that_is_gone_ends_it),
        cmocka_unit_test(unread_input_does_not_reset_what_was_written_last),
        cmocka_unit_test(an_abort_amid_a_send_takes_no_time),
        cmocka_unit_test(each_end_knows_where_both_are),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
