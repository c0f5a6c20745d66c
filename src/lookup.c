/* SPDX-License-Identifier: MIT */
/* Questions to getaddrinfo(3), asked on threads: it blocks, for half a minute
 * if a name server is dead, and cannot be told to stop.
 *
 * The threads are those of an executor that does nothing else (job.c has its
 * story): whatever a program does in its own, a name is found.  They belong to
 * the loop, and not to the process: a loop with a dead name server must not
 * hold up the others.  They begin with the first lookup, are four at most, and
 * end when they were idle for five seconds, or with the loop, which does not
 * wait for those that are inside libc.
 */
#include "lookup.h"

#include "alloc.h"
#include "job.h"
#include "loop.h"

#include <errno.h>

ouro__resolve_fn *ouro__resolve_function = getaddrinfo;
int64_t ouro__resolve_idle_ns = OURO_SECONDS(5);

struct lookup {
    struct ouro__job job;
    ouro__resolve_fn *fn;
    char *host;
    char *service;
    int family;
    int error; /* the outcome, and with 0: */
    struct addrinfo *answer;
};

static void lookup_ask(struct ouro__job *job);

static struct lookup *
lookup_of(struct ouro__job *job)
{
    return OURO_CONTAINER_OF(job, struct lookup, job);
}

static void
lookup_free(struct ouro__job *job)
{
    struct lookup *lookup = lookup_of(job);

    if (lookup->answer != NULL)
        freeaddrinfo(lookup->answer);
    ouro__free(lookup->host);
    ouro__free(lookup->service);
    ouro__free(lookup);
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
lookup_new(const char *host, const char *service, int family)
{
    struct lookup *lookup = ouro__alloc_zeroed(sizeof(*lookup));

    if (lookup == NULL)
        return NULL;
    lookup->job.run = lookup_ask;
    lookup->job.free = lookup_free;
    lookup->fn = ouro__resolve_function;
    lookup->family = family;
    if (!keep_text(&lookup->host, host)
        || !keep_text(&lookup->service, service)) {
        lookup_free(&lookup->job);
        return NULL;
    }
    lookup->job.name = lookup->host != NULL ? lookup->host : lookup->service;
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
lookup_ask(struct ouro__job *job)
{
    struct lookup *lookup = lookup_of(job);
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

/* The executor of lookups. */

static void
resolver_end(struct ouro_loop *loop, void *kept)
{
    (void)loop;
    (void)ouro__executor_end(kept); /* lookups borrow nothing */
}

/* That of `loop`, made if it is not there; NULL: no memory. */
static struct ouro_executor *
resolver_of(struct ouro_loop *loop)
{
    const struct ouro_executor_options options = {
        .name = "ouro-resolve",
        .threads = OURO__RESOLVE_THREADS,
        .queue_limit = SIZE_MAX, /* each is waited for by a task */
        .idle_ns = ouro__resolve_idle_ns,
    };

    if (loop->floors[OURO__FLOOR_NET] == NULL) {
        loop->floors[OURO__FLOOR_NET] =
            ouro__executor_make(loop, &options, NULL);
        loop->end_floor[OURO__FLOOR_NET] = resolver_end;
    }
    return loop->floors[OURO__FLOOR_NET];
}

int
ouro__look_up(struct ouro_loop *loop, const char *host, const char *service,
              int family, struct addrinfo **out_answer)
{
    struct ouro_executor *resolver = resolver_of(loop);
    struct lookup *lookup = NULL;

    if (resolver != NULL)
        lookup = lookup_new(host, service, family);
    if (lookup == NULL)
        return -ENOMEM;

    int rc = ouro__executor_run(resolver, &lookup->job);
    if (rc < 0)
        return rc == -EAGAIN ? -ENOMEM : rc; /* there is no thread */
    rc = lookup->error;
    if (rc == 0)
        *out_answer = lookup->answer;
    lookup->answer = NULL;
    ouro__job_end(&lookup->job);
    return rc;
}

size_t
ouro__resolve_threads(struct ouro_loop *loop)
{
    struct ouro_executor *resolver = loop->floors[OURO__FLOOR_NET];

    return resolver != NULL ? ouro_executor_threads(resolver) : 0;
}

const size_t *
ouro__resolve_close(struct ouro_loop *loop)
{
    struct ouro_executor *resolver = loop->floors[OURO__FLOOR_NET];

    if (resolver == NULL)
        return NULL;
    ouro__executor_close(resolver);
    return &resolver->jobs;
}

void
ouro__resolve_report(struct ouro_loop *loop)
{
    struct ouro_executor *resolver = loop->floors[OURO__FLOOR_NET];

    if (resolver != NULL)
        ouro__executor_report(resolver);
}
