/* SPDX-License-Identifier: MIT */
/* What a world without a kernel promises.  See include/ouro/sim.h. */
#include "ouro_test.h"

#include "engine_sim.h"
#include "loop.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_CALLS = 16 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_future never;
    struct ouro_handle handles[3];
    int64_t start_ns;
    int64_t called_ns[MOST_CALLS];
    unsigned calls;
    int result;
};

static void
note_the_time(void *arg)
{
    struct fixture *f = arg;

    if (f->calls < MOST_CALLS)
        f->called_ns[f->calls] = ouro_loop_time_ns(f->loop) - f->start_ns;
    f->calls++;
}

static int64_t
passed_ns(const struct fixture *f)
{
    return ouro_loop_time_ns(f->loop) - f->start_ns;
}

/* Time. */

static void
a_turn_takes_no_time(void **state)
{
    struct fixture *f = *state;

    ouro_call_later(f->loop, &f->handles[0], 1, note_the_time, f);
    for (int i = 0; i < 10; i++)
        ouro_sim_turn(f->sim);

    assert_int_equal(f->calls, 0);
    assert_int_equal(passed_ns(f), 0);
    ouro_handle_cancel(&f->handles[0]);
}

static void
a_turn_runs_what_is_ready(void **state)
{
    struct fixture *f = *state;

    ouro_call_soon(f->loop, &f->handles[0], note_the_time, f);
    ouro_sim_turn(f->sim);

    assert_int_equal(f->calls, 1);
}

static void
to_advance_runs_each_timer_at_its_time(void **state)
{
    struct fixture *f = *state;

    ouro_call_later(f->loop, &f->handles[0], 300, note_the_time, f);
    ouro_call_later(f->loop, &f->handles[1], 100, note_the_time, f);
    ouro_call_later(f->loop, &f->handles[2], 501, note_the_time, f);
    ouro_sim_advance(f->sim, 500);

    assert_int_equal(f->calls, 2);
    assert_int_equal(f->called_ns[0], 100);
    assert_int_equal(f->called_ns[1], 300);
    assert_int_equal(passed_ns(f), 500);
    ouro_sim_advance(f->sim, 1);
    assert_int_equal(f->called_ns[2], 501);
}

static void
to_advance_by_nothing_runs_what_is_ready(void **state)
{
    struct fixture *f = *state;

    ouro_call_later(f->loop, &f->handles[0], 0, note_the_time, f);
    ouro_sim_advance(f->sim, 0);

    assert_int_equal(f->calls, 1);
    assert_int_equal(passed_ns(f), 0);
}

static void
set_another_timer(void *arg)
{
    struct fixture *f = arg;

    note_the_time(f);
    ouro_call_later(f->loop, &f->handles[0], 100, set_another_timer, f);
}

static void
timers_that_are_set_meanwhile_run_too(void **state)
{
    struct fixture *f = *state;

    ouro_call_later(f->loop, &f->handles[0], 100, set_another_timer, f);
    ouro_sim_advance(f->sim, 1000);

    assert_int_equal(f->calls, 10);
    assert_int_equal(f->called_ns[9], 1000);
    ouro_handle_cancel(&f->handles[0]);
}

static void
call_again(void *arg)
{
    struct fixture *f = arg;

    ouro_call_soon(f->loop, &f->handles[0], call_again, f);
}

static void
an_endless_chain_of_calls_does_not_stop_the_time(void **state)
{
    struct fixture *f = *state;

    ouro_call_soon(f->loop, &f->handles[0], call_again, f);
    ouro_call_later(f->loop, &f->handles[1], OURO_MILLISECONDS(50),
                    note_the_time, f);
    ouro_sim_advance(f->sim, OURO_MILLISECONDS(60));

    assert_int_equal(f->calls, 1);
    assert_int_equal(f->called_ns[0], OURO_MILLISECONDS(50));
    ouro_handle_cancel(&f->handles[0]);
}

static void
set_a_timer_for_now(void *arg)
{
    struct fixture *f = arg;

    ouro_call_later(f->loop, &f->handles[0], 0, set_a_timer_for_now, f);
}

static void
an_endless_chain_of_timers_does_not_stop_the_time(void **state)
{
    struct fixture *f = *state;

    ouro_call_later(f->loop, &f->handles[0], 0, set_a_timer_for_now, f);
    ouro_sim_advance(f->sim, OURO_MILLISECONDS(5));

    assert_int_equal(passed_ns(f), OURO_MILLISECONDS(5));
    ouro_handle_cancel(&f->handles[0]);
}

