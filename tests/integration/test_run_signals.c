/* SPDX-License-Identifier: MIT */
/* The signals of a program: the first cancels main, the second kills (A61).
 * See struct ouro_run_options.  Each program is a child of the test, and says
 * where it is. */
#include "ouro_test.h"

#include "child.h"
#include "context.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The exit code of a program whose run said -EINTR, and of one that could not
 * go on. */
enum { INTERRUPTED = EINTR, BROKEN = 99 };

/* The thread sanitizer keeps a signal back until the thread makes a call that
 * it knows.  It does not know io_uring_enter(2), so a signal that comes right
 * before that waits as long as the loop does.  And it lets the child of a
 * program with threads go without what it puts in place of sigaction(2), so
 * that nothing in there finds its handlers. */
#ifdef OURO__CONTEXT_TSAN
enum { SIGNALS_COME_LATE = 1 };
#else
enum { SIGNALS_COME_LATE = 0 };
#endif

static volatile sig_atomic_t caught;

/* A main, and what it does with a signal. */
struct program {
    ouro_task_fn *main;
    struct ouro_run_options options;
    int signal;
};

static int
run_program(void *arg)
{
    struct program *program = arg;

    return -ouro_run_with(program->main, program, &program->options);
}

static int
wait_for_a_signal(void *arg)
{
    (void)arg;
    child_say('w');
    return ouro_sleep(OURO_SECONDS(30));
}

/* Start it, and send it a signal when it says `word`. */
static void
start_and_signal(struct child_process *child, struct program *program,
                 char word, int signal)
{
    child_start(child, run_program, program);
    assert_int_equal(child_hear(child), word);
    assert_ok(kill(child->pid, signal));
}

/* The first. */

/* A61 */
static void
the_first_cancels_main_and_the_run_says_eintr(void **state)
{
    const int signals[] = {SIGINT, SIGTERM};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct program program = {.main = wait_for_a_signal};
        struct child_process child;

        start_and_signal(&child, &program, 'w', signals[i]);
        child_wait(&child);

        assert_true(child_exited(&child, INTERRUPTED));
        assert_string_equal(child.text, "");
    }
}

static int
catch_it_and_return_five(void *arg)
{
    return wait_for_a_signal(arg) == -ECANCELED ? -5 : -BROKEN;
}

/* A61 */
static void
a_main_that_returns_something_else_decides(void **state)
{
    struct program program = {.main = catch_it_and_return_five};
    struct child_process child;

    (void)state;
    start_and_signal(&child, &program, 'w', SIGINT);
    child_wait(&child);

    assert_true(child_exited(&child, 5));
}

static int
signal_itself_while_it_runs(void *arg)
{
    struct program *program = arg;

    if (raise(program->signal) != 0)
        return -BROKEN;
    return ouro_sleep(OURO_SECONDS(30));
}

/* A61: a handler that runs in the middle of a task. */
static void
one_that_comes_while_main_runs_ends_its_next_wait(void **state)
{
    struct program program = {.main = signal_itself_while_it_runs,
                              .signal = SIGTERM};
    struct child_process child;

    (void)state;
    child_start(&child, run_program, &program);
    child_wait(&child);

    assert_true(child_exited(&child, INTERRUPTED));
}

static void
raise_it(void *arg)
{
    const struct program *program = arg;

    (void)raise(program->signal);
}

static int
let_a_call_raise_it(void *arg)
{
    struct ouro_handle handle = {0};

    ouro_call_soon(ouro_get_running_loop(), &handle, raise_it, arg);
    return ouro_sleep(OURO_SECONDS(30));
}

/* A61 */
static void
one_that_comes_in_a_callback_cancels_main(void **state)
{
    struct program program = {.main = let_a_call_raise_it, .signal = SIGINT};
    struct child_process child;

    (void)state;
    child_start(&child, run_program, &program);
    child_wait(&child);

    assert_true(child_exited(&child, INTERRUPTED));
}

static struct ouro_handle last_call;

