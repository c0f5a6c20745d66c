/* SPDX-License-Identifier: MIT */
/* A connection of the HTTP server: its states, its task, its end.
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
 * - The client has sent its last byte: what came before is answered still.
 */
#include "http_server_inside.h"

#include <errno.h>

static struct ouro__http_connection *
connection_of(struct ouro_protocol *protocol)
{
    return OURO_CONTAINER_OF(protocol, struct ouro__http_connection, base);
}

bool
ouro__http_is_open(const struct ouro__http_connection *connection)
{
    return !connection->lost
           && !ouro_transport_is_closing(connection->base.transport);
}

/* States. */

/* What has come behind the request is used at once: then it is not idle for any
 * time, and need not ask for it. */
void
ouro__http_become_idle(struct ouro__http_connection *connection)
{
    connection->state = OURO__HTTP_IDLE;
    if (connection->server->stopping)
        ouro__http_end(connection);
    else if (ouro_transport_is_writing_paused(connection->base.transport))
        ouro__http_watch_progress(connection);
    else if (connection->behind == 0)
        ouro__http_watch(connection,
                         connection->server->options.idle_timeout_ns);
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
go_on(void *arg)
{
    struct ouro__http_connection *connection = arg;

    if (connection->state == OURO__HTTP_FLUSH)
        ouro__http_end(connection);
    else
        ouro__http_use_inbox(connection);
    ouro__http_end_if_over(connection);
}

void
ouro__http_look_again(struct ouro__http_connection *connection)
{
    struct ouro_transport *transport = connection->base.transport;

    if (!connection->output_paused
        && !ouro_handle_is_pending(&connection->again))
        ouro_call_soon(ouro_transport_loop(transport), &connection->again,
                       go_on, connection);
}

/* What is below the mark has time enough while the transport closes. */
void
ouro__http_end(struct ouro__http_connection *connection)
{
    bool flushes = connection->state == OURO__HTTP_FLUSH;

    if (!ouro__http_is_open(connection))
        return;
    connection->state = OURO__HTTP_FLUSH;
    if (!ouro_transport_is_writing_paused(connection->base.transport)) {
        ouro_transport_close(connection->base.transport);
        return;
    }
    if (!flushes)
        ouro__http_watch_progress(connection);
    ouro__http_look_again(connection);
}

/* The client still sends: it may see the answer first. */
void
ouro__http_linger(struct ouro__http_connection *connection)
{
    if (!ouro__http_is_open(connection))
        return;
    if (connection->input_ended) {
        ouro__http_end(connection);
        return;
    }
    connection->state = OURO__HTTP_LINGER;
    ouro_transport_write_eof(connection->base.transport);
    ouro_transport_resume_reading(connection->base.transport);
    ouro__http_watch(connection, connection->server->options.linger_timeout_ns);
}

/* What is not whole when the last byte has come never will be. */
void
ouro__http_end_if_over(struct ouro__http_connection *connection)
{
    if (!connection->input_ended || !ouro__http_is_open(connection)
        || connection->state == OURO__HTTP_ACTIVE
        || connection->state >= OURO__HTTP_FLUSH)
        return;
    if (ouro_transport_is_writing_paused(connection->base.transport))
        ouro__http_look_again(connection);
    else if (connection->state == OURO__HTTP_BODY)
        ouro__http_refuse(connection, 400);
    else
        ouro__http_end(connection);
}

void
ouro__http_connection_stop(struct ouro__http_connection *connection)
{
    if (connection->state == OURO__HTTP_IDLE)
        ouro__http_end(connection);
}

/* Nobody uses it any more. */
static void
leave(struct ouro__http_connection *connection)
{
    struct ouro_http_server *server = connection->server;

    if (connection->state == OURO__HTTP_BODY)
        ouro__http_log(connection->request);
    ouro__http_request_free(connection->request);
    ouro__http_inbox_clear(&connection->inbox);
    LIST_REMOVE(connection, link);
    server->stats.connections--;
    if (server->stopping && LIST_EMPTY(&server->connections))
        ouro_event_set(&server->empty);
    ouro__http_server_unref(server);
}

static void
run_handler(struct ouro__http_connection *connection)
{
    struct ouro_http_request *request = connection->request;
    int rc =
        request->match.route->handler(request, connection->server->context);

    /* A task that was told to end runs no other handler. */
    if (ouro_task_cancelling(connection->task) > 0)
        request->answer.closes = true;
    ouro__http_answer_end(request, rc);
    if (connection->state == OURO__HTTP_ACTIVE)
        connection->state = OURO__HTTP_IDLE;
    connection->behind = ouro__http_inbox_bytes(&connection->inbox).size;
    ouro__http_finish(connection);
}

/* The task of a connection: its handlers, as long as there are requests. */
int
ouro__http_serve(struct ouro_protocol *self, void *arg)
{
    struct ouro__http_connection *connection = connection_of(self);

    (void)arg;
    connection->task = ouro_current_task();
    while (connection->state == OURO__HTTP_ACTIVE && !connection->lost) {
        run_handler(connection);
        if (connection->state < OURO__HTTP_FLUSH
            && ouro__http_is_open(connection))
            ouro__http_use_inbox(connection);
    }
    connection->in_task = false;
    connection->task = NULL;
    if (connection->lost)
        leave(connection);
    else
        ouro__http_end_if_over(connection);
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
data_received(struct ouro_protocol *self, struct ouro_slice data)
{
    struct ouro__http_connection *connection = connection_of(self);

    connection->received += data.size;
    if (ouro__http_inbox_bytes(&connection->inbox).size == 0) {
        size_t used = ouro__http_use(connection, data);

        data = ouro_slice_of(data.data + used, data.size - used);
        if (data.size > 0 && ouro__http_is_open(connection))
            ouro__http_keep(connection, data);
    } else {
        ouro__http_keep(connection, data);
        if (ouro__http_is_open(connection))
            ouro__http_use_inbox(connection);
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
    else if (connection->state == OURO__HTTP_LINGER)
        ouro__http_end(connection);
    ouro__http_end_if_over(connection);
    return true;
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
        ouro__http_use_inbox(connection);
    ouro__http_end_if_over(connection);
}

void
ouro__http_connection_over(struct ouro__http_connection *connection)
{
    connection->lost = true;
    ouro_handle_cancel(&connection->timer);
    ouro_handle_cancel(&connection->again);
    if (!connection->in_task)
        leave(connection);
}

static void
connection_lost(struct ouro_protocol *self, int reason)
{
    (void)reason;
    ouro__http_connection_over(connection_of(self));
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
