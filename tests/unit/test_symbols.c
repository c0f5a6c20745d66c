/* SPDX-License-Identifier: MIT */
/* The names of functions, from the files they are in. */
#include "ouro_test.h"
#include "symbols.h"

#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) static int
a_static_function(int number)
{
    return number * 3 + 1;
}

/* The address in a pointer to a function. */
static const void *
address_of(int (*fn)(int number))
{
    const void *address;

    memcpy(&address, &fn, sizeof(address));
    return address;
}

static const char *
behind(const void *address, size_t offset)
{
    return (const char *)address + offset;
}

static void
a_static_function_has_a_name(void **state)
{
    const void *address = address_of(a_static_function);
    struct ouro__place place;

    ouro__symbols_find(*state, behind(address, 3), &place);

    assert_string_equal(place.function, "a_static_function");
    assert_string_equal(place.file, "test_symbols");
    assert_int_equal(place.offset, 3);
}

static void
a_name_is_found_again(void **state)
{
    const void *address = address_of(a_static_function);
    struct ouro__place first;
    struct ouro__place again;

    ouro__symbols_find(*state, address, &first);
    ouro__symbols_find(*state, behind(address, 256), &again);
    ouro__symbols_find(*state, address, &again);

    assert_string_equal(again.function, "a_static_function");
    assert_ptr_equal(again.function, first.function);
    assert_int_equal(again.offset, 0);
}

static void
a_function_of_a_shared_library_has_a_name(void **state)
{
    long (*fn)(const char *text) = a64l;
    const void *address;
    struct ouro__place place;

    memcpy(&address, &fn, sizeof(address));
    ouro__symbols_find(*state, address, &place);

    assert_string_equal(place.function, "a64l");
    assert_int_equal(strncmp(place.file, "libc", 4), 0);
}

static void
an_address_that_is_no_code_is_told_as_it_is(void **state)
{
    static int data;
    struct ouro__place place;

    ouro__symbols_find(*state, &data, &place);

    assert_null(place.function);
    assert_null(place.file);
    assert_int_equal(place.offset, (uintptr_t)&data);
}

static void
without_a_map_every_address_is(void **state)
{
    const void *address = address_of(a_static_function);
    struct ouro__place place;

    (void)state;
    ouro__symbols_find(NULL, address, &place);
    ouro__symbols_free(NULL);

    assert_null(place.file);
    assert_int_equal(place.offset, (uintptr_t)address);
}

static int
setup(void **state)
{
    *state = ouro__symbols_load();
    assert_non_null(*state);
    return 0;
}

static int
teardown(void **state)
{
    ouro__symbols_free(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_static_function_has_a_name),
        TEST(a_name_is_found_again),
        TEST(a_function_of_a_shared_library_has_a_name),
        TEST(an_address_that_is_no_code_is_told_as_it_is),
        TEST(without_a_map_every_address_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
