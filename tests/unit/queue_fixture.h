/* SPDX-License-Identifier: MIT */
/* What tests of queues share: items that are letters, and actors that put and
 * get them. */
#ifndef OURO_QUEUE_FIXTURE_H
#define OURO_QUEUE_FIXTURE_H

#include "sync_fixture.h"

/* One item for each letter: its address is the item. */
static char letters[] = "abcdefghijklmnopqrstuvwxyz";

static inline void *
item(char letter)
{
    return &letters[letter - 'a'];
}

/* '?' if it is NULL. */
static inline char
letter_of(const void *queued)
{
    const char *letter = queued;

    return letter != NULL ? *letter : '?';
}

static inline int
put_own_letter(void *arg)
{
    struct actor *actor = arg;

    actor->result = ouro_queue_put(&actor->f->queue, item(actor->name[0]));
    actor->next = ouro_sleep(0);
    return 0;
}

/* Into the trace: the letter that was got. */
static inline int
get_one(void *arg)
{
    struct actor *actor = arg;
    void *got = NULL;

    actor->result = ouro_queue_get(&actor->f->queue, &got);
    actor->item = got;
    if (actor->result == 0)
        strncat(actor->f->trace, got, 1);
    actor->next = ouro_sleep(0);
    return 0;
}

static inline int
join_it(void *arg)
{
    struct actor *actor = arg;

    actor->result = ouro_queue_join(&actor->f->queue);
    actor->next = ouro_sleep(0);
    return 0;
}

static inline void
put_now(struct fixture *f, const char *text)
{
    for (; *text != '\0'; text++)
        assert_ok(ouro_queue_put_nowait(&f->queue, item(*text)));
}

/* Get all that is in it; the letters are in the trace then. */
static inline void
drain(struct fixture *f)
{
    void *got = NULL;

    while (ouro_queue_get_nowait(&f->queue, &got) == 0)
        strncat(f->trace, got, 1);
}

static inline void
assert_got(struct fixture *f, size_t i, char letter)
{
    assert_ok(f->actors[i].result);
    assert_int_equal(letter_of(f->actors[i].item), letter);
}

static inline void
settle(struct fixture *f)
{
    ouro_sim_advance(f->sim, 0);
}

#endif
