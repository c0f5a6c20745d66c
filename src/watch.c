/* SPDX-License-Identifier: MIT */
/* Watches: a call in each turn in which a descriptor is ready.
 *
 * The poll of a watch is one-shot, for a multishot one tells of changes only.
 * When it completes the call is made, and at the end of that turn, when what
 * was there has been read or not, the next poll begins: it completes at once if
 * the descriptor is ready still.
 *
 * The poll is not in the watch but in a use, an allocation of its own, so that
 * the memory of a watch is the caller's as soon as it is removed.
 */
#include <ouro/watch.h>

#include "descriptors.h"

#include <ouro/transport_impl.h>

#include <errno.h>

static void
end(struct ouro_watch *watch)
{
    ouro_handle_cancel(&watch->call);
    ouro__use_end(watch->use);
    watch->use = NULL;
}

static void
lost(struct ouro_watch *watch, int error)
{
    struct ouro_loop *loop = watch->loop;
    const char *site = watch->site;

    end(watch);
    if (error != -ECANCELED)
        ouro__loop_report(loop, "a watched descriptor was closed", error, NULL,
                          site);
}

static void
ready(struct ouro__use *use, void *arg, int result)
{
    struct ouro_watch *watch = arg;

    int rc = result < 0 ? result : ouro__use_check(use);
    if (rc < 0) {
        lost(watch, rc);
        return;
    }
    ouro__use_poll_later(use, ready, watch);
    ouro__call_next(watch->loop, &watch->call, watch->fn, watch->arg,
                    watch->site);
}

static bool
is_of_transport(const struct ouro_loop *loop, int fd)
{
    ouro__list_for_each (link, &loop->transports) {
        const struct ouro_transport *transport =
            OURO_CONTAINER_OF(link, struct ouro_transport, link);

        if (transport->ops->descriptor != NULL
            && transport->ops->descriptor(transport) == fd)
            return true;
    }
    return false;
}

int
ouro__add_watch(struct ouro_loop *loop, struct ouro_watch *watch, int fd,
                bool writing, ouro_callback_fn *fn, void *arg, const char *site)
{
    enum ouro__side side = writing ? OURO__SIDE_WRITE : OURO__SIDE_READ;
    struct ouro__use *use;

    ouro__loop_check_owner(loop);
    ouro__loop_check_process(loop);
    OURO_CHECK_AT(watch->use == NULL, "a watch is added once at a time", site);
    if (is_of_transport(loop, fd))
        return -EBUSY;
    int rc = ouro__use_begin(loop, fd, side, &use);
    if (rc < 0)
        return rc;
    rc = ouro__use_identify(use);
    if (rc < 0) {
        ouro__use_end(use);
        return rc;
    }

    use->is_watch = true;
    *watch = (struct ouro_watch){
        .loop = loop,
        .use = use,
        .fn = fn,
        .arg = arg,
        .site = site,
    };
    ouro__use_poll_later(use, ready, watch);
    return 0;
}

bool
ouro_watch_remove(struct ouro_watch *watch)
{
    if (watch->use == NULL)
        return false;

    ouro__loop_check_owner(watch->loop);
    ouro__loop_check_process(watch->loop);
    end(watch);
    return true;
}
