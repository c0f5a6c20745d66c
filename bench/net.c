/* SPDX-License-Identifier: MIT */
/* Addresses and sockets, as both ends of the benchmark need them. */
#include "net.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

enum { BACKLOG = 4096, CONNECT_SECONDS = 5 };

int
net_resolve(struct net_address *out_address, const char *host,
            const char *service)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE,
    };
    struct addrinfo *found;

    if (getaddrinfo(host, service, &hints, &found) != 0)
        return -EADDRNOTAVAIL;
    memcpy(&out_address->storage, found->ai_addr, found->ai_addrlen);
    out_address->size = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static void
tune(int fd)
{
    static const char cubic[] = "cubic";
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cubic, sizeof(cubic) - 1);
}

static int
bind_and_listen(int fd, const struct net_address *address)
{
    int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    tune(fd);
    if (bind(fd, (const struct sockaddr *)&address->storage, address->size) < 0)
        return -errno;
    if (listen(fd, BACKLOG) < 0)
        return -errno;
    return 0;
}

int
net_listen(const struct net_address *address)
{
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(address->storage.ss_family, type, 0);
    if (fd < 0)
        return -errno;

    int rc = bind_and_listen(fd, address);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return fd;
}

int
net_connect(const struct net_address *address)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct timeval limit = {.tv_sec = CONNECT_SECONDS};
    int type = SOCK_STREAM | SOCK_CLOEXEC;

    int fd = socket(address->storage.ss_family, type, 0);
    if (fd < 0)
        return -errno;

    tune(fd);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    const struct sockaddr *to = (const struct sockaddr *)&address->storage;
    if (connect(fd, to, address->size) < 0) {
        int rc = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
        close(fd);
        return rc;
    }
    return fd;
}

void
net_congestion(int fd, char *name, socklen_t size)
{
    memset(name, 0, size);
    socklen_t room = size - 1;
    if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &room) < 0)
        snprintf(name, size, "unknown");
}

unsigned long
net_raise_fd_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return (unsigned long)limit.rlim_cur;
}
