/* SPDX-License-Identifier: MIT */
/* Limits of heads, their fields, and bytes that move.  What heads mean is in
 * test_http1_corpus.c.  See include/ouro/http1_parser.h. */
#include "ouro_test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct fixture {
    struct ouro_http1_head head;
    struct ouro_http1_field fields[3];
    struct ouro_http1_limits limits;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    ouro_http1_head_init(&f->head, f->fields, 3);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    free(*state);
    return 0;
}

static ssize_t
read_request(struct fixture *f, const char *text)
{
    return ouro_http1_read_request(&f->head, ouro_slice_of(text, strlen(text)),
                                   &f->limits);
}

static void
a_head_says_where_it_ends(void **state)
{
    ssize_t size =
        read_request(*state, "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody");

    assert_int_equal(size, 27);
}

static void
a_first_line_may_have_as_many_bytes_as_its_limit(void **state)
{
    struct fixture *f = *state;

    f->limits.start_line_size = 14;
    assert_int_equal(read_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 27);
}

static void
one_more_is_too_long_before_its_end_has_come(void **state)
{
    struct fixture *f = *state;

    f->limits.start_line_size = 13;
    assert_int_equal(read_request(f, "GET / HTTP/1.1"), 0);
    assert_err(read_request(f, "GET / HTTP/1.1\r"), OURO_ELIMIT);
    assert_int_equal(f->head.error, OURO_HTTP1_LINE_TOO_LONG);
}

static void
fields_may_have_as_many_bytes_as_their_limit(void **state)
{
    struct fixture *f = *state;

    f->limits.fields_size = 11;
    assert_int_equal(read_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 27);
}

