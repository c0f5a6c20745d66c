/* SPDX-License-Identifier: MIT */
/* A stream on a transport that does what a test says. */
#ifndef OURO_FAKE_TRANSPORT_H
#define OURO_FAKE_TRANSPORT_H

#include "ouro_test.h"

#include "stream.h"

#include <ouro/transport_impl.h>

#include <string.h>

/* It keeps what is written until fake_send(), and ends only when told so or
 * aborted, or closed with nothing queued. */
struct fake {
    struct ouro_transport base;
    uint8_t sent[512 * 1024];
    size_t written; /* bytes in it */
    bool closing;
    unsigned pauses; /* of reading */
    unsigned resumes;
};

static inline struct fake *
fake_of(struct ouro_transport *transport)
{
    return OURO_CONTAINER_OF(transport, struct fake, base);
}

static inline void
fake_start(struct ouro_transport *transport)
{
    (void)transport;
}

static inline void
fake_writev(struct ouro_transport *transport, const struct ouro_slice *slices,
            size_t count)
{
    struct fake *fake = fake_of(transport);
    size_t before = fake->written;

    for (size_t i = 0; i < count; i++) {
        memcpy(fake->sent + fake->written, slices[i].data, slices[i].size);
        fake->written += slices[i].size;
    }
    ouro_transport_set_queued(transport,
                              transport->queued + fake->written - before, 0);
}

static inline void
fake_end(struct ouro_transport *transport)
{
    ouro_transport_ended(transport);
}

/* `size` bytes of what is queued have left. */
static inline void
fake_send(struct fake *fake, size_t size)
{
    ouro_transport_set_queued(&fake->base, fake->base.queued - size, 0);
    if (fake->closing && fake->base.queued == 0)
        ouro_transport_ended(&fake->base);
}

static inline void
fake_write_take(struct ouro_transport *transport, struct ouro_buf *buf)
{
    (void)transport;
    ouro_buf_unref(buf);
}

static inline void
fake_pause(struct ouro_transport *transport)
{
    fake_of(transport)->pauses++;
}

static inline void
fake_resume(struct ouro_transport *transport)
{
    fake_of(transport)->resumes++;
}

static inline void
fake_close(struct ouro_transport *transport)
{
    fake_of(transport)->closing = true;
    if (transport->queued == 0)
        ouro_transport_ended(transport);
}

/* Make one in `loop`, with a stream on it, whose reference is the caller's. */
static inline struct ouro_stream *
fake_new(struct ouro_loop *loop, size_t limit)
{
    static const struct ouro_transport_ops fake_ops = {
        .size = sizeof(struct fake),
        .name = "fake",
        .start = fake_start,
        .writev = fake_writev,
        .write_take = fake_write_take,
        .write_eof = fake_start,
        .pause_reading = fake_pause,
        .resume_reading = fake_resume,
        .close = fake_close,
        .abort = fake_end,
    };
    struct ouro__stream_setup how = {.limit = limit};
    struct ouro_transport *transport;

    assert_ok(ouro_transport_new(&transport, loop, &fake_ops, &ouro__stream_ops,
                                 OURO_HERE));
    struct ouro_protocol *protocol = ouro_protocol_ref(transport->protocol);
    ouro_transport_begin(transport, &how);
    return ouro__stream_of(protocol);
}

#endif
