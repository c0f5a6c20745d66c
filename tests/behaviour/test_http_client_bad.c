/* SPDX-License-Identifier: MIT */
/* The HTTP client, against servers that are up to no good. */
#include "http_play.h"

const char *engine;

/* What is said again and again. */
struct spam {
    const char *head;
    const char *part;
    int error;
};

static const struct spam *spam;

static int
say_for_ever(struct ouro_stream *stream, void *context)
{
    struct ouro_slice head;
    ssize_t size =
        ouro_stream_read_until(stream, OURO_BYTES("\r\n\r\n"), &head);
    struct ouro_slice part = ouro_slice_of(spam->part, strlen(spam->part));

    (void)context;
    if (size <= 0)
        return (int)size;
    int rc = ouro_stream_write(stream,
                               ouro_slice_of(spam->head, strlen(spam->head)));
    while (rc == 0)
        rc = ouro_stream_write(stream, part);
    return rc;
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void
what_has_no_end_is_given_up_at_a_limit(void **state)
{
    static const struct spam rows[] = {
        {"HTTP/1.1 200 OK", "K", OURO_ELIMIT},
        {"HTTP/1.1 200 OK\r\nA: ", "bcd", OURO_ELIMIT},
        {"HTTP/1.1 200 OK\r\n", "A: b\r\n", OURO_ELIMIT},
        {"", "HTTP/1.1 103 Hint\r\n\r\n", OURO_ELIMIT},
        {CHUNKED, "0", EBADMSG},
        {CHUNKED "1;", "a", OURO_ELIMIT},
        {CHUNKED "0\r\n", "A: b\r\n", OURO_ELIMIT},
        {CHUNKED, "1\r\na\r\n", OURO_ELIMIT},
        {"HTTP/1.1 200 OK\r\n\r\n", "a", OURO_ELIMIT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct play play = {.serve = say_for_ever, .act = get_once};

        spam = &rows[i];
        assert_err(run_in_world(engine, run_play, &play), rows[i].error);
    }
}

static void
what_was_answered_in_part_is_not_asked_again(void **state)
{
    struct play play = {
        .lines = {SHORT("hi"), "HTTP/1.1 103 Hint\r\n\r\n!", SHORT("ho")},
        .act = get_twice};

    (void)state;
    assert_err(run_in_world(engine, run_play, &play), OURO_EINCOMPLETE);
    assert_int_equal(play.line, 2);
}

static ssize_t
pull_nothing(void *into, size_t size, void *context)
{
    (void)into;
    (void)size;
    (void)context;
    return 0;
}

static int
get_in_little_time(struct play *play)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_SECONDS(5));
    int rc = get_once(play);
    return (int)ouro_timeout_end(&limit, rc);
}

static void
the_body_of_a_redirection_does_not_hold_it_up(void **state)
{
    struct play play = {
        .lines = {"HTTP/1.1 302 Moved\r\nLocation: /c\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
                  SHORT("hi")},
        .act = get_in_little_time};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_string_equal(play.body, "hi");
    assert_int_equal(play.connections, 2);
}

/* What somebody may have been made to ask for. */
struct bad_call {
    const char *method;
    const char *path;
    const char *name;
    const char *value;
};

static const struct bad_call *bad_call;

static int
make_bad_call(struct play *play)
{
    const char *name = bad_call->name != NULL ? bad_call->name : "A";
    const char *value = bad_call->value != NULL ? bad_call->value : "b";
    const struct ouro_http1_field field = {
        ouro_slice_of(name, strlen(name)),
        ouro_slice_of(value, strlen(value)),
    };
    struct ouro_http_call call = {
        .method = bad_call->method, .fields = &field, .field_count = 1};

    return call_path(play, call, bad_call->path != NULL ? bad_call->path : "/");
}

