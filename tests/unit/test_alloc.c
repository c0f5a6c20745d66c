/* SPDX-License-Identifier: MIT */
/* Where the library gets its memory. */
#include "ouro_test.h"

#include <stdlib.h>
#include <string.h>

struct seen {
    size_t size; /* what was asked for last */
    unsigned freed;
};

static void *
alloc_and_note(size_t size, void *context)
{
    struct seen *seen = context;

    seen->size = size;
    return malloc(size);
}

static void
free_and_count(void *memory, void *context)
{
    struct seen *seen = context;

    seen->freed++;
    free(memory);
}

static void
what_stands_on_the_library_shares_its_allocator(void **state)
{
    struct seen seen = {0, 0};
    const struct ouro_allocator allocator = {
        alloc_and_note,
        free_and_count,
        &seen,
    };

    (void)state;
    ouro_set_allocator(&allocator);
    void *memory = ouro_alloc(77);
    assert_non_null(memory);
    memset(memory, 1, 77);
    ouro_free(memory);
    ouro_free(NULL);
    ouro_set_allocator(NULL);

    assert_int_equal(seen.size, 77);
    assert_int_equal(seen.freed, 1);
}

static void
after_null_it_is_malloc_again(void **state)
{
    struct seen seen = {0, 0};
    const struct ouro_allocator allocator = {
        alloc_and_note,
        free_and_count,
        &seen,
    };

    (void)state;
    ouro_set_allocator(&allocator);
    ouro_set_allocator(NULL);
    void *memory = ouro_alloc(77);
    ouro_free(memory);

    assert_non_null(memory);
    assert_int_equal(seen.size, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_on_the_library_shares_its_allocator),
        cmocka_unit_test(after_null_it_is_malloc_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
