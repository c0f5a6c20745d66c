/* SPDX-License-Identifier: MIT */
/* What the HTTP client promises, against servers that say what a script has. */
#include "http_play.h"

const char *engine;

static void
get_sends_a_request_and_reads_its_answer(void **state)
{
    struct play play = {.lines = {SHORT("hi")}, .act = get_once};
    char head[256];

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    snprintf(head, sizeof(head),
             "GET /a?b HTTP/1.1\r\nHost: %.32s\r\nUser-Agent: ouro\r\n\r\n",
             play.url + strlen("http://"));
    assert_string_equal(play.heard, head);
    assert_int_equal(play.status, 200);
    assert_string_equal(play.body, "hi");
}

static int
get_without_a_client(struct play *play)
{
    struct ouro_http_client *client = play->client;

    play->client = NULL;
    int rc = get_once(play);
    play->client = client;
    return rc;
}

/* The world asserts that it leaves nothing behind. */
static void
an_answer_without_a_client_has_one_of_its_own(void **state)
{
    struct play good = {.lines = {MOVED("302", "/c"), SHORT("hi")},
                        .act = get_without_a_client};
    struct play bad = {.lines = {"!"}, .act = get_without_a_client};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &good));
    assert_string_equal(good.body, "hi");
    assert_int_equal(good.connections, 1);
    assert_err(run_in_world(engine, run_play, &bad), OURO_EINCOMPLETE);
}

static void
a_connection_is_used_again_after_a_whole_answer(void **state)
{
    struct play play = {
        .lines = {SHORT("hi"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
                               "\r\n\r\n3\r\nyou\r\n0\r\nA: b\r\n\r\n"},
        .act = get_twice};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.connections, 1);
    assert_string_equal(play.body, "you");
}

static void
a_kept_connection_that_was_closed_is_replaced(void **state)
{
    struct play play = {.lines = {SHORT("hi!"), SHORT("ho")}, .act = get_twice};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.connections, 2);
    assert_string_equal(play.body, "ho");
}

static void
a_request_into_a_closing_connection_is_sent_once_more(void **state)
{
    struct play play = {.lines = {SHORT("hi"), "!", SHORT("ho")},
                        .act = get_twice};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.connections, 2);
    assert_string_equal(play.body, "ho");
}

