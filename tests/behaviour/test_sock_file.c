/* SPDX-License-Identifier: MIT */
/* Files through plain sockets: exact range, exact position.  What row A19 of
 * the list of behaviours says of them. */
#include "sock_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *engine;

enum { FILE_SIZE = 1000000, BULK = 32 * 1024 * 1024 };

/* A file, and what came of it. */
struct seen {
    struct ends ends;
    FILE *file;
    int fd; /* of the file */
    off_t offset;
    size_t count;
    ssize_t result;
    size_t sent;
    size_t received;
    uint8_t *bytes;
    int rc;
};

static uint8_t
byte_at(size_t at)
{
    return (uint8_t)(at * 31 + at / 4093);
}

/* A file of `size` bytes, and room for as many. */
static void
make_file(struct seen *seen, size_t size)
{
    seen->file = tmpfile();
    seen->bytes = malloc(size);
    assert_non_null(seen->file);
    assert_non_null(seen->bytes);
    for (size_t i = 0; i < size; i++)
        seen->bytes[i] = byte_at(i);
    assert_int_equal(fwrite(seen->bytes, 1, size, seen->file), size);
    assert_int_equal(fflush(seen->file), 0);
    rewind(seen->file);
    seen->fd = fileno(seen->file);
}

static void
drop_file(struct seen *seen)
{
    assert_int_equal(fclose(seen->file), 0);
    free(seen->bytes);
}

static off_t
position_of(const struct seen *seen)
{
    return lseek(seen->fd, 0, SEEK_CUR);
}

static int
send_file(void *arg)
{
    struct seen *seen = arg;

    seen->result = ouro_sock_sendfile(seen->ends.a, seen->fd, seen->offset,
                                      seen->count, &seen->sent);
    ouro_sock_close(seen->ends.a);
    return 0;
}

static int
receive_to_end(struct seen *seen)
{
    uint8_t chunk[4096];
    ssize_t size;

    while ((size = ouro_sock_recv(seen->ends.b, chunk, sizeof(chunk))) > 0) {
        for (ssize_t i = 0; i < size; i++)
            seen->rc +=
                chunk[i] != byte_at((size_t)seen->offset + seen->received++);
    }
    return (int)size;
}

static int
send_and_receive(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *sender = begin(send_file, seen);
    rc = receive_to_end(seen);
    finish(sender);
    ouro_sock_close(seen->ends.b);
    return rc;
}

static void
check_range(off_t offset, size_t count, size_t size)
{
    struct seen seen = {.offset = offset, .count = count};

    make_file(&seen, FILE_SIZE);
    assert_ok(run_in_world(engine, send_and_receive, &seen));

    assert_int_equal(seen.result, size);
    assert_int_equal(seen.sent, size);
    assert_int_equal(seen.received, size);
    assert_int_equal(seen.rc, 0);
    assert_int_equal(position_of(&seen), size > 0 ? offset + (off_t)size : 0);
    drop_file(&seen);
}

static void
it_sends_the_range_and_leaves_the_position_behind_it(void **state)
{
    (void)state;
    check_range(0, OURO_UNLIMITED, FILE_SIZE);
    check_range(0, FILE_SIZE, FILE_SIZE);
    check_range(12345, 500000, 500000);
    check_range(1, 1, 1);
    check_range(5, 0, 0);
}

static void
a_range_past_the_end_of_the_file_sends_what_there_is(void **state)
{
    (void)state;
    check_range(FILE_SIZE - 10, 100, 10);
    check_range(FILE_SIZE, 100, 0);
    check_range(FILE_SIZE + 5, OURO_UNLIMITED, 0);
}

/* The file, then text. */

static int
send_file_and_text(void *arg)
{
    struct seen *seen = arg;

    seen->result =
        ouro_sock_sendfile(seen->ends.a, seen->fd, 0, FILE_SIZE, &seen->sent);
    seen->rc = ouro_sock_sendall(seen->ends.a, OURO_BYTES("text"), NULL);
    ouro_sock_close(seen->ends.a);
    return 0;
}

static int
receive_file_and_text(void *arg)
{
    struct seen *seen = arg;
    char text[4];

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *sender = begin(send_file_and_text, seen);
    (void)!ouro_sock_recv_exactly(seen->ends.b, seen->bytes, FILE_SIZE,
                                  &seen->received);
    ssize_t size = ouro_sock_recv_exactly(seen->ends.b, text, 4, NULL);
    finish(sender);
    ouro_sock_close(seen->ends.b);
    return size == 4 ? memcmp(text, "text", 4) : -EIO;
}

