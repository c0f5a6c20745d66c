/* SPDX-License-Identifier: MIT */
/* A program's main on the real loop: what it returns, and how all ends that it
 * left.  See ouro_run(); its signals are in integration.run_signals. */
#include "ouro_test.h"
#include "peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MANY_BYTES = 4 * 1024 * 1024, PIECE = 64 * 1024 };

struct fixture {
    struct ouro_run_options options;
    struct seen_exceptions seen;
    struct ouro_address there;
    struct ouro_handle handle;
    int listener;
    int returns;
    int result;
    unsigned count;
    uint64_t turns;
    size_t descriptors;
    size_t blocks;
};

/* What main returns. */

static int
return_it(void *arg)
{
    struct fixture *f = arg;
    int rc = ouro_sleep(0);

    return rc < 0 ? rc : f->returns;
}

static void
a_run_returns_what_main_returned(void **state)
{
    struct fixture *f = *state;
    const int values[] = {0, 7, -EPIPE, -ECANCELED};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        f->returns = values[i];
        assert_int_equal(ouro_run(return_it, f), values[i]);
        assert_int_equal(ouro_run_with(return_it, f, NULL), values[i]);
        assert_int_equal(ouro_run_with(return_it, f, &f->options), values[i]);
    }
    assert_null(ouro_get_running_loop());
}

static void
a_run_returns_why_there_is_no_loop(void **state)
{
    struct fixture *f = *state;
    struct ouro_report report = {""};

    f->options.loop.stack_size = 1;
    f->options.loop.report = &report;

    assert_err(ouro_run_with(return_it, f, &f->options), EINVAL);
    assert_non_null(strstr(report.text, "stack_size"));
}

static int
run_without_memory(void *arg)
{
    struct fixture *f = arg;
    struct ouro_report report;

    f->options.loop.report = &report;
    f->returns = 0;
    return ouro_run_with(return_it, f, &f->options);
}

static void
without_memory_nothing_is_left(void **state)
{
    for_each_allocation_failure(run_without_memory, *state);
}

static int
stop_the_loop(void *arg)
{
    struct fixture *f = arg;

    ouro_loop_stop(ouro_get_running_loop());
    f->result = ouro_sleep(OURO_MILLISECONDS(1));
    return 4;
}

static void
a_loop_that_is_stopped_goes_on_until_main_returns(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ouro_run_with(stop_the_loop, f, &f->options), 4);
    assert_ok(f->result);
}

static int
run_another(void *arg)
{
    return ouro_run(return_it, arg);
}

static void
run_in_a_run(void *arg)
{
    if (ouro_run(run_another, arg) < 0)
        exit(EXIT_FAILURE);
}

static void
a_run_in_a_run_stops_the_program(void **state)
{
    assert_callback_stops(run_in_a_run, *state, "runs of loops do not nest");
}

static void *
run_on_a_thread(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_run(return_it, f);
    return NULL;
}

static int
start_a_thread_that_runs(void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run_on_a_thread, arg) == 0)
        pthread_join(thread, NULL);
    return ouro_sleep(0);
}

static void
each_thread_may_have_a_run(void **state)
{
    struct fixture *f = *state;

    f->returns = 3;
    assert_ok(ouro_run_with(start_a_thread_that_runs, f, &f->options));

    assert_int_equal(f->result, 3);
}

/* Tasks that are left. */

static int
clean_up_when_cancelled(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;

    f->result = ouro_sleep(OURO_FOREVER);
    ouro_shield_begin(&shield, OURO_SECONDS(10));
    int rc = (int)ouro_shield_end(&shield, ouro_sleep(OURO_MILLISECONDS(5)));
    f->count += rc == 0;
    return f->result;
}

static int
leave_three_tasks(void *arg)
{
    for (int i = 0; i < 3; i++) {
        int rc = ouro_create_task(NULL, clean_up_when_cancelled, arg);
        if (rc < 0)
            return rc;
    }
    return ouro_sleep(0);
}

/* A60 */
static void
tasks_that_are_left_are_cancelled_and_waited_for(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_run_with(leave_three_tasks, f, &f->options));

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->count, 3);
    assert_int_equal(f->seen.count, 0);
}

static int
fail_when_cancelled(void *arg)
{
    (void)arg;
    return ouro_sleep(OURO_FOREVER) < 0 ? -EPROTO : 0;
}

