/* SPDX-License-Identifier: MIT */
/* What is said of locks, events, conditions, semaphores, barriers, queues. */
#include "stage.h"

#include <errno.h>
#include <stdint.h>

static unsigned
bit_of(const struct statement *statement)
{
    return 1U << name_of(statement, 1);
}

/* Locks, and conditions. */

static int
do_hold(struct actor *actor, const struct statement *statement)
{
    struct ouro_lock *lock = &actor->stage->locks[name_of(statement, 1)];
    unsigned bit = bit_of(statement);

    int rc = ouro_lock_acquire(lock);
    say(actor, statement, rc);
    if (rc < 0)
        return rc == -EDEADLK ? 0 : rc;

    actor->held |= bit;
    rc = play_inside(actor, statement);
    actor->held &= ~bit;
    ouro_lock_release(lock);
    return rc;
}

static int
do_locked(struct actor *actor, const struct statement *statement)
{
    size_t name = name_of(statement, 1);
    bool locked =
        statement->words[1][0] == 's'
            ? ouro_semaphore_is_locked(&actor->stage->semaphores[name])
            : ouro_lock_is_locked(&actor->stage->locks[name]);

    return say_words(actor, statement, locked ? "yes" : "no");
}

static int
do_waitc(struct actor *actor, const struct statement *statement)
{
    if ((actor->held & bit_of(statement)) == 0)
        return say_words(actor, statement, "not held");
    return say(
        actor, statement,
        ouro_condition_wait(&actor->stage->conditions[name_of(statement, 1)]));
}

static int
do_notify(struct actor *actor, const struct statement *statement)
{
    if ((actor->held & bit_of(statement)) == 0)
        return say_words(actor, statement, "not held");
    ouro_condition_notify(&actor->stage->conditions[name_of(statement, 1)],
                          (size_t)number_of(statement, 2));
    return say(actor, statement, 0);
}

/* Events. */

static struct ouro_event *
event_of(const struct actor *actor, const struct statement *statement)
{
    return &actor->stage->events[name_of(statement, 1)];
}

static int
do_setev(struct actor *actor, const struct statement *statement)
{
    ouro_event_set(event_of(actor, statement));
    return say(actor, statement, 0);
}

static int
do_clear(struct actor *actor, const struct statement *statement)
{
    ouro_event_clear(event_of(actor, statement));
    return say(actor, statement, 0);
}

static int
do_isset(struct actor *actor, const struct statement *statement)
{
    bool is_set = ouro_event_is_set(event_of(actor, statement));

    return say_words(actor, statement, is_set ? "yes" : "no");
}

static int
do_waitev(struct actor *actor, const struct statement *statement)
{
    return say(actor, statement, ouro_event_wait(event_of(actor, statement)));
}

/* Semaphores. */

static int
do_permit(struct actor *actor, const struct statement *statement)
{
    struct ouro_semaphore *semaphore =
        &actor->stage->semaphores[name_of(statement, 1)];

    int rc = ouro_semaphore_acquire(semaphore);
    say(actor, statement, rc);
    if (rc < 0)
        return rc;

    rc = play_inside(actor, statement);
    ouro_semaphore_release(semaphore);
    return rc;
}

static int
do_give(struct actor *actor, const struct statement *statement)
{
    ouro_semaphore_release(&actor->stage->semaphores[name_of(statement, 1)]);
    return say(actor, statement, 0);
}

/* Barriers. */

static struct ouro_barrier *
barrier_of(const struct actor *actor, const struct statement *statement)
{
    return &actor->stage->barriers[name_of(statement, 1)];
}

static int
do_meet(struct actor *actor, const struct statement *statement)
{
    return say_value(actor, statement,
                     ouro_barrier_wait(barrier_of(actor, statement)));
}

static int
do_reset(struct actor *actor, const struct statement *statement)
{
    ouro_barrier_reset(barrier_of(actor, statement));
    return say(actor, statement, 0);
}

static int
do_abort(struct actor *actor, const struct statement *statement)
{
    ouro_barrier_abort(barrier_of(actor, statement));
    return say(actor, statement, 0);
}

