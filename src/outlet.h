/* SPDX-License-Identifier: MIT */
/* How bytes go out of a descriptor.
 *
 * The happy path:
 *
 * - Small writes are copied into the outbox; at the end of the turn all of them
 *   leave in one send(2).
 * - A large write into an empty outbox is tried at once, from the caller's
 *   memory: no copy.
 * - A part of a file leaves by sendfile(2) when it is its turn, a piece of it
 *   each time that there is room.  A small one is read and copied instead, so
 *   that it leaves together with what is written before it.
 *
 * What may happen instead:
 *
 * - The kernel takes only a part: the rest becomes one operation that sends it
 *   all, while more is queued behind it.  One send is in flight at most, since
 *   two could overtake each other.
 * - It fails: nothing is sent any more, and `moved` tells the error, once.
 * - It is aborted: the operation is cancelled, and the outbox freed after its
 *   last completion.
 */
#ifndef OURO_OUTLET_H
#define OURO_OUTLET_H

#include "outbox.h"

struct ouro__flight;
struct ouro__outlet;

/* From the loop: bytes have left, or `error` (negative) says why they never
 * will; also when the operation of an aborted outlet has ended. */
typedef void ouro__outlet_moved_fn(struct ouro__outlet *outlet, int error);

struct ouro__outlet {
    struct ouro__pool *pool;
    struct ouro__outbox outbox;
    struct ouro__flush flush;
    struct ouro__flight *flight; /* the operation, NULL: none is in flight */
    ouro__outlet_moved_fn *moved;
    int fd;
    int error;    /* of send(2), to be told from the loop */
    bool aborted; /* or failed: nothing is sent any more */
};

void ouro__outlet_init(struct ouro__outlet *outlet, struct ouro__pool *pool,
                       int fd, ouro__outlet_moved_fn *moved);

/* Queue or send.  Returns 0, or -ENOMEM: what was queued is then cut. */
OURO_MUST_USE int ouro__outlet_writev(struct ouro__outlet *outlet,
                                      const struct ouro_slice *slices,
                                      size_t count);
OURO_MUST_USE int ouro__outlet_take(struct ouro__outlet *outlet,
                                    struct ouro_buf *buf);

/* The same for `size` bytes of `file` from `offset` on; takes the descriptor,
 * always.  -OURO_EINCOMPLETE: it has ended before; also told by `moved`. */
OURO_MUST_USE int ouro__outlet_file(struct ouro__outlet *outlet, int file,
                                    size_t offset, size_t size);

/* Send nothing any more.  `moved` comes when nothing is in flight, unless
 * that is so already. */
void ouro__outlet_abort(struct ouro__outlet *outlet);

/* Whether nothing is queued, and nothing in flight. */
bool ouro__outlet_is_idle(const struct ouro__outlet *outlet);

#endif
