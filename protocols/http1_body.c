/* SPDX-License-Identifier: MIT */
/* A body: so many bytes, chunks, or all there is (RFC 9112, 6.3 and 7.1).
 *
 * The line before a chunk is read byte by byte, so it may be cut anywhere, and
 * nothing of it is kept but its number.  Trailers are lines, as in a head.
 */
#include "http1_inside.h"
#include "http1_scan.h"

#include <ouro/error.h>

#include <string.h>

enum { CHUNK_DIGITS = 16 };

/* Where in a chunked body the next byte is. */
enum state {
    SIZE_FIRST,
    SIZE,
    BEFORE_SEMICOLON, /* white space that must lead to one */
    NAME_FIRST,       /* behind ";" */
    NAME,
    AFTER_NAME, /* white space that leads to "=" or ";" */
    VALUE_FIRST,
    VALUE,
    QUOTED,
    QUOTED_PAIR,
    AFTER_QUOTED,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILERS,
    DONE
};

void
ouro_http1_body_init(struct ouro_http1_body *body,
                     const struct ouro_http1_head *head,
                     const struct ouro_http1_limits *limits)
{
    static const struct ouro_http1_limits usual;

    if (limits == NULL)
        limits = &usual;
    memset(body, 0, sizeof(*body));
    body->private_framing = (uint8_t)head->framing;
    body->private_allowed =
        limits->body_size != 0 ? limits->body_size : UINT64_MAX;
    body->private_extensions =
        limits->extensions_size != 0 ? limits->extensions_size : OURO_KIB(16);
    body->private_fields_size =
        limits->fields_size != 0 ? limits->fields_size : OURO_KIB(64);
    if (head->framing != OURO_HTTP1_LENGTH)
        return;
    body->private_left = (uint64_t)head->content_length;
    if (body->private_left > body->private_allowed)
        body->error = OURO_HTTP1_BODY_TOO_LARGE;
}

/* The lines of chunks. */

static enum ouro_http1_error
add_digit(struct ouro_http1_body *body, uint8_t byte)
{
    unsigned digit = byte <= '9' ? byte - 0x30U : (byte | 0x20U) - 0x57U;

    if (++body->private_digits > CHUNK_DIGITS
        || body->private_left > (uint64_t)INT64_MAX >> 4)
        return OURO_HTTP1_BAD_CHUNK_SIZE;
    body->private_left = body->private_left << 4 | digit;
    body->private_state = SIZE;
    return OURO_HTTP1_OK;
}

static bool
is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* What may stand where an extension has ended, or none has begun. */
static enum ouro_http1_error
extension_end(struct ouro_http1_body *body, uint8_t byte,
              enum ouro_http1_error error)
{
    if (byte == ';')
        body->private_state = NAME_FIRST;
    else if (byte == '\r')
        body->private_state = SIZE_LF;
    else if (is_space(byte))
        body->private_state = BEFORE_SEMICOLON;
    else
        return byte == '\n' ? OURO_HTTP1_BAD_LINE_END : error;
    return OURO_HTTP1_OK;
}

/* A name, or white space around it: RFC 9112, 7.1.1. */
static enum ouro_http1_error
extension_name(struct ouro_http1_body *body, uint8_t byte)
{
    bool token = ouro__http1_is(byte, OURO__HTTP1_TOKEN);
    uint8_t state = body->private_state;

    if (token && state != AFTER_NAME)
        body->private_state = NAME;
    else if (state == NAME_FIRST)
        return is_space(byte) ? OURO_HTTP1_OK : OURO_HTTP1_BAD_CHUNK_EXTENSION;
    else if (byte == '=')
        body->private_state = VALUE_FIRST;
    else if (is_space(byte))
        body->private_state = AFTER_NAME;
    else if (state == AFTER_NAME && byte != ';')
        return OURO_HTTP1_BAD_CHUNK_EXTENSION;
    else
        return extension_end(body, byte, OURO_HTTP1_BAD_CHUNK_EXTENSION);
    return OURO_HTTP1_OK;
}

