/* SPDX-License-Identifier: MIT */
/* How a stream is read: the inbox between a transport and a task.
 *
 * The happy path:
 *
 * - Bytes come and are copied into the inbox, or into the reader's own memory
 *   if it waits with some.
 * - A read finds what it wants in the inbox, and need not wait.  Or it parks,
 *   with an empty inbox that holds no memory, and is woken once so many bytes
 *   have come as it needs.
 *
 * What may happen instead:
 *
 * - Nobody reads: at more than twice the limit the transport is paused, at the
 *   limit it is resumed.  A reader that has to wait resumes it in any case, for
 *   it may need more than that.
 * - The input ends, by the peer, by close or by an error: reads first find what
 *   is unread, then the end, every time.
 * - The reader is cancelled: what came stays in the inbox.  If bytes are in its
 *   own memory already, it gets them; its next wait fails.
 *
 * The rule of read_until, as asyncio has it: what stands before the separator
 * may have `limit` bytes, and the separator comes on top.  It is broken by a
 * separator that begins later, and by so many bytes that none can begin at
 * `limit` or earlier.  Nothing is consumed then.
 */
#include "stream_inside.h"

#include <string.h>

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Input. */

static bool
has_ended(const struct ouro_stream *stream)
{
    return stream->end != -EINPROGRESS;
}

static void
pause_input(struct ouro_stream *stream)
{
    size_t size = stream->inbox.size;

    if (stream->input_paused || size <= stream->limit
        || size - stream->limit <= stream->limit)
        return;
    stream->input_paused = true;
    ouro_transport_pause_reading(stream->base.transport);
}

static void
resume_input(struct ouro_stream *stream)
{
    if (!stream->input_paused)
        return;
    stream->input_paused = false;
    ouro_transport_resume_reading(stream->base.transport);
}

static void
resume_input_at_limit(struct ouro_stream *stream)
{
    if (stream->inbox.size <= stream->limit)
        resume_input(stream);
}

/* To the reader's own memory; returns what is left. */
static struct ouro_slice
hand_over(struct ouro_stream *stream, struct ouro_slice data)
{
    struct ouro_span *into = &stream->into;
    size_t size = smaller(into->size, data.size);

    if (size == 0)
        return data;
    memcpy(into->data, data.data, size);
    *into = (struct ouro_span){into->data + size, into->size - size};
    return ouro_slice_of(data.data + size, data.size - size);
}

void
ouro__stream_received(struct ouro_stream *stream, struct ouro_slice data)
{
    size_t size = data.size;
    int rc = ouro__inbox_append(&stream->inbox, hand_over(stream, data));

    if (rc < 0) {
        ouro_transport_fail(stream->base.transport, rc);
        return;
    }
    pause_input(stream);
    if (!stream->reading)
        return;
    stream->missing -= smaller(stream->missing, size);
    if (stream->missing == 0)
        ouro_future_set_result(&stream->input, NULL);
}

void
ouro__stream_end_input(struct ouro_stream *stream, int end)
{
    if (!has_ended(stream))
        stream->end = end;
    if (stream->reading)
        ouro_future_set_result(&stream->input, NULL);
}

/* Waiting. */

/* Every read begins here: the slices of the last one are dead. */
static int
begin_read(struct ouro_stream *stream)
{
    int rc = ouro__stream_checkpoint(stream);

    if (rc < 0)
        return rc;
    if (stream->reading)
        return -EBUSY;
    ouro__inbox_settle(&stream->inbox);
    return 0;
}

/* Suspend until `missing` bytes came, or the end.  Returns 0 or -ECANCELED. */
static int
await_input(struct ouro_stream *stream, size_t missing)
{
    resume_input(stream);
    ouro_future_init(&stream->input,
                     ouro_transport_loop(stream->base.transport));
    stream->missing = missing;
    stream->reading = true;
    int rc = ouro__stream_await(stream, &stream->input);
    stream->reading = false;
    return rc;
}

/* Suspend until `size` bytes are unread, or nothing comes any more. */
static int
await_unread(struct ouro_stream *stream, size_t size)
{
    int rc = 0;

    while (rc == 0 && stream->inbox.size < size && !has_ended(stream))
        rc = await_input(stream, size - stream->inbox.size);
    return rc;
}

/* Read up to `size` bytes, and wait until at least `least` are there.  Returns
 * 0 or -ECANCELED; `*out_done` tells in any case how many were read. */
static int
read_into(struct ouro_stream *stream, void *into, size_t size, size_t least,
          size_t *out_done)
{
    uint8_t *bytes = into;
    size_t done = ouro__inbox_read(&stream->inbox, bytes, size);
    int rc = 0;

    if (done < least && !has_ended(stream)) {
        stream->into = (struct ouro_span){bytes + done, size - done};
        rc = await_input(stream, least - done);
        done = size - stream->into.size;
        stream->into = (struct ouro_span){NULL, 0};
    }
    stream->bytes_read += done;
    resume_input_at_limit(stream);
    *out_done = done;
    return rc;
}

/* Reading. */

ssize_t
ouro_stream_read(struct ouro_stream *stream, void *into, size_t size)
{
    size_t done;
    int rc = begin_read(stream);

    if (rc < 0 || size == 0)
        return rc;
    rc = read_into(stream, into, size, 1, &done);
    if (done > 0)
        return (ssize_t)done;
    return rc < 0 ? rc : stream->end;
}

static int
blame_peer(struct ouro_stream *stream, int error)
{
    stream->fault = error;
    return error;
}

