/* SPDX-License-Identifier: MIT */
/* From the options of a server to bound sockets: all of them, or none.
 *
 * Every host is looked up, duplicates are dropped, and each address gets a
 * socket.  An address that this machine does not have is left out, if others
 * are left; any other failure closes all, and is told with its address.  A free
 * port is the same on every address where that can be.
 */
#include "listen.h"

#include "alloc.h"
#include "resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    ADDRESSES = 32,
    BACKLOG_MAX = 65535,
    PORT_TRIES = 8 /* to find one that is free on every address */
};

/* What a bind works on; too large for the frame of a task. */
struct plan {
    struct ouro_loop *loop;
    const struct ouro_server_options *options;
    struct ouro_address found[ADDRESSES]; /* of one host */
    struct ouro_address *addresses;
    int *descriptors;
    size_t address_count;
    size_t address_room;
    size_t bound_count;
    size_t failed;   /* the address that was to blame */
    uint16_t port;   /* of the first socket, where a free one was asked for */
    bool may_differ; /* no port was free everywhere */
};

static int
explain(const struct ouro_server_options *options, const char *where, int error)
{
    struct ouro_report *report = options->report;

    if (report != NULL)
        snprintf(report->text, sizeof(report->text),
                 "cannot listen on %s: %s (%s)", where, ouro_error_name(error),
                 ouro_strerror(error));
    return error;
}

static int
refuse(const struct ouro_server_options *options, const char *why)
{
    if (options->report != NULL)
        snprintf(options->report->text, sizeof(options->report->text),
                 "server options: %s", why);
    return -EINVAL;
}

int
ouro__listen_check(const struct ouro_server_options *o)
{
    bool named = o->host != NULL || o->hosts != NULL || o->service != NULL;

    if (o->ready.given && named)
        return refuse(o, "ready excludes host, hosts and service");
    if (o->ready.given && o->ready.number < 0)
        return refuse(o, "ready is no descriptor");
    if (o->host != NULL && o->hosts != NULL)
        return refuse(o, "host and hosts exclude each other");
    if (o->hosts != NULL && o->hosts[0] == NULL)
        return refuse(o, "hosts is empty");
    if (o->backlog < 0 || o->backlog > BACKLOG_MAX)
        return refuse(o, "backlog is not between 0 and 65535");
    if (o->family != 0 && o->family != AF_INET && o->family != AF_INET6)
        return refuse(o, "family is neither AF_INET nor AF_INET6");
    if (o->grace_ns < 0)
        return refuse(o, "grace_ns is negative");
    if (o->close_timeout_ns < 0)
        return refuse(o, "close_timeout_ns is negative");
    return 0;
}

/* Addresses. */

static bool
is_known(const struct plan *plan, const struct ouro_address *address)
{
    for (size_t i = 0; i < plan->address_count; i++)
        if (ouro_address_equals(&plan->addresses[i], address))
            return true;
    return false;
}

static int
make_room(struct plan *plan, size_t more)
{
    size_t wanted = plan->address_count + more;
    struct ouro_address *larger;

    if (wanted <= plan->address_room)
        return 0;
    larger = ouro__alloc(wanted * sizeof(*larger));
    if (larger == NULL)
        return -ENOMEM;

    if (plan->address_count > 0)
        memcpy(larger, plan->addresses, plan->address_count * sizeof(*larger));
    ouro__free(plan->addresses);
    plan->addresses = larger;
    plan->address_room = wanted;
    return 0;
}

static int
explain_host(const struct ouro_server_options *options, const char *host,
             const char *service, int error)
{
    bool is_v6 = strchr(host, ':') != NULL;
    char where[192];

    snprintf(where, sizeof(where), is_v6 ? "[%s]:%s" : "%s:%s", host, service);
    return explain(options, where, error);
}

static int
add_host(struct plan *plan, const char *host)
{
    const struct ouro_server_options *options = plan->options;
    const char *service = options->service != NULL ? options->service : "0";
    bool any = host == NULL || host[0] == '\0';

    ssize_t count =
        ouro__resolve(plan->loop, any ? NULL : host, service, options->family,
                      true, plan->found, ADDRESSES);
    if (count < 0)
        return explain_host(options, any ? "*" : host, service, (int)count);
    int rc = make_room(plan, (size_t)count);
    for (ssize_t i = 0; rc == 0 && i < count; i++)
        if (!is_known(plan, &plan->found[i]))
            plan->addresses[plan->address_count++] = plan->found[i];
    return rc;
}

static int
add_hosts(struct plan *plan)
{
    const struct ouro_server_options *options = plan->options;
    int rc = 0;

    if (options->hosts == NULL)
        return add_host(plan, options->host);
    for (size_t i = 0; rc == 0 && options->hosts[i] != NULL; i++)
        rc = add_host(plan, options->hosts[i]);
    return rc;
}

/* Sockets. */

static void
set_port(struct ouro_address *address, uint16_t port)
{
    if (address->of.any.sa_family == AF_INET6)
        address->of.v6.sin6_port = htons(port);
    else
        address->of.v4.sin_port = htons(port);
}

/* One call for all that it accepts.  Not every socket knows it. */
static void
inherit_no_delay(struct ouro__engine *engine, int fd)
{
    (void)engine->sockets->set_option(engine, fd, OURO__SOCKET_NO_DELAY, 1);
}

