/* SPDX-License-Identifier: MIT */
/* The bench of tasks on ouro: timeouts, and calls by the loop. */
#include "tasks_ouro.h"

#include <ouro/run.h>

#include <pthread.h>
#include <stdlib.h>

static void
do_nothing(void *arg)
{
    (void)arg;
}

/* Timeouts. */

/* Returns how many of so many timeouts had a limit, and were not hit. */
static uint64_t
begin_and_end(size_t count)
{
    uint64_t good = 0;

    for (size_t i = 0; i < count; i++) {
        struct ouro_timeout limit;

        ouro_timeout_begin(&limit, OURO_SECONDS(TASKS_HOUR_SECONDS));
        bool is_set = ouro_timeout_when_ns(&limit) != OURO_FOREVER;
        good += ouro_timeout_end(&limit, 0) == 0 && is_set;
    }
    return good;
}

uint64_t
job_timeout(size_t count)
{
    static struct ouro_handle others[TASKS_OTHER_TIMERS];
    uint64_t good = 0;

    for (size_t i = 0; i < TASKS_OTHER_TIMERS; i++)
        ouro_call_later(ouro_get_running_loop(), &others[i],
                        OURO_SECONDS(TASKS_HOUR_SECONDS + i), do_nothing, NULL);
    for (size_t i = 0; i < count; i += TASKS_TURN) {
        good += begin_and_end(TASKS_TURN);
        tasks_check(ouro_sleep(0) == 0, "sleep");
    }
    for (size_t i = 0; i < TASKS_OTHER_TIMERS; i++)
        ouro_handle_cancel(&others[i]);
    return good;
}

/* Calls, each of which asks for the next, side by side. */

struct chains {
    struct ouro_loop *loop;
    struct ouro_future ended;
    size_t made;
    size_t wanted;
};

struct chain {
    struct chains *of;
    struct ouro_handle handle;
};

static void
ask_for_the_next(void *arg)
{
    struct chain *self = arg;
    struct chains *chains = self->of;

    if (++chains->made == chains->wanted)
        (void)ouro_future_set_result(&chains->ended, NULL);
    if (chains->made + TASKS_CHAINS <= chains->wanted)
        ouro_call_soon(chains->loop, &self->handle, ask_for_the_next, self);
}

uint64_t
job_call_soon(size_t count)
{
    struct chains chains = {.loop = ouro_get_running_loop(), .wanted = count};
    struct chain each[TASKS_CHAINS] = {0};

    ouro_future_init(&chains.ended, chains.loop);
    for (size_t i = 0; i < TASKS_CHAINS; i++) {
        each[i].of = &chains;
        ouro_call_soon(chains.loop, &each[i].handle, ask_for_the_next,
                       &each[i]);
    }
    tasks_check(ouro_await(&chains.ended) == 0, "the calls");
    ouro_future_fini(&chains.ended);
    return chains.made;
}

/* Calls from other threads, each of a handle of its own. */

struct calls {
    struct ouro_loop *loop;
    struct ouro_future ended;
    size_t made;
    size_t wanted;
};

struct poster {
    pthread_t thread;
    struct calls *calls;
    struct ouro_handle *handles;
    size_t count;
};

static void
count_call(void *arg)
{
    struct calls *calls = arg;

    if (++calls->made == calls->wanted)
        (void)ouro_future_set_result(&calls->ended, NULL);
}

static void *
post(void *arg)
{
    const struct poster *self = arg;

    for (size_t i = 0; i < self->count; i++) {
        int rc = ouro_call_soon_threadsafe(self->calls->loop, &self->handles[i],
                                           count_call, self->calls);
        tasks_check(rc == 0, "a post");
    }
    return NULL;
}

static void
post_from_threads(struct calls *calls, struct ouro_handle *handles,
                  size_t thread_count)
{
    struct poster posters[2];
    size_t share = calls->wanted / thread_count;

    for (size_t i = 0; i < thread_count; i++) {
        struct poster *poster = &posters[i];

        *poster = (struct poster){
            .calls = calls,
            .handles = &handles[i * share],
            .count = share,
        };
        tasks_check(pthread_create(&poster->thread, NULL, post, poster) == 0,
                    "a thread");
    }
    tasks_check(ouro_await(&calls->ended) == 0, "the calls");
    for (size_t i = 0; i < thread_count; i++)
        pthread_join(posters[i].thread, NULL);
}

static uint64_t
run_threads(size_t thread_count, size_t count)
{
    static struct ouro_handle *handles;
    struct calls calls = {.loop = ouro_get_running_loop(), .wanted = count};

    /* Once, as a program would: what is timed is the calls. */
    if (handles == NULL)
        handles = calloc(count, sizeof(*handles));
    tasks_check(handles != NULL, "memory");

    ouro_future_init(&calls.ended, calls.loop);
    post_from_threads(&calls, handles, thread_count);
    ouro_future_fini(&calls.ended);
    return calls.made;
}

uint64_t
job_threadsafe_1(size_t count)
{
    return run_threads(1, count);
}

uint64_t
job_threadsafe_2(size_t count)
{
    return run_threads(2, count);
}
