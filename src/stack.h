/* SPDX-License-Identifier: MIT */
/* Stacks: memory for tasks, pooled, with a guard below each.
 *
 * Stacks come from slabs, mappings of many stacks of which only the touched
 * pages exist.  A guard page below each turns an overflow into a SIGSEGV. Where
 * the kernel has guards that are no mapping of their own (Linux 6.13), a
 * million stacks are a few dozen mappings; else each guard splits its slab, and
 * vm.max_map_count ends it at some 32,000.
 *
 *     base                                         one slab, upwards
 *     | guard | stack 0 ... | guard | stack 1 ... | not yet used ...
 *             ^ low                 ^ low + stride
 *
 * A guard is one page.  Who has frames larger than that should be compiled with
 * -fstack-clash-protection, or may step over it.
 *
 * A pool belongs to one thread.
 */
#ifndef OURO_STACK_H
#define OURO_STACK_H

#include <stdbool.h>
#include <stddef.h>

struct ouro__stack_slab;

/* Free stacks that may hold pages after any time: mostly 4 to 8 MiB. */
enum { OURO__STACKS_KEPT = 1024 };

struct ouro__stack_pool {
    size_t stack_size;     /* usable bytes of a stack, whole pages */
    size_t stride;         /* from a stack to the next: stack_size and guard */
    const char *failure;   /* why the last get failed, as a sentence, or NULL */
    bool no_guard_install; /* guard by mprotect; may be set before a get */

    struct ouro__stack_slab *slabs; /* newest first */
    size_t used_count;              /* stacks lent out now */

    /* Free stacks, the one that came back last on top.  The lowest
     * `emptied_count` of them hold no pages. */
    char **free;
    size_t free_count;
    size_t free_room; /* for all the stacks of all slabs: a put cannot fail */
    size_t emptied_count;
    size_t kept_count; /* free ones that may hold pages; grows with use */
};

/* A pool of stacks with at least `stack_size` usable bytes each.  For a stride
 * that is a power of two, ask for a page less.
 *
 * Returns 0.
 *   -EINVAL  no bytes, or more than could be addressed
 */
int ouro__stack_pool_init(struct ouro__stack_pool *pool, size_t stack_size);

/* Unmap the stacks.  All must be back. */
void ouro__stack_pool_fini(struct ouro__stack_pool *pool);

/* The lowest address of a stack of pool->stack_size bytes, what came back last
 * first.  Its contents are anything.  NULL, and pool->failure, without memory
 * or mappings. */
void *ouro__stack_pool_get(struct ouro__stack_pool *pool);

/* Give back the stack at `low`, on which nothing runs. */
void ouro__stack_pool_put(struct ouro__stack_pool *pool, void *low);

/* Whether free stacks may hold more pages than they should for ever.  Then trim
 * now and then, until they may not. */
static inline bool
ouro__stack_pool_keeps_many(const struct ouro__stack_pool *pool)
{
    return pool->kept_count > OURO__STACKS_KEPT;
}

/* Let the free stacks hold the pages of fewer, and give those of the others
 * back.  What is missed then is kept again. */
void ouro__stack_pool_trim(struct ouro__stack_pool *pool);

/* Whether `address` is in the guard of a stack; then that is *out_low.  Safe in
 * a handler of the SIGSEGV that the pool's thread got on a stack. */
bool ouro__stack_pool_find_guard(const struct ouro__stack_pool *pool,
                                 const void *address, void **out_low);

#endif
