/* What the workers have counted, for people and for programs. */
#include "app.h"

#include <inttypes.h>

#define NUMBERS 8

/* What each number is called: in JSON, and in the page. */
static const struct {
    const char *key;
    const char *words;
} names[NUMBERS] = {
    {"requests", "requests"},
    {"refused", "not understood"},
    {"connections", "connections open"},
    {"active", "being answered"},
    {"bytes_received", "bytes received"},
    {"bytes_sent", "bytes sent"},
    {"turns", "turns of the loop"},
    {"tasks", "tasks"},
};

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

/* In the order of their names. */
static void
numbers_of(struct worker *worker, uint64_t numbers[NUMBERS])
{
    pthread_mutex_lock(&worker->lock);
    struct counters is = worker->counters;
    pthread_mutex_unlock(&worker->lock);
    numbers[0] = is.http.requests;
    numbers[1] = is.http.refused;
    numbers[2] = is.http.connections;
    numbers[3] = is.http.active;
    numbers[4] = is.loop.bytes_received;
    numbers[5] = is.loop.bytes_sent;
    numbers[6] = is.loop.turns;
    numbers[7] = is.loop.tasks;
}

static void
write_json(FILE *out, size_t index, const uint64_t numbers[NUMBERS])
{
    fprintf(out, "%s{\"worker\":%zu", index > 0 ? "," : "", index);
    for (size_t i = 0; i < NUMBERS; i++)
        fprintf(out, ",\"%s\":%" PRIu64, names[i].key, numbers[i]);
    fprintf(out, "}");
}

void
stats_write_json(struct app *app, FILE *out)
{
    uint64_t numbers[NUMBERS];

    fprintf(out, "{\"workers\":[");
    for (size_t i = 0; i < app->worker_count; i++) {
        numbers_of(&app->workers[i], numbers);
        write_json(out, i, numbers);
    }
    fprintf(out, "]}\n");
}

void
stats_write_table(struct app *app, FILE *out)
{
    uint64_t numbers[WORKERS_AT_MOST][NUMBERS];

    fprintf(out, "<tr><td>");
    for (size_t i = 0; i < app->worker_count; i++) {
        numbers_of(&app->workers[i], numbers[i]);
        fprintf(out, "<th scope=col>loop %zu", i);
    }
    fprintf(out, "\n");
    for (size_t k = 0; k < NUMBERS; k++) {
        fprintf(out, "<tr data-of=%s><th scope=row>%s", names[k].key,
                names[k].words);
        for (size_t i = 0; i < app->worker_count; i++)
            fprintf(out, "<td>%" PRIu64, numbers[i][k]);
        fprintf(out, "\n");
    }
}
