/* SPDX-License-Identifier: MIT */
/* An HTTP client, and a server that says what a script has. */
#ifndef OURO_HTTP_PLAY_H
#define OURO_HTTP_PLAY_H

#include "world.h"

#include <ouro/ouro.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LINES = 8 };

/* The engine of this run. */
extern const char *engine;

/* A server that answers the n-th request with the n-th line, and a client. */
struct play {
    ouro_client_connected_fn *serve; /* NULL: answer_by_script() */
    const char *lines[LINES]; /* "!": and close after what stands before it */
    int (*act)(struct play *play);
    struct ouro_http_client_options options;
    struct ouro_http_client *client;
    struct ouro_server *server;
    char url[64]; /* "http://127.0.0.1:port" */
    char moved[128];
    size_t line;
    size_t connections;
    size_t kept; /* by the client, at the end */
    char heard[4096];
    char body[256];
    int status;
    int cancelled[4]; /* what calls said to a task that is */
    struct ouro_report report;
};

OURO_SUSPENDS static inline int
answer_by_script(struct ouro_stream *stream, void *context)
{
    struct play *play = context;

    play->connections++;
    for (;;) {
        struct ouro_slice head;
        ssize_t size =
            ouro_stream_read_until(stream, OURO_BYTES("\r\n\r\n"), &head);
        const char *line = play->lines[play->line];

        if (size <= 0 || line == NULL)
            return size < 0 && size != -OURO_EINCOMPLETE ? (int)size : 0;
        strncat(play->heard, (const char *)head.data, head.size);
        play->line++;
        size_t length = strcspn(line, "!");
        int rc = ouro_stream_write(stream, ouro_slice_of(line, length));
        if (rc < 0 || line[length] == '!')
            return rc;
    }
}

static inline int
run_play(void *arg)
{
    struct play *play = arg;
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", NULL};
    struct ouro_server_options where = {.hosts = hosts};
    int rc = ouro_start_server(
        &play->server, play->serve != NULL ? play->serve : answer_by_script,
        play, &where);

    if (rc < 0)
        return rc;
    struct ouro_address address = ouro_server_address(play->server, 0);
    snprintf(play->url, sizeof(play->url), "http://127.0.0.1:%u",
             (unsigned)ouro_address_port(&address));
    rc = ouro_http_client_new(&play->client, &play->options);
    if (rc == 0)
        rc = play->act(play);
    ouro_http_client_free(play->client);
    int stopped = ouro_server_stop(play->server, OURO_SECONDS(5));
    ouro_server_free(play->server);
    return rc < 0 ? rc : stopped;
}

/* Make a call to `path`, and keep what came of it. */
OURO_SUSPENDS static inline int
call_path(struct play *play, struct ouro_http_call call, const char *path)
{
    char url[128];
    struct ouro_http_response *response;
    struct ouro_slice body;

    snprintf(url, sizeof(url), "%s%s", play->url, path);
    call.url = url;
    call.report = &play->report;
    int rc = ouro_http_fetch(play->client, &call, &response);
    if (rc < 0)
        return rc;
    play->status = ouro_http_response_status(response);
    rc = ouro_http_response_read_all(response, sizeof(play->body) - 1, &body);
    if (rc == 0)
        snprintf(play->body, sizeof(play->body), "%.*s", (int)body.size,
                 (const char *)body.data);
    ouro_http_response_free(response);
    return rc;
}

OURO_SUSPENDS static inline int
get_once(struct play *play)
{
    return call_path(play, (struct ouro_http_call){.method = NULL}, "/a?b");
}

OURO_SUSPENDS static inline int
get_twice(struct play *play)
{
    int rc = get_once(play);

    return rc < 0 ? rc : get_once(play);
}

#define SHORT(text) "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" text
#define MOVED(status, where)                        \
    "HTTP/1.1 " status " Moved\r\nLocation: " where \
    "\r\nContent-Length: 3\r\n\r\nout"

#endif
