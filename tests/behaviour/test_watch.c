/* SPDX-License-Identifier: MIT */
/* Watches of descriptors.  Row A85 of the list of behaviours. */
#include "sock_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *engine;

enum { CALLS = 10 };

/* A watch, what it was called for, and what it does then. */
struct watcher {
    struct ouro_watch watch;
    struct seen *seen;
    unsigned calls;
    unsigned most; /* calls, after which it removes itself; 0: never */
    bool reads;    /* one byte, each time */
    bool removes_the_other;
    bool removed;
    uint64_t turn; /* of the last call */
    uint64_t gaps; /* turns between two calls without one */
};

/* What a main task and its helpers saw. */
struct seen {
    struct ends ends;
    struct watcher reader;
    struct watcher writer;
    struct watcher other;
    unsigned calls;
    int rc[8];
};

static uint64_t
turns_so_far(void)
{
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(ouro_get_running_loop(), &stats);
    return stats.turns;
}

static void
is_ready(void *arg)
{
    struct watcher *watcher = arg;
    struct seen *seen = watcher->seen;
    uint64_t turn = turns_so_far();
    char byte;

    watcher->gaps += watcher->calls > 0 ? turn - watcher->turn - 1 : 0;
    watcher->turn = turn;
    watcher->calls++;
    seen->calls++;
    if (watcher->reads)
        (void)here()->sockets->recv(here(), seen->ends.b, &byte, 1);
    if (watcher->removes_the_other)
        ouro_watch_remove(&seen->other.watch);
    if (watcher->calls == watcher->most)
        watcher->removed = ouro_watch_remove(&watcher->watch);
}

static int
add_reader(struct seen *seen, struct watcher *watcher, int fd)
{
    watcher->seen = seen;
    return ouro_add_reader(ouro_get_running_loop(), &watcher->watch, fd,
                           is_ready, watcher);
}

static int
add_writer(struct seen *seen, struct watcher *watcher, int fd)
{
    watcher->seen = seen;
    return ouro_add_writer(ouro_get_running_loop(), &watcher->watch, fd,
                           is_ready, watcher);
}

static int
send_byte(int fd)
{
    return ouro_sock_sendall(fd, OURO_BYTES("x"), NULL);
}

/* Level. */

static int
leave_it_unread(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    seen->reader.most = CALLS;
    seen->rc[0] = add_reader(seen, &seen->reader, seen->ends.b);
    rc = ouro_sleep(OURO_MILLISECONDS(5));
    seen->rc[1] = (int)seen->reader.calls;
    if (rc == 0)
        rc = send_byte(seen->ends.a);
    for (int i = 0; rc == 0 && i < 1000 && seen->reader.calls < CALLS; i++)
        rc = ouro_sleep(0);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    close_ends(&seen->ends);
    return rc;
}

static void
unread_data_bring_the_call_in_each_turn(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, leave_it_unread, &seen));

    assert_ok(seen.rc[0]);
    assert_int_equal(seen.rc[1], 0);
    assert_int_equal(seen.reader.calls, CALLS);
    if (strcmp(engine, "chaos") != 0)
        assert_int_equal(seen.reader.gaps, 0);
    assert_true(seen.reader.removed);
    assert_false(ouro_watch_remove(&seen.reader.watch));
}

static int
read_each_time(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    seen->reader.reads = true;
    seen->rc[0] = add_reader(seen, &seen->reader, seen->ends.b);
    for (int i = 0; rc == 0 && i < 3; i++) {
        rc = send_byte(seen->ends.a);
        if (rc == 0)
            rc = ouro_sleep(OURO_MILLISECONDS(5));
        seen->rc[1 + i] = (int)seen->reader.calls;
    }
    seen->rc[4] = ouro_watch_remove(&seen->reader.watch);
    if (rc == 0)
        rc = send_byte(seen->ends.a);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    close_ends(&seen->ends);
    return rc;
}

static void
what_was_read_brings_no_call_and_a_removed_watch_none(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, read_each_time, &seen));

    assert_int_equal(seen.rc[1], 1);
    assert_int_equal(seen.rc[2], 2);
    assert_int_equal(seen.rc[3], 3);
    assert_int_equal(seen.rc[4], true);
    assert_int_equal(seen.reader.calls, 3);
}

/* Directions. */

