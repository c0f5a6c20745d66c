/* One thread: a loop and a server of its own, on the port of all.
 *
 * The kernel deals the connections among the sockets that share a port.
 */
#include "app.h"

#define GRACE_NS OURO_SECONDS(2)
#define TICK_NS  OURO_SECONDS(0.5)

/* Counters belong to their thread; the others see a copy of these days. */
static void
tick(void *arg)
{
    struct worker *worker = arg;

    stats_publish(worker);
    ouro_call_later(ouro_get_running_loop(), &worker->ticker, TICK_NS, tick,
                    worker);
}

/* The first takes any port if none was named; the others take the same. */
static int
listen_with_the_others(struct worker *worker)
{
    struct app *app = worker->app;
    char port[8];
    struct ouro_http_server_options options = {
        .listen = {.host = app->host,
                   .service = app->port,
                   .reuse_port = app->worker_count > 1,
                   .report = &worker->why},
    };

    if (worker != &app->workers[0]) {
        snprintf(port, sizeof(port), "%u",
                 ouro_address_port(&app->workers[0].address));
        options.listen.service = port;
    }
    return ouro_http_start_server(&worker->server, routes, worker, &options);
}

static int
serve(struct worker *worker)
{
    tick(worker);
    int rc = ouro_event_wait(&worker->stop);
    int stopped = ouro_http_server_stop(worker->server, GRACE_NS);
    ouro_handle_cancel(&worker->ticker);
    return rc < 0 ? rc : stopped;
}

static int
work(void *arg)
{
    struct worker *worker = arg;
    struct ouro_loop *loop = ouro_get_running_loop();

    ouro_event_init(&worker->stop, loop);
    worker->lives = true;
    worker->mailbox = ouro_loop_mailbox(loop);
    int rc = worker->result = listen_with_the_others(worker);
    if (rc == 0)
        worker->address =
            ouro_server_address(ouro_http_server_sockets(worker->server), 0);
    sem_post(&worker->started);

    if (rc == 0)
        rc = serve(worker);
    ouro_http_server_free(worker->server);
    worker->lives = false;
    ouro_event_fini(&worker->stop);
    return rc;
}

static void *
run_thread(void *arg)
{
    struct worker *worker = arg;
    struct ouro_run_options options = {.loop.report = &worker->why,
                                       .no_signals = true};
    int rc = ouro_run_with(work, worker, &options);

    if (worker->mailbox == NULL) { /* there was no loop to begin in */
        worker->result = rc;
        sem_post(&worker->started);
    }
    return NULL;
}

int
worker_start(struct worker *worker, struct app *app)
{
    worker->app = app;
    sem_init(&worker->started, 0, 0);
    pthread_mutex_init(&worker->lock, NULL);
    int rc = pthread_create(&worker->thread, NULL, run_thread, worker);
    if (rc != 0) {
        snprintf(worker->why.text, sizeof(worker->why.text), "no thread: %s",
                 strerror(rc));
        return -rc;
    }
    while (sem_wait(&worker->started) < 0)
        continue;
    if (worker->result < 0)
        worker_join(worker);
    return worker->result;
}

static void
set_stop(void *arg)
{
    struct worker *worker = arg;

    if (worker->lives)
        ouro_event_set(&worker->stop);
}

void
worker_stop(struct worker *worker)
{
    /* One whose loop is gone has stopped already. */
    (void)!ouro_mailbox_post(worker->mailbox, &worker->stop_call, set_stop,
                             worker);
}

void
worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
    ouro_mailbox_unref(worker->mailbox);
    pthread_mutex_destroy(&worker->lock);
    sem_destroy(&worker->started);
}
