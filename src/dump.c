/* SPDX-License-Identifier: MIT */
/* The dump of tasks: what each does, and what it waits for. */
#include "dump.h"

#include "backtrace.h"
#include "symbols.h"
#include "task.h"

#include <string.h>

enum {
    MOST_NAMES = 4,    /* of those a task waits for, in its line */
    MOST_INDENTED = 32 /* levels of the graph */
};

static struct ouro_task *
task_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro_task, link);
}

/* Words. */

static void
tell_name(struct ouro__text *text, const struct ouro_task *task)
{
    ouro__text_add(text, "%u '%s'", task->mark.number, task->name);
}

static void
tell_time_left(struct ouro__text *text, int64_t when_ns, int64_t now_ns)
{
    int64_t left_ms = (when_ns - now_ns + 999999) / 1000000;

    if (when_ns == OURO_FOREVER)
        ouro__text_add(text, ", for ever");
    else if (when_ns <= now_ns)
        ouro__text_add(text, ", no time left");
    else
        ouro__text_add(text, ", %lld.%03d s left", (long long)(left_ms / 1000),
                       (int)(left_ms % 1000));
}

/* What it waits for. */

static void
tell_blockers(struct ouro__text *text, struct ouro_task *task)
{
    struct ouro__edges edges = {0};
    struct ouro_task *other;
    size_t count = 0;

    while ((other = ouro__graph_next(task, &edges)) != NULL) {
        if (count++ >= MOST_NAMES)
            continue;
        ouro__text_add(text, count == 1 ? ": " : ", ");
        tell_name(text, other);
    }
    if (count > MOST_NAMES)
        ouro__text_add(text, " and %zu more", count - MOST_NAMES);
}

static const char *
site_of(const struct ouro__wait_kind *kind, const void *thing)
{
    const char *site = NULL;

    if (kind->site > 0 && thing != NULL)
        memcpy(&site, (const char *)thing + kind->site, sizeof(site));
    return site;
}

static bool
is_end_of_task(const struct ouro_task *task)
{
    if (task->waits_for->shape != OURO__WAIT_FUTURE)
        return false;

    const struct ouro_future *future = task->waits_on;
    return future->of_task;
}

static void
tell_thing(struct ouro__text *text, const struct ouro_task *task)
{
    const struct ouro__wait_kind *kind = task->waits_for;
    const char *site = site_of(kind, task->waits_on);
    char more[128] = "";

    ouro__text_add(text, " waits for %s",
                   is_end_of_task(task) ? "a task" : kind->text);
    if (kind->tell != NULL)
        kind->tell(task->waits_on, more, sizeof(more));
    ouro__text_add(text, "%s", more);
    if (site != NULL && !is_end_of_task(task))
        ouro__text_add(text, " (%s)", ouro__text_site(site));
}

static void
tell_wait(struct ouro__text *text, struct ouro_task *task, int64_t now_ns)
{
    tell_thing(text, task);
    if (task->wake.state == OURO__HANDLE_TIMER)
        tell_time_left(text, task->wake.when_ns, now_ns);
    tell_blockers(text, task);
}

/* A task. */

static void
tell_state(struct ouro__text *text, struct ouro_task *task,
           const struct ouro__running *running, int64_t now_ns)
{
    if (ouro_task_is_done(task))
        ouro__text_add(text, " has ended: %s",
                       task->result < 0 ? ouro_strerror(task->result)
                                        : "success");
    else if (task == running->task)
        ouro__text_add(text, " runs");
    else if (ouro__task_waits(task))
        tell_wait(text, task, now_ns);
    else
        ouro__text_add(text, " is ready to run");
}

static void
tell_cancel(struct ouro__text *text, const struct ouro_task *task)
{
    if (ouro_task_is_done(task))
        return;
    if (ouro__task_is_cancelled(task))
        ouro__text_add(text, ", cancelled");
    else if (task->cancels > 0 || task->told)
        ouro__text_add(text, ", cancelled behind a shield");
}

static void
tell_scope(struct ouro__text *text, struct ouro__scope *scope, const char *site,
           int64_t now_ns)
{
    static const char *const names[] = {
        [OURO__SCOPE_TIMEOUT] = "a timeout",
        [OURO__SCOPE_SHIELD] = "a shield",
        [OURO__SCOPE_GROUP] = "a group",
        [OURO__SCOPE_ITERATION] = "an iteration",
    };

    ouro__text_add(text, "    in %s (%s)", names[scope->kind],
                   ouro__text_site(site));
    if (scope->kind == OURO__SCOPE_TIMEOUT)
        tell_time_left(
            text, OURO_CONTAINER_OF(scope, struct ouro_timeout, scope)->when_ns,
            now_ns);
    else if (scope->kind == OURO__SCOPE_SHIELD)
        tell_time_left(
            text, OURO_CONTAINER_OF(scope, struct ouro_shield, scope)->when_ns,
            now_ns);
    ouro__text_end_line(text);
}

