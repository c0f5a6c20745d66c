/* SPDX-License-Identifier: MIT */
/* Answers: their heads, and their bodies as somebody reads them.
 *
 * The connection goes back to the client when the last byte of the body was
 * found; who frees an answer before that closes the connection.
 */
#include "http_client_inside.h"

#include <ouro/error.h>
#include <ouro/task.h>

#include <errno.h>
#include <string.h>

enum { DRAINED = 16 * 1024 };

#define DRAIN_LIMIT OURO_SECONDS(1)

struct ouro_http_response *
ouro__http_response_new(struct ouro_http_client *client)
{
    struct ouro_http_response *response = ouro_alloc(sizeof(*response));

    if (response == NULL)
        return NULL;
    memset(response, 0, sizeof(*response));
    response->client = client;
    ouro_http1_head_init(&response->head, response->fields, OURO_HTTP1_FIELDS);
    client->answers++;
    return response;
}

/* What the server did not take of a request shall not linger. */
static void
end_link(struct ouro_http_response *response)
{
    if (response->link != NULL && response->unsent)
        ouro_stream_abort(response->link->stream);
    ouro__http_link_free(response->link);
    response->link = NULL;
}

void
ouro_http_response_free(struct ouro_http_response *response)
{
    if (response == NULL)
        return;
    response->client->answers--;
    end_link(response);
    ouro__http_url_fini(&response->url);
    ouro__http_inbox_clear(&response->inbox);
    ouro_free(response->memory);
    ouro_free(response->body);
    if (response->has_own_client)
        ouro_http_client_free(response->client);
    ouro_free(response);
}

/* Heads. */

/* More bytes of the head.  -OURO_EINCOMPLETE: none will come. */
static int
fill_head(struct ouro_http_response *response)
{
    struct ouro_stream *stream = response->link->stream;
    struct ouro_slice bytes;
    ssize_t size = ouro_stream_peek(stream, &bytes);

    if (size <= 0)
        return size < 0 ? (int)size : -OURO_EINCOMPLETE;
    int rc = ouro__http_grow(&response->memory, &response->memory_room,
                             response->memory_size,
                             response->memory_size + bytes.size);
    if (rc < 0)
        return rc;
    memcpy(response->memory + response->memory_size, bytes.data, bytes.size);
    response->memory_size += bytes.size;
    response->heard = true;
    ouro_stream_consume(stream, bytes.size);
    return 0;
}

/* Forget the head that was read.  -OURO_ELIMIT: there were enough of them. */
static int
begin_head(struct ouro_http_response *response)
{
    size_t left = response->memory_size - response->head_size;

    response->skipped += response->head_size;
    if (response->skipped > response->client->limits.fields_size)
        return -OURO_ELIMIT;
    memmove(response->memory, response->memory + response->head_size, left);
    response->memory_size = left;
    response->head_size = 0;
    ouro_http1_head_init(&response->head, response->fields, OURO_HTTP1_FIELDS);
    return 0;
}

int
ouro__http_read_head(struct ouro_http_response *response,
                     enum ouro_http1_asked asked)
{
    ssize_t size = 0;
    int rc = response->head_size > 0 ? begin_head(response) : 0;

    while (rc == 0) {
        if (response->memory_size > 0)
            size = ouro_http1_read_response(
                &response->head,
                ouro_slice_of(response->memory, response->memory_size), asked,
                &response->client->limits);
        if (size != 0)
            break;
        rc = fill_head(response);
    }
    if (rc < 0 || size < 0)
        return rc < 0 ? rc : (int)size;
    response->head_size = (size_t)size;
    return 0;
}

/* Bodies. */

/* Its last byte was found. */
static void
end_body(struct ouro_http_response *response)
{
    bool is_clean = ouro__http_inbox_bytes(&response->inbox).size == 0;

    response->ended = true;
    if (response->head.keep_alive && is_clean && !response->unsent
        && response->head.framing != OURO_HTTP1_UNTIL_CLOSE)
        ouro__http_link_keep(response->link);
    else
        end_link(response);
    response->link = NULL;
}

int
ouro__http_begin_body(struct ouro_http_response *response)
{
    struct ouro_slice rest =
        ouro_slice_of(response->memory + response->head_size,
                      response->memory_size - response->head_size);
    int rc = ouro__http_inbox_add(&response->inbox, rest);

    if (rc < 0)
        return rc;
    ouro_http1_body_init(&response->body_reader, &response->head, NULL);
    if (response->head.framing == OURO_HTTP1_NO_BODY)
        end_body(response);
    return 0;
}

static int
peek_in_time(struct ouro_http_response *response, struct ouro_slice *out_bytes)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, response->client->options.idle_timeout_ns);
    int rc = (int)ouro_stream_peek(response->link->stream, out_bytes);
    return (int)ouro_timeout_end(&limit, rc);
}

