/* SPDX-License-Identifier: MIT */
#ifndef OURO_SYNC_H
#define OURO_SYNC_H

#include <ouro/task.h>

OURO_BEGIN_DECLS

/*
 * What tasks of one loop wait for each other with: locks, events, conditions,
 * semaphores, barriers.  Queues have a header of their own.
 *
 * They live where you put them, need no memory, and belong to the thread of
 * their loop: none is for threads.  To end one that somebody still uses stops
 * the program, with the line where it was made.
 *
 * Who waits is served in the order of coming, and what is given up is given
 * to the first that waits, at once: it is never free while somebody waits, so
 * nobody overtakes.  A task that is cancelled before that was given nothing,
 * and says -ECANCELED.  Once it was given something it has it: its call
 * returns 0, and its next wait fails.
 */

/**
 * Only one task at a time.
 *
 * A task holds it across calls that suspend; for a part that does not suspend
 * no lock is needed.  The task that has it must live until it is released.
 */
struct ouro_lock {
    struct ouro_loop *loop; /* private, as all of it is */
    const char *site;
    struct ouro_task *owner;   /* NULL: it is free */
    struct ouro__list waiters; /* tasks, in the order they came */
};

/** Start `lock` as free.  Cannot fail. */
#define ouro_lock_init(lock, loop) ouro__lock_init(lock, loop, OURO_HERE)

void ouro__lock_init(struct ouro_lock *lock, struct ouro_loop *loop,
                     const char *site);

/** End it.  It must be free, and nobody may wait for it. */
void ouro_lock_fini(struct ouro_lock *lock);

/**
 * Take it, and wait for that while another task has it.
 *
 * Returns 0.
 *   -ECANCELED  the running task was cancelled; it has no lock
 *   -EDEADLK    it has it already
 */
OURO_SUSPENDS int ouro_lock_acquire(struct ouro_lock *lock);

/**
 * Give it to the first that waits, or to nobody.  Never suspends.
 *
 * Any task may do that, and a callback.  It must be locked.
 */
void ouro_lock_release(struct ouro_lock *lock);

/** Whether somebody has it.  While somebody waits, somebody has. */
bool ouro_lock_is_locked(const struct ouro_lock *lock);

/** A flag to wait for. */
struct ouro_event {
    struct ouro_loop *loop; /* private, as all of it is */
    const char *site;
    struct ouro__list waiters; /* tasks, in the order they came */
    bool is_set;
};

/** Start `event` as not set.  Cannot fail. */
#define ouro_event_init(event, loop) ouro__event_init(event, loop, OURO_HERE)

void ouro__event_init(struct ouro_event *event, struct ouro_loop *loop,
                      const char *site);

/** End it.  Nobody may wait for it. */
void ouro_event_fini(struct ouro_event *event);

/**
 * Wake all that wait now, also if it is cleared before they run.  Until it is
 * cleared nobody waits.
 */
void ouro_event_set(struct ouro_event *event);

/** From now on tasks wait for it again. */
void ouro_event_clear(struct ouro_event *event);

bool ouro_event_is_set(const struct ouro_event *event);

/**
 * Wait until it is set.
 *
 * Returns 0.
 *   -ECANCELED  the running task was cancelled
 */
OURO_SUSPENDS int ouro_event_wait(struct ouro_event *event);

/**
 * Something to wait for that others change under a lock.
 *
 *     take the lock; while it is not so: wait; use it; release the lock
 *
 * Several conditions may have one lock, which must outlive them.
 */
struct ouro_condition {
    struct ouro_lock *lock; /* private, as all of it is */
    const char *site;
    struct ouro__list waiters; /* tasks, in the order they came */
    unsigned waiting;          /* tasks in ouro_condition_wait() */
};

/** Start `condition`, with a lock of yours.  Cannot fail. */
#define ouro_condition_init(condition, lock) \
    ouro__condition_init(condition, lock, OURO_HERE)

void ouro__condition_init(struct ouro_condition *condition,
                          struct ouro_lock *lock, const char *site);

/** End it.  Nobody may be waiting for it, nor about to return from that. */
void ouro_condition_fini(struct ouro_condition *condition);

/**
 * Release the lock, wait to be notified, and take the lock again.
 *
 * The running task must have the lock, and has it again when this returns,
 * whatever it returns: to take it again is not cut short by a cancellation.
 * Who is notified waits for the lock from that moment, behind those that wait
 * for it already.
 *
 * Returns 0.
 *   -ECANCELED  the running task was cancelled before it was notified
 */
