/* SPDX-License-Identifier: MIT */
/* What tasks and futures cost. */
#include "micro.h"

#include <ouro/run.h>

#include <stdlib.h>

/* Waiters */

struct waiter {
    struct ouro_future future;
    struct ouro_loop *loop;
    bool ends;
};

struct crowd {
    struct waiter *waiters;
    size_t count;
};

static int
wait_again_and_again(void *arg)
{
    struct waiter *self = arg;

    while (!self->ends) {
        int rc = ouro_await(&self->future);
        if (rc < 0)
            return rc;
        ouro_future_init(&self->future, self->loop);
    }
    return 0;
}

static void
wake_all(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++)
        (void)ouro_future_set_result(&crowd->waiters[i].future, NULL);
    micro_check(ouro_sleep(0), "sleep");
}

static void
set_futures(void *arg, size_t count)
{
    struct crowd *crowd = arg;

    for (size_t i = 0; i < count; i += crowd->count)
        wake_all(crowd);
}

static void
measure_waiters(const char *what, size_t count)
{
    struct crowd crowd = {calloc(count, sizeof(struct waiter)), count};

    for (size_t i = 0; i < count; i++) {
        struct waiter *waiter = &crowd.waiters[i];

        waiter->loop = ouro_get_running_loop();
        ouro_future_init(&waiter->future, waiter->loop);
        micro_check(ouro_create_task(NULL, wait_again_and_again, waiter),
                    "a waiter");
    }
    micro_check(ouro_sleep(0), "sleep");
    micro_measure(what, set_futures, &crowd, 10000);

    for (size_t i = 0; i < count; i++)
        crowd.waiters[i].ends = true;
    wake_all(&crowd);
    micro_check(ouro_sleep(0), "sleep");
    free(crowd.waiters);
}

/* Life */

static int
return_at_once(void *arg)
{
    (void)arg;
    return 0;
}

static void
create_and_join(void *arg, size_t count)
{
    (void)arg;
    for (size_t i = 0; i < count; i++) {
        struct ouro_task *task;

        micro_check(ouro_create_task(&task, return_at_once, NULL), "a task");
        micro_check(ouro_task_join(task), "join");
        ouro_task_unref(task);
    }
}

static void
spawn_in_a_group(void *arg, size_t count)
{
    struct ouro_group group;

    (void)arg;
    ouro_group_begin(&group);
    for (size_t i = 0; i < count; i++)
        (void)ouro_group_create_task(&group, return_at_once, NULL);
    micro_check(ouro_group_end(&group, 0), "group");
}

static void
yield(void *arg, size_t count)
{
    (void)arg;
    for (size_t i = 0; i < count; i++)
        micro_check(ouro_sleep(0), "sleep");
}

static void
await_what_is_done(void *arg, size_t count)
{
    struct ouro_future *done = arg;

    for (size_t i = 0; i < count; i++)
        micro_check(ouro_await(done), "await");
}

static int
measure(void *arg)
{
    struct ouro_future done;

    (void)arg;
    measure_waiters(
        "future set, its waiter resumed and waiting again, 10 waiters", 10);
    measure_waiters(
        "future set, its waiter resumed and waiting again, 100 waiters", 100);
    measure_waiters(
        "future set, its waiter resumed and waiting again, 1000 waiters", 1000);
    measure_waiters("future set, its waiter resumed and waiting again, alone",
                    1);

    ouro_future_init(&done, ouro_get_running_loop());
    (void)ouro_future_set_result(&done, NULL);
    micro_measure("await of a future that is done", await_what_is_done, &done,
                  10000);
    ouro_future_fini(&done);

    micro_measure("a turn of the loop: sleep(0)", yield, NULL, 5000);
    micro_measure("task created and joined", create_and_join, NULL, 5000);
    micro_measure("task of 1000 spawned in a group", spawn_in_a_group, NULL,
                  1000);
    return 0;
}

void
micro_task(void)
{
    micro_check(ouro_run(measure, NULL), "tasks");
}
