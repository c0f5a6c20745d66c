/* SPDX-License-Identifier: MIT */
/* From the options of a client to a connected socket, and why there is none. */
#ifndef OURO_DIAL_H
#define OURO_DIAL_H

#include "race.h"

#include <ouro/net.h>

enum ouro__dial_stage {
    OURO__DIAL_IDLE,
    OURO__DIAL_LOOKING_UP_LOCAL,
    OURO__DIAL_LOOKING_UP,
    OURO__DIAL_RACING,
    OURO__DIAL_CONNECTED /* there is a socket */
};

/* All zero at first.  Too large for the frame of a task. */
struct ouro__dial {
    struct ouro_loop *loop;
    const struct ouro_connect_options *options;
    enum ouro__dial_stage stage;
    bool out_of_time; /* that is why it failed */
    struct ouro__race race;
};

/* Refuse options that are out of their range; the report says which. */
OURO_MUST_USE int ouro__dial_check(const struct ouro_connect_options *options);

/* Options that were checked; they stay the caller's. */
void ouro__dial_init(struct ouro__dial *dial, struct ouro_loop *loop,
                     const struct ouro_connect_options *options);

/*
 * Look up, and race.  Returns a connected socket.  That is options.ready, if
 * there is one; it stays the caller's, who has not lent it to anybody yet.
 */
OURO_SUSPENDS int ouro__dial(struct ouro__dial *dial);

/* How long it may take. */
int64_t ouro__dial_timeout_ns(const struct ouro_connect_options *options);

/* Tell options.report how it stood when it failed with `error`. */
void ouro__dial_explain(const struct ouro__dial *dial, int error);

#endif
