/* SPDX-License-Identifier: MIT */
/* Memory of the data path: blocks that a loop keeps, and one hot buffer. */
#include "pool.h"

#include "alloc.h"

/* How many free ones are kept: 1 MiB of blocks, and a few KiB of notes. */
enum { BLOCKS_KEPT = 64, NOTES_KEPT = 256 };

static struct ouro__block *
block_at(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro__block, link);
}

static void
free_all(struct ouro__list *blocks)
{
    struct ouro__list *link;

    while ((link = ouro__list_shift(blocks)) != NULL)
        ouro__free(block_at(link));
}

static void
end_pool(struct ouro_loop *loop, void *kept)
{
    struct ouro__pool *pool = kept;

    (void)loop;
    free_all(&pool->blocks);
    free_all(&pool->notes);
    ouro__free(pool->hot);
    ouro__free(pool);
}

struct ouro__pool *
ouro__pool_of(struct ouro_loop *loop)
{
    struct ouro__pool *pool = loop->floors[OURO__FLOOR_WIRE];

    if (pool != NULL)
        return pool;
    pool = ouro__alloc_zeroed(sizeof(*pool));
    if (pool == NULL)
        return NULL;

    pool->hot = ouro__alloc(OURO__HOT_SIZE);
    if (pool->hot == NULL) {
        ouro__free(pool);
        return NULL;
    }
    pool->loop = loop;
    ouro__list_init(&pool->blocks);
    ouro__list_init(&pool->notes);
    loop->floors[OURO__FLOOR_WIRE] = pool;
    loop->end_floor[OURO__FLOOR_WIRE] = end_pool;
    return pool;
}

static struct ouro__block *
take(struct ouro__list *kept, size_t *count, size_t size)
{
    struct ouro__list *link = ouro__list_shift(kept);

    if (link == NULL)
        return ouro__alloc(size);
    (*count)--;
    return block_at(link);
}

struct ouro__block *
ouro__block_new(struct ouro__pool *pool)
{
    struct ouro__block *block =
        take(&pool->blocks, &pool->block_count, OURO__BLOCK_SIZE);

    if (block == NULL)
        return NULL;
    block->link = (struct ouro__list){NULL, NULL};
    block->buf = NULL;
    block->begin = 0;
    block->end = 0;
    pool->loop->stats.buffers++;
    return block;
}

struct ouro__block *
ouro__block_of(struct ouro__pool *pool, struct ouro_buf *buf)
{
    struct ouro__block *block =
        take(&pool->notes, &pool->note_count, sizeof(*block));

    if (block == NULL)
        return NULL;
    block->link = (struct ouro__list){NULL, NULL};
    block->buf = buf;
    block->begin = 0;
    block->end = ouro_buf_size(buf);
    pool->loop->stats.buffers++;
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
    ouro__list_prepend(kept, &block->link);
}

void
ouro__block_free(struct ouro__pool *pool, struct ouro__block *block)
{
    pool->loop->stats.buffers--;
    if (block->buf == NULL) {
        keep(&pool->blocks, &pool->block_count, BLOCKS_KEPT, block);
        return;
    }
    block->buf = ouro_buf_unref(block->buf);
    keep(&pool->notes, &pool->note_count, NOTES_KEPT, block);
}

struct ouro_slice
ouro__block_slice(const struct ouro__block *block)
{
    const uint8_t *data =
        block->buf != NULL ? ouro_buf_data(block->buf) : block->data;

    return ouro_slice_of(data + block->begin, block->end - block->begin);
}