static void
tell_scopes(struct ouro__text *text, const struct ouro_task *task,
            int64_t now_ns)
{
    const char *site = task->scope_site;

    for (struct ouro__scope *scope = task->scope; scope != NULL;
         scope = scope->outer) {
        tell_scope(text, scope, site, now_ns);
        site = scope->outer_site;
    }
}

static void
tell_waiters(struct ouro__text *text, const struct ouro_task *task)
{
    unsigned count = task->mark.waiters;

    if (count == 0)
        return;
    ouro__text_add(text, "    awaited by ");
    tell_name(text, task->mark.first);
    if (count > 1)
        ouro__text_add(text, " and %u more", count - 1);
    ouro__text_end_line(text);
}

static void
tell_stack(struct ouro__text *text, struct ouro__symbols *symbols,
           const struct ouro_task *task, const struct ouro__running *running)
{
    void *frames[OURO__BACKTRACE_FRAMES];

    if (ouro_task_is_done(task))
        return;
    if (task == running->task)
        ouro__backtrace_tell(text, symbols, running->frames,
                             running->frame_count);
    else
        ouro__backtrace_tell(text, symbols, frames,
                             ouro__backtrace_of(&task->context, frames));
}

/* All of them. */

static void
tell_tasks(struct ouro__text *text, struct ouro__tasks *tasks,
           const struct ouro__running *running, bool stacks)
{
    struct ouro__engine *engine = tasks->loop->engine;
    int64_t now_ns = engine->ops->now_ns(engine);
    struct ouro__symbols *symbols = stacks ? ouro__symbols_load() : NULL;

    ouro__list_for_each (link, &tasks->all) {
        struct ouro_task *task = task_of(link);

        tell_name(text, task);
        ouro__text_add(text, " (%s)", ouro__text_site(task->site));
        tell_state(text, task, running, now_ns);
        tell_cancel(text, task);
        ouro__text_end_line(text);
        if (!ouro_task_is_done(task) && task != running->task)
            tell_scopes(text, task, now_ns);
        tell_waiters(text, task);
        if (stacks)
            tell_stack(text, symbols, task, running);
    }
    ouro__symbols_free(symbols);
}

static void
tell_visit(const struct ouro_task *task, unsigned depth, enum ouro__visit visit,
           void *arg)
{
    struct ouro__text *text = arg;
    unsigned levels = depth < MOST_INDENTED ? depth : MOST_INDENTED;

    ouro__text_add(text, "%*s", (int)(2 * levels), "");
    tell_name(text, task);
    if (visit == OURO__VISIT_CYCLE)
        ouro__text_add(text, ", a cycle");
    else if (visit == OURO__VISIT_AGAIN)
        ouro__text_add(text, ", see above");
    ouro__text_end_line(text);
}

static bool
has_waiters(struct ouro__tasks *tasks)
{
    ouro__list_for_each (link, &tasks->all) {
        if (task_of(link)->mark.waiters > 0)
            return true;
    }
    return false;
}

void
ouro__dump(struct ouro_loop *loop, struct ouro__text *text,
           const struct ouro__running *running, bool stacks)
{
    struct ouro__tasks *tasks = loop->floors[OURO__FLOOR_TASK];
    unsigned count = tasks != NULL ? ouro__graph_begin(tasks) : 0;

    ouro__text_add(text, "%u task%s", count, count == 1 ? "" : "s");
    ouro__text_end_line(text);
    if (count == 0)
        return;
    tell_tasks(text, tasks, running, stacks);
    if (!has_waiters(tasks))
        return;
    ouro__text_add(text, "who waits for whom");
    ouro__text_end_line(text);
    ouro__graph_walk(tasks, tell_visit, text);
}

void
ouro_dump_tasks_to(struct ouro_loop *loop, ouro_dump_fn *fn, void *arg,
                   const struct ouro_dump_options *options)
{
    const struct ouro__running running = {.task = ouro_current_task()};
    struct ouro__text text;

    ouro__loop_check_owner(loop);
    ouro__text_init(&text, fn, arg);
    ouro__dump(loop, &text, &running, options == NULL || !options->no_stacks);
}

void
ouro_dump_tasks(struct ouro_loop *loop, int fd)
{
    ouro_dump_tasks_to(loop, ouro__text_write, &fd, NULL);
}
