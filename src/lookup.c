/* SPDX-License-Identifier: MIT */
/* Questions to getaddrinfo(3), asked on threads: it blocks, for half a minute
 * if a name server is dead, and cannot be told to stop.
 *
 * The happy path:
 *
 * - The task that asks queues a lookup and waits for its future.
 * - A thread takes it, asks libc, and posts it to the mailbox of the loop.
 * - The loop completes the future; the task takes the answer and frees it.
 *
 * What may happen instead:
 *
 * - The task is cancelled.  It leaves at once.  A lookup that no thread has
 *   taken yet goes with it; another is abandoned, and freed when it is
 *   delivered.
 * - The loop is freed while a thread is inside libc.  The mailbox refuses the
 *   post, the thread frees the lookup, and the last thread the resolver.
 *
 * The threads belong to the loop, and not to the process: a loop with a dead
 * name server must not hold up the others.  They begin with the first lookup,
 * are four at most, and end when they were idle for five seconds, or with the
 * loop, which waits for those that are not inside libc.
 *
 * Invariant: whoever has a lookup owns it.  That is the queue, then a thread,
 * then the mailbox, then the loop; only the future, `all` and what is marked as
 * the loop's are touched from its thread at any time.
 */
#include "lookup.h"

#include "alloc.h"
#include "loop.h"
#include "task.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

ouro__resolve_fn *ouro__resolve_function = getaddrinfo;
int64_t ouro__resolve_idle_ns = OURO_SECONDS(5);

struct resolver {
    struct ouro_mailbox *mailbox; /* of the loop; ours, for it may go first */
    struct ouro__list all;        /* lookups that are not freed; the loop's */
    int64_t idle_ns; /* a thread ends that had no work for so long */

    pthread_mutex_t lock;    /* for all below */
    pthread_cond_t work;     /* something is queued, or this is the end */
    pthread_cond_t gone;     /* a thread has ended */
    struct ouro__list queue; /* lookups that no thread has taken */
    size_t queued;           /* how many */
    size_t threads;
    size_t idle; /* threads that wait for work */
    size_t busy; /* threads that are inside libc */
    bool ending; /* the loop is being freed */
    bool left;   /* it is: the last thread frees the resolver */
};

struct lookup {
    struct ouro__list alive; /* in resolver->all; the loop's */
    struct ouro_future done; /* the loop's */
    bool delivered;          /* the loop's: the answer is there */
    bool abandoned;          /* the loop's: nobody wants it */

    struct ouro__list link; /* in resolver->queue; its lock's */
    bool refused;           /* the mailbox was closed; its lock's */

    struct ouro_handle handle; /* in the mailbox */
    ouro__resolve_fn *fn;
    char *host;
    char *service;
    int family;
    int error; /* the outcome, and with 0: */
    struct addrinfo *answer;
};

/* Lookups. */

static struct lookup *
lookup_of(struct ouro__list *link)
{
    return OURO_CONTAINER_OF(link, struct lookup, link);
}

/* It is in no list. */
static void
lookup_free(struct lookup *lookup)
{
    if (lookup->answer != NULL)
        freeaddrinfo(lookup->answer);
    ouro__free(lookup->host);
    ouro__free(lookup->service);
    ouro__free(lookup);
}

/* On the thread of the loop. */
static void
lookup_end(struct lookup *lookup)
{
    ouro__list_remove(&lookup->alive);
    ouro_future_fini(&lookup->done);
    lookup_free(lookup);
}

/* Put a copy of `text`, or NULL for NULL, into `*out`. */
static bool
keep_text(char **out, const char *text)
{
    if (text == NULL)
        return true;
    *out = ouro__copy_text(text);
    return *out != NULL;
}

/* NULL: no memory. */
static struct lookup *
lookup_new(struct ouro_loop *loop, const char *host, const char *service,
           int family)
{
    struct lookup *lookup = ouro__alloc_zeroed(sizeof(*lookup));

    if (lookup == NULL)
        return NULL;
    lookup->fn = ouro__resolve_function;
    lookup->family = family;
    if (!keep_text(&lookup->host, host)
        || !keep_text(&lookup->service, service)) {
        lookup_free(lookup);
        return NULL;
    }
    ouro_future_init(&lookup->done, loop);
    return lookup;
}

