/* SPDX-License-Identifier: MIT */
/* What servers promise from start to close, on each engine. */
#include "server_scene.h"

static const char *engine;

enum { MANY = 100, TICKS = 6, ROUNDS = 20 };

/* Starting. */

static int
start_deferred(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *stream = NULL;

    int rc = serve(s, true);
    if (rc < 0)
        return rc;
    s->count[0] = ouro_server_is_serving(s->server);
    s->rc[0] = open_client(s, &stream);
    ouro_server_start_serving(s->server);
    ouro_server_start_serving(s->server);
    s->count[1] = ouro_server_is_serving(s->server);
    s->rc[1] = open_served(s, &stream);
    ouro_stream_free(stream);
    ouro_server_free(s->server);
    return 0;
}

/* A78 */
static void
a_deferred_server_serves_once_it_is_started(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, start_deferred, &s));

    assert_int_equal(s.count[0], false);
    assert_err(s.rc[0], ECONNREFUSED);
    assert_int_equal(s.count[1], true);
    assert_ok(s.rc[1]);
}

static int
serve_for_ever(void *arg)
{
    struct scene *s = arg;

    return ouro_server_serve_forever(s->server);
}

static int
serve_for_ever_twice(void *arg)
{
    struct scene *s = arg;
    struct ouro_task *first;

    int rc = serve(s, true);
    if (rc == 0)
        rc = ouro_create_task(&first, serve_for_ever, s);
    if (rc < 0)
        return rc;
    s->rc[3] = ouro_sleep(0);
    s->count[0] = ouro_server_is_serving(s->server);
    s->rc[0] = ouro_server_serve_forever(s->server);
    ouro_server_close(s->server);
    s->rc[1] = ouro_task_join(first);
    ouro_task_unref(first);
    s->rc[2] = ouro_server_serve_forever(s->server);
    ouro_server_free(s->server);
    return 0;
}

/* A78 */
static void
a_second_task_in_serve_forever_is_refused(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, serve_for_ever_twice, &s));

    assert_int_equal(s.count[0], true);
    assert_err(s.rc[0], EBUSY);
    assert_ok(s.rc[1]);
    assert_ok(s.rc[2]);
}

static int
cancel_serve_forever(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *stream;
    struct ouro_task *task;

    int rc = serve(s, false);
    if (rc == 0)
        rc = open_served(s, &stream);
    if (rc == 0)
        rc = ouro_create_task(&task, serve_for_ever, s);
    if (rc < 0)
        return rc;
    s->rc[3] = ouro_sleep(0);
    ouro_task_cancel(task);
    s->rc[0] = ouro_task_join(task);
    s->count[0] = ouro_server_connection_count(s->server);
    s->rc[1] = (int)read_one(stream);
    ouro_task_unref(task);
    ouro_stream_free(stream);
    ouro_server_free(s->server);
    return 0;
}

static void
serve_forever_that_is_cancelled_stops_the_server(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, cancel_serve_forever, &s));

    assert_err(s.rc[0], ECANCELED);
    assert_int_equal(s.count[0], 0);
    assert_int_equal(s.rc[1], 0);
    assert_ok(s.reason);
}

static int
start_and_stop_on_one_port(void *arg)
{
    struct scene *s = arg;
    struct ouro_server_options options = {.host = "127.0.0.1"};
    int rc = 0;

    for (int i = 0; rc == 0 && i < 100; i++) {
        struct ouro_stream *stream = NULL;

        rc = ouro_create_server(&s->server, &echo_ops, s, &options);
        if (rc < 0)
            return rc;
        note_port(s);
        options.service = s->port;
        rc = open_served(s, &stream);
        ouro_stream_free(stream);
        if (rc == 0)
            rc = ouro_server_stop(s->server, OURO_SECONDS(5));
        ouro_server_free(s->server);
    }
    return rc;
}

/* io_uring 3.13 */
static void
start_serve_stop_works_a_hundred_times_on_one_port(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, start_and_stop_on_one_port, &s));

    assert_int_equal(s.made, 100);
    assert_int_equal(s.lost, 100);
}

/* Counting. */

