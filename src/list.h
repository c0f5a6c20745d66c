/* SPDX-License-Identifier: MIT */
/* Intrusive lists: a ring of nodes around a head that is a node itself.
 *
 * A node whose next is NULL is in no list.
 */
#ifndef OURO_LIST_H
#define OURO_LIST_H

#include <ouro/base.h>

#define ouro__list_for_each(node, head)                          \
    for (struct ouro__list *node = (head)->next; node != (head); \
         node = node->next)

static inline void
ouro__list_init(struct ouro__list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool
ouro__list_is_empty(const struct ouro__list *head)
{
    return head->next == head;
}

static inline bool
ouro__list_is_linked(const struct ouro__list *node)
{
    return node->next != NULL;
}

static inline void
ouro__list_append(struct ouro__list *head, struct ouro__list *node)
{
    node->next = head;
    node->prev = head->prev;
    head->prev->next = node;
    head->prev = node;
}

static inline void
ouro__list_prepend(struct ouro__list *head, struct ouro__list *node)
{
    ouro__list_append(head->next, node);
}

static inline void
ouro__list_remove(struct ouro__list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = NULL;
    node->prev = NULL;
}

/* Take the first node out, or NULL if there is none. */
static inline struct ouro__list *
ouro__list_shift(struct ouro__list *head)
{
    if (ouro__list_is_empty(head))
        return NULL;

    struct ouro__list *node = head->next;
    ouro__list_remove(node);
    return node;
}

/* Move all of `from` behind what is in `to`. */
static inline void
ouro__list_splice(struct ouro__list *to, struct ouro__list *from)
{
    if (ouro__list_is_empty(from))
        return;

    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    ouro__list_init(from);
}

#endif
