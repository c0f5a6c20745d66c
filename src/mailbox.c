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
 */
#include "mailbox.h"

#include "alloc.h"
#include "loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum mailbox_state { AWAKE, ASLEEP, TOLD };

struct ouro_mailbox {
    _Atomic(struct ouro_handle *) newest; /* linked by child; or CLOSED */
    atomic_int state;
    atomic_uint refs;
    int wake_fd;
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
        ouro__free(mailbox);
    }
    return NULL;
}

int
ouro__mailbox_descriptor(const struct ouro_mailbox *mailbox)
{
    return mailbox->wake_fd;
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
     * written once for each sleep. */
    int saved = errno;
    uint64_t one = 1;
    ssize_t written = write(mailbox->wake_fd, &one, sizeof(one));

    (void)written;
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
has_mail(const struct ouro_handle *newest)
{
    return newest != NULL && newest != &closed;
}

bool
ouro__mailbox_may_sleep(struct ouro_mailbox *mailbox)
{
    atomic_store(&mailbox->state, ASLEEP);
    return !has_mail(atomic_load(&mailbox->newest));
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
deliver(struct ouro_loop *loop, struct ouro_handle *newest)
{
    struct ouro_handle *handle = turn_round(newest);

    while (handle != NULL) {
        struct ouro_handle *next = handle->child;

        handle->child = NULL;
        handle->loop = loop;
        handle->state = OURO__HANDLE_READY;
        ouro__list_append(&loop->ready, &handle->link);
        handle = next;
    }
}

void
ouro__mailbox_collect(struct ouro_mailbox *mailbox, struct ouro_loop *loop)
{
    if (atomic_load_explicit(&mailbox->state, memory_order_relaxed) != AWAKE
        && atomic_exchange(&mailbox->state, AWAKE) == TOLD)
        empty_the_eventfd(mailbox);
    if (has_mail(atomic_load_explicit(&mailbox->newest, memory_order_relaxed)))
        deliver(loop, atomic_exchange(&mailbox->newest, NULL));
}

void
ouro__mailbox_close(struct ouro_mailbox *mailbox, struct ouro_loop *loop)
{
    deliver(loop, atomic_exchange(&mailbox->newest, &closed));
}
