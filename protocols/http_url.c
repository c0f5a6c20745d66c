/* SPDX-License-Identifier: MIT */
/* URLs: RFC 3986 as far as "http" goes, and no more lenient than that.
 *
 * What two readers could take for two hosts is refused: user information, a
 * backslash, a space, a percent sign in a host.
 */
#include "http_url.h"

#include <ouro/address.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_SIZE = 255 };

static struct ouro_slice
from(struct ouro_slice text, size_t at)
{
    return ouro_slice_of(text.data + at, text.size - at);
}

static struct ouro_slice
up_to(struct ouro_slice text, size_t size)
{
    return ouro_slice_of(text.data, size);
}

/* Where the first of `stops` is, or the end. */
static size_t
find(struct ouro_slice text, const char *stops)
{
    size_t at = 0;

    while (at < text.size
           && (text.data[at] == '\0' || strchr(stops, text.data[at]) == NULL))
        at++;
    return at;
}

static bool
begins(struct ouro_slice text, const char *with)
{
    return text.size >= strlen(with)
           && memcmp(text.data, with, strlen(with)) == 0;
}

/* The letters before ":" that make a reference absolute; 0: it is not. */
static size_t
scheme_size(struct ouro_slice text)
{
    size_t size = 0;

    while (size < text.size
           && (isalnum(text.data[size])
               || (text.data[size] != '\0'
                   && strchr("+-.", text.data[size]) != NULL)))
        size++;
    bool is_one = size > 0 && size < text.size && text.data[size] == ':'
                  && isalpha(text.data[0]);
    return is_one ? size : 0;
}

/* What may stand in a path and a query: RFC 3986, 3.3 and 3.4. */
static bool
is_target(struct ouro_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];

        if (byte == '%') {
            if (text.size - i < 3 || !isxdigit(text.data[i + 1])
                || !isxdigit(text.data[i + 2]))
                return false;
        } else if (byte >= 127
                   || (!isalnum(byte)
                       && (byte == '\0'
                           || strchr("-._~!$&'()*+,;=:@/?", byte) == NULL)))
            return false;
    }
    return true;
}

/* Write `path` into `into` without its "." and ".." (RFC 3986, 5.2.4).
 * Returns its size, which is not larger. */
static size_t
remove_dots(struct ouro_slice path, char *into)
{
    size_t size = 0;

    while (path.size > 0) {
        size_t end = 1 + find(from(path, 1), "/");
        bool is_last = end == path.size;
        struct ouro_slice name = ouro_slice_of(path.data + 1, end - 1);
        bool up = name.size == 2 && begins(name, "..");

        if (up) {
            while (size > 0 && into[--size] != '/')
                ;
        }
        if (!up && !(name.size == 1 && name.data[0] == '.')) {
            memcpy(into + size, path.data, end);
            size += end;
        } else if (is_last) {
            into[size++] = '/';
        }
        path = from(path, end);
    }
    return size;
}

/* The host of `authority`, in lower case, into `host`. */
static int
read_host(struct ouro_slice name, char host[HOST_SIZE + 1])
{
    struct ouro_address address;
    bool is_literal = begins(name, "[");

    if (is_literal)
        name = ouro_slice_of(name.data + 1, name.size - 2);
    if (name.size == 0 || name.size > HOST_SIZE)
        return -EINVAL;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        bool good = is_literal ? isxdigit(byte) || byte == ':' || byte == '.'
                               : isalnum(byte) || byte == '-' || byte == '.'
                                     || byte == '_';
        if (!good || byte >= 127)
            return -EINVAL;
        host[i] = (char)tolower(byte);
    }
    host[name.size] = '\0';
    if (is_literal && strchr(host, ':') == NULL)
        return -EINVAL;
    return is_literal ? ouro_address_parse(&address, host, 0) : 0;
}

/* 1 to 65535; nothing is 80. */
static int
read_port(struct ouro_slice digits, unsigned *out_port)
{
    unsigned port = 0;

    for (size_t i = 0; i < digits.size; i++) {
        if (!isdigit(digits.data[i]) || port > 6553)
            return -EINVAL;
        port = port * 10 + (unsigned)(digits.data[i] - '0');
    }
    if (digits.size > 0 && (port == 0 || port > 65535))
        return -EINVAL;
    *out_port = digits.size > 0 ? port : 80;
    return 0;
}

/* The parts of a URL, before they are put together again. */
struct parts {
    char host[HOST_SIZE + 1];
    bool is_literal;
    unsigned port;
    struct ouro_slice path;
    struct ouro_slice query; /* with its "?" */
};

