/* SPDX-License-Identifier: MIT */
/* A queue of bytes that have to leave, as pure data: it sends nothing.
 *
 * Small pieces are copied into shared blocks, so that they leave together;
 * counted blocks are queued as they are.
 */
#ifndef OURO_OUTBOX_H
#define OURO_OUTBOX_H

#include "pool.h"

#include <sys/uio.h>

struct ouro__outbox {
    struct ouro__list blocks; /* in the order they leave */
    size_t size;              /* bytes in all of them */
};

void ouro__outbox_init(struct ouro__outbox *outbox);

/* Copy what is behind the first `skip` bytes of the slices.
 *   -ENOMEM  a part of it may be queued */
OURO_MUST_USE int ouro__outbox_copy(struct ouro__outbox *outbox,
                                    struct ouro__pool *pool,
                                    const struct ouro_slice *slices,
                                    size_t count, size_t skip);

/* Queue `buf` behind its first `skip` bytes; takes its reference, always. */
OURO_MUST_USE int ouro__outbox_take(struct ouro__outbox *outbox,
                                    struct ouro__pool *pool,
                                    struct ouro_buf *buf, size_t skip);

/* Describe the first bytes, at most `most` vectors.  Returns how many. */
size_t ouro__outbox_vectors(const struct ouro__outbox *outbox,
                            struct iovec *vectors, size_t most);

/* The first `size` bytes have left. */
void ouro__outbox_consume(struct ouro__outbox *outbox, struct ouro__pool *pool,
                          size_t size);

/* Drop all. */
void ouro__outbox_clear(struct ouro__outbox *outbox, struct ouro__pool *pool);

#endif
