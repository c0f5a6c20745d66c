/* SPDX-License-Identifier: MIT */
/* Where threads are held up until a test says so; see gate.h. */
#include "gate.h"

void
gate_shut(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = false;
    gate->passed = 0;
    pthread_mutex_unlock(&gate->lock);
}

void
gate_pass(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->inside++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    gate->inside--;
    gate->passed++;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void
gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void
gate_wait_inside(struct gate *gate, unsigned count)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->inside < count)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

void
gate_wait_passed(struct gate *gate, unsigned count)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->passed < count)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

unsigned
gate_passed(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    unsigned passed = gate->passed;
    pthread_mutex_unlock(&gate->lock);
    return passed;
}
