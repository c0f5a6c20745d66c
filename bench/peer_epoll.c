/* SPDX-License-Identifier: MIT */
/* The control: an echo server on raw epoll, as fast as we know how to write it.
 *
 * Level-triggered, one thread, one hot buffer.  A connection that has all its
 * bytes sent, which is nearly always, costs one recv, one send and its share of
 * an epoll_wait.
 *
 * What may happen instead:
 *
 * - The peer reads slowly and send takes a part: the rest is copied aside, and
 *   the connection waits to write instead of to read until that has left.  So
 *   at most one buffer is queued, and the back-pressure reaches the peer.
 * - The buffer was filled: there is probably more, and recv is tried again
 *   before the next epoll_wait; a few times, so that others have their turn.
 * - No descriptor is left for accept: the listener rests until one is closed.
 */
#include "peer.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_PER_WAIT = 512, RECEIVES_PER_TURN = 4 };

/* What send did not take. */
struct rest {
    size_t begin;
    size_t end;
    char bytes[PEER_BUFFER_SIZE];
};

struct connection {
    int fd;
    struct rest *rest; /* NULL while there is none */
};

struct server {
    int epoll;
    int listener;
    bool is_resting; /* the listener, for want of descriptors */
    char buffer[PEER_BUFFER_SIZE];
};

static int
watch(const struct server *server, int operation, int fd, uint32_t events,
      void *who)
{
    struct epoll_event event = {.events = events, .data.ptr = who};

    return epoll_ctl(server->epoll, operation, fd, &event);
}

static void
connection_close(struct server *server, struct connection *connection)
{
    close(connection->fd);
    free(connection->rest);
    free(connection);
    if (server->is_resting) {
        server->is_resting = false;
        (void)watch(server, EPOLL_CTL_MOD, server->listener, EPOLLIN,
                    &server->listener);
    }
}

/* Send `size` bytes of the buffer; keep what does not go. */
static int
send_or_keep(struct server *server, struct connection *connection, size_t size)
{
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    ssize_t sent = send(connection->fd, server->buffer, size, flags);
    if (sent == (ssize_t)size)
        return 0;
    if (sent < 0 && errno != EAGAIN)
        return -errno;

    struct rest *rest = malloc(sizeof(*rest));
    if (rest == NULL)
        return -ENOMEM;
    rest->begin = 0;
    rest->end = size - (sent > 0 ? (size_t)sent : 0);
    memcpy(rest->bytes, server->buffer + size - rest->end, rest->end);
    connection->rest = rest;
    int rc = watch(server, EPOLL_CTL_MOD, connection->fd, EPOLLOUT, connection);
    return rc < 0 ? -errno : 0;
}

static void
on_readable(struct server *server, struct connection *connection)
{
    for (int i = 0; i < RECEIVES_PER_TURN; i++) {
        ssize_t size = recv(connection->fd, server->buffer, PEER_BUFFER_SIZE,
                            MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN)
            return;
        if (size <= 0 || send_or_keep(server, connection, (size_t)size) < 0) {
            connection_close(server, connection);
            return;
        }
        if (size < PEER_BUFFER_SIZE || connection->rest != NULL)
            return;
    }
}

static void
on_writable(struct server *server, struct connection *connection)
{
    struct rest *rest = connection->rest;
    ssize_t sent = send(connection->fd, rest->bytes + rest->begin,
                        rest->end - rest->begin, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN)
            connection_close(server, connection);
        return;
    }

    rest->begin += (size_t)sent;
    if (rest->begin < rest->end)
        return;
    free(rest);
    connection->rest = NULL;
    if (watch(server, EPOLL_CTL_MOD, connection->fd, EPOLLIN, connection) < 0)
        connection_close(server, connection);
}

static void
add_connection(struct server *server, int fd)
{
    struct connection *connection = malloc(sizeof(*connection));
    if (connection == NULL) {
        close(fd);
        return;
    }

    connection->fd = fd;
    connection->rest = NULL;
    if (watch(server, EPOLL_CTL_ADD, fd, EPOLLIN, connection) < 0)
        connection_close(server, connection);
}

static void
on_acceptable(struct server *server)
{
    for (;;) {
        int fd =
            accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            add_connection(server, fd);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR)
            continue;
        if (errno != EAGAIN) {
            server->is_resting = true;
            (void)watch(server, EPOLL_CTL_MOD, server->listener, 0,
                        &server->listener);
        }
        return;
    }
}

/* Returns when a signal asks for the end. */
static void
serve(struct server *server)
{
    static struct epoll_event events[EVENTS_PER_WAIT];

    for (;;) {
        int count = epoll_wait(server->epoll, events, EVENTS_PER_WAIT, -1);
        for (int i = 0; i < count; i++) {
            void *who = events[i].data.ptr;
            if (who == NULL)
                return;
            if (who == &server->listener)
                on_acceptable(server);
            else if (((struct connection *)who)->rest != NULL)
                on_writable(server, who);
            else
                on_readable(server, who);
        }
    }
}

static int
end_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

int
main(int argc, char **argv)
{
    static struct server server;

    server.listener = peer_listen(argc, argv);
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    int signals = end_signals();
    if (server.epoll < 0 || signals < 0
        || watch(&server, EPOLL_CTL_ADD, signals, EPOLLIN, NULL) < 0
        || watch(&server, EPOLL_CTL_ADD, server.listener, EPOLLIN,
                 &server.listener)
               < 0) {
        perror(argv[0]);
        return 1;
    }
    peer_announce(server.listener);
    serve(&server);
    return 0;
}
