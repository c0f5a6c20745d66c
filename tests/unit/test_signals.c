/* SPDX-License-Identifier: MIT */
/* Signals as calls of a loop, and as what a task waits for.  Row A82 of the
 * list of behaviours, and what A62 says of signals. */
#include "ouro_test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a handler was called for. */
struct heard {
    struct ouro_signal_handler handler;
    struct fixture *f;
    unsigned count;
    unsigned order; /* of the last call, among all */
    struct ouro_signal_handler *removes;
};

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct heard heard[3];
    unsigned calls;
    struct ouro_task *task;
    struct ouro_signals signals;
    int seen[3];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_ok(ouro_sim_new(&f->sim, NULL));
    f->loop = ouro_sim_loop(f->sim);
    for (size_t i = 0; i < 3; i++) {
        f->heard[i].f = f;
        f->seen[i] = UNSEEN;
    }
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

static void
hear(void *arg)
{
    struct heard *heard = arg;

    heard->count++;
    heard->order = ++heard->f->calls;
    if (heard->removes != NULL)
        ouro_remove_signal_handler(heard->removes);
}

static int
add(struct fixture *f, size_t i, int number)
{
    return ouro_add_signal_handler(f->loop, &f->heard[i].handler, number, hear,
                                   &f->heard[i]);
}

static bool
remove_handler(struct fixture *f, size_t i)
{
    return ouro_remove_signal_handler(&f->heard[i].handler);
}

static void
come(struct fixture *f, int number)
{
    assert_ok(raise(number));
    ouro_sim_turn(f->sim);
}

static bool
is_default(int number)
{
    struct sigaction now;

    assert_ok(sigaction(number, NULL, &now));
    return now.sa_handler == SIG_DFL;
}

/* A82: handlers. */

static void
a_signal_is_a_call_that_the_loop_makes(void **state)
{
    struct fixture *f = *state;

    assert_ok(add(f, 0, SIGUSR1));
    errno = EDOM;
    assert_ok(raise(SIGUSR1));
    assert_int_equal(errno, EDOM);
    assert_int_equal(f->heard[0].count, 0);

    ouro_sim_turn(f->sim);
    assert_int_equal(f->heard[0].count, 1);
    ouro_sim_turn(f->sim);
    assert_int_equal(f->heard[0].count, 1);
}

static void
a_burst_is_told_once_and_what_follows_again(void **state)
{
    struct fixture *f = *state;

    assert_ok(add(f, 0, SIGUSR1));
    for (int i = 0; i < 100; i++)
        assert_ok(raise(SIGUSR1));
    ouro_sim_turn(f->sim);
    assert_int_equal(f->heard[0].count, 1);

    come(f, SIGUSR1);
    assert_int_equal(f->heard[0].count, 2);
}

static void
two_signals_of_one_turn_are_both_told(void **state)
{
    struct fixture *f = *state;

    assert_ok(add(f, 0, SIGUSR1));
    assert_ok(add(f, 1, SIGUSR2));
    assert_ok(raise(SIGUSR2));
    assert_ok(raise(SIGUSR1));
    ouro_sim_turn(f->sim);

    assert_int_equal(f->heard[0].count, 1);
    assert_int_equal(f->heard[1].count, 1);
}

static void
several_handlers_of_one_signal_are_called_in_order(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 3; i++)
        assert_ok(add(f, i, SIGUSR1));
    come(f, SIGUSR1);

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(f->heard[i].order, i + 1);
}

static void
a_handler_that_is_removed_leaves_the_others(void **state)
{
    struct fixture *f = *state;

    assert_ok(add(f, 0, SIGUSR1));
    assert_ok(add(f, 1, SIGUSR1));
    assert_true(remove_handler(f, 0));
    assert_false(remove_handler(f, 0));
    come(f, SIGUSR1);

    assert_int_equal(f->heard[0].count, 0);
    assert_int_equal(f->heard[1].count, 1);
}