static void
go_back_in_time(void *arg)
{
    struct fixture *f = arg;

    ouro_sim_advance(f->sim, -1);
}

static void
time_does_not_go_back(void **state)
{
    assert_callback_stops(go_back_in_time, *state, "forward only");
}

static void
take_a_turn(void *arg)
{
    struct fixture *f = arg;

    ouro_sim_turn(f->sim);
}

/* In a child process, which has to make a loop of its own. */
static void
turn_in_a_turn(void *arg)
{
    struct fixture *f = arg;

    if (ouro_sim_new(&f->sim, NULL) < 0)
        return;
    ouro_call_soon(ouro_sim_loop(f->sim), &f->handles[0], take_a_turn, f);
    ouro_sim_turn(f->sim);
}

static void
a_turn_inside_a_turn_stops_the_program(void **state)
{
    assert_callback_stops(turn_in_a_turn, *state, "do not nest");
}

/* Running a task. */

static int
sleep_for_a_day(void *arg)
{
    (void)arg;

    int rc = ouro_sleep(OURO_SECONDS(86400));
    return rc < 0 ? rc : 42;
}

static void
a_run_jumps_to_whatever_is_next(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ouro_sim_run(f->sim, sleep_for_a_day, NULL), 42);

    assert_int_equal(passed_ns(f), OURO_SECONDS(86400));
}

static int
fail_at_once(void *arg)
{
    (void)arg;

    return -EIO;
}

static void
a_run_returns_the_error_of_its_task_and_reports_nothing(void **state)
{
    struct fixture *f = *state;

    assert_err(ouro_sim_run(f->sim, fail_at_once, NULL), EIO);

    assert_int_equal(passed_ns(f), 0);
    assert_int_equal(f->seen.count, 0);
}

static int
wait_for_what_never_comes(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_await(&f->never);
    return f->result;
}

static void
a_run_in_which_nothing_can_happen_is_a_deadlock(void **state)
{
    struct fixture *f = *state;

    assert_err(ouro_sim_run(f->sim, wait_for_what_never_comes, f), EDEADLK);

    assert_err(f->result, ECANCELED);
    assert_int_equal(f->seen.count, 0);
}

static int
wait_and_clean_up(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_await(&f->never);
    ouro_uncancel();
    return ouro_sleep(OURO_SECONDS(1));
}

static void
a_task_that_is_stuck_may_clean_up(void **state)
{
    struct fixture *f = *state;

    assert_err(ouro_sim_run(f->sim, wait_and_clean_up, f), EDEADLK);

    assert_int_equal(passed_ns(f), OURO_SECONDS(1));
}

static int
never_end(void *arg)
{
    struct fixture *f = arg;

    for (;;) {
        int rc = ouro_await(&f->never);
        (void)rc;
        ouro_uncancel();
    }
    return 0;
}

static void
run_without_end(void *arg)
{
    struct fixture *f = arg;

    if (ouro_sim_new(&f->sim, NULL) < 0)
        return;
    ouro_future_init(&f->never, ouro_sim_loop(f->sim));
    int rc = ouro_sim_run(f->sim, never_end, f);
    (void)rc;
}

static void
a_task_that_is_stuck_for_good_stops_the_program(void **state)
{
    assert_callback_stops(run_without_end, *state, "comes to an end");
}

/* The network. */

static void
names_and_routes_are_those_of_the_engine(void **state)
{
    struct fixture *f = *state;
    struct ouro__engine *engine = f->loop->engine;
    struct ouro_address found;
    int64_t delay_ns;

    assert_ok(ouro_sim_add_name(f->sim, "host", "10.0.0.1", 55, 0));
    assert_err(ouro_sim_add_name(f->sim, "host", "other", 0, 0), EINVAL);
    assert_err(ouro_sim_set_route(f->sim, "host", 0, 0), EINVAL);

    assert_int_equal(
        engine->ops->look_up(engine, "host", AF_UNSPEC, &found, 1, &delay_ns),
        1);
    assert_int_equal(delay_ns, 55);
    assert_int_equal(ouro_sim_lookups(f->sim), 1);
}

