/* SPDX-License-Identifier: MIT */
/* Several things that one task waits for; see waiting.h. */
#include "waiting.h"

#include <errno.h>
#include <stdio.h>

static struct ouro_future *
future_of(struct ouro_awaited *node)
{
    return node->task != NULL ? &node->task->done : node->future;
}

/* News. */

static void
tell(struct ouro__waiting *waiting)
{
    waiting->enough = true;
    ouro_future_set_result(&waiting->news, NULL);
}

static bool
is_enough(const struct ouro__waiting *waiting, int result)
{
    if (waiting->left == 0)
        return true;
    switch (waiting->until) {
    case OURO_FIRST_COMPLETED:
    case OURO__EACH:
        return true;
    case OURO_FIRST_ERROR:
        return result < 0 && result != -ECANCELED;
    case OURO__FIRST_FAILURE:
        return result < 0;
    default:
        return false;
    }
}

/* Its future may be gone by now; a task is held by who waits. */
static void
note(struct ouro_awaited *node)
{
    struct ouro__waiting *waiting = node->waiting;

    node->result =
        node->task != NULL ? node->task->result : node->handle.outcome;
    waiting->left--;
    ouro__list_append(&waiting->done, &node->link);
}

static void
node_is_done(void *arg)
{
    struct ouro_awaited *node = arg;

    note(node);
    if (is_enough(node->waiting, node->result))
        tell(node->waiting);
}

/* Its future is still to be completed, so it is alive. */
static bool
is_pending(const struct ouro_awaited *node)
{
    return node->handle.state == OURO__HANDLE_LISTED;
}

static void
let_go(struct ouro_awaited *node)
{
    ouro_handle_cancel(&node->handle);
    node->waiting->left--;
}

static void
let_all_go(struct ouro__waiting *waiting)
{
    for (size_t i = 0; i < waiting->count; i++) {
        if (is_pending(&waiting->nodes[i]))
            let_go(&waiting->nodes[i]);
    }
}

/* From begin to end. */

static void
watch(struct ouro__waiting *waiting, struct ouro_awaited *node)
{
    struct ouro_future *future = future_of(node);

    OURO_CHECK(future->loop == waiting->news.loop,
               "a future is awaited in its own loop");
    node->result = -EINPROGRESS;
    node->waiting = waiting;
    ouro_future_add_done_callback(future, &node->handle, node_is_done, node);
    node->handle.site = future->site;
}

static bool
is_one_of(const struct ouro_task *task, const struct ouro_awaited *nodes,
          size_t count)
{
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        OURO_CHECK((nodes[i].task == NULL) != (nodes[i].future == NULL),
                   "what is awaited is a task or a future, and not both");
        found = found || nodes[i].task == task;
    }
    return found;
}

int
ouro__waiting_begin(struct ouro__waiting *waiting, struct ouro_awaited *nodes,
                    size_t count, unsigned until)
{
    struct ouro_task *task = ouro__task_here();

    if (is_one_of(task, nodes, count))
        return -EDEADLK;

    *waiting = (struct ouro__waiting){
        .nodes = nodes,
        .count = count,
        .left = count,
        .until = until,
        .enough = count == 0,
    };
    ouro__list_init(&waiting->done);
    ouro__future_init(&waiting->news, task->tasks->loop, task->site);
    for (size_t i = 0; i < count; i++)
        watch(waiting, &nodes[i]);
    return 0;
}

static void
time_is_up(void *arg)
{
    struct ouro__waiting *waiting = arg;

    if (waiting->left == 0)
        return;
    waiting->expired = true;
    if (waiting->until == OURO__EACH)
        let_all_go(waiting);
    tell(waiting);
}

void
ouro__waiting_limit(struct ouro__waiting *waiting, int64_t timeout_ns)
{
    if (timeout_ns != OURO_FOREVER)
        ouro__call_later(waiting->news.loop, &waiting->timer, timeout_ns,
                         time_is_up, waiting, waiting->news.site);
}

static void
tell_left(const void *thing, char *text, size_t size)
{
    const struct ouro__waiting *waiting = thing;

    snprintf(text, size, ", %zu of %zu left", waiting->left, waiting->count);
}

static const struct ouro__wait_kind wait_things = {
    .text = "several things",
    .shape = OURO__WAIT_NODES,
    .tell = tell_left,
};

int
ouro__waiting_suspend(struct ouro__waiting *waiting)
{
    if (waiting->enough)
        return 0;

    ouro__future_init(&waiting->news, waiting->news.loop, waiting->news.site);
    return ouro__await_plainly_for(&waiting->news, &wait_things, waiting);
}

/* The same thing twice is one, and cancelled once. */
static bool
is_first_of_its_kind(struct ouro_awaited *node)
{
    ouro__list_for_each (link, &future_of(node)->waiters) {
        struct ouro_handle *handle =
            OURO_CONTAINER_OF(link, struct ouro_handle, link);

        if (handle->fn != node_is_done)
            continue;
        struct ouro_awaited *other = handle->arg;
        if (other->waiting == node->waiting)
            return other == node;
    }
    return true;
}

static void
cancel(struct ouro_awaited *node)
{
    if (node->shielded)
        let_go(node);
    else if (!is_first_of_its_kind(node))
        return;
    else if (node->task != NULL)
        ouro_task_cancel(node->task);
    else
        ouro_future_cancel(node->future);
}

void
ouro__waiting_cancel(struct ouro__waiting *waiting)
{
    waiting->until = OURO_ALL_COMPLETED;
    for (size_t i = 0; i < waiting->count; i++) {
        if (is_pending(&waiting->nodes[i]))
            cancel(&waiting->nodes[i]);
    }
    waiting->enough = waiting->left == 0;
}

void
ouro__waiting_end(struct ouro__waiting *waiting)
{
    ouro_handle_cancel(&waiting->timer);
    let_all_go(waiting);
    for (size_t i = 0; i < waiting->count; i++) {
        struct ouro_awaited *node = &waiting->nodes[i];

        if (!ouro_handle_is_pending(&node->handle))
            continue;
        ouro_handle_cancel(&node->handle);
        note(node);
    }
}

/* Failures. */

void
ouro__awaited_take(struct ouro_awaited *node)
{
    if (node->task != NULL)
        (void)ouro_task_result(node->task);
}

/* A task tells it itself when nobody holds it any more.  Of a future it is not
 * known whether another waiter took the failure: better told twice than
 * never. */
void
ouro__awaited_drop(struct ouro_awaited *node)
{
    if (node->task == NULL && node->result < 0 && node->result != -ECANCELED)
        ouro__loop_report(node->waiting->news.loop,
                          "a future failed, and nobody took its error",
                          node->result, NULL, node->handle.site);
}
