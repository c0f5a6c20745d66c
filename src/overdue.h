/* SPDX-License-Identifier: MIT */
/* Tasks that were told to end, and when it is told that one has not. */
#ifndef OURO_OVERDUE_H
#define OURO_OVERDUE_H

#include "task.h"

/* It has to end from now on.  Nothing if it had to before. */
void ouro__overdue_watch(struct ouro_task *task);

/* It was taken out of its list: no timer for an empty one. */
void ouro__overdue_left(struct ouro__tasks *tasks);

/* It has ended. */
static inline void
ouro__overdue_forget(struct ouro_task *task)
{
    if (!ouro__list_is_linked(&task->overdue))
        return;
    ouro__list_remove(&task->overdue);
    ouro__overdue_left(task->tasks);
}

/* A reason has gone: if it was the last it may go on. */
void ouro__overdue_look(struct ouro_task *task);

/* Tell the exception handler that it has not ended, once. */
void ouro__overdue_tell(struct ouro_task *task);

#endif
