/* SPDX-License-Identifier: MIT */
/* What the fields of a whole head mean: how its body ends, and whether the
 * connection goes on (RFC 9112, 3.2, 6 and 9; RFC 9110, 7.8 and 10.1.1).
 *
 * Where RFC 9112 lets a reader choose between mending and refusing, it is
 * refused: somebody before or behind us may have mended it otherwise.
 */
#include "http1_inside.h"
#include "http1_scan.h"

#include <string.h>

/* What was found among the fields; a slice without data: nothing. */
struct found {
    struct ouro_slice host;
    struct ouro_slice length;
    struct ouro_slice encoding;
    struct ouro_slice expect;
    bool upgrade;        /* the field */
    bool upgrade_option; /* of Connection, as the next two */
    bool close_option;
    bool keep_alive_option;
};

static enum ouro_http1_error
once(struct ouro_slice *slot, struct ouro_slice value,
     enum ouro_http1_error error)
{
    if (slot->data != NULL)
        return error;
    *slot = value;
    return OURO_HTTP1_OK;
}

static void
note_option(struct found *found, struct ouro_slice option)
{
    if (OURO__HTTP1_SAME(option, "close"))
        found->close_option = true;
    else if (OURO__HTTP1_SAME(option, "keep-alive"))
        found->keep_alive_option = true;
    else if (OURO__HTTP1_SAME(option, "upgrade"))
        found->upgrade_option = true;
}

static bool
is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* Each member of a list with commas: RFC 9110, 5.6.1. */
static void
note_connection(struct found *found, struct ouro_slice value)
{
    const uint8_t *at = value.data;
    const uint8_t *end = at + value.size;

    while (at < end) {
        const uint8_t *comma = memchr(at, ',', (size_t)(end - at));
        const uint8_t *last = comma != NULL ? comma : end;
        const uint8_t *next = last < end ? last + 1 : end;

        while (at < last && is_space(*at))
            at++;
        while (last > at && is_space(last[-1]))
            last--;
        note_option(found, ouro_slice_of(at, (size_t)(last - at)));
        at = next;
    }
}

/* The lengths of names keep most fields from being compared at all. */
static enum ouro_http1_error
note_field(struct found *found, struct ouro_http1_field field)
{
    struct ouro_slice name = field.name;

    switch (name.size) {
    case 4:
        if (OURO__HTTP1_SAME(name, "host"))
            return once(&found->host, field.value, OURO_HTTP1_REPEATED_HOST);
        break;
    case 6:
        if (OURO__HTTP1_SAME(name, "expect"))
            return once(&found->expect, field.value,
                        OURO_HTTP1_UNKNOWN_EXPECTATION);
        break;
    case 7:
        if (OURO__HTTP1_SAME(name, "upgrade"))
            found->upgrade = true;
        break;
    case 10:
        if (OURO__HTTP1_SAME(name, "connection"))
            note_connection(found, field.value);
        break;
    case 14:
        if (OURO__HTTP1_SAME(name, "content-length"))
            return once(&found->length, field.value,
                        OURO_HTTP1_REPEATED_CONTENT_LENGTH);
        break;
    case 17:
        if (OURO__HTTP1_SAME(name, "transfer-encoding"))
            return once(&found->encoding, field.value,
                        OURO_HTTP1_BAD_TRANSFER_ENCODING);
        break;
    default:
        break;
    }
    return OURO_HTTP1_OK;
}

bool
ouro__http1_is_framing(struct ouro_slice name)
{
    return OURO__HTTP1_SAME(name, "host")
           || OURO__HTTP1_SAME(name, "content-length")
           || OURO__HTTP1_SAME(name, "transfer-encoding");
}

/* Of Host and Expect a response says nothing. */
static bool
is_of_requests(enum ouro_http1_error error)
{
    return error == OURO_HTTP1_REPEATED_HOST
           || error == OURO_HTTP1_UNKNOWN_EXPECTATION;
}

static enum ouro_http1_error
find(struct found *found, const struct ouro_http1_fields *fields, bool request)
{
    for (size_t i = 0; i < fields->count; i++) {
        enum ouro_http1_error error = note_field(found, fields->array[i]);

        if (error != OURO_HTTP1_OK && (request || !is_of_requests(error)))
            return error;
    }
    return OURO_HTTP1_OK;
}

/* Digits, and nothing but them: RFC 9110, 8.6. */
static enum ouro_http1_error
read_length(struct ouro_http1_head *head, struct ouro_slice value)
{
    int64_t length = 0;

    if (value.size == 0)
        return OURO_HTTP1_BAD_CONTENT_LENGTH;
    for (size_t i = 0; i < value.size; i++) {
        int digit = value.data[i] - '0';

        if (digit < 0 || digit > 9 || length > (INT64_MAX - digit) / 10)
            return OURO_HTTP1_BAD_CONTENT_LENGTH;
        length = length * 10 + digit;
    }
    head->content_length = length;
    return OURO_HTTP1_OK;
}

/* The one coding that is not another's business.  One that ends the list in
 * "chunked" can be framed, but not understood. */