static int
count_connections(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *streams[3] = {NULL};
    struct ouro_loop_stats stats;

    int rc = serve(s, false);
    for (int i = 0; rc == 0 && i < 3; i++) {
        s->count[i] = ouro_server_connection_count(s->server);
        rc = open_served(s, &streams[i]);
    }
    s->count[3] = ouro_server_connection_count(s->server);
    for (int i = 0; i < 3; i++)
        ouro_stream_free(streams[i]);
    while (rc == 0 && ouro_server_connection_count(s->server) > 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    ouro_loop_get_stats(ouro_get_running_loop(), &stats);
    s->rc[0] = (int)stats.connections_accepted;
    ouro_server_free(s->server);
    return rc;
}

static void
connections_are_counted(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, count_connections, &s));

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(s.count[i], i);
    assert_int_equal(s.rc[0], 3);
}

/* A27: wait_closed. */

struct waiter {
    struct scene *scene;
    struct ouro_task *task;
    bool done;
    int rc;
};

static int
wait_closed(void *arg)
{
    struct waiter *waiter = arg;

    waiter->rc = ouro_server_wait_closed(waiter->scene->server);
    waiter->done = true;
    return 0;
}

/* In which turn each of three things happens: 0, 1, 2. */
struct order {
    struct scene scene;
    int close;
    int wait;
    int leave;
    bool early[2]; /* a waiter was done although something was missing */
    int rc[2];
};

static int
wait_in_order(void *arg)
{
    struct order *order = arg;
    struct scene *s = &order->scene;
    struct waiter waiters[2] = {{.scene = s}, {.scene = s}};
    struct ouro_stream *stream = NULL;

    int rc = serve(s, false);
    if (rc == 0)
        rc = open_served(s, &stream);
    for (int turn = 0; rc == 0 && turn < 3; turn++) {
        for (int i = 0; i < 2; i++)
            order->early[i] = order->early[i] || waiters[i].done;
        if (turn == order->close)
            ouro_server_close(s->server);
        if (turn == order->leave)
            ouro_stream_free(stream);
        for (int i = 0; rc == 0 && turn == order->wait && i < 2; i++)
            rc = ouro_create_task(&waiters[i].task, wait_closed, &waiters[i]);
        if (rc == 0)
            rc = ouro_sleep(OURO_MILLISECONDS(20));
    }
    for (int i = 0; rc == 0 && i < 2; i++) {
        rc = ouro_task_join(waiters[i].task);
        ouro_task_unref(waiters[i].task);
        order->rc[i] = waiters[i].rc;
    }
    ouro_server_free(s->server);
    return rc;
}

static void
wait_closed_waits_for_close_and_clients_in_any_order(void **state)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct order order = {
            .close = orders[i][0],
            .wait = orders[i][1],
            .leave = orders[i][2],
        };

        assert_ok(run_in_world(engine, wait_in_order, &order));
        assert_false(order.early[0]);
        assert_false(order.early[1]);
        assert_ok(order.rc[0]);
        assert_ok(order.rc[1]);
    }
}

/* A28: ending a server of idle clients. */

struct crowd {
    struct scene scene;
    void (*end)(struct ouro_server *server);
    struct ouro_stream *streams[MANY];
    ssize_t seen[MANY];
    int closed;
};

static int
end_crowd(void *arg)
{
    struct crowd *crowd = arg;
    struct scene *s = &crowd->scene;

    int rc = serve(s, false);
    for (int i = 0; rc == 0 && i < MANY; i++)
        rc = open_served(s, &crowd->streams[i]);
    ouro_server_close(s->server);
    crowd->end(s->server);
    if (rc == 0)
        crowd->closed = ouro_server_wait_closed(s->server);
    for (int i = 0; i < MANY; i++) {
        if (crowd->streams[i] != NULL)
            crowd->seen[i] = read_one(crowd->streams[i]);
        ouro_stream_free(crowd->streams[i]);
    }
    ouro_server_free(s->server);
    return rc;
}

static void
close_clients_ends_each_politely(void **state)
{
    static struct crowd crowd = {.end = ouro_server_close_clients};

    (void)state;
    assert_ok(run_in_world(engine, end_crowd, &crowd));

    assert_ok(crowd.closed);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(crowd.seen[i], 0);
    assert_ok(crowd.scene.reason);
    assert_int_equal(crowd.scene.lost, MANY);
}

