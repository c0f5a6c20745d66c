/* SPDX-License-Identifier: MIT */
/* Tasks that wait for each other, and what a dump says of them. */
#ifndef OURO_DUMP_FIXTURE_H
#define OURO_DUMP_FIXTURE_H

#include "ouro_test.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { TASKS = 4, TEXT_SIZE = 16384 };

struct fixture {
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    struct ouro_task *tasks[TASKS];
    struct ouro_future future;
    struct ouro_lock locks[2];
    struct ouro_event event;
    size_t allocations;
    char text[TEXT_SIZE];
    size_t used;
};

static inline void
add_line(const char *line, size_t size, void *arg)
{
    struct fixture *f = arg;

    if (size >= sizeof(f->text) - f->used)
        return;
    memcpy(f->text + f->used, line, size);
    f->used += size;
    f->text[f->used] = '\0';
}

/* Numbers of lines are not what is tested. */
static inline void
mask_lines(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0';) {
        if (*from != ':' || !isdigit((unsigned char)from[1])) {
            *to++ = *from++;
            continue;
        }
        for (from++; isdigit((unsigned char)*from);)
            from++;
    }
    *to = '\0';
}

/* What the dump says, without stacks and the numbers of lines. */
static inline const char *
dump(struct fixture *f)
{
    const struct ouro_dump_options options = {.no_stacks = true};

    f->used = 0;
    f->text[0] = '\0';
    ouro_dump_tasks_to(f->loop, add_line, f, &options);
    mask_lines(f->text);
    return f->text;
}

/* The same with stacks. */
static inline const char *
dump_stacks(struct fixture *f)
{
    f->used = 0;
    f->text[0] = '\0';
    ouro_dump_tasks_to(f->loop, add_line, f, NULL);
    return f->text;
}

/* Start it, and hold it in f->tasks. */
#define hold(f, i, fn) hold_task(f, i, fn, #fn, OURO_HERE)

static inline void
hold_task(struct fixture *f, size_t i, ouro_task_fn *fn, const char *name,
          const char *site)
{
    assert_ok(ouro__create_task(f->loop, &f->tasks[i], fn, f, name, site));
    ouro_sim_turn(f->sim);
}

static inline int
setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof(f));
    assert_ok(ouro_sim_new(&f.sim, NULL));
    f.loop = ouro_sim_loop(f.sim);
    ouro_future_init(&f.future, f.loop);
    ouro_event_init(&f.event, f.loop);
    for (size_t i = 0; i < 2; i++)
        ouro_lock_init(&f.locks[i], f.loop);
    *state = &f;
    return 0;
}

/* End what waits, and see that nothing is left of it. */
static inline int
teardown(void **state)
{
    struct fixture *f = *state;
    struct ouro_loop_stats stats;

    (void)ouro_future_set_result(&f->future, NULL);
    ouro_event_set(&f->event);
    for (size_t i = 0; i < TASKS; i++) {
        if (f->tasks[i] != NULL)
            ouro_task_cancel(f->tasks[i]);
    }
    ouro_sim_advance(f->sim, OURO_SECONDS(100));
    for (size_t i = 0; i < TASKS; i++)
        ouro_task_unref(f->tasks[i]);
    ouro_loop_get_stats(f->loop, &stats);
    assert_int_equal(stats.tasks, 0);
    ouro_future_fini(&f->future);
    ouro_event_fini(&f->event);
    for (size_t i = 0; i < 2; i++)
        ouro_lock_fini(&f->locks[i]);
    ouro_sim_free(f->sim);
    return 0;
}

#endif