static int
set_options(struct plan *plan, int fd, const struct ouro_address *address)
{
    struct ouro__engine *engine = plan->loop->engine;
    const struct ouro__socket_ops *sockets = engine->sockets;

    int rc = sockets->set_option(engine, fd, OURO__SOCKET_REUSE_ADDRESS, 1);
    if (rc == 0 && plan->options->reuse_port)
        rc = sockets->set_option(engine, fd, OURO__SOCKET_REUSE_PORT, 1);
    if (rc == 0 && address->of.any.sa_family == AF_INET6)
        rc = sockets->set_option(engine, fd, OURO__SOCKET_V6_ONLY, 1);
    if (rc == 0)
        inherit_no_delay(engine, fd);
    return rc;
}

/* A free port: the one that the first socket got, if it is free here too. */
static int
bind_one(struct plan *plan, int fd, const struct ouro_address *address)
{
    struct ouro__engine *engine = plan->loop->engine;
    struct ouro_address same = *address;

    if (ouro_address_port(address) == 0 && plan->port != 0) {
        set_port(&same, plan->port);
        int rc = engine->sockets->bind(engine, fd, &same);
        if (rc != -EADDRINUSE || !plan->may_differ)
            return rc;
    }
    return engine->sockets->bind(engine, fd, address);
}

static int
open_one(struct plan *plan, const struct ouro_address *address)
{
    struct ouro__engine *engine = plan->loop->engine;
    struct ouro_address local = {.size = 0};

    int fd = engine->sockets->open(engine, address->of.any.sa_family);
    if (fd < 0)
        return fd;
    int rc = set_options(plan, fd, address);
    if (rc == 0)
        rc = bind_one(plan, fd, address);
    if (rc < 0) {
        engine->sockets->close(engine, fd);
        return rc;
    }
    if (plan->port == 0
        && engine->sockets->local_address(engine, fd, &local) == 0)
        plan->port = ouro_address_port(&local);
    plan->descriptors[plan->bound_count++] = fd;
    return 0;
}

static void
close_all(struct plan *plan)
{
    struct ouro__engine *engine = plan->loop->engine;

    while (plan->bound_count > 0)
        engine->sockets->close(engine, plan->descriptors[--plan->bound_count]);
}

static bool
is_unavailable(int error)
{
    return error == -EADDRNOTAVAIL || error == -EAFNOSUPPORT;
}

static int
open_each(struct plan *plan)
{
    int unavailable = 0;

    plan->port = 0;
    for (size_t i = 0; i < plan->address_count; i++) {
        int rc = open_one(plan, &plan->addresses[i]);

        if (rc < 0)
            plan->failed = i;
        if (is_unavailable(rc)) {
            unavailable = rc;
        } else if (rc < 0) {
            close_all(plan);
            return rc;
        }
    }
    return plan->bound_count > 0 ? 0 : unavailable;
}

static int
open_all(struct plan *plan)
{
    bool free_port = ouro_address_port(&plan->addresses[0]) == 0;
    int tries = free_port ? PORT_TRIES : 1;
    char text[OURO_ADDRESS_TEXT];
    int rc = -EADDRINUSE;

    for (int i = 0; rc == -EADDRINUSE && i < tries; i++) {
        plan->may_differ = i == PORT_TRIES - 1;
        rc = open_each(plan);
    }
    if (rc == 0)
        return 0;
    ouro_address_format(&plan->addresses[plan->failed], text);
    return explain(plan->options, text, rc);
}

static int
carry_out(struct plan *plan)
{
    int rc = add_hosts(plan);
    if (rc < 0)
        return rc;

    plan->descriptors =
        ouro__alloc(plan->address_count * sizeof(*plan->descriptors));
    return plan->descriptors != NULL ? open_all(plan) : -ENOMEM;
}

/* A descriptor that somebody bound for us: it stays theirs on failure. */
static int
adopt(struct ouro__bound *out_bound, struct ouro_loop *loop,
      const struct ouro_server_options *options)
{
    struct ouro__engine *engine = loop->engine;
    struct ouro_address local;
    char where[48];

    int rc =
        engine->sockets->local_address(engine, options->ready.number, &local);
    if (rc < 0) {
        snprintf(where, sizeof(where), "descriptor %d", options->ready.number);
        return explain(options, where, rc);
    }
    int *descriptors = ouro__alloc(sizeof(*descriptors));
    if (descriptors == NULL)
        return -ENOMEM;
    descriptors[0] = options->ready.number;
    inherit_no_delay(engine, options->ready.number);
    *out_bound = (struct ouro__bound){descriptors, 1};
    return 0;
}

int
ouro__listen_bind(struct ouro__bound *out_bound, struct ouro_loop *loop,
                  const struct ouro_server_options *options)
{
    if (options->ready.given)
        return adopt(out_bound, loop, options);

    struct plan *plan = ouro__alloc_zeroed(sizeof(*plan));
    if (plan == NULL)
        return -ENOMEM;
    plan->loop = loop;
    plan->options = options;

    int rc = carry_out(plan);
    if (rc == 0)
        *out_bound = (struct ouro__bound){plan->descriptors, plan->bound_count};
    else
        ouro__free(plan->descriptors);
    ouro__free(plan->addresses);
    ouro__free(plan);
    return rc;
}
