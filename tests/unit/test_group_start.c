/* SPDX-License-Identifier: MIT */
/* Starting a task and waiting until it is ready.  See ouro_group_start(). */
#include "group_fixture.h"

#include <stdlib.h>

/* Gets ready, says so, and goes on as a child does. */
static struct {
    int64_t takes_ns; /* to be ready */
    int fails;        /* instead */
    bool silent;      /* never says that it is ready */
    bool hurries;     /* says it although it was cancelled */
    int told;         /* what its wait to be ready returned */
    int64_t ready_ns; /* -1: not yet */
} service;

static int
serve(void *arg)
{
    struct child *child = arg;

    child->ran = true;
    service.told = ouro_sleep(service.takes_ns);
    if (service.fails < 0)
        return service.fails;
    if (service.told < 0 && !service.hurries)
        return service.told;
    if (service.silent)
        return 3;
    service.ready_ns = passed_ns(child->f);
    ouro_task_started();
    ouro_task_started();
    return run_child(child);
}

/* What the owner does: start one, and end the group. */
static int
own_service(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    f->group = &group;
    start_children(f, &group);
    f->results[0] = ouro_group_start(&group, serve, &f->children[4]);
    f->ended_ns = passed_ns(f);
    f->results[1] = ouro_sleep(0);
    f->results[2] = ouro_group_end(&group, 0);
    f->results[3] = (int)ouro_group_failure_count(&group);
    return 0;
}

static void
run_service(struct fixture *f, int64_t delay_ns)
{
    create(f, own_service);
    ouro_sim_advance(f->sim, delay_ns);
}

static void
start_returns_when_the_task_is_ready(void **state)
{
    struct fixture *f = *state;

    service.takes_ns = 10;
    f->children[4].sleep_ns = 20;
    run_service(f, 9);
    assert_int_equal(f->results[0], UNSEEN);
    ouro_sim_advance(f->sim, 1);
    assert_ok(f->results[0]);
    assert_int_equal(f->ended_ns, 10);
    assert_int_equal(f->results[2], UNSEEN);
    ouro_sim_advance(f->sim, 20);

    assert_ok(f->results[2]);
    assert_int_equal(f->children[4].ended_ns, 30);
    assert_ok(end(f));
}

/* It is the starter's to decide what becomes of the rest. */
static void
a_failure_before_it_is_ready_is_the_starters(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 50, 0);
    service.takes_ns = 10;
    service.fails = -EADDRINUSE;
    run_service(f, 50);

    assert_err(f->results[0], EADDRINUSE);
    assert_int_equal(f->ended_ns, 10);
    assert_ok(f->results[1]);
    assert_ok(f->results[2]);
    assert_int_equal(f->results[3], 0);
    assert_ok(f->children[0].slept);
    assert_ok(end(f));
}

static void
a_failure_after_it_was_ready_is_the_groups(void **state)
{
    struct fixture *f = *state;

    service.takes_ns = 10;
    f->children[4].returns = -EPROTO;
    f->children[4].sleep_ns = 20;
    run_service(f, 30);

    assert_ok(f->results[0]);
    assert_err(f->results[2], EPROTO);
    assert_int_equal(f->results[3], 1);
    assert_ok(end(f));
}

static void
a_task_that_ends_and_never_was_ready_is_an_error(void **state)
{
    struct fixture *f = *state;

    service.silent = true;
    run_service(f, 0);

    assert_err(f->results[0], EPROTO);
    assert_ok(f->results[2]);
    assert_ok(end(f));
}

/* Its argument is in the frame of the starter. */
static void
a_cancel_of_the_starter_ends_the_task_and_waits_for_it(void **state)
{
    struct fixture *f = *state;

    service.takes_ns = 50;
    run_service(f, 10);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 0);

    assert_err(service.told, ECANCELED);
    assert_err(f->results[0], ECANCELED);
    assert_err(f->results[1], ECANCELED);
    assert_int_equal(f->ended_ns, 10);
    assert_ok(end(f));
}

static void
to_be_ready_after_the_starter_gave_up_is_too_late(void **state)
{
    struct fixture *f = *state;

    service.takes_ns = 50;
    service.hurries = true;
    f->children[4].returns = 5;
    f->children[4].stubborn = true;
    run_service(f, 10);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 0);

    assert_int_equal(service.ready_ns, 10);
    assert_err(f->children[4].slept, ECANCELED);
    assert_err(f->results[0], ECANCELED);
    assert_ok(end(f));
}

static void
a_failure_of_the_cancelled_task_is_the_starters(void **state)
{
    struct fixture *f = *state;

    service.takes_ns = 50;
    service.fails = -EPIPE;
    run_service(f, 10);
    ouro_task_cancel(f->task);
    ouro_sim_advance(f->sim, 0);

    assert_err(f->results[0], EPIPE);
    assert_err(f->results[1], ECANCELED);
    assert_ok(end(f));
}

static int
own_service_when_cancelled(void *arg)
{
    ouro_task_cancel(ouro_current_task());
    return own_service(arg);
}

/* Rule 4 */
static void
a_task_that_was_cancelled_before_starts_nothing(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, own_service_when_cancelled, f));

    assert_err(f->results[0], ECANCELED);
    assert_false(f->children[4].ran);
}

static void
cancel_the_owner(void *arg)
{
    struct fixture *f = arg;

    ouro_task_cancel(f->task);
}

