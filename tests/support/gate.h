/* SPDX-License-Identifier: MIT */
/* Where threads are held up until a test says so: nothing depends on time. */
#ifndef OURO_TEST_GATE_H
#define OURO_TEST_GATE_H

#include <pthread.h>
#include <stdbool.h>

/* Everything is the lock's. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    unsigned inside; /* threads that wait in it */
    unsigned passed; /* threads that came and went */
};

/* Shut, and nobody in it. */
#define GATE_SHUT                                                              \
    {                                                                          \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
    }

/* Shut it again.  Nobody is in it. */
void gate_shut(struct gate *gate);

/* On a thread: wait until it is open. */
void gate_pass(struct gate *gate);

void gate_open(struct gate *gate);

/* Wait until `count` threads wait in it, or passed it. */
void gate_wait_inside(struct gate *gate, unsigned count);
void gate_wait_passed(struct gate *gate, unsigned count);

unsigned gate_passed(struct gate *gate);

#endif
