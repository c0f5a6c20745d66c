/* SPDX-License-Identifier: MIT */
/* What is written can be read again.  See include/ouro/http1_writer.h. */
#include "ouro_test.h"

#include <string.h>

static void
a_request_comes_back_as_it_was_written(void **state)
{
    uint8_t text[256];
    struct ouro_http1_writer writer;
    struct ouro_http1_head head;
    struct ouro_http1_field fields[4];

    (void)state;
    ouro_http1_writer_init(&writer, text, sizeof(text));
    ouro_http1_write_request_line(&writer, OURO_BYTES("GET"),
                                  OURO_BYTES("/a?b"));
    ouro_http1_write_field(&writer, OURO_BYTES("Host"), OURO_BYTES("a:1"));
    ouro_http1_write_field(&writer, OURO_BYTES("Empty"), OURO_BYTES(""));
    ssize_t size = ouro_http1_write_end(&writer);
    ouro_http1_head_init(&head, fields, 4);

    assert_int_equal(size, 41);
    assert_int_equal(
        ouro_http1_read_request(&head, ouro_slice_of(text, (size_t)size), NULL),
        size);
    assert_memory_equal(head.target.data, "/a?b", 4);
    assert_int_equal(head.fields.count, 2);
    assert_memory_equal(fields[0].value.data, "a:1", 3);
}

static void
a_response_comes_back_as_it_was_written(void **state)
{
    uint8_t text[256];
    struct ouro_http1_writer writer;
    struct ouro_http1_head head;
    struct ouro_http1_field fields[4];

    (void)state;
    ouro_http1_writer_init(&writer, text, sizeof(text));
    ouro_http1_write_status_line(&writer, 404, OURO_BYTES("Not Found"));
    ouro_http1_write_field(&writer, OURO_BYTES("Content-Length"),
                           OURO_BYTES("12"));
    ssize_t size = ouro_http1_write_end(&writer);
    ouro_http1_head_init(&head, fields, 4);

    assert_int_equal(ouro_http1_read_response(&head,
                                              ouro_slice_of(text, (size_t)size),
                                              OURO_HTTP1_ASKED, NULL),
                     size);
    assert_int_equal(head.status, 404);
    assert_memory_equal(head.reason.data, "Not Found", 9);
    assert_int_equal(head.content_length, 12);
}

/* Write one field, and end. */
static ssize_t
write_field(size_t room, struct ouro_slice name, struct ouro_slice value)
{
    uint8_t text[64];
    struct ouro_http1_writer writer;

    ouro_http1_writer_init(&writer, text, room);
    ouro_http1_write_field(&writer, name, value);
    return ouro_http1_write_end(&writer);
}

/* RFC 9110, 5.5: a value from outside is no second field. */
static void
a_field_cannot_be_split(void **state)
{
    (void)state;
    assert_err(write_field(64, OURO_BYTES("A"), OURO_BYTES("b\r\nC: d")),
               EINVAL);
    assert_err(write_field(64, OURO_BYTES("A"), OURO_BYTES("b\0")), EINVAL);
    assert_err(write_field(64, OURO_BYTES("A"), OURO_BYTES(" b")), EINVAL);
    assert_err(write_field(64, OURO_BYTES("A:"), OURO_BYTES("b")), EINVAL);
    assert_err(write_field(64, OURO_BYTES(""), OURO_BYTES("b")), EINVAL);
}

static void
the_first_line_cannot_be_split_either(void **state)
{
    uint8_t text[64];
    struct ouro_http1_writer writer;

    (void)state;
    ouro_http1_writer_init(&writer, text, sizeof(text));
    ouro_http1_write_request_line(&writer, OURO_BYTES("GET"),
                                  OURO_BYTES("/ x"));
    assert_err(ouro_http1_write_end(&writer), EINVAL);
    ouro_http1_writer_init(&writer, text, sizeof(text));
    ouro_http1_write_status_line(&writer, 1000, OURO_BYTES(""));
    assert_err(ouro_http1_write_end(&writer), EINVAL);
    ouro_http1_writer_init(&writer, text, sizeof(text));
    ouro_http1_write_status_line(&writer, 200, OURO_BYTES("\r\n"));
    assert_err(ouro_http1_write_end(&writer), EINVAL);
}

static void
it_fits_exactly_or_not_at_all(void **state)
{
    (void)state;
    assert_int_equal(write_field(8, OURO_BYTES("A"), OURO_BYTES("b")), 8);
    assert_err(write_field(7, OURO_BYTES("A"), OURO_BYTES("b")), ENOBUFS);
}

static void
a_chunk_comes_back_as_it_was_written(void **state)
{
    uint8_t line[OURO_HTTP1_CHUNK_LINE];
    struct ouro_slice bytes = ouro_http1_chunk_line(0x1234abcd, line);
    const struct ouro_http1_head head = {.framing = OURO_HTTP1_CHUNKED};
    struct ouro_http1_body body;
    struct ouro_slice data;

    (void)state;
    assert_int_equal(bytes.size, 10);
    assert_memory_equal(bytes.data, "1234abcd\r\n", 10);
    assert_int_equal(ouro_http1_chunk_line(UINT64_MAX, line).size, 18);

    bytes = ouro_http1_chunk_line(3, line);
    ouro_http1_body_init(&body, &head, NULL);
    assert_int_equal(ouro_http1_body_read(&body, &bytes, &data, NULL),
                     OURO_HTTP1_MORE);
    bytes = OURO_BYTES("abc");
    assert_int_equal(ouro_http1_body_read(&body, &bytes, &data, NULL),
                     OURO_HTTP1_DATA);
    bytes = OURO_HTTP1_CHUNK_CRLF;
    assert_int_equal(ouro_http1_body_read(&body, &bytes, &data, NULL),
                     OURO_HTTP1_MORE);
    bytes = OURO_HTTP1_LAST_CHUNK;
    assert_int_equal(ouro_http1_body_read(&body, &bytes, &data, NULL),
                     OURO_HTTP1_END);
    assert_int_equal(bytes.size, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_comes_back_as_it_was_written),
        cmocka_unit_test(a_response_comes_back_as_it_was_written),
        cmocka_unit_test(a_field_cannot_be_split),
        cmocka_unit_test(the_first_line_cannot_be_split_either),
        cmocka_unit_test(it_fits_exactly_or_not_at_all),
        cmocka_unit_test(a_chunk_comes_back_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
