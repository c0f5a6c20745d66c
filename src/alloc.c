/* SPDX-License-Identifier: MIT */
/* Memory: the one place that calls malloc, or what the user put there. */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

static void *
alloc_by_malloc(size_t size, void *context)
{
    (void)context;
    return malloc(size);
}

static void
free_by_malloc(void *memory, void *context)
{
    (void)context;
    free(memory);
}

static const struct ouro_allocator by_malloc = {
    .alloc = alloc_by_malloc,
    .free = free_by_malloc,
};

static struct ouro_allocator current = {
    .alloc = alloc_by_malloc,
    .free = free_by_malloc,
};

void *
ouro__alloc(size_t size)
{
    return current.alloc(size, current.context);
}

void *
ouro__alloc_zeroed(size_t size)
{
    void *memory = ouro__alloc(size);

    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void
ouro__free(void *memory)
{
    if (memory != NULL)
        current.free(memory, current.context);
}

void *
ouro_alloc(size_t size)
{
    return ouro__alloc(size);
}

void
ouro_free(void *memory)
{
    ouro__free(memory);
}

char *
ouro__copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = ouro__alloc(size);

    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

void
ouro_set_allocator(const struct ouro_allocator *allocator)
{
    current = allocator != NULL ? *allocator : by_malloc;
}
