/* SPDX-License-Identifier: MIT */
/* What ending a stream promises, on each engine.  See include/ouro/stream.h. */
#include "stream_scene.h"

const char *engine;

/* Calls of what is closed. */

static int
use_what_is_closed(struct ouro_stream *stream, struct scene *scene)
{
    int rc = ouro_await(&scene->ready);

    ouro_stream_close(stream);
    scene->seen[0] = ouro_stream_write(stream, OURO_BYTES("too late"));
    scene->seen[1] = ouro_stream_drain(stream);
    scene->seen[2] = ouro_stream_read(stream, scene->text, 1);
    scene->seen[3] = ouro_stream_wait_closed(stream);
    scene->seen[4] = ouro_stream_write(stream, OURO_BYTES("too late"));
    scene->seen[5] = ouro_stream_drain(stream);
    scene->seen[6] = ouro_stream_wait_closed(stream);
    tell(&scene->over);
    return rc;
}

/* A33 */
static void
what_is_closed_refuses_writes_without_noise(void **state)
{
    struct scene scene = {
        .host = stay_silent,
        .visitor = use_what_is_closed,
    };

    (void)state;
    assert_plays(&scene);
    assert_err(scene.seen[0], EPIPE);
    assert_err(scene.seen[1], EPIPE);
    assert_int_equal(scene.seen[2], 0);
    assert_int_equal(scene.seen[3], 0);
    assert_err(scene.seen[4], EPIPE);
    assert_err(scene.seen[5], EPIPE);
    assert_int_equal(scene.seen[6], 0);
}

static int
flood_a_mebibyte(struct ouro_stream *stream, void *context)
{
    (void)context;

    return ouro_stream_write(stream,
                             ouro_slice_of(large_pattern().data, MEBIBYTE));
}

static int
close_without_reading(struct ouro_stream *stream, struct scene *scene)
{
    int rc = let_arrive();

    ouro_stream_close(stream);
    scene->seen[0] = ouro_stream_wait_closed(stream);
    return rc;
}

/* A34 */
static void
to_wait_for_a_close_ends_though_input_is_unread(void **state)
{
    struct scene scene = {
        .host = flood_a_mebibyte,
        .visitor = close_without_reading,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 0);
}

static int
close_on_a_peer_that_does_not_read(struct ouro_stream *stream,
                                   struct scene *scene)
{
    int64_t begin_ns;
    int rc = fill_sockets(stream);

    begin_ns = ouro_loop_time_ns(ouro_get_running_loop());
    ouro_stream_close(stream);
    scene->seen[0] = ouro_stream_wait_closed(stream);
    scene->count =
        (uint64_t)(ouro_loop_time_ns(ouro_get_running_loop()) - begin_ns);
    tell(&scene->over);
    return rc;
}

/* A26 */
static void
to_close_on_a_stuck_peer_ends_at_the_deadline(void **state)
{
    struct scene scene = {
        .host = stay_silent,
        .visitor = close_on_a_peer_that_does_not_read,
        .close_timeout_ns = OURO_MILLISECONDS(50),
    };

    (void)state;
    assert_plays(&scene);
    assert_err(scene.seen[0], ETIMEDOUT);
    assert_in_range(scene.count, OURO_MILLISECONDS(50), OURO_SECONDS(5));
}

/* Half of it. */

static int
answer_at_the_end(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;

    scene->seen[0] = read_pattern(stream);
    return ouro_stream_write(stream, OURO_BYTES("thank you"));
}

static int
write_to_the_end_and_read(struct ouro_stream *stream, struct scene *scene)
{
    int rc = write_pattern(stream, 100000);

    ouro_stream_write_eof(stream);
    scene->seen[1] = ouro_stream_write(stream, OURO_BYTES("too late"));
    scene->seen[2] = ouro_stream_drain(stream);
    scene->seen[3] = ouro_stream_read_exactly(stream, scene->text, 9);
    scene->seen[4] = ouro_stream_read(stream, scene->text + 10, 1);
    return rc;
}

static void
after_the_end_of_writing_the_answer_is_read(void **state)
{
    struct scene scene = {
        .host = answer_at_the_end,
        .visitor = write_to_the_end_and_read,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 100000);
    assert_err(scene.seen[1], EPIPE);
    assert_ok(scene.seen[2]);
    assert_int_equal(scene.seen[3], 9);
    assert_string_equal(scene.text, "thank you");
    assert_int_equal(scene.seen[4], 0);
}

/* Waiting calls. */

static int
read_until_the_end(void *arg)
{
    struct scene *scene = arg;

    scene->seen[0] = ouro_stream_read(scene->stream, scene->text, 1);
    return 0;
}

static int
write_until_the_end(void *arg)
{
    struct scene *scene = arg;

    scene->seen[1] = ouro_stream_write(scene->stream, large_pattern());
    return 0;
}

static int
drain_until_the_end(void *arg)
{
    struct scene *scene = arg;

    scene->seen[2] = ouro_stream_drain(scene->stream);
    return 0;
}

static int
wait_until_the_end(void *arg)
{
    struct scene *scene = arg;

    scene->seen[scene->bytes.size++] = ouro_stream_wait_closed(scene->stream);
    return 0;
}

/* `scene->count` says how. */
static int
end_while_all_wait(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_group group;

    scene->stream = stream;
    scene->bytes.size = 3;
    int rc = fill_sockets(stream);
    if (rc < 0)
        return rc;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, read_until_the_end, scene);
    ouro_group_create_task(&group, write_until_the_end, scene);
    ouro_group_create_task(&group, drain_until_the_end, scene);
    ouro_group_create_task(&group, wait_until_the_end, scene);
    ouro_group_create_task(&group, wait_until_the_end, scene);
    rc = ouro_sleep(OURO_MILLISECONDS(1));
    if (scene->count == 0)
        ouro_stream_close(stream);
    else
        ouro_stream_abort(stream);
    rc = ouro_group_end(&group, rc);
    tell(&scene->over);
    return rc;
}

static void
a_close_ends_all_calls_that_wait(void **state)
{
    struct scene scene = {
        .host = stay_silent,
        .visitor = end_while_all_wait,
        .close_timeout_ns = OURO_MILLISECONDS(50),
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 0);
    assert_err(scene.seen[1], EPIPE);
    assert_err(scene.seen[2], EPIPE);
    assert_err(scene.seen[3], ETIMEDOUT);
    assert_err(scene.seen[4], ETIMEDOUT);
}

static void
an_abort_ends_all_calls_that_wait(void **state)
{
    struct scene scene = {
        .host = stay_silent,
        .visitor = end_while_all_wait,
        .count = 1,
    };

    (void)state;
    assert_plays(&scene);
    for (int i = 0; i < 5; i++)
        assert_err(scene.seen[i], ECONNABORTED);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_closed_refuses_writes_without_noise),
        cmocka_unit_test(to_wait_for_a_close_ends_though_input_is_unread),
        cmocka_unit_test(to_close_on_a_stuck_peer_ends_at_the_deadline),
        cmocka_unit_test(after_the_end_of_writing_the_answer_is_read),
        cmocka_unit_test(a_close_ends_all_calls_that_wait),
        cmocka_unit_test(an_abort_ends_all_calls_that_wait),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
