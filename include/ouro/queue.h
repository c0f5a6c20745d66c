/* SPDX-License-Identifier: MIT */
#ifndef OURO_QUEUE_H
#define OURO_QUEUE_H

#include <ouro/bytes.h>
#include <ouro/task.h>

OURO_BEGIN_DECLS

/** One item that is kept; private. */
struct ouro__queued {
    void *item;
    uint64_t order; /* in which it was put */
};

/**
 * Whether `a` comes before `b` (less than 0), after it, or neither (0).  It
 * must not suspend, nor use the queue.
 */
typedef int ouro_compare_fn(const void *a, const void *b);

/**
 * Items on their way from task to task of one loop.
 *
 * An item is a pointer of yours, whose memory the queue never touches; whoever
 * got it owns it then.  Who gets and who puts are each served in the order of
 * coming.  An item is handed over in the call that puts it: to the first that
 * waits, and if nobody does, it is kept.  One that a full queue has no room for
 * moves up in the call that makes room.  So there is never a waiting getter
 * and an item, nor a waiting putter and room, and nobody overtakes.
 *
 * A call that was cancelled has moved nothing: the item of a put is still the
 * caller's, and a get took none.  One that was served before it was cancelled
 * returns 0, and the next wait of its task fails.
 *
 * Belongs to the thread of its loop.
 */
struct ouro_queue {
    struct ouro_loop *loop; /* private, as all of it is */
    const char *site;
    const struct ouro__queue_ops *ops; /* in which order */
    ouro_compare_fn *compare;
    struct ouro__queued *kept;
    size_t first; /* where the oldest is, in a ring */
    size_t size;
    size_t room; /* in `kept`, without asking for memory */
    size_t max_size;
    uint64_t order; /* of the next put */
    size_t unfinished;
    struct ouro__list getters; /* tasks, in the order they came */
    struct ouro__list putters;
    struct ouro__list joiners;
    bool is_shut_down;
};

/** How many items a queue holds, unless it is told. */
enum { OURO_QUEUE_MAX_SIZE = 256 };

/**
 * Start `queue`, which gives out first what was put first, and holds at most
 * `max_size` items.  0: OURO_QUEUE_MAX_SIZE.  OURO_UNLIMITED: it grows as need
 * be, and nobody who puts ever waits.
 *
 * Returns 0.
 *   -ENOMEM  no memory for so many; there is nothing to end
 */
#define ouro_queue_init(queue, loop, max_size) \
    ouro__queue_init(queue, loop, max_size, OURO_HERE)

/** The same, but what was put last is given out first. */
#define ouro_lifo_queue_init(queue, loop, max_size) \
    ouro__lifo_queue_init(queue, loop, max_size, OURO_HERE)

/** The same, but the least by `compare` is given out first, and of equals the
 * one that was put first. */
#define ouro_priority_queue_init(queue, loop, max_size, compare) \
    ouro__priority_queue_init(queue, loop, max_size, compare, OURO_HERE)

OURO_MUST_USE int ouro__queue_init(struct ouro_queue *queue,
                                   struct ouro_loop *loop, size_t max_size,
                                   const char *site);
OURO_MUST_USE int ouro__lifo_queue_init(struct ouro_queue *queue,
                                        struct ouro_loop *loop, size_t max_size,
                                        const char *site);
OURO_MUST_USE int ouro__priority_queue_init(struct ouro_queue *queue,
                                            struct ouro_loop *loop,
                                            size_t max_size,
                                            ouro_compare_fn *compare,
                                            const char *site);

/** End it.  Nobody may wait for it.  Items that are left are forgotten. */
void ouro_queue_fini(struct ouro_queue *queue);

/**
 * Put `item`, and wait for room if it is full.
 *
 * Returns 0.
 *   -ECANCELED  the running task was cancelled; the item is the caller's
 *   -ESHUTDOWN  the queue is shut down; likewise
 *   -ENOMEM     it is unlimited, and cannot grow; likewise
 */
OURO_SUSPENDS int ouro_queue_put(struct ouro_queue *queue, void *item);

/**
 * Get the next item, and wait for one if there is none.
 *
 * Returns 0, and the item in `*out_item`.
 *   -ECANCELED  the running task was cancelled; it got nothing
 *   -ESHUTDOWN  the queue is shut down and empty
 */
OURO_SUSPENDS int ouro_queue_get(struct ouro_queue *queue, void **out_item);

/**
 * The same without waiting, in a callback too.
 *   -EAGAIN  it is full, or empty
 */
OURO_MUST_USE int ouro_queue_put_nowait(struct ouro_queue *queue, void *item);
OURO_MUST_USE int ouro_queue_get_nowait(struct ouro_queue *queue,
                                        void **out_item);

/** An item that was got has been dealt with.  To be said once for each. */
void ouro_queue_task_done(struct ouro_queue *queue);

/**
 * Wait until all that was put has been dealt with.
 *
 * Returns 0.
 *   -ECANCELED  the running task was cancelled
 */
OURO_SUSPENDS int ouro_queue_join(struct ouro_queue *queue);

/**
 * Nothing can be put any more: who waits to put, or comes to, gets -ESHUTDOWN.
 * What is in the queue can still be got; after that, and if it was empty, who
 * gets is told -ESHUTDOWN.
 *
 * `immediate` forgets what is in the queue, as if it had been got and dealt
 * with.  To free those items, shut down without it, and take them with
 * ouro_queue_get_nowait() in the same breath, and say ouro_queue_task_done().
 *
 * May come twice, to be immediate after all.
 */
void ouro_queue_shutdown(struct ouro_queue *queue, bool immediate);

bool ouro_queue_is_shut_down(const struct ouro_queue *queue);

/** How many items are in it: neither those that were handed over, nor those
 * of tasks that wait for room. */
size_t ouro_queue_size(const struct ouro_queue *queue);

/** How many it holds; OURO_UNLIMITED: any number. */
size_t ouro_queue_max_size(const struct ouro_queue *queue);

bool ouro_queue_is_empty(const struct ouro_queue *queue);
bool ouro_queue_is_full(const struct ouro_queue *queue);

OURO_END_DECLS

#endif
