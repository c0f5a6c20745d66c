/* SPDX-License-Identifier: MIT */
/* Bytes and their ends in the simulated network.
 *
 * What is sent lies in the buffer of the receiver at once; the buffer is
 * bounded, and that is all the flow control there is.  The ends are Linux's:
 *
 * - A reset leaves what came before it readable.  Its error is told once, to
 *   the send or the receive that asks first; then a receive finds the end and
 *   a send -EPIPE.  If the end had come before the reset, nobody is told.
 * - To close with bytes nobody has received is a reset.
 * - What is sent to a peer that has closed is taken, answered with a reset,
 *   and gone.
 * - Room is announced only when a third of the buffer is free, as by TCP.
 */
#include "sim_net.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int
take_error(struct ouro__sim_socket *socket)
{
    int error = socket->error;

    socket->error = 0;
    return error;
}

bool
ouro__sim_is_alive(const struct ouro__sim_socket *socket)
{
    return socket->state == OURO__SIM_CONNECTED
           && !(socket->end_sent && socket->end_received);
}

static bool
has_room(const struct ouro__sim_net *net, const struct ouro__sim_socket *socket)
{
    if (socket->peer == NULL)
        return true;

    size_t room = net->buffer_size - socket->peer->size;
    return room > 0 && room >= net->buffer_size / 3;
}

/* Whether a send would not wait. */
static bool
is_writable(const struct ouro__sim_net *net,
            const struct ouro__sim_socket *socket)
{
    if (socket->state != OURO__SIM_CONNECTED || socket->end_sent)
        return true;
    return has_room(net, socket);
}

uint32_t
ouro__sim_poll(struct ouro__sim_net *net, struct ouro__sim_socket *socket)
{
    uint32_t events = 0;

    if (socket->state == OURO__SIM_LISTENING)
        return socket->queued > 0 ? POLLIN : 0;
    if (socket->state == OURO__SIM_CONNECTING)
        return 0;

    if (!ouro__sim_is_alive(socket))
        events |= POLLHUP;
    if (socket->end_received || socket->state == OURO__SIM_BROKEN)
        events |= POLLIN | POLLRDHUP;
    if (socket->size > 0)
        events |= POLLIN;
    if (socket->error != 0)
        events |= POLLERR;
    if (is_writable(net, socket))
        events |= POLLOUT;
    else
        socket->wants_room = true;
    return events;
}

/* Bytes. */

static void
put(const struct ouro__sim_net *net, struct ouro__sim_socket *socket,
    const uint8_t *data, size_t size)
{
    size_t at = (socket->first + socket->size) % net->buffer_size;
    size_t head = smaller(size, net->buffer_size - at);

    memcpy(socket->bytes + at, data, head);
    memcpy(socket->bytes, data + head, size - head);
    socket->size += size;
}

static void
take(const struct ouro__sim_net *net, struct ouro__sim_socket *socket,
     uint8_t *into, size_t size)
{
    size_t head = smaller(size, net->buffer_size - socket->first);

    memcpy(into, socket->bytes + socket->first, head);
    memcpy(into + head, socket->bytes, size - head);
    socket->first = (socket->first + size) % net->buffer_size;
    socket->size -= size;
}

static void
gather(const struct ouro__sim_net *net, struct ouro__sim_socket *into,
       const struct iovec *vectors, size_t skip, size_t size)
{
    for (; size > 0; vectors++) {
        if (skip >= vectors->iov_len) {
            skip -= vectors->iov_len;
            continue;
        }

        const uint8_t *data = vectors->iov_base;
        size_t part = smaller(size, vectors->iov_len - skip);
        put(net, into, data + skip, part);
        skip = 0;
        size -= part;
    }
}

static int
may_send(struct ouro__sim_socket *socket)
{
    if (socket->state == OURO__SIM_CONNECTING)
        return -EAGAIN;
    if (socket->error != 0)
        return take_error(socket);
    if (socket->state != OURO__SIM_CONNECTED || socket->end_sent)
        return -EPIPE;
    return 0;
}

ssize_t
ouro__sim_send(struct ouro__sim_net *net, struct ouro__sim_socket *socket,
               const struct iovec *vectors, size_t skip, size_t most)
{
    struct ouro__sim_socket *peer = socket->peer;

    int rc = may_send(socket);
    if (rc < 0 || most == 0)
        return rc;
    if (peer == NULL) {
        ouro__sim_reset(net, socket);
        return (ssize_t)most;
    }

    size_t size = smaller(most, net->buffer_size - peer->size);
    if (size < most)
        socket->wants_room = true;
    if (size == 0)
        return -EAGAIN;
    gather(net, peer, vectors, skip, size);
    net->changed(net, peer, POLLIN);
    return (ssize_t)size;
}

static void
announce_room(struct ouro__sim_net *net, struct ouro__sim_socket *socket)
{
    if (socket == NULL || !socket->wants_room || !has_room(net, socket))
        return;

    socket->wants_room = false;
    net->changed(net, socket, POLLOUT);
}

static int
end_of_bytes(struct ouro__sim_socket *socket)
{
    if (socket->end_received)
        return 0;
    if (socket->error != 0)
        return take_error(socket);
    if (socket->state == OURO__SIM_BROKEN)
        return 0;
    if (socket->state == OURO__SIM_IDLE || socket->state == OURO__SIM_LISTENING)
        return -ENOTCONN;
    return -EAGAIN;
}

ssize_t
ouro__sim_recv(struct ouro__sim_net *net, struct ouro__sim_socket *socket,
               void *into, size_t size)
{
    if (socket->size == 0)
        return end_of_bytes(socket);

    size = smaller(size, socket->size);
    take(net, socket, into, size);
    announce_room(net, socket->peer);
    return (ssize_t)size;
}

/* Ends. */

int
ouro__sim_shutdown_write(struct ouro__sim_net *net,
                         struct ouro__sim_socket *socket)
{
    if (!ouro__sim_is_alive(socket))
        return -ENOTCONN;
    if (socket->end_sent)
        return 0;

    socket->end_sent = true;
    net->changed(net, socket, OURO__SIM_EVERYTHING);
    if (socket->peer != NULL) {
        socket->peer->end_received = true;
        net->changed(net, socket->peer, OURO__SIM_EVERYTHING);
    }
    return 0;
}

void
ouro__sim_reset(struct ouro__sim_net *net, struct ouro__sim_socket *socket)
{
    if (socket->state != OURO__SIM_CONNECTED)
        return;

    if (socket->peer != NULL)
        socket->peer->peer = NULL;
    socket->peer = NULL;
    socket->error = socket->end_received ? -EPIPE : -ECONNRESET;
    socket->state = OURO__SIM_BROKEN;
    net->changed(net, socket, OURO__SIM_EVERYTHING);
}

void
ouro__sim_hang_up(struct ouro__sim_net *net, struct ouro__sim_socket *socket)
{
    struct ouro__sim_socket *peer = socket->peer;

    if (peer == NULL)
        return;
    if (socket->size > 0 || socket->resets) {
        ouro__sim_reset(net, peer);
        return;
    }

    peer->peer = NULL;
    socket->peer = NULL;
    peer->end_received = true;
    net->changed(net, peer, OURO__SIM_EVERYTHING);
}