static void
what_would_be_another_request_is_not_sent(void **state)
{
    static const struct bad_call rows[] = {
        {.method = ""},
        {.method = "GET /x HTTP/1.1\r\nA: b\r\n\r\nGET"},
        {.method = "CONNECT"},
        {.path = "/ HTTP/1.1\r\nA: b"},
        {.path = "/\n"},
        {.path = "/a b"},
        {.path = "/\xc3\xa4"},
        {.path = "/%"},
        {.path = "@127.0.0.2/"},
        {.name = ""},
        {.name = "A\r\nB"},
        {.name = "A "},
        {.name = "content-length"},
        {.name = "HOST"},
        {.name = "Transfer-Encoding"},
        {.value = "b\r\nC: d"},
        {.value = "b\n"},
        {.value = " b"},
        {.value = "b\t"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct play play = {.act = make_bad_call};

        bad_call = &rows[i];
        assert_err(run_in_world(engine, run_play, &play), EINVAL);
        assert_string_not_equal(play.report.text, "");
        assert_int_equal(play.connections, 0);
    }
}

static int
post_two_bodies(struct play *play)
{
    struct ouro_http_call call = {.pull = pull_nothing,
                                  .body = OURO_BYTES("ab")};

    return call_path(play, call, "/");
}

static void
a_call_has_one_body(void **state)
{
    struct play play = {.act = post_two_bodies};

    (void)state;
    assert_err(run_in_world(engine, run_play, &play), EINVAL);
    assert_int_equal(play.connections, 0);
}

static int
get_as_two_agents(struct play *play)
{
    const struct ouro_http_client_options options = {
        .user_agent = "one\r\nCookie: two",
    };
    struct ouro_http_client *client;

    (void)play;
    return ouro_http_client_new(&client, &options);
}

static void
a_user_agent_that_is_no_value_is_refused(void **state)
{
    struct play play = {.act = get_as_two_agents};

    (void)state;
    assert_err(run_in_world(engine, run_play, &play), EINVAL);
}

static void
a_location_that_is_none_is_told_as_such(void **state)
{
    static const struct {
        const char *line;
        int error;
    } rows[] = {
        {MOVED("302", "https://127.0.0.1/"), EPROTONOSUPPORT},
        {MOVED("302", "file:///etc/passwd"), EPROTONOSUPPORT},
        {MOVED("302", "http://u:p@127.0.0.1/"), EINVAL},
        {MOVED("302", "/a b"), EINVAL},
        {MOVED("302", "http://[/"), EINVAL},
        {MOVED("302", ""), ELOOP},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct play play = {.lines = {rows[i].line, rows[i].line},
                            .options = {.redirects = 1},
                            .act = get_once};

        assert_err(run_in_world(engine, run_play, &play), rows[i].error);
        assert_string_not_equal(play.report.text, "");
    }
}

/* Any bytes. */

enum { ATTEMPTS = 300 };

static uint32_t chance;

static uint32_t
draw(uint32_t below)
{
    chance = chance * 1664525 + 1013904223;
    return (chance >> 8) % below;
}

/* A whole answer, with some of its bytes changed, cut short, or said twice. */
static size_t
spoil(char *into, size_t room)
{
    static const char *const whole[] = {
        SHORT("hi"), MOVED("302", "/c"), MOVED("307", "http://127.0.0.1:1/"),
        CHUNKED "2;a=\"b\"\r\nhi\r\n0\r\nA: b\r\n\r\n",
        "HTTP/1.1 103 X\r\nLink: a\r\n\r\nHTTP/1.0 200 X\r\n\r\nhi"};
    static const char bytes[] = "\r\n\0 :;,0123456789abcdefHTP/.\x80\xff";
    const char *text = whole[draw(5)];
    size_t size = strlen(text);

    if (2 * size > room)
        return 0;
    memcpy(into, text, size);
    for (uint32_t i = draw(3); i > 0; i--)
        into[draw((uint32_t)size)] = bytes[draw(sizeof(bytes) - 1)];
    if (draw(3) == 0)
        return draw((uint32_t)size);
    if (draw(3) > 0)
        return size;
    memcpy(into + size, into, size);
    return 2 * size;
}

static int
say_anything(struct ouro_stream *stream, void *context)
{
    struct ouro_slice head;
    char text[512];
    ssize_t size;

    (void)context;
    while (
        (size = ouro_stream_read_until(stream, OURO_BYTES("\r\n\r\n"), &head))
        > 0) {
        size_t length = spoil(text, sizeof(text));
        int rc = ouro_stream_write(stream, ouro_slice_of(text, length));

        if (rc < 0 || draw(2) == 0)
            return rc;
    }
    return (int)size;
}

/* What comes of it is not asked: that something does, and leaves nothing. */
static int
get_anything(struct play *play)
{
    struct ouro_http_call call = {.method = draw(2) == 0 ? "GET" : "HEAD",
                                  .body = OURO_BYTES("x\r\n\r\n"),
                                  .expect_continue = draw(2) == 0};

    for (int i = 0; i < 4; i++)
        play->line += call_path(play, call, "/") == 0;
    return 0;
}

static void
whatever_a_server_says_comes_to_an_end(void **state)
{
    unsigned good = 0;

    (void)state;
    for (uint32_t seed = 0; seed < ATTEMPTS; seed++) {
        struct play play = {
            .serve = say_anything,
            .options = {.head_timeout_ns = OURO_MILLISECONDS(2),
                        .idle_timeout_ns = OURO_MILLISECONDS(2),
                        .expect_timeout_ns = OURO_MILLISECONDS(1)},
            .act = get_anything};

        chance = seed;
        assert_ok(run_in_world(engine, run_play, &play));
        good += play.line > 0;
    }
    assert_in_range(good, ATTEMPTS / 10, ATTEMPTS);
}

/* Connections at once. */
enum { MANY = 100 };

static size_t together;

/* Answer when all have asked, and close each connection then. */
static int
answer_and_leave(struct ouro_stream *stream, void *context)
{
    struct play *play = context;
    struct ouro_slice head;
    ssize_t size =
        ouro_stream_read_until(stream, OURO_BYTES("\r\n\r\n"), &head);

    if (size <= 0)
        return (int)size;
    play->connections++;
    while (play->connections < together) {
        int rc = ouro_sleep(OURO_MILLISECONDS(1));
        if (rc < 0)
            return rc;
    }
    return ouro_stream_write(stream, OURO_BYTES(SHORT("hi")));
}

static int
get_in_task(void *arg)
{
    struct play *play = arg;
    struct ouro_http_response *response;
    struct ouro_slice body;
    int rc = ouro_http_get(play->client, play->url, &response);

    if (rc < 0)
        return rc;
    rc = ouro_http_response_read_all(response, 9, &body);
    ouro_http_response_free(response);
    return rc;
}

static int
get_many_then_one(struct play *play)
{
    struct ouro_group group;

    together = MANY;
    ouro_group_begin(&group);
    for (int i = 0; i < MANY; i++)
        ouro_group_create_task(&group, get_in_task, play);
    int rc = ouro_group_end(&group, 0);
    play->kept = ouro_http_client_kept(play->client);
    return rc < 0 ? rc : get_once(play);
}

static void
many_kept_connections_that_were_closed_are_passed_over(void **state)
{
    struct play play = {.serve = answer_and_leave,
                        .options = {.kept_per_host = MANY, .kept_in_all = MANY},
                        .act = get_many_then_one};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.kept, MANY);
    assert_int_equal(play.connections, MANY + 1);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_end_is_given_up_at_a_limit),
        cmocka_unit_test(what_was_answered_in_part_is_not_asked_again),
        cmocka_unit_test(the_body_of_a_redirection_does_not_hold_it_up),
        cmocka_unit_test(what_would_be_another_request_is_not_sent),
        cmocka_unit_test(a_call_has_one_body),
        cmocka_unit_test(a_user_agent_that_is_no_value_is_refused),
        cmocka_unit_test(a_location_that_is_none_is_told_as_such),
        cmocka_unit_test(whatever_a_server_says_comes_to_an_end),
        cmocka_unit_test(
            many_kept_connections_that_were_closed_are_passed_over),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
