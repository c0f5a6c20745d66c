/* SPDX-License-Identifier: MIT */
#ifndef OURO_DUMP_H
#define OURO_DUMP_H

#include <ouro/signals.h>

OURO_BEGIN_DECLS

/** Takes one line of a dump, its newline included, and no zero byte. */
typedef void ouro_dump_fn(const char *line, size_t size, void *arg);

/** What a dump shows.  All zero is everything. */
struct ouro_dump_options {
    bool no_stacks; /* leave the backtraces out */
};

/**
 * Write down every task of `loop` to the descriptor `fd`: what it does, what it
 * waits for, since where, and what that waits for in turn.
 *
 *     2 tasks
 *     1 'main' (server.c:90) waits for a task: 2 'fetch'
 *         in a timeout (server.c:71), 4.250 s left
 *         at ouro_task_join+0x40 (server)
 *         at serve+0x8f (server)
 *     2 'fetch' (server.c:72) waits for a lock (server.c:33)
 *         awaited by 1 'main'
 *         at ouro_lock_acquire+0x5a (server)
 *         at fetch+0x31 (server)
 *     who waits for whom
 *     1 'main'
 *       2 'fetch'
 *
 * Sites are where a thing was made.  What waits for itself in the end is marked
 * as a cycle.  A frame is a function of the program's symbols, or else a place
 * in its file, for addr2line -e; at most 64 of a stack are shown.
 *
 * Allocates nothing of the library's allocator.  On the thread of the loop, in
 * a task, a callback, or between runs.  See docs/guide/debugging.md.
 */
void ouro_dump_tasks(struct ouro_loop *loop, int fd);

/** The same for `fn`, a line at a time; options NULL: everything. */
void ouro_dump_tasks_to(struct ouro_loop *loop, ouro_dump_fn *fn, void *arg,
                        const struct ouro_dump_options *options);

/**
 * From now on write every task of `loop` to stderr when signal `number` comes:
 * SIGUSR1, say, or SIGQUIT, which a terminal sends for Ctrl and backslash.
 *
 * It is a handler like any other, so ouro_remove_signal_handler() ends it, and
 * `handler` is the caller's memory.  ouro_run() has options.dump_signal.
 *
 * The loop writes between two calls.  Where one call holds it, the dump comes
 * when that has returned: who holds a loop is told by <ouro/stall.h>.
 *
 * Returns 0.
 *   -EINVAL, -ENOMEM  as ouro_add_signal_handler()
 */
#define ouro_dump_on_signal(loop, handler, number) \
    ouro__dump_on_signal(loop, handler, number, OURO_HERE)

OURO_MUST_USE int ouro__dump_on_signal(struct ouro_loop *loop,
                                       struct ouro_signal_handler *handler,
                                       int number, const char *site);

OURO_END_DECLS

#endif
