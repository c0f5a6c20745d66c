/* SPDX-License-Identifier: MIT */
/* The HTTP client, when it is answered while it still sends. */
#include "http_play.h"

#include <stdlib.h>

const char *engine;

/* More than all the buffers of a connection hold. */
enum { BIG = 32 * 1024 * 1024, LOOKS = 5000 };

#define REFUSAL "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno"

/* Servers.  Each answers to the head, whatever may come behind it. */

static const char *answer;
static size_t taken; /* of the body, by the server */

OURO_SUSPENDS static int
answer_to_head(struct ouro_stream *stream)
{
    struct ouro_slice head;
    ssize_t size =
        ouro_stream_read_until(stream, OURO_BYTES("\r\n\r\n"), &head);

    if (size <= 0)
        return (int)size;
    return ouro_stream_write(stream, ouro_slice_of(answer, strlen(answer)));
}

static int
answer_and_close(struct ouro_stream *stream, void *context)
{
    (void)context;
    return answer_to_head(stream);
}

static int
answer_and_half_close(struct ouro_stream *stream, void *context)
{
    int rc = answer_to_head(stream);

    (void)context;
    ouro_stream_write_eof(stream);
    return rc < 0 ? rc : ouro_sleep(OURO_SECONDS(3600));
}

static int
answer_and_listen_no_more(struct ouro_stream *stream, void *context)
{
    int rc = answer_to_head(stream);

    (void)context;
    return rc < 0 ? rc : ouro_sleep(OURO_SECONDS(3600));
}

static int
answer_and_read_on(struct ouro_stream *stream, void *context)
{
    struct ouro_slice bytes;
    ssize_t size = answer_to_head(stream);

    (void)context;
    taken = 0;
    while (size >= 0 && (size = ouro_stream_peek(stream, &bytes)) > 0) {
        taken += bytes.size;
        ouro_stream_consume(stream, bytes.size);
    }
    return (int)size;
}

/* Clients. */

static ssize_t
pull_for_ever(void *into, size_t size, void *context)
{
    (void)context;
    memset(into, 'x', size);
    return (ssize_t)size;
}

static ssize_t
pull_when_it_is_too_late(void *into, size_t size, void *context)
{
    int rc = ouro_sleep(OURO_SECONDS(3600));

    return rc < 0 ? rc : pull_for_ever(into, size, context);
}

static ssize_t
pull_big(void *into, size_t size, void *context)
{
    size_t *left = context;

    size = size < *left ? size : *left;
    memset(into, 'x', size);
    *left -= size;
    return (ssize_t)size;
}

/* The limit is for what would otherwise wait for much longer. */
OURO_SUSPENDS static int
post(struct play *play, struct ouro_http_call call)
{
    struct ouro_timeout limit;

    call.method = "POST";
    ouro_timeout_begin(&limit, OURO_SECONDS(10));
    int rc = call_path(play, call, "/");
    rc = (int)ouro_timeout_end(&limit, rc);
    play->kept = ouro_http_client_kept(play->client);
    return rc;
}

static int
post_big(struct play *play)
{
    uint8_t *memory = calloc(BIG, 1);
    struct ouro_http_call call = {.body = ouro_slice_of(memory, BIG)};
    int rc = memory != NULL ? post(play, call) : -ENOMEM;

    free(memory);
    return rc;
}

static int
post_for_ever(struct play *play)
{
    return post(play, (struct ouro_http_call){.pull = pull_for_ever});
}

static int
post_too_late(struct play *play)
{
    return post(play,
                (struct ouro_http_call){.pull = pull_when_it_is_too_late});
}

static int
post_pulled(struct play *play)
{
    size_t left = BIG;
    int rc = post(play, (struct ouro_http_call){.pull = pull_big,
                                                .pull_context = &left,
                                                .pull_size = BIG});

    for (int i = 0; rc == 0 && taken < BIG && i < LOOKS; i++)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    return rc;
}

static int (*const posts[])(struct play *play) = {post_big, post_for_ever,
                                                  post_too_late};

static void
a_refusal_is_heard_before_the_body_is_sent(void **state)
{
    static ouro_client_connected_fn *const servers[] = {
        answer_and_close, answer_and_half_close, answer_and_listen_no_more,
        answer_and_read_on};

    (void)state;
    answer = REFUSAL;
    for (size_t i = 0; i < 12; i++) {
        struct play play = {.serve = servers[i / 3], .act = posts[i % 3]};

        assert_ok(run_in_world(engine, run_play, &play));
        assert_int_equal(play.status, 413);
        assert_string_equal(play.body, "no");
        assert_int_equal(play.kept, 0);
    }
}