static int
leave_one_that_fails(void *arg)
{
    (void)arg;
    return ouro_create_task(NULL, fail_when_cancelled, NULL);
}

/* A60 */
static void
the_failure_of_a_task_that_was_left_is_reported(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_run_with(leave_one_that_fails, f, &f->options));

    assert_int_equal(f->seen.count, 1);
    assert_err(f->seen.error, EPROTO);
    assert_string_equal(f->seen.name, "fail_when_cancelled");
    assert_non_null(strstr(f->seen.site, "test_run.c:"));
}

/* The reports that come before the last one. */
struct stubborn {
    struct fixture *f;
    unsigned count;
    int error;
    char message[128];
    char name[64];
};

static void
keep_the_first(const struct ouro_exception *exception, void *arg)
{
    struct stubborn *first = arg;

    if (first->count++ > 0)
        return;
    first->error = exception->error;
    snprintf(first->message, sizeof(first->message), "%s", exception->message);
    snprintf(first->name, sizeof(first->name), "%s", exception->name);
}

static int
ignore_every_cancel(void *arg)
{
    int rc;

    (void)arg;
    do {
        rc = ouro_sleep(OURO_FOREVER);
        ouro_uncancel();
    } while (rc <= 0);
    return rc;
}

static int
leave_a_stubborn_one(void *arg)
{
    struct stubborn *stubborn = arg;
    int rc = ouro_create_task(NULL, ignore_every_cancel, NULL);

    return rc < 0 ? rc : stubborn->f->returns;
}

/* A60, O11 */
static void
a_task_that_ignores_its_cancellation_is_reported_in_time(void **state)
{
    struct fixture *f = *state;
    const int results[][2] = {
        {0, -ETIMEDOUT}, {7, -ETIMEDOUT}, {-EPIPE, -EPIPE}};

    f->options.cancel_limit_ns = OURO_MILLISECONDS(20);
    for (size_t i = 0; i < 3; i++) {
        struct stubborn stubborn = {.f = f};

        f->options.loop.exception_handler = keep_the_first;
        f->options.loop.exception_arg = &stubborn;
        f->returns = results[i][0];
        int rc = ouro_run_with(leave_a_stubborn_one, &stubborn, &f->options);
        assert_int_equal(rc, results[i][1]);
        assert_ok(stubborn.error);
        assert_string_equal(stubborn.message, "a task did not end although it "
                                              "was cancelled");
        assert_string_equal(stubborn.name, "ignore_every_cancel");
    }
}

static int
clean_up_for_ever(void *arg)
{
    struct ouro_shield shield;

    (void)arg;
    ouro_shield_begin(&shield, OURO_FOREVER);
    return (int)ouro_shield_end(&shield, ouro_sleep(OURO_FOREVER));
}

static int
leave_one_that_cleans_up(void *arg)
{
    (void)arg;
    return ouro_create_task(NULL, clean_up_for_ever, NULL);
}

static void
count_late_ones(const struct ouro_exception *exception, void *arg)
{
    unsigned *count = arg;

    *count += strstr(exception->message, "did not end") != NULL;
}

/* A60, O11: when the limit of the loop has passed, and not again when that of
 * the end has. */
static void
a_task_that_does_not_end_is_reported_once(void **state)
{
    struct fixture *f = *state;
    unsigned count = 0;

    f->options.loop.cancel_limit_ns = OURO_MILLISECONDS(1);
    f->options.cancel_limit_ns = OURO_MILLISECONDS(20);
    f->options.loop.exception_handler = count_late_ones;
    f->options.loop.exception_arg = &count;
    assert_err(ouro_run_with(leave_one_that_cleans_up, f, &f->options),
               ETIMEDOUT);

    assert_int_equal(count, 1);
}

static int
stop_the_loop_when_cancelled(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;
    struct ouro_loop_stats before;
    struct ouro_loop_stats after;

    int rc = ouro_sleep(OURO_FOREVER);
    ouro_loop_stop(ouro_get_running_loop());
    ouro_loop_get_stats(ouro_get_running_loop(), &before);
    ouro_shield_begin(&shield, OURO_SECONDS(10));
    f->result =
        (int)ouro_shield_end(&shield, ouro_sleep(OURO_MILLISECONDS(20)));
    ouro_loop_get_stats(ouro_get_running_loop(), &after);
    f->turns = after.turns - before.turns;
    return rc;
}

