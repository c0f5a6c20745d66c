/* SPDX-License-Identifier: MIT */
/* A simulated network, and words for what its sockets do. */
#ifndef OURO_SIM_NET_FIXTURE_H
#define OURO_SIM_NET_FIXTURE_H

#include "ouro_test.h"

#include "list.h"
#include "sim_net.h"

#include <poll.h>
#include <string.h>

enum { BUFFER_SIZE = 90 };

struct fixture {
    struct ouro__sim_net net;
    unsigned changes;
    struct ouro__sim_socket *changed;
    uint32_t events;
    struct ouro__sim_socket *listener;
    struct ouro__sim_socket *client;
    struct ouro__sim_socket *server;
};

static inline void
see_change(struct ouro__sim_net *net, struct ouro__sim_socket *socket,
           uint32_t events)
{
    struct fixture *f = OURO_CONTAINER_OF(net, struct fixture, net);

    f->changes++;
    f->changed = socket;
    f->events = events;
}

static inline struct ouro__sim_socket *
make_socket(struct fixture *f, int family)
{
    struct ouro__sim_socket *socket =
        ouro__sim_find(&f->net, ouro__sim_open(&f->net, family));

    assert_non_null(socket);
    return socket;
}

static inline struct ouro_address
literal(const char *text, uint16_t port)
{
    struct ouro_address address;

    assert_ok(ouro_address_parse(&address, text, port));
    return address;
}

static inline int
bind_to(struct fixture *f, struct ouro__sim_socket *socket, const char *text,
        uint16_t port)
{
    struct ouro_address address = literal(text, port);

    return ouro__sim_bind(&f->net, socket, &address);
}

static inline struct ouro__sim_socket *
listen_at(struct fixture *f, const char *text, uint16_t port, int backlog)
{
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    struct ouro__sim_socket *socket = make_socket(f, family);

    assert_ok(bind_to(f, socket, text, port));
    assert_ok(ouro__sim_listen(&f->net, socket, backlog));
    return socket;
}

static inline int
connect_to(struct fixture *f, struct ouro__sim_socket *socket, const char *text,
           uint16_t port)
{
    struct ouro_address to = literal(text, port);
    int rc = ouro__sim_connect_start(&f->net, socket, &to, 0, 0);

    return rc < 0 ? rc : ouro__sim_connect_try(&f->net, socket, 1);
}

static inline struct ouro__sim_socket *
accept_from(struct fixture *f, struct ouro__sim_socket *listener)
{
    return ouro__sim_find(&f->net, ouro__sim_accept(&f->net, listener));
}

/* Connect f->client with f->server. */
static inline void
make_pair(struct fixture *f)
{
    f->listener = listen_at(f, "127.0.0.1", 80, 10);
    f->client = make_socket(f, AF_INET);
    assert_ok(connect_to(f, f->client, "127.0.0.1", 80));
    f->server = accept_from(f, f->listener);
    assert_non_null(f->server);
}

static inline ssize_t
put(struct fixture *f, struct ouro__sim_socket *socket, const char *text)
{
    char copy[256];
    struct iovec vector = {copy, strlen(text)};

    memcpy(copy, text, vector.iov_len);
    return ouro__sim_send(&f->net, socket, &vector, 0, vector.iov_len);
}

static inline void
assert_gets(struct fixture *f, struct ouro__sim_socket *socket,
            const char *text)
{
    char bytes[256];
    ssize_t size = ouro__sim_recv(&f->net, socket, bytes, sizeof(bytes));

    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
}

static inline ssize_t
get(struct fixture *f, struct ouro__sim_socket *socket)
{
    char byte;

    return ouro__sim_recv(&f->net, socket, &byte, 1);
}

static inline uint32_t
poll_of(struct fixture *f, struct ouro__sim_socket *socket)
{
    return ouro__sim_poll(&f->net, socket);
}

static inline void
reset_by(struct fixture *f, struct ouro__sim_socket *socket)
{
    socket->resets = true;
    ouro__sim_close(&f->net, socket);
}

static inline int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    assert_ok(ouro__sim_net_init(&f.net, see_change, BUFFER_SIZE, SIZE_MAX));
    *state = &f;
    return 0;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro__sim_net_fini(&f->net);
    return 0;
}

#endif
