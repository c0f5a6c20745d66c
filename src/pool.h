/* SPDX-License-Identifier: MIT */
/* Memory of the data path: blocks that a loop keeps, and one hot buffer.
 *
 * So that a connection that is set up needs no malloc, and an idle one holds
 * nothing.  Blocks beyond those kept come from the allocator and go back there.
 */
#ifndef OURO_POOL_H
#define OURO_POOL_H

#include "loop.h"

#include <ouro/bytes.h>

enum {
    OURO__BLOCK_SIZE = 16 * 1024, /* with its header */
    OURO__HOT_SIZE = 64 * 1024
};

/* Bytes in a queue: its own, or those of a counted block. */
struct ouro__block {
    struct ouro__list link;
    struct ouro_buf *buf; /* NULL: the bytes are in data */
    size_t begin;         /* the first byte that counts */
    size_t end;           /* behind the last */
    uint8_t data[];
};

enum { OURO__BLOCK_ROOM = OURO__BLOCK_SIZE - sizeof(struct ouro__block) };

struct ouro__pool {
    struct ouro_loop *loop;
    struct ouro__list blocks; /* free ones, the hottest first */
    struct ouro__list notes;  /* free blocks without data, for a buf */
    size_t block_count;
    size_t note_count;
    uint8_t *hot; /* OURO__HOT_SIZE bytes to receive into */
};

/* The pool of `loop`, made when first asked for.  NULL: no memory. */
OURO_MUST_USE struct ouro__pool *ouro__pool_of(struct ouro_loop *loop);

/* An empty block with OURO__BLOCK_ROOM bytes of room, or NULL. */
OURO_MUST_USE struct ouro__block *ouro__block_new(struct ouro__pool *pool);

/* A block that is all of `buf`, whose reference it takes unless it is NULL. */
OURO_MUST_USE struct ouro__block *ouro__block_of(struct ouro__pool *pool,
                                                 struct ouro_buf *buf);

/* Give it back, and the reference to its buf. */
void ouro__block_free(struct ouro__pool *pool, struct ouro__block *block);

/* The bytes that count. */
struct ouro_slice ouro__block_slice(const struct ouro__block *block);

#endif
