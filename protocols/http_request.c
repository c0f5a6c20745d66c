/* SPDX-License-Identifier: MIT */
/* A request: its memory, what it says, and reading its body. */
#include "http_server_inside.h"

#include <errno.h>
#include <string.h>

enum {
    SPARES = 64,            /* requests that a server keeps */
    MEMORY_KEPT = 16 * 1024 /* of a spare one */
};

/* Memory. */

struct ouro_http_request *
ouro__http_request_new(struct ouro__http_connection *connection)
{
    struct ouro_http_server *server = connection->server;
    struct ouro_http_request *request = SLIST_FIRST(&server->spares);
    size_t fields = server->options.field_count;

    if (request != NULL) {
        SLIST_REMOVE_HEAD(&server->spares, spare);
        server->spare_count--;
    } else {
        request =
            ouro_alloc(sizeof(*request) + fields * sizeof(request->fields[0]));
        if (request == NULL)
            return NULL;
        memset(request, 0, sizeof(*request));
    }
    request->connection = connection;
    ouro_http1_head_init(&request->head, request->fields, fields);
    server->stats.active++;
    return request;
}

static void
give_back(uint8_t **memory, size_t *room)
{
    if (*room <= MEMORY_KEPT)
        return;
    ouro_free(*memory);
    *memory = NULL;
    *room = 0;
}

static void
clear(struct ouro_http_request *request)
{
    struct ouro__http_answer *answer = &request->answer;

    give_back(&request->memory, &request->memory_room);
    give_back(&request->decoded, &request->decoded_room);
    give_back(&request->body, &request->body_room);
    give_back(&answer->fields, &answer->fields_room);
    request->body_size = 0;
    request->part_size = 0;
    request->body_error = 0;
    request->body_ended = false;
    request->continue_due = false;
    request->writing = false;
    request->match.route = NULL;
    request->match.param_count = 0;
    *answer = (struct ouro__http_answer){
        .fields = answer->fields,
        .fields_room = answer->fields_room,
    };
}

static void
destroy(struct ouro_http_request *request)
{
    ouro_free(request->memory);
    ouro_free(request->decoded);
    ouro_free(request->body);
    ouro_free(request->answer.fields);
    ouro_free(request);
}

void
ouro__http_request_free(struct ouro_http_request *request)
{
    struct ouro_http_server *server;

    if (request == NULL)
        return;
    server = request->connection->server;
    server->stats.active--;
    request->connection->request = NULL;
    if (server->spare_count >= SPARES) {
        destroy(request);
        return;
    }
    clear(request);
    SLIST_INSERT_HEAD(&server->spares, request, spare);
    server->spare_count++;
}

void
ouro__http_spares_free(struct ouro_http_server *server)
{
    struct ouro_http_request *request;

    while ((request = SLIST_FIRST(&server->spares)) != NULL) {
        SLIST_REMOVE_HEAD(&server->spares, spare);
        destroy(request);
    }
}

static void
move(struct ouro_slice *slice, const uint8_t *from, size_t size,
     const uint8_t *to)
{
    if (slice->data >= from && slice->data <= from + size)
        slice->data = to + (slice->data - from);
}

int
ouro__http_request_keep(struct ouro_http_request *request, const uint8_t *bytes,
                        size_t size)
{
    struct ouro_http1_head *head = &request->head;
    int rc = ouro__http_grow(&request->memory, &request->memory_room, 0, size);

    if (rc < 0)
        return rc;
    memcpy(request->memory, bytes, size);
    struct ouro_slice *const slices[] = {
        &head->method, &head->target, &head->authority,
        &head->path,   &head->query,
    };
    for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++)
        move(slices[i], bytes, size, request->memory);
    for (size_t i = 0; i < head->fields.count; i++) {
        move(&request->fields[i].name, bytes, size, request->memory);
        move(&request->fields[i].value, bytes, size, request->memory);
    }
    for (size_t i = 0; i < request->match.param_count; i++)
        move(&request->match.params[i].value, bytes, size, request->memory);
    return 0;
}

