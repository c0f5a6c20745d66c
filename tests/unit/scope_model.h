/* SPDX-License-Identifier: MIT */
/* A model of scopes: what stands against a task, and from when on.
 *
 * It knows the scopes that are open, the times of all that will happen by
 * itself, and no loop but to ask it for the time.
 */
#ifndef OURO_SCOPE_MODEL_H
#define OURO_SCOPE_MODEL_H

#include "ouro_test.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    CHILDREN = 4,
    REQUESTS = 3,
    LONGEST_NS = 1000000000,
    STORY_SIZE = 32 * 1024
};

/* A child of a group: waits, and returns what it was told to. */
struct child {
    int64_t sleep_ns;
    int64_t clean_up_ns; /* how long it takes to end when it is cancelled */
    int returns;
    int64_t due_ns; /* when it ends if nobody cancels it */
};

enum kind { LIMIT, SHIELD, GROUP };

/* What the model knows of an open scope. */
struct level {
    struct level *outer;
    enum kind kind;
    int64_t when_ns;       /* of a limit, a shield */
    int64_t outer_next_ns; /* what next_ns was outside */
    struct ouro_group *group;
    struct child children[CHILDREN];
    size_t count;
    int64_t ended_ns;     /* when the owner said ouro_group_cancel() */
    unsigned ended_waits; /* and how often it had waited then */
};

struct run {
    struct ouro_loop *loop;
    struct ouro_task *task;
    struct ouro_handle requests[REQUESTS];
    int64_t requests_ns[REQUESTS];
    uint64_t random;
    char story[STORY_SIZE];
    size_t used;
    bool failed;

    /* The model. */
    struct level *level; /* the innermost */
    int64_t next_ns;     /* the earliest limit that counts */
    int64_t fired_ns;    /* when a limit last took effect */
    unsigned own;        /* requests of the task itself */
    unsigned taken;      /* requests that were taken back */
    unsigned waits;      /* calls that really suspended */
    unsigned reports;    /* of what the owner of a group is not told */
};

/* Chance, and the story. */

static inline uint64_t
draw(struct run *run, uint64_t below)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return (run->random >> 11) % below;
}

static inline int64_t
draw_ns(struct run *run)
{
    return 1 + (int64_t)draw(run, LONGEST_NS);
}

/* Now and then none at all, or no limit. */
static inline int64_t
draw_limit_ns(struct run *run)
{
    switch (draw(run, 10)) {
    case 0:
        return 0;
    case 1:
        return OURO_FOREVER;
    default:
        return draw_ns(run);
    }
}

static inline void
tell(struct run *run, const char *what, int64_t ns, ssize_t rc)
{
    if (run->used < STORY_SIZE - 100)
        run->used +=
            (size_t)snprintf(run->story + run->used, STORY_SIZE - run->used,
                             "%12" PRId64 " %s %" PRId64 ": %zd\n",
                             ouro_loop_time_ns(run->loop), what, ns, rc);
}

static inline void
expect(struct run *run, const char *what, ssize_t rc, ssize_t wanted,
       int64_t wanted_ns)
{
    tell(run, what, wanted_ns, rc);
    if (rc == wanted && ouro_loop_time_ns(run->loop) == wanted_ns)
        return;
    if (!run->failed)
        tell(run, "WRONG: the model says", wanted_ns, wanted);
    run->failed = true;
}

/* The model. */

static inline int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t
most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t
after(int64_t now_ns, int64_t delay_ns)
{
    return delay_ns > OURO_FOREVER - now_ns ? OURO_FOREVER : now_ns + delay_ns;
}

/* The first failure of a child; NULL: there will be none. */
static inline const struct child *
first_to_fail(const struct level *level)
{
    const struct child *first = NULL;

    for (size_t i = 0; i < level->count; i++) {
        const struct child *child = &level->children[i];

        if (child->returns < 0 && child->due_ns < level->ended_ns
            && (first == NULL || child->due_ns < first->due_ns))
            first = child;
    }
    return first;
}

/* When the waits of the owner of a group end for its sake. */
static inline int64_t
pressed_ns(const struct level *level)
{
    const struct child *first = first_to_fail(level);

    return first != NULL ? first->due_ns : level->ended_ns;
}

static inline unsigned
count_requests(const struct run *run, int64_t now_ns)
{
    unsigned count = run->own - run->taken;

    for (size_t i = 0; i < REQUESTS; i++)
        count += run->requests_ns[i] <= now_ns;
    return count;
}

/* When the next request comes that is not here yet. */
static inline int64_t
next_request_ns(const struct run *run, int64_t now_ns)
{
    int64_t next_ns = OURO_FOREVER;

    for (size_t i = 0; i < REQUESTS; i++) {
        if (run->requests_ns[i] > now_ns)
            next_ns = least(next_ns, run->requests_ns[i]);
    }
    return next_ns;
}

/* When waits end for another reason than a limit: `now_ns` or before if they
 * do already.  Only up to the innermost shield. */
static inline int64_t
cancelled_ns(const struct run *run, int64_t now_ns)
{
    int64_t when_ns = OURO_FOREVER;

    for (const struct level *level = run->level; level != NULL;
         level = level->outer) {
        if (level->kind == SHIELD)
            return when_ns;
        if (level->kind == GROUP)
            when_ns = least(when_ns, pressed_ns(level));
    }
    if (count_requests(run, now_ns) > 0)
        return now_ns;
    return least(when_ns, next_request_ns(run, now_ns));
}

static inline bool
is_cancelled(const struct run *run)
{
    int64_t now_ns = ouro_loop_time_ns(run->loop);

    return cancelled_ns(run, now_ns) <= now_ns || run->next_ns <= run->fired_ns;
}

/* The task waited from `from_ns` to `to_ns`, and the limit was watched. */
static inline void
has_waited(struct run *run, int64_t from_ns, int64_t to_ns)
{
    run->waits++;
    if (run->next_ns <= to_ns && run->next_ns > run->fired_ns)
        run->fired_ns = most(run->next_ns, from_ns);
}

static inline void
open_level(struct run *run, struct level *level, enum kind kind,
           int64_t delay_ns)
{
    /* A new limit is still to come, when an old one took effect just now. */
    *level = (struct level){
        .outer = run->level,
        .kind = kind,
        .when_ns = most(after(ouro_loop_time_ns(run->loop), delay_ns),
                        run->fired_ns + 1),
        .outer_next_ns = run->next_ns,
        .ended_ns = OURO_FOREVER,
    };
    run->level = level;
    if (kind == SHIELD)
        run->next_ns = level->when_ns;
    if (kind == LIMIT)
        run->next_ns = least(run->next_ns, level->when_ns);
}

static inline void
close_level(struct run *run)
{
    run->next_ns = run->level->outer_next_ns;
    run->level = run->level->outer;
}

#endif