static void
a_handler_may_remove_itself_and_the_next(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 3; i++)
        assert_ok(add(f, i, SIGUSR1));
    f->heard[0].removes = &f->heard[0].handler;
    f->heard[1].removes = &f->heard[2].handler;
    come(f, SIGUSR1);
    come(f, SIGUSR1);

    assert_int_equal(f->heard[0].count, 1);
    assert_int_equal(f->heard[1].count, 2);
    assert_int_equal(f->heard[2].count, 0);
}

static void
one_that_is_removed_before_the_loop_looks_is_not_called(void **state)
{
    struct fixture *f = *state;

    assert_ok(add(f, 0, SIGUSR1));
    assert_ok(raise(SIGUSR1));
    assert_true(remove_handler(f, 0));
    ouro_sim_turn(f->sim);

    assert_int_equal(f->heard[0].count, 0);
}

static void
two_loops_both_hear_of_a_signal(void **state)
{
    struct fixture *f = *state;
    struct ouro_sim *other;

    assert_ok(ouro_sim_new(&other, NULL));
    assert_ok(add(f, 0, SIGUSR1));
    assert_ok(ouro_add_signal_handler(ouro_sim_loop(other),
                                      &f->heard[1].handler, SIGUSR1, hear,
                                      &f->heard[1]));
    come(f, SIGUSR1);
    assert_int_equal(f->heard[1].count, 0);
    ouro_sim_turn(other);
    ouro_sim_free(other);

    assert_int_equal(f->heard[0].count, 1);
    assert_int_equal(f->heard[1].count, 1);
    come(f, SIGUSR1);
    assert_int_equal(f->heard[0].count, 2);
    assert_int_equal(f->heard[1].count, 1);
}

/* A82: dispositions. */

static void
of_the_user(int number)
{
    (void)number;
}

static void
the_last_to_be_removed_puts_back_what_was_there(void **state)
{
    struct fixture *f = *state;
    struct sigaction mine = {.sa_handler = of_the_user, .sa_flags = SA_NODEFER};
    struct sigaction before;
    struct sigaction after;

    assert_ok(sigaction(SIGUSR1, &mine, &before));
    assert_ok(add(f, 0, SIGUSR1));
    assert_ok(add(f, 1, SIGUSR1));
    assert_true(remove_handler(f, 0));
    assert_ok(sigaction(SIGUSR1, NULL, &after));
    assert_ptr_not_equal(after.sa_handler, of_the_user);

    assert_true(remove_handler(f, 1));
    assert_ok(sigaction(SIGUSR1, &before, &after));
    assert_ptr_equal(after.sa_handler, of_the_user);
    assert_int_equal(after.sa_flags & SA_NODEFER, SA_NODEFER);
}

static void
what_somebody_else_put_there_meanwhile_stays(void **state)
{
    struct fixture *f = *state;
    struct sigaction mine = {.sa_handler = of_the_user};
    struct sigaction after;

    assert_ok(add(f, 0, SIGUSR1));
    assert_ok(sigaction(SIGUSR1, &mine, NULL));
    assert_true(remove_handler(f, 0));

    mine.sa_handler = SIG_DFL;
    assert_ok(sigaction(SIGUSR1, &mine, &after));
    assert_ptr_equal(after.sa_handler, of_the_user);
}

static void
a_loop_that_is_freed_removes_its_handlers(void **state)
{
    struct fixture *f = *state;

    assert_ok(add(f, 0, SIGUSR1));
    assert_ok(add(f, 1, SIGUSR2));
    assert_ok(raise(SIGUSR1));
    ouro_sim_free(f->sim);
    f->sim = NULL;

    assert_true(is_default(SIGUSR1));
    assert_true(is_default(SIGUSR2));
    assert_false(remove_handler(f, 0));
}

static void
what_cannot_be_handled_is_refused(void **state)
{
    static const int numbers[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE,
                                  SIGILL,  0,       -1,      65,     32};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_err(add(f, 0, numbers[i]), EINVAL);
        assert_false(remove_handler(f, 0));
    }
    assert_ok(add(f, 0, SIGRTMAX - 1));
    come(f, SIGRTMAX - 1);
    assert_int_equal(f->heard[0].count, 1);
}

/* A82: tasks that wait. */

static int
wait_for_one(void *arg)
{
    struct fixture *f = arg;

    f->seen[0] = ouro_wait_signal(SIGUSR1);
    return 0;
}

