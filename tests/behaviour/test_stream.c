/* SPDX-License-Identifier: MIT */
/* What reading a stream promises, on each engine.  See include/ouro/stream.h.
 * The ids are rows of the list of behaviours that asyncio's tests were the
 * model for. */
#include "stream_scene.h"

enum { PARTS = 200 };

const char *engine;

/* Both ways at once. */

static int
send_a_mebibyte(void *arg)
{
    struct scene *scene = arg;

    int rc = write_pattern(scene->stream, MEBIBYTE);
    if (rc == 0)
        ouro_stream_write_eof(scene->stream);
    return rc;
}

static int
send_and_receive(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_group group;

    scene->stream = stream;
    ouro_group_begin(&group);
    ouro_group_create_task(&group, send_a_mebibyte, scene);
    scene->seen[0] = read_pattern(stream);
    return ouro_group_end(&group, 0);
}

static void
what_is_sent_comes_back_whole(void **state)
{
    struct scene scene = {.host = echo, .visitor = send_and_receive};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], MEBIBYTE);
}

/* Back-pressure. */

static int
flood(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;

    scene->stream = stream;
    int rc = write_pattern(stream, 16 * MEBIBYTE);
    return rc < 0 ? rc : ouro_await(&scene->over);
}

static int
look_at_a_flood(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_loop_stats stats;

    int rc = let_arrive();
    ouro_loop_get_stats(ouro_get_running_loop(), &stats);
    scene->count = stats.bytes_received;
    scene->bytes.size =
        ouro_loop_engine(ouro_get_running_loop())->receive_memory;
    scene->most =
        ouro_transport_write_buffer_size(ouro_stream_transport(scene->stream));
    tell(&scene->over);
    scene->seen[0] = read_pattern(stream);
    return rc;
}

/* A11 */
static void
a_stream_that_nobody_reads_holds_twice_its_limit_and_loses_nothing(void **state)
{
    struct scene scene = {
        .host = flood,
        .visitor = look_at_a_flood,
        .limit = OURO_KIB(16),
    };

    (void)state;
    assert_plays(&scene);

    /* On top comes what the kernel had handed over when it was paused. */
    assert_in_range(scene.count, 1,
                    OURO_KIB(32) + OURO_KIB(256) + scene.bytes.size);
    assert_in_range(scene.most, 0, OURO_KIB(64) + OURO_KIB(64));
    assert_int_equal(scene.seen[0], 16 * MEBIBYTE);
}

/* Resets. */

static int
send_five_bytes_and_reset(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;
    int rc = ouro_await(&scene->ready);

    if (rc == 0)
        rc = ouro_stream_write(stream, OURO_BYTES("12345"));
    if (rc == 0)
        rc = let_leave(stream);
    ouro_stream_abort(stream);
    return rc;
}

static void
read_three_times(struct ouro_stream *stream, struct scene *scene)
{
    scene->seen[0] = ouro_stream_read_exactly(stream, scene->text, 5);
    scene->seen[1] = ouro_stream_read(stream, scene->text + 5, 100);
    scene->seen[2] = ouro_stream_read(stream, scene->text + 5, 100);
}

static int
read_when_all_is_over(struct ouro_stream *stream, struct scene *scene)
{
    tell(&scene->ready);
    int rc = let_arrive();
    read_three_times(stream, scene);
    return rc;
}

static int
read_at_once(struct ouro_stream *stream, struct scene *scene)
{
    tell(&scene->ready);
    read_three_times(stream, scene);
    return 0;
}

