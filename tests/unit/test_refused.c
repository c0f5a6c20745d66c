/* SPDX-License-Identifier: MIT */
/* Why io_uring is refused, as a sentence that says what to do. */
#include "ouro_test.h"

#include "refused.h"

#include <string.h>
#include <sys/utsname.h>

/* An error, and words of what is said of it. */
static const struct story {
    int error;
    const char *words;
    const char *cure;
} stories[] = {
    {-ENOSYS, "io_uring_setup: ENOSYS; ", "use another kernel or profile"},
    {-EPERM, "io_uring_setup: EPERM; kernel.io_uring_disabled is ", ": "},
    {-EACCES, "io_uring_setup: EACCES; kernel.io_uring_disabled is ", ": "},
    {-ENOMEM, "RLIMIT_MEMLOCK is ", "raise it (ulimit -l)"},
    {-EINVAL, "the kernel is ", "needs 6.1 or newer"},
    {-EMFILE, "io_uring_setup: EMFILE; ", "raise RLIMIT_NOFILE"},
    {-ENFILE, "io_uring_setup: ENFILE; ", "raise RLIMIT_NOFILE"},
    {-EPROTO, "io_uring_setup: EPROTO; ", "unexpected"},
};

static void
each_error_has_its_story_and_its_cure(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
        struct ouro_report report = {""};

        ouro__explain_refusal(&report, "io_uring_setup", stories[i].error);
        assert_non_null(strstr(report.text, stories[i].words));
        assert_non_null(strstr(report.text, stories[i].cure));
        assert_null(strchr(report.text, '\n'));
        assert_true(strlen(report.text) < sizeof(report.text) - 1);
    }
}

/* What is said of -EPERM depends on the machine. */
static void
the_sysctl_decides_who_is_to_blame(void **state)
{
    const char *const cures[] = {"a seccomp filter", "kernel.io_uring_group",
                                 "nobody may use io_uring"};
    struct ouro_report report = {""};
    int value = ouro__uring_sysctl();

    (void)state;
    ouro__explain_refusal(&report, "io_uring_setup", -EPERM);

    assert_in_range(value, 0, 2);
    assert_non_null(strstr(report.text, cures[value]));
}

static void
the_call_that_was_refused_is_named(void **state)
{
    struct ouro_report report = {""};

    (void)state;
    ouro__explain_refusal(&report, "io_uring_enter", -EPERM);

    assert_non_null(strstr(report.text, "io_uring_enter: EPERM"));
}

static void
the_release_of_the_kernel_is_named(void **state)
{
    struct ouro_report report = {""};
    struct utsname name;

    (void)state;
    assert_ok(uname(&name));
    ouro__explain_refusal(&report, "io_uring_setup", -EINVAL);

    assert_non_null(strstr(report.text, name.release));
}

static void
nobody_need_listen(void **state)
{
    (void)state;

    ouro__explain_refusal(NULL, "io_uring_setup", -EPERM);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_story_and_its_cure),
        cmocka_unit_test(the_sysctl_decides_who_is_to_blame),
        cmocka_unit_test(the_call_that_was_refused_is_named),
        cmocka_unit_test(the_release_of_the_kernel_is_named),
        cmocka_unit_test(nobody_need_listen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
