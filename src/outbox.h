/* SPDX-License-Identifier: MIT */
/* A queue of bytes that have to leave, as pure data: it sends nothing.
 *
 * Small pieces are copied into shared blocks, so that they leave together;
 * counted blocks are queued as they are, and so are parts of files.
 */
#ifndef OURO_OUTBOX_H
#define OURO_OUTBOX_H

#include "pool.h"

#include <sys/uio.h>

struct ouro__outbox {
    struct ouro__list blocks; /* in the order they leave */
    size_t size;              /* bytes in all of them */
    size_t file_size;         /* of these, those in files */
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

/* Queue a block that has bytes of its own, and is the outbox's now. */
void ouro__outbox_append(struct ouro__outbox *outbox,
                         struct ouro__block *block);

/* Queue `size` bytes of `file` from `offset` on; takes the descriptor, always.
 */
OURO_MUST_USE int ouro__outbox_file(struct ouro__outbox *outbox,
                                    struct ouro__pool *pool, int file,
                                    size_t offset, size_t size);

/* What is to leave next, if it is of a file; else NULL. */
struct ouro__block *ouro__outbox_first_file(const struct ouro__outbox *outbox);

/* Describe the first bytes up to those of a file, at most `most` vectors.
 * Returns how many. */
size_t ouro__outbox_vectors(const struct ouro__outbox *outbox,
                            struct iovec *vectors, size_t most);

/* The first `size` bytes have left. */
void ouro__outbox_consume(struct ouro__outbox *outbox, struct ouro__pool *pool,
                          size_t size);

/* Drop all. */
void ouro__outbox_clear(struct ouro__outbox *outbox, struct ouro__pool *pool);

#endif