static void
what_a_server_says_wrong_has_an_error_of_its_own(void **state)
{
    static const struct {
        const char *line;
        int error;
    } rows[] = {
        {"!", OURO_EINCOMPLETE},
        {"HTTP/1.1 200 OK\r\nContent-!", OURO_EINCOMPLETE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi!", OURO_EINCOMPLETE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhi!",
         OURO_EINCOMPLETE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n!",
         EBADMSG},
        {"220 mail ready\r\n\r\n!", EBADMSG},
        {"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n!",
         EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct play play = {.lines = {rows[i].line}, .act = get_once};

        assert_err(run_in_world(engine, run_play, &play), rows[i].error);
        assert_int_equal(play.connections, 1);
    }
}

static void
heads_of_1xx_are_skipped(void **state)
{
    struct play play = {.lines = {"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 "
                                  "Hint\r\nLink: x\r\n\r\n" SHORT("hi")},
                        .act = get_once};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_string_equal(play.body, "hi");
}

static int
post_two(struct play *play)
{
    struct ouro_http_call call = {.method = "POST", .body = OURO_BYTES("no")};

    /* Its last bytes end the request for the script's server. */
    call.body = OURO_BYTES("x\r\n\r\n");
    return call_path(play, call, "/a/b");
}

static void
a_redirection_is_followed_to_where_it_leads(void **state)
{
    struct play play = {.lines = {MOVED("302", "../c?d"), SHORT("hi")},
                        .act = get_once};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_non_null(strstr(play.heard, "GET /c?d HTTP/1.1\r\n"));
    assert_string_equal(play.body, "hi");
    assert_int_equal(play.connections, 1);
}

static void
too_many_redirections_are_told_as_such(void **state)
{
    struct play play = {.lines = {MOVED("302", "/1"), MOVED("301", "/2"),
                                  MOVED("307", "/3"), SHORT("hi")},
                        .options = {.redirects = 2},
                        .act = get_once};

    (void)state;
    assert_err(run_in_world(engine, run_play, &play), ELOOP);
    assert_non_null(strstr(play.report.text, "one redirection too many"));
    assert_int_equal(play.line, 3);
}

/* The script's server takes the body for the end of a second request. */
static void
post_becomes_get_where_the_redirection_says_see_other(void **state)
{
    struct play play = {.lines = {MOVED("303", "/c"), "", SHORT("hi")},
                        .act = post_two};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_non_null(strstr(play.heard, "POST /a/b HTTP/1.1\r\n"));
    assert_non_null(strstr(play.heard, "Content-Length: 5\r\n"));
    assert_non_null(strstr(play.heard, "GET /c HTTP/1.1\r\n"));
}

static void
a_server_that_says_nothing_is_given_up_in_time(void **state)
{
    struct play play = {.lines = {"", NULL},
                        .options = {.head_timeout_ns = OURO_MILLISECONDS(20),
                                    .idle_timeout_ns = OURO_FOREVER},
                        .act = get_once};

    (void)state;
    assert_err(run_in_world(engine, run_play, &play), ETIMEDOUT);
    assert_non_null(strstr(play.report.text, "in time"));
}

/* As many bytes as there are, and no look for the end behind them. */
static int
get_what_is_there(struct play *play)
{
    struct ouro_http_response *response;
    int rc = ouro_http_get(play->client, play->url, &response);

    if (rc < 0)
        return rc;
    for (int size = 0; rc >= 0 && size < 2; size++)
        rc = (int)ouro_http_response_read(response, play->body + size, 1);
    ouro_http_response_free(response);
    play->kept = ouro_http_client_kept(play->client);
    return rc < 0 ? rc : 0;
}

static void
a_connection_is_kept_after_the_last_byte_that_was_told(void **state)
{
    struct play play = {.lines = {SHORT("hi")}, .act = get_what_is_there};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_string_equal(play.body, "hi");
    assert_int_equal(play.kept, 1);
}

/* Whether each call of it says so, in a task that is cancelled. */
static int
call_in_a_cancelled_task(struct play *play)
{
    struct ouro_http_call bad = {.url = "none"};
    struct ouro_http_response *response;
    struct ouro_http_response *none;
    struct ouro_http_upload *upload;
    struct ouro_slice body;
    int rc = ouro_http_get(play->client, play->url, &response);

    if (rc < 0)
        return rc;
    ouro_task_cancel(ouro_current_task());
    play->cancelled[0] = (int)ouro_http_response_read(response, play->body, 1);
    play->cancelled[1] = ouro_http_response_read_all(response, 9, &body);
    play->cancelled[2] = ouro_http_fetch(play->client, &bad, &none);
    play->cancelled[3] = ouro_http_upload_begin(play->client, &bad, &upload);
    ouro_uncancel();
    rc = (int)ouro_http_response_read(response, play->body, 1);
    ouro_http_response_free(response);
    return rc == 1 ? 0 : rc;
}

/* A2, also for what need not wait. */
static void
every_call_looks_for_a_cancellation_first(void **state)
{
    struct play play = {.lines = {SHORT("hi")},
                        .act = call_in_a_cancelled_task};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    for (int i = 0; i < 4; i++)
        assert_err(play.cancelled[i], ECANCELED);
    assert_string_equal(play.body, "h");
}

static int
get_piece_by_piece(struct play *play)
{
    struct ouro_http_response *response;
    char bytes[2];
    ssize_t size;
    int rc = ouro_http_get(play->client, play->url, &response);

    if (rc < 0)
        return rc;
    while ((size = ouro_http_response_read(response, bytes, 2)) > 0)
        strncat(play->body, bytes, (size_t)size);
    assert_int_equal(ouro_http_client_kept(play->client), 1);
    assert_int_equal(
        ouro_http_response_header(response, "content-length").data[0], '5');
    assert_int_equal(ouro_http_response_head(response)->content_length, 5);
    assert_string_equal(ouro_http_response_url(response) + strlen(play->url),
                        "/");
    ouro_http_response_free(response);
    return (int)size;
}

static void
a_body_is_read_in_pieces_and_then_the_connection_is_kept(void **state)
{
    struct play play = {
        .lines = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
        .act = get_piece_by_piece};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_string_equal(play.body, "hello");
}

/* "ab", then what ends a request for the script's server. */
static ssize_t
pull_twice(void *into, size_t size, void *context)
{
    static const char *const parts[] = {"ab", "\r\n\r\n", ""};
    int *count = context;
    const char *part = parts[(*count)++];

    (void)size;
    memcpy(into, part, strlen(part));
    return (ssize_t)strlen(part);
}

static int
post_pulled(struct play *play)
{
    int count = 0;
    struct ouro_http_call call = {.method = "POST",
                                  .pull = pull_twice,
                                  .pull_context = &count,
                                  .expect_continue = true};

    int rc = call_path(play, call, "/");
    play->kept = ouro_http_client_kept(play->client);
    return rc;
}

/* "ab", in one chunk: for the script's server it is one more request. */
static ssize_t
pull_once(void *into, size_t size, void *context)
{
    int *count = context;

    (void)size;
    memcpy(into, "ab", 2);
    return (*count)++ == 0 ? 2 : 0;
}

static int
get_with_pulled_body(struct play *play)
{
    int count = 0;
    struct ouro_http_call call = {.pull = pull_once, .pull_context = &count};

    return call_path(play, call, "/");
}

/* RFC 9110, 15.4.4: what is behind it is asked for by GET. */
static void
see_other_repeats_no_body_whatever_the_method(void **state)
{
    struct play play = {.lines = {MOVED("303", "/c"), "", SHORT("hi")},
                        .act = get_with_pulled_body};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_null(strstr(strstr(play.heard, "GET /c"), "Transfer-Encoding"));
    assert_string_equal(play.body, "hi");
}

static void
a_pulled_body_goes_out_in_chunks_when_the_server_agrees(void **state)
{
    struct play play = {.lines = {"HTTP/1.1 100 Go\r\n\r\n", SHORT("hi")},
                        .act = post_pulled};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_non_null(strstr(play.heard, "Expect: 100-continue\r\n"));
    assert_non_null(strstr(play.heard, "Transfer-Encoding: chunked\r\n"));
    assert_non_null(strstr(play.heard, "\r\n\r\n2\r\nab\r\n4\r\n"));
    assert_string_equal(play.body, "hi");
}

static void
a_body_that_is_refused_before_it_is_sent_stays_here(void **state)
{
    struct play play = {.lines = {"HTTP/1.1 413 No\r\nContent-Length: 2"
                                  "\r\n\r\nno"},
                        .act = post_pulled};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.status, 413);
    assert_null(strstr(play.heard, "ab"));
    assert_int_equal(play.kept, 0);
}

