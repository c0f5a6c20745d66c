/* SPDX-License-Identifier: MIT */
/* A head, line by line, as its bytes come.
 *
 * The happy path: all of it is there, and each byte is looked at once.
 *
 * What may happen instead:
 *
 * - It ends in the middle of a line.  Then only its new bytes are looked at,
 * for an LF, and the line is read again when there is one: three looks at most.
 * - A byte is wrong.  That counts when its line has come to its end; until then
 *   it might still be too long, which is another error.
 * - The bytes have moved meanwhile: what pointed into them is moved, too.  Who
 *   moved them touched more bytes than that.
 */
#include "http1_inside.h"
#include "http1_scan.h"

#include <string.h>
#include <strings.h>

static size_t
limit_of(size_t limit, size_t usual)
{
    return limit != 0 ? limit : usual;
}

void
ouro__http1_rebase(const struct ouro__http1_lines *lines,
                   struct ouro_slice bytes, struct ouro_slice *slice)
{
    if (slice->data != NULL)
        slice->data = bytes.data + ((uintptr_t)slice->data - lines->base);
}

static void
rebase_fields(const struct ouro__http1_lines *lines, struct ouro_slice bytes,
              struct ouro_http1_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        ouro__http1_rebase(lines, bytes, &fields->array[i].name);
        ouro__http1_rebase(lines, bytes, &fields->array[i].value);
    }
}

bool
ouro__http1_has_news(struct ouro__http1_lines *lines, struct ouro_slice bytes)
{
    size_t seen = lines->seen;

    if (bytes.size <= seen)
        return false;
    lines->seen = bytes.size;
    return seen <= lines->line
           || memchr(bytes.data + seen, '\n', bytes.size - seen) != NULL;
}

/* Bytes before the LF of the line at `begin`, or all; false: there is none. */
static bool
find_line_end(struct ouro_slice bytes, size_t begin, size_t *out_size)
{
    const uint8_t *at = bytes.data + begin;
    const uint8_t *lf =
        begin < bytes.size ? memchr(at, '\n', bytes.size - begin) : NULL;

    *out_size = lf != NULL ? (size_t)(lf - at) : bytes.size - begin;
    return lf != NULL;
}

/* Fields. */

/* `line` was not read: the error of that, or OK, and more is needed. */
static enum ouro_http1_error
field_error(const struct ouro__http1_lines *lines, struct ouro_slice bytes,
            enum ouro_http1_error error, size_t limit)
{
    size_t size;
    bool ends = find_line_end(bytes, lines->line, &size);
    size_t used = lines->line - lines->fields + size;

    if (used >= limit)
        return OURO_HTTP1_FIELDS_TOO_LARGE;
    return ends ? error : OURO_HTTP1_OK;
}

static enum ouro_http1_error
keep_field(struct ouro_http1_fields *fields, struct ouro_http1_field field,
           bool trailer)
{
    if (trailer && ouro__http1_is_framing(field.name))
        return OURO_HTTP1_BAD_TRAILER;
    if (fields == NULL)
        return OURO_HTTP1_OK;
    if (fields->count == fields->capacity)
        return OURO_HTTP1_TOO_MANY_FIELDS;
    fields->array[fields->count++] = field;
    return OURO_HTTP1_OK;
}

size_t
ouro__http1_read_fields(struct ouro__http1_lines *lines,
                        struct ouro_slice bytes,
                        struct ouro_http1_fields *fields, size_t limit,
                        bool trailers, enum ouro_http1_error *error)
{
    struct ouro__http1_cursor cursor = {
        .at = bytes.data + lines->line,
        .end = bytes.data + bytes.size,
    };
    struct ouro_http1_field field;
    enum ouro__http1_line line;

    if (fields != NULL && lines->base != (uintptr_t)bytes.data)
        rebase_fields(lines, bytes, fields);
    lines->base = (uintptr_t)bytes.data;
    for (;;) {
        line = ouro__http1_field_line(&cursor, &field);
        size_t next = (size_t)(cursor.at - bytes.data);

        if (line == OURO__HTTP1_EMPTY && next - lines->fields <= limit)
            return next;
        if (line != OURO__HTTP1_WHOLE || next - lines->fields > limit)
            break;
        cursor.error = keep_field(fields, field, trailers);
        if (cursor.error != OURO_HTTP1_OK)
            break;
        lines->line = next;
    }
    *error = field_error(lines, bytes, cursor.error, limit);
    return 0;
}

struct ouro_slice
ouro_http1_fields_find(const struct ouro_http1_fields *fields, const char *name)
{
    size_t size = strlen(name);

    for (size_t i = 0; i < fields->count; i++) {
        struct ouro_slice own = fields->array[i].name;

        if (own.size == size
            && strncasecmp((const char *)own.data, name, size) == 0)
            return fields->array[i].value;
    }
    return ouro_slice_of(NULL, 0);
}

/* The first line. */

void
ouro_http1_head_init(struct ouro_http1_head *head,
                     struct ouro_http1_field *fields, size_t capacity)
{
    memset(head, 0, sizeof(*head));
    head->fields.array = fields;
    head->fields.capacity = capacity;
    head->content_length = -1;
}

