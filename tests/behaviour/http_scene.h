/* SPDX-License-Identifier: MIT */
/* An HTTP server, and clients that write and read plain bytes. */
#ifndef OURO_HTTP_SCENE_H
#define OURO_HTTP_SCENE_H

#include "world.h"

#include <ouro/http_server.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_ROOM = 512 * 1024 };

struct scene {
    const struct ouro_http_route *routes;
    struct ouro_http_server_options options;
    int (*act)(struct scene *scene); /* a client, in a task */
    struct ouro_http_server *server;
    struct ouro_stream *stream; /* the client's, if it keeps one */
    struct ouro_event go;       /* for handlers that wait */
    struct ouro_event arrived;  /* for who waits for them */
    int root;                   /* a directory */
    ssize_t seen[8];
    char note[256];
    char *answer; /* what came, without dates */
    size_t size;
};

/* The engine of this run. */
extern const char *engine;

OURO_SUSPENDS static inline int
open_client(struct scene *scene)
{
    struct ouro_address where =
        ouro_server_address(ouro_http_server_sockets(scene->server), 0);
    char port[8];

    snprintf(port, sizeof(port), "%u", (unsigned)ouro_address_port(&where));
    struct ouro_connect_options options = {
        .host = "127.0.0.1",
        .service = port,
    };
    return ouro_open_connection(&scene->stream, &options);
}

static inline void
close_client(struct scene *scene)
{
    ouro_stream_free(scene->stream);
    scene->stream = NULL;
}

OURO_SUSPENDS static inline int
send_text(struct scene *scene, const char *text)
{
    return ouro_stream_write(scene->stream, ouro_slice_of(text, strlen(text)));
}

static inline void
keep(struct scene *scene, struct ouro_slice bytes)
{
    size_t room = ANSWER_ROOM - 1 - scene->size;
    size_t size = bytes.size < room ? bytes.size : room;

    memcpy(scene->answer + scene->size, bytes.data, size);
    scene->size += size;
    scene->answer[scene->size] = '\0';
}

/* A date is another each time. */
static inline void
drop_dates(struct scene *scene)
{
    char *at;

    while ((at = strstr(scene->answer, "Date: ")) != NULL) {
        char *end = strstr(at, "\r\n");

        if (end == NULL)
            return;
        scene->size -= (size_t)(end + 2 - at);
        memmove(at, end + 2, strlen(end + 2) + 1);
    }
}

/* Read all that comes, to the end.  Returns 0 or why it ended. */
OURO_SUSPENDS static inline int
receive_to_end(struct scene *scene)
{
    struct ouro_slice bytes;
    ssize_t size;

    while ((size = ouro_stream_peek(scene->stream, &bytes)) > 0) {
        keep(scene, bytes);
        ouro_stream_consume(scene->stream, bytes.size);
    }
    drop_dates(scene);
    return (int)size;
}

/* Read until `text` has come. */
OURO_SUSPENDS static inline int
receive_until(struct scene *scene, const char *text)
{
    struct ouro_slice bytes;

    while (strstr(scene->answer, text) == NULL) {
        ssize_t size = ouro_stream_peek(scene->stream, &bytes);

        if (size <= 0)
            return size < 0 ? (int)size : -OURO_EINCOMPLETE;
        keep(scene, bytes);
        ouro_stream_consume(scene->stream, bytes.size);
    }
    return 0;
}

/* A client that sends this and no more, and reads to the end. */
OURO_SUSPENDS static inline int
ask(struct scene *scene, const char *text)
{
    int rc = open_client(scene);

    if (rc < 0)
        return rc;
    rc = send_text(scene, text);
    ouro_stream_write_eof(scene->stream);
    if (rc == 0)
        rc = receive_to_end(scene);
    close_client(scene);
    return rc;
}

static inline int
play_scene(void *arg)
{
    struct scene *scene = arg;

    scene->options.listen.host = "127.0.0.1";
    ouro_event_init(&scene->go, ouro_get_running_loop());
    ouro_event_init(&scene->arrived, ouro_get_running_loop());
    int rc = ouro_http_start_server(&scene->server, scene->routes, scene,
                                    &scene->options);
    if (rc < 0)
        return rc;
    rc = scene->act(scene);
    ouro_stream_free(scene->stream);
    if (rc == 0)
        rc = ouro_http_server_stop(scene->server, OURO_SECONDS(20));
    ouro_http_server_free(scene->server);
    ouro_event_fini(&scene->go);
    ouro_event_fini(&scene->arrived);
    return rc;
}

/* In a world in which nothing is left, and what is reported is seen. */
static inline void
assert_plays_noisily(struct scene *scene, struct seen_exceptions *seen)
{
    static char answer[ANSWER_ROOM];

    answer[0] = '\0';
    scene->answer = answer;
    assert_ok(run_in_noisy_world(engine, play_scene, scene, seen));
}

static inline void
assert_plays(struct scene *scene)
{
    assert_plays_noisily(scene, NULL);
}

static inline bool
begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

#endif