/* `system_error` is errno, of which only EAI_SYSTEM speaks. */
static int
error_of(int code, int system_error)
{
    switch (code) {
    case 0:
        return 0;
    case EAI_NONAME:
        return -OURO_ENAME;
    case EAI_AGAIN:
        return -OURO_ENAMEAGAIN;
    case EAI_SERVICE:
        return -OURO_ESERVICE;
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return -OURO_ENOADDRESS;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_SYSTEM:
        return system_error > 0 ? -system_error : -OURO_ENAMEFAIL;
    default:
        return -OURO_ENAMEFAIL;
    }
}

/* Ask libc.  On a thread of the resolver. */
static void
lookup_ask(struct lookup *lookup)
{
    const struct addrinfo hints = {
        .ai_family = lookup->family,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *answer = NULL;

    errno = 0;
    int code = lookup->fn(lookup->host, lookup->service, &hints, &answer);
    lookup->error = error_of(code, errno);
    if (lookup->error == 0)
        lookup->answer = answer;
}

/* From the loop: the answer is there. */
static void
lookup_deliver(void *arg)
{
    struct lookup *lookup = arg;

    lookup->delivered = true;
    if (lookup->abandoned)
        lookup_end(lookup);
    else
        ouro_future_set_result(&lookup->done, NULL);
}

/* Threads.  The lock is held where a function does not say otherwise. */

static struct timespec
end_of_idleness(const struct resolver *resolver)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    int64_t nsec = time.tv_nsec + resolver->idle_ns;
    time.tv_sec += (time_t)(nsec / OURO_SECONDS(1));
    time.tv_nsec = (long)(nsec % OURO_SECONDS(1));
    return time;
}

/* Wait for a lookup and take it; NULL: it is time to end. */
static struct lookup *
resolver_take(struct resolver *resolver)
{
    struct timespec until = end_of_idleness(resolver);
    int rc = 0;

    while (ouro__list_is_empty(&resolver->queue)) {
        if (resolver->ending || rc == ETIMEDOUT)
            return NULL;
        resolver->idle++;
        rc = pthread_cond_timedwait(&resolver->work, &resolver->lock, &until);
        resolver->idle--;
    }
    resolver->queued--;
    return lookup_of(ouro__list_shift(&resolver->queue));
}

/* The mailbox does not take it any more.  It is freed by the thread of the loop
 * until that has left. */
static void
resolver_keep_refused(struct resolver *resolver, struct lookup *lookup)
{
    lookup->refused = true;
    if (resolver->ending)
        lookup_free(lookup);
}

/* The post is made under the lock, so that a thread that is not busy is done
 * with the loop when it lets go of the lock. */
static void
resolver_serve(struct resolver *resolver, struct lookup *lookup)
{
    resolver->busy++;
    pthread_mutex_unlock(&resolver->lock);
    lookup_ask(lookup);
    pthread_mutex_lock(&resolver->lock);
    resolver->busy--;

    int rc = ouro_mailbox_post(resolver->mailbox, &lookup->handle,
                               lookup_deliver, lookup);
    if (rc < 0)
        resolver_keep_refused(resolver, lookup);
}

/* The lock is not held. */
static void
resolver_free(struct resolver *resolver)
{
    pthread_cond_destroy(&resolver->gone);
    pthread_cond_destroy(&resolver->work);
    pthread_mutex_destroy(&resolver->lock);
    ouro_mailbox_unref(resolver->mailbox);
    ouro__free(resolver);
}

static void *
resolver_main(void *arg)
{
    struct resolver *resolver = arg;
    struct lookup *lookup;

    pthread_mutex_lock(&resolver->lock);
    while ((lookup = resolver_take(resolver)) != NULL)
        resolver_serve(resolver, lookup);
    resolver->threads--;
    pthread_cond_signal(&resolver->gone);
    bool last = resolver->left && resolver->threads == 0;
    pthread_mutex_unlock(&resolver->lock);

    if (last)
        resolver_free(resolver);
    return NULL;
}

/* With all signals blocked: they are for the threads of the program. */
static void
resolver_start_thread(struct resolver *resolver)
{
    pthread_attr_t detached;
    pthread_t thread;
    sigset_t before;
    sigset_t all;

    if (pthread_attr_init(&detached) != 0)
        return;
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, &detached, resolver_main, resolver) == 0) {
        pthread_setname_np(thread, "ouro-resolve");
        resolver->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
}

/* The resolver, from the loop. */

/* The loop is freed, and whatever waits in it will not run: let go of it.  A
 * lookup that a thread has is that thread's, which frees it. */
