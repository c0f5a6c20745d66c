/* SPDX-License-Identifier: MIT */
/* What an operation of the simulation does when it has its turn.
 *
 * Nothing is decided before that: data stay in the socket, connections in the
 * backlog, until the operation is about to tell of them.  So a cancel finds
 * them there, as with the kernel, and memory for completions to come is not
 * needed.  Only a send and a connect may be done and told later: then HELD.
 *
 * Chance (see struct ouro_sim_options) may end what goes on for ever early,
 * with a result and without `more`; a program has to ask again.
 */
#include "engine_sim.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

enum {
    BURST = 32,    /* completions of one operation in one turn */
    MOST_LATE = 3, /* turns */
    MOST_BYTES = INT_MAX & ~4095
};

static struct ouro__sim_socket *
socket_of(const struct ouro__sim_engine *sim, const struct ouro__op *op)
{
    return ouro__sim_find(&sim->net, op->fd);
}

static void
finish(struct ouro__sim_engine *sim, struct ouro__op *op, int result)
{
    struct ouro__completion completion = {.op = op, .result = result};

    ouro__sim_complete(sim, &completion);
}

/* End it, or be late with that: the result stands, and is told some turns on.
 */
static bool
finish_or_hold(struct ouro__sim_engine *sim, struct ouro__op *op, int result)
{
    if (!ouro__sim_happens(sim, sim->options.late_percent)) {
        finish(sim, op, result);
        return false;
    }
    op->marks |= OURO__SIM_HELD;
    op->held_result = result;
    op->held_flags = sim->turn + 1 + (uint32_t)ouro__sim_draw(sim, MOST_LATE);
    return true;
}

/* Whether it goes on after this completion. */
static bool
goes_on(struct ouro__sim_engine *sim, const struct ouro__op *op)
{
    if ((op->marks & OURO__SIM_CANCELLED) != 0)
        return ouro__sim_draw(sim, 2) == 0;
    return !ouro__sim_happens(sim, sim->options.short_io_percent)
           || ouro__sim_draw(sim, 4) != 0;
}

/* Poll. */

static uint32_t
poll_wants(const struct ouro__op *op)
{
    return op->with.poll_events | POLLERR | POLLHUP | POLLRDHUP;
}

static bool
go_poll(struct ouro__sim_engine *sim, struct ouro__op *op,
        struct ouro__sim_socket *socket)
{
    uint32_t events = ouro__sim_poll(&sim->net, socket) & poll_wants(op);

    if (events == 0)
        return false;
    struct ouro__completion completion = {
        .op = op,
        .result = (int)events,
        .more = op->multishot && goes_on(sim, op),
    };
    ouro__sim_complete(sim, &completion);
    return false;
}

/* Receive. */

/* Receive into one buffer.  Returns whether it goes on. */
static bool
receive_once(struct ouro__sim_engine *sim, struct ouro__op *op,
             struct ouro__sim_socket *socket)
{
    struct ouro__completion completion = {.op = op};
    struct ouro__sim_buffers *buffers = &sim->buffers;
    size_t most = socket->size < buffers->size ? socket->size : buffers->size;

    if (buffers->free_count == 0
        || ouro__sim_happens(sim, sim->options.no_buffer_percent)) {
        finish(sim, op, -ENOBUFS);
        return false;
    }

    uint8_t *data = ouro__sim_buffers_take(buffers, &completion.buffer);
    completion.result = (int)ouro__sim_recv(&sim->net, socket, data,
                                            ouro__sim_shorten(sim, most));
    if (completion.result <= 0) {
        ouro__sim_buffers_give_back(buffers, completion.buffer);
        finish(sim, op, completion.result);
        return false;
    }
    ouro__sim_buffers_lend(buffers, completion.buffer,
                           (size_t)completion.result);
    completion.data = data;
    completion.more = goes_on(sim, op);
    ouro__sim_complete(sim, &completion);
    return completion.more;
}

static bool
go_recv(struct ouro__sim_engine *sim, struct ouro__op *op,
        struct ouro__sim_socket *socket)
{
    for (int i = 0; i < BURST; i++) {
        if (!ouro__engine_has_room(&sim->base))
            return true;
        if ((ouro__sim_poll(&sim->net, socket) & ~(uint32_t)POLLOUT) == 0)
            return false;
        if (!receive_once(sim, op, socket))
            return false;
    }
    return true;
}

/* Accept. */

