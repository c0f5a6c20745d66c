/* SPDX-License-Identifier: MIT */
#ifndef OURO_SOCK_H
#define OURO_SOCK_H

#include <ouro/address.h>
#include <ouro/bytes.h>

OURO_BEGIN_DECLS

/**
 * Calls on plain sockets, which read as if they blocked.
 *
 * For sockets that you made yourself: datagrams, odd families, protocols that
 * fit no stream.  The descriptor is yours, may be blocking or not, and must not
 * be a transport's.  Only the task waits, never the thread.
 *
 * Each call tries at once, and waits only if it has to.  A task whose peer is
 * faster than itself lets others run now and then.  In each direction one call
 * at a time: recv, recv_exactly, recvfrom and accept are one, the others are
 * the other.  All calls may return, besides their own errors and those of the
 * system call,
 *   -EBUSY      another task, or a watch, has this direction of `fd`
 *   -EBADF      it is not open, or was closed meanwhile
 *   -ECANCELED  the running task was cancelled.  Nothing is lost: what a call
 *               took it returns, and what it did not take is there for the next
 *   -ENOMEM
 *
 * When a call has returned nothing is in flight on `fd`, so it may be closed.
 * While one waits only ouro_sock_close() may.
 */

/**
 * Receive what is there, `size` bytes at most.  Returns how many; 0 is the end,
 * or `size` was 0, which waits until there is something all the same.
 */
OURO_SUSPENDS ssize_t ouro_sock_recv(int fd, void *into, size_t size);

/**
 * Receive `size` bytes.  Returns `size`.
 *
 * `*out_received` is how many are in `into`, also on failure: they have left
 * the socket.  NULL: nobody asks.
 *   -OURO_EINCOMPLETE  the peer ended before
 */
OURO_SUSPENDS ssize_t ouro_sock_recv_exactly(int fd, void *into, size_t size,
                                             size_t *out_received);

/**
 * Receive one datagram, and who sent it; `out_from` may be NULL.  Its size is 0
 * if the socket does not say.  Returns the bytes; 0 is an empty datagram.
 *   -EMSGSIZE  it is longer than `size`: `into` has its beginning, and its rest
 *              is gone
 */
OURO_SUSPENDS ssize_t ouro_sock_recvfrom(int fd, void *into, size_t size,
                                         struct ouro_address *out_from);

/**
 * Send some of `data`, all of it if there is room.  Returns how much.
 *   -EPIPE, -ECONNRESET  the peer is gone; there is no SIGPIPE
 */
OURO_SUSPENDS ssize_t ouro_sock_send(int fd, struct ouro_slice data);

/**
 * Send all of `data`.  Returns 0.
 *
 * `*out_sent` is how much has left, also on failure: the rest never leaves.
 * NULL: nobody asks.
 */
OURO_SUSPENDS int ouro_sock_sendall(int fd, struct ouro_slice data,
                                    size_t *out_sent);

/** Send one datagram to `to`.  Returns its size. */
OURO_SUSPENDS ssize_t ouro_sock_sendto(int fd, struct ouro_slice data,
                                       const struct ouro_address *to);

/**
 * Connect to `address`, which is copied.  Returns 0.
 *
 * After a failure or a cancel the socket is still the caller's, and open.  A
 * cancelled connect goes on in the kernel, so connect to the same address again
 * to wait for it further, or close the socket.
 */
OURO_SUSPENDS int ouro_sock_connect(int fd, const struct ouro_address *address);

/**
 * Take the next connection of a listening socket, and whose it is; `out_peer`
 * may be NULL.
 *
 * Returns a descriptor, non-blocking and close-on-exec, that is the caller's.
 *   -EMFILE, -ENFILE  no descriptors left; the connection waits
 */
OURO_SUSPENDS int ouro_sock_accept(int fd, struct ouro_address *out_peer);

/**
 * Send `count` bytes of the regular file `file` from `offset` on, or
 * OURO_UNLIMITED: all there are.  Returns how many, fewer if the file ends.
 *
 * `*out_sent` is how many have left, also on failure; NULL: nobody asks.  If
 * any have, the position of `file` is behind the last of them in any case.
 *   -EINVAL  `file` is no regular file, or `offset` is negative
 */
OURO_SUSPENDS ssize_t ouro_sock_sendfile(int fd, int file, off_t offset,
                                         size_t count, size_t *out_sent);

/**
 * Close `fd` on the running loop.  Never suspends, cannot fail; a negative
 * number is nothing.
 *
 * Who waits for it gets -EBADF, and watches of it end.  The number is free as
 * soon as the kernel has let go of it.
 */
void ouro_sock_close(int fd);

OURO_END_DECLS

#endif
