/* SPDX-License-Identifier: MIT */
/* An HTTP server and a client, in which each allocation fails in turn: a
 * request may fail, but nothing leaks, crashes, or waits for the other. */
#include "ouro_test.h"

#include <ouro/http_server.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LARGE = 200000 };

/* What a client sends, and how many answers of 1xx and 2xx it gets; runs again
 * and again. */
struct program {
    const char *text;
    struct ouro_http_server *server;
    struct ouro_stream *stream;
    unsigned runs;
    unsigned good;     /* answers of this run */
    unsigned left;     /* things that were still alive at the end */
    unsigned failures; /* runs that did not end, or too late */
};

static struct program program;
static uint8_t large[LARGE];

/* Handlers. */

static int
answer(struct ouro_http_request *request, void *context)
{
    int rc = ouro_http_add_header(request, "X-Field", OURO_BYTES("value"));

    (void)context;
    if (rc == 0)
        ouro_http_respond(request, 200, "text/plain", ouro_http_body(request));
    return rc;
}

static int
read_all(struct ouro_http_request *request, void *context)
{
    uint8_t bytes[100];
    ssize_t size;

    (void)context;
    while ((size = ouro_http_read(request, bytes, sizeof(bytes))) > 0)
        continue;
    if (size == 0)
        ouro_http_respond_text(request, 200, NULL);
    return (int)size;
}

static int
write_large(struct ouro_http_request *request, void *context)
{
    int rc = ouro_http_begin(request, 200, NULL, OURO_HTTP_UNKNOWN_SIZE);

    (void)context;
    return rc < 0 ? rc : ouro_http_write(request, ouro_slice_of(large, LARGE));
}

static int
send_program(struct ouro_http_request *request, void *context)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    (void)context;
    return ouro_http_respond_file(request, file, NULL, NULL);
}

static int
find_nothing(struct ouro_http_request *request, void *context)
{
    int folder = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = ouro_http_serve_file(request, folder, OURO_BYTES("nowhere"), NULL);

    (void)context;
    close(folder);
    return rc;
}

/* Another protocol, which says back what it hears. */
static void
say_back(struct ouro_protocol *self, struct ouro_slice data)
{
    ouro_transport_write(self->transport, data);
}

static const struct ouro_protocol_ops echo_ops = {
    .size = sizeof(struct ouro_protocol),
    .data_received = say_back,
};

static int
upgrade(struct ouro_http_request *request, void *context)
{
    struct ouro_protocol *protocol;

    (void)context;
    return ouro_http_upgrade(request, "echo", &echo_ops, &protocol);
}

static const struct ouro_http_route routes[] = {
    {.method = "GET", .pattern = "/up", .callback = upgrade},
    {.method = "POST", .pattern = "/up", .handler = upgrade},
    {.method = "GET", .pattern = "/now/{name}", .callback = answer},
    {.method = "GET", .pattern = "/task/{name}", .handler = answer},
    {.method = "PUT", .pattern = "/now", .callback = answer},
    {.method = "PUT", .pattern = "/task", .handler = answer},
    {.method = "PUT", .pattern = "/read", .handler = read_all, .streams = true},
    {.method = "GET", .pattern = "/large", .handler = write_large},
    {.method = "GET", .pattern = "/file", .handler = find_nothing},
    {.method = "GET", .pattern = "/program", .handler = send_program},
    {.pattern = NULL},
};

/* The client. */

OURO_SUSPENDS static int
open_client(struct program *p)
{
    struct ouro_address where =
        ouro_server_address(ouro_http_server_sockets(p->server), 0);
    char port[8];
    const struct ouro_connect_options options = {
        .host = "127.0.0.1",
        .service = port,
    };

    snprintf(port, sizeof(port), "%u", (unsigned)ouro_address_port(&where));
    return ouro_open_connection(&p->stream, &options);
}

/* Answers begin with a status line, also behind the bytes of another. */
static void
count_answers(struct program *p, struct ouro_slice bytes)
{
    static const char begin[] = "HTTP/1.1 ";
    size_t size = sizeof(begin) - 1;

    for (size_t at = 0; at + size < bytes.size; at++)
        p->good += memcmp(bytes.data + at, begin, size) == 0
                   && bytes.data[at + size] <= '2';
}

/* In two parts, so that something has to be kept. */
OURO_SUSPENDS static int
talk(struct program *p)
{
    struct ouro_slice bytes;
    size_t half = strlen(p->text) / 2;
    ssize_t size = ouro_stream_write(p->stream, ouro_slice_of(p->text, half));

    if (size == 0)
        size = ouro_sleep(OURO_MILLISECONDS(10));
    if (size == 0)
        size = ouro_stream_write(
            p->stream, ouro_slice_of(p->text + half, strlen(p->text) - half));
    ouro_stream_write_eof(p->stream);
    if (size < 0)
        return (int)size;
    while ((size = ouro_stream_peek(p->stream, &bytes)) > 0) {
        count_answers(p, bytes);
        ouro_stream_consume(p->stream, bytes.size);
    }
    return (int)size;
}

