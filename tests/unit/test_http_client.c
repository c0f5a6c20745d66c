/* SPDX-License-Identifier: MIT */
/* An HTTP client in the middle of things: each allocation fails in turn, and
 * its task is cancelled at every turn.  It may fail, but neither leaks, nor
 * crashes, nor waits for ever, nor says what is not so. */
#include "ouro_test.h"

#include <ouro/http_client.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LARGE = 300000,
    STILL = 200, /* turns in which no time passes; it is needed now and then */
    MOST_TURNS = 5000
};

#define END "the end"

/* One call, and what comes of it. */
struct talk {
    const char *path;
    const char *method;
    size_t size;  /* of the body, which ends with END */
    bool pulled;  /* it comes piece by piece */
    bool written; /* or by who asks */
    bool expects; /* the server's consent */
    bool alone;   /* the call has no client */
    int status;
    const char *text;
};

static const struct talk talks[] = {
    {.path = "/length", .status = 200, .text = "some words"},
    {.path = "/chunked", .status = 200, .text = "some words"},
    {.path = "/close", .status = 200, .text = "some words"},
    {.path = "/length", .method = "HEAD", .status = 200, .text = ""},
    {.path = "/moved", .status = 200, .text = "some words"},
    {.path = "/away", .status = 200, .text = "some words"},
    {.path = "/sink", .size = 100, .status = 200, .text = "taken"},
    {.path = "/sink", .size = LARGE, .status = 200, .text = "taken"},
    {.path = "/sink",
     .size = LARGE,
     .pulled = true,
     .expects = true,
     .status = 200,
     .text = "taken"},
    {.path = "/refuse", .size = LARGE, .status = 413, .text = "no"},
    {.path = "/refuse",
     .size = LARGE,
     .pulled = true,
     .status = 413,
     .text = "no"},
    {.path = "/sink",
     .size = LARGE,
     .written = true,
     .expects = true,
     .status = 200,
     .text = "taken"},
    {.path = "/refuse",
     .size = LARGE,
     .written = true,
     .status = 413,
     .text = "no"},
    {.path = "/moved", .alone = true, .status = 200, .text = "some words"},
    {.path = "/refuse",
     .size = LARGE,
     .written = true,
     .alone = true,
     .status = 413,
     .text = "no"},
};

struct program {
    const struct talk *talk;
    struct ouro_server *server;
    struct ouro_http_client *client;
    size_t left; /* of the body, to be pulled */
    int status;
    char text[32];
    unsigned runs;
    unsigned alive; /* things that were left at the end */
    unsigned hangs;
};

static struct program program;

static char large[LARGE];

/* The server. */

OURO_SUSPENDS static int
say(struct ouro_stream *stream, const char *text)
{
    return ouro_stream_write(stream, ouro_slice_of(text, strlen(text)));
}

OURO_SUSPENDS static int
redirect_away(struct ouro_stream *stream, const struct program *p)
{
    struct ouro_address other = ouro_server_address(p->server, 1);
    char text[128];

    snprintf(text, sizeof(text),
             "HTTP/1.1 302 X\r\nLocation: http://127.0.0.2:%u/length\r\n"
             "Content-Length: 0\r\n\r\n",
             (unsigned)ouro_address_port(&other));
    return say(stream, text);
}

OURO_SUSPENDS static int
take_body(struct ouro_stream *stream, bool pulled)
{
    const struct ouro_slice end =
        pulled ? OURO_BYTES(END "\r\n0\r\n\r\n") : OURO_BYTES(END);
    struct ouro_slice body;

    ouro_stream_set_limit(stream, 2 * LARGE);
    int rc = pulled ? say(stream, "HTTP/1.1 100 X\r\n\r\n") : 0;
    ssize_t size = rc < 0 ? rc : ouro_stream_read_until(stream, end, &body);
    return size > 0 ? say(stream, "HTTP/1.1 200 X\r\nContent-Length: 5\r\n"
                                  "\r\ntaken")
                    : (int)size;
}

static bool
asks_for(struct ouro_slice head, const char *path)
{
    const uint8_t *at = memchr(head.data, '/', head.size);

    return at != NULL && strncmp((const char *)at, path, strlen(path)) == 0;
}

