/* SPDX-License-Identifier: MIT */
/* What the three files of a stream share: its life, its reads, its writes. */
#ifndef OURO_STREAM_INSIDE_H
#define OURO_STREAM_INSIDE_H

#include "inbox.h"
#include "loop.h"
#include "stream.h"

#include <ouro/future.h>
#include <ouro/transport.h>

#include <errno.h>

struct ouro_stream {
    struct ouro_protocol base;
    struct ouro__inbox inbox;
    size_t limit; /* bytes of a line; twice that may be unread */
    int end;   /* what reads return after the last byte; -EINPROGRESS: none */
    int fault; /* see ouro__stream_fault() */
    bool input_paused;

    /* The task in a read. */
    bool reading;
    struct ouro_future input;
    size_t missing;        /* bytes that have to come until it is woken */
    struct ouro_span into; /* where they go first, past the inbox */
    uint64_t bytes_read;

    /* The task in a write, and those in a drain. */
    bool writing;
    bool output_paused; /* we were told, and resume_writing will come */
    struct ouro_future room;
    unsigned drains;
    size_t high_size; /* the mark that drains have lowered */
    uint64_t bytes_written;

    struct ouro_future closed;
    unsigned suspended; /* tasks in a call of this stream */
};

/* Every call that suspends begins here: 0, or -ECANCELED. */
OURO_MUST_USE int ouro__stream_checkpoint(struct ouro_stream *stream);

/* Suspend until `future`, one of the stream's, is done.  Returns 0, its error,
 * or -ECANCELED. */
OURO_MUST_USE int ouro__stream_await(struct ouro_stream *stream,
                                     struct ouro_future *future);

/* From the transport: bytes came. */
void ouro__stream_received(struct ouro_stream *stream, struct ouro_slice data);

/* No more input: after what is unread, reads return `end`.  The first counts.
 */
void ouro__stream_end_input(struct ouro_stream *stream, int end);

/* There is room again, or never will be: who waits for it has to look. */
void ouro__stream_wake_writers(struct ouro_stream *stream);

#endif
