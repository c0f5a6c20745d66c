/* SPDX-License-Identifier: MIT */
/* Bytes that came and were not used yet, one behind the other in memory. */
#include "http_inbox.h"

#include <errno.h>
#include <string.h>

enum { LEAST = 1024 };

int
ouro__http_grow(uint8_t **memory, size_t *room, size_t used, size_t size)
{
    size_t larger = *room + *room / 2;

    if (size <= *room)
        return 0;
    larger = larger < LEAST ? LEAST : larger;
    larger = larger < size ? size : larger;
    uint8_t *moved = ouro_alloc(larger);
    if (moved == NULL)
        return -ENOMEM;
    if (used > 0)
        memcpy(moved, *memory, used);
    ouro_free(*memory);
    *memory = moved;
    *room = larger;
    return 0;
}

static void
move_to_front(struct ouro__http_inbox *inbox)
{
    size_t size = inbox->end - inbox->begin;

    if (size > 0)
        memmove(inbox->memory, inbox->memory + inbox->begin, size);
    inbox->begin = 0;
    inbox->end = size;
}

int
ouro__http_inbox_add(struct ouro__http_inbox *inbox, struct ouro_slice data)
{
    if (data.size == 0)
        return 0;
    if (data.size > inbox->room - inbox->end)
        move_to_front(inbox);

    int rc = ouro__http_grow(&inbox->memory, &inbox->room, inbox->end,
                             inbox->end + data.size);
    if (rc < 0)
        return rc;
    memcpy(inbox->memory + inbox->end, data.data, data.size);
    inbox->end += data.size;
    return 0;
}

struct ouro_slice
ouro__http_inbox_bytes(const struct ouro__http_inbox *inbox)
{
    return inbox->memory != NULL ? ouro_slice_of(inbox->memory + inbox->begin,
                                                 inbox->end - inbox->begin)
                                 : ouro_slice_of("", 0);
}

void
ouro__http_inbox_consume(struct ouro__http_inbox *inbox, size_t size)
{
    inbox->begin += size;
    if (inbox->begin == inbox->end)
        ouro__http_inbox_clear(inbox);
}

void
ouro__http_inbox_clear(struct ouro__http_inbox *inbox)
{
    ouro_free(inbox->memory);
    *inbox = (struct ouro__http_inbox){NULL, 0, 0, 0};
}
