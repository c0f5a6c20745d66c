/* SPDX-License-Identifier: MIT */
/* A task for each thing that a task can wait for. */
#ifndef OURO_WAITS_SCENE_H
#define OURO_WAITS_SCENE_H

#include "gate.h"
#include "sock_scene.h"

#include <signal.h>
#include <stdio.h>

enum { MUCH = 16 * 1024 * 1024 };

/* What they share; the task `other` has the lock, and waits for the event. */
struct waits {
    struct ouro_task *other;
    struct ouro_future there; /* the task is at its wait */
    struct ouro_future never;
    struct ouro_event event;
    struct ouro_lock lock;
    struct ouro_lock lock_of_condition;
    struct ouro_condition condition;
    struct ouro_semaphore semaphore;
    struct ouro_barrier barrier;
    struct ouro_queue queue; /* with room for one */
    struct gate gate;
    struct ouro_server *server; /* of a stream's other end */
};

/* The next wait is the one that is looked at. */
static inline void
arrive(struct waits *w)
{
    ouro_future_set_result(&w->there, NULL);
}

static inline int
hold_lock(void *arg)
{
    struct waits *w = arg;
    int rc = ouro_lock_acquire(&w->lock);

    if (rc < 0)
        return rc;
    rc = ouro_event_wait(&w->event);
    ouro_lock_release(&w->lock);
    return rc;
}

static inline int
waits_begin(struct waits *w)
{
    struct ouro_loop *loop = ouro_get_running_loop();

    *w = (struct waits){.gate = GATE_SHUT};
    ouro_future_init(&w->there, loop);
    ouro_future_init(&w->never, loop);
    ouro_event_init(&w->event, loop);
    ouro_lock_init(&w->lock, loop);
    ouro_lock_init(&w->lock_of_condition, loop);
    ouro_condition_init(&w->condition, &w->lock_of_condition);
    ouro_semaphore_init(&w->semaphore, loop, 0);
    ouro_barrier_init(&w->barrier, loop, 2);
    int rc = ouro_queue_init(&w->queue, loop, 1);
    if (rc == 0)
        rc = ouro_create_task(&w->other, hold_lock, w);
    return rc < 0 ? rc : ouro_sleep(0);
}

/* All that waits for something of these has ended. */
static inline void
waits_end(struct waits *w)
{
    ouro_queue_fini(&w->queue);
    ouro_barrier_fini(&w->barrier);
    ouro_semaphore_fini(&w->semaphore);
    ouro_condition_fini(&w->condition);
    ouro_lock_fini(&w->lock_of_condition);
    ouro_lock_fini(&w->lock);
    ouro_event_fini(&w->event);
    ouro_future_fini(&w->never);
    ouro_future_fini(&w->there);
    w->other = ouro_task_unref(w->other);
}

/* Of a loop's own. */

static inline int
wait_sleep(void *arg)
{
    arrive(arg);
    return ouro_sleep(OURO_FOREVER);
}

static inline int
wait_future(void *arg)
{
    struct waits *w = arg;

    arrive(w);
    return ouro_await(&w->never);
}

static inline int
wait_join(void *arg)
{
    struct waits *w = arg;

    arrive(w);
    return ouro_task_join(w->other);
}

static inline int
wait_for_child(void *arg)
{
    struct waits *w = arg;
    struct ouro_task *child;
    int rc = ouro_create_task(&child, wait_future, w);

    if (rc == 0)
        rc = ouro_wait_for(child, OURO_FOREVER);
    ouro_task_unref(child);
    return rc;
}

/* Several. */

#define NODES(w)                                \
    {                                           \
        {.task = (w)->other, .shielded = true}, \
        {                                       \
            .future = &(w)->never               \
        }                                       \
    }

static inline int
wait_gather(void *arg)
{
    struct waits *w = arg;
    struct ouro_awaited nodes[] = NODES(w);

    arrive(w);
    return ouro_gather(nodes, 2);
}

static inline int
wait_some(void *arg)
{
    struct waits *w = arg;
    struct ouro_awaited nodes[] = NODES(w);

    arrive(w);
    return (int)ouro_wait(nodes, 2, OURO_FOREVER, OURO_FIRST_COMPLETED);
}

