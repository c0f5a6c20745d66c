/* SPDX-License-Identifier: MIT */
/* A server and its clients in one loop, for tests of servers. */
#ifndef OURO_TEST_SERVER_SCENE_H
#define OURO_TEST_SERVER_SCENE_H

#include "world.h"

#include <stdio.h>
#include <string.h>

/* A server, what its protocols heard, and what the main task saw. */
struct scene {
    struct ouro_server *server;
    char port[8];
    unsigned made;
    unsigned lost;
    int reason; /* of the last that was lost */
    int rc[4];
    size_t count[4];
    int64_t took_ns;
    bool free_in_made;
    bool close_in_made;
};

/* An echo that counts. */
struct echo {
    struct ouro_protocol base;
    struct scene *scene;
};

static inline struct echo *
echo_of(struct ouro_protocol *protocol)
{
    return OURO_CONTAINER_OF(protocol, struct echo, base);
}

static inline int
echo_made(struct ouro_protocol *self, void *context)
{
    struct scene *scene = context;

    echo_of(self)->scene = scene;
    scene->made++;
    if (scene->close_in_made)
        ouro_server_close(scene->server);
    if (scene->free_in_made) {
        ouro_server_free(scene->server);
        scene->server = NULL;
    }
    return 0;
}

static inline void
echo_data_received(struct ouro_protocol *self, struct ouro_slice data)
{
    ouro_transport_write(self->transport, data);
}

static inline void
echo_lost(struct ouro_protocol *self, int reason)
{
    echo_of(self)->scene->lost++;
    echo_of(self)->scene->reason = reason;
}

static const struct ouro_protocol_ops echo_ops = {
    .size = sizeof(struct echo),
    .connection_made = echo_made,
    .data_received = echo_data_received,
    .connection_lost = echo_lost,
};

static inline void
note_port(struct scene *scene)
{
    struct ouro_address address = ouro_server_address(scene->server, 0);

    snprintf(scene->port, sizeof(scene->port), "%u",
             (unsigned)ouro_address_port(&address));
}

static inline int
serve(struct scene *scene, bool defer)
{
    const struct ouro_server_options options = {
        .host = "127.0.0.1",
        .defer_serving = defer,
    };

    int rc = ouro_create_server(&scene->server, &echo_ops, scene, &options);
    if (rc == 0)
        note_port(scene);
    return rc;
}

static inline int
serve_streams(struct scene *scene, ouro_client_connected_fn *fn)
{
    const struct ouro_server_options options = {.host = "127.0.0.1"};

    int rc = ouro_start_server(&scene->server, fn, scene, &options);
    if (rc == 0)
        note_port(scene);
    return rc;
}

static inline int
open_client(const struct scene *scene, struct ouro_stream **out_stream)
{
    const struct ouro_connect_options options = {
        .host = "127.0.0.1",
        .service = scene->port,
    };

    return ouro_open_connection(out_stream, &options);
}

/* Whether what is sent comes back. */
static inline int
ask(struct ouro_stream *stream)
{
    char back[4];

    int rc = ouro_stream_write(stream, OURO_BYTES("ping"));
    if (rc < 0)
        return rc;
    ssize_t size = ouro_stream_read_exactly(stream, back, sizeof(back));
    return size < 0 ? (int)size : memcmp(back, "ping", 4);
}

/* A client that was served at least once. */
static inline int
open_served(const struct scene *scene, struct ouro_stream **out_stream)
{
    int rc = open_client(scene, out_stream);

    return rc < 0 ? rc : ask(*out_stream);
}

static inline ssize_t
read_one(struct ouro_stream *stream)
{
    char byte;

    return ouro_stream_read(stream, &byte, 1);
}

static inline int64_t
now_ns(void)
{
    return ouro_loop_time_ns(ouro_get_running_loop());
}

#endif