OURO_SUSPENDS int ouro_condition_wait(struct ouro_condition *condition);

/** Whether it is so.  It must not suspend. */
typedef bool ouro_predicate_fn(void *arg);

/** Wait until `predicate(arg)` is true; not at all if it is already. */
OURO_SUSPENDS int ouro_condition_wait_for(struct ouro_condition *condition,
                                          ouro_predicate_fn *predicate,
                                          void *arg);

/**
 * Wake the first `count` that wait, or all of them.  The lock must be taken.
 * Nothing if nobody waits: it is not remembered.
 */
void ouro_condition_notify(struct ouro_condition *condition, size_t count);
void ouro_condition_notify_all(struct ouro_condition *condition);

/** A number of permits. */
struct ouro_semaphore {
    struct ouro_loop *loop; /* private, as all of it is */
    const char *site;
    struct ouro__list waiters; /* tasks, in the order they came */
    size_t permits;            /* that are free */
    size_t bound;              /* there are never more */
};

/** Start `semaphore` with so many permits; there may be none. */
#define ouro_semaphore_init(semaphore, loop, permits) \
    ouro__semaphore_init(semaphore, loop, permits, SIZE_MAX, OURO_HERE)

/** The same, and no more than these: one that is released too often is a
 * mistake, and stops the program. */
#define ouro_bounded_semaphore_init(semaphore, loop, permits) \
    ouro__semaphore_init(semaphore, loop, permits, permits, OURO_HERE)

void ouro__semaphore_init(struct ouro_semaphore *semaphore,
                          struct ouro_loop *loop, size_t permits, size_t bound,
                          const char *site);

/** End it.  Nobody may wait for it. */
void ouro_semaphore_fini(struct ouro_semaphore *semaphore);

/**
 * Take a permit, and wait for one if there is none.
 *
 * Returns 0.
 *   -ECANCELED  the running task was cancelled; it has no permit
 */
OURO_SUSPENDS int ouro_semaphore_acquire(struct ouro_semaphore *semaphore);

/** Give a permit to the first that waits, or keep it.  Never suspends. */
void ouro_semaphore_release(struct ouro_semaphore *semaphore);

/** Whether there is no permit.  While somebody waits, there is none. */
bool ouro_semaphore_is_locked(const struct ouro_semaphore *semaphore);

/**
 * A place where so many tasks meet before any of them goes on.
 *
 * It fills; when the last has come all go on, and it drains; then it fills
 * again.  Who comes while it drains waits for that too, so that nobody is in
 * two rounds.
 */
struct ouro_barrier {
    struct ouro_loop *loop; /* private, as all of it is */
    const char *site;
    struct ouro__list waiters; /* tasks, in the order they came */
    size_t parties;
    size_t inside;  /* tasks suspended in ouro_barrier_wait() */
    size_t leaving; /* those of them that go on, and have not run yet */
    bool is_broken;
};

/** Start `barrier` as one for `parties` tasks, at least one. */
#define ouro_barrier_init(barrier, loop, parties) \
    ouro__barrier_init(barrier, loop, parties, OURO_HERE)

void ouro__barrier_init(struct ouro_barrier *barrier, struct ouro_loop *loop,
                        size_t parties, const char *site);

/** End it.  Nobody may wait there, nor be about to return from that. */
void ouro_barrier_fini(struct ouro_barrier *barrier);

/**
 * Wait until all have come.
 *
 * Returns which one it was, 0 being the first of its round, one less than
 * parties the last; so that one of them can do what is to be done once.
 *   -ECANCELED     the running task was cancelled; it does not count
 *   -OURO_EBROKEN  it was reset, or is broken
 */
OURO_SUSPENDS int ouro_barrier_wait(struct ouro_barrier *barrier);

/**
 * Begin anew: those that wait in a round that fills get -OURO_EBROKEN, and the
 * next fills when they have gone.  A broken one is whole again.
 */
void ouro_barrier_reset(struct ouro_barrier *barrier);

/** Break it: those that wait, and all that come, get -OURO_EBROKEN. */
void ouro_barrier_abort(struct ouro_barrier *barrier);

bool ouro_barrier_is_broken(const struct ouro_barrier *barrier);

/** How many have to meet. */
size_t ouro_barrier_parties(const struct ouro_barrier *barrier);

/** How many wait in a round that fills; counted one by one. */
size_t ouro_barrier_waiting(const struct ouro_barrier *barrier);

OURO_END_DECLS

#endif
