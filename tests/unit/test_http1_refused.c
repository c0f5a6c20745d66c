/* SPDX-License-Identifier: MIT */
/* What the HTTP/1.1 parser refuses, by the section that forbids it, and with
 * which code and status.  See include/ouro/http1_parser.h. */
#include "http1_events.h"
#include "ouro_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct refusal {
    const char *section;
    struct ouro_slice input;
    const char *error; /* without OURO_HTTP1_ */
};

#define HOST    "Host: a\r\n"
#define GET     "GET / HTTP/1.1\r\n"
#define POST    "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define ROW(s, in, er)                                     \
    {                                                      \
        s, {(const uint8_t *)("" in), sizeof(in) - 1}, #er \
    }

static bool
is_refused(enum http1_kind kind, const struct refusal *refusal)
{
    struct http1_events events;
    char expected[128];

    http1_read(&events, kind, refusal->input, NULL, 0, NULL);
    snprintf(expected, sizeof(expected), "error OURO_HTTP1_%s ",
             refusal->error);
    bool same = strstr(events.text, expected) != NULL;
    if (!same)
        print_error("RFC %s: %s is not in\n%s\n", refusal->section, expected,
                    events.text);
    free(events.text);
    return same;
}

#define CHECK_ALL(kind, table)                                         \
    for (size_t i_ = 0; i_ < sizeof(table) / sizeof((table)[0]); i_++) \
    assert_true(is_refused(kind, &(table)[i_]))

static void
lines_that_do_not_end_in_cr_lf(void **state)
{
    static const struct refusal table[] = {
        ROW("9112 2.2", "GET / HTTP/1.1\n" HOST "\r\n", BAD_LINE_END),
        ROW("9112 2.2", "GET / HTTP/1.1\r" HOST "\r\n", BAD_LINE_END),
        ROW("9112 2.2", GET "Host: a\n\r\n", BAD_LINE_END),
        ROW("9112 2.2", GET "Host: a\rb\r\n\r\n", BAD_LINE_END),
        ROW("9112 2.2", GET HOST "\n", BAD_LINE_END),
        ROW("9112 2.2", "\n" GET HOST "\r\n", BAD_LINE_END),
        ROW("9112 2.2", "\r\n\r\n" GET HOST "\r\n", BAD_LINE_END),
        ROW("9112 7.1", CHUNKED "1\na\r\n0\r\n\r\n", BAD_LINE_END),
        ROW("9112 7.1", CHUNKED "1\r\ra\r\n0\r\n\r\n", BAD_LINE_END),
        ROW("9112 7.1", CHUNKED "0\r\n\n", BAD_LINE_END),
    };

    (void)state;
    CHECK_ALL(HTTP1_REQUESTS, table);
}

