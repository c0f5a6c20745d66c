/* SPDX-License-Identifier: MIT */
/* A protocol that writes down what its transport does, and does what a test
 * says.
 *
 * Every connection has two ends, and each has a `struct end` that outlives its
 * protocol object.  All bytes are of one pattern, which every end continues
 * where it left off, so that a byte that is lost, doubled or overtaken is seen.
 */
#ifndef OURO_TEST_WITNESS_H
#define OURO_TEST_WITNESS_H

#include "ouro_test.h"

/* The calls that a hook can be on. */
enum event {
    EVENT_MADE,
    EVENT_DATA,
    EVENT_EOF,
    EVENT_PAUSE,
    EVENT_RESUME,
    EVENT_LOST,
    EVENTS
};

struct end;

typedef void end_fn(struct end *end);

struct end {
    struct ouro_protocol *protocol; /* with a reference, from made on */
    struct ouro_transport *transport;
    struct end *peer;      /* for hooks */
    end_fn *hooks[EVENTS]; /* run after the call is noted */
    int made_result;       /* what connection_made returns */
    bool keeps_open;       /* what eof_received returns */

    char calls[1024]; /* M D E P R L; several D in a row are one */
    size_t received;  /* bytes */
    size_t sent;
    bool wrong;     /* a byte was not that of the pattern */
    bool reentered; /* a call came inside a call of the test's */
    unsigned losses;
    int reason;
    int64_t lost_ns;
    size_t most_queued;         /* seen after writes */
    struct ouro_future *waiter; /* a task that waits for news */
};

/* The same, once with data_received and once with get_buffer. */
extern const struct ouro_protocol_ops witness_ops;
extern const struct ouro_protocol_ops buffered_witness_ops;

/* Two ends that know each other, with nothing noted. */
void ends_init(struct end ends[2]);

/* Give the references back; the connection must be lost. */
void ends_leave(struct end ends[2]);

/* Whether the calls came in the order of <ouro/protocol.h>. */
bool calls_are_in_order(const char *calls);

/* What the test does at an end: the transport's call of that name, which must
 * not call back.  Sizes are of the pattern. */
void end_write(struct end *end, size_t size);
void end_write_slices(struct end *end, size_t size, size_t count);
void end_write_take(struct end *end, size_t size);
void end_write_eof(struct end *end);
void end_close(struct end *end);
void end_abort(struct end *end);
void end_pause(struct end *end);
void end_resume(struct end *end);

/* Another protocol object for this end; the same calls go on being noted. */
void end_set_protocol(struct end *end);
void end_set_protocol_of(struct end *end, const struct ouro_protocol_ops *ops);

/* Bytes that are queued. */
size_t end_queued(const struct end *end);

/* Suspend until something was noted, or so many bytes came, or the call
 * `letter` did; or it is lost: then -ENOTCONN, unless that was waited for. */
OURO_SUSPENDS int until_news(struct end *end);
OURO_SUSPENDS int until_received(struct end *end, size_t size);
OURO_SUSPENDS int until_called(struct end *end, char letter);

/* Suspend until both are lost. */
OURO_SUSPENDS int until_both_lost(struct end ends[2]);

/* The pattern: `size` bytes of it at most 1 MiB, from `offset` on. */
struct ouro_slice pattern(size_t offset, size_t size);

#endif
