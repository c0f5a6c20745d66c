/* SPDX-License-Identifier: MIT */
/* Servers: listeners, and the connections that came in through them.
 *
 * The happy path:
 *
 * - ouro_create_server() binds, listens and accepts; each descriptor becomes a
 *   transport, whose protocol hears of it in the same turn.
 * - A server of streams starts a task for each.
 * - Close ends the listeners; when the last connection is lost too, the server
 *   is gone, and who waits for that is woken.
 *
 * What may happen instead:
 *
 * - A connection cannot be set up, or its protocol refuses: it is closed, and
 *   that is reported; the server goes on.
 * - It is freed while open: its connections are aborted, and the memory stays
 *   until its listeners have nothing in flight.
 */
#include "server.h"

#include "alloc.h"
#include "task.h"
#include "tcp.h"

#include <errno.h>

/* One connection of a server of streams, and its task. */
struct client {
    struct ouro__list link;
    struct ouro_server *server; /* NULL: it was freed */
    struct ouro_stream *stream;
    struct ouro_task *task;
    ouro_client_connected_fn *client_connected;
    void *context;
};

/* The end. */

void
ouro__server_free_memory(struct ouro_server *server)
{
    ouro_future_fini(&server->closed);
    ouro_future_fini(&server->gone);
    ouro__list_remove(&server->link);
    server->loop->stats.servers--;
    ouro__free(server->listeners);
    ouro__free(server->addresses);
    ouro__free(server);
}

static bool
is_closed(const struct ouro_server *server)
{
    return ouro_future_is_done(&server->closed);
}

static void
look_if_gone(struct ouro_server *server)
{
    if (!is_closed(server) || server->open_listeners > 0)
        return;
    if (server->connection_count == 0 && ouro__list_is_empty(&server->clients))
        ouro_future_set_result(&server->gone, NULL);
    if (server->freed)
        ouro__server_free_memory(server);
}

void
ouro__server_listener_closed(struct ouro__listener *listener)
{
    struct ouro_server *server = listener->owner;

    server->open_listeners--;
    look_if_gone(server);
}

void
ouro_server_close(struct ouro_server *server)
{
    ouro__loop_check_owner(server->loop);
    if (is_closed(server))
        return;

    server->serving = false;
    ouro_future_set_result(&server->closed, NULL);
    server->open_listeners++; /* so that the last one does not end it here */
    for (size_t i = 0; i < server->listener_count; i++)
        ouro__listener_close(&server->listeners[i]);
    server->open_listeners--;
    look_if_gone(server);
}

void
ouro__server_end(struct ouro_server *server)
{
    struct ouro__list *link;

    ouro_server_abort_clients(server);
    while ((link = ouro__list_shift(&server->connections)) != NULL)
        ouro_transport_set_owner(
            OURO_CONTAINER_OF(link, struct ouro_transport, sibling), NULL);
    while ((link = ouro__list_shift(&server->clients)) != NULL)
        OURO_CONTAINER_OF(link, struct client, link)->server = NULL;
    server->connection_count = 0;

    bool was_closed = is_closed(server);
    server->freed = true;
    if (was_closed)
        look_if_gone(server);
    else
        ouro_server_close(server);
}

void
ouro_server_free(struct ouro_server *server)
{
    if (server == NULL)
        return;
    OURO_CHECK_AT(!server->has_forever
                      && ouro__list_is_empty(&server->gone.waiters),
                  "nobody waits for a server that is freed", server->site);
    ouro__server_end(server);
}

/* A server of streams. */

/* Of the peer or the server, not of the program. */
static bool
is_own_error(const struct ouro_stream *stream, int rc)
{
    return rc == -ECONNRESET || rc == -EPIPE || rc == -ECANCELED
           || rc == -ECONNABORTED || rc == -ETIMEDOUT
           || rc == ouro__stream_fault(stream);
}

static void
client_free(struct client *client)
{
    struct ouro_server *server = client->server;

    ouro_task_unref(client->task);
    ouro__free(client);
    if (server != NULL)
        look_if_gone(server);
}

static int
run_client(void *arg)
{
    struct client *client = arg;
    int rc = client->client_connected(client->stream, client->context);
    bool own = rc < 0 && is_own_error(client->stream, rc);

    if (rc < 0 && rc != -ECANCELED)
        ouro_stream_abort(client->stream);
    ouro_stream_free(client->stream);
    if (client->server != NULL)
        ouro__list_remove(&client->link);
    client_free(client);
    return own ? 0 : rc;
}

static int
start_client(struct ouro_server *server, struct ouro_protocol *protocol)
{
    struct client *client = ouro__alloc_zeroed(sizeof(*client));

    if (client == NULL)
        return -ENOMEM;
    int rc = ouro__task_new(server->loop, &client->task, run_client, client,
                            server->name, server->site);
    if (rc < 0) {
        ouro__free(client);
        return rc;
    }
    ouro_task_ref(client->task);
    client->server = server;
    client->stream = ouro__stream_of(ouro_protocol_ref(protocol));
    client->client_connected = server->client_connected;
    client->context = server->context;
    ouro__list_append(&server->clients, &client->link);
    return 0;
}

/* Connections. */

static void
report_connection(struct ouro_server *server, int error)
{
    ouro__loop_report(server->loop,
                      "a connection could not be set up, and was closed", error,
                      server->name, server->site);
}

static void
connection_made(struct ouro_transport_owner *owner,
                struct ouro_transport *transport, int rc)
{
    struct ouro_server *server =
        OURO_CONTAINER_OF(owner, struct ouro_server, owner);

