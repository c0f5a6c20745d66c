/* SPDX-License-Identifier: MIT */
/* A pairing heap of handles, by (when_ns, order).
 *
 * A handle knows its first child by `child`.  Its children are a chain through
 * `link`: next is the younger sibling, NULL for the last; prev is the older
 * one, and for the first child the parent.  A handle is its parent's first
 * child exactly if parent->child is the handle, so the two meanings of prev
 * cannot be confused.  The root has neither, and what is in no heap has no
 * child, either.
 *
 * Nothing here recurses: a million timers set in the order in which they come
 * due hang from one root, and the next removal walks them all.
 */
#include "heap.h"

static struct ouro_handle *
handle_of(struct ouro__list *link)
{
    if (link == NULL)
        return NULL;
    return OURO_CONTAINER_OF(link, struct ouro_handle, link);
}

static bool
comes_before(const struct ouro_handle *a, const struct ouro_handle *b)
{
    if (a->when_ns != b->when_ns)
        return a->when_ns < b->when_ns;
    return a->order < b->order;
}

/* Make `child`, a root, the first child of `parent`. */
static void
adopt(struct ouro_handle *parent, struct ouro_handle *child)
{
    struct ouro_handle *sibling = parent->child;

    child->link.prev = &parent->link;
    child->link.next = NULL;
    if (sibling != NULL) {
        child->link.next = &sibling->link;
        sibling->link.prev = &child->link;
    }
    parent->child = child;
}

/* Make one heap of two; the root of the result. */
static struct ouro_handle *
meld(struct ouro_handle *a, struct ouro_handle *b)
{
    if (comes_before(b, a)) {
        adopt(b, a);
        return b;
    }
    adopt(a, b);
    return a;
}

/* Take the first of a chain of siblings out as a root of its own. */
static struct ouro_handle *
shift(struct ouro_handle **chain)
{
    struct ouro_handle *first = *chain;

    *chain = handle_of(first->link.next);
    first->link.next = NULL;
    first->link.prev = NULL;
    return first;
}

/* Meld neighbours two by two.  The results are a chain, the last one first. */
static struct ouro_handle *
meld_pairs(struct ouro_handle *chain)
{
    struct ouro_handle *results = NULL;

    while (chain != NULL) {
        struct ouro_handle *root = shift(&chain);
        if (chain != NULL)
            root = meld(root, shift(&chain));
        root->link.next = results != NULL ? &results->link : NULL;
        results = root;
    }
    return results;
}

/* Make one heap of a chain of siblings.  NULL is an empty one. */
static struct ouro_handle *
meld_all(struct ouro_handle *chain)
{
    if (chain == NULL)
        return NULL;

    struct ouro_handle *results = meld_pairs(chain);
    struct ouro_handle *root = shift(&results);
    while (results != NULL)
        root = meld(root, shift(&results));
    return root;
}

/* Take `handle`, which has a parent, out of the chain of its siblings. */
static void
unlink_sibling(struct ouro_handle *handle)
{
    struct ouro_handle *before = handle_of(handle->link.prev);
    struct ouro_handle *after = handle_of(handle->link.next);

    if (before->child == handle)
        before->child = after;
    else
        before->link.next = handle->link.next;
    if (after != NULL)
        after->link.prev = handle->link.prev;
    handle->link.next = NULL;
    handle->link.prev = NULL;
}

void
ouro__heap_insert(struct ouro__heap *heap, struct ouro_handle *handle)
{
    handle->child = NULL;
    handle->link.next = NULL;
    handle->link.prev = NULL;
    heap->root = heap->root != NULL ? meld(heap->root, handle) : handle;
    heap->count++;
}

void
ouro__heap_remove(struct ouro__heap *heap, struct ouro_handle *handle)
{
    struct ouro_handle *orphans = meld_all(handle->child);

    handle->child = NULL;
    if (handle == heap->root) {
        heap->root = orphans;
    } else {
        unlink_sibling(handle);
        if (orphans != NULL)
            heap->root = meld(heap->root, orphans);
    }
    heap->count--;
}
