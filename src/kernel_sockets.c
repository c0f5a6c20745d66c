/* SPDX-License-Identifier: MIT */
/* Calls on the kernel's sockets that never wait; see struct ouro__socket_ops.
 *
 * System calls, not operations of the ring: each is shorter than an entry of
 * the ring, and shutdown would even start a thread of the kernel.
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int
result_of(int rc)
{
    return rc < 0 ? -errno : rc;
}

static int
kernel_open(struct ouro__engine *engine, int family)
{
    (void)engine;
    return result_of(
        socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

static int
kernel_set_option(struct ouro__engine *engine, int fd,
                  enum ouro__socket_option option, int value)
{
    static const struct {
        int level;
        int name;
    } names[] = {
        [OURO__SOCKET_REUSE_ADDRESS] = {SOL_SOCKET, SO_REUSEADDR},
        [OURO__SOCKET_REUSE_PORT] = {SOL_SOCKET, SO_REUSEPORT},
        [OURO__SOCKET_V6_ONLY] = {IPPROTO_IPV6, IPV6_V6ONLY},
        [OURO__SOCKET_NO_DELAY] = {IPPROTO_TCP, TCP_NODELAY},
    };

    (void)engine;
    return result_of(setsockopt(fd, names[option].level, names[option].name,
                                &value, sizeof(value)));
}

static int
kernel_bind(struct ouro__engine *engine, int fd,
            const struct ouro_address *address)
{
    (void)engine;
    return result_of(bind(fd, &address->of.any, address->size));
}

static int
kernel_listen(struct ouro__engine *engine, int fd, int backlog)
{
    (void)engine;
    return result_of(listen(fd, backlog));
}

static ssize_t
send_vectors(int fd, const struct iovec *vectors, size_t count, int flags)
{
    struct msghdr message = {
        .msg_iov = (struct iovec *)(uintptr_t)vectors,
        .msg_iovlen = count,
    };

    return sendmsg(fd, &message, flags);
}

static ssize_t
send_with(int fd, const struct iovec *vectors, size_t count, int flags)
{
    ssize_t size;

    flags |= MSG_DONTWAIT | MSG_NOSIGNAL;
    do
        size = count == 1 ? send(fd, vectors->iov_base, vectors->iov_len, flags)
                          : send_vectors(fd, vectors, count, flags);
    while (size < 0 && errno == EINTR);
    return size < 0 ? -errno : size;
}

static ssize_t
kernel_send(struct ouro__engine *engine, int fd, const struct iovec *vectors,
            size_t count)
{
    (void)engine;
    return send_with(fd, vectors, count, 0);
}

static ssize_t
kernel_send_more(struct ouro__engine *engine, int fd,
                 const struct iovec *vectors, size_t count)
{
    (void)engine;
    return send_with(fd, vectors, count, MSG_MORE);
}

static ssize_t
kernel_recv(struct ouro__engine *engine, int fd, void *into, size_t size)
{
    ssize_t got;

    (void)engine;
    do
        got = recv(fd, into, size, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* No flag of accept4(2) keeps it from waiting. */
static int
accept_from_blocking(int fd, int flags)
{
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    int rc = result_of(accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    (void)fcntl(fd, F_SETFL, flags);
    return rc;
}

static int
kernel_accept(struct ouro__engine *engine, int fd)
{
    int flags = fcntl(fd, F_GETFL);
    int rc;

    (void)engine;
    if (flags < 0)
        return -errno;
    do {
        rc = (flags & O_NONBLOCK) == 0
                 ? accept_from_blocking(fd, flags)
                 : result_of(
                     accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    } while (rc == -EINTR);
    return rc;
}

static ssize_t
kernel_recv_from(struct ouro__engine *engine, int fd, void *into, size_t size,
                 struct ouro_address *out_from)
{
    struct iovec vector = {.iov_base = into, .iov_len = size};
    struct msghdr message = {
        .msg_name = &out_from->of,
        .msg_namelen = sizeof(out_from->of),
        .msg_iov = &vector,
        .msg_iovlen = 1,
    };
    ssize_t got;

    (void)engine;
    do
        got = recvmsg(fd, &message, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    out_from->size = message.msg_namelen;
    return (message.msg_flags & MSG_TRUNC) != 0 ? -EMSGSIZE : got;
}

static ssize_t
kernel_send_to(struct ouro__engine *engine, int fd, const struct iovec *data,
               const struct ouro_address *to)
{
    ssize_t size;

    (void)engine;
    do
        size = sendto(fd, data->iov_base, data->iov_len,
                      MSG_DONTWAIT | MSG_NOSIGNAL, &to->of.any, to->size);
    while (size < 0 && errno == EINTR);
    return size < 0 ? -errno : size;
}

/* Sockets and pipes have inodes of their own; an eventfd and its like share
 * one, and cannot be told apart. */
static int
kernel_identify(struct ouro__engine *engine, int fd, uint64_t *out_identity)
{
    struct stat is;

    (void)engine;
    if (fstat(fd, &is) < 0)
        return -errno;
    if (S_ISREG(is.st_mode) || S_ISDIR(is.st_mode))
        return -EPERM;
    *out_identity = (uint64_t)is.st_ino ^ ((uint64_t)is.st_dev << 40);
    return 0;
}

static int
kernel_shutdown_write(struct ouro__engine *engine, int fd)
{
    (void)engine;
    return result_of(shutdown(fd, SHUT_WR));
}

static void
kernel_set_reset(struct ouro__engine *engine, int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)engine;
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void
kernel_close(struct ouro__engine *engine, int fd)
{
    (void)engine;
    (void)close(fd);
}

static int
kernel_local_address(struct ouro__engine *engine, int fd,
                     struct ouro_address *out_address)
{
    (void)engine;
    out_address->size = sizeof(out_address->of);
    return result_of(getsockname(fd, &out_address->of.any, &out_address->size));
}

static int
kernel_peer_address(struct ouro__engine *engine, int fd,
                    struct ouro_address *out_address)
{
    (void)engine;
    out_address->size = sizeof(out_address->of);
    return result_of(getpeername(fd, &out_address->of.any, &out_address->size));
}

const struct ouro__socket_ops ouro__kernel_sockets = {
    .open = kernel_open,
    .set_option = kernel_set_option,
    .bind = kernel_bind,
    .listen = kernel_listen,
    .send = kernel_send,
    .send_more = kernel_send_more,
    .recv = kernel_recv,
    .accept = kernel_accept,
    .recv_from = kernel_recv_from,
    .send_to = kernel_send_to,
    .send_file = ouro__kernel_send_file,
    .identify = kernel_identify,
    .shutdown_write = kernel_shutdown_write,
    .set_reset = kernel_set_reset,
    .close = kernel_close,
    .local_address = kernel_local_address,
    .peer_address = kernel_peer_address,
};
