/* SPDX-License-Identifier: MIT */
/* Every loop of the process, for who looks at it from outside.
 *
 * A debugger starts here, on a live process or on a core, where no thread may
 * be inside a loop and thread-locals may be out of reach: tools/gdb/ouro.py.
 */
#ifndef OURO_LOOPS_H
#define OURO_LOOPS_H

#include "loop.h"

/* In the order they were made.  The library itself never reads it. */
extern struct ouro__list ouro__loops;

/* From when it is made until it is freed.  On any thread. */
void ouro__loops_add(struct ouro_loop *loop);
void ouro__loops_remove(struct ouro_loop *loop);

#endif
