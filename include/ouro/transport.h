/* SPDX-License-Identifier: MIT */
#ifndef OURO_TRANSPORT_H
#define OURO_TRANSPORT_H

#include <ouro/address.h>
#include <ouro/bytes.h>
#include <ouro/protocol.h>

OURO_BEGIN_DECLS

/**
 * What moves the bytes of one connection.
 *
 * It is there as long as its protocol is: after connection_lost, writing to it
 * drops the bytes, which is counted and reported once per connection.  Belongs
 * to the thread of its loop.
 */
struct ouro_transport;

/**
 * Queue bytes.  Never suspends, cannot fail, never calls you back.
 *
 * The bytes are borrowed until the call returns.  Small writes of one turn of
 * the loop leave in one send.  If they cannot be queued the connection is
 * aborted, and connection_lost() says why: -ENOBUFS past the hard limit, or
 * -ENOMEM.  After close, abort or write_eof they are dropped.
 */
void ouro_transport_write(struct ouro_transport *transport,
                          struct ouro_slice data);
void ouro_transport_writev(struct ouro_transport *transport,
                           const struct ouro_slice *slices, size_t count);

/**
 * Queue a block without copying it.
 *
 * Takes the reference, always, and drops it when the kernel is done with it.
 * The bytes must not change until then.
 */
void ouro_transport_write_take(struct ouro_transport *transport,
                               struct ouro_buf *buf);

/**
 * Queue `count` bytes of the regular file `file` from `offset` on, or
 * OURO_UNLIMITED: all there are.  It leaves by sendfile(2), without a copy.
 *
 * Takes the descriptor, always, and closes it when the bytes have left or are
 * dropped.  What is written meanwhile follows in order.  The bytes count for
 * the marks, but not for the hard limit, since they need no memory.  The
 * thread waits for the disk where the kernel has not read the file before.
 *
 * Returns how many bytes were queued, fewer than `count` if the file has no
 * more.  One that is cut while it is sent aborts the connection:
 * connection_lost(-OURO_EINCOMPLETE).
 *   -EINVAL      `file` is no regular file, or `offset` is negative
 *   -EBADF, …    of fstat(2)
 *   -EOPNOTSUPP  the transport has no way to do so
 */
int64_t ouro_transport_write_file(struct ouro_transport *transport, int file,
                                  off_t offset, size_t count);

/** No more from us: the peer sees the end after what is queued. */
void ouro_transport_write_eof(struct ouro_transport *transport);

/**
 * Send what is queued, then close: connection_lost(0) follows.
 *
 * Nothing is received any more.  A peer that does not read cannot hold it up:
 * after the close timeout it is aborted, connection_lost(-ETIMEDOUT).
 */
void ouro_transport_close(struct ouro_transport *transport);

/** Close now, drop what is queued: connection_lost(-ECONNABORTED) follows. */
void ouro_transport_abort(struct ouro_transport *transport);

/** The same with a reason of yours: connection_lost(`reason`), negative. */
void ouro_transport_fail(struct ouro_transport *transport, int reason);

/** Whether one of the three was asked for, or the connection is lost. */
bool ouro_transport_is_closing(const struct ouro_transport *transport);

/**
 * No data_received, no eof_received until resumed.  Twice is once.  What the
 * kernel had handed over already is kept, and delivered first on resume.
 */
void ouro_transport_pause_reading(struct ouro_transport *transport);
void ouro_transport_resume_reading(struct ouro_transport *transport);

/** Whether it is not paused, not at the end, not closing. */
bool ouro_transport_is_reading(const struct ouro_transport *transport);

/**
 * When pause_writing and resume_writing come, in queued bytes.
 *
 * Above `high_size` the one, down to `low_size` the other.  0: 64 KiB, and a
 * quarter of high.  A low above high is taken as high.
 */
void ouro_transport_set_write_buffer_limits(struct ouro_transport *transport,
                                            size_t high_size, size_t low_size);

/** Past so many queued bytes the connection is aborted.  0: 64 MiB. */
void ouro_transport_set_write_buffer_max(struct ouro_transport *transport,
                                         size_t max_size);

/** How long close may take.  0: 30 s; OURO_FOREVER: as long as it takes. */
void ouro_transport_set_close_timeout(struct ouro_transport *transport,
                                      int64_t timeout_ns);

/** Bytes that are queued and not yet the kernel's, those of files included. */
size_t ouro_transport_write_buffer_size(const struct ouro_transport *transport);

/**
 * Whether more is queued than the high mark, and has not drained since.
 *
 * pause_writing comes in the next turn, and not if it has drained by then; so
 * who stops here without having been told asks again in a turn.
 */
bool ouro_transport_is_writing_paused(const struct ouro_transport *transport);

/** Bytes that were written to it since it was closed or lost. */
uint64_t ouro_transport_bytes_dropped(const struct ouro_transport *transport);

/**
 * Go on with a new protocol object, made of `ops` and zeroed.
 *
 * It hears of everything from the next call on, without connection_made; the
 * old one gets no connection_lost, and is freed once nobody holds it.  The
 * new object is the connection's; fill its fields before you return to the
 * loop.
 *   -ENOMEM    nothing has changed
 *   -ENOTCONN  the connection is lost
 */
OURO_MUST_USE int
ouro_transport_set_protocol(struct ouro_transport *transport,
                            const struct ouro_protocol_ops *ops,
                            struct ouro_protocol **out_protocol);

/**
 * Keep bytes beyond the data_received that lent them.
 *
 * Returns a reference to a block that holds them, and is the caller's.  NULL:
 * no memory.
 */
OURO_MUST_USE struct ouro_buf *
ouro_transport_retain(struct ouro_transport *transport, struct ouro_slice data);

/**
 * The two ends.  `size` is 0 where there is none, or it is not known: the
 * kernel forgets the peer of a connection that was reset, and in
 * connection_lost there is none.  Who needs it then asks in connection_made,
 * and keeps it.
 */
struct ouro_address
ouro_transport_peer_address(const struct ouro_transport *transport);
struct ouro_address
ouro_transport_local_address(const struct ouro_transport *transport);

/**
 * Its descriptor, for options; -1 where there is none, or after it is closed.
 * Not to be read, written or closed.
 */
int ouro_transport_descriptor(const struct ouro_transport *transport);

/** The loop it belongs to. */
struct ouro_loop *ouro_transport_loop(const struct ouro_transport *transport);

OURO_END_DECLS

#endif
