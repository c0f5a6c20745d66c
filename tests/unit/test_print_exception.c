/* SPDX-License-Identifier: MIT */
/* The line that the shipped exception handler writes: ouro_print_exception().
 */
#include "ouro_test.h"

#include "child.h"

#include <string.h>

static int
print(void *arg)
{
    ouro_print_exception(arg, NULL);
    return 0;
}

/* In a child, whose stderr is read. */
static void
assert_prints(struct ouro_exception exception, const char *text)
{
    struct child_process child;

    child_start(&child, print, &exception);
    child_wait(&child);

    assert_true(child_exited(&child, 0));
    assert_string_equal(child.text, text);
}

static void
it_is_one_line_with_all_that_is_known(void **state)
{
    const struct ouro_exception exception = {
        .message = "a task failed, and nobody waits for it",
        .error = -EPIPE,
        .name = "serve",
        .site = "server.c:90",
    };

    (void)state;
    assert_prints(exception, "ouro: server.c:90: a task failed, and nobody "
                             "waits for it (serve): Broken pipe\n");
}

static void
what_is_not_known_is_left_out(void **state)
{
    (void)state;
    assert_prints((struct ouro_exception){.message = "something"},
                  "ouro: something\n");
    assert_prints((struct ouro_exception){.message = "something", .name = "me"},
                  "ouro: something (me)\n");
    assert_prints(
        (struct ouro_exception){.message = "something", .error = -OURO_ELIMIT},
        "ouro: something: A limit was reached\n");
}

/* A compiler that is given long paths makes long sites. */
static void
of_a_path_the_file_is_told(void **state)
{
    (void)state;
    assert_prints(
        (struct ouro_exception){.message = "it", .site = "src/a/b.c:7"},
        "ouro: b.c:7: it\n");
}

static void
a_line_that_is_too_long_is_cut(void **state)
{
    static char name[2000];
    struct ouro_exception exception = {
        .message = "it", .name = name, .error = -EPIPE};
    char text[513];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    memset(text, 'n', sizeof(text));
    memcpy(text, "ouro: it (", 10);
    text[511] = '\n';
    text[512] = '\0';
    assert_prints(exception, text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_one_line_with_all_that_is_known),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(of_a_path_the_file_is_told),
        cmocka_unit_test(a_line_that_is_too_long_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
