/* SPDX-License-Identifier: MIT */
/* What the HTTP server promises of the bodies of requests. */
#include "http_handlers.h"

const char *engine;

/* Bodies. */

static void
a_body_comes_whole_by_length_or_in_chunks(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "POST /echo HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 5\r\n\r\nhello" GET("/now/1"));
    assert_non_null(strstr(scene.answer, "\r\n\r\nhelloHTTP/1.1 200"));
    answer_to(&scene,
              "PUT /echo HTTP/1.1\r\nHost: a\r\n"
              "Transfer-Encoding: chunked\r\n\r\n"
              "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: 1\r\n\r\n" GET("/now/1"));
    assert_non_null(strstr(scene.answer, "\r\n\r\nhelloHTTP/1.1 200"));
}

static void
a_body_that_is_read_as_it_comes_is_counted(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "POST /count HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 5\r\n\r\nhello" GET("/now/1"));
    assert_string_equal(scene.answer, TEXT("1", "5") TEXT("1", "1"));
    answer_to(&scene, "POST /count HTTP/1.1\r\nHost: a\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n"
                      "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n" GET("/now/1"));
    assert_string_equal(scene.answer, TEXT("1", "5") TEXT("1", "1"));
}

static void
a_body_that_nobody_reads_is_thrown_away(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "POST /ignore HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 5\r\n\r\nhello" GET("/now/1"));
    assert_string_equal(scene.answer, TEXT("2", "no") TEXT("1", "1"));
    answer_to(&scene, "POST /nowhere HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 5\r\n\r\nhello" GET("/now/1"));
    assert_non_null(strstr(scene.answer, "404 Not Found\nHTTP/1.1 200 OK"));
}

/* The handler returns what its read returned, and no more. */
static void
a_body_that_is_no_valid_one_is_the_clients_fault(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "POST /count HTTP/1.1\r\nHost: a\r\n"
                      "Transfer-Encoding: chunked\r\n\r\nzz\r\n");
    assert_string_equal(scene.answer,
                        CLOSED("400 Bad Request", "16", "400 Bad Request\n"));
    answer_to(&scene, "POST /count HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 5\r\n\r\nhel");
    assert_string_equal(scene.answer,
                        CLOSED("400 Bad Request", "16", "400 Bad Request\n"));
}

static int
send_large_trailers(struct scene *scene)
{
    static char trailers[70000];
    int rc = open_client(scene);

    memset(trailers, 'x', sizeof(trailers) - 1);
    if (rc == 0)
        rc = send_text(scene, "POST /count HTTP/1.1\r\nHost: a\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n"
                              "0\r\nX: ");
    if (rc == 0)
        rc = send_text(scene, trailers);
    if (rc == 0)
        rc = receive_to_end(scene);
    close_client(scene);
    return rc;
}

static void
trailers_past_the_limit_are_431(void **state)
{
    struct scene scene = {.routes = routes, .act = send_large_trailers};

    (void)state;
    assert_plays(&scene);
    assert_true(begins_with(scene.answer, "HTTP/1.1 431 "));
}

/* When the handler has read all that there is, and waits. */
static int
leave_amid_trailers(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, "POST /count HTTP/1.1\r\nHost: a\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n"
                              "3\r\nhel\r\n0\r\nT: 1");
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(20));
    ouro_stream_abort(scene->stream);
    return rc;
}

static void
a_client_may_leave_amid_its_trailers(void **state)
{
    struct scene scene = {.routes = routes, .act = leave_amid_trailers};

    (void)state;
    assert_plays(&scene);
}

static void
reading_and_writing_notice_that_the_task_is_to_end(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "POST /cancelled HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 1\r\n\r\ny");
    assert_int_equal(scene.seen[0], -ECANCELED);
    assert_int_equal(scene.seen[1], -ECANCELED);
    assert_int_equal(scene.seen[2], -EINVAL);
    assert_int_equal(scene.seen[3], 1);
    assert_non_null(strstr(scene.answer, "\r\n\r\ny"));
}

static int
send_five_later(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, "POST /both HTTP/1.1\r\nHost: a\r\n"
                              "Content-Length: 5\r\n\r\n");
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(20));
    if (rc == 0)
        rc = send_text(scene, "hello");
    ouro_stream_write_eof(scene->stream);
    if (rc == 0)
        rc = receive_to_end(scene);
    close_client(scene);
    return rc;
}

static void
one_task_reads_and_one_writes_at_a_time(void **state)
{
    struct scene scene = {.routes = routes, .act = send_five_later};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 5);
    assert_int_equal(scene.seen[1], -EBUSY);
    assert_int_equal(scene.seen[2], 0);
    assert_int_equal(scene.seen[3], -EBUSY);
    assert_true(begins_with(scene.answer, "HTTP/1.1 200 "));
}

enum { UPLOAD = 1000000 };

