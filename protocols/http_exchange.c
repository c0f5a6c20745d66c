/* SPDX-License-Identifier: MIT */
/* The course of one request: from its head to the end of its answer.
 *
 * The happy path:
 *
 * - A route is found; the body comes, unless the route streams.
 * - Its callback runs at once, or its handler in the connection's task.
 * - The answer is whole, and the connection goes on with the next request.
 *
 * What may happen instead:
 *
 * - There is no route, or the request is too large: the server answers itself.
 * - The body was not read to its end: the rest is thrown away, or, if that is
 *   much, the connection ends with the answer.
 */
#include "http_server_inside.h"

#include <errno.h>

static const struct ouro_http_server_options *
options_of(const struct ouro__http_connection *connection)
{
    return &connection->server->options;
}

static bool
has_body(const struct ouro_http_request *request)
{
    return request->head.framing == OURO_HTTP1_LENGTH
           || request->head.framing == OURO_HTTP1_CHUNKED;
}

/* What the log wants to know of its beginning. */
static void
note_begin(struct ouro__http_connection *connection)
{
    struct ouro_transport *transport = connection->base.transport;

    if (options_of(connection)->access == NULL)
        return;
    connection->request->begun_ns =
        ouro_loop_time_ns(ouro_transport_loop(transport));
    connection->request->peer = ouro_transport_peer_address(transport);
}

void
ouro__http_log(struct ouro_http_request *request)
{
    const struct ouro_http_server_options *options =
        options_of(request->connection);
    struct ouro_transport *transport = request->connection->base.transport;

    if (options->access == NULL)
        return;
    const struct ouro_http_access access = {
        .peer = request->peer,
        .method = request->head.method,
        .target = request->head.target,
        .status = request->answer.status,
        .body_size = request->answer.bodiless ? 0 : request->answer.written,
        .duration_ns = ouro_loop_time_ns(ouro_transport_loop(transport))
                       - request->begun_ns,
    };
    options->access(&access, options->access_context);
}

/* Whether more of the body will come, or is there. */
static bool
is_unread(const struct ouro_http_request *request)
{
    if (request->body_error < 0 || request->part_size > 0)
        return true;
    return !request->body_ended
           && ouro_http1_body_eof(&request->body_reader) < 0;
}

/* The answer is whole: go on with what is left of the request. */
void
ouro__http_finish(struct ouro__http_connection *connection)
{
    struct ouro_http_request *request = connection->request;
    bool unread = is_unread(request);
    bool closes =
        request->answer.closes
        || (unread && (request->body_error < 0 || request->continue_due));

    ouro__http_log(request);
    if (connection->state == OURO__HTTP_GIVEN) {
        ouro__http_request_free(request);
        return;
    }
    if (!closes && unread) {
        connection->drained = request->part_size;
        ouro__http_inbox_consume(&connection->inbox, request->part_size);
        ouro__http_await_body(connection, OURO__HTTP_DRAIN);
        return;
    }
    ouro__http_request_free(request);
    if (!closes)
        ouro__http_become_idle(connection);
    else if (unread || connection->behind > 0)
        ouro__http_linger(connection);
    else
        ouro__http_end(connection);
}

/* The server's own answer, after which it goes on, unless there is too much
 * of a body that nobody reads. */
static void
begin_own_answer(struct ouro__http_connection *connection)
{
    struct ouro_http_request *request = connection->request;

    if (request->head.framing == OURO_HTTP1_LENGTH
        && request->head.content_length > OURO__HTTP_DRAIN_SIZE)
        request->answer.closes = true;
}

static void
answer(struct ouro__http_connection *connection, int status)
{
    begin_own_answer(connection);
    ouro_http_respond_text(connection->request, status, NULL);
    ouro__http_finish(connection);
}

static void
answer_nothing(struct ouro__http_connection *connection)
{
    begin_own_answer(connection);
    ouro_http_respond(connection->request, 204, NULL, ouro_slice_of("", 0));
    ouro__http_finish(connection);
}

void
ouro__http_refuse(struct ouro__http_connection *connection, int status)
{
    connection->request->answer.closes = true;
    answer(connection, status);
}

/* What is behind it is unknown too. */
void
ouro__http_refuse_head(struct ouro__http_connection *connection, int status)
{
    struct ouro_http_request *request = connection->request;

    request->head.method = request->head.target = ouro_slice_of("", 0);
    request->body_error = -EBADMSG;
    note_begin(connection);
    connection->server->stats.refused++;
    ouro__http_refuse(connection, status);
}

