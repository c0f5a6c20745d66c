/* SPDX-License-Identifier: MIT */
/* How a connection ends that the HTTP server does not want any more: the client
 * gets what it was answered, whatever it still sends or has not read. */
#include "http_handlers.h"

const char *engine;

enum { PART = 10000, LARGE = 100000, MANY = 8 };

/* So many parts, one after the other, all of which the server must take. */
static int
send_parts(struct scene *scene, ssize_t count)
{
    static uint8_t part[PART];
    int rc = 0;

    memset(part, 'x', PART);
    for (ssize_t i = 0; rc == 0 && i < count; i++) {
        rc = ouro_stream_write(scene->stream, ouro_slice_of(part, PART));
        if (rc == 0)
            rc = ouro_sleep(OURO_MILLISECONDS(2));
    }
    return rc;
}

/* Sends the note, reads the answer, and goes on sending. */
static int
send_on_after_the_answer(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, scene->note);
    if (rc == 0)
        rc = send_parts(scene, scene->seen[0]);
    if (rc == 0)
        rc = receive_until(scene, "\r\n\r\n");
    if (rc == 0)
        rc = send_parts(scene, 4);
    if (rc == 0)
        rc = receive_to_end(scene);
    close_client(scene);
    return rc;
}

static void
sending_on_after(struct scene *scene, const char *text)
{
    *scene = (struct scene){.routes = routes, .act = send_on_after_the_answer};
    strcpy(scene->note, text);
}

static void
a_client_that_still_sends_can_read_why_its_head_was_refused(void **state)
{
    struct scene scene;

    (void)state;
    sending_on_after(&scene, "rubbish\r\n\r\n");
    assert_plays(&scene);
    assert_string_equal(scene.answer,
                        CLOSED("400 Bad Request", "16", "400 Bad Request\n"));
    sending_on_after(&scene, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    scene.seen[0] = 7; /* times 10000: more than a head may have */
    assert_plays(&scene);
    assert_true(begins_with(scene.answer, "HTTP/1.1 431 "));
}

static void
a_client_that_pipelines_can_read_the_answer_that_closes(void **state)
{
    struct scene scene;

    (void)state;
    sending_on_after(&scene, "GET /now/1 HTTP/1.1\r\nHost: a\r\n"
                             "Connection: close\r\n\r\n" GET("/now/2"));
    assert_plays(&scene);
    assert_string_equal(scene.answer, CLOSED("200 OK", "1", "1"));
    sending_on_after(&scene, "GET /later/1 HTTP/1.1\r\nHost: a\r\n"
                             "Connection: close\r\n\r\n" GET("/now/2"));
    assert_plays(&scene);
    assert_string_equal(scene.answer, CLOSED("200 OK", "1", "1"));
}

/* RFC 9110, 10.1.1; RFC 9112, 9.6. */
static void
an_answer_after_which_the_body_is_not_wanted_says_close(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "POST /ignore HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_string_equal(scene.answer, CLOSED("200 OK", "2", "no"));
    answer_to(&scene, "POST /nowhere HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_string_equal(scene.answer,
                        CLOSED("404 Not Found", "14", "404 Not Found\n"));
    answer_to(&scene, "POST /nowhere HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 400000\r\n\r\n"); /* much to drop */
    assert_string_equal(scene.answer,
                        CLOSED("404 Not Found", "14", "404 Not Found\n"));
}

/* Ends that come before the answers have left. */

static uint8_t large[LARGE];

static int
answer_large(struct ouro_http_request *request, void *context)
{
    (void)context;
    ouro_http_respond(request, 200, NULL, ouro_slice_of(large, LARGE));
    return 0;
}

static const struct ouro_http_route large_routes[] = {
    {.pattern = "/now", .callback = answer_large},
    {.pattern = "/task", .handler = answer_large},
    {.pattern = NULL},
};

/* All requests and the end of them; the answers are read later. */
static int
ask_for_much_and_end(struct scene *scene)
{
    struct ouro_slice bytes;
    ssize_t size = 1;
    int rc = open_client(scene);

    ouro_stream_set_limit(scene->stream, 4000);
    for (int i = 0; rc == 0 && i < MANY; i++)
        rc = send_text(scene, scene->note);
    ouro_stream_write_eof(scene->stream);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(50));
    while (rc == 0 && size > 0) {
        size = ouro_stream_peek(scene->stream, &bytes);
        if (size > 0)
            ouro_stream_consume(scene->stream, bytes.size);
        scene->seen[0] += size;
    }
    close_client(scene);
    return rc;
}

