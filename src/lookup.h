/* SPDX-License-Identifier: MIT */
/* Questions to getaddrinfo(3), asked on threads. */
#ifndef OURO_LOOKUP_H
#define OURO_LOOKUP_H

#include <ouro/loop.h>

#include <netdb.h>

/* Lookups of one loop at once; more wait in a queue. */
enum { OURO__RESOLVE_THREADS = 4 };

/*
 * Ask for stream sockets of `host` (NULL: any) and `service` (NULL: none), and
 * suspend until the answer is there.  No checkpoint at the beginning.
 *
 * Returns 0, and `*out_answer` is for freeaddrinfo(3), or an error that
 * ouro_getaddrinfo() documents.
 *   -ECANCELED  the running task was cancelled; the thread is not waited for
 */
OURO_SUSPENDS int ouro__look_up(struct ouro_loop *loop, const char *host,
                                const char *service, int family,
                                struct addrinfo **out_answer);

/* How many threads `loop` has for this. */
size_t ouro__resolve_threads(struct ouro_loop *loop);

/* For the end of a run: it takes no more.  Returns how many are not done, as
 * long as the loop lives; NULL: there never was one. */
const size_t *ouro__resolve_close(struct ouro_loop *loop);

/* Report each lookup that libc is still in. */
void ouro__resolve_report(struct ouro_loop *loop);

/* For tests, which set them before the first lookup of a loop: what is called
 * instead of getaddrinfo(3), and how long a thread waits for work. */
typedef int ouro__resolve_fn(const char *host, const char *service,
                             const struct addrinfo *hints,
                             struct addrinfo **out_answer);
extern ouro__resolve_fn *ouro__resolve_function;
extern int64_t ouro__resolve_idle_ns;

#endif
