/* SPDX-License-Identifier: MIT */
#ifndef OURO_REMOTE_H
#define OURO_REMOTE_H

#include <ouro/task.h>

OURO_BEGIN_DECLS

/**
 * A task that another thread started, as that thread sees it.
 *
 * Its calls may come from any thread; one at a time holds it.
 */
struct ouro_remote;

/**
 * Run `fn(arg)` as a task of the loop of `mailbox`.  From any thread.
 *
 * `arg` is borrowed until the task has ended.  `*out_remote` is the caller's,
 * for ouro_remote_free(); NULL lets the task go.
 *
 * Returns 0.
 *   -ENOMEM     no memory; nothing runs
 *   -ESHUTDOWN  the loop is gone; nothing runs
 */
#define ouro_run_coroutine_threadsafe(mailbox, out_remote, fn, arg) \
    ouro__run_coroutine_threadsafe(mailbox, out_remote, fn, arg, #fn, OURO_HERE)

OURO_MUST_USE int ouro__run_coroutine_threadsafe(
    struct ouro_mailbox *mailbox, struct ouro_remote **out_remote,
    ouro_task_fn *fn, void *arg, const char *name, const char *site);

/**
 * Block this thread until the task has ended, `limit_ns` at most.
 *
 * Not on the thread of the loop before that, which would wait for itself.
 * Returns what `fn` returned, also when it is asked again.
 *   -ETIMEDOUT      it runs on; ask again, or cancel it
 *   -ENOMEM         or else the loop had no memory for it: `fn` was not called
 *   -OURO_ESTOPPED  or else the loop ended before the task did
 */
OURO_MUST_USE int ouro_remote_wait(struct ouro_remote *remote,
                                   int64_t limit_ns);

/**
 * Ask the task to end, as ouro_task_cancel() does.  Returns at once; requests
 * that the loop has not heard of yet are one.
 */
void ouro_remote_cancel(struct ouro_remote *remote);

/**
 * Let the task go; it runs on.  NULL is nothing.
 *
 * One that failed, and whose result nobody waited for, is reported to the
 * exception handler of its loop.
 */
void ouro_remote_free(struct ouro_remote *remote);

OURO_END_DECLS

#endif
