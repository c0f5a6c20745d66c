/* SPDX-License-Identifier: MIT */
/* In which order a queue gives out what it keeps. */
#ifndef OURO_QUEUE_ORDER_H
#define OURO_QUEUE_ORDER_H

#include <ouro/queue.h>

struct ouro__queue_ops {
    /* Keep `item`.  You may assume that there is room. */
    void (*push)(struct ouro_queue *queue, void *item);

    /* Take out what comes next.  You may assume that there is something. */
    void *(*pop)(struct ouro_queue *queue);
};

extern const struct ouro__queue_ops ouro__queue_fifo;
extern const struct ouro__queue_ops ouro__queue_lifo;
extern const struct ouro__queue_ops ouro__queue_by_priority;

/* Make room for `room` items, at least as many as there are, or -ENOMEM. */
OURO_MUST_USE int ouro__queue_set_room(struct ouro_queue *queue, size_t room);

#endif