static int
let_the_last_call_raise_it(void *arg)
{
    ouro_call_soon(ouro_get_running_loop(), &last_call, raise_it, arg);
    return -7;
}

static int
let_the_last_call_raise_it_and_say_ecanceled(void *arg)
{
    (void)let_the_last_call_raise_it(arg);
    return -ECANCELED;
}

/* It is delivered with the last mail, when main is gone. */
static void
one_that_comes_after_main_has_returned_changes_nothing(void **state)
{
    struct program program = {.main = let_the_last_call_raise_it,
                              .signal = SIGINT};
    struct child_process child;

    (void)state;
    child_start(&child, run_program, &program);
    child_wait(&child);
    assert_true(child_exited(&child, 7));

    program.main = let_the_last_call_raise_it_and_say_ecanceled;
    child_start(&child, run_program, &program);
    child_wait(&child);
    assert_true(child_exited(&child, ECANCELED));
}

/* The second. */

static int
go_on_living(void *arg)
{
    int rc = wait_for_a_signal(arg);

    if (rc != -ECANCELED || ouro_uncancel() != 0)
        return -BROKEN;
    child_say('l');
    return ouro_sleep(OURO_SECONDS(30));
}

/* A61 */
static void
the_second_kills_whichever_it_is(void **state)
{
    const int signals[][2] = {
        {SIGINT, SIGINT}, {SIGTERM, SIGTERM}, {SIGTERM, SIGINT}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct program program = {.main = go_on_living};
        struct child_process child;

        start_and_signal(&child, &program, 'w', signals[i][0]);
        assert_int_equal(child_hear(&child), 'l');
        assert_ok(kill(child.pid, signals[i][1]));
        child_wait(&child);

        assert_true(child_was_killed(&child, signals[i][1]));
    }
}

static int
never_wait_again(void *arg)
{
    (void)wait_for_a_signal(arg);
    child_say('b');
    while (caught == 0)
        (void)poll(NULL, 0, 0); /* where the thread sanitizer lets signals in */
    return 0;
}

/* A61: the reason why the second kills. */
static void
the_second_kills_a_main_that_does_not_wait(void **state)
{
    struct program program = {.main = never_wait_again};
    struct child_process child;

    (void)state;
    start_and_signal(&child, &program, 'w', SIGINT);
    assert_int_equal(child_hear(&child), 'b');
    assert_ok(kill(child.pid, SIGINT));
    child_wait(&child);

    assert_true(child_was_killed(&child, SIGINT));
}

static int
ignore_every_cancel(void *arg)
{
    int rc;

    (void)arg;
    do {
        rc = ouro_sleep(OURO_FOREVER);
        ouro_uncancel();
        child_say('s');
    } while (rc <= 0);
    return rc;
}

static int
leave_a_stubborn_one(void *arg)
{
    int rc = ouro_create_task(NULL, ignore_every_cancel, NULL);

    return rc < 0 ? -BROKEN : wait_for_a_signal(arg);
}

/* A60, A61 */
static void
the_second_kills_while_tasks_are_waited_for(void **state)
{
    struct program program = {.main = leave_a_stubborn_one};
    struct child_process child;

    (void)state;
    start_and_signal(&child, &program, 'w', SIGINT);
    assert_int_equal(child_hear(&child), 's');
    assert_ok(kill(child.pid, SIGTERM));
    child_wait(&child);

    assert_true(child_was_killed(&child, SIGTERM));
}

/* Whose the signals are. */

static void
the_option_leaves_them_alone(void **state)
{
    struct program program = {.main = wait_for_a_signal,
                              .options = {.no_signals = true}};
    struct child_process child;

    (void)state;
    start_and_signal(&child, &program, 'w', SIGINT);
    child_wait(&child);

    assert_true(child_was_killed(&child, SIGINT));
}

static void catch (int number)
{
    caught = number;
}

/* What is there for a signal: this and what it was asked for with. */
static bool
is_caught_by_us(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 && action.sa_handler == catch
           && (action.sa_flags & SA_RESTART) != 0
           && sigismember(&action.sa_mask, SIGUSR1) == 1;
}

