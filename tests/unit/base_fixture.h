/* SPDX-License-Identifier: MIT */
/* A transport that moves nothing, and a protocol that writes down its calls.
 *
 * `orders` has a letter for each order of the base: s start, w writev,
 * t write_take, e write_eof, p pause, r resume, c close, a abort, f fini.
 * `calls` has one for each call of the protocol: M made, D data, B buffer,
 * U updated, E eof, P pause, R resume, L lost.  A second protocol object, after
 * set_protocol, writes small letters.
 */
#ifndef OURO_BASE_FIXTURE_H
#define OURO_BASE_FIXTURE_H

#include "ouro_test.h"

#include <ouro/transport_impl.h>

#include <string.h>

struct fake {
    struct ouro_transport base;
};

struct user {
    struct ouro_protocol base;
    uint8_t room[8];
};

typedef void action_fn(void);

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_transport *transport;
    char orders[64];
    char calls[64];
    char data[64]; /* as text */
    void *context;
    int made_result; /* what connection_made returns */
    bool keep_open;  /* what eof_received returns */
    bool lingers;    /* close and abort end only when a test says so */
    size_t room;     /* that get_buffer gives */
    int reason;      /* of connection_lost */
    action_fn *on_made;
    action_fn *on_data;
    action_fn *on_buffer;
    action_fn *on_eof;
    action_fn *on_pause;
    action_fn *on_resume;
    action_fn *on_lost;
};

static struct fixture fixture;

static inline void
note(char *log, char letter)
{
    size_t used = strlen(log);

    log[used] = letter;
    log[used + 1] = '\0';
}

static inline void
act(action_fn *action)
{
    if (action != NULL)
        action();
}

/* The transport. */

static inline void
end_unless_lingering(struct ouro_transport *transport)
{
    if (!fixture.lingers)
        ouro_transport_ended(transport);
}

static inline void
fake_start(struct ouro_transport *transport)
{
    (void)transport;
    note(fixture.orders, 's');
}

static inline void
fake_writev(struct ouro_transport *transport, const struct ouro_slice *slices,
            size_t count)
{
    size_t queued = transport->queued;

    note(fixture.orders, 'w');
    for (size_t i = 0; i < count; i++)
        queued += slices[i].size;
    ouro_transport_set_queued(transport, queued, 0);
}

static inline void
fake_write_take(struct ouro_transport *transport, struct ouro_buf *buf)
{
    note(fixture.orders, 't');
    ouro_transport_set_queued(transport, transport->queued + ouro_buf_size(buf),
                              0);
    ouro_buf_unref(buf);
}

static inline void
fake_write_eof(struct ouro_transport *transport)
{
    (void)transport;
    note(fixture.orders, 'e');
}

static inline void
fake_pause(struct ouro_transport *transport)
{
    (void)transport;
    note(fixture.orders, 'p');
}

static inline void
fake_resume(struct ouro_transport *transport)
{
    (void)transport;
    note(fixture.orders, 'r');
}

static inline void
fake_close(struct ouro_transport *transport)
{
    note(fixture.orders, 'c');
    end_unless_lingering(transport);
}

static inline void
fake_abort(struct ouro_transport *transport)
{
    note(fixture.orders, 'a');
    end_unless_lingering(transport);
}

static inline void
fake_fini(struct ouro_transport *transport)
{
    (void)transport;
    note(fixture.orders, 'f');
}

static const struct ouro_transport_ops fake_ops = {
    .size = sizeof(struct fake),
    .name = "fake",
    .start = fake_start,
    .writev = fake_writev,
    .write_take = fake_write_take,
    .write_eof = fake_write_eof,
    .pause_reading = fake_pause,
    .resume_reading = fake_resume,
    .close = fake_close,
    .abort = fake_abort,
    .fini = fake_fini,
};

/* The protocol. */

static inline struct user *
user_of(struct ouro_protocol *protocol)
{
    return OURO_CONTAINER_OF(protocol, struct user, base);
}

static inline int
user_made(struct ouro_protocol *self, void *context)
{
    (void)self;
    note(fixture.calls, 'M');
    fixture.context = context;
    act(fixture.on_made);
    return fixture.made_result;
}

static inline void
user_data(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)self;
    note(fixture.calls, 'D');
    strncat(fixture.data, (const char *)data.data, data.size);
    act(fixture.on_data);
}