static bool
accept_once(struct ouro__sim_engine *sim, struct ouro__op *op,
            struct ouro__sim_socket *listener)
{
    if (listener->queued > 0
        && ouro__sim_happens(sim, sim->options.abort_accept_percent)) {
        ouro__sim_drop_first(&sim->net, listener);
        finish(sim, op, -ECONNABORTED);
        return false;
    }

    int fd = ouro__sim_accept(&sim->net, listener);
    if (fd == -EAGAIN)
        return false;
    struct ouro__completion completion = {
        .op = op,
        .result = fd,
        .more = fd >= 0 && goes_on(sim, op),
    };
    ouro__sim_complete(sim, &completion);
    return completion.more;
}

static bool
go_accept(struct ouro__sim_engine *sim, struct ouro__op *op,
          struct ouro__sim_socket *listener)
{
    for (int i = 0; i < BURST; i++) {
        if (!ouro__engine_has_room(&sim->base))
            return true;
        if (!accept_once(sim, op, listener))
            return false;
    }
    return true;
}

/* Send. */

static size_t
message_size(const struct msghdr *message)
{
    size_t size = 0;

    for (size_t i = 0; i < message->msg_iovlen && size < MOST_BYTES; i++)
        size += message->msg_iov[i].iov_len;
    return size < MOST_BYTES ? size : MOST_BYTES;
}

/* An error is told only if nothing was sent; else it is gone, as with the
 * kernel, which tries once more and takes it. */
static bool
go_send(struct ouro__sim_engine *sim, struct ouro__op *op,
        struct ouro__sim_socket *socket)
{
    size_t sent = (size_t)op->held_result;
    size_t left = message_size(op->with.message) - sent;
    size_t most = ouro__sim_shorten(sim, left);
    ssize_t rc = ouro__sim_send(&sim->net, socket, op->with.message->msg_iov,
                                sent, most);

    if (rc == -EAGAIN)
        return false;
    if (rc < 0)
        return finish_or_hold(sim, op, sent > 0 ? (int)sent : (int)rc);
    op->held_result += (int)rc;
    if ((size_t)rc == left)
        return finish_or_hold(sim, op, op->held_result);
    return (size_t)rc == most;
}

/* Connect. */

static bool
go_connect(struct ouro__sim_engine *sim, struct ouro__op *op,
           struct ouro__sim_socket *socket)
{
    int rc = 0;

    if ((op->marks & OURO__SIM_STARTED) == 0) {
        int64_t delay_ns;
        int error = ouro__sim_route(&sim->names, op->with.address, &delay_ns);

        rc = ouro__sim_connect_start(&sim->net, socket, op->with.address,
                                     ouro__sim_later_ns(sim, delay_ns), error);
        op->marks |= OURO__SIM_STARTED;
    }
    if (rc == 0)
        rc = ouro__sim_connect_try(&sim->net, socket, sim->now_ns);
    return rc != -EAGAIN && finish_or_hold(sim, op, rc);
}

/* All of them. */

bool
ouro__sim_go(struct ouro__sim_engine *sim, struct ouro__op *op)
{
    struct ouro__sim_socket *socket = socket_of(sim, op);

    if (socket == NULL) {
        finish(sim, op, -EBADF);
        return false;
    }
    switch ((enum ouro__op_kind)op->kind) {
    case OURO__OP_POLL:
        return go_poll(sim, op, socket);
    case OURO__OP_RECV:
        return go_recv(sim, op, socket);
    case OURO__OP_ACCEPT:
        return go_accept(sim, op, socket);
    case OURO__OP_SEND:
        return go_send(sim, op, socket);
    case OURO__OP_CONNECT:
        return go_connect(sim, op, socket);
    }
    return false;
}

uint32_t
ouro__sim_wants(const struct ouro__op *op)
{
    switch ((enum ouro__op_kind)op->kind) {
    case OURO__OP_POLL:
        return poll_wants(op);
    case OURO__OP_RECV:
    case OURO__OP_ACCEPT:
        return POLLIN;
    case OURO__OP_SEND:
    case OURO__OP_CONNECT:
        return POLLOUT;
    }
    return 0;
}

void
ouro__sim_end(struct ouro__sim_engine *sim, struct ouro__op *op)
{
    struct ouro__sim_socket *socket = socket_of(sim, op);
    int result = -ECANCELED;

    if (op->kind == OURO__OP_SEND && op->held_result > 0)
        result = op->held_result;
    if (op->kind == OURO__OP_CONNECT && socket != NULL)
        ouro__sim_connect_stop(socket);
    finish(sim, op, result);
}
