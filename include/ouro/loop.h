/* SPDX-License-Identifier: MIT */
#ifndef OURO_LOOP_H
#define OURO_LOOP_H

#include <ouro/base.h>
#include <ouro/error.h>

OURO_BEGIN_DECLS

/**
 * An event loop: it runs callbacks, one after the other, on one thread.
 *
 * One turn of it: wait for completions and queue them, queue the timers that
 * are due, run what was queued when the turn began to run, send what was
 * written.  What a callback queues runs in the next turn, so an endless chain
 * of calls starves neither I/O nor timers.
 *
 * Belongs to the thread that made it.  Every call checks that, except those
 * that say that they may come from any thread.
 */
struct ouro_loop;
struct ouro_task;

/** A call the loop makes.  It must not suspend. */
typedef void ouro_callback_fn(void *arg);

/**
 * Time is nanoseconds of the monotonic clock, in an int64_t whose name ends
 * in _ns.  A fraction is fine: OURO_SECONDS(0.25).
 */
#define OURO_SECONDS(n)      ((int64_t)(INT64_C(1000000000) * (n)))
#define OURO_MILLISECONDS(n) ((int64_t)(INT64_C(1000000) * (n)))
#define OURO_MICROSECONDS(n) ((int64_t)(INT64_C(1000) * (n)))
#define OURO_FOREVER         INT64_MAX

/**
 * A call the loop is asked to make.
 *
 * The caller owns it, so asking cannot fail.  All zero is an idle handle.  One
 * that waits must stay where it is until it has run, or until
 * ouro_handle_cancel() has returned.
 */
struct ouro_handle {
    ouro_callback_fn *fn; /* private, as all of it is */
    void *arg;
    struct ouro_loop *loop;
    const char *site;
    struct ouro__list link;    /* ready, or in somebody's list; heap siblings */
    struct ouro_handle *child; /* in the heap of timers */
    int64_t when_ns;
    uint64_t order; /* equal times run in the order they were asked for */
    int outcome;    /* of the future it waited for */
    uint32_t state; /* enum ouro__handle_state; 0: idle */
};

/** What nobody else can be told; see ouro_loop_options. */
struct ouro_exception {
    const char *message;
    int error;              /* negative, or 0 */
    struct ouro_task *task; /* NULL: none */
    const char *name;       /* of the task, the server, the peer; NULL: none */
    const char *site;       /* "file.c:12", where it was made; NULL: unknown */
};

/**
 * Hears of an exception, on the thread of the loop.
 *
 * It must not suspend.  What it causes to be reported itself is dropped.
 */
typedef void ouro_exception_fn(const struct ouro_exception *exception,
                               void *arg);

/** The shipped handler: one line on stderr.  ouro_run() installs it. */
void ouro_print_exception(const struct ouro_exception *exception, void *arg);

enum ouro_engine {
    OURO_ENGINE_AUTO, /* the best there is: io_uring */
    OURO_ENGINE_URING
};

/** How bytes come in.  See docs/guide/performance.md. */
enum ouro_receive {
    OURO_RECEIVE_AUTO, /* ring for small messages, poll for bulk */
    OURO_RECEIVE_RING, /* a multishot receive into shared buffers */
    OURO_RECEIVE_POLL  /* wait until readable, then recv(2) */
};

/** How to make a loop.  All zero is a good loop. */
struct ouro_loop_options {
    enum ouro_engine engine;
    unsigned ring_entries; /* submissions at once; 0: 256; at most 32768 */
    unsigned completion_entries; /* 0: 4096; at least 2 * ring_entries */
    size_t stack_size; /* bytes per task, its guard page included; 0: 64 KiB;
                          16 KiB to 1 GiB */
    size_t receive_memory; /* bytes for all connections; 0: 1 MiB */
    enum ouro_receive receive;
    bool send_by_ring; /* never try send(2) first: for dear system calls */
    int64_t cancel_limit_ns; /* a task that was told to end, and has not after
                                this time, is reported; 0: 30 s */
    ouro_exception_fn *exception_handler; /* NULL: nobody is told */
    void *exception_arg;
    struct ouro_report *report; /* NULL, or told why there is no loop */
};

/**
 * Make a loop for the calling thread.
 *
 * On success `*out_loop` is the loop; on failure it is left alone, and
 * options.report says what to do about it.
 *   -ENOSYS, -EPERM, -EACCES  io_uring is refused here: a sysctl, a seccomp
 *                             filter, or a kernel without it
 *   -EINVAL  an option is out of its range, or the kernel is older than 6.1
 *   -ENOMEM  RLIMIT_MEMLOCK or memory is too small for the ring
 *   -EMFILE, -ENFILE  no descriptors left
 */
OURO_MUST_USE int ouro_loop_new(struct ouro_loop **out_loop,
                                const struct ouro_loop_options *options);

/**
 * Free a loop that is not running.  NULL is nothing.
 *
 * Operations in flight are cancelled and waited for, two seconds at most.
 * What is still alive is reported to the exception handler, with the place that
 * made it: handles, timers, tasks, transports, servers.
 */
void ouro_loop_free(struct ouro_loop *loop);

/** The loop that runs on this thread, or NULL. */
struct ouro_loop *ouro_get_running_loop(void);

/** Run until ouro_loop_stop(). */
void ouro_loop_run_forever(struct ouro_loop *loop);

/**
 * Return from the run after this turn: what was ready runs, what that queues
 * does not.  Before a run: the run makes one turn, without waiting.
 */
void ouro_loop_stop(struct ouro_loop *loop);

/** Whether the loop is inside a run. */
bool ouro_loop_is_running(const struct ouro_loop *loop);

/** Now, by the clock of the loop. */
int64_t ouro_loop_time_ns(const struct ouro_loop *loop);

