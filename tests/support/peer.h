/* SPDX-License-Identifier: MIT */
/* Somebody to talk to: plain blocking sockets that know nothing of ouro.
 *
 * For integration tests, where the loop runs on the test's thread and the peer
 * on one of its own.  Every call gives up after ten seconds with -ETIMEDOUT;
 * other failures are a negative errno.  Ports are the system's choice.
 */
#ifndef OURO_TEST_PEER_H
#define OURO_TEST_PEER_H

#include <ouro/address.h>
#include <ouro/bytes.h>

#include <pthread.h>

/* A peer on a thread of its own: fn(arg), whose result peer_join() returns. */
struct peer {
    pthread_t thread;
    int (*fn)(void *arg);
    void *arg;
    int result;
};

void peer_start(struct peer *peer, int (*fn)(void *arg), void *arg);
int peer_join(struct peer *peer);

/* Listen on a port of `host`, a literal.  Returns the descriptor. */
int peer_listen(const char *host, struct ouro_address *out_address);

/* Take the next connection.  Returns its descriptor. */
int peer_accept(int listener);

/* Connect.  Returns the descriptor. */
int peer_connect(const struct ouro_address *address);

/* Send all of it.  Returns 0. */
int peer_send(int fd, struct ouro_slice data);

/* Receive exactly `size` bytes.  Returns 0; -ENODATA if the end came first. */
int peer_receive(int fd, void *into, size_t size);

/* Receive to the end.  Returns how much that was; -EMSGSIZE if it is more than
 * `capacity`. */
ssize_t peer_receive_to_end(int fd, void *into, size_t capacity);

/* The same without keeping it: at most `chunk` bytes, then a pause. */
ssize_t peer_discard_to_end(int fd, size_t chunk, int64_t pause_ns);

/* No more from us, and it can still receive. */
void peer_finish(int fd);

void peer_close(int fd);

/* Close, and reset the connection. */
void peer_reset(int fd);

#endif
