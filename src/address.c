/* SPDX-License-Identifier: MIT */
/* Addresses: literals to addresses, addresses to text.  No names.
 *
 * What is read is strict: four decimal numbers without leading zeros, or what
 * RFC 4291 calls an address, with a zone if there is one (RFC 4007): the number
 * or the name of an interface.  "127.1" and "0x7f.0.0.1" are addresses to
 * some functions of libc and not to others, which has been a hole in more than
 * one filter.
 */
#include <ouro/address.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* Read `text` as the number or the name of an interface; 0 for what is none,
 * which is no zone either. */
static uint32_t
parse_zone(const char *text)
{
    uint64_t number = 0;

    if (text[strspn(text, "0123456789")] != '\0')
        return if_nametoindex(text);

    for (; *text != '\0'; text++) {
        number = number * 10 + (uint64_t)(*text - '0');
        if (number > UINT32_MAX)
            return 0;
    }
    return (uint32_t)number;
}

static int
parse_v4(struct ouro_address *out_address, const char *text, uint16_t port)
{
    struct ouro_address address = {.size = sizeof(address.of.v4)};

    address.of.v4.sin_family = AF_INET;
    address.of.v4.sin_port = htons(port);
    if (inet_pton(AF_INET, text, &address.of.v4.sin_addr) != 1)
        return -EINVAL;

    *out_address = address;
    return 0;
}

/* `zone` is what came behind the percent sign; NULL: there was none. */
static int
parse_v6(struct ouro_address *out_address, const char *text, const char *zone,
         uint16_t port)
{
    struct ouro_address address = {.size = sizeof(address.of.v6)};

    address.of.v6.sin6_family = AF_INET6;
    address.of.v6.sin6_port = htons(port);
    if (inet_pton(AF_INET6, text, &address.of.v6.sin6_addr) != 1)
        return -EINVAL;
    if (zone != NULL) {
        address.of.v6.sin6_scope_id = parse_zone(zone);
        if (address.of.v6.sin6_scope_id == 0)
            return -EINVAL;
    }

    *out_address = address;
    return 0;
}

int
ouro_address_parse(struct ouro_address *out_address, const char *text,
                   uint16_t port)
{
    char plain[INET6_ADDRSTRLEN];
    const char *percent = strchr(text, '%');

    if (strchr(text, ':') == NULL)
        return parse_v4(out_address, text, port);
    if (percent == NULL)
        return parse_v6(out_address, text, NULL, port);

    size_t size = (size_t)(percent - text);
    if (size >= sizeof(plain))
        return -EINVAL;
    memcpy(plain, text, size);
    plain[size] = '\0';
    return parse_v6(out_address, plain, percent + 1, port);
}

static void
format_v4(const struct sockaddr_in *v4, char text[OURO_ADDRESS_TEXT])
{
    char host[INET_ADDRSTRLEN];

    if (inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host)) == NULL)
        host[0] = '\0';
    snprintf(text, OURO_ADDRESS_TEXT, "%s:%u", host, ntohs(v4->sin_port));
}

/* An interface may be gone; then its number has to do. */
static void
format_v6(const struct sockaddr_in6 *v6, char text[OURO_ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN];
    char name[IF_NAMESIZE];
    char zone[IF_NAMESIZE + 1] = "";
    uint32_t scope = v6->sin6_scope_id;

    if (inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host)) == NULL)
        host[0] = '\0';
    if (scope != 0 && if_indextoname(scope, name) != NULL)
        snprintf(zone, sizeof(zone), "%%%s", name);
    else if (scope != 0)
        snprintf(zone, sizeof(zone), "%%%u", (unsigned)scope);
    snprintf(text, OURO_ADDRESS_TEXT, "[%s%s]:%u", host, zone,
             ntohs(v6->sin6_port));
}

/* A path as it is, an abstract name behind an at-sign, both without what would
 * break a line of a log. */
static void
format_unix(const struct ouro_address *address, char text[OURO_ADDRESS_TEXT])
{
    struct sockaddr_un un = {0};
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t size = address->size < sizeof(un) ? address->size : sizeof(un);

    memcpy(&un, &address->of, size);
    size -= head;
    if (un.sun_path[0] == '\0' && size > 0)
        un.sun_path[0] = '@';
    else
        size = strnlen(un.sun_path, size);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)un.sun_path[i];
        text[i] = byte < ' ' || byte == 0x7f ? '?' : un.sun_path[i];
    }
    text[size] = '\0';
}

/* Bytes of an address of `family` that say something; less is no address. */
static size_t
least_size(int family)
{
    if (family == AF_INET)
        return sizeof(struct sockaddr_in);
    if (family == AF_INET6)
        return sizeof(struct sockaddr_in6);
    if (family == AF_UNIX)
        return offsetof(struct sockaddr_un, sun_path) + 1;
    return sizeof(sa_family_t);
}

/* AF_UNSPEC for what has no address, an unnamed AF_UNIX socket, say. */
static int
family_of(const struct ouro_address *address)
{
    if (address->size < sizeof(sa_family_t))
        return AF_UNSPEC;
    if (address->size < least_size(address->of.any.sa_family))
        return AF_UNSPEC;
    return address->of.any.sa_family;
}

const char *
ouro_address_format(const struct ouro_address *address,
                    char text[OURO_ADDRESS_TEXT])
{
    int family = family_of(address);

    if (family == AF_INET)
        format_v4(&address->of.v4, text);
    else if (family == AF_INET6)
        format_v6(&address->of.v6, text);
    else if (family == AF_UNIX)
        format_unix(address, text);
    else if (family == AF_UNSPEC)
        snprintf(text, OURO_ADDRESS_TEXT, "-");
    else
        snprintf(text, OURO_ADDRESS_TEXT, "family %d", family);
    return text;
}

uint16_t
ouro_address_port(const struct ouro_address *address)
{
    int family = family_of(address);

    if (family == AF_INET)
        return ntohs(address->of.v4.sin_port);
    if (family == AF_INET6)
        return ntohs(address->of.v6.sin6_port);
    return 0;
}

static bool
v6_equals(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
    return a->sin6_port == b->sin6_port && a->sin6_scope_id == b->sin6_scope_id
           && memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) == 0;
}

bool
ouro_address_equals(const struct ouro_address *a, const struct ouro_address *b)
{
    int family = family_of(a);

    if (family != family_of(b))
        return false;
    if (family == AF_INET)
        return a->of.v4.sin_port == b->of.v4.sin_port
               && a->of.v4.sin_addr.s_addr == b->of.v4.sin_addr.s_addr;
    if (family == AF_INET6)
        return v6_equals(&a->of.v6, &b->of.v6);
    if (family == AF_UNSPEC)
        return true;
    return a->size == b->size && memcmp(&a->of, &b->of, a->size) == 0;
}