/* What the client sees may be an error that the server made. */
static int
serve_and_talk(void *arg)
{
    struct program *p = arg;
    struct ouro_http_server_options options = {.listen.host = "127.0.0.1"};
    int rc = ouro_http_start_server(&p->server, routes, NULL, &options);

    if (rc < 0)
        return rc;
    rc = open_client(p);
    if (rc == 0) {
        rc = talk(p);
        ouro_stream_free(p->stream);
    }
    int stopped = ouro_http_server_stop(p->server, OURO_SECONDS(10));
    ouro_http_server_free(p->server);
    return rc < 0 ? rc : stopped;
}

/* Running it. */

static void
count_left(const struct ouro_exception *exception, void *arg)
{
    struct program *p = arg;

    p->left += strstr(exception->message, "still") != NULL;
}

static int
run_program(void *arg)
{
    struct program *p = arg;
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = count_left, .exception_arg = p},
    };
    struct ouro_sim *sim;

    p->runs++;
    p->good = 0;
    int rc = ouro_sim_new(&sim, &options);
    if (rc < 0)
        return rc;
    int64_t before = ouro_loop_time_ns(ouro_sim_loop(sim));
    rc = ouro_sim_run(sim, serve_and_talk, p);
    int64_t passed = ouro_loop_time_ns(ouro_sim_loop(sim)) - before;
    p->failures +=
        rc == -EDEADLK || rc == -ETIMEDOUT || passed > OURO_SECONDS(9);
    ouro_sim_advance(sim, OURO_SECONDS(60));
    ouro_sim_free(sim);
    return rc;
}

static void
check_program(const char *text, unsigned good)
{
    program = (struct program){.text = text};
    for_each_allocation_failure(run_program, &program);

    assert_int_equal(program.failures, 0);
    assert_int_equal(program.left, 0);
    assert_int_equal(program.good, good);
    assert_true(program.runs > 20);
}

#define HOST " HTTP/1.1\r\nHost: a\r\n"

static void
requests_without_a_body_survive_a_lack_of_memory(void **state)
{
    (void)state;
    check_program("GET /now/%41" HOST "\r\nGET /task/%41" HOST "\r\n"
                  "GET /now/b" HOST "\r\n",
                  3);
}

static void
requests_with_a_body_survive_a_lack_of_memory(void **state)
{
    (void)state;
    check_program("PUT /now" HOST "Content-Length: 9\r\n\r\nsome text"
                  "PUT /task" HOST "Transfer-Encoding: chunked\r\n\r\n"
                  "4\r\nsome\r\n5\r\n text\r\n0\r\n\r\n",
                  2);
}

static void
a_body_that_is_read_as_it_comes_survives_a_lack_of_memory(void **state)
{
    (void)state;
    check_program("PUT /read" HOST "Transfer-Encoding: chunked\r\n\r\n"
                  "4\r\nsome\r\n5\r\n text\r\n0\r\nT: 1\r\n\r\n",
                  1);
}

static void
an_answer_in_parts_survives_a_lack_of_memory(void **state)
{
    (void)state;
    check_program("GET /large" HOST "\r\n", 1);
}

static void
what_the_server_answers_itself_survives_a_lack_of_memory(void **state)
{
    (void)state;
    check_program("GET /program" HOST "Range: bytes=0-99\r\n\r\n"
                  "GET /file" HOST "\r\n"
                  "OPTIONS /now/a" HOST "\r\n"
                  "DELETE /now/a" HOST "\r\n"
                  "GET /nowhere" HOST "Content-Length: 3\r\n\r\nabc"
                  "rubbish\r\n\r\n",
                  2);
}

#define UPGRADE "Connection: upgrade\r\nUpgrade: echo\r\n\r\n"

/* Both get bytes that came with the request. */
static void
another_protocol_survives_a_lack_of_memory(void **state)
{
    (void)state;
    check_program("GET /up" HOST UPGRADE "some text, and as much as the head, "
                  "that is behind the half of it all "
                  "and then comes later",
                  1);
    check_program("POST /up" HOST UPGRADE "text", 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_without_a_body_survive_a_lack_of_memory),
        cmocka_unit_test(requests_with_a_body_survive_a_lack_of_memory),
        cmocka_unit_test(
            a_body_that_is_read_as_it_comes_survives_a_lack_of_memory),
        cmocka_unit_test(an_answer_in_parts_survives_a_lack_of_memory),
        cmocka_unit_test(
            what_the_server_answers_itself_survives_a_lack_of_memory),
        cmocka_unit_test(another_protocol_survives_a_lack_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