static inline int
wait_each(void *arg)
{
    struct waits *w = arg;
    struct ouro_awaited nodes[] = NODES(w);
    struct ouro_as_completed each;
    struct ouro_awaited *node;

    ouro_as_completed_begin(&each, nodes, 2, OURO_FOREVER);
    arrive(w);
    int rc = ouro_as_completed_next(&each, &node);
    ouro_as_completed_end(&each);
    return rc;
}

static inline int
wait_group(void *arg)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, wait_future, arg);
    return ouro_group_end(&group, 0);
}

static inline int
wait_start(void *arg)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    int rc = ouro_group_start(&group, wait_future, arg);
    return ouro_group_end(&group, rc);
}

/* Scopes; the wait inside is as ever. */

static inline int
wait_in_scopes(void *arg)
{
    struct waits *w = arg;
    struct ouro_timeout limit;
    struct ouro_shield shield;

    ouro_timeout_begin(&limit, OURO_FOREVER);
    ouro_shield_begin(&shield, OURO_FOREVER);
    arrive(w);
    ssize_t rc = ouro_event_wait(&w->event);
    rc = ouro_shield_end(&shield, rc);
    return (int)ouro_timeout_end(&limit, rc);
}

/* Synchronisation. */

static inline int
wait_event(void *arg)
{
    struct waits *w = arg;

    arrive(w);
    return ouro_event_wait(&w->event);
}

static inline int
wait_lock(void *arg)
{
    struct waits *w = arg;

    arrive(w);
    int rc = ouro_lock_acquire(&w->lock);
    if (rc == 0)
        ouro_lock_release(&w->lock);
    return rc;
}

static inline int
wait_condition(void *arg)
{
    struct waits *w = arg;
    int rc = ouro_lock_acquire(&w->lock_of_condition);

    if (rc < 0)
        return rc;
    arrive(w);
    rc = ouro_condition_wait(&w->condition);
    ouro_lock_release(&w->lock_of_condition);
    return rc;
}

/* It is told, and must have the lock again to go on. */
static inline int
notify_and_keep(void *arg)
{
    struct waits *w = arg;
    int rc = ouro_lock_acquire(&w->lock_of_condition);

    if (rc < 0)
        return rc;
    ouro_condition_notify_all(&w->condition);
    arrive(w);
    rc = ouro_event_wait(&w->event);
    ouro_lock_release(&w->lock_of_condition);
    return rc;
}

static inline int
wait_notified(void *arg)
{
    struct waits *w = arg;
    int rc = ouro_lock_acquire(&w->lock_of_condition);

    if (rc == 0)
        rc = ouro_create_task(NULL, notify_and_keep, w);
    if (rc == 0)
        rc = ouro_condition_wait(&w->condition);
    ouro_lock_release(&w->lock_of_condition);
    return rc;
}

static inline int
wait_permit(void *arg)
{
    struct waits *w = arg;

    arrive(w);
    return ouro_semaphore_acquire(&w->semaphore);
}

static inline int
wait_barrier(void *arg)
{
    struct waits *w = arg;

    arrive(w);
    return ouro_barrier_wait(&w->barrier);
}

static inline int
wait_item(void *arg)
{
    struct waits *w = arg;
    void *item;

    arrive(w);
    return ouro_queue_get(&w->queue, &item);
}

static inline int
wait_room(void *arg)
{
    struct waits *w = arg;
    int rc = ouro_queue_put(&w->queue, w);

    arrive(w);
    return rc < 0 ? rc : ouro_queue_put(&w->queue, w);
}

static inline int
wait_done(void *arg)
{
    struct waits *w = arg;
    int rc = ouro_queue_put(&w->queue, w);

    arrive(w);
    return rc < 0 ? rc : ouro_queue_join(&w->queue);
}

/* Descriptors and streams. */

static inline int
wait_descriptor(void *arg)
{
    struct ends ends;
    char byte;
    int rc = open_ends(&ends);

    if (rc < 0)
        return rc;
    arrive(arg);
    rc = (int)ouro_sock_recv(ends.a, &byte, 1);
    close_ends(&ends);
    return rc;
}

typedef int wait_stream_fn(struct ouro_stream *stream, struct waits *w);

