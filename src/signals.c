/* SPDX-License-Identifier: MIT */
/* Signals as calls of loops.
 *
 * The happy path:
 *
 * - The first handler for a signal, in any loop, puts signal_came() in place of
 *   what was there.
 * - signal_came(), on whatever thread the kernel chose, notes the signal in the
 *   inlet of each loop that wants it, and posts the inlet to the mailbox unless
 *   it is on its way already.
 * - The loop takes what was noted, and calls the handlers.
 * - The last handler to go puts back what was there, unless somebody else has
 *   replaced us meanwhile.
 *
 * What may happen instead:
 *
 * - A burst: it is noted while the inlet is on its way, and told once.
 * - The loop is freed while signal_came() runs on another thread: it waits
 *   until nobody can be looking at its inlet.
 * - The thread it runs on was cancelled: that ends when signal_came() has.
 * - The process forks: the child puts back what was there, for its signals are
 *   nothing to the loops of its parent.
 *
 * The list of inlets is changed under a lock, and read without one.
 */
#include "signals.h"

#include "alloc.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

enum { MOST_SIGNALS = 64 }; /* as many as the kernel has, and bits */

/* What a signal handler touches, here and in ouro_mailbox_post(). */
_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2
                   && ATOMIC_LLONG_LOCK_FREE == 2
                   && ATOMIC_POINTER_LOCK_FREE == 2,
               "a signal may come while its own lock is held");

/* Where the signals for one loop come in; from its first handler on, as long as
 * the loop. */
struct inlet {
    _Atomic(struct inlet *) next;
    struct ouro_loop *loop;
    struct ouro_mailbox *mailbox;
    struct ouro_handle told; /* posted by who sets is_posted */
    atomic_bool is_posted;
    _Atomic(uint64_t) wanted;
    _Atomic(uint64_t) came;
    struct ouro__list handlers; /* in the order they were added */
};

/* Those of all loops. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct inlet *) inlets;
static sigset_t before_the_fork; /* blocked signals; the lock's */
static atomic_uint readers;      /* calls of signal_came() that are going on */
static struct {
    unsigned handlers;
    struct sigaction before;
} signals[MOST_SIGNALS + 1];

static uint64_t
bit_of(int number)
{
    return UINT64_C(1) << (number - 1);
}

static struct ouro_signal_handler *
handler_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct ouro_signal_handler, link);
}

/* From the signal to the loop. */

/* What came so far is for the handlers that there are now. */
static void
hand_out(struct inlet *inlet)
{
    uint64_t came = atomic_exchange(&inlet->came, 0);

    ouro__list_for_each (link, &inlet->handlers) {
        struct ouro_signal_handler *handler = handler_of(link);

        if ((handler->wanted & came) == 0)
            continue;
        handler->came |= handler->wanted & came;
        handler->is_due = true;
    }
}

/* Each is called right after this, so the last goes first. */
static void
deliver(void *arg)
{
    struct inlet *inlet = arg;

    atomic_store(&inlet->is_posted, false);
    hand_out(inlet);
    for (struct ouro__list *link = inlet->handlers.prev;
         link != &inlet->handlers; link = link->prev) {
        struct ouro_signal_handler *handler = handler_of(link);

        if (!handler->is_due)
            continue;
        handler->is_due = false;
        if (!ouro_handle_is_pending(&handler->call))
            ouro__call_next(inlet->loop, &handler->call, handler->fn,
                            handler->arg, handler->site);
    }
}

/* A loop that has gone meanwhile has no handlers that could be called. */
static void
note(struct inlet *inlet, uint64_t bit)
{
    atomic_fetch_or(&inlet->came, bit);
    if (atomic_exchange(&inlet->is_posted, true))
        return;

    int rc = ouro_mailbox_post(inlet->mailbox, &inlet->told, deliver, inlet);
    (void)rc;
}

/* The signal handler: everything in it is lock-free.  A thread that is
 * cancelled in here would be counted for ever, and end_inlet() wait for it. */
static void
signal_came(int number)
{
    int saved = errno;
    int cancel;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    atomic_fetch_add(&readers, 1);
    for (struct inlet *inlet = atomic_load(&inlets); inlet != NULL;
         inlet = atomic_load(&inlet->next)) {
        if ((atomic_load(&inlet->wanted) & bit_of(number)) != 0)
            note(inlet, bit_of(number));
    }
    atomic_fetch_sub(&readers, 1);
    (void)pthread_setcancelstate(cancel, NULL);
    errno = saved;
}

/* What the process does about a signal. */

static bool
may_be_handled(int number)
{
    switch (number) {
    case SIGKILL:
    case SIGSTOP:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
        return false;
    default:
        return number > 0 && number <= MOST_SIGNALS;
    }
}

static int
take(int number)
{
    struct sigaction action = {
        .sa_handler = signal_came,
        .sa_flags = SA_RESTART | SA_ONSTACK,
    };

    if (!may_be_handled(number))
        return -EINVAL;
    if (signals[number].handlers == 0
        && sigaction(number, &action, &signals[number].before) < 0)
        return -errno;
    signals[number].handlers++;
    return 0;
}

static void
put_back(int number)
{
    struct sigaction now;

    if (sigaction(number, NULL, &now) == 0 && now.sa_handler == signal_came)
        (void)sigaction(number, &signals[number].before, NULL);
}

static void
give_back(int number)
{
    if (--signals[number].handlers == 0)
        put_back(number);
}

