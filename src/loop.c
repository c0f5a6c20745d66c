/* SPDX-License-Identifier: MIT */
/* The event loop: one thread, one turn after the other.
 *
 * A turn, which is asyncio's _run_once:
 *
 * - Wait: until the next timer, or not at all when something is ready.  What
 *   completed is queued, and calls nobody.
 * - Queue one handle that runs the completions, then the timers that are due.
 * - Run what is queued now.  What that queues is for the next turn, so that an
 *   endless chain of calls starves nobody.
 * - Flush: send what was written in this turn.
 *
 * stop() is looked at only after a whole turn.
 */
#include "loop.h"

#include "alloc.h"
#include "mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static _Thread_local struct ouro_loop *running_loop;

_Thread_local char ouro__this_thread;

/* Forks between this process and the first that made a loop. */
static atomic_uint forks;

/* In the child: the run it came from is its parent's. */
static void
count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
    running_loop = NULL;
}

static void
watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, count_fork);
}

void
ouro__loop_remember_process(struct ouro_loop *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, watch_forks);
    loop->pid = getpid();
    loop->forks = atomic_load_explicit(&forks, memory_order_relaxed);
}

/* The child has the memory of the loop, but the ring is its parent's. */
void
ouro__loop_check_process(const struct ouro_loop *loop)
{
    OURO_CHECK(loop->pid == getpid(), "a forked child makes a loop of its own");
}

/* In each turn, where a system call would be too dear. */
static void
check_fork(const struct ouro_loop *loop)
{
    OURO_CHECK(loop->forks
                   == atomic_load_explicit(&forks, memory_order_relaxed),
               "a forked child makes a loop of its own");
}

static struct ouro_handle *
handle_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro_handle, link);
}

/* Handles. */

static void
make_ready(struct ouro_loop *loop, struct ouro_handle *handle)
{
    handle->state = OURO__HANDLE_READY;
    ouro__list_append(&loop->ready, &handle->link);
}

static void
prepare(struct ouro_loop *loop, struct ouro_handle *handle,
        ouro_callback_fn *fn, void *arg, const char *site)
{
    handle->fn = fn;
    handle->arg = arg;
    handle->loop = loop;
    handle->site = site;
}

void
ouro__call_soon(struct ouro_loop *loop, struct ouro_handle *handle,
                ouro_callback_fn *fn, void *arg, const char *site)
{
    ouro__loop_check_owner(loop);
    OURO_CHECK_AT(handle->state == OURO__HANDLE_IDLE,
                  "a handle is scheduled once at a time", site);

    prepare(loop, handle, fn, arg, site);
    make_ready(loop, handle);
}

void
ouro__call_at(struct ouro_loop *loop, struct ouro_handle *handle,
              int64_t when_ns, ouro_callback_fn *fn, void *arg,
              const char *site)
{
    ouro__loop_check_owner(loop);
    if (handle->state == OURO__HANDLE_TIMER)
        ouro_handle_cancel(handle);
    OURO_CHECK_AT(handle->state == OURO__HANDLE_IDLE,
                  "a handle is scheduled once at a time", site);

    prepare(loop, handle, fn, arg, site);
    handle->when_ns = when_ns;
    handle->order = loop->order++;
    handle->state = OURO__HANDLE_TIMER;
    ouro__heap_insert(&loop->timers, handle);
}

void
ouro__call_later(struct ouro_loop *loop, struct ouro_handle *handle,
                 int64_t delay_ns, ouro_callback_fn *fn, void *arg,
                 const char *site)
{
    int64_t now_ns = ouro_loop_time_ns(loop);
    int64_t when_ns = now_ns;

    if (delay_ns > 0)
        when_ns =
            delay_ns > OURO_FOREVER - now_ns ? OURO_FOREVER : now_ns + delay_ns;
    ouro__call_at(loop, handle, when_ns, fn, arg, site);
}

void
ouro_handle_cancel(struct ouro_handle *handle)
{
    OURO_CHECK(handle->state != OURO__HANDLE_POSTED,
               "a posted handle is the mailbox's until it has run");
    if (handle->state == OURO__HANDLE_IDLE)
        return;

    ouro__loop_check_owner(handle->loop);
    if (handle->state == OURO__HANDLE_TIMER)
        ouro__heap_remove(&handle->loop->timers, handle);
    else
        ouro__list_remove(&handle->link);
    handle->state = OURO__HANDLE_IDLE;
}