static int
upload(struct scene *scene)
{
    static uint8_t bytes[UPLOAD];
    int rc = open_client(scene);

    for (size_t i = 0; i < UPLOAD; i++)
        bytes[i] = (uint8_t)i;

    if (rc == 0)
        rc = send_text(scene, scene->note);
    if (rc == 0)
        rc = ouro_stream_write(scene->stream, ouro_slice_of(bytes, UPLOAD));
    if (rc == 0)
        rc = send_text(scene, GET("/now/1"));
    ouro_stream_write_eof(scene->stream);
    if (rc == 0)
        rc = receive_to_end(scene);
    close_client(scene);
    return rc;
}

static void
a_large_upload_is_streamed(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = upload,
        .note = "POST /count HTTP/1.1\r\nHost: a\r\n"
                "Content-Length: 1000000\r\n\r\n",
    };

    (void)state;
    assert_plays(&scene);
    assert_string_equal(scene.answer, TEXT("7", "1000000") TEXT("1", "1"));
}

static void
a_body_that_is_read_slowly_is_the_same(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = upload,
        .note = "POST /slowly HTTP/1.1\r\nHost: a\r\n"
                "Content-Length: 1000000\r\n\r\n",
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 0);
    assert_int_equal(scene.seen[1], UPLOAD);
    assert_string_equal(scene.answer, TEXT("4", "read") TEXT("1", "1"));
}

/* The client reads while it would still send: it must see the answer. */
static int
upload_too_much(struct scene *scene)
{
    static uint8_t bytes[10000];
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, scene->note);
    if (rc == 0)
        rc = receive_until(scene, "\n"); /* it is refused at its head */
    if (rc == 0)
        rc = ouro_stream_write(scene->stream,
                               ouro_slice_of(bytes, sizeof(bytes)));
    if (rc == 0)
        rc = receive_to_end(scene);
    close_client(scene);
    return rc;
}

static void
a_body_past_the_limit_is_413_and_the_client_can_read_it(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = upload_too_much,
        .options = {.body_size = 20000},
        .note = "POST /echo HTTP/1.1\r\nHost: a\r\n"
                "Content-Length: 20001\r\n\r\n",
    };

    (void)state;
    assert_plays(&scene);
    assert_string_equal(scene.answer, CLOSED("413 Content Too Large", "22",
                                             "413 Content Too Large\n"));
}

static int
upload_in_chunks_without_end(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, "POST /echo HTTP/1.1\r\nHost: a\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; rc == 0 && i < 11; i++)
        rc = send_text(scene, "a\r\n0123456789\r\n");
    if (rc == 0)
        rc = receive_to_end(scene);
    close_client(scene);
    return rc;
}

static void
chunks_past_the_limit_are_413(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = upload_in_chunks_without_end,
        .options = {.body_size = 100},
    };

    (void)state;
    assert_plays(&scene);
    assert_true(begins_with(scene.answer, "HTTP/1.1 413 "));
}

/* RFC 9110, 10.1.1. */
static int
expect_to_go_on(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, scene->note);
    if (rc == 0)
        rc = receive_until(scene, "HTTP/1.1 100 Continue\r\n\r\n");
    if (rc == 0)
        rc = send_text(scene, "hello");
    ouro_stream_write_eof(scene->stream);
    if (rc == 0)
        rc = receive_to_end(scene);
    close_client(scene);
    return rc;
}

static void
who_expects_to_go_on_is_told_so(void **state)
{
    struct scene scene = {
        .routes = routes,
        .act = expect_to_go_on,
        .note = "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                "Expect: 100-continue\r\n\r\n",
    };

    (void)state;
    assert_plays(&scene);
    assert_non_null(strstr(scene.answer, "\r\n\r\n5"));

    memcpy(scene.note + 6, "echo ", 5); /* POST /echo */
    memmove(scene.note + 10, scene.note + 11, strlen(scene.note + 11) + 1);
    scene.size = 0;
    assert_plays(&scene);
    assert_non_null(strstr(scene.answer, "\r\n\r\nhello"));
}

static void
who_expects_to_go_on_and_is_refused_is_not_told_so(void **state)
{
    struct scene scene;

    (void)state;
    answer_to(&scene, "POST /nowhere HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_true(begins_with(scene.answer, "HTTP/1.1 404 "));
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_whole_by_length_or_in_chunks),
        cmocka_unit_test(a_body_that_is_read_as_it_comes_is_counted),
        cmocka_unit_test(a_body_that_nobody_reads_is_thrown_away),
        cmocka_unit_test(a_body_that_is_no_valid_one_is_the_clients_fault),
        cmocka_unit_test(trailers_past_the_limit_are_431),
        cmocka_unit_test(a_client_may_leave_amid_its_trailers),
        cmocka_unit_test(reading_and_writing_notice_that_the_task_is_to_end),
        cmocka_unit_test(one_task_reads_and_one_writes_at_a_time),
        cmocka_unit_test(a_large_upload_is_streamed),
        cmocka_unit_test(a_body_that_is_read_slowly_is_the_same),
        cmocka_unit_test(
            a_body_past_the_limit_is_413_and_the_client_can_read_it),
        cmocka_unit_test(chunks_past_the_limit_are_413),
        cmocka_unit_test(who_expects_to_go_on_is_told_so),
        cmocka_unit_test(who_expects_to_go_on_and_is_refused_is_not_told_so),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
