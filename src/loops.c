/* SPDX-License-Identifier: MIT */
/* Every loop of the process, for who looks at it from outside. */
#include "loops.h"

#include <pthread.h>

struct ouro__list ouro__loops = {&ouro__loops, &ouro__loops};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A fork may come while another thread has the lock. */

static void
before_fork(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void
after_fork(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void
watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork, after_fork);
}

void
ouro__loops_add(struct ouro_loop *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, watch_forks);
    (void)pthread_mutex_lock(&lock);
    ouro__list_append(&ouro__loops, &loop->link);
    (void)pthread_mutex_unlock(&lock);
}

void
ouro__loops_remove(struct ouro_loop *loop)
{
    (void)pthread_mutex_lock(&lock);
    ouro__list_remove(&loop->link);
    (void)pthread_mutex_unlock(&lock);
}
