/* SPDX-License-Identifier: MIT */
/* Receive buffers of the simulation, lent while a completion is told.
 *
 * While one is not lent it is poisoned under the address sanitizer, and beyond
 * the bytes that were received it always is: whoever keeps a pointer over its
 * callback, or reads too far, gets a report with the line.
 */
#include "engine_sim.h"

#include "alloc.h"
#include "poison.h"

#include <errno.h>

enum {
    BUFFER_SIZE = 16 * 1024,
    FEWEST = 4, /* smaller ones, rather than fewer */
    MOST = 32768
};

int
ouro__sim_buffers_init(struct ouro__sim_buffers *buffers, size_t memory)
{
    size_t size = BUFFER_SIZE;

    if (memory / size < FEWEST)
        size = memory / FEWEST;
    size_t count = memory / size < MOST ? memory / size : MOST;

    buffers->size = size;
    buffers->count = (uint16_t)count;
    buffers->free_count = (uint16_t)count;
    buffers->memory = ouro__alloc(count * size);
    buffers->free = ouro__alloc(count * sizeof(uint16_t));
    if (buffers->memory == NULL || buffers->free == NULL) {
        ouro__free(buffers->memory);
        ouro__free(buffers->free);
        return -ENOMEM;
    }

    for (size_t i = 0; i < count; i++)
        buffers->free[i] = (uint16_t)(count - 1 - i);
    OURO__POISON(buffers->memory, count * size);
    return 0;
}

void
ouro__sim_buffers_fini(struct ouro__sim_buffers *buffers)
{
    OURO__UNPOISON(buffers->memory, buffers->count * buffers->size);
    ouro__free(buffers->memory);
    ouro__free(buffers->free);
}

uint8_t *
ouro__sim_buffers_take(struct ouro__sim_buffers *buffers, uint16_t *out_number)
{
    uint16_t number = buffers->free[--buffers->free_count];
    uint8_t *data = buffers->memory + number * buffers->size;

    OURO__UNPOISON(data, buffers->size);
    *out_number = number;
    return data;
}

void
ouro__sim_buffers_lend(struct ouro__sim_buffers *buffers, uint16_t number,
                       size_t size)
{
    OURO__POISON(buffers->memory + number * buffers->size, buffers->size);
    OURO__UNPOISON(buffers->memory + number * buffers->size, size);
}

void
ouro__sim_buffers_give_back(struct ouro__sim_buffers *buffers, uint16_t number)
{
    OURO_CHECK(buffers->free_count < buffers->count,
               "a buffer that was lent is given back once");

    OURO__POISON(buffers->memory + number * buffers->size, buffers->size);
    buffers->free[buffers->free_count++] = number;
}
