/* SPDX-License-Identifier: MIT */
/* A lock from inside: what a condition does with it. */
#ifndef OURO_LOCK_IMPL_H
#define OURO_LOCK_IMPL_H

#include "waiters.h"

#include <ouro/sync.h>

/* Take it, cancelled or not. */
void ouro__lock_take_to_the_end(struct ouro_lock *lock);

/* Let a task that waits elsewhere wait for the lock, which somebody has.  A
 * cancellation does not end that. */
void ouro__lock_add_waiter(struct ouro_lock *lock, struct ouro_task *task);

#endif
