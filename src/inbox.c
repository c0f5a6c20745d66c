/* SPDX-License-Identifier: MIT */
/* What a stream has received and nobody has consumed, as pure data.
 *
 * A reader that wants more in one piece than the first block has makes it
 * longer by gather(), which doubles it: so a long line that comes in crumbs is
 * copied a constant number of times, and a short one that lies across two
 * blocks moves little.
 *
 * Under the address sanitizer bytes are poisoned once the slice that showed
 * them is dead, so that a late look at them is a report.
 */
#include "inbox.h"

#include "poison.h"

#include <errno.h>
#include <string.h>

enum {
    TAKE_LEAST = 16 * 1024, /* bytes of a block of 64 KiB; less is copied */
    GATHER_LEAST = 4096,
    FIRST_WINDOW = 256 /* bytes in which several separators are looked for */
};

/* Blocks. */

static struct ouro__block *
block_at(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro__block, link);
}

static struct ouro__block *
first_block(const struct ouro__inbox *inbox)
{
    return block_at(inbox->blocks.next);
}

static uint8_t *
bytes_of(struct ouro__block *block)
{
    return block->buf != NULL ? ouro_buf_data(block->buf) : block->data;
}

static size_t
capacity_of(const struct ouro__block *block)
{
    return block->buf != NULL ? ouro_buf_size(block->buf) : block->room;
}

static size_t
unread_in(const struct ouro__block *block)
{
    return block->end - block->begin;
}

static struct ouro__block *
large_block_new(struct ouro__pool *pool, size_t size)
{
    struct ouro_buf *buf = ouro_buf_new(size);

    if (buf == NULL)
        return NULL;
    struct ouro__block *block = ouro__block_of(pool, buf);
    if (block == NULL) {
        ouro_buf_unref(buf);
        return NULL;
    }
    block->end = 0;
    return block;
}

/* An empty block with room for `size` bytes. */
static struct ouro__block *
block_new(struct ouro__pool *pool, size_t size)
{
    if (size <= OURO__BLOCK_ROOM)
        return ouro__block_new(pool);
    return size <= OURO__WIDE_ROOM ? ouro__block_new_wide(pool)
                                   : large_block_new(pool, size);
}

static void
block_free(struct ouro__inbox *inbox, struct ouro__block *block)
{
    OURO__UNPOISON(bytes_of(block), capacity_of(block));
    ouro__list_remove(&block->link);
    ouro__block_free(inbox->pool, block);
}

static void
block_append(struct ouro__block *block, const uint8_t *data, size_t size)
{
    memcpy(bytes_of(block) + block->end, data, size);
    block->end += size;
}

/* What was consumed of the first block must not be looked at any more. */
static void
bury(struct ouro__inbox *inbox)
{
    struct ouro__block *block = first_block(inbox);

    OURO__POISON(bytes_of(block), block->begin);
}

/* Bytes go out at the front; a block whose slice is lent stays, without any. */
static void
advance(struct ouro__inbox *inbox, size_t size)
{
    inbox->size -= size;
    while (size > 0) {
        struct ouro__block *block = first_block(inbox);
        size_t there = unread_in(block);
        size_t gone = size < there ? size : there;

        block->begin += gone;
        size -= gone;
        if (block->begin == block->end && !inbox->lent)
            block_free(inbox, block);
    }
}

/* In and out. */

void
ouro__inbox_init(struct ouro__inbox *inbox, struct ouro__pool *pool)
{
    *inbox = (struct ouro__inbox){.pool = pool};
    ouro__list_init(&inbox->blocks);
}

/* The last block if it has room, else a new one that holds all of `size`. */
static struct ouro__block *
block_with_room(struct ouro__inbox *inbox, size_t size)
{
    struct ouro__block *block;

    if (!ouro__list_is_empty(&inbox->blocks)) {
        block = block_at(inbox->blocks.prev);
        if (block->end < capacity_of(block))
            return block;
    }
    block = block_new(inbox->pool, size);
    if (block != NULL)
        ouro__list_append(&inbox->blocks, &block->link);
    return block;
}

/* Bulk is not copied: the block that was received into changes hands. */
static bool
take_over(struct ouro__inbox *inbox, struct ouro_slice data)
{
    struct ouro__block *block = NULL;

    if (data.size >= TAKE_LEAST)
        block = ouro__pool_take_hot(inbox->pool, data);
    if (block == NULL)
        return false;
    ouro__list_append(&inbox->blocks, &block->link);
    inbox->size += data.size;
    return true;
}

int
ouro__inbox_append(struct ouro__inbox *inbox, struct ouro_slice data)
{
    if (take_over(inbox, data))
        return 0;

    while (data.size > 0) {
        struct ouro__block *block = block_with_room(inbox, data.size);
        if (block == NULL)
            return -ENOMEM;

        size_t room = capacity_of(block) - block->end;
        size_t size = data.size < room ? data.size : room;
        block_append(block, data.data, size);
        inbox->size += size;
        data = ouro_slice_of(data.data + size, data.size - size);
    }
    return 0;
}

void
ouro__inbox_settle(struct ouro__inbox *inbox)
{
    inbox->lent = false;
    inbox->peeked = 0;
    if (ouro__list_is_empty(&inbox->blocks))
        return;

    struct ouro__block *block = first_block(inbox);
    if (unread_in(block) == 0)
        block_free(inbox, block);
    else
        bury(inbox);
}

