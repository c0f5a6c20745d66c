/* SPDX-License-Identifier: MIT */
/* Tasks that have calls made on threads, which a gate holds up. */
#ifndef OURO_EXECUTOR_FIXTURE_H
#define OURO_EXECUTOR_FIXTURE_H

#include "ouro_test.h"

#include "child.h"
#include "gate.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 200, THREADS = 3 };

/* What a call is given, and gives back. */
struct block {
    int number;
    char *owned; /* memory */
};

/* A task, its call, and what came of it. */
struct caller {
    struct ouro_task *task;
    struct ouro_executor *executor;
    struct block block;
    int result;
};

struct fixture {
    struct ouro_loop *loop;
    struct ouro_executor *executor;
    struct seen_exceptions seen;
    struct caller caller;
    struct caller many[MANY];
    pthread_attr_t usual; /* of threads that start */
    size_t descriptors;
    size_t blocks;
};

static struct gate gate = GATE_SHUT;

/* Jobs. */

static inline int
pass_and_multiply(void *arg)
{
    struct block *block = arg;
    int number = block->number;

    gate_pass(&gate);
    block->number = 10 * number;
    return number;
}

/* Frees what the call was to work with, so it must have ended. */
static inline void
free_owned(void *arg)
{
    struct block *block = arg;

    free(block->owned);
    block->owned = NULL;
}

static inline int
pass_and_fill(void *arg)
{
    struct block *block = arg;

    gate_pass(&gate);
    memset(block->owned, block->number, 100);
    return 0;
}

/* Tasks. */

static inline int
call(void *arg)
{
    struct caller *caller = arg;

    caller->result =
        ouro_run_in_executor(caller->executor, pass_and_multiply,
                             &caller->block, sizeof(caller->block));
    return 0;
}

static inline int
call_and_give_away(void *arg)
{
    struct caller *caller = arg;

    caller->block.owned = malloc(100);
    caller->result =
        ouro_run_in_executor_take(caller->executor, pass_and_fill, free_owned,
                                  &caller->block, sizeof(caller->block));
    free(caller->block.owned);
    return 0;
}

/* The argument is in the frame. */
static inline int
call_with_frame(void *arg)
{
    struct caller *caller = arg;
    struct block block = {.number = caller->block.number};

    caller->result =
        ouro_to_thread_of(caller->executor, pass_and_multiply, &block);
    caller->block.number = block.number;
    return 0;
}

static inline void
start_caller(struct fixture *f, struct caller *caller, ouro_task_fn *fn)
{
    caller->executor = f->executor;
    assert_ok(ouro_loop_create_task(f->loop, &caller->task, fn, caller));
}

static inline void
run_one_turn(struct fixture *f)
{
    ouro_loop_stop(f->loop);
    ouro_loop_run_forever(f->loop);
}

/* Run the loop until the task is done. */
static inline void
finish(struct fixture *f, struct caller *caller)
{
    assert_ok(
        ouro_loop_run_until_complete(f->loop, ouro_task_future(caller->task)));
    caller->task = ouro_task_unref(caller->task);
}

/* Run the loop until `fn(arg)` has returned. */
static inline int
run_task(struct fixture *f, ouro_task_fn *fn, void *arg)
{
    struct ouro_task *task;

    assert_ok(ouro_loop_create_task(f->loop, &task, fn, arg));
    assert_ok(ouro_loop_run_until_complete(f->loop, ouro_task_future(task)));
    int result = ouro_task_result(task);
    ouro_task_unref(task);
    return result;
}

/* What a thread frees after the loop is gone. */
static inline void
wait_until_blocks_are(size_t count)
{
    while (live_allocations() > count)
        sched_yield();
}

static inline void
make_executor(struct fixture *f)
{
    const struct ouro_executor_options options = {
        .name = "sixteen-and-more-letters",
        .threads = THREADS,
    };

    assert_ok(ouro_executor_new(&f->executor, f->loop, &options));
}

static inline void
free_loop(struct fixture *f)
{
    ouro_loop_free(f->loop);
    f->loop = NULL;
}

static inline int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    f.blocks = live_allocations();
    f.descriptors = count_descriptors();
    const struct ouro_loop_options options = {
        .exception_handler = see_exception,
        .exception_arg = &f.seen,
    };

    f.caller.block.number = 1;
    f.caller.result = UNSEEN;
    for (int i = 0; i < MANY; i++) {
        f.many[i].block.number = i;
        f.many[i].result = UNSEEN;
    }
    gate_shut(&gate);
    assert_ok(ouro_loop_new(&f.loop, &options));
    *state = &f;
    return 0;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_loop_free(f->loop);
    wait_until_blocks_are(f->blocks);
    assert_int_equal(live_allocations(), f->blocks);
    assert_int_equal(count_descriptors(), f->descriptors);
    return 0;
}

/* Whether there are loops here at all. */
static inline bool
has_loops(void)
{
    struct ouro_loop *loop;

    if (ouro_loop_new(&loop, NULL) < 0)
        return false;
    ouro_loop_free(loop);
    return true;
}

#endif
