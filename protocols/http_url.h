/* SPDX-License-Identifier: MIT */
/* URLs of a client: "http" ones, as what a connection and a request need. */
#ifndef OURO_HTTP_URL_H
#define OURO_HTTP_URL_H

#include <ouro/bytes.h>

struct ouro__http_url {
    char *text;                  /* normal: "http://authority/path?query" */
    struct ouro_slice authority; /* in text; what Host says */
    struct ouro_slice target;    /* in text; at least "/" */
    char *host;                  /* without brackets */
    char service[6];             /* the port */
};

/* Read `text`; its fragment is dropped.  On failure `*out_why` is a phrase.
 *   -EINVAL           it is none, or has user information
 *   -EPROTONOSUPPORT  its scheme is not "http"
 *   -ENOMEM */
OURO_MUST_USE int ouro__http_url_init(struct ouro__http_url *url,
                                      struct ouro_slice text,
                                      const char **out_why);

/* The same for a reference that stands in what `base` names (RFC 3986, 5). */
OURO_MUST_USE int ouro__http_url_resolve(struct ouro__http_url *url,
                                         const struct ouro__http_url *base,
                                         struct ouro_slice reference,
                                         const char **out_why);

/* All zero is nothing. */
void ouro__http_url_fini(struct ouro__http_url *url);

#endif
