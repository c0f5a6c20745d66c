/* SPDX-License-Identifier: MIT */
/* A connection of the HTTP server: bytes to requests, one after the other.
 *
 * The happy path:
 *
 * - A head comes whole, in one piece, of a route with a callback: it is read
 *   where it lies, answered at once, and so is the next; all answers of a turn
 *   leave together.
 * - For a handler its head is copied, and a task begins.  When the task has
 *   answered it goes on with the next request that has come meanwhile, and ends
 *   when there is none.
 *
 * What may happen instead:
 *
 * - A head or a body is not whole: what came waits in the inbox, and so does
 *   what comes while a handler runs.  When that is much, reading is paused.
 * - It is refused, or too slow: an answer says so, and the connection ends.
 * - The connection ends while the client still sends: what it sends is thrown
 *   away for a while, since a reset could take the answer from it.
 */
#include "http_server_inside.h"

#include <ouro/http1_writer.h>

#include <errno.h>
#include <string.h>

enum {
    INBOX_SIZE = 64 * 1024, /* past it reading is paused */
    DRAIN_SIZE = 256 * 1024 /* of a body that nobody reads, then it ends */
};

static struct ouro__http_connection *
connection_of(struct ouro_protocol *protocol)
{
    return OURO_CONTAINER_OF(protocol, struct ouro__http_connection, base);
}

static bool
is_open(const struct ouro__http_connection *connection)
{
    return !connection->lost
           && !ouro_transport_is_closing(connection->base.transport);
}

static const struct ouro_http_server_options *
options_of(const struct ouro__http_connection *connection)
{
    return &connection->server->options;
}

/* States. */

void
ouro__http_become_idle(struct ouro__http_connection *connection)
{
    connection->state = OURO__HTTP_IDLE;
    if (connection->server->stopping)
        ouro__http_end(connection);
    else if (ouro_transport_is_writing_paused(connection->base.transport))
        ouro__http_watch_progress(connection);
    else
        ouro__http_watch(connection, options_of(connection)->idle_timeout_ns);
}

/* A body comes, to be kept or thrown away. */
void
ouro__http_await_body(struct ouro__http_connection *connection,
                      enum ouro__http_state state)
{
    connection->state = state;
    ouro__http_watch_progress(connection);
}

static void
end_again(void *arg)
{
    ouro__http_end(arg);
}

/* What is below the mark has time enough while the transport closes. */
void
ouro__http_end(struct ouro__http_connection *connection)
{
    struct ouro_transport *transport = connection->base.transport;

    if (!ouro_transport_is_writing_paused(transport)) {
        ouro_transport_close(transport);
        return;
    }
    if (connection->state != OURO__HTTP_FLUSH) {
        connection->state = OURO__HTTP_FLUSH;
        ouro__http_watch_progress(connection);
    }
    if (!connection->output_paused
        && !ouro_handle_is_pending(&connection->again))
        ouro_call_soon(ouro_transport_loop(transport), &connection->again,
                       end_again, connection);
}

/* The client still sends: it may see the answer first. */
void
ouro__http_linger(struct ouro__http_connection *connection)
{
    if (!is_open(connection))
        return;
    connection->state = OURO__HTTP_LINGER;
    if (connection->input_ended) {
        ouro_transport_close(connection->base.transport);
        return;
    }
    ouro_transport_write_eof(connection->base.transport);
    ouro_transport_resume_reading(connection->base.transport);
    ouro__http_watch(connection, options_of(connection)->linger_timeout_ns);
}

void
ouro__http_connection_stop(struct ouro__http_connection *connection)
{
    if (connection->state == OURO__HTTP_IDLE)
        ouro__http_end(connection);
}

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
        || !is_open(connection))
        return;
    request->continue_due = false;
    connection->written += line.size;
    ouro_transport_write(connection->base.transport, line);
}

static void
resume_if_used(struct ouro__http_connection *connection)
{
    if (is_open(connection)
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
        ouro__http_begin_request(connection, bytes.data, (size_t)size);
        return (size_t)size;
    }
    if (size == 0)
        return 0;
    connection->server->stats.refused++;

    request->head.method = request->head.target = ouro_slice_of("", 0);
    ouro__http_refuse(connection, ouro_http1_error_status(request->head.error));
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
        && connection->drained <= DRAIN_SIZE)
        return bytes.size - rest.size;

    bool ended = request->body_ended;
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
        break;
    case OURO__HTTP_FLUSH:
    case OURO__HTTP_LINGER:
        return bytes.size;
    }
    return 0;
}

static void use_inbox(struct ouro__http_connection *connection);

static void
use_again(void *arg)
{
    use_inbox(arg);
}

/* A client that asks and does not read the answers has to wait.  What is queued
 * may drain before we are told of it, so we look again. */
static bool
may_use(struct ouro__http_connection *connection)
{
    struct ouro_transport *transport = connection->base.transport;

    if (!is_open(connection))
        return false;
    if (!ouro_transport_is_writing_paused(transport)
        || connection->state >= OURO__HTTP_FLUSH)
        return true;
    if (!connection->output_paused
        && !ouro_handle_is_pending(&connection->again))
        ouro_call_soon(ouro_transport_loop(transport), &connection->again,
                       use_again, connection);
    return false;
}

