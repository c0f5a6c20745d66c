/* SPDX-License-Identifier: MIT */
/* A connection of the load generator: makes requests, checks their echoes.
 *
 * What is sent is a window of one table of random bytes: byte n of a connection
 * is byte (n + seed) % PERIOD of it.  So nothing is copied or made up while we
 * measure, and since the period is a prime and the seed is the connection's
 * own, an echo that is late, doubled, out of order or another connection's
 * differs.
 *
 * The happy path:
 *
 * - open: connect, and make as many requests as the pipeline is deep.
 * - Answers come: each is timed, and as many new requests are made.
 * - In a churn, an answer closes the connection, and it is opened anew.
 *
 * What may happen instead:
 *
 * - The socket takes a part of a request: the rest leaves on EPOLLOUT.
 * - An error, an end, a byte that differs or that nobody sent: it is counted,
 *   and the connection is dead; in a churn it is opened anew all the same.
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PERIOD = 4093, /* a prime */
    SEED_STEP = 97,
    SEND_SIZE = 256 * 1024,
    CONTENT_SIZE = PERIOD + SEND_SIZE,
    BUFFER_SIZE = SEND_SIZE, /* so that the content can be compared with it */
    END_SIZE = 32            /* what LOAD_CHECK_ENDS compares at each end */
};

uint64_t
load_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Always the same bytes, from a small generator of our own (xorshift). */
static void
fill_content(char *content)
{
    uint32_t state = 2463534242;

    for (size_t i = 0; i < PERIOD; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        content[i] = (char)(state >> 24);
    }
    for (size_t i = PERIOD; i < CONTENT_SIZE; i++)
        content[i] = content[i - PERIOD];
}

int
load_prepare(struct load *load)
{
    uint64_t count = load->options.connections;
    uint64_t depth = load->options.pipeline;

    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll < 0)
        return -errno;
    load->connections = calloc(count, sizeof(load->connections[0]));
    load->begins = calloc(count * depth, sizeof(load->begins[0]));
    load->content = malloc(CONTENT_SIZE);
    load->buffer = malloc(BUFFER_SIZE);
    if (load->connections == NULL || load->begins == NULL
        || load->content == NULL || load->buffer == NULL)
        return -ENOMEM;

    fill_content(load->content);
    for (uint64_t i = 0; i < count; i++) {
        load->connections[i].fd = -1;
        load->connections[i].begins = load->begins + i * depth;
    }
    return 0;
}

/* The content from byte `position` of the connection on. */
static const char *
content_at(const struct load *load, const struct load_connection *connection,
           uint64_t position)
{
    uint64_t index = (uint64_t)(connection - load->connections);

    return load->content + (position + index * SEED_STEP) % PERIOD;
}

static void
connection_kill(struct load *load, struct load_connection *connection)
{
    close(connection->fd);
    connection->fd = -1;
    load->in_flight -= connection->in_flight;
}

static void
count_error(struct load *load, const struct load_connection *connection,
            const char *why)
{
    if (load->errors++ == 0)
        fprintf(stderr, "load: connection %ld: %s (the first error)\n",
                (long)(connection - load->connections), why);
}

static int
wait_to_write(struct load *load, struct load_connection *connection, bool yes)
{
    struct epoll_event event = {
        .events = yes ? EPOLLIN | EPOLLOUT : EPOLLIN,
        .data.ptr = connection,
    };

    if (connection->is_waiting == yes)
        return 0;
    connection->is_waiting = yes;
    if (epoll_ctl(load->epoll, EPOLL_CTL_MOD, connection->fd, &event) < 0)
        return -errno;
    return 0;
}

/* Send what was requested, as far as the socket takes it. */
static int
flush(struct load *load, struct load_connection *connection)
{
    while (connection->unsent > 0) {
        uint64_t left = connection->unsent;
        size_t size = left < SEND_SIZE ? (size_t)left : SEND_SIZE;
        const char *bytes = content_at(load, connection, connection->sent);

        ssize_t sent =
            send(connection->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return -errno;
        if (sent > 0) {
            connection->sent += (uint64_t)sent;
            connection->unsent -= (uint64_t)sent;
        }
        if (sent < (ssize_t)size)
            break;
    }
    return wait_to_write(load, connection, connection->unsent > 0);
}

static int
make_requests(struct load *load, struct load_connection *connection,
              uint64_t count, uint64_t now)
{
    uint64_t depth = load->options.pipeline;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t place = connection->oldest + connection->in_flight++;
        connection->begins[place < depth ? place : place - depth] = now;
    }
    load->in_flight += count;
    connection->unsent += count * load->options.size;
    return flush(load, connection);
}

