/* SPDX-License-Identifier: MIT */
/* The pool of task stacks; its story is in stack.h.
 *
 * What is free is written down outside the stacks, so that neither a get nor a
 * put touches a page of one.  It is an array with the last that came back on
 * top: the next get has it, still in the cache.
 *
 * A free stack keeps the pages it has touched: to give them back and to touch
 * them anew costs 2.4 us, a get and a put without it 4 ns.  When `kept_count` +
 * BATCH_COUNT free ones hold pages, the BATCH_COUNT at the bottom, which are
 * out of use the longest, give all of theirs back.  So a pool that breathes by
 * less makes no system call, and what a burst leaves behind is bounded.
 *
 * How many are kept is learnt: by one more for each stack that is lent without
 * pages although it once had some, and by fewer with each trim.  So the second
 * burst pays for its pages, and the third finds them.  See docs/adr/0016.
 *
 * A stack is cut from the newest slab, and its guard made, when the free ones
 * are out.  The kind of guard is found out anew for each slab: the kernel
 * refuses guards of its own before Linux 6.13, and in locked memory.
 */
#include "stack.h"

#include "alloc.h"
#include "poison.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if __has_include(<valgrind/memcheck.h>)
#    include <valgrind/memcheck.h>
#else
#    define RUNNING_ON_VALGRIND                    0
#    define VALGRIND_STACK_REGISTER(low, high)     0
#    define VALGRIND_STACK_DEREGISTER(id)          ((void)(id))
#    define VALGRIND_MAKE_MEM_NOACCESS(low, size)  ((void)(low), (void)(size))
#    define VALGRIND_MAKE_MEM_UNDEFINED(low, size) ((void)(low), (void)(size))
#endif

#ifndef MADV_GUARD_INSTALL
#    define MADV_GUARD_INSTALL 102
#endif

enum {
    SLAB_COUNT = 256, /* stacks in a slab: 16 MiB of addresses at 64 KiB each */
    KEPT_MOST = 16384, /* free stacks that may hold pages: 64 to 128 MiB */
    BATCH_COUNT = 64,  /* emptied at a time, at least */
    TRIM_PART = 4      /* of what is kept beyond the least, a trim takes one */
};

struct ouro__stack_slab {
    struct ouro__stack_slab *next;
    char *base;
    size_t cut_count; /* stacks that have been lent out, from the base up */
    bool by_mprotect; /* how to make the next guard */
    unsigned valgrind_ids[SLAB_COUNT];
};

/* Tell the tools that `low` is a stack again, with nothing on it. */
static void
show(const struct ouro__stack_pool *pool, void *low)
{
    OURO__UNPOISON(low, pool->stack_size);
    VALGRIND_MAKE_MEM_UNDEFINED(low, pool->stack_size);
}

/* Tell the tools that nobody may touch `low`. */
static void
hide(const struct ouro__stack_pool *pool, void *low)
{
    OURO__POISON(low, pool->stack_size);
    VALGRIND_MAKE_MEM_NOACCESS(low, pool->stack_size);
}

/* Room in the array of free stacks for one slab more.  Called when all stacks
 * there are have been lent out, so there is nothing to copy. */
static bool
grow_free(struct ouro__stack_pool *pool)
{
    size_t needed = pool->used_count + SLAB_COUNT;

    if (pool->free_room >= needed)
        return true;

    size_t room = 2 * pool->free_room > needed ? 2 * pool->free_room : needed;
    char **grown = ouro__alloc(room * sizeof(*grown));
    if (grown == NULL)
        return false;

    ouro__free(pool->free);
    pool->free = grown;
    pool->free_room = room;
    return true;
}

