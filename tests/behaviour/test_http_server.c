/* SPDX-License-Identifier: MIT */
/* What the HTTP server promises: requests to handlers, answers to clients. */
#include "http_handlers.h"

const char *engine;

/* Answers. */

static void
a_callback_and_a_handler_answer_alike(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, GET("/now/Ada"));
    assert_string_equal(scene.answer, TEXT("3", "Ada"));
    answer_to(&scene, GET("/later/Ada"));
    assert_string_equal(scene.answer, TEXT("3", "Ada"));
}

static void
pipelined_requests_are_answered_in_order_whoever_answers(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, GET("/later/1") GET("/now/2") GET("/later/3")
                          GET("/now/4") GET("/now/5"));
    assert_string_equal(scene.answer,
                        TEXT("1", "1") TEXT("1", "2") TEXT("1", "3")
                            TEXT("1", "4") TEXT("1", "5"));
}

static void
head_gets_the_head_of_get(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "HEAD /now/Ada HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(scene.answer, TEXT("3", ""));
    answer_to(&scene, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(scene.answer,
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n");
}

/* RFC 9110, 9.1: whose body is left out depends on it. */
static void
head_in_small_letters_is_another_method(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "head /none HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(scene.answer, STATUS("404 Not Found", "14"));
}

static void
a_request_says_what_was_asked_and_by_whom(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, GET("/tell/a%20b?c=d&e"));
    assert_non_null(strstr(scene.answer, "\r\n\r\nGET /tell/a%20b?c=d&e "
                                         "/tell/a%20b c=d&e near"));
}

/* RFC 9110, 15.5.5 and 15.5.6. */
static void
an_unknown_path_is_404_and_another_method_405_with_allow(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, GET("/nowhere"));
    assert_string_equal(scene.answer, STATUS("404 Not Found", "14"));
    answer_to(&scene, "DELETE /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(begins_with(scene.answer, "HTTP/1.1 405 Method Not Allowed"));
    assert_non_null(strstr(scene.answer, "Allow: POST, PUT\r\n"));
    answer_to(&scene, "OPTIONS /now/x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(scene.answer, "HTTP/1.1 204 No Content\r\n"
                                      "Allow: GET, HEAD\r\n\r\n");
}

static void
what_is_no_http_is_refused_and_the_connection_ends(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "rubbish\r\n\r\n" GET("/now/1"));
    assert_string_equal(scene.answer,
                        CLOSED("400 Bad Request", "16", "400 Bad Request\n"));
    answer_to(&scene, "GET / HTTP/1.1\r\n\r\n"); /* no Host */
    assert_true(begins_with(scene.answer, "HTTP/1.1 400 "));
    answer_to(&scene, "GET / HTTP/2.0\r\nHost: a\r\n\r\n");
    assert_true(begins_with(scene.answer, "HTTP/1.1 505 "));
    answer_to(&scene, GET("/now/%zz"));
    assert_true(begins_with(scene.answer, "HTTP/1.1 400 "));
}

/* RFC 9112, 9.3 and C.2.2. */
static void
http_1_0_ends_with_the_answer_unless_it_asks_to_go_on(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "GET /now/1 HTTP/1.0\r\n\r\n");
    assert_string_equal(scene.answer, CLOSED("200 OK", "1", "1"));
    answer_to(&scene, "GET /now/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_non_null(strstr(scene.answer, "Connection: keep-alive\r\n"));
    answer_to(&scene, "GET /stream HTTP/1.0\r\n\r\n");
    assert_string_equal(scene.answer,
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                        "Connection: close\r\n\r\npartpartpart");
}

static void
who_asks_to_close_is_closed_after_the_answer(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "GET /now/1 HTTP/1.1\r\nHost: a\r\n"
                      "Connection: close\r\n\r\n" GET("/now/2"));
    assert_string_equal(scene.answer, CLOSED("200 OK", "1", "1"));
}

/* Answers in parts. */

static void
a_body_of_unknown_size_is_sent_in_chunks(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, GET("/stream") GET("/now/1"));
    assert_string_equal(
        scene.answer,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
        "4\r\npart\r\n4\r\npart\r\n4\r\npart\r\n0\r\n\r\n" TEXT("1", "1"));
}

static int
ask_for_ten(struct scene *scene)
{
    int rc = ask(scene, GET("/ten"));

    scene->seen[1] = rc;
    return 0;
}

static void
a_body_shorter_than_promised_ends_the_connection_short(void **state)
{
    struct scene scene = {.routes = routes, .act = ask_for_ten};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], -EMSGSIZE);
    assert_int_equal(scene.seen[1], -ECONNRESET);
}

/* What handlers get wrong. */

static void
plays_with_a_report(struct scene *scene, const char *text, const char *message)
{
    struct seen_exceptions seen;

    *scene = (struct scene){.routes = routes, .act = ask_note};
    strcpy(scene->note, text);
    assert_plays_noisily(scene, &seen);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.message, message);
}

static void
a_handler_that_fails_or_says_nothing_is_500_and_reported(void **state)
{
    struct scene scene;

    (void)state;
    plays_with_a_report(&scene, GET("/fail"), "a handler failed");
    assert_string_equal(scene.answer,
                        STATUS("500 Internal Server Error", "26"));
    plays_with_a_report(&scene, GET("/nothing"),
                        "a handler returned without an answer");
    assert_string_equal(scene.answer,
                        STATUS("500 Internal Server Error", "26"));
}