/* More bytes of the body, or its end with that of the connection. */
static int
fill_body(struct ouro_http_response *response)
{
    struct ouro_slice bytes;
    int rc = peek_in_time(response, &bytes);

    if (rc == 0) {
        rc = ouro_http1_body_eof(&response->body_reader);
        if (rc == 0)
            end_body(response);
        response->error = rc;
        return rc;
    }
    if (rc > 0)
        rc = ouro__http_inbox_add(&response->inbox, bytes);
    if (rc == 0)
        ouro_stream_consume(response->link->stream, bytes.size);
    return rc;
}

/* What the bytes that are there have of the body. */
static int
look(struct ouro_http_response *response)
{
    struct ouro_slice all = ouro__http_inbox_bytes(&response->inbox);
    struct ouro_slice bytes = all;
    int event = ouro_http1_body_read(&response->body_reader, &bytes,
                                     &response->part, NULL);

    if (event < 0) {
        response->error = event;
        return event;
    }
    response->used = all.size - bytes.size;
    if (event != OURO_HTTP1_DATA) {
        response->part = ouro_slice_of(NULL, 0);
        ouro__http_inbox_consume(&response->inbox, response->used);
        response->used = 0;
    }
    if (event == OURO_HTTP1_END)
        end_body(response);
    return 0;
}

/* Take what was read out of the inbox. */
static void
settle(struct ouro_http_response *response)
{
    if (response->used > 0)
        ouro__http_inbox_consume(&response->inbox, response->used);
    response->used = 0;
}

/* Have some of the body in `part`, or be at its end. */
static int
have_part(struct ouro_http_response *response)
{
    int rc = 0;

    if (response->part.size > 0)
        return 0;
    settle(response);
    while (rc == 0 && response->part.size == 0 && !response->ended) {
        rc = response->error;
        if (rc == 0)
            rc = look(response);
        if (rc == 0 && response->part.size == 0 && !response->ended)
            rc = fill_body(response);
    }
    return rc;
}

/* If what was read was the last of it, the connection is free now: not every
 * reader looks again.  An error is told to who does. */
static void
look_for_end(struct ouro_http_response *response)
{
    settle(response);
    if (look(response) < 0)
        response->part = ouro_slice_of(NULL, 0);
}

ssize_t
ouro_http_response_read(struct ouro_http_response *response, void *into,
                        size_t size)
{
    int rc = ouro_checkpoint();

    if (rc == 0)
        rc = have_part(response);
    struct ouro_slice part = response->part;
    if (rc < 0 || part.size == 0)
        return rc;
    size = size < part.size ? size : part.size;
    memcpy(into, part.data, size);
    response->part = ouro_slice_of(part.data + size, part.size - size);
    if (response->part.size == 0)
        look_for_end(response);
    return (ssize_t)size;
}

int
ouro_http_response_read_all(struct ouro_http_response *response, size_t limit,
                            struct ouro_slice *out_body)
{
    int rc = ouro_checkpoint();

    if (rc < 0)
        return rc;
    while ((rc = have_part(response)) == 0 && response->part.size > 0) {
        struct ouro_slice part = response->part;

        if (response->body_size > limit
            || part.size > limit - response->body_size)
            return -OURO_ELIMIT;
        rc = ouro__http_grow(&response->body, &response->body_room,
                             response->body_size,
                             response->body_size + part.size);
        if (rc < 0)
            return rc;
        memcpy(response->body + response->body_size, part.data, part.size);
        response->body_size += part.size;
        response->part = ouro_slice_of(NULL, 0);
    }
    if (rc == 0)
        *out_body = response->body != NULL
                        ? ouro_slice_of(response->body, response->body_size)
                        : ouro_slice_of("", 0);
    return rc;
}

int
ouro__http_drain(struct ouro_http_response *response)
{
    struct ouro_timeout limit;
    size_t size = 0;
    int rc = 0;

    if (!response->head.keep_alive || response->head.content_length > DRAINED)
        return 0;
    ouro_timeout_begin(&limit, DRAIN_LIMIT);
    while (rc == 0 && !response->ended && size <= DRAINED) {
        rc = have_part(response);
        size += response->part.size;
        response->part = ouro_slice_of(NULL, 0);
    }
    rc = (int)ouro_timeout_end(&limit, rc);
    return rc == -ECANCELED ? rc : 0;
}

/* What it says. */

int
ouro_http_response_status(const struct ouro_http_response *response)
{
    return response->head.status;
}

const struct ouro_http1_head *
ouro_http_response_head(const struct ouro_http_response *response)
{
    return &response->head;
}

struct ouro_slice
ouro_http_response_header(const struct ouro_http_response *response,
                          const char *name)
{
    return ouro_http1_fields_find(&response->head.fields, name);
}

const char *
ouro_http_response_url(const struct ouro_http_response *response)
{
    return response->url.text;
}
