/* SPDX-License-Identifier: MIT */
/* Tasks that other threads start, wait for and cancel.
 *
 * The happy path:
 *
 * - The thread posts a remote to the mailbox of the loop, which makes a task.
 * - The task runs the function, and publishes what came of it under the lock.
 * - The thread, which slept on the condition, takes it.
 *
 * What may happen instead:
 *
 * - The thread cancels: one more post, which comes after the first.
 * - The thread lets go first.  The loop has a reference of its own, and every
 *   post has one.
 * - The loop ends first: then the outcome is -OURO_ESTOPPED.
 */
#include <ouro/remote.h>

#include "alloc.h"
#include "loop.h"
#include "mailbox.h"
#include "task.h"
#include "threads.h"

#include <errno.h>
#include <stdatomic.h>

struct ouro_remote {
    struct ouro_mailbox *mailbox;
    ouro_task_fn *fn;
    void *arg;
    const char *name;
    const char *site;
    atomic_uint refs;  /* of the thread, of the loop, of a post */
    atomic_bool asked; /* to cancel: that post is on its way */

    struct ouro__list link; /* in remotes, while there is a task; the loop's */
    struct ouro_task *task; /* the loop's */
    struct ouro_handle start; /* in the mailbox; and later report */
    struct ouro_handle cancel;

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t done;
    int result;  /* -EINPROGRESS: not yet */
    bool seen;   /* somebody waited for it */
    bool let_go; /* nobody will */
};

/* What the floor keeps for a loop. */
struct remotes {
    struct ouro__list all;
};

static void
unref(struct ouro_remote *remote)
{
    if (atomic_fetch_sub(&remote->refs, 1) > 1)
        return;
    pthread_cond_destroy(&remote->done);
    pthread_mutex_destroy(&remote->lock);
    ouro_mailbox_unref(remote->mailbox);
    ouro__free(remote);
}

/* The loop's side. */

/* Returns whether nobody will look at it. */
static bool
publish(struct ouro_remote *remote, int result)
{
    pthread_mutex_lock(&remote->lock);
    remote->result = result;
    bool let_go = remote->let_go;
    pthread_cond_broadcast(&remote->done);
    pthread_mutex_unlock(&remote->lock);
    return let_go;
}

/* The task needs it no longer, or will not run any more. */
static void
end(struct ouro_remote *remote)
{
    ouro__list_remove(&remote->link);
    remote->task = ouro_task_unref(remote->task);
    unref(remote);
}

/* The task: what nobody will look at is reported as that of any other task. */
static int
remote_main(void *arg)
{
    struct ouro_remote *remote = arg;
    int result = remote->fn(remote->arg);

    if (result == -EINPROGRESS)
        result = -EIO;
    bool let_go = publish(remote, result);
    end(remote);
    return let_go ? result : 0;
}

static void
end_remotes(struct ouro_loop *loop, void *kept)
{
    struct remotes *remotes = kept;

    (void)loop;
    while (!ouro__list_is_empty(&remotes->all)) {
        struct ouro_remote *remote =
            OURO_CONTAINER_OF(remotes->all.next, struct ouro_remote, link);

        publish(remote, -OURO_ESTOPPED);
        end(remote);
    }
    ouro__free(remotes);
}

/* NULL: no memory. */
static struct remotes *
remotes_of(struct ouro_loop *loop)
{
    struct remotes *remotes = loop->floors[OURO__FLOOR_REMOTES];

    if (remotes != NULL)
        return remotes;
    remotes = ouro__alloc_zeroed(sizeof(*remotes));
    if (remotes == NULL)
        return NULL;
    ouro__list_init(&remotes->all);
    loop->floors[OURO__FLOOR_REMOTES] = remotes;
    loop->end_floor[OURO__FLOOR_REMOTES] = end_remotes;
    return remotes;
}

static int
make_task(struct ouro_loop *loop, struct ouro_remote *remote)
{
    if (!loop->is_running)
        return -OURO_ESTOPPED; /* it is being freed */

    struct remotes *remotes = remotes_of(loop);
    if (remotes == NULL)
        return -ENOMEM;
    int rc = ouro__create_task(loop, &remote->task, remote_main, remote,
                               remote->name, remote->site);
    if (rc == 0)
        ouro__list_append(&remotes->all, &remote->link);
    return rc;
}

static void
report(struct ouro_loop *loop, const struct ouro_remote *remote, int error)
{
    ouro__loop_report(loop, "a task failed, and nobody took its result", error,
                      remote->name, remote->site);
}