bool
ouro_handle_is_pending(const struct ouro_handle *handle)
{
    return handle->state != OURO__HANDLE_IDLE;
}

void
ouro__handle_list(struct ouro_loop *loop, struct ouro_handle *handle,
                  struct ouro__list *list, ouro_callback_fn *fn, void *arg)
{
    OURO_CHECK(handle->state == OURO__HANDLE_IDLE,
               "a handle is scheduled once at a time");

    prepare(loop, handle, fn, arg, NULL);
    handle->state = OURO__HANDLE_LISTED;
    ouro__list_append(list, &handle->link);
}

void
ouro__call_next(struct ouro_loop *loop, struct ouro_handle *handle,
                ouro_callback_fn *fn, void *arg, const char *site)
{
    prepare(loop, handle, fn, arg, site);
    handle->state = OURO__HANDLE_READY;
    ouro__list_prepend(&loop->running, &handle->link);
}

void
ouro__handle_wake(struct ouro_handle *handle, int outcome)
{
    handle->outcome = outcome;
    make_ready(handle->loop, handle);
}

/* What the watchdog sees; see watchdog.c. */

atomic_bool ouro__watchdog_sleeps;

static void
show_turn(struct ouro_loop *loop)
{
    struct ouro__pulse *pulse = &loop->pulse;

    if (pulse->wake == NULL)
        return;
    atomic_store_explicit(&pulse->turns, loop->stats.turns,
                          memory_order_relaxed);
    atomic_store(&pulse->busy, true);
    if (atomic_load(&ouro__watchdog_sleeps))
        pulse->wake();
}

static void
show_call(struct ouro_loop *loop, const struct ouro_handle *handle)
{
    atomic_store_explicit(&loop->pulse.site, handle->site,
                          memory_order_relaxed);
    atomic_store_explicit(&loop->pulse.calls, loop->stats.callbacks,
                          memory_order_relaxed);
}

static void
show_flush(struct ouro_loop *loop)
{
    struct ouro__pulse *pulse = &loop->pulse;
    uint64_t flushes =
        atomic_load_explicit(&pulse->flushes, memory_order_relaxed);

    atomic_store_explicit(&pulse->site, NULL, memory_order_relaxed);
    atomic_store_explicit(&pulse->flushes, flushes + 1, memory_order_relaxed);
}

static void
show_rest(struct ouro_loop *loop)
{
    atomic_store_explicit(&loop->pulse.busy, false, memory_order_relaxed);
}

/* A turn. */

static void
run_completions(void *arg)
{
    struct ouro_loop *loop = arg;

    loop->stats.completions += loop->engine->count;
    ouro__op_dispatch(loop->engine);
}

static void
queue_due_timers(struct ouro_loop *loop)
{
    struct ouro_handle *first = loop->timers.root;
    if (first == NULL)
        return;

    int64_t now_ns = ouro_loop_time_ns(loop);
    while (first != NULL && first->when_ns <= now_ns
           && first->when_ns != OURO_FOREVER) {
        ouro__heap_remove(&loop->timers, first);
        make_ready(loop, first);
        first = loop->timers.root;
    }
}

void
ouro__loop_run_ready(struct ouro_loop *loop)
{
    struct ouro__list *link;

    ouro__list_splice(&loop->running, &loop->ready);
    while ((link = ouro__list_shift(&loop->running)) != NULL) {
        struct ouro_handle *handle = handle_of(link);

        handle->state = OURO__HANDLE_IDLE;
        loop->stats.callbacks++;
        show_call(loop, handle);
        handle->fn(handle->arg);
    }
}

static void
run_flushes(struct ouro_loop *loop)
{
    struct ouro__list *link;

    while ((link = ouro__list_shift(&loop->flushes)) != NULL) {
        struct ouro__flush *flush =
            OURO_CONTAINER_OF(link, struct ouro__flush, link);

        show_flush(loop);
        flush->fn(flush);
    }
}

static int64_t
time_to_wait_for(struct ouro_loop *loop, bool may_wait)
{
    if (!may_wait || loop->stopping || ouro__loop_has_ready(loop))
        return 0;
    if (!ouro__mailbox_may_sleep(loop->mailbox))
        return 0;

    loop->stats.waits++;
    return ouro__loop_next_timer_ns(loop);
}