typedef enum ouro__http1_line first_line_fn(struct ouro__http1_cursor *cursor,
                                            struct ouro_http1_head *head);

/* Read it, and begin the fields.  False: more is needed, or refused. */
static bool
read_first_line(struct ouro_http1_head *head, struct ouro_slice bytes,
                size_t limit, first_line_fn *read)
{
    struct ouro__http1_lines *lines = &head->lines;
    struct ouro__http1_cursor cursor = {
        .at = bytes.data + lines->line,
        .end = bytes.data + bytes.size,
    };
    enum ouro__http1_line line = read(&cursor, head);
    size_t size = (size_t)(cursor.at - bytes.data) - lines->line;
    bool ends = true;

    if (line == OURO__HTTP1_WHOLE)
        size--;
    else
        ends = find_line_end(bytes, lines->line, &size);
    if (size > limit && size - 1 > limit)
        head->error = OURO_HTTP1_LINE_TOO_LONG;
    else if (line != OURO__HTTP1_WHOLE)
        head->error = ends ? cursor.error : OURO_HTTP1_OK;
    else
        lines->line = lines->fields = (size_t)(cursor.at - bytes.data);
    return line == OURO__HTTP1_WHOLE && head->error == OURO_HTTP1_OK;
}

static void
rebase_first_line(struct ouro_http1_head *head, struct ouro_slice bytes)
{
    ouro__http1_rebase(&head->lines, bytes, &head->method);
    ouro__http1_rebase(&head->lines, bytes, &head->target);
    ouro__http1_rebase(&head->lines, bytes, &head->reason);
}

/* All lines.  Returns where the body begins; 0: more, or head->error. */
static size_t
read_lines(struct ouro_http1_head *head, struct ouro_slice bytes,
           const struct ouro_http1_limits *limits, first_line_fn *read)
{
    static const struct ouro_http1_limits usual;
    struct ouro__http1_lines *lines = &head->lines;

    if (limits == NULL)
        limits = &usual;
    bool news = ouro__http1_has_news(lines, bytes);
    if (lines->fields == 0) {
        size_t most = limit_of(limits->start_line_size, OURO_KIB(8));

        if (!news && bytes.size - lines->line <= most)
            return 0;
        if (!read_first_line(head, bytes, most, read))
            return 0;
    }
    size_t limit = limit_of(limits->fields_size, OURO_KIB(64));
    if (!news && bytes.size - lines->fields < limit)
        return 0;
    if (lines->base != 0 && lines->base != (uintptr_t)bytes.data)
        rebase_first_line(head, bytes);
    return ouro__http1_read_fields(lines, bytes, &head->fields, limit, false,
                                   &head->error);
}

/* RFC 9112, 2.2: one empty line before a request is ignored.  What can be no
 * request is refused at its first byte: it may have no LF for long.  True: a
 * line has begun. */
static bool
skip_empty_line(struct ouro_http1_head *head, struct ouro_slice bytes)
{
    struct ouro__http1_lines *lines = &head->lines;

    if (lines->line == 0 && bytes.data[0] == '\r') {
        if (bytes.size == 1)
            return false;
        if (bytes.data[1] != '\n')
            head->error = OURO_HTTP1_BAD_LINE_END;
        else
            lines->line = 2;
    }
    if (head->error != OURO_HTTP1_OK || bytes.size == lines->line)
        return false;
    uint8_t first = bytes.data[lines->line];
    if (first == '\r' || first == '\n')
        head->error = OURO_HTTP1_BAD_LINE_END;
    else if (!ouro__http1_is(first, OURO__HTTP1_TOKEN))
        head->error = OURO_HTTP1_BAD_METHOD;
    return head->error == OURO_HTTP1_OK;
}

ssize_t
ouro_http1_read_request(struct ouro_http1_head *head, struct ouro_slice bytes,
                        const struct ouro_http1_limits *limits)
{
    size_t size = 0;

    if (bytes.size == 0 || head->error != OURO_HTTP1_OK)
        return ouro__http1_result(head->error);
    if (head->lines.fields != 0 || skip_empty_line(head, bytes))
        size = read_lines(head, bytes, limits, ouro__http1_request_line);
    if (size > 0)
        head->error = ouro__http1_request_rules(head);
    if (head->error != OURO_HTTP1_OK)
        return ouro__http1_result(head->error);
    return (ssize_t)size;
}

ssize_t
ouro_http1_read_response(struct ouro_http1_head *head, struct ouro_slice bytes,
                         enum ouro_http1_asked asked,
                         const struct ouro_http1_limits *limits)
{
    size_t size = 0;

    if (bytes.size > 0 && head->error == OURO_HTTP1_OK) {
        if (bytes.data[0] != 'H')
            head->error = OURO_HTTP1_BAD_VERSION;
        else
            size = read_lines(head, bytes, limits, ouro__http1_status_line);
    }
    if (size > 0)
        head->error = ouro__http1_response_rules(head, asked);
    if (head->error != OURO_HTTP1_OK)
        return ouro__http1_result(head->error);
    return (ssize_t)size;
}
