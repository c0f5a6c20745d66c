/* SPDX-License-Identifier: MIT */
/* A loop from inside: what the floors above may touch. */
#ifndef OURO_LOOP_IMPL_H
#define OURO_LOOP_IMPL_H

#include "engine.h"
#include "heap.h"
#include "list.h"

#include <ouro/loop.h>

#include <stdatomic.h>

struct ouro_mailbox;

enum ouro__handle_state {
    OURO__HANDLE_IDLE,
    OURO__HANDLE_READY,  /* in loop->ready or in the batch that runs */
    OURO__HANDLE_TIMER,  /* in loop->timers */
    OURO__HANDLE_LISTED, /* in a list of somebody above, who wakes it */
    OURO__HANDLE_POSTED  /* in the mailbox */
};

/* What somebody wants done at the end of each turn that asks for it. */
struct ouro__flush {
    struct ouro__list link; /* linked: it is asked for */
    void (*fn)(struct ouro__flush *flush);
};

/* Places in floors[]: a floor makes its part when it is first needed, and
 * end_floor is called for it when the loop is freed, highest first. */
enum ouro__floor {
    OURO__FLOOR_TASK,
    OURO__FLOOR_DESCRIPTORS, /* below it are the frames that wait for them */
    OURO__FLOOR_SIGNALS,
    OURO__FLOOR_EXECUTORS, /* below it are the frames that calls use */
    OURO__FLOOR_REMOTES,
    OURO__FLOOR_WIRE,
    OURO__FLOOR_TRANSPORTS,
    OURO__FLOOR_NET,
    OURO__FLOOR_SERVERS,
    OURO__FLOOR_STALLS, /* nothing: it may end before all others */
    OURO__FLOOR_COUNT
};

/* What the watchdog sees, from its own thread. */
struct ouro__pulse {
    atomic_uint_fast64_t turns;
    atomic_uint_fast64_t calls;   /* of handles, begun */
    atomic_uint_fast64_t flushes; /* begun; completions are the engine's */
    _Atomic(const char *) site;   /* of the last handle; NULL: a flush */
    atomic_bool busy;             /* in the calls of a turn */
    void (*wake)(void);           /* the watchdog; NULL: it does not watch */
};

/* Somebody has to wake it when a loop becomes busy. */
extern atomic_bool ouro__watchdog_sleeps;

struct ouro_loop {
    struct ouro__engine *engine;
    struct ouro__list ready;   /* handles to run in the next turn */
    struct ouro__list running; /* those of this turn that have not run */
    struct ouro__heap timers;
    struct ouro__list flushes;   /* of this turn */
    struct ouro_handle dispatch; /* runs the completions of the engine */
    struct ouro_mailbox *mailbox;
    uint64_t order;     /* of the next timer */
    const char *thread; /* that made it: its ouro__this_thread */
    int pid;            /* a forked child must not use it */
    unsigned forks;     /* that lie before it; the cheap form of the same */
    bool is_running;
    bool stopping;
    bool reporting; /* inside the exception handler */
    ouro_exception_fn *exception_handler;
    void *exception_arg;
    struct ouro_loop_options options; /* with the defaults filled in */
    struct ouro_loop_stats stats;
    struct ouro__pulse pulse;
    struct ouro__list transports;    /* alive, for reports; wire floor */
    struct ouro__list servers;       /* alive; net floor */
    struct ouro__list starved;       /* handles that wait for a descriptor */
    struct ouro__list link;          /* in ouro__loops */
    void *floors[OURO__FLOOR_COUNT]; /* what higher floors keep for this loop,
                                        see below */
    void (*end_floor[OURO__FLOOR_COUNT])(struct ouro_loop *loop, void *kept);
};

/* Make a loop on `engine`, which it takes, also on failure. `mailbox` too. */
OURO_MUST_USE int ouro__loop_new_on(struct ouro_loop **out_loop,
                                    struct ouro__engine *engine,
                                    struct ouro_mailbox *mailbox,
                                    const struct ouro_loop_options *options);

/* Refuse options that are out of their range; see struct ouro_loop_options. */
OURO_MUST_USE int
ouro__loop_check_options(const struct ouro_loop_options *options);

/* One turn.  With `may_wait` it waits when nothing is ready. */
void ouro__loop_turn(struct ouro_loop *loop, bool may_wait);

/* Run what is ready now, and not what that makes ready. */
void ouro__loop_run_ready(struct ouro_loop *loop);

/* Whether a turn would run something at once. */
bool ouro__loop_has_ready(const struct ouro_loop *loop);

/* When the next timer is due; OURO_FOREVER if there is none. */
int64_t ouro__loop_next_timer_ns(const struct ouro_loop *loop);

/* Between begin and end the loop is the running one of this thread. */
void ouro__loop_begin_run(struct ouro_loop *loop);
void ouro__loop_end_run(struct ouro_loop *loop);

/* For the last calls of a loop that ends: make it the running one of this
 * thread; NULL: none.  Returns which was. */
struct ouro_loop *ouro__loop_set_running(struct ouro_loop *loop);

/* Call flush->fn at the end of this turn.  Twice is once. */
static inline void
ouro__loop_flush_later(struct ouro_loop *loop, struct ouro__flush *flush)
{
    if (!ouro__list_is_linked(&flush->link))
        ouro__list_append(&loop->flushes, &flush->link);
}

/* Put an idle handle in a list of yours, to be woken with ouro__handle_wake. */
void ouro__handle_list(struct ouro_loop *loop, struct ouro_handle *handle,
                       struct ouro__list *list, ouro_callback_fn *fn,
                       void *arg);

/* You took it out of your list: it runs in the next turn with `outcome`. */
void ouro__handle_wake(struct ouro_handle *handle, int outcome);

/* Inside a call of the loop: make another right after it, in this turn. */
void ouro__call_next(struct ouro_loop *loop, struct ouro_handle *handle,
                     ouro_callback_fn *fn, void *arg, const char *site);

/* A descriptor was closed: who waits for one may try again. */
void ouro__loop_descriptor_freed(struct ouro_loop *loop);

/* Take the handles that still wait out of the loop, and report them. */
void ouro__loop_report_handles(struct ouro_loop *loop);

/* Tell the exception handler. */
void ouro__loop_report(struct ouro_loop *loop, const char *message, int error,
                       const char *name, const char *site);

/* Its address says which thread runs; to ask pthread_self() would be a call in
 * nearly every function. */
extern _Thread_local char ouro__this_thread;

/* Stop the program unless this thread owns the loop. */
static inline void
ouro__loop_check_owner(const struct ouro_loop *loop)
{
    OURO_CHECK(loop->thread == &ouro__this_thread,
               "a loop is used only on the thread that made it");
}

/* The process that makes the loop owns it; stop any other. */
void ouro__loop_remember_process(struct ouro_loop *loop);
void ouro__loop_check_process(const struct ouro_loop *loop);

#endif
