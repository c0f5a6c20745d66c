/* SPDX-License-Identifier: MIT */
/* An end that a multishot receive of the kernel has missed.
 *
 * A receive tells what came, sees that the socket is empty, and waits to be
 * woken.  If a reset came behind those bytes, the call that should wake it may
 * be long over, and none follows: the connection is dead, and nobody hears of
 * it.  Two faults of Linux do that.  One lost the end that came together with
 * the last bytes (axboe/liburing#1549; 6.6 until it was fixed in 2026).  The
 * other is there in 6.18.44 still: more than 32 buffers' worth lay in the
 * socket when the reset came.
 *
 * So each receive that has told of bytes is in doubt, until poll(2) has been
 * asked once, when nothing else has come for a while.  Who is in doubt stands
 * at the end of the engine's `flying`, in the order in which bytes came; so an
 * op needs no memory for it, and nothing is done for those which are idle.
 */
#ifndef OURO_MISSED_END_H
#define OURO_MISSED_END_H

#include "engine.h"

/* op->marks; the engine keeps them, and uses no others from here on. */
enum {
    OURO__IN_DOUBT = 1 << 16, /* it has told of bytes since it was asked for */
    OURO__FRESH = 1 << 17     /* and since the last look */
};

/* `op` has told of bytes, and goes on.  It is in `flying`. */
void ouro__missed_end_doubt(struct ouro__engine *engine, struct ouro__op *op);

/* The end of `op` was missed.  May take it out of `flying`, and no other. */
typedef void ouro__missed_end_fn(struct ouro__engine *engine,
                                 struct ouro__op *op);

/* Ask about those of whom nothing came since the last look, call `fn` for each
 * that missed its end, and doubt them no longer.  Returns whether there are
 * others in doubt. */
bool ouro__missed_end_look(struct ouro__engine *engine,
                           ouro__missed_end_fn *fn);

#endif
