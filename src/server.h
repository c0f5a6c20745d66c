/* SPDX-License-Identifier: MIT */
/* A server from inside: what its two files share. */
#ifndef OURO_SERVER_H
#define OURO_SERVER_H

#include "listener.h"
#include "stream.h"

#include <ouro/net.h>
#include <ouro/transport_impl.h>

struct ouro_server {
    struct ouro_loop *loop;
    struct ouro__list link; /* of the loop's servers */
    const struct ouro_protocol_ops *ops;
    void *context;
    ouro_client_connected_fn *client_connected; /* NULL: protocols only */
    const char *name;
    const char *site;
    struct ouro_transport_owner owner;
    struct ouro__list connections; /* transports, by sibling */
    size_t connection_count;
    struct ouro__list clients; /* tasks of a server of streams */
    struct ouro__listener *listeners;
    struct ouro_address *addresses; /* of the listeners */
    size_t listener_count;
    size_t open_listeners;
    struct ouro_future closed; /* no more accepting */
    struct ouro_future gone;   /* and no connection, no task any more */
    int backlog;
    int64_t grace_ns;
    int64_t close_timeout_ns;
    struct ouro__stream_setup setup;
    bool serving;
    bool has_forever; /* a task is in serve_forever */
    bool freed;       /* by its user */
};

/* What the transports of its connections are told. */
extern const struct ouro_transport_owner ouro__server_owner;

/* What its listeners call. */
void ouro__server_accepted(struct ouro__listener *listener, int fd);
void ouro__server_listener_closed(struct ouro__listener *listener);

/* Listen on all sockets and accept, or an error, and in `*out_failed` which
 * one it was. */
OURO_MUST_USE int ouro__server_listen(struct ouro_server *server,
                                      size_t *out_failed);

/* ouro_server_free(), for one that somebody may wait for. */
void ouro__server_end(struct ouro_server *server);

/* Free one whose listeners are closed, or have not begun. */
void ouro__server_free_memory(struct ouro_server *server);

#endif
