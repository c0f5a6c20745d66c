/* SPDX-License-Identifier: MIT */
/* The bench of tasks on ouro: locks and semaphores that change hands. */
#include "tasks_ouro.h"

#include <ouro/run.h>
#include <ouro/sync.h>

enum { TASKS_MOST = 10 };

/* What some tasks count together, each its share. */
struct shared {
    struct ouro_lock lock;
    struct ouro_semaphore turns[TASKS_MOST]; /* a permit: it is its turn */
    size_t task_count;
    size_t share;
    uint64_t counted;
};

struct member {
    struct shared *shared;
    size_t number;
};

static void
run_members(struct shared *shared, ouro_task_fn *fn)
{
    struct member members[TASKS_MOST];
    struct ouro_group group;

    ouro_group_begin(&group);
    for (size_t i = 0; i < shared->task_count; i++) {
        members[i] = (struct member){shared, i};
        ouro_group_create_task(&group, fn, &members[i]);
    }
    tasks_check(ouro_group_end(&group, 0) == 0, "the tasks");
}

/* Who has the lock lets others run, so that there is somebody to give it to.
 * The count comes out right only if nobody else had it meanwhile. */
static int
count_under_lock(void *arg)
{
    struct shared *shared = ((struct member *)arg)->shared;

    for (size_t i = 0; i < shared->share; i++) {
        int rc = ouro_lock_acquire(&shared->lock);
        if (rc < 0)
            return rc;
        uint64_t seen = shared->counted;
        rc = ouro_sleep(0);
        shared->counted = seen + 1;
        ouro_lock_release(&shared->lock);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static uint64_t
run_lock(size_t task_count, size_t count)
{
    struct shared shared = {
        .task_count = task_count,
        .share = count / task_count,
    };

    ouro_lock_init(&shared.lock, ouro_get_running_loop());
    run_members(&shared, count_under_lock);
    ouro_lock_fini(&shared.lock);
    return shared.counted;
}

uint64_t
job_lock_2(size_t count)
{
    return run_lock(2, count);
}

uint64_t
job_lock_10(size_t count)
{
    return run_lock(10, count);
}

/* Round in a ring: each waits for its turn, and gives the next one its. */
static int
count_in_turn(void *arg)
{
    const struct member *self = arg;
    struct shared *shared = self->shared;
    size_t next = (self->number + 1) % shared->task_count;

    for (size_t i = 0; i < shared->share; i++) {
        int rc = ouro_semaphore_acquire(&shared->turns[self->number]);
        if (rc < 0)
            return rc;
        if (shared->counted++ % shared->task_count != self->number)
            return -1;
        ouro_semaphore_release(&shared->turns[next]);
    }
    return 0;
}

static uint64_t
run_semaphores(size_t task_count, size_t count)
{
    struct shared shared = {
        .task_count = task_count,
        .share = count / task_count,
    };

    for (size_t i = 0; i < task_count; i++)
        ouro_semaphore_init(&shared.turns[i], ouro_get_running_loop(), i == 0);
    run_members(&shared, count_in_turn);
    for (size_t i = 0; i < task_count; i++)
        ouro_semaphore_fini(&shared.turns[i]);
    return shared.counted;
}

uint64_t
job_semaphore_2(size_t count)
{
    return run_semaphores(2, count);
}

uint64_t
job_semaphore_10(size_t count)
{
    return run_semaphores(10, count);
}
