/* SPDX-License-Identifier: MIT */
/* How a queue keeps its items: as a ring, a stack, or a heap.
 *
 * Each of them in one array.  Only a ring begins anywhere but at its start.
 */
#include "queue_order.h"

#include "alloc.h"

#include <errno.h>

/* Where the n-th from the oldest is. */
static struct ouro__queued *
slot(const struct ouro_queue *queue, size_t n)
{
    size_t from_end = queue->room - queue->first;

    return &queue->kept[n < from_end ? queue->first + n : n - from_end];
}

int
ouro__queue_set_room(struct ouro_queue *queue, size_t room)
{
    if (room > SIZE_MAX / sizeof(*queue->kept))
        return -ENOMEM;

    struct ouro__queued *kept = ouro__alloc(room * sizeof(*kept));
    if (kept == NULL)
        return -ENOMEM;

    for (size_t n = 0; n < queue->size; n++)
        kept[n] = *slot(queue, n);
    ouro__free(queue->kept);
    queue->kept = kept;
    queue->first = 0;
    queue->room = room;
    return 0;
}

/* First in, first out: a ring. */

static void
append(struct ouro_queue *queue, void *item)
{
    *slot(queue, queue->size) = (struct ouro__queued){item, queue->order++};
    queue->size++;
}

static void *
pop_oldest(struct ouro_queue *queue)
{
    void *item = slot(queue, 0)->item;

    queue->size--;
    queue->first++;
    if (queue->first == queue->room)
        queue->first = 0;
    return item;
}

const struct ouro__queue_ops ouro__queue_fifo = {
    .push = append,
    .pop = pop_oldest,
};

/* Last in, first out: a stack. */

static void *
pop_newest(struct ouro_queue *queue)
{
    queue->size--;
    return queue->kept[queue->size].item;
}

const struct ouro__queue_ops ouro__queue_lifo = {
    .push = append,
    .pop = pop_newest,
};

/* By priority: a binary heap. */

static bool
is_before(const struct ouro_queue *queue, const struct ouro__queued *a,
          const struct ouro__queued *b)
{
    int order = queue->compare(a->item, b->item);

    return order < 0 || (order == 0 && a->order < b->order);
}

static void
push_by_priority(struct ouro_queue *queue, void *item)
{
    struct ouro__queued new = {item, queue->order++};
    size_t at = queue->size++;

    while (at > 0) {
        size_t parent = (at - 1) / 2;

        if (!is_before(queue, &new, &queue->kept[parent]))
            break;
        queue->kept[at] = queue->kept[parent];
        at = parent;
    }
    queue->kept[at] = new;
}

/* The child of `at` that comes first; beyond the end if there is none. */
static size_t
first_child(const struct ouro_queue *queue, size_t at)
{
    size_t left = 2 * at + 1;
    size_t right = left + 1;

    if (right < queue->size
        && is_before(queue, &queue->kept[right], &queue->kept[left]))
        return right;
    return left;
}

static void *
pop_by_priority(struct ouro_queue *queue)
{
    void *item = queue->kept[0].item;
    struct ouro__queued last = queue->kept[--queue->size];
    size_t at = 0;
    size_t child = first_child(queue, at);

    while (child < queue->size
           && is_before(queue, &queue->kept[child], &last)) {
        queue->kept[at] = queue->kept[child];
        at = child;
        child = first_child(queue, at);
    }
    queue->kept[at] = last;
    return item;
}

const struct ouro__queue_ops ouro__queue_by_priority = {
    .push = push_by_priority,
    .pop = pop_by_priority,
};