static void
a_task_waits_for_a_signal(void **state)
{
    struct fixture *f = *state;

    start(f->sim, wait_for_one, f);
    assert_int_equal(f->seen[0], UNSEEN);
    assert_ok(raise(SIGUSR1));
    ouro_sim_advance(f->sim, 0);

    assert_int_equal(f->seen[0], SIGUSR1);
    assert_true(is_default(SIGUSR1));
}

static int
wait_briefly(void *arg)
{
    struct fixture *f = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, OURO_SECONDS(1));
    int rc = ouro_wait_signal(SIGUSR1);
    f->seen[0] = (int)ouro_timeout_end(&limit, rc);
    f->seen[1] = ouro_wait_signal(SIGKILL);
    return 0;
}

static void
a_wait_that_is_cancelled_puts_back_what_was_there(void **state)
{
    struct fixture *f = *state;

    start(f->sim, wait_briefly, f);
    assert_false(is_default(SIGUSR1));
    ouro_sim_advance(f->sim, OURO_SECONDS(1));

    assert_err(f->seen[0], ETIMEDOUT);
    assert_err(f->seen[1], EINVAL);
    assert_true(is_default(SIGUSR1));
}

static int
wait_for_several(void *arg)
{
    static const int numbers[] = {SIGUSR2, SIGUSR1, SIGUSR2, SIGHUP};
    struct fixture *f = arg;

    int rc = ouro_signals_begin(&f->signals, numbers, 4);
    if (rc < 0)
        return rc;
    rc = ouro_sleep(OURO_SECONDS(1));
    for (size_t i = 0; rc == 0 && i < 3; i++)
        f->seen[i] = ouro_signals_wait(&f->signals);
    ouro_signals_end(&f->signals);
    return rc;
}

static void
what_comes_between_two_waits_is_kept_the_lowest_first(void **state)
{
    struct fixture *f = *state;

    start(f->sim, wait_for_several, f);
    come(f, SIGUSR2);
    come(f, SIGUSR1);
    ouro_sim_advance(f->sim, OURO_SECONDS(2));
    assert_int_equal(f->seen[0], SIGUSR1);
    assert_int_equal(f->seen[1], SIGUSR2);
    assert_int_equal(f->seen[2], UNSEEN);

    assert_ok(raise(SIGHUP));
    ouro_sim_advance(f->sim, 0);
    assert_int_equal(f->seen[2], SIGHUP);
    assert_true(is_default(SIGUSR2));
}

static int
wait_again_after_a_cancel(void *arg)
{
    static const int number = SIGUSR1;
    struct fixture *f = arg;

    f->seen[0] = ouro_signals_begin(&f->signals, &number, 1);
    f->seen[1] = ouro_signals_wait(&f->signals);
    ouro_uncancel();
    f->seen[2] = ouro_signals_wait(&f->signals);
    ouro_signals_end(&f->signals);
    return 0;
}

static void
what_came_when_a_wait_was_cancelled_is_for_the_next(void **state)
{
    struct fixture *f = *state;

    assert_ok(
        ouro_loop_create_task(f->loop, &f->task, wait_again_after_a_cancel, f));
    ouro_sim_turn(f->sim);
    ouro_task_cancel(f->task);
    assert_ok(raise(SIGUSR1));
    ouro_sim_advance(f->sim, 0);
    ouro_task_unref(f->task);

    assert_ok(f->seen[0]);
    assert_err(f->seen[1], ECANCELED);
    assert_int_equal(f->seen[2], SIGUSR1);
}

static int
begin_with_a_bad_one(void *arg)
{
    static const int numbers[] = {SIGUSR1, SIGKILL};
    struct fixture *f = arg;

    f->seen[0] = ouro_signals_begin(&f->signals, numbers, 2);
    return 0;
}

static void
a_set_with_a_bad_number_takes_none(void **state)
{
    struct fixture *f = *state;

    assert_ok(ouro_sim_run(f->sim, begin_with_a_bad_one, f));

    assert_err(f->seen[0], EINVAL);
    assert_true(is_default(SIGUSR1));
}

/* A62: a forked child. */

