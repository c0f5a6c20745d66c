/* SPDX-License-Identifier: MIT */
/* How servers stop, and what becomes of the tasks of a server of streams. */
#include "server_scene.h"

static const char *engine;

#define GRACE OURO_MILLISECONDS(100)

/* A28, M23: stop. */

static int
stop_idle(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *stream = NULL;

    int rc = serve(s, false);
    if (rc == 0)
        rc = open_served(s, &stream);
    s->took_ns = -now_ns();
    s->rc[0] = ouro_server_stop(s->server, OURO_SECONDS(10));
    s->took_ns += now_ns();
    s->rc[1] = (int)read_one(stream);
    s->rc[2] = open_client(s, &stream);
    ouro_stream_free(stream);
    ouro_server_free(s->server);
    return rc;
}

static void
stop_is_polite_and_does_not_wait_for_its_deadline(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, stop_idle, &s));

    assert_ok(s.rc[0]);
    assert_int_equal(s.rc[1], 0);
    assert_err(s.rc[2], ECONNREFUSED);
    assert_ok(s.reason);
    assert_true(s.took_ns < OURO_SECONDS(5));
}

/* Ask for more than the buffers between us hold, and read nothing. */
static int
stuff(struct ouro_stream *stream)
{
    static uint8_t bytes[256 * 1024];
    int rc = 0;

    ouro_transport_set_write_buffer_limits(ouro_stream_transport(stream),
                                           OURO_MIB(32), 0);
    for (int i = 0; rc == 0 && i < 64; i++)
        rc = ouro_stream_write(stream, ouro_slice_of(bytes, sizeof(bytes)));
    for (int i = 0; rc == 0 && i < 200; i++)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    return rc;
}

static int
stop_stuck(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *stream = NULL;

    int rc = serve(s, false);
    if (rc == 0)
        rc = open_client(s, &stream);
    if (rc == 0)
        rc = stuff(stream);
    s->took_ns = -now_ns();
    s->rc[0] = ouro_server_stop(s->server, GRACE);
    s->took_ns += now_ns();
    s->count[0] = ouro_server_connection_count(s->server);
    ouro_stream_abort(stream);
    ouro_stream_free(stream);
    ouro_server_free(s->server);
    return rc;
}

static void
stop_aborts_at_its_deadline_what_is_left(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, stop_stuck, &s));

    assert_err(s.rc[0], ETIMEDOUT);
    assert_int_equal(s.count[0], 0);
    assert_err(s.reason, ECONNABORTED);
    assert_true(s.took_ns >= GRACE);
    assert_true(s.took_ns < GRACE + OURO_SECONDS(5));
}

static int
stop_server(void *arg)
{
    struct scene *s = arg;

    s->rc[1] = ouro_sleep(0);
    s->rc[0] = ouro_server_stop(s->server, OURO_SECONDS(5));
    s->count[0] = ouro_server_connection_count(s->server);
    return 0;
}

static int
stop_in_a_cancelled_task(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *stream = NULL;
    struct ouro_task *task;

    int rc = serve(s, false);
    if (rc == 0)
        rc = open_served(s, &stream);
    if (rc == 0)
        rc = ouro_create_task(&task, stop_server, s);
    if (rc < 0)
        return rc;
    ouro_task_cancel(task);
    rc = ouro_task_join(task);
    ouro_task_unref(task);
    ouro_stream_free(stream);
    ouro_server_free(s->server);
    return rc;
}

static void
stop_waits_to_the_end_in_a_cancelled_task_too(void **state)
{
    struct scene s = {.count = {UNSEEN}};

    (void)state;
    assert_ok(run_in_world(engine, stop_in_a_cancelled_task, &s));

    assert_err(s.rc[1], ECANCELED);
    assert_ok(s.rc[0]);
    assert_int_equal(s.count[0], 0);
}

/* Servers of streams. */

static int
read_for_ever(struct ouro_stream *stream, void *context)
{
    struct scene *s = context;
    ssize_t size;

    s->made++;
    do
        size = read_one(stream);
    while (size > 0);
    s->reason = (int)size;
    s->lost++;
    return (int)size;
}

static int
stop_streams(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *streams[3] = {NULL};

    int rc = serve_streams(s, read_for_ever);
    for (int i = 0; rc == 0 && i < 3; i++)
        rc = open_client(s, &streams[i]);
    while (rc == 0 && s->made < 3)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    s->took_ns = -now_ns();
    s->rc[0] = ouro_server_stop(s->server, OURO_SECONDS(10));
    s->took_ns += now_ns();
    s->count[0] = s->lost;
    for (int i = 0; i < 3; i++) {
        s->rc[i + 1] = streams[i] != NULL ? (int)read_one(streams[i]) : UNSEEN;
        ouro_stream_free(streams[i]);
    }
    ouro_server_free(s->server);
    return rc;
}

static void
stop_cancels_the_tasks_of_a_server_of_streams(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, stop_streams, &s));

    assert_ok(s.rc[0]);
    assert_int_equal(s.count[0], 3);
    assert_err(s.reason, ECANCELED);
    assert_true(s.took_ns < OURO_SECONDS(5));
    for (int i = 1; i < 4; i++)
        assert_int_equal(s.rc[i], 0);
}

/* It answers what it read before it heard that it is to end. */
static int
say_goodbye(struct ouro_stream *stream, void *context)
{
    struct scene *s = context;
    struct ouro_shield shield;

    s->made++;
    if (read_one(stream) != -ECANCELED)
        return -EIO;
    ouro_shield_begin(&shield, OURO_SECONDS(5));
    int rc = ouro_sleep(OURO_MILLISECONDS(10));
    if (rc == 0)
        rc = ouro_stream_write(stream, OURO_BYTES("bye"));
    rc = (int)ouro_shield_end(&shield, rc);
    s->lost++;
    return rc;
}

