/* SPDX-License-Identifier: MIT */
/* Several things that one task waits for: what gather, wait and as_completed
 * are made of.
 *
 * Each node has a handle among the waiters of its future, and the last of them
 * that matters completes the future the task awaits.  So a turn goes by between
 * a result and the task that hears of it, as in asyncio.
 */
#ifndef OURO_WAITING_H
#define OURO_WAITING_H

#include "task.h"

#include <ouro/wait.h>

/* When it is enough, besides those of enum ouro_wait_until. */
enum ouro__until {
    OURO__FIRST_FAILURE = OURO_FIRST_ERROR + 1, /* -ECANCELED is one */
    OURO__EACH
};

/*
 * Begin to wait for `nodes`, which are told that none is done.
 *
 * Returns 0.
 *   -EDEADLK  one is the running task; nothing was begun
 */
OURO_MUST_USE int ouro__waiting_begin(struct ouro__waiting *waiting,
                                      struct ouro_awaited *nodes, size_t count,
                                      unsigned until);

/* After `timeout_ns`, it is enough.  Then OURO__EACH lets go of the others. */
void ouro__waiting_limit(struct ouro__waiting *waiting, int64_t timeout_ns);

/* Suspend until it is enough.  Returns 0, or -ECANCELED; no checkpoint. */
int ouro__waiting_suspend(struct ouro__waiting *waiting);

/* Cancel the nodes that are not done, but let go of those that are shielded.
 * From now on only all of them are enough. */
void ouro__waiting_cancel(struct ouro__waiting *waiting);

/* End: what is done is in `waiting->done`, in order, and the rest is let go. */
void ouro__waiting_end(struct ouro__waiting *waiting);

/* Somebody is told what a node that is done came to. */
void ouro__awaited_take(struct ouro_awaited *node);

/* Nobody is: a failure has to be heard of in another way. */
void ouro__awaited_drop(struct ouro_awaited *node);

#endif
