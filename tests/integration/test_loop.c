/* SPDX-License-Identifier: MIT */
/* A loop on the real kernel: how it is made, its clock, and that an endless
 * chain of calls starves neither timers nor sockets.  See include/ouro/loop.h;
 * what is refused and why is in integration.refused. */
#include "ouro_test.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TIMERS = 200, ECHOES = 20 };

struct fixture {
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_address there;
    int listener;
    struct ouro_handle chain;
    struct ouro_handle late;
    int64_t start_ns;
    int64_t late_ns;
    size_t descriptors;
    unsigned early;
    unsigned calls;
    bool over;
};

/* Making one. */

static void
a_loop_says_what_it_runs_on(void **state)
{
    struct fixture *f = *state;
    const struct ouro_engine_info *info = ouro_loop_engine(f->loop);

    assert_string_equal(info->name, "uring");
    assert_int_equal(info->ring_entries, 256);
    assert_int_equal(info->completion_entries, 4096);
    assert_non_null(info->features);
    assert_non_null(info->missing);
}

static void
a_loop_has_the_size_that_was_asked_for(void **state)
{
    const struct ouro_loop_options options = {.ring_entries = 32,
                                              .completion_entries = 128,
                                              .engine = OURO_ENGINE_URING};
    struct ouro_loop *loop;

    (void)state;
    assert_ok(ouro_loop_new(&loop, &options));
    assert_int_equal(ouro_loop_engine(loop)->ring_entries, 32);
    assert_int_equal(ouro_loop_engine(loop)->completion_entries, 128);
    ouro_loop_free(loop);
}

/* All of it fails in turn; nothing is left, and no loop is told of. */
static int
make_and_free(void *arg)
{
    struct ouro_loop *loop = arg;
    size_t descriptors = count_descriptors();

    int rc = ouro_loop_new(&loop, NULL);
    if (rc < 0) {
        assert_null(loop);
        assert_int_equal(count_descriptors(), descriptors);
        assert_err(rc, ENOMEM);
        return rc;
    }
    ouro_loop_stop(loop);
    ouro_loop_run_forever(loop);
    ouro_loop_free(loop);
    assert_int_equal(count_descriptors(), descriptors);
    return rc;
}

static void
without_memory_there_is_no_loop_and_nothing_is_left(void **state)
{
    (void)state;

    for_each_allocation_failure(make_and_free, NULL);
}

/* The clock. */

static int64_t
monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return OURO_SECONDS(now.tv_sec) + now.tv_nsec;
}

static void
its_time_is_that_of_the_monotonic_clock(void **state)
{
    struct fixture *f = *state;

    int64_t before_ns = monotonic_ns();
    int64_t now_ns = ouro_loop_time_ns(f->loop);
    int64_t after_ns = monotonic_ns();

    assert_true(before_ns <= now_ns && now_ns <= after_ns);
}

struct timer {
    struct ouro_handle handle;
    struct fixture *f;
    int64_t when_ns;
};

static void
look_at_the_clock(void *arg)
{
    struct timer *timer = arg;
    struct fixture *f = timer->f;

    f->early += monotonic_ns() < timer->when_ns;
    if (++f->calls == TIMERS)
        ouro_loop_stop(f->loop);
}

/* A76: up to a microsecond apart, and up to 20 ms away. */
static void
no_timer_is_early_by_the_clock_of_the_machine(void **state)
{
    static struct timer timers[TIMERS];
    struct fixture *f = *state;
    int64_t now_ns = ouro_loop_time_ns(f->loop);

    memset(timers, 0, sizeof(timers));
    for (size_t i = 0; i < TIMERS; i++) {
        timers[i].f = f;
        timers[i].when_ns = now_ns + (int64_t)i * OURO_MICROSECONDS(100)
                            + (int64_t)(i * 7919 % 1000);
        ouro_call_at(f->loop, &timers[i].handle, timers[i].when_ns,
                     look_at_the_clock, &timers[i]);
    }
    ouro_loop_run_forever(f->loop);

    assert_int_equal(f->calls, TIMERS);
    assert_int_equal(f->early, 0);
}

static void
stop(void *arg)
{
    struct fixture *f = arg;

    f->late_ns = ouro_loop_time_ns(f->loop);
    ouro_loop_stop(f->loop);
}

static void
too_early(void *arg)
{
    (void)arg;
    abort();
}

