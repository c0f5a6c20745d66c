/* SPDX-License-Identifier: MIT */
/* Plain sockets of 127.0.0.1, on whichever engine a world has. */
#ifndef OURO_TEST_SOCK_SCENE_H
#define OURO_TEST_SOCK_SCENE_H

#include "world.h"

#include "loop.h"

/* The ends of a connection. */
struct ends {
    int a;
    int b;
};

static inline struct ouro__engine *
here(void)
{
    return ouro_get_running_loop()->engine;
}

static inline int
open_socket(void)
{
    return here()->sockets->open(here(), AF_INET);
}

/* Returns a socket that listens, and where. */
static inline int
listen_somewhere(int backlog, struct ouro_address *out_address)
{
    struct ouro__engine *e = here();
    struct ouro_address any;
    int fd = open_socket();

    if (fd < 0)
        return fd;
    int rc = ouro_address_parse(&any, "127.0.0.1", 0);
    if (rc == 0)
        rc = e->sockets->bind(e, fd, &any);
    if (rc == 0)
        rc = e->sockets->listen(e, fd, backlog);
    if (rc == 0)
        rc = e->sockets->local_address(e, fd, out_address);
    return rc < 0 ? rc : fd;
}

static inline int
open_ends(struct ends *ends)
{
    struct ouro_address address;
    int listener = listen_somewhere(1, &address);

    if (listener < 0)
        return listener;
    ends->a = open_socket();
    int rc = ouro_sock_connect(ends->a, &address);
    if (rc == 0)
        rc = ouro_sock_accept(listener, NULL);
    ends->b = rc;
    ouro_sock_close(listener);
    return rc < 0 ? rc : 0;
}

static inline void
close_ends(const struct ends *ends)
{
    ouro_sock_close(ends->a);
    ouro_sock_close(ends->b);
}

/* A task, of which one wants the result. */
static inline struct ouro_task *
begin(ouro_task_fn *fn, void *arg)
{
    struct ouro_task *task = NULL;
    int rc = ouro_create_task(&task, fn, arg);

    return rc < 0 ? NULL : task;
}

/* Let everybody come to where they wait. */
static inline int
settle(void)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < 5; i++)
        rc = ouro_sleep(0);
    return rc;
}

static inline int
finish(struct ouro_task *task)
{
    int rc = ouro_task_join(task);

    ouro_task_unref(task);
    return rc;
}

#endif
