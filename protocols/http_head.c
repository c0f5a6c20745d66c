/* SPDX-License-Identifier: MIT */
/* The head of an answer: its status, and the fields, ours and the handler's. */
#include "http1_scan.h"
#include "http_server_inside.h"

#include <errno.h>
#include <string.h>

static void
put(struct ouro__http_head *head, struct ouro_slice text)
{
    memcpy(head->text + head->size, text.data, text.size);
    head->size += text.size;
}

void
ouro__http_head_add(struct ouro__http_head *head, struct ouro_slice part)
{
    if (part.size > 0)
        head->parts[head->count++] = part;
}

static void
add_text(struct ouro__http_head *head)
{
    ouro__http_head_add(head, ouro_slice_of(head->text + head->added,
                                            head->size - head->added));
    head->added = head->size;
}

/* A line with a value that is not copied. */
static void
put_line(struct ouro__http_head *head, struct ouro_slice name,
         const char *value)
{
    put(head, name);
    add_text(head);
    ouro__http_head_add(head, ouro_slice_of(value, strlen(value)));
    put(head, OURO_BYTES("\r\n"));
}

static struct ouro_slice
date_line(struct ouro_http_server *server)
{
    static const size_t at = sizeof("Date: ") - 1;
    time_t now = time(NULL);

    if (now != server->date_at) {
        memcpy(server->date, "Date: ", at);
        ouro__http_date(now, server->date + at);
        memcpy(server->date + at + OURO__HTTP_DATE, "\r\n", 2);
        server->date_at = now;
    }
    return ouro_slice_of(server->date, at + OURO__HTTP_DATE + 2);
}

/* Heads. */

static void
put_length(struct ouro__http_head *head, const struct ouro__http_answer *answer)
{
    if (answer->chunked) {
        put(head, OURO_BYTES("Transfer-Encoding: chunked\r\n"));
    } else if (answer->size != OURO_HTTP_UNKNOWN_SIZE && answer->status >= 200
               && answer->status != 204 && answer->status != 304) {
        put(head, OURO_BYTES("Content-Length: "));
        head->size +=
            ouro__http_number((uint64_t)answer->size, head->text + head->size);
        put(head, OURO_BYTES("\r\n"));
    }
}

static void
put_connection(struct ouro__http_head *head,
               const struct ouro_http_request *request)
{
    if (request->answer.upgrade != NULL)
        put_line(head, OURO_BYTES("Connection: Upgrade\r\nUpgrade: "),
                 request->answer.upgrade);
    else if (request->answer.closes)
        put(head, OURO_BYTES("Connection: close\r\n"));
    else if (request->head.minor_version == 0)
        put(head, OURO_BYTES("Connection: keep-alive\r\n"));
}

void
ouro__http_head_make(struct ouro__http_head *head,
                     struct ouro_http_request *request,
                     const char *content_type)
{
    const struct ouro__http_answer *answer = &request->answer;

    head->count = head->added = 0;
    head->size = ouro__http_status_line(answer->status, head->text);
    put(head, date_line(request->connection->server));
    if (content_type != NULL)
        put_line(head, OURO_BYTES("Content-Type: "), content_type);
    put_length(head, answer);
    put_connection(head, request);
    if (answer->fields_size > 0) {
        add_text(head);
        ouro__http_head_add(head,
                            ouro_slice_of(answer->fields, answer->fields_size));
    }
    put(head, OURO_BYTES("\r\n"));
    add_text(head);
}

/* What a status and a method leave of a body (RFC 9110, 6.4.1). */
static bool
is_bodiless(const struct ouro_http_request *request, int status)
{
    return status == 204 || status == 205 || status == 304
           || ouro__http_is_method(request->head.method, "HEAD");
}

void
ouro__http_answer_begin(struct ouro_http_request *request, int status,
                        int64_t size)
{
    struct ouro__http_answer *answer = &request->answer;
    struct ouro__http_connection *connection = request->connection;
    bool old = request->head.minor_version == 0;

    answer->status = status;
    answer->size = status == 205 ? 0 : size;
    answer->bodiless = is_bodiless(request, status);
    answer->chunked =
        size == OURO_HTTP_UNKNOWN_SIZE && !old && !answer->bodiless;
    answer->closes =
        answer->closes || !request->head.keep_alive
        || connection->server->stopping || request->body_error < 0
        || request->continue_due
        || (size == OURO_HTTP_UNKNOWN_SIZE && old && !answer->bodiless);
    connection->server->stats.responses[status / 100]++;
}

/* Fields. */

static bool
is_ours(struct ouro_slice name)
{
    return OURO__HTTP1_SAME(name, "connection")
           || OURO__HTTP1_SAME(name, "content-length")
           || OURO__HTTP1_SAME(name, "date")
           || OURO__HTTP1_SAME(name, "transfer-encoding");
}

static void
append(struct ouro__http_answer *answer, struct ouro_slice text)
{
    if (text.size > 0)
        memcpy(answer->fields + answer->fields_size, text.data, text.size);
    answer->fields_size += text.size;
}

int
ouro_http_add_header(struct ouro_http_request *request, const char *name,
                     struct ouro_slice value)
{
    struct ouro__http_answer *answer = &request->answer;
    struct ouro_slice key = ouro_slice_of(name, strlen(name));
    size_t size = answer->fields_size + key.size + value.size + 4;

    if (!ouro__http_is_token(key) || !ouro__http_is_value(value)
        || is_ours(key))
        return -EINVAL;
    if (answer->status != 0)
        return -EALREADY;
    int rc = ouro__http_grow(&answer->fields, &answer->fields_room,
                             answer->fields_size, size);
    if (rc < 0)
        return rc;
    append(answer, key);
    append(answer, OURO_BYTES(": "));
    append(answer, value);
    append(answer, OURO_BYTES("\r\n"));
    return 0;
}

/* A last answer, and nothing that ends a line before its end. */
bool
ouro__http_is_answer(int status, const char *content_type)
{
    return status >= 200 && status <= 599
           && (content_type == NULL
               || ouro__http_is_value(
                   ouro_slice_of(content_type, strlen(content_type))));
}