static enum ouro_http1_error
extension_value(struct ouro_http1_body *body, uint8_t byte)
{
    bool token = ouro__http1_is(byte, OURO__HTTP1_TOKEN);

    if (token)
        body->private_state = VALUE;
    else if (body->private_state == VALUE)
        return extension_end(body, byte, OURO_HTTP1_BAD_CHUNK_EXTENSION);
    else if (byte == '"')
        body->private_state = QUOTED;
    else if (!is_space(byte))
        return OURO_HTTP1_BAD_CHUNK_EXTENSION;
    return OURO_HTTP1_OK;
}

static enum ouro_http1_error
extension_quoted(struct ouro_http1_body *body, uint8_t byte)
{
    bool pair = body->private_state == QUOTED_PAIR;

    if (!ouro__http1_is(byte, OURO__HTTP1_VALUE))
        return OURO_HTTP1_BAD_CHUNK_EXTENSION;
    if (!pair && byte == '"')
        body->private_state = AFTER_QUOTED;
    else
        body->private_state = !pair && byte == '\\' ? QUOTED_PAIR : QUOTED;
    return OURO_HTTP1_OK;
}

static enum ouro_http1_error
extension(struct ouro_http1_body *body, uint8_t byte)
{
    if (body->private_extensions == 0)
        return OURO_HTTP1_EXTENSIONS_TOO_LARGE;
    body->private_extensions--;
    switch ((enum state)body->private_state) {
    case BEFORE_SEMICOLON:
        return is_space(byte) || byte == ';'
                   ? extension_end(body, byte, OURO_HTTP1_BAD_CHUNK_EXTENSION)
                   : OURO_HTTP1_BAD_CHUNK_EXTENSION;
    case VALUE_FIRST:
    case VALUE:
        return extension_value(body, byte);
    case QUOTED:
    case QUOTED_PAIR:
        return extension_quoted(body, byte);
    case AFTER_QUOTED:
        return extension_end(body, byte, OURO_HTTP1_BAD_CHUNK_EXTENSION);
    default:
        return extension_name(body, byte);
    }
}

/* The line is over: its number is known. */
static enum ouro_http1_error
begin_chunk(struct ouro_http1_body *body, uint8_t byte)
{
    if (byte != '\n')
        return OURO_HTTP1_BAD_LINE_END;
    if (body->private_left > body->private_allowed)
        return OURO_HTTP1_BODY_TOO_LARGE;
    body->private_allowed -= body->private_left;
    body->private_state = body->private_left > 0 ? DATA : TRAILERS;
    return OURO_HTTP1_OK;
}

/* One byte that is neither data nor trailer. */
static enum ouro_http1_error
step(struct ouro_http1_body *body, uint8_t byte)
{
    switch ((enum state)body->private_state) {
    case SIZE_FIRST:
    case SIZE:
        if (ouro__http1_is(byte, OURO__HTTP1_HEX))
            return add_digit(body, byte);
        if (body->private_state == SIZE_FIRST)
            return OURO_HTTP1_BAD_CHUNK_SIZE;
        return extension_end(body, byte, OURO_HTTP1_BAD_CHUNK_SIZE);
    case SIZE_LF:
        return begin_chunk(body, byte);
    case DATA_CR:
        body->private_state = DATA_LF;
        return byte == '\r' ? OURO_HTTP1_OK : OURO_HTTP1_BAD_CHUNK_END;
    case DATA_LF:
        body->private_state = SIZE_FIRST;
        body->private_digits = 0;
        return byte == '\n' ? OURO_HTTP1_OK : OURO_HTTP1_BAD_CHUNK_END;
    default:
        return extension(body, byte);
    }
}

/* Up to the next byte of data, or of trailers. */
static void
read_chunk_line(struct ouro_http1_body *body, struct ouro_slice *bytes)
{
    size_t used = 0;

    if (bytes->size == 0)
        return;
    while (used < bytes->size && body->error == OURO_HTTP1_OK
           && body->private_state != DATA && body->private_state != TRAILERS)
        body->error = step(body, bytes->data[used++]);
    bytes->data += used;
    bytes->size -= used;
}

