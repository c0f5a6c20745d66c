/* SPDX-License-Identifier: MIT */
/* Clients of the kernel's sockets, on loopback.  Rows A79 and A30 of the list
 * of behaviours, as far as they need a kernel. */
#include "ouro_test.h"
#include "peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SKIPPED = 77, ROUNDS = 500 };

/* A client, and a socket that listens but accepts only when it is told to. */
struct fixture {
    struct ouro_loop *loop;
    struct seen_exceptions exceptions;
    size_t descriptors;
    int listener;
    struct ouro_address address;
    char service[8]; /* its port */
    struct ouro_connect_options options;
    struct ouro_report report;
    struct ouro_protocol *protocol;
    int seen;
    int64_t took_ns;
    unsigned turns; /* until it is cancelled */
    char answer[8];
};

static int
run_task(struct fixture *f, ouro_task_fn *fn)
{
    struct ouro_task *task;

    int rc = ouro_loop_create_task(f->loop, &task, fn, f);
    if (rc < 0)
        return rc;
    rc = ouro_loop_run_until_complete(f->loop, ouro_task_future(task));
    if (rc == 0)
        rc = ouro_task_result(task);
    ouro_task_unref(task);
    return rc;
}

static void
ignore_data(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)self;
    (void)data;
}

static const struct ouro_protocol_ops client_ops = {
    .size = sizeof(struct ouro_protocol),
    .data_received = ignore_data,
};

static int
connect_once(void *arg)
{
    struct fixture *f = arg;
    int64_t before_ns = ouro_loop_time_ns(f->loop);

    f->seen =
        ouro_create_connection(&f->protocol, &client_ops, NULL, &f->options);
    f->took_ns = ouro_loop_time_ns(f->loop) - before_ns;
    return 0;
}

static void
run_connect(struct fixture *f)
{
    assert_ok(run_task(f, connect_once));
}

static int
let_a_turn_pass(void *arg)
{
    (void)arg;
    return ouro_sleep(0);
}

static void
hang_up(struct fixture *f)
{
    if (f->protocol != NULL)
        ouro_transport_abort(f->protocol->transport);
    f->protocol = ouro_protocol_unref(f->protocol);
    assert_ok(run_task(f, let_a_turn_pass));
}

static bool
reports(const struct fixture *f, const char *words)
{
    return strstr(f->report.text, words) != NULL;
}

/* Talking. */

static int
answer_hello(void *arg)
{
    struct fixture *f = arg;
    char hello[5];
    int fd = peer_accept(f->listener);

    if (fd < 0)
        return fd;
    int rc = peer_receive(fd, hello, sizeof(hello));
    if (rc == 0 && memcmp(hello, "hello", sizeof(hello)) == 0)
        rc = peer_send(fd, OURO_BYTES("world\n"));
    peer_close(fd);
    return rc;
}

static int
exchange(struct fixture *f, struct ouro_stream *stream)
{
    struct ouro_slice line;

    int rc = ouro_stream_write(stream, OURO_BYTES("hello"));
    if (rc < 0)
        return rc;
    ssize_t size = ouro_stream_read_line(stream, &line);
    if (size <= 0)
        return (int)size;
    snprintf(f->answer, sizeof(f->answer), "%.*s", (int)line.size,
             (const char *)line.data);
    return 0;
}

static int
say_hello(void *arg)
{
    struct fixture *f = arg;
    struct ouro_stream *stream;

    int rc = ouro_open_connection(&stream, &f->options);
    if (rc < 0)
        return rc;
    rc = exchange(f, stream);
    ouro_stream_free(stream);
    return rc;
}

static void
a_stream_talks_to_its_peer(void **state)
{
    struct fixture *f = *state;
    struct peer peer;

    peer_start(&peer, answer_hello, f);
    assert_ok(run_task(f, say_hello));
    assert_ok(peer_join(&peer));

    assert_string_equal(f->answer, "world\n");
}

