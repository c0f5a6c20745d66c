/* SPDX-License-Identifier: MIT */
/* Memory of the data path: blocks that a loop keeps, one of them hot. */
#include "pool.h"

#include "alloc.h"
#include "poison.h"

#include <unistd.h>

/* How many free ones are kept: 1 MiB of either kind of block, and as much as
 * a few connections need of the others. */
static const struct {
    size_t room;
    size_t most;
} shelves[OURO__SHELVES] = {
    [OURO__SHELF_BLOCK] = {OURO__BLOCK_ROOM, 64},
    [OURO__SHELF_WIDE] = {OURO__WIDE_ROOM, 16},
    [OURO__SHELF_FLIGHT] = {OURO__FLIGHT_ROOM, 64},
    [OURO__SHELF_NOTE] = {0, 256},
};

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
    for (int i = 0; i < OURO__SHELVES; i++)
        free_all(&pool->shelves[i].blocks);
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
    for (int i = 0; i < OURO__SHELVES; i++)
        ouro__list_init(&pool->shelves[i].blocks);
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
take(struct ouro__pool *pool, enum ouro__shelf_kind kind)
{
    struct ouro__shelf *shelf = &pool->shelves[kind];
    struct ouro__list *link = ouro__list_shift(&shelf->blocks);
    size_t room = shelves[kind].room;
    struct ouro__block *block =
        link != NULL ? block_at(link) : ouro__alloc(sizeof(*block) + room);

    if (block == NULL)
        return NULL;
    if (link != NULL)
        shelf->count--;
    OURO__UNPOISON(block->data, room);
    block->link = (struct ouro__list){NULL, NULL};
    block->buf = NULL;
    block->room = room;
    block->begin = 0;
    block->end = 0;
    block->file = -1;
    pool->loop->stats.buffers++;
    return block;
}

struct ouro__block *
ouro__block_new(struct ouro__pool *pool)
{
    return take(pool, OURO__SHELF_BLOCK);
}

struct ouro__block *
ouro__block_new_wide(struct ouro__pool *pool)
{
    return take(pool, OURO__SHELF_WIDE);
}

struct ouro__block *
ouro__block_new_flight(struct ouro__pool *pool)
{
    return take(pool, OURO__SHELF_FLIGHT);
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
    struct ouro__block *block = take(pool, OURO__SHELF_NOTE);

    if (block == NULL)
        return NULL;
    block->buf = buf;
    block->end = ouro_buf_size(buf);
    return block;
}

struct ouro__block *
ouro__block_of_file(struct ouro__pool *pool, int file, size_t offset,
                    size_t size)
{
    struct ouro__block *block = take(pool, OURO__SHELF_NOTE);

    if (block == NULL)
        return NULL;
    block->file = file;
    block->begin = offset;
    block->end = offset + size;
    return block;
}

static enum ouro__shelf_kind
shelf_of(const struct ouro__block *block)
{
    enum ouro__shelf_kind kind = OURO__SHELF_BLOCK;

    while (shelves[kind].room != block->room)
        kind++;
    return kind;
}

void
ouro__block_free(struct ouro__pool *pool, struct ouro__block *block)
{
    enum ouro__shelf_kind kind = shelf_of(block);
    struct ouro__shelf *shelf = &pool->shelves[kind];

    pool->loop->stats.buffers--;
    block->buf = ouro_buf_unref(block->buf);
    if (block->file >= 0)
        close(block->file);
    if (shelf->count >= shelves[kind].most) {
        ouro__free(block);
        return;
    }
    shelf->count++;
    OURO__POISON(block->data, block->room);
    ouro__list_prepend(&shelf->blocks, &block->link);
}

struct ouro_slice
ouro__block_slice(const struct ouro__block *block)
{
    const uint8_t *data =
        block->buf != NULL ? ouro_buf_data(block->buf) : block->data;

    return ouro_slice_of(data + block->begin, block->end - block->begin);
}
