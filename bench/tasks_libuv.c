/* SPDX-License-Identifier: MIT */
/* The bench of tasks on libuv: those of its jobs that need no tasks.
 *
 * A call of the loop is an idle handle that is stopped when it has been called,
 * and started to be called again.  Calls from other threads are a list under a
 * mutex and one uv_async_t, as users do it: libuv keeps no list of its own.
 */
#include "tasks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

static void
do_nothing(uv_timer_t *timer)
{
    (void)timer;
}

static void
close_and_run(uv_handle_t *handles[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        uv_close(handles[i], NULL);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

/* Timeouts. */

/* Returns how many of so many timers were set, and could be stopped. */
static uint64_t
begin_and_end(uv_timer_t *limit, size_t count)
{
    uint64_t good = 0;

    for (size_t i = 0; i < count; i++) {
        int rc =
            uv_timer_start(limit, do_nothing, TASKS_HOUR_SECONDS * 1000, 0);
        bool is_set = uv_timer_get_due_in(limit) > 0;
        good += rc == 0 && uv_timer_stop(limit) == 0 && is_set;
    }
    return good;
}

static uint64_t
timeout(size_t count)
{
    static uv_timer_t timers[TASKS_OTHER_TIMERS + 1];
    static uv_handle_t *handles[TASKS_OTHER_TIMERS + 1];
    uv_timer_t *limit = &timers[TASKS_OTHER_TIMERS];
    uint64_t good = 0;

    for (size_t i = 0; i <= TASKS_OTHER_TIMERS; i++) {
        handles[i] = (uv_handle_t *)&timers[i];
        tasks_check(uv_timer_init(uv_default_loop(), &timers[i]) == 0,
                    "a timer");
        if (&timers[i] != limit)
            uv_timer_start(&timers[i], do_nothing,
                           (TASKS_HOUR_SECONDS + i) * 1000, 0);
    }
    for (size_t i = 0; i < count; i += TASKS_TURN) {
        good += begin_and_end(limit, TASKS_TURN);
        uv_run(uv_default_loop(), UV_RUN_NOWAIT);
    }
    close_and_run(handles, TASKS_OTHER_TIMERS + 1);
    return good;
}

/* Calls, each of which asks for the next, side by side. */

struct chains {
    uv_idle_t each[TASKS_CHAINS];
    size_t made;
    size_t wanted;
};

static void
ask_for_the_next(uv_idle_t *self)
{
    struct chains *chains = self->data;

    chains->made++;
    uv_idle_stop(self);
    if (chains->made + TASKS_CHAINS <= chains->wanted)
        uv_idle_start(self, ask_for_the_next);
}

static uint64_t
call_soon(size_t count)
{
    struct chains chains = {.wanted = count};
    uv_handle_t *handles[TASKS_CHAINS];

    for (size_t i = 0; i < TASKS_CHAINS; i++) {
        handles[i] = (uv_handle_t *)&chains.each[i];
        uv_idle_init(uv_default_loop(), &chains.each[i]);
        chains.each[i].data = &chains;
        uv_idle_start(&chains.each[i], ask_for_the_next);
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    close_and_run(handles, TASKS_CHAINS);
    return chains.made;
}

/* Calls from other threads. */

struct call {
    struct call *next;
    void (*fn)(void *arg);
    void *arg;
};

struct mailbox {
    uv_async_t async;
    uv_mutex_t lock;
    struct call *first;
    struct call **last;
    size_t made;
    size_t wanted;
};

struct poster {
    uv_thread_t thread;
    struct mailbox *mailbox;
    struct call *calls;
    size_t count;
};

static void
count_call(void *arg)
{
    struct mailbox *mailbox = arg;

    if (++mailbox->made == mailbox->wanted)
        uv_close((uv_handle_t *)&mailbox->async, NULL);
}

static void
make_calls(uv_async_t *async)
{
    struct mailbox *mailbox = async->data;

    uv_mutex_lock(&mailbox->lock);
    struct call *call = mailbox->first;
    mailbox->first = NULL;
    mailbox->last = &mailbox->first;
    uv_mutex_unlock(&mailbox->lock);

    while (call != NULL) {
        struct call *next = call->next;

        call->fn(call->arg);
        call = next;
    }
}

static void
post_call(struct mailbox *mailbox, struct call *call)
{
    call->next = NULL;
    uv_mutex_lock(&mailbox->lock);
    *mailbox->last = call;
    mailbox->last = &call->next;
    /* Under the lock, for the last call may be made, and the handle closed, as
     * soon as it is not held. */
    tasks_check(uv_async_send(&mailbox->async) == 0, "a send");
    uv_mutex_unlock(&mailbox->lock);
}

static void
post(void *arg)
{
    const struct poster *self = arg;

    for (size_t i = 0; i < self->count; i++) {
        self->calls[i].fn = count_call;
        self->calls[i].arg = self->mailbox;
        post_call(self->mailbox, &self->calls[i]);
    }
}

static uint64_t
run_threads(size_t thread_count, size_t count)
{
    static struct call *calls;
    struct mailbox mailbox = {.wanted = count};
    struct poster posters[2];
    size_t share = count / thread_count;

    if (calls == NULL)
        calls = calloc(count, sizeof(*calls));
    tasks_check(calls != NULL, "memory");
    mailbox.last = &mailbox.first;
    uv_mutex_init(&mailbox.lock);
    uv_async_init(uv_default_loop(), &mailbox.async, make_calls);
    mailbox.async.data = &mailbox;

    for (size_t i = 0; i < thread_count; i++) {
        posters[i] = (struct poster){
            .mailbox = &mailbox,
            .calls = &calls[i * share],
            .count = share,
        };
        tasks_check(uv_thread_create(&posters[i].thread, post, &posters[i])
                        == 0,
                    "a thread");
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    for (size_t i = 0; i < thread_count; i++)
        uv_thread_join(&posters[i].thread);
    uv_mutex_destroy(&mailbox.lock);
    return mailbox.made;
}

static uint64_t
threadsafe_1(size_t count)
{
    return run_threads(1, count);
}

static uint64_t
threadsafe_2(size_t count)
{
    return run_threads(2, count);
}

/* The program. */

static const struct tasks_job jobs[] = {
    {"timeout", timeout},
    {"call_soon", call_soon},
    {"threadsafe_1", threadsafe_1},
    {"threadsafe_2", threadsafe_2},
    {NULL, NULL},
};

int
main(int argc, char **argv)
{
    return tasks_main(argc, argv, jobs);
}
