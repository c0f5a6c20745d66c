/* SPDX-License-Identifier: MIT */
/* Memory of the data path: blocks that a loop keeps, one of them hot. */
#include "pool.h"

#include "alloc.h"
#include "poison.h"

/* How many free ones are kept: 1 MiB of either kind of block, a few notes. */
enum { BLOCKS_KEPT = 64, WIDES_KEPT = 16, NOTES_KEPT = 256 };

static struct ouro__block *
block_at(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro__block, link);
}

static void
free_all(struct ouro__list *blocks)
{
    struct ouro__list *link;

    while ((link = ouro__list_shift(blocks)) != NULL) {
        OURO__UNPOISON(block_at(link)->data, block_at(link)->room);
        ouro__free(block_at(link));
    }
}

static void
end_pool(struct ouro_loop *loop, void *kept)
{
    struct ouro__pool *pool = kept;

    (void)loop;
    free_all(&pool->blocks);
    free_all(&pool->wides);
    free_all(&pool->notes);
    OURO__UNPOISON(pool->hot->data, OURO__WIDE_ROOM);
    ouro__free(pool->hot);
    ouro__free(pool);
}

static struct ouro__pool *
pool_new(struct ouro_loop *loop)
{
    struct ouro__pool *pool = ouro__alloc_zeroed(sizeof(*pool));

    if (pool == NULL)
        return NULL;
    pool->loop = loop;
    ouro__list_init(&pool->blocks);
    ouro__list_init(&pool->wides);
    ouro__list_init(&pool->notes);
    pool->hot = ouro__block_new_wide(pool);
    if (pool->hot == NULL) {
        ouro__free(pool);
        return NULL;
    }
    loop->stats.buffers--; /* the hot one is in nobody's use */
    OURO__POISON(pool->hot->data, OURO__WIDE_ROOM);
    return pool;
}

struct ouro__pool *
ouro__pool_of(struct ouro_loop *loop)
{
    struct ouro__pool *pool = loop->floors[OURO__FLOOR_WIRE];

    if (pool != NULL)
        return pool;
    pool = pool_new(loop);
    if (pool == NULL)
        return NULL;

    loop->floors[OURO__FLOOR_WIRE] = pool;
    loop->end_floor[OURO__FLOOR_WIRE] = end_pool;
    return pool;
}

static struct ouro__block *
take(struct ouro__pool *pool, struct ouro__list *kept, size_t *count,
     size_t room)
{
    struct ouro__list *link = ouro__list_shift(kept);
    struct ouro__block *block =
        link != NULL ? block_at(link) : ouro__alloc(sizeof(*block) + room);

    if (block == NULL)
        return NULL;
    if (link != NULL)
        (*count)--;
    OURO__UNPOISON(block->data, room);
    block->link = (struct ouro__list){NULL, NULL};
    block->buf = NULL;
    block->room = room;
    block->begin = 0;
    block->end = 0;
    pool->loop->stats.buffers++;
    return block;
}

struct ouro__block *
ouro__block_new(struct ouro__pool *pool)
{
    return take(pool, &pool->blocks, &pool->block_count, OURO__BLOCK_ROOM);
}

struct ouro__block *
ouro__block_new_wide(struct ouro__pool *pool)
{
    return take(pool, &pool->wides, &pool->wide_count, OURO__WIDE_ROOM);
}

struct ouro__block *
ouro__pool_take_hot(struct ouro__pool *pool, struct ouro_slice data)
{
    struct ouro__block *hot = pool->hot;
    uintptr_t offset = (uintptr_t)data.data - (uintptr_t)hot->data;

    if (offset > OURO__WIDE_ROOM || data.size > OURO__WIDE_ROOM - offset)
        return NULL;
    struct ouro__block *next = ouro__block_new_wide(pool);
    if (next == NULL)
        return NULL;

    hot->begin = offset;
    hot->end = offset + data.size;
    pool->hot = next;
    OURO__POISON(next->data, OURO__WIDE_ROOM);
    return hot;
}

struct ouro__block *
ouro__block_of(struct ouro__pool *pool, struct ouro_buf *buf)
{
    struct ouro__block *block = take(pool, &pool->notes, &pool->note_count, 0);

    if (block == NULL)
        return NULL;
    block->buf = buf;
    block->end = ouro_buf_size(buf);
    return block;
}

static void
keep(struct ouro__list *kept, size_t *count, size_t most,
     struct ouro__block *block)
{
    if (*count >= most) {
        ouro__free(block);
        return;
    }
    (*count)++;
    OURO__POISON(block->data, block->room);
    ouro__list_prepend(kept, &block->link);
}

void
ouro__block_free(struct ouro__pool *pool, struct ouro__block *block)
{
    pool->loop->stats.buffers--;
    if (block->room == OURO__BLOCK_ROOM) {
        keep(&pool->blocks, &pool->block_count, BLOCKS_KEPT, block);
    } else if (block->room == OURO__WIDE_ROOM) {
        keep(&pool->wides, &pool->wide_count, WIDES_KEPT, block);
    } else {
        block->buf = ouro_buf_unref(block->buf);
        keep(&pool->notes, &pool->note_count, NOTES_KEPT, block);
    }
}

struct ouro_slice
ouro__block_slice(const struct ouro__block *block)
{
    const uint8_t *data =
        block->buf != NULL ? ouro_buf_data(block->buf) : block->data;

    return ouro_slice_of(data + block->begin, block->end - block->begin);
}