static int
leave_one_that_stops_the_loop(void *arg)
{
    int rc = ouro_create_task(NULL, stop_the_loop_when_cancelled, arg);

    return rc < 0 ? rc : ouro_sleep(0);
}

/* It would go round and round for as long as a task takes to end. */
static void
a_stop_at_the_end_does_not_keep_the_loop_awake(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_run_with(leave_one_that_stops_the_loop, f, &f->options));

    assert_ok(f->result);
    assert_in_range(f->turns, 1, 10);
}

/* Connections that are left. */

static int
write_much(struct ouro_protocol *self, void *context)
{
    static const uint8_t piece[PIECE];

    (void)context;
    for (size_t i = 0; i < MANY_BYTES / PIECE; i++)
        ouro_transport_write(self->transport,
                             (struct ouro_slice){piece, sizeof(piece)});
    return 0;
}

static void
hear_nothing(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)self;
    (void)data;
}

static const struct ouro_protocol_ops write_much_ops = {
    .size = sizeof(struct ouro_protocol),
    .connection_made = write_much,
    .data_received = hear_nothing,
};

static int
leave_a_connection(void *arg)
{
    struct fixture *f = arg;
    struct ouro_protocol *protocol;
    char port[16];
    const struct ouro_connect_options where = {.host = "127.0.0.1",
                                               .service = port};

    snprintf(port, sizeof(port), "%d", ouro_address_port(&f->there));
    int rc = ouro_create_connection(&protocol, &write_much_ops, NULL, &where);
    if (rc < 0)
        return rc;
    ouro_protocol_unref(protocol);
    return 0;
}

static int
count_to_the_end(void *arg)
{
    struct fixture *f = arg;
    int fd = peer_accept(f->listener);

    if (fd < 0)
        return fd;
    ssize_t size = peer_discard_to_end(fd, PIECE, OURO_MICROSECONDS(100));
    peer_close(fd);
    return (int)size;
}

/* A60 */
static void
what_was_written_leaves_before_the_end(void **state)
{
    struct fixture *f = *state;
    struct peer peer;

    peer_start(&peer, count_to_the_end, f);
    assert_ok(ouro_run_with(leave_a_connection, f, &f->options));

    assert_int_equal(peer_join(&peer), MANY_BYTES);
    assert_int_equal(f->seen.count, 0);
}

static int64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return OURO_SECONDS(now.tv_sec) + now.tv_nsec;
}

/* A60: the peer is in the backlog of the listener, and never reads. */
static void
a_peer_that_does_not_read_does_not_hold_up_the_end(void **state)
{
    struct fixture *f = *state;
    int64_t before_ns = now_ns();

    f->options.cancel_limit_ns = OURO_MILLISECONDS(20);
    assert_ok(ouro_run_with(leave_a_connection, f, &f->options));

    assert_true(now_ns() - before_ns < OURO_SECONDS(5));
}

static int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    f.descriptors = count_descriptors();
    f.blocks = live_allocations();
    f.result = UNSEEN;
    f.listener = peer_listen("127.0.0.1", &f.there);
    assert_true(f.listener >= 0);
    f.options.loop.exception_handler = see_exception;
    f.options.loop.exception_arg = &f.seen;
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    peer_close(f->listener);
    assert_int_equal(count_descriptors(), f->descriptors);
    assert_int_equal(live_allocations(), f->blocks);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_returns_what_main_returned),
        TEST(a_run_returns_why_there_is_no_loop),
        TEST(without_memory_nothing_is_left),
        TEST(a_loop_that_is_stopped_goes_on_until_main_returns),
        TEST(a_run_in_a_run_stops_the_program),
        TEST(each_thread_may_have_a_run),
        TEST(tasks_that_are_left_are_cancelled_and_waited_for),
        TEST(the_failure_of_a_task_that_was_left_is_reported),
        TEST(a_task_that_ignores_its_cancellation_is_reported_in_time),
        TEST(a_task_that_does_not_end_is_reported_once),
        TEST(a_stop_at_the_end_does_not_keep_the_loop_awake),
        TEST(what_was_written_leaves_before_the_end),
        TEST(a_peer_that_does_not_read_does_not_hold_up_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
