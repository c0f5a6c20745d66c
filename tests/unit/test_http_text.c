/* SPDX-License-Identifier: MIT */
/* Texts of HTTP: statuses, dates, numbers, names. */
#include "ouro_test.h"

#include "../../protocols/http_text.h"

#include <string.h>

static struct ouro_slice
slice(const char *text)
{
    return ouro_slice_of(text, strlen(text));
}

static void
a_status_has_its_line_also_without_a_name(void **state)
{
    char line[OURO__HTTP_STATUS_LINE];

    (void)state;
    assert_int_equal(ouro__http_status_line(200, line), 17);
    assert_memory_equal(line, "HTTP/1.1 200 OK\r\n", 17);
    assert_int_equal(ouro__http_status_line(599, line), 15);
    assert_memory_equal(line, "HTTP/1.1 599 \r\n", 15);
    for (int status = 100; status < 600; status++)
        assert_in_range(ouro__http_status_line(status, line), 15,
                        OURO__HTTP_STATUS_LINE - 1);
}

/* RFC 9110, 5.6.7. */
static void
a_date_is_written_and_read_alike(void **state)
{
    static const time_t times[] = {0, 784111777, 951782400, 4102444799};
    char text[OURO__HTTP_DATE];

    (void)state;
    ouro__http_date(784111777, text);
    assert_memory_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT", sizeof(text));
    for (size_t i = 0; i < 4; i++) {
        ouro__http_date(times[i], text);
        assert_int_equal(
            ouro__http_date_parse(ouro_slice_of(text, sizeof(text))), times[i]);
    }
}

static void
a_date_that_is_too_far_is_the_first(void **state)
{
    char text[OURO__HTTP_DATE];

    (void)state;
    ouro__http_date((time_t)INT64_MAX, text);
    assert_memory_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT", sizeof(text));
}

/* Those of RFC 850 have two digits of the year: what would be far from now in
 * the future was a century before. */
static void
dates_of_old_are_read_too(void **state)
{
    static const struct {
        const char *text;
        time_t when;
    } dates[] = {
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Thu Jan  1 00:00:00 1970", 0},
        {"Tuesday, 29-Feb-00 00:00:00 GMT", 951782400},
        {"Tue Feb 29 00:00:00 2000", 951782400},
        {"Saturday, 15-Jun-30 12:00:00 GMT", 1907755200},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
        assert_int_equal(ouro__http_date_parse(slice(dates[i].text)),
                         dates[i].when);
}

static void
what_is_no_date_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37 GMt",
        "Mon, 06 Nov 1994 08:49:37 GMT", /* it was a Sunday */
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37",
        "Monday, 06-Nov-94 08:49:37 GMT",
        "Sunday, 31-Feb-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Nov 06 08:49:37 1994",
        "Mon Nov  6 08:49:37 1994",
        "Sunday, 06-Nov-94 08:49:37 GMT and what is longer than any date",
        "Sun, 06 Xyz 1994 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(ouro__http_date_parse(slice(texts[i])), -1);
}

static void
a_number_has_all_of_its_digits(void **state)
{
    char text[OURO__HTTP_NUMBER];

    (void)state;
    assert_int_equal(ouro__http_number(0, text), 1);
    assert_memory_equal(text, "0", 1);
    assert_int_equal(ouro__http_number(UINT64_MAX, text), 20);
    assert_memory_equal(text, "18446744073709551615", 20);
}

static void
a_token_and_a_value_are_what_rfc_9110_says(void **state)
{
    (void)state;
    assert_true(ouro__http_is_token(slice("X-A_1!#$%&'*+.^`|~")));
    assert_false(ouro__http_is_token(slice("")));
    assert_false(ouro__http_is_token(slice("a b")));
    assert_false(ouro__http_is_token(slice("a:")));
    assert_false(ouro__http_is_token(slice("\xc3\xa9")));
    assert_true(ouro__http_is_value(slice("a\tb \xc3\xa9")));
    assert_false(ouro__http_is_value(slice("a\r\nb")));
    assert_false(ouro__http_is_value(ouro_slice_of("a\0b", 3)));
    assert_false(ouro__http_is_value(slice("\x7f")));
}

static void
a_list_has_its_items_and_no_parts_of_them(void **state)
{
    (void)state;
    assert_true(ouro__http_list_has(slice("br, GZIP ,x"), "gzip"));
    assert_true(ouro__http_list_has(slice("gzip"), "gzip"));
    assert_false(ouro__http_list_has(slice("xgzip, gzipx"), "gzip"));
    assert_false(ouro__http_list_has(slice(""), "gzip"));
}

/* RFC 9110, 12.5.3 and 12.4.2: a weight of zero is a refusal. */
static void
an_item_with_a_weight_is_there_unless_that_is_zero(void **state)
{
    (void)state;
    assert_true(ouro__http_list_has(slice("br;q=1.0, gzip;q=0.5"), "gzip"));
    assert_true(ouro__http_list_has(slice("gzip ; q=0.001"), "gzip"));
    assert_false(ouro__http_list_has(slice("gzip;q=0"), "gzip"));
    assert_false(ouro__http_list_has(slice("gzip; q=0.000, br"), "gzip"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_has_its_line_also_without_a_name),
        cmocka_unit_test(a_date_is_written_and_read_alike),
        cmocka_unit_test(a_date_that_is_too_far_is_the_first),
        cmocka_unit_test(dates_of_old_are_read_too),
        cmocka_unit_test(what_is_no_date_is_none),
        cmocka_unit_test(a_number_has_all_of_its_digits),
        cmocka_unit_test(a_token_and_a_value_are_what_rfc_9110_says),
        cmocka_unit_test(a_list_has_its_items_and_no_parts_of_them),
        cmocka_unit_test(an_item_with_a_weight_is_there_unless_that_is_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
