/* SPDX-License-Identifier: MIT */
/* Events: a flag to wait for. */
#include "waiters.h"

#include <ouro/sync.h>

static const struct ouro__wait_kind wait_event = {
    .text = "an event",
    .site = offsetof(struct ouro_event, site),
};

void
ouro__event_init(struct ouro_event *event, struct ouro_loop *loop,
                 const char *site)
{
    event->loop = loop;
    event->site = site;
    event->is_set = false;
    ouro__list_init(&event->waiters);
}

void
ouro_event_fini(struct ouro_event *event)
{
    OURO_CHECK_AT(ouro__list_is_empty(&event->waiters),
                  "nobody waits for an event that is ended", event->site);
}

void
ouro_event_set(struct ouro_event *event)
{
    ouro__loop_check_owner(event->loop);
    event->is_set = true;
    ouro__wake_all(&event->waiters, 0);
}

void
ouro_event_clear(struct ouro_event *event)
{
    ouro__loop_check_owner(event->loop);
    event->is_set = false;
}

bool
ouro_event_is_set(const struct ouro_event *event)
{
    ouro__loop_check_owner(event->loop);
    return event->is_set;
}

int
ouro_event_wait(struct ouro_event *event)
{
    int rc = ouro__checkpoint_in(event->loop);

    if (rc < 0 || event->is_set)
        return rc;
    return ouro__suspend_for(&event->waiters, &wait_event, event, true);
}