void
load_connection_open(struct load *load, struct load_connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    uint64_t *begins = connection->begins;
    uint64_t answers = connection->answers;

    if (load->is_draining)
        return;
    uint64_t now = load_now();
    int fd = net_connect(&load->address);
    if (fd < 0) {
        count_error(load, connection, strerror(-fd));
        return;
    }
    *connection = (struct load_connection){
        .fd = fd,
        .answers = answers,
        .begins = begins,
    };

    int rc = 0;
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        rc = -errno;
    if (rc == 0)
        rc = make_requests(load, connection, load->options.pipeline, now);
    if (rc < 0) {
        count_error(load, connection, strerror(-rc));
        connection_kill(load, connection);
    }
}

/* Are the `size` bytes that came next those that were sent? */
static bool
is_echo(const struct load *load, const struct load_connection *connection,
        size_t size)
{
    const char *got = load->buffer;
    const char *sent = content_at(load, connection, connection->received);

    if (connection->received + size > connection->sent)
        return false;
    if (load->options.check == LOAD_CHECK_COUNT)
        return true;
    if (load->options.check == LOAD_CHECK_ALL || size <= END_SIZE)
        return memcmp(got, sent, size) == 0;
    size_t tail = size - END_SIZE;
    return memcmp(got, sent, END_SIZE) == 0
           && memcmp(got + tail, sent + tail, END_SIZE) == 0;
}

/* Take `size` more bytes into account.  Returns how many answers they end. */
static uint64_t
take_answers(struct load *load, struct load_connection *connection, size_t size,
             uint64_t now)
{
    uint64_t depth = load->options.pipeline;
    uint64_t partial = connection->partial + size;
    uint64_t count = partial / load->options.size;

    connection->received += size;
    connection->partial = partial - count * load->options.size;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t begin = connection->begins[connection->oldest];
        if (!load->is_draining)
            histogram_record(&load->latencies, now - begin);
        if (++connection->oldest == depth)
            connection->oldest = 0;
    }
    connection->in_flight -= count;
    load->in_flight -= count;
    if (!load->is_draining) {
        connection->answers += count;
        load->requests += count;
        load->bytes += count * load->options.size;
    }
    return count;
}

/* Returns NULL, or what is wrong. */
static const char *
receive(struct load *load, struct load_connection *connection)
{
    int flags = load->options.check == LOAD_CHECK_COUNT ? MSG_TRUNC : 0;

    ssize_t size =
        recv(connection->fd, load->buffer, BUFFER_SIZE, MSG_DONTWAIT | flags);
    if (size < 0)
        return errno == EAGAIN ? NULL : strerror(errno);
    if (size == 0)
        return "closed by the server";
    if (!is_echo(load, connection, (size_t)size))
        return "what came is not what was sent";

    uint64_t now = load_now();
    uint64_t count = take_answers(load, connection, (size_t)size, now);
    if (count == 0)
        return NULL;
    if (load->options.churn) {
        connection_kill(load, connection);
        load_connection_open(load, connection);
        return NULL;
    }
    if (load->is_draining)
        return NULL;
    int rc = make_requests(load, connection, count, now);
    return rc < 0 ? strerror(-rc) : NULL;
}

void
load_connection_run(struct load *load, struct load_connection *connection,
                    uint32_t events)
{
    const char *wrong = NULL;

    if ((events & EPOLLOUT) != 0) {
        int rc = flush(load, connection);
        if (rc < 0)
            wrong = strerror(-rc);
    }
    if (wrong == NULL && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
        wrong = receive(load, connection);
    if (wrong == NULL)
        return;

    count_error(load, connection, wrong);
    connection_kill(load, connection);
    if (load->options.churn)
        load_connection_open(load, connection);
}
