/* SPDX-License-Identifier: MIT */
/* The library's memory, counted, and refused when a test wants that. */
#include "ouro_test.h"

#include <stdatomic.h>
#include <stdlib.h>

/* A scenario that allocates more often than this does not end. */
enum { MOST_ALLOCATIONS = 10000 };

static atomic_size_t live;
static atomic_uint countdown; /* 0: nothing fails; 1: the next one does */

/* Whether this is the allocation that has to fail. */
static bool
is_refused(void)
{
    unsigned left = atomic_load(&countdown);

    while (left > 0) {
        if (atomic_compare_exchange_weak(&countdown, &left, left - 1))
            return left == 1;
    }
    return false;
}

static void *
counted_alloc(size_t size, void *context)
{
    (void)context;
    if (is_refused())
        return NULL;

    void *memory = malloc(size);
    if (memory != NULL)
        atomic_fetch_add(&live, 1);
    return memory;
}

static void
counted_free(void *memory, void *context)
{
    (void)context;
    atomic_fetch_sub(&live, 1);
    free(memory);
}

/* Before main: what was allocated uncounted must not be freed counted. */
__attribute__((constructor)) static void
count_allocations(void)
{
    const struct ouro_allocator counted = {.alloc = counted_alloc,
                                           .free = counted_free};

    ouro_set_allocator(&counted);
}

size_t
live_allocations(void)
{
    return atomic_load(&live);
}

void
fail_allocation(unsigned n)
{
    atomic_store(&countdown, n);
}

void
for_each_allocation_failure(scenario_fn *scenario, void *arg)
{
    size_t before = live_allocations();

    for (unsigned n = 1; n <= MOST_ALLOCATIONS; n++) {
        fail_allocation(n);
        int rc = scenario(arg);
        bool failed = atomic_exchange(&countdown, 0) == 0;

        assert_int_equal(live_allocations(), before);
        if (!failed) {
            assert_ok(rc);
            return;
        }
    }
    fail_msg("no end after %d allocations", MOST_ALLOCATIONS);
}
