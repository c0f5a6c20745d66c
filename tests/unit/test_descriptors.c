/* SPDX-License-Identifier: MIT */
/* Who uses a descriptor when the loop has not begun, or ends; when there is no
 * memory; and what stops the program.  What a user sees is in behaviour.watch
 * and behaviour.sock. */
#include "ouro_test.h"

#include "loop.h"

#include <stdlib.h>

enum { MANY = 3000 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro__engine *engine;
    struct ouro_watch watch;
    struct seen_exceptions exceptions;
    unsigned calls;
    int ends[2];
    ssize_t seen;
};

static int
make_world(struct fixture *f, const struct ouro_sim_options *options)
{
    int rc = ouro_sim_new(&f->sim, options);
    if (rc < 0)
        return rc;

    f->loop = ouro_sim_loop(f->sim);
    f->engine = f->loop->engine;
    f->seen = UNSEEN;
    ouro_loop_set_exception_handler(f->loop, see_exception, &f->exceptions);
    return 0;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_ok(make_world(f, NULL));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    free(f);
    return 0;
}

static int
meet(void *arg)
{
    struct fixture *f = arg;
    struct ouro_address address;
    int listener = f->engine->sockets->open(f->engine, AF_INET);

    int rc = f->engine->sockets->listen(f->engine, listener, 1);
    if (rc == 0)
        rc = f->engine->sockets->local_address(f->engine, listener, &address);
    f->ends[0] = f->engine->sockets->open(f->engine, AF_INET);
    if (rc == 0)
        rc = ouro_sock_connect(f->ends[0], &address);
    if (rc == 0)
        rc = ouro_sock_accept(listener, NULL);
    f->ends[1] = rc;
    ouro_sock_close(listener);
    return rc < 0 ? rc : 0;
}

static void
count_call(void *arg)
{
    struct fixture *f = arg;

    f->calls++;
}

static void
send_byte(struct fixture *f)
{
    struct iovec byte = {.iov_base = (char[]){'x'}, .iov_len = 1};

    assert_int_equal(f->engine->sockets->send(f->engine, f->ends[0], &byte, 1),
                     1);
}

static int
watch(struct fixture *f)
{
    return ouro_add_reader(f->loop, &f->watch, f->ends[1], count_call, f);
}

/* Before a run. */

static void
a_watch_may_be_added_before_the_loop_runs(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, meet, f));
    assert_ok(watch(f));
    ouro_sim_advance(f->sim, 0);
    assert_int_equal(f->calls, 0);
    send_byte(f);
    ouro_sim_turn(f->sim);
    ouro_sim_turn(f->sim);

    assert_int_equal(f->calls, 2);
}

/* The end of a loop. */

static void
free_world(struct fixture *f)
{
    ouro_sim_free(f->sim);
    f->sim = NULL;
}

static void
the_loop_ends_its_watches(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, meet, f));
    assert_ok(watch(f));
    ouro_sim_advance(f->sim, 0);
    send_byte(f);
    free_world(f);

    assert_int_equal(f->calls, 0);
    assert_false(ouro_watch_remove(&f->watch));
    assert_int_equal(f->exceptions.count, 0);
}

static int
receive(void *arg)
{
    struct fixture *f = arg;
    char byte;

    f->seen = ouro_sock_recv(f->ends[1], &byte, 1);
    return 0;
}

static void
a_loop_may_be_freed_under_a_task_that_waits(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, meet, f));
    start(f->sim, receive, f);
    send_byte(f);
    free_world(f);

    assert_int_equal(f->seen, UNSEEN);
    assert_string_equal(f->exceptions.message, "a task was still alive");
}

static int
close_both(void *arg)
{
    struct fixture *f = arg;

    ouro_sock_close(f->ends[1]);
    ouro_sock_close(f->ends[0]);
    return 0;
}

/* The cancels lose their races, so that they are still in flight then. */
static void
a_loop_may_be_freed_before_a_descriptor_is_closed(void **state)
{
    const struct ouro_sim_options late = {.late_cancel_percent = 100};
    struct fixture *f = *state;

    free_world(f);
    assert_ok(make_world(f, &late));
    assert_ok(ouro_sim_run(f->sim, meet, f));
    assert_ok(watch(f));
    assert_ok(ouro_add_writer(f->loop, &(struct ouro_watch){0}, f->ends[0],
                              count_call, f));
    ouro_sim_turn(f->sim);
    assert_ok(ouro_sim_run(f->sim, close_both, f));
    assert_int_equal(ouro_sim_open_sockets(f->sim), 1);
    free_world(f);

    assert_int_equal(f->exceptions.count, 0);
}

/* Many. */

static void
open_many(struct fixture *f, int *fds)
{
    for (size_t i = 0; i < MANY; i++)
        fds[i] = f->engine->sockets->open(f->engine, AF_INET);
}

static void
many_descriptors_are_used_at_once_and_again(void **state)
{
    struct fixture *f = *state;
    struct ouro_watch *watches = calloc(MANY, sizeof(*watches));
    static int fds[MANY];

    open_many(f, fds);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < MANY; i++)
            assert_ok(
                ouro_add_writer(f->loop, &watches[i], fds[i], count_call, f));
        f->calls = 0;
        for (int turn = 0; turn < 4 * MANY / OURO__BATCH; turn++)
            ouro_sim_turn(f->sim);
        assert_true(f->calls >= MANY);
        for (size_t i = 0; i < MANY; i++)
            assert_true(ouro_watch_remove(&watches[i]));
    }
    free(watches);
}

