/* SPDX-License-Identifier: MIT */
/* Which route answers a path, as pure data.
 *
 * A pattern is compared with a path segment by segment, in the order of the
 * routes; nothing is compiled, and nothing allocated unless a parameter has
 * percent-encoded bytes.
 */
#ifndef OURO_HTTP_ROUTER_H
#define OURO_HTTP_ROUTER_H

#include <ouro/http_server.h>

enum { OURO__HTTP_PARAMS = 16 }; /* in a pattern at most */

/* What a name in braces stands for. */
struct ouro__http_param {
    struct ouro_slice name;
    struct ouro_slice value; /* as it came, then decoded */
};

struct ouro__http_match {
    const struct ouro_http_route *route; /* NULL: none */
    struct ouro__http_param params[OURO__HTTP_PARAMS];
    size_t param_count;
    bool path_is_known; /* of a route with another method */
};

/* Returns 0, or -EINVAL: a pattern is not one, or a route has no handler, or
 * two. */
OURO_MUST_USE int ouro__http_routes_check(const struct ouro_http_route *routes);

/* The first route for `method` and `path`; no query is in it. */
void ouro__http_routes_find(struct ouro__http_match *match,
                            const struct ouro_http_route *routes,
                            struct ouro_slice method, struct ouro_slice path);

/* "GET, HEAD, POST": what the routes of `path` answer, as far as there is room.
 * Returns how many bytes that is. */
size_t ouro__http_routes_allow(const struct ouro_http_route *routes,
                               struct ouro_slice path, struct ouro_span into);

/* Whether every "%" has two hexadecimal digits behind it. */
bool ouro__http_path_is_valid(struct ouro_slice path);

/* Decode the %XX of `raw` into `into`, which has room for as many bytes.
 * Returns how many they are. */
size_t ouro__http_decode(struct ouro_slice raw, uint8_t *into);

#endif