    if (rc == 0 && server->client_connected != NULL) {
        rc = start_client(server, transport->protocol);
        if (rc < 0)
            ouro_transport_fail(transport, rc);
    }
    if (rc < 0)
        report_connection(server, rc);
}

static void
connection_lost(struct ouro_transport_owner *owner,
                struct ouro_transport *transport, int reason)
{
    struct ouro_server *server =
        OURO_CONTAINER_OF(owner, struct ouro_server, owner);

    (void)reason;
    ouro__list_remove(&transport->sibling);
    server->connection_count--;
    look_if_gone(server);
}

const struct ouro_transport_owner ouro__server_owner = {
    .made = connection_made,
    .lost = connection_lost,
    .at_once = true,
};

void
ouro__server_accepted(struct ouro__listener *listener, int fd)
{
    struct ouro_server *server = listener->owner;
    struct ouro__engine *engine = server->loop->engine;
    struct ouro_transport *transport;

    int rc =
        ouro__tcp_new(&transport, server->loop, fd, server->ops, server->site);
    if (rc < 0) {
        engine->sockets->close(engine, fd);
        report_connection(server, rc);
        return;
    }
    ouro_transport_set_close_timeout(transport, server->close_timeout_ns);
    ouro_transport_set_owner(transport, &server->owner);
    ouro__list_append(&server->connections, &transport->sibling);
    server->connection_count++;
    ouro_transport_begin(transport, server->client_connected != NULL
                                        ? (void *)&server->setup
                                        : server->context);
}

void
ouro_server_close_clients(struct ouro_server *server)
{
    ouro__loop_check_owner(server->loop);
    ouro__list_for_each (link, &server->connections) {
        ouro_transport_close(
            OURO_CONTAINER_OF(link, struct ouro_transport, sibling));
    }
}

void
ouro_server_abort_clients(struct ouro_server *server)
{
    ouro__loop_check_owner(server->loop);
    ouro__list_for_each (link, &server->connections) {
        ouro_transport_abort(
            OURO_CONTAINER_OF(link, struct ouro_transport, sibling));
    }
}

/* Serving. */

int
ouro__server_listen(struct ouro_server *server, size_t *out_failed)
{
    struct ouro__engine *engine = server->loop->engine;

    for (size_t i = 0; i < server->listener_count; i++) {
        int rc = engine->sockets->listen(engine, server->listeners[i].fd,
                                         server->backlog);

        *out_failed = i;
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < server->listener_count; i++)
        ouro__listener_start(&server->listeners[i]);
    server->serving = true;
    return 0;
}

static int
start_if_deferred(struct ouro_server *server)
{
    size_t failed;

    ouro__loop_check_owner(server->loop);
    if (server->serving || is_closed(server))
        return 0;
    return ouro__server_listen(server, &failed);
}

void
ouro_server_start_serving(struct ouro_server *server)
{
    int rc = start_if_deferred(server);

    if (rc < 0)
        ouro__loop_report(server->loop, "a server cannot listen", rc,
                          server->name, server->site);
}

bool
ouro_server_is_serving(const struct ouro_server *server)
{
    return server->serving;
}

size_t
ouro_server_connection_count(const struct ouro_server *server)
{
    return server->connection_count;
}

size_t
ouro_server_address_count(const struct ouro_server *server)
{
    return server->listener_count;
}

struct ouro_address
ouro_server_address(const struct ouro_server *server, size_t index)
{
    if (index >= server->listener_count)
        return (struct ouro_address){.size = 0};
    return server->addresses[index];
}

/* Whether `gone` waits for the running task. */
static bool
is_own_task(const struct ouro_server *server)
{
    const struct ouro_task *task = ouro__task_here();

    ouro__list_for_each (link, &server->clients) {
        if (OURO_CONTAINER_OF(link, struct client, link)->task == task)
            return true;
    }
    return false;
}

static const struct ouro__wait_kind wait_gone = {
    .text = "the last client of a server",
    .site = offsetof(struct ouro_server, site),
};

static const struct ouro__wait_kind wait_closed = {
    .text = "a server to be closed",
    .site = offsetof(struct ouro_server, site),
};

int
ouro_server_wait_closed(struct ouro_server *server)
{
    if (is_own_task(server))
        return -EDEADLK;
    return ouro__await_for(&server->gone, &wait_gone, server);
}

/* A stop whose time is up. */
static void
grace_is_over(void *arg)
{
    ouro_server_abort_clients(arg);
}

int
ouro_server_stop(struct ouro_server *server, int64_t grace_ns)
{
    struct ouro_handle deadline = {0};

    if (is_own_task(server))
        return -EDEADLK;
    ouro_server_close(server);
    ouro__list_for_each (link, &server->clients) {
        ouro_task_cancel(OURO_CONTAINER_OF(link, struct client, link)->task);
    }
    if (server->client_connected == NULL)
        ouro_server_close_clients(server);

    ouro_call_later(server->loop, &deadline, grace_ns, grace_is_over, server);
    int rc = ouro__await_to_the_end_for(&server->gone, &wait_gone, server);
    bool in_time = ouro_handle_is_pending(&deadline);
    ouro_handle_cancel(&deadline);
    return rc < 0 || in_time ? rc : -ETIMEDOUT;
}

int
ouro_server_serve_forever(struct ouro_server *server)
{
    if (server->has_forever)
        return -EBUSY;
    int rc = start_if_deferred(server);
    if (rc < 0)
        return rc;

    server->has_forever = true;
    rc = ouro__await_for(&server->closed, &wait_closed, server);
    if (rc == -ECANCELED) {
        int stopped = ouro_server_stop(server, server->grace_ns);

        if (stopped < 0 && stopped != -ETIMEDOUT)
            rc = stopped;
    }
    server->has_forever = false;
    return rc;
}
