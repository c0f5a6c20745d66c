/* SPDX-License-Identifier: MIT */
/* Queues: items on their way from task to task.
 *
 * The happy path:
 *
 * - An item is put: the first that waits to get one is handed it.
 * - Nobody waits: it is kept, and somebody gets it later.
 *
 * What may happen instead:
 *
 * - The queue is full: who puts waits, with the item as its parcel.  When one
 *   is taken out, that item is kept in the same call, and its putter is woken.
 * - The queue is shut down: all that wait are told, for those who get wait only
 *   when it is empty.
 *
 * Invariant: getters wait only while the queue is empty, putters only while it
 * is full.
 */
#include "alloc.h"
#include "queue_order.h"
#include "waiters.h"

#include <errno.h>

/* Of a queue that grows. */
enum { FIRST_ROOM = 16 };

static const struct ouro__wait_kind wait_item = {
    .text = "an item of a queue",
    .site = offsetof(struct ouro_queue, site),
};

static const struct ouro__wait_kind wait_room = {
    .text = "room in a queue",
    .site = offsetof(struct ouro_queue, site),
};

static const struct ouro__wait_kind wait_done = {
    .text = "the end of what is in a queue",
    .site = offsetof(struct ouro_queue, site),
};

/* Life. */

static int
init(struct ouro_queue *queue, struct ouro_loop *loop, size_t max_size,
     const struct ouro__queue_ops *ops, const char *site)
{
    if (max_size == 0)
        max_size = OURO_QUEUE_MAX_SIZE;
    *queue = (struct ouro_queue){
        .loop = loop,
        .site = site,
        .ops = ops,
        .max_size = max_size,
    };
    ouro__list_init(&queue->getters);
    ouro__list_init(&queue->putters);
    ouro__list_init(&queue->joiners);
    return ouro__queue_set_room(queue, max_size == OURO_UNLIMITED ? FIRST_ROOM
                                                                  : max_size);
}

int
ouro__queue_init(struct ouro_queue *queue, struct ouro_loop *loop,
                 size_t max_size, const char *site)
{
    return init(queue, loop, max_size, &ouro__queue_fifo, site);
}

int
ouro__lifo_queue_init(struct ouro_queue *queue, struct ouro_loop *loop,
                      size_t max_size, const char *site)
{
    return init(queue, loop, max_size, &ouro__queue_lifo, site);
}

int
ouro__priority_queue_init(struct ouro_queue *queue, struct ouro_loop *loop,
                          size_t max_size, ouro_compare_fn *compare,
                          const char *site)
{
    int rc = init(queue, loop, max_size, &ouro__queue_by_priority, site);

    queue->compare = compare;
    return rc;
}

void
ouro_queue_fini(struct ouro_queue *queue)
{
    OURO_CHECK_AT(ouro__list_is_empty(&queue->getters)
                      && ouro__list_is_empty(&queue->putters)
                      && ouro__list_is_empty(&queue->joiners),
                  "nobody waits for a queue that is ended", queue->site);

    ouro__free(queue->kept);
    queue->kept = NULL;
}

/* Putting. */

static int
keep(struct ouro_queue *queue, void *item)
{
    if (queue->size == queue->room) {
        int rc = ouro__queue_set_room(queue, 2 * queue->room);
        if (rc < 0)
            return rc;
    }
    queue->ops->push(queue, item);
    return 0;
}

static int
put(struct ouro_queue *queue, void *item)
{
    if (queue->is_shut_down)
        return -ESHUTDOWN;
    if (queue->size == queue->max_size)
        return -EAGAIN;

    struct ouro_task *getter = ouro__wake_first(&queue->getters, 0);
    if (getter != NULL) {
        getter->parcel = item;
    } else {
        int rc = keep(queue, item);
        if (rc < 0)
            return rc;
    }
    queue->unfinished++;
    return 0;
}