static void
start_task(void *arg)
{
    struct ouro_remote *remote = arg;
    struct ouro_loop *loop = remote->start.loop;

    int rc = make_task(loop, remote);
    if (rc == 0)
        return;
    if (publish(remote, rc))
        report(loop, remote, rc);
    unref(remote);
}

static void
cancel_task(void *arg)
{
    struct ouro_remote *remote = arg;

    atomic_store(&remote->asked, false);
    if (remote->task != NULL)
        ouro_task_cancel(remote->task);
    unref(remote);
}

static void
report_late(void *arg)
{
    struct ouro_remote *remote = arg;

    report(remote->start.loop, remote, remote->result);
    unref(remote);
}

/* The thread's side. */

static struct ouro_remote *
remote_new(struct ouro_mailbox *mailbox, ouro_task_fn *fn, void *arg)
{
    struct ouro_remote *remote = ouro__alloc_zeroed(sizeof(*remote));

    if (remote == NULL)
        return NULL;
    remote->mailbox = ouro_mailbox_ref(mailbox);
    remote->fn = fn;
    remote->arg = arg;
    remote->result = -EINPROGRESS;
    atomic_init(&remote->refs, 1);
    pthread_mutex_init(&remote->lock, NULL);
    ouro__thread_condition_init(&remote->done);
    return remote;
}

int
ouro__run_coroutine_threadsafe(struct ouro_mailbox *mailbox,
                               struct ouro_remote **out_remote,
                               ouro_task_fn *fn, void *arg, const char *name,
                               const char *site)
{
    ouro__mailbox_check_process(mailbox);

    struct ouro_remote *remote = remote_new(mailbox, fn, arg);
    if (remote == NULL)
        return -ENOMEM;
    remote->name = name;
    remote->site = site;
    remote->let_go = out_remote == NULL;
    if (out_remote != NULL)
        atomic_fetch_add(&remote->refs, 1);

    int rc = ouro_mailbox_post(mailbox, &remote->start, start_task, remote);
    if (rc < 0) {
        atomic_store(&remote->refs, 1);
        unref(remote);
        return rc;
    }
    if (out_remote != NULL)
        *out_remote = remote;
    return 0;
}

/* The lock is held. */
static void
wait_until_done(struct ouro_remote *remote, int64_t limit_ns)
{
    struct timespec until = ouro__deadline(limit_ns);
    int rc = 0;

    while (remote->result == -EINPROGRESS && rc == 0)
        rc = ouro__thread_wait(&remote->done, &remote->lock,
                               limit_ns == OURO_FOREVER ? NULL : &until);
}

int
ouro_remote_wait(struct ouro_remote *remote, int64_t limit_ns)
{
    ouro__mailbox_check_process(remote->mailbox);
    pthread_mutex_lock(&remote->lock);
    OURO_CHECK(remote->result != -EINPROGRESS
                   || !ouro__mailbox_is_here(remote->mailbox),
               "the thread of a loop does not block for a task of that loop");
    wait_until_done(remote, limit_ns);
    int result = remote->result;
    remote->seen = result != -EINPROGRESS;
    pthread_mutex_unlock(&remote->lock);
    return result != -EINPROGRESS ? result : -ETIMEDOUT;
}

/* One post at a time; after the first comes the second, if that is needed. */
void
ouro_remote_cancel(struct ouro_remote *remote)
{
    if (atomic_exchange(&remote->asked, true))
        return;
    atomic_fetch_add(&remote->refs, 1);
    if (ouro_mailbox_post(remote->mailbox, &remote->cancel, cancel_task, remote)
        < 0)
        unref(remote);
}

static bool
is_failure(int result)
{
    return result < 0 && result != -EINPROGRESS && result != -ECANCELED
           && result != -OURO_ESTOPPED;
}

/* What runs in the loop drops the remote, and perhaps its mailbox with it. */
static void
post_report(struct ouro_remote *remote)
{
    struct ouro_mailbox *mailbox = ouro_mailbox_ref(remote->mailbox);

    if (ouro_mailbox_post(mailbox, &remote->start, report_late, remote) < 0)
        unref(remote);
    ouro_mailbox_unref(mailbox);
}

void
ouro_remote_free(struct ouro_remote *remote)
{
    if (remote == NULL)
        return;
    pthread_mutex_lock(&remote->lock);
    remote->let_go = true;
    bool unseen = !remote->seen && is_failure(remote->result);
    pthread_mutex_unlock(&remote->lock);

    if (unseen)
        post_report(remote);
    else
        unref(remote);
}
