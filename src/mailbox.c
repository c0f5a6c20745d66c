/* SPDX-License-Identifier: MIT */
/* Where other threads leave calls for a loop.
 *
 * A stack of handles that any thread pushes to with one compare-and-swap, and
 * that the loop takes whole and turns round, so that the order is kept.  Only
 * who finds the loop asleep pays for a system call.
 *
 * The mailbox owns the eventfd and is counted: a thread that lost the race
 * against the end of the loop still writes to a descriptor that is there.
 * Pushing is lock-free, so a signal handler may do it.
 *
 * To take a post back, a thread takes the stack whole too, and puts what it
 * does not want aside, where the loop finds it first.  What the loop has taken
 * already is about to run: then the thread posts a visit, which comes after it,
 * and waits for that.
 */
#include "mailbox.h"

#include "alloc.h"
#include "loop.h"
#include "threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum mailbox_state { AWAKE, ASLEEP, TOLD };

struct ouro_mailbox {
    _Atomic(struct ouro_handle *) newest; /* linked by child; or CLOSED */
    atomic_int state;
    atomic_uint refs;
    int wake_fd;
    pid_t pid;                    /* the process of the loop */
    _Atomic(const char *) thread; /* of the loop: its ouro__this_thread; NULL:
                                     it is gone, and that is somebody else's */

    pthread_mutex_t lock;   /* for taking the stack, and for all below */
    pthread_cond_t visited; /* a visit was made, or this is the end */
    _Atomic(struct ouro_handle *)
        aside; /* older than the stack, oldest first */
    bool over; /* the loop has run its last call */
};

/* A thread that waits until the loop has made the calls before its own. */
struct visit {
    struct ouro_handle handle;
    struct ouro_mailbox *mailbox;
    bool made;
};

/* What `newest` is once the loop is gone. */
static struct ouro_handle closed;

int
ouro__mailbox_new(struct ouro_mailbox **out_mailbox)
{
    struct ouro_mailbox *mailbox = ouro__alloc_zeroed(sizeof(*mailbox));

    if (mailbox == NULL)
        return -ENOMEM;

    mailbox->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->wake_fd < 0) {
        int error = errno;

        ouro__free(mailbox);
        return -error;
    }
    atomic_init(&mailbox->refs, 1);
    atomic_init(&mailbox->thread, &ouro__this_thread);
    mailbox->pid = getpid();
    pthread_mutex_init(&mailbox->lock, NULL);
    pthread_cond_init(&mailbox->visited, NULL);
    *out_mailbox = mailbox;
    return 0;
}

struct ouro_mailbox *
ouro_mailbox_ref(struct ouro_mailbox *mailbox)
{
    atomic_fetch_add_explicit(&mailbox->refs, 1, memory_order_relaxed);
    return mailbox;
}

struct ouro_mailbox *
ouro_mailbox_unref(struct ouro_mailbox *mailbox)
{
    if (mailbox == NULL)
        return NULL;

    if (atomic_fetch_sub_explicit(&mailbox->refs, 1, memory_order_acq_rel)
        == 1) {
        close(mailbox->wake_fd);
        pthread_cond_destroy(&mailbox->visited);
        pthread_mutex_destroy(&mailbox->lock);
        ouro__free(mailbox);
    }
    return NULL;
}

int
ouro__mailbox_descriptor(const struct ouro_mailbox *mailbox)
{
    return mailbox->wake_fd;
}

bool
ouro__mailbox_is_here(const struct ouro_mailbox *mailbox)
{
    return atomic_load(&mailbox->thread) == &ouro__this_thread;
}

void
ouro__mailbox_check_process(const struct ouro_mailbox *mailbox)
{
    OURO_CHECK(mailbox->pid == getpid(),
               "a forked child makes a loop of its own");
}

static void
wake_if_asleep(struct ouro_mailbox *mailbox)
{
    int asleep = ASLEEP;

    /* Mostly it is awake, and to look costs nothing: the swap takes 6 ns. */
    if (atomic_load(&mailbox->state) != ASLEEP)
        return;
    if (!atomic_compare_exchange_strong(&mailbox->state, &asleep, TOLD))
        return;

    /* The counter cannot overflow, and a signal cannot interrupt it: it is
     * written once for each sleep.  Nor may pthread_cancel(3) end the thread
     * there: the loop would sleep on, and nobody else would write. */
    int saved = errno;
    int cancel;
    uint64_t one = 1;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    ssize_t written = write(mailbox->wake_fd, &one, sizeof(one));

    (void)written;
    (void)pthread_setcancelstate(cancel, NULL);
    errno = saved;
}

int
ouro_mailbox_post(struct ouro_mailbox *mailbox, struct ouro_handle *handle,
                  ouro_callback_fn *fn, void *arg)
{
    struct ouro_handle *newest = atomic_load(&mailbox->newest);

    OURO_CHECK(handle->state == OURO__HANDLE_IDLE,
               "a handle is scheduled once at a time");
    handle->fn = fn;
    handle->arg = arg;
    handle->state = OURO__HANDLE_POSTED;
    do {
        if (newest == &closed) {
            handle->state = OURO__HANDLE_IDLE;
            return -ESHUTDOWN;
        }
        handle->child = newest;
    } while (!atomic_compare_exchange_weak(&mailbox->newest, &newest, handle));

    wake_if_asleep(mailbox);
    return 0;
}

/* A closed one has none either: a loop that ends makes its last turns. */
static bool
has_mail(struct ouro_mailbox *mailbox, memory_order order)
{
    struct ouro_handle *newest = atomic_load_explicit(&mailbox->newest, order);

    return (newest != NULL && newest != &closed)
           || atomic_load_explicit(&mailbox->aside, order) != NULL;
}