/* A76: a time to wait that a timespec could not hold, or that would wrap. */
static void
a_far_timer_does_not_disturb_a_near_one(void **state)
{
    struct fixture *f = *state;
    struct ouro_handle far[3] = {{0}};
    const int64_t far_ns[] = {OURO_FOREVER, OURO_FOREVER - 1,
                              OURO_SECONDS(4000000000)};

    for (size_t i = 0; i < 3; i++)
        ouro_call_at(f->loop, &far[i], far_ns[i], too_early, NULL);
    ouro_call_later(f->loop, &f->late, OURO_MILLISECONDS(2), stop, f);
    ouro_loop_run_forever(f->loop);
    for (size_t i = 0; i < 3; i++)
        ouro_handle_cancel(&far[i]);

    assert_true(f->late_ns >= f->start_ns + OURO_MILLISECONDS(2));
}

static void
to_wait_for_a_timer_costs_few_turns(void **state)
{
    struct fixture *f = *state;
    struct ouro_loop_stats before;
    struct ouro_loop_stats after;

    ouro_loop_get_stats(f->loop, &before);
    ouro_call_later(f->loop, &f->late, OURO_MILLISECONDS(30), stop, f);
    ouro_loop_run_forever(f->loop);
    ouro_loop_get_stats(f->loop, &after);

    assert_in_range(after.turns - before.turns, 1, 5);
}

/* Fairness. */

static void
call_again(void *arg)
{
    struct fixture *f = arg;

    if (!f->over)
        ouro_call_soon(f->loop, &f->chain, call_again, f);
}

static int
echo_all(void *arg)
{
    const struct fixture *f = arg;
    int fd = peer_accept(f->listener);
    char bytes[5];
    int rc = fd < 0 ? fd : 0;

    for (int i = 0; i < ECHOES && rc == 0; i++) {
        rc = peer_receive(fd, bytes, sizeof(bytes));
        if (rc == 0)
            rc = peer_send(fd, (struct ouro_slice){(uint8_t *)bytes, 5});
    }
    if (fd >= 0)
        peer_close(fd);
    return rc;
}

static int
talk(struct ouro_stream *stream)
{
    for (int i = 0; i < ECHOES; i++) {
        uint8_t reply[5];
        int rc = ouro_stream_write(stream, OURO_BYTES("hello"));
        if (rc < 0)
            return rc;
        ssize_t size = ouro_stream_read_exactly(stream, reply, sizeof(reply));
        if (size < 0)
            return (int)size;
    }
    return 0;
}

static int
talk_beside_a_chain(void *arg)
{
    struct fixture *f = arg;
    struct ouro_stream *stream;
    char port[16];
    const struct ouro_connect_options where = {.host = "127.0.0.1",
                                               .service = port};

    snprintf(port, sizeof(port), "%d", ouro_address_port(&f->there));
    ouro_call_soon(f->loop, &f->chain, call_again, f);
    int rc = ouro_open_connection(&stream, &where);
    if (rc == 0) {
        rc = talk(stream);
        ouro_stream_free(stream);
    }
    int slept = ouro_sleep(OURO_MILLISECONDS(50));
    f->late_ns = ouro_loop_time_ns(f->loop);
    f->over = true;
    return rc < 0 ? rc : slept;
}

/* A43: a loop that only made calls would end with the test's time. */
static void
an_endless_chain_of_calls_starves_no_socket_and_no_timer(void **state)
{
    struct fixture *f = *state;
    struct ouro_task *task;
    struct peer peer;

    peer_start(&peer, echo_all, f);
    assert_ok(ouro_loop_create_task(f->loop, &task, talk_beside_a_chain, f));
    assert_ok(ouro_loop_run_until_complete(f->loop, ouro_task_future(task)));

    assert_ok(ouro_task_result(task));
    assert_ok(peer_join(&peer));
    assert_true(f->late_ns - f->start_ns >= OURO_MILLISECONDS(50));
    ouro_task_unref(task);
}

static int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_loop_options options = {
        .exception_handler = see_exception,
        .exception_arg = &f.seen,
    };

    memset(&f, 0, sizeof(f));
    f.descriptors = count_descriptors();
    f.listener = peer_listen("127.0.0.1", &f.there);
    assert_true(f.listener >= 0);
    assert_ok(ouro_loop_new(&f.loop, &options));
    f.start_ns = ouro_loop_time_ns(f.loop);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_handle_cancel(&f->chain);
    ouro_loop_free(f->loop);
    peer_close(f->listener);
    assert_int_equal(f->seen.count, 0);
    assert_int_equal(count_descriptors(), f->descriptors);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_loop_says_what_it_runs_on),
        TEST(a_loop_has_the_size_that_was_asked_for),
        TEST(without_memory_there_is_no_loop_and_nothing_is_left),
        TEST(its_time_is_that_of_the_monotonic_clock),
        TEST(no_timer_is_early_by_the_clock_of_the_machine),
        TEST(a_far_timer_does_not_disturb_a_near_one),
        TEST(to_wait_for_a_timer_costs_few_turns),
        TEST(an_endless_chain_of_calls_starves_no_socket_and_no_timer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