OURO_SUSPENDS static int
answer(struct ouro_stream *stream, struct program *p, struct ouro_slice head)
{
    if (asks_for(head, "/sink"))
        return take_body(stream, p->talk->pulled || p->talk->written);
    if (asks_for(head, "/away"))
        return redirect_away(stream, p);
    if (asks_for(head, "/moved"))
        return say(stream, "HTTP/1.1 302 X\r\nLocation: length\r\n"
                           "Content-Length: 3\r\n\r\nout");
    if (asks_for(head, "/chunked"))
        return say(stream, "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n"
                           "\r\n5\r\nsome \r\n5\r\nwords\r\n0\r\nA: b\r\n\r\n");
    if (asks_for(head, "/length"))
        return say(stream, head.data[0] == 'H'
                               ? "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n"
                               : "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n"
                                 "some words");
    int rc = say(stream, asks_for(head, "/refuse")
                             ? "HTTP/1.1 413 X\r\nContent-Length: 2\r\n\r\nno"
                             : "HTTP/1.1 200 X\r\n\r\nsome words");
    return rc < 0 ? rc : -ECANCELED; /* which closes it */
}

static int
serve(struct ouro_stream *stream, void *context)
{
    struct ouro_slice head;
    ssize_t size;

    while (
        (size = ouro_stream_read_until(stream, OURO_BYTES("\r\n\r\n"), &head))
        > 0) {
        int rc = answer(stream, context, head);

        if (rc < 0)
            return rc;
    }
    return (int)size;
}

/* The client. */

static ssize_t
pull(void *into, size_t size, void *context)
{
    struct program *p = context;

    size = size < p->left ? size : p->left;
    size = size < 50000 ? size : 50000;
    memcpy(into, large + (LARGE - p->left), size);
    p->left -= size;
    return (ssize_t)size;
}

/* A refusal is told by the end. */
OURO_SUSPENDS static int
upload(struct program *p, const struct ouro_http_call *call,
       struct ouro_http_response **out_response)
{
    struct ouro_http_upload *upload;
    int rc = ouro_http_upload_begin(p->talk->alone ? NULL : p->client, call,
                                    &upload);

    if (rc < 0)
        return rc;
    rc = ouro_http_upload_write(upload, ouro_slice_of(large, LARGE / 2));
    if (rc == 0)
        rc = ouro_http_upload_write(
            upload, ouro_slice_of(large + LARGE / 2, LARGE - LARGE / 2));
    if (rc == 0 || rc == -EPIPE)
        return ouro_http_upload_end(upload, out_response);
    ouro_http_upload_free(upload);
    return rc;
}

OURO_SUSPENDS static int
fetch(struct program *p, struct ouro_http_call *call)
{
    struct ouro_http_response *response;
    struct ouro_slice body;
    int rc = 0;

    if (p->talk->written)
        rc = upload(p, call, &response);
    else
        rc =
            ouro_http_fetch(p->talk->alone ? NULL : p->client, call, &response);
    if (rc < 0)
        return rc;
    rc = ouro_http_response_read_all(response, sizeof(p->text) - 1, &body);
    if (rc == 0) {
        p->status = ouro_http_response_status(response);
        snprintf(p->text, sizeof(p->text), "%.*s", (int)body.size,
                 (const char *)body.data);
    }
    ouro_http_response_free(response);
    return rc;
}

/* Twice, for the connection may be kept. */
OURO_SUSPENDS static int
ask(struct program *p)
{
    struct ouro_address where = ouro_server_address(p->server, 0);
    struct ouro_report report;
    char url[64];
    struct ouro_http_call call = {
        .url = url,
        .method = p->talk->size > 0 ? "PUT" : p->talk->method,
        .expect_continue = p->talk->expects,
        .report = &report,
    };
    int rc = ouro_http_client_new(&p->client, NULL);

    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s",
             (unsigned)ouro_address_port(&where), p->talk->path);
    if (p->talk->pulled) {
        call.pull = pull;
        call.pull_context = p;
    } else if (!p->talk->written) {
        call.body = ouro_slice_of(large + LARGE - p->talk->size, p->talk->size);
    }
    for (int i = 0; rc == 0 && i < 2; i++) {
        p->left = p->talk->size;
        rc = fetch(p, &call);
    }
    ouro_http_client_free(p->client);
    return rc;
}

static int
serve_and_ask(void *arg)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", NULL};
    const struct ouro_server_options where = {.hosts = hosts};
    struct program *p = arg;

    p->client = NULL;
    int rc = ouro_start_server(&p->server, serve, p, &where);
    if (rc < 0)
        return rc;
    rc = ask(p);
    int stopped = ouro_server_stop(p->server, OURO_SECONDS(1));
    ouro_server_free(p->server);
    return rc < 0 ? rc : stopped;
}

