/* SPDX-License-Identifier: MIT */
/* What addresses promise.  See include/ouro/address.h. */
#include "ouro_test.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* What `text` is read as and written again; "refused" if it is no literal. */
static const char *
read_and_write(const char *text, uint16_t port)
{
    static char again[OURO_ADDRESS_TEXT];
    struct ouro_address address;

    if (ouro_address_parse(&address, text, port) < 0)
        return "refused";
    return ouro_address_format(&address, again);
}

static struct ouro_address
unix_address(const char *path, size_t size)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct ouro_address address = {
        .size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size),
    };

    memcpy(un.sun_path, path, size);
    memcpy(&address.of, &un, sizeof(un));
    return address;
}

static void
a_v4_literal_is_read(void **state)
{
    struct ouro_address address;

    (void)state;
    assert_ok(ouro_address_parse(&address, "127.0.0.1", 80));

    assert_int_equal(address.of.v4.sin_family, AF_INET);
    assert_int_equal(address.size, sizeof(struct sockaddr_in));
    assert_int_equal(ouro_address_port(&address), 80);
    assert_string_equal(read_and_write("127.0.0.1", 80), "127.0.0.1:80");
}

static void
a_v6_literal_is_read_and_gets_brackets(void **state)
{
    struct ouro_address address;

    (void)state;
    assert_ok(ouro_address_parse(&address, "::1", 65535));

    assert_int_equal(address.of.v6.sin6_family, AF_INET6);
    assert_int_equal(address.size, sizeof(struct sockaddr_in6));
    assert_int_equal(ouro_address_port(&address), 65535);
    assert_string_equal(read_and_write("::1", 65535), "[::1]:65535");
    assert_string_equal(read_and_write("2001:DB8:0::0:1", 0),
                        "[2001:db8::1]:0");
    assert_string_equal(read_and_write("::ffff:1.2.3.4", 1),
                        "[::ffff:1.2.3.4]:1");
}

static void
a_zone_is_an_interface_by_name(void **state)
{
    struct ouro_address address;

    (void)state;
    assert_ok(ouro_address_parse(&address, "fe80::1%lo", 80));

    assert_int_equal(address.of.v6.sin6_scope_id, if_nametoindex("lo"));
    assert_string_equal(read_and_write("fe80::1%lo", 80), "[fe80::1%lo]:80");
}

static void
a_zone_is_an_interface_by_number_also_of_none(void **state)
{
    struct ouro_address address;

    (void)state;
    assert_ok(ouro_address_parse(&address, "fe80::1%4294967295", 80));

    assert_int_equal(address.of.v6.sin6_scope_id, UINT32_MAX);
    assert_string_equal(read_and_write("fe80::1%4294967295", 80),
                        "[fe80::1%4294967295]:80");
}

