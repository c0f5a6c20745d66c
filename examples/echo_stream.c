/* An echo server, written with streams: a task for each client, no callback.
 *
 *     $ ./echo_stream --port 7000 &
 *     listening on 127.0.0.1:7000
 *     $ echo hello | nc -N 127.0.0.1 7000
 *     hello
 */
#include "common.h"

/* A client that does not read what it gets suspends the write, so that it is
 * not read from either. */
static int
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

static int
serve(void *arg)
{
    struct ouro_server_options *where = arg;
    struct ouro_server *server;
    struct ouro_report why;

    where->report = &why;
    int rc = ouro_start_server(&server, echo, NULL, where);
    if (rc < 0) {
        fprintf(stderr, "echo_stream: %s\n", why.text);
        return rc;
    }
    return serve_until_signal(server);
}

int
main(int argc, char **argv)
{
    struct ouro_server_options where = {.host = "127.0.0.1", .service = "7000"};

    read_server_arguments(argc, argv, &where);
    return ouro_run(serve, &where) < 0;
}