static void
an_agreement_does_not_end_the_body(void **state)
{
    struct play play = {.serve = answer_and_read_on, .act = post_pulled};

    (void)state;
    answer = SHORT("ok");
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(play.status, 200);
    assert_int_equal(taken, BIG);
    assert_int_equal(play.kept, 1);
}

static void
an_answer_counts_also_where_the_rest_cannot_be_sent(void **state)
{
    struct play play = {.serve = answer_and_listen_no_more,
                        .options = {.idle_timeout_ns = OURO_MILLISECONDS(20)},
                        .act = post_big};

    (void)state;
    answer = SHORT("ok");
    assert_ok(run_in_world(engine, run_play, &play));
    assert_string_equal(play.body, "ok");
    assert_int_equal(play.kept, 0);
}

static void
heads_of_1xx_do_not_end_the_body(void **state)
{
    struct play play = {.serve = answer_and_read_on, .act = post_pulled};

    (void)state;
    answer = "HTTP/1.1 103 Hint\r\n\r\n" SHORT("ok");
    assert_ok(run_in_world(engine, run_play, &play));
    assert_int_equal(taken, BIG);
}

static void
what_is_no_answer_ends_the_body_with_its_own_error(void **state)
{
    static const struct {
        const char *answer;
        ouro_client_connected_fn *serve;
        int error;
    } rows[] = {
        {"220 mail ready\r\n\r\n", answer_and_listen_no_more, EBADMSG},
        {"HTTP/1.1 413", answer_and_half_close, OURO_EINCOMPLETE},
        {"", answer_and_half_close, OURO_EINCOMPLETE},
    };

    (void)state;
    for (size_t i = 0; i < 9; i++) {
        struct play play = {.serve = rows[i / 3].serve, .act = posts[i % 3]};

        answer = rows[i / 3].answer;
        assert_err(run_in_world(engine, run_play, &play), rows[i / 3].error);
    }
}

static const char *method;

/* On a connection that the server is about to close. */
static int
get_and_send(struct play *play)
{
    static const uint8_t bytes[50000];
    struct ouro_http_call call = {.method = method};
    int rc = get_once(play);

    call.body = ouro_slice_of(bytes, sizeof(bytes));
    return rc < 0 ? rc : call_path(play, call, "/");
}

static void
a_body_into_a_closing_connection_is_sent_once_more_if_it_may_be(void **state)
{
    static const char *const lines[] = {SHORT("hi"), "!", SHORT("ho!"), NULL};
    struct play put = {.act = get_and_send};
    struct play post = {.act = get_and_send};

    (void)state;
    memcpy(put.lines, lines, sizeof(lines));
    memcpy(post.lines, lines, sizeof(lines));
    method = "PUT";
    assert_ok(run_in_world(engine, run_play, &put));
    assert_string_equal(put.body, "ho");
    assert_int_equal(put.connections, 2);

    method = "POST";
    assert_true(run_in_world(engine, run_play, &post) < 0);
    assert_int_equal(post.line, 2);
}

static int
post_and_leave(struct play *play)
{
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_MILLISECONDS(10));
    int rc = play->serve == answer_and_read_on ? post_too_late(play)
                                               : post_for_ever(play);
    return (int)ouro_timeout_end(&limit, rc);
}

/* The world asserts that nothing is left. */
static void
a_body_that_is_cancelled_leaves_nothing_behind(void **state)
{
    static ouro_client_connected_fn *const servers[] = {
        answer_and_listen_no_more, answer_and_read_on};

    (void)state;
    answer = "HTTP/1.1 200";
    for (size_t i = 0; i < 2; i++) {
        struct play play = {.serve = servers[i], .act = post_and_leave};

        assert_err(run_in_world(engine, run_play, &play), ETIMEDOUT);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_is_heard_before_the_body_is_sent),
        cmocka_unit_test(an_agreement_does_not_end_the_body),
        cmocka_unit_test(an_answer_counts_also_where_the_rest_cannot_be_sent),
        cmocka_unit_test(heads_of_1xx_do_not_end_the_body),
        cmocka_unit_test(what_is_no_answer_ends_the_body_with_its_own_error),
        cmocka_unit_test(
            a_body_into_a_closing_connection_is_sent_once_more_if_it_may_be),
        cmocka_unit_test(a_body_that_is_cancelled_leaves_nothing_behind),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
