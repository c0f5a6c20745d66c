/* SPDX-License-Identifier: MIT */
/* The HTTP client and the HTTP server, with each other. */
#include "http_handlers.h"

#include <ouro/http_client.h>

const char *engine;

/* Ask for `path`; the status and the body's text go to scene->note. */
OURO_SUSPENDS static int
call_server(struct scene *scene, struct ouro_http_client *client,
            struct ouro_http_call call, const char *path)
{
    struct ouro_address where =
        ouro_server_address(ouro_http_server_sockets(scene->server), 0);
    struct ouro_http_response *response;
    struct ouro_slice body;
    char url[64];
    size_t used = strlen(scene->note);

    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s",
             (unsigned)ouro_address_port(&where), path);
    call.url = url;
    int rc = ouro_http_fetch(client, &call, &response);
    if (rc < 0)
        return rc;
    rc = ouro_http_response_read_all(response, 64, &body);
    if (rc == 0)
        snprintf(scene->note + used, sizeof(scene->note) - used, "%d %.*s|",
                 ouro_http_response_status(response), (int)body.size,
                 (const char *)body.data);
    ouro_http_response_free(response);
    return rc;
}

/* 200000 bytes in all. */
static ssize_t
pull_many(void *into, size_t size, void *context)
{
    size_t *left = context;
    size_t part = size < *left ? size : *left;

    memset(into, 'x', part);
    *left -= part;
    return (ssize_t)part;
}

static int
ask_in_all_ways(struct scene *scene)
{
    size_t left = 200000;
    struct ouro_http_call head = {.method = "HEAD"};
    struct ouro_http_call echo = {.method = "PUT", .body = OURO_BYTES("ab")};
    struct ouro_http_call count = {
        .method = "POST", .pull = pull_many, .pull_context = &left};
    struct ouro_http_client *client;
    int rc = ouro_http_client_new(&client, NULL);

    if (rc < 0)
        return rc;
    rc = call_server(scene, client, (struct ouro_http_call){.url = NULL},
                     "/stream");
    if (rc == 0)
        rc = call_server(scene, client, head, "/now/Ada");
    if (rc == 0)
        rc = call_server(scene, client, echo, "/echo");
    if (rc == 0)
        rc = call_server(scene, client, count, "/count");
    scene->seen[0] = (ssize_t)ouro_http_client_kept(client);
    ouro_http_client_free(client);
    return rc;
}

static void
client_and_server_understand_each_other_on_one_connection(void **state)
{
    struct scene scene = {.routes = routes, .act = ask_in_all_ways};

    (void)state;
    assert_plays(&scene);
    assert_string_equal(scene.note, "200 partpartpart|200 |200 ab|200 200000|");
    assert_int_equal(scene.seen[0], 1);
}

/* 2 MB, given and pulled, with a size and without, and expecting consent. */
static int
send_too_much(struct scene *scene)
{
    static const uint8_t bytes[2000000];
    struct ouro_http_client *client;
    int rc = ouro_http_client_new(&client, NULL);

    if (rc < 0)
        return rc;
    for (int i = 0; rc == 0 && i < 5; i++) {
        size_t left = sizeof(bytes);
        struct ouro_http_call call = {.method = "POST",
                                      .expect_continue = i > 2};

        if (i == 0)
            call.body = ouro_slice_of(bytes, sizeof(bytes));
        else
            call.pull = pull_many;
        call.pull_context = &left;
        call.pull_size = i % 2 == 1 ? sizeof(bytes) : 0;
        rc = call_server(scene, client, call, "/echo");
    }
    if (rc == 0)
        rc = call_server(scene, client, (struct ouro_http_call){.url = NULL},
                         "/now/Ada");
    ouro_http_client_free(client);
    return rc;
}

#define REFUSED "413 413 Content Too Large\n|"

static void
a_body_that_the_server_refuses_is_413_to_the_client(void **state)
{
    struct scene scene = {
        .routes = routes, .options = {.body_size = 1000}, .act = send_too_much};

    (void)state;
    assert_plays(&scene);
    assert_string_equal(scene.note,
                        REFUSED REFUSED REFUSED REFUSED REFUSED "200 Ada|");
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            client_and_server_understand_each_other_on_one_connection),
        cmocka_unit_test(a_body_that_the_server_refuses_is_413_to_the_client),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
