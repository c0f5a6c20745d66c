/* SPDX-License-Identifier: MIT */
/* The HTTP client, when who asks writes the body. */
#include "http_play.h"

const char *engine;

enum { BIG = 8 * 1024 * 1024 };

static uint8_t bytes[BIG];

#define REFUSAL "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno"

/* What to write, and how. */
struct job {
    struct ouro_http_call call;
    const char *parts[4];
    size_t big;  /* bytes that are written behind them */
    bool leaves; /* before the end */
    int written; /* the first failure of a write */
};

static struct job job;

OURO_SUSPENDS static int
write_parts(struct ouro_http_upload *upload)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && job.parts[i] != NULL; i++)
        rc = ouro_http_upload_write(
            upload, ouro_slice_of(job.parts[i], strlen(job.parts[i])));
    if (rc == 0 && job.big > 0)
        rc = ouro_http_upload_write(upload, ouro_slice_of(bytes, job.big));
    return rc;
}

OURO_SUSPENDS static int
read_answer(struct play *play, struct ouro_http_upload *upload)
{
    struct ouro_http_response *response;
    struct ouro_slice body;
    int rc = ouro_http_upload_end(upload, &response);

    if (rc < 0)
        return rc;
    play->status = ouro_http_response_status(response);
    rc = ouro_http_response_read_all(response, sizeof(play->body) - 1, &body);
    if (rc == 0)
        memcpy(play->body, body.data, body.size);
    ouro_http_response_free(response);
    return rc;
}

static int
upload(struct play *play)
{
    struct ouro_http_upload *upload;
    char url[80];

    snprintf(url, sizeof(url), "%s/up", play->url);
    job.call.method = "POST";
    job.call.url = url;
    job.call.report = &play->report;
    int rc = ouro_http_upload_begin(play->client, &job.call, &upload);
    if (rc < 0)
        return rc;
    job.written = write_parts(upload);
    if (job.leaves) {
        ouro_http_upload_free(upload);
        return job.written;
    }
    rc = read_answer(play, upload);
    if (play->client != NULL)
        play->kept = ouro_http_client_kept(play->client);
    return rc;
}

static int
upload_without_a_client(struct play *play)
{
    struct ouro_http_client *client = play->client;

    play->client = NULL;
    int rc = upload(play);
    play->client = client;
    return rc;
}

/* The world asserts that it leaves nothing behind. */
static void
one_without_a_client_has_one_of_its_own(void **state)
{
    struct play play = {.lines = {"", SHORT("hi")},
                        .act = upload_without_a_client};

    (void)state;
    job = (struct job){.parts = {"some words"}};
    assert_ok(run_in_world(engine, run_play, &play));
    assert_string_equal(play.body, "hi");
}

/* The script's server takes "\r\n\r\n" for the end of a request. */
static void
what_is_written_goes_out_in_chunks(void **state)
{
    struct play play = {.lines = {"", SHORT("hi")}, .act = upload};

    (void)state;
    job = (struct job){.parts = {"some", "", "words"}};
    assert_ok(run_in_world(engine, run_play, &play));
    assert_ok(job.written);
    assert_non_null(strstr(play.heard, "POST /up HTTP/1.1\r\n"));
    assert_non_null(strstr(play.heard, "Transfer-Encoding: chunked\r\n"));
    assert_non_null(
        strstr(play.heard, "\r\n\r\n4\r\nsome\r\n5\r\nwords\r\n0\r\n\r\n"));
    assert_string_equal(play.body, "hi");
    assert_int_equal(play.kept, 1);
}

static void
with_a_size_it_goes_out_as_it_is(void **state)
{
    struct play play = {.lines = {"", SHORT("hi")}, .act = upload};

    (void)state;
    job = (struct job){.parts = {"some words", "\r\n\r\n"},
                       .call = {.pull_size = 14}};
    assert_ok(run_in_world(engine, run_play, &play));
    assert_non_null(strstr(play.heard, "Content-Length: 14\r\n"));
    assert_non_null(strstr(play.heard, "\r\n\r\nsome words\r\n\r\n"));
    assert_string_equal(play.body, "hi");
}