static int
stop_talkers(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *stream = NULL;
    char text[3];

    int rc = serve_streams(s, say_goodbye);
    if (rc == 0)
        rc = open_client(s, &stream);
    while (rc == 0 && s->made < 1)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    s->rc[0] = ouro_server_stop(s->server, OURO_SECONDS(10));
    s->rc[1] = (int)ouro_stream_read_exactly(stream, text, sizeof(text));
    s->rc[2] = memcmp(text, "bye", 3);
    s->rc[3] = (int)read_one(stream);
    ouro_stream_free(stream);
    ouro_server_free(s->server);
    return rc;
}

static void
a_task_that_is_stopped_can_still_say_goodbye(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, stop_talkers, &s));

    assert_ok(s.rc[0]);
    assert_int_equal(s.rc[1], 3);
    assert_int_equal(s.rc[2], 0);
    assert_int_equal(s.rc[3], 0);
}

/* The connection is lost, and its task has something left to do. */
static int
linger_on(struct ouro_stream *stream, void *context)
{
    struct scene *s = context;
    char byte;

    s->made++;
    if (ouro_stream_read(stream, &byte, 1) != 0)
        return -EIO;
    ouro_stream_abort(stream);
    int rc = ouro_sleep(OURO_MILLISECONDS(50));
    s->lost++;
    return rc;
}

static int
wait_for_a_task(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *stream = NULL;

    int rc = serve_streams(s, linger_on);
    if (rc == 0)
        rc = open_client(s, &stream);
    while (rc == 0 && s->made < 1)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    ouro_stream_free(stream);
    ouro_server_close(s->server);
    s->count[0] = ouro_server_is_serving(s->server);
    if (rc == 0)
        rc = ouro_server_wait_closed(s->server);
    s->count[1] = s->lost;
    ouro_server_free(s->server);
    return rc;
}

static void
wait_closed_waits_for_tasks_whose_connection_is_lost(void **state)
{
    struct scene s = {.count = {UNSEEN}};

    (void)state;
    assert_ok(run_in_world(engine, wait_for_a_task, &s));

    assert_int_equal(s.count[0], false);
    assert_int_equal(s.count[1], 1);
}

/* Who is part of what has to end cannot wait for the end. */

static int
echo_once(struct ouro_stream *stream)
{
    char text[4];

    ssize_t size = ouro_stream_read_exactly(stream, text, sizeof(text));
    return size < 0
               ? (int)size
               : ouro_stream_write(stream, ouro_slice_of(text, sizeof(text)));
}

static int
stop_own_server(struct ouro_stream *stream, void *context)
{
    struct scene *s = context;

    s->made++;
    s->rc[0] = ouro_server_wait_closed(s->server);
    s->rc[1] = ouro_server_stop(s->server, GRACE);
    s->count[0] = ouro_server_is_serving(s->server);
    return echo_once(stream);
}

static int
stop_from_inside(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *stream = NULL;

    int rc = serve_streams(s, stop_own_server);
    if (rc == 0)
        rc = open_client(s, &stream);
    if (rc == 0)
        s->rc[2] = ask(stream);
    ouro_stream_free(stream);
    if (rc == 0)
        rc = ouro_server_stop(s->server, OURO_SECONDS(5));
    ouro_server_free(s->server);
    return rc;
}

static void
a_task_of_a_connection_cannot_wait_for_its_own_server(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, stop_from_inside, &s));

    assert_err(s.rc[0], EDEADLK);
    assert_err(s.rc[1], EDEADLK);
    assert_int_equal(s.count[0], true);
    assert_ok(s.rc[2]);
}

static int
free_own_server(struct ouro_stream *stream, void *context)
{
    struct scene *s = context;

    s->made++;
    ouro_server_free(s->server);
    s->server = NULL;
    s->rc[0] = (int)read_one(stream);
    return 0;
}

static int
free_from_inside(void *arg)
{
    struct scene *s = arg;
    struct ouro_stream *stream = NULL;

    int rc = serve_streams(s, free_own_server);
    if (rc == 0)
        rc = open_client(s, &stream);
    if (rc == 0)
        s->rc[1] = (int)read_one(stream);
    ouro_stream_free(stream);
    return rc;
}

static void
a_task_of_a_connection_may_free_its_server(void **state)
{
    struct scene s = {0};

    (void)state;
    assert_ok(run_in_world(engine, free_from_inside, &s));

    assert_int_equal(s.made, 1);
    assert_err(s.rc[0], ECONNABORTED);
    assert_err(s.rc[1], ECONNRESET);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_is_polite_and_does_not_wait_for_its_deadline),
        cmocka_unit_test(stop_aborts_at_its_deadline_what_is_left),
        cmocka_unit_test(stop_waits_to_the_end_in_a_cancelled_task_too),
        cmocka_unit_test(stop_cancels_the_tasks_of_a_server_of_streams),
        cmocka_unit_test(a_task_that_is_stopped_can_still_say_goodbye),
        cmocka_unit_test(wait_closed_waits_for_tasks_whose_connection_is_lost),
        cmocka_unit_test(a_task_of_a_connection_cannot_wait_for_its_own_server),
        cmocka_unit_test(a_task_of_a_connection_may_free_its_server),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests_name("server_stop", tests, NULL, NULL);
}
