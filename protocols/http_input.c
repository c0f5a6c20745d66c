/* SPDX-License-Identifier: MIT */
/* What a client sends to the HTTP server: bytes to heads and bodies.
 *
 * Bytes are used where they lie: in the transport's memory, or, if they came
 * before they could be used, in the inbox.  What is not used stays there.
 */
#include "http_server_inside.h"

#include <errno.h>
#include <string.h>

enum { INBOX_SIZE = 64 * 1024 }; /* past it reading is paused */

/* Bodies. */

/* Some of the body at the front of `bytes`, which move past it; empty: there is
 * none, and body_ended or body_error say whether more will come. */
struct ouro_slice
ouro__http_next_part(struct ouro_http_request *request,
                     struct ouro_slice *bytes)
{
    struct ouro_slice part = ouro_slice_of("", 0);

    if (request->body_ended || request->body_error < 0)
        return part;
    int event = ouro_http1_body_read(&request->body_reader, bytes, &part, NULL);
    if (event == OURO_HTTP1_DATA)
        return part;
    request->body_ended = event == OURO_HTTP1_END;
    if (event < 0)
        request->body_error = event;
    return ouro_slice_of("", 0);
}

void
ouro__http_continue(struct ouro_http_request *request)
{
    struct ouro__http_connection *connection = request->connection;
    const struct ouro_slice line = OURO_BYTES("HTTP/1.1 100 Continue\r\n\r\n");

    if (!request->continue_due || request->answer.status != 0
        || !ouro__http_is_open(connection))
        return;
    request->continue_due = false;
    connection->written += line.size;
    ouro_transport_write(connection->base.transport, line);
}

static void
resume_if_used(struct ouro__http_connection *connection)
{
    if (ouro__http_is_open(connection) && connection->state != OURO__HTTP_GIVEN
        && ouro__http_inbox_bytes(&connection->inbox).size < INBOX_SIZE)
        ouro_transport_resume_reading(connection->base.transport);
}

/* A part stays in the inbox until all of it was taken. */
static size_t
take_part(struct ouro_http_request *request, void *into, size_t size)
{
    struct ouro__http_connection *connection = request->connection;
    size_t taken = request->part_size < size ? request->part_size : size;

    memcpy(into, ouro__http_inbox_bytes(&connection->inbox).data, taken);
    ouro__http_inbox_consume(&connection->inbox, taken);
    request->part_size -= taken;
    return taken;
}

size_t
ouro__http_take_body(struct ouro_http_request *request, void *into, size_t size)
{
    struct ouro__http_connection *connection = request->connection;
    struct ouro_slice bytes = ouro__http_inbox_bytes(&connection->inbox);
    size_t taken = 0;

    if (request->part_size == 0) {
        struct ouro_slice part = ouro__http_next_part(request, &bytes);
        size_t there = ouro__http_inbox_bytes(&connection->inbox).size;
        size_t framing = there - bytes.size - part.size;

        ouro__http_inbox_consume(&connection->inbox, framing);
        request->part_size = part.size;
    }
    if (request->part_size > 0)
        taken = take_part(request, into, size);
    resume_if_used(connection);
    return taken;
}

/* Using bytes: each returns how many were used; 0: more are needed. */

static size_t
use_for_head(struct ouro__http_connection *connection, struct ouro_slice bytes)
{
    struct ouro_http_request *request = connection->request;
    ssize_t size = ouro_http1_read_request(&request->head, bytes,
                                           &connection->server->limits);

    if (size > 0) {
        connection->behind = bytes.size - (size_t)size;
        ouro__http_begin_request(connection, bytes.data, (size_t)size);
        return (size_t)size;
    }
    if (size == 0)
        return 0;
    ouro__http_refuse_head(connection,
                           ouro_http1_error_status(request->head.error));
    return bytes.size;
}

static int
keep_part(struct ouro_http_request *request, struct ouro_slice part)
{
    int rc =
        ouro__http_grow(&request->body, &request->body_room, request->body_size,
                        request->body_size + part.size);

    if (rc < 0)
        return rc;
    memcpy(request->body + request->body_size, part.data, part.size);
    request->body_size += part.size;
    return 0;
}