int
ouro__http_request_decode(struct ouro_http_request *request)
{
    struct ouro_slice path = request->head.path;
    size_t used = 0;

    if (path.size == 0 || memchr(path.data, '%', path.size) == NULL)
        return 0;
    int rc = ouro__http_grow(&request->decoded, &request->decoded_room, 0,
                             path.size);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < request->match.param_count; i++) {
        struct ouro_slice *value = &request->match.params[i].value;
        size_t size = ouro__http_decode(*value, request->decoded + used);

        *value = ouro_slice_of(request->decoded + used, size);
        used += size;
    }
    return 0;
}

/* What it says. */

struct ouro_slice
ouro_http_method(const struct ouro_http_request *request)
{
    return request->head.method;
}

struct ouro_slice
ouro_http_target(const struct ouro_http_request *request)
{
    return request->head.target;
}

struct ouro_slice
ouro_http_path(const struct ouro_http_request *request)
{
    return request->head.path;
}

struct ouro_slice
ouro_http_query(const struct ouro_http_request *request)
{
    return request->head.query;
}

struct ouro_slice
ouro_http_param(const struct ouro_http_request *request, const char *name)
{
    size_t size = strlen(name);

    for (size_t i = 0; i < request->match.param_count; i++) {
        const struct ouro__http_param *param = &request->match.params[i];

        if (param->name.size == size
            && memcmp(param->name.data, name, size) == 0)
            return param->value;
    }
    return (struct ouro_slice){NULL, 0};
}

struct ouro_slice
ouro_http_header(const struct ouro_http_request *request, const char *name)
{
    return ouro_http1_fields_find(&request->head.fields, name);
}

struct ouro_address
ouro_http_peer_address(const struct ouro_http_request *request)
{
    return ouro_transport_peer_address(request->connection->base.transport);
}

struct ouro_slice
ouro_http_body(const struct ouro_http_request *request)
{
    return ouro_slice_of(request->body, request->body_size);
}

/* Reading. */

void
ouro__http_wake(struct ouro_future *future)
{
    if (future != NULL && !ouro_future_is_done(future))
        ouro_future_set_result(future, NULL);
}

/* One task may read while another writes: the clock is of both. */
int
ouro__http_wait(struct ouro_http_request *request, struct ouro_future **slot)
{
    struct ouro__http_connection *connection = request->connection;
    struct ouro_future future;

    ouro_future_init(&future, ouro_get_running_loop());
    *slot = &future;
    ouro__http_watch_progress(connection);
    int rc = ouro_await(&future);
    *slot = NULL;
    ouro_future_fini(&future);
    if (request->input != NULL || request->room != NULL)
        ouro__http_watch_progress(connection);
    else
        ouro__http_watch(connection, OURO_FOREVER);
    return rc;
}

static int
await_input(struct ouro_http_request *request)
{
    struct ouro__http_connection *connection = request->connection;

    if (connection->lost || connection->input_ended)
        return -OURO_EINCOMPLETE;
    ouro__http_continue(request);
    return ouro__http_wait(request, &request->input);
}

int
ouro__http_body_status(const struct ouro_http_request *request)
{
    if (request->body_error == -ETIMEDOUT)
        return 408;
    if (request->body_error == -OURO_EINCOMPLETE)
        return 400;
    return ouro_http1_error_status(request->body_reader.error);
}

ssize_t
ouro_http_read(struct ouro_http_request *request, void *into, size_t size)
{
    int rc = ouro_checkpoint();

    if (rc == 0 && request->input != NULL)
        rc = -EBUSY;
    if (rc == 0 && size == 0)
        rc = -EINVAL;
    for (;;) {
        size_t got = rc == 0 ? ouro__http_take_body(request, into, size) : 0;
        if (rc < 0 || got > 0)
            return rc < 0 ? rc : (ssize_t)got;
        if (request->body_ended || request->body_error < 0)
            return request->body_error;
        rc = await_input(request);
        if (rc == -OURO_EINCOMPLETE)
            request->body_error = rc;
    }
}
