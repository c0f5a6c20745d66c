/* SPDX-License-Identifier: MIT */
/* What a group of tasks promises: it waits, and fails as one.  See struct
 * ouro_group. */
#include "group_fixture.h"

enum { ALL_STACKS = 256 };

/* The happy path. */

static void
end_waits_for_all_and_returns_the_result(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 30, 1);
    set_child(f, 1, 10, 2);
    set_child(f, 2, 20, 0);
    f->result = 9;
    assert_int_equal(ouro_sim_run(f->sim, own, f), 9);

    assert_int_equal(f->ended_ns, 30);
    assert_int_equal(f->children[1].ended_ns, 10);
    assert_ok(f->results[1]);
}

static void
a_group_without_tasks_ends_at_once(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, own, f));

    assert_int_equal(f->ended_ns, 0);
}

static int
let_them_end_first(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    start_children(f, &group);
    f->results[0] = ouro_sleep(100);
    start_children(f, &group);
    f->results[1] = ouro_group_end(&group, 0);
    f->ended_ns = passed_ns(f);
    return 0;
}

static void
children_may_be_added_after_the_first_have_ended(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 10, 0);
    set_child(f, 1, 20, 0);
    assert_ok(ouro_sim_run(f->sim, let_them_end_first, f));

    assert_ok(f->results[0]);
    assert_ok(f->results[1]);
    assert_int_equal(f->ended_ns, 120);
}

static int
start_a_sibling(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_sleep(10);

    if (rc < 0)
        return rc;
    return ouro_group_create_task(f->group, run_child, &f->children[0]);
}

static int
own_one_that_grows(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    f->group = &group;
    ouro_group_create_task(&group, start_a_sibling, f);
    f->results[0] = ouro_group_end(&group, 0);
    f->ended_ns = passed_ns(f);
    return 0;
}

static void
a_child_may_add_another_while_end_waits(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 5, 0);
    assert_ok(ouro_sim_run(f->sim, own_one_that_grows, f));

    assert_ok(f->results[0]);
    assert_int_equal(f->ended_ns, 15);
}

/* Failure of a child. */

/* A49 */
static void
the_first_failure_cancels_the_others_and_is_the_result(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 50, 0);
    set_child(f, 1, 10, -EPROTO);
    set_child(f, 2, 50, 0);
    assert_err(ouro_sim_run(f->sim, own, f), EPROTO);

    assert_int_equal(f->ended_ns, 10);
    assert_err(f->children[0].slept, ECANCELED);
    assert_err(f->children[2].slept, ECANCELED);
    assert_ok(f->results[1]);
    assert_int_equal(f->counts[0], 0);
    assert_int_equal(f->seen.count, 0);
}

/* A49: the first is the result, and who fails after it is reported. */
static void
of_three_failures_one_is_returned_and_two_are_reported(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 50, -EPIPE);
    set_child(f, 1, 10, -EPROTO);
    set_child(f, 2, 50, 0);
    set_child(f, 3, 10, -ENOTCONN);
    set_child(f, 4, 50, 3);
    f->children[0].stubborn = true;
    assert_err(ouro_sim_run(f->sim, own, f), EPROTO);

    assert_int_equal(f->seen.count, 2);
    assert_err(f->seen.error, EPIPE);
    assert_string_equal(f->seen.name, "run_child");
    assert_non_null(strstr(f->seen.site, "group_fixture.h:"));
    f->seen.count = 0;
}

static int
await_inside(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    start_children(f, &group);
    f->results[0] = ouro_await(&f->reply);
    f->results[1] = ouro_sleep(0);
    f->results[2] = ouro_group_end(&group, f->results[0]);
    f->ended_ns = passed_ns(f);
    f->results[3] = ouro_sleep(0);
    f->counts[0] = ouro_task_cancelling(ouro_current_task());
    return 0;
}

/* A49 */
static void
a_failure_ends_what_the_owner_waits_for(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 10, -EPROTO);
    assert_ok(ouro_sim_run(f->sim, await_inside, f));

    assert_err(f->results[0], ECANCELED);
    assert_err(f->results[1], ECANCELED);
    assert_err(f->results[2], EPROTO);
    assert_int_equal(f->ended_ns, 10);
    assert_ok(f->results[3]);
    assert_int_equal(f->counts[0], 0);
}