static void
sockets_are_counted_and_limited(void **state)
{
    struct fixture *f = *state;
    struct ouro__engine *engine = f->loop->engine;

    ouro_sim_set_descriptor_limit(f->sim, 1);
    int fd = engine->sockets->open(engine, AF_INET);
    assert_true(fd >= 0);
    assert_int_equal(ouro_sim_open_sockets(f->sim), 1);
    assert_err(engine->sockets->open(engine, AF_INET), EMFILE);

    ouro_sim_set_descriptor_limit(f->sim, 0);
    assert_true(engine->sockets->open(engine, AF_INET) >= 0);
    engine->sockets->close(engine, fd);
    assert_int_equal(ouro_sim_open_sockets(f->sim), 1);
}

/* A connection by hand: the network below is tested on its own. */
static void
connect_pair(struct fixture *f, struct ouro__sim_net **out_net, int fds[2])
{
    struct ouro__sim_engine *sim = (void *)f->loop->engine;
    struct ouro__sim_net *net = &sim->net;
    struct ouro_address to;
    int listener = ouro__sim_open(net, AF_INET);

    fds[0] = ouro__sim_open(net, AF_INET);
    assert_ok(ouro__sim_listen(net, ouro__sim_find(net, listener), 1));
    assert_ok(ouro_address_parse(&to, "127.0.0.1", OURO__SIM_FIRST_PORT));
    assert_ok(
        ouro__sim_connect_start(net, ouro__sim_find(net, fds[0]), &to, 0, 0));
    assert_ok(ouro__sim_connect_try(net, ouro__sim_find(net, fds[0]), 1));
    fds[1] = ouro__sim_accept(net, ouro__sim_find(net, listener));
    *out_net = net;
}

static void
a_peer_that_vanishes_resets_both_ends(void **state)
{
    struct fixture *f = *state;
    struct ouro__engine *engine = f->loop->engine;
    struct ouro__sim_net *net;
    char byte = 'x';
    struct iovec vector = {&byte, 1};
    int fds[2];

    connect_pair(f, &net, fds);
    assert_int_equal(engine->sockets->send(engine, fds[1], &vector, 1), 1);
    ouro_sim_reset_peer(f->sim, fds[0]);

    assert_int_equal(engine->sockets->recv(engine, fds[0], &byte, 1), 1);
    assert_err(engine->sockets->recv(engine, fds[0], &byte, 1), ECONNRESET);
    assert_err(engine->sockets->recv(engine, fds[1], &byte, 1), ECONNRESET);
}

static void
reset_nobody(void *arg)
{
    struct fixture *f = arg;

    ouro_sim_reset_peer(f->sim, 3);
}

static void
to_reset_what_is_no_socket_stops_the_program(void **state)
{
    assert_callback_stops(reset_nobody, *state, "a simulated socket");
}

static void
forget_completion(struct ouro__op *op,
                  const struct ouro__completion *completion)
{
    (void)op;
    (void)completion;
}

static void
a_delayed_connect_is_something_that_happens(void **state)
{
    struct fixture *f = *state;
    struct ouro__engine *engine = f->loop->engine;
    struct ouro__op connect;
    struct ouro_address to;

    assert_ok(ouro_sim_set_route(f->sim, "10.0.0.1", 500, -EHOSTUNREACH));
    assert_ok(ouro_address_parse(&to, "10.0.0.1", 80));
    ouro__op_init(&connect, OURO__OP_CONNECT,
                  engine->sockets->open(engine, AF_INET), forget_completion);
    connect.with.address = &to;
    ouro__op_submit(engine, &connect);
    ouro_sim_advance(f->sim, 499);
    assert_true(connect.in_flight);

    ouro_sim_advance(f->sim, 1);
    assert_false(connect.in_flight);
}

/* Making one. */

static void
the_options_are_checked(void **state)
{
    struct ouro_sim *sim;
    struct ouro_sim_options percent = {.late_percent = 101};
    struct ouro_sim_options stack = {.loop = {.stack_size = 1}};
    struct ouro_report report = {""};

    (void)state;
    stack.loop.report = &report;
    assert_err(ouro_sim_new(&sim, &percent), EINVAL);
    assert_err(ouro_sim_new(&sim, &stack), EINVAL);
    assert_non_null(strstr(report.text, "stack_size"));
}

