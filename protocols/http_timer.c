/* SPDX-License-Identifier: MIT */
/* Clients that are too slow: one timer for each connection.
 *
 * A state has a deadline.  The timer is moved only when it comes too late for
 * that, so a connection that is busy does not touch it: it fires now and then,
 * finds that the state has gone on, and waits further.
 *
 * Where bytes have to move, a deadline is not the end: who has sent or taken
 * options.progress_size bytes since the last look gets as much time again.  A
 * byte now and then is not enough.
 */
#include "http_server_inside.h"

#include <errno.h>

static struct ouro_transport *
transport_of(const struct ouro__http_connection *connection)
{
    return connection->base.transport;
}

static uint64_t
bytes_taken(const struct ouro__http_connection *connection)
{
    return connection->written
           - ouro_transport_write_buffer_size(transport_of(connection));
}

static bool
has_output(const struct ouro__http_connection *connection)
{
    return ouro_transport_write_buffer_size(transport_of(connection)) > 0;
}

/* Whether the client is to send what somebody uses. */
static bool
has_input_due(const struct ouro__http_connection *connection)
{
    const struct ouro_http_request *request = connection->request;

    return connection->state == OURO__HTTP_BODY
           || (connection->state == OURO__HTTP_DRAIN && !has_output(connection))
           || (connection->state == OURO__HTTP_ACTIVE
               && request->input != NULL);
}

static void
give_up(struct ouro__http_connection *connection)
{
    struct ouro_http_request *request = connection->request;

    switch (connection->state) {
    case OURO__HTTP_HEAD:
        ouro__http_refuse_head(connection, 408);
        break;
    case OURO__HTTP_BODY:
        connection->server->stats.refused++;
        ouro__http_refuse(connection, 408);
        break;
    case OURO__HTTP_ACTIVE:
        if (request->input != NULL && !has_output(connection)) {
            request->body_error = -ETIMEDOUT;
            ouro__http_wake(request->input);
            break;
        }
        ouro_transport_fail(transport_of(connection), -ETIMEDOUT);
        break;
    case OURO__HTTP_IDLE:
    case OURO__HTTP_DRAIN:
    case OURO__HTTP_FLUSH:
    case OURO__HTTP_LINGER:
        if (has_output(connection))
            ouro_transport_fail(transport_of(connection), -ETIMEDOUT);
        else
            ouro_transport_close(transport_of(connection));
        break;
    case OURO__HTTP_GIVEN:
        break;
    }
}

/* Whether bytes have to move now. */
static bool
needs_progress(const struct ouro__http_connection *connection)
{
    if (has_output(connection))
        return connection->state != OURO__HTTP_HEAD;
    return has_input_due(connection);
}

/* From here on it is counted, each way for itself. */
static void
begin_count(struct ouro__http_connection *connection)
{
    connection->taken_before = bytes_taken(connection);
    connection->received_before = connection->received;
}

/* Of what is sent while nobody asks for it, nothing is progress. */
static bool
has_progress(struct ouro__http_connection *connection)
{
    uint64_t moved = bytes_taken(connection) - connection->taken_before;

    if (has_input_due(connection))
        moved += connection->received - connection->received_before;
    begin_count(connection);
    return moved >= connection->server->options.progress_size;
}

static void look(void *arg);

static void watch_moving(struct ouro__http_connection *connection);

static void
set_timer(struct ouro__http_connection *connection)
{
    connection->timer_ns = connection->deadline_ns;
    ouro_call_at(ouro_transport_loop(transport_of(connection)),
                 &connection->timer, connection->timer_ns, look, connection);
}

/* How long the state may last when the answer has left; 0: it has no such
 * time. */
static int64_t
time_after_output(const struct ouro__http_connection *connection)
{
    const struct ouro_http_server_options *options =
        &connection->server->options;

    if (has_output(connection))
        return 0;
    if (connection->state == OURO__HTTP_LINGER)
        return options->linger_timeout_ns;
    return connection->state == OURO__HTTP_IDLE ? options->idle_timeout_ns : 0;
}

/* The deadline is over: what the client has done with it. */
static void
judge(struct ouro__http_connection *connection)
{
    int64_t after_ns = time_after_output(connection);

    if (connection->moving && after_ns > 0)
        ouro__http_watch(connection, after_ns);
    else if (!connection->moving && has_output(connection)
             && connection->state == OURO__HTTP_LINGER)
        ouro__http_watch_progress(connection);
    else if (needs_progress(connection) && has_progress(connection))
        watch_moving(connection);
    else
        give_up(connection);
}

static void
look(void *arg)
{
    struct ouro__http_connection *connection = arg;
    struct ouro_loop *loop = ouro_transport_loop(transport_of(connection));

    if (connection->lost || connection->deadline_ns == OURO_FOREVER
        || ouro_transport_is_closing(transport_of(connection)))
        return;
    if (ouro_loop_time_ns(loop) < connection->deadline_ns)
        set_timer(connection);
    else
        judge(connection);
}

void
ouro__http_watch(struct ouro__http_connection *connection, int64_t delay_ns)
{
    struct ouro_loop *loop = ouro_transport_loop(transport_of(connection));

    connection->deadline_ns = OURO_FOREVER;
    connection->moving = false;
    if (delay_ns == OURO_FOREVER || connection->lost)
        return;
    int64_t now_ns = ouro_loop_time_ns(loop);
    if (delay_ns >= OURO_FOREVER - now_ns)
        return;
    connection->deadline_ns = now_ns + delay_ns;
    if (!ouro_handle_is_pending(&connection->timer)
        || connection->timer_ns > connection->deadline_ns)
        set_timer(connection);
}

static void
watch_moving(struct ouro__http_connection *connection)
{
    ouro__http_watch(connection,
                     connection->server->options.progress_timeout_ns);
    connection->moving = true;
}

void
ouro__http_watch_progress(struct ouro__http_connection *connection)
{
    begin_count(connection);
    watch_moving(connection);
}
