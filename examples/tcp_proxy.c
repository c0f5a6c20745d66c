/* A proxy: every connection is carried to another server, both ways.
 *
 *     $ ./echo_protocol --port 7000 &
 *     $ ./tcp_proxy --port 7001 --target 127.0.0.1:7000 &
 *     $ echo hello | nc -N 127.0.0.1 7001
 *     hello
 */
#include "common.h"

static struct ouro_connect_options target;

struct way {
    struct ouro_stream *from;
    struct ouro_stream *to;
};

/* One direction: when one end has said its last, the other hears of it. */
static int
carry(void *arg)
{
    struct way *way = arg;
    struct ouro_slice bytes;
    ssize_t size;

    while ((size = ouro_stream_peek(way->from, &bytes)) > 0) {
        int rc = ouro_stream_write(way->to, bytes);
        if (rc < 0)
            return rc;
        ouro_stream_consume(way->from, bytes.size);
    }
    ouro_stream_write_eof(way->to);
    return (int)size;
}

static int
proxy(struct ouro_stream *client, void *context)
{
    struct ouro_connect_options to = target;
    struct ouro_report why;
    struct ouro_stream *server;
    struct ouro_group group;

    (void)context;
    to.report = &why;
    int rc = ouro_open_connection(&server, &to);
    if (rc < 0 && rc != -ECANCELED)
        fprintf(stderr, "tcp_proxy: %s\n", why.text);
    if (rc < 0)
        return 0;

    struct way there = {client, server};
    struct way back = {server, client};
    ouro_group_begin(&group);
    ouro_group_create_task(&group, carry, &there);
    ouro_group_create_task(&group, carry, &back);
    rc = ouro_group_end(&group, 0);
    ouro_stream_free(server);
    return rc;
}

static int
serve(void *where)
{
    return serve_streams(proxy, where);
}

int
main(int argc, char **argv)
{
    struct ouro_server_options where = {.host = "127.0.0.1", .service = "7001"};
    const char *to = "127.0.0.1:7000";
    const struct argument known[] = {{"--host", &where.host},
                                     {"--port", &where.service},
                                     {"--target", &to},
                                     {NULL, NULL}};

    read_arguments(argc, argv, known);
    target = target_of(strdupa(to));
    return ouro_run(serve, &where) < 0;
}