void
ouro__loop_turn(struct ouro_loop *loop, bool may_wait)
{
    check_fork(loop);
    int64_t until_ns = time_to_wait_for(loop, may_wait);

    loop->stats.turns++;
    loop->engine->ops->wait(loop->engine, until_ns);
    show_turn(loop);
    ouro__mailbox_collect(loop->mailbox, loop);
    if (loop->engine->count > 0 && !ouro_handle_is_pending(&loop->dispatch))
        ouro_call_soon(loop, &loop->dispatch, run_completions, loop);
    queue_due_timers(loop);
    ouro__loop_run_ready(loop);
    run_flushes(loop);
    show_rest(loop);
}

bool
ouro__loop_has_ready(const struct ouro_loop *loop)
{
    return !ouro__list_is_empty(&loop->ready);
}

int64_t
ouro__loop_next_timer_ns(const struct ouro_loop *loop)
{
    return loop->timers.root != NULL ? loop->timers.root->when_ns
                                     : OURO_FOREVER;
}

/* Runs. */

struct ouro_loop *
ouro__loop_set_running(struct ouro_loop *loop)
{
    struct ouro_loop *before = running_loop;

    running_loop = loop;
    return before;
}

void
ouro__loop_begin_run(struct ouro_loop *loop)
{
    ouro__loop_check_owner(loop);
    ouro__loop_check_process(loop);
    OURO_CHECK(running_loop == NULL, "runs of loops do not nest");

    running_loop = loop;
    loop->is_running = true;
}

void
ouro__loop_end_run(struct ouro_loop *loop)
{
    loop->is_running = false;
    running_loop = NULL;
}

void
ouro_loop_run_forever(struct ouro_loop *loop)
{
    ouro__loop_begin_run(loop);
    do
        ouro__loop_turn(loop, true);
    while (!loop->stopping);
    loop->stopping = false;
    ouro__loop_end_run(loop);
}

void
ouro_loop_stop(struct ouro_loop *loop)
{
    ouro__loop_check_owner(loop);
    loop->stopping = true;
}

bool
ouro_loop_is_running(const struct ouro_loop *loop)
{
    ouro__loop_check_owner(loop);
    return loop->is_running;
}

struct ouro_loop *
ouro_get_running_loop(void)
{
    return running_loop;
}

int64_t
ouro_loop_time_ns(const struct ouro_loop *loop)
{
    ouro__loop_check_owner(loop);
    return loop->engine->ops->now_ns(loop->engine);
}

const struct ouro_engine_info *
ouro_loop_engine(const struct ouro_loop *loop)
{
    ouro__loop_check_owner(loop);
    return &loop->engine->info;
}

void
ouro_loop_get_stats(const struct ouro_loop *loop,
                    struct ouro_loop_stats *out_stats)
{
    ouro__loop_check_owner(loop);
    *out_stats = loop->stats;
    out_stats->timers = loop->timers.count;
    out_stats->operations = loop->engine->in_flight;
}

struct ouro_mailbox *
ouro_loop_mailbox(struct ouro_loop *loop)
{
    ouro__loop_check_owner(loop);
    return ouro_mailbox_ref(loop->mailbox);
}

int
ouro_call_soon_threadsafe(struct ouro_loop *loop, struct ouro_handle *handle,
                          ouro_callback_fn *fn, void *arg)
{
    return ouro_mailbox_post(loop->mailbox, handle, fn, arg);
}

/* Reports. */

void
ouro_loop_set_exception_handler(struct ouro_loop *loop,
                                ouro_exception_fn *handler, void *arg)
{
    ouro__loop_check_owner(loop);
    loop->exception_handler = handler;
    loop->exception_arg = arg;
}

void
ouro_loop_call_exception_handler(struct ouro_loop *loop,
                                 const struct ouro_exception *exception)
{
    ouro__loop_check_owner(loop);
    if (loop->exception_handler == NULL || loop->reporting)
        return;

    loop->reporting = true;
    loop->exception_handler(exception, loop->exception_arg);
    loop->reporting = false;
}

void
ouro__loop_report(struct ouro_loop *loop, const char *message, int error,
                  const char *name, const char *site)
{
    struct ouro_exception exception = {
        .message = message,
        .error = error,
        .name = name,
        .site = site,
    };

    ouro_loop_call_exception_handler(loop, &exception);
}

void
ouro__loop_descriptor_freed(struct ouro_loop *loop)
{
    struct ouro__list *link;

    while ((link = ouro__list_shift(&loop->starved)) != NULL)
        ouro__handle_wake(handle_of(link), 0);
}
