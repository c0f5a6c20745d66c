/* SPDX-License-Identifier: MIT */
/* How a server is made, and how the loop ends those that are left.
 *
 * The happy path: the options are checked, sockets bound, listeners made of
 * them, and all of them listen and accept.
 *
 * What may happen instead:
 *
 * - Something fails: the sockets are closed, and options.report says which
 *   address it was.  A descriptor that was handed in stays its owner's.
 * - The loop is freed before the server: that is reported, and tasks that wait
 *   for the server never run again.
 */
#include "server.h"

#include "alloc.h"
#include "listen.h"
#include "task.h"

#include <errno.h>
#include <stdio.h>

static int
add_listeners(struct ouro_server *server, const struct ouro__bound *bound)
{
    struct ouro__engine *engine = server->loop->engine;

    server->listeners =
        ouro__alloc_zeroed(bound->count * sizeof(*server->listeners));
    server->addresses =
        ouro__alloc_zeroed(bound->count * sizeof(*server->addresses));
    if (server->listeners == NULL || server->addresses == NULL)
        return -ENOMEM;

    for (size_t i = 0; i < bound->count; i++) {
        struct ouro__listener *listener = &server->listeners[i];

        ouro__listener_init(listener, server->loop, bound->descriptors[i],
                            server->site);
        listener->accepted = ouro__server_accepted;
        listener->closed = ouro__server_listener_closed;
        listener->owner = server;
        (void)engine->sockets->local_address(engine, listener->fd,
                                             &server->addresses[i]);
    }
    server->listener_count = bound->count;
    server->open_listeners = bound->count;
    return 0;
}

static void
take_options(struct ouro_server *server,
             const struct ouro_server_options *options)
{
    server->backlog = options->backlog != 0 ? options->backlog : 100;
    server->grace_ns =
        options->grace_ns != 0 ? options->grace_ns : OURO_SECONDS(10);
    server->close_timeout_ns = options->close_timeout_ns;
    server->setup.limit = options->read_limit;
}

/* A task that waits there ends with the loop, without another step. */
static void
forget_waiters(struct ouro_future *future)
{
    while (!ouro__list_is_empty(&future->waiters))
        ouro_handle_cancel(
            OURO_CONTAINER_OF(future->waiters.next, struct ouro_handle, link));
}

/* The loop is freed, and servers are left. */
static void
end_servers(struct ouro_loop *loop, void *kept)
{
    (void)kept;
    while (!ouro__list_is_empty(&loop->servers)) {
        struct ouro_server *server =
            OURO_CONTAINER_OF(loop->servers.next, struct ouro_server, link);

        ouro__list_remove(&server->link);
        ouro__list_init(&server->link);
        if (server->freed)
            continue;
        ouro__loop_report(loop, "a server was still alive", 0, server->name,
                          server->site);
        forget_waiters(&server->closed);
        forget_waiters(&server->gone);
        ouro__server_end(server);
    }
}

static struct ouro_server *
server_new(struct ouro_loop *loop, const struct ouro_server_options *options,
           const char *site)
{
    struct ouro_server *server = ouro__alloc_zeroed(sizeof(*server));

    if (server == NULL)
        return NULL;
    server->loop = loop;
    server->name = "server";
    server->site = site;
    server->owner = ouro__server_owner;
    ouro__list_init(&server->connections);
    ouro__list_init(&server->clients);
    ouro__future_init(&server->closed, loop, site);
    ouro__future_init(&server->gone, loop, site);
    take_options(server, options);
    ouro__list_append(&loop->servers, &server->link);
    loop->floors[OURO__FLOOR_SERVERS] = loop;
    loop->end_floor[OURO__FLOOR_SERVERS] = end_servers;
    loop->stats.servers++;
    return server;
}

static void
close_bound(struct ouro_loop *loop, const struct ouro__bound *bound,
            const struct ouro_server_options *options)
{
    for (size_t i = 0; !options->ready.given && i < bound->count; i++)
        loop->engine->sockets->close(loop->engine, bound->descriptors[i]);
}

/* Everything that can fail, but for the first accept. */
static int
build(struct ouro_server **out_server,
      const struct ouro_server_options *options, const char *site)
{
    struct ouro_loop *loop = ouro_get_running_loop();
    struct ouro__bound bound = {NULL, 0};

    int rc = ouro__checkpoint();
    if (rc == 0)
        rc = ouro__listen_check(options);
    if (rc == 0)
        rc = ouro__listen_bind(&bound, loop, options);
    if (rc < 0)
        return rc;

    struct ouro_server *server = server_new(loop, options, site);
    rc = server != NULL ? add_listeners(server, &bound) : -ENOMEM;
    if (rc < 0) {
        close_bound(loop, &bound, options);
        if (server != NULL)
            ouro__server_free_memory(server);
    } else {
        *out_server = server;
    }
    ouro__free(bound.descriptors);
    return rc;
}

static int
explain_listen(const struct ouro_server_options *options,
               const struct ouro_address *address, int error)
{
    char text[OURO_ADDRESS_TEXT];

    if (options->report != NULL)
        snprintf(options->report->text, sizeof(options->report->text),
                 "cannot listen on %s: %s (%s)",
                 ouro_address_format(address, text), ouro_error_name(error),
                 ouro_strerror(error));
    return error;
}

/* A descriptor that was handed in stays its owner's when serving fails. */
static void
let_go(struct ouro_server *server, const struct ouro_server_options *options)
{
    if (!options->ready.given) {
        ouro_server_free(server);
        return;
    }
    ouro__server_free_memory(server);
}

static int
begin(struct ouro_server **out_server, struct ouro_server *server,
      const struct ouro_server_options *options)
{
    size_t failed = 0;
    int rc = options->defer_serving ? 0 : ouro__server_listen(server, &failed);

    if (rc < 0) {
        rc = explain_listen(options, &server->addresses[failed], rc);
        let_go(server, options);
        return rc;
    }
    *out_server = server;
    return 0;
}

static const struct ouro_server_options defaults;

int
ouro__create_server(struct ouro_server **out_server,
                    const struct ouro_protocol_ops *ops, void *context,
                    const struct ouro_server_options *options, const char *site)
{
    struct ouro_server *server;

    OURO_CHECK_AT(out_server != NULL && ops != NULL,
                  "a server needs a place to go to and a table of calls", site);
    options = options != NULL ? options : &defaults;
    int rc = build(&server, options, site);
    if (rc < 0)
        return rc;

    server->ops = ops;
    server->context = context;
    return begin(out_server, server, options);
}

int
ouro__start_server(struct ouro_server **out_server,
                   ouro_client_connected_fn *client_connected, void *context,
                   const struct ouro_server_options *options, const char *name,
                   const char *site)
{
    struct ouro_server *server;

    OURO_CHECK_AT(out_server != NULL && client_connected != NULL,
                  "a server needs a place to go to and a function", site);
    options = options != NULL ? options : &defaults;
    int rc = build(&server, options, site);
    if (rc < 0)
        return rc;

    server->ops = &ouro__stream_ops;
    server->client_connected = client_connected;
    server->context = context;
    server->name = name;
    return begin(out_server, server, options);
}