static void
the_addresses_of_localhost_are_tried(void **state)
{
    struct fixture *f = *state;

    f->options.host = "localhost";
    run_connect(f);

    assert_ok(f->seen);
    struct ouro_address peer =
        ouro_transport_peer_address(f->protocol->transport);
    assert_true(ouro_address_equals(&peer, &f->address));
}

static void
the_peer_sees_the_local_address(void **state)
{
    struct fixture *f = *state;
    struct ouro_address peer = {.size = sizeof(peer.of)};
    char text[OURO_ADDRESS_TEXT];

    f->options.local_host = "127.0.0.9";
    run_connect(f);
    assert_ok(f->seen);
    int fd = peer_accept(f->listener);
    getpeername(fd, &peer.of.any, &peer.size);
    peer_close(fd);

    assert_memory_equal(ouro_address_format(&peer, text), "127.0.0.9:", 10);
}

/* Failure. */

static void
a_port_where_nobody_listens_refuses(void **state)
{
    struct fixture *f = *state;
    char text[128];

    peer_close(f->listener);
    f->listener = -1;
    run_connect(f);

    assert_err(f->seen, ECONNREFUSED);
    snprintf(text, sizeof(text),
             "cannot connect to 127.0.0.1:%s: 127.0.0.1:%s: ECONNREFUSED "
             "(Connection refused)",
             f->service, f->service);
    assert_string_equal(f->report.text, text);
}

static void
an_address_of_another_machine_is_no_local_one(void **state)
{
    struct fixture *f = *state;

    f->options.local_host = "192.0.2.1";
    run_connect(f);

    assert_err(f->seen, EADDRNOTAVAIL);
    assert_true(reports(f, "from 192.0.2.1:0: EADDRNOTAVAIL"));
}

static void
no_stream_is_the_error_of_the_connect(void **state)
{
    struct fixture *f = *state;

    peer_close(f->listener);
    f->listener = -1;
    assert_err(run_task(f, say_hello), ECONNREFUSED);
}

/* As long as nobody accepts, the kernel drops whoever knocks. */
static void
will_not_answer(struct fixture *f)
{
    int fds[8];

    assert_int_equal(listen(f->listener, 0), 0);
    for (size_t i = 0; i < 8; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fds[i], &f->address.of.any, f->address.size);
    }
    for (size_t i = 0; i < 8; i++)
        close(fds[i]);
}

static void
who_does_not_answer_in_time_is_given_up(void **state)
{
    struct fixture *f = *state;

    will_not_answer(f);
    f->options.timeout_ns = OURO_MILLISECONDS(30);
    run_connect(f);

    assert_err(f->seen, ETIMEDOUT);
    assert_in_range(f->took_ns, OURO_MILLISECONDS(30), OURO_SECONDS(5));
    assert_true(reports(f, " within 0.03 s: 127.0.0.1:"));
    assert_true(reports(f, ": no answer"));
}

/* A socket that is ready. */

static void
will_adopt(struct fixture *f, int fd)
{
    f->options.host = NULL;
    f->options.service = NULL;
    f->options.ready = (struct ouro_descriptor){.number = fd, .given = true};
}