static void
all_that_was_asked_before_the_end_of_input_is_answered(void **state)
{
    static const char *const texts[] = {GET("/now"), GET("/task")};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene = {.routes = large_routes,
                              .act = ask_for_much_and_end};

        strcpy(scene.note, texts[i]);
        assert_plays(&scene);
        assert_in_range(scene.seen[0], MANY * LARGE, MANY * (LARGE + 200));
    }
}

/* It has sent the beginning of one more, which will not be whole. */
static void
what_is_not_whole_at_the_end_of_input_ends_at_once(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, GET("/later/1") "GET /now/2 HT");
    assert_string_equal(scene.answer, TEXT("1", "1"));
    answer_to(&scene, GET("/later/1") "POST /echo HTTP/1.1\r\nHost: a\r\n"
                                      "Content-Length: 5\r\n\r\nhel");
    assert_string_equal(
        scene.answer,
        TEXT("1", "1") CLOSED("400 Bad Request", "16", "400 Bad Request\n"));
}

/* Who stops the server. */

static int
stop_from_inside(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;

    scene->seen[0] = ouro_http_server_stop(scene->server, OURO_SECONDS(1));
    ouro_http_respond_text(request, 200, "still here");
    return 0;
}

static const struct ouro_http_route stopping_routes[] = {
    {.pattern = "/", .handler = stop_from_inside},
    {.pattern = NULL},
};

static void
a_handler_cannot_wait_for_its_own_server_to_stop(void **state)
{
    struct scene scene = {
        .routes = stopping_routes, .act = ask_note, .note = GET("/")};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], -EDEADLK);
    assert_string_equal(scene.answer, TEXT("10", "still here"));
}

/* The log. */

static void
note_access(const struct ouro_http_access *access, void *context)
{
    struct scene *scene = context;

    scene->seen[0]++;
    scene->seen[1] = access->status;
    scene->seen[2] = (ssize_t)access->target.size;
    scene->seen[3] = ouro_address_port(&access->peer) != 0;
}

static int
leave_amid_a_body(struct scene *scene)
{
    struct ouro_http_server_stats stats = {.active = 0};
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, "POST /echo HTTP/1.1\r\nHost: a\r\n"
                              "Content-Length: 5\r\n\r\nhel");
    while (rc == 0 && stats.requests == 0) {
        rc = ouro_sleep(OURO_MILLISECONDS(1));
        ouro_http_server_get_stats(scene->server, &stats);
    }
    ouro_stream_abort(scene->stream);
    return rc;
}

static void
a_request_whose_client_left_amid_the_body_is_told_to_the_log(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = leave_amid_a_body,
        .options = {.access = note_access},
        .seen = {0, UNSEEN},
    };

    (void)state;
    scene.options.access_context = &scene;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 1);
    assert_int_equal(scene.seen[1], 0);
    assert_int_equal(scene.seen[2], 5);
    assert_int_equal(scene.seen[3], 1); /* it is known who it was */
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_client_that_still_sends_can_read_why_its_head_was_refused),
        cmocka_unit_test(
            a_client_that_pipelines_can_read_the_answer_that_closes),
        cmocka_unit_test(
            an_answer_after_which_the_body_is_not_wanted_says_close),
        cmocka_unit_test(
            all_that_was_asked_before_the_end_of_input_is_answered),
        cmocka_unit_test(what_is_not_whole_at_the_end_of_input_ends_at_once),
        cmocka_unit_test(a_handler_cannot_wait_for_its_own_server_to_stop),
        cmocka_unit_test(
            a_request_whose_client_left_amid_the_body_is_told_to_the_log),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
