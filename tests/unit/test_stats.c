/* SPDX-License-Identifier: MIT */
/* What is alive in a loop, as struct ouro_loop_stats counts it: each goes up
 * with what begins, and down to nothing. */
#include "ouro_test.h"

#include <ouro/executor.h>
#include <ouro/net.h>

#include <stdio.h>
#include <string.h>

enum { CALLS = 3, JOB_NS = 100, LARGE = 256 * 1024 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro_handle calls[CALLS];
    struct ouro_task *tasks[CALLS];
    struct ouro_future until;
    struct ouro_stream *stream;
    struct ouro_loop_stats seen; /* by a task */
};

static struct ouro_loop_stats
stats_of(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    return stats;
}

static void
do_nothing(void *arg)
{
    (void)arg;
}

static void
create_all(struct fixture *f, ouro_task_fn *fn)
{
    for (size_t i = 0; i < CALLS; i++)
        assert_ok(ouro_loop_create_task(f->loop, &f->tasks[i], fn, f));
    ouro_sim_turn(f->sim);
}

/* Timers. */

static void
a_call_that_waits_for_its_time_is_a_timer(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < CALLS; i++)
        ouro_call_later(f->loop, &f->calls[i], 10, do_nothing, NULL);
    assert_int_equal(stats_of(f).timers, CALLS);
    ouro_handle_cancel(&f->calls[0]);
    assert_int_equal(stats_of(f).timers, CALLS - 1);
    ouro_sim_advance(f->sim, 10);

    assert_int_equal(stats_of(f).timers, 0);
}

static int
sleep_with_a_limit(void *arg)
{
    struct ouro_timeout limit;

    (void)arg;
    ouro_timeout_begin(&limit, 20);
    return (int)ouro_timeout_end(&limit, ouro_sleep(10));
}

static void
a_task_has_one_for_its_sleep_and_one_for_its_limit(void **state)
{
    struct fixture *f = *state;

    create_all(f, sleep_with_a_limit);
    assert_int_equal(stats_of(f).timers, 2 * CALLS);
    ouro_sim_advance(f->sim, 10);

    assert_int_equal(stats_of(f).timers, 0);
}

static int
clean_up(void *arg)
{
    struct fixture *f = arg;
    struct ouro_shield shield;

    ouro_shield_begin(&shield, OURO_FOREVER);
    return (int)ouro_shield_end(&shield, ouro_await(&f->until));
}

static void
the_loop_has_one_for_all_tasks_that_have_to_end(void **state)
{
    struct fixture *f = *state;

    create_all(f, clean_up);
    assert_int_equal(stats_of(f).timers, 0);
    for (size_t i = 0; i < CALLS; i++)
        ouro_task_cancel(f->tasks[i]);
    assert_int_equal(stats_of(f).timers, 1);
    (void)ouro_future_set_result(&f->until, NULL);
    ouro_sim_advance(f->sim, 0);

    assert_int_equal(stats_of(f).timers, 0);
}

/* Tasks, and calls on threads. */

static void
a_task_counts_until_it_has_ended_and_not_until_it_is_dropped(void **state)
{
    struct fixture *f = *state;

    create_all(f, clean_up);
    assert_int_equal(stats_of(f).tasks, CALLS);
    (void)ouro_future_set_result(&f->until, NULL);
    ouro_sim_advance(f->sim, 0);

    assert_int_equal(stats_of(f).tasks, 0);
}

static int
return_nothing(void *block)
{
    (void)block;
    return 0;
}

static int
call_on_a_thread(void *arg)
{
    (void)arg;
    return ouro_run_in_executor(NULL, return_nothing, NULL, 0);
}

static void
a_call_on_a_thread_counts_until_it_was_made_also_without_its_task(void **state)
{
    struct fixture *f = *state;

    ouro_sim_set_job_time(f->sim, JOB_NS);
    create_all(f, call_on_a_thread);
    assert_int_equal(stats_of(f).jobs, CALLS);
    ouro_task_cancel(f->tasks[0]);
    ouro_sim_advance(f->sim, JOB_NS - 1);
    assert_true(ouro_task_is_done(f->tasks[0]));
    assert_int_equal(stats_of(f).jobs, CALLS);
    ouro_sim_advance(f->sim, 1);

    assert_int_equal(stats_of(f).jobs, 0);
}

/* Connections. */

static int
keep_the_stream(struct ouro_stream *stream, void *context)
{
    struct fixture *f = context;

    (void)stream;
    return ouro_await(&f->until);
}

static int
connect_to(struct fixture *f, struct ouro_server *server)
{
    struct ouro_address where = ouro_server_address(server, 0);
    char port[8];
    const struct ouro_connect_options options = {.host = "127.0.0.1",
                                                 .service = port};

    snprintf(port, sizeof(port), "%u", (unsigned)ouro_address_port(&where));
    return ouro_open_connection(&f->stream, &options);
}

/* More than the peer takes, so that some of it waits in blocks. */
static int
serve_and_connect(void *arg)
{
    static const uint8_t zeroes[LARGE];
    struct fixture *f = arg;
    struct ouro_server *server;
    const struct ouro_server_options options = {.host = "127.0.0.1"};

    int rc = ouro_start_server(&server, keep_the_stream, f, &options);
    if (rc < 0)
        return rc;
    rc = connect_to(f, server);
    for (int i = 0; rc == 0 && i < 8; i++) {
        ouro_transport_write(ouro_stream_transport(f->stream),
                             ouro_slice_of(zeroes, LARGE));
        rc = ouro_sleep(0);
    }
    f->seen = stats_of(f);
    (void)ouro_future_set_result(&f->until, NULL);
    ouro_stream_abort(f->stream);
    ouro_stream_free(f->stream);
    ouro_server_free(server);
    return rc;
}

static void
servers_connections_operations_and_blocks_are_counted(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, serve_and_connect, f));
    ouro_sim_advance(f->sim, OURO_SECONDS(60));

    assert_int_equal(f->seen.servers, 1);
    assert_int_equal(f->seen.transports, 2);
    assert_true(f->seen.operations > 0);
    assert_true(f->seen.buffers > 0);
    assert_int_equal(stats_of(f).servers, 0);
    assert_int_equal(stats_of(f).transports, 0);
    assert_int_equal(stats_of(f).operations, 0);
    assert_int_equal(stats_of(f).buffers, 0);
}

static int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    assert_ok(ouro_sim_new(&f.sim, NULL));
    f.loop = ouro_sim_loop(f.sim);
    ouro_future_init(&f.until, f.loop);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < CALLS; i++)
        ouro_task_unref(f->tasks[i]);
    ouro_future_fini(&f->until);
    ouro_sim_free(f->sim);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_that_waits_for_its_time_is_a_timer),
        TEST(a_task_has_one_for_its_sleep_and_one_for_its_limit),
        TEST(the_loop_has_one_for_all_tasks_that_have_to_end),
        TEST(a_task_counts_until_it_has_ended_and_not_until_it_is_dropped),
        TEST(a_call_on_a_thread_counts_until_it_was_made_also_without_its_task),
        TEST(servers_connections_operations_and_blocks_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
