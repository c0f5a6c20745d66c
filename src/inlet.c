/* SPDX-License-Identifier: MIT */
/* How bytes come in from a descriptor; the story is in inlet.h. */
#include "inlet.h"

#include "poison.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum {
    LARGE_SIZE = 8 * 1024, /* at once, of the 16 KiB that a buffer holds */
    BULK_AFTER = 4,        /* of these in a row */
    TURN_SIZE = 256 * 1024 /* by poll, for one connection in one turn */
};

static void pump(void *arg);

static struct ouro__engine *
engine_of(const struct ouro__inlet *inlet)
{
    return inlet->pool->loop->engine;
}

static bool
may_deliver(const struct ouro__inlet *inlet)
{
    return !inlet->paused && !inlet->stopped && !inlet->told;
}

/* The socket tells its error once, so the first end is the one that counts. */
static void
note_end(struct ouro__inlet *inlet, int error)
{
    if (inlet->end == -EINPROGRESS)
        inlet->end = error;
}

static void
pump_later(struct ouro__inlet *inlet)
{
    if (!ouro_handle_is_pending(&inlet->again))
        ouro_call_soon(inlet->pool->loop, &inlet->again, pump, inlet);
}

/* Keeping what cannot be delivered now. */

/* Bytes are lost: what comes behind them must not be taken for them. */
static void
cut(struct ouro__inlet *inlet)
{
    inlet->cut = true;
    inlet->readable = false;
    inlet->end = -ENOMEM;
    ouro__op_cancel(engine_of(inlet), &inlet->op);
    pump_later(inlet);
}

static void
park(struct ouro__inlet *inlet, struct ouro_slice data)
{
    while (data.size > 0) {
        struct ouro__block *block = ouro__block_new(inlet->pool);
        if (block == NULL) {
            cut(inlet);
            return;
        }
        size_t size =
            data.size < OURO__BLOCK_ROOM ? data.size : OURO__BLOCK_ROOM;
        memcpy(block->data, data.data, size);
        block->end = size;
        ouro__list_append(&inlet->parked, &block->link);
        data = ouro_slice_of(data.data + size, data.size - size);
    }
}

static void
drop_parked(struct ouro__inlet *inlet)
{
    struct ouro__list *link;

    while ((link = ouro__list_shift(&inlet->parked)) != NULL)
        ouro__block_free(inlet->pool,
                         OURO_CONTAINER_OF(link, struct ouro__block, link));
}

static void
deliver_parked(struct ouro__inlet *inlet)
{
    while (may_deliver(inlet) && !ouro__list_is_empty(&inlet->parked)) {
        struct ouro__block *block =
            OURO_CONTAINER_OF(inlet->parked.next, struct ouro__block, link);

        /* Out of the list: the call may stop the inlet. */
        ouro__list_remove(&block->link);
        block->begin += inlet->ops->received(inlet, ouro__block_slice(block));
        if (block->begin < block->end && !inlet->stopped)
            ouro__list_prepend(&inlet->parked, &block->link);
        else
            ouro__block_free(inlet->pool, block);
    }
}

static void
deliver(struct ouro__inlet *inlet, struct ouro_slice data)
{
    size_t taken = 0;

    if (inlet->stopped || inlet->cut)
        return;
    if (may_deliver(inlet) && ouro__list_is_empty(&inlet->parked))
        taken = inlet->ops->received(inlet, data);
    if (taken < data.size && !inlet->stopped)
        park(inlet, ouro_slice_of(data.data + taken, data.size - taken));
}

/* By recv(2). */

/* Into the hot block, which is poisoned while it is not lent. */
static ssize_t
read_hot(struct ouro__inlet *inlet)
{
    struct ouro__engine *engine = engine_of(inlet);
    struct ouro__block *hot = inlet->pool->hot;

    OURO__UNPOISON(hot->data, OURO__WIDE_ROOM);
    ssize_t size =
        engine->sockets->recv(engine, inlet->op.fd, hot->data, OURO__WIDE_ROOM);
    if (size > 0)
        deliver(inlet, ouro_slice_of(hot->data, (size_t)size));
    OURO__POISON(inlet->pool->hot->data, OURO__WIDE_ROOM);
    return size;
}

static ssize_t
read_own(struct ouro__inlet *inlet, struct ouro_span room)
{
    struct ouro__engine *engine = engine_of(inlet);
    ssize_t size =
        engine->sockets->recv(engine, inlet->op.fd, room.data, room.size);

    if (size > 0)
        inlet->ops->buffer_updated(inlet, (size_t)size);
    return size;
}

/* Returns what recv(2) did, and in `*out_room` how much it could have done; 0:
 * it was not called. */
static ssize_t
read_once(struct ouro__inlet *inlet, size_t *out_room)
{
    struct ouro_span room = {NULL, OURO__WIDE_ROOM};
    bool own = inlet->ops->get_buffer(inlet, &room);
    ssize_t size = -EAGAIN;

    *out_room = room.size;
    if (!own)
        size = read_hot(inlet);
    else if (room.size > 0)
        size = read_own(inlet, room);
    if (size > 0)
        inlet->pool->loop->stats.bytes_received += (size_t)size;
    return size;
}

static void
note_result(struct ouro__inlet *inlet, ssize_t size, size_t room)
{
    if (room == 0)
        return;
    if (size > 0) {
        if ((size_t)size < room && !inlet->hung_up)
            inlet->readable = false;
        return;
    }
    inlet->readable = false;
    if (size != -EAGAIN)
        note_end(inlet, (int)size);
}

