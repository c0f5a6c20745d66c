/* SPDX-License-Identifier: MIT */
/* What goes wrong in one connection of a server, and who is told. */
#include "server_scene.h"

static const char *engine;

enum { TIMES = 1000 };

/* What the main task saw of the clients, and of what was reported. */
struct seen {
    struct scene scene;
    ouro_client_connected_fn *fn;
    const struct ouro_protocol_ops *ops;
    size_t read_limit;
    bool reset_it; /* the client goes with a reset */
    bool end_it;   /* it says that it sends no more */
    unsigned ends; /* clients that saw the end, or a reset */
    int code;
    struct seen_exceptions exceptions;
};

static int
serve_it(struct seen *seen)
{
    const struct ouro_server_options options = {.host = "127.0.0.1",
                                                .read_limit = seen->read_limit};
    struct scene *s = &seen->scene;

    if (seen->fn != NULL)
        return ouro__start_server(&s->server, seen->fn, seen, &options,
                                  "handler", OURO_HERE);
    return ouro_create_server(&s->server, seen->ops, seen, &options);
}

static int
visit(struct seen *seen)
{
    struct ouro_stream *stream;

    int rc = open_client(&seen->scene, &stream);
    if (rc < 0)
        return rc;
    rc = ouro_stream_write(stream, OURO_BYTES("hello"));
    if (seen->end_it)
        ouro_stream_write_eof(stream);
    if (seen->reset_it) {
        ouro_stream_abort(stream);
    } else {
        ssize_t size = read_one(stream);
        seen->ends += size == 0 || size == -ECONNRESET || size == -EPIPE;
    }
    ouro_stream_free(stream);
    return rc == -EPIPE || rc == -ECONNRESET ? 0 : rc;
}

