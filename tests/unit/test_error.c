/* SPDX-License-Identifier: MIT */
/* What errors are called.  See include/ouro/error.h. */
#include "ouro_test.h"

#include <limits.h>
#include <string.h>

static void
an_errno_has_its_name_and_text(void **state)
{
    (void)state;

    assert_string_equal(ouro_error_name(ECANCELED), "ECANCELED");
    assert_string_equal(ouro_strerror(ECONNREFUSED), "Connection refused");
}

static void
a_minus_does_not_matter(void **state)
{
    (void)state;

    assert_string_equal(ouro_error_name(-ECANCELED), "ECANCELED");
    assert_string_equal(ouro_strerror(-ECONNREFUSED), "Connection refused");
    assert_string_equal(ouro_error_name(-OURO_ELIMIT), "OURO_ELIMIT");
    assert_ptr_equal(ouro_strerror(-OURO_ELIMIT), ouro_strerror(OURO_ELIMIT));
}

static void
zero_is_success(void **state)
{
    (void)state;

    assert_string_equal(ouro_strerror(0), "success");
    assert_string_equal(ouro_error_name(0), "success");
}

static void
each_of_ours_has_its_name_and_a_text_of_its_own(void **state)
{
    (void)state;

    for (int error = OURO_EINCOMPLETE; error <= OURO_EBROKEN; error++) {
        assert_memory_equal(ouro_error_name(error), "OURO_E", 6);
        assert_true(strlen(ouro_strerror(error)) > 0);
        for (int other = OURO_EINCOMPLETE; other < error; other++)
            assert_string_not_equal(ouro_strerror(error), ouro_strerror(other));
    }
    assert_string_equal(ouro_error_name(OURO_EINCOMPLETE), "OURO_EINCOMPLETE");
    assert_string_equal(ouro_error_name(OURO_EBROKEN), "OURO_EBROKEN");
}

static void
what_nobody_knows_is_unknown(void **state)
{
    const int nobodys[] = {4095, OURO_EBROKEN + 1, -5000, INT_MAX, INT_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof(nobodys) / sizeof(nobodys[0]); i++) {
        assert_string_equal(ouro_error_name(nobodys[i]), "unknown");
        assert_string_equal(ouro_strerror(nobodys[i]), "Unknown error");
    }
}

static void
asking_changes_no_errno(void **state)
{
    (void)state;

    errno = EDOM;
    (void)ouro_strerror(12345);
    (void)ouro_error_name(EPIPE);

    assert_int_equal(errno, EDOM);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_errno_has_its_name_and_text),
        cmocka_unit_test(a_minus_does_not_matter),
        cmocka_unit_test(zero_is_success),
        cmocka_unit_test(each_of_ours_has_its_name_and_a_text_of_its_own),
        cmocka_unit_test(what_nobody_knows_is_unknown),
        cmocka_unit_test(asking_changes_no_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
