/* SPDX-License-Identifier: MIT */
/* Clients that are too slow get nowhere.  Time is the simulation's. */
#include "http_scene.h"

const char *engine;

enum { MUCH = 2000000, VERY_MUCH = 70000000 };

static int
say_hello(struct ouro_http_request *request, void *context)
{
    (void)context;
    ouro_http_respond_text(request, 200, "hello");
    return 0;
}

static int
read_body(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;
    uint8_t bytes[64];
    ssize_t size;

    while ((size = ouro_http_read(request, bytes, sizeof(bytes))) > 0)
        continue;
    scene->seen[7] = size;
    return (int)size;
}

/* More than a socket takes whose peer does not read. */
static int
write_much(struct ouro_http_request *request, void *context)
{
    static const uint8_t bytes[10000];
    struct scene *scene = context;
    int rc = ouro_http_begin(request, 200, NULL, OURO_HTTP_UNKNOWN_SIZE);

    for (int i = 0; rc == 0 && i < 1000; i++)
        rc = ouro_http_write(request, ouro_slice_of(bytes, sizeof(bytes)));
    scene->seen[7] = rc;
    return rc;
}

/* All at once: it is queued, and the handler is done. */
static int
answer_much(struct ouro_http_request *request, void *context)
{
    static uint8_t bytes[MUCH];

    (void)context;
    ouro_http_respond(request, 200, NULL, ouro_slice_of(bytes, MUCH));
    return 0;
}

/* In one write that is larger than what may be queued. */
static int
write_very_much(struct ouro_http_request *request, void *context)
{
    static const uint8_t bytes[VERY_MUCH];
    struct scene *scene = context;
    int rc = ouro_http_begin(request, 200, NULL, VERY_MUCH);

    if (rc == 0)
        rc = ouro_http_write(request, ouro_slice_of(bytes, VERY_MUCH));
    scene->seen[7] = rc;
    return rc;
}

static const struct ouro_http_route routes[] = {
    {.method = "GET", .pattern = "/", .callback = say_hello},
    {.method = "GET", .pattern = "/later", .handler = say_hello},
    {.method = "POST", .pattern = "/", .callback = say_hello},
    {.method = "PUT", .pattern = "/", .handler = read_body, .streams = true},
    {.method = "GET", .pattern = "/much", .handler = write_much},
    {.method = "GET", .pattern = "/whole", .callback = answer_much},
    {.method = "PUT",
     .pattern = "/whole",
     .handler = answer_much,
     .streams = true},
    {.method = "GET", .pattern = "/very", .handler = write_very_much},
    {.pattern = NULL},
};

static int64_t
now_ns(void)
{
    return ouro_loop_time_ns(ouro_get_running_loop());
}

/* Whole seconds from the call to the end of what comes. */
static int
time_the_end(struct scene *scene)
{
    int64_t before = now_ns();
    int rc = receive_to_end(scene);

    scene->seen[0] = (now_ns() - before) / OURO_SECONDS(1);
    return rc;
}

/* Send the note, then nothing. */
static int
fall_silent(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, scene->note);
    if (rc == 0)
        rc = time_the_end(scene);
    close_client(scene);
    return rc;
}

static void
silent_after(struct scene *scene, const char *text)
{
    *scene = (struct scene){.routes = routes, .act = fall_silent};
    strcpy(scene->note, text);
    assert_plays(scene);
}

static void
an_idle_connection_is_closed_after_a_minute(void **state)
{
    struct scene scene;

    (void)state;
    silent_after(&scene, "");
    assert_int_equal(scene.seen[0], 60);
    assert_string_equal(scene.answer, "");
    silent_after(&scene, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(scene.seen[0], 60);
    assert_non_null(strstr(scene.answer, "hello"));
}

static void
it_has_as_long_after_requests_that_came_together(void **state)
{
    static const char *const paths[] = {"/", "/later"};
    struct scene scene;
    char text[128];

    (void)state;
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof(text),
                 "GET %s HTTP/1.1\r\nHost: a\r\n\r\n"
                 "GET %s HTTP/1.1\r\nHost: a\r\n\r\n",
                 paths[i], paths[1 - i]);
        silent_after(&scene, text);
        assert_int_equal(scene.seen[0], 60);
        assert_non_null(strstr(strstr(scene.answer, "hello") + 5, "hello"));
    }
}

static void
it_has_as_long_after_a_body_that_nobody_read(void **state)
{
    struct scene scene;

    (void)state;
    silent_after(&scene, "POST /none HTTP/1.1\r\nHost: a\r\n"
                         "Content-Length: 5\r\n\r\nhello");
    assert_int_equal(scene.seen[0], 60);
    assert_true(begins_with(scene.answer, "HTTP/1.1 404 "));
}

static void
a_head_that_does_not_end_is_408(void **state)
{
    struct scene scene;

    (void)state;
    silent_after(&scene, "GET / HT");
    assert_in_range(scene.seen[0], 20, 25);
    assert_true(begins_with(scene.answer, "HTTP/1.1 408 Request Timeout"));
}