static void
another_size_than_was_told_is_an_error(void **state)
{
    static const struct {
        uint64_t size;
        int written;
        int ended;
    } rows[] = {{11, 0, OURO_EINCOMPLETE}, {9, EMSGSIZE, EMSGSIZE}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct play play = {.lines = {""}, .act = upload};

        job = (struct job){.parts = {"some", " words"},
                           .call = {.pull_size = rows[i].size}};
        assert_err(run_in_world(engine, run_play, &play), rows[i].ended);
        assert_err(job.written, rows[i].written);
        assert_null(strstr(play.heard, "words"));
    }
}

static void
a_body_is_not_written_where_it_was_refused(void **state)
{
    struct play play = {.lines = {REFUSAL}, .act = upload};

    (void)state;
    job = (struct job){.parts = {"some words"},
                       .call = {.expect_continue = true}};
    assert_ok(run_in_world(engine, run_play, &play));
    assert_err(job.written, EPIPE);
    assert_int_equal(play.status, 413);
    assert_string_equal(play.body, "no");
    assert_null(strstr(play.heard, "words"));
    assert_int_equal(play.kept, 0);
}

static int
refuse_and_stay(struct ouro_stream *stream, void *context)
{
    struct ouro_slice head;
    ssize_t size =
        ouro_stream_read_until(stream, OURO_BYTES("\r\n\r\n"), &head);
    int rc =
        size < 0 ? (int)size : ouro_stream_write(stream, OURO_BYTES(REFUSAL));

    (void)context;
    return rc < 0 ? rc : ouro_sleep(OURO_SECONDS(3600));
}

static void
a_refusal_ends_a_write_that_waits(void **state)
{
    struct play play = {.serve = refuse_and_stay, .act = upload};

    (void)state;
    job = (struct job){.parts = {"some"}, .big = BIG};
    assert_ok(run_in_world(engine, run_play, &play));
    assert_err(job.written, EPIPE);
    assert_int_equal(play.status, 413);
    assert_string_equal(play.body, "no");
}

static void
a_redirection_of_it_is_an_answer(void **state)
{
    struct play play = {.lines = {"", MOVED("303", "/c")}, .act = upload};

    (void)state;
    job = (struct job){.parts = {"some words"}};
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.status, 303);
    assert_string_equal(play.body, "out");
}

static void
it_has_no_other_body(void **state)
{
    struct play play = {.act = upload};

    (void)state;
    job = (struct job){.call = {.body = OURO_BYTES("ab")}};
    assert_err(run_in_world(engine, run_play, &play), EINVAL);
    assert_int_equal(play.connections, 0);
    assert_string_not_equal(play.report.text, "");
}

static void
one_that_is_left_is_no_whole_request(void **state)
{
    struct play play = {.lines = {""}, .act = upload};

    (void)state;
    job = (struct job){.parts = {"some words"}, .leaves = true};
    assert_ok(run_in_world(engine, run_play, &play));
    assert_ok(job.written);
    assert_null(strstr(play.heard, "0\r\n\r\n"));
}

static int
upload_with_limit(struct play *play)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_MILLISECONDS(10));
    int rc = upload(play);
    return (int)ouro_timeout_end(&limit, rc);
}

static int
listen_no_more(struct ouro_stream *stream, void *context)
{
    (void)stream;
    (void)context;
    return ouro_sleep(OURO_SECONDS(3600));
}

/* The world asserts that nothing is left. */
static void
one_that_is_cancelled_leaves_nothing_behind(void **state)
{
    static const size_t sizes[] = {0, BIG};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct play play = {.serve = listen_no_more, .act = upload_with_limit};

        job = (struct job){.parts = {"some"}, .big = sizes[i]};
        assert_err(run_in_world(engine, run_play, &play), ETIMEDOUT);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_goes_out_in_chunks),
        cmocka_unit_test(with_a_size_it_goes_out_as_it_is),
        cmocka_unit_test(one_without_a_client_has_one_of_its_own),
        cmocka_unit_test(another_size_than_was_told_is_an_error),
        cmocka_unit_test(a_body_is_not_written_where_it_was_refused),
        cmocka_unit_test(a_refusal_ends_a_write_that_waits),
        cmocka_unit_test(a_redirection_of_it_is_an_answer),
        cmocka_unit_test(it_has_no_other_body),
        cmocka_unit_test(one_that_is_left_is_no_whole_request),
        cmocka_unit_test(one_that_is_cancelled_leaves_nothing_behind),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
