/* SPDX-License-Identifier: MIT */
/* The bench of tasks on ouro: tasks that begin and end, and queues. */
#include "tasks_ouro.h"

#include <ouro/queue.h>
#include <ouro/run.h>
#include <ouro/wait.h>

#include <stdlib.h>

/* Begin and end. */

/* The work of a task is to know its number. */
static int
tell_number(void *arg)
{
    return (int)(uintptr_t)arg;
}

uint64_t
job_spawn_join(size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        struct ouro_task *task;

        tasks_check(ouro_create_task(&task, tell_number, (void *)i) == 0,
                    "a task");
        sum += (uint64_t)ouro_task_join(task);
        ouro_task_unref(task);
    }
    return sum;
}

static int
wait_and_tell_number(void *arg)
{
    int rc = ouro_sleep(0);

    return rc < 0 ? rc : tell_number(arg);
}

uint64_t
job_gather(size_t count)
{
    struct ouro_awaited *nodes = calloc(count, sizeof(*nodes));
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        tasks_check(
            ouro_create_task(&nodes[i].task, wait_and_tell_number, (void *)i)
                == 0,
            "a task");
    tasks_check(ouro_gather(nodes, count) == 0, "gather");
    for (size_t i = 0; i < count; i++) {
        sum += (uint64_t)nodes[i].result;
        ouro_task_unref(nodes[i].task);
    }
    free(nodes);
    return sum;
}

/* The pipeline: each stage adds one to what it hands on. */

struct stage {
    struct ouro_queue *from;
    struct ouro_queue *to;
    size_t count;
};

static int
run_stage(void *arg)
{
    const struct stage *stage = arg;

    for (size_t i = 0; i < stage->count; i++) {
        void *item;

        int rc = ouro_queue_get(stage->from, &item);
        if (rc == 0)
            rc = ouro_queue_put(stage->to, (char *)item + 1);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int
feed(void *arg)
{
    const struct stage *stage = arg;

    for (size_t i = 0; i < stage->count; i++) {
        int rc = ouro_queue_put(stage->to, (void *)i);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static uint64_t
drain(struct ouro_queue *queue, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        void *item;

        tasks_check(ouro_queue_get(queue, &item) == 0, "an item");
        sum += (uintptr_t)item;
    }
    return sum;
}

uint64_t
job_pipeline(size_t count)
{
    static struct ouro_queue queues[TASKS_STAGES + 1];
    static struct stage stages[TASKS_STAGES];
    struct stage source = {.to = &queues[0], .count = count};
    struct ouro_group group;

    for (size_t i = 0; i <= TASKS_STAGES; i++)
        tasks_check(ouro_queue_init(&queues[i], ouro_get_running_loop(),
                                    TASKS_QUEUE_SIZE)
                        == 0,
                    "a queue");
    ouro_group_begin(&group);
    for (size_t i = 0; i < TASKS_STAGES; i++) {
        stages[i] = (struct stage){&queues[i], &queues[i + 1], count};
        ouro_group_create_task(&group, run_stage, &stages[i]);
    }
    ouro_group_create_task(&group, feed, &source);
    uint64_t sum = drain(&queues[TASKS_STAGES], count);
    tasks_check(ouro_group_end(&group, 0) == 0, "the stages");

    for (size_t i = 0; i <= TASKS_STAGES; i++)
        ouro_queue_fini(&queues[i]);
    return sum;
}

/* The program. */

static const struct tasks_job jobs[] = {
    {"spawn_join", job_spawn_join},     {"gather", job_gather},
    {"pipeline", job_pipeline},         {"lock_2", job_lock_2},
    {"lock_10", job_lock_10},           {"semaphore_2", job_semaphore_2},
    {"semaphore_10", job_semaphore_10}, {"timeout", job_timeout},
    {"call_soon", job_call_soon},       {"threadsafe_1", job_threadsafe_1},
    {"threadsafe_2", job_threadsafe_2}, {NULL, NULL},
};

struct command_line {
    int argc;
    char **argv;
};

static int
run(void *arg)
{
    const struct command_line *given = arg;

    return tasks_main(given->argc, given->argv, jobs);
}

int
main(int argc, char **argv)
{
    struct command_line given = {argc, argv};

    return ouro_run(run, &given);
}