static void
fields_that_cannot_end_within_it_are_refused(void **state)
{
    struct fixture *f = *state;

    f->limits.fields_size = 10;
    assert_int_equal(read_request(f, "GET / HTTP/1.1\r\nHost: a\r\n"), 0);
    assert_err(read_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r"), OURO_ELIMIT);
    assert_int_equal(f->head.error, OURO_HTTP1_FIELDS_TOO_LARGE);
}

static void
the_usual_limit_of_a_first_line_is_8_kib(void **state)
{
    struct fixture *f = *state;
    char line[OURO_KIB(8) + 3];

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    line[sizeof(line) - 2] = '\0';
    assert_int_equal(read_request(f, line), 0);
    line[sizeof(line) - 2] = 'x';
    assert_err(read_request(f, line), OURO_ELIMIT);
}

static void
there_may_be_as_many_fields_as_there_is_room(void **state)
{
    struct fixture *f = *state;

    assert_err(read_request(f, "GET / HTTP/1.1\r\nHost: a\r\nB: \r\nC: \r\nD: "
                               "\r\n"),
               OURO_ELIMIT);
    assert_int_equal(f->head.error, OURO_HTTP1_TOO_MANY_FIELDS);
    assert_int_equal(f->head.fields.count, 3);
}

static void
what_was_refused_stays_refused(void **state)
{
    struct fixture *f = *state;

    assert_err(read_request(f, "GET / HTTP/3.0\r\n"), EBADMSG);
    assert_err(read_request(f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), EBADMSG);
}

static void
a_field_is_found_in_any_case_of_letters(void **state)
{
    struct fixture *f = *state;

    assert_true(read_request(f, "GET / HTTP/1.1\r\nHOST: a\r\nx-b: 1\r\n"
                                "X-B: 2\r\n\r\n")
                > 0);

    struct ouro_slice value = ouro_http1_fields_find(&f->head.fields, "X-b");
    assert_int_equal(value.size, 1);
    assert_int_equal(value.data[0], '1');
    assert_null(ouro_http1_fields_find(&f->head.fields, "X").data);
}

static void
it_asks_nothing_of_the_bytes_behind_it(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n\0\n\r";

    assert_int_equal(ouro_http1_read_response(
                         &f->head, ouro_slice_of(text, sizeof(text) - 1),
                         OURO_HTTP1_ASKED, NULL),
                     25);
    assert_int_equal(f->head.status, 200);
    assert_int_equal(f->head.framing, OURO_HTTP1_UNTIL_CLOSE);
}

/* Read a request whose target or field has `byte` at `place` of forty. */
static bool
is_taken(size_t before, size_t place, int byte)
{
    char text[] = "GET /0123456789012345678901234567890123456789 HTTP/1.1\r\n"
                  "Host: a\r\n"
                  "X: x0123456789012345678901234567890123456789x\r\n\r\n";
    struct ouro_http1_head head;
    struct ouro_http1_field fields[2];

    text[before + place] = (char)byte;
    ouro_http1_head_init(&head, fields, 2);
    return ouro_http1_read_request(&head, ouro_slice_of(text, sizeof(text) - 1),
                                   NULL)
           > 0;
}

/* RFC 3986, 3.3 and 3.4, and what browsers leave as it is in a query. */
static void
a_target_has_the_same_bytes_at_any_place(void **state)
{
    static const size_t before = sizeof("GET /") - 1;

    (void)state;
    for (size_t place = 0; place < 40; place++) {
        for (int byte = 1; byte < 256; byte++) {
            bool allowed =
                byte > 0x20 && byte < 0x7f && strchr("\"#<>\\", byte) == NULL;

            assert_int_equal(is_taken(before, place, byte), allowed);
        }
        assert_false(is_taken(before, place, 0));
    }
}

/* RFC 9110, 5.5. */
static void
a_value_has_the_same_bytes_at_any_place(void **state)
{
    static const size_t before =
        sizeof("GET /") - 1 + 40 + sizeof(" HTTP/1.1\r\nHost: a\r\nX: x") - 1;

    (void)state;
    for (size_t place = 0; place < 40; place++) {
        for (int byte = 0; byte < 256; byte++) {
            bool allowed = byte == '\t' || (byte >= 0x20 && byte != 0x7f);

            assert_int_equal(is_taken(before, place, byte), allowed);
        }
    }
}

/* A slow sender must not cost more the longer its line is.  The first page has
 * what was read already: to look at it is a fault. */
static void
bytes_without_a_new_line_end_are_looked_at_once(void **state)
{
    struct fixture *f = *state;
    static const char begin[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *bytes = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(bytes != MAP_FAILED);
    memset(bytes, 'x', 2 * page);
    memcpy(bytes, begin, sizeof(begin) - 1);
    assert_int_equal(
        ouro_http1_read_request(&f->head, ouro_slice_of(bytes, page), NULL), 0);
    assert_ok(mprotect(bytes, page, PROT_NONE));
    for (size_t i = 1; i <= 100; i++)
        assert_int_equal(ouro_http1_read_request(
                             &f->head, ouro_slice_of(bytes, page + i), NULL),
                         0);

    assert_ok(mprotect(bytes, page, PROT_READ));
    memcpy(bytes + page + 100, "\r\n\r\n", 4);
    assert_int_equal(ouro_http1_read_request(
                         &f->head, ouro_slice_of(bytes, page + 104), NULL),
                     page + 104);
    assert_ok(munmap(bytes, 2 * page));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_head_says_where_it_ends),
        TEST(a_first_line_may_have_as_many_bytes_as_its_limit),
        TEST(one_more_is_too_long_before_its_end_has_come),
        TEST(fields_may_have_as_many_bytes_as_their_limit),
        TEST(fields_that_cannot_end_within_it_are_refused),
        TEST(the_usual_limit_of_a_first_line_is_8_kib),
        TEST(there_may_be_as_many_fields_as_there_is_room),
        TEST(what_was_refused_stays_refused),
        TEST(a_field_is_found_in_any_case_of_letters),
        TEST(it_asks_nothing_of_the_bytes_behind_it),
        TEST(a_target_has_the_same_bytes_at_any_place),
        TEST(a_value_has_the_same_bytes_at_any_place),
        TEST(bytes_without_a_new_line_end_are_looked_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
