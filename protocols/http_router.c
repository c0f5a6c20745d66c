/* SPDX-License-Identifier: MIT */
/* Which route answers a path, as pure data. */
#include "http_router.h"

#include <errno.h>
#include <string.h>

/* Slices. */

static struct ouro_slice
text_slice(const char *text)
{
    return ouro_slice_of(text, strlen(text));
}

static bool
is_same(struct ouro_slice a, struct ouro_slice b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static struct ouro_slice
behind(struct ouro_slice slice, size_t size)
{
    return ouro_slice_of(slice.data + size, slice.size - size);
}

/* What stands before the next "/", or all. */
static struct ouro_slice
first_segment(struct ouro_slice path)
{
    const uint8_t *slash =
        path.size > 0 ? memchr(path.data, '/', path.size) : NULL;

    return ouro_slice_of(path.data, slash != NULL ? (size_t)(slash - path.data)
                                                  : path.size);
}

/* Percent-encoding (RFC 3986, 2.1). */

static int
digit_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

/* The byte that "%XX" is at `at`, or -1. */
static int
decode_at(struct ouro_slice raw, size_t at)
{
    if (raw.size - at < 3)
        return -1;
    int high = digit_of(raw.data[at + 1]);
    int low = digit_of(raw.data[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool
ouro__http_path_is_valid(struct ouro_slice path)
{
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] == '%' && decode_at(path, i) < 0)
            return false;
    }
    return true;
}

size_t
ouro__http_decode(struct ouro_slice raw, uint8_t *into)
{
    size_t size = 0;

    for (size_t i = 0; i < raw.size; i++) {
        int byte = raw.data[i] == '%' ? decode_at(raw, i) : -1;

        into[size++] = byte >= 0 ? (uint8_t)byte : raw.data[i];
        i += byte >= 0 ? 2 : 0;
    }
    return size;
}

/* Whether a segment, decoded, is `text`. */
static bool
is_segment(struct ouro_slice raw, struct ouro_slice text)
{
    size_t at = 0;

    if (is_same(raw, text))
        return true;
    for (size_t i = 0; i < raw.size; i++) {
        int byte = raw.data[i] == '%' ? decode_at(raw, i) : raw.data[i];

        if (at == text.size || byte != text.data[at++])
            return false;
        i += raw.data[i] == '%' ? 2 : 0;
    }
    return at == text.size;
}

/* Patterns. */

enum kind { LITERAL, ONE, REST, BROKEN };

/* What a segment of a pattern is; `*out_name` is what is in its braces. */
static enum kind
kind_of(struct ouro_slice segment, struct ouro_slice *out_name)
{
    bool opens = segment.size > 0 && segment.data[0] == '{';
    bool closes = segment.size > 1 && segment.data[segment.size - 1] == '}';
    enum kind kind = ONE;

    if (!opens)
        return memchr(segment.data, '{', segment.size) == NULL ? LITERAL
                                                               : BROKEN;
    if (!closes)
        return BROKEN;
    *out_name = ouro_slice_of(segment.data + 1, segment.size - 2);
    if (out_name->size > 3
        && memcmp(out_name->data + out_name->size - 3, "...", 3) == 0) {
        out_name->size -= 3;
        kind = REST;
    }
    bool nested = memchr(out_name->data, '{', out_name->size) != NULL
                  || memchr(out_name->data, '}', out_name->size) != NULL;
    return out_name->size == 0 || nested ? BROKEN : kind;
}

static int
check_pattern(const char *pattern)
{
    struct ouro_slice rest = text_slice(pattern);
    struct ouro_slice name;
    size_t names = 0;

    if (rest.size == 0 || rest.data[0] != '/')
        return -EINVAL;
    while (rest.size > 0) {
        rest = behind(rest, 1);
        struct ouro_slice segment = first_segment(rest);
        enum kind kind = segment.size == 0 ? LITERAL : kind_of(segment, &name);

        rest = behind(rest, segment.size);
        names += kind != LITERAL;
        if (kind == BROKEN || names > OURO__HTTP_PARAMS
            || (kind == REST && rest.size > 0))
            return -EINVAL;
    }
    return 0;
}

static bool
is_last(const struct ouro_http_route *route)
{
    return route->pattern == NULL;
}

int
ouro__http_routes_check(const struct ouro_http_route *routes)
{
    for (; !is_last(routes); routes++) {
        if ((routes->handler == NULL) == (routes->callback == NULL)
            || (routes->streams && routes->callback != NULL)
            || check_pattern(routes->pattern) < 0)
            return -EINVAL;
    }
    return 0;
}

/* Matching. */

static void
add_param(struct ouro__http_match *match, struct ouro_slice name,
          struct ouro_slice value)
{
    match->params[match->param_count++] =
        (struct ouro__http_param){.name = name, .value = value};
}

/* Both are behind a slash.  Returns whether the segments fit, and what is left
 * of the path. */
static bool
match_segment(struct ouro__http_match *match, struct ouro_slice pattern,
              struct ouro_slice *path)
{
    struct ouro_slice segment = first_segment(*path);
    struct ouro_slice name;

    switch (pattern.size == 0 ? LITERAL : kind_of(pattern, &name)) {
    case LITERAL:
        *path = behind(*path, segment.size);
        return is_segment(segment, pattern);
    case ONE:
        add_param(match, name, segment);
        *path = behind(*path, segment.size);
        return segment.size > 0;
    case REST:
        add_param(match, name, *path);
        *path = behind(*path, path->size);
        return true;
    case BROKEN:
        break;
    }
    return false;
}

static bool
match_path(struct ouro__http_match *match, const char *pattern,
           struct ouro_slice path)
{
    struct ouro_slice rest = text_slice(pattern);

    match->param_count = 0;
    while (rest.size > 0 && path.size > 0 && path.data[0] == '/') {
        rest = behind(rest, 1);
        path = behind(path, 1);
        struct ouro_slice segment = first_segment(rest);

        if (!match_segment(match, segment, &path))
            return false;
        rest = behind(rest, segment.size);
    }
    return rest.size == 0 && path.size == 0;
}

static bool
answers(const struct ouro_http_route *route, struct ouro_slice method)
{
    return route->method == NULL || is_same(text_slice(route->method), method)
           || (strcmp(route->method, "GET") == 0
               && is_same(method, OURO_BYTES("HEAD")));
}

void
ouro__http_routes_find(struct ouro__http_match *match,
                       const struct ouro_http_route *routes,
                       struct ouro_slice method, struct ouro_slice path)
{
    match->route = NULL;
    match->path_is_known = false;
    for (; !is_last(routes); routes++) {
        if (!match_path(match, routes->pattern, path))
            continue;
        match->path_is_known = true;
        if (answers(routes, method)) {
            match->route = routes;
            return;
        }
    }
    match->param_count = 0;
}

/* What is allowed. */

static bool
has(struct ouro_slice list, struct ouro_slice method)
{
    for (size_t at = 0; at + method.size <= list.size; at++) {
        size_t end = at + method.size;
        bool begins = at == 0 || list.data[at - 1] == ' ';
        bool ends = end == list.size || list.data[end] == ',';

        if (begins && ends
            && is_same(ouro_slice_of(list.data + at, method.size), method))
            return true;
    }
    return false;
}

/* Behind the first `used` bytes of `into`.  Returns how many are used then. */
static size_t
add_method(struct ouro_span into, size_t used, const char *name)
{
    struct ouro_slice comma =
        used > 0 ? OURO_BYTES(", ") : ouro_slice_of("", 0);
    struct ouro_slice method = text_slice(name);

    if (has(ouro_slice_of(into.data, used), method)
        || comma.size + method.size > into.size - used)
        return used;
    memcpy(into.data + used, comma.data, comma.size);
    memcpy(into.data + used + comma.size, method.data, method.size);
    return used + comma.size + method.size;
}

size_t
ouro__http_routes_allow(const struct ouro_http_route *routes,
                        struct ouro_slice path, struct ouro_span into)
{
    struct ouro__http_match match;
    size_t used = 0;

    for (; !is_last(routes); routes++) {
        if (routes->method == NULL
            || !match_path(&match, routes->pattern, path))
            continue;
        used = add_method(into, used, routes->method);
        if (strcmp(routes->method, "GET") == 0)
            used = add_method(into, used, "HEAD");
    }
    return used;
}
