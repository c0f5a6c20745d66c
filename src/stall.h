/* SPDX-License-Identifier: MIT */
/* When a call has held its loop for too long: the decisions of the watchdog, as
 * functions of what it sees and of the time. */
#ifndef OURO_STALL_IMPL_H
#define OURO_STALL_IMPL_H

#include <stdbool.h>
#include <stdint.h>

struct ouro_loop;

/* What can be seen of a loop from outside. */
struct ouro__stall_view {
    uint64_t turns;
    uint64_t calls; /* begun: callbacks, completions, flushes */
    bool busy;      /* in the calls of a turn, not waiting */
};

/* Look at a loop, on any thread. */
struct ouro__stall_view ouro__stall_view_of(const struct ouro_loop *loop);

/* What is known of the call that a loop is in. */
struct ouro__stall_state {
    struct ouro__stall_view seen;
    int64_t since_ns; /* when it was first seen in it */
    bool told;
};

/* Look at the loop: true if its call is to be reported now.  `*out_held_ns` is
 * how long it has been seen in it. */
bool ouro__stall_look(struct ouro__stall_state *state,
                      const struct ouro__stall_view *view, int64_t limit_ns,
                      int64_t now_ns, int64_t *out_held_ns);

/* How long not to look again. */
int64_t ouro__stall_pause_ns(int64_t limit_ns);

#endif
