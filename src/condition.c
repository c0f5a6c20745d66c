/* SPDX-License-Identifier: MIT */
/* Conditions: something to wait for that others change under a lock.
 *
 * The happy path:
 *
 * - A task that has the lock waits: it gives the lock up, and is in the list of
 *   the condition.
 * - It is notified: it moves to the end of the list of the lock, without having
 *   run, and cannot be cancelled out of that one.
 * - It is given the lock, runs, and returns 0.
 *
 * What may happen instead:
 *
 * - It is cancelled before it is notified: it runs without the lock, takes it
 *   as long as that may need, and returns -ECANCELED.
 */
#include "lock.h"

static const struct ouro__wait_kind wait_condition = {
    .text = "a condition",
    .site = offsetof(struct ouro_condition, site),
};

void
ouro__condition_init(struct ouro_condition *condition, struct ouro_lock *lock,
                     const char *site)
{
    condition->lock = lock;
    condition->site = site;
    condition->waiting = 0;
    ouro__list_init(&condition->waiters);
}

void
ouro_condition_fini(struct ouro_condition *condition)
{
    OURO_CHECK_AT(condition->waiting == 0,
                  "nobody waits for a condition that is ended",
                  condition->site);
}

static int
begin_wait(struct ouro_condition *condition)
{
    struct ouro_lock *lock = condition->lock;

    OURO_CHECK_AT(lock->owner == ouro__task_of(lock->loop),
                  "who waits for a condition has its lock", condition->site);
    return ouro__checkpoint();
}

static int
wait_without_lock(struct ouro_condition *condition)
{
    struct ouro_lock *lock = condition->lock;

    condition->waiting++;
    ouro_lock_release(lock);
    int rc = ouro__suspend_for(&condition->waiters, &wait_condition, condition,
                               true);
    if (rc < 0)
        ouro__lock_take_to_the_end(lock);
    condition->waiting--;
    return rc;
}

int
ouro_condition_wait(struct ouro_condition *condition)
{
    int rc = begin_wait(condition);

    return rc < 0 ? rc : wait_without_lock(condition);
}

int
ouro_condition_wait_for(struct ouro_condition *condition,
                        ouro_predicate_fn *predicate, void *arg)
{
    int rc = begin_wait(condition);

    while (rc == 0 && !predicate(arg))
        rc = ouro_condition_wait(condition);
    return rc;
}

void
ouro_condition_notify(struct ouro_condition *condition, size_t count)
{
    ouro__loop_check_owner(condition->lock->loop);
    OURO_CHECK_AT(condition->lock->owner != NULL,
                  "a condition is notified while its lock is taken",
                  condition->site);

    while (count-- > 0 && !ouro__list_is_empty(&condition->waiters)) {
        struct ouro__list *link = ouro__list_shift(&condition->waiters);

        ouro__lock_add_waiter(condition->lock, ouro__waiter_of(link));
    }
}

void
ouro_condition_notify_all(struct ouro_condition *condition)
{
    ouro_condition_notify(condition, SIZE_MAX);
}
