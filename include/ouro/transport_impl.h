/* SPDX-License-Identifier: MIT */
/* For who writes a transport; who uses one includes <ouro/transport.h>. */
#ifndef OURO_TRANSPORT_IMPL_H
#define OURO_TRANSPORT_IMPL_H

#include <ouro/transport.h>

OURO_BEGIN_DECLS

/**
 * What a transport does; the base does the rest.
 *
 * The base makes these calls from inside calls of the user and from the loop.
 * None may call the protocol before it returns: what is to be told is told from
 * the loop, with the functions below.  None can fail.
 */
struct ouro_transport_ops {
    /** Bytes of the struct that embeds struct ouro_transport. */
    size_t size;

    /** In reports: "tcp". */
    const char *name;

    /** connection_made has returned: begin to receive. */
    void (*start)(struct ouro_transport *transport);

    /**
     * Queue bytes, which are borrowed until you return.
     *
     * You may assume that they are not empty, and that writing is open.
     * Tell with ouro_transport_set_queued(), or ouro_transport_fail().
     */
    void (*writev)(struct ouro_transport *transport,
                   const struct ouro_slice *slices, size_t count);

    /** Queue a block; the reference is yours. */
    void (*write_take)(struct ouro_transport *transport, struct ouro_buf *buf);

    /**
     * Queue `size` bytes of a regular file from `offset` on; the descriptor is
     * yours, and `size` is not 0.  NULL: -EOPNOTSUPP.
     */
    void (*write_file)(struct ouro_transport *transport, int file,
                       size_t offset, size_t size);

    /** After what is queued, the end. */
    void (*write_eof)(struct ouro_transport *transport);

    /** Receive nothing, lose nothing, until resumed. */
    void (*pause_reading)(struct ouro_transport *transport);
    void (*resume_reading)(struct ouro_transport *transport);

    /**
     * Stop receiving, send what is queued, then ouro_transport_ended().
     *
     * Comes once.  abort may follow.
     */
    void (*close)(struct ouro_transport *transport);

    /**
     * Stop everything, drop what is queued, then ouro_transport_ended().
     *
     * Comes once.
     */
    void (*abort)(struct ouro_transport *transport);

    /** Give back what the struct holds; its memory goes next.  NULL: none. */
    void (*fini)(struct ouro_transport *transport);

    /** The addresses.  NULL: there are none. */
    struct ouro_address (*peer_address)(const struct ouro_transport *transport);
    struct ouro_address (*local_address)(
        const struct ouro_transport *transport);

    /** The descriptor.  NULL: there is none. */
    int (*descriptor)(const struct ouro_transport *transport);
};

/**
 * Who made a transport, and wants to hear of it: a server, a connect.
 *
 * Both calls come from the loop.  After `lost`, or once it has been taken off
 * with ouro_transport_set_owner(), it is not used any more.
 */
struct ouro_transport_owner {
    /** connection_made has returned: 0, or its refusal. */
    void (*made)(struct ouro_transport_owner *self,
                 struct ouro_transport *transport, int rc);

    /** connection_lost has returned. */
    void (*lost)(struct ouro_transport_owner *self,
                 struct ouro_transport *transport, int reason);

    /** Nobody waits for `made`: receive in the same turn. */
    bool at_once;
};

/** The head of every transport.  Embed it; all of it is the base's. */
struct ouro_transport {
    const struct ouro_transport_ops *ops;
    struct ouro_loop *loop;
    struct ouro_protocol *protocol;
    struct ouro_transport_owner *owner; /* NULL: nobody */
    struct ouro__list link;             /* of the loop's transports */
    struct ouro__list sibling;          /* of its owner's */
    struct ouro__list tasks;            /* of its protocols */
    const char *site;
    struct ouro_handle soon;     /* tells the protocol, from the loop */
    struct ouro_handle deadline; /* of close */
    int64_t close_timeout_ns;
    size_t queued;
    size_t queued_files; /* of these, those that need no memory */
    size_t high_size;
    size_t low_size;
    size_t max_size;
    uint64_t dropped_bytes;
    unsigned refs; /* the connection's, and one for each protocol object */
    int reason;
    uint8_t stage;       /* enum stage in transport.c */
    uint8_t told;        /* what the protocol has heard of */
    bool reading_paused; /* by the user */
    bool writing_paused; /* above the high mark, and not down since */
    bool eof_written;    /* by the user */
    bool broken;         /* sending failed; the end is on its way */
};

/**
 * Make a transport of `ops`, all zero after the base, and its protocol.
 *
 * The reference is the connection's: ouro_transport_ended() gives it back.
 *   -ENOMEM, -EINVAL (a table that lacks what it must have)
 */
OURO_MUST_USE int
ouro_transport_new(struct ouro_transport **out_transport,
                   struct ouro_loop *loop, const struct ouro_transport_ops *ops,
                   const struct ouro_protocol_ops *protocol_ops,
                   const char *site);

/** Throw away a transport that has not begun. */
void ouro_transport_discard(struct ouro_transport *transport);

/** Call `owner` from now on; NULL: nobody. */
void ouro_transport_set_owner(struct ouro_transport *transport,
                              struct ouro_transport_owner *owner);

/**
 * From the loop: call connection_made with `context`, then ops->start.
 *
 * Unless owner->at_once, start comes one turn after `made`, so that who waits
 * for the connection runs before its first bytes come.
 */
void ouro_transport_begin(struct ouro_transport *transport, void *context);

/**
 * From the loop: bytes came.  Returns how many were taken.
 *
 * Fewer than all only when the protocol has its own buffer, and paused or
 * closed in the middle.
 */
size_t ouro_transport_received(struct ouro_transport *transport,
                               struct ouro_slice data);

/** Whether the protocol has its own buffer: get_buffer. */
bool ouro_transport_is_buffered(const struct ouro_transport *transport);

/**
 * From the loop: where to put bytes, and that they are there.
 *
 * An empty span: not there, or not now.  The connection was ended, it is
 * paused, or another protocol has to be asked, and perhaps in another way.
 */
struct ouro_span ouro_transport_get_buffer(struct ouro_transport *transport,
                                           size_t hint);
void ouro_transport_buffer_updated(struct ouro_transport *transport,
                                   size_t size);

/** From the loop: the peer sent its last byte. */
void ouro_transport_received_eof(struct ouro_transport *transport);

/** So many bytes are queued now, in flight included, and of these `file_size`
 * in files. */
void ouro_transport_set_queued(struct ouro_transport *transport, size_t size,
                               size_t file_size);

/**
 * Sending failed, and what came before can still be read: drop what is written
 * from now on, and keep `error` as the reason.
 */
void ouro_transport_set_broken(struct ouro_transport *transport, int error);

/** Whether the user let it receive: not paused, not closing. */
bool ouro_transport_wants_data(const struct ouro_transport *transport);

/**
 * Nothing is in flight any more, and the descriptor is closed.
 *
 * connection_lost follows from the loop.  May be called from anywhere, once.
 */
void ouro_transport_ended(struct ouro_transport *transport);

OURO_END_DECLS

#endif
