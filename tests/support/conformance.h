/* SPDX-License-Identifier: MIT */
/* What <ouro/transport.h> and <ouro/protocol.h> promise, as one test that every
 * transport can be put through.
 *
 * A kind of transport says how two ends that are connected are made; each
 * promise is then played by a task between these two, and checked when the
 * world has ended and nothing was left in it.
 */
#ifndef OURO_TEST_CONFORMANCE_H
#define OURO_TEST_CONFORMANCE_H

#include "witness.h"

/* A kind of transport, in one of its ways. */
struct conformance_kind {
    const char *name; /* in the names of the tests: "tcp, by ring" */
    const struct ouro_protocol_ops *ops; /* of witness.h */
    struct ouro_loop_options loop;

    /* In a task: two transports for protocols of `ops`, which have not begun.
     * Returns 0. */
    int (*connect)(struct ouro_transport *out_transports[2],
                   const struct ouro_protocol_ops *ops);

    bool has_resets; /* an abort is more to the peer than an end */
};

/* Play every promise on each of the kinds, in worlds of `engine`.  Returns what
 * main returns. */
int run_conformance(const struct conformance_kind *kinds, size_t count,
                    const char *engine);

/* The rest is for the files that hold promises. */

struct scene {
    const struct conformance_kind *kind;
    const struct promise *promise;
    const char *engine;
    struct end ends[2];
    struct ouro_transport *transports[2];
    struct seen_exceptions seen;
    struct ouro_slice bytes;
    int64_t from_ns;
    size_t size;
    unsigned count;
    bool flag;
};

struct promise {
    const char *name;
    int (*act)(struct scene *scene);          /* a task; returns 0 */
    void (*check)(const struct scene *scene); /* NULL: see below */
    bool is_noisy; /* something is reported; it is in scene->seen */
};

/* Connect, and begin the first or both; hooks must be set before. */
OURO_SUSPENDS int connect_ends(struct scene *scene);
void begin_end(struct scene *scene, int which);
OURO_SUSPENDS int meet(struct scene *scene);

/* Give what is on its way the time to arrive.  No test passes for that. */
OURO_SUSPENDS int let_arrive(void);

/* Suspend until all that `end` wrote is the kernel's. */
OURO_SUSPENDS int until_sent(struct end *end);

/* What holds for each end after every promise: one loss, the order of calls, no
 * wrong byte, no call inside a call.  Is made by itself. */
void check_end(const struct end *end);

/* Whether all that was sent to `end` came, and no more. */
void check_all_came(const struct end *end);

extern const struct promise reading_promises[];
extern const struct promise writing_promises[];
extern const struct promise ending_promises[];

#endif
