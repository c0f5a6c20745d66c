/* SPDX-License-Identifier: MIT */
/* The life of an operation: from submission to its last completion.
 *
 * The happy path:
 *
 * - ouro__op_submit() gives it to the engine and counts it as in flight.
 * - It completes, once, or many times with `more`.
 * - Each completion is queued, and calls op->done from the loop; before the
 *   last one the op is idle again, so `done` may submit or free it.
 *
 * What may happen instead:
 *
 * - It is cancelled: that is asked of the engine too, and nothing else changes.
 *   The memory is still the kernel's.  The last completion comes as above, with
 *   -ECANCELED or with a result that won the race.
 * - The submission queue is full: it waits inside the engine, in order.
 * - The cancel finds nothing although the op lives (spec of io_uring: an op
 *   between two tries).  The engine keeps the wish and asks again.
 *
 * Invariant: an op in flight is never freed, and neither is what it names: its
 * buffers, its message, its descriptor.
 */
#ifndef OURO_OP_H
#define OURO_OP_H

#include <ouro/address.h>
#include <ouro/base.h>

struct ouro__engine;
struct ouro__op;
struct msghdr;

enum ouro__op_kind {
    OURO__OP_POLL,   /* result: the events; with `multishot`, again and again */
    OURO__OP_RECV,   /* multishot, into lent buffers; 0: the end */
    OURO__OP_ACCEPT, /* multishot; result: a descriptor, which is yours */
    OURO__OP_SEND,   /* all of a message; result: bytes, fewer when cut short */
    OURO__OP_CONNECT /* result: 0, or why not */
};

struct ouro__completion {
    struct ouro__op *op;
    uint8_t *data;   /* OURO__OP_RECV with bytes: lent until `done` returns */
    int result;      /* negative: an error */
    uint16_t buffer; /* the engine's: which one `data` is */
    bool more;       /* not the last: the op is in flight still */
};

typedef void ouro__op_done_fn(struct ouro__op *op,
                              const struct ouro__completion *completion);

struct ouro__op {
    ouro__op_done_fn *done; /* from the loop, for each completion */
    struct ouro__list link; /* the engine's */
    union {
        uint32_t poll_events;               /* OURO__OP_POLL */
        struct msghdr *message;             /* OURO__OP_SEND */
        const struct ouro_address *address; /* OURO__OP_CONNECT */
    } with;
    int fd;
    uint8_t kind;
    bool multishot;     /* OURO__OP_POLL only; RECV and ACCEPT always are */
    bool in_flight;     /* until the last completion is dispatched */
    bool cancel_wanted; /* somebody asked */
    uint32_t marks;     /* the engine's, as all below */
    int held_result;
    uint32_t held_flags;
};

/* Make an idle op of `kind` on `fd`. */
void ouro__op_init(struct ouro__op *op, enum ouro__op_kind kind, int fd,
                   ouro__op_done_fn *done);

/* Start it.  Cannot fail; it must be idle. */
void ouro__op_submit(struct ouro__engine *engine, struct ouro__op *op);

/* Ask it to end early.  Nothing if it is idle, or was asked before. */
void ouro__op_cancel(struct ouro__engine *engine, struct ouro__op *op);

/* Queue a completion.  For engines; there must be room. */
void ouro__op_completed(struct ouro__engine *engine,
                        const struct ouro__completion *completion);

/* Run `done` for each queued completion.  For the loop. */
void ouro__op_dispatch(struct ouro__engine *engine);

#endif
