/* SPDX-License-Identifier: MIT */
/* The watchdog on real loops: each call holds its loop until it was told of. */
#include "ouro_test.h"

#include "child.h"
#include "loop.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LOOPS = 3, SOME_MS = 100 };

/* What the first report said; written on the thread of the watchdog.  Where the
 * machine is slow others may follow, of other calls. */
struct heard {
    atomic_int times;
    int64_t held_ns;
    size_t frames;
    char name[32];
    char site[64];
};

static void
hear(const struct ouro_stall *stall, void *arg)
{
    struct heard *heard = arg;

    if (atomic_load(&heard->times) > 0)
        return;
    heard->held_ns = stall->held_ns;
    heard->frames = stall->frame_count;
    if (stall->name != NULL)
        strncpy(heard->name, stall->name, sizeof(heard->name) - 1);
    if (stall->site != NULL)
        strncpy(heard->site, stall->site, sizeof(heard->site) - 1);
    atomic_store(&heard->times, 1);
}

static void
hold(void *arg)
{
    struct heard *heard = arg;

    while (atomic_load(&heard->times) == 0)
        (void)sched_yield();
}

static int
hold_in_a_task(void *arg)
{
    hold(arg);
    return 0;
}

static int
run_watched(struct heard *heard, ouro_task_fn *main)
{
    const struct ouro_stall_options stalls = {
        .limit_ns = OURO_MILLISECONDS(5), .report = hear, .arg = heard};
    const struct ouro_run_options options = {.stalls = &stalls};

    return ouro_run_with(main, heard, &options);
}

/* A90 */
static void
a_task_that_holds_its_loop_is_told_of_while_it_does(void **state)
{
    struct heard heard = {0};

    (void)state;
    assert_ok(run_watched(&heard, hold_in_a_task));

    assert_string_equal(heard.name, "main");
    assert_non_null(strstr(heard.site, ".c:"));
    assert_in_range(heard.held_ns, OURO_MILLISECONDS(5), OURO_SECONDS(60));
    assert_in_range(heard.frames, 1, 64);
}

static int
hold_with_signals_blocked(void *arg)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    hold(arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return 0;
}

static void
a_thread_that_blocks_signals_is_told_of_without_frames(void **state)
{
    struct heard heard = {0};

    (void)state;
    assert_ok(run_watched(&heard, hold_with_signals_blocked));

    assert_in_range(heard.held_ns, OURO_MILLISECONDS(5), OURO_SECONDS(60));
    assert_int_equal(heard.frames, 0);
}

static void
stop(void *arg)
{
    ouro_loop_stop(arg);
}

/* On its own loop, and a callback outside tasks. */
static void *
hold_a_loop(void *arg)
{
    struct heard *heard = arg;
    const struct ouro_stall_options options = {
        .limit_ns = OURO_MILLISECONDS(5), .report = hear, .arg = heard};
    struct ouro_handle held = {0};
    struct ouro_handle last = {0};
    struct ouro_loop *loop;

    assert_ok(ouro_loop_new(&loop, NULL));
    assert_ok(ouro_loop_watch_stalls(loop, &options));
    ouro_call_soon(loop, &held, hold, heard);
    ouro_call_soon(loop, &last, stop, loop);
    ouro_loop_run_forever(loop);
    ouro_loop_free(loop);
    return NULL;
}

static void
a_call_is_told_of_with_the_place_that_asked_for_it(void **state)
{
    struct heard heard = {0};

    (void)state;
    hold_a_loop(&heard);

    assert_string_equal(heard.name, "");
    assert_non_null(strstr(heard.site, "test_stall.c:"));
}

static void
each_of_several_loops_has_its_own_report(void **state)
{
    struct heard heard[LOOPS] = {0};
    pthread_t threads[LOOPS];

    (void)state;
    for (size_t i = 0; i < LOOPS; i++)
        assert_ok(pthread_create(&threads[i], NULL, hold_a_loop, &heard[i]));
    for (size_t i = 0; i < LOOPS; i++)
        assert_ok(pthread_join(threads[i], NULL));

    for (size_t i = 0; i < LOOPS; i++)
        assert_non_null(strstr(heard[i].site, "test_stall.c:"));
}

static void
let_pass_ms(int ms)
{
    const struct timespec pause = {.tv_nsec = ms * 1000000L};

    nanosleep(&pause, NULL);
}

/* A report that goes on for a while when the call is over. */
struct slow_report {
    struct heard heard;
    atomic_bool returned;
};

static void
hear_slowly(const struct ouro_stall *stall, void *arg)
{
    struct slow_report *slow = arg;

    hear(stall, &slow->heard);
    let_pass_ms(SOME_MS);
    atomic_store(&slow->returned, true);
}