/* Use what can be used.  Returns how much it was. */
static size_t
use(struct ouro__http_connection *connection, struct ouro_slice bytes)
{
    enum ouro__http_state before = connection->state;
    size_t used = 0;

    while (used < bytes.size && may_use(connection)) {
        enum ouro__http_state state = connection->state;
        size_t more = use_some(
            connection, ouro_slice_of(bytes.data + used, bytes.size - used));

        used += more;
        if (more == 0 && connection->state == state)
            break;
        if (connection->state == OURO__HTTP_ACTIVE
            || (more == 0 && connection->state == OURO__HTTP_HEAD))
            break;
    }
    if (connection->state == OURO__HTTP_HEAD && before != OURO__HTTP_HEAD)
        ouro__http_watch(connection, options_of(connection)->head_timeout_ns);
    return used;
}

static void
use_inbox(struct ouro__http_connection *connection)
{
    struct ouro_slice bytes = ouro__http_inbox_bytes(&connection->inbox);

    if (bytes.size > 0)
        ouro__http_inbox_consume(&connection->inbox, use(connection, bytes));
    resume_if_used(connection);
}

/* Nobody uses it any more. */
static void
leave(struct ouro__http_connection *connection)
{
    struct ouro_http_server *server = connection->server;

    ouro__http_request_free(connection->request);
    ouro__http_inbox_clear(&connection->inbox);
    LIST_REMOVE(connection, link);
    server->stats.connections--;
    if (server->stopping && LIST_EMPTY(&server->connections))
        ouro_event_set(&server->empty);
    ouro__http_server_unref(server);
}

/* The task of a connection: its handlers, as long as there are requests. */
int
ouro__http_serve(struct ouro_protocol *self, void *arg)
{
    struct ouro__http_connection *connection = connection_of(self);

    (void)arg;
    while (connection->state == OURO__HTTP_ACTIVE && !connection->lost) {
        struct ouro_http_request *request = connection->request;
        int rc =
            request->match.route->handler(request, connection->server->context);

        ouro__http_answer_end(request, rc);
        connection->state = OURO__HTTP_IDLE;
        ouro__http_finish(connection);
        if (connection->state < OURO__HTTP_FLUSH && is_open(connection))
            use_inbox(connection);
    }
    connection->in_task = false;
    if (connection->lost)
        leave(connection);
    else if (connection->input_ended && connection->state == OURO__HTTP_IDLE)
        ouro__http_end(connection);
    return 0;
}

/* What the transport tells. */

static int
connection_made(struct ouro_protocol *self, void *context)
{
    struct ouro__http_connection *connection = connection_of(self);
    struct ouro_http_server *server = context;

    connection->server = server;
    server->refs++;
    server->stats.connections++;
    LIST_INSERT_HEAD(&server->connections, connection, link);
    ouro__http_become_idle(connection);
    return server->stopping ? -ECONNABORTED : 0;
}

static void
keep(struct ouro__http_connection *connection, struct ouro_slice data)
{
    struct ouro_transport *transport = connection->base.transport;

    if (ouro__http_inbox_add(&connection->inbox, data) < 0)
        ouro_transport_fail(transport, -ENOMEM);
    else if (ouro__http_inbox_bytes(&connection->inbox).size >= INBOX_SIZE
             && (connection->state == OURO__HTTP_ACTIVE
                 || ouro_transport_is_writing_paused(transport)))
        ouro_transport_pause_reading(transport);
}

static void
data_received(struct ouro_protocol *self, struct ouro_slice data)
{
    struct ouro__http_connection *connection = connection_of(self);

    connection->received += data.size;
    if (ouro__http_inbox_bytes(&connection->inbox).size == 0) {
        size_t used = use(connection, data);

        data = ouro_slice_of(data.data + used, data.size - used);
        if (data.size > 0 && is_open(connection))
            keep(connection, data);
    } else {
        keep(connection, data);
        if (is_open(connection))
            use_inbox(connection);
    }
    if (connection->state == OURO__HTTP_ACTIVE)
        ouro__http_wake(connection->request->input);
}

/* Whoever sent all of a request may still wait for its answer. */
static bool
eof_received(struct ouro_protocol *self)
{
    struct ouro__http_connection *connection = connection_of(self);

    connection->input_ended = true;
    if (connection->state == OURO__HTTP_ACTIVE)
        ouro__http_wake(connection->request->input);
    else if (connection->state == OURO__HTTP_IDLE)
        ouro__http_end(connection);
    return connection->state == OURO__HTTP_ACTIVE
           || connection->state == OURO__HTTP_FLUSH;
}

static void
pause_writing(struct ouro_protocol *self)
{
    connection_of(self)->output_paused = true;
}

static void
resume_writing(struct ouro_protocol *self)
{
    struct ouro__http_connection *connection = connection_of(self);

    connection->output_paused = false;
    if (connection->request != NULL)
        ouro__http_wake(connection->request->room);
    if (connection->state == OURO__HTTP_FLUSH)
        ouro__http_end(connection);
    else if (!connection->in_task)
        use_inbox(connection);
}

static void
connection_lost(struct ouro_protocol *self, int reason)
{
    struct ouro__http_connection *connection = connection_of(self);

    (void)reason;
    connection->lost = true;
    ouro_handle_cancel(&connection->timer);
    ouro_handle_cancel(&connection->again);
    if (!connection->in_task)
        leave(connection);
}

const struct ouro_protocol_ops ouro__http_connection_ops = {
    .size = sizeof(struct ouro__http_connection),
    .connection_made = connection_made,
    .data_received = data_received,
    .eof_received = eof_received,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
    .connection_lost = connection_lost,
};
