/* SPDX-License-Identifier: MIT */
/* The sockets of the simulated network: their numbers, and how they meet.
 *
 * A number is the lowest that is free, as the kernel's are, so that a program
 * that uses one too long meets a stranger.
 *
 * A connection is a pair of sockets that is made whole when the connect
 * arrives; the second waits in the queue of the listener without a number.
 * Closing the listener resets it, unseen.  A queue takes one more than the
 * backlog says, as Linux does; who comes then knocks until there is room.
 */
#include "sim_net.h"

#include "alloc.h"
#include "list.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

static struct ouro__sim_socket *
socket_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro__sim_socket, link);
}

static void
leave_list(struct ouro__sim_socket *socket)
{
    if (ouro__list_is_linked(&socket->link))
        ouro__list_remove(&socket->link);
}

static struct ouro__sim_socket *
socket_new(int family)
{
    struct ouro__sim_socket *socket = ouro__alloc_zeroed(sizeof(*socket));

    if (socket == NULL)
        return NULL;
    socket->fd = -1;
    socket->family = family;
    ouro__list_init(&socket->queue);
    ouro__list_init(&socket->knocking);
    return socket;
}

static void
socket_free(struct ouro__sim_socket *socket)
{
    struct ouro__list *link;

    while ((link = ouro__list_shift(&socket->queue)) != NULL)
        socket_free(socket_of(link));
    ouro__free(socket->bytes);
    ouro__free(socket);
}

int
ouro__sim_net_init(struct ouro__sim_net *net, ouro__sim_changed_fn *changed,
                   size_t buffer_size, size_t limit)
{
    *net = (struct ouro__sim_net){
        .changed = changed,
        .limit = limit,
        .buffer_size = buffer_size,
        .next_port = OURO__SIM_FIRST_PORT,
        .capacity = FIRST_CAPACITY,
    };
    ouro__list_init(&net->timed);
    net->table =
        ouro__alloc_zeroed(FIRST_CAPACITY * sizeof(struct ouro__sim_socket *));
    return net->table != NULL ? 0 : -ENOMEM;
}

void
ouro__sim_net_fini(struct ouro__sim_net *net)
{
    for (size_t i = 0; i < net->capacity; i++) {
        if (net->table[i] != NULL)
            socket_free(net->table[i]);
    }
    ouro__free(net->table);
}

/* Numbers. */

struct ouro__sim_socket *
ouro__sim_find(const struct ouro__sim_net *net, int fd)
{
    size_t at = (size_t)(fd - OURO__SIM_FIRST_FD);

    if (fd < OURO__SIM_FIRST_FD || at >= net->capacity)
        return NULL;
    return net->table[at];
}

static int
grow_table(struct ouro__sim_net *net)
{
    size_t size = net->capacity * sizeof(struct ouro__sim_socket *);
    struct ouro__sim_socket **table = ouro__alloc_zeroed(2 * size);

    if (table == NULL)
        return -ENOMEM;
    memcpy(table, net->table, size);
    ouro__free(net->table);
    net->table = table;
    net->capacity *= 2;
    return 0;
}

/* See that there is a number to give. */
static int
reserve_number(struct ouro__sim_net *net)
{
    if (net->count >= net->limit)
        return -EMFILE;
    return net->count < net->capacity ? 0 : grow_table(net);
}

static int
give_number(struct ouro__sim_net *net, struct ouro__sim_socket *socket)
{
    size_t at = 0;

    while (net->table[at] != NULL)
        at++;
    net->table[at] = socket;
    net->count++;
    socket->fd = OURO__SIM_FIRST_FD + (int)at;
    socket->serial = ++net->serial;
    return socket->fd;
}

