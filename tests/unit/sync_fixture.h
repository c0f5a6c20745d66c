/* SPDX-License-Identifier: MIT */
/* What tests of locks and their like share: actors, tasks that a test steps
 * through what they do, and cancels where it wants. */
#ifndef OURO_SYNC_FIXTURE_H
#define OURO_SYNC_FIXTURE_H

#include "ouro_test.h"

#include <pthread.h>
#include <string.h>

enum { ACTORS = 6 };

struct fixture;

/* A task, and what it has seen. */
struct actor {
    struct fixture *f;
    struct ouro_task *task;
    struct ouro_future go; /* that it awaits once it has what it wants */
    int result;            /* of the call under test */
    int next;              /* of the wait after it */
    void *item;
    char name[2];
};

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_lock lock;
    struct ouro_event event;
    struct ouro_condition condition;
    struct ouro_semaphore semaphore;
    struct ouro_barrier barrier;
    struct ouro_queue queue;
    struct ouro_handle handle;
    struct actor actors[ACTORS];
    char trace[64]; /* the names of actors that got what they wanted */
    bool flag;
};

/* Its next step is in the next turn. */
static inline void
spawn(struct fixture *f, size_t i, ouro_task_fn *fn)
{
    assert_ok(
        ouro_loop_create_task(f->loop, &f->actors[i].task, fn, &f->actors[i]));
}

static inline void
turn(struct fixture *f)
{
    ouro_sim_turn(f->sim);
}

/* The first `count` actors do the same, and are where they wait first. */
static inline void
start_actors(struct fixture *f, size_t count, ouro_task_fn *fn)
{
    for (size_t i = 0; i < count; i++)
        spawn(f, i, fn);
    turn(f);
}

static inline void
cancel(struct fixture *f, size_t i)
{
    ouro_task_cancel(f->actors[i].task);
}

/* Let it go on from where it awaits that. */
static inline void
let_go(struct fixture *f, size_t i)
{
    assert_ok(ouro_future_set_result(&f->actors[i].go, NULL));
}

static inline void
note(struct actor *actor)
{
    strncat(actor->f->trace, actor->name,
            sizeof(actor->f->trace) - strlen(actor->f->trace) - 1);
}

/* Run `fn(arg)` on a thread of its own, to its end. */
static inline void
run_on_a_thread(void *(*fn)(void *arg), void *arg)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, fn, arg) == 0)
        pthread_join(thread, NULL);
}

static inline void
init_objects(struct fixture *f)
{
    ouro_lock_init(&f->lock, f->loop);
    ouro_event_init(&f->event, f->loop);
    ouro_condition_init(&f->condition, &f->lock);
    ouro_semaphore_init(&f->semaphore, f->loop, 2);
    ouro_barrier_init(&f->barrier, f->loop, 3);
}

static inline void
fini_objects(struct fixture *f)
{
    ouro_barrier_fini(&f->barrier);
    ouro_semaphore_fini(&f->semaphore);
    ouro_condition_fini(&f->condition);
    ouro_event_fini(&f->event);
    ouro_lock_fini(&f->lock);
}

static inline int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &f.seen},
    };

    memset(&f, 0, sizeof(f));
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.loop = ouro_sim_loop(f.sim);
    for (size_t i = 0; i < ACTORS; i++) {
        struct actor *actor = &f.actors[i];

        actor->f = &f;
        actor->name[0] = (char)('a' + i);
        actor->result = UNSEEN;
        actor->next = UNSEEN;
        ouro_future_init(&actor->go, f.loop);
    }
    init_objects(&f);
    *state = &f;
    return 0;
}

/* Every task must have ended. */
static inline int
teardown(void **state)
{
    struct fixture *f = *state;
    struct ouro_loop_stats stats;

    ouro_loop_get_stats(f->loop, &stats);
    for (size_t i = 0; i < ACTORS; i++)
        f->actors[i].task = ouro_task_unref(f->actors[i].task);
    if (stats.tasks == 0)
        fini_objects(f);
    ouro_sim_free(f->sim);
    assert_int_equal(stats.tasks, 0);
    assert_int_equal(f->seen.count, 0);
    assert_int_equal(live_allocations(), 0);
    return 0;
}

#endif
