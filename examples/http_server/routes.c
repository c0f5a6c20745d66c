/* What the sample server answers, but for its page and its uploads. */
#include "app.h"

/* Known at once, so it needs no task: a callback is the shortest way. */
static int
say_hello(struct ouro_http_request *request, void *context)
{
    (void)context;
    ouro_http_respond_text(request, 200, "Hello, world!\n");
    return 0;
}

/* The body has come before a handler is called, unless it streams. */
static int
echo(struct ouro_http_request *request, void *context)
{
    struct ouro_slice type = ouro_http_header(request, "Content-Type");
    int rc = 0;

    (void)context;
    if (type.data != NULL)
        rc = ouro_http_add_header(request, "Content-Type", type);
    if (rc == 0)
        ouro_http_respond(request, 200, NULL, ouro_http_body(request));
    return rc;
}

static int
send_static(struct ouro_http_request *request, void *context)
{
    struct worker *worker = context;

    return ouro_http_serve_file(request, worker->app->root,
                                ouro_http_param(request, "path"), NULL);
}

static int
send_stats(struct ouro_http_request *request, void *context)
{
    struct worker *worker = context;
    struct answer answer;
    int rc = answer_begin(&answer);

    if (rc < 0)
        return rc;
    stats_publish(worker);
    stats_write_json(worker->app, answer.out);
    return answer_send(&answer, request, "application/json");
}

/* A second has passed, 0: the server is to end, or an error. */
OURO_SUSPENDS static int
wait_a_second(struct worker *worker)
{
    struct ouro_timeout second;

    ouro_timeout_begin(&second, OURO_SECONDS(1));
    int rc = ouro_event_wait(&worker->stop);
    rc = (int)ouro_timeout_end(&second, rc);
    return rc == -ETIMEDOUT ? 1 : rc;
}

/* An answer without an end: a task that sleeps costs its stack. */
static int
send_events(struct ouro_http_request *request, void *context)
{
    char text[64];
    int rc =
        ouro_http_add_header(request, "Cache-Control", OURO_BYTES("no-store"));

    if (rc == 0)
        rc = ouro_http_begin(request, 200, "text/event-stream",
                             OURO_HTTP_UNKNOWN_SIZE);
    bool has_body = ouro_http_method(request).data[0] == 'G'; /* not HEAD */
    for (unsigned i = 0; rc == 0 && has_body; i++) {
        int size =
            snprintf(text, sizeof(text), "id: %u\ndata: second %u\n\n", i, i);
        rc = ouro_http_write(request, ouro_slice_of(text, (size_t)size));
        if (rc < 0)
            break;
        rc = wait_a_second(context);
        if (rc <= 0)
            break;
        rc = 0;
    }
    return rc;
}

const struct ouro_http_route routes[] = {
    {.method = "GET", .pattern = "/", .callback = show_page},
    {.method = "GET", .pattern = "/page.js", .callback = send_script},
    {.method = "GET", .pattern = "/hello", .callback = say_hello},
    {.method = "POST", .pattern = "/echo", .callback = echo},
    {.method = "PUT",
     .pattern = "/upload/{name}",
     .handler = take_upload,
     .streams = true},
    {.method = "GET", .pattern = "/static/{path...}", .handler = send_static},
    {.method = "GET", .pattern = "/events", .handler = send_events},
    {.method = "GET", .pattern = "/stats", .callback = send_stats},
    {.pattern = NULL},
};
