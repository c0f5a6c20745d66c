/* SPDX-License-Identifier: MIT */
/* Whole programs, in which each allocation fails in turn: they may fail, but
 * neither leak, nor crash, nor wait for ever. */
#include "ouro_test.h"

#include <stdio.h>
#include <string.h>

enum { SIZE = 100000 };

/* One program, which is run again and again. */
struct program {
    ouro_task_fn *main;
    struct ouro_server *server;
    unsigned runs;
    unsigned left; /* things that were still alive at the end */
    unsigned hangs;
    unsigned lost; /* connections of protocols */
    unsigned made;
};

static struct program program;

static const uint8_t bytes[SIZE];

/* Running one. */

static void
count_left(const struct ouro_exception *exception, void *arg)
{
    struct program *p = arg;

    p->left += strstr(exception->message, "still") != NULL;
}

static int
run_program(void *arg)
{
    struct program *p = arg;
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = count_left, .exception_arg = p},
    };
    struct ouro_sim *sim;

    p->runs++;
    int rc = ouro_sim_new(&sim, &options);
    if (rc < 0)
        return rc;
    rc = ouro_sim_run(sim, p->main, p);
    p->hangs += rc == -EDEADLK;
    ouro_sim_advance(sim, OURO_SECONDS(60));
    ouro_sim_free(sim);
    return rc;
}

static void
check_program(ouro_task_fn *fn)
{
    program = (struct program){.main = fn};
    for_each_allocation_failure(run_program, &program);

    assert_int_equal(program.hangs, 0);
    assert_int_equal(program.lost, program.made);
    assert_int_equal(program.left, 0);
    assert_true(program.runs > 20);
}

static struct ouro_connect_options
address_of(const struct program *p, char port[8])
{
    struct ouro_address where = ouro_server_address(p->server, 0);

    snprintf(port, 8, "%u", (unsigned)ouro_address_port(&where));
    return (struct ouro_connect_options){
        .host = "127.0.0.1",
        .service = port,
        .timeout_ns = OURO_SECONDS(10),
    };
}

/* An echo of protocols. */

struct peer {
    struct ouro_protocol base;
    size_t size;
    struct ouro_future *over; /* NULL: nobody waits */
};

static struct peer *
peer_of(struct ouro_protocol *protocol)
{
    return OURO_CONTAINER_OF(protocol, struct peer, base);
}

static int
peer_made(struct ouro_protocol *self, void *context)
{
    (void)self;
    (void)context;
    program.made++;
    return 0;
}

static void
echo_received(struct ouro_protocol *self, struct ouro_slice data)
{
    struct ouro_buf *copy = ouro_transport_retain(self->transport, data);

    if (copy != NULL)
        ouro_transport_write_take(self->transport, copy);
    else
        ouro_transport_fail(self->transport, -ENOMEM);
}

static void
count_received(struct ouro_protocol *self, struct ouro_slice data)
{
    struct peer *peer = peer_of(self);

    peer->size += data.size;
    if (peer->size == SIZE)
        ouro_transport_close(self->transport);
}

static void
peer_lost(struct ouro_protocol *self, int reason)
{
    struct peer *peer = peer_of(self);

    (void)reason;
    program.lost++;
    if (peer->over != NULL)
        ouro_future_set_result(peer->over, NULL);
}

static const struct ouro_protocol_ops echo_ops = {
    .size = sizeof(struct peer),
    .connection_made = peer_made,
    .data_received = echo_received,
    .connection_lost = peer_lost,
};

static const struct ouro_protocol_ops client_ops = {
    .size = sizeof(struct peer),
    .connection_made = peer_made,
    .data_received = count_received,
    .connection_lost = peer_lost,
};

static int
rest(struct ouro_protocol *self, void *arg)
{
    (void)self;
    (void)arg;
    return ouro_sleep(OURO_SECONDS(3600));
}

/* Write it all, and wait until it has come back, or never will. */
static int
ask_protocol(struct ouro_protocol *protocol)
{
    struct peer *peer = peer_of(protocol);
    struct ouro_future over;

    ouro_future_init(&over, ouro_get_running_loop());
    int rc = ouro_protocol_create_task(protocol, rest, NULL);
    if (rc == 0 && !ouro_transport_is_closing(protocol->transport)) {
        peer->over = &over;
        ouro_transport_write(protocol->transport, ouro_slice_of(bytes, SIZE));
        rc = ouro_await(&over);
        peer->over = NULL;
    }
    ouro_transport_abort(protocol->transport);
    ouro_future_fini(&over);
    return rc < 0 || peer->size == SIZE ? rc : -ECONNABORTED;
}

