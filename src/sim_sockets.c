/* SPDX-License-Identifier: MIT */
/* The calls of the simulation on sockets that never wait.
 *
 * Where chance has them move less, the rest counts as new: it has just arrived,
 * or there has just been room again.  With a kernel too a program may take a
 * short count for the last, and wait for news.
 */
#include "engine_sim.h"

#include <errno.h>
#include <poll.h>

/* More than any test sends in one call, and a ssize_t can hold. */
enum { MOST_BYTES = 1 << 30 };

static struct ouro__sim_engine *
sim_of(struct ouro__engine *engine)
{
    return OURO_CONTAINER_OF(engine, struct ouro__sim_engine, base);
}

static struct ouro__sim_socket *
find(struct ouro__engine *engine, int fd)
{
    return ouro__sim_find(&sim_of(engine)->net, fd);
}

static int
sim_open(struct ouro__engine *engine, int family)
{
    return ouro__sim_open(&sim_of(engine)->net, family);
}

static int
sim_set_option(struct ouro__engine *engine, int fd,
               enum ouro__socket_option option, int value)
{
    struct ouro__sim_socket *socket = find(engine, fd);

    if (socket == NULL)
        return -EBADF;
    switch (option) {
    case OURO__SOCKET_REUSE_ADDRESS:
        socket->reuse_address = value != 0;
        return 0;
    case OURO__SOCKET_REUSE_PORT:
        socket->reuse_port = value != 0;
        return 0;
    case OURO__SOCKET_V6_ONLY:
        if (socket->family != AF_INET6)
            return -ENOPROTOOPT;
        if (socket->local.size != 0)
            return -EINVAL;
        socket->v6_only = value != 0;
        return 0;
    case OURO__SOCKET_NO_DELAY:
        return 0;
    }
    return -ENOPROTOOPT;
}

static int
sim_bind(struct ouro__engine *engine, int fd,
         const struct ouro_address *address)
{
    struct ouro__sim_socket *socket = find(engine, fd);

    if (socket == NULL)
        return -EBADF;
    return ouro__sim_bind(&sim_of(engine)->net, socket, address);
}

static int
sim_listen(struct ouro__engine *engine, int fd, int backlog)
{
    struct ouro__sim_socket *socket = find(engine, fd);

    if (socket == NULL)
        return -EBADF;
    return ouro__sim_listen(&sim_of(engine)->net, socket, backlog);
}

static ssize_t
sim_send(struct ouro__engine *engine, int fd, const struct iovec *vectors,
         size_t count)
{
    struct ouro__sim_engine *sim = sim_of(engine);
    struct ouro__sim_socket *socket = find(engine, fd);
    size_t size = 0;

    if (socket == NULL)
        return -EBADF;
    for (size_t i = 0; i < count && size < MOST_BYTES; i++)
        size += vectors[i].iov_len;
    if (size > MOST_BYTES)
        size = MOST_BYTES;

    size_t most = ouro__sim_shorten(sim, size);
    ssize_t rc = ouro__sim_send(&sim->net, socket, vectors, 0, most);
    if (rc > 0 && most < size)
        sim->net.changed(&sim->net, socket, POLLOUT);
    return rc;
}

static ssize_t
sim_recv(struct ouro__engine *engine, int fd, void *into, size_t size)
{
    struct ouro__sim_engine *sim = sim_of(engine);
    struct ouro__sim_socket *socket = find(engine, fd);

    if (socket == NULL)
        return -EBADF;
    if (size > socket->size && socket->size > 0)
        size = socket->size;

    size_t most = ouro__sim_shorten(sim, size);
    ssize_t rc = ouro__sim_recv(&sim->net, socket, into, most);
    if (rc > 0 && most < size)
        sim->net.changed(&sim->net, socket, POLLIN);
    return rc;
}

static int
sim_accept(struct ouro__engine *engine, int fd)
{
    struct ouro__sim_socket *socket = find(engine, fd);

    if (socket == NULL)
        return -EBADF;
    return ouro__sim_accept(&sim_of(engine)->net, socket);
}

/* It has streams only, and there the kernel names nobody either. */
static ssize_t
sim_recv_from(struct ouro__engine *engine, int fd, void *into, size_t size,
              struct ouro_address *out_from)
{
    out_from->size = 0;
    return sim_recv(engine, fd, into, size);
}

static ssize_t
sim_send_to(struct ouro__engine *engine, int fd, const struct iovec *data,
            const struct ouro_address *to)
{
    (void)to;
    return sim_send(engine, fd, data, 1);
}

static int
sim_identify(struct ouro__engine *engine, int fd, uint64_t *out_identity)
{
    const struct ouro__sim_socket *socket = find(engine, fd);

    if (socket == NULL)
        return -EBADF;
    *out_identity = socket->serial;
    return 0;
}

static int
sim_shutdown_write(struct ouro__engine *engine, int fd)
{
    struct ouro__sim_socket *socket = find(engine, fd);

    if (socket == NULL)
        return -EBADF;
    return ouro__sim_shutdown_write(&sim_of(engine)->net, socket);
}

static void
sim_set_reset(struct ouro__engine *engine, int fd)
{
    struct ouro__sim_socket *socket = find(engine, fd);

    if (socket != NULL)
        socket->resets = true;
}

static void
sim_close(struct ouro__engine *engine, int fd)
{
    struct ouro__sim_socket *socket = find(engine, fd);

    OURO_CHECK(socket != NULL, "a descriptor that is closed is open");
    for (size_t i = 0; i < OURO__SIM_OPS; i++)
        OURO_CHECK(socket->ops[i] == NULL,
                   "a descriptor is closed when no operation names it");
    ouro__sim_close(&sim_of(engine)->net, socket);
}

static int
sim_local_address(struct ouro__engine *engine, int fd,
                  struct ouro_address *out_address)
{
    const struct ouro__sim_socket *socket = find(engine, fd);

    if (socket == NULL)
        return -EBADF;
    *out_address = socket->local.size != 0 ? socket->local
                                           : ouro__sim_nowhere(socket->family);
    return 0;
}

static int
sim_peer_address(struct ouro__engine *engine, int fd,
                 struct ouro_address *out_address)
{
    const struct ouro__sim_socket *socket = find(engine, fd);

    if (socket == NULL)
        return -EBADF;
    if (!ouro__sim_is_alive(socket))
        return -ENOTCONN;
    *out_address = socket->remote;
    return 0;
}

const struct ouro__socket_ops ouro__sim_sockets = {
    .open = sim_open,
    .set_option = sim_set_option,
    .bind = sim_bind,
    .listen = sim_listen,
    .send = sim_send,
    .send_more = sim_send,
    .recv = sim_recv,
    .accept = sim_accept,
    .recv_from = sim_recv_from,
    .send_to = sim_send_to,
    .send_file = ouro__copy_file,
    .identify = sim_identify,
    .shutdown_write = sim_shutdown_write,
    .set_reset = sim_set_reset,
    .close = sim_close,
    .local_address = sim_local_address,
    .peer_address = sim_peer_address,
};
