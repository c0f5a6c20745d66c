/* SPDX-License-Identifier: MIT */
/* One line of a head: a request line, a status line, a field. */
#include "http1_inside.h"
#include "http1_scan.h"

static enum ouro__http1_line
refuse(struct ouro__http1_cursor *cursor, enum ouro_http1_error error)
{
    cursor->error = error;
    return OURO__HTTP1_REFUSED;
}

enum ouro__http1_line
ouro__http1_line_end(struct ouro__http1_cursor *cursor)
{
    const uint8_t *at = cursor->at;

    if (at == cursor->end)
        return OURO__HTTP1_PARTIAL;
    if (*at != '\r')
        return refuse(cursor, OURO_HTTP1_BAD_LINE_END);
    if (at + 1 == cursor->end)
        return OURO__HTTP1_PARTIAL;
    if (at[1] != '\n')
        return refuse(cursor, OURO_HTTP1_BAD_LINE_END);
    cursor->at = at + 2;
    return OURO__HTTP1_WHOLE;
}

/* The end of a line whose last part ended before a byte that is none of it. */
static enum ouro__http1_line
end_after(struct ouro__http1_cursor *cursor, enum ouro_http1_error error)
{
    if (cursor->at < cursor->end && *cursor->at != '\r' && *cursor->at != '\n')
        return refuse(cursor, error);
    return ouro__http1_line_end(cursor);
}

static bool
is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* "HTTP/1.1": WHOLE is the end of it, not of the line. */
static enum ouro__http1_line
version(struct ouro__http1_cursor *cursor, struct ouro_http1_head *head)
{
    static const char form[] = "HTTP/0.0";
    const uint8_t *at = cursor->at;

    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (at + i == cursor->end)
            return OURO__HTTP1_PARTIAL;
        if (form[i] == '0' ? !is_digit(at[i]) : at[i] != (uint8_t)form[i])
            return refuse(cursor, OURO_HTTP1_BAD_VERSION);
    }
    if (at[5] != '1')
        return refuse(cursor, OURO_HTTP1_UNSUPPORTED_VERSION);
    head->minor_version = at[7] == '0' ? 0 : 1;
    cursor->at = at + sizeof(form) - 1;
    return OURO__HTTP1_WHOLE;
}

/* One space behind `begin`, and at least one byte between. */
static enum ouro__http1_line
word(struct ouro__http1_cursor *cursor, const uint8_t *end,
     struct ouro_slice *out_word, enum ouro_http1_error error)
{
    if (end == cursor->end)
        return OURO__HTTP1_PARTIAL;
    if (*end != ' ' || end == cursor->at)
        return refuse(cursor, error);
    *out_word = ouro_slice_of(cursor->at, (size_t)(end - cursor->at));
    cursor->at = end + 1;
    return OURO__HTTP1_WHOLE;
}

enum ouro__http1_line
ouro__http1_request_line(struct ouro__http1_cursor *cursor,
                         struct ouro_http1_head *head)
{
    const uint8_t *end =
        ouro__http1_skip(cursor->at, cursor->end, OURO__HTTP1_TOKEN);
    enum ouro__http1_line line =
        word(cursor, end, &head->method, OURO_HTTP1_BAD_METHOD);

    if (line != OURO__HTTP1_WHOLE)
        return line;
    end = ouro__http1_skip_target(cursor->at, cursor->end);
    line = word(cursor, end, &head->target, OURO_HTTP1_BAD_TARGET);
    if (line != OURO__HTTP1_WHOLE)
        return line;
    line = version(cursor, head);
    if (line != OURO__HTTP1_WHOLE)
        return line;
    return end_after(cursor, OURO_HTTP1_BAD_VERSION);
}

/* " 200": three digits, not below 100. */
static enum ouro__http1_line
status(struct ouro__http1_cursor *cursor, struct ouro_http1_head *head)
{
    int status = 0;

    for (size_t i = 0; i < 4; i++) {
        if (cursor->at == cursor->end)
            return OURO__HTTP1_PARTIAL;
        uint8_t byte = *cursor->at;
        if (i == 0 ? byte != ' ' : !is_digit(byte) || (i == 1 && byte == '0'))
            return refuse(cursor, OURO_HTTP1_BAD_STATUS);
        if (i > 0)
            status = status * 10 + (byte - '0');
        cursor->at++;
    }
    head->status = status;
    return OURO__HTTP1_WHOLE;
}

/* The space before an empty reason is forgotten by so many that it may. */
enum ouro__http1_line
ouro__http1_status_line(struct ouro__http1_cursor *cursor,
                        struct ouro_http1_head *head)
{
    enum ouro__http1_line line = version(cursor, head);

    if (line == OURO__HTTP1_WHOLE)
        line = status(cursor, head);
    if (line != OURO__HTTP1_WHOLE)
        return line;
    head->reason = ouro_slice_of(cursor->at, 0);
    if (cursor->at == cursor->end || *cursor->at != ' ')
        return end_after(cursor, OURO_HTTP1_BAD_STATUS);

    const uint8_t *begin = cursor->at + 1;
    cursor->at = ouro__http1_skip_value(begin, cursor->end);
    head->reason = ouro_slice_of(begin, (size_t)(cursor->at - begin));
    return end_after(cursor, OURO_HTTP1_BAD_REASON);
}

static bool
is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* What stands where a name should have begun or gone on. */
static enum ouro__http1_line
no_name(struct ouro__http1_cursor *cursor, const uint8_t *at)
{
    bool first = at == cursor->at;

    if (at == cursor->end)
        return OURO__HTTP1_PARTIAL;
    if (is_space(*at))
        return refuse(cursor, first ? OURO_HTTP1_FOLDED_FIELD
                                    : OURO_HTTP1_SPACE_BEFORE_COLON);
    if (first && (*at == '\r' || *at == '\n')) {
        enum ouro__http1_line line = ouro__http1_line_end(cursor);
        return line == OURO__HTTP1_WHOLE ? OURO__HTTP1_EMPTY : line;
    }
    return refuse(cursor, OURO_HTTP1_BAD_FIELD_NAME);
}

enum ouro__http1_line
ouro__http1_field_line(struct ouro__http1_cursor *cursor,
                       struct ouro_http1_field *out_field)
{
    const uint8_t *begin = cursor->at;
    const uint8_t *colon =
        ouro__http1_skip(begin, cursor->end, OURO__HTTP1_TOKEN);

    if (colon == cursor->end || *colon != ':' || colon == begin)
        return no_name(cursor, colon);
    const uint8_t *value = colon + 1;
    while (value < cursor->end && is_space(*value))
        value++;
    const uint8_t *end = ouro__http1_skip_value(value, cursor->end);
    cursor->at = end;
    while (end > value && is_space(end[-1]))
        end--;
    out_field->name = ouro_slice_of(begin, (size_t)(colon - begin));
    out_field->value = ouro_slice_of(value, (size_t)(end - value));
    return end_after(cursor, OURO_HTTP1_BAD_FIELD_VALUE);
}
