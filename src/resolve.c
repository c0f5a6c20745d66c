/* SPDX-License-Identifier: MIT */
/* Names to addresses: what a host and a service mean, and in which order to
 * find out.
 *
 * - A host that is an address, or none, and a service that is a number, or
 *   none, are answered at once: no thread, no file.
 * - Anything else goes to libc on a thread (lookup.c), or to the names of the
 *   simulation, which knows no threads.
 *
 * What libc would take for an address although it is no literal ("127.1",
 * "0x7f.1") is no name, either: it is refused here.
 */
#include "resolve.h"

#include "engine.h"
#include "lookup.h"
#include "loop.h"
#include "task.h"

#include <ouro/net.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { HIGHEST_PORT = 65535, NAMED_PORT };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Where the addresses go. */
struct answers {
    struct ouro_address *out;
    size_t capacity;
    size_t count;
};

/* Each address once; `address` may stand in `answers` behind its count. */
static void
add(struct answers *answers, const struct ouro_address *address)
{
    for (size_t i = 0; i < answers->count; i++) {
        if (ouro_address_equals(&answers->out[i], address))
            return;
    }
    if (answers->count < answers->capacity)
        answers->out[answers->count++] = *address;
}

/* The port that `service` is, or NAMED_PORT if it has to be looked up.  What
 * has no letter is no name: libc would read "-1" and " 80" as numbers. */
static int
parse_service(const char *service)
{
    int port = 0;

    if (service == NULL)
        return 0;
    if (strpbrk(service, LETTERS) != NULL)
        return NAMED_PORT;
    if (*service == '\0')
        return -OURO_ESERVICE;
    for (; *service >= '0' && *service <= '9'; service++) {
        port = port * 10 + (*service - '0');
        if (port > HIGHEST_PORT)
            return -OURO_ESERVICE;
    }
    return *service == '\0' ? port : -OURO_ESERVICE;
}

/* Whether a host that is no literal may be the name of one. */
static bool
may_be_name(const char *host)
{
    struct in_addr loose;

    return strpbrk(host, ":%") == NULL && inet_aton(host, &loose) == 0;
}

static bool
is_wanted(int family, int wanted)
{
    return wanted == AF_UNSPEC || family == wanted;
}

static void
set_port(struct ouro_address *address, int port)
{
    if (address->of.any.sa_family == AF_INET)
        address->of.v4.sin_port = htons((uint16_t)port);
    else
        address->of.v6.sin6_port = htons((uint16_t)port);
}

/* What needs no lookup. */

static int
add_literal(struct answers *answers, const struct ouro_address *literal,
            int family, int port)
{
    struct ouro_address address = *literal;

    if (!is_wanted(address.of.any.sa_family, family))
        return -OURO_ENOADDRESS;
    set_port(&address, port);
    add(answers, &address);
    return 0;
}

/* In the order in which libc has them. */
static void
add_every_address(struct answers *answers, int family, int port)
{
    struct ouro_address v4 = {.size = sizeof(v4.of.v4)};
    struct ouro_address v6 = {.size = sizeof(v6.of.v6)};

    v4.of.v4.sin_family = AF_INET;
    v6.of.v6.sin6_family = AF_INET6;
    v6.of.v6.sin6_addr = in6addr_any;
    set_port(&v4, port);
    set_port(&v6, port);
    if (is_wanted(AF_INET, family))
        add(answers, &v4);
    if (is_wanted(AF_INET6, family))
        add(answers, &v6);
}

/* With libc, on a thread. */

static bool
take_address(struct ouro_address *out_address, const struct addrinfo *found)
{
    struct ouro_address address = {.size = found->ai_addrlen};

    if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
        return false;
    if (found->ai_addrlen > sizeof(address.of))
        return false;
    memcpy(&address.of, found->ai_addr, found->ai_addrlen);
    *out_address = address;
    return true;
}

/* The service goes to libc only if it is a name. */
static int
add_found_by_libc(struct answers *answers, struct ouro_loop *loop,
                  const char *host, const char *service, int family)
{
    struct addrinfo *found;
    int port = parse_service(service);
    const char *name = port == NAMED_PORT ? service : NULL;

    int rc = ouro__look_up(loop, host, name, family, &found);
    if (rc < 0)
        return rc;
    for (struct addrinfo *next = found; next != NULL; next = next->ai_next) {
        struct ouro_address address;

        if (!take_address(&address, next))
            continue;
        if (port != NAMED_PORT)
            set_port(&address, port);
        add(answers, &address);
    }
    freeaddrinfo(found);
    return 0;
}

