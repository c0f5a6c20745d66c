/* SPDX-License-Identifier: MIT */
/* An HTTP server: its options, its life, its end. */
#include "http_server_inside.h"

#include <errno.h>
#include <string.h>

static size_t
size_or(size_t size, size_t otherwise)
{
    return size != 0 ? size : otherwise;
}

static int64_t
time_or(int64_t time_ns, int64_t otherwise)
{
    return time_ns != 0 ? time_ns : otherwise;
}

static void
fill_in(struct ouro_http_server_options *options)
{
    options->request_line_size =
        size_or(options->request_line_size, OURO_KIB(8));
    options->head_size = size_or(options->head_size, OURO_KIB(64));
    options->field_count = size_or(options->field_count, OURO_HTTP1_FIELDS);
    options->body_size = size_or(options->body_size, OURO_MIB(16));
    options->idle_timeout_ns =
        time_or(options->idle_timeout_ns, OURO_SECONDS(60));
    options->head_timeout_ns =
        time_or(options->head_timeout_ns, OURO_SECONDS(20));
    options->progress_timeout_ns =
        time_or(options->progress_timeout_ns, OURO_SECONDS(20));
    options->progress_size = size_or(options->progress_size, OURO_KIB(4));
    options->linger_timeout_ns =
        time_or(options->linger_timeout_ns, OURO_SECONDS(5));
    options->listen.grace_ns =
        time_or(options->listen.grace_ns, OURO_SECONDS(10));
}

static struct ouro_http_server *
server_new(const struct ouro_http_route *routes, void *context,
           const struct ouro_http_server_options *options)
{
    struct ouro_http_server *server = ouro_alloc(sizeof(*server));
    struct ouro_loop *loop = ouro_get_running_loop();

    if (server == NULL)
        return NULL;
    memset(server, 0, sizeof(*server));
    if (options != NULL)
        server->options = *options;
    fill_in(&server->options);
    server->limits = (struct ouro_http1_limits){
        .start_line_size = server->options.request_line_size,
        .fields_size = server->options.head_size,
    };
    server->routes = routes;
    server->context = context;
    server->refs = 1;
    LIST_INIT(&server->connections);
    SLIST_INIT(&server->spares);
    ouro_event_init(&server->stopped, loop);
    ouro_event_init(&server->empty, loop);
    return server;
}

void
ouro__http_server_unref(struct ouro_http_server *server)
{
    if (--server->refs > 0)
        return;
    ouro__http_spares_free(server);
    ouro_free(server);
}

int
ouro__http_start_server(struct ouro_http_server **out_server,
                        const struct ouro_http_route *routes, void *context,
                        const struct ouro_http_server_options *options,
                        const char *site)
{
    int rc = ouro__http_routes_check(routes);

    if (rc < 0)
        return rc;
    struct ouro_http_server *server = server_new(routes, context, options);
    if (server == NULL)
        return -ENOMEM;
    rc = ouro__create_server(&server->sockets, &ouro__http_connection_ops,
                             server, &server->options.listen, site);
    if (rc < 0) {
        ouro__http_server_unref(server);
        return rc;
    }
    *out_server = server;
    return 0;
}

struct ouro_server *
ouro_http_server_sockets(struct ouro_http_server *server)
{
    return server->sockets;
}

void
ouro_http_server_get_stats(const struct ouro_http_server *server,
                           struct ouro_http_server_stats *out_stats)
{
    *out_stats = server->stats;
}

/* The end. */

static void
stop_connections(struct ouro_http_server *server)
{
    struct ouro__http_connection *connection;

    server->stopping = true;
    ouro_server_close(server->sockets);
    ouro_event_set(&server->stopped);
    LIST_FOREACH(connection, &server->connections, link)
    {
        ouro__http_connection_stop(connection);
    }
    if (LIST_EMPTY(&server->connections))
        ouro_event_set(&server->empty);
}

/* Whether the running task is that of a handler, which would wait for itself.
 */
static bool
is_own_task(const struct ouro_http_server *server)
{
    const struct ouro_task *task = ouro_current_task();
    const struct ouro__http_connection *connection;

    LIST_FOREACH(connection, &server->connections, link)
    {
        if (connection->task != NULL && connection->task == task)
            return true;
    }
    return false;
}

static int64_t
end_of(int64_t delay_ns)
{
    int64_t now_ns = ouro_loop_time_ns(ouro_get_running_loop());

    return delay_ns < OURO_FOREVER - now_ns ? now_ns + delay_ns : OURO_FOREVER;
}

static int64_t
left_until(int64_t end_ns)
{
    int64_t now_ns = ouro_loop_time_ns(ouro_get_running_loop());

    if (end_ns == OURO_FOREVER)
        return OURO_FOREVER;
    return end_ns > now_ns ? end_ns - now_ns : 0;
}

int
ouro_http_server_stop(struct ouro_http_server *server, int64_t grace_ns)
{
    struct ouro_shield shield;

    if (is_own_task(server))
        return -EDEADLK;
    stop_connections(server);
    int64_t end_ns = end_of(grace_ns);
    ouro_shield_begin(&shield, grace_ns);
    int rc = ouro_event_wait(&server->empty);
    rc = (int)ouro_shield_end(&shield, rc);
    if (rc == 0) /* what is left has another protocol */
        return ouro_server_stop(server->sockets, left_until(end_ns));

    ouro_server_abort_clients(server->sockets);
    ouro_shield_begin(&shield, OURO_SECONDS(5));
    int ended = ouro_event_wait(&server->empty);
    ended = (int)ouro_shield_end(&shield, ended);
    return ended < 0 ? ended : -ETIMEDOUT;
}

int
ouro_http_server_serve_forever(struct ouro_http_server *server)
{
    int64_t grace_ns = server->options.listen.grace_ns;
    int rc = ouro_event_wait(&server->stopped);

    /* Whether some had to be aborted is no news to who was cancelled. */
    if (rc < 0)
        rc = ouro_http_server_stop(server, grace_ns) < 0 ? -ECANCELED : rc;
    return rc;
}

void
ouro_http_server_free(struct ouro_http_server *server)
{
    if (server == NULL)
        return;
    ouro_server_free(server->sockets);
    ouro_event_fini(&server->stopped);
    ouro_event_fini(&server->empty);
    server->sockets = NULL;
    server->stopping = true;
    ouro__http_server_unref(server);
}
