/* SPDX-License-Identifier: MIT */
#ifndef OURO_BYTES_H
#define OURO_BYTES_H

#include <ouro/base.h>

OURO_BEGIN_DECLS

/**
 * Bytes that somebody else owns.
 *
 * Pass it by value.  It is laid out as a struct iovec, so an array of slices is
 * handed to the kernel as it stands.
 */
struct ouro_slice {
    const uint8_t *data;
    size_t size;
};

/** Room for bytes that somebody else owns. */
struct ouro_span {
    uint8_t *data;
    size_t size;
};

/** A slice of `size` bytes at `data`. */
static inline struct ouro_slice
ouro_slice_of(const void *data, size_t size)
{
    struct ouro_slice slice = {(const uint8_t *)data, size};

    return slice;
}

/** The bytes of a string literal, without its zero. */
#define OURO_BYTES(literal) ouro_slice_of("" literal, sizeof(literal) - 1)

/** Sizes in bytes. */
#define OURO_KIB(n) ((size_t)(n)*1024)
#define OURO_MIB(n) ((size_t)(n)*1024 * 1024)

/** In options of type size_t: no limit. */
#define OURO_UNLIMITED SIZE_MAX

/** A block of bytes with a reference count, of one thread. */
struct ouro_buf;

/** A block of `size` bytes to fill, or NULL: no memory.  The caller's. */
OURO_MUST_USE struct ouro_buf *ouro_buf_new(size_t size);

/** The bytes of `buf`, as long as somebody holds a reference. */
uint8_t *ouro_buf_data(struct ouro_buf *buf);
size_t ouro_buf_size(const struct ouro_buf *buf);

/** Take another reference.  Returns `buf`. */
struct ouro_buf *ouro_buf_ref(struct ouro_buf *buf);

/** Drop a reference.  NULL is nothing.  Returns NULL. */
struct ouro_buf *ouro_buf_unref(struct ouro_buf *buf);

OURO_END_DECLS

#endif
