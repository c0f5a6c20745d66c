/* SPDX-License-Identifier: MIT */
#ifndef OURO_PROTOCOL_H
#define OURO_PROTOCOL_H

#include <ouro/bytes.h>
#include <ouro/task.h>

OURO_BEGIN_DECLS

struct ouro_protocol;
struct ouro_transport;

/**
 * What an application does with a connection.
 *
 * The transport makes these calls, on the thread of its loop and from the loop,
 * never from inside a call of yours.  Between the first and the last, reading
 * and writing are two tracks that know nothing of each other:
 *
 *   connection_made
 *       reading:  data_received* eof_received?
 *       writing:  (pause_writing resume_writing)* pause_writing?
 *   connection_lost
 *
 * A call may be NULL where it says so.  None may suspend: to wait for
 * something, start a task.
 */
struct ouro_protocol_ops {
    /** Bytes of the struct that embeds struct ouro_protocol. */
    size_t size;

    /**
     * The connection is up.  `context` is what the server was given.
     *
     * You may assume that all of your struct after `base` is zero.
     * Return a negative error to refuse: connection_lost follows, with that
     * error, and a server's is reported to the exception handler.  NULL: 0.
     */
    int (*connection_made)(struct ouro_protocol *self, void *context);

    /**
     * Bytes came, at least one.  They are borrowed: until you return.
     * NULL only where there is get_buffer.
     */
    void (*data_received)(struct ouro_protocol *self, struct ouro_slice data);

    /**
     * Instead of data_received: where the next bytes should go.
     *
     * Asked when there are bytes, about `hint` of them.  The room is the
     * transport's until buffer_updated, or until connection_lost.  An empty
     * one ends the connection: connection_lost(-ENOBUFS).
     */
    struct ouro_span (*get_buffer)(struct ouro_protocol *self, size_t hint);

    /** `size` bytes are in the room that get_buffer gave.  At least one. */
    void (*buffer_updated)(struct ouro_protocol *self, size_t size);

    /**
     * The peer sent its last byte.  True keeps our side open; after false the
     * transport closes: it sends what is queued, and connection_lost(0) comes.
     * NULL: false.
     */
    bool (*eof_received)(struct ouro_protocol *self);

    /**
     * More is queued than the high mark: stop writing.  May be NULL.
     *
     * What has drained again before this could be told is not told at all:
     * who waits for resume_writing waits only after pause_writing.
     */
    void (*pause_writing)(struct ouro_protocol *self);

    /** It has drained to the low mark: go on.  May be NULL. */
    void (*resume_writing)(struct ouro_protocol *self);

    /**
     * The last call, made once.  `reason` is 0 or a negative error.
     *
     * Release what the struct holds.  The struct itself is freed by the
     * transport, once every ouro_protocol_ref() is given back.  NULL: nothing.
     */
    void (*connection_lost)(struct ouro_protocol *self, int reason);
};

/** The head of every protocol.  Embed it; leave the fields to the transport. */
struct ouro_protocol {
    const struct ouro_protocol_ops *ops;
    struct ouro_transport *transport; /* there as long as the protocol is */
    unsigned refs;
};

/** Keep the memory of `protocol` and of its transport.  Returns `protocol`. */
struct ouro_protocol *ouro_protocol_ref(struct ouro_protocol *protocol);

/** Drop a reference.  NULL is nothing.  Returns NULL. */
struct ouro_protocol *ouro_protocol_unref(struct ouro_protocol *protocol);

/** What a protocol does that needs to wait; what it returns is its result. */
typedef int ouro_protocol_task_fn(struct ouro_protocol *self, void *arg);

/**
 * Start `fn(protocol, arg)` in a task that holds `protocol`.
 *
 * The task is cancelled when the connection is lost, and the reference dropped
 * when it ends.  A failure other than -ECANCELED is reported.
 *   -ENOMEM    no stack; nothing runs
 *   -ENOTCONN  the connection is lost already; nothing runs
 */
#define ouro_protocol_create_task(protocol, fn, arg) \
    ouro__protocol_create_task(protocol, fn, arg, #fn, OURO_HERE)

OURO_MUST_USE int ouro__protocol_create_task(struct ouro_protocol *protocol,
                                             ouro_protocol_task_fn *fn,
                                             void *arg, const char *name,
                                             const char *site);

OURO_END_DECLS

#endif
