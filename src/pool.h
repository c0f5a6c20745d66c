/* SPDX-License-Identifier: MIT */
/* Memory of the data path: blocks that a loop keeps, one of them hot.
 *
 * So that a connection that is set up needs no malloc, and an idle one holds
 * nothing.  Blocks beyond those kept come from the allocator and go back there.
 *
 * A block is wide or not, or has no bytes of its own: it stands for a counted
 * block of the user's, or for a part of a file.
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
    OURO__WIDE_ROOM = 64 * 1024,
    OURO__FLIGHT_ROOM = 1152 /* what the kernel needs to send a queue */
};

/* Bytes in a queue: its own, those of a counted block, or those of a file. */
struct ouro__block {
    struct ouro__list link;
    struct ouro_buf *buf; /* NULL: the bytes are in data, or in the file */
    size_t room;          /* bytes in data; 0: they are elsewhere */
    size_t begin;         /* the first byte that counts */
    size_t end;           /* behind the last */
    int file;             /* its descriptor, which is the block's; -1: none */
    _Alignas(16) uint8_t data[];
};

/* Free blocks of one size, the hottest first. */
struct ouro__shelf {
    struct ouro__list blocks;
    size_t count;
};

enum ouro__shelf_kind {
    OURO__SHELF_BLOCK,
    OURO__SHELF_WIDE,
    OURO__SHELF_FLIGHT,
    OURO__SHELF_NOTE, /* without data */
    OURO__SHELVES
};

struct ouro__pool {
    struct ouro_loop *loop;
    struct ouro__shelf shelves[OURO__SHELVES];
    struct ouro__block *hot; /* a wide one, to receive into */
};

/* The pool of `loop`, made when first asked for.  NULL: no memory. */
OURO_MUST_USE struct ouro__pool *ouro__pool_of(struct ouro_loop *loop);

/* An empty block with OURO__BLOCK_ROOM bytes of room, or NULL. */
OURO_MUST_USE struct ouro__block *ouro__block_new(struct ouro__pool *pool);

/* The same with OURO__WIDE_ROOM. */
OURO_MUST_USE struct ouro__block *ouro__block_new_wide(struct ouro__pool *pool);

/* The same with OURO__FLIGHT_ROOM, for what is no data. */
OURO_MUST_USE struct ouro__block *
ouro__block_new_flight(struct ouro__pool *pool);

/* The hot block, if all of `data` is in it and it can be replaced: it is the
 * caller's then, and `data` what counts in it.  Else NULL: copy. */
OURO_MUST_USE struct ouro__block *ouro__pool_take_hot(struct ouro__pool *pool,
                                                      struct ouro_slice data);

/* A block that is all of `buf`, whose reference it takes unless it is NULL. */
OURO_MUST_USE struct ouro__block *ouro__block_of(struct ouro__pool *pool,
                                                 struct ouro_buf *buf);

/* A block that is `size` bytes of `file` from `offset` on.  Takes the
 * descriptor, unless there is no memory. */
OURO_MUST_USE struct ouro__block *ouro__block_of_file(struct ouro__pool *pool,
                                                      int file, size_t offset,
                                                      size_t size);

/* Give it back, and the reference to its buf, or close its file. */
void ouro__block_free(struct ouro__pool *pool, struct ouro__block *block);

/* The bytes that count, of a block that has bytes. */
struct ouro_slice ouro__block_slice(const struct ouro__block *block);

#endif