static int
do_waiting(struct actor *actor, const struct statement *statement)
{
    return say_value(actor, statement,
                     (int)ouro_barrier_waiting(barrier_of(actor, statement)));
}

/* Queues. */

static struct ouro_queue *
queue_of(const struct actor *actor, const struct statement *statement)
{
    return &actor->stage->queues[name_of(statement, 1)];
}

static void *
item_of(const struct statement *statement)
{
    return (void *)(intptr_t)number_of(statement, 2);
}

/* Note what was got, and that there is something to be done with it. */
static int
say_got(struct actor *actor, const struct statement *statement, int rc,
        const void *item)
{
    if (rc < 0)
        return say(actor, statement, rc);
    actor->got[name_of(statement, 1)]++;
    say_value(actor, statement, (int)(intptr_t)item);
    return 0;
}

static int
do_put(struct actor *actor, const struct statement *statement)
{
    return say(actor, statement,
               ouro_queue_put(queue_of(actor, statement), item_of(statement)));
}

static int
do_get(struct actor *actor, const struct statement *statement)
{
    void *item = NULL;

    int rc = ouro_queue_get(queue_of(actor, statement), &item);
    return say_got(actor, statement, rc, item);
}

static int
do_put_now(struct actor *actor, const struct statement *statement)
{
    say(actor, statement,
        ouro_queue_put_nowait(queue_of(actor, statement), item_of(statement)));
    return 0;
}

static int
do_get_now(struct actor *actor, const struct statement *statement)
{
    void *item = NULL;

    int rc = ouro_queue_get_nowait(queue_of(actor, statement), &item);
    say_got(actor, statement, rc, item);
    return 0;
}

static int
do_done(struct actor *actor, const struct statement *statement)
{
    unsigned *got = &actor->got[name_of(statement, 1)];

    if (*got == 0)
        return say_words(actor, statement, "nothing");
    (*got)--;
    ouro_queue_task_done(queue_of(actor, statement));
    return say(actor, statement, 0);
}

static int
do_joinq(struct actor *actor, const struct statement *statement)
{
    return say(actor, statement, ouro_queue_join(queue_of(actor, statement)));
}

static int
do_shut(struct actor *actor, const struct statement *statement)
{
    ouro_queue_shutdown(queue_of(actor, statement), false);
    return say(actor, statement, 0);
}

static int
do_shut_now(struct actor *actor, const struct statement *statement)
{
    ouro_queue_shutdown(queue_of(actor, statement), true);
    return say(actor, statement, 0);
}

static int
do_size(struct actor *actor, const struct statement *statement)
{
    return say_value(actor, statement,
                     (int)ouro_queue_size(queue_of(actor, statement)));
}

const struct verb sync_verbs[] = {
    {"give", VERB_ACTION, 1, do_give},
    {"locked", VERB_ACTION, 1, do_locked},
    {"setev", VERB_ACTION, 1, do_setev},
    {"clear", VERB_ACTION, 1, do_clear},
    {"isset", VERB_ACTION, 1, do_isset},
    {"put_now", VERB_ACTION, 2, do_put_now},
    {"get_now", VERB_ACTION, 1, do_get_now},
    {"size", VERB_ACTION, 1, do_size},
    {"shut", VERB_ACTION, 1, do_shut},
    {"shut_now", VERB_ACTION, 1, do_shut_now},
    {"waitev", VERB_TASK, 1, do_waitev},
    {"waitc", VERB_TASK, 1, do_waitc},
    {"notify", VERB_TASK, 2, do_notify},
    {"meet", VERB_TASK, 1, do_meet},
    {"reset", VERB_TASK, 1, do_reset},
    {"abort", VERB_TASK, 1, do_abort},
    {"waiting", VERB_ACTION, 1, do_waiting},
    {"put", VERB_TASK, 2, do_put},
    {"get", VERB_TASK, 1, do_get},
    {"done", VERB_ACTION, 1, do_done},
    {"joinq", VERB_TASK, 1, do_joinq},
    {"hold", VERB_BLOCK, 1, do_hold},
    {"permit", VERB_BLOCK, 1, do_permit},
    {NULL, VERB_ACTION, 0, NULL},
};
