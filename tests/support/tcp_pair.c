/* SPDX-License-Identifier: MIT */
/* Two connected sockets of the running loop, whichever engine it has. */
#include "tcp_pair.h"

#include "loop.h"
#include "tcp.h"

/* An operation that a task waits for. */
struct wait {
    struct ouro__op op;
    struct ouro_future done;
    int result; /* of the first completion */
};

static struct ouro__engine *
engine_here(void)
{
    return ouro_get_running_loop()->engine;
}

/* The first completion is what was wanted, the last is what is waited for. */
static void
wait_done(struct ouro__op *op, const struct ouro__completion *completion)
{
    struct wait *wait = OURO_CONTAINER_OF(op, struct wait, op);

    if (wait->result == UNSEEN)
        wait->result = completion->result;
    if (completion->more)
        ouro__op_cancel(engine_here(), op);
    else
        ouro_future_set_result(&wait->done, NULL);
}

static void
wait_init(struct wait *wait, enum ouro__op_kind kind, int fd)
{
    wait->result = UNSEEN;
    ouro_future_init(&wait->done, ouro_get_running_loop());
    ouro__op_init(&wait->op, kind, fd, wait_done);
}

static int
connect_through(int listener, int out_fds[2])
{
    struct ouro__engine *engine = engine_here();
    struct ouro_address address;
    struct wait accept;
    struct wait connect;

    int rc = engine->sockets->local_address(engine, listener, &address);
    out_fds[0] = engine->sockets->open(engine, AF_INET);
    if (rc < 0 || out_fds[0] < 0)
        return rc < 0 ? rc : out_fds[0];

    wait_init(&accept, OURO__OP_ACCEPT, listener);
    wait_init(&connect, OURO__OP_CONNECT, out_fds[0]);
    connect.op.with.address = &address;
    ouro__op_submit(engine, &accept.op);
    ouro__op_submit(engine, &connect.op);
    rc = ouro_await(&connect.done);
    if (rc == 0)
        rc = ouro_await(&accept.done);
    out_fds[1] = accept.result;
    return rc < 0 ? rc : connect.result;
}

int
make_tcp_pair(int out_fds[2])
{
    struct ouro__engine *engine = engine_here();
    struct ouro_address here;
    int listener = engine->sockets->open(engine, AF_INET);

    if (listener < 0)
        return listener;
    int rc = ouro_address_parse(&here, "127.0.0.1", 0);
    if (rc == 0)
        rc = engine->sockets->bind(engine, listener, &here);
    if (rc == 0)
        rc = engine->sockets->listen(engine, listener, 1);
    if (rc == 0)
        rc = connect_through(listener, out_fds);
    engine->sockets->close(engine, listener);
    return rc;
}

int
make_tcp_transports(struct ouro_transport *out_transports[2],
                    const struct ouro_protocol_ops *ops)
{
    int fds[2];
    int rc = make_tcp_pair(fds);

    for (int i = 0; rc == 0 && i < 2; i++)
        rc = ouro__tcp_new(&out_transports[i], ouro_get_running_loop(), fds[i],
                           ops, OURO_HERE);
    return rc;
}

int
begin_over_tcp(struct end *end, int fd)
{
    struct ouro_transport *transport;
    int rc = ouro__tcp_new(&transport, ouro_get_running_loop(), fd,
                           &witness_ops, OURO_HERE);

    if (rc == 0)
        ouro_transport_begin(transport, end);
    return rc;
}

int
meet_over_tcp(struct end ends[2])
{
    int fds[2];

    ends_init(ends);
    int rc = make_tcp_pair(fds);
    for (int i = 0; rc == 0 && i < 2; i++)
        rc = begin_over_tcp(&ends[i], fds[i]);
    return rc;
}

ssize_t
raw_send(int fd, struct ouro_slice data)
{
    const struct iovec vector = {(void *)(uintptr_t)data.data, data.size};

    return engine_here()->sockets->send(engine_here(), fd, &vector, 1);
}

ssize_t
raw_receive(int fd, void *into, size_t size)
{
    return engine_here()->sockets->recv(engine_here(), fd, into, size);
}

void
raw_finish(int fd)
{
    (void)engine_here()->sockets->shutdown_write(engine_here(), fd);
}

void
raw_close(int fd)
{
    engine_here()->sockets->close(engine_here(), fd);
}

void
raw_reset(int fd)
{
    engine_here()->sockets->set_reset(engine_here(), fd);
    raw_close(fd);
}
