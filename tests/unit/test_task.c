/* SPDX-License-Identifier: MIT */
/* The life of a task: how it starts, who owns it, who hears how it ended.  See
 * include/ouro/task.h; cancellation and scopes have files of their own. */
#include "ouro_test.h"

#include <stdlib.h>
#include <string.h>

enum { MANY = 600 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_future never;
    struct ouro_task *task;
    struct ouro_task *current; /* as the task saw it */
    struct ouro_handle handle;
    char trace[32];
    void *locals;
    size_t runs;
    int result;
};

static void
add(struct fixture *f, const char *text)
{
    strncat(f->trace, text, sizeof(f->trace) - strlen(f->trace) - 1);
}

static size_t
count_tasks(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    return stats.tasks;
}

static void
create(struct fixture *f, ouro_task_fn *fn)
{
    assert_ok(ouro__create_task(f->loop, &f->task, fn, f, "it", "here.c:5"));
}

static int
return_seven(void *arg)
{
    struct fixture *f = arg;

    f->runs++;
    return 7;
}

static int
return_eproto(void *arg)
{
    struct fixture *f = arg;

    f->runs++;
    return -EPROTO;
}

static int
return_that_it_is_cancelled(void *arg)
{
    (void)arg;
    return -ECANCELED;
}

static int
sleep_and_fail(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_sleep(OURO_SECONDS(1));

    f->runs++;
    return rc < 0 ? rc : -EPROTO;
}

static int
wait_for_ever(void *arg)
{
    struct fixture *f = arg;

    return ouro_await(&f->never);
}

static int
join_it(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_task_join(f->task);
    return 0;
}

/* The start. */

static int
note_a_run(void *arg)
{
    struct fixture *f = arg;

    add(f, "b");
    f->current = ouro_current_task();
    return 0;
}

static int
create_another(void *arg)
{
    struct fixture *f = arg;
    struct ouro_task *before = ouro_current_task();

    add(f, "a");
    f->result = ouro_create_task(NULL, note_a_run, f);
    if (ouro_current_task() == before)
        add(f, "c");
    return 0;
}

/* A75 */
static void
a_task_never_runs_inside_the_call_that_creates_it(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_loop_create_task(f->loop, NULL, create_another, f));
    assert_string_equal(f->trace, "");
    ouro_sim_turn(f->sim);
    assert_string_equal(f->trace, "ac");
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "acb");
    assert_non_null(f->current);
    assert_null(ouro_current_task());
}

static void
a_task_starts_in_the_order_of_calls(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_loop_create_task(f->loop, NULL, create_another, f));
    assert_ok(ouro_loop_create_task(f->loop, NULL, note_a_run, f));
    ouro_sim_turn(f->sim);

    assert_string_equal(f->trace, "acb");
    ouro_sim_turn(f->sim);
}

static void
create_where_no_loop_runs(void *arg)
{
    if (ouro_create_task(NULL, note_a_run, arg) < 0)
        exit(EXIT_FAILURE);
}

static void
to_create_a_task_where_no_loop_runs_stops_with_the_line(void **state)
{
    assert_callback_stops(create_where_no_loop_runs, *state,
                          "a task is created where a loop runs");
    assert_callback_stops(create_where_no_loop_runs, *state,
                          "ouro: test_task.c:");
}

static void
create_in_a_call(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_create_task(NULL, note_a_run, f);
}

static void
a_callback_may_create_a_task(void **state)
{
    struct fixture *f = *state;

    ouro_call_soon(f->loop, &f->handle, create_in_a_call, f);
    ouro_sim_advance(f->sim, 0);

    assert_ok(f->result);
    assert_string_equal(f->trace, "b");
}

/* Whose it is. */

/* A45 */
static void
a_task_without_a_reference_lives_until_it_is_done(void **state)
{
    struct fixture *f = *state;

    create(f, sleep_and_fail);
    assert_null(ouro_task_unref(f->task));
    ouro_sim_advance(f->sim, OURO_SECONDS(1) - 1);
    assert_int_equal(f->runs, 0);
    assert_int_equal(count_tasks(f), 1);
    ouro_sim_advance(f->sim, 1);

    assert_int_equal(f->runs, 1);
    assert_int_equal(count_tasks(f), 0);
    assert_int_equal(f->seen.count, 1);
    f->seen.count = 0;
}

static void
a_reference_keeps_what_a_task_came_to(void **state)
{
    struct fixture *f = *state;

    create(f, return_seven);
    assert_ptr_equal(ouro_task_ref(f->task), f->task);
    assert_false(ouro_task_is_done(f->task));
    assert_err(ouro_task_result(f->task), EINPROGRESS);
    ouro_sim_turn(f->sim);
    assert_null(ouro_task_unref(f->task));

    assert_true(ouro_task_is_done(f->task));
    assert_int_equal(ouro_task_result(f->task), 7);
    assert_string_equal(ouro_task_name(f->task), "it");
    assert_int_equal(count_tasks(f), 0);
    assert_null(ouro_task_unref(f->task));
}

