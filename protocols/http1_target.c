/* SPDX-License-Identifier: MIT */
/* The target of a request, and what names a host (RFC 9112, 3.2; RFC 3986). */
#include "http1_inside.h"
#include "http1_scan.h"

#include <arpa/inet.h>
#include <string.h>

static struct ouro_slice
between(const uint8_t *begin, const uint8_t *end)
{
    return ouro_slice_of(begin, (size_t)(end - begin));
}

/* Hosts: RFC 3986, 3.2.2. */

static bool
is_port(struct ouro_slice text)
{
    unsigned port = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (text.data[i] - '0');
        if (port > 65535)
            return false;
    }
    return true;
}

static bool
is_reg_name(struct ouro_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (ouro__http1_is(text.data[i], OURO__HTTP1_HOST))
            continue;
        if (text.data[i] != '%' || text.size - i < 3
            || !ouro__http1_is(text.data[i + 1], OURO__HTTP1_HEX)
            || !ouro__http1_is(text.data[i + 2], OURO__HTTP1_HEX))
            return false;
        i += 2;
    }
    return true;
}

/* What stands in brackets.  Of IPvFuture there is no version yet. */
static bool
is_ipv6(struct ouro_slice text)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (text.size >= sizeof(copy) || memchr(text.data, 0, text.size) != NULL)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return inet_pton(AF_INET6, copy, &address) == 1;
}

bool
ouro__http1_is_authority(struct ouro_slice text, bool needs_port)
{
    const uint8_t *begin = text.data;
    const uint8_t *end = begin + text.size;
    const uint8_t *host_end;

    if (text.size == 0)
        return !needs_port;
    if (*begin == '[') {
        host_end = memchr(begin, ']', text.size);
        if (host_end == NULL || !is_ipv6(between(begin + 1, host_end)))
            return false;
        host_end++;
    } else {
        host_end = memchr(begin, ':', text.size);
        if (host_end == NULL)
            host_end = end;
        if (!is_reg_name(between(begin, host_end)))
            return false;
    }
    if (host_end == end)
        return !needs_port;
    if (*host_end != ':' || host_end == begin)
        return false;
    return is_port(between(host_end + 1, end))
           && (!needs_port || host_end + 1 < end);
}

/* Targets. */

static void
split_query(struct ouro_http1_head *head, struct ouro_slice text)
{
    const uint8_t *end = text.data + text.size;
    const uint8_t *mark =
        text.size > 0 ? memchr(text.data, '?', text.size) : NULL;

    head->path = text;
    if (mark != NULL) {
        head->path = between(text.data, mark);
        head->query = between(mark + 1, end);
    }
}

static bool
is_letter(uint8_t byte)
{
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

/* What stands behind "scheme://", or NULL. */
static const uint8_t *
behind_scheme(struct ouro_slice target)
{
    const uint8_t *at = target.data;
    const uint8_t *end = at + target.size;

    if (!is_letter(*at))
        return NULL;
    while (at < end
           && (is_letter(*at) || (*at >= '0' && *at <= '9') || *at == '+'
               || *at == '-' || *at == '.'))
        at++;
    if (end - at < 3 || memcmp(at, "://", 3) != 0)
        return NULL;
    return at + 3;
}

static bool
is_method(const struct ouro_http1_head *head, struct ouro_slice method)
{
    return head->method.size == method.size
           && memcmp(head->method.data, method.data, method.size) == 0;
}

/* A host must be there, and no userinfo may: RFC 9110, 4.2.1 and 4.2.4.  No
 * path is "/", and for OPTIONS "*": RFC 9112, 3.2.4. */
static enum ouro_http1_error
absolute(struct ouro_http1_head *head)
{
    const uint8_t *end = head->target.data + head->target.size;
    const uint8_t *begin = behind_scheme(head->target);
    const uint8_t *at = begin;

    if (begin == NULL)
        return OURO_HTTP1_BAD_TARGET;
    while (at < end && *at != '/' && *at != '?')
        at++;
    head->form = OURO_HTTP1_ABSOLUTE;
    head->authority = between(begin, at);
    if (at == begin || !ouro__http1_is_authority(head->authority, false))
        return OURO_HTTP1_BAD_TARGET;
    split_query(head, between(at, end));
    if (head->path.size == 0) {
        bool all =
            is_method(head, OURO_BYTES("OPTIONS")) && head->query.data == NULL;
        head->path = all ? OURO_BYTES("*") : OURO_BYTES("/");
    }
    return OURO_HTTP1_OK;
}

enum ouro_http1_error
ouro__http1_target(struct ouro_http1_head *head)
{
    struct ouro_slice target = head->target;

    if (is_method(head, OURO_BYTES("CONNECT"))) {
        head->form = OURO_HTTP1_AUTHORITY;
        head->authority = target;
        return ouro__http1_is_authority(target, true) ? OURO_HTTP1_OK
                                                      : OURO_HTTP1_BAD_TARGET;
    }
    if (target.data[0] == '/') {
        head->form = OURO_HTTP1_ORIGIN;
        split_query(head, target);
        return OURO_HTTP1_OK;
    }
    if (target.size == 1 && target.data[0] == '*'
        && is_method(head, OURO_BYTES("OPTIONS"))) {
        head->form = OURO_HTTP1_ASTERISK;
        head->path = target;
        return OURO_HTTP1_OK;
    }
    return absolute(head);
}