static int
visit_many_times(void *arg)
{
    struct seen *seen = arg;
    struct scene *s = &seen->scene;

    int rc = serve_it(seen);
    if (rc < 0)
        return rc;
    note_port(s);
    for (int i = 0; rc == 0 && i < TIMES; i++)
        rc = visit(seen);
    while (rc == 0 && ouro_server_connection_count(s->server) > 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    if (rc == 0)
        rc = ouro_server_stop(s->server, OURO_SECONDS(5));
    ouro_server_free(s->server);
    return rc;
}

/* Protocols that cannot be set up. */

static int
refuse(struct ouro_protocol *self, void *context)
{
    struct seen *seen = context;

    (void)self;
    seen->scene.made++;
    return -EPROTO;
}

static void
receive_nothing(struct ouro_protocol *self, struct ouro_slice data)
{
    (void)self;
    (void)data;
    OURO_CHECK(false, "a protocol that refused receives nothing");
}

static const struct ouro_protocol_ops refusing_ops = {
    .size = sizeof(struct ouro_protocol),
    .connection_made = refuse,
    .data_received = receive_nothing,
};

/* A23, M15 */
static void
a_refusal_closes_and_is_reported_a_thousand_times(void **state)
{
    struct seen seen = {.ops = &refusing_ops};

    (void)state;
    assert_ok(
        run_in_noisy_world(engine, visit_many_times, &seen, &seen.exceptions));

    assert_int_equal(seen.scene.made, TIMES);
    assert_int_equal(seen.ends, TIMES);
    assert_int_equal(seen.exceptions.count, TIMES);
    assert_err(seen.exceptions.error, EPROTO);
    assert_string_equal(seen.exceptions.message,
                        "a connection could not be set up, and was closed");
    assert_non_null(strstr(seen.exceptions.site, "test_server_errors.c"));
}

/* Tasks that fail. */

static int
return_code(struct ouro_stream *stream, void *context)
{
    struct seen *seen = context;

    (void)stream;
    seen->scene.made++;
    return seen->code;
}

/* A23 */
static void
an_error_of_the_task_closes_and_is_reported_a_thousand_times(void **state)
{
    struct seen seen = {.fn = return_code, .code = -EIO};

    (void)state;
    assert_ok(
        run_in_noisy_world(engine, visit_many_times, &seen, &seen.exceptions));

    assert_int_equal(seen.scene.made, TIMES);
    assert_int_equal(seen.ends, TIMES);
    assert_int_equal(seen.exceptions.count, TIMES);
    assert_err(seen.exceptions.error, EIO);
    assert_string_equal(seen.exceptions.name, "handler");
}

static void
a_task_that_is_content_is_not_reported(void **state)
{
    struct seen seen = {.fn = return_code, .code = 7};

    (void)state;
    assert_ok(run_in_world(engine, visit_many_times, &seen));

    assert_int_equal(seen.scene.made, TIMES);
    assert_int_equal(seen.ends, TIMES);
}

static int
read_to_the_end(struct ouro_stream *stream, void *context)
{
    struct seen *seen = context;
    ssize_t size;

    seen->scene.made++;
    do
        size = read_one(stream);
    while (size > 0);
    if (size == -ECONNRESET)
        seen->scene.lost++;
    return (int)size;
}

static void
a_reset_by_the_peer_is_not_reported(void **state)
{
    struct seen seen = {.fn = read_to_the_end, .reset_it = true};

    (void)state;
    assert_ok(run_in_world(engine, visit_many_times, &seen));

    /* Some may be gone before they are accepted. */
    assert_true(seen.scene.lost > TIMES / 2);
    assert_int_equal(seen.scene.lost, seen.scene.made);
}

static int
read_a_line(struct ouro_stream *stream, void *context)
{
    struct seen *seen = context;
    struct ouro_slice line;

    seen->scene.made++;
    ssize_t size = ouro_stream_read_line(stream, &line);
    seen->scene.lost += size == -OURO_ELIMIT;
    return (int)size;
}

static void
a_line_beyond_the_limit_is_not_reported(void **state)
{
    struct seen seen = {.fn = read_a_line, .read_limit = 4};

    (void)state;
    assert_ok(run_in_world(engine, visit_many_times, &seen));

    assert_int_equal(seen.scene.lost, TIMES);
    assert_int_equal(seen.ends, TIMES);
}

static int
read_ten(struct ouro_stream *stream, void *context)
{
    struct seen *seen = context;
    char bytes[10];

    seen->scene.made++;
    ssize_t size = ouro_stream_read_exactly(stream, bytes, sizeof(bytes));
    seen->scene.lost += size == -OURO_EINCOMPLETE;
    return (int)size;
}

static void
an_end_in_the_middle_is_not_reported(void **state)
{
    struct seen seen = {.fn = read_ten, .end_it = true};

    (void)state;
    assert_ok(run_in_world(engine, visit_many_times, &seen));

    assert_int_equal(seen.scene.lost, TIMES);
    assert_int_equal(seen.ends, TIMES);
}

/* As of an executor whose queue is full: that is not the peer's doing. */
static void
a_limit_of_something_else_is_reported(void **state)
{
    struct seen seen = {.fn = return_code, .code = -OURO_ELIMIT};

    (void)state;
    assert_ok(
        run_in_noisy_world(engine, visit_many_times, &seen, &seen.exceptions));

    assert_int_equal(seen.exceptions.count, TIMES);
    assert_err(seen.exceptions.error, OURO_ELIMIT);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_closes_and_is_reported_a_thousand_times),
        cmocka_unit_test(
            an_error_of_the_task_closes_and_is_reported_a_thousand_times),
        cmocka_unit_test(a_task_that_is_content_is_not_reported),
        cmocka_unit_test(a_reset_by_the_peer_is_not_reported),
        cmocka_unit_test(a_line_beyond_the_limit_is_not_reported),
        cmocka_unit_test(an_end_in_the_middle_is_not_reported),
        cmocka_unit_test(a_limit_of_something_else_is_reported),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests_name("server_errors", tests, NULL, NULL);
}