/* No memory. */

static int
meet_and_watch(void *arg)
{
    struct fixture *f = arg;

    int rc = make_world(f, NULL);
    if (rc < 0)
        return rc;
    rc = ouro_sim_run(f->sim, meet, f);
    if (rc == 0)
        rc = watch(f);
    free_world(f);
    return rc;
}

static void
without_memory_calls_and_watches_fail(void **state)
{
    struct fixture *f = *state;

    free_world(f);
    for_each_allocation_failure(meet_and_watch, f);
}

/* The first block is what a loop keeps, the second is the watch's own. */
static void
a_watch_without_memory_says_so_and_is_idle(void **state)
{
    struct fixture *f = *state;

    f->ends[1] = f->engine->sockets->open(f->engine, AF_INET);
    for (unsigned n = 1; n <= 2; n++) {
        fail_allocation(n);
        assert_err(watch(f), ENOMEM);
        fail_allocation(1);
        assert_err(
            ouro_add_writer(f->loop, &f->watch, f->ends[1], count_call, f),
            ENOMEM);
        assert_false(ouro_watch_remove(&f->watch));
    }
    fail_allocation(0);
    assert_ok(watch(f));
}

/* The first that one of them makes, on a loop that had none. */
static int
call_without_memory(void *arg)
{
    struct fixture *f = arg;
    struct ouro_address address;
    char byte = 0;
    int fd = f->engine->sockets->open(f->engine, AF_INET);
    ssize_t results[9];

    int rc = ouro_address_parse(&address, "127.0.0.1", 1);
    fail_allocation(1);
    results[0] = ouro_sock_recv(fd, &byte, 1);
    fail_allocation(1);
    results[1] = ouro_sock_recv_exactly(fd, &byte, 1, NULL);
    fail_allocation(1);
    results[2] = ouro_sock_recvfrom(fd, &byte, 1, NULL);
    fail_allocation(1);
    results[3] = ouro_sock_send(fd, OURO_BYTES("x"));
    fail_allocation(1);
    results[4] = ouro_sock_sendall(fd, OURO_BYTES("x"), NULL);
    fail_allocation(1);
    results[5] = ouro_sock_sendto(fd, OURO_BYTES("x"), &address);
    fail_allocation(1);
    results[6] = ouro_sock_connect(fd, &address);
    fail_allocation(1);
    results[7] = ouro_sock_accept(fd, NULL);
    fail_allocation(1);
    results[8] = ouro_sock_sendfile(fd, 0, 0, 1, NULL);
    for (size_t i = 0; i < 9; i++)
        f->calls += results[i] == -ENOMEM;
    ouro_sock_close(fd);
    return rc;
}

static void
each_call_says_that_there_is_no_memory(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, call_without_memory, f));
    assert_int_equal(f->calls, 9);
    fail_allocation(0);
}

/* Breaches. */

/* The parent's ring is no place for a poll of the child. */
static void
watch_in_a_child(void *arg)
{
    (void)!watch(arg);
}

static void
stop_watching(void *arg)
{
    struct fixture *f = arg;

    ouro_watch_remove(&f->watch);
}

static void
a_child_cannot_touch_the_watches_of_its_parent(void **state)
{
    static const char words[] = "a forked child makes a loop of its own";
    struct fixture *f = *state;

    f->ends[1] = f->engine->sockets->open(f->engine, AF_INET);
    assert_callback_stops(watch_in_a_child, f, words);
    assert_ok(watch(f));
    assert_callback_stops(stop_watching, f, words);
}

static int
add_twice(void *arg)
{
    struct fixture f = {.loop = ouro_get_running_loop()};

    (void)arg;
    f.engine = f.loop->engine;
    int rc = meet(&f);
    if (rc == 0)
        rc = watch(&f);
    return rc == 0 ? watch(&f) : rc;
}

static void
to_add_a_watch_twice_stops_the_program(void **state)
{
    (void)state;
    assert_stops(add_twice, NULL, "a watch is added once at a time");
}

static void
receive_in_a_callback(void *arg)
{
    char byte;

    (void)!ouro_sock_recv(3, &byte, 1);
    (void)arg;
}

static void
close_outside_of_a_loop(void *arg)
{
    ouro_sock_close(*(int *)arg);
}

static void
calls_without_a_task_or_a_loop_stop_the_program(void **state)
{
    int fd = 0;

    (void)state;
    assert_callback_stops(receive_in_a_callback, NULL,
                          "a call that suspends is made in a task");
    assert_callback_stops(close_outside_of_a_loop, &fd,
                          "a descriptor is closed where a loop runs");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_watch_may_be_added_before_the_loop_runs),
        TEST(the_loop_ends_its_watches),
        TEST(a_loop_may_be_freed_under_a_task_that_waits),
        TEST(a_loop_may_be_freed_before_a_descriptor_is_closed),
        TEST(many_descriptors_are_used_at_once_and_again),
        TEST(without_memory_calls_and_watches_fail),
        TEST(a_watch_without_memory_says_so_and_is_idle),
        TEST(each_call_says_that_there_is_no_memory),
        TEST(a_child_cannot_touch_the_watches_of_its_parent),
        TEST(to_add_a_watch_twice_stops_the_program),
        TEST(calls_without_a_task_or_a_loop_stop_the_program),
    };

    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
