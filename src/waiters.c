/* SPDX-License-Identifier: MIT */
/* How tasks that wait in a list are woken. */
#include "waiters.h"

struct ouro_task *
ouro__task_of(const struct ouro_loop *loop)
{
    struct ouro_task *task = ouro__task_here();

    OURO_CHECK(task->tasks->loop == loop,
               "tasks wait for each other in one loop");
    return task;
}

int
ouro__checkpoint_in(const struct ouro_loop *loop)
{
    return ouro__checkpoint_of(ouro__task_of(loop));
}

struct ouro_task *
ouro__wake_first(struct ouro__list *waiters, int outcome)
{
    struct ouro__list *link = ouro__list_shift(waiters);

    if (link == NULL)
        return NULL;

    struct ouro_task *task = ouro__waiter_of(link);
    ouro__handle_wake(&task->wake, outcome);
    return task;
}

void
ouro__wake_all(struct ouro__list *waiters, int outcome)
{
    while (ouro__wake_first(waiters, outcome) != NULL)
        continue;
}
