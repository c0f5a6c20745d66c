/* SPDX-License-Identifier: MIT */
/* Addresses and sockets, as both ends of the benchmark need them. */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <sys/socket.h>

struct net_address {
    struct sockaddr_storage storage;
    socklen_t size;
};

/*
 * Look up `host` and `service`.  Takes the first of several addresses.
 *
 * Returns 0, or -EADDRNOTAVAIL if they name nothing.
 */
int net_resolve(struct net_address *out_address, const char *host,
                const char *service);

/*
 * A non-blocking listening socket at `address`.
 *
 * The accepted sockets inherit what is set here: TCP_NODELAY, and cubic where
 * it is allowed.  bbr, which may be the machine's default, paces loopback with
 * timers, and then those are what is measured.
 *
 * Returns the descriptor or a negative errno.
 */
int net_listen(const struct net_address *address);

/*
 * A connected socket, set up like an accepted one, whose close resets.
 *
 * Blocks: over loopback the handshake happens inside the call.  The reset means
 * that no connection stays in TIME_WAIT, so ports do not run out and no run
 * leaves work to the next.
 *
 * Returns the descriptor or a negative errno.
 */
int net_connect(const struct net_address *address);

/* The name of the congestion control of `fd`, into `name` of `size` bytes. */
void net_congestion(int fd, char *name, socklen_t size);

/* Allow as many descriptors as the hard limit does; returns how many. */
unsigned long net_raise_fd_limit(void);

#endif
