/* SPDX-License-Identifier: MIT */
/* The answer to a request: its head, its body, its end.
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

enum { HEAD_ROOM = 256 }; /* for all that the server writes itself */

/* The head, as the slices it is sent in.  A slice costs as much as some bytes
 * more, so what the server writes itself is as few of them as can be. */
struct head {
    struct ouro_slice parts[6];
    size_t count;
    size_t size;  /* of `text` */
    size_t added; /* of these, in parts */
    char text[HEAD_ROOM];
};

static void
put(struct head *head, struct ouro_slice text)
{
    memcpy(head->text + head->size, text.data, text.size);
    head->size += text.size;
}

static void
add(struct head *head, struct ouro_slice part)
{
    if (part.size > 0)
        head->parts[head->count++] = part;
}

static void
add_text(struct head *head)
{
    add(head,
        ouro_slice_of(head->text + head->added, head->size - head->added));
    head->added = head->size;
}

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

static struct ouro_slice
date_line(struct ouro_http_server *server)
{
    static const size_t at = sizeof("Date: ") - 1;
    time_t now = time(NULL);

    if (now != server->date_at) {
        memcpy(server->date, "Date: ", at);
        ouro__http_date(now, server->date + at);
        memcpy(server->date + at + OURO__HTTP_DATE, "\r\n", 2);
        server->date_at = now;
    }
    return ouro_slice_of(server->date, at + OURO__HTTP_DATE + 2);
}

static void
write_parts(struct ouro__http_connection *connection,
            const struct ouro_slice *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        connection->written += parts[i].size;
    ouro_transport_writev(connection->base.transport, parts, count);
}

/* Heads. */

static void
put_length(struct head *head, const struct ouro__http_answer *answer)
{
    if (answer->chunked) {
        put(head, OURO_BYTES("Transfer-Encoding: chunked\r\n"));
    } else if (answer->size != OURO_HTTP_UNKNOWN_SIZE && answer->status != 204
               && answer->status != 304) {
        put(head, OURO_BYTES("Content-Length: "));
        head->size +=
            ouro__http_number((uint64_t)answer->size, head->text + head->size);
        put(head, OURO_BYTES("\r\n"));
    }
}

static void
put_connection(struct head *head, const struct ouro_http_request *request)
{
    if (request->answer.closes)
        put(head, OURO_BYTES("Connection: close\r\n"));
    else if (request->head.minor_version == 0)
        put(head, OURO_BYTES("Connection: keep-alive\r\n"));
}

static void
make_head(struct head *head, struct ouro_http_request *request,
          const char *content_type)
{
    const struct ouro__http_answer *answer = &request->answer;

    head->count = head->added = 0;
    head->size = ouro__http_status_line(answer->status, head->text);
    put(head, date_line(request->connection->server));
    if (content_type != NULL) {
        put(head, OURO_BYTES("Content-Type: "));
        add_text(head);
        add(head, ouro_slice_of(content_type, strlen(content_type)));
        put(head, OURO_BYTES("\r\n"));
    }
    put_length(head, answer);
    put_connection(head, request);
    if (answer->fields_size > 0) {
        add_text(head);
        add(head, ouro_slice_of(answer->fields, answer->fields_size));
    }
    put(head, OURO_BYTES("\r\n"));
    add_text(head);
}

/* What a status and a method leave of a body (RFC 9110, 6.4.1). */
static bool
is_bodiless(const struct ouro_http_request *request, int status)
{
    return status == 204 || status == 205 || status == 304
           || ouro__http_same_name(request->head.method, "HEAD");
}

static void
begin_answer(struct ouro_http_request *request, int status, int64_t size)
{
    struct ouro__http_answer *answer = &request->answer;
    struct ouro__http_connection *connection = request->connection;
    bool old = request->head.minor_version == 0;

    answer->status = status;
    answer->size = status == 205 ? 0 : size;
    answer->bodiless = is_bodiless(request, status);
    answer->chunked =
        size == OURO_HTTP_UNKNOWN_SIZE && !old && !answer->bodiless;
    answer->closes =
        answer->closes || !request->head.keep_alive
        || connection->server->stopping || request->body_error < 0
        || request->continue_due
        || (size == OURO_HTTP_UNKNOWN_SIZE && old && !answer->bodiless);
    connection->server->stats.responses[status / 100]++;
}

/* Fields. */

static bool
is_ours(struct ouro_slice name)
{
    static const char *const names[] = {"Connection", "Content-Length", "Date",
                                        "Transfer-Encoding"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (ouro__http_same_name(name, names[i]))
            return true;
    }
    return false;
}

static void
append(struct ouro__http_answer *answer, struct ouro_slice text)
{
    if (text.size > 0)
        memcpy(answer->fields + answer->fields_size, text.data, text.size);
    answer->fields_size += text.size;
}

int
ouro_http_add_header(struct ouro_http_request *request, const char *name,
                     struct ouro_slice value)
{
    struct ouro__http_answer *answer = &request->answer;
    struct ouro_slice key = ouro_slice_of(name, strlen(name));
    size_t size = answer->fields_size + key.size + value.size + 4;

    if (!ouro__http_is_token(key) || !ouro__http_is_value(value)
        || is_ours(key))
        return -EINVAL;
    if (answer->status != 0)
        return -EALREADY;
    int rc = ouro__http_grow(&answer->fields, &answer->fields_room,
                             answer->fields_size, size);
    if (rc < 0)
        return rc;
    append(answer, key);
    append(answer, OURO_BYTES(": "));
    append(answer, value);
    append(answer, OURO_BYTES("\r\n"));
    return 0;
}

/* A last answer, and nothing that ends a line before its end. */
static bool
is_answer(int status, const char *content_type)
{
    return status >= 200 && status <= 599
           && (content_type == NULL
               || ouro__http_is_value(
                   ouro_slice_of(content_type, strlen(content_type))));
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
    struct head head;

    if (request->answer.status != 0) {
        report(request, "a request was answered twice; the second was dropped",
               -EALREADY);
        return;
    }
    if (!is_answer(status, content_type)) {
        report(request, "an answer was no valid one; 500 was sent", -EINVAL);
        ouro_http_respond_text(request, 500, NULL);
        return;
    }
    begin_answer(request, status, (int64_t)body.size);
    request->answer.written = body.size;
    if (!is_writable(request))
        return;
    make_head(&head, request, content_type);
    if (!request->answer.bodiless)
        add(&head, body);
    write_parts(request->connection, head.parts, head.count);
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
    struct head head;

    if (!is_answer(status, content_type) || size < OURO_HTTP_UNKNOWN_SIZE)
        return -EINVAL;
    if (request->answer.status != 0)
        return -EALREADY;
    if (!is_writable(request))
        return -ENOTCONN;
    begin_answer(request, status, size);
    make_head(&head, request, content_type);
    write_parts(request->connection, head.parts, head.count);
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

    write_parts(request->connection, parts, 3);
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
        write_parts(request->connection, &data, 1);
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
    int rc = ouro_event_wait(&request->connection->server->going);

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
        write_parts(request->connection, &end, 1);
}
