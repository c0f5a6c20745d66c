/* SPDX-License-Identifier: MIT */
/* What a program says on stderr: what nobody else can be told, and whose stack
 * overflowed.  See ouro_run(). */
#include "ouro_test.h"

#include "child.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* A sanitizer has a handler of its own for SIGSEGV. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { SANITIZED = 1 };
#    else
enum { SANITIZED = 0 };
#    endif
#else
enum { SANITIZED = 0 };
#endif

struct fixture {
    struct ouro_run_options options;
    struct seen_exceptions seen;
    struct ouro_report why;
};

/* Who is told. */

static int
fail_alone(void *arg)
{
    (void)arg;
    return -EPROTO;
}

static int
leave_failures(void *arg)
{
    static struct ouro_handle left;
    int rc = ouro_create_task(NULL, fail_alone, arg);

    ouro_call_later(ouro_get_running_loop(), &left, OURO_FOREVER, free, NULL);
    return rc < 0 ? rc : ouro_sleep(0);
}

static int
run_and_leave_failures(void *arg)
{
    return ouro_run(leave_failures, arg);
}

static void
what_nobody_else_can_be_told_goes_to_stderr(void **state)
{
    struct child_process child;

    child_start(&child, run_and_leave_failures, *state);
    child_wait(&child);

    assert_true(child_exited(&child, 0));
    assert_non_null(strstr(child.text, "ouro: test_run_reports.c:"));
    assert_non_null(strstr(child.text,
                           ": a task failed, and nobody waits for it "
                           "(fail_alone): Protocol error\n"));
    assert_non_null(strstr(child.text, ": a timer was still waiting\n"));
}

static int
run_quietly(void *arg)
{
    struct fixture *f = arg;

    f->options.loop.exception_handler = see_exception;
    f->options.loop.exception_arg = &f->seen;
    int rc = ouro_run_with(leave_failures, f, &f->options);

    return rc < 0 ? rc : (int)f->seen.count;
}

static void
another_handler_is_told_instead(void **state)
{
    struct child_process child;

    child_start(&child, run_quietly, *state);
    child_wait(&child);

    assert_true(child_exited(&child, 2));
    assert_string_equal(child.text, "");
}

static int
note_that_it_runs(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

static void
a_main_that_cannot_be_started_is_told_of(void **state)
{
    struct fixture *f = *state;
    bool ran = false;

    f->options.loop =
        (struct ouro_loop_options){.report = &f->why,
                                   .exception_handler = see_exception,
                                   .exception_arg = &f->seen};
    for (unsigned n = 1; !ran; n++) {
        f->seen.count = 0;
        f->why.text[0] = '\0';
        fail_allocation(n);
        int rc = ouro_run_with(note_that_it_runs, &ran, &f->options);
        fail_allocation(0);

        assert_int_equal(rc, ran ? 0 : -ENOMEM);
        assert_int_equal(f->seen.count + (f->why.text[0] != '\0'), !ran);
    }
}

/* A stack that overflows. */

/* A depth that is not known when this is compiled. */
static volatile unsigned depth = 1000000;

static int
go_deeper(unsigned left)
{
    volatile char here[1024];

    here[0] = (char)left;
    return left == 0 ? 0 : go_deeper(left - 1) + here[0];
}

static int
overflow(void *arg)
{
    (void)arg;
    return go_deeper(depth);
}

static int
start_one_that_overflows(void *arg)
{
    int rc = ouro_create_task(NULL, overflow, arg);

    return rc < 0 ? rc : ouro_sleep(OURO_FOREVER);
}

static int
run_one_that_overflows(void *arg)
{
    struct fixture *f = arg;

    return ouro_run_with(start_one_that_overflows, f, &f->options);
}

static void
a_stack_that_overflows_is_named(void **state)
{
    struct child_process child;

    if (SANITIZED)
        skip();
    child_start(&child, run_one_that_overflows, *state);
    child_wait(&child);

    assert_true(child_was_killed(&child, SIGSEGV));
    assert_non_null(strstr(child.text, "ouro: test_run_reports.c:"));
    assert_non_null(strstr(child.text, ": the stack of task 'overflow' "
                                       "overflowed; give its loop a larger "
                                       "stack_size\n"));
}

static void
the_report_of_an_overflow_can_be_turned_off(void **state)
{
    struct fixture *f = *state;
    struct child_process child;

    if (SANITIZED)
        skip();
    f->options.no_overflow_report = true;
    child_start(&child, run_one_that_overflows, f);
    child_wait(&child);

    assert_true(child_was_killed(&child, SIGSEGV));
    assert_string_equal(child.text, "");
}

static int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    *state = &f;
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_nobody_else_can_be_told_goes_to_stderr,
                               setup),
        cmocka_unit_test_setup(another_handler_is_told_instead, setup),
        cmocka_unit_test_setup(a_main_that_cannot_be_started_is_told_of, setup),
        cmocka_unit_test_setup(a_stack_that_overflows_is_named, setup),
        cmocka_unit_test_setup(the_report_of_an_overflow_can_be_turned_off,
                               setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
