/* SPDX-License-Identifier: MIT */
/* A task that waits for workers, each of which does as it is told. */
#ifndef OURO_WAIT_FIXTURE_H
#define OURO_WAIT_FIXTURE_H

#include "ouro_test.h"

#include <string.h>

enum { WORKERS = 4 };

struct fixture;

/* Sleeps, and returns what it was told to. */
struct worker {
    struct fixture *f;
    int64_t sleep_ns;
    int64_t clean_up_ns; /* what it takes to end when it is cancelled */
    int returns;
    unsigned ignores; /* so many requests, and sleeps again */
    bool stubborn;    /* returns that also when it is cancelled */
    unsigned cancels; /* requests that stood when it ended */
    int64_t ended_ns; /* -1: not yet */
};

typedef int wait_fn(struct fixture *f);

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct worker workers[WORKERS];
    struct ouro_awaited nodes[WORKERS];
    size_t count; /* of both */
    struct ouro_future future;
    struct ouro_handle handle;
    struct ouro_task *task; /* that waits */
    wait_fn *wait;
    int64_t timeout_ns;
    unsigned until;
    int64_t start_ns;
    int result;          /* of the wait */
    int64_t returned_ns; /* -1: not yet */
    int next;            /* what the call after it returned */
    char trace[32];      /* for tests that want one */
};

static inline int64_t
passed_ns(const struct fixture *f)
{
    return ouro_loop_time_ns(f->loop) - f->start_ns;
}

static inline int
sleep_as_told(struct worker *worker)
{
    int rc = ouro_sleep(worker->sleep_ns);

    for (; rc < 0 && worker->ignores > 0; worker->ignores--) {
        ouro_uncancel();
        rc = ouro_sleep(worker->sleep_ns);
    }
    return rc;
}

static inline void
clean_up(struct worker *worker)
{
    struct ouro_shield shield;

    ouro_shield_begin(&shield, OURO_FOREVER);
    int rc = ouro_sleep(worker->clean_up_ns);
    worker->stubborn |= ouro_shield_end(&shield, rc) < 0;
}

static inline int
work(void *arg)
{
    struct worker *worker = arg;
    int rc = sleep_as_told(worker);

    if (rc < 0 && worker->clean_up_ns > 0)
        clean_up(worker);
    worker->cancels = ouro_task_cancelling(ouro_current_task());
    worker->ended_ns = passed_ns(worker->f);
    return rc < 0 && !worker->stubborn ? rc : worker->returns;
}

static inline void
set_worker(struct fixture *f, size_t i, int64_t sleep_ns, int returns)
{
    f->workers[i].sleep_ns = sleep_ns;
    f->workers[i].returns = returns;
    if (f->count <= i)
        f->count = i + 1;
}

/* A worker for each node that awaits nothing yet. */
static inline void
start_workers(struct fixture *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct ouro_awaited *node = &f->nodes[i];

        if (node->task == NULL && node->future == NULL)
            assert_ok(ouro_loop_create_task(f->loop, &node->task, work,
                                            &f->workers[i]));
    }
}

static inline void
drop_workers(struct fixture *f)
{
    for (size_t i = 0; i < f->count; i++)
        f->nodes[i].task = ouro_task_unref(f->nodes[i].task);
}

static inline int
wait_in_task(void *arg)
{
    struct fixture *f = arg;

    f->result = f->wait(f);
    f->returned_ns = passed_ns(f);
    f->next = ouro_sleep(0);
    return 0;
}

/* Start the workers and the task that waits, as far as it comes. */
static inline void
begin(struct fixture *f, wait_fn *wait)
{
    f->wait = wait;
    start_workers(f);
    assert_ok(ouro_loop_create_task(f->loop, &f->task, wait_in_task, f));
    ouro_sim_advance(f->sim, 0);
}

/* The same, and let `delay_ns` pass. */
static inline void
run(struct fixture *f, wait_fn *wait, int64_t delay_ns)
{
    begin(f, wait);
    ouro_sim_advance(f->sim, delay_ns);
}

static inline void
expect_report(struct fixture *f, int error)
{
    assert_int_equal(f->seen.count, 1);
    assert_err(f->seen.error, error);
    f->seen.count = 0;
}

/* All as at the start, in a new loop. */
static inline void
renew(struct fixture *f)
{
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &f->seen},
    };

    memset(f, 0, sizeof(*f));
    f->result = UNSEEN;
    f->next = UNSEEN;
    f->returned_ns = -1;
    f->timeout_ns = OURO_FOREVER;
    for (size_t i = 0; i < WORKERS; i++)
        f->workers[i] = (struct worker){.f = f, .ended_ns = -1};
    assert_ok(ouro_sim_new(&f->sim, &options));
    f->loop = ouro_sim_loop(f->sim);
    f->start_ns = ouro_loop_time_ns(f->loop);
    ouro_future_init(&f->future, f->loop);
}

static inline int
setup(void **state)
{
    static struct fixture f;

    renew(&f);
    *state = &f;
    return 0;
}

/* Nothing may be left, in the loop or for the exception handler. */
static inline int
teardown(void **state)
{
    struct fixture *f = *state;
    struct ouro_loop_stats stats;

    drop_workers(f);
    f->task = ouro_task_unref(f->task);
    ouro_loop_get_stats(f->loop, &stats);
    ouro_sim_free(f->sim);
    assert_int_equal(stats.tasks, 0);
    assert_int_equal(stats.timers, 0);
    assert_int_equal(f->seen.count, 0);
    return 0;
}

#endif
