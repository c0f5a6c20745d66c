/* SPDX-License-Identifier: MIT */
/* Which task waits for which: what a dump knows of all tasks of a loop.
 *
 * There is an edge from a task that waits to each that can end its wait: the
 * task it joins, those it gathers, the children of its group, the owner of its
 * lock.  Each task keeps what a walk of the graph needs, so that this takes no
 * memory, however many there are.
 *
 * The tasks must not run meanwhile, and nothing here changes anything else.
 */
#ifndef OURO_AWAIT_GRAPH_H
#define OURO_AWAIT_GRAPH_H

#include <stddef.h>

struct ouro_task;
struct ouro__tasks;

/* How far the edges of a task have been asked for.  All zero: not at all. */
struct ouro__edges {
    const void *at;
    size_t index;
};

/* In each task; written by ouro__graph_begin(). */
struct ouro__mark {
    unsigned number;               /* from 1 on, in the order of creation */
    unsigned waiters;              /* how many wait for it */
    const struct ouro_task *first; /* of them */
    const struct ouro_task *last;
    struct ouro_task *owner;   /* of what it waits for; NULL: nobody, now */
    struct ouro_task *parent;  /* in the walk: who waits for it */
    struct ouro__edges walked; /* its edges, in the walk */
    unsigned state;
};

/* Number the tasks, and find who waits for whom.  Returns how many there are.
 * The marks are valid until one of them runs. */
unsigned ouro__graph_begin(struct ouro__tasks *tasks);

/* The next task that can end the wait of `task`; NULL: there is none left. */
struct ouro_task *ouro__graph_next(struct ouro_task *task,
                                   struct ouro__edges *edges);

/* What a walk comes to. */
enum ouro__visit {
    OURO__VISIT_NEW,
    OURO__VISIT_AGAIN, /* with all that it waits for, it has been visited */
    OURO__VISIT_CYCLE  /* it waits for itself in the end */
};

typedef void ouro__visit_fn(const struct ouro_task *task, unsigned depth,
                            enum ouro__visit visit, void *arg);

/* Walk the graph, from those whom nobody waits for to those they wait for; the
 * ones that only wait for each other come last.  Tasks that have no edge are
 * left out. */
void ouro__graph_walk(struct ouro__tasks *tasks, ouro__visit_fn *fn, void *arg);

#endif
