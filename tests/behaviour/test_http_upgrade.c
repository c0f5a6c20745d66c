/* SPDX-License-Identifier: MIT */
/* What the HTTP server promises of connections that go to another protocol. */
#include "http_scene.h"

const char *engine;

/* The other protocol: it says back what it hears, and ends at its end. */
struct echo {
    struct ouro_protocol base;
    struct scene *scene;
    uint8_t room[4]; /* of the one with memory of its own */
};

static struct echo *
echo_of(struct ouro_protocol *protocol)
{
    return OURO_CONTAINER_OF(protocol, struct echo, base);
}

static int
never_made(struct ouro_protocol *self, void *context)
{
    (void)self;
    (void)context;
    return -EPROTO;
}

static void
say_back(struct ouro_protocol *self, struct ouro_slice data)
{
    echo_of(self)->scene->seen[0] += (ssize_t)data.size;
    ouro_transport_write(self->transport, data);
}

static struct ouro_span
lend_room(struct ouro_protocol *self, size_t hint)
{
    (void)hint;
    return (struct ouro_span){echo_of(self)->room, sizeof(echo_of(self)->room)};
}

static void
say_room_back(struct ouro_protocol *self, size_t size)
{
    say_back(self, ouro_slice_of(echo_of(self)->room, size));
}

static bool
say_over(struct ouro_protocol *self)
{
    ouro_transport_write(self->transport, OURO_BYTES("over"));
    return false;
}

static void
count_lost(struct ouro_protocol *self, int reason)
{
    struct scene *scene = echo_of(self)->scene;

    scene->seen[1]++;
    scene->seen[2] = reason;
    ouro_event_set(&scene->go);
}

static const struct ouro_protocol_ops echo_ops = {
    .size = sizeof(struct echo),
    .connection_made = never_made,
    .data_received = say_back,
    .eof_received = say_over,
    .connection_lost = count_lost,
};

static const struct ouro_protocol_ops room_ops = {
    .size = sizeof(struct echo),
    .get_buffer = lend_room,
    .buffer_updated = say_room_back,
    .eof_received = say_over,
    .connection_lost = count_lost,
};

/* Handlers. */

static int
upgrade_to(struct ouro_http_request *request, struct scene *scene,
           const struct ouro_protocol_ops *ops)
{
    struct ouro_protocol *protocol;
    int rc = ouro_http_add_header(request, "X-Key", OURO_BYTES("1"));

    if (rc == 0)
        rc = ouro_http_upgrade(request, "echo", ops, &protocol);
    scene->seen[3] = rc;
    if (rc == 0)
        echo_of(protocol)->scene = scene;
    else
        ouro_http_respond_text(request, 426, NULL);
    ouro_event_set(&scene->arrived);
    return 0;
}

static int
upgrade(struct ouro_http_request *request, void *context)
{
    return upgrade_to(request, context, &echo_ops);
}

static int
upgrade_to_room(struct ouro_http_request *request, void *context)
{
    return upgrade_to(request, context, &room_ops);
}

/* It does not return before the other protocol speaks. */
static int
upgrade_and_sleep(struct ouro_http_request *request, void *context)
{
    int rc = upgrade_to(request, context, &echo_ops);

    return rc < 0 ? rc : ouro_sleep(OURO_MILLISECONDS(20));
}

static int
upgrade_too_late(struct ouro_http_request *request, void *context)
{
    struct scene *scene = context;
    struct ouro_protocol *protocol;

    ouro_http_respond_text(request, 200, "late");
    scene->seen[3] = ouro_http_upgrade(request, "echo", &echo_ops, &protocol);
    return 0;
}

static const struct ouro_http_route routes[] = {
    {.pattern = "/now", .callback = upgrade},
    {.pattern = "/task", .handler = upgrade},
    {.pattern = "/slow", .handler = upgrade_and_sleep},
    {.pattern = "/room", .callback = upgrade_to_room},
    {.pattern = "/unread", .handler = upgrade, .streams = true},
    {.pattern = "/late", .handler = upgrade_too_late},
    {.pattern = NULL},
};

#define ASK(path)                                                             \
    "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n" \
    "Upgrade: other, Echo\r\n\r\n"
#define SWITCHED                                                               \
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo" \
    "\r\nX-Key: 1\r\n\r\n"

/* What it sends is said back: some with the request, some after the answer. */
static int
speak(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, scene->note);
    if (rc == 0)
        rc = receive_until(scene, "first");
    if (rc == 0)
        rc = send_text(scene, " then second");
    if (rc == 0)
        rc = receive_until(scene, "second");
    ouro_stream_write_eof(scene->stream);
    if (rc == 0)
        rc = receive_to_end(scene);
    close_client(scene);
    return rc;
}

