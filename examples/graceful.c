/* A server that ends well: what has begun may be finished, in two seconds.
 *
 *     $ ./graceful --port 7000 &
 *     listening on 127.0.0.1:7000
 *     $ (echo 2; sleep 1; echo 3; echo) | nc -N 127.0.0.1 7000 &
 *     $ kill %1
 *     5
 */
#include "common.h"

/* Returns the size of the line: 1: it is empty; 0: the end. */
static ssize_t
read_number(struct ouro_stream *stream, long *number)
{
    struct ouro_slice line;
    char text[32];

    ssize_t size = ouro_stream_read_line(stream, &line);
    if (size > 0) {
        snprintf(text, sizeof(text), "%.*s", (int)line.size,
                 (const char *)line.data);
        *number = strtol(text, NULL, 10);
    }
    return size;
}

/* Read up to the empty line, and answer. */
static ssize_t
add_up(struct ouro_stream *stream, long sum)
{
    long number;
    char text[32];
    ssize_t size;

    while ((size = read_number(stream, &number)) > 1)
        sum += number;
    if (size <= 0)
        return size;
    int length = snprintf(text, sizeof(text), "%ld\n", sum);
    return ouro_stream_write(stream, ouro_slice_of(text, (size_t)length));
}

/* Who waits between two sums leaves when the server stops.  Who is inside of
 * one does not hear of that; after the grace the connection is aborted. */
static int
serve_client(struct ouro_stream *stream, void *context)
{
    struct ouro_shield shield;
    long first;
    ssize_t size;

    (void)context;
    while ((size = read_number(stream, &first)) > 0) {
        ouro_shield_begin(&shield, OURO_FOREVER);
        size = ouro_shield_end(&shield, add_up(stream, first));
        if (size < 0)
            break;
    }
    return size == -ECANCELED ? 0 : (int)size;
}

static int
serve(void *where)
{
    return serve_streams(serve_client, where);
}

int
main(int argc, char **argv)
{
    struct ouro_server_options where = {
        .host = "127.0.0.1",
        .service = "7000",
        .grace_ns = OURO_SECONDS(2),
    };

    read_server_arguments(argc, argv, &where);
    return ouro_run(serve, &where) < 0;
}
