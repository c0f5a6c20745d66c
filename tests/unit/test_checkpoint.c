/* SPDX-License-Identifier: MIT */
/* Work that never waits, and can be ended all the same: ouro_checkpoint(). */
#include "ouro_test.h"

#include "task.h"

#include <string.h>

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro_task *task;
    unsigned passed; /* checkpoints that let the task go on */
    unsigned most;   /* after which it stops by itself */
    unsigned turns;  /* of another task */
    int result;
};

static int
work(void *arg)
{
    struct fixture *f = arg;

    f->result = 0;
    while (f->passed < f->most && (f->result = ouro_checkpoint()) == 0)
        f->passed++;
    return f->result;
}

static int
count_turns(void *arg)
{
    struct fixture *f = arg;
    int rc;

    do
        f->turns++;
    while ((rc = ouro_sleep(0)) == 0 && f->turns < 10);
    return rc;
}

/* Both stand in one turn, and the work is first. */
static void
start_work_and_another(struct fixture *f, unsigned most)
{
    struct ouro_task *other;

    f->most = most;
    assert_ok(ouro_loop_create_task(f->loop, &f->task, work, f));
    assert_ok(ouro_loop_create_task(f->loop, &other, count_turns, f));
    ouro_task_unref(other);
    ouro_sim_turn(f->sim);
}

static void
a_checkpoint_alone_lets_nobody_run(void **state)
{
    struct fixture *f = *state;

    start_work_and_another(f, 10);

    assert_int_equal(f->passed, 10);
    assert_true(ouro_task_is_done(f->task));
    assert_int_equal(f->turns, 1);
}

static void
many_in_a_row_let_others_run(void **state)
{
    struct fixture *f = *state;

    start_work_and_another(f, UINT32_MAX);
    assert_int_equal(f->passed, OURO__TASK_BUDGET - 1);
    assert_int_equal(f->turns, 1);
    ouro_sim_turn(f->sim);

    assert_int_equal(f->passed, 2 * (OURO__TASK_BUDGET - 1) + 1);
    assert_int_equal(f->turns, 2);
    ouro_task_cancel(f->task);
}

static void
work_that_never_waits_can_be_cancelled(void **state)
{
    struct fixture *f = *state;

    start_work_and_another(f, UINT32_MAX);
    ouro_task_cancel(f->task);
    ouro_sim_turn(f->sim);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->passed, OURO__TASK_BUDGET - 1);
}

static int
work_for_a_while(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, 1);
    f->result = (int)ouro_timeout_end(&limit, work(f));
    return 0;
}

static void
work_that_never_waits_can_have_a_limit(void **state)
{
    struct fixture *f = *state;

    f->most = UINT32_MAX;
    assert_ok(ouro_loop_create_task(f->loop, &f->task, work_for_a_while, f));
    ouro_sim_turn(f->sim);
    assert_false(ouro_task_is_done(f->task));
    while (!ouro_task_is_done(f->task))
        ouro_sim_advance(f->sim, 1);

    assert_err(f->result, ETIMEDOUT);
}

static int
ask_under_a_cancel(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;

    ouro_task_cancel(ouro_current_task());
    for (int i = 0; i < 3; i++) {
        if (ouro_checkpoint() != -ECANCELED)
            return -EPROTO;
    }
    ouro_shield_begin(&shield, OURO_FOREVER);
    f->result = (int)ouro_shield_end(&shield, ouro_checkpoint());
    ouro_uncancel();
    return ouro_checkpoint();
}

/* A70: a level, not an edge. */
static void
it_fails_as_long_as_a_request_stands_and_no_shield_is_before_it(void **state)
{
    struct fixture *f = *state;

    f->result = UNSEEN;
    assert_ok(ouro_sim_run(f->sim, ask_under_a_cancel, f));

    assert_ok(f->result);
}

static void
ask_in_a_callback(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_checkpoint();
}

static void
outside_a_task_it_stops_the_program(void **state)
{
    assert_callback_stops(ask_in_a_callback, *state,
                          "a call that suspends is made in a task");
}

static int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    assert_ok(ouro_sim_new(&f.sim, NULL));
    f.loop = ouro_sim_loop(f.sim);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 12; i++)
        ouro_sim_turn(f->sim);
    ouro_task_unref(f->task);
    ouro_sim_free(f->sim);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_checkpoint_alone_lets_nobody_run),
        TEST(many_in_a_row_let_others_run),
        TEST(work_that_never_waits_can_be_cancelled),
        TEST(work_that_never_waits_can_have_a_limit),
        TEST(it_fails_as_long_as_a_request_stands_and_no_shield_is_before_it),
        TEST(outside_a_task_it_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
