/* SPDX-License-Identifier: MIT */
/* Which URLs a client takes, and what it makes of them. */
#include "ouro_test.h"

#include "../../protocols/http_url.h"

#include <errno.h>
#include <string.h>

static struct ouro_slice
slice(const char *text)
{
    return ouro_slice_of(text, strlen(text));
}

static void
a_url_is_made_normal(void **state)
{
    static const struct {
        const char *text;
        const char *normal;
        const char *host;
        const char *service;
    } rows[] = {
        {"http://a", "http://a/", "a", "80"},
        {"HTTP://WWW.Example.COM:80/X", "http://www.example.com/X",
         "www.example.com", "80"},
        {"http://a:/", "http://a/", "a", "80"},
        {"http://a:65535?q", "http://a:65535/?q", "a", "65535"},
        {"http://[::1]:8080/x", "http://[::1]:8080/x", "::1", "8080"},
        {"http://[FE80::1]", "http://[fe80::1]/", "fe80::1", "80"},
        {"http://a/b?c=d/../e#f?g", "http://a/b?c=d/../e", "a", "80"},
        {"http://a/b/./c/../../d", "http://a/d", "a", "80"},
        {"http://a/../..", "http://a/", "a", "80"},
        {"http://a//b/", "http://a//b/", "a", "80"},
        {"http://a/%41%2f", "http://a/%41%2f", "a", "80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ouro__http_url url;
        const char *why;

        assert_ok(ouro__http_url_init(&url, slice(rows[i].text), &why));
        assert_string_equal(url.text, rows[i].normal);
        assert_string_equal(url.host, rows[i].host);
        assert_string_equal(url.service, rows[i].service);
        ouro__http_url_fini(&url);
    }
}

static void
what_is_no_url_or_could_be_two_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "a",
        "/a",
        "http:",
        "http:/a",
        "http:///x",
        "http://:80",
        "http://u@a/",
        "http://u:p@a/",
        "http://a:0",
        "http://a:65536",
        "http://a:+1",
        "http://a:8x",
        "http://a b/",
        "http://a\\b/",
        "http://a%41/",
        "http://[::1",
        "http://[::1]x",
        "http://[]",
        "http://[1.2.3.4]",
        "http://[fe80::1%eth0]",
        "http://a/ b",
        "http://a/\x80",
        "http://a/%4",
        "http://a/%zz",
        "http://a/?<",
        "http://a/x\ry",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ouro__http_url url;
        const char *why = NULL;

        assert_err(ouro__http_url_init(&url, slice(rows[i]), &why), EINVAL);
        assert_non_null(why);
    }
}

static void
a_zero_byte_is_refused_wherever_it_stands(void **state)
{
    struct ouro__http_url url;
    const char *why;

    (void)state;
    assert_err(ouro__http_url_init(&url, OURO_BYTES("http://a/\0b"), &why),
               EINVAL);
    assert_err(ouro__http_url_init(&url, OURO_BYTES("http://a\0b/"), &why),
               EINVAL);
}

static void
another_scheme_has_an_error_of_its_own(void **state)
{
    struct ouro__http_url url;
    const char *why;

    (void)state;
    assert_err(ouro__http_url_init(&url, OURO_BYTES("HTTPS://a/"), &why),
               EPROTONOSUPPORT);
    assert_string_equal(why, "https needs TLS, which is not there");
    assert_err(ouro__http_url_init(&url, OURO_BYTES("ftp://a/"), &why),
               EPROTONOSUPPORT);
}

/* RFC 3986, 5.4: its examples. */
static void
a_reference_is_resolved_as_rfc_3986_shows(void **state)
{
    static const struct {
        const char *reference;
        const char *url;
    } rows[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"http://other:81", "http://other:81/"},
    };
    struct ouro__http_url base;
    const char *why;

    (void)state;
    assert_ok(ouro__http_url_init(&base, slice("http://a/b/c/d;p?q"), &why));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ouro__http_url url;

        assert_ok(ouro__http_url_resolve(&url, &base, slice(rows[i].reference),
                                         &why));
        assert_string_equal(url.text, rows[i].url);
        ouro__http_url_fini(&url);
    }
    ouro__http_url_fini(&base);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_made_normal),
        cmocka_unit_test(what_is_no_url_or_could_be_two_is_refused),
        cmocka_unit_test(a_zero_byte_is_refused_wherever_it_stands),
        cmocka_unit_test(another_scheme_has_an_error_of_its_own),
        cmocka_unit_test(a_reference_is_resolved_as_rfc_3986_shows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