/* Programs. */

static void
count_alive(const struct ouro_exception *exception, void *arg)
{
    struct program *p = arg;

    p->alive += strstr(exception->message, "still") != NULL;
}

static int
new_sim(struct ouro_sim **out_sim, struct program *p)
{
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = count_alive, .exception_arg = p},
    };

    p->runs++;
    return ouro_sim_new(out_sim, &options);
}

static int
run_program(void *arg)
{
    struct program *p = arg;
    struct ouro_sim *sim;

    int rc = new_sim(&sim, p);
    if (rc < 0)
        return rc;
    rc = ouro_sim_run(sim, serve_and_ask, p);
    p->hangs += rc == -EDEADLK;
    ouro_sim_advance(sim, OURO_SECONDS(60));
    ouro_sim_free(sim);
    return rc;
}

static void
assert_told_all(const struct program *p)
{
    assert_int_equal(p->status, p->talk->status);
    assert_string_equal(p->text, p->talk->text);
}

static void
each_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
        program = (struct program){.talk = &talks[i]};
        for_each_allocation_failure(run_program, &program);

        assert_told_all(&program);
        assert_int_equal(program.hangs, 0);
        assert_int_equal(program.alive, 0);
        assert_true(program.runs > 20);
    }
}

/* Cancel it after so many turns.  Returns what it came to. */
static int
cancel_program(struct program *p, unsigned turns)
{
    struct ouro_sim *sim;
    struct ouro_task *task;

    assert_ok(new_sim(&sim, p));
    assert_ok(
        ouro_loop_create_task(ouro_sim_loop(sim), &task, serve_and_ask, p));
    for (unsigned i = 0; i < turns; i++) {
        ouro_sim_turn(sim);
        if (i % STILL == STILL - 1)
            ouro_sim_advance(sim, 1);
    }
    bool in_time = !ouro_task_is_done(task);
    ouro_task_cancel(task);
    ouro_sim_advance(sim, OURO_SECONDS(60));
    int rc = ouro_task_result(task);
    ouro_task_unref(task);
    ouro_sim_free(sim);
    return in_time && rc == 0 ? -EALREADY : rc;
}

static void
it_may_be_cancelled_at_every_turn(void **state)
{
    size_t before = live_allocations();

    (void)state;
    for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
        unsigned turns = 0;
        int rc;

        program = (struct program){.talk = &talks[i]};
        while ((rc = cancel_program(&program, turns)) != 0) {
            if (rc != -EALREADY)
                assert_err(rc, ECANCELED);
            assert_int_equal(live_allocations(), before);
            assert_true(++turns < MOST_TURNS);
        }
        assert_told_all(&program);
        assert_int_equal(program.alive, 0);
        assert_true(turns > 5);
    }
}

/* Time. */

static int
get_from_nobody(void *arg)
{
    const struct ouro_http_client_options options = {
        .connect_timeout_ns = OURO_SECONDS(3),
    };
    struct ouro_http_response *response;
    struct ouro_http_client *client;
    int64_t *took_ns = arg;
    int rc = ouro_http_client_new(&client, &options);

    if (rc < 0)
        return rc;
    *took_ns = ouro_loop_time_ns(ouro_get_running_loop());
    rc = ouro_http_get(client, "http://192.0.2.1/", &response);
    *took_ns = ouro_loop_time_ns(ouro_get_running_loop()) - *took_ns;
    ouro_http_client_free(client);
    return rc;
}

static void
a_host_that_is_not_there_is_given_up_in_time(void **state)
{
    struct ouro_sim *sim;
    int64_t took_ns;

    (void)state;
    assert_ok(ouro_sim_new(&sim, NULL));
    assert_ok(ouro_sim_set_route(sim, "192.0.2.1", OURO_SECONDS(3600), 0));

    assert_err(ouro_sim_run(sim, get_from_nobody, &took_ns), ETIMEDOUT);
    assert_int_equal(took_ns, OURO_SECONDS(3));
    ouro_sim_free(sim);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(it_may_be_cancelled_at_every_turn),
        cmocka_unit_test(a_host_that_is_not_there_is_given_up_in_time),
    };

    memcpy(large + LARGE - (sizeof(END) - 1), END, sizeof(END) - 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