static void
what_is_no_literal_is_refused(void **state)
{
    const char *const wrong[] = {
        "",
        "localhost",
        "127.1",
        "1.2.3",
        "1.2.3.4.5",
        "256.0.0.1",
        "01.2.3.4",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4:80",
        "0x7f.0.0.1",
        "1.2.3.4%1",
        "[::1]",
        ":",
        ":::",
        "::1 ",
        "1::2::3",
        "12345::",
        "::g",
        "fe80::1%",
        "fe80::1%no",
        "fe80::1%0",
        "fe80::1%-1",
        "fe80::1% 1",
        "%lo",
        "::1/64",
        "1:2:3:4:5:6:7:8:9",
        "fe80::1%4294967296",
        "fe80::1%18446744073709551617",
        "fe80::1%lo%lo",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000%lo",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_string_equal(read_and_write(wrong[i], 80), "refused");
}

static void
a_refusal_says_einval_and_touches_nothing(void **state)
{
    struct ouro_address address = {.size = 99};

    (void)state;
    assert_err(ouro_address_parse(&address, "::1%nowhere", 80), EINVAL);
    assert_err(ouro_address_parse(&address, "nowhere", 80), EINVAL);

    assert_int_equal(address.size, 99);
}

static void
no_address_is_a_dash(void **state)
{
    const struct ouro_address none = {.size = 0};
    struct ouro_address cut = {.size = 4};
    char text[OURO_ADDRESS_TEXT];

    (void)state;
    cut.of.v4.sin_family = AF_INET;
    assert_string_equal(ouro_address_format(&none, text), "-");
    assert_string_equal(ouro_address_format(&cut, text), "-");
    assert_int_equal(ouro_address_port(&none), 0);
    assert_int_equal(ouro_address_port(&cut), 0);
}

static void
a_path_is_its_text(void **state)
{
    struct ouro_address with_zero = unix_address("/run/a.sock", 12);
    struct ouro_address without = unix_address("/run/a.sock", 11);
    struct ouro_address odd = unix_address("/a\n\x7f"
                                           "b",
                                           5);
    char text[OURO_ADDRESS_TEXT];

    (void)state;
    assert_string_equal(ouro_address_format(&with_zero, text), "/run/a.sock");
    assert_string_equal(ouro_address_format(&without, text), "/run/a.sock");
    assert_string_equal(ouro_address_format(&odd, text), "/a??b");
    assert_int_equal(ouro_address_port(&without), 0);
}

static void
the_longest_path_fits(void **state)
{
    struct sockaddr_un un;
    char path[sizeof(un.sun_path) + 1];
    char text[OURO_ADDRESS_TEXT];

    (void)state;
    memset(path, 'x', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    struct ouro_address address = unix_address(path, sizeof(un.sun_path));

    assert_string_equal(ouro_address_format(&address, text), path);
}

static void
an_abstract_name_gets_an_at_sign(void **state)
{
    struct ouro_address address = unix_address("\0bus\0x", 6);
    struct ouro_address unnamed = unix_address("", 0);
    char text[OURO_ADDRESS_TEXT];

    (void)state;
    assert_string_equal(ouro_address_format(&address, text), "@bus?x");
    assert_string_equal(ouro_address_format(&unnamed, text), "-");
}

static void
another_family_is_named_by_its_number(void **state)
{
    struct ouro_address address = {.size = 12};
    char text[OURO_ADDRESS_TEXT];

    (void)state;
    address.of.any.sa_family = AF_NETLINK;
    assert_string_equal(ouro_address_format(&address, text), "family 16");
}

/* Whether two literals are the same address. */
static bool
same(const char *a_text, uint16_t a_port, const char *b_text, uint16_t b_port)
{
    struct ouro_address a;
    struct ouro_address b;

    assert_ok(ouro_address_parse(&a, a_text, a_port));
    assert_ok(ouro_address_parse(&b, b_text, b_port));
    assert_int_equal(ouro_address_equals(&a, &b), ouro_address_equals(&b, &a));
    return ouro_address_equals(&a, &b);
}

static void
addresses_are_equal_in_all_that_counts(void **state)
{
    (void)state;

    assert_true(same("1.2.3.4", 5, "1.2.3.4", 5));
    assert_true(same("::1", 5, "0::0:1", 5));
    assert_true(same("fe80::1%3", 5, "fe80::1%3", 5));
    assert_false(same("1.2.3.4", 5, "1.2.3.4", 6));
    assert_false(same("1.2.3.4", 5, "1.2.3.5", 5));
    assert_false(same("::1", 5, "::2", 5));
    assert_false(same("::1", 5, "::1", 6));
    assert_false(same("fe80::1%3", 5, "fe80::1%4", 5));
    assert_false(same("1.2.3.4", 5, "::ffff:1.2.3.4", 5));
}

static void
what_does_not_name_anything_makes_no_difference(void **state)
{
    struct ouro_address a;
    struct ouro_address b;

    (void)state;
    memset(&a, 0xff, sizeof(a));
    assert_ok(ouro_address_parse(&a, "::1", 5));
    assert_ok(ouro_address_parse(&b, "::1", 5));
    b.of.v6.sin6_flowinfo = 7;
    assert_true(ouro_address_equals(&a, &b));

    a = unix_address("/run/a", 7);
    b = unix_address("/run/b", 7);
    assert_false(ouro_address_equals(&a, &b));
    assert_true(ouro_address_equals(&a, &a));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_v4_literal_is_read),
        cmocka_unit_test(a_v6_literal_is_read_and_gets_brackets),
        cmocka_unit_test(a_zone_is_an_interface_by_name),
        cmocka_unit_test(a_zone_is_an_interface_by_number_also_of_none),
        cmocka_unit_test(what_is_no_literal_is_refused),
        cmocka_unit_test(a_refusal_says_einval_and_touches_nothing),
        cmocka_unit_test(no_address_is_a_dash),
        cmocka_unit_test(a_path_is_its_text),
        cmocka_unit_test(the_longest_path_fits),
        cmocka_unit_test(an_abstract_name_gets_an_at_sign),
        cmocka_unit_test(another_family_is_named_by_its_number),
        cmocka_unit_test(addresses_are_equal_in_all_that_counts),
        cmocka_unit_test(what_does_not_name_anything_makes_no_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