static void
a_child_that_ends_with_ecanceled_has_not_failed(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 10, -ECANCELED);
    set_child(f, 1, 20, 0);
    assert_ok(ouro_sim_run(f->sim, own, f));

    assert_ok(f->children[1].slept);
    assert_int_equal(f->ended_ns, 20);
}

/* A failure of the owner. */

static void
a_negative_result_cancels_the_tasks(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 50, 0);
    f->result = -EPIPE;
    assert_err(ouro_sim_run(f->sim, own, f), EPIPE);

    assert_true(f->children[0].ran);
    assert_err(f->children[0].slept, ECANCELED);
    assert_int_equal(f->ended_ns, 0);
    assert_ok(f->results[1]);
}

/* A49 */
static void
a_failure_of_the_owner_that_came_first_is_the_result(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 50, -EPROTO);
    f->children[0].stubborn = true;
    f->result = -EPIPE;
    assert_err(ouro_sim_run(f->sim, own, f), EPIPE);

    assert_int_equal(f->seen.count, 1);
    assert_err(f->seen.error, EPROTO);
    f->seen.count = 0;
}

static int
fail_after_a_child(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    start_children(f, &group);
    f->results[0] = ouro_sleep(50);
    return ouro_group_end(&group, -EPIPE);
}

/* A49 */
static void
a_failure_of_the_owner_after_that_of_a_child_is_reported(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 10, -EPROTO);
    assert_err(ouro_sim_run(f->sim, fail_after_a_child, f), EPROTO);

    assert_err(f->results[0], ECANCELED);
    assert_int_equal(f->seen.count, 1);
    assert_err(f->seen.error, EPIPE);
    assert_non_null(strstr(f->seen.site, "test_group.c:"));
    f->seen.count = 0;
}

/* Memory. */

static int
create_until_memory_is_out(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    fail_allocation(1);
    for (size_t i = 0; i < ALL_STACKS; i++) {
        f->results[0] =
            ouro_group_create_task(&group, run_child, &f->children[0]);
        if (f->results[0] < 0)
            break;
        f->counts[0]++;
    }
    fail_allocation(0);
    f->results[1] = ouro_sleep(0);
    f->results[2] = ouro_group_end(&group, 0);
    return 0;
}

static void
a_task_that_could_not_start_is_a_failure_of_the_group(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 50, 0);
    assert_ok(ouro_sim_run(f->sim, create_until_memory_is_out, f));

    assert_err(f->results[0], ENOMEM);
    assert_int_equal(f->counts[0], ALL_STACKS - 1);
    assert_err(f->results[1], ECANCELED);
    assert_err(f->results[2], ENOMEM);
    assert_int_equal(passed_ns(f), 0);
}

/* The rules. */

static int
return_without_end(void *arg)
{
    struct ouro_group group;

    (void)arg;
    ouro__group_begin(&group, "src/fetch.c:7");
    return 0;
}

static int
end_in_another_task(void *arg)
{
    return ouro_group_end(arg, 0);
}

static int
let_a_child_end_it(void *arg)
{
    struct ouro_group group;

    (void)arg;
    ouro_group_begin(&group);
    ouro_group_create_task(&group, end_in_another_task, &group);
    return ouro_group_end(&group, 0);
}

static void
a_forgotten_end_stops_with_the_line_of_its_begin(void **state)
{
    (void)state;
    assert_stops(return_without_end, NULL,
                 "ouro: fetch.c:7: what a task begins must be ended");
}

static void
a_group_that_another_task_ends_stops_the_program(void **state)
{
    (void)state;
    assert_stops(let_a_child_end_it, NULL,
                 "a group is ended by the task that began");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(end_waits_for_all_and_returns_the_result),
        TEST(a_group_without_tasks_ends_at_once),
        TEST(children_may_be_added_after_the_first_have_ended),
        TEST(a_child_may_add_another_while_end_waits),
        TEST(the_first_failure_cancels_the_others_and_is_the_result),
        TEST(of_three_failures_one_is_returned_and_two_are_reported),
        TEST(a_failure_ends_what_the_owner_waits_for),
        TEST(a_child_that_ends_with_ecanceled_has_not_failed),
        TEST(a_negative_result_cancels_the_tasks),
        TEST(a_failure_of_the_owner_that_came_first_is_the_result),
        TEST(a_failure_of_the_owner_after_that_of_a_child_is_reported),
        TEST(a_task_that_could_not_start_is_a_failure_of_the_group),
        TEST(a_forgotten_end_stops_with_the_line_of_its_begin),
        TEST(a_group_that_another_task_ends_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
