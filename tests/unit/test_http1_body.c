/* SPDX-License-Identifier: MIT */
/* Limits and ends of bodies.  What bodies are is in test_http1_corpus.c.  See
 * include/ouro/http1_parser.h. */
#include "ouro_test.h"

#include <string.h>

/* Begin a body of that kind, and read `text` to its first result but data. */
static int
read_all(struct ouro_http1_body *body, enum ouro_http1_framing framing,
         int64_t length, const struct ouro_http1_limits *limits,
         const char *text)
{
    struct ouro_http1_head head = {.framing = framing,
                                   .content_length = length};
    struct ouro_slice bytes = ouro_slice_of(text, strlen(text));
    struct ouro_slice data;
    int rc;

    ouro_http1_body_init(body, &head, limits);
    do
        rc = ouro_http1_body_read(body, &bytes, &data, NULL);
    while (rc == OURO_HTTP1_DATA);
    return rc;
}

static void
a_length_over_the_limit_is_refused_at_once(void **state)
{
    const struct ouro_http1_limits limits = {.body_size = 4};
    struct ouro_http1_body body;

    (void)state;
    assert_err(read_all(&body, OURO_HTTP1_LENGTH, 5, &limits, ""), OURO_ELIMIT);
    assert_int_equal(body.error, OURO_HTTP1_BODY_TOO_LARGE);
    assert_int_equal(read_all(&body, OURO_HTTP1_LENGTH, 4, &limits, "abcd"),
                     OURO_HTTP1_END);
}

static void
chunks_over_the_limit_are_refused_at_the_size_of_the_last(void **state)
{
    const struct ouro_http1_limits limits = {.body_size = 4};
    struct ouro_http1_body body;

    (void)state;
    assert_err(
        read_all(&body, OURO_HTTP1_CHUNKED, -1, &limits, "3\r\nabc\r\n2\r\n"),
        OURO_ELIMIT);
    assert_int_equal(body.error, OURO_HTTP1_BODY_TOO_LARGE);
    assert_int_equal(read_all(&body, OURO_HTTP1_CHUNKED, -1, &limits,
                              "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"),
                     OURO_HTTP1_END);
}

static void
a_body_that_ends_with_the_connection_has_the_limit_too(void **state)
{
    const struct ouro_http1_limits limits = {.body_size = 4};
    struct ouro_http1_body body;

    (void)state;
    assert_int_equal(
        read_all(&body, OURO_HTTP1_UNTIL_CLOSE, -1, &limits, "abcd"),
        OURO_HTTP1_MORE);
    assert_err(read_all(&body, OURO_HTTP1_UNTIL_CLOSE, -1, &limits, "abcde"),
               OURO_ELIMIT);
}

static void
there_may_be_any_number_of_chunks(void **state)
{
    struct ouro_http1_body body;

    (void)state;
    assert_int_equal(
        read_all(&body, OURO_HTTP1_CHUNKED, -1, NULL,
                 "001\r\na\r\n002\r\nbc\r\n003\r\ndef\r\n004\r\nghij\r\n"
                 "005\r\nklmno\r\n006\r\npqrstu\r\n0\r\n\r\n"),
        OURO_HTTP1_END);
}

static void
extensions_are_limited_over_all_chunks(void **state)
{
    const struct ouro_http1_limits limits = {.extensions_size = 6};
    struct ouro_http1_body body;

    (void)state;
    assert_err(read_all(&body, OURO_HTTP1_CHUNKED, -1, &limits,
                        "1;abc\r\na\r\n1;abc\r\n"),
               OURO_ELIMIT);
    assert_int_equal(body.error, OURO_HTTP1_EXTENSIONS_TOO_LARGE);
}

static void
trailers_have_the_limit_of_fields(void **state)
{
    const struct ouro_http1_limits limits = {.fields_size = 8};
    struct ouro_http1_body body;

    (void)state;
    assert_int_equal(
        read_all(&body, OURO_HTTP1_CHUNKED, -1, &limits, "0\r\nA: b\r\n\r\n"),
        OURO_HTTP1_END);
    assert_err(
        read_all(&body, OURO_HTTP1_CHUNKED, -1, &limits, "0\r\nA: bc\r\n\r\n"),
        OURO_ELIMIT);
    assert_int_equal(body.error, OURO_HTTP1_FIELDS_TOO_LARGE);
}

static void
the_end_of_the_connection_ends_only_a_body_that_ends_with_it(void **state)
{
    struct ouro_http1_body body;

    (void)state;
    assert_int_equal(read_all(&body, OURO_HTTP1_UNTIL_CLOSE, -1, NULL, "ab"),
                     OURO_HTTP1_MORE);
    assert_ok(ouro_http1_body_eof(&body));
    assert_int_equal(read_all(&body, OURO_HTTP1_LENGTH, 3, NULL, "ab"),
                     OURO_HTTP1_MORE);
    assert_err(ouro_http1_body_eof(&body), OURO_EINCOMPLETE);
    assert_int_equal(read_all(&body, OURO_HTTP1_CHUNKED, -1, NULL, "0\r\n"),
                     OURO_HTTP1_MORE);
    assert_err(ouro_http1_body_eof(&body), OURO_EINCOMPLETE);
    assert_int_equal(read_all(&body, OURO_HTTP1_NO_BODY, -1, NULL, "next"),
                     OURO_HTTP1_END);
    assert_ok(ouro_http1_body_eof(&body));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_over_the_limit_is_refused_at_once),
        cmocka_unit_test(
            chunks_over_the_limit_are_refused_at_the_size_of_the_last),
        cmocka_unit_test(
            a_body_that_ends_with_the_connection_has_the_limit_too),
        cmocka_unit_test(there_may_be_any_number_of_chunks),
        cmocka_unit_test(extensions_are_limited_over_all_chunks),
        cmocka_unit_test(trailers_have_the_limit_of_fields),
        cmocka_unit_test(
            the_end_of_the_connection_ends_only_a_body_that_ends_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