static void
a_blocking_socket_is_adopted(void **state)
{
    struct fixture *f = *state;
    int fd = peer_connect(&f->address);

    will_adopt(f, fd);
    run_connect(f);

    assert_ok(f->seen);
    assert_int_equal(ouro_transport_descriptor(f->protocol->transport), fd);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

static void
a_pair_of_unix_sockets_will_do(void **state)
{
    struct fixture *f = *state;
    int pair[2];
    char hello[5];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    will_adopt(f, pair[0]);
    run_connect(f);
    assert_ok(f->seen);
    ouro_transport_write(f->protocol->transport, OURO_BYTES("hello"));
    assert_ok(run_task(f, let_a_turn_pass));

    assert_ok(peer_receive(pair[1], hello, sizeof(hello)));
    close(pair[1]);
}

/* It is refused, and as it was. */
static void
stays_the_callers(struct fixture *f, int fd, int error)
{
    int flags = fcntl(fd, F_GETFL);

    will_adopt(f, fd);
    run_connect(f);
    assert_err(f->seen, error);
    assert_int_equal(fcntl(fd, F_GETFL), flags);
    assert_int_equal(close(fd), 0);
}

static void
what_is_no_connected_stream_stays_the_callers(void **state)
{
    struct fixture *f = *state;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    stays_the_callers(f, fds[0], ENOTSOCK);
    stays_the_callers(f, fds[1], ENOTSOCK);
    stays_the_callers(f, socket(AF_INET, SOCK_DGRAM, 0), EPROTOTYPE);
    stays_the_callers(f, socket(AF_INET, SOCK_STREAM, 0), ENOTCONN);
    stays_the_callers(f, dup(f->listener), ENOTCONN);
}

/* Cancellation. */

static int
connect_and_cancel(void *arg)
{
    struct fixture *f = arg;
    struct ouro_task *task;

    int rc = ouro_create_task(&task, connect_once, f);
    for (unsigned i = 0; rc == 0 && i < f->turns; i++)
        rc = ouro_sleep(0);
    if (rc < 0)
        return rc;
    ouro_task_cancel(task);
    rc = ouro_task_join(task);
    ouro_task_unref(task);
    return rc;
}

static void
a_connect_that_waits_can_be_cancelled(void **state)
{
    struct fixture *f = *state;

    will_not_answer(f);
    f->turns = 20;
    assert_ok(run_task(f, connect_and_cancel));

    assert_err(f->seen, ECANCELED);
    assert_int_equal(count_descriptors(), f->descriptors);
}

/* From before its first step to after its last. */
static void
a_cancellation_at_any_turn_leaks_no_descriptor(void **state)
{
    struct fixture *f = *state;
    unsigned cancelled = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        f->turns = i % 10;
        assert_ok(run_task(f, connect_and_cancel));
        assert_true(f->seen == 0 || f->seen == -ECANCELED);
        cancelled += f->seen == -ECANCELED;
        hang_up(f);
        assert_int_equal(count_descriptors(), f->descriptors);
        if (f->turns > 0 && f->seen == 0)
            peer_close(peer_accept(f->listener));
    }
    assert_in_range(cancelled, ROUNDS / 10, ROUNDS - 1);
}

/* The world. */

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct ouro_loop_options options = {
        .exception_handler = see_exception,
        .exception_arg = &f->exceptions,
    };

    assert_ok(ouro_loop_new(&f->loop, &options));
    f->listener = peer_listen("127.0.0.1", &f->address);
    assert_true(f->listener >= 0);
    snprintf(f->service, sizeof(f->service), "%u",
             ouro_address_port(&f->address));
    f->options.host = "127.0.0.1";
    f->options.service = f->service;
    f->options.report = &f->report;
    f->descriptors = count_descriptors();
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    hang_up(f);
    assert_int_equal(count_descriptors() + (f->listener < 0), f->descriptors);
    if (f->listener >= 0)
        peer_close(f->listener);
    ouro_loop_free(f->loop);
    assert_int_equal(f->exceptions.count, 0);
    free(f);
    return 0;
}

/* Whether there are loops here at all. */
static bool
has_loops(void)
{
    struct ouro_loop *loop;

    if (ouro_loop_new(&loop, NULL) < 0)
        return false;
    ouro_loop_free(loop);
    return true;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_talks_to_its_peer),
        TEST(the_addresses_of_localhost_are_tried),
        TEST(the_peer_sees_the_local_address),
        TEST(a_port_where_nobody_listens_refuses),
        TEST(no_stream_is_the_error_of_the_connect),
        TEST(an_address_of_another_machine_is_no_local_one),
        TEST(who_does_not_answer_in_time_is_given_up),
        TEST(a_blocking_socket_is_adopted),
        TEST(a_pair_of_unix_sockets_will_do),
        TEST(what_is_no_connected_stream_stays_the_callers),
        TEST(a_connect_that_waits_can_be_cancelled),
        TEST(a_cancellation_at_any_turn_leaks_no_descriptor),
    };

    if (!has_loops())
        return SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
