/* SPDX-License-Identifier: MIT */
/* Tasks that have calls made on threads, in a world without threads. */
#ifndef OURO_EXECUTOR_FIXTURE_H
#define OURO_EXECUTOR_FIXTURE_H

#include "ouro_test.h"

#include <string.h>

enum { CALLERS = 8, JOB_NS = 100 };

/* What a call is given, and gives back. */
struct block {
    int number;
    int *made;      /* how often it was called, of all callers */
    int *discarded; /* how many blocks were given back */
    void *owned;    /* as if it were memory */
};

/* A task, its call, and what came of it. */
struct caller {
    struct fixture *f;
    struct ouro_task *task;
    struct ouro_executor *executor;
    struct block block;
    int result;
    int64_t returned_ns;
};

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct caller callers[CALLERS];
    struct ouro_executor *executor;
    struct ouro_task *task; /* that ends an executor */
    int64_t limit_ns;
    int64_t start_ns;
    int made;
    int discarded;
    int result;
    size_t blocks;
};

static inline int64_t
passed_ns(const struct fixture *f)
{
    return ouro_loop_time_ns(f->loop) - f->start_ns;
}

/* A job: ten times the number, and the number is its result. */
static inline int
multiply(void *arg)
{
    struct block *block = arg;
    int number = block->number;

    ++*block->made;
    block->number = 10 * number;
    return number;
}

static inline void
discard(void *arg)
{
    struct block *block = arg;

    ++*block->discarded;
    block->owned = NULL;
}

/* Tasks. */

static inline int
finish(struct caller *caller, int result)
{
    caller->result = result;
    caller->returned_ns = passed_ns(caller->f);
    return 0;
}

static inline int
run_in_executor(void *arg)
{
    struct caller *caller = arg;

    return finish(caller,
                  ouro_run_in_executor(caller->executor, multiply,
                                       &caller->block, sizeof(caller->block)));
}

static inline int
run_and_give_away(void *arg)
{
    struct caller *caller = arg;

    return finish(caller, ouro_run_in_executor_take(caller->executor, multiply,
                                                    discard, &caller->block,
                                                    sizeof(caller->block)));
}

static inline int
run_to_thread(void *arg)
{
    struct caller *caller = arg;

    return finish(
        caller, ouro_to_thread_of(caller->executor, multiply, &caller->block));
}

static inline int
shut_down(void *arg)
{
    struct fixture *f = arg;

    f->result = ouro_executor_shutdown(f->executor, f->limit_ns);
    return 0;
}

/* Let the first `count` callers do `fn`, each in a task, up to their wait. */
static inline void
start_callers(struct fixture *f, ouro_task_fn *fn, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        f->callers[i].executor = f->executor;
        assert_ok(ouro_loop_create_task(f->loop, &f->callers[i].task, fn,
                                        &f->callers[i]));
    }
    ouro_sim_turn(f->sim);
}

static inline void
start_ending(struct fixture *f, int64_t limit_ns)
{
    f->limit_ns = limit_ns;
    assert_ok(ouro_loop_create_task(f->loop, &f->task, shut_down, f));
    ouro_sim_turn(f->sim);
}

/* An executor of that many threads, if it had any. */
static inline void
make_executor(struct fixture *f, size_t threads, size_t queue_limit)
{
    const struct ouro_executor_options options = {
        .threads = threads,
        .queue_limit = queue_limit,
    };

    assert_ok(ouro_executor_new(&f->executor, f->loop, &options));
}

static inline int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_sim_options options = {
        .loop.exception_handler = see_exception,
        .loop.exception_arg = &f.seen,
    };

    f = (struct fixture){.blocks = live_allocations(), .result = UNSEEN};
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.loop = ouro_sim_loop(f.sim);
    f.start_ns = ouro_loop_time_ns(f.loop);
    ouro_sim_set_job_time(f.sim, JOB_NS);
    for (int i = 0; i < CALLERS; i++) {
        f.callers[i] = (struct caller){
            .f = &f,
            .block = {i + 1, &f.made, &f.discarded, &f},
            .result = UNSEEN,
            .returned_ns = -1,
        };
    }
    *state = &f;
    return 0;
}

/* Nothing may be left but the executor, which ends with the loop. */
static inline int
teardown(void **state)
{
    struct fixture *f = *state;
    struct ouro_loop_stats left;

    for (size_t i = 0; i < CALLERS; i++)
        ouro_task_unref(f->callers[i].task);
    ouro_task_unref(f->task);
    ouro_loop_get_stats(f->loop, &left);
    assert_int_equal(left.tasks, 0);
    assert_int_equal(left.jobs, 0);
    assert_int_equal(left.timers, 0);
    ouro_sim_free(f->sim);
    assert_int_equal(f->seen.count, 0);
    assert_int_equal(live_allocations(), f->blocks);
    return 0;
}

#endif