/* In the middle of what was asked for. */
static ssize_t
incomplete(struct ouro_stream *stream)
{
    return stream->end == 0 ? blame_peer(stream, -OURO_EINCOMPLETE)
                            : stream->end;
}

ssize_t
ouro_stream_read_exactly(struct ouro_stream *stream, void *into, size_t size)
{
    size_t done;
    int rc = begin_read(stream);

    /* Within the limit all has to be there before any of it is consumed. */
    if (rc == 0 && size <= stream->limit)
        rc = await_unread(stream, size);
    if (rc < 0)
        return rc;
    if (size <= stream->limit && stream->inbox.size < size)
        return incomplete(stream);

    rc = read_into(stream, into, size, size, &done);
    if (done == size)
        return (ssize_t)size;
    return rc < 0 ? rc : incomplete(stream);
}

/* After the last byte.  Returns 0 or the error. */
static ssize_t
show_end(const struct ouro_stream *stream, struct ouro_slice *out_bytes)
{
    if (stream->end == 0)
        *out_bytes = ouro_slice_of(NULL, 0);
    return stream->end;
}

ssize_t
ouro_stream_peek(struct ouro_stream *stream, struct ouro_slice *out_bytes)
{
    int rc = begin_read(stream);

    if (rc == 0)
        rc = await_unread(stream, 1);
    if (rc < 0)
        return rc;
    if (stream->inbox.size == 0)
        return show_end(stream, out_bytes);
    *out_bytes = ouro__inbox_peek(&stream->inbox);
    return (ssize_t)out_bytes->size;
}

void
ouro_stream_consume(struct ouro_stream *stream, size_t size)
{
    ouro__inbox_consume(&stream->inbox, size);
    stream->bytes_read += size;
    resume_input_at_limit(stream);
}

/* Separators. */

/* The size of the longest; 0: one is empty, or there is none. */
static size_t
longest_of(const struct ouro_slice *separators, size_t count)
{
    size_t longest = 0;

    for (size_t i = 0; i < count; i++) {
        if (separators[i].size == 0)
            return 0;
        if (separators[i].size > longest)
            longest = separators[i].size;
    }
    return longest;
}

/* Get more than `size` bytes in one piece.  Returns 0 if that could be.
 *   -OURO_EINCOMPLETE  nothing comes any more */
static int
get_more(struct ouro_stream *stream, size_t size)
{
    if (stream->inbox.size > size)
        return ouro__inbox_gather(&stream->inbox);
    return has_ended(stream) ? -OURO_EINCOMPLETE
                             : await_unread(stream, size + 1);
}

/* How many bytes go up to and including a separator.  What was searched is not
 * searched again, except where the longest may have begun. */
static int
find_end(struct ouro_stream *stream, const struct ouro_slice *separators,
         size_t count, size_t *out_size)
{
    size_t longest = longest_of(separators, count);
    size_t from = 0;
    int rc = longest > 0 ? 0 : -EINVAL;

    while (rc == 0) {
        struct ouro_slice bytes = ouro__inbox_first(&stream->inbox);
        struct ouro__match match;

        if (ouro__find_separator(bytes, from, separators, count, &match)) {
            *out_size = match.end;
            if (match.begin <= stream->limit)
                return 0;
            return blame_peer(stream, -OURO_ELIMIT);
        }
        from = bytes.size < longest ? 0 : bytes.size + 1 - longest;
        if (from > stream->limit)
            return blame_peer(stream, -OURO_ELIMIT);
        rc = get_more(stream, bytes.size);
    }
    return rc;
}

static ssize_t
take(struct ouro_stream *stream, size_t size, struct ouro_slice *out_bytes)
{
    *out_bytes = ouro__inbox_take(&stream->inbox, size);
    stream->bytes_read += size;
    resume_input_at_limit(stream);
    return (ssize_t)size;
}

ssize_t
ouro_stream_read_until(struct ouro_stream *stream, struct ouro_slice separator,
                       struct ouro_slice *out_bytes)
{
    return ouro_stream_read_until_any(stream, &separator, 1, out_bytes);
}

ssize_t
ouro_stream_read_until_any(struct ouro_stream *stream,
                           const struct ouro_slice *separators, size_t count,
                           struct ouro_slice *out_bytes)
{
    size_t size;
    int rc = begin_read(stream);

    if (rc == 0)
        rc = find_end(stream, separators, count, &size);
    if (rc == 0)
        return take(stream, size, out_bytes);
    if (rc != -OURO_EINCOMPLETE)
        return rc;
    return stream->inbox.size > 0 ? incomplete(stream)
                                  : show_end(stream, out_bytes);
}

ssize_t
ouro_stream_read_line(struct ouro_stream *stream, struct ouro_slice *out_line)
{
    struct ouro_slice newline = OURO_BYTES("\n");
    ssize_t size = ouro_stream_read_until(stream, newline, out_line);

    if (size == -OURO_EINCOMPLETE && stream->end == 0)
        return take(stream, stream->inbox.size, out_line);
    return size;
}

bool
ouro_stream_at_eof(const struct ouro_stream *stream)
{
    return stream->inbox.size == 0 && has_ended(stream);
}

int
ouro__stream_fault(const struct ouro_stream *stream)
{
    return stream->fault;
}

uint64_t
ouro_stream_bytes_read(const struct ouro_stream *stream)
{
    return stream->bytes_read;
}

void
ouro_stream_set_limit(struct ouro_stream *stream, size_t limit)
{
    stream->limit = limit != 0 ? limit : OURO_KIB(64);
    resume_input_at_limit(stream);
}
