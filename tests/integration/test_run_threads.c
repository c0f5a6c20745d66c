/* SPDX-License-Identifier: MIT */
/* The end of a program whose threads are inside calls, and the executor that
 * its options name. */
#include "ouro_test.h"

#include "gate.h"
#include "lookup.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

struct fixture {
    struct ouro_run_options options;
    struct seen_exceptions seen;
    struct ouro_executor *executor;
    char name[32]; /* of a thread */
    int result;
    int returns;
    size_t blocks;
};

static struct gate gate = GATE_SHUT;
static atomic_bool begun; /* a thread is inside the call */
static atomic_bool left;  /* the task has left it */
static atomic_bool made;  /* it has returned */

/* The executor. */

static int
tell_the_name(void *arg)
{
    struct fixture *f = arg;

    return pthread_getname_np(pthread_self(), f->name, sizeof(f->name));
}

static int
ask_a_thread(void *arg)
{
    int rc = ouro_to_thread(tell_the_name, arg);

    return rc < 0 ? rc : (int)ouro_executor_threads(NULL);
}

static void
the_options_name_the_executor_of_the_loop(void **state)
{
    struct fixture *f = *state;
    const struct ouro_executor_options executor = {.name = "chosen",
                                                   .threads = 1};

    f->options.executor = &executor;
    assert_int_equal(ouro_run_with(ask_a_thread, f, &f->options), 1);

    assert_string_equal(f->name, "chosen");
}

/* Calls that are left. */

/* It returns some time after it was left. */
static int
outlast_the_task(void *arg)
{
    const struct timespec some_time = {.tv_nsec = 20 * 1000 * 1000};

    (void)arg;
    atomic_store(&begun, true);
    while (!atomic_load(&left))
        sched_yield();
    nanosleep(&some_time, NULL);
    atomic_store(&made, true);
    return 0;
}

static int
leave_the_call(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_run_in_executor(NULL, outlast_the_task, NULL, 0);
    atomic_store(&left, true);
    return f->result;
}

static int
leave_a_task_that_leaves_a_call(void *arg)
{
    int rc = ouro_create_task(NULL, leave_the_call, arg);

    while (rc == 0 && !atomic_load(&begun))
        rc = ouro_sleep(0);
    return rc;
}

/* A60 */
static void
a_call_that_was_left_is_waited_for(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_run_with(leave_a_task_that_leaves_a_call, f, &f->options));

    assert_true(atomic_load(&made));
    assert_err(f->result, ECANCELED);
    assert_int_equal(f->seen.count, 0);
}

static int
wait_at_the_gate(void *arg)
{
    (void)arg;
    gate_pass(&gate);
    return 0;
}

static int
have_it_wait(void *arg)
{
    struct fixture *f = arg;

    return ouro_run_in_executor(f->executor, wait_at_the_gate, NULL, 0);
}

static int
leave_a_call_that_is_stuck(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_create_task(NULL, have_it_wait, f);

    if (rc == 0)
        rc = ouro_sleep(0);
    if (rc < 0)
        return rc;
    gate_wait_inside(&gate, 1);
    return f->returns;
}

static void
let_threads_go(struct fixture *f)
{
    gate_open(&gate);
    while (live_allocations() > f->blocks)
        sched_yield();
    gate_shut(&gate);
}

/* A60: a stuck worker. */
static void
a_call_that_is_stuck_is_reported_in_time_and_once(void **state)
{
    struct fixture *f = *state;
    const int results[][2] = {
        {0, -ETIMEDOUT}, {7, -ETIMEDOUT}, {-EPIPE, -EPIPE}};

    f->options.join_limit_ns = OURO_MILLISECONDS(20);
    for (size_t i = 0; i < 3; i++) {
        f->seen.count = 0;
        f->returns = results[i][0];
        int rc = ouro_run_with(leave_a_call_that_is_stuck, f, &f->options);
        assert_int_equal(rc, results[i][1]);
        assert_int_equal(f->seen.count, 1);
        assert_ok(f->seen.error);
        assert_string_equal(f->seen.message, "a call on a thread did not end");
        assert_string_equal(f->seen.name, "wait_at_the_gate");
        assert_non_null(strstr(f->seen.site, "test_run_threads.c:"));
        let_threads_go(f);
    }
}

