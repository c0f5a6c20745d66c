/* SPDX-License-Identifier: MIT */
/* Cancellation, and the scopes that bound it: timeouts and shields.
 *
 * A task has to end its waits while any reason stands:
 *
 * - somebody said ouro_task_cancel(), or its group told it to end;
 * - a group of its own failed, and it is still in it;
 * - the time of an open limit is up.
 *
 * Scopes are a stack in the frames of the task.  The loop writes nothing there:
 * the task has one timer, for the earliest limit that is open.  When it calls,
 * the time goes to `fired_ns`, and a limit is up if it is not after that.  Each
 * scope remembers what was the earliest outside it, and puts that back.
 *
 * A shield begins afresh: no limit but its own counts inside it, no request
 * from outside, and of the groups only those begun within.
 */
#include "overdue.h"
#include "task.h"

#include <errno.h>

bool
ouro__task_is_cancelled(const struct ouro_task *task)
{
    bool asked = task->cancels > 0 || task->told;

    return (asked && task->shield == NULL) || task->pressing > 0
           || task->limit_ns <= task->fired_ns;
}

void
ouro_task_cancel(struct ouro_task *task)
{
    ouro__loop_check_owner(task->tasks->loop);
    if (ouro_task_is_done(task))
        return;

    task->cancels++;
    ouro__task_interrupt(task);
}

unsigned
ouro_task_cancelling(const struct ouro_task *task)
{
    return task->cancels;
}

unsigned
ouro_uncancel(void)
{
    struct ouro_task *task = ouro__task_here();

    if (task->cancels > 0)
        task->cancels--;
    ouro__overdue_look(task);
    return task->cancels;
}

/* Limits. */

static void
limit_is_up(void *arg)
{
    struct ouro_task *task = arg;

    task->fired_ns = ouro_loop_time_ns(task->tasks->loop);
    ouro__task_interrupt(task);
}

static void
set_limit(struct ouro_task *task, int64_t when_ns)
{
    if (when_ns == task->limit_ns)
        return;

    task->limit_ns = when_ns;
    /* It may be due already, and queued behind this step. */
    ouro_handle_cancel(&task->limit);
    if (when_ns != OURO_FOREVER && when_ns > task->fired_ns)
        ouro__call_at(task->tasks->loop, &task->limit, when_ns, limit_is_up,
                      task, task->scope_site);
}

static int64_t
time_after(const struct ouro_task *task, int64_t delay_ns)
{
    if (delay_ns == OURO_FOREVER)
        return OURO_FOREVER;

    int64_t now_ns = ouro_loop_time_ns(task->tasks->loop);
    if (delay_ns <= 0)
        return now_ns;
    return delay_ns > OURO_FOREVER - now_ns ? OURO_FOREVER : now_ns + delay_ns;
}

/* The stack of scopes. */

void
ouro__scope_push(struct ouro_task *task, struct ouro__scope *scope,
                 enum ouro__scope_kind kind, const char *site)
{
    scope->outer = task->scope;
    scope->outer_site = task->scope_site;
    scope->kind = kind;
    task->scope = scope;
    task->scope_site = site;
}

void
ouro__scope_pop(struct ouro_task *task, struct ouro__scope *scope)
{
    OURO_CHECK_AT(task->scope == scope,
                  "what a task begins must be ended on every path",
                  task->scope_site != NULL ? task->scope_site : task->site);

    task->scope = scope->outer;
    task->scope_site = scope->outer_site;
}

void
ouro__task_count_pressing(struct ouro_task *task)
{
    task->pressing = 0;
    for (struct ouro__scope *scope = task->scope;
         scope != NULL && scope->kind != OURO__SCOPE_SHIELD;
         scope = scope->outer) {
        if (scope->kind == OURO__SCOPE_GROUP)
            task->pressing +=
                OURO_CONTAINER_OF(scope, struct ouro_group, scope)->pressing;
    }
}

/* The earliest limit that counts inside `scope`.  Each scope up to the
 * outermost is told again what is the earliest outside it. */
static int64_t
limit_in(struct ouro__scope *scope)
{
    if (scope == NULL)
        return OURO_FOREVER;

    int64_t outer_when_ns = limit_in(scope->outer);
    if (scope->kind == OURO__SCOPE_TIMEOUT) {
        struct ouro_timeout *timeout =
            OURO_CONTAINER_OF(scope, struct ouro_timeout, scope);

        timeout->outer_when_ns = outer_when_ns;
        return timeout->when_ns < outer_when_ns ? timeout->when_ns
                                                : outer_when_ns;
    }
    if (scope->kind == OURO__SCOPE_SHIELD) {
        struct ouro_shield *shield =
            OURO_CONTAINER_OF(scope, struct ouro_shield, scope);

        shield->outer_when_ns = outer_when_ns;
        return shield->when_ns;
    }
    return outer_when_ns;
}

