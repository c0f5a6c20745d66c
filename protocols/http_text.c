/* SPDX-License-Identifier: MIT */
/* Texts of HTTP: names of statuses, dates, names of fields. */
#include "http_text.h"

#include "http1_scan.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* RFC 9110, 15; RFC 6585; RFC 7725. */
static const struct {
    int status;
    const char *name;
} names[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *
ouro__http_status_name(int status)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].status == status)
            return names[i].name;
    }
    return "";
}

size_t
ouro__http_status_line(int status, char text[OURO__HTTP_STATUS_LINE])
{
    static const char ok[] = "HTTP/1.1 200 OK\r\n";

    if (status == 200) {
        memcpy(text, ok, sizeof(ok) - 1);
        return sizeof(ok) - 1;
    }
    return (size_t)snprintf(text, OURO__HTTP_STATUS_LINE,
                            "HTTP/1.1 %03u %s\r\n", (unsigned)status % 1000,
                            ouro__http_status_name(status));
}

/* Numbers. */

size_t
ouro__http_number(uint64_t number, char text[OURO__HTTP_NUMBER])
{
    char digits[OURO__HTTP_NUMBER];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    memcpy(text, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

/* Names and values. */

bool
ouro__http_same_name(struct ouro_slice name, const char *text)
{
    return strlen(text) == name.size
           && strncasecmp((const char *)name.data, text, name.size) == 0;
}

bool
ouro__http_is_method(struct ouro_slice method, const char *name)
{
    return strlen(name) == method.size
           && memcmp(method.data, name, method.size) == 0;
}

bool
ouro__http_is_token(struct ouro_slice text)
{
    if (text.size == 0)
        return false;
    const uint8_t *end = text.data + text.size;
    return ouro__http1_skip(text.data, end, OURO__HTTP1_TOKEN) == end;
}

bool
ouro__http_is_value(struct ouro_slice text)
{
    if (text.size == 0)
        return true;
    const uint8_t *end = text.data + text.size;
    return ouro__http1_skip_value(text.data, end) == end;
}

static struct ouro_slice
trim(struct ouro_slice text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = ouro_slice_of(text.data + 1, text.size - 1);
    while (text.size > 0
           && (text.data[text.size - 1] == ' '
               || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* "q=0.00": not wanted (RFC 9110, 12.4.2). */
static bool
is_zero(struct ouro_slice weight)
{
    weight = trim(weight);
    if (weight.size < 3 || (weight.data[0] | 0x20) != 'q'
        || weight.data[1] != '=')
        return false;
    for (size_t i = 2; i < weight.size; i++) {
        if (weight.data[i] != '0' && weight.data[i] != '.')
            return false;
    }
    return true;
}

static bool
is_item(struct ouro_slice text, const char *item)
{
    const uint8_t *semicolon =
        text.size > 0 ? memchr(text.data, ';', text.size) : NULL;
    size_t size =
        semicolon != NULL ? (size_t)(semicolon - text.data) : text.size;
    struct ouro_slice rest = ouro_slice_of(text.data + size, text.size - size);

    if (semicolon != NULL)
        rest = ouro_slice_of(rest.data + 1, rest.size - 1);
    return ouro__http_same_name(trim(ouro_slice_of(text.data, size)), item)
           && !is_zero(rest);
}

bool
ouro__http_list_has(struct ouro_slice value, const char *item)
{
    while (value.size > 0) {
        const uint8_t *comma = memchr(value.data, ',', value.size);
        size_t size = comma != NULL ? (size_t)(comma - value.data) : value.size;

        if (is_item(ouro_slice_of(value.data, size), item))
            return true;
        size += comma != NULL;
        value = ouro_slice_of(value.data + size, value.size - size);
    }
    return false;
}
