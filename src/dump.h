/* SPDX-License-Identifier: MIT */
/* The dump of tasks, from inside; see <ouro/dump.h>. */
#ifndef OURO_DUMP_IMPL_H
#define OURO_DUMP_IMPL_H

#include "text.h"

#include <ouro/dump.h>

/* Where the thread of the loop is, if that is known. */
struct ouro__running {
    const struct ouro_task *task; /* NULL: outside tasks */
    void *const *frames;
    size_t frame_count;
};

/*
 * Write down the tasks of `loop`.
 *
 * On any thread, if that of the loop is stopped; it may be stopped anywhere, so
 * nothing here allocates, takes a lock, or changes what is not the dump's.
 */
void ouro__dump(struct ouro_loop *loop, struct ouro__text *text,
                const struct ouro__running *running, bool stacks);

#endif