static int
start_and_go_on_living(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    f->results[0] = ouro_group_start(&group, serve, &f->children[4]);
    f->counts[0] = ouro_task_cancelling(ouro_current_task());
    ouro_uncancel();
    return ouro_group_end(&group, 0);
}

/* The cancel is first in its turn, and the task is ready in the same. */
static void
to_be_ready_in_the_turn_of_the_cancel_counts(void **state)
{
    struct fixture *f = *state;
    struct ouro_handle handle = {0};

    service.takes_ns = 10;
    f->children[4].sleep_ns = 50;
    ouro_call_later(f->loop, &handle, 10, cancel_the_owner, f);
    create(f, start_and_go_on_living);
    ouro_sim_advance(f->sim, 60);

    assert_ok(f->results[0]);
    assert_int_equal(f->counts[0], 1);
    assert_ok(f->children[4].slept);
    assert_ok(end(f));
}

/* A49 */
static void
a_group_that_fails_meanwhile_ends_the_start(void **state)
{
    struct fixture *f = *state;

    set_child(f, 0, 10, -EPROTO);
    service.takes_ns = 50;
    run_service(f, 10);

    assert_err(service.told, ECANCELED);
    assert_err(f->results[0], ECANCELED);
    assert_err(f->results[2], EPROTO);
    assert_ok(end(f));
}

static int
start_in_time(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;
    struct ouro_timeout limit;

    ouro_group_begin(&group);
    ouro_timeout_begin(&limit, 10);
    int rc = ouro_group_start(&group, serve, &f->children[4]);
    f->results[0] = (int)ouro_timeout_end(&limit, rc);
    f->ended_ns = passed_ns(f);
    return ouro_group_end(&group, 0);
}

static void
a_limit_on_the_start_says_etimedout(void **state)
{
    struct fixture *f = *state;

    service.takes_ns = 50;
    assert_ok(ouro_sim_run(f->sim, start_in_time, f));

    assert_err(f->results[0], ETIMEDOUT);
    assert_int_equal(f->ended_ns, 10);
    assert_err(service.told, ECANCELED);
}

static int
start_in_a_group_that_was_left(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_cancel(&group);
    f->results[0] = ouro_group_start(&group, serve, &f->children[4]);
    return ouro_group_end(&group, 0);
}

/* A51 */
static void
a_group_that_was_cancelled_starts_nothing(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, start_in_a_group_that_was_left, f));

    assert_err(f->results[0], ECANCELED);
    assert_false(f->children[4].ran);
}

static int
start_until_memory_is_out(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    fail_allocation(1);
    do
        f->results[0] = ouro_group_start(&group, serve, &f->children[4]);
    while (f->results[0] == 0);
    fail_allocation(0);
    f->results[1] = ouro_sleep(0);
    return ouro_group_end(&group, 0);
}

static void
without_memory_the_starter_is_told_and_the_group_lives(void **state)
{
    struct fixture *f = *state;

    f->children[4].sleep_ns = 10;
    assert_ok(ouro_sim_run(f->sim, start_until_memory_is_out, f));

    assert_err(f->results[0], ENOMEM);
    assert_ok(f->results[1]);
}

/* The same function may serve without a starter that waits. */
static int
create_service(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, serve, &f->children[4]);
    return ouro_group_end(&group, 0);
}

static void
to_be_ready_when_nobody_waits_for_it_is_nothing(void **state)
{
    struct fixture *f = *state;

    f->children[4].sleep_ns = 10;
    assert_ok(ouro_sim_run(f->sim, create_service, f));

    assert_ok(f->children[4].slept);
}

static void
start_outside_a_task(void *arg)
{
    (void)arg;
    ouro_task_started();
}

static void
to_be_ready_outside_a_task_stops_the_program(void **state)
{
    assert_callback_stops(start_outside_a_task, *state, "is made in a task");
}

static int
setup_service(void **state)
{
    memset(&service, 0, sizeof(service));
    service.ready_ns = -1;
    return setup(state);
}

#define SERVICE_TEST(name) \
    cmocka_unit_test_setup_teardown(name, setup_service, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SERVICE_TEST(start_returns_when_the_task_is_ready),
        SERVICE_TEST(a_failure_before_it_is_ready_is_the_starters),
        SERVICE_TEST(a_failure_after_it_was_ready_is_the_groups),
        SERVICE_TEST(a_task_that_ends_and_never_was_ready_is_an_error),
        SERVICE_TEST(a_cancel_of_the_starter_ends_the_task_and_waits_for_it),
        SERVICE_TEST(to_be_ready_after_the_starter_gave_up_is_too_late),
        SERVICE_TEST(a_failure_of_the_cancelled_task_is_the_starters),
        SERVICE_TEST(a_task_that_was_cancelled_before_starts_nothing),
        SERVICE_TEST(to_be_ready_in_the_turn_of_the_cancel_counts),
        SERVICE_TEST(a_group_that_fails_meanwhile_ends_the_start),
        SERVICE_TEST(a_limit_on_the_start_says_etimedout),
        SERVICE_TEST(a_group_that_was_cancelled_starts_nothing),
        SERVICE_TEST(without_memory_the_starter_is_told_and_the_group_lives),
        SERVICE_TEST(to_be_ready_when_nobody_waits_for_it_is_nothing),
        SERVICE_TEST(to_be_ready_outside_a_task_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
