/* SPDX-License-Identifier: MIT */
/* Servers where resources end: descriptors, memory, and the loop itself. */
#include "ouro_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 200 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_server *server;
    char port[8];
    unsigned made;
    unsigned lost;
    struct ouro_stream *streams[3];
    int rc;
    unsigned served;
    unsigned reset;
};

struct echo {
    struct ouro_protocol base;
    struct fixture *f;
};

static int
echo_made(struct ouro_protocol *self, void *context)
{
    struct echo *echo = OURO_CONTAINER_OF(self, struct echo, base);

    echo->f = context;
    echo->f->made++;
    return 0;
}

static void
echo_data_received(struct ouro_protocol *self, struct ouro_slice data)
{
    ouro_transport_write(self->transport, data);
}

static void
echo_lost(struct ouro_protocol *self, int reason)
{
    (void)reason;
    OURO_CONTAINER_OF(self, struct echo, base)->f->lost++;
}

static const struct ouro_protocol_ops echo_ops = {
    .size = sizeof(struct echo),
    .connection_made = echo_made,
    .data_received = echo_data_received,
    .connection_lost = echo_lost,
};

static int
serve(void *arg)
{
    const struct ouro_server_options options = {.host = "127.0.0.1"};
    struct fixture *f = arg;

    int rc = ouro_create_server(&f->server, &echo_ops, f, &options);
    if (rc < 0)
        return rc;
    struct ouro_address address = ouro_server_address(f->server, 0);
    snprintf(f->port, sizeof(f->port), "%u",
             (unsigned)ouro_address_port(&address));
    return 0;
}

static int
open_client(const struct fixture *f, struct ouro_stream **out_stream)
{
    const struct ouro_connect_options options = {
        .host = "127.0.0.1",
        .service = f->port,
    };

    return ouro_open_connection(out_stream, &options);
}

static int
connect_first(void *arg)
{
    struct fixture *f = arg;

    return open_client(f, &f->streams[0]);
}

static int
connect_second(void *arg)
{
    struct fixture *f = arg;

    return open_client(f, &f->streams[1]);
}

static int
stop(void *arg)
{
    struct fixture *f = arg;

    return ouro_server_stop(f->server, OURO_SECONDS(5));
}

static void
make_world(struct fixture *f, const struct ouro_sim_options *options)
{
    assert_ok(ouro_sim_new(&f->sim, options));
    f->loop = ouro_sim_loop(f->sim);
    ouro_loop_set_exception_handler(f->loop, see_exception, &f->seen);
    assert_ok(ouro_sim_run(f->sim, serve, f));
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    make_world(f, NULL);
    *state = f;
    return 0;
}

static void
end_world(struct fixture *f)
{
    unsigned reports;

    for (int i = 0; i < 3; i++)
        ouro_stream_free(f->streams[i]);
    assert_ok(ouro_sim_run(f->sim, stop, f));
    ouro_server_free(f->server);
    reports = f->seen.count;
    ouro_sim_free(f->sim);
    assert_int_equal(f->seen.count, reports);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    end_world(f);
    free(f);
    return 0;
}

static struct ouro_loop_stats
stats_of(const struct fixture *f)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    return stats;
}

/* A21: a listener, a connection with its two ends, and the client of another,
 * for whose other end there is no descriptor. */
static void
run_out_of_descriptors(struct fixture *f)
{
    assert_ok(ouro_sim_run(f->sim, connect_first, f));
    ouro_sim_advance(f->sim, 0);
    assert_int_equal(f->made, 1);
    ouro_sim_set_descriptor_limit(f->sim, 4);
    assert_ok(ouro_sim_run(f->sim, connect_second, f));
    ouro_sim_advance(f->sim, OURO_SECONDS(100));
}

/* A21, M3 */
static void
no_descriptors_is_one_report_and_one_timer_for_an_episode(void **state)
{
    struct fixture *f = *state;

    run_out_of_descriptors(f);

    assert_int_equal(f->made, 1);
    assert_int_equal(f->seen.count, 1);
    assert_err(f->seen.error, EMFILE);
    assert_string_equal(f->seen.name, "server");
    assert_int_equal(stats_of(f).timers, 1);
    assert_in_range(stats_of(f).accept_failures, 100, 101);
}