static void
abort_clients_resets_each(void **state)
{
    static struct crowd crowd = {.end = ouro_server_abort_clients};

    (void)state;
    assert_ok(run_in_world(engine, end_crowd, &crowd));

    assert_ok(crowd.closed);
    for (int i = 0; i < MANY; i++)
        assert_err(crowd.seen[i], ECONNRESET);
    assert_err(crowd.scene.reason, ECONNABORTED);
}

/* A29: a close that races an accept. */

struct race {
    struct scene scene;
    int ticks;
    int connected;
    ssize_t seen;
};

static int
connect_and_read(void *arg)
{
    struct race *race = arg;
    struct ouro_stream *stream = NULL;

    race->connected = open_client(&race->scene, &stream);
    if (race->connected == 0)
        race->seen = read_one(stream);
    ouro_stream_free(stream);
    return 0;
}

static int
close_after_ticks(void *arg)
{
    struct race *race = arg;
    struct scene *s = &race->scene;
    struct ouro_task *task;

    int rc = serve(s, false);
    if (rc == 0)
        rc = ouro_create_task(&task, connect_and_read, race);
    for (int i = 0; rc == 0 && i < race->ticks; i++)
        rc = ouro_sleep(0);
    ouro_server_close(s->server);
    ouro_server_close_clients(s->server);
    if (rc == 0)
        rc = ouro_server_wait_closed(s->server);
    if (rc == 0)
        rc = ouro_task_join(task);
    ouro_task_unref(task);
    ouro_server_free(s->server);
    return rc;
}

static void
a_close_that_races_an_accept_leaks_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < TICKS * ROUNDS; i++) {
        struct race race = {.ticks = i % TICKS, .seen = UNSEEN};

        assert_ok(run_in_world(engine, close_after_ticks, &race));
        if (race.connected == 0 && race.seen != 0)
            assert_err(race.seen, ECONNRESET);
        if (race.connected != 0)
            assert_true(race.connected == -ECONNREFUSED
                        || race.connected == -ECONNRESET);
        assert_int_equal(race.scene.lost, race.scene.made);
    }
}

/* Freeing what is open. */

static int
free_open(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *stream = NULL;

    int rc = serve(s, false);
    if (rc == 0)
        rc = open_served(s, &stream);
    ouro_server_free(s->server);
    s->rc[0] = (int)read_one(stream);
    ouro_stream_free(stream);
    s->rc[1] = open_client(s, &stream);
    ouro_server_free(NULL);
    return rc;
}

static void
a_server_freed_while_open_aborts_its_connections(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, free_open, &s));

    assert_err(s.rc[0], ECONNRESET);
    assert_err(s.rc[1], ECONNREFUSED);
    assert_err(s.reason, ECONNABORTED);
}

static int
end_in_made(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *stream = NULL;

    int rc = serve(s, false);
    if (rc == 0)
        rc = open_client(s, &stream);
    if (rc == 0)
        s->rc[0] = ask(stream);
    ouro_stream_free(stream);
    ouro_server_free(s->server);
    return rc;
}

static void
a_server_may_be_closed_in_connection_made(void **state)
{
    struct scene s = {.close_in_made = true};

    (void)state;
    assert_ok(run_in_world(engine, end_in_made, &s));

    assert_int_equal(s.made, 1);
    assert_ok(s.rc[0]);
}

static void
a_server_may_be_freed_in_connection_made(void **state)
{
    struct scene s = {.free_in_made = true};

    (void)state;
    assert_ok(run_in_world(engine, end_in_made, &s));

    assert_int_equal(s.made, 1);
    assert_int_equal(s.lost, 1);
    assert_err(s.rc[0], ECONNRESET);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deferred_server_serves_once_it_is_started),
        cmocka_unit_test(a_second_task_in_serve_forever_is_refused),
        cmocka_unit_test(serve_forever_that_is_cancelled_stops_the_server),
        cmocka_unit_test(start_serve_stop_works_a_hundred_times_on_one_port),
        cmocka_unit_test(connections_are_counted),
        cmocka_unit_test(wait_closed_waits_for_close_and_clients_in_any_order),
        cmocka_unit_test(close_clients_ends_each_politely),
        cmocka_unit_test(abort_clients_resets_each),
        cmocka_unit_test(a_close_that_races_an_accept_leaks_nothing),
        cmocka_unit_test(a_server_freed_while_open_aborts_its_connections),
        cmocka_unit_test(a_server_may_be_closed_in_connection_made),
        cmocka_unit_test(a_server_may_be_freed_in_connection_made),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
