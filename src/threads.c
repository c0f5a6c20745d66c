/* SPDX-License-Identifier: MIT */
/* Threads of the library, and how one waits for another. */
#include "threads.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

enum { NSEC = 1000000000 };

void
ouro__thread_set_name(const char *name)
{
    char cut[OURO__THREAD_NAME_SIZE] = "";

    strncpy(cut, name, sizeof(cut) - 1);
    pthread_setname_np(pthread_self(), cut);
}

/* A thread has the mask of the one that starts it. */
static int
start_without_signals(pthread_t *thread, const pthread_attr_t *how,
                      void *(*main)(void *arg), void *arg)
{
    sigset_t before;
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, how, main, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int
ouro__thread_start(void *(*main)(void *arg), void *arg)
{
    pthread_attr_t detached;
    pthread_t thread;

    if (pthread_attr_init(&detached) != 0)
        return -EAGAIN;
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    int error = start_without_signals(&thread, &detached, main, arg);
    pthread_attr_destroy(&detached);
    return error != 0 ? -EAGAIN : 0;
}

void
ouro__thread_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int
ouro__thread_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
                  const struct timespec *until)
{
    int cancel;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    int error = until == NULL ? pthread_cond_wait(condition, lock)
                              : pthread_cond_timedwait(condition, lock, until);
    (void)pthread_setcancelstate(cancel, NULL);
    return error;
}

struct timespec
ouro__deadline(int64_t delay_ns)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    if (delay_ns <= 0)
        return time;

    /* What is left is below two seconds, and 2^63 nanoseconds are 292 years. */
    int64_t nsec = time.tv_nsec + delay_ns % NSEC;
    time.tv_sec += (time_t)(delay_ns / NSEC + nsec / NSEC);
    time.tv_nsec = (long)(nsec % NSEC);
    return time;
}
