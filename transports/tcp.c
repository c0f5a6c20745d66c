/* SPDX-License-Identifier: MIT */
/* Stream sockets: an inlet, an outlet, and the order in which they end.
 *
 * The happy path of a close: no more is received, the outlet empties, the write
 * side is shut down, and the descriptor closed when nothing names it any more.
 *
 * What may happen instead:
 *
 * - Bytes that nobody read are still in the socket when it closes.  The kernel
 *   would answer with a reset, and the peer could lose what we sent last: so
 *   they are read away, within a bound.
 * - Sending fails because the peer has reset: what came before can still be
 *   read, and the kernel tells its error only once.  So the error is kept, and
 *   the connection ends when the inlet is at its end.
 * - It is aborted: everything is cancelled, and the close is a reset.
 */
#include "tcp.h"
#include "inlet.h"
#include "outlet.h"

#include <errno.h>

/* What close reads away: 1 MiB; a peer that sends more is reset. */
enum { DISCARD_SIZE = 1024, DISCARDS = 1024 };

struct tcp {
    struct ouro_transport base;
    struct ouro__inlet inlet;
    struct ouro__outlet outlet;
    int fd;           /* -1: closed */
    bool ending;      /* close or abort has begun */
    bool reset;       /* the close is a reset */
    bool eof_pending; /* shut down when the outlet is empty */
};

static struct tcp *
tcp_of(struct ouro_transport *transport)
{
    return OURO_CONTAINER_OF(transport, struct tcp, base);
}

static const struct tcp *
const_tcp_of(const struct ouro_transport *transport)
{
    return (const struct tcp *)(const void *)((const char *)transport
                                              - offsetof(struct tcp, base));
}

static struct ouro__engine *
engine_of(const struct tcp *tcp)
{
    return tcp->base.loop->engine;
}

/* The end. */

static void
discard_input(struct tcp *tcp)
{
    const struct ouro__socket_ops *sockets = engine_of(tcp)->sockets;
    uint8_t waste[DISCARD_SIZE];
    ssize_t size = 1;

    for (int i = 0; size > 0 && i < DISCARDS; i++)
        size = sockets->recv(engine_of(tcp), tcp->fd, waste, sizeof(waste));
}

static void
close_descriptor(struct tcp *tcp)
{
    const struct ouro__socket_ops *sockets = engine_of(tcp)->sockets;
    int fd = tcp->fd;

    tcp->fd = -1;
    if (tcp->reset)
        sockets->set_reset(engine_of(tcp), fd);
    sockets->close(engine_of(tcp), fd);
    ouro__loop_descriptor_freed(tcp->base.loop);
}

/* Close when nothing is in flight, and nothing queued. */
static void
end_if_idle(struct tcp *tcp)
{
    if (!tcp->ending || tcp->fd < 0 || !ouro__inlet_is_idle(&tcp->inlet)
        || !ouro__outlet_is_idle(&tcp->outlet))
        return;

    if (!tcp->reset && !ouro__inlet_is_at_end(&tcp->inlet))
        discard_input(tcp);
    close_descriptor(tcp);
    ouro_transport_ended(&tcp->base);
}

/* What the inlet says. */

static struct tcp *
tcp_of_inlet(struct ouro__inlet *inlet)
{
    return OURO_CONTAINER_OF(inlet, struct tcp, inlet);
}

static size_t
tcp_received(struct ouro__inlet *inlet, struct ouro_slice data)
{
    return ouro_transport_received(&tcp_of_inlet(inlet)->base, data);
}

static bool
tcp_get_buffer(struct ouro__inlet *inlet, struct ouro_span *out_room)
{
    struct ouro_transport *transport = &tcp_of_inlet(inlet)->base;

    if (!ouro_transport_is_buffered(transport))
        return false;
    *out_room = ouro_transport_get_buffer(transport, OURO__WIDE_ROOM);
    return true;
}

static void
tcp_buffer_updated(struct ouro__inlet *inlet, size_t size)
{
    ouro_transport_buffer_updated(&tcp_of_inlet(inlet)->base, size);
}

static void
tcp_input_ended(struct ouro__inlet *inlet, int error)
{
    struct tcp *tcp = tcp_of_inlet(inlet);

    if (tcp->base.broken)
        ouro_transport_fail(&tcp->base, tcp->base.reason);
    else if (error < 0)
        ouro_transport_fail(&tcp->base, error);
    else
        ouro_transport_received_eof(&tcp->base);
}

static void
tcp_input_stopped(struct ouro__inlet *inlet)
{
    end_if_idle(tcp_of_inlet(inlet));
}

static const struct ouro__inlet_ops inlet_ops = {
    .received = tcp_received,
    .get_buffer = tcp_get_buffer,
    .buffer_updated = tcp_buffer_updated,
    .ended = tcp_input_ended,
    .stopped = tcp_input_stopped,
};

/* What the outlet says. */

/* The peer is gone.  If input can still come, it comes first; also if that has
 * to wait for a resume, as every end of input does. */
static void
sending_failed(struct tcp *tcp, int error)
{
    bool gone = error == -EPIPE || error == -ECONNRESET;

    if (gone && !ouro_transport_is_closing(&tcp->base)
        && !ouro__inlet_is_at_end(&tcp->inlet))
        ouro_transport_set_broken(&tcp->base, error);
    else
        ouro_transport_fail(&tcp->base, error);
}

static void
shut_down_if_drained(struct tcp *tcp)
{
    if (!tcp->eof_pending || !ouro__outlet_is_idle(&tcp->outlet))
        return;

    tcp->eof_pending = false;
    (void)engine_of(tcp)->sockets->shutdown_write(engine_of(tcp), tcp->fd);
}

