/* SPDX-License-Identifier: MIT */
/* Somebody to talk to: plain blocking sockets that know nothing of ouro.
 *
 * A call is taken up again when it is interrupted, and no signal need be the
 * reason: the kernel ends a ring late, and wakes the thread that had it for
 * that, even from a call that has a time limit.
 */
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_SECONDS = 10, BACKLOG = 16, SCRATCH_SIZE = 65536 };

static void *
run_peer(void *arg)
{
    struct peer *peer = arg;

    peer->result = peer->fn(peer->arg);
    return NULL;
}

/* Signals are for the thread of the loop. */
void
peer_start(struct peer *peer, int (*fn)(void *arg), void *arg)
{
    sigset_t all;
    sigset_t before;

    peer->fn = fn;
    peer->arg = arg;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&peer->thread, NULL, run_peer, peer) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int
peer_join(struct peer *peer)
{
    pthread_join(peer->thread, NULL);
    return peer->result;
}

/* The error of the call before.  A time limit of a socket is an EAGAIN, or, for
 * connect(2), an EINPROGRESS. */
static int
last_error(void)
{
    int error = errno;

    if (error == EAGAIN || error == EINPROGRESS)
        return -ETIMEDOUT;
    return -error;
}

static int
limit(int fd)
{
    const struct timeval time = {.tv_sec = LIMIT_SECONDS};

    if (fd < 0)
        return last_error();
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
    return fd;
}

static int
open_socket(const struct ouro_address *address)
{
    return limit(
        socket(address->of.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/* Close it, for the error of the call before. */
static int
give_up(int fd)
{
    int error = last_error();

    close(fd);
    return error;
}

int
peer_listen(const char *host, struct ouro_address *out_address)
{
    struct ouro_address address;

    int rc = ouro_address_parse(&address, host, 0);
    if (rc < 0)
        return rc;
    int fd = open_socket(&address);
    if (fd < 0)
        return fd;
    if (bind(fd, &address.of.any, address.size) < 0 || listen(fd, BACKLOG) < 0)
        return give_up(fd);
    if (getsockname(fd, &address.of.any, &address.size) < 0)
        return give_up(fd);

    *out_address = address;
    return fd;
}

int
peer_accept(int listener)
{
    int fd;

    do
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return limit(fd);
}

/* A connect that was interrupted goes on, and cannot be called again. */
static int
finish_connect(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof(int);
    int error = ETIMEDOUT;
    int count;

    do
        count = poll(&ready, 1, LIMIT_SECONDS * 1000);
    while (count < 0 && errno == EINTR);
    if (count > 0)
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    return error == 0 ? 0 : -1;
}

static int
connect_to(int fd, const struct ouro_address *address)
{
    int rc = connect(fd, &address->of.any, address->size);

    return rc < 0 && errno == EINTR ? finish_connect(fd) : rc;
}

static ssize_t
receive_some(int fd, void *into, size_t size)
{
    ssize_t got;

    do
        got = recv(fd, into, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

int
peer_connect(const struct ouro_address *address)
{
    int fd = open_socket(address);

    if (fd < 0)
        return fd;
    if (connect_to(fd, address) < 0)
        return give_up(fd);
    return fd;
}

int
peer_send(int fd, struct ouro_slice data)
{
    while (data.size > 0) {
        ssize_t sent = send(fd, data.data, data.size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return last_error();
        data.data += sent;
        data.size -= (size_t)sent;
    }
    return 0;
}

int
peer_receive(int fd, void *into, size_t size)
{
    uint8_t *bytes = into;

    while (size > 0) {
        ssize_t got = receive_some(fd, bytes, size);
        if (got < 0)
            return last_error();
        if (got == 0)
            return -ENODATA;
        bytes += got;
        size -= (size_t)got;
    }
    return 0;
}

ssize_t
peer_receive_to_end(int fd, void *into, size_t capacity)
{
    uint8_t *bytes = into;
    size_t used = 0;
    uint8_t more;

    while (used < capacity) {
        ssize_t got = receive_some(fd, bytes + used, capacity - used);
        if (got < 0)
            return last_error();
        if (got == 0)
            return (ssize_t)used;
        used += (size_t)got;
    }

    ssize_t got = receive_some(fd, &more, sizeof(more));
    if (got < 0)
        return last_error();
    return got == 0 ? (ssize_t)used : -EMSGSIZE;
}

static void
pause_for(int64_t pause_ns)
{
    const struct timespec time = {
        .tv_sec = (time_t)(pause_ns / 1000000000),
        .tv_nsec = (long)(pause_ns % 1000000000),
    };

    if (pause_ns > 0)
        nanosleep(&time, NULL);
}

ssize_t
peer_discard_to_end(int fd, size_t chunk, int64_t pause_ns)
{
    uint8_t scratch[SCRATCH_SIZE];
    ssize_t total = 0;

    if (chunk > sizeof(scratch))
        chunk = sizeof(scratch);
    for (;;) {
        ssize_t got = receive_some(fd, scratch, chunk);
        if (got < 0)
            return last_error();
        if (got == 0)
            return total;
        total += got;
        pause_for(pause_ns);
    }
}

void
peer_finish(int fd)
{
    shutdown(fd, SHUT_WR);
}

void
peer_close(int fd)
{
    close(fd);
}

void
peer_reset(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}