/* A12, M12 */
static void
bytes_before_a_reset_are_read_then_the_error_each_time(void **state)
{
    struct scene late = {
        .host = send_five_bytes_and_reset,
        .visitor = read_when_all_is_over,
    };
    struct scene early = {
        .host = send_five_bytes_and_reset,
        .visitor = read_at_once,
    };

    (void)state;
    assert_plays(&late);
    assert_int_equal(late.seen[0], 5);
    assert_memory_equal(late.text, "12345", 5);
    assert_err(late.seen[1], ECONNRESET);
    assert_err(late.seen[2], ECONNRESET);

    assert_plays(&early);
    assert_int_equal(early.seen[0], 5);
    assert_err(early.seen[1], ECONNRESET);
    assert_err(early.seen[2], ECONNRESET);
}

/* Lines. */

static int
send_lines(struct ouro_stream *stream, void *context)
{
    (void)context;

    return ouro_stream_write(stream, OURO_BYTES("one\ntwo\r\n\nthree"));
}

static int
read_lines(struct ouro_stream *stream, struct scene *scene)
{
    for (int i = 0; i < 6; i++) {
        struct ouro_slice line;

        scene->seen[i] = ouro_stream_read_line(stream, &line);
        if (scene->seen[i] > 0)
            strncat(scene->text, (const char *)line.data, line.size);
        strcat(scene->text, "|");
    }
    scene->seen[6] = ouro_stream_at_eof(stream);
    return 0;
}

static void
lines_come_one_by_one_and_the_last_may_lack_its_end(void **state)
{
    struct scene scene = {.host = send_lines, .visitor = read_lines};

    (void)state;
    assert_plays(&scene);
    assert_string_equal(scene.text, "one\n|two\r\n|\n|three|||");
    assert_int_equal(scene.seen[4], 0);
    assert_true(scene.seen[6]);
}

/* A line of `count` bytes, in small parts, then its end and another one. */
static int
send_a_long_line(struct ouro_stream *stream, void *context)
{
    const struct scene *scene = context;
    int rc = 0;

    for (uint64_t i = 0; rc == 0 && i < scene->count; i++) {
        rc = ouro_stream_write(stream, OURO_BYTES("x"));
        if (rc == 0 && i % 16 == 0)
            rc = ouro_sleep(0);
    }
    return rc < 0 ? rc : ouro_stream_write(stream, OURO_BYTES("\r\nend\r\n"));
}

static int
read_a_long_line(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_slice line;
    struct ouro_slice end = OURO_BYTES("\r\n");

    scene->seen[0] = ouro_stream_read_until(stream, end, &line);
    scene->seen[1] = ouro_stream_read_until(stream, end, &line);
    while ((scene->seen[2] = ouro_stream_read(stream, scene->text, 10)) > 0)
        scene->seen[3] += scene->seen[2];
    return 0;
}

/* A17; that nothing is lost at any split, is in the unit test. */
static void
a_line_of_the_limit_is_read_and_a_longer_one_is_kept(void **state)
{
    struct scene fits = {
        .host = send_a_long_line,
        .visitor = read_a_long_line,
        .limit = 100,
        .count = 100,
    };
    struct scene longer = fits;

    (void)state;
    assert_plays(&fits);
    assert_int_equal(fits.seen[0], 102);
    assert_int_equal(fits.seen[1], 5);
    assert_int_equal(fits.seen[3], 0);

    longer.count = 101;
    assert_plays(&longer);
    assert_err(longer.seen[0], OURO_ELIMIT);
    assert_err(longer.seen[1], OURO_ELIMIT);
    assert_int_equal(longer.seen[3], 101 + 2 + 5);
}

/* Two tasks. */

static int
answer_when_told(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;
    int rc = ouro_await(&scene->ready);

    return rc < 0 ? rc : ouro_stream_write(stream, OURO_BYTES("hello"));
}

static int
read_as_a_second(void *arg)
{
    struct scene *scene = arg;
    struct ouro_slice bytes;

    scene->seen[1] = ouro_stream_read(scene->stream, scene->text + 50, 1);
    scene->seen[2] = ouro_stream_peek(scene->stream, &bytes);
    scene->seen[3] = ouro_stream_read_line(scene->stream, &bytes);
    scene->seen[4] = ouro_stream_read_exactly(scene->stream, scene->text, 1);
    tell(&scene->ready);
    return 0;
}

