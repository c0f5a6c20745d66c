/* SPDX-License-Identifier: MIT */
/* What writing a stream promises, on each engine.  See include/ouro/stream.h.
 */
#include "stream_scene.h"

const char *engine;

/* Large writes. */

static int
read_all(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_slice bytes;
    ssize_t size;

    while ((size = ouro_stream_peek(stream, &bytes)) > 0) {
        if (check_pattern(bytes.data, bytes.size, scene->count) < bytes.size)
            return -EBADMSG;
        scene->count += bytes.size;
        ouro_stream_consume(stream, bytes.size);
    }
    return (int)size;
}

static int
receive_all(struct ouro_stream *stream, void *context)
{
    return read_all(stream, context);
}

/* The most that stood in the queue of the visitor, who waits for us. */
static int
receive_and_measure(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;
    struct ouro_slice bytes;
    int rc = ouro_await(&scene->ready);

    while (rc == 0 && ouro_stream_peek(stream, &bytes) > 0) {
        size_t queued = ouro_transport_write_buffer_size(
            ouro_stream_transport(scene->stream));

        scene->most = queued > scene->most ? queued : scene->most;
        if (check_pattern(bytes.data, bytes.size, scene->count) < bytes.size)
            rc = -EBADMSG;
        scene->count += bytes.size;
        ouro_stream_consume(stream, bytes.size);
    }
    tell(&scene->over);
    return rc;
}

static int
write_sixteen_mebibytes(struct ouro_stream *stream, struct scene *scene)
{
    scene->stream = stream;
    tell(&scene->ready);
    int rc = ouro_stream_write(stream, large_pattern());
    scene->seen[0] = (ssize_t)ouro_stream_bytes_written(stream);
    ouro_stream_close(stream);
    scene->seen[1] = ouro_stream_wait_closed(stream);
    return rc < 0 ? rc : ouro_await(&scene->over);
}

/* A4, A6, P19 */
static void
a_large_write_arrives_whole_and_queues_little(void **state)
{
    struct scene scene = {
        .host = receive_and_measure,
        .visitor = write_sixteen_mebibytes,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], LARGE);
    assert_int_equal(scene.seen[1], 0);
    assert_int_equal(scene.count, LARGE);
    assert_in_range(scene.most, 0, OURO_KIB(64) + OURO_KIB(64));
}

/* Slices of 0, 1, 2, ... bytes, one behind the other. */
static int
write_a_hundred_slices(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_slice slices[100];
    size_t size = 0;

    for (size_t i = 0; i < 100; i++) {
        slices[i] = ouro_slice_of(large_pattern().data + size, i * 10);
        size += i * 10;
    }
    scene->seen[0] = (ssize_t)size;
    return ouro_stream_writev(stream, slices, 100);
}

static void
many_slices_arrive_in_order(void **state)
{
    struct scene scene = {
        .host = receive_all,
        .visitor = write_a_hundred_slices,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.count, scene.seen[0]);
}

/* A second writer, and a writer that is cancelled. */

static int
receive_when_told(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;
    int rc = ouro_await(&scene->over);

    return rc < 0 ? rc : read_all(stream, scene);
}

static int
write_the_next_byte(struct ouro_stream *stream, struct scene *scene)
{
    uint64_t taken = ouro_stream_bytes_written(stream);
    uint8_t next = pattern_at(taken);

    tell(&scene->over);
    scene->seen[1] = (ssize_t)taken;
    return ouro_stream_write(stream, ouro_slice_of(&next, 1));
}

static int
give_up_and_write_on(struct ouro_stream *stream, struct scene *scene)
{
    scene->seen[0] = write_for_a_while(stream);
    int rc = write_the_next_byte(stream, scene);
    ouro_stream_close(stream);
    return rc < 0 ? rc : ouro_stream_wait_closed(stream);
}

/* A2 */
static void
of_a_cancelled_write_what_was_taken_arrives_and_no_more(void **state)
{
    struct scene scene = {
        .host = receive_when_told,
        .visitor = give_up_and_write_on,
    };

    (void)state;
    assert_plays(&scene);
    assert_err(scene.seen[0], ETIMEDOUT);
    assert_in_range(scene.seen[1], 1, LARGE - 1);
    assert_int_equal(scene.count, scene.seen[1] + 1);
}