static void
what_is_sent_after_the_file_leaves_after_it(void **state)
{
    struct seen seen = {0};

    (void)state;
    make_file(&seen, FILE_SIZE);
    assert_ok(run_in_world(engine, receive_file_and_text, &seen));

    assert_ok(seen.rc);
    assert_int_equal(seen.received, FILE_SIZE);
    for (size_t i = 0; i < FILE_SIZE; i += 997)
        assert_int_equal(seen.bytes[i], byte_at(i));
    drop_file(&seen);
}

/* Cut short. */

static int
lose_the_peer(void *arg)
{
    struct seen *seen = arg;
    uint8_t some[1000];

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *sender = begin(send_file, seen);
    ssize_t size =
        ouro_sock_recv_exactly(seen->ends.b, some, sizeof(some), NULL);
    ouro_sock_close(seen->ends.b);
    finish(sender);
    return size == sizeof(some) ? 0 : -EIO;
}

static void
a_peer_that_is_lost_on_the_way_leaves_count_and_position_true(void **state)
{
    struct seen seen = {.offset = 7, .count = OURO_UNLIMITED};

    (void)state;
    make_file(&seen, BULK);
    assert_ok(run_in_world(engine, lose_the_peer, &seen));

    assert_true(seen.result == -EPIPE || seen.result == -ECONNRESET);
    assert_true(seen.sent >= 1000 && seen.sent < BULK);
    assert_int_equal(position_of(&seen), 7 + (off_t)seen.sent);
    drop_file(&seen);
}

static int
cancel_on_the_way(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *sender = begin(send_file, seen);
    rc = ouro_sleep(OURO_MILLISECONDS(1));
    ouro_task_cancel(sender);
    if (rc == 0)
        rc = receive_to_end(seen);
    finish(sender);
    ouro_sock_close(seen->ends.b);
    return rc;
}

static void
what_a_cancelled_one_did_not_send_never_leaves(void **state)
{
    struct seen seen = {.count = OURO_UNLIMITED};

    (void)state;
    make_file(&seen, BULK);
    assert_ok(run_in_world(engine, cancel_on_the_way, &seen));

    assert_err(seen.result, ECANCELED);
    assert_true(seen.sent > 0 && seen.sent < BULK);
    assert_int_equal(seen.received, seen.sent);
    assert_int_equal(seen.rc, 0);
    assert_int_equal(position_of(&seen), seen.sent);
    drop_file(&seen);
}

/* What cannot be sent. */

static int
send_what_is_no_file(void *arg)
{
    struct seen *seen = arg;
    int ends[2];

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    if (pipe(ends) < 0)
        return -errno;
    seen->rc = (int)ouro_sock_sendfile(seen->ends.a, ends[0], 0, 10, NULL);
    close(ends[0]);
    close(ends[1]);
    seen->result = ouro_sock_sendfile(seen->ends.a, -1, 0, 10, &seen->sent);
    seen->received =
        (size_t)-ouro_sock_sendfile(seen->ends.a, seen->fd, -1, 10, NULL);
    close_ends(&seen->ends);
    return (int)ouro_sock_sendfile(999999, seen->fd, 0, 10, NULL);
}

static void
only_regular_files_are_sent_and_only_by_sockets(void **state)
{
    struct seen seen = {.sent = 99};

    (void)state;
    make_file(&seen, 100);
    assert_err(run_in_world(engine, send_what_is_no_file, &seen), EBADF);

    assert_err(seen.rc, EINVAL);
    assert_err(seen.result, EBADF);
    assert_int_equal(seen.sent, 0);
    assert_int_equal(seen.received, EINVAL);
    drop_file(&seen);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_sends_the_range_and_leaves_the_position_behind_it),
        cmocka_unit_test(a_range_past_the_end_of_the_file_sends_what_there_is),
        cmocka_unit_test(what_is_sent_after_the_file_leaves_after_it),
        cmocka_unit_test(
            a_peer_that_is_lost_on_the_way_leaves_count_and_position_true),
        cmocka_unit_test(what_a_cancelled_one_did_not_send_never_leaves),
        cmocka_unit_test(only_regular_files_are_sent_and_only_by_sockets),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests_name("sock_file", tests, NULL, NULL);
}