static int
read_authority(struct parts *parts, struct ouro_slice authority,
               const char **out_why)
{
    size_t name_size = find(authority, ":");

    *out_why = "it has user information, which is not sent";
    if (find(authority, "@") < authority.size)
        return -EINVAL;
    *out_why = "its host is none";
    parts->is_literal = begins(authority, "[");
    if (parts->is_literal) {
        name_size = find(authority, "]") + 1;
        if (name_size > authority.size)
            return -EINVAL;
    }
    if (read_host(up_to(authority, name_size), parts->host) < 0)
        return -EINVAL;
    struct ouro_slice rest = from(authority, name_size);
    *out_why = "its port is none";
    if (rest.size > 0 && rest.data[0] != ':')
        return -EINVAL;
    return read_port(rest.size > 0 ? from(rest, 1) : rest, &parts->port);
}

static int
read_parts(struct parts *parts, struct ouro_slice text, const char **out_why)
{
    size_t scheme = scheme_size(text);

    text = up_to(text, find(text, "#"));
    *out_why = "it does not begin with http://";
    if (scheme == 0)
        return -EINVAL;
    if (scheme == 5 && strncasecmp((const char *)text.data, "https", 5) == 0)
        *out_why = "https needs TLS, which is not there";
    else if (scheme != 4
             || strncasecmp((const char *)text.data, "http", 4) != 0)
        *out_why = "its scheme is not http";
    else
        scheme = 0;
    if (scheme > 0)
        return -EPROTONOSUPPORT;
    if (!begins(from(text, 4), "://"))
        return -EINVAL;
    text = from(text, 7);
    size_t authority_size = find(text, "/?");
    int rc = read_authority(parts, up_to(text, authority_size), out_why);
    if (rc < 0)
        return rc;
    text = from(text, authority_size);
    size_t path_size = find(text, "?");
    parts->path = up_to(text, path_size);
    parts->query = from(text, path_size);
    *out_why = "its path or query has a character that must be encoded";
    return is_target(text) ? 0 : -EINVAL;
}

static int
build(struct ouro__http_url *url, const struct parts *parts)
{
    size_t host_size = strlen(parts->host);
    size_t room = 32 + 2 * host_size + parts->path.size + parts->query.size;
    char *text = ouro_alloc(room);
    const char *brackets[] = {parts->is_literal ? "[" : "",
                              parts->is_literal ? "]" : ""};
    char port[8] = "";

    if (text == NULL)
        return -ENOMEM;
    if (parts->port != 80)
        snprintf(port, sizeof(port), ":%u", parts->port);
    size_t begin = 7;
    size_t end = (size_t)snprintf(text, room, "http://%s%s%s%s", brackets[0],
                                  parts->host, brackets[1], port);
    size_t size = end + remove_dots(parts->path, text + end);
    if (size == end)
        text[size++] = '/';
    memcpy(text + size, parts->query.data, parts->query.size);
    size += parts->query.size;
    text[size] = '\0';
    url->text = text;
    url->authority = ouro_slice_of(text + begin, end - begin);
    url->target = ouro_slice_of(text + end, size - end);
    url->host = text + size + 1;
    memcpy(url->host, parts->host, host_size + 1);
    snprintf(url->service, sizeof(url->service), "%u", parts->port & 0xffff);
    return 0;
}

int
ouro__http_url_init(struct ouro__http_url *url, struct ouro_slice text,
                    const char **out_why)
{
    struct parts parts;
    int rc = read_parts(&parts, text, out_why);

    if (rc < 0)
        return rc;
    *out_why = "there is no memory";
    return build(url, &parts);
}

/* How much of the base's text stands before the reference: RFC 3986, 5.2.2 and
 * 5.2.3. */
static size_t
base_size(const struct ouro__http_url *base, struct ouro_slice reference)
{
    size_t authority_end =
        (size_t)((const char *)base->target.data - base->text);
    size_t path_size = find(base->target, "?");

    if (begins(reference, "//"))
        return strlen("http:");
    if (begins(reference, "/"))
        return authority_end;
    if (reference.size == 0)
        return authority_end + base->target.size;
    if (begins(reference, "?"))
        return authority_end + path_size;
    while (base->target.data[path_size - 1] != '/')
        path_size--;
    return authority_end + path_size;
}

int
ouro__http_url_resolve(struct ouro__http_url *url,
                       const struct ouro__http_url *base,
                       struct ouro_slice reference, const char **out_why)
{
    reference = up_to(reference, find(reference, "#"));
    if (scheme_size(reference) > 0)
        return ouro__http_url_init(url, reference, out_why);

    size_t size = base_size(base, reference);
    char *text = ouro_alloc(size + reference.size + 1);
    *out_why = "there is no memory";
    if (text == NULL)
        return -ENOMEM;
    memcpy(text, base->text, size);
    if (reference.size > 0)
        memcpy(text + size, reference.data, reference.size);
    int rc = ouro__http_url_init(
        url, ouro_slice_of(text, size + reference.size), out_why);
    ouro_free(text);
    return rc;
}

void
ouro__http_url_fini(struct ouro__http_url *url)
{
    ouro_free(url->text);
    *url = (struct ouro__http_url){.text = NULL};
}