static int
connect_protocol(struct program *p)
{
    struct ouro_protocol *protocol;
    char port[8];
    struct ouro_connect_options where = address_of(p, port);

    int rc = ouro_create_connection(&protocol, &client_ops, NULL, &where);
    if (rc < 0)
        return rc;
    rc = ask_protocol(protocol);
    ouro_protocol_unref(protocol);
    return rc;
}

static int
end_server(struct program *p, int rc)
{
    int stopped = ouro_server_stop(p->server, OURO_SECONDS(1));

    ouro_server_free(p->server);
    return rc < 0 ? rc : stopped;
}

static int
echo_by_protocols(void *arg)
{
    struct program *p = arg;
    const struct ouro_server_options where = {.host = "127.0.0.1"};

    int rc = ouro_create_server(&p->server, &echo_ops, NULL, &where);
    if (rc < 0)
        return rc;
    return end_server(p, connect_protocol(p));
}

static void
an_echo_of_protocols_fails_cleanly(void **state)
{
    (void)state;
    check_program(echo_by_protocols);
    assert_true(program.made > 0);
}

/* An echo of streams. */

static int
echo(struct ouro_stream *stream, void *context)
{
    (void)context;
    for (;;) {
        struct ouro_slice data;
        ssize_t size = ouro_stream_peek(stream, &data);
        if (size <= 0)
            return (int)size;

        int rc = ouro_stream_write(stream, data);
        if (rc < 0)
            return rc;
        ouro_stream_consume(stream, data.size);
    }
}

static int
ask_stream(struct ouro_stream *stream)
{
    static uint8_t back[SIZE];

    int rc = ouro_stream_write(stream, OURO_BYTES("a line\n"));
    if (rc < 0)
        return rc;
    ssize_t size = ouro_stream_read_exactly(stream, back, 7);
    if (size < 0)
        return (int)size;
    rc = ouro_stream_write(stream, ouro_slice_of(bytes, SIZE / 2));
    if (rc < 0)
        return rc;
    size = ouro_stream_read_exactly(stream, back, SIZE / 2);
    if (size < 0)
        return (int)size;
    ouro_stream_close(stream);
    return ouro_stream_wait_closed(stream);
}

static int
connect_stream(struct program *p)
{
    struct ouro_stream *stream;
    char port[8];
    struct ouro_connect_options where = address_of(p, port);

    int rc = ouro_open_connection(&stream, &where);
    if (rc < 0)
        return rc;
    rc = ask_stream(stream);
    ouro_stream_free(stream);
    return rc;
}

static int
echo_by_streams(void *arg)
{
    struct program *p = arg;
    const struct ouro_server_options where = {.host = "127.0.0.1"};

    int rc = ouro_start_server(&p->server, echo, NULL, &where);
    if (rc < 0)
        return rc;
    return end_server(p, connect_stream(p));
}

static void
an_echo_of_streams_fails_cleanly(void **state)
{
    (void)state;
    check_program(echo_by_streams);
}

/* Ends in a hurry. */

static void
take_buf(struct ouro_transport *transport)
{
    struct ouro_buf *buf = ouro_buf_new(SIZE);

    if (buf != NULL)
        ouro_transport_write_take(transport, buf);
}

static int
leave_at_once(struct program *p, bool abruptly)
{
    struct ouro_protocol *protocol;
    char port[8];
    struct ouro_connect_options where = address_of(p, port);

    int rc = ouro_create_connection(&protocol, &client_ops, NULL, &where);
    if (rc < 0)
        return rc;
    ouro_transport_write(protocol->transport, OURO_BYTES("hello"));
    take_buf(protocol->transport);
    if (abruptly)
        ouro_transport_abort(protocol->transport);
    else
        ouro_transport_close(protocol->transport);
    ouro_protocol_unref(protocol);
    return 0;
}

static int
close_and_abort(void *arg)
{
    struct program *p = arg;
    const struct ouro_server_options where = {.host = "127.0.0.1"};

    int rc = ouro_create_server(&p->server, &echo_ops, NULL, &where);
    if (rc < 0)
        return rc;
    rc = leave_at_once(p, false);
    if (rc == 0)
        rc = leave_at_once(p, true);
    return end_server(p, rc);
}

static void
a_close_and_an_abort_fail_cleanly(void **state)
{
    (void)state;
    check_program(close_and_abort);
    assert_true(program.made > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_of_protocols_fails_cleanly),
        cmocka_unit_test(an_echo_of_streams_fails_cleanly),
        cmocka_unit_test(a_close_and_an_abort_fail_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