int
ouro__sim_open(struct ouro__sim_net *net, int family)
{
    if (family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    int rc = reserve_number(net);
    if (rc < 0)
        return rc;

    struct ouro__sim_socket *socket = socket_new(family);
    if (socket == NULL)
        return -ENOMEM;
    return give_number(net, socket);
}

void
ouro__sim_close(struct ouro__sim_net *net, struct ouro__sim_socket *socket)
{
    struct ouro__list *link;

    net->table[socket->fd - OURO__SIM_FIRST_FD] = NULL;
    net->count--;
    leave_list(socket);
    ouro__sim_hang_up(net, socket);

    while (socket->queued > 0)
        ouro__sim_drop_first(net, socket);
    while ((link = ouro__list_shift(&socket->knocking)) != NULL)
        net->changed(net, socket_of(link), POLLOUT);
    socket_free(socket);
}

/* Listening. */

int
ouro__sim_listen(struct ouro__sim_net *net, struct ouro__sim_socket *socket,
                 int backlog)
{
    if (socket->state != OURO__SIM_IDLE && socket->state != OURO__SIM_LISTENING)
        return -EINVAL;

    if (socket->local.size == 0) {
        struct ouro_address any = ouro__sim_nowhere(socket->family);

        int rc = ouro__sim_bind(net, socket, &any);
        if (rc < 0)
            return rc;
    }
    if (ouro__sim_is_taken(net, socket))
        return -EADDRINUSE;

    socket->backlog = backlog > 0 ? (size_t)backlog : 0;
    socket->state = OURO__SIM_LISTENING;
    return 0;
}

/* Take the first out of the queue, which is not empty. */
static struct ouro__sim_socket *
shift_queue(struct ouro__sim_net *net, struct ouro__sim_socket *listener)
{
    struct ouro__sim_socket *first = socket_of(listener->queue.next);
    struct ouro__list *knocking;

    ouro__list_remove(&first->link);
    listener->queued--;
    knocking = ouro__list_shift(&listener->knocking);
    if (knocking != NULL)
        net->changed(net, socket_of(knocking), POLLOUT);
    return first;
}

int
ouro__sim_accept(struct ouro__sim_net *net, struct ouro__sim_socket *listener)
{
    if (listener->state != OURO__SIM_LISTENING)
        return -EINVAL;

    /* The kernel reserves the number first, whether somebody is there or not.
     */
    int rc = reserve_number(net);
    if (rc < 0)
        return rc;
    if (listener->queued == 0)
        return -EAGAIN;
    return give_number(net, shift_queue(net, listener));
}

void
ouro__sim_drop_first(struct ouro__sim_net *net,
                     struct ouro__sim_socket *listener)
{
    struct ouro__sim_socket *first = shift_queue(net, listener);

    first->resets = true;
    ouro__sim_hang_up(net, first);
    socket_free(first);
}

/* Connecting. */

int
ouro__sim_connect_start(struct ouro__sim_net *net,
                        struct ouro__sim_socket *socket,
                        const struct ouro_address *to, int64_t when_ns,
                        int route_error)
{
    if (to->of.any.sa_family != socket->family)
        return -EAFNOSUPPORT;
    if (socket->state == OURO__SIM_CONNECTING && !socket->abandoned)
        return -EALREADY;
    if (socket->abandoned) {
        socket->abandoned = false;
        return 0;
    }
    if (socket->state != OURO__SIM_IDLE)
        return -EISCONN;

    struct ouro_address there = ouro__sim_somewhere(to);
    int rc = ouro__sim_bind_towards(net, socket, &there);
    if (rc < 0)
        return rc;
    socket->remote = there;
    socket->when_ns = when_ns;
    socket->route_error = route_error;
    socket->state = OURO__SIM_CONNECTING;
    return 0;
}

/* What the listener will accept: the other end of `socket`. */
static struct ouro__sim_socket *
make_other_end(const struct ouro__sim_net *net,
               const struct ouro__sim_socket *listener,
               const struct ouro__sim_socket *socket)
{
    struct ouro__sim_socket *other = socket_new(listener->family);

    if (other == NULL)
        return NULL;
    other->bytes = ouro__alloc(net->buffer_size);
    if (other->bytes == NULL) {
        socket_free(other);
        return NULL;
    }
    other->local = ouro__sim_seen_by(other->family, &socket->remote);
    other->remote = ouro__sim_seen_by(other->family, &socket->local);
    other->reuse_address = listener->reuse_address;
    other->reuse_port = listener->reuse_port;
    other->v6_only = listener->v6_only;
    return other;
}

static int
meet(struct ouro__sim_net *net, struct ouro__sim_socket *socket,
     struct ouro__sim_socket *listener)
{
    if (socket->bytes == NULL)
        socket->bytes = ouro__alloc(net->buffer_size);
    struct ouro__sim_socket *other = make_other_end(net, listener, socket);
    if (socket->bytes == NULL || other == NULL) {
        if (other != NULL)
            socket_free(other);
        return -ENOMEM;
    }

    socket->peer = other;
    other->peer = socket;
    other->state = OURO__SIM_CONNECTED;
    ouro__list_append(&listener->queue, &other->link);
    listener->queued++;
    net->changed(net, listener, POLLIN);
    return 0;
}

/* It has arrived. */
static int
knock(struct ouro__sim_net *net, struct ouro__sim_socket *socket)
{
    if (socket->route_error != 0)
        return socket->route_error;

    struct ouro__sim_socket *listener =
        ouro__sim_find_listener(net, &socket->remote);
    if (listener == NULL)
        return -ECONNREFUSED;
    if (listener->queued > listener->backlog) {
        ouro__list_append(&listener->knocking, &socket->link);
        return -EAGAIN;
    }
    return meet(net, socket, listener);
}

int
ouro__sim_connect_try(struct ouro__sim_net *net,
                      struct ouro__sim_socket *socket, int64_t now_ns)
{
    leave_list(socket);
    if (now_ns < socket->when_ns) {
        ouro__list_append(&net->timed, &socket->link);
        return -EAGAIN;
    }

    int rc = knock(net, socket);
    if (rc == 0)
        socket->state = OURO__SIM_CONNECTED;
    else if (rc != -EAGAIN)
        socket->state = OURO__SIM_IDLE;
    return rc;
}

void
ouro__sim_connect_stop(struct ouro__sim_socket *socket)
{
    leave_list(socket);
    socket->abandoned = socket->state == OURO__SIM_CONNECTING;
}
