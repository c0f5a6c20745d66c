/* SPDX-License-Identifier: MIT */
/* An owner of a group, and children that do as they are told. */
#ifndef OURO_GROUP_FIXTURE_H
#define OURO_GROUP_FIXTURE_H

#include "ouro_test.h"

#include <string.h>

enum { CHILDREN = 5, MOST_RESULTS = 8 };

struct fixture;

/* A child: sleeps, and returns what it was told to. */
struct child {
    struct fixture *f;
    int64_t sleep_ns;
    int returns;
    bool stubborn; /* returns that also when it is cancelled */
    bool ran;
    int slept; /* what its sleep returned */
    int64_t ended_ns;
};

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_future reply;
    struct ouro_task *task;
    struct ouro_group *group;
    struct child children[CHILDREN];
    size_t count; /* of children to start */
    int64_t start_ns;
    int64_t ended_ns;
    int result; /* of the owner itself */
    int results[MOST_RESULTS];
    unsigned counts[2];
};

static inline int64_t
passed_ns(const struct fixture *f)
{
    return ouro_loop_time_ns(f->loop) - f->start_ns;
}

static inline int
run_child(void *arg)
{
    struct child *child = arg;

    child->ran = true;
    child->slept = ouro_sleep(child->sleep_ns);
    child->ended_ns = passed_ns(child->f);
    return child->slept < 0 && !child->stubborn ? child->slept : child->returns;
}

static inline void
set_child(struct fixture *f, size_t i, int64_t sleep_ns, int returns)
{
    f->children[i].sleep_ns = sleep_ns;
    f->children[i].returns = returns;
    f->count = i + 1;
}

static inline void
start_children(struct fixture *f, struct ouro_group *group)
{
    for (size_t i = 0; i < f->count; i++)
        ouro_group_create_task(group, run_child, &f->children[i]);
}

static inline void
create(struct fixture *f, ouro_task_fn *fn)
{
    assert_ok(ouro_loop_create_task(f->loop, &f->task, fn, f));
    ouro_sim_turn(f->sim);
}

static inline int
end(struct fixture *f)
{
    int result = ouro_task_result(f->task);

    f->task = ouro_task_unref(f->task);
    return result;
}

/* Begin, children, end. */
static inline int
own(void *arg)
{
    struct fixture *f = arg;
    struct ouro_group group;

    ouro_group_begin(&group);
    f->group = &group;
    start_children(f, &group);
    f->results[0] = ouro_group_end(&group, f->result);
    f->ended_ns = passed_ns(f);
    f->counts[0] = ouro_task_cancelling(ouro_current_task());
    f->results[1] = ouro_sleep(0);
    return f->results[0];
}

static inline int
setup(void **state)
{
    static struct fixture f;
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &f.seen},
    };

    memset(&f, 0, sizeof(f));
    for (size_t i = 0; i < MOST_RESULTS; i++)
        f.results[i] = UNSEEN;
    for (size_t i = 0; i < CHILDREN; i++)
        f.children[i] = (struct child){.f = &f, .slept = UNSEEN};
    assert_ok(ouro_sim_new(&f.sim, &options));
    f.loop = ouro_sim_loop(f.sim);
    f.start_ns = ouro_loop_time_ns(f.loop);
    ouro_future_init(&f.reply, f.loop);
    *state = &f;
    return 0;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;

    ouro_sim_free(f->sim);
    assert_int_equal(f->seen.count, 0);
    return 0;
}

#endif
