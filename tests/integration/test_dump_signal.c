/* SPDX-License-Identifier: MIT */
/* The signal that asks a program for a dump of its tasks.  Each program is a
 * child of the test, and says where it is. */
#include "ouro_test.h"

#include "child.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { INTERRUPTED = EINTR };

struct program {
    ouro_task_fn *main;
    struct ouro_run_options options;
    int told; /* of its calls for signals */
};

static int
run_program(void *arg)
{
    struct program *program = arg;

    return -ouro_run_with(program->main, program, &program->options);
}

/* How often `words` are in what it wrote. */
static size_t
count(const struct child_process *child, const char *words)
{
    size_t times = 0;

    for (const char *at = strstr(child->text, words); at != NULL;
         at = strstr(at + 1, words))
        times++;
    if (times == 0)
        print_error("no '%s' in:\n%s\n", words, child->text);
    return times;
}

/* Ask for a dump when it says `word`, and end it when it says `end`. */
static void
ask(struct child_process *child, struct program *program, char word, char end)
{
    child_start(child, run_program, program);
    assert_int_equal(child_hear(child), word);
    assert_ok(kill(child->pid, program->options.dump_signal));
    assert_int_equal(child_hear(child), end);
    assert_ok(kill(child->pid, SIGTERM));
    child_wait(child);
    assert_true(child_exited(child, INTERRUPTED));
}

/* A handler that comes after the dump's: it has been written then. */
static void
say_that_it_came(void *arg)
{
    struct program *program = arg;

    child_say((char)('1' + program->told++));
}

static int
wait_for_ever(void *arg)
{
    (void)arg;
    return ouro_sleep(OURO_FOREVER);
}

static int
wait_with_a_child(void *arg)
{
    struct program *program = arg;
    struct ouro_signal_handler after = {0};
    struct ouro_group group;

    int rc = ouro_add_signal_handler(ouro_get_running_loop(), &after,
                                     program->options.dump_signal,
                                     say_that_it_came, program);
    if (rc < 0)
        return rc;
    ouro_group_begin(&group);
    ouro_group_create_task(&group, wait_for_ever, program);
    rc = ouro_sleep(0);
    child_say('w');
    rc = ouro_group_end(&group, rc);
    ouro_remove_signal_handler(&after);
    return rc;
}

/* A91: from a signal. */
static void
the_signal_of_the_options_writes_the_tasks_and_ends_nothing(void **state)
{
    const int signals[] = {SIGQUIT, SIGUSR1};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct program program = {.main = wait_with_a_child,
                                  .options = {.dump_signal = signals[i]}};
        struct child_process child;

        ask(&child, &program, 'w', '1');

        assert_int_equal(strncmp(child.text, "2 tasks\n1 'main' (", 18), 0);
        assert_int_equal(count(&child, " waits for a sleep, for ever\n"), 1);
        assert_int_equal(count(&child, "    at wait_with_a_child+0x"), 1);
        assert_int_equal(count(&child, "who waits for whom\n"
                                       "1 'main'\n"
                                       "  2 'wait_for_ever'\n"),
                         1);
    }
}

static void
each_time_it_comes_is_a_dump(void **state)
{
    struct program program = {.main = wait_with_a_child,
                              .options = {.dump_signal = SIGQUIT}};
    struct child_process child;

    (void)state;
    child_start(&child, run_program, &program);
    assert_int_equal(child_hear(&child), 'w');
    assert_ok(kill(child.pid, SIGQUIT));
    assert_int_equal(child_hear(&child), '1');
    assert_ok(kill(child.pid, SIGQUIT));
    assert_int_equal(child_hear(&child), '2');
    assert_ok(kill(child.pid, SIGTERM));
    child_wait(&child);

    assert_true(child_exited(&child, INTERRUPTED));
    assert_int_equal(count(&child, "2 tasks\n"), 2);
}

static volatile sig_atomic_t caught;

static void
note_signal(int number)
{
    caught = number;
}

