/* SPDX-License-Identifier: MIT */
/* What the HTTP/1.1 parser makes of bytes, as text, however they are cut. */
#ifndef HTTP1_EVENTS_H
#define HTTP1_EVENTS_H

#include <ouro/http1_parser.h>

/* What the bytes are. */
enum http1_kind {
    HTTP1_REQUESTS,
    HTTP1_RESPONSES,
    HTTP1_RESPONSES_TO_HEAD,
    HTTP1_RESPONSES_TO_CONNECT
};

/* One line for each event; data that follow each other are one. */
struct http1_events {
    char *text; /* ends with a zero; free(3) it */
    size_t size;
    size_t room;
};

/* Read `input`, cut at `cuts`, which do not fall.  Each piece is in memory of
 * its own, together with what was left of the last, so that it moves and a byte
 * too far is seen by the sanitizer.  `limits` may be NULL. */
void http1_read(struct http1_events *events, enum http1_kind kind,
                struct ouro_slice input, const size_t *cuts, size_t cut_count,
                const struct ouro_http1_limits *limits);

#endif
