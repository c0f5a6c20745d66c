/* SPDX-License-Identifier: MIT */
/* One socket that accepts, and what it does when it cannot. */
#include "listener.h"

#include <errno.h>

/* Between two tries; twice that without a failure ends an episode. */
static const int64_t RETRY_NS = OURO_SECONDS(1);

static void
finish(struct ouro__listener *listener)
{
    struct ouro__engine *engine = listener->loop->engine;

    ouro_handle_cancel(&listener->retry);
    ouro_handle_cancel(&listener->freed);
    engine->sockets->close(engine, listener->fd);
    listener->fd = -1;
    ouro__loop_descriptor_freed(listener->loop);
    listener->closed(listener);
}

static void
try_again(void *arg)
{
    struct ouro__listener *listener = arg;

    ouro_handle_cancel(&listener->retry);
    ouro_handle_cancel(&listener->freed);
    ouro__op_submit(listener->loop->engine, &listener->op);
}

static bool
is_passing(int error)
{
    return error == -ECONNABORTED || error == -EPROTO || error == -EINTR
           || error == -EAGAIN;
}

static void
failed(struct ouro__listener *listener, int error)
{
    struct ouro_loop *loop = listener->loop;
    int64_t now_ns = ouro_loop_time_ns(loop);

    loop->stats.accept_failures++;
    if (listener->last_failure == 0
        || now_ns - listener->last_failure > 2 * RETRY_NS)
        ouro__loop_report(loop,
                          "cannot accept connections; they wait until it works "
                          "again",
                          error, "server", listener->site);
    listener->last_failure = now_ns;
    ouro_call_later(loop, &listener->retry, RETRY_NS, try_again, listener);
    ouro__handle_list(loop, &listener->freed, &loop->starved, try_again,
                      listener);
}

/* The last completion of an accept that nobody has ended. */
static void
go_on(struct ouro__listener *listener, int result)
{
    if (result >= 0 || is_passing(result))
        ouro__op_submit(listener->loop->engine, &listener->op);
    else
        failed(listener, result);
}

static void
accept_done(struct ouro__op *op, const struct ouro__completion *completion)
{
    struct ouro__listener *listener =
        OURO_CONTAINER_OF(op, struct ouro__listener, op);
    struct ouro__engine *engine = listener->loop->engine;
    int result = completion->result;

    if (listener->closing) {
        if (result >= 0)
            engine->sockets->close(engine, result);
        if (!completion->more)
            finish(listener);
        return;
    }
    /* First, for whoever hears of the descriptor may close the listener. */
    if (!completion->more)
        go_on(listener, result);
    if (result >= 0) {
        listener->loop->stats.connections_accepted++;
        listener->accepted(listener, result);
    }
}

void
ouro__listener_init(struct ouro__listener *listener, struct ouro_loop *loop,
                    int fd, const char *site)
{
    *listener = (struct ouro__listener){
        .loop = loop,
        .site = site,
        .fd = fd,
    };
    ouro__op_init(&listener->op, OURO__OP_ACCEPT, fd, accept_done);
}

void
ouro__listener_start(struct ouro__listener *listener)
{
    ouro__op_submit(listener->loop->engine, &listener->op);
}

void
ouro__listener_close(struct ouro__listener *listener)
{
    if (listener->closing)
        return;

    listener->closing = true;
    if (listener->op.in_flight)
        ouro__op_cancel(listener->loop->engine, &listener->op);
    else
        finish(listener);
}