static void
the_client_is_served_within_a_second_of_there_being_descriptors(void **state)
{
    struct fixture *f = *state;

    run_out_of_descriptors(f);
    ouro_sim_set_descriptor_limit(f->sim, 0);
    ouro_sim_advance(f->sim, OURO_SECONDS(1));

    assert_int_equal(f->made, 2);
    assert_int_equal(f->seen.count, 1);
    assert_int_equal(stats_of(f).timers, 0);
}

static void
it_is_served_at_once_when_the_loop_closes_a_descriptor(void **state)
{
    struct fixture *f = *state;

    run_out_of_descriptors(f);
    ouro_stream_free(f->streams[0]);
    f->streams[0] = NULL;
    for (int i = 0; i < 10; i++)
        ouro_sim_turn(f->sim);

    assert_int_equal(f->lost, 1);
    assert_int_equal(f->made, 2);
    assert_int_equal(stats_of(f).timers, 0);
}

static void
a_server_without_descriptors_can_be_stopped(void **state)
{
    struct fixture *f = *state;

    run_out_of_descriptors(f);
    assert_ok(ouro_sim_run(f->sim, stop, f));

    assert_int_equal(stats_of(f).timers, 0);
    assert_int_equal(ouro_server_is_serving(f->server), false);
}

/* A22 */

static int
visit(void *arg)
{
    struct fixture *f = arg;
    struct ouro_stream *stream = NULL;
    char back[4];

    int rc = open_client(f, &stream);
    if (rc == 0)
        rc = ouro_stream_write(stream, OURO_BYTES("ping"));
    if (rc == 0)
        rc = (int)ouro_stream_read_exactly(stream, back, sizeof(back));
    ouro_stream_free(stream);
    f->served += rc == 4;
    f->reset += rc == -ECONNRESET || rc == -EPIPE;
    return 0;
}

static int
visit_often(void *arg)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    for (int i = 0; i < CLIENTS; i++)
        ouro_group_create_task(&group, visit, arg);
    return ouro_group_end(&group, 0);
}

static void
clients_that_are_gone_before_they_are_accepted_harm_nobody(void **state)
{
    const struct ouro_sim_options options = {
        .seed = 22,
        .abort_accept_percent = 30,
    };
    struct fixture f = {0};

    (void)state;
    make_world(&f, &options);
    assert_ok(ouro_sim_run(f.sim, visit_often, &f));

    assert_int_equal(f.served + f.reset, CLIENTS);
    assert_in_range(f.reset, CLIENTS / 10, CLIENTS / 2);
    assert_int_equal(f.made, f.served);
    assert_int_equal(f.seen.count, 0);
    end_world(&f);
}

/* Memory: everything may fail, and then nothing is left behind. */

static int
serve_and_visit(void *arg)
{
    struct fixture *f = arg;

    int rc = serve(f);
    if (rc < 0)
        return rc;
    rc = visit(f);
    if (rc == 0)
        rc = ouro_server_stop(f->server, OURO_SECONDS(5));
    ouro_server_free(f->server);
    return rc < 0 || f->served == 1 ? rc : -ENOMEM;
}

static int
run_scenario(ouro_task_fn *fn)
{
    struct fixture f = {0};

    int rc = ouro_sim_new(&f.sim, NULL);
    if (rc < 0)
        return rc;
    ouro_loop_set_exception_handler(ouro_sim_loop(f.sim), see_exception,
                                    &f.seen);
    rc = ouro_sim_run(f.sim, fn, &f);
    ouro_sim_free(f.sim);
    return rc;
}

static int
serve_protocols(void *arg)
{
    (void)arg;
    return run_scenario(serve_and_visit);
}

static void
a_server_of_protocols_survives_each_failing_allocation(void **state)
{
    (void)state;
    for_each_allocation_failure(serve_protocols, NULL);
}

