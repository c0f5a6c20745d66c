/* SPDX-License-Identifier: MIT */
/* A pairing heap of handles, by (when_ns, order).
 *
 * Intrusive, so that a timer needs no memory and cannot fail.  Inserting is one
 * comparison; taking out a timer that never reached the root, which is the fate
 * of nearly every time-out, is three stores.  Only the root costs O(log n),
 * amortised.
 */
#ifndef OURO_HEAP_H
#define OURO_HEAP_H

#include <ouro/loop.h>

struct ouro__heap {
    struct ouro_handle *root; /* the earliest; NULL: empty */
    size_t count;
};

void ouro__heap_insert(struct ouro__heap *heap, struct ouro_handle *handle);
void ouro__heap_remove(struct ouro__heap *heap, struct ouro_handle *handle);

#endif
