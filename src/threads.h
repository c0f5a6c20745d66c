/* SPDX-License-Identifier: MIT */
/* Threads of the library, and how one waits for another. */
#ifndef OURO_THREADS_H
#define OURO_THREADS_H

#include <ouro/base.h>

#include <pthread.h>
#include <time.h>

/* With its zero. */
enum { OURO__THREAD_NAME_SIZE = 16 };

/*
 * Start `main(arg)` on a detached thread that gets no signals: those are for
 * the threads of the program.
 *
 * Returns 0.
 *   -EAGAIN  no more threads, or no memory for one
 */
OURO_MUST_USE int ouro__thread_start(void *(*main)(void *arg), void *arg);

/* Name the running thread; `name` is cut. */
void ouro__thread_set_name(const char *name);

/* For ouro__deadline(): by the monotonic clock. */
void ouro__thread_condition_init(pthread_cond_t *condition);

/*
 * pthread_cond_timedwait(3); NULL: without a limit.  Returns 0 or ETIMEDOUT.
 *
 * It is no point of cancellation: a thread of the program that
 * pthread_cancel(3) ends there keeps the lock, and takes away what it has lent
 * to the loop.
 */
int ouro__thread_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
                      const struct timespec *until);

/* In `delay_ns`, for ouro__thread_wait(). */
struct timespec ouro__deadline(int64_t delay_ns);

#endif
