/* SPDX-License-Identifier: MIT */
/* What the HTTP client keeps, for how long, and how long it waits. */
#include "http_play.h"

const char *engine;

enum { ASKERS = 5 };

#define NOTHING(status) "HTTP/1.1 " status " X\r\nContent-Length: 9\r\n\r\n"

/* Connections that are kept. */

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
get_at_once(struct play *play)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    for (int i = 0; i < ASKERS; i++)
        ouro_group_create_task(&group, get_in_task, play);
    int rc = ouro_group_end(&group, 0);
    play->kept = ouro_http_client_kept(play->client);
    return rc;
}

/* A server that says the same to all, when all have asked. */
static int
answer_together(struct ouro_stream *stream, void *context)
{
    struct play *play = context;
    struct ouro_slice head;
    ssize_t size;

    play->connections++;
    while (
        (size = ouro_stream_read_until(stream, OURO_BYTES("\r\n\r\n"), &head))
        > 0) {
        int rc = 0;

        play->line++;
        while (rc == 0 && play->line < ASKERS)
            rc = ouro_sleep(OURO_MILLISECONDS(1));
        if (rc == 0)
            rc = ouro_stream_write(stream, OURO_BYTES(SHORT("hi")));
        if (rc < 0)
            return rc;
    }
    return (int)size;
}

static void
who_asks_at_once_has_a_connection_of_its_own(void **state)
{
    struct play play = {.serve = answer_together, .act = get_at_once};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.connections, ASKERS);
    assert_int_equal(play.kept, ASKERS);
}

static void
no_more_are_kept_for_a_host_than_its_limit(void **state)
{
    struct play play = {.serve = answer_together,
                        .options = {.kept_per_host = 2},
                        .act = get_at_once};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.kept, 2);
}

/* From the second address of the server, which is another origin. */
OURO_SUSPENDS static int
get_from_other(struct play *play)
{
    struct ouro_address other = ouro_server_address(play->server, 1);
    char url[64];

    memcpy(url, play->url, sizeof(url));
    snprintf(play->url, sizeof(play->url), "http://127.0.0.2:%u",
             (unsigned)ouro_address_port(&other));
    int rc = get_in_task(play);
    memcpy(play->url, url, sizeof(url));
    return rc;
}

static int
get_by_turns(struct play *play)
{
    int rc = get_in_task(play);

    if (rc == 0)
        rc = get_from_other(play);
    play->kept = ouro_http_client_kept(play->client);
    return rc < 0 ? rc : get_from_other(play);
}

static void
of_all_hosts_the_one_that_waited_longest_is_dropped(void **state)
{
    struct play play = {.lines = {SHORT("hi"), SHORT("hi"), SHORT("hi")},
                        .options = {.kept_in_all = 1},
                        .act = get_by_turns};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.kept, 1);
    assert_int_equal(play.connections, 2);
}

static int
get_and_rest(struct play *play)
{
    int rc = get_once(play);

    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(50));
    play->kept = ouro_http_client_kept(play->client);
    return rc;
}

static void
an_unused_connection_is_closed_when_its_time_is_up(void **state)
{
    static const struct {
        int64_t limit_ns;
        size_t kept;
    } rows[] = {{OURO_MILLISECONDS(20), 0}, {OURO_FOREVER, 1}, {0, 1}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct play play = {.lines = {SHORT("hi")},
                            .options = {.keep_timeout_ns = rows[i].limit_ns},
                            .act = get_and_rest};

        assert_ok(run_in_world(engine, run_play, &play));
        assert_int_equal(play.kept, rows[i].kept);
    }
}

static int
head_then_get(struct play *play)
{
    struct ouro_http_call call = {.method = "HEAD"};

    for (int i = 0; i < 3; i++) {
        int rc = call_path(play, call, "/");

        if (rc < 0 || play->body[0] != '\0')
            return rc < 0 ? rc : -EPROTO;
        call.method = "GET";
    }
    return get_once(play);
}

/* RFC 9112, 6.3, 1. */
static void
answers_without_a_body_leave_the_connection_at_once(void **state)
{
    struct play play = {.lines = {NOTHING("200"), NOTHING("304"),
                                  "HTTP/1.1 204 X\r\n\r\n", SHORT("hi")},
                        .act = head_then_get};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.connections, 1);
    assert_string_equal(play.body, "hi");
}

