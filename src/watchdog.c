/* SPDX-License-Identifier: MIT */
/* The thread that watches the loops of a process.
 *
 * - A loop counts its calls, and says whether it is busy: some plain stores.
 * - While a loop is busy the thread looks at it now and then.  Two looks that
 *   see the same call, a limit apart, are a stall; see stall.c.
 * - It asks the thread of the loop by a signal where it is, and reports.
 * - When no loop is busy it sleeps, until one wakes it.
 *
 * A loop that becomes busy stores that and then loads whether the watchdog
 * sleeps; the watchdog stores that it sleeps and then loads whether one is
 * busy.  So one of the two sees the other.
 */
#include "alloc.h"
#include "backtrace.h"
#include "stall.h"
#include "task.h"
#include "threads.h"

#include <ouro/stall.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NAME_SIZE = 64, ANSWER_MS = 100 };

/* A loop that is watched. */
struct watch {
    struct ouro__list link; /* in watches */
    struct ouro_loop *loop;
    struct ouro_stall_options options;
    struct ouro__stall_state state;
    const char *thread; /* its ouro__this_thread */
    pid_t tid;
    bool reporting; /* it may not go */
};

/* All of it is the lock's, but for what is atomic. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;  /* for the watchdog */
static pthread_cond_t reported; /* a report has returned, or the thread */
static struct ouro__list watches = {&watches, &watches};
static bool alive; /* the thread */

/* The question where a thread is; one at a time. */
enum { NOBODY_ASKS, ASKED, ANSWERING, ANSWERED };

static struct {
    atomic_int state;
    _Atomic(const char *) thread; /* who is asked */
    void *frames[OURO__BACKTRACE_FRAMES];
    size_t count;
    bool in_task;
    char name[NAME_SIZE]; /* a copy: the task may end meanwhile */
    const char *site;
} question;

static int64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return OURO_SECONDS(now.tv_sec) + now.tv_nsec;
}

/* Asking a thread. */

/* Runs on the thread that is asked.  A late answer finds nobody asking, or
 * somebody else asked. */
static void
answer(int number, siginfo_t *info, void *ucontext)
{
    int asked = ASKED;
    int error = errno;

    (void)number;
    (void)info;
    if (atomic_load(&question.thread) != &ouro__this_thread
        || !atomic_compare_exchange_strong(&question.state, &asked, ANSWERING))
        return;

    const struct ouro_task *task = ouro_current_task();
    question.count = ouro__backtrace_of_interrupted(ucontext, question.frames);
    question.in_task = task != NULL;
    question.site = task != NULL ? task->site : NULL;
    question.name[0] = '\0';
    if (task != NULL && task->name != NULL)
        strncpy(question.name, task->name, sizeof(question.name) - 1);
    atomic_store(&question.state, ANSWERED);
    errno = error;
}

/* Its number stays handled for ever: a signal that is still on its way to a
 * thread that blocks it must not end the program. */
