/* SPDX-License-Identifier: MIT */
/* Where a program is played: a simulated world, and all things it names. */
#ifndef OURO_DIFFERENTIAL_STAGE_H
#define OURO_DIFFERENTIAL_STAGE_H

#include "program.h"

#include <ouro/ouro.h>
#include <ouro/sim.h>

enum { MOST_FAILURES = 16, FIRST_ERROR = 200 /* e1 is -201 */ };

/* Who does something: a task, or the callbacks of the loop. */
struct actor {
    struct stage *stage;
    size_t number; /* of the task; NO_TASK: none */
    struct ouro_task *task;
    bool used;  /* it was started, or its name is used up */
    int result; /* when it is over */
    bool over;
    struct ouro_group *home;    /* that it is one of */
    struct ouro_group *group;   /* the innermost that it has open */
    struct ouro_timeout *limit; /* likewise */
    unsigned held;              /* locks, a bit for each */
    unsigned got[MOST_NAMES];   /* items that are not done, for each queue */
};

enum { NO_TASK = MOST_NAMES };

extern const char *const task_names[];

/* What the loop is to do. */
struct errand {
    struct ouro_handle handle;
    struct stage *stage;
    const struct statement *what;
};

struct stage {
    const struct program *program;
    struct ouro_sim *sim;
    struct ouro_loop *loop;
    int64_t start_ns; /* by its clock */
    struct actor actors[MOST_NAMES];
    struct actor callbacks;
    struct ouro_future futures[MOST_NAMES];
    struct ouro_lock locks[MOST_NAMES];
    struct ouro_event events[MOST_NAMES];
    struct ouro_condition conditions[MOST_NAMES];
    struct ouro_semaphore semaphores[MOST_NAMES];
    struct ouro_barrier barriers[MOST_NAMES];
    struct ouro_queue queues[MOST_NAMES];
    struct errand alarms[MOST_NAMES];
    struct errand errands[MOST_STATEMENTS];
    size_t errand_count;
    char *reports[MOST_STATEMENTS]; /* of failures that nobody took */
    size_t report_count;
    struct stage *left; /* another that has no end */
};

/* Play `program` to the end, and print its trace. */
void stage_play(const struct program *program);

/* The statements inside a block.  As a verb's run. */
int play_inside(struct actor *actor, const struct statement *statement);

/* Do an action in the loop. */
void play_errand(void *arg);

/* The body of a task; `arg` is its actor. */
int play_task(void *arg);

/* Note in the trace what came of `statement`: an error by its name, or 0 as
 * "ok", or a number, or words.  The first two return 0 or the error. */
int say(struct actor *actor, const struct statement *statement, int rc);
int say_value(struct actor *actor, const struct statement *statement, int rc);
int say_words(struct actor *actor, const struct statement *statement,
              const char *words);

/* The name of an error, or a number.  Good until the second next call. */
const char *outcome_name(int rc);

/* Words of a statement: a number, a time, the digit of a name. */
int number_of(const struct statement *statement, size_t word);
int64_t time_of(const struct statement *statement, size_t word);
size_t name_of(const struct statement *statement, size_t word);

/* -201 for "e1". */
int error_of(const struct statement *statement, size_t word);

#endif