static int
read_as_the_first(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_group group;

    scene->stream = stream;
    ouro_group_begin(&group);
    ouro_group_create_task(&group, read_as_a_second, scene);
    scene->seen[0] = ouro_stream_read_exactly(stream, scene->text, 5);
    return ouro_group_end(&group, 0);
}

/* A18 */
static void
a_second_reader_is_refused_and_the_first_gets_all(void **state)
{
    struct scene scene = {
        .host = answer_when_told,
        .visitor = read_as_the_first,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 5);
    assert_memory_equal(scene.text, "hello", 5);
    for (int i = 1; i <= 4; i++)
        assert_err(scene.seen[i], EBUSY);
}

/* Cancellation. */

static int
send_in_parts(struct ouro_stream *stream, void *context)
{
    int rc = 0;

    (void)context;
    for (uint64_t i = 0; rc == 0 && i < PARTS; i++) {
        uint8_t byte = pattern_at(i);

        rc = ouro_stream_write(stream, ouro_slice_of(&byte, 1));
        if (rc == 0)
            rc = ouro_sleep(OURO_MICROSECONDS(i % 40));
    }
    return rc;
}

/* One of three ways to read, for a very short time. */
static ssize_t
read_in_no_time(struct ouro_stream *stream, uint8_t *into, unsigned turn)
{
    struct ouro_timeout limit;
    struct ouro_slice bytes;
    ssize_t size;

    ouro_timeout_begin(&limit, OURO_MICROSECONDS(turn % 30));
    if (turn % 3 == 0) {
        size = ouro_stream_read(stream, into, 3);
    } else if (turn % 3 == 1) {
        size = ouro_stream_read_exactly(stream, into, 2);
    } else {
        size = ouro_stream_peek(stream, &bytes);
        if (size > 0) {
            *into = *bytes.data;
            ouro_stream_consume(stream, 1);
            size = 1;
        }
    }
    return ouro_timeout_end(&limit, size);
}

static int
read_in_a_race(struct ouro_stream *stream, struct scene *scene)
{
    uint8_t bytes[PARTS + 3];
    ssize_t size = 1;

    for (unsigned turn = 0; size != 0 && scene->count < PARTS; turn++) {
        size = read_in_no_time(stream, bytes + scene->count, turn);
        scene->count += size > 0 ? (uint64_t)size : 0;
        if (size < 0 && size != -ETIMEDOUT && size != -OURO_EINCOMPLETE)
            return (int)size;
    }
    scene->most = check_pattern(bytes, scene->count, 0);
    return 0;
}

/* A1 */
static void
a_read_that_is_cancelled_loses_no_byte(void **state)
{
    struct scene scene = {.host = send_in_parts, .visitor = read_in_a_race};

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.count, PARTS);
    assert_int_equal(scene.most, PARTS);
}

/* Exactly. */

static int
send_what_is_asked(struct ouro_stream *stream, void *context)
{
    const struct scene *scene = context;

    return write_pattern(stream, scene->count);
}

static int
read_three_hundred_kib(struct ouro_stream *stream, struct scene *scene)
{
    static uint8_t bytes[300 * 1024];

    scene->seen[0] = ouro_stream_read_exactly(stream, bytes, sizeof(bytes));
    scene->seen[1] = (ssize_t)ouro_stream_bytes_read(stream);
    scene->most = check_pattern(bytes, (size_t)scene->seen[1], 0);
    scene->seen[2] = ouro_stream_read(stream, bytes, 10);
    return 0;
}

static void
more_than_the_limit_is_read_in_one_call(void **state)
{
    struct scene scene = {
        .host = send_what_is_asked,
        .visitor = read_three_hundred_kib,
        .limit = 1000,
        .count = 300 * 1024 + 5,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 300 * 1024);
    assert_int_equal(scene.most, 300 * 1024);
    assert_int_equal(scene.seen[2], 5);
}

