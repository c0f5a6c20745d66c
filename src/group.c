/* SPDX-License-Identifier: MIT */
/* Task groups: tasks that end together, in the frame of who waits for them.
 *
 * The happy path: begin, some tasks, end waits for all of them.
 *
 * What may happen instead:
 *
 * - A child fails: the first error is kept, the siblings are told to end, and
 *   the owner is pressed: what it waits for inside the group ends.
 * - The owner comes to end with an error: that is a failure like a child's.
 * - The owner is cancelled: the children are told to end, and waited for all
 *   the same, since they use its frame.
 * - A second failure: it is kept where the owner said, or reported.
 */
#include "task.h"

#include <errno.h>
#include <stdio.h>

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

/* Failures. */

static void
keep(struct ouro_group *group, const struct ouro_exception *failure)
{
    struct ouro_failure *kept = group->room++;

    group->room_left--;
    snprintf(kept->name, sizeof(kept->name), "%s", failure->name);
    kept->site = failure->site;
    kept->error = failure->error;
}

static void
fail(struct ouro_group *group, const struct ouro_exception *failure)
{
    group->failure_count++;
    if (group->room_left > 0)
        keep(group, failure);
    else if (group->error < 0)
        ouro_loop_call_exception_handler(group->owner->tasks->loop, failure);

    if (group->error == 0)
        group->error = failure->error;
    tell_children(group);
    press_owner(group);
}

static void
child_failed(struct ouro_group *group, struct ouro_task *task)
{
    const struct ouro_exception failure = {
        .message = "a task failed after another of its group",
        .error = task->result,
        .task = task,
        .name = task->name,
        .site = task->site,
    };

    fail(group, &failure);
}

static void
owner_failed(struct ouro_group *group, int error)
{
    const struct ouro_exception failure = {
        .message = "the owner of a group failed after a task of it",
        .error = error,
        .task = group->owner,
        .name = group->owner->name,
        .site = group->empty.site,
    };

    fail(group, &failure);
}

static void
start_failed(struct ouro_group *group, int error, const char *name,
             const char *site)
{
    const struct ouro_exception failure = {
        .message = "a task of a group could not start",
        .error = error,
        .name = name,
        .site = site,
    };

    fail(group, &failure);
}

void
ouro_group_keep_failures(struct ouro_group *group, struct ouro_failure *room,
                         size_t count)
{
    group->room = room;
    group->room_left = count;
}

size_t
ouro_group_failure_count(const struct ouro_group *group)
{
    return group->failure_count;
}

/* Tasks. */

int
ouro__group_add(struct ouro_group *group, struct ouro_task **out_task,
                ouro_task_fn *fn, void *arg, const char *name, const char *site)
{
    OURO_CHECK_AT(!group->ended,
                  "a group takes tasks between its begin and its end", site);
    if (group->cancelled)
        return -ECANCELED;

    int rc = ouro__task_new(group->owner->tasks->loop, out_task, fn, arg, name,
                            site);
    if (rc < 0)
        return rc;
    (*out_task)->group = group;
    ouro__list_append(&group->tasks, &(*out_task)->sibling);
    return 0;
}

int
ouro__group_create_task(struct ouro_group *group, ouro_task_fn *fn, void *arg,
                        const char *name, const char *site)
{
    struct ouro_task *task;

    int rc = ouro__group_add(group, &task, fn, arg, name, site);
    if (rc < 0 && rc != -ECANCELED)
        start_failed(group, rc, name, site);
    return rc;
}

void
ouro__group_child_done(struct ouro_group *group, struct ouro_task *task)
{
    if (task->start != NULL)
        ouro__start_ended(task);
    else if (task->result < 0 && task->result != -ECANCELED)
        child_failed(group, task);
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

/* The end. */

static const struct ouro__wait_kind wait_group = {
    .text = "a group",
    .shape = OURO__WAIT_GROUP,
    .site = offsetof(struct ouro_group, empty.site),
};

static void
wait_for_children(struct ouro_group *group)
{
    while (!ouro__list_is_empty(&group->tasks)) {
        ouro__future_init(&group->empty, group->owner->tasks->loop,
                          group->empty.site);
        if (ouro__task_is_cancelled(group->owner))
            tell_children(group);
        if (group->cancelled)
            ouro__await_to_the_end_for(&group->empty, &wait_group, group);
        else
            ouro__await_plainly_for(&group->empty, &wait_group, group);
    }
}

int
ouro_group_end(struct ouro_group *group, int result)
{
    struct ouro_task *task = ouro__task_here();

    OURO_CHECK(task == group->owner, "a group is ended by the task that began");
    if (result == -ECANCELED)
        tell_children(group);
    else if (result < 0)
        owner_failed(group, result);
    wait_for_children(group);
    group->ended = true;

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