/* Another is watched, too: the end of the thread would be waited for anyway. */
static void
a_loop_that_is_freed_waits_for_a_report_of_it(void **state)
{
    struct slow_report slow = {0};
    const struct ouro_stall_options options = {
        .limit_ns = OURO_MILLISECONDS(5), .report = hear_slowly, .arg = &slow};
    struct ouro_handle held = {0};
    struct ouro_loop *other;
    struct ouro_loop *loop;

    (void)state;
    assert_ok(ouro_loop_new(&loop, NULL));
    assert_ok(ouro_loop_watch_stalls(loop, &options));
    assert_ok(ouro_loop_new(&other, NULL));
    assert_ok(ouro_loop_watch_stalls(other, NULL));
    ouro_call_soon(loop, &held, hold, &slow.heard);
    ouro_loop_stop(loop);
    ouro_loop_run_forever(loop);
    ouro_loop_free(loop);
    bool returned = atomic_load(&slow.returned);
    ouro_loop_free(other);

    assert_true(returned);
}

static void
a_limit_below_a_millisecond_is_refused(void **state)
{
    const struct ouro_stall_options options = {.limit_ns = 999999};
    struct ouro_loop *loop;

    (void)state;
    assert_ok(ouro_loop_new(&loop, NULL));
    assert_err(ouro_loop_watch_stalls(loop, &options), EINVAL);
    ouro_loop_free(loop);
}

static int
note_that_it_runs(void *arg)
{
    bool *ran = arg;

    *ran = true;
    return 0;
}

static void
a_run_refuses_it_too_and_runs_nothing(void **state)
{
    const struct ouro_stall_options stalls = {.limit_ns = 999999};
    const struct ouro_run_options options = {.stalls = &stalls};
    bool ran = false;

    (void)state;
    assert_err(ouro_run_with(note_that_it_runs, &ran, &options), EINVAL);

    assert_false(ran);
}

static void
a_loop_may_be_watched_again_and_no_more(void **state)
{
    struct ouro_loop *loop;

    (void)state;
    assert_ok(ouro_loop_new(&loop, NULL));
    ouro_loop_unwatch_stalls(loop);
    assert_ok(ouro_loop_watch_stalls(loop, NULL));
    assert_ok(ouro_loop_watch_stalls(loop, NULL));
    ouro_loop_unwatch_stalls(loop);
    ouro_loop_unwatch_stalls(loop);
    assert_ok(ouro_loop_watch_stalls(loop, NULL));
    ouro_loop_free(loop);
}

/* The watchdog sleeps meanwhile: the other loop does not run. */
static void
watch_and_hold(void *arg)
{
    struct heard *heard = arg;
    const struct ouro_stall_options options = {
        .limit_ns = OURO_MILLISECONDS(5), .report = hear, .arg = heard};

    assert_ok(ouro_loop_watch_stalls(ouro_get_running_loop(), &options));
    hold(heard);
    ouro_loop_stop(ouro_get_running_loop());
}

static void
a_call_that_begins_to_watch_is_watched(void **state)
{
    struct heard heard = {0};
    struct ouro_handle held = {0};
    struct ouro_loop *other;
    struct ouro_loop *loop;

    (void)state;
    assert_ok(ouro_loop_new(&other, NULL));
    assert_ok(ouro_loop_watch_stalls(other, NULL));
    assert_ok(ouro_loop_new(&loop, NULL));
    while (!atomic_load(&ouro__watchdog_sleeps))
        (void)sched_yield();
    ouro_call_soon(loop, &held, watch_and_hold, &heard);
    ouro_loop_run_forever(loop);
    ouro_loop_free(loop);
    ouro_loop_free(other);

    assert_non_null(strstr(heard.site, "test_stall.c:"));
}

/* A loop that waits, and what another thread sees of the watchdog then. */
struct idle {
    struct ouro_loop *loop;
    struct ouro_handle stop;
    unsigned before; /* times that the watchdog had gone to sleep */
    unsigned after;
    int rc; /* of the order to stop */
};

/* Of a thread of this process; 0 if its name is not `name`. */
static unsigned
count_sleeps_of(const char *thread, const char *name)
{
    char text[4096] = "";
    char path[300];
    unsigned sleeps = 0;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", thread);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    const char *count = strstr(text, "\nvoluntary_ctxt_switches:");
    if (size > 0 && strstr(text, name) != NULL && count != NULL)
        (void)sscanf(count, "%*s %u", &sleeps);
    return sleeps;
}

/* The newest: that of an earlier test may be on its way out. */
static unsigned
count_sleeps_of_the_watchdog(void)
{
    DIR *threads = opendir("/proc/self/task");
    const struct dirent *thread;
    unsigned sleeps = 0;

    while (threads != NULL && (thread = readdir(threads)) != NULL) {
        unsigned found = count_sleeps_of(thread->d_name, "ouro-watchdog");
        sleeps = found > 0 ? found : sleeps;
    }
    if (threads != NULL)
        (void)closedir(threads);
    return sleeps;
}

static void *
look_at_the_watchdog(void *arg)
{
    struct idle *idle = arg;

    while (!atomic_load(&ouro__watchdog_sleeps))
        (void)sched_yield();
    idle->before = count_sleeps_of_the_watchdog();
    let_pass_ms(SOME_MS);
    idle->after = count_sleeps_of_the_watchdog();
    idle->rc =
        ouro_call_soon_threadsafe(idle->loop, &idle->stop, stop, idle->loop);
    return NULL;
}