/* A whole body, for its handler. */
static size_t
use_for_body(struct ouro__http_connection *connection, struct ouro_slice bytes)
{
    struct ouro_http_request *request = connection->request;
    struct ouro_slice rest = bytes;
    struct ouro_slice part;
    int rc = 0;

    while (rc == 0 && (part = ouro__http_next_part(request, &rest)).size > 0)
        rc = keep_part(request, part);
    connection->behind = rest.size;
    if (rc < 0)
        ouro__http_refuse(connection, 503);
    else if (request->body_error < 0)
        ouro__http_refuse(connection,
                          ouro_http1_error_status(request->body_reader.error));
    else if (request->body_ended)
        ouro__http_run(connection);
    return bytes.size - rest.size;
}

/* What nobody reads. */
static size_t
use_to_drain(struct ouro__http_connection *connection, struct ouro_slice bytes)
{
    struct ouro_http_request *request = connection->request;
    struct ouro_slice rest = bytes;
    struct ouro_slice part;

    while ((part = ouro__http_next_part(request, &rest)).size > 0)
        connection->drained += part.size;
    if (!request->body_ended && request->body_error == 0
        && connection->drained <= OURO__HTTP_DRAIN_SIZE)
        return bytes.size - rest.size;

    bool ended = request->body_ended;
    connection->behind = rest.size;
    ouro__http_request_free(request);
    if (ended)
        ouro__http_become_idle(connection);
    else
        ouro__http_linger(connection);
    return bytes.size - rest.size;
}

static size_t
use_some(struct ouro__http_connection *connection, struct ouro_slice bytes)
{
    switch (connection->state) {
    case OURO__HTTP_IDLE:
        connection->request = ouro__http_request_new(connection);
        if (connection->request == NULL) {
            ouro_transport_fail(connection->base.transport, -ENOMEM);
            return 0;
        }
        connection->state = OURO__HTTP_HEAD;
        return use_for_head(connection, bytes);
    case OURO__HTTP_HEAD:
        return use_for_head(connection, bytes);
    case OURO__HTTP_BODY:
        return use_for_body(connection, bytes);
    case OURO__HTTP_DRAIN:
        return use_to_drain(connection, bytes);
    case OURO__HTTP_ACTIVE:
    case OURO__HTTP_GIVEN:
        break;
    case OURO__HTTP_FLUSH:
    case OURO__HTTP_LINGER:
        return bytes.size;
    }
    return 0;
}

/* A client that asks and does not read the answers has to wait.  What is queued
 * may drain before we are told of it, so we look again. */
static bool
may_use(struct ouro__http_connection *connection)
{
    struct ouro_transport *transport = connection->base.transport;

    if (!ouro__http_is_open(connection))
        return false;
    if (!ouro_transport_is_writing_paused(transport)
        || connection->state >= OURO__HTTP_FLUSH)
        return true;
    ouro__http_look_again(connection);
    return false;
}

/* Use what can be used.  Returns how much it was. */
size_t
ouro__http_use(struct ouro__http_connection *connection,
               struct ouro_slice bytes)
{
    bool is_new = false;
    size_t used = 0;

    while (used < bytes.size && may_use(connection)) {
        enum ouro__http_state state = connection->state;
        size_t more = use_some(
            connection, ouro_slice_of(bytes.data + used, bytes.size - used));

        is_new = is_new || state != OURO__HTTP_HEAD;
        used += more;
        if (more == 0 && connection->state == state)
            break;
        if (connection->state == OURO__HTTP_ACTIVE
            || (more == 0 && connection->state == OURO__HTTP_HEAD))
            break;
    }
    if (connection->state == OURO__HTTP_HEAD && is_new)
        ouro__http_watch(connection,
                         connection->server->options.head_timeout_ns);
    connection->behind = 0;
    return used;
}

void
ouro__http_use_inbox(struct ouro__http_connection *connection)
{
    struct ouro_slice bytes = ouro__http_inbox_bytes(&connection->inbox);

    if (bytes.size > 0)
        ouro__http_inbox_consume(&connection->inbox,
                                 ouro__http_use(connection, bytes));
    resume_if_used(connection);
}

/* Keep what cannot be used yet.  Who sends more than we use has to wait. */
void
ouro__http_keep(struct ouro__http_connection *connection,
                struct ouro_slice data)
{
    struct ouro_transport *transport = connection->base.transport;

    if (ouro__http_inbox_add(&connection->inbox, data) < 0)
        ouro_transport_fail(transport, -ENOMEM);
    else if (ouro__http_inbox_bytes(&connection->inbox).size >= INBOX_SIZE
             && (connection->state == OURO__HTTP_ACTIVE
                 || ouro_transport_is_writing_paused(transport)))
        ouro_transport_pause_reading(transport);
}