static void
refuse_method(struct ouro__http_connection *connection)
{
    struct ouro_http_request *request = connection->request;
    uint8_t methods[256];
    size_t size =
        ouro__http_routes_allow(connection->server->routes, request->head.path,
                                (struct ouro_span){methods, sizeof(methods)});
    bool asks = ouro__http_is_method(request->head.method, "OPTIONS");

    if (ouro_http_add_header(request, "Allow", ouro_slice_of(methods, size))
        < 0)
        ouro__http_refuse(connection, 503);
    else if (asks)
        answer_nothing(connection);
    else
        answer(connection, 405);
}

static void
run_callback(struct ouro__http_connection *connection)
{
    struct ouro_http_request *request = connection->request;
    int rc =
        request->match.route->callback(request, connection->server->context);

    ouro__http_answer_end(request, rc);
    ouro__http_finish(connection);
}

/* A task that runs goes on by itself. */
static void
run_handler(struct ouro__http_connection *connection)
{
    connection->state = OURO__HTTP_ACTIVE;
    ouro__http_watch(connection, OURO_FOREVER);
    if (connection->in_task)
        return;
    if (ouro_protocol_create_task(&connection->base, ouro__http_serve, NULL)
        < 0)
        ouro__http_refuse(connection, 503);
    else
        connection->in_task = true;
}

void
ouro__http_run(struct ouro__http_connection *connection)
{
    if (connection->request->match.route->callback != NULL)
        run_callback(connection);
    else
        run_handler(connection);
}

/* Whether it was answered already: there is nobody else to do so. */
static bool
answer_without_route(struct ouro__http_connection *connection)
{
    struct ouro_http_request *request = connection->request;
    const struct ouro_http1_head *head = &request->head;

    if (head->form == OURO_HTTP1_AUTHORITY) {
        ouro__http_refuse(connection, 501);
    } else if (ouro__http_same_name(head->path, "*")) {
        answer_nothing(connection);
    } else if (!ouro__http_path_is_valid(head->path)) {
        ouro__http_refuse(connection, 400);
    } else {
        ouro__http_routes_find(&request->match, connection->server->routes,
                               head->method, head->path);
        if (request->match.route != NULL)
            return false;
        if (request->match.path_is_known)
            refuse_method(connection);
        else
            answer(connection, 404);
    }
    return true;
}

static bool
is_too_large(const struct ouro__http_connection *connection)
{
    const struct ouro_http1_head *head = &connection->request->head;

    return !connection->request->match.route->streams
           && head->framing == OURO_HTTP1_LENGTH
           && (uint64_t)head->content_length
                  > options_of(connection)->body_size;
}

static void
begin_body(struct ouro__http_connection *connection)
{
    ouro__http_await_body(connection, OURO__HTTP_BODY);
    ouro__http_continue(connection->request);
}

/* What is answered at once is read where it lies. */
static bool
keep(struct ouro_http_request *request, const uint8_t *bytes, size_t size)
{
    bool at_once = request->match.route->callback != NULL && !has_body(request);

    return ouro__http_request_decode(request) == 0
           && (at_once || ouro__http_request_keep(request, bytes, size) == 0);
}

/* No more than `most` bytes of a body, if there is one; 0: any. */
static void
limit_body(struct ouro__http_connection *connection, uint64_t most)
{
    struct ouro_http_request *request = connection->request;
    struct ouro_http1_limits limits = connection->server->limits;

    if (request->body_ended)
        return;
    limits.body_size = most;
    ouro_http1_body_init(&request->body_reader, &request->head, &limits);
}

/* A head is whole: `size` bytes at `bytes`. */
void
ouro__http_begin_request(struct ouro__http_connection *connection,
                         const uint8_t *bytes, size_t size)
{
    struct ouro_http_request *request = connection->request;

    connection->server->stats.requests++;
    note_begin(connection);
    request->continue_due = request->head.expects_continue && has_body(request);
    request->body_ended = !has_body(request);
    limit_body(connection, 0);
    if (answer_without_route(connection))
        return;
    if (is_too_large(connection)) {
        ouro__http_refuse(connection, 413);
        return;
    }
    if (!request->match.route->streams)
        limit_body(connection, options_of(connection)->body_size);
    if (!keep(request, bytes, size))
        ouro__http_refuse(connection, 503);
    else if (has_body(request) && !request->match.route->streams)
        begin_body(connection);
    else
        ouro__http_run(connection);
}
