/* SPDX-License-Identifier: MIT */
#ifndef OURO_HTTP1_WRITER_H
#define OURO_HTTP1_WRITER_H

#include <ouro/bytes.h>

OURO_BEGIN_DECLS

/**
 * A head, while it is written into memory of the caller's (RFC 9112, 2.1).
 *
 * The first line, the fields, the end, in this order.  What fails makes all
 * that follows nothing, and is told by ouro_http1_write_end(); so a name or a
 * value from outside cannot become a second field or a second message.
 */
struct ouro_http1_writer {
    uint8_t *private_data;
    size_t private_room;
    size_t private_size;
    int private_error;
};

/** Write into `size` bytes at `into`. */
void ouro_http1_writer_init(struct ouro_http1_writer *writer, void *into,
                            size_t size);

/** "GET /path HTTP/1.1". */
void ouro_http1_write_request_line(struct ouro_http1_writer *writer,
                                   struct ouro_slice method,
                                   struct ouro_slice target);

/** "HTTP/1.1 404 Not Found"; the reason may be empty. */
void ouro_http1_write_status_line(struct ouro_http1_writer *writer, int status,
                                  struct ouro_slice reason);

/** "Name: value". */
void ouro_http1_write_field(struct ouro_http1_writer *writer,
                            struct ouro_slice name, struct ouro_slice value);

/**
 * End the head, or the trailers.
 *
 * Returns how many bytes were written.
 *   -EINVAL   a method, target, status, reason, name or value is none (RFC
 * 9110, 5.1, 5.5, 9.1 and 15; RFC 9112, 3.2 and 4) -ENOBUFS  there was no room
 */
OURO_MUST_USE ssize_t ouro_http1_write_end(struct ouro_http1_writer *writer);

/** Room for the line before a chunk. */
enum { OURO_HTTP1_CHUNK_LINE = 18 };

/** What stands before a chunk of `size` bytes, which is not 0, in `line`;
 * OURO_HTTP1_CHUNK_CRLF stands behind it.  RFC 9112, 7.1. */
struct ouro_slice ouro_http1_chunk_line(uint64_t size,
                                        uint8_t line[OURO_HTTP1_CHUNK_LINE]);
#define OURO_HTTP1_CHUNK_CRLF OURO_BYTES("\r\n")

/** What ends chunks without trailers; with trailers the first line of it, then
 * fields and their end. */
#define OURO_HTTP1_LAST_CHUNK      OURO_BYTES("0\r\n\r\n")
#define OURO_HTTP1_LAST_CHUNK_LINE OURO_BYTES("0\r\n")

OURO_END_DECLS

#endif