static inline struct ouro_span
user_get_buffer(struct ouro_protocol *self, size_t hint)
{
    (void)hint;
    note(fixture.calls, 'B');
    act(fixture.on_buffer);
    return (struct ouro_span){user_of(self)->room, fixture.room};
}

static inline void
user_updated(struct ouro_protocol *self, size_t size)
{
    note(fixture.calls, 'U');
    strncat(fixture.data, (const char *)user_of(self)->room, size);
    act(fixture.on_data);
}

static inline bool
user_eof(struct ouro_protocol *self)
{
    (void)self;
    note(fixture.calls, 'E');
    act(fixture.on_eof);
    return fixture.keep_open;
}

static inline void
user_pause(struct ouro_protocol *self)
{
    (void)self;
    note(fixture.calls, 'P');
    act(fixture.on_pause);
}

static inline void
user_resume(struct ouro_protocol *self)
{
    (void)self;
    note(fixture.calls, 'R');
    act(fixture.on_resume);
}

static inline void
user_lost(struct ouro_protocol *self, int reason)
{
    (void)self;
    note(fixture.calls, 'L');
    fixture.reason = reason;
    act(fixture.on_lost);
}

static const struct ouro_protocol_ops user_ops = {
    .size = sizeof(struct user),
    .connection_made = user_made,
    .data_received = user_data,
    .eof_received = user_eof,
    .pause_writing = user_pause,
    .resume_writing = user_resume,
    .connection_lost = user_lost,
};

/* The second one. */

static inline void
next_data(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)self;
    note(fixture.calls, 'd');
    strncat(fixture.data, (const char *)data.data, data.size);
}

static inline void
next_lost(struct ouro_protocol *self, int reason)
{
    (void)self;
    note(fixture.calls, 'l');
    fixture.reason = reason;
}

static const struct ouro_protocol_ops next_ops = {
    .size = sizeof(struct user),
    .data_received = next_data,
    .connection_lost = next_lost,
};

/* What tests say. */

static inline void
make(const struct ouro_protocol_ops *ops)
{
    assert_ok(ouro_transport_new(&fixture.transport, fixture.loop, &fake_ops,
                                 ops, "here.c:1"));
}

/* Begin is the loop's to call; nothing here depends on that. */
static inline void
begin(const struct ouro_protocol_ops *ops)
{
    make(ops);
    ouro_transport_begin(fixture.transport, &fixture);
}

static inline void
turn(void)
{
    ouro_sim_turn(fixture.sim);
}

static inline void
receive(const char *text)
{
    (void)ouro_transport_received(fixture.transport,
                                  ouro_slice_of(text, strlen(text)));
}

/* Write `size` bytes, at most 128 KiB. */
static inline void
write_size(size_t size)
{
    static const uint8_t zeroes[128 * 1024];

    ouro_transport_write(fixture.transport, ouro_slice_of(zeroes, size));
}

/* `size` bytes are left in the queue. */
static inline void
drain_to(size_t size)
{
    ouro_transport_set_queued(fixture.transport, size, 0);
}

static inline void
do_close(void)
{
    ouro_transport_close(fixture.transport);
}

static inline void
do_abort(void)
{
    ouro_transport_abort(fixture.transport);
}

static inline void
do_pause(void)
{
    ouro_transport_pause_reading(fixture.transport);
}

static inline void
do_set_protocol(void)
{
    struct ouro_protocol *next;

    if (ouro_transport_set_protocol(fixture.transport, &next_ops, &next) < 0)
        note(fixture.calls, '?');
}

static inline int
setup(void **state)
{
    fixture = (struct fixture){.reason = UNSEEN, .room = 8};
    *state = &fixture;
    if (ouro_sim_new(&fixture.sim, NULL) < 0)
        return -1;
    fixture.loop = ouro_sim_loop(fixture.sim);
    ouro_loop_set_exception_handler(fixture.loop, see_exception, &fixture.seen);
    return 0;
}

/* No test may leave a connection. */
static inline int
teardown(void **state)
{
    struct ouro_loop_stats stats;

    (void)state;
    turn();
    ouro_loop_get_stats(fixture.loop, &stats);
    ouro_sim_free(fixture.sim);
    return stats.transports == 0 && live_allocations() == 0 ? 0 : -1;
}

#endif
