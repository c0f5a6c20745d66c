/* SPDX-License-Identifier: MIT */
/* Two connected sockets of the running loop, whichever engine it has. */
#ifndef OURO_TEST_TCP_PAIR_H
#define OURO_TEST_TCP_PAIR_H

#include "witness.h"

#include <ouro/transport.h>

/* The descriptors are the caller's.  Returns 0. */
OURO_SUSPENDS int make_tcp_pair(int out_fds[2]);

/* Two transports on such a pair, for protocols of `ops`, not begun. */
OURO_SUSPENDS int make_tcp_transports(struct ouro_transport *out_transports[2],
                                      const struct ouro_protocol_ops *ops);

/* Begin an end on a descriptor, which is its. */
OURO_MUST_USE int begin_over_tcp(struct end *end, int fd);

/* Connect and begin two ends. */
OURO_SUSPENDS int meet_over_tcp(struct end ends[2]);

/* What is done to a descriptor that has no transport. */
ssize_t raw_send(int fd, struct ouro_slice data);
ssize_t raw_receive(int fd, void *into, size_t size);
void raw_finish(int fd);
void raw_close(int fd);
void raw_reset(int fd);

#endif
