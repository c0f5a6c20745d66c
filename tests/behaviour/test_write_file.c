/* SPDX-License-Identifier: MIT */
/* Files in the queue of a transport: exact ranges, in order with what is
 * written.  What row A19 of the list of behaviours says of them. */
#include "stream_scene.h"

#include <fcntl.h>
#include <unistd.h>

const char *engine;

enum { FILE_SIZE = 3 * MEBIBYTE, SMALL = 10000, HEAD = 100, TAIL = 50 };

/* A file of the pattern, without a name. */
static int
open_file(size_t size)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_int_equal(fwrite(large_pattern().data, 1, size, file), size);
    assert_int_equal(fflush(file), 0);
    int fd = dup(fileno(file));
    assert_true(fd >= 0);
    assert_int_equal(fclose(file), 0);
    return fd;
}

static int
receive_pattern(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;

    scene->seen[7] = read_pattern(stream);
    return scene->seen[7] < 0 ? (int)scene->seen[7] : 0;
}

static int
write_range(struct ouro_stream *stream, size_t offset, size_t size)
{
    struct ouro_slice all = large_pattern();

    return ouro_stream_write(stream, ouro_slice_of(all.data + offset, size));
}

static int
finish(struct ouro_stream *stream)
{
    ouro_stream_close(stream);
    return ouro_stream_wait_closed(stream);
}

/* In order. */

/* The whole is the pattern: the file is its middle. */
static int
write_head_file_and_tail(struct ouro_stream *stream, struct scene *scene)
{
    size_t size = scene->most;
    int file = open_file(HEAD + size + TAIL);

    int rc = write_range(stream, 0, HEAD);
    if (rc == 0)
        scene->seen[0] = ouro_stream_write_file(stream, file, HEAD, size);
    close(file);
    if (rc == 0)
        rc = write_range(stream, HEAD + size, TAIL);
    scene->seen[1] = (ssize_t)ouro_stream_bytes_written(stream);
    return rc < 0 ? rc : finish(stream);
}

static void
check_in_order(size_t size)
{
    struct scene scene = {
        .host = receive_pattern,
        .visitor = write_head_file_and_tail,
        .most = size,
    };

    assert_plays(&scene);
    assert_int_equal(scene.seen[0], size);
    assert_int_equal(scene.seen[1], HEAD + size + TAIL);
    assert_int_equal(scene.seen[7], HEAD + size + TAIL);
}

/* A19 */
static void
what_is_written_around_a_file_leaves_around_it(void **state)
{
    (void)state;
    check_in_order(FILE_SIZE);
    check_in_order(SMALL);
    check_in_order(OURO_KIB(16));
    check_in_order(OURO_KIB(16) + 1);
}

static int
write_three_files(struct ouro_stream *stream, struct scene *scene)
{
    int file = open_file(FILE_SIZE);
    struct ouro_transport *transport = ouro_stream_transport(stream);
    off_t cuts[] = {0, 100000, 100001, FILE_SIZE};

    for (int i = 0; i < 3; i++)
        scene->seen[i] = ouro_transport_write_file(
            transport, dup(file), cuts[i], (size_t)(cuts[i + 1] - cuts[i]));
    close(file);
    return finish(stream);
}

static void
files_follow_each_other(void **state)
{
    struct scene scene = {
        .host = receive_pattern,
        .visitor = write_three_files,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 100000);
    assert_int_equal(scene.seen[1], 1);
    assert_int_equal(scene.seen[7], FILE_SIZE);
}

/* Ranges. */

static int
write_beyond_the_end(struct ouro_stream *stream, struct scene *scene)
{
    int file = open_file(SMALL);

    scene->seen[0] = ouro_stream_write_file(stream, file, 0, OURO_UNLIMITED);
    scene->seen[1] = ouro_stream_write_file(stream, file, SMALL - 10, 100);
    scene->seen[2] = ouro_stream_write_file(stream, file, SMALL, 100);
    scene->seen[3] = ouro_stream_write_file(stream, file, SMALL + 5, 100);
    scene->seen[4] = ouro_stream_write_file(stream, file, 7, 0);
    close(file);
    return finish(stream);
}

static int
count_bytes(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;
    struct ouro_slice bytes;
    ssize_t size;

    while ((size = ouro_stream_peek(stream, &bytes)) > 0) {
        scene->count += bytes.size;
        ouro_stream_consume(stream, bytes.size);
    }
    return (int)size;
}

/* A19 */
static void
a_range_past_the_end_of_the_file_is_what_there_is(void **state)
{
    struct scene scene = {
        .host = count_bytes,
        .visitor = write_beyond_the_end,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], SMALL);
    assert_int_equal(scene.seen[1], 10);
    assert_int_equal(scene.seen[2], 0);
    assert_int_equal(scene.seen[3], 0);
    assert_int_equal(scene.seen[4], 0);
    assert_int_equal(scene.count, SMALL + 10);
}

static int
write_what_is_no_file(struct ouro_stream *stream, struct scene *scene)
{
    int file = open_file(10);
    int directory = open("/", O_RDONLY | O_CLOEXEC);

    scene->seen[0] = ouro_stream_write_file(stream, directory, 0, 10);
    scene->seen[1] = ouro_stream_write_file(stream, file, -1, 10);
    close(directory);
    close(file);
    scene->seen[2] = ouro_stream_write_file(stream, file, 0, 10);
    return finish(stream);
}

static void
what_is_no_regular_file_or_no_offset_is_refused(void **state)
{
    struct scene scene = {
        .host = count_bytes,
        .visitor = write_what_is_no_file,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], -EINVAL);
    assert_int_equal(scene.seen[1], -EINVAL);
    assert_int_equal(scene.seen[2], -EBADF);
    assert_int_equal(scene.count, 0);
}

