/* SPDX-License-Identifier: MIT */
/* Tasks that wait in a list, in the order they came, to be handed something.
 *
 * It is given by whoever gives it up: the first in the list is taken out and
 * woken, and from then on has it.  A cancellation takes a task out of the list
 * at once (ouro__task_interrupt), so that nothing is ever given to one whose
 * call fails; and one that was woken is in no list, so that its call does not.
 */
#ifndef OURO_WAITERS_H
#define OURO_WAITERS_H

#include "task.h"

/* The running task; stops the program unless it is one of `loop`. */
struct ouro_task *ouro__task_of(const struct ouro_loop *loop);

/* Begin a call that may wait for what belongs to `loop`: 0, or -ECANCELED. */
OURO_MUST_USE int ouro__checkpoint_in(const struct ouro_loop *loop);

/* Take the first out, to run with `outcome`.  NULL: nobody waits. */
struct ouro_task *ouro__wake_first(struct ouro__list *waiters, int outcome);

/* All that are in it now. */
void ouro__wake_all(struct ouro__list *waiters, int outcome);

/* The task that waits with this link. */
static inline struct ouro_task *
ouro__waiter_of(struct ouro__list *link)
{
    struct ouro_handle *handle =
        OURO_CONTAINER_OF(link, struct ouro_handle, link);

    return OURO_CONTAINER_OF(handle, struct ouro_task, wake);
}

#endif
