/* SPDX-License-Identifier: MIT */
/* What contexts and their stacks cost, without a loop around them. */
#include "micro.h"

#include "context.h"
#include "stack.h"

enum { STACK_SIZE = 60 * 1024, HELD_COUNT = 64 };

struct pair {
    struct ouro__context main;
    struct ouro__context other;
};

static void
switch_back_for_ever(void *arg)
{
    struct pair *pair = arg;

    for (;;)
        ouro__context_switch(&pair->other, &pair->main);
}

static void
switch_there_and_back(void *arg, size_t count)
{
    struct pair *pair = arg;

    for (size_t i = 0; i < count; i += 2)
        ouro__context_switch(&pair->main, &pair->other);
}

static void
get_and_put(void *arg, size_t count)
{
    struct ouro__stack_pool *pool = arg;

    for (size_t i = 0; i < count; i++)
        ouro__stack_pool_put(pool, ouro__stack_pool_get(pool));
}

static void
get_many_and_put_them(void *arg, size_t count)
{
    struct ouro__stack_pool *pool = arg;
    void *held[HELD_COUNT];

    for (size_t i = 0; i < count; i += HELD_COUNT) {
        for (size_t j = 0; j < HELD_COUNT; j++)
            held[j] = ouro__stack_pool_get(pool);
        for (size_t j = 0; j < HELD_COUNT; j++)
            ouro__stack_pool_put(pool, held[j]);
    }
}

void
micro_context(void)
{
    struct ouro__stack_pool pool;
    struct pair pair;

    micro_check(ouro__stack_pool_init(&pool, STACK_SIZE), "a pool");
    void *low = ouro__stack_pool_get(&pool);
    micro_check(low != NULL ? 0 : -12, "a stack");

    ouro__context_init_thread(&pair.main);
    ouro__context_init(&pair.other, low, pool.stack_size, switch_back_for_ever,
                       &pair);
    micro_measure("context switch, one way", switch_there_and_back, &pair,
                  100000);
    ouro__context_fini(&pair.other);
    ouro__stack_pool_put(&pool, low);

    micro_measure("stack got and put", get_and_put, &pool, 10000);
    micro_measure("stack got and put, 64 at once", get_many_and_put_them, &pool,
                  64 * 100);
    ouro__stack_pool_fini(&pool);
}
