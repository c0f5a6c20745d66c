/* SPDX-License-Identifier: MIT */
/* A queue of bytes that have to leave, as pure data: it sends nothing. */
#include "outbox.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct ouro__block *
block_at(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro__block, link);
}

void
ouro__outbox_init(struct ouro__outbox *outbox)
{
    ouro__list_init(&outbox->blocks);
    outbox->size = 0;
    outbox->file_size = 0;
}

/* The last block if it has room, else a new one. */
static struct ouro__block *
block_with_room(struct ouro__outbox *outbox, struct ouro__pool *pool)
{
    struct ouro__block *block;

    if (!ouro__list_is_empty(&outbox->blocks)) {
        block = block_at(outbox->blocks.prev);
        if (block->end < block->room)
            return block;
    }
    block = ouro__block_new(pool);
    if (block != NULL)
        ouro__list_append(&outbox->blocks, &block->link);
    return block;
}

static int
copy_slice(struct ouro__outbox *outbox, struct ouro__pool *pool,
           struct ouro_slice data)
{
    while (data.size > 0) {
        struct ouro__block *block = block_with_room(outbox, pool);
        if (block == NULL)
            return -ENOMEM;

        size_t room = OURO__BLOCK_ROOM - block->end;
        size_t size = data.size < room ? data.size : room;
        memcpy(block->data + block->end, data.data, size);
        block->end += size;
        outbox->size += size;
        data = ouro_slice_of(data.data + size, data.size - size);
    }
    return 0;
}

int
ouro__outbox_copy(struct ouro__outbox *outbox, struct ouro__pool *pool,
                  const struct ouro_slice *slices, size_t count, size_t skip)
{
    for (size_t i = 0; i < count; i++) {
        struct ouro_slice data = slices[i];
        size_t left_out = skip < data.size ? skip : data.size;

        skip -= left_out;
        if (left_out == data.size)
            continue;
        data = ouro_slice_of(data.data + left_out, data.size - left_out);
        int rc = copy_slice(outbox, pool, data);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int
ouro__outbox_take(struct ouro__outbox *outbox, struct ouro__pool *pool,
                  struct ouro_buf *buf, size_t skip)
{
    struct ouro__block *block;

    if (ouro_buf_size(buf) == skip) {
        ouro_buf_unref(buf);
        return 0;
    }
    block = ouro__block_of(pool, buf);
    if (block == NULL) {
        ouro_buf_unref(buf);
        return -ENOMEM;
    }
    block->begin = skip;
    ouro__outbox_append(outbox, block);
    return 0;
}

void
ouro__outbox_append(struct ouro__outbox *outbox, struct ouro__block *block)
{
    outbox->size += block->end - block->begin;
    ouro__list_append(&outbox->blocks, &block->link);
}

int
ouro__outbox_file(struct ouro__outbox *outbox, struct ouro__pool *pool,
                  int file, size_t offset, size_t size)
{
    struct ouro__block *block = NULL;

    if (size > 0)
        block = ouro__block_of_file(pool, file, offset, size);
    if (block == NULL) {
        close(file);
        return size > 0 ? -ENOMEM : 0;
    }
    outbox->file_size += size;
    ouro__outbox_append(outbox, block);
    return 0;
}

struct ouro__block *
ouro__outbox_first_file(const struct ouro__outbox *outbox)
{
    if (ouro__list_is_empty(&outbox->blocks))
        return NULL;

    struct ouro__block *first = block_at(outbox->blocks.next);
    return first->file >= 0 ? first : NULL;
}

size_t
ouro__outbox_vectors(const struct ouro__outbox *outbox, struct iovec *vectors,
                     size_t most)
{
    size_t count = 0;

    ouro__list_for_each (link, &outbox->blocks) {
        if (count == most || block_at(link)->file >= 0)
            break;
        struct ouro_slice data = ouro__block_slice(block_at(link));

        vectors[count].iov_base = (void *)(uintptr_t)data.data;
        vectors[count].iov_len = data.size;
        count++;
    }
    return count;
}

void
ouro__outbox_consume(struct ouro__outbox *outbox, struct ouro__pool *pool,
                     size_t size)
{
    OURO_CHECK(size <= outbox->size, "no more leaves than was queued");

    outbox->size -= size;
    while (size > 0) {
        struct ouro__block *block = block_at(outbox->blocks.next);
        size_t there = block->end - block->begin;
        size_t gone = size < there ? size : there;

        size -= gone;
        block->begin += gone;
        if (block->file >= 0)
            outbox->file_size -= gone;
        if (gone < there)
            return;
        ouro__list_remove(&block->link);
        ouro__block_free(pool, block);
    }
}

void
ouro__outbox_clear(struct ouro__outbox *outbox, struct ouro__pool *pool)
{
    ouro__outbox_consume(outbox, pool, outbox->size);
}