/* Hand out up to `most` bytes. */
static uint64_t
take(struct ouro_slice *bytes, struct ouro_slice *out_data, uint64_t most)
{
    size_t size = bytes->size < most ? bytes->size : (size_t)most;

    *out_data = ouro_slice_of(bytes->data, size);
    bytes->data += size;
    bytes->size -= size;
    return size;
}

static int
read_until_close(struct ouro_http1_body *body, struct ouro_slice *bytes,
                 struct ouro_slice *out_data)
{
    if (bytes->size == 0)
        return OURO_HTTP1_MORE;
    if (body->private_allowed == 0) {
        body->error = OURO_HTTP1_BODY_TOO_LARGE;
        return ouro__http1_result(body->error);
    }
    body->private_allowed -= take(bytes, out_data, body->private_allowed);
    return OURO_HTTP1_DATA;
}

static int
read_length(struct ouro_http1_body *body, struct ouro_slice *bytes,
            struct ouro_slice *out_data)
{
    if (body->private_left == 0) {
        body->private_state = DONE;
        return OURO_HTTP1_END;
    }
    if (bytes->size == 0)
        return OURO_HTTP1_MORE;
    body->private_left -= take(bytes, out_data, body->private_left);
    return OURO_HTTP1_DATA;
}

static int
read_trailers(struct ouro_http1_body *body, struct ouro_slice *bytes,
              struct ouro_http1_fields *trailers)
{
    struct ouro__http1_lines *lines = &body->lines;
    size_t used = 0;

    if (ouro__http1_has_news(lines, *bytes)
        || bytes->size >= body->private_fields_size)
        used = ouro__http1_read_fields(lines, *bytes, trailers,
                                       body->private_fields_size, true,
                                       &body->error);
    if (used == 0)
        return ouro__http1_result(body->error);
    bytes->data += used;
    bytes->size -= used;
    body->private_state = DONE;
    return OURO_HTTP1_END;
}

static int
read_chunks(struct ouro_http1_body *body, struct ouro_slice *bytes,
            struct ouro_slice *out_data, struct ouro_http1_fields *trailers)
{
    read_chunk_line(body, bytes);
    if (body->error != OURO_HTTP1_OK)
        return ouro__http1_result(body->error);
    if (body->private_state == TRAILERS)
        return read_trailers(body, bytes, trailers);
    if (body->private_state != DATA || bytes->size == 0)
        return OURO_HTTP1_MORE;
    body->private_left -= take(bytes, out_data, body->private_left);
    if (body->private_left == 0)
        body->private_state = DATA_CR;
    return OURO_HTTP1_DATA;
}

int
ouro_http1_body_read(struct ouro_http1_body *body, struct ouro_slice *bytes,
                     struct ouro_slice *out_data,
                     struct ouro_http1_fields *trailers)
{
    if (body->error != OURO_HTTP1_OK)
        return ouro__http1_result(body->error);
    if (body->private_state == DONE)
        return OURO_HTTP1_END;
    switch ((enum ouro_http1_framing)body->private_framing) {
    case OURO_HTTP1_UNTIL_CLOSE:
        return read_until_close(body, bytes, out_data);
    case OURO_HTTP1_CHUNKED:
        return read_chunks(body, bytes, out_data, trailers);
    default:
        return read_length(body, bytes, out_data);
    }
}

int
ouro_http1_body_eof(const struct ouro_http1_body *body)
{
    bool whole = body->private_framing == OURO_HTTP1_UNTIL_CLOSE
                 || body->private_state == DONE
                 || (body->private_framing != OURO_HTTP1_CHUNKED
                     && body->private_left == 0);

    if (body->error != OURO_HTTP1_OK)
        return ouro__http1_result(body->error);
    return whole ? 0 : -OURO_EINCOMPLETE;
}
