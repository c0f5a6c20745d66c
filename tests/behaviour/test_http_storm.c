/* SPDX-License-Identifier: MIT */
/* Clients that do anything at all to an HTTP server, by chance: whatever they
 * send, cut, leave or do not read, nothing is reported, and nothing is left. */
#include "http_handlers.h"

const char *engine;

enum { CLIENTS = 12, SEEDS = 300, TEXT_SIZE = 4096 };

/* What is sent: requests, whole, broken, and parts of them. */
static const char *const fragments[] = {
    GET("/now/1"),
    GET("/later/1"),
    GET("/stream"),
    GET("/nowhere"),
    GET("/fields"),
    "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /now/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "OPTIONS /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nhel\r\n2\r\nlo\r\n0\r\nT: 1\r\n\r\n",
    "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nhel\r\n2\r\nlo\r\n0\r\nT: 1\r\n\r\n",
    "POST /count HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    "Content-Length: 5\r\n\r\nhello",
    "POST /ignore HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    "Content-Length: 5\r\n\r\nhello",
    "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\nhello",
    "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\nhello",
    "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nhelp",
    "rubbish\r\n\r\n",
    "\r\n",
};

/* One client, and what it does by chance. */
struct client {
    struct scene *scene;
    struct ouro_stream *stream;
    uint64_t chance;
    char text[TEXT_SIZE];
};

static struct client clients[CLIENTS];
static uint64_t seed;

/* Below `limit`; the generator is splitmix64. */
static unsigned
pick(struct client *client, unsigned limit)
{
    uint64_t x = client->chance += 0x9e3779b97f4a7c15U;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return (unsigned)((x ^ x >> 31) % limit);
}

static void
write_text(struct client *client)
{
    unsigned count = 1 + pick(client, 5);

    client->text[0] = '\0';
    for (unsigned i = 0; i < count; i++)
        strcat(client->text,
               fragments[pick(client, sizeof(fragments) / sizeof(char *))]);
    if (pick(client, 3) == 0)
        client->text[pick(client, (unsigned)strlen(client->text) + 1)] = '\0';
}

OURO_SUSPENDS static int
wait_by_chance(struct client *client)
{
    static const int64_t times[] = {0, 0, OURO_MILLISECONDS(1),
                                    OURO_MILLISECONDS(7)};

    return ouro_sleep(times[pick(client, 4)]);
}

/* In pieces, with time between them. */
OURO_SUSPENDS static int
send_by_chance(struct client *client)
{
    size_t size = strlen(client->text);
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < size;) {
        size_t piece = 1 + pick(client, 200);

        piece = piece < size - at ? piece : size - at;
        rc = ouro_stream_write(client->stream,
                               ouro_slice_of(client->text + at, piece));
        at += piece;
        if (rc == 0 && pick(client, 3) == 0)
            rc = wait_by_chance(client);
    }
    return rc;
}

/* Until it has enough. */
OURO_SUSPENDS static int
read_by_chance(struct client *client)
{
    struct ouro_slice bytes;
    ssize_t size = 1;
    int rc = 0;

    while (rc == 0 && size > 0 && pick(client, 10) > 0) {
        size = ouro_stream_peek(client->stream, &bytes);
        if (size > 0)
            ouro_stream_consume(client->stream, bytes.size);
        rc = size < 0 ? (int)size : wait_by_chance(client);
    }
    return rc;
}

OURO_SUSPENDS static int
talk(struct client *client)
{
    int rc = send_by_chance(client);

    if (pick(client, 2) == 0)
        ouro_stream_write_eof(client->stream);
    if (rc == 0 && pick(client, 4) > 0)
        rc = read_by_chance(client);
    return rc < 0 ? rc : wait_by_chance(client);
}

/* What happens to the client is of no interest. */
static int
run_client(void *arg)
{
    struct client *client = arg;
    struct scene scene = *client->scene;
    int rc = wait_by_chance(client);

    if (rc == 0)
        rc = open_client(&scene);
    if (rc < 0)
        return rc;
    client->stream = scene.stream;
    write_text(client);
    rc = talk(client);
    if (pick(client, 2) == 0)
        ouro_stream_abort(client->stream);
    ouro_stream_free(client->stream);
    return rc == -ECANCELED ? rc : 0;
}

static int
storm(struct scene *scene)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){
            .scene = scene,
            .chance = seed * CLIENTS + (uint64_t)i,
        };
        ouro_group_create_task(&group, run_client, &clients[i]);
    }
    int rc = ouro_group_end(&group, 0);
    struct ouro_http_server_stats stats;
    if (rc == 0)
        rc = ouro_http_server_stop(scene->server, OURO_SECONDS(60));
    ouro_http_server_get_stats(scene->server, &stats);
    scene->seen[5] = (ssize_t)(stats.active + stats.connections);
    return rc;
}

static void
whatever_clients_do_nothing_is_reported_and_nothing_is_left(void **state)
{
    unsigned seeds = strcmp(engine, "uring") == 0 ? 5 : SEEDS;

    (void)state;
    for (seed = 1; seed <= seeds; seed++) {
        struct scene scene = {
            .routes = routes,
            .act = storm,
            .options = {.idle_timeout_ns = OURO_MILLISECONDS(60),
                        .head_timeout_ns = OURO_MILLISECONDS(40),
                        .progress_timeout_ns = OURO_MILLISECONDS(40),
                        .linger_timeout_ns = OURO_MILLISECONDS(30)},
        };

        set_world_seed(seed);
        assert_plays(&scene);
        assert_int_equal(scene.seen[5], 0);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            whatever_clients_do_nothing_is_reported_and_nothing_is_left),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
