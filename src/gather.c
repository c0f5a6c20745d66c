/* SPDX-License-Identifier: MIT */
/* Waiting for all of several things, which end with who waits.
 *
 * The happy path: each is watched, and the last to be done wakes the task.
 *
 * What may happen instead:
 *
 * - One fails: that is the result at once.  The others run on, nobody watches
 *   them any more, and their failures are told as if nobody ever had.
 * - The task is cancelled: it asks all of them to end, each time anew, and
 * waits for the last.
 */
#include "waiting.h"

#include <errno.h>

/* Returns whether the task was cancelled meanwhile. */
static bool
wait_for_all(struct ouro__waiting *waiting)
{
    int rc = ouro__checkpoint();
    if (rc == 0)
        rc = ouro__waiting_suspend(waiting);

    bool cancelled = rc < 0;
    while (rc < 0) {
        ouro__waiting_cancel(waiting);
        rc = ouro__waiting_suspend(waiting);
    }
    ouro__waiting_end(waiting);
    return cancelled;
}

static struct ouro_awaited *
node_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro_awaited, link);
}

/* The first that failed.  In a task that is cancelled, -ECANCELED is what is to
 * be expected, and anything else goes before it. */
static struct ouro_awaited *
find_failure(struct ouro__waiting *waiting, bool cancelled)
{
    struct ouro_awaited *found = NULL;

    ouro__list_for_each (link, &waiting->done) {
        struct ouro_awaited *node = node_of(link);

        if (node->result >= 0)
            continue;
        if (!cancelled || node->result != -ECANCELED)
            return node;
        if (found == NULL)
            found = node;
    }
    return found;
}

/* The same future twice is one. */
static bool
is_first_of_its_kind(struct ouro__waiting *waiting, struct ouro_awaited *node)
{
    ouro__list_for_each (link, &waiting->done) {
        if (node_of(link)->future == node->future)
            return node_of(link) == node;
    }
    return true;
}

/* Nobody is told of the failures of the others; tasks see to theirs. */
static void
drop_others(struct ouro__waiting *waiting, struct ouro_awaited *failed)
{
    ouro__list_for_each (link, &waiting->done) {
        struct ouro_awaited *node = node_of(link);

        if (node != failed && node->future != NULL && node->result < 0
            && is_first_of_its_kind(waiting, node))
            ouro__awaited_drop(node);
    }
}

int
ouro_gather(struct ouro_awaited *nodes, size_t count)
{
    struct ouro__waiting waiting;

    int rc = ouro__waiting_begin(&waiting, nodes, count, OURO__FIRST_FAILURE);
    if (rc < 0)
        return rc;

    bool cancelled = wait_for_all(&waiting);
    struct ouro_awaited *failed = find_failure(&waiting, cancelled);
    if (failed == NULL)
        return cancelled ? -ECANCELED : 0;

    ouro__awaited_take(failed);
    drop_others(&waiting, failed);
    return failed->result;
}

int
ouro_gather_all(struct ouro_awaited *nodes, size_t count)
{
    struct ouro__waiting waiting;

    int rc = ouro__waiting_begin(&waiting, nodes, count, OURO_ALL_COMPLETED);
    if (rc < 0)
        return rc;

    bool cancelled = wait_for_all(&waiting);
    ouro__list_for_each (link, &waiting.done)
        ouro__awaited_take(node_of(link));
    return cancelled ? -ECANCELED : 0;
}
