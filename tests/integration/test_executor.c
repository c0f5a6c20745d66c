/* SPDX-License-Identifier: MIT */
/* Calls on real threads: where they run, who waits, and who need not. */
#include "executor_fixture.h"

#include "lookup.h"

/* Where a call runs. */

struct place {
    pthread_t thread;
    char name[32];
    unsigned unblocked; /* signals that it could get */
};

static unsigned
count_unblocked_signals(void)
{
    sigset_t blocked;
    unsigned count = 0;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    for (int number = 1; number <= SIGSYS; number++) {
        if (number != SIGKILL && number != SIGSTOP)
            count += sigismember(&blocked, number) == 0;
    }
    return count;
}

static int
look_around(void *arg)
{
    struct place *place = arg;

    place->thread = pthread_self();
    place->unblocked = count_unblocked_signals();
    return pthread_getname_np(place->thread, place->name, sizeof(place->name));
}

static int
look_around_on_a_thread(void *arg)
{
    return ouro_to_thread(look_around, arg);
}

static void
a_call_is_made_on_a_thread_that_gets_no_signals(void **state)
{
    struct fixture *f = *state;
    struct place place = {.unblocked = 1};

    assert_ok(run_task(f, look_around_on_a_thread, &place));

    assert_false(pthread_equal(place.thread, pthread_self()));
    assert_string_equal(place.name, "ouro-worker");
    assert_int_equal(place.unblocked, 0);
    assert_true(count_unblocked_signals() > 0);
}

static int
look_around_in(void *arg)
{
    struct fixture *f = arg;
    struct place place;

    int rc =
        ouro_run_in_executor(f->executor, look_around, &place, sizeof(place));
    if (rc == 0 && strcmp(place.name, "sixteen-and-mor") != 0)
        rc = -EPROTO;
    return rc;
}

static void
an_executor_names_its_threads(void **state)
{
    struct fixture *f = *state;

    make_executor(f);
    assert_ok(run_task(f, look_around_in, f));
}

static void
no_thread_is_started_before_it_is_needed(void **state)
{
    struct fixture *f = *state;

    make_executor(f);
    assert_int_equal(ouro_executor_threads(f->executor), 0);
    gate_open(&gate);
    for (int i = 0; i < 10; i++) {
        start_caller(f, &f->many[i], call);
        finish(f, &f->many[i]);
    }
    assert_in_range(ouro_executor_threads(f->executor), 1, 2);
}

/* Who waits. */

static int
sleep_a_little(void *arg)
{
    (void)arg;
    return ouro_sleep(OURO_MILLISECONDS(1));
}

static void
the_loop_runs_while_a_call_blocks(void **state)
{
    struct fixture *f = *state;

    start_caller(f, &f->caller, call);
    assert_ok(run_task(f, sleep_a_little, NULL));
    gate_wait_inside(&gate, 1);
    assert_int_equal(f->caller.result, UNSEEN);

    gate_open(&gate);
    finish(f, &f->caller);
    assert_int_equal(f->caller.result, 1);
    assert_int_equal(f->caller.block.number, 10);
}

static void
no_more_threads_than_asked_for(void **state)
{
    struct fixture *f = *state;

    make_executor(f);
    for (int i = 0; i < THREADS + 2; i++)
        start_caller(f, &f->many[i], call);
    run_one_turn(f);
    gate_wait_inside(&gate, THREADS);
    assert_int_equal(ouro_executor_threads(f->executor), THREADS);

    gate_open(&gate);
    for (int i = 0; i < THREADS + 2; i++) {
        finish(f, &f->many[i]);
        assert_int_equal(f->many[i].result, i);
    }
    assert_int_equal(ouro_executor_threads(f->executor), THREADS);
}

/* A call that a free thread is about to take does not wait for one. */
static void
only_calls_without_a_thread_count_for_the_limit(void **state)
{
    struct fixture *f = *state;
    const struct ouro_executor_options options = {.threads = 2,
                                                  .queue_limit = 3};

    assert_ok(ouro_executor_new(&f->executor, f->loop, &options));
    for (int i = 0; i < 6; i++)
        start_caller(f, &f->many[i], call);
    finish(f, &f->many[5]);
    assert_err(f->many[5].result, OURO_ELIMIT);

    gate_open(&gate);
    for (int i = 0; i < 5; i++) {
        finish(f, &f->many[i]);
        assert_int_equal(f->many[i].result, i);
    }
}

static void
a_cancelled_task_does_not_wait_for_its_call(void **state)
{
    struct fixture *f = *state;

    start_caller(f, &f->caller, call_and_give_away);
    run_one_turn(f);
    gate_wait_inside(&gate, 1);
    ouro_task_cancel(f->caller.task);
    finish(f, &f->caller);
    assert_err(f->caller.result, ECANCELED);
    assert_int_equal(gate_passed(&gate), 0);

    gate_open(&gate);
    gate_wait_passed(&gate, 1);
}

static void
a_task_waits_for_a_call_that_borrows_its_frame(void **state)
{
    struct fixture *f = *state;

    start_caller(f, &f->caller, call_with_frame);
    run_one_turn(f);
    gate_wait_inside(&gate, 1);
    ouro_task_cancel(f->caller.task);
    assert_ok(run_task(f, sleep_a_little, NULL));
    assert_false(ouro_task_is_done(f->caller.task));

    gate_open(&gate);
    finish(f, &f->caller);
    assert_int_equal(f->caller.result, 1);
    assert_int_equal(f->caller.block.number, 10);
}

