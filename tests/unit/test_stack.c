/* SPDX-License-Identifier: MIT */
/* What the pool of task stacks promises; see src/stack.h.  Which pages free
 * stacks keep is in test_stack_pages.c. */
#include "stack_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "alloc.h"
#include "context.h"

#if __has_include(<valgrind/valgrind.h>)
#    include <valgrind/valgrind.h>
#else
#    define RUNNING_ON_VALGRIND 0
#endif

#ifdef OURO__CONTEXT_TSAN
enum { RUNNING_ON_TSAN = 1 };
#else
enum { RUNNING_ON_TSAN = 0 };
#endif

enum { GUARD_INSTALL = 102 }; /* MADV_GUARD_INSTALL */

static int
count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int count = 0;

    assert_non_null(maps);
    for (int c; (c = getc(maps)) != EOF;)
        count += c == '\n';
    fclose(maps);
    return count;
}

/* Whether this kernel has guards that are no mapping. */
static bool
has_guard_install(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *memory = mmap(NULL, page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    bool yes = madvise(memory, page, GUARD_INSTALL) == 0;
    munmap(memory, page);
    return yes;
}

static void
a_stack_has_the_size_that_was_asked_for_in_whole_pages(void **state)
{
    struct ouro__stack_pool pool;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    (void)state;
    assert_int_equal(ouro__stack_pool_init(&pool, 2 * page + 1), 0);
    assert_int_equal(pool.stack_size, 3 * page);
    assert_int_equal(pool.stride, 4 * page);

    char *low = ouro__stack_pool_get(&pool);
    assert_non_null(low);
    memset(low, 0xa5, pool.stack_size);
    assert_int_equal((uintptr_t)low % page, 0);

    ouro__stack_pool_put(&pool, low);
    ouro__stack_pool_fini(&pool);
}

static void
a_size_that_cannot_be_is_refused(void **state)
{
    struct ouro__stack_pool pool;

    (void)state;
    assert_int_equal(ouro__stack_pool_init(&pool, 0), -EINVAL);
    assert_int_equal(ouro__stack_pool_init(&pool, SIZE_MAX), -EINVAL);
}

static void
a_pool_that_was_not_used_holds_nothing(void **state)
{
    struct fixture *f = *state;

    assert_null(f->pool.slabs);
    assert_null(f->pool.free);
}

static void
the_stack_that_came_back_last_is_lent_first(void **state)
{
    struct fixture *f = *state;

    get_stacks(f, 3);
    ouro__stack_pool_put(&f->pool, f->lows[0]);
    ouro__stack_pool_put(&f->pool, f->lows[2]);
    ouro__stack_pool_put(&f->pool, f->lows[1]);

    assert_ptr_equal(ouro__stack_pool_get(&f->pool), f->lows[1]);
    assert_ptr_equal(ouro__stack_pool_get(&f->pool), f->lows[2]);
    assert_ptr_equal(ouro__stack_pool_get(&f->pool), f->lows[0]);
    put_stacks(f, 3);
}

static void
stacks_of_many_slabs_keep_a_stride_between_them(void **state)
{
    struct fixture *f = *state;

    get_stacks(f, FEW);
    for (size_t i = 0; i < FEW; i++)
        memcpy(f->lows[i], &i, sizeof(i));

    for (size_t i = 0; i < FEW; i++)
        assert_memory_equal(f->lows[i], &i, sizeof(i));
    put_stacks(f, FEW);
}

static void
check_that_guards_hold(struct fixture *f)
{
    get_stacks(f, 3);
    char *low = f->lows[1];
    char *high = low + f->pool.stack_size;

    assert_int_equal(signal_of_write(low - 1), SIGSEGV);
    assert_int_equal(signal_of_write(low - 4096), SIGSEGV);
    assert_int_equal(signal_of_write(high), SIGSEGV);
    assert_int_equal(signal_of_write(low), 0);
    assert_int_equal(signal_of_write(high - 1), 0);
    put_stacks(f, 3);
}

static void
a_write_below_a_stack_is_a_segfault(void **state)
{
    check_that_guards_hold(*state);
}

static void
a_write_below_a_stack_is_a_segfault_with_mprotect(void **state)
{
    struct fixture *f = *state;

    f->pool.no_guard_install = true;
    check_that_guards_hold(f);
}

static void
ten_thousand_stacks_take_few_mappings(void **state)
{
    struct fixture *f = *state;

    if (!has_guard_install())
        skip();
    int before = count_mappings();
    get_stacks(f, MANY);
    int after = count_mappings();

    assert_in_range(after, 0, before + MANY / 50);
    put_stacks(f, MANY);
}

static void
mprotect_takes_two_mappings_for_each_stack(void **state)
{
    struct fixture *f = *state;
    int before = count_mappings();

    f->pool.no_guard_install = true;
    get_stacks(f, FEW);
    int after = count_mappings();

    assert_in_range(after - before, 2 * FEW - 10, 2 * FEW + 10);
    put_stacks(f, FEW);
}

static void
the_limit_of_mappings_is_what_failure_says(void **state)
{
    enum { MORE_THAN_THE_LIMIT = 100000 };
    struct ouro__stack_pool pool;
    static void *lows[MORE_THAN_THE_LIMIT];
    size_t count = 0;

    (void)state;
    if (RUNNING_ON_VALGRIND || RUNNING_ON_TSAN)
        skip(); /* they cannot live without mappings of their own */
    assert_int_equal(ouro__stack_pool_init(&pool, 1), 0);
    pool.no_guard_install = true;
    while (count < MORE_THAN_THE_LIMIT
           && (lows[count] = ouro__stack_pool_get(&pool)) != NULL)
        count++;

    bool limited = count < MORE_THAN_THE_LIMIT;
    while (count > 0)
        ouro__stack_pool_put(&pool, lows[--count]);
    ouro__stack_pool_fini(&pool);
    if (!limited)
        skip(); /* this machine allows more */
    assert_non_null(strstr(pool.failure, "vm.max_map_count"));
}

static void
find_guard_knows_whose_guard_it_is(void **state)
{
    struct fixture *f = *state;
    size_t guard_size = f->pool.stride - f->pool.stack_size;
    void *low = NULL;

    get_stacks(f, FEW);
    for (size_t i = 0; i < FEW; i++) {
        char *mine = f->lows[i];

        assert_true(ouro__stack_pool_find_guard(&f->pool, mine - 1, &low));
        assert_ptr_equal(low, mine);
        assert_true(
            ouro__stack_pool_find_guard(&f->pool, mine - guard_size, &low));
        assert_ptr_equal(low, mine);
    }
    put_stacks(f, FEW);
}

static void
find_guard_knows_what_is_no_guard(void **state)
{
    struct fixture *f = *state;
    void *low = f;

    get_stacks(f, 1);
    char *mine = f->lows[0];

    assert_false(ouro__stack_pool_find_guard(&f->pool, mine, &low));
    assert_false(ouro__stack_pool_find_guard(&f->pool, NULL, &low));
    assert_false(ouro__stack_pool_find_guard(&f->pool, f, &low));
    assert_false(ouro__stack_pool_find_guard(
        &f->pool, mine + f->pool.stack_size - 1, &low));
    assert_false(
        ouro__stack_pool_find_guard(&f->pool, mine - f->pool.stride - 1, &low));
    assert_ptr_equal(low, f);
    put_stacks(f, 1);
}

static int allocations_left;

static void *
alloc_while_some_are_left(size_t size, void *context)
{
    (void)context;
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void
free_at_once(void *memory, void *context)
{
    (void)context;
    free(memory);
}

static void
a_get_without_memory_fails_and_can_be_tried_again(void **state)
{
    static const struct ouro_allocator scarce = {
        .alloc = alloc_while_some_are_left,
        .free = free_at_once,
    };
    struct fixture *f = *state;

    ouro_set_allocator(&scarce);
    for (int allowed = 0; allowed < 2; allowed++) {
        allocations_left = allowed;
        assert_null(ouro__stack_pool_get(&f->pool));
        assert_non_null(strstr(f->pool.failure, "no memory"));
    }
    ouro_set_allocator(NULL);

    get_stacks(f, 1);
    put_stacks(f, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stack_has_the_size_that_was_asked_for_in_whole_pages),
        TEST(a_size_that_cannot_be_is_refused),
        TEST(a_pool_that_was_not_used_holds_nothing),
        TEST(the_stack_that_came_back_last_is_lent_first),
        TEST(stacks_of_many_slabs_keep_a_stride_between_them),
        TEST(a_write_below_a_stack_is_a_segfault),
        TEST(a_write_below_a_stack_is_a_segfault_with_mprotect),
        TEST(ten_thousand_stacks_take_few_mappings),
        TEST(mprotect_takes_two_mappings_for_each_stack),
        TEST(the_limit_of_mappings_is_what_failure_says),
        TEST(find_guard_knows_whose_guard_it_is),
        TEST(find_guard_knows_what_is_no_guard),
        TEST(a_get_without_memory_fails_and_can_be_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