static int
status_of(pid_t child)
{
    int status = -1;

    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
in_a_forked_child_signals_do_what_they_did_before(void **state)
{
    struct fixture *f = *state;

    assert_ok(add(f, 0, SIGUSR1));
    pid_t child = fork();
    if (child == 0) {
        (void)raise(SIGUSR1);
        _exit(0);
    }
    int status = status_of(child);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGUSR1);
    ouro_sim_turn(f->sim);
    assert_int_equal(f->heard[0].count, 0);
    come(f, SIGUSR1);
    assert_int_equal(f->heard[0].count, 1);
}

/* Its exit code: the calls that its own loop made. */
static _Noreturn void
hear_in_child(struct fixture *f)
{
    struct ouro_sim *sim;

    if (ouro_sim_new(&sim, NULL) < 0
        || ouro_add_signal_handler(ouro_sim_loop(sim), &f->heard[1].handler,
                                   SIGUSR1, hear, &f->heard[1])
               < 0)
        _exit(99);
    (void)raise(SIGUSR1);
    ouro_sim_turn(sim);
    ouro_sim_free(sim);
    _exit((int)f->heard[1].count);
}

static void
a_loop_of_the_child_has_handlers_of_its_own(void **state)
{
    struct fixture *f = *state;

    assert_ok(add(f, 0, SIGUSR1));
    pid_t child = fork();
    if (child == 0)
        hear_in_child(f);
    int status = status_of(child);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    ouro_sim_turn(f->sim);
    assert_int_equal(f->heard[0].count, 0);
}

/* Breaches, and no memory. */

static void
of_nobody(void *arg)
{
    (void)arg;
}

static int
add_twice(void *arg)
{
    static struct ouro_signal_handler handler;
    struct ouro_loop *loop = ouro_get_running_loop();

    int rc = ouro_add_signal_handler(loop, &handler, SIGUSR1, of_nobody, arg);
    return rc < 0 ? rc
                  : ouro_add_signal_handler(loop, &handler, SIGUSR1, of_nobody,
                                            arg);
}

static void
to_add_one_twice_stops_the_program(void **state)
{
    (void)state;
    assert_stops(add_twice, NULL, "a signal handler is added once at a time");
}

static int
add_in_a_new_world(void *arg)
{
    struct heard heard = {.f = arg};
    struct ouro_sim *sim;

    int rc = ouro_sim_new(&sim, NULL);
    if (rc < 0)
        return rc;
    rc = ouro_add_signal_handler(ouro_sim_loop(sim), &heard.handler, SIGUSR1,
                                 hear, &heard);
    ouro_sim_free(sim);
    return rc;
}

static void
without_memory_there_is_no_handler(void **state)
{
    for_each_allocation_failure(add_in_a_new_world, *state);
    assert_true(is_default(SIGUSR1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signal_is_a_call_that_the_loop_makes),
        TEST(a_burst_is_told_once_and_what_follows_again),
        TEST(two_signals_of_one_turn_are_both_told),
        TEST(several_handlers_of_one_signal_are_called_in_order),
        TEST(a_handler_that_is_removed_leaves_the_others),
        TEST(a_handler_may_remove_itself_and_the_next),
        TEST(one_that_is_removed_before_the_loop_looks_is_not_called),
        TEST(two_loops_both_hear_of_a_signal),
        TEST(the_last_to_be_removed_puts_back_what_was_there),
        TEST(what_somebody_else_put_there_meanwhile_stays),
        TEST(a_loop_that_is_freed_removes_its_handlers),
        TEST(what_cannot_be_handled_is_refused),
        TEST(a_task_waits_for_a_signal),
        TEST(a_wait_that_is_cancelled_puts_back_what_was_there),
        TEST(what_comes_between_two_waits_is_kept_the_lowest_first),
        TEST(what_came_when_a_wait_was_cancelled_is_for_the_next),
        TEST(a_set_with_a_bad_number_takes_none),
        TEST(in_a_forked_child_signals_do_what_they_did_before),
        TEST(a_loop_of_the_child_has_handlers_of_its_own),
        TEST(to_add_one_twice_stops_the_program),
        TEST(without_memory_there_is_no_handler),
    };

    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