/* Huge pages are refused: one would make each small stack cost 2 MiB. */
static char *
map_slab(size_t size)
{
    char *base =
        mmap(NULL, size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

    if (base == MAP_FAILED)
        return NULL;
    madvise(base, size, MADV_NOHUGEPAGE);
    return base;
}

static struct ouro__stack_slab *
add_slab(struct ouro__stack_pool *pool)
{
    struct ouro__stack_slab *slab = NULL;

    if (grow_free(pool))
        slab = ouro__alloc(sizeof(*slab));
    if (slab == NULL)
        goto fail;

    slab->base = map_slab(SLAB_COUNT * pool->stride);
    if (slab->base == NULL)
        goto fail_slab;

    slab->cut_count = 0;
    slab->by_mprotect = pool->no_guard_install;
    slab->next = pool->slabs;
    pool->slabs = slab;
    return slab;

fail_slab:
    ouro__free(slab);
fail:
    pool->failure = "no memory for more task stacks";
    return NULL;
}

static void
remove_slab(const struct ouro__stack_pool *pool, struct ouro__stack_slab *slab)
{
    size_t size = SLAB_COUNT * pool->stride;

    if (RUNNING_ON_VALGRIND)
        for (size_t i = 0; i < slab->cut_count; i++)
            VALGRIND_STACK_DEREGISTER(slab->valgrind_ids[i]);
    OURO__UNPOISON(slab->base, size);
    munmap(slab->base, size);
    ouro__free(slab);
}

/* Make the page at `page` of the newest slab a guard. */
static bool
make_guard(struct ouro__stack_pool *pool, char *page)
{
    struct ouro__stack_slab *slab = pool->slabs;
    size_t size = pool->stride - pool->stack_size;

    if (!slab->by_mprotect) {
        if (madvise(page, size, MADV_GUARD_INSTALL) == 0)
            return true;
        slab->by_mprotect = true;
    }
    if (mprotect(page, size, PROT_NONE) == 0)
        return true;

    pool->failure = "no guard for one more task stack: without "
                    "MADV_GUARD_INSTALL (Linux 6.13, memory not locked) each "
                    "takes two mappings, and vm.max_map_count limits them";
    return false;
}

/* A stack that was never used. */
static void *
cut(struct ouro__stack_pool *pool)
{
    struct ouro__stack_slab *slab = pool->slabs;

    if (slab == NULL || slab->cut_count == SLAB_COUNT)
        slab = add_slab(pool);
    if (slab == NULL)
        return NULL;

    char *guard = slab->base + slab->cut_count * pool->stride;
    if (!make_guard(pool, guard))
        return NULL;

    char *low = guard + (pool->stride - pool->stack_size);
    if (RUNNING_ON_VALGRIND)
        slab->valgrind_ids[slab->cut_count] =
            (unsigned)VALGRIND_STACK_REGISTER(low, low + pool->stack_size);
    slab->cut_count++;
    return low;
}

/* How many of the `count` stacks from `lows` on lie side by side, in the order
 * of their addresses or against it.  Stacks that are taken in a row and come
 * back in a row mostly do. */
static size_t
count_neighbours(const struct ouro__stack_pool *pool, char *const *lows,
                 size_t count)
{
    size_t up = 1;
    size_t down = 1;

    while (up < count && lows[up] == lows[up - 1] + pool->stride)
        up++;
    while (down < count && lows[down] + pool->stride == lows[down - 1])
        down++;
    return up > down ? up : down;
}

/* Give the pages of the `count` free stacks at the bottom back.  A stack loses
 * its top page, too: often it has no other.  One call does for neighbours: the
 * guards between them are no pages, and stay. */
static void
empty_oldest(struct ouro__stack_pool *pool, size_t count)
{
    while (count > 0) {
        char **lows = pool->free + pool->emptied_count;
        size_t run = count_neighbours(pool, lows, count);
        char *low = lows[0] < lows[run - 1] ? lows[0] : lows[run - 1];

        madvise(low, run * pool->stride - (pool->stride - pool->stack_size),
                MADV_DONTNEED);
        pool->emptied_count += run;
        count -= run;
    }
}

int
ouro__stack_pool_init(struct ouro__stack_pool *pool, size_t stack_size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (stack_size == 0 || stack_size > PTRDIFF_MAX / SLAB_COUNT - 2 * page)
        return -EINVAL;

    memset(pool, 0, sizeof(*pool));
    pool->stack_size = (stack_size + page - 1) / page * page;
    pool->stride = pool->stack_size + page;
    pool->kept_count = OURO__STACKS_KEPT;
    return 0;
}

void
ouro__stack_pool_fini(struct ouro__stack_pool *pool)
{
    OURO_CHECK(pool->used_count == 0, "a pool ends when all stacks are back");

    while (pool->slabs != NULL) {
        struct ouro__stack_slab *slab = pool->slabs;

        pool->slabs = slab->next;
        remove_slab(pool, slab);
    }
    ouro__free(pool->free);
    pool->free = NULL;
}

void *
ouro__stack_pool_get(struct ouro__stack_pool *pool)
{
    void *low;

    if (pool->free_count > 0) {
        low = pool->free[--pool->free_count];
        if (pool->emptied_count > pool->free_count) {
            pool->emptied_count = pool->free_count;
            if (pool->kept_count < KEPT_MOST)
                pool->kept_count++;
        }
    } else {
        low = cut(pool);
        if (low == NULL)
            return NULL;
    }
    pool->used_count++;
    show(pool, low);
    return low;
}

void
ouro__stack_pool_put(struct ouro__stack_pool *pool, void *low)
{
    OURO_CHECK(pool->used_count > 0, "a stack goes back where it came from");

    hide(pool, low);
    pool->used_count--;
    pool->free[pool->free_count++] = low;
    if (pool->free_count - pool->emptied_count
        >= pool->kept_count + BATCH_COUNT)
        empty_oldest(pool, BATCH_COUNT);
}

void
ouro__stack_pool_trim(struct ouro__stack_pool *pool)
{
    size_t spare = pool->kept_count - OURO__STACKS_KEPT;
    size_t step =
        spare / TRIM_PART > BATCH_COUNT ? spare / TRIM_PART : BATCH_COUNT;
    size_t full = pool->free_count - pool->emptied_count;

    pool->kept_count -= step < spare ? step : spare;
    if (full > pool->kept_count)
        empty_oldest(pool, full - pool->kept_count);
}

bool
ouro__stack_pool_find_guard(const struct ouro__stack_pool *pool,
                            const void *address, void **out_low)
{
    size_t guard_size = pool->stride - pool->stack_size;

    for (struct ouro__stack_slab *slab = pool->slabs; slab != NULL;
         slab = slab->next) {
        size_t offset = (uintptr_t)address - (uintptr_t)slab->base;
        size_t index = offset / pool->stride;

        if (index < slab->cut_count && offset % pool->stride < guard_size) {
            *out_low = slab->base + index * pool->stride + guard_size;
            return true;
        }
    }
    return false;
}