static void
a_second_answer_is_dropped_and_reported(void **state)
{
    struct scene scene;

    (void)state;
    plays_with_a_report(&scene, GET("/twice"),
                        "a request was answered twice; the second was dropped");
    assert_string_equal(scene.answer, TEXT("5", "first"));
}

static void
a_field_that_is_none_or_not_the_handlers_is_refused(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "GET /fields HTTP/1.1\r\nHost: a\r\n"
                      "X-Mine:  value\r\n\r\n");
    assert_string_equal(scene.answer,
                        "HTTP/1.1 204 No Content\r\nX-Yours: value\r\n\r\n");
    assert_int_equal(scene.seen[0], 0);
    assert_int_equal(scene.seen[1], -EINVAL);
    assert_int_equal(scene.seen[2], -EINVAL);
    assert_int_equal(scene.seen[3], -EINVAL);
    assert_int_equal(scene.seen[4], -EALREADY);
}

#define FAILED STATUS("500 Internal Server Error", "26")

/* What follows an interim status is another answer to the client. */
static void
a_status_that_is_no_last_answer_is_500_and_reported(void **state)
{
    static const char *const texts[] = {
        GET("/badly/-1"),  GET("/badly/0"),    GET("/badly/99"),
        GET("/badly/100"), GET("/badly/101"),  GET("/badly/199"),
        GET("/badly/600"), GET("/badly/1200"),
    };
    struct scene scene;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        plays_with_a_report(&scene, texts[i],
                            "an answer was no valid one; 500 was sent");
        assert_string_equal(scene.answer, FAILED);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(scene.seen[k], -EINVAL);
    }
}

static void
a_content_type_cannot_become_another_field(void **state)
{
    struct scene scene;

    (void)state;
    plays_with_a_report(&scene, GET("/type"),
                        "an answer was no valid one; 500 was sent");
    assert_string_equal(scene.answer, FAILED);
}

static void
what_a_failed_handler_added_is_not_in_the_answer(void **state)
{
    struct scene scene;

    (void)state;
    plays_with_a_report(&scene, GET("/add"), "a handler failed");
    assert_string_equal(scene.answer, FAILED);
}

/* RFC 9110, 15.3.6. */
static void
reset_content_has_a_body_of_no_bytes(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, GET("/reset") GET("/now/1"));
    assert_string_equal(scene.answer,
                        "HTTP/1.1 205 Reset Content\r\n"
                        "Content-Length: 0\r\n\r\n" TEXT("1", "1"));
}

static int
ask_with_bad_routes(struct scene *scene)
{
    static const struct ouro_http_route bad[][2] = {
        {{.pattern = "now", .handler = say_name}, {.pattern = NULL}},
        {{.pattern = "/{a}{b}", .handler = say_name}, {.pattern = NULL}},
        {{.pattern = "/{a...}/b", .handler = say_name}, {.pattern = NULL}},
        {{.pattern = "/{}", .handler = say_name}, {.pattern = NULL}},
        {{.pattern = "/a"}, {.pattern = NULL}},
        {{.pattern = "/", .handler = say_name, .callback = say_name},
         {.pattern = NULL}},
    };
    struct ouro_http_server *server;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int rc = ouro_http_start_server(&server, bad[i], NULL, NULL);

        scene->seen[0] += rc == -EINVAL;
        if (rc == 0)
            ouro_http_server_free(server);
    }
    return 0;
}

static void
routes_that_are_none_are_refused_at_the_start(void **state)
{
    struct scene scene = {.routes = routes, .act = ask_with_bad_routes};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 6);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_callback_and_a_handler_answer_alike),
        cmocka_unit_test(
            pipelined_requests_are_answered_in_order_whoever_answers),
        cmocka_unit_test(head_gets_the_head_of_get),
        cmocka_unit_test(head_in_small_letters_is_another_method),
        cmocka_unit_test(a_request_says_what_was_asked_and_by_whom),
        cmocka_unit_test(
            an_unknown_path_is_404_and_another_method_405_with_allow),
        cmocka_unit_test(what_is_no_http_is_refused_and_the_connection_ends),
        cmocka_unit_test(http_1_0_ends_with_the_answer_unless_it_asks_to_go_on),
        cmocka_unit_test(who_asks_to_close_is_closed_after_the_answer),
        cmocka_unit_test(a_body_of_unknown_size_is_sent_in_chunks),
        cmocka_unit_test(
            a_body_shorter_than_promised_ends_the_connection_short),
        cmocka_unit_test(
            a_handler_that_fails_or_says_nothing_is_500_and_reported),
        cmocka_unit_test(a_second_answer_is_dropped_and_reported),
        cmocka_unit_test(a_field_that_is_none_or_not_the_handlers_is_refused),
        cmocka_unit_test(a_status_that_is_no_last_answer_is_500_and_reported),
        cmocka_unit_test(a_content_type_cannot_become_another_field),
        cmocka_unit_test(what_a_failed_handler_added_is_not_in_the_answer),
        cmocka_unit_test(reset_content_has_a_body_of_no_bytes),
        cmocka_unit_test(routes_that_are_none_are_refused_at_the_start),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