static void
many_calls_all_get_their_result(void **state)
{
    struct fixture *f = *state;

    gate_open(&gate);
    for (int i = 0; i < MANY; i++)
        start_caller(f, &f->many[i], i % 2 == 0 ? call : call_with_frame);

    for (int i = 0; i < MANY; i++) {
        finish(f, &f->many[i]);
        assert_int_equal(f->many[i].result, i);
        assert_int_equal(f->many[i].block.number, 10 * i);
    }
    assert_int_equal(gate_passed(&gate), MANY);
}

static void
many_are_cancelled_whatever_became_of_them(void **state)
{
    struct fixture *f = *state;
    ouro_task_fn *const ways[] = {call, call_with_frame, call_and_give_away};

    gate_open(&gate);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < MANY; i++) {
            f->many[i].block.number = i;
            start_caller(f, &f->many[i], ways[i % 3]);
        }
        for (int turns = 0; turns < round; turns++)
            run_one_turn(f);
        for (int i = 0; i < MANY; i += 2)
            ouro_task_cancel(f->many[i].task);

        for (int i = 0; i < MANY; i++) {
            finish(f, &f->many[i]);
            if (f->many[i].result < 0)
                assert_err(f->many[i].result, ECANCELED);
            assert_true(i % 2 == 0 || f->many[i].result >= 0);
        }
    }
}

/* A stack of which there cannot be one: pthread_create(3) says EAGAIN. */
static void
let_no_thread_start(struct fixture *f)
{
    pthread_attr_t huge;

    assert_ok(pthread_getattr_default_np(&f->usual));
    assert_ok(pthread_attr_init(&huge));
    assert_ok(pthread_attr_setstacksize(&huge, (size_t)1 << 47));
    assert_ok(pthread_setattr_default_np(&huge));
    pthread_attr_destroy(&huge);
}

static void
let_threads_start(struct fixture *f)
{
    assert_ok(pthread_setattr_default_np(&f->usual));
    pthread_attr_destroy(&f->usual);
}

static void
a_call_without_a_thread_is_refused(void **state)
{
    struct fixture *f = *state;
    ouro_task_fn *const ways[] = {call, call_with_frame, call_and_give_away};

    make_executor(f);
    let_no_thread_start(f);
    for (int i = 0; i < 3; i++) {
        start_caller(f, &f->many[i], ways[i]);
        finish(f, &f->many[i]);
    }
    let_threads_start(f);
    for (int i = 0; i < 3; i++)
        assert_err(f->many[i].result, EAGAIN);
    assert_int_equal(ouro_executor_threads(f->executor), 0);

    gate_open(&gate);
    start_caller(f, &f->caller, call);
    finish(f, &f->caller);
    assert_int_equal(f->caller.result, 1);
}

static void
a_call_waits_for_a_thread_that_is_there_if_no_other_can_start(void **state)
{
    struct fixture *f = *state;

    make_executor(f);
    start_caller(f, &f->many[0], call);
    run_one_turn(f);
    gate_wait_inside(&gate, 1);
    let_no_thread_start(f);
    start_caller(f, &f->many[1], call);
    run_one_turn(f);
    let_threads_start(f);
    assert_int_equal(ouro_executor_threads(f->executor), 1);
    assert_int_equal(f->many[1].result, UNSEEN);

    gate_open(&gate);
    for (int i = 0; i < 2; i++) {
        finish(f, &f->many[i]);
        assert_int_equal(f->many[i].result, i);
    }
    assert_int_equal(ouro_executor_threads(f->executor), 1);
}

/* A92: the resolver shares no thread with executors. */

static int
look_up_localhost(void *arg)
{
    struct ouro_address found[4];

    (void)arg;
    return (int)ouro_getaddrinfo(found, 4, "localhost", "80", AF_UNSPEC);
}

static void
a_lookup_answers_while_every_thread_sleeps(void **state)
{
    struct fixture *f = *state;
    const struct ouro_executor_options options = {.threads = THREADS};

    assert_ok(ouro_executor_new(&f->executor, f->loop, &options));
    ouro_set_default_executor(f->executor);
    for (int i = 0; i < THREADS + 1; i++)
        start_caller(f, &f->many[i], call);
    run_one_turn(f);
    gate_wait_inside(&gate, THREADS);

    assert_in_range(run_task(f, look_up_localhost, f), 1, 4);
    assert_int_equal(ouro_executor_threads(f->executor), THREADS);
    assert_int_equal(gate_passed(&gate), 0);
    gate_open(&gate);
    for (int i = 0; i < THREADS + 1; i++)
        finish(f, &f->many[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_made_on_a_thread_that_gets_no_signals),
        TEST(an_executor_names_its_threads),
        TEST(no_thread_is_started_before_it_is_needed),
        TEST(the_loop_runs_while_a_call_blocks),
        TEST(no_more_threads_than_asked_for),
        TEST(only_calls_without_a_thread_count_for_the_limit),
        TEST(a_cancelled_task_does_not_wait_for_its_call),
        TEST(a_task_waits_for_a_call_that_borrows_its_frame),
        TEST(many_calls_all_get_their_result),
        TEST(many_are_cancelled_whatever_became_of_them),
        TEST(a_call_without_a_thread_is_refused),
        TEST(a_call_waits_for_a_thread_that_is_there_if_no_other_can_start),
        TEST(a_lookup_answers_while_every_thread_sleeps),
    };

    if (!has_loops())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