/* Timeouts. */

/* A limit is up when the timer calls, be it late: what is in the past, or is
 * the time at which it called last, is still to come for a new limit. */
static int64_t
still_to_come(const struct ouro_task *task, int64_t when_ns)
{
    return when_ns > task->fired_ns ? when_ns : task->fired_ns + 1;
}

void
ouro__timeout_begin_at(struct ouro_timeout *timeout, int64_t when_ns,
                       const char *site)
{
    struct ouro_task *task = ouro__task_here();

    ouro__scope_push(task, &timeout->scope, OURO__SCOPE_TIMEOUT, site);
    timeout->task = task;
    timeout->when_ns = still_to_come(task, when_ns);
    timeout->outer_when_ns = task->limit_ns;
    if (timeout->when_ns < task->limit_ns)
        set_limit(task, timeout->when_ns);
}

void
ouro__timeout_begin(struct ouro_timeout *timeout, int64_t delay_ns,
                    const char *site)
{
    int64_t when_ns = time_after(ouro__task_here(), delay_ns);

    ouro__timeout_begin_at(timeout, when_ns, site);
}

int
ouro_timeout_reschedule_at(struct ouro_timeout *timeout, int64_t when_ns)
{
    struct ouro_task *task = timeout->task;

    ouro__loop_check_owner(task->tasks->loop);
    if (ouro_timeout_expired(timeout))
        return -EALREADY;

    timeout->when_ns = still_to_come(task, when_ns);
    set_limit(task, limit_in(task->scope));
    return 0;
}

int
ouro_timeout_reschedule(struct ouro_timeout *timeout, int64_t delay_ns)
{
    return ouro_timeout_reschedule_at(timeout,
                                      time_after(timeout->task, delay_ns));
}

int64_t
ouro_timeout_when_ns(const struct ouro_timeout *timeout)
{
    return timeout->when_ns;
}

ssize_t
ouro_timeout_end(struct ouro_timeout *timeout, ssize_t result)
{
    struct ouro_task *task = ouro__task_here();
    bool expired = timeout->when_ns <= task->fired_ns;

    ouro__scope_pop(task, &timeout->scope);
    set_limit(task, timeout->outer_when_ns);
    if (expired)
        ouro__overdue_look(task);
    if (result == -ECANCELED && expired && !ouro__task_is_cancelled(task))
        return -ETIMEDOUT;
    return result;
}

bool
ouro_timeout_expired(const struct ouro_timeout *timeout)
{
    return timeout->when_ns <= timeout->task->fired_ns;
}

/* Shields. */

void
ouro__shield_begin(struct ouro_shield *shield, int64_t limit_ns,
                   const char *site)
{
    struct ouro_task *task = ouro__task_here();

    ouro__scope_push(task, &shield->scope, OURO__SCOPE_SHIELD, site);
    shield->outer_shield = task->shield;
    shield->outer_when_ns = task->limit_ns;
    shield->when_ns = still_to_come(task, time_after(task, limit_ns));
    task->shield = &shield->scope;
    ouro__task_count_pressing(task);
    set_limit(task, shield->when_ns);
}

ssize_t
ouro_shield_end(struct ouro_shield *shield, ssize_t result)
{
    struct ouro_task *task = ouro__task_here();
    bool expired = shield->when_ns <= task->fired_ns;

    ouro__scope_pop(task, &shield->scope);
    task->shield = shield->outer_shield;
    ouro__task_count_pressing(task);
    set_limit(task, shield->outer_when_ns);
    if (expired)
        ouro__overdue_look(task);
    return result == -ECANCELED && expired ? -ETIMEDOUT : result;
}

/* Groups; the rest of them is in group.c. */

void
ouro__group_begin(struct ouro_group *group, const char *site)
{
    struct ouro_task *task = ouro__task_here();

    *group = (struct ouro_group){.owner = task};
    ouro__list_init(&group->tasks);
    ouro__future_init(&group->empty, task->tasks->loop, site);
    ouro__scope_push(task, &group->scope, OURO__SCOPE_GROUP, site);
}

void
ouro__group_pop(struct ouro_group *group)
{
    struct ouro_task *task = ouro__task_here();

    ouro__scope_pop(task, &group->scope);
    ouro__task_count_pressing(task);
    if (group->pressing)
        ouro__overdue_look(task);
}