static enum ouro_http1_error
check_encoding(const struct ouro_http1_head *head, struct ouro_slice value)
{
    static const size_t size = sizeof("chunked") - 1;

    if (head->minor_version == 0)
        return OURO_HTTP1_ENCODING_IN_HTTP_1_0;
    if (OURO__HTTP1_SAME(value, "chunked"))
        return OURO_HTTP1_OK;
    if (value.size <= size)
        return OURO_HTTP1_BAD_TRANSFER_ENCODING;
    const uint8_t *last = value.data + value.size - size;
    const uint8_t *at = last;
    while (at > value.data && is_space(at[-1]))
        at--;
    if (!OURO__HTTP1_SAME(ouro_slice_of(last, size), "chunked")
        || at == value.data || at[-1] != ',' || value.data[0] == ',')
        return OURO_HTTP1_BAD_TRANSFER_ENCODING;
    return OURO_HTTP1_UNSUPPORTED_TRANSFER_ENCODING;
}

/* RFC 9112, 6.3, as far as it is the same for requests and responses. */
static enum ouro_http1_error
read_framing(struct ouro_http1_head *head, const struct found *found)
{
    enum ouro_http1_error error = OURO_HTTP1_OK;

    if (found->length.data != NULL && found->encoding.data != NULL)
        return OURO_HTTP1_LENGTH_AND_ENCODING;
    head->framing = OURO_HTTP1_NO_BODY;
    if (found->encoding.data != NULL) {
        error = check_encoding(head, found->encoding);
        head->framing = OURO_HTTP1_CHUNKED;
    } else if (found->length.data != NULL) {
        error = read_length(head, found->length);
        if (head->content_length > 0)
            head->framing = OURO_HTTP1_LENGTH;
    }
    head->keep_alive = !found->close_option
                       && (head->minor_version > 0 || found->keep_alive_option);
    return error;
}

/* RFC 9112, 3.2. */
static enum ouro_http1_error
check_host(struct ouro_http1_head *head, const struct found *found)
{
    if (found->host.data == NULL)
        return head->minor_version > 0 ? OURO_HTTP1_NO_HOST : OURO_HTTP1_OK;
    if (!ouro__http1_is_authority(found->host, false))
        return OURO_HTTP1_BAD_HOST;
    if (head->authority.data == NULL)
        head->authority = found->host;
    return OURO_HTTP1_OK;
}

/* In HTTP/1.0 an expectation is ignored: RFC 9110, 10.1.1. */
static enum ouro_http1_error
check_expect(struct ouro_http1_head *head, struct ouro_slice expect)
{
    if (expect.data == NULL || head->minor_version == 0)
        return OURO_HTTP1_OK;
    if (!OURO__HTTP1_SAME(expect, "100-continue"))
        return OURO_HTTP1_UNKNOWN_EXPECTATION;
    head->expects_continue = head->framing != OURO_HTTP1_NO_BODY;
    return OURO_HTTP1_OK;
}

enum ouro_http1_error
ouro__http1_request_rules(struct ouro_http1_head *head)
{
    struct found found = {.upgrade = false};
    enum ouro_http1_error error = ouro__http1_target(head);

    if (error == OURO_HTTP1_OK)
        error = find(&found, &head->fields, true);
    if (error == OURO_HTTP1_OK)
        error = check_host(head, &found);
    if (error == OURO_HTTP1_OK)
        error = read_framing(head, &found);
    if (error == OURO_HTTP1_OK)
        error = check_expect(head, found.expect);
    if (error != OURO_HTTP1_OK)
        return error;
    if (head->form == OURO_HTTP1_AUTHORITY
        && head->framing != OURO_HTTP1_NO_BODY)
        return OURO_HTTP1_CONNECT_WITH_BODY;
    head->upgrade =
        found.upgrade && found.upgrade_option && head->minor_version > 0;
    return OURO_HTTP1_OK;
}

/* RFC 9112, 6.3, 1 and 2: these have no body, whatever they say. */
static bool
is_bodiless(int status, enum ouro_http1_asked asked)
{
    return status < 200 || status == 204 || status == 304
           || asked == OURO_HTTP1_ASKED_HEAD;
}

enum ouro_http1_error
ouro__http1_response_rules(struct ouro_http1_head *head,
                           enum ouro_http1_asked asked)
{
    struct found found = {.upgrade = false};
    enum ouro_http1_error error = find(&found, &head->fields, false);

    if (error == OURO_HTTP1_OK)
        error = read_framing(head, &found);
    if (error != OURO_HTTP1_OK)
        return error;

    int status = head->status;
    bool connected = asked == OURO_HTTP1_ASKED_CONNECT && status / 100 == 2;
    head->upgrade = status == 101;
    if (status == 101 || connected)
        head->framing = OURO_HTTP1_TUNNEL;
    else if (is_bodiless(status, asked))
        head->framing = OURO_HTTP1_NO_BODY;
    else if (found.encoding.data == NULL && found.length.data == NULL)
        head->framing = OURO_HTTP1_UNTIL_CLOSE;
    if (head->framing >= OURO_HTTP1_UNTIL_CLOSE)
        head->keep_alive = false;
    return OURO_HTTP1_OK;
}