static void
no_reference_to_drop_is_nothing(void **state)
{
    (void)state;

    assert_null(ouro_task_unref(NULL));
}

static void
a_task_has_name_and_site(void **state)
{
    struct fixture *f = *state;
    struct ouro_task *task;

    assert_ok(ouro_loop_create_task(f->loop, &task, return_seven, f));
    assert_string_equal(ouro_task_name(task), "return_seven");
    assert_non_null(strstr(ouro_task_site(task), "test_task.c:"));
    ouro_task_set_name(task, "seven");
    assert_string_equal(ouro_task_name(task), "seven");

    ouro_task_unref(task);
    ouro_sim_turn(f->sim);
}

static int
see_locals(void *arg)
{
    struct fixture *f = arg;

    f->locals = ouro_task_locals(ouro_current_task());
    return 0;
}

static int
set_locals_and_create(void *arg)
{
    struct fixture *f = arg;

    if (ouro_task_locals(ouro_current_task()) != NULL)
        return -EPROTO;
    ouro_task_set_locals(ouro_current_task(), f);
    f->result = ouro_create_task(NULL, see_locals, f);
    ouro_task_set_locals(ouro_current_task(), NULL);
    return 0;
}

static void
a_task_inherits_the_locals_of_its_maker(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, set_locals_and_create, f));
    ouro_sim_turn(f->sim);

    assert_ptr_equal(f->locals, f);
}

/* Joining. */

static void
a_join_returns_what_the_function_returned(void **state)
{
    struct fixture *f = *state;

    create(f, return_seven);
    start(f->sim, join_it, f);
    ouro_sim_turn(f->sim);
    assert_int_equal(f->result, 7);

    f->result = UNSEEN;
    start(f->sim, join_it, f);
    assert_int_equal(f->result, 7);
    ouro_task_unref(f->task);
}

static void
an_error_is_the_joiners_and_nobody_elses(void **state)
{
    struct fixture *f = *state;

    create(f, sleep_and_fail);
    start(f->sim, join_it, f);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));
    ouro_task_unref(f->task);

    assert_err(f->result, EPROTO);
    assert_int_equal(f->seen.count, 0);
}

static int
join_itself(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_task_join(ouro_current_task());
    return ouro_task_join(ouro_current_task());
}

static void
a_task_that_joins_itself_is_told_so(void **state)
{
    struct fixture *f = *state;

    assert_err(ouro_sim_run(f->sim, join_itself, f), EDEADLK);
    assert_err(f->result, EDEADLK);
}

static void
to_cancel_the_joiner_leaves_the_task_alone(void **state)
{
    struct fixture *f = *state;
    struct ouro_task *joiner;

    create(f, sleep_and_fail);
    assert_ok(ouro_loop_create_task(f->loop, &joiner, join_it, f));
    ouro_sim_turn(f->sim);
    ouro_task_cancel(joiner);
    ouro_sim_turn(f->sim);
    assert_err(f->result, ECANCELED);
    assert_false(ouro_task_is_done(f->task));
    assert_int_equal(ouro_task_cancelling(f->task), 0);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));

    assert_err(ouro_task_result(f->task), EPROTO);
    ouro_task_unref(joiner);
    ouro_task_unref(f->task);
}

static void
the_future_of_a_task_is_done_when_it_is(void **state)
{
    struct fixture *f = *state;

    create(f, return_seven);
    assert_false(ouro_future_is_done(ouro_task_future(f->task)));
    ouro_sim_turn(f->sim);

    assert_ok(ouro_future_error(ouro_task_future(f->task)));
    ouro_task_unref(f->task);
}

static int
join_in_another_loop(void *arg)
{
    struct ouro_task *task = arg;

    return ouro_task_join(task);
}

static void
to_join_a_task_of_another_loop_stops_the_program(void **state)
{
    struct fixture *f = *state;

    create(f, wait_for_ever);
    ouro_sim_turn(f->sim);
    assert_stops(join_in_another_loop, f->task,
                 "a future is awaited in its own loop");

    ouro_task_cancel(f->task);
    ouro_sim_turn(f->sim);
    ouro_task_unref(f->task);
}

/* Who hears of a failure. */

/* A88, A45 */
static void
a_failure_that_nobody_waits_for_is_reported_at_once(void **state)
{
    struct fixture *f = *state;

    create(f, return_eproto);
    ouro_task_unref(f->task);
    ouro_sim_turn(f->sim);

    assert_int_equal(f->seen.count, 1);
    assert_err(f->seen.error, EPROTO);
    assert_string_equal(f->seen.message,
                        "a task failed, and nobody waits for it");
    assert_string_equal(f->seen.name, "it");
    assert_string_equal(f->seen.site, "here.c:5");
    f->seen.count = 0;
}

