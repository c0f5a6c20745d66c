/* SPDX-License-Identifier: MIT */
/* A task of a group that its starter waits for until it is ready.
 *
 * The happy path: the task is made, its starter suspends, the task says that it
 * is ready, and is one of the group like others.
 *
 * What may happen instead:
 *
 * - The task ends before: its failure is the starter's, not the group's.
 * - The starter is cancelled: the task is told to end and waited for, since its
 *   `arg` is still the starter's.  To say that it is ready is then too late.
 */
#include "task.h"

#include <errno.h>

static const struct ouro__wait_kind wait_start = {
    .text = "a task of a group to be ready",
    .shape = OURO__WAIT_OWNER,
    .site = offsetof(struct ouro__start, settled.site),
    .owner = offsetof(struct ouro__start, task),
};

void
ouro__start_ended(struct ouro_task *task)
{
    struct ouro__start *start = task->start;

    task->start = NULL;
    start->result = task->result < 0 ? task->result : -EPROTO;
    ouro_future_set_result(&start->settled, NULL);
}

void
ouro_task_started(void)
{
    struct ouro_task *task = ouro__task_here();
    struct ouro__start *start = task->start;

    if (start == NULL || start->given_up)
        return;
    task->start = NULL;
    ouro_future_set_result(&start->settled, NULL);
}

/* Returns what the task came to. */
static int
give_up(struct ouro__start *start, struct ouro_task *task)
{
    start->given_up = true;
    task->told = true;
    ouro__task_interrupt(task);
    ouro__await_to_the_end_for(&start->settled, &wait_start, start);
    return start->result != -EPROTO ? start->result : -ECANCELED;
}

int
ouro__group_start(struct ouro_group *group, ouro_task_fn *fn, void *arg,
                  const char *name, const char *site)
{
    struct ouro__start start = {.result = 0};
    struct ouro_task *task;

    int rc = ouro__checkpoint();
    if (rc < 0)
        return rc;
    rc = ouro__group_add(group, &task, fn, arg, name, site);
    if (rc < 0)
        return rc;

    ouro__future_init(&start.settled, group->owner->tasks->loop, site);
    start.task = task;
    task->start = &start;
    rc = ouro__await_plainly_for(&start.settled, &wait_start, &start);
    if (rc < 0 && !ouro_future_is_done(&start.settled))
        return give_up(&start, task);
    return start.result;
}
