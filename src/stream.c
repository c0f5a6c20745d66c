/* SPDX-License-Identifier: MIT */
/* The life of a stream: a protocol whose calls wake tasks.
 *
 * The happy path:
 *
 * - A server or a connect makes it, takes a reference, and hands that out.
 * - Tasks read (stream_read.c) and write (stream_write.c); what the transport
 *   tells wakes them.
 * - It is closed: reads and writes that wait end at once, what is queued is
 *   sent, and connection_lost wakes who waits for that.
 * - ouro_stream_free() gives the reference back.  The object lives until the
 *   connection is lost, and holds no bytes meanwhile.
 *
 * What may happen instead:
 *
 * - The peer sends its end: reads end after what is unread, writes go on.
 * - The connection is lost: the same, and writes end too.  The reason comes
 *   after the bytes that came before it, and each time it is asked for.
 *
 * Invariant: a task in a call of the stream is counted in `suspended`, and the
 * stream is not freed under it.
 */
#include "stream_inside.h"
#include "task.h"

#include <stdio.h>

static struct ouro_stream *
stream_of(struct ouro_protocol *protocol)
{
    return OURO_CONTAINER_OF(protocol, struct ouro_stream, base);
}

int
ouro__stream_checkpoint(struct ouro_stream *stream)
{
    stream->suspended++;
    int rc = ouro__checkpoint();
    stream->suspended--;
    return rc;
}

/* What is waited for. */

static void
tell_peer(const void *thing, char *text, size_t size)
{
    struct ouro_address peer = ouro_stream_peer_address(thing);
    char address[OURO_ADDRESS_TEXT];

    snprintf(text, size, " %s", ouro_address_format(&peer, address));
}

static const struct ouro__wait_kind wait_input = {
    .text = "bytes from",
    .tell = tell_peer,
};

static const struct ouro__wait_kind wait_room = {
    .text = "room for bytes to",
    .tell = tell_peer,
};

static const struct ouro__wait_kind wait_closed = {
    .text = "the end of the connection to",
    .tell = tell_peer,
};

static const struct ouro__wait_kind *
kind_of_wait(const struct ouro_stream *stream, const struct ouro_future *future)
{
    if (future == &stream->input)
        return &wait_input;
    return future == &stream->room ? &wait_room : &wait_closed;
}

int
ouro__stream_await(struct ouro_stream *stream, struct ouro_future *future)
{
    /* It may have come with what woke the task, which was not enough. */
    if (ouro__task_is_cancelled(ouro__task_here()))
        return -ECANCELED;

    stream->suspended++;
    int rc =
        ouro__await_plainly_for(future, kind_of_wait(stream, future), stream);
    stream->suspended--;
    return rc;
}

/* What the transport tells. */

static int
stream_connection_made(struct ouro_protocol *self, void *context)
{
    struct ouro_stream *stream = stream_of(self);
    const struct ouro__stream_setup *setup = context;
    struct ouro_loop *loop = ouro_transport_loop(self->transport);
    struct ouro__pool *pool = ouro__pool_of(loop);

    ouro__inbox_init(&stream->inbox, pool);
    stream->end = -EINPROGRESS;
    ouro_future_init(&stream->room, loop);
    ouro_future_init(&stream->closed, loop);
    ouro_stream_set_limit(stream, setup != NULL ? setup->limit : 0);
    return pool != NULL ? 0 : -ENOMEM;
}

static void
stream_data_received(struct ouro_protocol *self, struct ouro_slice data)
{
    ouro__stream_received(stream_of(self), data);
}

static bool
stream_eof_received(struct ouro_protocol *self)
{
    ouro__stream_end_input(stream_of(self), 0);
    return true;
}

static void
stream_pause_writing(struct ouro_protocol *self)
{
    stream_of(self)->output_paused = true;
}

static void
stream_resume_writing(struct ouro_protocol *self)
{
    stream_of(self)->output_paused = false;
    ouro__stream_wake_writers(stream_of(self));
}

static void
stream_connection_lost(struct ouro_protocol *self, int reason)
{
    struct ouro_stream *stream = stream_of(self);

    ouro__stream_end_input(stream, reason);
    ouro__stream_wake_writers(stream);
    if (reason < 0)
        ouro_future_set_error(&stream->closed, reason);
    else
        ouro_future_set_result(&stream->closed, NULL);
}

/* What the user asks for. */

void
ouro_stream_free(struct ouro_stream *stream)
{
    if (stream == NULL)
        return;
    OURO_CHECK(stream->suspended == 0,
               "a stream is freed when no task waits in a call of it");

    ouro_stream_close(stream);
    ouro__inbox_clear(&stream->inbox);
    ouro_protocol_unref(&stream->base);
}

void
ouro_stream_close(struct ouro_stream *stream)
{
    ouro_transport_close(stream->base.transport);
    ouro__stream_end_input(stream, 0);
    ouro__stream_wake_writers(stream);
}

void
ouro_stream_abort(struct ouro_stream *stream)
{
    ouro_transport_abort(stream->base.transport);
    ouro__stream_end_input(stream, -ECONNABORTED);
    ouro__stream_wake_writers(stream);
}

int
ouro_stream_wait_closed(struct ouro_stream *stream)
{
    int rc = ouro__stream_checkpoint(stream);

    return rc < 0 ? rc : ouro__stream_await(stream, &stream->closed);
}

struct ouro_transport *
ouro_stream_transport(struct ouro_stream *stream)
{
    return stream->base.transport;
}

struct ouro_address
ouro_stream_peer_address(const struct ouro_stream *stream)
{
    return ouro_transport_peer_address(stream->base.transport);
}

struct ouro_address
ouro_stream_local_address(const struct ouro_stream *stream)
{
    return ouro_transport_local_address(stream->base.transport);
}

struct ouro_stream *
ouro__stream_of(struct ouro_protocol *protocol)
{
    OURO_CHECK(protocol->ops == &ouro__stream_ops,
               "a stream is made of the operations of streams");

    return stream_of(protocol);
}

const struct ouro_protocol_ops ouro__stream_ops = {
    .size = sizeof(struct ouro_stream),
    .connection_made = stream_connection_made,
    .data_received = stream_data_received,
    .eof_received = stream_eof_received,
    .pause_writing = stream_pause_writing,
    .resume_writing = stream_resume_writing,
    .connection_lost = stream_connection_lost,
};
