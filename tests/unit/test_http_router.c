/* SPDX-License-Identifier: MIT */
/* Which route answers a path. */
#include "ouro_test.h"

#include "../../protocols/http_router.h"

#include <string.h>

static int
answer(struct ouro_http_request *request, void *context)
{
    (void)request;
    (void)context;
    return 0;
}

static const struct ouro_http_route routes[] = {
    {.method = "GET", .pattern = "/", .handler = answer},
    {.method = "GET", .pattern = "/users/me", .handler = answer},
    {.method = "GET", .pattern = "/users/{id}", .handler = answer},
    {.method = "PUT", .pattern = "/users/{id}", .handler = answer},
    {.method = NULL, .pattern = "/any", .handler = answer},
    {.method = "GET", .pattern = "/a/{x}/b/{y}", .handler = answer},
    {.method = "GET", .pattern = "/files/{path...}", .handler = answer},
    {.pattern = NULL},
};

static struct ouro_slice
slice(const char *text)
{
    return ouro_slice_of(text, strlen(text));
}

/* The number of the route that answers, or -1. */
static int
find(const char *method, const char *path, struct ouro__http_match *match)
{
    ouro__http_routes_find(match, routes, slice(method), slice(path));
    return match->route != NULL ? (int)(match->route - routes) : -1;
}

static void
assert_param(const struct ouro__http_match *match, size_t at, const char *name,
             const char *value)
{
    const struct ouro__http_param *param = &match->params[at];

    assert_true(at < match->param_count);
    assert_int_equal(param->name.size, strlen(name));
    assert_memory_equal(param->name.data, name, strlen(name));
    assert_int_equal(param->value.size, strlen(value));
    if (param->value.size > 0)
        assert_memory_equal(param->value.data, value, strlen(value));
}

static void
the_first_route_that_fits_answers(void **state)
{
    struct ouro__http_match match;

    (void)state;
    assert_int_equal(find("GET", "/", &match), 0);
    assert_int_equal(find("GET", "/users/me", &match), 1);
    assert_int_equal(find("GET", "/users/ada", &match), 2);
    assert_int_equal(find("PUT", "/users/me", &match), 3);
    assert_int_equal(find("BREW", "/any", &match), 4);
    assert_int_equal(find("HEAD", "/users/me", &match), 1);
}

static void
a_path_that_is_longer_or_shorter_does_not_fit(void **state)
{
    static const char *const paths[] = {
        "",      "users/me", "/users",    "/users/",    "/users/me/",
        "//any", "/any/",    "/any/more", "/a/1/b",     "/a//b/2",
        "/an",   "/anyy",    "/ANY",      "/a/1/b/2/3", "/files",
    };
    struct ouro__http_match match;

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(find("GET", paths[i], &match), -1);
        assert_false(match.path_is_known);
    }
}

static void
names_in_braces_take_segments_and_the_rest(void **state)
{
    struct ouro__http_match match;

    (void)state;
    assert_int_equal(find("GET", "/a/1%20/b/two", &match), 5);
    assert_param(&match, 0, "x", "1%20");
    assert_param(&match, 1, "y", "two");
    assert_int_equal(find("GET", "/files/a/b//c", &match), 6);
    assert_param(&match, 0, "path", "a/b//c");
    assert_int_equal(find("GET", "/files/", &match), 6);
    assert_param(&match, 0, "path", "");
}

static void
a_known_path_with_another_method_tells_which_it_has(void **state)
{
    struct ouro__http_match match;
    uint8_t text[64];
    struct ouro_span room = {text, sizeof(text)};

    (void)state;
    assert_int_equal(find("DELETE", "/users/ada", &match), -1);
    assert_true(match.path_is_known);
    size_t size = ouro__http_routes_allow(routes, slice("/users/ada"), room);
    assert_int_equal(size, strlen("GET, HEAD, PUT"));
    assert_memory_equal(text, "GET, HEAD, PUT", size);
    assert_int_equal(ouro__http_routes_allow(routes, slice("/users/me"), room),
                     strlen("GET, HEAD, PUT"));
    assert_int_equal(ouro__http_routes_allow(routes, slice("/users/ada"),
                                             (struct ouro_span){text, 4}),
                     3);
}

/* RFC 3986, 6.2.2.2: an encoded letter is the letter. */
static void
encoded_letters_of_a_segment_are_the_letters(void **state)
{
    struct ouro__http_match match;

    (void)state;
    assert_int_equal(find("GET", "/%75sers/m%65", &match), 1);
    assert_int_equal(find("GET", "/users%2fme", &match), -1);
    assert_int_equal(find("GET", "/users/%6d", &match), 2);
}

static void
percent_signs_are_checked_and_decoded(void **state)
{
    uint8_t into[16];

    (void)state;
    assert_true(ouro__http_path_is_valid(slice("/a%2Fb%00")));
    assert_false(ouro__http_path_is_valid(slice("/a%2")));
    assert_false(ouro__http_path_is_valid(slice("/a%zz")));
    assert_false(ouro__http_path_is_valid(slice("%")));
    assert_int_equal(ouro__http_decode(slice("a%2Fb%00c"), into), 5);
    assert_memory_equal(into, "a/b\0c", 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_route_that_fits_answers),
        cmocka_unit_test(a_path_that_is_longer_or_shorter_does_not_fit),
        cmocka_unit_test(names_in_braces_take_segments_and_the_rest),
        cmocka_unit_test(a_known_path_with_another_method_tells_which_it_has),
        cmocka_unit_test(encoded_letters_of_a_segment_are_the_letters),
        cmocka_unit_test(percent_signs_are_checked_and_decoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