static void
tell_queued(struct tcp *tcp)
{
    const struct ouro__outbox *outbox = &tcp->outlet.outbox;

    ouro_transport_set_queued(&tcp->base, outbox->size, outbox->file_size);
}

static void
tcp_moved(struct ouro__outlet *outlet, int error)
{
    struct tcp *tcp = OURO_CONTAINER_OF(outlet, struct tcp, outlet);

    tell_queued(tcp);
    if (error < 0)
        sending_failed(tcp, error);
    else if (!tcp->reset)
        shut_down_if_drained(tcp);
    end_if_idle(tcp);
}

/* What the base asks for. */

static void
tcp_start(struct ouro_transport *transport)
{
    ouro__inlet_start(&tcp_of(transport)->inlet);
}

static void
tcp_queued(struct tcp *tcp, int rc)
{
    if (rc < 0)
        ouro_transport_fail(&tcp->base, rc);
    else
        tell_queued(tcp);
}

static void
tcp_writev(struct ouro_transport *transport, const struct ouro_slice *slices,
           size_t count)
{
    struct tcp *tcp = tcp_of(transport);

    tcp_queued(tcp, ouro__outlet_writev(&tcp->outlet, slices, count));
}

static void
tcp_write_take(struct ouro_transport *transport, struct ouro_buf *buf)
{
    struct tcp *tcp = tcp_of(transport);

    tcp_queued(tcp, ouro__outlet_take(&tcp->outlet, buf));
}

static void
tcp_write_file(struct ouro_transport *transport, int file, size_t offset,
               size_t size)
{
    struct tcp *tcp = tcp_of(transport);

    tcp_queued(tcp, ouro__outlet_file(&tcp->outlet, file, offset, size));
}

static void
tcp_write_eof(struct ouro_transport *transport)
{
    struct tcp *tcp = tcp_of(transport);

    tcp->eof_pending = true;
    shut_down_if_drained(tcp);
}

static void
tcp_pause_reading(struct ouro_transport *transport)
{
    ouro__inlet_pause(&tcp_of(transport)->inlet);
}

static void
tcp_resume_reading(struct ouro_transport *transport)
{
    ouro__inlet_resume(&tcp_of(transport)->inlet);
}

static void
tcp_close(struct ouro_transport *transport)
{
    struct tcp *tcp = tcp_of(transport);

    tcp->ending = true;
    tcp->eof_pending = true;
    ouro__inlet_stop(&tcp->inlet);
    shut_down_if_drained(tcp);
    end_if_idle(tcp);
}

static void
tcp_abort(struct ouro_transport *transport)
{
    struct tcp *tcp = tcp_of(transport);

    tcp->ending = true;
    tcp->reset = true;
    ouro__inlet_stop(&tcp->inlet);
    ouro__outlet_abort(&tcp->outlet);
    end_if_idle(tcp);
}

static void
tcp_fini(struct ouro_transport *transport)
{
    struct tcp *tcp = tcp_of(transport);

    if (tcp->fd >= 0)
        close_descriptor(tcp);
}

static struct ouro_address
tcp_peer_address(const struct ouro_transport *transport)
{
    const struct tcp *tcp = const_tcp_of(transport);
    struct ouro_address address = {.size = 0};

    if (tcp->fd < 0
        || engine_of(tcp)->sockets->peer_address(engine_of(tcp), tcp->fd,
                                                 &address)
               < 0)
        address.size = 0;
    return address;
}

static struct ouro_address
tcp_local_address(const struct ouro_transport *transport)
{
    const struct tcp *tcp = const_tcp_of(transport);
    struct ouro_address address = {.size = 0};

    if (tcp->fd < 0
        || engine_of(tcp)->sockets->local_address(engine_of(tcp), tcp->fd,
                                                  &address)
               < 0)
        address.size = 0;
    return address;
}

static int
tcp_descriptor(const struct ouro_transport *transport)
{
    return const_tcp_of(transport)->fd;
}

static const struct ouro_transport_ops tcp_ops = {
    .size = sizeof(struct tcp),
    .name = "tcp",
    .start = tcp_start,
    .writev = tcp_writev,
    .write_take = tcp_write_take,
    .write_file = tcp_write_file,
    .write_eof = tcp_write_eof,
    .pause_reading = tcp_pause_reading,
    .resume_reading = tcp_resume_reading,
    .close = tcp_close,
    .abort = tcp_abort,
    .fini = tcp_fini,
    .peer_address = tcp_peer_address,
    .local_address = tcp_local_address,
    .descriptor = tcp_descriptor,
};

/* Receiving by ring needs buffers of the engine, and cannot fill a protocol's
 * own. */
static bool
receives_by_poll(const struct ouro_loop *loop,
                 const struct ouro_protocol_ops *ops)
{
    return loop->options.receive == OURO_RECEIVE_POLL
           || loop->engine->info.receive_memory == 0 || ops->get_buffer != NULL;
}

int
ouro__tcp_new(struct ouro_transport **out_transport, struct ouro_loop *loop,
              int fd, const struct ouro_protocol_ops *ops, const char *site)
{
    struct ouro_transport *transport;
    struct ouro__pool *pool = ouro__pool_of(loop);

    if (pool == NULL)
        return -ENOMEM;
    int rc = ouro_transport_new(&transport, loop, &tcp_ops, ops, site);
    if (rc < 0)
        return rc;

    struct tcp *tcp = tcp_of(transport);
    tcp->fd = fd;
    ouro__inlet_init(&tcp->inlet, pool, fd, receives_by_poll(loop, ops),
                     &inlet_ops);
    ouro__outlet_init(&tcp->outlet, pool, fd, tcp_moved);
    *out_transport = transport;
    return 0;
}
