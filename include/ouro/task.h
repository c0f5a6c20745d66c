/* SPDX-License-Identifier: MIT */
#ifndef OURO_TASK_H
#define OURO_TASK_H

#include <ouro/future.h>

OURO_BEGIN_DECLS

/**
 * A coroutine with a stack of its own.
 *
 * Its function returns 0, or what the joiner should know, or a negative error.
 * The loop owns it until it is done: a reference is for talking to it, and
 * dropping the reference never ends it.
 */
struct ouro_task;

typedef int ouro_task_fn(void *arg);

/**
 * Start `fn(arg)` in a task of the running loop.  It runs from the next turn.
 *
 * It always runs, also if it is cancelled before: it may own what `arg` is.
 * The reference in `*out_task` is the caller's; NULL lets the task go.
 *   -ENOMEM  no stack; nothing runs
 */
#define ouro_create_task(out_task, fn, arg) \
    ouro__create_task(NULL, out_task, fn, arg, #fn, OURO_HERE)

/** The same for a loop that need not run yet. */
#define ouro_loop_create_task(loop, out_task, fn, arg) \
    ouro__create_task(loop, out_task, fn, arg, #fn, OURO_HERE)

OURO_MUST_USE int ouro__create_task(struct ouro_loop *loop,
                                    struct ouro_task **out_task,
                                    ouro_task_fn *fn, void *arg,
                                    const char *name, const char *site);

/** Take another reference.  Returns `task`. */
struct ouro_task *ouro_task_ref(struct ouro_task *task);

/**
 * Drop a reference.  NULL is nothing.  Returns NULL.
 *
 * A task that failed, and whose result nobody took, is reported to the
 * exception handler when its last reference goes.
 */
struct ouro_task *ouro_task_unref(struct ouro_task *task);

/** The task that runs now, or NULL.  Borrowed. */
struct ouro_task *ouro_current_task(void);

/** Its name: that of its function, or what was set.  Borrowed, never NULL. */
const char *ouro_task_name(const struct ouro_task *task);

/** `name` is borrowed, and must live as long as the task. */
void ouro_task_set_name(struct ouro_task *task, const char *name);

/** Where it was made: "file.c:12". */
const char *ouro_task_site(const struct ouro_task *task);

/** Whether its function has returned. */
bool ouro_task_is_done(const struct ouro_task *task);

/** What it returned, which is taken by that; -EINPROGRESS if it has not yet. */
int ouro_task_result(struct ouro_task *task);

/** A word of your own, inherited by the tasks this one creates. */
void *ouro_task_locals(const struct ouro_task *task);
void ouro_task_set_locals(struct ouro_task *task, void *locals);

/**
 * Wait for `task` to end.
 *
 * A cancellation of the running task does not reach `task`, which is what
 * asyncio.shield() is for; see ouro_wait_for() in <ouro/wait.h> for the other
 * way.
 *
 * Returns what its function returned.
 *   -ECANCELED  or else the running task was cancelled; `task` is untouched
 *   -EDEADLK    it is the running task itself
 */
OURO_SUSPENDS int ouro_task_join(struct ouro_task *task);

/** The future that is done when `task` is; its result is not used. */
struct ouro_future *ouro_task_future(struct ouro_task *task);

/**
 * Ask `task` to end.
 *
 * From now on every call of it that is marked OURO_SUSPENDS fails with
 * -ECANCELED, until its function returns or says ouro_uncancel().  Requests are
 * counted.  Nothing if it is done.
 *
 * One that has not ended when options.cancel_limit_ns of its loop have passed,
 * and has not taken the requests back, is reported to the exception handler,
 * once; also if it was a group or a limit that told it to end.
 */
void ouro_task_cancel(struct ouro_task *task);

/** How many requests to end stand against `task`: ouro_task_cancel()'s. */
unsigned ouro_task_cancelling(const struct ouro_task *task);

/**
 * Take back one request that was made to the running task, to go on living.
 *
 * Returns how many still stand.  Those of timeouts and groups are their own.
 */
unsigned ouro_uncancel(void);

/** Let `delay_ns` pass.  0 or less is one turn of the loop.  Returns 0. */
OURO_SUSPENDS int ouro_sleep(int64_t delay_ns);

/**
 * Look whether the running task has to end, as every wait does first.
 *
 * For work that takes long and never waits.  It costs a few comparisons, so it
 * may stand in an inner loop: only each 128th in a row lets others run, which
 * is when a cancellation can come and a limit be up.  ouro_sleep(0) lets them
 * run each time.
 *
 * Returns 0.
 *   -ECANCELED  the task was cancelled, a limit is up, its group has failed
 */
OURO_SUSPENDS int ouro_checkpoint(void);

/** What a part of a task's time hangs on; private. */
struct ouro__scope {
    struct ouro__scope *outer;
    const char *outer_site;
    unsigned kind;
};

/**
 * A limit on the time of a part of a task.
 *
 * Lives in the frame of the task, from begin to end.
 */
struct ouro_timeout {
    struct ouro__scope scope; /* private, as all of it is */
    struct ouro_task *task;
    int64_t when_ns;
    int64_t outer_when_ns;
};

/**
 * From now on, `delay_ns` for everything up to ouro_timeout_end().
 * OURO_FOREVER is no limit; 0 or less ends the first wait in the next turn.
 */
#define ouro_timeout_begin(timeout, delay_ns) \
    ouro__timeout_begin(timeout, delay_ns, OURO_HERE)

void ouro__timeout_begin(struct ouro_timeout *timeout, int64_t delay_ns,
                         const char *site);

/**
 * The same with the time at which it ends, by the clock of the loop, so that
 * several parts can share one limit.  A time that has passed is as 0 above.
 */
#define ouro_timeout_begin_at(timeout, when_ns) \
    ouro__timeout_begin_at(timeout, when_ns, OURO_HERE)

void ouro__timeout_begin_at(struct ouro_timeout *timeout, int64_t when_ns,
                            const char *site);

/**
 * Move the limit, to `delay_ns` from now or to `when_ns`, sooner or later.
 *
 * Any task or callback of the loop may do so while the part lasts.
 *
 * Returns 0.  The result need not be looked at.
 *   -EALREADY  the time was up, and calls fail for it; nothing has changed
 */
int ouro_timeout_reschedule(struct ouro_timeout *timeout, int64_t delay_ns);
int ouro_timeout_reschedule_at(struct ouro_timeout *timeout, int64_t when_ns);

/** When the time is up, by the clock of the loop; OURO_FOREVER: never. */
int64_t ouro_timeout_when_ns(const struct ouro_timeout *timeout);

/**
 * End the part.  Every path from begin must come here.
 *
 * Returns `result`, which is what the part came to.
 *   -ETIMEDOUT  instead of -ECANCELED, if it was this limit that cancelled
 */
OURO_MUST_USE ssize_t ouro_timeout_end(struct ouro_timeout *timeout,
                                       ssize_t result);

/** Whether the time is up, and calls fail for it. */
bool ouro_timeout_expired(const struct ouro_timeout *timeout);

/**
 * A part of a task that a cancellation does not reach: clean-up that waits.
 *
 * Requests from outside the part, and limits begun before it, are held back
 * until it ends.  It has a limit of its own.
 */
struct ouro_shield {
    struct ouro__scope scope; /* private, as all of it is */
    struct ouro__scope *outer_shield;
    int64_t when_ns;
    int64_t outer_when_ns;
};

/** From now on calls that suspend work again, for `limit_ns` at most;
 * OURO_FOREVER: as long as it takes. */
#define ouro_shield_begin(shield, limit_ns) \
    ouro__shield_begin(shield, limit_ns, OURO_HERE)

void ouro__shield_begin(struct ouro_shield *shield, int64_t limit_ns,
                        const char *site);

/**
 * End the part.  Every path from begin must come here.
 *
 * Returns `result`.
 *   -ETIMEDOUT  instead of -ECANCELED, if it was the limit that cancelled
 */
OURO_MUST_USE ssize_t ouro_shield_end(struct ouro_shield *shield,
                                      ssize_t result);

/** One failure in a group: whose it was, and what. */
struct ouro_failure {
    char name[40];    /* of the task; what does not fit is cut */
    const char *site; /* where it was made */
    int error;        /* negative */
};

/**
 * Tasks that end together.
 *
 * Lives in the frame of the task that waits for them, from begin to end.  The
 * first to fail cancels the others, and what the owner waits for.  A child that
 * ends with -ECANCELED has not failed.
 *
 * The failure that came first is what ouro_group_end() returns.  Those that
 * come after it are kept where ouro_group_keep_failures() says; one for which
 * there is no room is reported to the exception handler.
 */
struct ouro_group {
    struct ouro__scope scope; /* private, as all of it is */
    struct ouro_task *owner;
    struct ouro__list tasks;
    struct ouro_future empty;
    struct ouro_failure *room; /* for the next one */
    size_t room_left;
    size_t failure_count;
    int error;
    bool cancelled; /* its tasks were told to end */
    bool pressing;  /* and its owner */
    bool ended;
};

/** Begin a group, in which there is no task yet.  Cannot fail. */
#define ouro_group_begin(group) ouro__group_begin(group, OURO_HERE)

void ouro__group_begin(struct ouro_group *group, const char *site);

/**
 * Write down every failure from now on, the first one too, in `room`, which has
 * place for `count` and is the caller's.
 */
void ouro_group_keep_failures(struct ouro_group *group,
                              struct ouro_failure *room, size_t count);

/** How many failures there were, with room or without; also after the end. */
size_t ouro_group_failure_count(const struct ouro_group *group);

/**
 * Start `fn(arg)` in a task of `group`.
 *
 * The owner may, and so may every child, also while the owner waits in
 * ouro_group_end().
 *
 * Returns 0.  The result need not be looked at: ouro_group_end() tells too.
 *   -ENOMEM     no stack: nothing runs, `arg` is yours, and the group fails
 *   -ECANCELED  the group has failed or was cancelled: nothing runs, `arg` is
 *               yours
 */
#define ouro_group_create_task(group, fn, arg) \
    ouro__group_create_task(group, fn, arg, #fn, OURO_HERE)

int ouro__group_create_task(struct ouro_group *group, ouro_task_fn *fn,
                            void *arg, const char *name, const char *site);

/**
 * The same, and wait until the new task says ouro_task_started().
 *
 * Until then its failure is the caller's, and not the group's.  `arg` is the
 * caller's until this has returned 0: where it fails, nothing runs any more.
 *
 * Returns 0: the task is ready, and now one of the group like others.
 *   -ECANCELED  the running task was cancelled, or the group has failed or was
 *               cancelled; then the task was too, and has ended
 *   -EPROTO     the task returned 0 or more, and never said that it is ready
 *   -ENOMEM     no stack; the group has not failed for it
 *   any other   what the task failed with
 */
#define ouro_group_start(group, fn, arg) \
    ouro__group_start(group, fn, arg, #fn, OURO_HERE)

OURO_SUSPENDS int ouro__group_start(struct ouro_group *group, ouro_task_fn *fn,
                                    void *arg, const char *name,
                                    const char *site);

/**
 * Tell who started the running task with ouro_group_start() that it is ready.
 * Nothing if nobody waits for that, so a function may serve both ways.
 */
void ouro_task_started(void);

/**
 * End it early: cancel its tasks, and what its owner waits for.  That is no
 * failure: ouro_group_end() returns 0 if nothing else went wrong.
 */
void ouro_group_cancel(struct ouro_group *group);

/**
 * Wait for all of them.  Every path from begin must come here.
 *
 * `result` is what the caller itself came to: negative cancels the tasks, and
 * unless it is -ECANCELED it is a failure like theirs.
 * Waits to the end even if the running task is cancelled, for the tasks use
 * its frame.  Returns the failure that came first, or `result`.
 *   -ECANCELED  the running task was cancelled while it waited
 */
OURO_SUSPENDS int ouro_group_end(struct ouro_group *group, int result);

OURO_END_DECLS

#endif