struct ouro_slice
ouro__inbox_first(const struct ouro__inbox *inbox)
{
    if (inbox->size == 0)
        return ouro_slice_of(NULL, 0);
    return ouro__block_slice(first_block(inbox));
}

struct ouro_slice
ouro__inbox_peek(struct ouro__inbox *inbox)
{
    struct ouro_slice bytes = ouro__inbox_first(inbox);

    inbox->lent = true;
    inbox->peeked = bytes.size;
    return bytes;
}

void
ouro__inbox_consume(struct ouro__inbox *inbox, size_t size)
{
    OURO_CHECK(size <= inbox->peeked,
               "no more is consumed than was peeked since the last read");

    inbox->peeked -= size;
    inbox->lent = false;
    advance(inbox, size);
    if (inbox->size > 0)
        bury(inbox);
}

struct ouro_slice
ouro__inbox_take(struct ouro__inbox *inbox, size_t size)
{
    struct ouro_slice bytes = ouro__inbox_first(inbox);

    OURO_CHECK(size <= bytes.size, "a slice stands in one piece");
    inbox->lent = true;
    advance(inbox, size);
    return ouro_slice_of(bytes.data, size);
}

size_t
ouro__inbox_read(struct ouro__inbox *inbox, uint8_t *into, size_t size)
{
    size_t done = 0;

    while (done < size && inbox->size > 0) {
        struct ouro_slice bytes = ouro__inbox_first(inbox);
        size_t part = size - done < bytes.size ? size - done : bytes.size;

        memcpy(into + done, bytes.data, part);
        advance(inbox, part);
        done += part;
    }
    return done;
}

void
ouro__inbox_clear(struct ouro__inbox *inbox)
{
    ouro__inbox_settle(inbox);
    advance(inbox, inbox->size);
}

/* Gathering. */

/* Make a place of `size` bytes, from block->begin on, for what is in `block`.
 * Returns the block that has it now. */
static struct ouro__block *
make_place(struct ouro__inbox *inbox, struct ouro__block *block, size_t size)
{
    size_t there = unread_in(block);
    uint8_t *bytes = bytes_of(block);

    if (capacity_of(block) - block->begin >= size)
        return block;
    if (capacity_of(block) >= size) {
        OURO__UNPOISON(bytes, block->begin);
        memmove(bytes, bytes + block->begin, there);
        block->begin = 0;
        block->end = there;
        return block;
    }

    struct ouro__block *larger = block_new(inbox->pool, size);
    if (larger == NULL)
        return NULL;
    block_append(larger, bytes + block->begin, there);
    ouro__list_append(&block->link, &larger->link);
    block_free(inbox, block);
    return larger;
}

/* Move bytes into `block` from those behind it, until it has `size`. */
static void
pull(struct ouro__inbox *inbox, struct ouro__block *block, size_t size)
{
    while (unread_in(block) < size && block->link.next != &inbox->blocks) {
        struct ouro__block *next = block_at(block->link.next);
        size_t missing = size - unread_in(block);
        size_t part = unread_in(next) < missing ? unread_in(next) : missing;

        block_append(block, bytes_of(next) + next->begin, part);
        next->begin += part;
        if (unread_in(next) == 0)
            block_free(inbox, next);
    }
}

int
ouro__inbox_gather(struct ouro__inbox *inbox)
{
    struct ouro__block *block = first_block(inbox);
    size_t size = 2 * unread_in(block);

    if (size < GATHER_LEAST)
        size = GATHER_LEAST;
    block = make_place(inbox, block, size);
    if (block == NULL)
        return -ENOMEM;
    pull(inbox, block, size);
    return 0;
}

/* Separators. */

static const uint8_t *
find_bytes(struct ouro_slice data, struct ouro_slice bytes)
{
    if (data.size < bytes.size)
        return NULL;
    if (bytes.size == 1)
        return memchr(data.data, bytes.data[0], data.size);
    return memmem(data.data, data.size, bytes.data, bytes.size);
}

static bool
is_better(const struct ouro__match *match, const struct ouro__match *best)
{
    return match->end < best->end
           || (match->end == best->end && match->begin < best->begin);
}

/* Within data.size, which shrinks to the end of the best match so far. */
static bool
find_in_window(struct ouro_slice data, size_t from,
               const struct ouro_slice *separators, size_t count,
               struct ouro__match *out_match)
{
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = find_bytes(
            ouro_slice_of(data.data + from, data.size - from), separators[i]);
        if (at == NULL)
            continue;

        size_t begin = (size_t)(at - data.data);
        struct ouro__match match = {begin, begin + separators[i].size};
        if (found && !is_better(&match, out_match))
            continue;
        *out_match = match;
        data.size = match.end;
        found = true;
    }
    return found;
}

/* One separator is found by one search.  Of several, one that is rare must not
 * be looked for in all there is, each time that another ends a short line: so
 * they are looked for in a window that grows. */
bool
ouro__find_separator(struct ouro_slice data, size_t from,
                     const struct ouro_slice *separators, size_t count,
                     struct ouro__match *out_match)
{
    size_t window = count > 1 ? FIRST_WINDOW : SIZE_MAX;

    while (from < data.size && window < data.size - from) {
        struct ouro_slice part = ouro_slice_of(data.data, from + window);
        if (find_in_window(part, from, separators, count, out_match))
            return true;
        window *= 2;
    }
    return from < data.size
           && find_in_window(data, from, separators, count, out_match);
}