bool
ouro__mailbox_may_sleep(struct ouro_mailbox *mailbox)
{
    atomic_store(&mailbox->state, ASLEEP);
    return !has_mail(mailbox, memory_order_seq_cst);
}

static void
empty_the_eventfd(struct ouro_mailbox *mailbox)
{
    uint64_t count;
    ssize_t size = read(mailbox->wake_fd, &count, sizeof(count));

    (void)size;
}

/* Newest first becomes oldest first. */
static struct ouro_handle *
turn_round(struct ouro_handle *newest)
{
    struct ouro_handle *oldest = NULL;

    while (newest != NULL) {
        struct ouro_handle *next = newest->child;

        newest->child = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void
deliver(struct ouro_loop *loop, struct ouro_handle *oldest)
{
    while (oldest != NULL) {
        struct ouro_handle *handle = oldest;

        oldest = handle->child;
        handle->child = NULL;
        handle->loop = loop;
        handle->state = OURO__HANDLE_READY;
        ouro__list_append(&loop->ready, &handle->link);
    }
}

/* Take all, and leave `instead` where the stack was. */
static void
deliver_all(struct ouro_mailbox *mailbox, struct ouro_loop *loop,
            struct ouro_handle *instead)
{
    pthread_mutex_lock(&mailbox->lock);
    struct ouro_handle *aside = atomic_exchange(&mailbox->aside, NULL);
    struct ouro_handle *newest = atomic_exchange(&mailbox->newest, instead);
    pthread_mutex_unlock(&mailbox->lock);

    deliver(loop, aside);
    deliver(loop, turn_round(newest));
}

void
ouro__mailbox_collect(struct ouro_mailbox *mailbox, struct ouro_loop *loop)
{
    if (atomic_load_explicit(&mailbox->state, memory_order_relaxed) != AWAKE
        && atomic_exchange(&mailbox->state, AWAKE) == TOLD)
        empty_the_eventfd(mailbox);
    if (has_mail(mailbox, memory_order_relaxed))
        deliver_all(mailbox, loop, NULL);
}

void
ouro__mailbox_close(struct ouro_mailbox *mailbox, struct ouro_loop *loop)
{
    deliver_all(mailbox, loop, &closed);
}

void
ouro__mailbox_end(struct ouro_mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    mailbox->over = true;
    atomic_store(&mailbox->thread, NULL);
    pthread_cond_broadcast(&mailbox->visited);
    pthread_mutex_unlock(&mailbox->lock);
}

/* Taking a post back. */

/* Put the stack aside, behind what is there.  The lock is held. */
static void
put_aside(struct ouro_mailbox *mailbox)
{
    struct ouro_handle *oldest = atomic_load(&mailbox->aside);

    if (atomic_load(&mailbox->newest) == &closed)
        return;
    struct ouro_handle *added =
        turn_round(atomic_exchange(&mailbox->newest, NULL));
    if (oldest == NULL) {
        atomic_store(&mailbox->aside, added);
        return;
    }
    while (oldest->child != NULL)
        oldest = oldest->child;
    oldest->child = added;
}

/* The lock is held. */
static bool
take_out_of_aside(struct ouro_mailbox *mailbox, struct ouro_handle *wanted)
{
    struct ouro_handle *before = NULL;
    struct ouro_handle *handle = atomic_load(&mailbox->aside);

    for (; handle != NULL && handle != wanted; handle = handle->child)
        before = handle;
    if (handle == NULL)
        return false;

    if (before == NULL)
        atomic_store(&mailbox->aside, handle->child);
    else
        before->child = handle->child;
    handle->child = NULL;
    handle->state = OURO__HANDLE_IDLE;
    return true;
}

static void
make_visit(void *arg)
{
    struct visit *visit = arg;
    struct ouro_mailbox *mailbox = visit->mailbox;

    pthread_mutex_lock(&mailbox->lock);
    visit->made = true;
    pthread_cond_broadcast(&mailbox->visited);
    pthread_mutex_unlock(&mailbox->lock);
}

/* Wait until the loop has run what it had taken. */
static void
wait_for_loop(struct ouro_mailbox *mailbox)
{
    struct visit visit = {.mailbox = mailbox};

    int rc = ouro_mailbox_post(mailbox, &visit.handle, make_visit, &visit);
    pthread_mutex_lock(&mailbox->lock);
    while (rc == 0 ? !visit.made : !mailbox->over)
        (void)ouro__thread_wait(&mailbox->visited, &mailbox->lock, NULL);
    pthread_mutex_unlock(&mailbox->lock);
}

/* On the thread of the loop, which has taken it, or made the call. */
static bool
cancel_taken(struct ouro_handle *handle)
{
    bool waits = handle->state == OURO__HANDLE_READY;

    if (waits)
        ouro_handle_cancel(handle);
    return waits;
}

bool
ouro_mailbox_cancel(struct ouro_mailbox *mailbox, struct ouro_handle *handle)
{
    pthread_mutex_lock(&mailbox->lock);
    put_aside(mailbox);
    bool prevented = take_out_of_aside(mailbox, handle);
    bool has_more = atomic_load(&mailbox->aside) != NULL;
    pthread_mutex_unlock(&mailbox->lock);

    if (has_more)
        wake_if_asleep(mailbox);
    if (prevented)
        return true;
    if (ouro__mailbox_is_here(mailbox))
        return cancel_taken(handle);
    wait_for_loop(mailbox);
    return false;
}