/* RFC 9110, 10.1.1: it is asked again without that, and its body unused. */
static void
who_cannot_agree_is_not_asked_to(void **state)
{
    struct play play = {
        .lines = {"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno", "",
                  SHORT("hi")},
        .act = post_pulled};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.status, 200);
    const char *again = strstr(play.heard + 1, "POST /");
    assert_non_null(again);
    assert_null(strstr(again, "Expect"));
    assert_non_null(strstr(again, "2\r\nab\r\n"));
}

static int
post_about(struct play *play)
{
    struct ouro_http1_field fields[] = {
        {OURO_BYTES("Content-Type"), OURO_BYTES("a/b")},
        {OURO_BYTES("Digest"), OURO_BYTES("c")},
        {OURO_BYTES("Last-Modified"), OURO_BYTES("d")},
        {OURO_BYTES("X-Mine"), OURO_BYTES("e")},
    };
    struct ouro_http_call call = {.method = "POST",
                                  .body = OURO_BYTES("x\r\n\r\n"),
                                  .fields = fields,
                                  .field_count = 4};

    return call_path(play, call, "/");
}

/* RFC 9110, 15.4, 1 and 3. */
static void
what_was_told_of_a_body_is_dropped_with_it(void **state)
{
    struct play play = {.lines = {MOVED("302", "/c"), "", SHORT("hi")},
                        .act = post_about};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    const char *next = strstr(play.heard, "GET /c");
    assert_non_null(next);
    assert_null(strstr(next, "Content-Type"));
    assert_null(strstr(next, "Digest"));
    assert_null(strstr(next, "Last-Modified"));
    assert_non_null(strstr(next, "X-Mine: e\r\n"));
}

/* From one address of the server to the other, with a secret. */
static int
get_across_origins(struct play *play)
{
    struct ouro_address other = ouro_server_address(play->server, 1);
    struct ouro_http1_field fields[] = {
        {OURO_BYTES("Authorization"), OURO_BYTES("secret")},
        {OURO_BYTES("X-Mine"), OURO_BYTES("known")},
    };
    struct ouro_http_call call = {.fields = fields, .field_count = 2};

    snprintf(play->moved, sizeof(play->moved),
             "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n"
             "Location: http://127.0.0.2:%u/\r\n\r\n",
             (unsigned)ouro_address_port(&other));
    play->lines[0] = play->moved;
    return call_path(play, call, "/");
}

