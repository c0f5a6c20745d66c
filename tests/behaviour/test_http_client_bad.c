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
        cmocka_unit_test(
            many_kept_connections_that_were_closed_are_passed_over),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