/* While a receive by ring goes on, nothing else may read the socket: what that
 * has taken already comes first. */
static bool
may_read(const struct ouro__inlet *inlet)
{
    bool by_ring = inlet->op.in_flight && inlet->op.kind == OURO__OP_RECV;

    return inlet->readable && !by_ring && may_deliver(inlet)
           && ouro__list_is_empty(&inlet->parked);
}

static void
read_some(struct ouro__inlet *inlet)
{
    size_t total = 0;

    while (may_read(inlet)) {
        size_t room;

        if (total >= TURN_SIZE) {
            pump_later(inlet);
            return;
        }
        ssize_t size = read_once(inlet, &room);
        if (inlet->stopped)
            return;
        note_result(inlet, size, room);
        total += size > 0 ? (size_t)size : 0;
    }
}

/* The operation. */

static void
arm(struct ouro__inlet *inlet)
{
    inlet->op.kind = inlet->by_poll ? OURO__OP_POLL : OURO__OP_RECV;
    inlet->op.multishot = inlet->by_poll;
    inlet->op.with.poll_events = POLLIN | POLLRDHUP;
    ouro__op_submit(engine_of(inlet), &inlet->op);
}

/* Whatever comes next: parked bytes, unread ones, the end, or a new wait. */
static void
pump(void *arg)
{
    struct ouro__inlet *inlet = arg;

    deliver_parked(inlet);
    read_some(inlet);
    if (!may_deliver(inlet) || inlet->readable
        || !ouro__list_is_empty(&inlet->parked))
        return;

    if (inlet->end != -EINPROGRESS) {
        inlet->told = true;
        inlet->ops->ended(inlet, inlet->end);
    } else if (!inlet->op.in_flight) {
        arm(inlet);
    }
}

static void
go_over_to_poll(struct ouro__inlet *inlet)
{
    inlet->by_poll = true;
    inlet->readable = !inlet->cut;
    ouro__op_cancel(engine_of(inlet), &inlet->op);
}

static void
received_by_ring(struct ouro__inlet *inlet, struct ouro_slice data)
{
    bool automatic = inlet->pool->loop->options.receive == OURO_RECEIVE_AUTO;

    inlet->pool->loop->stats.bytes_received += data.size;
    deliver(inlet, data);
    if (inlet->stopped)
        return;

    inlet->large_in_a_row =
        data.size >= LARGE_SIZE ? (uint8_t)(inlet->large_in_a_row + 1) : 0;
    if (automatic && inlet->large_in_a_row >= BULK_AFTER && !inlet->by_poll)
        go_over_to_poll(inlet);
    else if (!ouro__list_is_empty(&inlet->parked))
        ouro__op_cancel(engine_of(inlet), &inlet->op);
}

static void
completed_by_ring(struct ouro__inlet *inlet,
                  const struct ouro__completion *completion)
{
    int result = completion->result;

    if (result > 0)
        received_by_ring(inlet,
                         ouro_slice_of(completion->data, (size_t)result));
    else if (result == -ENOBUFS)
        inlet->readable = !inlet->cut;
    else if (result != -ECANCELED)
        note_end(inlet, result);
}

static void
completed_by_poll(struct ouro__inlet *inlet, int result)
{
    if (result > 0) {
        inlet->readable = !inlet->cut;
        inlet->hung_up =
            inlet->hung_up || (result & (POLLRDHUP | POLLHUP | POLLERR));
    } else if (result < 0 && result != -ECANCELED) {
        note_end(inlet, result);
    }
}

static void
inlet_done(struct ouro__op *op, const struct ouro__completion *completion)
{
    struct ouro__inlet *inlet = OURO_CONTAINER_OF(op, struct ouro__inlet, op);

    if (op->kind == OURO__OP_RECV)
        completed_by_ring(inlet, completion);
    else
        completed_by_poll(inlet, completion->result);

    if (inlet->stopped) {
        if (!completion->more)
            inlet->ops->stopped(inlet);
        return;
    }
    if (!completion->more || op->kind == OURO__OP_POLL)
        pump(inlet);
}

/* The outside. */

void
ouro__inlet_init(struct ouro__inlet *inlet, struct ouro__pool *pool, int fd,
                 bool by_poll, const struct ouro__inlet_ops *ops)
{
    *inlet = (struct ouro__inlet){
        .ops = ops,
        .pool = pool,
        .end = -EINPROGRESS,
        .by_poll = by_poll,
    };
    ouro__op_init(&inlet->op, OURO__OP_POLL, fd, inlet_done);
    ouro__list_init(&inlet->parked);
}

void
ouro__inlet_start(struct ouro__inlet *inlet)
{
    inlet->started = true;
    if (may_deliver(inlet))
        arm(inlet);
}

void
ouro__inlet_pause(struct ouro__inlet *inlet)
{
    inlet->paused = true;
}

void
ouro__inlet_resume(struct ouro__inlet *inlet)
{
    if (!inlet->paused)
        return;

    inlet->paused = false;
    if (inlet->started && !inlet->stopped)
        pump_later(inlet);
}

void
ouro__inlet_stop(struct ouro__inlet *inlet)
{
    inlet->stopped = true;
    ouro_handle_cancel(&inlet->again);
    drop_parked(inlet);
    ouro__op_cancel(engine_of(inlet), &inlet->op);
}

bool
ouro__inlet_is_idle(const struct ouro__inlet *inlet)
{
    return !inlet->op.in_flight;
}

bool
ouro__inlet_is_at_end(const struct ouro__inlet *inlet)
{
    return inlet->told;
}