static void
another_origin_does_not_hear_the_credentials(void **state)
{
    struct play play = {.lines = {"", SHORT("hi")}, .act = get_across_origins};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.connections, 2);
    const char *secret = strstr(play.heard, "secret");
    assert_non_null(secret);
    assert_null(strstr(secret + 1, "secret"));
    assert_non_null(strstr(secret, "known"));
    assert_non_null(strstr(strstr(secret, "known") + 1, "known"));
}

/* And back again: the other could have chosen where in it. */
static int
get_there_and_back(struct play *play)
{
    static char back[128];

    snprintf(back, sizeof(back),
             "HTTP/1.1 307 Moved\r\nContent-Length: 0\r\n"
             "Location: %.64s/chosen\r\n\r\n",
             play->url);
    play->lines[1] = back;
    return get_across_origins(play);
}

static void
nor_does_the_first_again_behind_another(void **state)
{
    struct play play = {.lines = {"", "", SHORT("hi")},
                        .act = get_there_and_back};

    (void)state;
    assert_ok(run_in_world(engine, run_play, &play));
    const char *secret = strstr(play.heard, "secret");
    assert_non_null(secret);
    assert_null(strstr(secret + 1, "secret"));
    assert_non_null(strstr(secret, "GET /chosen "));
}

static int
get_then_post(struct play *play)
{
    struct ouro_http_call call = {.method = "POST"};
    int rc = get_once(play);

    return rc < 0 ? rc : call_path(play, call, "/");
}

static void
what_could_do_harm_twice_is_not_sent_once_more(void **state)
{
    struct play play = {.lines = {SHORT("hi"), "!", SHORT("ho")},
                        .act = get_then_post};

    (void)state;
    assert_err(run_in_world(engine, run_play, &play), OURO_EINCOMPLETE);
    assert_int_equal(play.line, 2);
}

static int
get_with_limit(struct play *play)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_MILLISECONDS(10));
    int rc = get_once(play);
    return (int)ouro_timeout_end(&limit, rc);
}

/* The world asserts that nothing is left. */
static void
a_call_that_is_cancelled_leaves_nothing_behind(void **state)
{
    static const char *const lines[] = {
        "", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct play play = {.lines = {lines[i]}, .act = get_with_limit};

        assert_err(run_in_world(engine, run_play, &play), ETIMEDOUT);
        assert_int_equal(play.line, 1);
        assert_true(i == 2 || strstr(play.report.text, "cancelled") != NULL);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_sends_a_request_and_reads_its_answer),
        cmocka_unit_test(an_answer_without_a_client_has_one_of_its_own),
        cmocka_unit_test(a_connection_is_used_again_after_a_whole_answer),
        cmocka_unit_test(a_kept_connection_that_was_closed_is_replaced),
        cmocka_unit_test(a_request_into_a_closing_connection_is_sent_once_more),
        cmocka_unit_test(what_a_server_says_wrong_has_an_error_of_its_own),
        cmocka_unit_test(heads_of_1xx_are_skipped),
        cmocka_unit_test(a_redirection_is_followed_to_where_it_leads),
        cmocka_unit_test(too_many_redirections_are_told_as_such),
        cmocka_unit_test(post_becomes_get_where_the_redirection_says_see_other),
        cmocka_unit_test(a_server_that_says_nothing_is_given_up_in_time),
        cmocka_unit_test(
            a_connection_is_kept_after_the_last_byte_that_was_told),
        cmocka_unit_test(every_call_looks_for_a_cancellation_first),
        cmocka_unit_test(
            a_body_is_read_in_pieces_and_then_the_connection_is_kept),
        cmocka_unit_test(see_other_repeats_no_body_whatever_the_method),
        cmocka_unit_test(
            a_pulled_body_goes_out_in_chunks_when_the_server_agrees),
        cmocka_unit_test(a_body_that_is_refused_before_it_is_sent_stays_here),
        cmocka_unit_test(who_cannot_agree_is_not_asked_to),
        cmocka_unit_test(what_was_told_of_a_body_is_dropped_with_it),
        cmocka_unit_test(another_origin_does_not_hear_the_credentials),
        cmocka_unit_test(nor_does_the_first_again_behind_another),
        cmocka_unit_test(what_could_do_harm_twice_is_not_sent_once_more),
        cmocka_unit_test(a_call_that_is_cancelled_leaves_nothing_behind),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