static void
if_less_than_that_came_it_says_how_much_there_is(void **state)
{
    struct scene scene = {
        .host = send_what_is_asked,
        .visitor = read_three_hundred_kib,
        .limit = 1000,
        .count = 200 * 1024,
    };

    (void)state;
    assert_plays(&scene);
    assert_err(scene.seen[0], OURO_EINCOMPLETE);
    assert_int_equal(scene.seen[1], 200 * 1024);
    assert_int_equal(scene.most, 200 * 1024);
    assert_int_equal(scene.seen[2], 0);
}

/* Memory. */

static int
park_and_count_blocks(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;
    struct ouro_slice bytes;

    scene->seen[0] = ouro_stream_read_exactly(stream, scene->text, 5);
    scene->seen[1] = ouro_stream_peek(stream, &bytes);
    return 0;
}

static int
count_blocks_of_a_parked_reader(struct ouro_stream *stream, struct scene *scene)
{
    struct ouro_loop_stats stats;

    int rc = ouro_stream_write(stream, OURO_BYTES("hello"));
    if (rc == 0)
        rc = let_arrive();
    ouro_loop_get_stats(ouro_get_running_loop(), &stats);
    scene->count = stats.buffers;
    return rc;
}

static void
a_parked_reader_holds_no_buffer(void **state)
{
    struct scene scene = {
        .host = park_and_count_blocks,
        .visitor = count_blocks_of_a_parked_reader,
        .count = 1,
    };

    (void)state;
    assert_plays(&scene);
    assert_int_equal(scene.seen[0], 5);
    assert_int_equal(scene.seen[1], 0);
    assert_int_equal(scene.count, 0);
}

/* The two ends. */

/* What the host and the visitor are told. */
static struct {
    struct ouro_address local;
    struct ouro_address peer;
} told[2];

static int
ask_as_host(struct ouro_stream *stream, void *context)
{
    struct scene *scene = context;

    told[0].local = ouro_stream_local_address(stream);
    told[0].peer = ouro_stream_peer_address(stream);
    tell(&scene->ready);
    return ouro_await(&scene->over);
}

static int
ask_as_visitor(struct ouro_stream *stream, struct scene *scene)
{
    int rc = ouro_await(&scene->ready);

    told[1].local = ouro_stream_local_address(stream);
    told[1].peer = ouro_stream_peer_address(stream);
    tell(&scene->over);
    return rc;
}

static void
each_end_is_the_peer_of_the_other(void **state)
{
    struct scene scene = {.host = ask_as_host, .visitor = ask_as_visitor};

    (void)state;
    assert_plays(&scene);

    assert_true(ouro_address_equals(&told[0].local, &told[1].peer));
    assert_true(ouro_address_equals(&told[1].local, &told[0].peer));
    assert_false(ouro_address_equals(&told[0].local, &told[0].peer));
    assert_int_not_equal(ouro_address_port(&told[1].local), 0);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_comes_back_whole),
        cmocka_unit_test(
            a_stream_that_nobody_reads_holds_twice_its_limit_and_loses_nothing),
        cmocka_unit_test(
            bytes_before_a_reset_are_read_then_the_error_each_time),
        cmocka_unit_test(lines_come_one_by_one_and_the_last_may_lack_its_end),
        cmocka_unit_test(a_line_of_the_limit_is_read_and_a_longer_one_is_kept),
        cmocka_unit_test(a_second_reader_is_refused_and_the_first_gets_all),
        cmocka_unit_test(a_read_that_is_cancelled_loses_no_byte),
        cmocka_unit_test(more_than_the_limit_is_read_in_one_call),
        cmocka_unit_test(if_less_than_that_came_it_says_how_much_there_is),
        cmocka_unit_test(a_parked_reader_holds_no_buffer),
        cmocka_unit_test(each_end_is_the_peer_of_the_other),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
