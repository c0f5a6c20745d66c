/* SPDX-License-Identifier: MIT */
/* Waiting for some of several things, which live on whatever happens. */
#include "waiting.h"

#include <errno.h>

static size_t
take_all(struct ouro__waiting *waiting)
{
    size_t count = 0;

    ouro__list_for_each (link, &waiting->done) {
        ouro__awaited_take(OURO_CONTAINER_OF(link, struct ouro_awaited, link));
        count++;
    }
    return count;
}

ssize_t
ouro_wait(struct ouro_awaited *nodes, size_t count, int64_t timeout_ns,
          enum ouro_wait_until until)
{
    struct ouro__waiting waiting;

    int rc = ouro__waiting_begin(&waiting, nodes, count, until);
    if (rc < 0)
        return rc;

    rc = ouro__checkpoint();
    if (rc == 0 && count == 0)
        return -EINVAL;
    if (rc == 0) {
        ouro__waiting_limit(&waiting, timeout_ns);
        rc = ouro__waiting_suspend(&waiting);
    }
    ouro__waiting_end(&waiting);
    size_t done = take_all(&waiting);
    return rc < 0 ? rc : (ssize_t)done;
}
