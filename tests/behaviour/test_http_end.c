/* SPDX-License-Identifier: MIT */
/* How requests, connections and the HTTP server end. */
#include "http_handlers.h"

const char *engine;

/* The end. */

static int
leave_a_handler(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, GET("/wait"));
    if (rc == 0)
        rc = ouro_event_wait(&scene->arrived);
    if (rc == 0)
        ouro_stream_abort(scene->stream);
    return rc;
}

static void
a_handler_whose_client_leaves_is_cancelled(void **state)
{
    struct scene scene = {.routes = routes, .act = leave_a_handler};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[7], -ECANCELED);
}

static int
let_go_later(void *arg)
{
    struct scene *scene = arg;
    int rc = ouro_sleep(OURO_MILLISECONDS(30));

    ouro_event_set(&scene->go);
    return rc;
}

static int
stop_amid(struct scene *scene)
{
    struct ouro_http_server_stats stats;
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, GET("/wait") GET("/now/2"));
    if (rc == 0)
        rc = ouro_event_wait(&scene->arrived);
    if (rc == 0)
        rc = ouro_create_task(NULL, let_go_later, scene);
    if (rc == 0)
        rc = ouro_http_server_stop(scene->server, OURO_SECONDS(10));
    ouro_http_server_get_stats(scene->server, &stats);
    scene->seen[0] = (ssize_t)stats.connections;
    scene->seen[1] = (ssize_t)stats.active;
    return rc < 0 ? rc : receive_to_end(scene);
}

static void
a_stop_finishes_what_is_in_flight_and_says_close(void **state)
{
    struct scene scene = {.routes = routes, .act = stop_amid};

    (void)state;
    assert_plays(&scene);
    assert_string_equal(scene.answer, CLOSED("200 OK", "4", "gone"));
    assert_int_equal(scene.seen[0], 0);
    assert_int_equal(scene.seen[1], 0);
}

static int
stop_without_patience(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, GET("/wait"));
    if (rc == 0)
        rc = ouro_event_wait(&scene->arrived);
    scene->seen[0] =
        ouro_http_server_stop(scene->server, OURO_MILLISECONDS(20));
    return rc;
}

static void
a_stop_aborts_what_is_left_after_the_grace(void **state)
{
    struct scene scene = {.routes = routes, .act = stop_without_patience};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], -ETIMEDOUT);
    assert_int_equal(scene.seen[7], -ECANCELED);
}

static int
serve_for_ever(void *arg)
{
    struct scene *scene = arg;

    return ouro_http_server_serve_forever(scene->server);
}

static int
cancel_the_server(struct scene *scene)
{
    struct ouro_task *task;
    int rc = ouro_create_task(&task, serve_for_ever, scene);

    if (rc == 0)
        rc = open_client(scene);
    if (rc == 0)
        rc = receive_until(scene, "") < 0;
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    ouro_task_cancel(task);
    scene->seen[0] = ouro_task_join(task);
    ouro_task_unref(task);
    return rc < 0 ? rc : receive_to_end(scene);
}

static void
serving_for_ever_ends_with_a_stop_when_cancelled(void **state)
{
    struct scene scene = {.routes = routes, .act = cancel_the_server};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], -ECANCELED);
    assert_string_equal(scene.answer, "");
}

/* It waits where nobody can wait any more. */
static int
free_what_serves_for_ever(void *arg)
{
    struct scene *scene = arg;

    scene->options.listen.host = "127.0.0.1";
    int rc =
        ouro_http_start_server(&scene->server, routes, scene, &scene->options);
    if (rc == 0)
        rc = ouro_create_task(NULL, serve_for_ever, scene);
    if (rc == 0)
        rc = ouro_sleep(0);
    ouro_http_server_free(scene->server);
    return rc;
}

static void
a_server_that_somebody_waits_in_is_not_freed(void **state)
{
    struct scene scene = {.routes = routes};

    (void)state;
    assert_stops(free_what_serves_for_ever, &scene,
                 "nobody waits for an event that is ended");
}

