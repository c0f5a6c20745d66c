/* SPDX-License-Identifier: MIT */
/* A task from inside: what scopes, groups and the floors above may touch. */
#ifndef OURO_TASK_IMPL_H
#define OURO_TASK_IMPL_H

#include "await_graph.h"
#include "context.h"
#include "loop.h"
#include "stack.h"
#include "wait_kind.h"

#include <ouro/task.h>

/* Waits that need not suspend, before a task has to let others run. */
enum { OURO__TASK_BUDGET = 128 };

enum ouro__scope_kind {
    OURO__SCOPE_TIMEOUT,
    OURO__SCOPE_SHIELD,
    OURO__SCOPE_GROUP,
    OURO__SCOPE_ITERATION
};

/* In the frame of who started a task, and waits until it is ready. */
struct ouro__start {
    struct ouro_task *task;
    struct ouro_future settled; /* it is ready, or has ended */
    int result;                 /* of a task that ended before */
    bool given_up;              /* it was told to end */
};

/* What the floor keeps for a loop. */
struct ouro__tasks {
    struct ouro_loop *loop;
    struct ouro__context main; /* of the loop: where tasks come from */
    struct ouro__stack_pool stacks;
    struct ouro_handle trim_timer; /* while the stacks keep many pages */
    struct ouro__list all;     /* every task whose memory is not given back */
    struct ouro__list overdue; /* those that have to end; overdue.c */
    struct ouro_handle overdue_timer; /* for the first of them */
    bool borrowed; /* a thread that does not end uses the frame of one */
    const struct ouro_task *found; /* of them, by the last search; a dump's */
};

/*
 * A task stands at the top of its own stack, so that a parked one costs a
 * single page.
 *
 * It is suspended in one of three ways, and `wake` says which: it is in a list
 * or among the timers (it waits), it is ready (woken, its next step is queued),
 * or idle (it runs).
 */
struct ouro_task {
    /* What every suspension touches: three lines of the cache. */
    struct ouro__context context;
    struct ouro__tasks *tasks;
    int64_t limit_ns;           /* the earliest limit that is open */
    int64_t fired_ns;           /* when `limit` last called */
    struct ouro__scope *shield; /* the innermost that is one */
    unsigned cancels;           /* by ouro_task_cancel() */
    unsigned pressing;          /* groups of its own that failed */
    unsigned budget;
    bool told;          /* by the group it belongs to */
    bool interruptible; /* a cancel may end the wait it is in */
    bool seen;          /* somebody took the result */
    const struct ouro__wait_kind *waits_for; /* in its last suspension */
    const void *waits_on;                    /* NULL: there is no thing */
    struct ouro_handle wake; /* its next step, or what it waits for */

    ouro_task_fn *fn;
    void *arg;
    const char *name;
    const char *site;
    void *locals;
    void *parcel; /* what it waits with, or was handed */
    void *stack;  /* its lowest byte */
    struct ouro_future done;
    struct ouro__list link;    /* in tasks->all */
    struct ouro__list sibling; /* in the list of a group or a protocol */
    struct ouro_group *group;  /* NULL: it is in none */
    struct ouro__start *start; /* NULL: it is ready, or nobody asked */
    unsigned refs;
    int result;                /* -EINPROGRESS until it is done */
    struct ouro__scope *scope; /* the innermost that is open; see scope.c */
    const char *scope_site;
    struct ouro_handle limit;  /* the timer of limit_ns */
    struct ouro__mark mark;    /* of a dump */
    struct ouro__list overdue; /* in tasks->overdue: it has to end */
    int64_t overdue_ns;        /* when it is told that it has not */
    bool overdue_told;
    bool left; /* when its run ended, which told it to */
};

/* The task that runs; stops the program where there is none. */
struct ouro_task *ouro__task_here(void);

/* Begin a wait: 0, or -ECANCELED.  Every call that suspends comes here first;
 * now and then it lets others run. */
OURO_MUST_USE int ouro__checkpoint(void);

/* The same for who knows that `task` is the running one. */
OURO_MUST_USE int ouro__checkpoint_of(struct ouro_task *task);

/* Whether calls of `task` that suspend have to fail. */
bool ouro__task_is_cancelled(const struct ouro_task *task);

/* Whether it is suspended, and is not to go on yet. */
static inline bool
ouro__task_waits(const struct ouro_task *task)
{
    return task->wake.state == OURO__HANDLE_LISTED
           || task->wake.state == OURO__HANDLE_TIMER;
}

/* A reason to cancel came up: end the wait it is in, if that may be. */
void ouro__task_interrupt(struct ouro_task *task);

/* Suspend until `future` is done, cancelled or not.  For clean-up that must
 * not be cut short.  `thing` is what a dump says that it waits for.  Returns
 * the error of the future. */
int ouro__await_to_the_end_for(struct ouro_future *future,
                               const struct ouro__wait_kind *kind,
                               const void *thing);

/* ouro_await(), for what `thing` is.  */
int ouro__await_for(struct ouro_future *future,
                    const struct ouro__wait_kind *kind, const void *thing);

/* As that, but no checkpoint at the beginning. */
int ouro__await_plainly_for(struct ouro_future *future,
                            const struct ouro__wait_kind *kind,
                            const void *thing);

/* Suspend at the end of `list`, until somebody takes `wake` out and wakes it;
 * no checkpoint at the beginning.  Returns the outcome it is woken with.  Where
 * a cancellation may end that, -ECANCELED, and then it is in no list. */
int ouro__suspend_for(struct ouro__list *list,
                      const struct ouro__wait_kind *kind, const void *thing,
                      bool interruptible);

/* A future that is known to who awaits it. */
extern const struct ouro__wait_kind ouro__wait_future;

static inline int
ouro__await_to_the_end(struct ouro_future *future)
{
    return ouro__await_to_the_end_for(future, &ouro__wait_future, future);
}

static inline int
ouro__await_plainly(struct ouro_future *future)
{
    return ouro__await_plainly_for(future, &ouro__wait_future, future);
}

/* Create a task that is in `siblings` until it is done; NULL: in none. */
OURO_MUST_USE int ouro__task_new(struct ouro_loop *loop,
                                 struct ouro_task **out_task, ouro_task_fn *fn,
                                 void *arg, const char *name, const char *site);

/* Put `scope` on the stack of scopes of the running task, and take it off. */
void ouro__scope_push(struct ouro_task *task, struct ouro__scope *scope,
                      enum ouro__scope_kind kind, const char *site);
void ouro__scope_pop(struct ouro_task *task, struct ouro__scope *scope);

/* Start a task of `group`; that it could not start is no failure of it yet. */
OURO_MUST_USE int ouro__group_add(struct ouro_group *group,
                                  struct ouro_task **out_task, ouro_task_fn *fn,
                                  void *arg, const char *name,
                                  const char *site);

/* A task has ended before it was ready. */
void ouro__start_ended(struct ouro_task *task);

/* A child of `group` is done. */
void ouro__group_child_done(struct ouro_group *group, struct ouro_task *task);

/* Take `group` off the stack of scopes of the running task. */
void ouro__group_pop(struct ouro_group *group);

/* Count again how many groups within the innermost shield press `task`. */
void ouro__task_count_pressing(struct ouro_task *task);

/* The task whose stack's guard is at `address`, or NULL.  For a signal handler
 * on the thread of a loop. */
const struct ouro_task *ouro__task_of_guard(const void *address);

#endif
