/* SPDX-License-Identifier: MIT */
/* The simulation from inside: an engine without a kernel.
 *
 * What is shared by the files of it: engine_sim.c is the engine, and decides
 * which operation has its turn; sim_ops.c what an operation then does;
 * sim_buffers.c lends receive buffers; sim_names.c knows names
 * and routes; sim_sockets.c are the calls that never wait; and
 * sim_net.h is the network below all of them.
 */
#ifndef OURO_ENGINE_SIM_H
#define OURO_ENGINE_SIM_H

#include "engine.h"
#include "list.h"
#include "sim_net.h"

/* What may happen; see struct ouro_sim_options.  Nothing is a default here. */
struct ouro__sim_options {
    uint64_t seed;
    unsigned late_percent;
    unsigned reorder_percent;
    unsigned short_io_percent;
    unsigned late_cancel_percent;
    unsigned no_buffer_percent;
    unsigned abort_accept_percent;
    size_t socket_buffer;
    size_t descriptor_limit; /* SIZE_MAX: none */
    size_t receive_memory;
};

/* Buffers that are lent while a completion is being told. */
struct ouro__sim_buffers {
    uint8_t *memory;
    size_t size;    /* of each */
    uint16_t *free; /* those that are not lent, the hottest last */
    uint16_t free_count;
    uint16_t count;
};

struct ouro__sim_names {
    struct ouro__list names;
    struct ouro__list routes;
    unsigned lookups;
};

struct ouro__sim_engine {
    struct ouro__engine base;    /* in `flying` those that are due come first */
    struct ouro__list *last_due; /* of them; &base.flying: none is */
    struct ouro__sim_options options;
    struct ouro__sim_net net;
    struct ouro__sim_buffers buffers;
    struct ouro__sim_names names;
    int64_t job_ns;  /* what a call on a thread takes */
    uint64_t chance; /* the state of what is drawn */
    uint64_t completions;
    int64_t now_ns;
    uint32_t turn; /* of wait() */
    char features[40];
};

/* In op->marks.  held_result is the result that is HELD, before that how much
 * of a message has left; held_flags the turn before which nothing is tried. */
enum {
    OURO__SIM_DUE = 1,       /* it may have something to do */
    OURO__SIM_HELD = 2,      /* it is done, and told later */
    OURO__SIM_STARTED = 4,   /* the connect is on its way */
    OURO__SIM_CANCELLED = 8, /* and the turns that takes stand above: */
    OURO__SIM_TURN = 256
};

/* The engine: engine_sim.c. */

OURO_MUST_USE int ouro__engine_sim_new(struct ouro__sim_engine **out_sim,
                                       const struct ouro__sim_options *options);

/* Whether a turn would bring something without time passing. */
bool ouro__sim_has_work(const struct ouro__sim_engine *sim);

/* When something happens by itself; OURO_FOREVER if nothing will. */
int64_t ouro__sim_next_event_ns(const struct ouro__sim_engine *sim);

/* A number below `below`, and whether something happens this time. */
uint64_t ouro__sim_draw(struct ouro__sim_engine *sim, uint64_t below);
bool ouro__sim_happens(struct ouro__sim_engine *sim, unsigned percent);

/* How many of `size` bytes are moved this time: at least one, if any. */
size_t ouro__sim_shorten(struct ouro__sim_engine *sim, size_t size);

/* `when_ns` later than now, which is never if that is too far. */
int64_t ouro__sim_later_ns(const struct ouro__sim_engine *sim,
                           int64_t delay_ns);

/* Complete `op`; after the last it is no longer the engine's. */
void ouro__sim_complete(struct ouro__sim_engine *sim,
                        const struct ouro__completion *completion);

/* What operations do: sim_ops.c. */

/* Let `op` do what it can.  There is room for one completion at least.
 * Returns whether it should be asked again in the next turn by itself. */
bool ouro__sim_go(struct ouro__sim_engine *sim, struct ouro__op *op);

/* What it waits for, as poll(2) names it. */
uint32_t ouro__sim_wants(const struct ouro__op *op);

/* End it, because it was asked to. */
void ouro__sim_end(struct ouro__sim_engine *sim, struct ouro__op *op);

/* Buffers: sim_buffers.c. */

OURO_MUST_USE int ouro__sim_buffers_init(struct ouro__sim_buffers *buffers,
                                         size_t memory);
void ouro__sim_buffers_fini(struct ouro__sim_buffers *buffers);

/* Take one to fill, which must not be asked for when there is none, */
uint8_t *ouro__sim_buffers_take(struct ouro__sim_buffers *buffers,
                                uint16_t *out_number);

/* lend `size` bytes of it, */
void ouro__sim_buffers_lend(struct ouro__sim_buffers *buffers, uint16_t number,
                            size_t size);

/* and have it back, lent or not. */
void ouro__sim_buffers_give_back(struct ouro__sim_buffers *buffers,
                                 uint16_t number);

/* Names and routes: sim_names.c. */

void ouro__sim_names_init(struct ouro__sim_names *names);
void ouro__sim_names_fini(struct ouro__sim_names *names);

/* See ouro_sim_add_name() and ouro_sim_set_route(). */
int ouro__sim_add_name(struct ouro__sim_names *names, const char *text,
                       const char *addresses, int64_t delay_ns, int error);
int ouro__sim_set_route(struct ouro__sim_names *names, const char *address,
                        int64_t delay_ns, int error);

/* See look_up of struct ouro__engine_ops. */
ssize_t ouro__sim_look_up(struct ouro__sim_names *names, const char *host,
                          int family, struct ouro_address *out_addresses,
                          size_t capacity, int64_t *out_delay_ns);

/* How long a connect to `to` takes.  Returns how it fails, or 0. */
int ouro__sim_route(const struct ouro__sim_names *names,
                    const struct ouro_address *to, int64_t *out_delay_ns);

/* Sockets: sim_sockets.c. */

extern const struct ouro__socket_ops ouro__sim_sockets;

#endif