static void
request_lines_that_are_none(void **state)
{
    static const struct refusal table[] = {
        ROW("9112 3", " GET / HTTP/1.1\r\n" HOST "\r\n", BAD_METHOD),
        ROW("9112 3", "\x16\x03\x01", BAD_METHOD),
        ROW("9112 3", "G(T / HTTP/1.1\r\n" HOST "\r\n", BAD_METHOD),
        ROW("9112 3", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", BAD_METHOD),
        ROW("9112 3", "GET  / HTTP/1.1\r\n" HOST "\r\n", BAD_TARGET),
        ROW("9112 3", "GET / \r\n" HOST "\r\n", BAD_VERSION),
        ROW("9112 3", "GET /\r\n\r\n", BAD_TARGET),
        ROW("9112 3", "GET /  HTTP/1.1\r\n" HOST "\r\n", BAD_VERSION),
        ROW("9112 3", "GET / HTTP/1.1 \r\n" HOST "\r\n", BAD_VERSION),
        ROW("9112 3.2", "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", BAD_TARGET),
        ROW("9112 3.2", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", BAD_TARGET),
        ROW("9112 3.2", "GET /#x HTTP/1.1\r\n" HOST "\r\n", BAD_TARGET),
        ROW("9112 3.2", "GET /a\\b HTTP/1.1\r\n" HOST "\r\n", BAD_TARGET),
        ROW("9112 3.2.1", "GET x HTTP/1.1\r\n" HOST "\r\n", BAD_TARGET),
        ROW("9112 3.2.2", "GET http:// HTTP/1.1\r\n" HOST "\r\n", BAD_TARGET),
        ROW("9110 4.2.4", "GET http://u@b/ HTTP/1.1\r\n" HOST "\r\n",
            BAD_TARGET),
        ROW("9112 3.2.3", "GET a:80 HTTP/1.1\r\n" HOST "\r\n", BAD_TARGET),
        ROW("9112 3.2.3", "CONNECT a HTTP/1.1\r\n" HOST "\r\n", BAD_TARGET),
        ROW("9112 3.2.3", "CONNECT /a HTTP/1.1\r\n" HOST "\r\n", BAD_TARGET),
        ROW("9112 3.2.4", "GET * HTTP/1.1\r\n" HOST "\r\n", BAD_TARGET),
        ROW("9112 2.3", "GET / http/1.1\r\n" HOST "\r\n", BAD_VERSION),
        ROW("9112 2.3", "GET / HTTP/1.\r\n" HOST "\r\n", BAD_VERSION),
        ROW("9112 2.3", "GET / HTTP/1.10\r\n" HOST "\r\n", BAD_VERSION),
        ROW("9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            UNSUPPORTED_VERSION),
    };

    (void)state;
    CHECK_ALL(HTTP1_REQUESTS, table);
}

static void
fields_that_are_none(void **state)
{
    static const struct refusal table[] = {
        ROW("9112 5.2", GET HOST "X: a\r\n b\r\n\r\n", FOLDED_FIELD),
        ROW("9112 2.2", GET " Host: a\r\n\r\n", FOLDED_FIELD),
        ROW("9112 5.1", GET "Host : a\r\n\r\n", SPACE_BEFORE_COLON),
        ROW("9112 5.1", GET "Host\t: a\r\n\r\n", SPACE_BEFORE_COLON),
        ROW("9112 5.1", GET ": a\r\n\r\n", BAD_FIELD_NAME),
        ROW("9112 5.1", GET "Ho(st: a\r\n\r\n", BAD_FIELD_NAME),
        ROW("9112 5.1", GET "Host\0: a\r\n\r\n", BAD_FIELD_NAME),
        ROW("9112 5.1", GET "Host\r\n\r\n", BAD_FIELD_NAME),
        ROW("9110 5.5", GET HOST "X: a\0b\r\n\r\n", BAD_FIELD_VALUE),
        ROW("9110 5.5", GET HOST "X: a\x0b\r\n\r\n", BAD_FIELD_VALUE),
        ROW("9110 5.5", GET HOST "X: a\x7f\r\n\r\n", BAD_FIELD_VALUE),
    };

    (void)state;
    CHECK_ALL(HTTP1_REQUESTS, table);
}

static void
hosts_that_are_none_or_not_one(void **state)
{
    static const struct refusal table[] = {
        ROW("9112 3.2", GET "\r\n", NO_HOST),
        ROW("9112 3.2", GET HOST HOST "\r\n", REPEATED_HOST),
        ROW("9112 3.2", GET "Host: a b\r\n\r\n", BAD_HOST),
        ROW("9112 3.2", GET "Host: a/b\r\n\r\n", BAD_HOST),
        ROW("9112 3.2", GET "Host: u@a\r\n\r\n", BAD_HOST),
        ROW("9112 3.2", GET "Host: a, b\r\n\r\n", BAD_HOST),
        ROW("9112 3.2", GET "Host: a:x\r\n\r\n", BAD_HOST),
        ROW("9112 3.2", GET "Host: a:65536\r\n\r\n", BAD_HOST),
        ROW("9112 3.2", GET "Host: a%2\r\n\r\n", BAD_HOST),
        ROW("9112 3.2", GET "Host: :80\r\n\r\n", BAD_HOST),
        ROW("3986 3.2.2", GET "Host: [::1\r\n\r\n", BAD_HOST),
        ROW("3986 3.2.2", GET "Host: [::g]\r\n\r\n", BAD_HOST),
        ROW("3986 3.2.2", GET "Host: [::1]x\r\n\r\n", BAD_HOST),
    };

    (void)state;
    CHECK_ALL(HTTP1_REQUESTS, table);
}

#define LENGTH(value) POST "Content-Length: " value "\r\n\r\n"
#define CODING(value) POST "Transfer-Encoding: " value "\r\n\r\n"

static void
bodies_with_two_ends(void **state)
{
    static const struct refusal table[] = {
        ROW("9112 6.3", LENGTH("1\r\nTransfer-Encoding: chunked"),
            LENGTH_AND_ENCODING),
        ROW("9112 6.3", LENGTH("1\r\nContent-Length: 2"),
            REPEATED_CONTENT_LENGTH),
        ROW("9112 6.3", LENGTH("1\r\nContent-Length: 1"),
            REPEATED_CONTENT_LENGTH),
        ROW("9110 8.6", LENGTH("1, 1"), BAD_CONTENT_LENGTH),
        ROW("9110 8.6", LENGTH("+1"), BAD_CONTENT_LENGTH),
        ROW("9110 8.6", LENGTH("-1"), BAD_CONTENT_LENGTH),
        ROW("9110 8.6", LENGTH("0x1"), BAD_CONTENT_LENGTH),
        ROW("9110 8.6", LENGTH("1 1"), BAD_CONTENT_LENGTH),
        ROW("9110 8.6", LENGTH(""), BAD_CONTENT_LENGTH),
        ROW("9110 8.6", LENGTH("9223372036854775808"), BAD_CONTENT_LENGTH),
        ROW("9112 6.1", CODING("gzip"), BAD_TRANSFER_ENCODING),
        ROW("9112 6.1", CODING("chunked, gzip"), BAD_TRANSFER_ENCODING),
        ROW("9112 6.1", CODING("xchunked"), BAD_TRANSFER_ENCODING),
        ROW("9112 6.1", CODING("chunked;q=1"), BAD_TRANSFER_ENCODING),
        ROW("9112 6.1", CODING("chunked\r\nTransfer-Encoding: chunked"),
            BAD_TRANSFER_ENCODING),
        ROW("9112 6.1", CODING(", chunked"), BAD_TRANSFER_ENCODING),
        ROW("9112 6.1", CODING(""), BAD_TRANSFER_ENCODING),
        ROW("9112 6.1", CODING("gzip, chunked"), UNSUPPORTED_TRANSFER_ENCODING),
        ROW("9112 6.1", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            ENCODING_IN_HTTP_1_0),
        ROW("9110 9.3.6",
            "CONNECT a:1 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx",
            CONNECT_WITH_BODY),
        ROW("9110 10.1.1", POST "Expect: 200-ok\r\n\r\n", UNKNOWN_EXPECTATION),
    };

    (void)state;
    CHECK_ALL(HTTP1_REQUESTS, table);
}

static void
chunks_that_are_none(void **state)
{
    static const struct refusal table[] = {
        ROW("9112 7.1", CHUNKED "\r\n", BAD_CHUNK_SIZE),
        ROW("9112 7.1", CHUNKED "g\r\n", BAD_CHUNK_SIZE),
        ROW("9112 7.1", CHUNKED "-1\r\n", BAD_CHUNK_SIZE),
        ROW("9112 7.1", CHUNKED "+1\r\n", BAD_CHUNK_SIZE),
        ROW("9112 7.1", CHUNKED " 1\r\n", BAD_CHUNK_SIZE),
        ROW("9112 7.1", CHUNKED "0x1\r\n", BAD_CHUNK_SIZE),
        ROW("9112 7.1", CHUNKED "8000000000000000\r\n", BAD_CHUNK_SIZE),
        ROW("9112 7.1", CHUNKED "00000000000000001\r\n", BAD_CHUNK_SIZE),
        ROW("9112 7.1", CHUNKED "1\r\nab\r\n", BAD_CHUNK_END),
        ROW("9112 7.1", CHUNKED "1\r\na\r1\r\n", BAD_CHUNK_END),
        ROW("9112 7.1", CHUNKED "1\r\na\n0\r\n\r\n", BAD_CHUNK_END),
        ROW("9112 7.1.1", CHUNKED "1 \r\na", BAD_CHUNK_EXTENSION),
        ROW("9112 7.1.1", CHUNKED "1;\r\na", BAD_CHUNK_EXTENSION),
        ROW("9112 7.1.1", CHUNKED "1;a=\r\na", BAD_CHUNK_EXTENSION),
        ROW("9112 7.1.1", CHUNKED "1;a b\r\na", BAD_CHUNK_EXTENSION),
        ROW("9112 7.1.1", CHUNKED "1;a=\"\n\"\r\na", BAD_CHUNK_EXTENSION),
        ROW("9112 7.1.1", CHUNKED "1;a=\"b\"c\r\na", BAD_CHUNK_EXTENSION),
        ROW("9112 7.1.1", CHUNKED "1;a\nb\r\na", BAD_LINE_END),
        ROW("9112 7.1.2", CHUNKED "0\r\nX : y\r\n\r\n", SPACE_BEFORE_COLON),
        ROW("9110 6.5.1", CHUNKED "0\r\nHOST: y\r\n\r\n", BAD_TRAILER),
        ROW("9110 6.5.1", CHUNKED "0\r\nTransfer-Encoding: y\r\n\r\n",
            BAD_TRAILER),
    };

    (void)state;
    CHECK_ALL(HTTP1_REQUESTS, table);
}

static void
status_lines_that_are_none(void **state)
{
    static const struct refusal table[] = {
        ROW("9112 4", "ICY 200 OK\r\n\r\n", BAD_VERSION),
        ROW("9112 4", "HTTP/1.1  200 OK\r\n\r\n", BAD_STATUS),
        ROW("9112 4", "HTTP/1.1 20 OK\r\n\r\n", BAD_STATUS),
        ROW("9112 4", "HTTP/1.1 2000 OK\r\n\r\n", BAD_STATUS),
        ROW("9110 15", "HTTP/1.1 099 OK\r\n\r\n", BAD_STATUS),
        ROW("9112 4", "HTTP/1.1 200 O\x01K\r\n\r\n", BAD_REASON),
        ROW("9112 4", "HTTP/2.0 200 OK\r\n\r\n", UNSUPPORTED_VERSION),
        ROW("9112 6.3",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
            "Transfer-Encoding: chunked\r\n\r\n",
            LENGTH_AND_ENCODING),
    };

    (void)state;
    CHECK_ALL(HTTP1_RESPONSES, table);
}

static void
each_error_has_a_name_and_a_status(void **state)
{
    (void)state;

    for (int i = 0; i <= OURO_HTTP1_BAD_TRAILER; i++) {
        enum ouro_http1_error error = (enum ouro_http1_error)i;
        int status = ouro_http1_error_status(error);

        assert_memory_equal(ouro_http1_error_name(error), "OURO_HTTP1_", 11);
        assert_in_range(status, 400, 505);
    }
    assert_string_equal(ouro_http1_error_name((enum ouro_http1_error)99),
                        "unknown");
    assert_int_equal(ouro_http1_error_status(OURO_HTTP1_LINE_TOO_LONG), 414);
    assert_int_equal(ouro_http1_error_status(OURO_HTTP1_TOO_MANY_FIELDS), 431);
    assert_int_equal(ouro_http1_error_status(OURO_HTTP1_BODY_TOO_LARGE), 413);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_do_not_end_in_cr_lf),
        cmocka_unit_test(request_lines_that_are_none),
        cmocka_unit_test(fields_that_are_none),
        cmocka_unit_test(hosts_that_are_none_or_not_one),
        cmocka_unit_test(bodies_with_two_ends),
        cmocka_unit_test(chunks_that_are_none),
        cmocka_unit_test(status_lines_that_are_none),
        cmocka_unit_test(each_error_has_a_name_and_a_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
