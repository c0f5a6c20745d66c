/* SPDX-License-Identifier: MIT */
/* Memory: the one place that calls malloc, or what the user put there. */
#ifndef OURO_ALLOC_H
#define OURO_ALLOC_H

#include <ouro/base.h>

/* `size` bytes, or NULL. */
OURO_MUST_USE void *ouro__alloc(size_t size);

/* The same, all zero. */
OURO_MUST_USE void *ouro__alloc_zeroed(size_t size);

/* NULL is nothing. */
void ouro__free(void *memory);

/* A copy of `text`, or NULL. */
OURO_MUST_USE char *ouro__copy_text(const char *text);

#endif
