/* SPDX-License-Identifier: MIT */
/* Signals in a forked child, which has the memory of its parent's loops but not
 * their handlers.  Row A62 of the list of behaviours. */
#include "ouro_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A loop of the parent, and one of a child. */
struct fixture {
    struct ouro_sim *sim;
    struct ouro_signal_handler handler;
    struct ouro_signal_handler of_child;
    unsigned calls;
};

/* What the next child does first, before anybody of ours hears of the fork. */
static bool raises_at_once;

static void
begin_child(void)
{
    if (raises_at_once)
        (void)raise(SIGUSR1);
}

static void
count_call(void *arg)
{
    struct fixture *f = arg;

    f->calls++;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_ok(ouro_sim_new(&f->sim, NULL));
    assert_ok(ouro_add_signal_handler(ouro_sim_loop(f->sim), &f->handler,
                                      SIGUSR1, count_call, f));
    raises_at_once = false;
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
status_of(pid_t child)
{
    int status = -1;

    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* The parent hears of the next signal, and of none before it. */
static void
check_parent(struct fixture *f)
{
    ouro_sim_turn(f->sim);
    assert_int_equal(f->calls, 0);
    assert_ok(raise(SIGUSR1));
    ouro_sim_turn(f->sim);
    assert_int_equal(f->calls, 1);
}

/* What was there before. */

static void
in_a_forked_child_signals_do_what_they_did_before(void **state)
{
    struct fixture *f = *state;

    pid_t child = fork();
    if (child == 0) {
        (void)raise(SIGUSR1);
        _exit(0);
    }
    int status = status_of(child);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGUSR1);
    check_parent(f);
}

static void
not_even_the_first_signal_of_a_child_is_lost(void **state)
{
    struct fixture *f = *state;

    raises_at_once = true;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    int status = status_of(child);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGUSR1);
    check_parent(f);
}

static void
a_fork_leaves_the_mask_of_signals_alone(void **state)
{
    sigset_t one;
    sigset_t before;
    sigset_t after;

    (void)state;
    sigemptyset(&one);
    sigaddset(&one, SIGHUP);
    assert_ok(pthread_sigmask(SIG_BLOCK, &one, &before));
    pid_t child = fork();
    (void)pthread_sigmask(SIG_SETMASK, &before, &after);
    bool same =
        sigismember(&after, SIGHUP) == 1 && sigismember(&after, SIGUSR1) == 0;
    if (child == 0)
        _exit(same ? 0 : 1);

    assert_int_equal(status_of(child), 0);
    assert_true(same);
}

/* Loops. */

/* Its exit code: the calls that its own loop made. */
static _Noreturn void
hear_in_child(struct fixture *f)
{
    struct ouro_sim *sim;

    if (ouro_sim_new(&sim, NULL) < 0
        || ouro_add_signal_handler(ouro_sim_loop(sim), &f->of_child, SIGUSR1,
                                   count_call, f)
               < 0)
        _exit(99);
    (void)raise(SIGUSR1);
    ouro_sim_turn(sim);
    ouro_sim_free(sim);
    _exit((int)f->calls);
}

static void
a_loop_of_the_child_has_handlers_of_its_own(void **state)
{
    struct fixture *f = *state;

    pid_t child = fork();
    if (child == 0)
        hear_in_child(f);
    int status = status_of(child);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    check_parent(f);
}

static void
free_the_loop(void *arg)
{
    struct fixture *f = arg;

    ouro_sim_free(f->sim);
}

static void
remove_the_handler(void *arg)
{
    struct fixture *f = arg;

    ouro_remove_signal_handler(&f->handler);
}

static void
add_one_more(void *arg)
{
    struct fixture *f = arg;

    (void)!ouro_add_signal_handler(ouro_sim_loop(f->sim), &f->of_child, SIGHUP,
                                   count_call, f);
}

static void
a_child_cannot_touch_the_handlers_of_its_parent(void **state)
{
    static const char words[] = "a forked child makes a loop of its own";
    struct fixture *f = *state;

    assert_callback_stops(free_the_loop, f, words);
    assert_callback_stops(remove_the_handler, f, words);
    assert_callback_stops(add_one_more, f, words);
    check_parent(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_a_forked_child_signals_do_what_they_did_before),
        TEST(not_even_the_first_signal_of_a_child_is_lost),
        TEST(a_fork_leaves_the_mask_of_signals_alone),
        TEST(a_loop_of_the_child_has_handlers_of_its_own),
        TEST(a_child_cannot_touch_the_handlers_of_its_parent),
    };

    /* The first to be registered is the first that a child runs. */
    if (pthread_atfork(NULL, NULL, begin_child) != 0)
        return 1;
    return cmocka_run_group_tests_name("signal_forks", tests, NULL, NULL);
}