/* It would look each half of a millisecond. */
static void
it_does_not_wake_up_while_no_loop_is_busy(void **state)
{
    const struct ouro_stall_options options = {.limit_ns =
                                                   OURO_MILLISECONDS(1)};
    struct idle idle = {0};
    pthread_t thread;

    (void)state;
    assert_ok(ouro_loop_new(&idle.loop, NULL));
    assert_ok(ouro_loop_watch_stalls(idle.loop, &options));
    assert_ok(pthread_create(&thread, NULL, look_at_the_watchdog, &idle));
    ouro_loop_run_forever(idle.loop);
    assert_ok(pthread_join(thread, NULL));
    ouro_loop_free(idle.loop);

    assert_ok(idle.rc);
    assert_in_range(idle.before, 1, idle.after);
    assert_in_range(idle.after - idle.before, 0, 10);
}

static int
count_threads(void *arg)
{
    size_t *count = arg;
    DIR *threads = opendir("/proc/self/task");

    while (threads != NULL && readdir(threads) != NULL)
        ++*count;
    return threads != NULL ? closedir(threads) : -ENOENT;
}

/* A thread that was joined is seen for a moment still. */
static void
await_the_end_of_others(void)
{
    size_t count = 0;

    do {
        count = 0;
        assert_ok(count_threads(&count));
    } while (count > 3); /* this thread, "." and ".." */
}

static void
a_run_without_reports_has_no_thread_for_them(void **state)
{
    const struct ouro_run_options options = {.no_stall_report = true};
    size_t with = 0;
    size_t without = 0;

    (void)state;
    await_the_end_of_others();
    assert_ok(ouro_run(count_threads, &with));
    await_the_end_of_others();
    assert_ok(ouro_run_with(count_threads, &without, &options));

    assert_int_equal(with, without + 1);
}

static void
print_and_note(const struct ouro_stall *stall, void *arg)
{
    ouro_print_stall(stall, NULL);
    hear(stall, arg);
}

static int
run_printed(void *arg)
{
    struct heard heard = {0};
    const struct ouro_stall_options stalls = {.limit_ns = OURO_MILLISECONDS(5),
                                              .report = print_and_note,
                                              .arg = &heard};
    const struct ouro_run_options options = {.stalls = &stalls};

    (void)arg;
    return -ouro_run_with(hold_in_a_task, &heard, &options);
}

/* A90, in a child that was forked where loops had been watched. */
static void
the_shipped_report_names_task_and_functions(void **state)
{
    struct child_process child;

    (void)state;
    child_start(&child, run_printed, NULL);
    child_wait(&child);

    assert_true(child_exited(&child, 0));
    assert_non_null(strstr(child.text, "ouro: task 'main' ("));
    assert_non_null(strstr(child.text, ") has held the loop for "));
    assert_non_null(strstr(child.text, "    at hold_in_a_task+0x"));
}

static void
ignore(int number)
{
    (void)number;
}

/* Its exit code: what was wrong. */
static int
take_the_highest_signal_and_hold(void *arg)
{
    const struct sigaction ours = {.sa_handler = ignore};
    struct heard heard = {0};
    struct sigaction now;

    (void)arg;
    if (sigaction(SIGRTMAX, &ours, NULL) < 0
        || run_watched(&heard, hold_in_a_task) != 0)
        return 1;
    if (sigaction(SIGRTMAX, NULL, &now) < 0 || now.sa_handler != ignore)
        return 2;
    if (sigaction(SIGRTMAX - 1, NULL, &now) < 0 || now.sa_handler == SIG_DFL)
        return 3;
    return heard.frames > 0 ? 0 : 4;
}

static void
a_signal_that_somebody_handles_is_left_to_him(void **state)
{
    struct child_process child;

    (void)state;
    child_start(&child, take_the_highest_signal_and_hold, NULL);
    child_wait(&child);

    assert_true(child_exited(&child, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_that_holds_its_loop_is_told_of_while_it_does),
        cmocka_unit_test(
            a_thread_that_blocks_signals_is_told_of_without_frames),
        cmocka_unit_test(a_call_is_told_of_with_the_place_that_asked_for_it),
        cmocka_unit_test(each_of_several_loops_has_its_own_report),
        cmocka_unit_test(a_limit_below_a_millisecond_is_refused),
        cmocka_unit_test(a_run_refuses_it_too_and_runs_nothing),
        cmocka_unit_test(a_loop_that_is_freed_waits_for_a_report_of_it),
        cmocka_unit_test(it_does_not_wake_up_while_no_loop_is_busy),
        cmocka_unit_test(a_signal_that_somebody_handles_is_left_to_him),
        cmocka_unit_test(a_loop_may_be_watched_again_and_no_more),
        cmocka_unit_test(a_call_that_begins_to_watch_is_watched),
        cmocka_unit_test(a_run_without_reports_has_no_thread_for_them),
        cmocka_unit_test(the_shipped_report_names_task_and_functions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
