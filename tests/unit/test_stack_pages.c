/* SPDX-License-Identifier: MIT */
/* Which pages the free stacks of a pool keep, and when they give them back.
 * See src/stack.c, and docs/adr/0016. */
#include "stack_fixture.h"

#include <sys/mman.h>
#include <sys/syscall.h>

static size_t emptying_calls; /* of madvise() */

/* Stands before the C library's. */
int
madvise(void *start, size_t size, int advice)
{
    emptying_calls += advice == MADV_DONTNEED;
    return (int)syscall(SYS_madvise, start, size, advice);
}

/* Lend `count` stacks, write the number of each on it, and take them back. */
static void
burst(struct fixture *f, size_t count)
{
    get_stacks(f, count);
    for (size_t i = 0; i < count; i++)
        memcpy(f->lows[i], &i, sizeof(i));
    put_stacks(f, count);
}

/* How many pages of the stack at `low` exist. */
static int
count_pages(const struct ouro__stack_pool *pool, void *low)
{
    unsigned char pages[STACK_SIZE / 4096] = {0};
    int count = 0;

    assert_true(pool->stack_size <= STACK_SIZE);
    assert_int_equal(mincore(low, pool->stack_size, pages), 0);
    for (size_t i = 0; i < sizeof(pages); i++)
        count += pages[i] & 1;
    return count;
}

/* How many of the first `count` stacks hold pages. */
static size_t
count_full(const struct fixture *f, size_t count)
{
    size_t full = 0;

    for (size_t i = 0; i < count; i++)
        full += count_pages(&f->pool, f->lows[i]) > 0;
    return full;
}

static void
check_that_guards_survive(struct fixture *f)
{
    burst(f, FEW);

    assert_true(f->pool.emptied_count > 64);
    for (size_t i = 1; i < 64; i += 31) {
        assert_int_equal(count_pages(&f->pool, f->lows[i]), 0);
        assert_int_equal(signal_of_write((char *)f->lows[i] - 1), SIGSEGV);
    }
}

static void
guards_survive_that_their_stacks_are_emptied_together(void **state)
{
    check_that_guards_survive(*state);
}

static void
guards_by_mprotect_survive_that_their_stacks_are_emptied(void **state)
{
    struct fixture *f = *state;

    f->pool.no_guard_install = true;
    check_that_guards_survive(f);
}

static void
few_free_stacks_keep_their_pages(void **state)
{
    struct fixture *f = *state;

    get_stacks(f, 2);
    memset(f->lows[0], 1, f->pool.stack_size);
    int touched = count_pages(&f->pool, f->lows[0]);
    put_stacks(f, 2);

    assert_true(touched > 0);
    assert_int_equal(count_pages(&f->pool, f->lows[0]), touched);
}

static void
many_free_stacks_hold_the_pages_of_a_thousand(void **state)
{
    struct fixture *f = *state;

    burst(f, FEW);

    assert_in_range(count_full(f, FEW), 1024, 1024 + 64);
    assert_int_equal(count_pages(&f->pool, f->lows[0]), 0);
    assert_true(count_pages(&f->pool, f->lows[FEW - 1]) > 0);
}

static void
neighbours_are_emptied_by_one_call(void **state)
{
    struct fixture *f = *state;

    emptying_calls = 0;
    burst(f, FEW);

    assert_in_range(f->pool.emptied_count, FEW - 1024 - 64, FEW - 1024);
    assert_in_range(emptying_calls, 1, FEW / 64);
}

static void
trim_to_the_least(struct fixture *f)
{
    while (ouro__stack_pool_keeps_many(&f->pool))
        ouro__stack_pool_trim(&f->pool);
}

/* Each seventh stays in use; the others come back in the order of `step`. */
static void
check_that_contents_stay(struct fixture *f, size_t step)
{
    get_stacks(f, MANY);
    for (size_t i = 0; i < MANY; i++)
        memcpy(f->lows[i], &i, sizeof(i));
    for (size_t i = 0; i < MANY; i++)
        if (i * step % MANY % 7 != 0)
            ouro__stack_pool_put(&f->pool, f->lows[i * step % MANY]);
    trim_to_the_least(f);

    assert_true(f->pool.emptied_count > MANY / 2);
    for (size_t i = 0; i < MANY; i += 7) {
        assert_memory_equal(f->lows[i], &i, sizeof(i));
        ouro__stack_pool_put(&f->pool, f->lows[i]);
    }
}

static void
a_stack_in_use_between_emptied_ones_keeps_its_contents(void **state)
{
    check_that_contents_stay(*state, 1);        /* upwards */
    check_that_contents_stay(*state, MANY - 1); /* downwards */
    check_that_contents_stay(*state, 7919);     /* all over the place */
}