static int
port_found_by_libc(struct ouro_loop *loop, const char *service)
{
    struct ouro_address address;
    struct answers answers = {.out = &address, .capacity = 1};

    int rc = add_found_by_libc(&answers, loop, NULL, service, AF_UNSPEC);
    if (rc < 0)
        return rc;
    return answers.count > 0 ? ouro_address_port(&address) : -OURO_ESERVICE;
}

/* With the engine, which knows names but no services. */

static int
port_found_in_file(const char *service)
{
    struct servent entry;
    struct servent *found = NULL;
    char room[1024];

    if (getservbyname_r(service, "tcp", &entry, room, sizeof(room), &found) != 0
        || found == NULL)
        return -OURO_ESERVICE;
    return ntohs((uint16_t)found->s_port);
}

static int
add_found_by_engine(struct answers *answers, struct ouro__engine *engine,
                    const char *host, int family, int port)
{
    int64_t delay_ns = 0;
    ssize_t count = engine->ops->look_up(engine, host, family, answers->out,
                                         answers->capacity, &delay_ns);

    int rc = ouro_sleep(delay_ns);
    if (rc < 0)
        return rc;
    for (ssize_t i = 0; i < count; i++) {
        struct ouro_address address = answers->out[i];

        set_port(&address, port);
        add(answers, &address);
    }
    return count < 0 ? (int)count : 0;
}

/* All of it. */

static bool
has_names_of_its_own(const struct ouro_loop *loop)
{
    return loop->engine->ops->look_up != NULL;
}

/* The port; never NAMED_PORT. */
static int
find_port(struct ouro_loop *loop, const char *service)
{
    int port = parse_service(service);

    if (port != NAMED_PORT)
        return port;
    if (has_names_of_its_own(loop))
        return port_found_in_file(service);
    return port_found_by_libc(loop, service);
}

static int
add_named(struct answers *answers, struct ouro_loop *loop, const char *host,
          const char *service, int family)
{
    if (!may_be_name(host))
        return -OURO_ENAME;
    if (!has_names_of_its_own(loop))
        return add_found_by_libc(answers, loop, host, service, family);

    int port = find_port(loop, service);
    if (port < 0)
        return port;
    return add_found_by_engine(answers, loop->engine, host, family, port);
}

/* `literal` is NULL for every address. */
static int
add_known(struct answers *answers, struct ouro_loop *loop,
          const struct ouro_address *literal, const char *service, int family)
{
    int port = find_port(loop, service);

    if (port < 0)
        return port;
    if (literal != NULL)
        return add_literal(answers, literal, family, port);
    add_every_address(answers, family, port);
    return 0;
}

ssize_t
ouro__resolve(struct ouro_loop *loop, const char *host, const char *service,
              int family, bool passive, struct ouro_address *out,
              size_t capacity)
{
    struct answers answers = {.out = out, .capacity = capacity};
    struct ouro_address literal;
    bool any = host == NULL || *host == '\0';

    int rc = ouro__checkpoint();
    if (rc < 0)
        return rc;
    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
        return -EINVAL;
    if (any && !passive)
        return -EINVAL;
    if (parse_service(service) < 0)
        return -OURO_ESERVICE;

    if (any)
        rc = add_known(&answers, loop, NULL, service, family);
    else if (ouro_address_parse(&literal, host, 0) == 0)
        rc = add_known(&answers, loop, &literal, service, family);
    else
        rc = add_named(&answers, loop, host, service, family);
    if (rc == 0 && answers.count == 0 && capacity > 0)
        rc = -OURO_ENOADDRESS;
    return rc < 0 ? rc : (ssize_t)answers.count;
}

ssize_t
ouro_getaddrinfo(struct ouro_address *out_addresses, size_t capacity,
                 const char *host, const char *service, int family)
{
    return ouro__resolve(ouro_get_running_loop(), host, service, family, false,
                         out_addresses, capacity);
}
