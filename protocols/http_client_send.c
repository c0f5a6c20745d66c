/* SPDX-License-Identifier: MIT */
/* How a client sends a request: its head, then its body in parts. */
#include "http_client_inside.h"
#include "http_text.h"

#include <ouro/error.h>
#include <ouro/http1_writer.h>
#include <ouro/task.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PART = 32 * 1024, HEAD_ROOM = 512 };

static struct ouro_slice
slice(const char *text)
{
    return ouro_slice_of(text, strlen(text));
}

static bool
is_one_of(struct ouro_slice name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (ouro__http_same_name(name, *names))
            return true;
    }
    return false;
}

static bool
is_own(struct ouro_slice name)
{
    static const char *const names[] = {
        "Connection", "Content-Length",    "Expect",  "Host", "TE",
        "Trailer",    "Transfer-Encoding", "Upgrade", NULL};

    return is_one_of(name, names);
}

static bool
is_credential(struct ouro_slice name)
{
    static const char *const names[] = {"Authorization", "Cookie",
                                        "Proxy-Authorization", NULL};

    return is_one_of(name, names);
}

/* RFC 9110, 15.4, 1. */
static bool
is_about_body(struct ouro_slice name)
{
    static const char *const names[] = {"Digest", "Last-Modified", NULL};

    if (is_one_of(name, names))
        return true;
    return name.size > 8
           && strncasecmp((const char *)name.data, "Content-", 8) == 0;
}

/* White space around it would not arrive. */
static bool
is_whole_value(struct ouro_slice value)
{
    return ouro__http_is_value(value)
           && (value.size == 0
               || (strchr(" \t", value.data[0]) == NULL
                   && strchr(" \t", value.data[value.size - 1]) == NULL));
}

int
ouro__http_options_check(const struct ouro_http_client_options *options)
{
    return is_whole_value(slice(options->user_agent)) ? 0 : -EINVAL;
}

static int
check_call(const struct ouro_http_call *call, const char **out_why)
{
    *out_why = "the URL is missing";
    if (call->url == NULL)
        return -EINVAL;
    *out_why = "the method is none";
    if (call->method != NULL
        && (!ouro__http_is_token(slice(call->method))
            || strcmp(call->method, "CONNECT") == 0))
        return -EINVAL;
    *out_why = "there are two bodies";
    if (call->pull != NULL && call->body.size > 0)
        return -EINVAL;
    *out_why = "a field is none, or is the client's own";
    for (size_t i = 0; i < call->field_count; i++) {
        const struct ouro_http1_field *field = &call->fields[i];

        if (!ouro__http_is_token(field->name) || !is_whole_value(field->value)
            || is_own(field->name))
            return -EINVAL;
    }
    return 0;
}

void
ouro__http_tell_call(const struct ouro_http_call *call, const char *why)
{
    struct ouro_report *report = call->report;

    if (report == NULL)
        return;
    snprintf(report->text, sizeof(report->text), "'%s': %s",
             call->url != NULL ? call->url : "", why);
}

int
ouro__http_ask_init(struct ouro__http_ask *ask,
                    const struct ouro_http_call *call)
{
    const char *method = call->method != NULL ? call->method : "GET";
    const char *why;
    int rc = check_call(call, &why);

    *ask = (struct ouro__http_ask){.call = call, .method = slice(method)};
    if (rc == 0)
        rc = ouro__http_url_init(&ask->url, slice(call->url), &why);
    if (rc < 0)
        ouro__http_tell_call(call, why);
    return rc;
}

bool
ouro__http_ask_has_body(const struct ouro__http_ask *ask)
{
    return !ask->bodiless
           && (ask->written || ask->call->pull != NULL
               || ask->call->body.size > 0);
}

bool
ouro__http_ask_expects(const struct ouro__http_ask *ask)
{
    return ask->call->expect_continue && !ask->hasty
           && ouro__http_ask_has_body(ask);
}

/* How it is told where the body ends. */
static bool
is_chunked(const struct ouro__http_ask *ask)
{
    return (ask->written || ask->call->pull != NULL)
           && ask->call->pull_size == 0;
}

bool
ouro__http_ask_is_short(const struct ouro__http_ask *ask)
{
    size_t size = ask->written ? ask->data.size : ask->call->body.size;

    return ask->call->pull == NULL && size <= PART;
}

static void
write_size(struct ouro_http1_writer *writer, const struct ouro__http_ask *ask)
{
    const struct ouro_http_call *call = ask->call;
    uint64_t size = call->body.size > 0 ? call->body.size : call->pull_size;
    char text[OURO__HTTP_NUMBER];
    bool has_body = ouro__http_ask_has_body(ask);
    bool says_none = ouro__http_same_name(ask->method, "POST")
                     || ouro__http_same_name(ask->method, "PUT")
                     || ouro__http_same_name(ask->method, "PATCH");

    if (has_body && is_chunked(ask))
        ouro_http1_write_field(writer, OURO_BYTES("Transfer-Encoding"),
                               OURO_BYTES("chunked"));
    else if (has_body || says_none)
        ouro_http1_write_field(
            writer, OURO_BYTES("Content-Length"),
            ouro_slice_of(text, ouro__http_number(has_body ? size : 0, text)));
    if (ouro__http_ask_expects(ask))
        ouro_http1_write_field(writer, OURO_BYTES("Expect"),
                               OURO_BYTES("100-continue"));
}

