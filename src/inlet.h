/* SPDX-License-Identifier: MIT */
/* How bytes come in from a descriptor, in one of two ways.
 *
 * By ring: one multishot receive into the loop's shared buffers, which are lent
 * to `received` and go back when it returns.  By poll: one multishot poll, and
 * recv(2) into the loop's one hot buffer, or into the protocol's own.  An idle
 * connection holds no memory either way.  The ring saves a system call for
 * each message; the hot buffer stays in the cache, which decides for bulk: so
 * the automatic choice begins with the ring, and goes over to the poll when
 * much has come at once a few times in a row.
 *
 * What may happen instead:
 *
 * - It is paused: by poll, nothing is read.  By ring, nothing is asked of the
 *   kernel at first, for a short pause should cost nothing; what comes is
 *   copied aside, and only then the receive is cancelled.  Resuming delivers
 *   what was kept, in order, before anything else, then the end.
 * - No buffer is free: the bytes are still in the socket, and are read with
 *   recv(2) into the hot buffer; so nobody waits for those who hold buffers.
 * - There is no memory to copy aside: it ends, for the rest would have a hole.
 * - A receive ends though more may come (the completion queue was full, it was
 *   the last buffer): it is started again.
 * - The peer floods: after so many bytes in a turn others come first.
 */
#ifndef OURO_INLET_H
#define OURO_INLET_H

#include "pool.h"

struct ouro__inlet;

struct ouro__inlet_ops {
    /* Bytes came; returns how many were taken, the others are kept. */
    size_t (*received)(struct ouro__inlet *inlet, struct ouro_slice data);

    /* Room of the user's own, when there is any; an empty span: not now, or it
     * failed.  Returns false to receive into the hot buffer. */
    bool (*get_buffer)(struct ouro__inlet *inlet, struct ouro_span *out_room);
    void (*buffer_updated)(struct ouro__inlet *inlet, size_t size);

    /* Nothing will come any more: 0, the peer ended; or an error.  Once. */
    void (*ended)(struct ouro__inlet *inlet, int error);

    /* After ouro__inlet_stop(): nothing is in flight any more. */
    void (*stopped)(struct ouro__inlet *inlet);
};

struct ouro__inlet {
    const struct ouro__inlet_ops *ops;
    struct ouro__pool *pool;
    struct ouro__op op;       /* the receive, or the poll */
    struct ouro_handle again; /* to go on in the next turn */
    struct ouro__list parked; /* blocks that came while it was paused */
    int end;                /* -EINPROGRESS, or what to tell when all is out */
    uint8_t large_in_a_row; /* buffers, by ring */
    bool by_poll;
    bool started;
    bool paused;
    bool readable; /* there may be more in the socket */
    bool hung_up;  /* the poll saw the end: read until it comes */
    bool cut;      /* bytes were lost for want of memory */
    bool told;     /* the end */
    bool stopped;
};

void ouro__inlet_init(struct ouro__inlet *inlet, struct ouro__pool *pool,
                      int fd, bool by_poll, const struct ouro__inlet_ops *ops);

/* From the loop: begin. */
void ouro__inlet_start(struct ouro__inlet *inlet);

void ouro__inlet_pause(struct ouro__inlet *inlet);
void ouro__inlet_resume(struct ouro__inlet *inlet);

/* No calls any more but `stopped`, and that only if something is in flight. */
void ouro__inlet_stop(struct ouro__inlet *inlet);

/* Whether nothing is in flight. */
bool ouro__inlet_is_idle(const struct ouro__inlet *inlet);

/* Whether the end was told. */
bool ouro__inlet_is_at_end(const struct ouro__inlet *inlet);

#endif
