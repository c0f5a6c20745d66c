/* SPDX-License-Identifier: MIT */
/* Two streams that are connected, and a task at each end. */
#ifndef OURO_STREAM_SCENE_H
#define OURO_STREAM_SCENE_H

#include "world.h"

#include <stdio.h>
#include <string.h>

enum { MOST_SEEN = 8, MEBIBYTE = 1024 * 1024, LARGE = 16 * MEBIBYTE };

/* A visitor connects to a host; both tasks have the scene to meet in. */
struct scene {
    ouro_client_connected_fn *host; /* its context is the scene */
    int (*visitor)(struct ouro_stream *stream, struct scene *scene);
    size_t limit;               /* of both streams; 0: the default */
    int64_t close_timeout_ns;   /* of both; 0: the default */
    struct ouro_future met;     /* both tasks are there */
    struct ouro_future ready;   /* the one tells the other, */
    struct ouro_future over;    /* and the other way round */
    struct ouro_stream *stream; /* for a second task of the same end */
    struct ouro_slice bytes;
    ssize_t seen[MOST_SEEN];
    uint64_t count;
    size_t most;
    char text[256];
};

/* The engine of this run. */
extern const char *engine;

/* One end tells the other to go on. */
static inline void
tell(struct ouro_future *future)
{
    ouro_future_set_result(future, NULL);
}

static inline int
visit(struct scene *scene, struct ouro_server *server)
{
    struct ouro_address where = ouro_server_address(server, 0);
    struct ouro_stream *stream;
    char port[8];

    snprintf(port, sizeof(port), "%u", (unsigned)ouro_address_port(&where));
    struct ouro_connect_options options = {
        .host = "127.0.0.1",
        .service = port,
        .read_limit = scene->limit,
        .close_timeout_ns = scene->close_timeout_ns,
    };
    int rc = ouro_open_connection(&stream, &options);
    if (rc < 0)
        return rc;
    rc = ouro_await(&scene->met);
    if (rc == 0)
        rc = scene->visitor(stream, scene);
    ouro_stream_free(stream);
    return rc;
}

static inline int
receive_visitor(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;

    tell(&scene->met);
    return scene->host(stream, scene);
}

static inline int
play_scene(void *arg)
{
    struct scene *scene = arg;
    struct ouro_server *server;
    struct ouro_server_options options = {
        .host = "127.0.0.1",
        .read_limit = scene->limit,
        .close_timeout_ns = scene->close_timeout_ns,
    };

    ouro_future_init(&scene->met, ouro_get_running_loop());
    ouro_future_init(&scene->ready, ouro_get_running_loop());
    ouro_future_init(&scene->over, ouro_get_running_loop());
    int rc = ouro_start_server(&server, receive_visitor, scene, &options);
    if (rc < 0)
        return rc;
    rc = visit(scene, server);
    ouro_server_close(server);
    int closed = ouro_server_wait_closed(server);
    ouro_server_free(server);
    return rc < 0 ? rc : closed;
}

/* In a world in which nothing is reported, and nothing left. */
#define assert_plays(scene) assert_ok(run_in_world(engine, play_scene, scene))

/* Give bytes on their way the time to arrive.  No test passes because of it;
 * some would not see much without. */
static inline int
let_arrive(void)
{
    return ouro_sleep(OURO_MILLISECONDS(20));
}

/* Wait until all that was written is the kernel's. */
static inline int
let_leave(struct ouro_stream *stream)
{
    struct ouro_transport *transport = ouro_stream_transport(stream);
    int rc = ouro_sleep(0);

    while (rc == 0 && ouro_transport_write_buffer_size(transport) > 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    return rc;
}

/* Bytes that can be told from each other: the one at `offset`. */
static inline uint8_t
pattern_at(uint64_t offset)
{
    return (uint8_t)(offset * 7 + offset / 251);
}

static inline void
fill_pattern(uint8_t *into, size_t size, uint64_t offset)
{
    for (size_t i = 0; i < size; i++)
        into[i] = pattern_at(offset + i);
}

/* The first byte that is wrong, or `size`. */
static inline size_t
check_pattern(const uint8_t *bytes, size_t size, uint64_t offset)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != pattern_at(offset + i))
            return i;
    }
    return size;
}

/* Write `size` bytes of the pattern. */
static inline int
write_pattern(struct ouro_stream *stream, size_t size)
{
    uint8_t bytes[4096];
    int rc = 0;

    for (size_t done = 0; rc == 0 && done < size; done += sizeof(bytes)) {
        size_t part = size - done < sizeof(bytes) ? size - done : sizeof(bytes);

        fill_pattern(bytes, part, done);
        rc = ouro_stream_write(stream, ouro_slice_of(bytes, part));
    }
    return rc;
}

/* Read the pattern to the end.  Returns how much it was; -EBADMSG if a byte
 * was wrong. */
static inline ssize_t
read_pattern(struct ouro_stream *stream)
{
    struct ouro_slice bytes;
    ssize_t total = 0;
    ssize_t size;

    while ((size = ouro_stream_peek(stream, &bytes)) > 0) {
        if (check_pattern(bytes.data, bytes.size, (uint64_t)total) < bytes.size)
            return -EBADMSG;
        ouro_stream_consume(stream, bytes.size);
        total += size;
    }
    return size < 0 ? size : total;
}

/* More of it than any socket takes whose peer does not read. */
static inline struct ouro_slice
large_pattern(void)
{
    static uint8_t large[LARGE];

    if (large[1] == 0)
        fill_pattern(large, LARGE, 0);
    return ouro_slice_of(large, LARGE);
}

static inline int
write_for_a_while(struct ouro_stream *stream)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_MILLISECONDS(20));
    int rc = ouro_stream_write(stream, large_pattern());
    return (int)ouro_timeout_end(&limit, rc);
}

/* Fill the sockets, so that writing is paused. */
static inline int
fill_sockets(struct ouro_stream *stream)
{
    int rc = write_for_a_while(stream);

    return rc == -ETIMEDOUT ? 0 : -EBADMSG;
}

/* A host that sends back what it gets. */
static inline int
echo(struct ouro_stream *stream, void *context)
{
    (void)context;

    for (;;) {
        struct ouro_slice bytes;
        ssize_t size = ouro_stream_peek(stream, &bytes);
        if (size <= 0)
            return (int)size;

        int rc = ouro_stream_write(stream, bytes);
        if (rc < 0)
            return rc;
        ouro_stream_consume(stream, bytes.size);
    }
}

/* A host that does nothing until the visitor lets it. */
static inline int
stay_silent(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;

    (void)stream;
    tell(&scene->ready);
    return ouro_await(&scene->over);
}

#endif
