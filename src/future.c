/* SPDX-License-Identifier: MIT */
/* A value that will be there later, and the handles that wait for it. */
#include "loop.h"

#include <ouro/future.h>

#include <errno.h>

void
ouro__future_init(struct ouro_future *future, struct ouro_loop *loop,
                  const char *site)
{
    future->loop = loop;
    future->result = NULL;
    future->site = site;
    future->error = -EINPROGRESS;
    future->seen = false;
    future->of_task = false;
    ouro__list_init(&future->waiters);
}

void
ouro_future_fini(struct ouro_future *future)
{
    OURO_CHECK_AT(ouro__list_is_empty(&future->waiters),
                  "nobody waits for a future that is ended", future->site);

    if (future->error < 0 && future->error != -EINPROGRESS
        && future->error != -ECANCELED && !future->seen)
        ouro__loop_report(future->loop,
                          "a future failed, and nobody looked at it",
                          future->error, NULL, future->site);
    future->seen = true;
}

static int
complete(struct ouro_future *future, void *result, int error)
{
    ouro__loop_check_owner(future->loop);
    if (future->error != -EINPROGRESS)
        return -EALREADY;

    future->result = result;
    future->error = error;
    ouro__list_for_each (link, &future->waiters) {
        struct ouro_handle *handle =
            OURO_CONTAINER_OF(link, struct ouro_handle, link);

        future->seen = true;
        handle->outcome = error;
        handle->state = OURO__HANDLE_READY;
    }
    ouro__list_splice(&future->loop->ready, &future->waiters);
    return 0;
}

int
ouro_future_set_result(struct ouro_future *future, void *result)
{
    return complete(future, result, 0);
}

int
ouro_future_set_error(struct ouro_future *future, int error)
{
    OURO_CHECK(error < 0 && error != -EINPROGRESS,
               "the error of a future is negative");

    return complete(future, NULL, error);
}

int
ouro_future_cancel(struct ouro_future *future)
{
    return complete(future, NULL, -ECANCELED);
}

bool
ouro_future_is_done(const struct ouro_future *future)
{
    return future->error != -EINPROGRESS;
}

int
ouro_future_error(struct ouro_future *future)
{
    if (future->error != -EINPROGRESS)
        future->seen = true;
    return future->error;
}

void *
ouro_future_result(const struct ouro_future *future)
{
    OURO_CHECK_AT(future->error == 0,
                  "only a future whose error is 0 has a result", future->site);

    return future->result;
}

void
ouro_future_add_done_callback(struct ouro_future *future,
                              struct ouro_handle *handle, ouro_callback_fn *fn,
                              void *arg)
{
    ouro__loop_check_owner(future->loop);
    ouro__handle_list(future->loop, handle, &future->waiters, fn, arg);
    if (future->error == -EINPROGRESS)
        return;

    future->seen = true;
    ouro__list_remove(&handle->link);
    ouro__handle_wake(handle, future->error);
}

static void
stop_loop(void *arg)
{
    ouro_loop_stop(arg);
}

int
ouro_loop_run_until_complete(struct ouro_loop *loop, struct ouro_future *future)
{
    struct ouro_handle stop = {0};

    OURO_CHECK(future->loop == loop, "a future is awaited in its own loop");
    ouro_future_add_done_callback(future, &stop, stop_loop, loop);
    ouro_loop_run_forever(loop);
    ouro_handle_cancel(&stop);
    return ouro_future_is_done(future) ? ouro_future_error(future)
                                       : -OURO_ESTOPPED;
}
