/* SPDX-License-Identifier: MIT */
/* How a stream is written: in pieces, and not past the high mark.
 *
 * The happy path:
 *
 * - Writing is not paused: a piece goes to the transport, which sends or copies
 *   it.  A small write is one piece, and does not wait.
 * - A piece takes the queue above the high mark: the next waits, in the
 *   caller's memory, until the transport says that the queue is down to the low
 *   one.  So at most the high mark and a piece are queued.
 *
 * What may happen instead:
 *
 * - The connection is closed or lost, or sending has failed: the writer is
 *   woken, or does not even wait, and gets the reason.  The transport is not
 *   written to any more, since it would report that.
 * - The writer is cancelled: what it gave stands, the rest never leaves.
 * - The queue drains before the transport has told that it is paused.  Then it
 *   tells neither that nor the end of it, so a task does not wait to be told:
 *   it looks again after a turn.
 *
 * A transport tells only of a queue that was above the high mark.  So while
 * somebody drains, the high mark is where the low one is.
 */
#include "stream_inside.h"

#include <ouro/transport_impl.h>

#include <errno.h>
#include <fcntl.h>

enum {
    PIECE_SIZE = 64 * 1024, /* bytes at once */
    PIECE_SLICES = 16
};

/* What is left to be written. */
struct rest {
    const struct ouro_slice *slices;
    size_t count;
    size_t gone; /* bytes of the first slice */
};

/* Why nothing can be sent any more; 0: it can. */
static int
output_error(const struct ouro_stream *stream)
{
    const struct ouro_transport *transport = stream->base.transport;

    if (!transport->broken && !ouro_transport_is_closing(transport))
        return 0;
    return transport->reason < 0 ? transport->reason : -EPIPE;
}

void
ouro__stream_wake_writers(struct ouro_stream *stream)
{
    if (!ouro__list_is_empty(&stream->room.waiters))
        ouro_future_set_result(&stream->room, NULL);
    ouro_future_init(&stream->room,
                     ouro_transport_loop(stream->base.transport));
}

static int
one_turn(struct ouro_stream *stream)
{
    stream->suspended++;
    int rc = ouro_sleep(0);
    stream->suspended--;
    return rc;
}

/* Suspend while writing is paused.  Whoever was told that there is room again
 * has waited long enough, also if others have filled it since. */
static int
await_room(struct ouro_stream *stream)
{
    int rc = output_error(stream);

    while (rc == 0
           && ouro_transport_is_writing_paused(stream->base.transport)) {
        bool told = stream->output_paused;

        rc =
            told ? ouro__stream_await(stream, &stream->room) : one_turn(stream);
        if (rc == 0)
            rc = output_error(stream);
        if (told)
            break;
    }
    return rc;
}

/* Pieces. */

static bool
is_done(struct rest *rest)
{
    while (rest->count > 0 && rest->gone == rest->slices->size) {
        rest->slices++;
        rest->count--;
        rest->gone = 0;
    }
    return rest->count == 0;
}

/* Cut a piece off.  Returns how many slices it has. */
static size_t
cut(struct rest *rest, struct ouro_slice *piece, size_t *out_size)
{
    size_t size = 0;
    size_t count = 0;

    while (count < PIECE_SLICES && size < PIECE_SIZE && !is_done(rest)) {
        size_t there = rest->slices->size - rest->gone;
        size_t part = there < PIECE_SIZE - size ? there : PIECE_SIZE - size;

        piece[count++] = ouro_slice_of(rest->slices->data + rest->gone, part);
        rest->gone += part;
        size += part;
    }
    *out_size = size;
    return count;
}

static int
write_piece(struct ouro_stream *stream, struct rest *rest)
{
    struct ouro_transport *transport = stream->base.transport;
    struct ouro_slice piece[PIECE_SLICES];
    size_t size;
    int rc = await_room(stream);

    if (rc < 0)
        return rc;
    if (transport->eof_written)
        return -EPIPE;

    size_t count = cut(rest, piece, &size);
    ouro_transport_writev(transport, piece, count);
    rc = output_error(stream);
    if (rc == 0)
        stream->bytes_written += size;
    return rc;
}

int
ouro_stream_write(struct ouro_stream *stream, struct ouro_slice data)
{
    return ouro_stream_writev(stream, &data, 1);
}

int
ouro_stream_writev(struct ouro_stream *stream, const struct ouro_slice *slices,
                   size_t count)
{
    struct rest rest = {slices, count, 0};
    int rc = ouro__stream_checkpoint(stream);

    if (rc < 0)
        return rc;
    if (stream->writing)
        return -EBUSY;

    stream->writing = true;
    rc = write_piece(stream, &rest);
    while (rc == 0 && !is_done(&rest)) {
        rc = ouro__stream_checkpoint(stream);
        if (rc == 0)
            rc = write_piece(stream, &rest);
    }
    stream->writing = false;
    return rc;
}

/* The queue closes its descriptor when the bytes have left. */
static int64_t
queue_file(struct ouro_stream *stream, int file, off_t offset, size_t count)
{
    struct ouro_transport *transport = stream->base.transport;

    if (transport->eof_written)
        return -EPIPE;
    int copy = fcntl(file, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return -errno;

    int64_t size = ouro_transport_write_file(transport, copy, offset, count);
    int rc = output_error(stream);
    if (size < 0 || rc < 0)
        return size < 0 ? size : rc;
    stream->bytes_written += (uint64_t)size;
    return size;
}

int64_t
ouro_stream_write_file(struct ouro_stream *stream, int file, off_t offset,
                       size_t count)
{
    int64_t rc = ouro__stream_checkpoint(stream);

    if (rc < 0)
        return rc;
    if (stream->writing)
        return -EBUSY;

    stream->writing = true;
    rc = await_room(stream);
    if (rc == 0)
        rc = queue_file(stream, file, offset, count);
    stream->writing = false;
    return rc;
}

uint64_t
ouro_stream_bytes_written(const struct ouro_stream *stream)
{
    return stream->bytes_written;
}

/* Draining. */

static void
begin_drain(struct ouro_stream *stream)
{
    struct ouro_transport *transport = stream->base.transport;

    if (stream->drains++ > 0)
        return;
    stream->high_size = transport->high_size;
    transport->high_size = transport->low_size;
    ouro_transport_set_queued(transport, transport->queued,
                              transport->queued_files);
}

/* The marks go back, unless the user has set others. */
static void
end_drain(struct ouro_stream *stream)
{
    struct ouro_transport *transport = stream->base.transport;

    if (--stream->drains == 0 && transport->high_size == transport->low_size)
        transport->high_size = stream->high_size;
}

int
ouro_stream_drain(struct ouro_stream *stream)
{
    const struct ouro_transport *transport = stream->base.transport;
    int rc = ouro__stream_checkpoint(stream);

    if (rc == 0)
        rc = output_error(stream);
    if (rc < 0 || transport->queued <= transport->low_size)
        return rc;

    begin_drain(stream);
    rc = await_room(stream);
    end_drain(stream);
    return rc;
}

void
ouro_stream_write_eof(struct ouro_stream *stream)
{
    ouro_transport_write_eof(stream->base.transport);
}
