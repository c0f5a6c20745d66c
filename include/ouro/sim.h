/* SPDX-License-Identifier: MIT */
#ifndef OURO_SIM_H
#define OURO_SIM_H

#include <ouro/address.h>
#include <ouro/task.h>

OURO_BEGIN_DECLS

/**
 * A world without a kernel, for tests of your protocols and of ours.
 *
 * A loop on a virtual clock and a network in memory.  What chance would decide
 * is decided by a seed, so that a failure comes again when it is asked to.
 * Time passes only when a test says so.
 *
 * Every address is this machine's.  Servers and clients meet in one loop.
 */
struct ouro_sim;

/** What may happen.  All zero: nothing out of the ordinary. */
struct ouro_sim_options {
    uint64_t seed;                 /* the same seed, the same run */
    unsigned late_percent;         /* completions that come a turn later */
    unsigned reorder_percent;      /* completions that overtake others */
    unsigned short_io_percent;     /* reads and writes that move less */
    unsigned late_cancel_percent;  /* cancels that lose the race */
    unsigned no_buffer_percent;    /* receives that find no buffer */
    unsigned abort_accept_percent; /* connections gone before the accept */
    size_t socket_buffer;          /* bytes each way; 0: 64 KiB */
    size_t descriptor_limit;       /* sockets at once; 0: no limit */
    struct ouro_loop_options loop; /* engine is not looked at */
};

/**
 * Make a world, and a loop in it.  `options` are copied; NULL: all zero.
 * OURO_SIM_SEED in the environment replaces the seed.
 *   -EINVAL  a percentage is above 100, an option of the loop is out of range,
 *            or OURO_SIM_SEED is no number
 *   -ENOMEM
 */
OURO_MUST_USE int ouro_sim_new(struct ouro_sim **out_sim,
                               const struct ouro_sim_options *options);

/** End it.  What is still alive is reported, with its creation site. */
void ouro_sim_free(struct ouro_sim *sim);

/** The loop of this world.  It runs only inside the calls below. */
struct ouro_loop *ouro_sim_loop(struct ouro_sim *sim);

/** One turn of the loop.  No time passes. */
void ouro_sim_turn(struct ouro_sim *sim);

/** Let `delay_ns` pass, and everything happen that happens in it. */
void ouro_sim_advance(struct ouro_sim *sim, int64_t delay_ns);

/**
 * Run `fn(arg)` as a task until it returns; time jumps to whatever is next.
 *
 * Returns what it returned.
 *   -EDEADLK  nothing can happen any more, and it has not returned; it is
 *             cancelled then, and ended
 */
int ouro_sim_run(struct ouro_sim *sim, ouro_task_fn *fn, void *arg);

/** Sockets that are open. */
size_t ouro_sim_open_sockets(const struct ouro_sim *sim);

/** Change how many sockets there may be at once.  0: no limit. */
void ouro_sim_set_descriptor_limit(struct ouro_sim *sim, size_t limit);

/**
 * From now on a name is known: `addresses` are literals, with commas between.
 * It takes `delay_ns` to look it up.  `addresses` NULL: it fails with `error`.
 *   -EINVAL  one of them is no literal, or there is neither an address nor an
 *            error
 *   -ENOMEM
 */
OURO_MUST_USE int ouro_sim_add_name(struct ouro_sim *sim, const char *name,
                                    const char *addresses, int64_t delay_ns,
                                    int error);

/**
 * From now on a connect to `address` (a literal) takes `delay_ns`, and then
 * succeeds if somebody listens and `error` is 0, or fails with `error`.
 *   -EINVAL  it is no literal
 *   -ENOMEM
 */
OURO_MUST_USE int ouro_sim_set_route(struct ouro_sim *sim, const char *address,
                                     int64_t delay_ns, int error);

/**
 * From now on a call that a thread would make takes `delay_ns`; at first none.
 * The loop makes it, when that time has passed.
 */
void ouro_sim_set_job_time(struct ouro_sim *sim, int64_t delay_ns);

/** How many names were looked up. */
unsigned ouro_sim_lookups(const struct ouro_sim *sim);

/** The peer of `transport_descriptor` vanishes: it resets the connection. */
void ouro_sim_reset_peer(struct ouro_sim *sim, int transport_descriptor);

OURO_END_DECLS

#endif