static int
choose_signal(void)
{
    static int chosen;
    struct sigaction action = {.sa_sigaction = answer,
                               .sa_flags =
                                   SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    struct sigaction now;

    if (chosen != 0 && sigaction(chosen, NULL, &now) == 0
        && (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == answer)
        return chosen;

    sigemptyset(&action.sa_mask);
    for (chosen = SIGRTMAX; chosen > SIGRTMIN; chosen--) {
        if (sigaction(chosen, NULL, &now) == 0 && now.sa_handler == SIG_DFL
            && sigaction(chosen, &action, NULL) == 0)
            return chosen;
    }
    chosen = 0;
    return 0;
}

static bool
was_answered(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int asked = ASKED;

    for (int i = 0; i < ANSWER_MS; i++) {
        if (atomic_load(&question.state) == ANSWERED)
            return true;
        nanosleep(&pause, NULL);
    }
    if (atomic_compare_exchange_strong(&question.state, &asked, NOBODY_ASKS))
        return false;
    while (atomic_load(&question.state) != ANSWERED)
        nanosleep(&pause, NULL);
    return true;
}

static bool
ask(const struct watch *watch)
{
    int number = choose_signal();

    if (number == 0)
        return false;
    atomic_store(&question.thread, watch->thread);
    atomic_store(&question.state, ASKED);
    if (syscall(SYS_tgkill, getpid(), watch->tid, number) < 0) {
        atomic_store(&question.state, NOBODY_ASKS);
        return false;
    }
    return was_answered();
}

static bool
still_in_it(const struct watch *watch)
{
    struct ouro__stall_view view = ouro__stall_view_of(watch->loop);

    return view.busy && view.turns == watch->state.seen.turns
           && view.calls == watch->state.seen.calls;
}

/* Without the lock: the loop goes on meanwhile, but is not freed.  If it has
 * left the call before it answered there is nothing to tell. */
static void
report(const struct watch *watch, int64_t held_ns)
{
    const struct ouro__pulse *pulse = &watch->loop->pulse;
    struct ouro_stall stall = {.held_ns = held_ns};

    stall.site = atomic_load_explicit(&pulse->site, memory_order_relaxed);
    bool answered = ask(watch);
    if (!still_in_it(watch))
        goto out;
    if (answered) {
        stall.frames = question.frames;
        stall.frame_count = question.count;
        stall.name = question.in_task ? question.name : NULL;
        stall.site = question.in_task ? question.site : stall.site;
    }
    watch->options.report(&stall, watch->options.arg);
out:
    atomic_store(&question.state, NOBODY_ASKS);
}

/* The thread. */

/* Returns how long not to look again; OURO_FOREVER: it is not busy. */
static int64_t
look(struct watch *watch)
{
    struct ouro__stall_view view = ouro__stall_view_of(watch->loop);
    int64_t limit_ns = watch->options.limit_ns;
    int64_t held_ns;

    if (ouro__stall_look(&watch->state, &view, limit_ns, now_ns(), &held_ns)) {
        watch->reporting = true;
        pthread_mutex_unlock(&lock);
        report(watch, held_ns);
        pthread_mutex_lock(&lock);
        watch->reporting = false;
        pthread_cond_broadcast(&reported);
    }
    return view.busy ? ouro__stall_pause_ns(limit_ns) : OURO_FOREVER;
}

/* A report lets others change the list, but keeps its own watch in it: one that
 * comes behind it is looked at, and one that went is not. */
static int64_t
look_at_all(void)
{
    int64_t pause_ns = OURO_FOREVER;

    for (struct ouro__list *link = watches.next; link != &watches;
         link = link->next) {
        int64_t next_ns = look(OURO_CONTAINER_OF(link, struct watch, link));

        if (next_ns < pause_ns)
            pause_ns = next_ns;
    }
    return pause_ns;
}

/* Say that it sleeps, and look once more: one may have become busy before. */
static void
sleep_until_one_is_busy(void)
{
    atomic_store(&ouro__watchdog_sleeps, true);
    if (look_at_all() == OURO_FOREVER) {
        while (atomic_load(&ouro__watchdog_sleeps)
               && !ouro__list_is_empty(&watches))
            pthread_cond_wait(&changed, &lock);
    }
    atomic_store(&ouro__watchdog_sleeps, false);
}

static void *
watch_loops(void *arg)
{
    ouro__thread_set_name("ouro-watchdog");
    pthread_mutex_lock(&lock);
    while (!ouro__list_is_empty(&watches)) {
        int64_t pause_ns = look_at_all();

        if (pause_ns == OURO_FOREVER) {
            sleep_until_one_is_busy();
            continue;
        }
        struct timespec until = ouro__deadline(pause_ns);
        pthread_cond_timedwait(&changed, &lock, &until);
    }
    alive = false;
    pthread_cond_broadcast(&reported);
    pthread_mutex_unlock(&lock);
    return arg;
}

static void
wake(void)
{
    pthread_mutex_lock(&lock);
    atomic_store(&ouro__watchdog_sleeps, false);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

/* Forks: the child has neither the thread nor its parent's loops. */

static void
before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void
after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

static void
begin_anew(void)
{
    ouro__list_init(&watches);
    ouro__thread_condition_init(&changed);
    ouro__thread_condition_init(&reported);
    alive = false;
    atomic_store(&ouro__watchdog_sleeps, false);
    atomic_store(&question.state, NOBODY_ASKS);
    pthread_mutex_unlock(&lock);
}

static void
begin(void)
{
    ouro__thread_condition_init(&changed);
    ouro__thread_condition_init(&reported);
    ouro__backtrace_prepare();
    (void)pthread_atfork(before_fork, after_fork, begin_anew);
}

/* Watching. */

static void
end_watch(struct ouro_loop *loop, void *kept)
{
    struct watch *watch = kept;

    (void)loop;
    pthread_mutex_lock(&lock);
    while (watch->reporting)
        pthread_cond_wait(&reported, &lock);
    ouro__list_remove(&watch->link);
    pthread_cond_signal(&changed);
    while (alive && ouro__list_is_empty(&watches))
        pthread_cond_wait(&reported, &lock);
    pthread_mutex_unlock(&lock);
    ouro__free(watch);
}

/* With the lock. */
static int
add_watch(struct watch *watch)
{
    if (!alive) {
        int rc = ouro__thread_start(watch_loops, NULL);

        if (rc < 0)
            return rc;
        alive = true;
    }
    ouro__list_append(&watches, &watch->link);
    pthread_cond_signal(&changed);
    return 0;
}

static int
new_watch(struct ouro_loop *loop, const struct ouro_stall_options *options)
{
    struct watch *watch = ouro__alloc_zeroed(sizeof(*watch));

    if (watch == NULL)
        return -ENOMEM;
    watch->loop = loop;
    watch->options = *options;
    watch->thread = loop->thread;
    watch->tid = (pid_t)syscall(SYS_gettid);
    pthread_mutex_lock(&lock);
    int rc = add_watch(watch);
    pthread_mutex_unlock(&lock);
    if (rc < 0) {
        ouro__free(watch);
        return rc;
    }
    loop->pulse.wake = wake;
    atomic_store(&loop->pulse.busy, loop->is_running);
    loop->end_floor[OURO__FLOOR_STALLS] = end_watch;
    loop->floors[OURO__FLOOR_STALLS] = watch;
    if (loop->is_running)
        wake(); /* it may sleep for the others */
    return 0;
}

static void
replace_options(struct watch *watch, const struct ouro_stall_options *options)
{
    pthread_mutex_lock(&lock);
    while (watch->reporting)
        pthread_cond_wait(&reported, &lock);
    watch->options = *options;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

int
ouro_loop_watch_stalls(struct ouro_loop *loop,
                       const struct ouro_stall_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ouro_stall_options wanted = {0};

    ouro__loop_check_owner(loop);
    if (options != NULL)
        wanted = *options;
    if (wanted.limit_ns == 0)
        wanted.limit_ns = OURO_MILLISECONDS(100);
    if (wanted.report == NULL)
        wanted.report = ouro_print_stall;
    if (wanted.limit_ns < OURO_MILLISECONDS(1))
        return -EINVAL;

    (void)pthread_once(&once, begin);
    if (loop->floors[OURO__FLOOR_STALLS] == NULL)
        return new_watch(loop, &wanted);
    replace_options(loop->floors[OURO__FLOOR_STALLS], &wanted);
    return 0;
}

void
ouro_loop_unwatch_stalls(struct ouro_loop *loop)
{
    ouro__loop_check_owner(loop);
    struct watch *watch = loop->floors[OURO__FLOOR_STALLS];

    if (watch == NULL)
        return;
    loop->floors[OURO__FLOOR_STALLS] = NULL;
    loop->pulse.wake = NULL;
    end_watch(loop, watch);
}
