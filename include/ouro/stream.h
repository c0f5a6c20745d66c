/* SPDX-License-Identifier: MIT */
#ifndef OURO_STREAM_H
#define OURO_STREAM_H

#include <ouro/address.h>
#include <ouro/bytes.h>
#include <ouro/task.h>

OURO_BEGIN_DECLS

struct ouro_transport;

/**
 * A connection that reads and writes as if it blocked.
 *
 * One task may read and one may write at a time; a second gets -EBUSY.  Bytes
 * that came before a reset are delivered before the error.  A call that fails
 * or is cancelled has lost nothing: the next read finds what it left.
 *
 * It holds at most twice its limit of unread bytes; then the peer has to wait.
 * Belongs to the thread of its loop.
 */
struct ouro_stream;

/**
 * Give the stream back, and close it if it is open.  NULL is nothing.
 * No task may be suspended in a call of it.
 */
void ouro_stream_free(struct ouro_stream *stream);

/**
 * Read what there is, at least one byte, at most `size`.
 *
 * Returns how many bytes are in `into`, 0 at the end of the stream.
 *   -ECONNRESET, …  why the connection was lost, after all that came before
 *   -ECONNABORTED   ouro_stream_abort() was called
 *   -EBUSY          another task reads
 * So do the other reads, besides their own errors.
 */
OURO_SUSPENDS ssize_t ouro_stream_read(struct ouro_stream *stream, void *into,
                                       size_t size);

/**
 * Read `size` bytes, which may be more than the limit.
 *
 * Returns `size`.
 *   -OURO_EINCOMPLETE  the stream ended before; what came stays readable,
 *                      unless more than the limit had been asked for: then
 *                      it is in `into`, ouro_stream_bytes_read() tells how much
 */
OURO_SUSPENDS ssize_t ouro_stream_read_exactly(struct ouro_stream *stream,
                                               void *into, size_t size);

/**
 * Look at what there is, at least one byte, without copying.
 *
 * `*out_bytes` is borrowed until ouro_stream_consume() or the next read.
 * Returns its size, 0 at the end of the stream.
 */
OURO_SUSPENDS ssize_t ouro_stream_peek(struct ouro_stream *stream,
                                       struct ouro_slice *out_bytes);

/** Done with the first `size` bytes of what was peeked, at most all. */
void ouro_stream_consume(struct ouro_stream *stream, size_t size);

/**
 * Read up to and including `separator`, without copying.
 *
 * `*out_bytes` is borrowed until the next read.
 * Returns its size, 0 at the end of the stream.
 *   -OURO_EINCOMPLETE  the stream ended before the separator; data is kept
 *   -OURO_ELIMIT       it did not come within the limit; data is kept
 *   -EINVAL            the separator is empty
 */
OURO_SUSPENDS ssize_t ouro_stream_read_until(struct ouro_stream *stream,
                                             struct ouro_slice separator,
                                             struct ouro_slice *out_bytes);

/**
 * The same up to the first of `count` separators to be complete.
 *
 * Where two end at the same byte, the longer one counts.
 */
OURO_SUSPENDS ssize_t ouro_stream_read_until_any(
    struct ouro_stream *stream, const struct ouro_slice *separators,
    size_t count, struct ouro_slice *out_bytes);

/**
 * Read a line, with its "\n"; the last one may lack it.
 *
 * `*out_line` is borrowed until the next read; writing does not touch it.
 * Returns its size, so that 0 can only be the end of the stream.
 *   -OURO_ELIMIT  as in ouro_stream_read_until()
 */
OURO_SUSPENDS ssize_t ouro_stream_read_line(struct ouro_stream *stream,
                                            struct ouro_slice *out_line);

/** Whether the end of the stream was read: no byte will come any more. */
bool ouro_stream_at_eof(const struct ouro_stream *stream);

/**
 * Write all of `data`.
 *
 * Copies it while there is room below the high mark; what is larger goes out in
 * pieces from the caller's memory: `data` is borrowed until the call returns.
 * Returns 0.  After a failure ouro_stream_bytes_written() tells how much of it
 * was taken; the rest never leaves.
 *   -EPIPE          the stream is closed, or its end was written
 *   -ECONNRESET, …  why the connection was lost
 *   -EBUSY          another task writes
 */
OURO_SUSPENDS int ouro_stream_write(struct ouro_stream *stream,
                                    struct ouro_slice data);
OURO_SUSPENDS int ouro_stream_writev(struct ouro_stream *stream,
                                     const struct ouro_slice *slices,
                                     size_t count);

/**
 * Write `count` bytes of the regular file `file` from `offset` on, or
 * OURO_UNLIMITED: all there are.
 *
 * Waits for room as ouro_stream_write() does, then queues all of it: `file` is
 * the caller's still, and may be closed at once.
 *
 * Returns how many bytes that is, fewer than `count` if the file has no more.
 *   -EPIPE, -EBUSY  as of ouro_stream_write()
 *   -EINVAL  `file` is no regular file, or `offset` is negative
 *   -EMFILE  no descriptor for a copy of it
 */
OURO_SUSPENDS int64_t ouro_stream_write_file(struct ouro_stream *stream,
                                             int file, off_t offset,
                                             size_t count);

/** Bytes taken by all writes, and given by all reads, so far. */
uint64_t ouro_stream_bytes_written(const struct ouro_stream *stream);
uint64_t ouro_stream_bytes_read(const struct ouro_stream *stream);

/**
 * Suspend until no more is queued than the low mark.  Many may wait.
 *
 * Returns 0, also if others have written more since.
 *   -EPIPE, -ECONNRESET, …  as of ouro_stream_write()
 */
OURO_SUSPENDS int ouro_stream_drain(struct ouro_stream *stream);

/** No more from us: the peer reads to the end.  Reading goes on. */
void ouro_stream_write_eof(struct ouro_stream *stream);

/**
 * Flush in the background, then close.  Never suspends.  Reads that wait find
 * the end, and writes get -EPIPE.
 */
void ouro_stream_close(struct ouro_stream *stream);

/** Close now, drop what is queued: calls that wait get -ECONNABORTED. */
void ouro_stream_abort(struct ouro_stream *stream);

/** Suspend until the connection is gone.  Returns 0 after a good end, or why it
 * was lost: what connection_lost of a protocol is told. */
OURO_SUSPENDS int ouro_stream_wait_closed(struct ouro_stream *stream);

/** The longest line, in bytes; 0: 64 KiB. */
void ouro_stream_set_limit(struct ouro_stream *stream, size_t limit);

/** What it stands on, for options and counters; there as long as the stream. */
struct ouro_transport *ouro_stream_transport(struct ouro_stream *stream);

/** The two ends; see ouro_transport_peer_address(). */
struct ouro_address ouro_stream_peer_address(const struct ouro_stream *stream);
struct ouro_address ouro_stream_local_address(const struct ouro_stream *stream);

OURO_END_DECLS

#endif