static void
the_engine_is_not_looked_at(void **state)
{
    struct ouro_sim *sim;
    struct ouro_sim_options options = {.loop = {.engine = OURO_ENGINE_URING}};

    (void)state;
    assert_ok(ouro_sim_new(&sim, &options));
    assert_string_equal(ouro_loop_engine(ouro_sim_loop(sim))->name, "sim");
    ouro_sim_free(sim);
}

static void
the_engine_info_names_the_seed(void **state)
{
    struct ouro_sim *sim;
    struct ouro_sim_options options = {.seed = 77};

    (void)state;
    assert_ok(unsetenv("OURO_SIM_SEED"));
    assert_ok(ouro_sim_new(&sim, &options));
    assert_string_equal(ouro_loop_engine(ouro_sim_loop(sim))->features,
                        "seed 77");
    ouro_sim_free(sim);
}

static void
the_environment_can_set_the_seed(void **state)
{
    struct ouro_sim *sim;

    (void)state;
    assert_ok(setenv("OURO_SIM_SEED", "0x10", 1));
    assert_ok(ouro_sim_new(&sim, NULL));
    assert_string_equal(ouro_loop_engine(ouro_sim_loop(sim))->features,
                        "seed 16");
    ouro_sim_free(sim);

    assert_ok(setenv("OURO_SIM_SEED", "many", 1));
    assert_err(ouro_sim_new(&sim, NULL), EINVAL);
    assert_ok(unsetenv("OURO_SIM_SEED"));
}

static void
to_free_nothing_is_nothing(void **state)
{
    (void)state;

    ouro_sim_free(NULL);
}

static int
make_a_sim(void *arg)
{
    struct ouro_sim *sim;

    (void)arg;
    int rc = ouro_sim_new(&sim, NULL);
    if (rc < 0)
        return rc;
    ouro_sim_free(sim);
    return 0;
}

static void
without_memory_there_is_no_sim(void **state)
{
    (void)state;

    for_each_allocation_failure(make_a_sim, NULL);
}

static void
it_needs_no_descriptor_but_that_of_the_mailbox(void **state)
{
    size_t before = count_descriptors();
    struct ouro_sim *sim;

    (void)state;
    assert_ok(ouro_sim_new(&sim, NULL));
    assert_int_equal(count_descriptors(), before + 1);
    ouro_sim_free(sim);
    assert_int_equal(count_descriptors(), before);
}

static int
setup(void **state)
{
    static struct fixture f;
    struct ouro_sim_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &f.seen},
    };

    memset(&f, 0, sizeof(f));
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.loop = ouro_sim_loop(f.sim);
    f.start_ns = ouro_loop_time_ns(f.loop);
    ouro_future_init(&f.never, f.loop);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_future_fini(&f->never);
    ouro_sim_free(f->sim);
    assert_int_equal(f->seen.count, 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_turn_takes_no_time),
        TEST(a_turn_runs_what_is_ready),
        TEST(to_advance_runs_each_timer_at_its_time),
        TEST(to_advance_by_nothing_runs_what_is_ready),
        TEST(timers_that_are_set_meanwhile_run_too),
        TEST(an_endless_chain_of_calls_does_not_stop_the_time),
        TEST(an_endless_chain_of_timers_does_not_stop_the_time),
        TEST(time_does_not_go_back),
        TEST(a_turn_inside_a_turn_stops_the_program),
        TEST(a_run_jumps_to_whatever_is_next),
        TEST(a_run_returns_the_error_of_its_task_and_reports_nothing),
        TEST(a_run_in_which_nothing_can_happen_is_a_deadlock),
        TEST(a_task_that_is_stuck_may_clean_up),
        TEST(a_task_that_is_stuck_for_good_stops_the_program),
        TEST(names_and_routes_are_those_of_the_engine),
        TEST(sockets_are_counted_and_limited),
        TEST(a_peer_that_vanishes_resets_both_ends),
        TEST(to_reset_what_is_no_socket_stops_the_program),
        TEST(a_delayed_connect_is_something_that_happens),
        TEST(the_options_are_checked),
        TEST(the_engine_is_not_looked_at),
        TEST(the_engine_info_names_the_seed),
        TEST(the_environment_can_set_the_seed),
        TEST(to_free_nothing_is_nothing),
        TEST(without_memory_there_is_no_sim),
        TEST(it_needs_no_descriptor_but_that_of_the_mailbox),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
