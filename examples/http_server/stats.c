/* What the workers have counted, for people and for programs. */
#include "app.h"

#include <inttypes.h>

void
stats_publish(struct worker *worker)
{
    struct counters now;

    ouro_http_server_get_stats(worker->server, &now.http);
    ouro_loop_get_stats(ouro_get_running_loop(), &now.loop);
    pthread_mutex_lock(&worker->lock);
    worker->counters = now;
    pthread_mutex_unlock(&worker->lock);
}

static struct counters
counters_of(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    struct counters counters = worker->counters;
    pthread_mutex_unlock(&worker->lock);
    return counters;
}

static size_t
write_json(struct app *app, size_t index, char *into, size_t size)
{
    struct counters is = counters_of(&app->workers[index]);

    return (size_t)snprintf(
        into, size,
        "%s{\"worker\":%zu,\"requests\":%" PRIu64 ",\"refused\":%" PRIu64
        ",\"connections\":%zu,\"active\":%zu,\"bytes_received\":%" PRIu64
        ",\"bytes_sent\":%" PRIu64 ",\"turns\":%" PRIu64 ",\"tasks\":%zu}",
        index > 0 ? "," : "", index, is.http.requests, is.http.refused,
        is.http.connections, is.http.active, is.loop.bytes_received,
        is.loop.bytes_sent, is.loop.turns, is.loop.tasks);
}

/* The same numbers in the same order. */
static size_t
write_row(struct app *app, size_t index, char *into, size_t size)
{
    struct counters is = counters_of(&app->workers[index]);

    return (size_t)snprintf(
        into, size,
        "<tr><td>%zu<td>%" PRIu64 "<td>%" PRIu64 "<td>%zu<td>%zu<td>%" PRIu64
        "<td>%" PRIu64 "<td>%" PRIu64 "<td>%zu\n",
        index, is.http.requests, is.http.refused, is.http.connections,
        is.http.active, is.loop.bytes_received, is.loop.bytes_sent,
        is.loop.turns, is.loop.tasks);
}

size_t
stats_json(struct app *app, char *into, size_t size)
{
    size_t length = (size_t)snprintf(into, size, "{\"workers\":[");

    for (size_t i = 0; i < app->worker_count; i++)
        length += write_json(app, i, into + length, size - length);
    return length + (size_t)snprintf(into + length, size - length, "]}\n");
}

size_t
stats_rows(struct app *app, char *into, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < app->worker_count; i++)
        length += write_row(app, i, into + length, size - length);
    return length;
}
