/* SPDX-License-Identifier: MIT */
/* Locks: only one task at a time.
 *
 * A lock that is released while somebody waits has a new owner before the call
 * returns.  So it is free only when nobody waits, and to take a free one
 * overtakes nobody.
 */
#include "lock.h"

#include <errno.h>

static const struct ouro__wait_kind wait_lock = {
    .text = "a lock",
    .shape = OURO__WAIT_OWNER,
    .site = offsetof(struct ouro_lock, site),
    .owner = offsetof(struct ouro_lock, owner),
};

void
ouro__lock_init(struct ouro_lock *lock, struct ouro_loop *loop,
                const char *site)
{
    lock->loop = loop;
    lock->site = site;
    lock->owner = NULL;
    ouro__list_init(&lock->waiters);
}

void
ouro_lock_fini(struct ouro_lock *lock)
{
    OURO_CHECK_AT(ouro__list_is_empty(&lock->waiters),
                  "nobody waits for a lock that is ended", lock->site);
    OURO_CHECK_AT(lock->owner == NULL, "a lock that is ended is free",
                  lock->site);
}

int
ouro_lock_acquire(struct ouro_lock *lock)
{
    int rc = ouro__checkpoint_in(lock->loop);
    if (rc < 0)
        return rc;

    struct ouro_task *task = ouro__task_here();
    if (lock->owner == task)
        return -EDEADLK;
    if (lock->owner != NULL)
        return ouro__suspend_for(&lock->waiters, &wait_lock, lock, true);
    lock->owner = task;
    return 0;
}

void
ouro_lock_release(struct ouro_lock *lock)
{
    ouro__loop_check_owner(lock->loop);
    OURO_CHECK_AT(lock->owner != NULL, "a lock that is released is locked",
                  lock->site);

    lock->owner = ouro__wake_first(&lock->waiters, 0);
}

bool
ouro_lock_is_locked(const struct ouro_lock *lock)
{
    ouro__loop_check_owner(lock->loop);
    return lock->owner != NULL;
}

void
ouro__lock_take_to_the_end(struct ouro_lock *lock)
{
    if (lock->owner == NULL)
        lock->owner = ouro__task_here();
    else
        ouro__suspend_for(&lock->waiters, &wait_lock, lock, false);
}

void
ouro__lock_add_waiter(struct ouro_lock *lock, struct ouro_task *task)
{
    task->interruptible = false;
    task->waits_for = &wait_lock;
    task->waits_on = lock;
    ouro__list_append(&lock->waiters, &task->wake.link);
}