/* Not its method, either: what came of it is not kept where it was read. */
static void
of_a_head_that_is_not_whole_nothing_is_believed(void **state)
{
    struct scene scene;

    (void)state;
    silent_after(&scene, "HEAD / HTTP/1.1\r\nHost: a");
    assert_non_null(strstr(scene.answer, "\r\n\r\n408 Request Timeout\n"));
}

/* One that was begun in the same bytes as the last one ended in. */
static int
fall_silent_amid_the_second(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, "GE");
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(10));
    if (rc == 0)
        rc = send_text(scene, "T / HTTP/1.1\r\nHost: a\r\n\r\nGET /");
    if (rc == 0)
        rc = time_the_end(scene);
    close_client(scene);
    return rc;
}

static void
each_head_has_its_own_time(void **state)
{
    struct scene scene = {.routes = routes, .act = fall_silent_amid_the_second};

    (void)state;
    assert_plays(&scene);
    assert_in_range(scene.seen[0], 20, 25);
    assert_non_null(strstr(scene.answer, "hello"));
    assert_non_null(strstr(scene.answer, "HTTP/1.1 408 "));
}

static void
a_body_that_does_not_end_is_408(void **state)
{
    struct scene scene;

    (void)state;
    silent_after(&scene, "POST / HTTP/1.1\r\nHost: a\r\n"
                         "Content-Length: 100000\r\n\r\nabc");
    assert_in_range(scene.seen[0], 20, 25);
    assert_true(begins_with(scene.answer, "HTTP/1.1 408 Request Timeout"));
}

/* One byte a second. */
static int
drip(void *arg)
{
    struct scene *scene = arg;
    int rc = 0;

    for (int i = 0; rc == 0 && i < 600; i++) {
        rc = ouro_sleep(OURO_SECONDS(1));
        if (rc == 0)
            rc = send_text(scene, "x");
    }
    return rc == -ECANCELED ? rc : 0;
}

static int
send_drop_by_drop(struct scene *scene)
{
    struct ouro_task *task;
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, scene->note);
    if (rc == 0)
        rc = ouro_create_task(&task, drip, scene);
    if (rc < 0)
        return rc;
    rc = time_the_end(scene);
    ouro_task_cancel(task);
    (void)!ouro_task_join(task);
    ouro_task_unref(task);
    return rc == -ECONNRESET ? 0 : rc;
}

static void
dripping_after(struct scene *scene, const char *text)
{
    *scene = (struct scene){.routes = routes, .act = send_drop_by_drop};
    strcpy(scene->note, text);
    assert_plays(scene);
}

static void
who_sends_a_byte_now_and_then_gets_nowhere(void **state)
{
    struct scene scene;

    (void)state;
    dripping_after(&scene, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    assert_in_range(scene.seen[0], 20, 30);
    assert_true(begins_with(scene.answer, "HTTP/1.1 408 "));
    dripping_after(&scene, "POST / HTTP/1.1\r\nHost: a\r\n"
                           "Content-Length: 100000\r\n\r\n");
    assert_in_range(scene.seen[0], 20, 30);
    assert_true(begins_with(scene.answer, "HTTP/1.1 408 "));
}

static void
a_handler_that_waits_for_a_slow_body_is_told(void **state)
{
    struct scene scene;

    (void)state;
    dripping_after(&scene, "PUT / HTTP/1.1\r\nHost: a\r\n"
                           "Content-Length: 100000\r\n\r\n");
    assert_int_equal(scene.seen[7], -ETIMEDOUT);
    assert_true(begins_with(scene.answer, "HTTP/1.1 408 "));
}

/* A client that reads nothing for a long time, then all. */
static int
read_nothing(struct scene *scene)
{
    int rc = open_client(scene);

    ouro_stream_set_limit(scene->stream, 1000);
    if (rc == 0)
        rc = send_text(scene, "GET /much HTTP/1.1\r\nHost: a\r\n\r\n");
    if (rc == 0)
        rc = ouro_sleep(OURO_SECONDS(100));
    if (rc == 0)
        scene->seen[0] = receive_to_end(scene);
    close_client(scene);
    return rc;
}

static void
who_does_not_take_the_answer_is_cut_off(void **state)
{
    struct scene scene = {.routes = routes, .act = read_nothing};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], -ECONNRESET);
    assert_int_equal(scene.seen[7], -ECANCELED);
    assert_true(scene.size < 1000000);
}

/* 10 KB a second is slow, and is progress. */
static int
read_slowly(struct scene *scene)
{
    struct ouro_slice bytes;
    ssize_t size = 1;
    int rc = open_client(scene);

    ouro_stream_set_limit(scene->stream, 5000);
    if (rc == 0)
        rc = send_text(scene, scene->note);
    while (rc == 0 && size > 0) {
        size = ouro_stream_peek(scene->stream, &bytes);
        if (size > 0) {
            ouro_stream_consume(scene->stream, bytes.size);
            scene->seen[1] += size;
            rc = ouro_sleep(OURO_SECONDS(0.5));
        }
    }
    scene->seen[0] = size;
    close_client(scene);
    return rc;
}

