/* What the files of the sample server share: its workers, and what they count.
 */
#ifndef EXAMPLES_HTTP_SERVER_APP_H
#define EXAMPLES_HTTP_SERVER_APP_H

#include "../common.h"

#include <ouro/http_server.h>

#include <pthread.h>
#include <semaphore.h>

#define WORKERS_AT_MOST 64

struct app;

/* What one worker has counted, as it last told the others. */
struct counters {
    struct ouro_http_server_stats http;
    struct ouro_loop_stats loop;
};

/* A thread with a loop and a server, which shares nothing with the others but
 * its counters. */
struct worker {
    struct app *app;
    pthread_t thread;
    sem_t started; /* then `result` and `address` are known */
    int result;
    struct ouro_report why;
    struct ouro_address address;
    struct ouro_mailbox *mailbox;

    struct ouro_http_server *server; /* from here on of its thread */
    struct ouro_event stop;          /* set when the server is to end */
    bool lives;                      /* there is such an event */
    struct ouro_handle stop_call;
    struct ouro_handle ticker;

    pthread_mutex_t lock; /* of what follows */
    struct counters counters;
};

struct app {
    const char *host;
    const char *port;
    int root;    /* the directory of GET /static */
    int uploads; /* the directory of PUT /upload */
    size_t worker_count;
    struct worker workers[WORKERS_AT_MOST];
};

/* worker.c: a thread.  Returns when it listens, or why it does not. */
int worker_start(struct worker *worker, struct app *app);

/* Tell it to end, from any thread; and wait until it has. */
void worker_stop(struct worker *worker);
void worker_join(struct worker *worker);

/* stats.c: let the others know what this worker has counted. */
void stats_publish(struct worker *worker);

/* What all have counted, as JSON for programs, as rows of a table for people.
 */
void stats_write_json(struct app *app, FILE *out);
void stats_write_table(struct app *app, FILE *out);

/* answer.c: an answer that is written to a FILE, and sent when it is whole, of
 * which nobody keeps a copy. */
struct answer {
    FILE *out;
    char *text;
    size_t size;
};

OURO_MUST_USE int answer_begin(struct answer *answer);
OURO_MUST_USE int answer_send(struct answer *answer,
                              struct ouro_http_request *request,
                              const char *content_type);

/* routes.c: what is answered by whom. */
extern const struct ouro_http_route routes[];

/* page.c: GET /, and page_script.c: what keeps it fresh, GET /page.js */
ouro_http_handler_fn show_page;
ouro_http_handler_fn send_script;

/* upload.c: PUT /upload/{name} */
ouro_http_handler_fn take_upload;

#endif
