/* SPDX-License-Identifier: MIT */
/* What a stream has received and nobody has consumed, as pure data.
 *
 * Bytes are copied in behind the last block, and never move while a slice of
 * them is lent: what does not fit behind them goes to a new block.  A block is
 * the pool's, or an allocation where more than that has to stand in one piece.
 * An inbox without bytes holds no block.
 *
 * A slice is lent from the first block, by peek or take, until it is consumed
 * or until ouro__inbox_settle().  Only while it is lent the first block may be
 * without unread bytes.
 */
#ifndef OURO_INBOX_H
#define OURO_INBOX_H

#include "pool.h"

struct ouro__inbox {
    struct ouro__pool *pool;
    struct ouro__list blocks; /* the unread bytes, in order */
    size_t size;              /* how many they are */
    size_t peeked;            /* of them, that may be consumed */
    bool lent;                /* a slice of the first block is out */
};

/* Where a separator was found. */
struct ouro__match {
    size_t begin;
    size_t end;
};

void ouro__inbox_init(struct ouro__inbox *inbox, struct ouro__pool *pool);

/* Copy `data` behind the rest.  -ENOMEM: only a part of it is there. */
OURO_MUST_USE int ouro__inbox_append(struct ouro__inbox *inbox,
                                     struct ouro_slice data);

/* No slice is out any more; what only they held is given back. */
void ouro__inbox_settle(struct ouro__inbox *inbox);

/*
 * The calls below, but for consume, need an inbox that is settled.
 */

/* The unread bytes that stand in one piece at the front; none if it is empty,
 * and then only. */
struct ouro_slice ouro__inbox_first(const struct ouro__inbox *inbox);

/* Make that piece longer: twice as long if there is so much.  -ENOMEM: nothing
 * has changed. */
OURO_MUST_USE int ouro__inbox_gather(struct ouro__inbox *inbox);

/* Lend that piece, to be consumed. */
struct ouro_slice ouro__inbox_peek(struct ouro__inbox *inbox);

/* Done with `size` of the bytes that were peeked: their slice is dead. */
void ouro__inbox_consume(struct ouro__inbox *inbox, size_t size);

/* Lend the first `size` bytes, which stand in one piece, as consumed. */
struct ouro_slice ouro__inbox_take(struct ouro__inbox *inbox, size_t size);

/* Copy up to `size` bytes out, and consume them.  Returns how many. */
size_t ouro__inbox_read(struct ouro__inbox *inbox, uint8_t *into, size_t size);

/* Forget everything, slices too. */
void ouro__inbox_clear(struct ouro__inbox *inbox);

/* The first of `count` separators to be complete in `data` that begins at
 * `from` or later; of two that end at the same byte the longer.  Returns
 * whether there is one. */
bool ouro__find_separator(struct ouro_slice data, size_t from,
                          const struct ouro_slice *separators, size_t count,
                          struct ouro__match *out_match);

#endif