static void
who_takes_it_slowly_gets_all_of_it(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = read_slowly,
        .note = "GET /much HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 0);
    assert_int_equal(scene.seen[7], 0);
    assert_true(scene.seen[1] > 10000000);
}

/* It takes longer than a close may. */
static void
a_queued_answer_that_ends_the_connection_may_take_its_time(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = read_slowly,
        .note = "GET /whole HTTP/1.0\r\n\r\n",
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 0);
    assert_true(scene.seen[1] > MUCH);
}

/* Most of the body was never sent. */
static void
an_answer_before_the_end_of_the_body_may_take_its_time(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = read_slowly,
        .note = "PUT /whole HTTP/1.1\r\nHost: a\r\n"
                "Expect: 100-continue\r\nContent-Length: 10000000\r\n\r\n",
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 0);
    assert_true(scene.seen[1] > MUCH);
}

static int
read_very_much(struct scene *scene)
{
    struct ouro_slice bytes;
    ssize_t size = 1;
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, "GET /very HTTP/1.1\r\nHost: a\r\n"
                              "Connection: close\r\n\r\n");
    while (rc == 0 && size > 0) {
        size = ouro_stream_peek(scene->stream, &bytes);
        if (size > 0)
            ouro_stream_consume(scene->stream, bytes.size);
        scene->seen[1] += size;
    }
    close_client(scene);
    return rc < 0 ? rc : (int)size;
}

static void
a_write_of_any_size_leaves_as_the_client_takes_it(void **state)
{
    struct scene scene = {.routes = routes, .act = read_very_much};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[7], 0);
    assert_true(scene.seen[1] > VERY_MUCH);
}

/* 6 KB in 20 seconds: enough of a body, and nothing that is asked for.  Whether
 * it is taken is no matter. */
static void
drop_some(struct scene *scene)
{
    char bytes[151];

    memset(bytes, 'x', sizeof(bytes) - 1);
    bytes[150] = '\0';
    struct ouro_slice more = ouro_slice_of(bytes, 150);
    ouro_transport_write(ouro_stream_transport(scene->stream), more);
}

/* When the server has given it up, whatever the answer says of going on. */
static int
leave_unread(struct scene *scene)
{
    struct ouro_http_server_stats stats = {.connections = 1};
    int rc = open_client(scene);

    ouro_stream_set_limit(scene->stream, 1000);
    if (rc == 0)
        rc = send_text(scene, scene->note);
    int64_t before = now_ns();
    while (rc == 0 && stats.connections > 0) {
        rc = ouro_sleep(OURO_SECONDS(0.5));
        if (scene->seen[1] > 0)
            drop_some(scene);
        ouro_http_server_get_stats(scene->server, &stats);
    }
    scene->seen[0] = (now_ns() - before) / OURO_SECONDS(1);
    close_client(scene);
    return rc;
}

static void
who_leaves_a_queued_answer_unread_is_cut_off_in_time(void **state)
{
    static const char *const texts[] = {
        "GET /whole HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /whole HTTP/1.0\r\n\r\n",
        ("PUT /whole HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
         "Content-Length: 10000000\r\n\r\n"),
        "PUT /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct scene scene = {.routes = routes, .act = leave_unread};

        scene.seen[1] = i % 2; /* sends on */
        strcpy(scene.note, texts[i / 2]);
        assert_plays(&scene);
        assert_in_range(scene.seen[0], 20, 41);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_connection_is_closed_after_a_minute),
        cmocka_unit_test(it_has_as_long_after_requests_that_came_together),
        cmocka_unit_test(it_has_as_long_after_a_body_that_nobody_read),
        cmocka_unit_test(a_head_that_does_not_end_is_408),
        cmocka_unit_test(of_a_head_that_is_not_whole_nothing_is_believed),
        cmocka_unit_test(each_head_has_its_own_time),
        cmocka_unit_test(a_body_that_does_not_end_is_408),
        cmocka_unit_test(who_sends_a_byte_now_and_then_gets_nowhere),
        cmocka_unit_test(a_handler_that_waits_for_a_slow_body_is_told),
        cmocka_unit_test(who_does_not_take_the_answer_is_cut_off),
        cmocka_unit_test(who_takes_it_slowly_gets_all_of_it),
        cmocka_unit_test(
            a_queued_answer_that_ends_the_connection_may_take_its_time),
        cmocka_unit_test(
            an_answer_before_the_end_of_the_body_may_take_its_time),
        cmocka_unit_test(a_write_of_any_size_leaves_as_the_client_takes_it),
        cmocka_unit_test(who_leaves_a_queued_answer_unread_is_cut_off_in_time),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