/* A88 */
static void
a_failure_nobody_took_is_reported_when_the_last_reference_goes(void **state)
{
    struct fixture *f = *state;

    create(f, return_eproto);
    ouro_task_ref(f->task);
    ouro_sim_turn(f->sim);
    ouro_task_unref(f->task);
    assert_int_equal(f->seen.count, 0);
    ouro_task_unref(f->task);

    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.message,
                        "a task failed, and nobody took its result");
    assert_string_equal(f->seen.name, "it");
    assert_string_equal(f->seen.site, "here.c:5");
    f->seen.count = 0;
}

/* A88 */
static void
a_failure_that_was_looked_at_is_not_reported(void **state)
{
    struct fixture *f = *state;

    create(f, return_eproto);
    assert_err(ouro_task_result(f->task), EINPROGRESS);
    ouro_sim_turn(f->sim);
    assert_err(ouro_task_result(f->task), EPROTO);
    ouro_task_unref(f->task);

    assert_int_equal(f->seen.count, 0);
}

/* A88 */
static void
neither_a_cancellation_nor_a_number_is_a_failure(void **state)
{
    struct fixture *f = *state;

    create(f, return_that_it_is_cancelled);
    ouro_task_unref(f->task);
    create(f, return_seven);
    ouro_task_unref(f->task);
    ouro_sim_turn(f->sim);

    assert_int_equal(f->seen.count, 0);
}

static int
return_that_it_is_in_progress(void *arg)
{
    (void)arg;
    return -EINPROGRESS;
}

/* It has no other word for "not done". */
static void
a_task_that_returns_einprogress_is_done_all_the_same(void **state)
{
    struct fixture *f = *state;

    create(f, return_that_it_is_in_progress);
    ouro_sim_turn(f->sim);

    assert_true(ouro_task_is_done(f->task));
    assert_err(ouro_task_result(f->task), EIO);
    ouro_task_unref(f->task);
}

/* Memory. */

static int
create_some(void *arg)
{
    struct fixture *f = arg;

    for (size_t i = 0; i < MANY; i++) {
        int rc = ouro_loop_create_task(f->loop, NULL, return_seven, f);
        if (rc < 0)
            return rc;
        f->result++;
    }
    return 0;
}

/* In a loop of its own, so that stacks and all else are made anew. */
static int
create_in_a_new_loop(void *arg)
{
    struct fixture *f = arg;
    struct ouro_sim *sim = NULL;

    int rc = ouro_sim_new(&sim, NULL);
    if (rc < 0)
        return rc;
    f->loop = ouro_sim_loop(sim);
    f->runs = 0;
    f->result = 0;
    rc = create_some(f);
    fail_allocation(0);
    ouro_sim_turn(sim);
    ouro_sim_free(sim);
    return f->runs == (size_t)f->result ? rc : -EPROTO;
}

static void
without_memory_nothing_runs_and_nothing_is_lost(void **state)
{
    struct fixture *f = *state;
    struct ouro_loop *loop = f->loop;
    int rc;

    for (unsigned n = 1; n < 20; n++) {
        size_t before = live_allocations();

        fail_allocation(n);
        rc = create_in_a_new_loop(f);
        assert_int_equal(live_allocations(), before);
        if (rc == 0)
            break;
        assert_err(rc, ENOMEM);
    }
    assert_ok(rc);
    f->loop = loop;
}

static int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &f.seen},
    };

    memset(&f, 0, sizeof(f));
    f.result = UNSEEN;
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.loop = ouro_sim_loop(f.sim);
    ouro_future_init(&f.never, f.loop);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    assert_int_equal(f->seen.count, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_task_never_runs_inside_the_call_that_creates_it),
        TEST(a_task_starts_in_the_order_of_calls),
        TEST(to_create_a_task_where_no_loop_runs_stops_with_the_line),
        TEST(a_callback_may_create_a_task),
        TEST(a_task_without_a_reference_lives_until_it_is_done),
        TEST(a_reference_keeps_what_a_task_came_to),
        TEST(no_reference_to_drop_is_nothing),
        TEST(a_task_has_name_and_site),
        TEST(a_task_inherits_the_locals_of_its_maker),
        TEST(a_join_returns_what_the_function_returned),
        TEST(an_error_is_the_joiners_and_nobody_elses),
        TEST(a_task_that_joins_itself_is_told_so),
        TEST(to_cancel_the_joiner_leaves_the_task_alone),
        TEST(the_future_of_a_task_is_done_when_it_is),
        TEST(to_join_a_task_of_another_loop_stops_the_program),
        TEST(a_failure_that_nobody_waits_for_is_reported_at_once),
        TEST(a_failure_nobody_took_is_reported_when_the_last_reference_goes),
        TEST(a_failure_that_was_looked_at_is_not_reported),
        TEST(neither_a_cancellation_nor_a_number_is_a_failure),
        TEST(a_task_that_returns_einprogress_is_done_all_the_same),
        TEST(without_memory_nothing_runs_and_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