/* Marks and limits. */

/* A file of 3 MiB, where 64 KiB of memory are too much. */
static int
write_file_past_the_limit(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_transport *transport = ouro_stream_transport(stream);
    int file = open_file(FILE_SIZE);

    ouro_transport_set_write_buffer_max(transport, OURO_KIB(64));
    scene->seen[0] = ouro_stream_write_file(stream, file, 0, FILE_SIZE);
    scene->seen[1] = ouro_transport_is_writing_paused(transport);
    scene->seen[2] = (ssize_t)ouro_transport_write_buffer_size(transport);
    close(file);
    int rc = ouro_stream_drain(stream);
    scene->seen[3] = (ssize_t)ouro_transport_write_buffer_size(transport);
    return rc < 0 ? rc : finish(stream);
}

static void
a_file_counts_for_the_marks_but_not_for_the_hard_limit(void **state)
{
    struct scene scene = {
        .host = receive_pattern,
        .visitor = write_file_past_the_limit,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], FILE_SIZE);
    assert_true(scene.seen[1]);
    assert_int_equal(scene.seen[2], FILE_SIZE);
    assert_in_range(scene.seen[3], 0, OURO_KIB(16));
    assert_int_equal(scene.seen[7], FILE_SIZE);
}

/* The end in the middle; run_in_world() counts descriptors. */

static int
abort_when_told(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;

    int rc = ouro_await(&scene->ready);
    ouro_stream_abort(stream);
    return rc;
}

static int
write_file_to_who_leaves(struct ouro_stream *stream, struct scene *scene)
{
    int file = open_file(LARGE);
    struct ouro_slice bytes;

    scene->seen[0] = ouro_stream_write_file(stream, file, 0, LARGE);
    close(file);
    let_arrive();
    tell(&scene->ready);
    scene->seen[1] = ouro_stream_peek(stream, &bytes);
    scene->seen[2] = ouro_stream_drain(stream);
    return 0;
}

/* A19 */
static void
a_peer_that_leaves_in_the_middle_ends_it(void **state)
{
    struct scene scene = {
        .host = abort_when_told,
        .visitor = write_file_to_who_leaves,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], LARGE);
    assert_true(scene.seen[1] == -ECONNRESET || scene.seen[1] == -EPIPE);
    assert_int_equal(scene.seen[2], scene.seen[1]);
}

static int
cut_the_file(struct ouro_stream *stream, struct scene *scene)
{
    int file = open_file(LARGE);

    scene->seen[0] = ouro_stream_write_file(stream, file, 0, LARGE);
    int rc = ftruncate(file, OURO_KIB(20)) < 0 ? -errno : 0;
    close(file);
    tell(&scene->over);
    if (rc == 0)
        scene->seen[1] = ouro_stream_wait_closed(stream);
    return rc;
}

static int
count_to_the_reset(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;

    scene->seen[2] = count_bytes(stream, context);
    return 0;
}

static void
a_file_that_is_cut_meanwhile_ends_the_connection_short(void **state)
{
    struct scene scene = {
        .host = count_to_the_reset,
        .visitor = cut_the_file,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[1], -OURO_EINCOMPLETE);
    assert_int_equal(scene.seen[2], -ECONNRESET);
    assert_true(scene.count < LARGE);
}

static int
write_file_when_closed(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_transport *transport = ouro_stream_transport(stream);
    int file = open_file(SMALL);

    int rc = finish(stream);
    scene->seen[0] = ouro_stream_write_file(stream, file, 0, SMALL);
    scene->seen[1] = (ssize_t)ouro_transport_bytes_dropped(transport);
    close(file);
    return rc;
}

static void
a_closed_stream_takes_no_file(void **state)
{
    struct scene scene = {
        .host = count_bytes,
        .visitor = write_file_when_closed,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], -EPIPE);
    assert_int_equal(scene.seen[1], 0);
    assert_int_equal(scene.count, 0);
}

/* Who waits for room. */

static int
give_up_a_file(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_timeout limit;
    int file = open_file(SMALL);

    int rc = fill_sockets(stream);
    uint64_t before = ouro_stream_bytes_written(stream);
    ouro_timeout_begin(&limit, OURO_MILLISECONDS(20));
    ssize_t size = ouro_stream_write_file(stream, file, 0, SMALL);
    scene->seen[0] = ouro_timeout_end(&limit, size);
    scene->seen[1] = (ssize_t)(ouro_stream_bytes_written(stream) - before);
    scene->seen[2] = (ssize_t)before;
    close(file);
    tell(&scene->over);
    return rc < 0 ? rc : finish(stream);
}

static int
count_when_told(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;
    int rc = ouro_await(&scene->over);

    return rc < 0 ? rc : count_bytes(stream, scene);
}

static void
a_file_that_was_given_up_while_it_waited_never_leaves(void **state)
{
    struct scene scene = {
        .host = count_when_told,
        .visitor = give_up_a_file,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], -ETIMEDOUT);
    assert_int_equal(scene.seen[1], 0);
    assert_int_equal(scene.count, scene.seen[2]);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_around_a_file_leaves_around_it),
        cmocka_unit_test(files_follow_each_other),
        cmocka_unit_test(a_range_past_the_end_of_the_file_is_what_there_is),
        cmocka_unit_test(what_is_no_regular_file_or_no_offset_is_refused),
        cmocka_unit_test(
            a_file_counts_for_the_marks_but_not_for_the_hard_limit),
        cmocka_unit_test(a_peer_that_leaves_in_the_middle_ends_it),
        cmocka_unit_test(
            a_file_that_is_cut_meanwhile_ends_the_connection_short),
        cmocka_unit_test(a_closed_stream_takes_no_file),
        cmocka_unit_test(a_file_that_was_given_up_while_it_waited_never_leaves),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
