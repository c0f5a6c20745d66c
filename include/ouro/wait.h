/* SPDX-License-Identifier: MIT */
#ifndef OURO_WAIT_H
#define OURO_WAIT_H

#include <ouro/task.h>

OURO_BEGIN_DECLS

/**
 * One of several things that a task waits for: a task, or a future.
 *
 * It stands in an array of the caller's, so that waiting needs no memory and
 * cannot fail.  Fill in what it is, and leave all else zero:
 *
 *     struct ouro_awaited both[] = {{.task = first}, {.future = &second}};
 *
 * The reference to the task stays the caller's, and lasts until the wait is
 * over.  One wait at a time uses it; afterwards it may be waited for again.
 * The same task may stand in it twice.
 *
 * To start tasks that end together, a group is the better tool: see
 * ouro_group_begin().  For one task, there are ouro_task_join() and, with a
 * limit, ouro_wait_for().
 */
struct ouro_awaited {
    struct ouro_task *task;     /* what it is: this, */
    struct ouro_future *future; /* or else this */
    bool shielded; /* if so, ouro_gather() leaves it alone when cancelled */
    int result;    /* told: what it came to; -EINPROGRESS: not done yet */
    struct ouro_handle handle; /* private, as all below is */
    struct ouro__list link;
    struct ouro__waiting *waiting;
};

/** What waits for an array of them; private. */
struct ouro__waiting {
    struct ouro_awaited *nodes;
    size_t count;
    size_t left; /* not done, and not let go */
    unsigned until;
    bool enough;  /* what it waits for has come */
    bool expired; /* the time is up */
    struct ouro__list done;
    struct ouro_future news;
    struct ouro_handle timer;
};

/**
 * Wait until all of `nodes` are done, or one has failed.  No nodes: at once.
 *
 * When one fails, a cancelled one too, this returns at once, and the others
 * run on.  A failure among them is not lost: it is reported, as if nobody had
 * waited, unless somebody takes it from the task.
 *
 * When the running task is cancelled, so are all of them, and this returns when
 * the last has ended: they may use the caller's frame.  A further request is
 * passed on to them too.  Nodes that are shielded are left alone.
 *
 * Returns 0, or what the first that failed came to.
 *   -ECANCELED  or else the running task was cancelled; `nodes` have results
 *   -EDEADLK    one is the running task itself; nothing was waited for
 */
OURO_SUSPENDS int ouro_gather(struct ouro_awaited *nodes, size_t count);

/**
 * The same, but a failure ends nothing: all results, good or bad, are told in
 * `nodes`, and count as taken.
 *
 * Returns 0, also if some failed.
 *   -ECANCELED  the running task was cancelled, and so were all of them
 *   -EDEADLK    one is the running task itself; nothing was waited for
 */
OURO_SUSPENDS int ouro_gather_all(struct ouro_awaited *nodes, size_t count);

/** When a wait is over. */
enum ouro_wait_until {
    OURO_ALL_COMPLETED,   /* all are done */
    OURO_FIRST_COMPLETED, /* one is done */
    OURO_FIRST_ERROR      /* one failed, or all are done; -ECANCELED is no
                             failure here */
};

/**
 * Wait for some of `nodes`, for `timeout_ns` at most.  Cancels nothing, ever.
 *
 * 0 or less looks once, and takes a turn for it; OURO_FOREVER is no limit.
 * Each node tells whether it is done, and what it came to, which counts as
 * taken; also when this fails with -ECANCELED.
 *
 * Returns how many are done, which may be 0 when the time is up.
 *   -ECANCELED  the running task was cancelled; the others live on
 *   -EINVAL     there are no nodes, and it would wait for ever
 *   -EDEADLK    one is the running task itself; nothing was waited for
 */
OURO_SUSPENDS ssize_t ouro_wait(struct ouro_awaited *nodes, size_t count,
                                int64_t timeout_ns, enum ouro_wait_until until);

/**
 * Wait for `task` (or `future`) to be done, and cancel it when `timeout_ns`
 * have passed or the running task is cancelled.
 *
 * Returns what it came to, and only when it has ended: a task that cleans up is
 * waited for, and a value that it returns although it was cancelled stands.
 * 0 or less cancels at once what is not done; OURO_FOREVER is no limit.  A
 * future lives until this has returned.
 *   -ETIMEDOUT  it ended with -ECANCELED, because the time was up
 *   -ECANCELED  it ended so because the running task was cancelled, or because
 *               somebody else cancelled it
 *   -EDEADLK    it is the running task itself
 */
OURO_SUSPENDS int ouro_wait_for(struct ouro_task *task, int64_t timeout_ns);
OURO_SUSPENDS int ouro_wait_for_future(struct ouro_future *future,
                                       int64_t timeout_ns);

/**
 * The same for `fn(arg)` in a task of its own, which starts only if there is
 * time: if `timeout_ns` is positive, and the running task not cancelled.
 *
 * Where the caller may run it itself, a timeout is cheaper.
 *   -ETIMEDOUT, -ECANCELED  also if nothing ran
 *   -ENOMEM                 no stack; nothing ran
 */
#define ouro_wait_for_call(fn, arg, timeout_ns) \
    ouro__wait_for_call(fn, arg, timeout_ns, #fn, OURO_HERE)

OURO_SUSPENDS int ouro__wait_for_call(ouro_task_fn *fn, void *arg,
                                      int64_t timeout_ns, const char *name,
                                      const char *site);

/**
 * One after the other, in the order in which they are done:
 *
 *     ouro_as_completed_begin(&each, nodes, count, OURO_SECONDS(5));
 *     while ((rc = ouro_as_completed_next(&each, &node)) > 0)
 *         printf("%td: %d\n", node - nodes, node->result);
 *     ouro_as_completed_end(&each);
 *
 * Lives in the frame of the task, from begin to end.  Cancels nothing, ever.
 */
struct ouro_as_completed {
    struct ouro__scope scope; /* private, as all of it is */
    struct ouro__waiting waiting;
    int error; /* it could not begin */
};

/** Begin with `nodes`, for `timeout_ns` at most; OURO_FOREVER: no limit. */
#define ouro_as_completed_begin(each, nodes, count, timeout_ns) \
    ouro__as_completed_begin(each, nodes, count, timeout_ns, OURO_HERE)

void ouro__as_completed_begin(struct ouro_as_completed *each,
                              struct ouro_awaited *nodes, size_t count,
                              int64_t timeout_ns, const char *site);

/**
 * The next that is done.  Its result is told in it, and counts as taken.
 *
 * Returns 1, and `*out_node` is one of the nodes, or 0: each was there.
 *   -ETIMEDOUT  the time is up, and what was done in time was there
 *   -ECANCELED  the running task was cancelled
 *   -EDEADLK    one is the running task itself
 */
OURO_SUSPENDS int ouro_as_completed_next(struct ouro_as_completed *each,
                                         struct ouro_awaited **out_node);

/** End it, early too.  Every path from begin must come here. */
void ouro_as_completed_end(struct ouro_as_completed *each);

OURO_END_DECLS

#endif
