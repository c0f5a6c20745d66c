/* SPDX-License-Identifier: MIT */
/* Programs of the differential test: small scenarios of tasks, which ouro and
 * asyncio run, each on a virtual clock, and whose traces are compared.
 *
 * A line is a statement: a word, and what it is about.  Names are a letter and
 * a digit: t task, f future, l lock, e event, c condition (c1 goes with l1),
 * s semaphore, b barrier, q queue, h alarm.  Times are milliseconds; `-` is no
 * limit.  `#` begins a comment.
 *
 * At the top:
 *
 *     semaphore s0 N   barrier b0 N   how many; 1 and 2 unless it is said
 *     queue q0 N   lifo q0 N   priority q0 N      at most N items; 0: any
 *     before ... end   actions before the loop runs, which makes one turn then
 *     task t0 ... end  what a task does; t0 is started first
 *
 * Actions, which tasks and callbacks do:
 *
 *     mark N                  nothing
 *     spawn t1                start it, once
 *     cancel t1   asked t1    ask it to end; how many requests stand
 *     set f0 N   setfail f0 eN   drop f0       complete it; cancel it
 *     setev e0   clear e0   isset e0
 *     give s0                 a permit more
 *     put_now q0 N   get_now q0   size q0   shut q0   shut_now q0
 *     locked l0   locked s0
 *     soon ACTION   later N ACTION             in a callback of the loop
 *     alarm h0 N ACTION   silence h0           one that can be taken back
 *
 * What only a task does:
 *
 *     return N   fail eN      leave the task, with a result or an error
 *     sleep N
 *     join t1   await f0      a cancellation does not reach what is awaited
 *     uncancel                one request less
 *     gather X...   gather_all X...            X is a task or a future
 *     wait all|first|error N X...
 *     wait_for N X   wait_call N t1
 *     each N X...             as_completed
 *     start t1                in the group that is open, or that it is one of
 *     reschedule N            the timeout that is open
 *     waitev e0
 *     waitc c0   notify c0 N  inside `hold l0`
 *     meet b0   reset b0   abort b0   waiting b0
 *     put q0 N   get q0   done q0   joinq q0
 *
 * Blocks, up to `end`:
 *
 *     timeout N   deadline N   shield N   group
 *     hold l0   permit s0     with what is taken first, and given back
 *     try                     an error ends here, but not a cancellation
 *     catch                   a cancellation too
 *
 * What fails ends its task, unless a block catches it: as an exception does,
 * and as a C program does that looks at each result.  Tasks wait for those with
 * a higher number only, so they never wait in a circle.  What makes no sense
 * (to start a task twice, to join one that never started, to notify without the
 * lock) is noted in the trace, and does nothing: so a program of which lines
 * were taken away is still one.
 *
 * The trace has a line for each statement, when it is over:
 *
 *     TIME WHO: STATEMENT -> WHAT CAME OF IT
 *
 * and in the end what each task came to, and which failures nobody took.
 */
#ifndef OURO_DIFFERENTIAL_PROGRAM_H
#define OURO_DIFFERENTIAL_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

enum {
    MOST_WORDS = 12,
    MOST_STATEMENTS = 512,
    MOST_NAMES = 10, /* of a kind: t0 to t9 */
    MOST_TEXT = 64
};

struct actor;
struct statement;

/* Do `statement`.  Returns 0 to go on, a negative error, or what the task is to
 * return. */
typedef int verb_fn(struct actor *actor, const struct statement *statement);

enum verb_kind {
    VERB_ACTION, /* callbacks too */
    VERB_TASK,   /* only tasks */
    VERB_BLOCK   /* has an `end` */
};

struct verb {
    const char *name;
    enum verb_kind kind;
    size_t at_least; /* words after it */
    verb_fn *run;
};

struct statement {
    const struct verb *verb;       /* NULL: an `end` */
    const struct statement *inner; /* what a callback is to do */
    const char *words[MOST_WORDS]; /* words[0] is the verb */
    size_t word_count;
    size_t end; /* of a block: the index of its `end` */
    char text[MOST_TEXT];
    char cut[MOST_TEXT]; /* the same, in words */
};

enum queue_order { QUEUE_FIFO, QUEUE_LIFO, QUEUE_PRIORITY };

struct program {
    struct statement statements[MOST_STATEMENTS];
    size_t count;
    size_t tasks[MOST_NAMES]; /* where each begins; 0: it is not there */
    size_t before;            /* the same; statement 0 is never a task */
    size_t permits[MOST_NAMES];
    size_t parties[MOST_NAMES];
    size_t queue_sizes[MOST_NAMES];
    enum queue_order queue_orders[MOST_NAMES];
    const char *why; /* it is no program; NULL: it is one */
    const char *what;
};

/* Start an empty program. */
void program_init(struct program *program);

/* Add a line.  Returns whether that was one; if not, `why` and `what` say it,
 * for as long as `line` lives. */
bool program_add(struct program *program, const char *line);

/* After the last line: whether it is whole. */
bool program_is_whole(struct program *program);

/* The statements that there are, in three tables that end with no name. */
extern const struct verb task_verbs[];
extern const struct verb wait_verbs[];
extern const struct verb sync_verbs[];

#endif
