/* SPDX-License-Identifier: MIT */
/* What the files of the HTTP/1.1 parser share. */
#ifndef OURO_HTTP1_INSIDE_H
#define OURO_HTTP1_INSIDE_H

#include <ouro/http1_parser.h>

/* What became of a line.  It is decided by its bytes in their order, never by
 * how many are there: so it is the same for every way of cutting. */
enum ouro__http1_line {
    OURO__HTTP1_PARTIAL, /* no byte is wrong, and none is the end */
    OURO__HTTP1_WHOLE,   /* `at` was moved behind it */
    OURO__HTTP1_EMPTY,   /* likewise, and it ends the fields */
    OURO__HTTP1_REFUSED
};

/* Bytes to look at, and what was wrong with them. */
struct ouro__http1_cursor {
    const uint8_t *at;
    const uint8_t *end;
    enum ouro_http1_error error;
};

/* http1_lines.c: lines. */

/* CR LF; else refused. */
enum ouro__http1_line ouro__http1_line_end(struct ouro__http1_cursor *cursor);
enum ouro__http1_line
ouro__http1_request_line(struct ouro__http1_cursor *cursor,
                         struct ouro_http1_head *head);
enum ouro__http1_line ouro__http1_status_line(struct ouro__http1_cursor *cursor,
                                              struct ouro_http1_head *head);
enum ouro__http1_line
ouro__http1_field_line(struct ouro__http1_cursor *cursor,
                       struct ouro_http1_field *out_field);

/* http1_head.c: many of them. */

/* Whether a resumed line can have come to an end: no byte is looked at twice
 * before it has. */
bool ouro__http1_has_news(struct ouro__http1_lines *lines,
                          struct ouro_slice bytes);

/* Read fields from `lines->line` on, no more than `limit` bytes from
 * `lines->fields`, into `fields`, or NULL: nowhere.  Returns where the body
 * begins, or 0: more are needed, or refused: *error. */
size_t ouro__http1_read_fields(struct ouro__http1_lines *lines,
                               struct ouro_slice bytes,
                               struct ouro_http1_fields *fields, size_t limit,
                               bool trailers, enum ouro_http1_error *error);

/* Move `slice`, which pointed into bytes at `lines->base`. */
void ouro__http1_rebase(const struct ouro__http1_lines *lines,
                        struct ouro_slice bytes, struct ouro_slice *slice);

/* http1_target.c: what a target says.  Returns what is wrong. */
enum ouro_http1_error ouro__http1_target(struct ouro_http1_head *head);

/* Whether it is host [":" port], RFC 3986, 3.2, without userinfo. */
bool ouro__http1_is_authority(struct ouro_slice text, bool needs_port);

/* http1_rules.c: what the fields of a whole head mean. */
enum ouro_http1_error ouro__http1_request_rules(struct ouro_http1_head *head);
enum ouro_http1_error ouro__http1_response_rules(struct ouro_http1_head *head,
                                                 enum ouro_http1_asked asked);

/* Whether a field frames, or routes, and is no trailer. */
bool ouro__http1_is_framing(struct ouro_slice name);

/* http1_error.c */
OURO_MUST_USE int ouro__http1_result(enum ouro_http1_error error);

#endif
