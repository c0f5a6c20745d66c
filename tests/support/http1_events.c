/* SPDX-License-Identifier: MIT */
/* A reader of messages, as a server or client is one, that writes down all. */
#include "http1_events.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 8 };

struct reader {
    struct http1_events *events;
    enum http1_kind kind;
    const struct ouro_http1_limits *limits;
    struct ouro_http1_field fields[FIELDS];
    struct ouro_http1_field trailer_array[FIELDS];
    struct ouro_http1_fields trailers;
    struct ouro_http1_head head;
    struct ouro_http1_body body;
    bool in_body;
    bool in_data; /* the line of the last event is open */
    bool over;    /* refused, or a tunnel */
};

static void put(struct http1_events *events, const char *form, ...)
    __attribute__((format(printf, 2, 3)));

static void
put(struct http1_events *events, const char *form, ...)
{
    va_list args;

    if (events->room - events->size < 512) {
        events->room = events->room * 2 + 512;
        events->text = realloc(events->text, events->room);
        if (events->text == NULL)
            abort();
    }
    va_start(args, form);
    events->size += (size_t)vsnprintf(events->text + events->size,
                                      events->room - events->size, form, args);
    va_end(args);
}

static void
put_bytes(struct http1_events *events, struct ouro_slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] >= 0x20 && bytes.data[i] < 0x7f
            && bytes.data[i] != '\\')
            put(events, "%c", bytes.data[i]);
        else
            put(events, "\\x%02x", bytes.data[i]);
    }
}

static void
put_named(struct http1_events *events, const char *name,
          struct ouro_slice bytes)
{
    if (bytes.data == NULL)
        return;
    put(events, " %s=[", name);
    put_bytes(events, bytes);
    put(events, "]");
}

static void
put_fields(struct http1_events *events, const char *name,
           const struct ouro_http1_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        put(events, "%s", name);
        put_named(events, "name", fields->array[i].name);
        put_named(events, "value", fields->array[i].value);
        put(events, "\n");
    }
}

static void
put_head(struct reader *reader)
{
    static const char *const forms[] = {"origin", "absolute", "authority",
                                        "asterisk"};
    static const char *const framings[] = {"none", "length", "chunked", "close",
                                           "tunnel"};
    const struct ouro_http1_head *head = &reader->head;
    struct http1_events *events = reader->events;

    if (reader->kind == HTTP1_REQUESTS)
        put(events, "request %s", forms[head->form]);
    else
        put(events, "response %d", head->status);
    put_named(events, "method", head->method);
    put_named(events, "target", head->target);
    put_named(events, "authority", head->authority);
    put_named(events, "path", head->path);
    put_named(events, "query", head->query);
    put_named(events, "reason", head->reason);
    put(events, " 1.%d body=%s length=%lld%s%s%s\n", head->minor_version,
        framings[head->framing], (long long)head->content_length,
        head->keep_alive ? " keep-alive" : "",
        head->expects_continue ? " expects-continue" : "",
        head->upgrade ? " upgrade" : "");
    put_fields(events, "field", &head->fields);
}

static void
begin_message(struct reader *reader)
{
    ouro_http1_head_init(&reader->head, reader->fields, FIELDS);
    reader->in_body = false;
}

static void
put_error(struct reader *reader, enum ouro_http1_error error)
{
    put(reader->events, "%serror %s %d\n", reader->in_data ? "\n" : "",
        ouro_http1_error_name(error), ouro_http1_error_status(error));
    reader->in_data = false;
    reader->over = true;
}

/* False: more is needed. */
static bool
read_head(struct reader *reader, struct ouro_slice *bytes)
{
    static const enum ouro_http1_asked asked[] = {
        [HTTP1_RESPONSES] = OURO_HTTP1_ASKED,
        [HTTP1_RESPONSES_TO_HEAD] = OURO_HTTP1_ASKED_HEAD,
        [HTTP1_RESPONSES_TO_CONNECT] = OURO_HTTP1_ASKED_CONNECT,
    };
    struct ouro_http1_head *head = &reader->head;
    ssize_t size = reader->kind == HTTP1_REQUESTS
                       ? ouro_http1_read_request(head, *bytes, reader->limits)
                       : ouro_http1_read_response(
                           head, *bytes, asked[reader->kind], reader->limits);

    if (size < 0)
        put_error(reader, head->error);
    if (size <= 0)
        return size < 0;
    put_head(reader);
    bytes->data += size;
    bytes->size -= (size_t)size;
    ouro_http1_body_init(&reader->body, head, reader->limits);
    reader->trailers = (struct ouro_http1_fields){
        .array = reader->trailer_array,
        .capacity = FIELDS,
    };
    reader->in_body = true;
    return true;
}

static bool
read_body(struct reader *reader, struct ouro_slice *bytes)
{
    struct ouro_slice data = {NULL, 0};
    int rc =
        ouro_http1_body_read(&reader->body, bytes, &data, &reader->trailers);

    if (rc == OURO_HTTP1_MORE)
        return false;
    if (rc < 0) {
        put_error(reader, reader->body.error);
        return true;
    }
    if (rc == OURO_HTTP1_DATA) {
        put(reader->events, reader->in_data ? "" : "data ");
        put_bytes(reader->events, data);
        reader->in_data = true;
        return true;
    }
    put(reader->events, reader->in_data ? "\n" : "");
    reader->in_data = false;
    put_fields(reader->events, "trailer", &reader->trailers);
    put(reader->events, "end\n");
    reader->over = reader->head.framing == OURO_HTTP1_TUNNEL;
    begin_message(reader);
    return true;
}

static void
put_eof(struct reader *reader, size_t left)
{
    if (reader->in_data)
        put(reader->events, "\n");
    if (reader->over)
        return;
    if (reader->in_body ? ouro_http1_body_eof(&reader->body) < 0 : left > 0)
        put(reader->events, "incomplete\n");
}

void
http1_read(struct http1_events *events, enum http1_kind kind,
           struct ouro_slice input, const size_t *cuts, size_t cut_count,
           const struct ouro_http1_limits *limits)
{
    struct reader reader = {.events = events, .kind = kind, .limits = limits};
    size_t used = 0;

    memset(events, 0, sizeof(*events));
    put(events, "%s", "");
    begin_message(&reader);
    for (size_t i = 0; i <= cut_count && !reader.over; i++) {
        size_t end = i < cut_count ? cuts[i] : input.size;
        uint8_t *copy = malloc(end - used + 1);
        struct ouro_slice bytes;

        if (copy == NULL)
            abort();
        /* The block ends where the bytes do. */
        if (end > used)
            memcpy(copy + 1, input.data + used, end - used);
        bytes = ouro_slice_of(copy + 1, end - used);
        while (!reader.over
               && (reader.in_body ? read_body(&reader, &bytes)
                                  : read_head(&reader, &bytes)))
            continue;
        used = end - bytes.size;
        free(copy);
    }
    put_eof(&reader, input.size - used);
}
