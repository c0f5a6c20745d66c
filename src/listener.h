/* SPDX-License-Identifier: MIT */
/* One socket that accepts, and what it does when it cannot.
 *
 * The happy path: a multishot accept, which brings one descriptor after the
 * other.
 *
 * What may happen instead:
 *
 * - A connection is gone before it is accepted: the next one.
 * - No descriptors or no memory: the accept ends.  That is reported once, and
 *   tried again after a second, or as soon as the loop closes a descriptor.
 *   While it goes on failing it is one episode, and is not reported again.
 *   Clients wait in the backlog meanwhile.
 * - It is closed while descriptors are on their way: they are closed.
 */
#ifndef OURO_LISTENER_H
#define OURO_LISTENER_H

#include "loop.h"

struct ouro__listener;

/* A descriptor, which is yours. */
typedef void ouro__accepted_fn(struct ouro__listener *listener, int fd);

/* After ouro__listener_close(): nothing is in flight, and it is closed. */
typedef void ouro__listener_closed_fn(struct ouro__listener *listener);

struct ouro__listener {
    struct ouro_loop *loop;
    struct ouro__op op;
    struct ouro_handle retry; /* a second after a failure */
    struct ouro_handle freed; /* or when a descriptor is free */
    ouro__accepted_fn *accepted;
    ouro__listener_closed_fn *closed;
    void *owner;
    const char *site;
    int fd;               /* -1: closed */
    int64_t last_failure; /* ns; 0: none yet */
    bool closing;
};

/* Make one of the bound socket `fd`, which it takes. */
void ouro__listener_init(struct ouro__listener *listener,
                         struct ouro_loop *loop, int fd, const char *site);

/* Begin to accept; the socket listens already. */
void ouro__listener_start(struct ouro__listener *listener);

/* Stop.  `closed` follows from the loop, or has come when this returns if
 * nothing was in flight. */
void ouro__listener_close(struct ouro__listener *listener);

#endif