/* A task of a handler's, that outlives it. */
static int
read_for_ever(void *arg)
{
    uint8_t bytes[10];
    ssize_t size;

    while ((size = ouro_http_read(arg, bytes, sizeof(bytes))) > 0)
        continue;
    return (int)size;
}

static int
leave_a_reader_behind(struct ouro_http_request *request, void *context)
{
    (void)context;
    int rc = ouro_create_task(NULL, read_for_ever, request);
    return rc < 0 ? rc : ouro_sleep(0);
}

static const struct ouro_http_route leaving_routes[] = {
    {.pattern = "/", .handler = leave_a_reader_behind, .streams = true},
    {.pattern = NULL},
};

static int
post_half(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, "POST / HTTP/1.1\r\nHost: a\r\n"
                              "Content-Length: 9\r\n\r\nhalf");
    return rc < 0 ? rc : receive_to_end(scene);
}

static int
serve_leaving(void *arg)
{
    static char answer[ANSWER_ROOM];
    struct scene *scene = arg;

    scene->answer = answer;
    return play_scene(scene);
}

static void
a_handler_that_leaves_a_reader_behind_is_stopped(void **state)
{
    struct scene scene = {.routes = leaving_routes, .act = post_half};

    (void)state;
    assert_stops(serve_leaving, &scene,
                 "nobody reads or writes when its handler has returned");
}

/* Much at once. */

static int
ask_a_thousand_times(struct scene *scene)
{
    int rc = open_client(scene);

    for (int i = 0; rc == 0 && i < 1000; i++)
        rc = send_text(scene, i % 3 == 0 ? GET("/later/x") : GET("/now/x"));
    ouro_stream_write_eof(scene->stream);
    if (rc == 0)
        rc = receive_to_end(scene);
    close_client(scene);
    for (char *at = scene->answer; (at = strstr(at, "\r\n\r\nx")) != NULL; at++)
        scene->seen[0]++;
    return rc;
}

static void
a_client_that_asks_and_does_not_read_has_to_wait(void **state)
{
    struct scene scene = {.routes = routes, .act = ask_a_thousand_times};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 1000);
}

static void
note_access(const struct ouro_http_access *access, void *context)
{
    struct scene *scene = context;

    scene->seen[0] += access->status;
    scene->seen[1] += (ssize_t)access->body_size;
    scene->seen[2] += (ssize_t)access->target.size;
    scene->seen[3]++;
}

static void
note_duration(const struct ouro_http_access *access, void *context)
{
    struct scene *scene = context;

    scene->seen[0] = access->duration_ns;
}

/* Its head has no end. */
static void
what_was_no_request_took_no_time(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = ask_note,
        .options = {.access = note_duration},
        .note = "rubbish\r\n\r\n",
        .seen = {UNSEEN},
    };

    (void)state;
    scene.options.access_context = &scene;
    assert_plays(&scene);
    assert_in_range(scene.seen[0], 0, OURO_SECONDS(5));
}

static void
each_request_is_told_to_the_log_and_counted(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = ask_note,
        .options = {.access = note_access},
        .note = GET("/now/Ada") GET("/later/Bob") "rubbish\r\n\r\n",
    };

    (void)state;
    scene.options.access_context = &scene;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 200 + 200 + 400);
    assert_int_equal(scene.seen[1], 3 + 3 + 16);
    assert_int_equal(scene.seen[2], 8 + 10);
    assert_int_equal(scene.seen[3], 3);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_whose_client_leaves_is_cancelled),
        cmocka_unit_test(a_stop_finishes_what_is_in_flight_and_says_close),
        cmocka_unit_test(a_stop_aborts_what_is_left_after_the_grace),
        cmocka_unit_test(serving_for_ever_ends_with_a_stop_when_cancelled),
        cmocka_unit_test(a_server_that_somebody_waits_in_is_not_freed),
        cmocka_unit_test(a_handler_that_leaves_a_reader_behind_is_stopped),
        cmocka_unit_test(a_client_that_asks_and_does_not_read_has_to_wait),
        cmocka_unit_test(each_request_is_told_to_the_log_and_counted),
        cmocka_unit_test(what_was_no_request_took_no_time),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