static inline int
say_nothing(struct ouro_stream *stream, void *context)
{
    struct waits *w = context;

    (void)stream;
    return ouro_await(&w->never);
}

/* Run `fn` at one end of a connection whose other end does nothing. */
static inline int
with_stream(struct waits *w, wait_stream_fn *fn)
{
    struct ouro_server_options here = {.host = "127.0.0.1"};
    struct ouro_server *server;
    struct ouro_stream *stream;
    char port[8];
    int rc = ouro_start_server(&server, say_nothing, w, &here);

    if (rc < 0)
        return rc;
    struct ouro_address where = ouro_server_address(server, 0);
    snprintf(port, sizeof(port), "%u", (unsigned)ouro_address_port(&where));
    struct ouro_connect_options there = {.host = "127.0.0.1", .service = port};
    rc = ouro_open_connection(&stream, &there);
    w->server = server;
    if (rc == 0) {
        rc = fn(stream, w);
        ouro_transport_abort(ouro_stream_transport(stream));
        ouro_stream_free(stream);
    }
    int stopped = ouro_server_stop(server, 0);
    ouro_server_free(server);
    return rc < 0 || stopped == -ETIMEDOUT ? rc : stopped;
}

static inline int
read_it(struct ouro_stream *stream, struct waits *w)
{
    char byte;

    arrive(w);
    return (int)ouro_stream_read(stream, &byte, 1);
}

static inline int
wait_input(void *arg)
{
    return with_stream(arg, read_it);
}

/* More than a connection takes whose other end does not read. */
static inline struct ouro_slice
much(void)
{
    static uint8_t bytes[MUCH];

    return (struct ouro_slice){bytes, sizeof(bytes)};
}

static inline int
write_much(struct ouro_stream *stream, struct waits *w)
{
    arrive(w);
    return ouro_stream_write(stream, much());
}

static inline int
wait_output(void *arg)
{
    return with_stream(arg, write_much);
}

static inline int
write_in_a_task(void *stream)
{
    return ouro_stream_write(stream, much());
}

static inline int
write_and_drain(struct ouro_stream *stream, struct waits *w)
{
    struct ouro_group group;
    int rc = 0;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, write_in_a_task, stream);
    arrive(w);
    while (rc == 0) {
        rc = ouro_sleep(0);
        if (rc == 0)
            rc = ouro_stream_drain(stream);
    }
    return ouro_group_end(&group, rc);
}

static inline int
wait_drain(void *arg)
{
    return with_stream(arg, write_and_drain);
}

static inline int
wait_for_its_end(struct ouro_stream *stream, struct waits *w)
{
    arrive(w);
    return ouro_stream_wait_closed(stream);
}

static inline int
wait_end(void *arg)
{
    return with_stream(arg, wait_for_its_end);
}

/* Servers. */

static inline int
wait_for_its_client(struct ouro_stream *stream, struct waits *w)
{
    (void)stream;
    ouro_server_close(w->server);
    arrive(w);
    return ouro_server_wait_closed(w->server);
}

static inline int
wait_client(void *arg)
{
    return with_stream(arg, wait_for_its_client);
}

static inline int
wait_server(void *arg)
{
    struct ouro_server_options here = {.host = "127.0.0.1"};
    struct ouro_server *server;
    int rc = ouro_start_server(&server, say_nothing, arg, &here);

    if (rc < 0)
        return rc;
    arrive(arg);
    rc = ouro_server_serve_forever(server);
    ouro_server_free(server);
    return rc;
}

/* Signals and threads. */

static inline int
wait_signal(void *arg)
{
    arrive(arg);
    return ouro_wait_signal(SIGUSR2);
}

static inline int
pass_gate(void *arg)
{
    gate_pass(arg);
    return 0;
}

static inline int
wait_thread(void *arg)
{
    struct waits *w = arg;

    arrive(w);
    return ouro_to_thread(pass_gate, &w->gate);
}

static inline int
wait_executor(void *arg)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    ouro_group_create_task(&group, wait_thread, arg);
    int rc = ouro_sleep(0);
    if (rc == 0)
        rc = ouro_executor_shutdown(NULL, OURO_FOREVER);
    return ouro_group_end(&group, rc);
}

#endif
