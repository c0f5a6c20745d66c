/* SPDX-License-Identifier: MIT */
/* A stream from inside: a protocol that servers and connects put to work. */
#ifndef OURO_STREAM_IMPL_H
#define OURO_STREAM_IMPL_H

#include <ouro/protocol.h>
#include <ouro/stream.h>

/* What connection_made of a stream gets as its context. */
struct ouro__stream_setup {
    size_t limit; /* bytes; 0: 64 KiB */
};

extern const struct ouro_protocol_ops ouro__stream_ops;

/* The stream that `protocol`, made of ouro__stream_ops, is. */
struct ouro_stream *ouro__stream_of(struct ouro_protocol *protocol);

/* The last error of a read that was about what the peer sent, or did not: too
 * much without a separator, or an end too soon.  0: none was. */
int ouro__stream_fault(const struct ouro_stream *stream);

#endif
