/* SPDX-License-Identifier: MIT */
/* Semaphores: a number of permits.
 *
 * A permit that is released while somebody waits is given on, and never free.
 * So there are free ones only when nobody waits, and to take one overtakes
 * nobody.
 */
#include "waiters.h"

#include <ouro/sync.h>

static const struct ouro__wait_kind wait_semaphore = {
    .text = "a permit of a semaphore",
    .site = offsetof(struct ouro_semaphore, site),
};

void
ouro__semaphore_init(struct ouro_semaphore *semaphore, struct ouro_loop *loop,
                     size_t permits, size_t bound, const char *site)
{
    semaphore->loop = loop;
    semaphore->site = site;
    semaphore->permits = permits;
    semaphore->bound = bound;
    ouro__list_init(&semaphore->waiters);
}

void
ouro_semaphore_fini(struct ouro_semaphore *semaphore)
{
    OURO_CHECK_AT(ouro__list_is_empty(&semaphore->waiters),
                  "nobody waits for a semaphore that is ended",
                  semaphore->site);
}

int
ouro_semaphore_acquire(struct ouro_semaphore *semaphore)
{
    int rc = ouro__checkpoint_in(semaphore->loop);

    if (rc < 0)
        return rc;
    if (semaphore->permits == 0)
        return ouro__suspend_for(&semaphore->waiters, &wait_semaphore,
                                 semaphore, true);
    semaphore->permits--;
    return 0;
}

void
ouro_semaphore_release(struct ouro_semaphore *semaphore)
{
    ouro__loop_check_owner(semaphore->loop);
    OURO_CHECK_AT(semaphore->permits < semaphore->bound,
                  "a permit is released once for each time it was acquired",
                  semaphore->site);

    if (ouro__wake_first(&semaphore->waiters, 0) == NULL)
        semaphore->permits++;
}

bool
ouro_semaphore_is_locked(const struct ouro_semaphore *semaphore)
{
    ouro__loop_check_owner(semaphore->loop);
    return semaphore->permits == 0;
}