static ssize_t
write_head(struct ouro_http1_writer *writer, const struct ouro__http_ask *ask,
           const char *user_agent)
{
    bool has_agent = false;

    ouro_http1_write_request_line(writer, ask->method, ask->url.target);
    ouro_http1_write_field(writer, OURO_BYTES("Host"), ask->url.authority);
    for (size_t i = 0; i < ask->call->field_count; i++) {
        const struct ouro_http1_field *field = &ask->call->fields[i];

        if ((ask->guarded && is_credential(field->name))
            || (ask->bodiless && is_about_body(field->name)))
            continue;
        has_agent |= ouro__http_same_name(field->name, "User-Agent");
        ouro_http1_write_field(writer, field->name, field->value);
    }
    if (!has_agent)
        ouro_http1_write_field(writer, OURO_BYTES("User-Agent"),
                               slice(user_agent));
    write_size(writer, ask);
    return ouro_http1_write_end(writer);
}

static size_t
head_room(const struct ouro__http_ask *ask, const char *user_agent)
{
    size_t room = HEAD_ROOM + strlen(user_agent) + ask->method.size
                  + ask->url.target.size + ask->url.authority.size;

    for (size_t i = 0; i < ask->call->field_count; i++)
        room += ask->call->fields[i].name.size + ask->call->fields[i].value.size
                + 4;
    return room;
}

/* Write within the limit of a part. */
static int
write_part(struct ouro__http_link *link, const struct ouro_slice *slices,
           size_t count)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, link->client->options.idle_timeout_ns);
    int rc = ouro_stream_writev(link->stream, slices, count);
    return (int)ouro_timeout_end(&limit, rc);
}

int
ouro__http_send_head(struct ouro__http_link *link,
                     const struct ouro__http_ask *ask)
{
    const char *user_agent = link->client->options.user_agent;
    size_t room = head_room(ask, user_agent);
    uint8_t *memory = ouro_alloc(room);
    struct ouro_http1_writer writer;

    if (memory == NULL)
        return -ENOMEM;
    ouro_http1_writer_init(&writer, memory, room);
    ssize_t size = write_head(&writer, ask, user_agent);
    int rc = (int)size;
    if (size > 0) {
        struct ouro_slice head = ouro_slice_of(memory, (size_t)size);

        rc = write_part(link, &head, 1);
    }
    ouro_free(memory);
    return rc;
}

static int
send_slice(struct ouro__http_link *link, struct ouro_slice body)
{
    int rc = 0;

    while (rc == 0 && body.size > 0) {
        struct ouro_slice part =
            ouro_slice_of(body.data, body.size < PART ? body.size : PART);

        rc = write_part(link, &part, 1);
        body = ouro_slice_of(body.data + part.size, body.size - part.size);
    }
    return rc;
}

static int
send_chunk(struct ouro__http_link *link, struct ouro_slice data)
{
    uint8_t line[OURO_HTTP1_CHUNK_LINE];
    struct ouro_slice slices[] = {ouro_http1_chunk_line(data.size, line), data,
                                  OURO_HTTP1_CHUNK_CRLF};

    return write_part(link, slices, 3);
}

/* Some of a body that is not there as a whole. */
static int
send_piece(struct ouro__http_link *link, const struct ouro__http_ask *ask,
           struct ouro_slice data)
{
    return is_chunked(ask) ? send_chunk(link, data)
                           : write_part(link, &data, 1);
}

int
ouro__http_send_last(struct ouro__http_link *link,
                     const struct ouro__http_ask *ask)
{
    struct ouro_slice last = OURO_HTTP1_LAST_CHUNK;

    return is_chunked(ask) ? write_part(link, &last, 1) : 0;
}

/* What is written, in pieces too. */
static int
send_written(struct ouro__http_link *link, const struct ouro__http_ask *ask)
{
    struct ouro_slice data = ask->data;
    int rc = 0;

    while (rc == 0 && data.size > 0) {
        size_t size = data.size < PART ? data.size : PART;

        rc = send_piece(link, ask, ouro_slice_of(data.data, size));
        data = ouro_slice_of(data.data + size, data.size - size);
    }
    return rc;
}

/* What is pulled, with `memory` for it. */
static int
send_pulled(struct ouro__http_link *link, struct ouro__http_ask *ask,
            uint8_t *memory)
{
    const struct ouro_http_call *call = ask->call;
    bool chunked = is_chunked(ask);
    uint64_t left = call->pull_size;
    ssize_t size;

    ask->gave_up = true;
    while ((size = call->pull(memory, PART, call->pull_context)) > 0) {
        struct ouro_slice part = ouro_slice_of(memory, (size_t)size);

        if (!chunked && part.size > left)
            return -EMSGSIZE;
        ask->gave_up = false;
        left -= chunked ? 0 : part.size;
        int rc = send_piece(link, ask, part);
        if (rc < 0)
            return rc;
        ask->gave_up = true;
    }
    if (size < 0)
        return (int)size;
    if (left > 0)
        return -OURO_EINCOMPLETE;
    ask->gave_up = false;
    return ouro__http_send_last(link, ask);
}

int
ouro__http_send_body(struct ouro__http_link *link, struct ouro__http_ask *ask)
{
    if (ask->written)
        return send_written(link, ask);
    if (ask->call->pull == NULL)
        return send_slice(link, ask->call->body);

    uint8_t *memory = ouro_alloc(PART);
    if (memory == NULL)
        return -ENOMEM;
    int rc = send_pulled(link, ask, memory);
    ouro_free(memory);
    return rc;
}