static void
give_back_all(uint64_t wanted)
{
    for (int number = 1; number <= MOST_SIGNALS; number++) {
        if ((wanted & bit_of(number)) != 0)
            give_back(number);
    }
}

/* Forks. */

/* No signal comes from before the lock is taken until the child has put back
 * what was there: one more would be noted for a loop that is not the child's,
 * and lost. */
static void
before_fork(void)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    (void)pthread_mutex_lock(&lock);
    before_the_fork = before;
}

static void
after_fork(void)
{
    sigset_t before = before_the_fork;

    (void)pthread_mutex_unlock(&lock);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Threads that were in signal_came() are not in the child. */
static void
in_the_child(void)
{
    atomic_store(&readers, 0);
    atomic_store(&inlets, NULL);
    for (int number = 1; number <= MOST_SIGNALS; number++) {
        if (signals[number].handlers > 0)
            put_back(number);
        signals[number].handlers = 0;
    }
    after_fork();
}

static void
watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork, in_the_child);
}

/* What the floor keeps for a loop. */

static void
count_wanted(struct inlet *inlet)
{
    uint64_t wanted = 0;

    ouro__list_for_each (link, &inlet->handlers) {
        wanted |= handler_of(link)->wanted;
    }
    atomic_store(&inlet->wanted, wanted);
}

static void
remove_handler(struct inlet *inlet, struct ouro_signal_handler *handler)
{
    ouro__list_remove(&handler->link);
    ouro_handle_cancel(&handler->call);
    count_wanted(inlet);
    give_back_all(handler->wanted);
}

static void
take_out(const struct inlet *inlet)
{
    _Atomic(struct inlet *) *place = &inlets;

    while (atomic_load(place) != inlet)
        place = &atomic_load(place)->next;
    atomic_store(place, atomic_load(&inlet->next));
    while (atomic_load(&readers) > 0)
        (void)sched_yield();
}

/* The mailbox is closed, and its last mail was run: nothing is posted. */
static void
end_inlet(struct ouro_loop *loop, void *kept)
{
    struct inlet *inlet = kept;

    (void)loop;
    (void)pthread_mutex_lock(&lock);
    while (!ouro__list_is_empty(&inlet->handlers))
        remove_handler(inlet, handler_of(inlet->handlers.next));
    take_out(inlet);
    (void)pthread_mutex_unlock(&lock);
    ouro_mailbox_unref(inlet->mailbox);
    ouro__free(inlet);
}

static struct inlet *
inlet_of(struct ouro_loop *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct inlet *inlet = loop->floors[OURO__FLOOR_SIGNALS];

    if (inlet != NULL)
        return inlet;
    inlet = ouro__alloc_zeroed(sizeof(*inlet));
    if (inlet == NULL)
        return NULL;

    (void)pthread_once(&once, watch_forks);
    inlet->loop = loop;
    inlet->mailbox = ouro_loop_mailbox(loop);
    ouro__list_init(&inlet->handlers);
    loop->floors[OURO__FLOOR_SIGNALS] = inlet;
    loop->end_floor[OURO__FLOOR_SIGNALS] = end_inlet;

    (void)pthread_mutex_lock(&lock);
    atomic_store(&inlet->next, atomic_load(&inlets));
    atomic_store(&inlets, inlet);
    (void)pthread_mutex_unlock(&lock);
    return inlet;
}

/* Handlers. */

/* Wanted before it is taken, so that not even the first is missed. */
static int
take_all(struct inlet *inlet, struct ouro_signal_handler *handler,
         const int *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!may_be_handled(numbers[i]))
            return -EINVAL;
        if ((handler->wanted & bit_of(numbers[i])) != 0)
            continue;
        atomic_fetch_or(&inlet->wanted, bit_of(numbers[i]));
        int rc = take(numbers[i]);
        if (rc < 0)
            return rc;
        handler->wanted |= bit_of(numbers[i]);
    }
    return 0;
}

int
ouro__signals_add(struct ouro_loop *loop, struct ouro_signal_handler *handler,
                  const int *numbers, size_t count, const char *site)
{
    ouro__loop_check_owner(loop);
    ouro__loop_check_process(loop);
    OURO_CHECK_AT(!ouro__list_is_linked(&handler->link),
                  "a signal handler is added once at a time", site);
    struct inlet *inlet = inlet_of(loop);

    if (inlet == NULL)
        return -ENOMEM;
    handler->loop = loop;
    handler->site = site;
    handler->wanted = 0;
    handler->came = 0;
    handler->is_due = false;

    (void)pthread_mutex_lock(&lock);
    hand_out(inlet);
    ouro__list_append(&inlet->handlers, &handler->link);
    int rc = take_all(inlet, handler, numbers, count);
    if (rc < 0)
        remove_handler(inlet, handler);
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

int
ouro__add_signal_handler(struct ouro_loop *loop,
                         struct ouro_signal_handler *handler, int number,
                         ouro_callback_fn *fn, void *arg, const char *site)
{
    handler->fn = fn;
    handler->arg = arg;
    return ouro__signals_add(loop, handler, &number, 1, site);
}

bool
ouro_remove_signal_handler(struct ouro_signal_handler *handler)
{
    if (!ouro__list_is_linked(&handler->link))
        return false;

    ouro__loop_check_owner(handler->loop);
    ouro__loop_check_process(handler->loop);
    (void)pthread_mutex_lock(&lock);
    remove_handler(handler->loop->floors[OURO__FLOOR_SIGNALS], handler);
    (void)pthread_mutex_unlock(&lock);
    return true;
}