static int
write_as_a_second(void *arg)
{
    struct scene *scene = arg;

    scene->seen[0] = ouro_stream_write(scene->stream, OURO_BYTES("second"));
    tell(&scene->over);
    return 0;
}

static int
write_as_the_first(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_group group;

    scene->stream = stream;
    ouro_group_begin(&group);
    ouro_group_create_task(&group, write_as_a_second, scene);
    int rc = ouro_stream_write(stream, large_pattern());
    return ouro_group_end(&group, rc);
}

static void
a_second_writer_is_refused_and_the_first_writes_all(void **state)
{
    struct scene scene = {
        .host = receive_when_told,
        .visitor = write_as_the_first,
    };

    (void)state;
    assert_plays(&scene);
    assert_err(scene.seen[0], EBUSY);
    assert_int_equal(scene.count, LARGE);
}

/* A peer that is gone. */

static int
reset_at_once(struct ouro_stream *stream, void *context)
{
    (void)context;
    ouro_stream_abort(stream);
    return 0;
}

static int
write_until_it_fails(struct ouro_stream *stream, struct scene *scene)
{
    while (scene->seen[0] == 0 && scene->count < LARGE) {
        scene->seen[0] = ouro_stream_write(stream, OURO_BYTES("0123456789"));
        scene->count += 10;
    }
    for (int i = 1; i < 5; i++) {
        scene->seen[i] = ouro_stream_write(stream, OURO_BYTES("more"));
        if (i % 2 == 0)
            scene->seen[i] = ouro_stream_drain(stream);
    }
    scene->seen[5] = ouro_stream_wait_closed(stream);
    return 0;
}

static bool
is_reset(ssize_t rc)
{
    return rc == -ECONNRESET || rc == -EPIPE;
}

/* A31, M20 */
static void
a_tight_loop_of_writes_notices_that_the_peer_is_gone(void **state)
{
    struct scene scene = {
        .host = reset_at_once,
        .visitor = write_until_it_fails,
    };

    (void)state;
    assert_plays(&scene);
    for (int i = 0; i < 6; i++)
        assert_true(is_reset(scene.seen[i]));
    assert_in_range(scene.count, 10, MEBIBYTE);
}

/* Draining. */

static int
reset_when_told(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;
    int rc = ouro_await(&scene->over);

    ouro_stream_abort(stream);
    return rc;
}

static int
drain(void *arg)
{
    struct scene *scene = arg;
    int rc = ouro_stream_drain(scene->stream);
    size_t queued =
        ouro_transport_write_buffer_size(ouro_stream_transport(scene->stream));

    scene->most = queued > scene->most ? queued : scene->most;
    scene->seen[scene->bytes.size++] = rc;
    return 0;
}

static int
drain_four_times(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_group group;

    scene->stream = stream;
    int rc = fill_sockets(stream);
    if (rc < 0)
        return rc;

    ouro_group_begin(&group);
    for (int i = 0; i < 4; i++)
        ouro_group_create_task(&group, drain, scene);
    rc = ouro_sleep(OURO_MILLISECONDS(1));
    scene->seen[4] = (ssize_t)scene->bytes.size;
    tell(&scene->over);
    return ouro_group_end(&group, rc);
}

/* A32 */
static void
all_who_drain_are_woken_by_room(void **state)
{
    struct scene scene = {
        .host = receive_when_told,
        .visitor = drain_four_times,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[4], 0);
    assert_int_equal(scene.bytes.size, 4);
    for (int i = 0; i < 4; i++)
        assert_ok(scene.seen[i]);
    assert_in_range(scene.seen[5], 0, OURO_KIB(16));
}

static void
all_who_drain_are_woken_by_a_reset(void **state)
{
    struct scene scene = {
        .host = reset_when_told,
        .visitor = drain_four_times,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.bytes.size, 4);
    for (int i = 0; i < 4; i++)
        assert_true(is_reset(scene.seen[i]));
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_write_arrives_whole_and_queues_little),
        cmocka_unit_test(many_slices_arrive_in_order),
        cmocka_unit_test(
            of_a_cancelled_write_what_was_taken_arrives_and_no_more),
        cmocka_unit_test(a_second_writer_is_refused_and_the_first_writes_all),
        cmocka_unit_test(a_tight_loop_of_writes_notices_that_the_peer_is_gone),
        cmocka_unit_test(all_who_drain_are_woken_by_room),
        cmocka_unit_test(all_who_drain_are_woken_by_a_reset),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
