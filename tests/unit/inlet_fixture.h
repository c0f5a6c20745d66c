/* SPDX-License-Identifier: MIT */
/* An inlet on a simulated socket, and what it says. */
#ifndef OURO_INLET_FIXTURE_H
#define OURO_INLET_FIXTURE_H

#include "sim_pair.h"

#include "inlet.h"

#include <string.h>

/* What the ring lends at once. */
enum { FULL = 16 * 1024 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro__inlet inlet;
    int fd;
    int peer; /* -1: closed */
    struct ouro_handle soon;
    bool has_stopped; /* stopped() has come */
    uint8_t sent[256 * 1024];
    size_t sent_size;
    uint8_t got[1024 * 1024];
    size_t got_size;
    unsigned calls; /* of received and buffer_updated */
    unsigned asked; /* get_buffer */
    size_t takes;   /* received takes at most so much */
    int end;
    uint8_t room[64];
    bool has_room;
    bool no_room; /* get_buffer has none just now */
    void (*on_received)(struct fixture *f);
    void (*on_asked)(struct fixture *f);
    void (*on_end)(struct fixture *f);
};

static inline struct fixture *
fixture_of(struct ouro__inlet *inlet)
{
    return OURO_CONTAINER_OF(inlet, struct fixture, inlet);
}

static inline void
act(void (*action)(struct fixture *f), struct fixture *f)
{
    if (action != NULL)
        action(f);
}

static inline size_t
note_received(struct ouro__inlet *inlet, struct ouro_slice data)
{
    struct fixture *f = fixture_of(inlet);
    size_t size = data.size < f->takes ? data.size : f->takes;

    memcpy(f->got + f->got_size, data.data, size);
    f->got_size += size;
    f->calls++;
    act(f->on_received, f);
    return size;
}

static inline bool
give_buffer(struct ouro__inlet *inlet, struct ouro_span *out_room)
{
    struct fixture *f = fixture_of(inlet);

    if (!f->has_room)
        return false;
    f->asked++;
    f->no_room = false;
    act(f->on_asked, f);
    *out_room = (struct ouro_span){f->room, f->no_room ? 0 : sizeof(f->room)};
    return true;
}

static inline void
note_updated(struct ouro__inlet *inlet, size_t size)
{
    struct fixture *f = fixture_of(inlet);

    memcpy(f->got + f->got_size, f->room, size);
    f->got_size += size;
    f->calls++;
    act(f->on_received, f);
}

static inline void
note_end(struct ouro__inlet *inlet, int error)
{
    struct fixture *f = fixture_of(inlet);

    f->end = error;
    act(f->on_end, f);
}

static inline void
note_stopped(struct ouro__inlet *inlet)
{
    fixture_of(inlet)->has_stopped = true;
}

static const struct ouro__inlet_ops ops = {
    .received = note_received,
    .get_buffer = give_buffer,
    .buffer_updated = note_updated,
    .ended = note_end,
    .stopped = note_stopped,
};

/* Words. */

static inline void
make(struct fixture *f, const struct ouro_sim_options *options)
{
    int fds[2];

    assert_ok(ouro_sim_new(&f->sim, options));
    f->loop = ouro_sim_loop(f->sim);
    make_sim_pair(f->loop, fds);
    f->fd = fds[0];
    f->peer = fds[1];
    ouro__inlet_init(&f->inlet, ouro__pool_of(f->loop), f->fd,
                     options->loop.receive == OURO_RECEIVE_POLL, &ops);
}

static inline void
begin(struct fixture *f, enum ouro_receive receive)
{
    const struct ouro_sim_options options = {.loop.receive = receive};

    make(f, &options);
    ouro__inlet_start(&f->inlet);
}

static inline void
send_size(struct fixture *f, size_t size)
{
    ssize_t sent = sim_send(f->loop, f->peer, f->sent + f->sent_size, size);

    assert_int_equal(sent, size);
    f->sent_size += size;
}

static inline void
settle(struct fixture *f)
{
    ouro_sim_advance(f->sim, 0);
}

static inline void
assert_all_came(struct fixture *f)
{
    assert_int_equal(f->got_size, f->sent_size);
    assert_memory_equal(f->got, f->sent, f->sent_size);
}

static inline void
pause_it(struct fixture *f)
{
    ouro__inlet_pause(&f->inlet);
}

static inline void
stop_it(struct fixture *f)
{
    ouro__inlet_stop(&f->inlet);
}

/* Whether a receive by ring, or a poll, is armed and nobody asked to end it. */
static inline bool
is_armed(const struct fixture *f)
{
    return f->inlet.op.in_flight && !f->inlet.op.cancel_wanted;
}

static inline int
setup(void **state)
{
    static struct fixture fixture;

    memset(&fixture, 0, sizeof(fixture));
    fixture.end = UNSEEN;
    fixture.peer = -1;
    fixture.takes = SIZE_MAX;
    for (size_t i = 0; i < sizeof(fixture.sent); i++)
        fixture.sent[i] = (uint8_t)(i * 7 + i / 251);
    *state = &fixture;
    return 0;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;

    stop_it(f);
    settle(f);
    bool idle = ouro__inlet_is_idle(&f->inlet);
    if (f->peer >= 0)
        sim_close_end(f->loop, &f->peer);
    sim_close_end(f->loop, &f->fd);
    ouro_sim_free(f->sim);
    return idle && live_allocations() == 0 ? 0 : -1;
}

#endif
