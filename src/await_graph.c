/* SPDX-License-Identifier: MIT */
/* Which task waits for which; see await_graph.h. */
#include "waiting.h"

enum state { NEW, ON_PATH, DONE };

static struct ouro_task *
task_of(const struct ouro__list *link)
{
    return OURO_CONTAINER_OF((struct ouro__list *)(uintptr_t)link,
                             struct ouro_task, link);
}

/* Edges. */

static struct ouro_task *
task_of_future(const struct ouro_future *future)
{
    if (!future->of_task)
        return NULL;
    return OURO_CONTAINER_OF((struct ouro_future *)(uintptr_t)future,
                             struct ouro_task, done);
}

/* Whether it is a task that lives.  A lock may be owned by one that has ended,
 * and whose memory is another's by now. */
static bool
is_alive(struct ouro__tasks *tasks, const struct ouro_task *task)
{
    if (task == tasks->found)
        return task != NULL;
    ouro__list_for_each (link, &tasks->all) {
        if (task_of(link) == task) {
            tasks->found = task;
            return true;
        }
    }
    return false;
}

/* It takes a search, so it is kept for the other questions of a dump. */
static struct ouro_task *
find_owner(const struct ouro_task *task)
{
    const struct ouro__wait_kind *kind = task->waits_for;

    if (!ouro__task_waits(task) || kind->shape != OURO__WAIT_OWNER)
        return NULL;

    const void *place = (const char *)task->waits_on + kind->owner;
    struct ouro_task *owner = *(struct ouro_task *const *)place;
    return is_alive(task->tasks, owner) ? owner : NULL;
}

static struct ouro_task *
next_child(const struct ouro_group *group, struct ouro__edges *edges)
{
    const struct ouro__list *head = &group->tasks;
    const struct ouro__list *link = edges->at != NULL ? edges->at : head;

    link = link->next;
    if (link == head)
        return NULL;
    edges->at = link;
    return OURO_CONTAINER_OF((struct ouro__list *)(uintptr_t)link,
                             struct ouro_task, sibling);
}

static struct ouro_task *
next_node(const struct ouro__waiting *waiting, struct ouro__edges *edges)
{
    while (edges->index < waiting->count) {
        const struct ouro_awaited *node = &waiting->nodes[edges->index++];
        struct ouro_task *task = node->task;

        if (node->handle.state != OURO__HANDLE_LISTED)
            continue;
        if (task == NULL)
            task = task_of_future(node->future);
        if (task != NULL)
            return task;
    }
    return NULL;
}

struct ouro_task *
ouro__graph_next(struct ouro_task *task, struct ouro__edges *edges)
{
    const enum ouro__wait_shape shape =
        task->waits_for != NULL ? task->waits_for->shape : OURO__WAIT_PLAIN;

    if (!ouro__task_waits(task))
        return NULL;
    if (shape == OURO__WAIT_GROUP)
        return next_child(task->waits_on, edges);
    if (shape == OURO__WAIT_NODES)
        return next_node(task->waits_on, edges);
    if (edges->index++ > 0)
        return NULL;
    if (shape == OURO__WAIT_FUTURE)
        return task_of_future(task->waits_on);
    return task->mark.owner;
}

/* Marks. */

/* Two of its nodes may be the same task. */
static void
note_waiter(struct ouro_task *task, const struct ouro_task *waiter)
{
    struct ouro__mark *mark = &task->mark;

    if (mark->last == waiter)
        return;
    mark->last = waiter;
    if (mark->waiters++ == 0)
        mark->first = waiter;
}

unsigned
ouro__graph_begin(struct ouro__tasks *tasks)
{
    unsigned count = 0;

    tasks->found = NULL;
    ouro__list_for_each (link, &tasks->all) {
        struct ouro_task *task = task_of(link);

        task->mark = (struct ouro__mark){
            .number = ++count,
            .owner = find_owner(task),
        };
    }
    ouro__list_for_each (link, &tasks->all) {
        struct ouro_task *task = task_of(link);
        struct ouro__edges edges = {0};
        struct ouro_task *other;

        while ((other = ouro__graph_next(task, &edges)) != NULL)
            note_waiter(other, task);
    }
    return count;
}

/* The walk. */

static enum ouro__visit
kind_of_visit(const struct ouro_task *task)
{
    switch (task->mark.state) {
    case NEW:
        return OURO__VISIT_NEW;
    case ON_PATH:
        return OURO__VISIT_CYCLE;
    default:
        return OURO__VISIT_AGAIN;
    }
}

/* Depth first.  The path is kept in the tasks: it may be as long as there are
 * tasks, and stacks are small. */
static void
walk_from(struct ouro_task *task, ouro__visit_fn *fn, void *arg)
{
    unsigned depth = 0;

    fn(task, depth, OURO__VISIT_NEW, arg);
    task->mark.state = ON_PATH;
    while (task != NULL) {
        struct ouro_task *next = ouro__graph_next(task, &task->mark.walked);

        if (next == NULL) {
            task->mark.state = DONE;
            task = task->mark.parent;
            depth--;
            continue;
        }
        fn(next, depth + 1, kind_of_visit(next), arg);
        if (next->mark.state != NEW)
            continue;
        next->mark.state = ON_PATH;
        next->mark.parent = task;
        task = next;
        depth++;
    }
}

static bool
has_edges(struct ouro_task *task)
{
    struct ouro__edges edges = {0};

    return ouro__graph_next(task, &edges) != NULL;
}

void
ouro__graph_walk(struct ouro__tasks *tasks, ouro__visit_fn *fn, void *arg)
{
    ouro__list_for_each (link, &tasks->all) {
        struct ouro_task *task = task_of(link);

        if (task->mark.waiters == 0 && has_edges(task))
            walk_from(task, fn, arg);
    }
    ouro__list_for_each (link, &tasks->all) {
        struct ouro_task *task = task_of(link);

        if (task->mark.state == NEW && has_edges(task))
            walk_from(task, fn, arg);
    }
}