static void
who_asks_for_another_protocol_speaks_it_from_then_on(void **state)
{
    static const char *const texts[] = {
        ASK("/now") "first", ASK("/task") "first", ASK("/slow") "first",
        ASK("/room") "first"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct scene scene = {.routes = routes, .act = speak};

        strcpy(scene.note, texts[i]);
        assert_plays(&scene);
        assert_string_equal(scene.answer, SWITCHED "first then secondover");
        assert_int_equal(scene.seen[1], 1);
        assert_int_equal(scene.seen[2], 0);
    }
}

static int
ask_note(struct scene *scene)
{
    return ask(scene, scene->note);
}

static void
what_came_with_the_request_is_heard_with_the_end_of_it(void **state)
{
    static const char *const texts[] = {ASK("/now") "some", ASK("/task") "some",
                                        ASK("/room") "some"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct scene scene = {.routes = routes, .act = ask_note};

        strcpy(scene.note, texts[i]);
        assert_plays(&scene);
        assert_string_equal(scene.answer, SWITCHED "someover");
        assert_int_equal(scene.seen[0], 4);
    }
}

static void
who_does_not_ask_for_it_does_not_get_it(void **state)
{
    static const struct {
        const char *text;
        int error;
    } cases[] = {
        {"GET /now HTTP/1.1\r\nHost: a\r\n\r\n", EINVAL},
        {"GET /now HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n", EINVAL},
        {"GET /now HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
         "Upgrade: echoes\r\n\r\n",
         EINVAL},
        {"GET /now HTTP/1.0\r\nConnection: upgrade\r\n"
         "Upgrade: echo\r\n\r\n",
         EINVAL},
        {"POST /unread HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
         "Upgrade: echo\r\nContent-Length: 2\r\n\r\nab",
         EBUSY},
        {ASK("/late"), EALREADY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scene scene = {.routes = routes, .act = ask_note};

        strcpy(scene.note, cases[i].text);
        assert_plays(&scene);
        assert_err(scene.seen[3], cases[i].error);
        assert_true(begins_with(scene.answer, "HTTP/1.1 426 ")
                    || begins_with(scene.answer, "HTTP/1.1 200 "));
        assert_int_equal(scene.seen[1], 0);
    }
}

/* The ends. */

static int
leave_at_once(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, scene->note);
    if (rc == 0)
        rc = ouro_event_wait(&scene->arrived);
    ouro_stream_abort(scene->stream);
    if (rc == 0)
        rc = ouro_event_wait(&scene->go);
    return rc;
}

static void
a_client_that_leaves_is_lost_to_the_new_protocol_once(void **state)
{
    static const char *const texts[] = {ASK("/now"), ASK("/slow")};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene scene = {.routes = routes, .act = leave_at_once};

        strcpy(scene.note, texts[i]);
        assert_plays(&scene);
        assert_int_equal(scene.seen[1], 1);
        assert_true(scene.seen[2] < 0);
    }
}

static int
stop_the_server(struct scene *scene)
{
    struct ouro_http_server_stats stats;
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, scene->note);
    if (rc == 0)
        rc = receive_until(scene, "first");
    ouro_http_server_get_stats(scene->server, &stats);
    scene->seen[4] = (ssize_t)stats.connections;
    scene->seen[5] = (ssize_t)stats.responses[1];
    if (rc == 0)
        rc = ouro_http_server_stop(scene->server, OURO_SECONDS(5));
    scene->seen[6] = scene->seen[1];
    return rc < 0 ? rc : receive_to_end(scene);
}

static void
a_server_that_stops_ends_it_too(void **state)
{
    struct scene scene = {
        .routes = routes, .act = stop_the_server, .note = ASK("/now") "first"};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[4], 0);
    assert_int_equal(scene.seen[5], 1);
    assert_int_equal(scene.seen[6], 1);
}

static int
free_the_server(struct scene *scene)
{
    int rc = open_client(scene);

    if (rc == 0)
        rc = send_text(scene, scene->note);
    if (rc == 0)
        rc = ouro_event_wait(&scene->arrived);
    return rc < 0 ? rc : 1; /* no stop */
}

static void
a_server_that_is_freed_ends_it_at_once(void **state)
{
    static char answer[ANSWER_ROOM];
    struct scene scene = {.routes = routes,
                          .act = free_the_server,
                          .note = ASK("/slow") "first",
                          .answer = answer};

    (void)state;
    assert_int_equal(run_in_world(engine, play_scene, &scene), 1);
    assert_int_equal(scene.seen[1], 1);
    assert_err(scene.seen[2], ECONNABORTED);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_for_another_protocol_speaks_it_from_then_on),
        cmocka_unit_test(
            what_came_with_the_request_is_heard_with_the_end_of_it),
        cmocka_unit_test(who_does_not_ask_for_it_does_not_get_it),
        cmocka_unit_test(a_client_that_leaves_is_lost_to_the_new_protocol_once),
        cmocka_unit_test(a_server_that_stops_ends_it_too),
        cmocka_unit_test(a_server_that_is_freed_ends_it_at_once),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