/* A lookup. */

static int
look_up_at_the_gate(const char *host, const char *service,
                    const struct addrinfo *hints, struct addrinfo **out_answer)
{
    (void)host;
    (void)service;
    (void)hints;
    (void)out_answer;
    gate_pass(&gate);
    return EAI_NONAME;
}

static int
have_it_look_up(void *arg)
{
    struct ouro_address found;
    struct fixture *f = arg;

    f->result = (int)ouro_getaddrinfo(&found, 1, "name.invalid", "80", AF_INET);
    return f->result;
}

static int
leave_a_lookup_that_is_stuck(void *arg)
{
    int rc = ouro_create_task(NULL, have_it_look_up, arg);

    if (rc == 0)
        rc = ouro_sleep(0);
    if (rc == 0)
        gate_wait_inside(&gate, 1);
    return rc;
}

/* A60: nobody wants it any more, so it is no error. */
static void
a_lookup_that_is_stuck_is_reported_and_no_error(void **state)
{
    struct fixture *f = *state;

    f->options.resolve_limit_ns = OURO_MILLISECONDS(20);
    ouro__resolve_function = look_up_at_the_gate;
    assert_ok(ouro_run_with(leave_a_lookup_that_is_stuck, f, &f->options));
    ouro__resolve_function = getaddrinfo;

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.message, "a call on a thread did not end");
    let_threads_go(f);
}

static int
return_three(void *arg)
{
    (void)arg;
    return 3;
}

/* It does not end before executors take no more calls; then it makes one. */
static int
call_when_it_is_too_late(void *arg)
{
    struct fixture *f = arg;
    int rc = 0;

    while (rc != -ESHUTDOWN) {
        rc = ouro_sleep(OURO_MILLISECONDS(1));
        if (rc < 0)
            ouro_uncancel();
        rc = ouro_run_in_executor(f->executor, return_three, NULL, 0);
    }
    f->result = ouro_run_in_executor(NULL, return_three, NULL, 0);
    gate_open(&gate);
    return 0;
}

static int
leave_a_late_caller(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_executor_new(&f->executor, NULL, NULL);

    if (rc == 0)
        rc = ouro_create_task(NULL, call_when_it_is_too_late, f);
    return rc < 0 ? rc : leave_a_call_that_is_stuck(f);
}

/* A60: nor does one that is made then. */
static void
executors_take_no_calls_when_tasks_have_had_their_time(void **state)
{
    struct fixture *f = *state;

    f->options.cancel_limit_ns = OURO_MILLISECONDS(5);
    assert_err(ouro_run_with(leave_a_late_caller, f, &f->options), ETIMEDOUT);

    assert_err(f->result, ESHUTDOWN);
    assert_int_equal(f->seen.count, 1);
    assert_string_equal(f->seen.name, "call_when_it_is_too_late");
}

static int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    f.blocks = live_allocations();
    f.result = UNSEEN;
    f.options.loop.exception_handler = see_exception;
    f.options.loop.exception_arg = &f.seen;
    atomic_store(&begun, false);
    atomic_store(&left, false);
    atomic_store(&made, false);
    gate_shut(&gate);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(live_allocations(), f->blocks);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_options_name_the_executor_of_the_loop),
        TEST(a_call_that_was_left_is_waited_for),
        TEST(a_call_that_is_stuck_is_reported_in_time_and_once),
        TEST(executors_take_no_calls_when_tasks_have_had_their_time),
        TEST(a_lookup_that_is_stuck_is_reported_and_no_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