static void
no_connection_is_used_again_that_may_say_something_else(void **state)
{
    static const char *const lines[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\n\r\nhi!", SHORT("hi") SHORT("ho"),
        "HTTP/1.1 204 OK\r\n\r\nHTTP/1.1 200 OK\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct play play = {.lines = {lines[i], SHORT("me")}, .act = get_twice};

        assert_ok(run_in_world(engine, run_play, &play));
        assert_int_equal(play.connections, 2);
        assert_string_equal(play.body, "me");
    }
}

/* Time. */

static int
drip(struct ouro_stream *stream, void *context)
{
    struct ouro_slice head;
    ssize_t size =
        ouro_stream_read_until(stream, OURO_BYTES("\r\n\r\n"), &head);
    int rc = size < 0 ? (int)size : 0;

    (void)context;
    while (rc == 0) {
        rc = ouro_stream_write(stream, OURO_BYTES("HTTP/1.1 103 X\r\n\r\n"));
        if (rc == 0)
            rc = ouro_sleep(OURO_MILLISECONDS(10));
    }
    return rc;
}

static void
a_head_that_drips_is_given_up_in_time(void **state)
{
    struct play play = {.serve = drip,
                        .options = {.head_timeout_ns = OURO_MILLISECONDS(50)},
                        .act = get_once};

    (void)state;
    assert_err(run_in_world(engine, run_play, &play), ETIMEDOUT);
    assert_non_null(strstr(play.report.text, "in time"));
}

static void
a_body_that_stops_is_given_up_in_time(void **state)
{
    struct play play = {.lines = {NOTHING("200") "half"},
                        .options = {.idle_timeout_ns = OURO_MILLISECONDS(20),
                                    .head_timeout_ns = OURO_FOREVER},
                        .act = get_once};

    (void)state;
    assert_err(run_in_world(engine, run_play, &play), ETIMEDOUT);
    assert_int_equal(play.status, 200);
}

static int
listen_no_more(struct ouro_stream *stream, void *context)
{
    (void)stream;
    (void)context;
    return ouro_sleep(OURO_SECONDS(3600));
}

static int
put_much(struct play *play)
{
    static const uint8_t bytes[8 * 1024 * 1024];
    struct ouro_http_call call = {.method = "PUT", .body = OURO_BYTES("")};

    call.body = ouro_slice_of(bytes, sizeof(bytes));
    return call_path(play, call, "/");
}

static void
a_body_that_is_not_taken_is_given_up_in_time(void **state)
{
    struct play play = {.serve = listen_no_more,
                        .options = {.idle_timeout_ns = OURO_MILLISECONDS(20)},
                        .act = put_much};

    (void)state;
    assert_err(run_in_world(engine, run_play, &play), ETIMEDOUT);
    assert_non_null(strstr(play.report.text, "in time"));
}

static int
put_if_agreed(struct play *play)
{
    struct ouro_http_call call = {.method = "PUT",
                                  .body = OURO_BYTES("ab\r\n\r\n"),
                                  .expect_continue = true};

    return call_path(play, call, "/");
}

/* RFC 9110, 10.1.1: the server may not know what it means. */
static void
a_body_is_sent_when_nobody_agrees_in_time(void **state)
{
    struct play play = {.lines = {"", SHORT("hi")},
                        .options = {.expect_timeout_ns = OURO_MILLISECONDS(20)},
                        .act = put_if_agreed};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_non_null(strstr(play.heard, "ab\r\n\r\n"));
    assert_string_equal(play.body, "hi");
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_at_once_has_a_connection_of_its_own),
        cmocka_unit_test(no_more_are_kept_for_a_host_than_its_limit),
        cmocka_unit_test(of_all_hosts_the_one_that_waited_longest_is_dropped),
        cmocka_unit_test(an_unused_connection_is_closed_when_its_time_is_up),
        cmocka_unit_test(answers_without_a_body_leave_the_connection_at_once),
        cmocka_unit_test(
            no_connection_is_used_again_that_may_say_something_else),
        cmocka_unit_test(a_head_that_drips_is_given_up_in_time),
        cmocka_unit_test(a_body_that_stops_is_given_up_in_time),
        cmocka_unit_test(a_body_that_is_not_taken_is_given_up_in_time),
        cmocka_unit_test(a_body_is_sent_when_nobody_agrees_in_time),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
