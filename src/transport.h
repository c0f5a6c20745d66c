/* SPDX-License-Identifier: MIT */
/* The base of transports from inside: how far a connection has come. */
#ifndef OURO_TRANSPORT_BASE_H
#define OURO_TRANSPORT_BASE_H

#include <ouro/transport_impl.h>

enum stage {
    STAGE_NEW,
    STAGE_OPEN,
    STAGE_CLOSING, /* flushing */
    STAGE_ABORTED,
    STAGE_ENDED /* the transport is done; connection_lost has come or will */
};

/* What a protocol has been told, as bits. */
enum told {
    TOLD_MADE = 1,
    TOLD_EOF = 2,
    TOLD_PAUSE = 4,
    TOLD_LOST = 8,
    TOLD_DROPPED = 16 /* by a report */
};

enum event {
    EVENT_MADE,
    EVENT_DATA,
    EVENT_EOF,
    EVENT_PAUSE,
    EVENT_RESUME,
    EVENT_LOST
};

/* Before a call of the protocol: check the move, and hold the object, which may
 * be replaced inside the call. */
struct ouro_protocol *ouro__transport_enter(struct ouro_transport *transport,
                                            enum event event);

/* Tell the protocol in the next turn what has changed. */
void ouro__transport_tell_later(struct ouro_transport *transport);

/* The first reason for an end is the one that counts. */
void ouro__transport_keep_reason(struct ouro_transport *transport, int reason);

#endif
