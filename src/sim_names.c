/* SPDX-License-Identifier: MIT */
/* Names the simulation knows, and how long its ways are.
 *
 * A name or a route that is set again is replaced.
 */
#include "engine_sim.h"

#include "alloc.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

struct name {
    struct ouro__list link;
    char *text;
    int64_t delay_ns;
    int error; /* negative, or there are addresses */
    size_t count;
    struct ouro_address addresses[];
};

struct route {
    struct ouro__list link;
    struct ouro_address to; /* whatever its port */
    int64_t delay_ns;
    int error;
};

static struct name *
name_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct name, link);
}

static struct route *
route_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct route, link);
}

static void
name_free(struct name *name)
{
    if (name == NULL)
        return;
    ouro__free(name->text);
    ouro__free(name);
}

void
ouro__sim_names_init(struct ouro__sim_names *names)
{
    ouro__list_init(&names->names);
    ouro__list_init(&names->routes);
    names->lookups = 0;
}

void
ouro__sim_names_fini(struct ouro__sim_names *names)
{
    struct ouro__list *link;

    while ((link = ouro__list_shift(&names->names)) != NULL)
        name_free(name_of(link));
    while ((link = ouro__list_shift(&names->routes)) != NULL)
        ouro__free(route_of(link));
}

/* Errors are negative here, whatever the test wrote. */
static int
negative(int error)
{
    return error > 0 ? -error : error;
}

/* Names. */

static struct name *
find_name(const struct ouro__sim_names *names, const char *text)
{
    ouro__list_for_each (link, &names->names) {
        if (strcasecmp(name_of(link)->text, text) == 0)
            return name_of(link);
    }
    return NULL;
}

static size_t
count_parts(const char *list)
{
    size_t count = 1;

    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

/* Read one literal from `*list`, and move behind it and its comma. */
static int
parse_part(struct ouro_address *out_address, const char **list)
{
    char part[OURO_ADDRESS_TEXT];
    const char *start = *list + strspn(*list, " ");
    size_t size = strcspn(start, ", ");

    if (size >= sizeof(part))
        return -EINVAL;
    memcpy(part, start, size);
    part[size] = '\0';

    *list = start + size + strspn(start + size, " ");
    if (**list == ',')
        ++*list;
    return ouro_address_parse(out_address, part, 0);
}

static int
parse_addresses(struct name *name, const char *list)
{
    for (size_t i = 0; i < name->count; i++) {
        int rc = parse_part(&name->addresses[i], &list);
        if (rc < 0)
            return rc;
    }
    return *list == '\0' ? 0 : -EINVAL;
}

int
ouro__sim_add_name(struct ouro__sim_names *names, const char *text,
                   const char *addresses, int64_t delay_ns, int error)
{
    if (addresses == NULL && error == 0)
        return -EINVAL;

    size_t count = addresses != NULL ? count_parts(addresses) : 0;
    struct name *name =
        ouro__alloc_zeroed(sizeof(*name) + count * sizeof(struct ouro_address));
    if (name == NULL)
        return -ENOMEM;
    name->count = count;
    name->delay_ns = delay_ns;
    name->error = addresses != NULL ? 0 : negative(error);
    name->text = ouro__copy_text(text);

    int rc = name->text == NULL ? -ENOMEM : 0;
    if (rc == 0 && addresses != NULL)
        rc = parse_addresses(name, addresses);
    if (rc < 0) {
        name_free(name);
        return rc;
    }

    struct name *old = find_name(names, text);
    if (old != NULL)
        ouro__list_remove(&old->link);
    name_free(old);
    ouro__list_append(&names->names, &name->link);
    return 0;
}

ssize_t
ouro__sim_look_up(struct ouro__sim_names *names, const char *host, int family,
                  struct ouro_address *out_addresses, size_t capacity,
                  int64_t *out_delay_ns)
{
    const struct name *name = find_name(names, host);
    size_t count = 0;

    names->lookups++;
    *out_delay_ns = name != NULL ? name->delay_ns : 0;
    if (name == NULL)
        return -OURO_ENAME;
    if (name->error < 0)
        return name->error;

    for (size_t i = 0; i < name->count && count < capacity; i++) {
        const struct ouro_address *address = &name->addresses[i];

        if (family == AF_UNSPEC || family == address->of.any.sa_family)
            out_addresses[count++] = *address;
    }
    return count > 0 ? (ssize_t)count : -OURO_ENOADDRESS;
}

/* Routes. */

static struct route *
find_route(const struct ouro__sim_names *names, const struct ouro_address *to)
{
    ouro__list_for_each (link, &names->routes) {
        if (ouro__sim_same_host(&route_of(link)->to, to))
            return route_of(link);
    }
    return NULL;
}

int
ouro__sim_set_route(struct ouro__sim_names *names, const char *address,
                    int64_t delay_ns, int error)
{
    struct ouro_address to;

    int rc = ouro_address_parse(&to, address, 0);
    if (rc < 0)
        return rc;

    struct route *route = find_route(names, &to);
    if (route == NULL) {
        route = ouro__alloc_zeroed(sizeof(*route));
        if (route == NULL)
            return -ENOMEM;
        ouro__list_append(&names->routes, &route->link);
    }
    route->to = to;
    route->delay_ns = delay_ns;
    route->error = negative(error);
    return 0;
}

int
ouro__sim_route(const struct ouro__sim_names *names,
                const struct ouro_address *to, int64_t *out_delay_ns)
{
    const struct route *route = find_route(names, to);

    *out_delay_ns = route != NULL ? route->delay_ns : 0;
    return route != NULL ? route->error : 0;
}