/** Replace the exception handler.  NULL: nobody is told. */
void ouro_loop_set_exception_handler(struct ouro_loop *loop,
                                     ouro_exception_fn *handler, void *arg);

/** Tell the exception handler of `loop`.  `exception` is borrowed. */
void ouro_loop_call_exception_handler(struct ouro_loop *loop,
                                      const struct ouro_exception *exception);

/** Call `fn(arg)` in the next turn of the loop.  `handle` must be idle. */
#define ouro_call_soon(loop, handle, fn, arg) \
    ouro__call_soon(loop, handle, fn, arg, OURO_HERE)

/**
 * The same after `delay_ns`, or at `when_ns`: never early, ties in order.
 *
 * A timer that waits already is moved.  A time in the past is the next turn;
 * OURO_FOREVER never comes.
 */
#define ouro_call_later(loop, handle, delay_ns, fn, arg) \
    ouro__call_later(loop, handle, delay_ns, fn, arg, OURO_HERE)
#define ouro_call_at(loop, handle, when_ns, fn, arg) \
    ouro__call_at(loop, handle, when_ns, fn, arg, OURO_HERE)

void ouro__call_soon(struct ouro_loop *loop, struct ouro_handle *handle,
                     ouro_callback_fn *fn, void *arg, const char *site);
void ouro__call_later(struct ouro_loop *loop, struct ouro_handle *handle,
                      int64_t delay_ns, ouro_callback_fn *fn, void *arg,
                      const char *site);
void ouro__call_at(struct ouro_loop *loop, struct ouro_handle *handle,
                   int64_t when_ns, ouro_callback_fn *fn, void *arg,
                   const char *site);

/**
 * Do not call.  Nothing if it has run already, or never was to.
 *
 * Afterwards the memory of the handle is the caller's again, also inside its
 * own callback.  Only on the thread of the loop.
 */
void ouro_handle_cancel(struct ouro_handle *handle);

/** Whether it waits to be called. */
bool ouro_handle_is_pending(const struct ouro_handle *handle);

/**
 * Where other threads leave calls for a loop.
 *
 * It is counted, and outlives its loop: a thread that holds a reference may
 * post at any time, and is told when the loop is gone.
 */
struct ouro_mailbox;

/** The mailbox of `loop`, with a reference that is the caller's. */
struct ouro_mailbox *ouro_loop_mailbox(struct ouro_loop *loop);

/** Take another reference, on any thread.  Returns `mailbox`. */
struct ouro_mailbox *ouro_mailbox_ref(struct ouro_mailbox *mailbox);

/** Drop a reference, on any thread.  NULL is nothing.  Returns NULL. */
struct ouro_mailbox *ouro_mailbox_unref(struct ouro_mailbox *mailbox);

/**
 * Call `fn(arg)` in the loop.  From any thread, and from a signal handler.
 *
 * The handle must be idle, and is the mailbox's until it has run.  The caller's
 * reference to the mailbox lasts until this returns: what `fn` does, perhaps
 * before that, must not drop it.
 *   -ESHUTDOWN  the loop is gone; the handle is the caller's, and never runs
 */
OURO_MUST_USE int ouro_mailbox_post(struct ouro_mailbox *mailbox,
                                    struct ouro_handle *handle,
                                    ouro_callback_fn *fn, void *arg);

/**
 * Take back a post.  From any thread, but not from a signal handler.
 *
 * Returns whether the call was prevented.  Otherwise it has been made, and has
 * returned: the loop was waited for.  Either way the memory of the handle, and
 * what the call uses, is the caller's afterwards.  Who waits holds no lock that
 * the loop may want.  On the thread of the loop nothing is waited for, and a
 * call may take back its own handle: that is not prevented.
 */
bool ouro_mailbox_cancel(struct ouro_mailbox *mailbox,
                         struct ouro_handle *handle);

/** The same, where the caller knows that the loop is there. */
OURO_MUST_USE int ouro_call_soon_threadsafe(struct ouro_loop *loop,
                                            struct ouro_handle *handle,
                                            ouro_callback_fn *fn, void *arg);

/** What the loop runs on; see examples/engine_info.c. */
struct ouro_engine_info {
    const char *name;      /* "uring", "sim" */
    const char *features;  /* what was found and is used, by name */
    const char *missing;   /* what was not, or was turned off */
    unsigned ring_entries; /* 0 where there is no ring */
    unsigned completion_entries;
    size_t receive_memory; /* bytes of shared receive buffers */
};

/** Valid as long as the loop. */
const struct ouro_engine_info *ouro_loop_engine(const struct ouro_loop *loop);

/**
 * What a loop has done, and what is alive in it.
 *
 * `timers` are the handles that wait for a time, whoever asked: calls, tasks
 * that sleep or have a limit, connections that are closing, and the two that a
 * loop has for itself: one while a task has to end, one while stacks that a
 * burst of tasks has left keep their pages.
 */
struct ouro_loop_stats {
    uint64_t turns;
    uint64_t callbacks;
    uint64_t completions;
    uint64_t waits; /* turns that asked the kernel */
    uint64_t connections_accepted;
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t writes_dropped;  /* after a connection was closed or lost */
    uint64_t accept_failures; /* times that descriptors or memory ran out */
    size_t timers;            /* alive now, as all below */
    size_t operations;        /* that the kernel has been asked for */
    size_t tasks;             /* that have not ended */
    size_t transports;
    size_t servers;
    size_t buffers; /* blocks of the pool in use */
    size_t jobs;    /* calls that the threads of executors have to make */
};

/** Fill in `*out_stats`, which is a copy. */
void ouro_loop_get_stats(const struct ouro_loop *loop,
                         struct ouro_loop_stats *out_stats);

OURO_END_DECLS

#endif
