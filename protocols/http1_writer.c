/* SPDX-License-Identifier: MIT */
/* Heads and chunks, written: what is written can be read again, or is refused
 * before it is written. */
#include <ouro/http1_writer.h>

#include "http1_scan.h"

#include <errno.h>
#include <string.h>

void
ouro_http1_writer_init(struct ouro_http1_writer *writer, void *into,
                       size_t size)
{
    *writer = (struct ouro_http1_writer){
        .private_data = into,
        .private_room = size,
    };
}

static void
put(struct ouro_http1_writer *writer, struct ouro_slice bytes)
{
    if (writer->private_error != 0)
        return;
    if (bytes.size > writer->private_room - writer->private_size) {
        writer->private_error = -ENOBUFS;
        return;
    }
    if (bytes.size > 0)
        memcpy(writer->private_data + writer->private_size, bytes.data,
               bytes.size);
    writer->private_size += bytes.size;
}

static void
check(struct ouro_http1_writer *writer, bool valid)
{
    if (!valid && writer->private_error == 0)
        writer->private_error = -EINVAL;
}

static bool
is_all(struct ouro_slice text, int kind)
{
    const uint8_t *end = text.data + text.size;

    return text.size == 0 || ouro__http1_skip(text.data, end, kind) == end;
}

void
ouro_http1_write_request_line(struct ouro_http1_writer *writer,
                              struct ouro_slice method,
                              struct ouro_slice target)
{
    check(writer, method.size > 0 && is_all(method, OURO__HTTP1_TOKEN));
    check(writer, target.size > 0 && is_all(target, OURO__HTTP1_TARGET));
    put(writer, method);
    put(writer, OURO_BYTES(" "));
    put(writer, target);
    put(writer, OURO_BYTES(" HTTP/1.1\r\n"));
}

void
ouro_http1_write_status_line(struct ouro_http1_writer *writer, int status,
                             struct ouro_slice reason)
{
    uint8_t digits[3] = {
        (uint8_t)('0' + status / 100 % 10),
        (uint8_t)('0' + status / 10 % 10),
        (uint8_t)('0' + status % 10),
    };

    check(writer, status >= 100 && status <= 999);
    check(writer, is_all(reason, OURO__HTTP1_VALUE));
    put(writer, OURO_BYTES("HTTP/1.1 "));
    put(writer, ouro_slice_of(digits, sizeof(digits)));
    put(writer, OURO_BYTES(" "));
    put(writer, reason);
    put(writer, OURO_BYTES("\r\n"));
}

static bool
is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* White space around it would not come back. */
static bool
is_value(struct ouro_slice value)
{
    if (value.size == 0)
        return true;
    return is_all(value, OURO__HTTP1_VALUE) && !is_space(value.data[0])
           && !is_space(value.data[value.size - 1]);
}

void
ouro_http1_write_field(struct ouro_http1_writer *writer, struct ouro_slice name,
                       struct ouro_slice value)
{
    check(writer, name.size > 0 && is_all(name, OURO__HTTP1_TOKEN));
    check(writer, is_value(value));
    put(writer, name);
    put(writer, OURO_BYTES(": "));
    put(writer, value);
    put(writer, OURO_BYTES("\r\n"));
}

ssize_t
ouro_http1_write_end(struct ouro_http1_writer *writer)
{
    put(writer, OURO_BYTES("\r\n"));
    if (writer->private_error != 0)
        return writer->private_error;
    return (ssize_t)writer->private_size;
}

struct ouro_slice
ouro_http1_chunk_line(uint64_t size, uint8_t line[OURO_HTTP1_CHUNK_LINE])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = OURO_HTTP1_CHUNK_LINE;

    line[--at] = '\n';
    line[--at] = '\r';
    do {
        line[--at] = (uint8_t)digits[size & 15];
        size >>= 4;
    } while (size != 0);
    return ouro_slice_of(line + at, OURO_HTTP1_CHUNK_LINE - at);
}
