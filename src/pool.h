/* SPDX-License-Identifier: MIT */
/* Memory of the data path: blocks that a loop keeps, one of them hot.
 *
 * So that a connection that is set up needs no malloc, and an idle one holds
 * nothing.  Blocks beyond those kept come from the allocator and go back there.
 *
 * recv(2) goes into the hot block, which stays in the cache.  Who is handed
 * much of it and wants to keep that takes the block itself, and the pool puts
 * another in its place: bulk is not copied.
 */
#ifndef OURO_POOL_H
#define OURO_POOL_H

#include "loop.h"

#include <ouro/bytes.h>

enum {
    OURO__BLOCK_ROOM = 16 * 1024, /* what the ring lends at once */
    OURO__WIDE_ROOM = 64 * 1024
};

/* Bytes in a queue: its own, or those of a counted block. */
struct ouro__block {
    struct ouro__list link;
    struct ouro_buf *buf; /* NULL: the bytes are in data */
    size_t room;          /* bytes in data; 0: they are in buf */
    size_t begin;         /* the first byte that counts */
    size_t end;           /* behind the last */
    uint8_t data[];
};

enum { OURO__BLOCK_SIZE = OURO__BLOCK_ROOM + sizeof(struct ouro__block) };

struct ouro__pool {
    struct ouro_loop *loop;
    struct ouro__list blocks; /* free ones, the hottest first */
    struct ouro__list wides;  /* free ones with OURO__WIDE_ROOM */
    struct ouro__list notes;  /* free blocks without data, for a buf */
    size_t block_count;
    size_t wide_count;
    size_t note_count;
    struct ouro__block *hot; /* a wide one, to receive into */
};

/* The pool of `loop`, made when first asked for.  NULL: no memory. */
OURO_MUST_USE struct ouro__pool *ouro__pool_of(struct ouro_loop *loop);

/* An empty block with OURO__BLOCK_ROOM bytes of room, or NULL. */
OURO_MUST_USE struct ouro__block *ouro__block_new(struct ouro__pool *pool);

/* The same with OURO__WIDE_ROOM. */
OURO_MUST_USE struct ouro__block *ouro__block_new_wide(struct ouro__pool *pool);

/* The hot block, if all of `data` is in it and it can be replaced: it is the
 * caller's then, and `data` what counts in it.  Else NULL: copy. */
OURO_MUST_USE struct ouro__block *ouro__pool_take_hot(struct ouro__pool *pool,
                                                      struct ouro_slice data);

/* A block that is all of `buf`, whose reference it takes unless it is NULL. */
OURO_MUST_USE struct ouro__block *ouro__block_of(struct ouro__pool *pool,
                                                 struct ouro_buf *buf);

/* Give it back, and the reference to its buf. */
void ouro__block_free(struct ouro__pool *pool, struct ouro__block *block);

/* The bytes that count. */
struct ouro_slice ouro__block_slice(const struct ouro__block *block);

#endif
