/* SPDX-License-Identifier: MIT */
/* Signals as calls of a loop.  Row A82 of the list of behaviours; what waits
 * for them is in test_signal_wait.c, what a fork does in test_signal_forks.c.
 */
#include "ouro_test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
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
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_ok(ouro_sim_new(&f->sim, NULL));
    f->loop = ouro_sim_loop(f->sim);
    for (size_t i = 0; i < 3; i++)
        f->heard[i].f = f;
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
a_handler_is_not_told_of_what_came_before_it(void **state)
{
    struct fixture *f = *state;

    assert_ok(add(f, 0, SIGUSR1));
    assert_ok(add(f, 1, SIGUSR1));
    assert_ok(raise(SIGUSR1));
    assert_true(remove_handler(f, 0));
    assert_ok(add(f, 0, SIGUSR1));
    assert_ok(add(f, 2, SIGUSR1));
    ouro_sim_turn(f->sim);
    assert_int_equal(f->heard[0].count, 0);
    assert_int_equal(f->heard[1].count, 1);
    assert_int_equal(f->heard[2].count, 0);

    come(f, SIGUSR1);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(f->heard[i].count, i == 1 ? 2 : 1);
}

static void
what_came_for_a_handler_that_went_is_not_for_the_next(void **state)
{
    struct fixture *f = *state;

    assert_ok(add(f, 0, SIGUSR1));
    assert_ok(raise(SIGUSR1));
    assert_true(remove_handler(f, 0));
    assert_ok(add(f, 1, SIGUSR1));
    ouro_sim_turn(f->sim);

    assert_int_equal(f->heard[0].count, 0);
    assert_int_equal(f->heard[1].count, 0);
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
with_information(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    (void)context;
}

/* As the kernel has it: handler, flags, restorer, mask.  That of the C library
 * has bytes that mean nothing. */
struct action {
    uint64_t words[4];
};

static struct action
action_of(int number)
{
    struct action now = {{0}};

    assert_ok(syscall(SYS_rt_sigaction, number, NULL, &now, 8));
    return now;
}

static void
what_is_put_back_is_the_same_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    struct sigaction mine = {
        .sa_sigaction = with_information,
        .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK,
    };
    struct sigaction original;

    sigemptyset(&mine.sa_mask);
    sigaddset(&mine.sa_mask, SIGHUP);
    sigaddset(&mine.sa_mask, SIGRTMAX);
    assert_ok(sigaction(SIGUSR2, &mine, &original));
    struct action before = action_of(SIGUSR2);
    for (size_t i = 0; i < 3; i++)
        assert_ok(add(f, i, SIGUSR2));
    come(f, SIGUSR2);
    for (size_t i = 0; i < 3; i++)
        assert_true(remove_handler(f, i));
    struct action after = action_of(SIGUSR2);

    assert_ok(sigaction(SIGUSR2, &original, NULL));
    assert_memory_equal(&after, &before, sizeof(before));
    assert_int_equal(f->heard[2].count, 1);
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
        TEST(a_handler_is_not_told_of_what_came_before_it),
        TEST(what_came_for_a_handler_that_went_is_not_for_the_next),
        TEST(two_loops_both_hear_of_a_signal),
        TEST(the_last_to_be_removed_puts_back_what_was_there),
        TEST(what_is_put_back_is_the_same_byte_by_byte),
        TEST(what_somebody_else_put_there_meanwhile_stays),
        TEST(a_loop_that_is_freed_removes_its_handlers),
        TEST(what_cannot_be_handled_is_refused),
        TEST(to_add_one_twice_stops_the_program),
        TEST(without_memory_there_is_no_handler),
    };

    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
