/* SPDX-License-Identifier: MIT */
/* What happens to a program that breaks a rule.  See OURO_CHECK. */
#include "ouro_test.h"

#include "check.h"

#include <string.h>

static const char *
name_of_a_task(void)
{
    return "ask";
}

static const char *
no_task(void)
{
    return NULL;
}

static void
break_a_rule(void *arg)
{
    int number = 3;

    (void)arg;
    OURO_CHECK(number == 4, "three must be four");
}

static void
blame_another_line(void *arg)
{
    const char *rule = arg;

    OURO_CHECK_AT(false, rule, "far/away/ask_line.c:16");
}

static void
break_a_rule_in_a_task(void *arg)
{
    ouro__running_name = name_of_a_task;
    blame_another_line(arg);
}

static void
break_a_rule_outside_a_task(void *arg)
{
    ouro__running_name = no_task;
    blame_another_line(arg);
}

static void
a_rule_that_holds_is_nothing(void **state)
{
    (void)state;

    OURO_CHECK(1 + 1 == 2, "two must be two");
}

static void
the_line_names_file_and_rule(void **state)
{
    (void)state;

    assert_callback_stops(break_a_rule, NULL, "ouro: test_check.c:");
    assert_callback_stops(break_a_rule, NULL, ": three must be four\n");
}

static void
the_place_loses_its_folders(void **state)
{
    char rule[] = "what begins must end";

    (void)state;
    assert_callback_stops(blame_another_line, rule,
                          "ouro: ask_line.c:16: what begins must end\n");
}

static void
the_line_names_the_task(void **state)
{
    char rule[] = "what begins must end";

    (void)state;
    assert_callback_stops(
        break_a_rule_in_a_task, rule,
        "ouro: ask_line.c:16: what begins must end (task 'ask')\n");
}

static void
outside_a_task_none_is_named(void **state)
{
    char rule[] = "what begins must end";

    (void)state;
    assert_callback_stops(break_a_rule_outside_a_task, rule, "must end\n");
}

static void
a_rule_too_long_for_the_line_is_cut(void **state)
{
    char rule[2000];

    (void)state;
    memset(rule, 'x', sizeof(rule) - 1);
    rule[sizeof(rule) - 1] = '\0';

    assert_callback_stops(blame_another_line, rule, "xxx\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_that_holds_is_nothing),
        cmocka_unit_test(the_line_names_file_and_rule),
        cmocka_unit_test(the_place_loses_its_folders),
        cmocka_unit_test(the_line_names_the_task),
        cmocka_unit_test(outside_a_task_none_is_named),
        cmocka_unit_test(a_rule_too_long_for_the_line_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
