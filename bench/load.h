/* SPDX-License-Identifier: MIT */
/* The load generator's state, and what a connection of it can do. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "histogram.h"
#include "net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How much of what comes back is compared with what was sent. */
enum load_check {
    LOAD_CHECK_COUNT, /* how many bytes; the kernel does not even copy them */
    LOAD_CHECK_ENDS,  /* and the first and last of each received piece */
    LOAD_CHECK_ALL    /* and each byte */
};

struct load_options {
    const char *host;
    const char *port;
    uint64_t connections;
    uint64_t size;     /* of a message, in bytes */
    uint64_t pipeline; /* messages on the way, per connection */
    double seconds;
    double warmup_seconds;
    pid_t pid; /* the server, to read its CPU time; 0 if that is not wanted */
    enum load_check check;
    bool churn; /* a connection per message */
    bool spin;  /* never sleep in the kernel */
};

struct load_connection {
    int fd;            /* -1 once it is dead */
    bool is_waiting;   /* to write; it always waits to read */
    uint64_t sent;     /* bytes, since it was opened */
    uint64_t received; /* bytes, since it was opened */
    uint64_t unsent;   /* bytes of requests that were made and not sent yet */
    uint64_t partial;  /* bytes of the oldest answer that have come */
    uint64_t answers;  /* in the measured window */
    uint64_t oldest;   /* where in `begins` the oldest request is */
    uint64_t in_flight;
    uint64_t *begins; /* when each request was made: a ring of `pipeline` */
};

struct load {
    struct load_options options;
    struct net_address address;
    int epoll;
    struct load_connection *connections;
    uint64_t *begins;
    uint64_t in_flight; /* of all connections that are alive */
    bool is_draining;   /* make no more requests */
    char *content;      /* what is sent, see load_connection.c */
    char *buffer;       /* what is received, by all connections */

    uint64_t errors;
    char congestion[16]; /* of the sockets; empty if none could connect */

    /* In the measured window: */
    uint64_t requests;
    uint64_t bytes;
    struct histogram latencies;
};

/* Nanoseconds of the monotonic clock. */
uint64_t load_now(void);

/*
 * Allocate for `load->options`: the connections, dead, and the content.
 *
 * Returns 0 or a negative errno.
 */
int load_prepare(struct load *load);

/*
 * Connect, and make the first requests.  A failure counts as an error of
 * `load`, the first of which is told on stderr, and leaves the connection dead.
 */
void load_connection_open(struct load *load,
                          struct load_connection *connection);

/* Do what `events` of epoll ask for.  What fails is dead afterwards. */
void load_connection_run(struct load *load, struct load_connection *connection,
                         uint32_t events);

#endif
