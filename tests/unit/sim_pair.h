/* SPDX-License-Identifier: MIT */
/* Two connected sockets of a simulated loop, made without a turn of it. */
#ifndef OURO_SIM_PAIR_H
#define OURO_SIM_PAIR_H

#include "ouro_test.h"

#include "engine_sim.h"
#include "loop.h"

#include <netinet/in.h>

static inline struct ouro__sim_engine *
engine_sim_of(struct ouro_loop *loop)
{
    return OURO_CONTAINER_OF(loop->engine, struct ouro__sim_engine, base);
}

/* The ends are the caller's, or a transport's, to close. */
static inline void
make_sim_pair(struct ouro_loop *loop, int fds[2])
{
    struct ouro__sim_engine *engine = engine_sim_of(loop);
    struct ouro__sim_net *net = &engine->net;
    int listener = ouro__sim_open(net, AF_INET);
    struct ouro__sim_socket *listening = ouro__sim_find(net, listener);

    assert_non_null(listening);
    assert_ok(ouro__sim_listen(net, listening, 1));
    fds[0] = ouro__sim_open(net, AF_INET);
    struct ouro__sim_socket *first = ouro__sim_find(net, fds[0]);

    assert_non_null(first);
    assert_ok(ouro__sim_connect_start(net, first, &listening->local,
                                      engine->now_ns, 0));
    assert_ok(ouro__sim_connect_try(net, first, engine->now_ns));
    fds[1] = ouro__sim_accept(net, listening);
    assert_true(fds[1] > 0);
    ouro__sim_close(net, listening);
}

/* What the end that has no transport does. */

static inline ssize_t
sim_send(struct ouro_loop *loop, int fd, const void *data, size_t size)
{
    const struct iovec vector = {(void *)(uintptr_t)data, size};

    return loop->engine->sockets->send(loop->engine, fd, &vector, 1);
}

static inline ssize_t
sim_receive(struct ouro_loop *loop, int fd, void *into, size_t size)
{
    return loop->engine->sockets->recv(loop->engine, fd, into, size);
}

static inline void
sim_finish(struct ouro_loop *loop, int fd)
{
    (void)loop->engine->sockets->shutdown_write(loop->engine, fd);
}

static inline void
sim_close_end(struct ouro_loop *loop, int *fd)
{
    loop->engine->sockets->close(loop->engine, *fd);
    *fd = -1;
}

static inline void
sim_reset_end(struct ouro_loop *loop, int *fd)
{
    loop->engine->sockets->set_reset(loop->engine, *fd);
    sim_close_end(loop, fd);
}

#endif