static int
echo_once(struct ouro_stream *stream, void *context)
{
    char text[4];

    (void)context;
    ssize_t size = ouro_stream_read_exactly(stream, text, sizeof(text));
    if (size < 0)
        return (int)size;
    return ouro_stream_write(stream, ouro_slice_of(text, sizeof(text)));
}

static int
start_and_visit(void *arg)
{
    const struct ouro_server_options options = {.host = "127.0.0.1"};
    struct fixture *f = arg;

    int rc = ouro_start_server(&f->server, echo_once, f, &options);
    if (rc < 0)
        return rc;
    struct ouro_address address = ouro_server_address(f->server, 0);
    snprintf(f->port, sizeof(f->port), "%u",
             (unsigned)ouro_address_port(&address));
    rc = visit(f);
    if (rc == 0)
        rc = ouro_server_stop(f->server, OURO_SECONDS(5));
    ouro_server_free(f->server);
    return rc < 0 || f->served == 1 ? rc : -ENOMEM;
}

static int
serve_streams(void *arg)
{
    (void)arg;
    return run_scenario(start_and_visit);
}

static void
a_server_of_streams_survives_each_failing_allocation(void **state)
{
    (void)state;
    for_each_allocation_failure(serve_streams, NULL);
}

/* The end of the loop. */

static int
serve_for_ever(void *arg)
{
    struct fixture *f = arg;

    return ouro_server_serve_forever(f->server);
}

static int
wait_closed(void *arg)
{
    struct fixture *f = arg;

    return ouro_server_wait_closed(f->server);
}

static void
a_loop_freed_while_tasks_wait_for_a_server_reports_them(void **state)
{
    struct fixture f = {0};

    (void)state;
    make_world(&f, NULL);
    assert_ok(ouro_sim_run(f.sim, connect_first, &f));
    ouro_sim_advance(f.sim, 0);
    start(f.sim, serve_for_ever, &f);
    start(f.sim, wait_closed, &f);
    ouro_stream_free(f.streams[0]);
    ouro_sim_free(f.sim);

    assert_int_equal(f.lost, 1);
    assert_int_equal(f.seen.count, 5); /* server, two ends, two tasks */
}

static void
a_loop_freed_while_a_server_waits_for_descriptors_reports_it(void **state)
{
    struct fixture f = {0};

    (void)state;
    make_world(&f, NULL);
    run_out_of_descriptors(&f);
    start(f.sim, serve_for_ever, &f);
    ouro_stream_free(f.streams[0]);
    ouro_stream_free(f.streams[1]);
    ouro_sim_free(f.sim);

    assert_int_equal(f.lost, f.made);
    assert_string_equal(f.seen.message, "a task was still alive");
}

static void
a_server_is_not_freed_under_a_task_that_waits(void *arg)
{
    struct fixture f = {0};

    (void)arg;
    make_world(&f, NULL);
    start(f.sim, serve_for_ever, &f);
    ouro_server_free(f.server);
}

static void
to_free_a_server_that_is_waited_for_stops_the_program(void **state)
{
    (void)state;
    assert_callback_stops(a_server_is_not_freed_under_a_task_that_waits, NULL,
                          "nobody waits for a server that is freed");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_descriptors_is_one_report_and_one_timer_for_an_episode),
        TEST(the_client_is_served_within_a_second_of_there_being_descriptors),
        TEST(it_is_served_at_once_when_the_loop_closes_a_descriptor),
        TEST(a_server_without_descriptors_can_be_stopped),
        cmocka_unit_test(
            clients_that_are_gone_before_they_are_accepted_harm_nobody),
        cmocka_unit_test(
            a_server_of_protocols_survives_each_failing_allocation),
        cmocka_unit_test(a_server_of_streams_survives_each_failing_allocation),
        cmocka_unit_test(
            a_loop_freed_while_tasks_wait_for_a_server_reports_them),
        cmocka_unit_test(
            a_loop_freed_while_a_server_waits_for_descriptors_reports_it),
        cmocka_unit_test(to_free_a_server_that_is_waited_for_stops_the_program),
    };

    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
