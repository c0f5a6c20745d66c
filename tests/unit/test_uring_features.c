/* SPDX-License-Identifier: MIT */
/* What is asked of a kernel's io_uring, and how it is named. */
#include "ouro_test.h"

#include "uring_features.h"

#include <stdlib.h>
#include <string.h>

static const char variable[] = "OURO_URING_DISABLE";

/* In the order of their bits. */
static const char all_names[] =
    "submit_all taskrun_flag registered_ring abs_timer no_iowait "
    "multishot_accept multishot_receive buffer_ring";

enum { ALL = 255, BITS_OF_6_15 = (1 << 15) | (1 << 17) };

/* What is wanted when the variable is `names`. */
static unsigned
wanted_without(const char *names)
{
    setenv(variable, names, 1);
    unsigned wanted = ouro__uring_features_wanted();
    unsetenv(variable);
    return wanted;
}

static void
all_are_wanted_by_default(void **state)
{
    (void)state;
    unsetenv(variable);

    assert_int_equal(ouro__uring_features_wanted(), ALL);
    assert_int_equal(wanted_without(""), ALL);
}

static void
the_environment_turns_each_of_them_off(void **state)
{
    char names[sizeof(all_names)];
    unsigned bit = 1;

    (void)state;
    memcpy(names, all_names, sizeof(names));
    for (char *name = strtok(names, " "); name != NULL;
         name = strtok(NULL, " "), bit <<= 1)
        assert_int_equal(wanted_without(name), ALL & ~bit);
    assert_int_equal(bit, ALL + 1);
}

static void
the_environment_turns_several_off(void **state)
{
    (void)state;

    assert_int_equal(wanted_without("buffer_ring,submit_all"),
                     ALL & ~(unsigned)OURO__URING_BUFFER_RING
                         & ~(unsigned)OURO__URING_SUBMIT_ALL);
    assert_int_equal(wanted_without(",,abs_timer,"),
                     ALL & ~(unsigned)OURO__URING_ABS_TIMER);
}

static void
a_word_that_is_no_name_turns_nothing_off(void **state)
{
    (void)state;

    assert_int_equal(wanted_without("buffer"), ALL);
    assert_int_equal(wanted_without("buffer_ring2"), ALL);
    assert_int_equal(wanted_without("BUFFER_RING"), ALL);
    assert_int_equal(wanted_without("buffer_ring submit_all"), ALL);
}

static void
what_the_kernel_does_not_tell_of_is_not_used(void **state)
{
    const unsigned told =
        OURO__URING_ABS_TIMER | (unsigned)OURO__URING_NO_IOWAIT;

    (void)state;
    assert_int_equal(ouro__uring_features_of(ALL, BITS_OF_6_15), ALL);
    assert_int_equal(ouro__uring_features_of(ALL, 0), ALL & ~told);
    assert_int_equal(ouro__uring_features_of(ALL, 1 << 15),
                     ALL & ~(unsigned)OURO__URING_NO_IOWAIT);
    assert_int_equal(ouro__uring_features_of(0, BITS_OF_6_15), 0);
}

static void
the_text_is_their_names_with_spaces_between(void **state)
{
    char text[256];

    (void)state;
    ouro__uring_features_text(text, sizeof(text), ALL);
    assert_string_equal(text, all_names);
    ouro__uring_features_text(text, sizeof(text),
                              OURO__URING_SUBMIT_ALL
                                  | (unsigned)OURO__URING_ABS_TIMER);
    assert_string_equal(text, "submit_all abs_timer");
    ouro__uring_features_text(text, sizeof(text), 0);

    assert_string_equal(text, "");
}

/* Of each length of the room: whole names, a zero, and nothing beyond. */
static void
a_name_that_does_not_fit_is_left_out(void **state)
{
    char text[sizeof(all_names) + 8];

    (void)state;
    for (size_t size = 1; size < sizeof(text) - 1; size++) {
        memset(text, '#', sizeof(text));
        ouro__uring_features_text(text, size, ALL);
        assert_non_null(memchr(text, '\0', size));
        assert_int_equal(text[size], '#');
        size_t used = strlen(text);
        assert_true(used == 0 || text[used - 1] != ' ');
    }
    ouro__uring_features_text(text, sizeof(all_names) + 1, ALL);
    assert_string_equal(text, all_names);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_wanted_by_default),
        cmocka_unit_test(the_environment_turns_each_of_them_off),
        cmocka_unit_test(the_environment_turns_several_off),
        cmocka_unit_test(a_word_that_is_no_name_turns_nothing_off),
        cmocka_unit_test(what_the_kernel_does_not_tell_of_is_not_used),
        cmocka_unit_test(the_text_is_their_names_with_spaces_between),
        cmocka_unit_test(a_name_that_does_not_fit_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
