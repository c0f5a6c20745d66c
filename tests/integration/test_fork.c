/* SPDX-License-Identifier: MIT */
/* A ring has one process and one thread: what happens to any other that tries.
 *
 * io_uring 3.11 and 3.12: a child shares the queues of its parent, and would
 * move their ends.
 */
#include "ouro_test.h"
#include "peer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_server *server;
    struct ouro_address address;
    int client; /* connected: a receive and an accept are in flight */
    size_t descriptors;
};

static void
echo_data_received(struct ouro_protocol *self, struct ouro_slice data)
{
    ouro_transport_write(self->transport, data);
}

static const struct ouro_protocol_ops echo_ops = {
    .size = sizeof(struct ouro_protocol),
    .data_received = echo_data_received,
};

static int
serve(void *arg)
{
    const struct ouro_server_options options = {.host = "127.0.0.1"};
    struct fixture *f = arg;

    int rc = ouro_create_server(&f->server, &echo_ops, NULL, &options);
    if (rc == 0)
        f->address = ouro_server_address(f->server, 0);
    return rc;
}

static int
stop(void *arg)
{
    struct fixture *f = arg;

    return ouro_server_stop(f->server, OURO_SECONDS(5));
}

static int
run(struct fixture *f, ouro_task_fn *fn)
{
    struct ouro_task *task;

    assert_ok(ouro_loop_create_task(f->loop, &task, fn, f));
    assert_ok(ouro_loop_run_until_complete(f->loop, ouro_task_future(task)));
    int rc = ouro_task_result(task);
    ouro_task_unref(task);
    return rc;
}

static void
stop_loop(void *arg)
{
    struct fixture *f = arg;

    ouro_loop_stop(f->loop);
}

static void
pass(struct fixture *f, int64_t delay_ns)
{
    struct ouro_handle handle = {0};

    ouro_call_later(f->loop, &handle, delay_ns, stop_loop, f);
    ouro_loop_run_forever(f->loop);
}

static void
assert_it_echoes(struct fixture *f)
{
    char back[4] = "";

    assert_ok(peer_send(f->client, OURO_BYTES("ping")));
    pass(f, OURO_MILLISECONDS(20));
    assert_ok(peer_receive(f->client, back, sizeof(back)));
    assert_memory_equal(back, "ping", 4);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->descriptors = count_descriptors();
    assert_ok(ouro_loop_new(&f->loop, NULL));
    ouro_loop_set_exception_handler(f->loop, see_exception, &f->seen);
    assert_ok(run(f, serve));
    f->client = peer_connect(&f->address);
    assert_it_echoes(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    peer_close(f->client);
    assert_ok(run(f, stop));
    ouro_server_free(f->server);
    ouro_loop_free(f->loop);
    assert_int_equal(f->seen.count, 0);
    assert_int_equal(count_descriptors(), f->descriptors);
    free(f);
    return 0;
}

/* In a child. */

static void
run_it(void *arg)
{
    struct fixture *f = arg;

    ouro_loop_run_forever(f->loop);
}

static void
free_it(void *arg)
{
    struct fixture *f = arg;

    ouro_loop_free(f->loop);
}

static void
a_child_that_runs_the_loop_stops_and_its_parent_goes_on(void **state)
{
    struct fixture *f = *state;

    assert_callback_stops(run_it, f, "a forked child makes a loop of its own");

    assert_it_echoes(f);
}

static void
a_child_that_frees_the_loop_stops_and_its_parent_goes_on(void **state)
{
    struct fixture *f = *state;

    assert_callback_stops(free_it, f, "a forked child makes a loop of its own");

    assert_it_echoes(f);
}

/* The child goes on with the run it was forked in; its parent tells on it. */
static void
fork_in_callback(void *arg)
{
    int status = 0;

    (void)arg;
    pid_t child = fork();
    if (child == 0)
        return;
    if (waitpid(child, &status, 0) == child && WIFSIGNALED(status)
        && WTERMSIG(status) == SIGABRT)
        abort();
    _exit(EXIT_FAILURE);
}

static void
fork_in_run(void *arg)
{
    struct ouro_handle handle = {0};
    struct ouro_loop *loop;

    (void)arg;
    if (ouro_loop_new(&loop, NULL) < 0)
        return;
    ouro_call_soon(loop, &handle, fork_in_callback, NULL);
    ouro_loop_run_forever(loop);
}

static void
a_child_that_is_forked_in_a_run_stops_in_the_next_turn(void **state)
{
    (void)state;
    assert_callback_stops(fork_in_run, NULL,
                          "a forked child makes a loop of its own");
}

static int
use_loop_of_its_own(void)
{
    struct fixture own = {0};

    if (ouro_loop_new(&own.loop, NULL) < 0)
        return 1;
    pass(&own, OURO_MILLISECONDS(1));
    ouro_loop_free(own.loop);
    return 0;
}

static void
a_child_may_have_a_loop_of_its_own(void **state)
{
    struct fixture *f = *state;
    int status = -1;

    pid_t child = fork();
    if (child == 0)
        _exit(use_loop_of_its_own());
    assert_int_equal(waitpid(child, &status, 0), child);

    assert_int_equal(status, 0);
    assert_it_echoes(f);
}

/* On another thread. */

static void *
run_on_thread(void *arg)
{
    run_it(arg);
    return NULL;
}

static void
start_thread(void *arg)
{
    struct fixture own = {0};
    pthread_t thread;

    (void)arg;
    if (ouro_loop_new(&own.loop, NULL) < 0
        || pthread_create(&thread, NULL, run_on_thread, &own) != 0)
        return;
    pthread_join(thread, NULL);
}

static void
another_thread_that_runs_the_loop_stops_the_program(void **state)
{
    (void)state;
    assert_callback_stops(start_thread, NULL,
                          "a loop is used only on the thread that made it");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_child_that_runs_the_loop_stops_and_its_parent_goes_on),
        TEST(a_child_that_frees_the_loop_stops_and_its_parent_goes_on),
        cmocka_unit_test(
            a_child_that_is_forked_in_a_run_stops_in_the_next_turn),
        TEST(a_child_may_have_a_loop_of_its_own),
        cmocka_unit_test(another_thread_that_runs_the_loop_stops_the_program),
    };

    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
