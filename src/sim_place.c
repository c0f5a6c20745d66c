/* SPDX-License-Identifier: MIT */
/* Who is where in the simulated network: addresses, ports, listeners.
 *
 * Every address is this machine's.  The rules for sharing a port are Linux's,
 * without its TIME_WAIT: two sockets overlap if their ports are equal and one
 * address covers the other, which "every address" does; that is allowed if
 * both said SO_REUSEPORT, or if both said SO_REUSEADDR and nobody listens.
 *
 * Every question walks the table of sockets: thousands of them are few.
 */
#include "sim_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { LAST_PORT = 65535 };

static bool
is_any(const struct ouro_address *address)
{
    if (address->of.any.sa_family == AF_INET)
        return address->of.v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&address->of.v6.sin6_addr);
}

bool
ouro__sim_same_host(const struct ouro_address *a, const struct ouro_address *b)
{
    if (a->of.any.sa_family != b->of.any.sa_family)
        return false;
    if (a->of.any.sa_family == AF_INET)
        return a->of.v4.sin_addr.s_addr == b->of.v4.sin_addr.s_addr;
    return IN6_ARE_ADDR_EQUAL(&a->of.v6.sin6_addr, &b->of.v6.sin6_addr);
}

static void
set_port(struct ouro_address *address, unsigned port)
{
    if (address->of.any.sa_family == AF_INET)
        address->of.v4.sin_port = htons((uint16_t)port);
    else
        address->of.v6.sin6_port = htons((uint16_t)port);
}

struct ouro_address
ouro__sim_nowhere(int family)
{
    struct ouro_address address = {.size = sizeof(address.of.v6)};

    address.of.any.sa_family = (sa_family_t)family;
    if (family == AF_INET)
        address.size = sizeof(address.of.v4);
    return address;
}

struct ouro_address
ouro__sim_somewhere(const struct ouro_address *to)
{
    struct ouro_address address = *to;

    if (!is_any(to))
        return address;
    if (address.of.any.sa_family == AF_INET)
        address.of.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        address.of.v6.sin6_addr = in6addr_loopback;
    return address;
}

struct ouro_address
ouro__sim_seen_by(int family, const struct ouro_address *address)
{
    if (family == address->of.any.sa_family)
        return *address;

    struct ouro_address mapped = ouro__sim_nowhere(AF_INET6);
    uint8_t *host = mapped.of.v6.sin6_addr.s6_addr;

    host[10] = 0xff;
    host[11] = 0xff;
    memcpy(host + 12, &address->of.v4.sin_addr, 4);
    mapped.of.v6.sin6_port = address->of.v4.sin_port;
    return mapped;
}

/* Whether a socket of these options at `own` gets what is sent to `to`. */
static bool
covers(const struct ouro__sim_socket *socket, const struct ouro_address *own,
       const struct ouro_address *to)
{
    if (own->of.any.sa_family == to->of.any.sa_family)
        return is_any(own) || ouro__sim_same_host(own, to);
    return own->of.any.sa_family == AF_INET6 && is_any(own) && !socket->v6_only;
}

/* Whether `socket`, were it at `address`, would get in the way of `other`. */
static bool
overlaps(const struct ouro__sim_socket *socket,
         const struct ouro_address *address,
         const struct ouro__sim_socket *other)
{
    if (other == NULL || other == socket || other->local.size == 0)
        return false;
    if (ouro_address_port(address) != ouro_address_port(&other->local))
        return false;
    return covers(socket, address, &other->local)
           || covers(other, &other->local, address);
}

static bool
may_share(const struct ouro__sim_socket *a, const struct ouro__sim_socket *b)
{
    if (a->reuse_port && b->reuse_port)
        return true;
    return a->reuse_address && b->reuse_address
           && b->state != OURO__SIM_LISTENING;
}

static bool
is_free(const struct ouro__sim_net *net, const struct ouro__sim_socket *socket,
        const struct ouro_address *address, bool shared)
{
    for (size_t i = 0; i < net->capacity; i++) {
        const struct ouro__sim_socket *other = net->table[i];

        if (overlaps(socket, address, other)
            && !(shared && may_share(socket, other)))
            return false;
    }
    return true;
}

/* Put a free port into `address`; false if there is none. */
static bool
choose_port(struct ouro__sim_net *net, const struct ouro__sim_socket *socket,
            struct ouro_address *address)
{
    for (unsigned i = OURO__SIM_FIRST_PORT; i <= LAST_PORT; i++) {
        set_port(address, net->next_port);
        net->next_port = net->next_port < LAST_PORT ? net->next_port + 1
                                                    : OURO__SIM_FIRST_PORT;
        if (is_free(net, socket, address, false))
            return true;
    }
    return false;
}

int
ouro__sim_bind(struct ouro__sim_net *net, struct ouro__sim_socket *socket,
               const struct ouro_address *address)
{
    struct ouro_address wanted = *address;

    if (wanted.of.any.sa_family != socket->family)
        return -EAFNOSUPPORT;
    if (socket->local.size != 0)
        return -EINVAL;

    if (ouro_address_port(&wanted) == 0) {
        if (!choose_port(net, socket, &wanted))
            return -EADDRINUSE;
    } else if (!is_free(net, socket, &wanted, true)) {
        return -EADDRINUSE;
    }
    socket->local = wanted;
    return 0;
}

int
ouro__sim_bind_towards(struct ouro__sim_net *net,
                       struct ouro__sim_socket *socket,
                       const struct ouro_address *to)
{
    struct ouro_address wanted = *to;

    if (socket->local.size != 0) {
        unsigned port = ouro_address_port(&socket->local);

        if (is_any(&socket->local))
            socket->local = wanted;
        set_port(&socket->local, port);
        return 0;
    }
    if (!choose_port(net, socket, &wanted))
        return -EADDRNOTAVAIL;
    socket->local = wanted;
    return 0;
}

bool
ouro__sim_is_taken(const struct ouro__sim_net *net,
                   const struct ouro__sim_socket *socket)
{
    for (size_t i = 0; i < net->capacity; i++) {
        const struct ouro__sim_socket *other = net->table[i];

        if (overlaps(socket, &socket->local, other)
            && other->state == OURO__SIM_LISTENING && !may_share(socket, other))
            return true;
    }
    return false;
}

/* How well `listener` fits: its very address, every one of the family, every
 * one at all.  0: not. */
static int
rank(const struct ouro__sim_socket *listener, const struct ouro_address *to)
{
    if (listener == NULL || listener->state != OURO__SIM_LISTENING)
        return 0;
    if (ouro_address_port(&listener->local) != ouro_address_port(to))
        return 0;
    if (!covers(listener, &listener->local, to))
        return 0;
    if (listener->family != to->of.any.sa_family)
        return 1;
    return is_any(&listener->local) ? 2 : 3;
}

/* Where several share the port, the one with the shortest queue. */
struct ouro__sim_socket *
ouro__sim_find_listener(const struct ouro__sim_net *net,
                        const struct ouro_address *to)
{
    struct ouro__sim_socket *best = NULL;
    int best_rank = 0;

    for (size_t i = 0; i < net->capacity; i++) {
        struct ouro__sim_socket *listener = net->table[i];
        int its_rank = rank(listener, to);

        if (its_rank == 0 || its_rank < best_rank)
            continue;
        if (its_rank > best_rank || listener->queued < best->queued) {
            best = listener;
            best_rank = its_rank;
        }
    }
    return best;
}