int
ouro_queue_put_nowait(struct ouro_queue *queue, void *item)
{
    ouro__loop_check_owner(queue->loop);
    return put(queue, item);
}

int
ouro_queue_put(struct ouro_queue *queue, void *item)
{
    int rc = ouro__checkpoint_in(queue->loop);

    if (rc == 0)
        rc = put(queue, item);
    if (rc != -EAGAIN)
        return rc;
    ouro__task_here()->parcel = item;
    return ouro__suspend_for(&queue->putters, &wait_room, queue, true);
}

/* Getting. */

/* There is room: keep what the first of those has that wait for it. */
static void
admit_putter(struct ouro_queue *queue)
{
    struct ouro_task *putter = ouro__wake_first(&queue->putters, 0);

    if (putter == NULL)
        return;
    queue->ops->push(queue, putter->parcel);
    queue->unfinished++;
}

static int
get(struct ouro_queue *queue, void **out_item)
{
    if (queue->size == 0)
        return queue->is_shut_down ? -ESHUTDOWN : -EAGAIN;

    *out_item = queue->ops->pop(queue);
    admit_putter(queue);
    return 0;
}

int
ouro_queue_get_nowait(struct ouro_queue *queue, void **out_item)
{
    ouro__loop_check_owner(queue->loop);
    return get(queue, out_item);
}

int
ouro_queue_get(struct ouro_queue *queue, void **out_item)
{
    int rc = ouro__checkpoint_in(queue->loop);

    if (rc == 0)
        rc = get(queue, out_item);
    if (rc != -EAGAIN)
        return rc;

    rc = ouro__suspend_for(&queue->getters, &wait_item, queue, true);
    if (rc == 0)
        *out_item = ouro__task_here()->parcel;
    return rc;
}

/* The end of items, and of the queue. */

static void
finish(struct ouro_queue *queue, size_t count)
{
    queue->unfinished -= count;
    if (queue->unfinished == 0)
        ouro__wake_all(&queue->joiners, 0);
}

void
ouro_queue_task_done(struct ouro_queue *queue)
{
    ouro__loop_check_owner(queue->loop);
    OURO_CHECK_AT(queue->unfinished > 0, "an item of a queue is done with once",
                  queue->site);

    finish(queue, 1);
}

int
ouro_queue_join(struct ouro_queue *queue)
{
    int rc = ouro__checkpoint_in(queue->loop);

    if (rc < 0 || queue->unfinished == 0)
        return rc;
    return ouro__suspend_for(&queue->joiners, &wait_done, queue, true);
}

static void
forget_items(struct ouro_queue *queue)
{
    /* Some of them may have been said to be done before they were got. */
    size_t dropped = queue->size;

    queue->size = 0;
    finish(queue, dropped < queue->unfinished ? dropped : queue->unfinished);
}

void
ouro_queue_shutdown(struct ouro_queue *queue, bool immediate)
{
    ouro__loop_check_owner(queue->loop);
    queue->is_shut_down = true;
    if (immediate)
        forget_items(queue);
    ouro__wake_all(&queue->getters, -ESHUTDOWN);
    ouro__wake_all(&queue->putters, -ESHUTDOWN);
}

/* Small things. */

bool
ouro_queue_is_shut_down(const struct ouro_queue *queue)
{
    ouro__loop_check_owner(queue->loop);
    return queue->is_shut_down;
}

size_t
ouro_queue_size(const struct ouro_queue *queue)
{
    ouro__loop_check_owner(queue->loop);
    return queue->size;
}

size_t
ouro_queue_max_size(const struct ouro_queue *queue)
{
    ouro__loop_check_owner(queue->loop);
    return queue->max_size;
}

bool
ouro_queue_is_empty(const struct ouro_queue *queue)
{
    ouro__loop_check_owner(queue->loop);
    return queue->size == 0;
}

bool
ouro_queue_is_full(const struct ouro_queue *queue)
{
    ouro__loop_check_owner(queue->loop);
    return queue->size == queue->max_size;
}
