/* SPDX-License-Identifier: MIT */
/* Barriers: a place where tasks meet.
 *
 * A round, and the next:
 *
 * - It fills: tasks wait in the list.
 * - The last comes, and goes on at once.  The others are taken out of the list
 *   and woken, each with its number: they are leaving.
 * - While it drains, tasks that come wait in the list, however many.
 * - The last that leaves begins the next round with those in the list, and if
 *   they are enough, wakes them.
 *
 * What may happen instead:
 *
 * - It is reset or aborted: those in the list are leaving, with an error.
 * - A task is cancelled: it is out of the list at once, but `inside` until it
 *   has run.  So `inside` less `leaving` is how many may be in the list, and
 *   only when that would be enough are they counted.
 */
#include "waiters.h"

#include <ouro/sync.h>

#include <errno.h>
#include <limits.h>

static const struct ouro__wait_kind wait_barrier = {
    .text = "others at a barrier",
    .site = offsetof(struct ouro_barrier, site),
};

void
ouro__barrier_init(struct ouro_barrier *barrier, struct ouro_loop *loop,
                   size_t parties, const char *site)
{
    OURO_CHECK_AT(parties > 0 && parties <= INT_MAX,
                  "a barrier is for one task at least", site);

    barrier->loop = loop;
    barrier->site = site;
    barrier->parties = parties;
    barrier->inside = 0;
    barrier->leaving = 0;
    barrier->is_broken = false;
    ouro__list_init(&barrier->waiters);
}

void
ouro_barrier_fini(struct ouro_barrier *barrier)
{
    OURO_CHECK_AT(barrier->inside == 0,
                  "nobody waits at a barrier that is ended", barrier->site);
}

static size_t
count_waiters(const struct ouro_barrier *barrier)
{
    size_t count = 0;

    ouro__list_for_each (link, &barrier->waiters)
        count++;
    return count;
}

/* Whether there are enough, with `more` that are not in the list. */
static bool
is_full(const struct ouro_barrier *barrier, size_t more)
{
    return barrier->inside - barrier->leaving + more >= barrier->parties
           && count_waiters(barrier) + more >= barrier->parties;
}

static void
let_go(struct ouro_barrier *barrier, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ouro__wake_first(&barrier->waiters, (int)i);
        barrier->leaving++;
    }
}

static void
turn_away(struct ouro_barrier *barrier)
{
    while (ouro__wake_first(&barrier->waiters, -OURO_EBROKEN) != NULL)
        barrier->leaving++;
}

static void
leave(struct ouro_barrier *barrier)
{
    barrier->leaving--;
    if (barrier->leaving == 0 && is_full(barrier, 0))
        let_go(barrier, barrier->parties);
}

int
ouro_barrier_wait(struct ouro_barrier *barrier)
{
    int rc = ouro__checkpoint_in(barrier->loop);

    if (rc < 0)
        return rc;
    if (barrier->is_broken)
        return -OURO_EBROKEN;
    if (barrier->leaving == 0 && is_full(barrier, 1)) {
        let_go(barrier, barrier->parties - 1);
        return (int)barrier->parties - 1;
    }

    barrier->inside++;
    rc = ouro__suspend_for(&barrier->waiters, &wait_barrier, barrier, true);
    barrier->inside--;
    if (rc != -ECANCELED)
        leave(barrier);
    return rc;
}

void
ouro_barrier_reset(struct ouro_barrier *barrier)
{
    ouro__loop_check_owner(barrier->loop);
    barrier->is_broken = false;
    if (barrier->leaving == 0)
        turn_away(barrier);
}

void
ouro_barrier_abort(struct ouro_barrier *barrier)
{
    ouro__loop_check_owner(barrier->loop);
    barrier->is_broken = true;
    turn_away(barrier);
}

bool
ouro_barrier_is_broken(const struct ouro_barrier *barrier)
{
    ouro__loop_check_owner(barrier->loop);
    return barrier->is_broken;
}

size_t
ouro_barrier_parties(const struct ouro_barrier *barrier)
{
    ouro__loop_check_owner(barrier->loop);
    return barrier->parties;
}

size_t
ouro_barrier_waiting(const struct ouro_barrier *barrier)
{
    ouro__loop_check_owner(barrier->loop);
    return barrier->leaving > 0 ? 0 : count_waiters(barrier);
}