static void
resolver_drop_all(struct resolver *resolver)
{
    struct ouro__list *alive;

    while ((alive = ouro__list_shift(&resolver->all)) != NULL) {
        struct lookup *lookup = OURO_CONTAINER_OF(alive, struct lookup, alive);
        bool queued = ouro__list_is_linked(&lookup->link);

        ouro_future_set_error(&lookup->done, -OURO_ESTOPPED);
        if (queued)
            ouro__list_remove(&lookup->link);
        if (queued || lookup->refused || lookup->delivered)
            lookup_free(lookup);
    }
    resolver->queued = 0;
}

static void
resolver_end(struct ouro_loop *loop, void *kept)
{
    struct resolver *resolver = kept;

    (void)loop;
    pthread_mutex_lock(&resolver->lock);
    resolver->ending = true;
    resolver_drop_all(resolver);
    pthread_cond_broadcast(&resolver->work);
    while (resolver->threads > resolver->busy)
        pthread_cond_wait(&resolver->gone, &resolver->lock);
    resolver->left = true;
    bool last = resolver->threads == 0;
    pthread_mutex_unlock(&resolver->lock);

    if (last)
        resolver_free(resolver);
}

static struct resolver *
resolver_new(struct ouro_loop *loop)
{
    struct resolver *resolver = ouro__alloc_zeroed(sizeof(*resolver));
    pthread_condattr_t monotonic;

    if (resolver == NULL)
        return NULL;
    resolver->mailbox = ouro_loop_mailbox(loop);
    resolver->idle_ns = ouro__resolve_idle_ns;
    ouro__list_init(&resolver->all);
    ouro__list_init(&resolver->queue);
    pthread_mutex_init(&resolver->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&resolver->work, &monotonic);
    pthread_cond_init(&resolver->gone, NULL);
    pthread_condattr_destroy(&monotonic);
    return resolver;
}

/* That of `loop`, made if it is not there; NULL: no memory. */
static struct resolver *
resolver_of(struct ouro_loop *loop)
{
    if (loop->floors[OURO__FLOOR_NET] == NULL) {
        loop->floors[OURO__FLOOR_NET] = resolver_new(loop);
        loop->end_floor[OURO__FLOOR_NET] = resolver_end;
    }
    return loop->floors[OURO__FLOOR_NET];
}

/* Queue it.  False: there is no thread, and none can be started. */
static bool
resolver_submit(struct resolver *resolver, struct lookup *lookup)
{
    pthread_mutex_lock(&resolver->lock);
    if (resolver->queued >= resolver->idle
        && resolver->threads < OURO__RESOLVE_THREADS)
        resolver_start_thread(resolver);

    bool served = resolver->threads > 0;
    if (served) {
        ouro__list_append(&resolver->queue, &lookup->link);
        resolver->queued++;
        pthread_cond_signal(&resolver->work);
    }
    pthread_mutex_unlock(&resolver->lock);
    return served;
}

/* The task that asked has gone. */
static void
resolver_abandon(struct resolver *resolver, struct lookup *lookup)
{
    pthread_mutex_lock(&resolver->lock);
    bool queued = ouro__list_is_linked(&lookup->link);
    if (queued) {
        ouro__list_remove(&lookup->link);
        resolver->queued--;
    }
    pthread_mutex_unlock(&resolver->lock);

    lookup->abandoned = true;
    if (queued)
        lookup_end(lookup);
}

int
ouro__look_up(struct ouro_loop *loop, const char *host, const char *service,
              int family, struct addrinfo **out_answer)
{
    struct resolver *resolver = resolver_of(loop);
    struct lookup *lookup = NULL;

    if (resolver != NULL)
        lookup = lookup_new(loop, host, service, family);
    if (lookup == NULL)
        return -ENOMEM;
    ouro__list_append(&resolver->all, &lookup->alive);
    if (!resolver_submit(resolver, lookup)) {
        lookup_end(lookup);
        return -ENOMEM;
    }

    int rc = ouro__await_plainly(&lookup->done);
    if (rc < 0) {
        resolver_abandon(resolver, lookup);
        return rc;
    }
    rc = lookup->error;
    if (rc == 0)
        *out_answer = lookup->answer;
    lookup->answer = NULL;
    lookup_end(lookup);
    return rc;
}

size_t
ouro__resolve_threads(struct ouro_loop *loop)
{
    struct resolver *resolver = loop->floors[OURO__FLOOR_NET];

    if (resolver == NULL)
        return 0;
    pthread_mutex_lock(&resolver->lock);
    size_t threads = resolver->threads;
    pthread_mutex_unlock(&resolver->lock);
    return threads;
}
