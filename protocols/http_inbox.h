/* SPDX-License-Identifier: MIT */
/* Bytes that came and were not used yet, one behind the other in memory.
 *
 * It has memory only while it has bytes.
 */
#ifndef OURO_HTTP_INBOX_H
#define OURO_HTTP_INBOX_H

#include <ouro/bytes.h>

struct ouro__http_inbox {
    uint8_t *memory; /* NULL: none */
    size_t room;
    size_t begin;
    size_t end;
};

/* Put `data` behind what is there.  -ENOMEM: nothing has changed. */
OURO_MUST_USE int ouro__http_inbox_add(struct ouro__http_inbox *inbox,
                                       struct ouro_slice data);

/* What is there; valid until something is added or taken. */
struct ouro_slice ouro__http_inbox_bytes(const struct ouro__http_inbox *inbox);

/* The first `size` bytes were used. */
void ouro__http_inbox_consume(struct ouro__http_inbox *inbox, size_t size);

void ouro__http_inbox_clear(struct ouro__http_inbox *inbox);

/* Make room for `size` bytes in all in a block of `*room` that `used` bytes are
 * used of; it may move, and grows by half at least.  -ENOMEM: as before. */
OURO_MUST_USE int ouro__http_grow(uint8_t **memory, size_t *room, size_t used,
                                  size_t size);

#endif