static int
see_that_it_is_taken(void *arg)
{
    (void)arg;
    return is_caught_by_us(SIGINT) || is_caught_by_us(SIGTERM) ? -1 : 0;
}

static int
take_and_give_back(void *arg)
{
    struct sigaction action = {.sa_handler = catch, .sa_flags = SA_RESTART};

    sigaddset(&action.sa_mask, SIGUSR1);
    if (sigaction(SIGINT, &action, NULL) < 0
        || sigaction(SIGTERM, &action, NULL) < 0)
        return BROKEN;
    for (int i = 0; i < 2; i++) {
        if (ouro_run(see_that_it_is_taken, arg) != 0)
            return 1;
        if (!is_caught_by_us(SIGINT) || !is_caught_by_us(SIGTERM))
            return 2;
    }
    (void)raise(SIGINT);
    return caught == SIGINT ? 0 : 3;
}

/* A61 */
static void
what_was_there_before_is_there_again_afterwards(void **state)
{
    struct child_process child;

    (void)state;
    child_start(&child, take_and_give_back, NULL);
    child_wait(&child);

    assert_true(child_exited(&child, 0));
}

/* Forks. */

/* The child of a fork is sent a signal; how it ended. */
static int
signal_a_fork(int (*fn)(void))
{
    int ends[2];
    char word;
    int status = -1;

    if (pipe(ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        _exit(fn());
    }
    close(ends[1]);
    if (read(ends[0], &word, 1) == 1)
        (void)kill(pid, SIGINT);
    (void)waitpid(pid, &status, 0);
    close(ends[0]);
    return status;
}

static bool
say_that_it_is_there(void)
{
    return write(STDOUT_FILENO, "w", 1) == 1;
}

static int
wait_in_a_fork(void)
{
    if (say_that_it_is_there())
        sleep(30);
    return BROKEN;
}

static int
sleep_in_a_fork(void *arg)
{
    (void)arg;
    return say_that_it_is_there() ? ouro_sleep(OURO_SECONDS(30)) : -BROKEN;
}

static int
run_in_a_fork(void)
{
    return -ouro_run(sleep_in_a_fork, NULL);
}

static int
fork_and_signal(void *arg)
{
    (void)arg;

    int killed = signal_a_fork(wait_in_a_fork);
    if (!WIFSIGNALED(killed) || WTERMSIG(killed) != SIGINT)
        return -1;
    int ran = signal_a_fork(run_in_a_fork);
    if (!WIFEXITED(ran) || WEXITSTATUS(ran) != INTERRUPTED)
        return -2;

    int rc = ouro_sleep(OURO_MILLISECONDS(1));
    return rc < 0 ? -3 : wait_for_a_signal(NULL);
}

/* A62: a child has the handler of its parent, and not its main. */
static void
a_forked_child_is_killed_or_has_a_run_of_its_own(void **state)
{
    struct program program = {.main = fork_and_signal};
    struct child_process child;

    (void)state;
    start_and_signal(&child, &program, 'w', SIGINT);
    child_wait(&child);

    assert_true(child_exited(&child, INTERRUPTED));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_cancels_main_and_the_run_says_eintr),
        cmocka_unit_test(a_main_that_returns_something_else_decides),
        cmocka_unit_test(one_that_comes_while_main_runs_ends_its_next_wait),
        cmocka_unit_test(one_that_comes_in_a_callback_cancels_main),
        cmocka_unit_test(
            one_that_comes_after_main_has_returned_changes_nothing),
        cmocka_unit_test(the_second_kills_whichever_it_is),
        cmocka_unit_test(the_second_kills_a_main_that_does_not_wait),
        cmocka_unit_test(the_second_kills_while_tasks_are_waited_for),
        cmocka_unit_test(the_option_leaves_them_alone),
        cmocka_unit_test(what_was_there_before_is_there_again_afterwards),
        cmocka_unit_test(a_forked_child_is_killed_or_has_a_run_of_its_own),
    };

    if (SIGNALS_COME_LATE)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
