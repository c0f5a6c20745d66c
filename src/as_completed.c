/* SPDX-License-Identifier: MIT */
/* Several things, one after the other, in the order in which they are done.
 *
 * The nodes are in lists of others until the end, and the timer among those of
 * the loop.  So the iteration is a scope of its task: who forgets the end is
 * stopped before its frame is gone.
 */
#include "waiting.h"

#include <errno.h>

void
ouro__as_completed_begin(struct ouro_as_completed *each,
                         struct ouro_awaited *nodes, size_t count,
                         int64_t timeout_ns, const char *site)
{
    struct ouro_task *task = ouro__task_here();

    ouro__scope_push(task, &each->scope, OURO__SCOPE_ITERATION, site);
    each->error = ouro__waiting_begin(&each->waiting, nodes, count, OURO__EACH);
    if (each->error == 0)
        ouro__waiting_limit(&each->waiting, timeout_ns);
}

/* Wait until one is done that was not there yet: 1; 0: each was. */
static int
wait_for_one(struct ouro__waiting *waiting)
{
    while (ouro__list_is_empty(&waiting->done)) {
        if (waiting->expired)
            return -ETIMEDOUT;
        if (waiting->left == 0)
            return 0;

        waiting->enough = false;
        int rc = ouro__waiting_suspend(waiting);
        if (rc < 0)
            return rc;
    }
    return 1;
}

int
ouro_as_completed_next(struct ouro_as_completed *each,
                       struct ouro_awaited **out_node)
{
    int rc = ouro__checkpoint();
    if (rc == 0)
        rc = each->error;
    if (rc == 0)
        rc = wait_for_one(&each->waiting);
    if (rc <= 0)
        return rc;

    struct ouro__list *link = ouro__list_shift(&each->waiting.done);
    *out_node = OURO_CONTAINER_OF(link, struct ouro_awaited, link);
    ouro__awaited_take(*out_node);
    return 1;
}

void
ouro_as_completed_end(struct ouro_as_completed *each)
{
    ouro__scope_pop(ouro__task_here(), &each->scope);
    if (each->error < 0)
        return;

    ouro__waiting_end(&each->waiting);
    ouro__list_for_each (link, &each->waiting.done)
        ouro__awaited_drop(OURO_CONTAINER_OF(link, struct ouro_awaited, link));
}