static int
watch_both(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    seen->reader.reads = true;
    seen->writer.most = CALLS;
    seen->rc[0] = add_reader(seen, &seen->reader, seen->ends.b);
    seen->rc[1] = add_writer(seen, &seen->writer, seen->ends.b);
    seen->rc[2] = add_reader(seen, &seen->other, seen->ends.b);
    seen->rc[3] = add_writer(seen, &seen->other, seen->ends.b);
    rc = ouro_sleep(OURO_MILLISECONDS(50));
    if (rc == 0)
        rc = send_byte(seen->ends.a);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    seen->rc[4] = ouro_watch_remove(&seen->reader.watch);
    seen->rc[5] = add_reader(seen, &seen->other, seen->ends.b);
    seen->rc[6] = ouro_watch_remove(&seen->other.watch);
    close_ends(&seen->ends);
    return rc < 0 ? rc : settle();
}

static void
each_direction_has_one_watch_and_its_own(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, watch_both, &seen));

    assert_ok(seen.rc[0]);
    assert_ok(seen.rc[1]);
    assert_err(seen.rc[2], EEXIST);
    assert_err(seen.rc[3], EEXIST);
    assert_int_equal(seen.writer.calls, CALLS);
    assert_true(seen.writer.removed);
    assert_int_equal(seen.reader.calls, 1);
    assert_int_equal(seen.rc[4], true);
    assert_ok(seen.rc[5]);
    assert_int_equal(seen.rc[6], true);
}

static int
end_the_peer(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    seen->reader.most = 1;
    seen->rc[0] = add_reader(seen, &seen->reader, seen->ends.b);
    ouro_sock_close(seen->ends.a);
    rc = ouro_sleep(OURO_MILLISECONDS(5));
    ouro_sock_close(seen->ends.b);
    return rc;
}

static void
the_end_of_the_peer_counts_as_ready(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, end_the_peer, &seen));

    assert_ok(seen.rc[0]);
    assert_int_equal(seen.reader.calls, 1);
}

/* Removal. */

static int
remove_in_flight(void *arg)
{
    struct seen *seen = arg;
    int rc = open_ends(&seen->ends);

    for (int turns = 0; rc == 0 && turns < 5; turns++) {
        struct watcher *watcher = calloc(1, sizeof(*watcher));

        rc =
            watcher == NULL ? -ENOMEM : add_reader(seen, watcher, seen->ends.b);
        for (int i = 0; rc == 0 && i < turns; i++)
            rc = ouro_sleep(0);
        seen->rc[0] += watcher != NULL && ouro_watch_remove(&watcher->watch);
        free(watcher);
        if (rc == 0)
            rc = send_byte(seen->ends.a);
    }
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    close_ends(&seen->ends);
    return rc;
}

static void
the_memory_of_a_removed_watch_is_the_callers_at_once(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, remove_in_flight, &seen));

    assert_int_equal(seen.rc[0], 5);
}

/* The one that is called first removes the other, which is ready as well. */
static int
remove_the_other(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    seen->writer.removes_the_other = true;
    seen->writer.most = 1;
    rc = send_byte(seen->ends.a);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    seen->rc[0] = add_writer(seen, &seen->writer, seen->ends.b);
    seen->rc[1] = add_writer(seen, &seen->other, seen->ends.a);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    seen->rc[2] = (int)seen->other.calls;
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    close_ends(&seen->ends);
    return rc;
}

static void
a_call_may_remove_another_watch(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, remove_the_other, &seen));

    assert_ok(seen.rc[0]);
    assert_ok(seen.rc[1]);
    assert_int_equal(seen.writer.calls, 1);
    assert_int_equal(seen.other.calls, seen.rc[2]);
}

/* Its memory goes inside its own call, and perhaps its descriptor. */
struct short_lived {
    struct ouro_watch watch;
    struct seen *seen;
    int closes; /* a descriptor; -1: none */
};

static void
remove_and_free_itself(void *arg)
{
    struct short_lived *self = arg;
    struct seen *seen = self->seen;

    seen->calls++;
    ouro_sock_close(self->closes);
    seen->rc[seen->calls] = ouro_watch_remove(&self->watch);
    free(self);
}

static int
add_short_lived(struct seen *seen, int fd, int closes)
{
    struct short_lived *self = calloc(1, sizeof(*self));

    if (self == NULL)
        return -ENOMEM;
    self->seen = seen;
    self->closes = closes;
    return ouro_add_writer(ouro_get_running_loop(), &self->watch, fd,
                           remove_and_free_itself, self);
}

static int
let_watches_free_themselves(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc == 0)
        rc = add_short_lived(seen, seen->ends.a, -1);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    if (rc == 0)
        rc = add_short_lived(seen, seen->ends.b, seen->ends.b);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    ouro_sock_close(seen->ends.a);
    return rc;
}

static void
a_call_may_remove_its_watch_and_free_it(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, let_watches_free_themselves, &seen));

    assert_int_equal(seen.calls, 2);
    assert_int_equal(seen.rc[1], true);
    assert_int_equal(seen.rc[2], false);
}

