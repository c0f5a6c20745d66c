/* SPDX-License-Identifier: MIT */
/* The answer to a request: whole, in parts, from a file; its end.
 *
 * The happy path:
 *
 * - A handler answers at once: head and body are one write.
 * - Or it begins, writes, and returns: the body has a length that was promised,
 *   or is sent in chunks (RFC 9112, 7.1), or, for HTTP/1.0, ends with the
 *   connection.
 *
 * What may happen instead:
 *
 * - There is no answer: the client gets 500.
 * - It has begun and is not whole: the connection is aborted, so that the
 *   client sees that something is missing.
 * - The client has left: writes fail, and whole answers are dropped.
 */
#include "http_server_inside.h"

#include <ouro/http1_writer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How much is written between two looks for room. */
#define PIECE_SIZE OURO_KIB(256)

static struct ouro_transport *
transport_of(const struct ouro_http_request *request)
{
    return request->connection->base.transport;
}

static bool
is_writable(const struct ouro_http_request *request)
{
    return ouro__http_is_open(request->connection);
}

void
ouro__http_write_parts(struct ouro__http_connection *connection,
                       const struct ouro_slice *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        connection->written += parts[i].size;
    ouro_transport_writev(connection->base.transport, parts, count);
}

/* Whole answers. */

static void
report(struct ouro_http_request *request, const char *message, int error)
{
    const struct ouro_exception exception = {
        .message = message,
        .error = error,
        .task = ouro_current_task(),
        .name =
            request->match.route != NULL ? request->match.route->pattern : NULL,
    };

    ouro_loop_call_exception_handler(ouro_transport_loop(transport_of(request)),
                                     &exception);
}

void
ouro_http_respond(struct ouro_http_request *request, int status,
                  const char *content_type, struct ouro_slice body)
{
    struct ouro__http_head head;

    if (request->answer.status != 0) {
        report(request, "a request was answered twice; the second was dropped",
               -EALREADY);
        return;
    }
    if (!ouro__http_is_answer(status, content_type)) {
        report(request, "an answer was no valid one; 500 was sent", -EINVAL);
        ouro_http_respond_text(request, 500, NULL);
        return;
    }
    ouro__http_answer_begin(request, status, (int64_t)body.size);
    request->answer.written = body.size;
    if (!is_writable(request))
        return;
    ouro__http_head_make(&head, request, content_type);
    if (!request->answer.bodiless)
        ouro__http_head_add(&head, body);
    ouro__http_write_parts(request->connection, head.parts, head.count);
}

void
ouro_http_respond_text(struct ouro_http_request *request, int status,
                       const char *text)
{
    char line[OURO__HTTP_STATUS_LINE];

    if (text == NULL) {
        snprintf(line, sizeof(line), "%d %s\n", status,
                 ouro__http_status_name(status));
        text = line;
    }
    ouro_http_respond(request, status, "text/plain; charset=utf-8",
                      ouro_slice_of(text, strlen(text)));
}

/* Answers in parts. */

int
ouro_http_begin(struct ouro_http_request *request, int status,
                const char *content_type, int64_t size)
{
    struct ouro__http_head head;

    if (!ouro__http_is_answer(status, content_type)
        || size < OURO_HTTP_UNKNOWN_SIZE)
        return -EINVAL;
    if (request->answer.status != 0)
        return -EALREADY;
    if (!is_writable(request))
        return -ENOTCONN;
    ouro__http_answer_begin(request, status, size);
    ouro__http_head_make(&head, request, content_type);
    ouro__http_write_parts(request->connection, head.parts, head.count);
    return 0;
}

/* Suspend while too much is queued. */
static int
await_room(struct ouro_http_request *request)
{
    struct ouro__http_connection *connection = request->connection;
    int rc = 0;

    while (rc == 0 && is_writable(request)
           && ouro_transport_is_writing_paused(transport_of(request))) {
        bool told = connection->output_paused;

        rc = told ? ouro__http_wait(request, &request->room) : ouro_sleep(0);
        if (told)
            break;
    }
    if (rc == 0 && !is_writable(request))
        rc = -ENOTCONN;
    return rc;
}

