/* SPDX-License-Identifier: MIT */
/* Protocol objects: their references, and the tasks that work for them. */
#include "protocol.h"

#include "alloc.h"
#include "task.h"

#include <ouro/transport_impl.h>

#include <errno.h>

struct ouro_protocol *
ouro_protocol_ref(struct ouro_protocol *protocol)
{
    protocol->refs++;
    return protocol;
}

struct ouro_protocol *
ouro_protocol_unref(struct ouro_protocol *protocol)
{
    if (protocol == NULL)
        return NULL;
    OURO_CHECK(protocol->refs > 0, "a reference is given back once");
    if (--protocol->refs == 0)
        ouro__protocol_free(protocol);
    return NULL;
}

/* What a task of a protocol is started with. */
struct errand {
    struct ouro_protocol *protocol;
    ouro_protocol_task_fn *fn;
    void *arg;
};

static int
run_errand(void *arg)
{
    struct errand errand = *(struct errand *)arg;

    ouro__free(arg);
    int rc = errand.fn(errand.protocol, errand.arg);

    /* The list it is in may go with the last reference. */
    ouro__list_remove(&ouro_current_task()->sibling);
    ouro_protocol_unref(errand.protocol);
    return rc;
}

static int
start_errand(struct errand *errand, const char *name, const char *site)
{
    struct ouro_protocol *protocol = errand->protocol;
    struct ouro_task *task;

    int rc = ouro__task_new(protocol->transport->loop, &task, run_errand,
                            errand, name, site);
    if (rc < 0)
        return rc;
    ouro_protocol_ref(protocol);
    ouro__list_append(&protocol->transport->tasks, &task->sibling);
    return 0;
}

int
ouro__protocol_create_task(struct ouro_protocol *protocol,
                           ouro_protocol_task_fn *fn, void *arg,
                           const char *name, const char *site)
{
    if (ouro__protocol_is_lost(protocol))
        return -ENOTCONN;

    struct errand *errand = ouro__alloc(sizeof(*errand));
    if (errand == NULL)
        return -ENOMEM;

    *errand = (struct errand){protocol, fn, arg};
    int rc = start_errand(errand, name, site);
    if (rc < 0)
        ouro__free(errand);
    return rc;
}

void
ouro__protocol_cancel_tasks(struct ouro_transport *transport)
{
    ouro__list_for_each (link, &transport->tasks) {
        struct ouro_task *task =
            OURO_CONTAINER_OF(link, struct ouro_task, sibling);

        task->told = true;
        ouro__task_interrupt(task);
    }
}