static void
a_burst_that_comes_again_keeps_its_pages(void **state)
{
    struct fixture *f = *state;

    burst(f, FEW);
    burst(f, FEW);
    emptying_calls = 0;
    burst(f, FEW);

    assert_int_equal(emptying_calls, 0);
    assert_int_equal(count_full(f, FEW), FEW);
}

static void
a_burst_that_does_not_come_again_asks_for_no_trim(void **state)
{
    struct fixture *f = *state;

    assert_false(ouro__stack_pool_keeps_many(&f->pool));
    burst(f, FEW);
    assert_false(ouro__stack_pool_keeps_many(&f->pool));
    burst(f, FEW);
    assert_true(ouro__stack_pool_keeps_many(&f->pool));
}

/* The number of docs/adr/0016. */
static void
what_is_kept_for_the_next_burst_is_bounded(void **state)
{
    struct fixture *f = *state;

    get_stacks(f, MOST);
    put_stacks(f, MOST);
    get_stacks(f, MOST);
    put_stacks(f, MOST);

    assert_in_range(f->pool.free_count - f->pool.emptied_count, 16384,
                    16384 + 64);
}

static void
twenty_trims_take_back_what_was_kept(void **state)
{
    struct fixture *f = *state;
    size_t trims = 0;

    for (int round = 0; round < 3; round++) {
        get_stacks(f, MOST);
        put_stacks(f, MOST);
    }
    burst(f, FEW);
    while (trims < 100 && ouro__stack_pool_keeps_many(&f->pool)) {
        ouro__stack_pool_trim(&f->pool);
        trims++;
    }

    assert_in_range(trims, 10, 20);
    assert_int_equal(f->pool.free_count - f->pool.emptied_count, 1024);
    assert_int_equal(count_full(f, FEW), 1024);
}

static void
a_trim_leaves_the_stacks_that_were_used_last(void **state)
{
    struct fixture *f = *state;

    burst(f, FEW);
    burst(f, FEW);
    size_t before = count_full(f, FEW);
    ouro__stack_pool_trim(&f->pool);

    assert_in_range(count_full(f, FEW), 1024, before - 64);
    assert_int_equal(count_pages(&f->pool, f->lows[0]), 0);
    assert_true(count_pages(&f->pool, f->lows[FEW - 1]) > 0);
}

static void
what_a_trim_took_and_was_missed_is_kept_again(void **state)
{
    struct fixture *f = *state;

    burst(f, FEW);
    burst(f, FEW);
    ouro__stack_pool_trim(&f->pool);
    burst(f, FEW);

    assert_int_equal(count_full(f, FEW), FEW);
}

static void
a_trim_of_what_is_in_use_takes_nothing(void **state)
{
    struct fixture *f = *state;

    burst(f, FEW);
    burst(f, FEW);
    get_stacks(f, FEW);
    for (size_t i = 0; i < FEW; i++)
        memcpy(f->lows[i], &i, sizeof(i));
    ouro__stack_pool_trim(&f->pool);

    for (size_t i = 0; i < FEW; i++)
        assert_memory_equal(f->lows[i], &i, sizeof(i));
    put_stacks(f, FEW);
}

static void
emptied_stacks_are_lent_again_as_good_as_new(void **state)
{
    struct fixture *f = *state;

    for (int round = 0; round < 3; round++) {
        get_stacks(f, FEW);
        for (size_t i = 0; i < FEW; i++)
            memcpy(f->lows[i], &i, sizeof(i));
        for (size_t i = 0; i < FEW; i++)
            assert_memory_equal(f->lows[i], &i, sizeof(i));
        put_stacks(f, FEW);
    }
    assert_int_equal(f->pool.free_count, FEW);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(guards_survive_that_their_stacks_are_emptied_together),
        TEST(guards_by_mprotect_survive_that_their_stacks_are_emptied),
        TEST(few_free_stacks_keep_their_pages),
        TEST(many_free_stacks_hold_the_pages_of_a_thousand),
        TEST(neighbours_are_emptied_by_one_call),
        TEST(a_stack_in_use_between_emptied_ones_keeps_its_contents),
        TEST(a_burst_that_comes_again_keeps_its_pages),
        TEST(a_burst_that_does_not_come_again_asks_for_no_trim),
        TEST(what_is_kept_for_the_next_burst_is_bounded),
        TEST(twenty_trims_take_back_what_was_kept),
        TEST(a_trim_leaves_the_stacks_that_were_used_last),
        TEST(what_a_trim_took_and_was_missed_is_kept_again),
        TEST(a_trim_of_what_is_in_use_takes_nothing),
        TEST(emptied_stacks_are_lent_again_as_good_as_new),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