static void
write_chunk(struct ouro_http_request *request, struct ouro_slice data)
{
    uint8_t line[OURO_HTTP1_CHUNK_LINE];
    const struct ouro_slice parts[] = {
        ouro_http1_chunk_line(data.size, line),
        data,
        OURO_HTTP1_CHUNK_CRLF,
    };

    ouro__http_write_parts(request->connection, parts, 3);
}

static int
check_part(const struct ouro__http_answer *answer, size_t size)
{
    if (answer->status == 0)
        return -EINVAL;
    if (answer->size != OURO_HTTP_UNKNOWN_SIZE
        && size > (uint64_t)answer->size - answer->written)
        return -EMSGSIZE;
    return 0;
}

static void
write_part(struct ouro_http_request *request, struct ouro_slice data)
{
    struct ouro__http_answer *answer = &request->answer;

    answer->written += data.size;
    if (data.size == 0 || answer->bodiless)
        return;
    if (answer->chunked)
        write_chunk(request, data);
    else
        ouro__http_write_parts(request->connection, &data, 1);
}

/* In pieces, so that no more is queued than a client may leave unread. */
static int
write_all(struct ouro_http_request *request, struct ouro_slice data)
{
    int rc = await_room(request);

    while (rc == 0 && data.size > PIECE_SIZE) {
        write_part(request, ouro_slice_of(data.data, PIECE_SIZE));
        data = ouro_slice_of(data.data + PIECE_SIZE, data.size - PIECE_SIZE);
        rc = await_room(request);
    }
    if (rc == 0)
        write_part(request, data);
    return rc;
}

int
ouro_http_write(struct ouro_http_request *request, struct ouro_slice data)
{
    int rc = ouro_checkpoint();

    if (rc == 0 && request->writing)
        rc = -EBUSY;
    if (rc == 0)
        rc = check_part(&request->answer, data.size);
    if (rc < 0)
        return rc;
    request->writing = true;
    rc = write_all(request, data);
    request->writing = false;
    return rc;
}

/* Files. */

int
ouro__http_send_file(struct ouro_http_request *request, int status,
                     const char *content_type, int file, uint64_t first,
                     uint64_t count)
{
    struct ouro__http_answer *answer = &request->answer;
    int rc = ouro_http_begin(request, status, content_type, (int64_t)count);

    if (rc < 0 || answer->bodiless || count == 0) {
        close(file);
        return rc;
    }
    int64_t size = ouro_transport_write_file(transport_of(request), file,
                                             (off_t)first, (size_t)count);
    if (size < 0)
        return (int)size;
    answer->written += (uint64_t)size;
    request->connection->written += (uint64_t)size;
    return 0;
}

/* The end. */

static bool
is_short(const struct ouro__http_answer *answer)
{
    return answer->size != OURO_HTTP_UNKNOWN_SIZE && !answer->bodiless
           && answer->written < (uint64_t)answer->size;
}

/* Nobody is to blame for a client that left, or did not send its body. */
static bool
is_of_connection(const struct ouro_http_request *request, int rc)
{
    return !is_writable(request) || rc == -ECANCELED
           || (rc < 0 && rc == request->body_error);
}

/* The handler has left it to us.  What it added was for another answer. */
static void
answer_for_handler(struct ouro_http_request *request, int rc)
{
    int status = rc == -ECANCELED ? 503 : 500;

    if (rc < 0 && rc == request->body_error)
        status = ouro__http_body_status(request);
    request->answer.fields_size = 0;
    ouro_http_respond_text(request, status, NULL);
}

void
ouro__http_answer_end(struct ouro_http_request *request, int rc)
{
    struct ouro__http_answer *answer = &request->answer;
    const struct ouro_slice end = OURO_HTTP1_LAST_CHUNK;

    OURO_CHECK(request->input == NULL && !request->writing,
               "nobody reads or writes when its handler has returned");
    if (rc < 0 && !is_of_connection(request, rc))
        report(request, "a handler failed", rc);
    else if (answer->status == 0 && !is_of_connection(request, rc))
        report(request, "a handler returned without an answer", 0);
    if (!is_writable(request))
        return;
    if (answer->status == 0)
        answer_for_handler(request, rc);
    if (is_short(answer) || (rc < 0 && answer->size == OURO_HTTP_UNKNOWN_SIZE))
        ouro_transport_fail(transport_of(request), -OURO_EINCOMPLETE);
    else if (answer->chunked)
        ouro__http_write_parts(request->connection, &end, 1);
}
