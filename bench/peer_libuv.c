/* SPDX-License-Identifier: MIT */
/* An echo server on libuv, written as its experienced users do.
 *
 * All connections receive into one buffer, and uv_try_write sends at once.  If
 * it takes a part, the rest is copied aside, reading stops, and one write
 * request, which is part of the connection, sends it.
 */
#include "peer.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct connection {
    uv_tcp_t tcp;
    uv_write_t write;
    char *rest; /* what uv_try_write did not take, while it is on its way */
};

static char receive_buffer[PEER_BUFFER_SIZE];

static void
on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;

    free(connection->rest);
    free(connection);
}

static void
connection_close(struct connection *connection)
{
    uv_handle_t *handle = (uv_handle_t *)&connection->tcp;

    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void
on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out_buffer)
{
    (void)handle;
    (void)wanted;
    out_buffer->base = receive_buffer;
    out_buffer->len = sizeof(receive_buffer);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer);

static void
on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->data;

    free(connection->rest);
    connection->rest = NULL;
    if (status < 0 || uv_read_start(write->handle, on_alloc, on_read) < 0)
        connection_close(connection);
}

static int
write_rest(struct connection *connection, const char *bytes, size_t size)
{
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;

    connection->rest = malloc(size);
    if (connection->rest == NULL)
        return UV_ENOMEM;
    memcpy(connection->rest, bytes, size);

    uv_read_stop(stream);
    connection->write.data = connection;
    uv_buf_t buffer = uv_buf_init(connection->rest, (unsigned)size);
    return uv_write(&connection->write, stream, &buffer, 1, on_written);
}

static void
on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;

    if (size == 0)
        return; /* libuv's word for EAGAIN */
    if (size < 0) {
        connection_close(connection);
        return;
    }

    uv_buf_t bytes = uv_buf_init(buffer->base, (unsigned)size);
    int sent = uv_try_write(stream, &bytes, 1);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent == size)
        return;
    if (sent < 0
        || write_rest(connection, buffer->base + sent, (size_t)(size - sent))
               < 0)
        connection_close(connection);
}

static void
on_connection(uv_stream_t *listener, int status)
{
    if (status < 0)
        return;

    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return;
    uv_tcp_init(listener->loop, &connection->tcp);
    connection->tcp.data = connection;
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    if (uv_accept(listener, stream) < 0
        || uv_read_start(stream, on_alloc, on_read) < 0)
        connection_close(connection);
}

static void
on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

static int
serve(uv_loop_t *loop, int fd)
{
    static uv_tcp_t listener;
    static uv_signal_t signal;

    int rc = uv_tcp_init(loop, &listener);
    if (rc == 0)
        rc = uv_tcp_open(&listener, fd);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&listener, PEER_BACKLOG, on_connection);
    if (rc == 0)
        rc = uv_signal_init(loop, &signal);
    if (rc == 0)
        rc = uv_signal_start(&signal, on_signal, SIGTERM);
    if (rc < 0)
        return rc;

    peer_announce(fd);
    uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}

int
main(int argc, char **argv)
{
    int fd = peer_listen(argc, argv);

    int rc = serve(uv_default_loop(), fd);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", argv[0], uv_strerror(rc));
        return 1;
    }
    return 0;
}