static int
close_it_watched(void *arg)
{
    struct seen *seen = arg;
    struct ends next = {0};

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    seen->rc[0] = add_reader(seen, &seen->reader, seen->ends.b);
    rc = ouro_sleep(OURO_MILLISECONDS(5));
    close_ends(&seen->ends);
    seen->rc[1] = ouro_watch_remove(&seen->reader.watch);
    if (rc == 0)
        rc = settle();
    if (rc == 0)
        rc = open_ends(&next);
    if (rc == 0)
        rc = send_byte(next.a);
    if (rc == 0)
        rc = send_byte(next.b);
    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(5));
    close_ends(&next);
    return rc;
}

static void
closing_a_descriptor_ends_its_watches(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, close_it_watched, &seen));

    assert_ok(seen.rc[0]);
    assert_int_equal(seen.rc[1], false);
    assert_int_equal(seen.reader.calls, 0);
}

/* Others. */

static int
receive_one(void *arg)
{
    struct seen *seen = arg;
    char byte;

    return (int)ouro_sock_recv(seen->ends.b, &byte, 1);
}

static int
watch_beside_a_task(void *arg)
{
    struct seen *seen = arg;

    int rc = open_ends(&seen->ends);
    if (rc < 0)
        return rc;
    struct ouro_task *receiver = begin(receive_one, seen);
    rc = settle();
    seen->rc[0] = add_reader(seen, &seen->reader, seen->ends.b);
    seen->rc[1] = send_byte(seen->ends.a);
    seen->rc[2] = finish(receiver);
    seen->rc[3] = add_reader(seen, &seen->reader, seen->ends.b);
    seen->rc[4] = receive_one(seen);
    seen->rc[5] = ouro_watch_remove(&seen->reader.watch);
    close_ends(&seen->ends);
    return rc;
}

static void
a_watch_and_a_task_exclude_each_other(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, watch_beside_a_task, &seen));

    assert_err(seen.rc[0], EBUSY);
    assert_ok(seen.rc[1]);
    assert_int_equal(seen.rc[2], 1);
    assert_ok(seen.rc[3]);
    assert_err(seen.rc[4], EBUSY);
    assert_int_equal(seen.rc[5], true);
}

static int
watch_a_transport(void *arg)
{
    struct seen *seen = arg;
    struct ouro_address address;
    int listener = listen_somewhere(1, &address);
    char port[8];
    struct ouro_connect_options options = {
        .host = "127.0.0.1",
        .service = port,
    };
    struct ouro_stream *stream;

    snprintf(port, sizeof(port), "%u", (unsigned)ouro_address_port(&address));
    int rc = ouro_open_connection(&stream, &options);
    if (rc < 0)
        return rc;
    int fd = ouro_transport_descriptor(ouro_stream_transport(stream));
    seen->rc[0] = add_reader(seen, &seen->reader, fd);
    seen->rc[1] = add_writer(seen, &seen->reader, fd);
    seen->rc[2] = add_reader(seen, &seen->reader, listener);
    seen->rc[3] = ouro_watch_remove(&seen->reader.watch);
    seen->rc[4] = add_reader(seen, &seen->reader, -1);
    seen->rc[5] = add_reader(seen, &seen->reader, 999999);
    ouro_stream_free(stream);
    ouro_sock_close(listener);
    return 0;
}

static void
the_descriptor_of_a_transport_is_refused(void **state)
{
    struct seen seen = {0};

    (void)state;
    assert_ok(run_in_world(engine, watch_a_transport, &seen));

    assert_err(seen.rc[0], EBUSY);
    assert_err(seen.rc[1], EBUSY);
    assert_ok(seen.rc[2]);
    assert_int_equal(seen.rc[3], true);
    assert_err(seen.rc[4], EBADF);
    assert_err(seen.rc[5], EBADF);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unread_data_bring_the_call_in_each_turn),
        cmocka_unit_test(what_was_read_brings_no_call_and_a_removed_watch_none),
        cmocka_unit_test(each_direction_has_one_watch_and_its_own),
        cmocka_unit_test(the_end_of_the_peer_counts_as_ready),
        cmocka_unit_test(the_memory_of_a_removed_watch_is_the_callers_at_once),
        cmocka_unit_test(a_call_may_remove_another_watch),
        cmocka_unit_test(a_call_may_remove_its_watch_and_free_it),
        cmocka_unit_test(closing_a_descriptor_ends_its_watches),
        cmocka_unit_test(a_watch_and_a_task_exclude_each_other),
        cmocka_unit_test(the_descriptor_of_a_transport_is_refused),
    };

    engine = world_engine(argc, argv);
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
