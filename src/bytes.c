/* SPDX-License-Identifier: MIT */
/* Blocks of bytes with a reference count, of one thread. */
#include "alloc.h"

#include <ouro/bytes.h>

#include <stdalign.h>

/* The head of a block.  Its bytes follow, aligned for anything a user may want
 * to put there. */
struct ouro_buf {
    size_t size;
    size_t references;
    alignas(max_align_t) uint8_t data[];
};

struct ouro_buf *
ouro_buf_new(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct ouro_buf))
        return NULL;

    struct ouro_buf *buf = ouro__alloc(sizeof(*buf) + size);
    if (buf == NULL)
        return NULL;
    buf->size = size;
    buf->references = 1;
    return buf;
}

uint8_t *
ouro_buf_data(struct ouro_buf *buf)
{
    return buf->data;
}

size_t
ouro_buf_size(const struct ouro_buf *buf)
{
    return buf->size;
}

struct ouro_buf *
ouro_buf_ref(struct ouro_buf *buf)
{
    OURO_CHECK(buf->references > 0, "a block was used after its end");
    buf->references++;
    return buf;
}

struct ouro_buf *
ouro_buf_unref(struct ouro_buf *buf)
{
    if (buf == NULL)
        return NULL;

    OURO_CHECK(buf->references > 0, "a block was used after its end");
    buf->references--;
    if (buf->references == 0)
        ouro__free(buf);
    return NULL;
}
