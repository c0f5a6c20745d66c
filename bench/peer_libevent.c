/* SPDX-License-Identifier: MIT */
/* An echo server on libevent: plain events, or bufferevents if asked to.
 *
 * Plain: one event per connection, recv and send by hand into one buffer; what
 * send does not take is copied aside, and an event to write replaces the one to
 * read until it has left.
 *
 * With --bufferevent: the library's own buffers, moved from input to output,
 * and a mark above which the connection is not read.
 */
#include "peer.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The most that a bufferevent holds for a peer that does not read. */
enum { HIGH_MARK = 256 * 1024 };

struct connection {
    struct event readable;
    struct event writable;
    char *rest; /* what send did not take; NULL while there is none */
    size_t begin;
    size_t end;
};

static char receive_buffer[PEER_BUFFER_SIZE];

static void
connection_close(struct connection *connection)
{
    int fd = event_get_fd(&connection->readable);

    event_del(&connection->readable);
    event_del(&connection->writable);
    close(fd);
    free(connection->rest);
    free(connection);
}

static int
keep(struct connection *connection, const char *bytes, size_t size)
{
    connection->rest = malloc(size);
    if (connection->rest == NULL)
        return -1;
    memcpy(connection->rest, bytes, size);
    connection->begin = 0;
    connection->end = size;
    event_del(&connection->readable);
    return event_add(&connection->writable, NULL);
}

static void
on_readable(int fd, short what, void *arg)
{
    struct connection *connection = arg;

    (void)what;
    ssize_t size = recv(fd, receive_buffer, sizeof(receive_buffer), 0);
    if (size < 0 && errno == EAGAIN)
        return;
    if (size <= 0) {
        connection_close(connection);
        return;
    }

    ssize_t sent = send(fd, receive_buffer, (size_t)size, MSG_NOSIGNAL);
    if (sent == size)
        return;
    if (sent < 0 && errno == EAGAIN)
        sent = 0;
    if (sent < 0
        || keep(connection, receive_buffer + sent, (size_t)(size - sent)) < 0)
        connection_close(connection);
}

static void
on_writable(int fd, short what, void *arg)
{
    struct connection *connection = arg;

    (void)what;
    ssize_t sent = send(fd, connection->rest + connection->begin,
                        connection->end - connection->begin, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN)
            connection_close(connection);
        return;
    }

    connection->begin += (size_t)sent;
    if (connection->begin < connection->end)
        return;
    free(connection->rest);
    connection->rest = NULL;
    event_del(&connection->writable);
    if (event_add(&connection->readable, NULL) < 0)
        connection_close(connection);
}

static void
on_plain_connection(struct evconnlistener *listener, int fd,
                    struct sockaddr *address, int size, void *arg)
{
    struct event_base *base = evconnlistener_get_base(listener);

    (void)address;
    (void)size;
    (void)arg;
    struct connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        close(fd);
        return;
    }
    event_assign(&connection->readable, base, fd, EV_READ | EV_PERSIST,
                 on_readable, connection);
    event_assign(&connection->writable, base, fd, EV_WRITE | EV_PERSIST,
                 on_writable, connection);
    if (event_add(&connection->readable, NULL) < 0)
        connection_close(connection);
}

static void
on_buffered_read(struct bufferevent *connection, void *arg)
{
    struct evbuffer *output = bufferevent_get_output(connection);

    (void)arg;
    evbuffer_add_buffer(output, bufferevent_get_input(connection));
    if (evbuffer_get_length(output) > HIGH_MARK)
        bufferevent_disable(connection, EV_READ);
}

static void
on_buffered_written(struct bufferevent *connection, void *arg)
{
    (void)arg;
    if ((bufferevent_get_enabled(connection) & EV_READ) == 0)
        bufferevent_enable(connection, EV_READ);
}

static void
on_buffered_flushed(struct bufferevent *connection, void *arg)
{
    (void)arg;
    bufferevent_free(connection);
}

/* A peer that only stopped sending still gets what it is owed. */
static void
on_buffered_end(struct bufferevent *connection, short what, void *arg)
{
    struct evbuffer *output = bufferevent_get_output(connection);

    (void)arg;
    if ((what & BEV_EVENT_EOF) != 0 && evbuffer_get_length(output) > 0)
        bufferevent_setcb(connection, NULL, on_buffered_flushed,
                          on_buffered_end, NULL);
    else if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
        bufferevent_free(connection);
}

static void
on_buffered_connection(struct evconnlistener *listener, int fd,
                       struct sockaddr *address, int size, void *arg)
{
    struct event_base *base = evconnlistener_get_base(listener);

    (void)address;
    (void)size;
    (void)arg;
    struct bufferevent *connection =
        bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (connection == NULL) {
        close(fd);
        return;
    }
    bufferevent_setcb(connection, on_buffered_read, on_buffered_written,
                      on_buffered_end, NULL);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static void
on_signal(int number, short what, void *arg)
{
    (void)number;
    (void)what;
    event_base_loopbreak(arg);
}

int
main(int argc, char **argv)
{
    bool buffered = peer_take_flag(&argc, argv, "--bufferevent");
    int fd = peer_listen(argc, argv);

    struct event_base *base = event_base_new();
    struct evconnlistener *listener = evconnlistener_new(
        base, buffered ? on_buffered_connection : on_plain_connection, NULL,
        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, PEER_BACKLOG, fd);
    struct event *stop = evsignal_new(base, SIGTERM, on_signal, base);
    if (listener == NULL || stop == NULL || event_add(stop, NULL) < 0) {
        fprintf(stderr, "%s: libevent cannot start\n", argv[0]);
        return 1;
    }

    peer_announce(fd);
    event_base_dispatch(base);
    event_free(stop);
    evconnlistener_free(listener);
    event_base_free(base);
    return 0;
}
