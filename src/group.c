/* SPDX-License-Identifier: MIT */
/* Task groups: tasks that end together, in the frame of who waits for them.
 *
 * The happy path: begin, some tasks, end waits for all of them.
 *
 * What may happen instead:
 *
 * - A child fails: the first error is kept, the siblings are told to end, and
 *   the owner is pressed: what it waits for inside the group ends.
 * - The owner is cancelled, or comes to end with an error: the children are
 *   told to end, and waited for all the same, since they use its frame.
 */
#include "task.h"

#include <errno.h>

static void
tell_children(struct ouro_group *group)
{
    if (group->cancelled)
        return;

    group->cancelled = true;
    ouro__list_for_each (link, &group->tasks) {
        struct ouro_task *task =
            OURO_CONTAINER_OF(link, struct ouro_task, sibling);

        task->told = true;
        ouro__task_interrupt(task);
    }
}

static void
press_owner(struct ouro_group *group)
{
    group->pressing = true;
    ouro__task_count_pressing(group->owner);
    ouro__task_interrupt(group->owner);
}

static void
fail(struct ouro_group *group, int error)
{
    if (group->error == 0)
        group->error = error;
    tell_children(group);
    press_owner(group);
}

/* The owner hears of one failure only; this is another. */
static void
report(struct ouro_task *task)
{
    const struct ouro_exception exception = {
        .message = "a task failed after another of its group",
        .error = task->result,
        .task = task,
        .name = task->name,
        .site = task->site,
    };

    ouro_loop_call_exception_handler(task->tasks->loop, &exception);
}

int
ouro__group_create_task(struct ouro_group *group, ouro_task_fn *fn, void *arg,
                        const char *name, const char *site)
{
    struct ouro_task *task;

    if (group->cancelled)
        return -ECANCELED;

    int rc =
        ouro__task_new(group->owner->tasks->loop, &task, fn, arg, name, site);
    if (rc < 0) {
        fail(group, rc);
        return rc;
    }
    task->group = group;
    ouro__list_append(&group->tasks, &task->sibling);
    return 0;
}

void
ouro__group_child_done(struct ouro_group *group, struct ouro_task *task)
{
    if (task->result < 0 && task->result != -ECANCELED) {
        if (group->error < 0)
            report(task);
        fail(group, task->result);
    }
    if (ouro__list_is_empty(&group->tasks))
        ouro_future_set_result(&group->empty, NULL);
}

void
ouro_group_cancel(struct ouro_group *group)
{
    ouro__loop_check_owner(group->owner->tasks->loop);
    tell_children(group);
    press_owner(group);
}

static void
wait_for_children(struct ouro_group *group)
{
    while (!ouro__list_is_empty(&group->tasks)) {
        ouro__future_init(&group->empty, group->owner->tasks->loop,
                          group->owner->scope_site);
        if (ouro__task_is_cancelled(group->owner))
            tell_children(group);
        if (group->cancelled)
            ouro__await_to_the_end(&group->empty);
        else
            ouro__await_plainly(&group->empty);
    }
}

int
ouro_group_end(struct ouro_group *group, int result)
{
    struct ouro_task *task = ouro__task_here();

    OURO_CHECK(task == group->owner, "a group is ended by the task that began");
    if (result < 0)
        tell_children(group);
    wait_for_children(group);

    bool left_early = group->pressing && group->error == 0;
    ouro__group_pop(group);
    if (group->error < 0)
        return group->error;
    if (ouro__task_is_cancelled(task) && result >= 0 && group->cancelled)
        return -ECANCELED;
    if (left_early && result == -ECANCELED && !ouro__task_is_cancelled(task))
        return 0;
    return result;
}