/* Until another signal has come, which the loop has nothing to do with. */
static int
hold_the_loop(void *arg)
{
    const struct sigaction action = {.sa_handler = note_signal};
    struct program *program = arg;
    struct ouro_signal_handler after = {0};
    int rc = ouro_add_signal_handler(ouro_get_running_loop(), &after,
                                     program->options.dump_signal,
                                     say_that_it_came, program);

    if (rc < 0 || sigaction(SIGUSR2, &action, NULL) < 0)
        return rc;
    child_say('h');
    while (caught == 0)
        (void)sched_yield();
    if (write(STDERR_FILENO, "held\n", 5) == 5)
        rc = ouro_sleep(OURO_FOREVER);
    ouro_remove_signal_handler(&after);
    return rc;
}

static void
a_loop_that_is_held_writes_when_it_is_let_go(void **state)
{
    struct program program = {
        .main = hold_the_loop,
        .options = {.dump_signal = SIGQUIT, .no_stall_report = true}};
    struct child_process child;

    (void)state;
    child_start(&child, run_program, &program);
    assert_int_equal(child_hear(&child), 'h');
    assert_ok(kill(child.pid, SIGQUIT));
    assert_ok(kill(child.pid, SIGUSR2));
    assert_int_equal(child_hear(&child), '1');
    assert_ok(kill(child.pid, SIGTERM));
    child_wait(&child);

    assert_true(child_exited(&child, INTERRUPTED));
    assert_int_equal(strncmp(child.text, "held\n1 task\n", 12), 0);
}

static int
ask_a_loop_of_its_own(void *arg)
{
    struct ouro_signal_handler handler = {0};
    struct ouro_loop *loop = ouro_get_running_loop();

    (void)arg;
    int rc = ouro_dump_on_signal(loop, &handler, SIGUSR1);
    if (rc < 0)
        return rc;
    (void)raise(SIGUSR1);
    rc = ouro_sleep(OURO_MILLISECONDS(1));
    if (!ouro_remove_signal_handler(&handler))
        return -EPERM;
    child_say('w');
    return rc < 0 ? rc : ouro_sleep(OURO_FOREVER);
}

static void
a_handler_that_is_removed_dumps_no_more(void **state)
{
    struct program program = {.main = ask_a_loop_of_its_own};
    struct child_process child;

    (void)state;
    child_start(&child, run_program, &program);
    assert_int_equal(child_hear(&child), 'w');
    assert_ok(kill(child.pid, SIGUSR1));
    child_wait(&child);

    assert_true(child_was_killed(&child, SIGUSR1));
    assert_int_equal(count(&child, "1 task\n"), 1);
}

static int
say_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static bool
is_default(int number)
{
    struct sigaction now;

    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_DFL;
}

static void
what_the_signal_did_before_it_does_again_afterwards(void **state)
{
    const struct ouro_run_options options = {.dump_signal = SIGQUIT};

    (void)state;
    assert_ok(ouro_run_with(say_nothing, NULL, &options));

    assert_true(is_default(SIGQUIT));
}

static void
a_signal_that_cannot_ask_is_refused(void **state)
{
    const int signals[] = {-1, SIGKILL, SIGSEGV, SIGINT, SIGTERM};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        const struct ouro_run_options options = {.dump_signal = signals[i]};

        assert_err(ouro_run_with(say_nothing, NULL, &options), EINVAL);
        assert_true(signals[i] == -1 || signals[i] == SIGSEGV
                    || is_default(signals[i]));
    }
}

/* Those two are free then. */
static void
sigint_may_ask_where_it_does_not_cancel(void **state)
{
    const struct ouro_run_options options = {.dump_signal = SIGINT,
                                             .no_signals = true};

    (void)state;
    assert_ok(ouro_run_with(say_nothing, NULL, &options));

    assert_true(is_default(SIGINT));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            the_signal_of_the_options_writes_the_tasks_and_ends_nothing),
        cmocka_unit_test(each_time_it_comes_is_a_dump),
        cmocka_unit_test(a_loop_that_is_held_writes_when_it_is_let_go),
        cmocka_unit_test(a_handler_that_is_removed_dumps_no_more),
        cmocka_unit_test(what_the_signal_did_before_it_does_again_afterwards),
        cmocka_unit_test(a_signal_that_cannot_ask_is_refused),
        cmocka_unit_test(sigint_may_ask_where_it_does_not_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
