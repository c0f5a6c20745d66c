/* SPDX-License-Identifier: MIT */
/* A program with a task in each wait there is, for a debugger to look at.
 *
 * It prints its own dump, which the debugger has to agree with, and comes to
 * look_now(), where the debugger stops it.
 */
#include "../behaviour/waits_scene.h"

#include <unistd.h>

/* For more tasks than a line names. */
static int
wait_many(void *arg)
{
    struct ouro_group group;

    ouro_group_begin(&group);
    for (int i = 0; i < 6; i++)
        ouro_group_create_task(&group, wait_future, arg);
    return ouro_group_end(&group, 0);
}

static ouro_task_fn *const all_waits[] = {
    wait_sleep,   wait_future, wait_join,      wait_for_child, wait_gather,
    wait_some,    wait_each,   wait_group,     wait_start,     wait_in_scopes,
    wait_event,   wait_lock,   wait_condition, wait_notified,  wait_permit,
    wait_barrier, wait_item,   wait_room,      wait_done,      wait_descriptor,
    wait_input,   wait_output, wait_drain,     wait_end,       wait_client,
    wait_server,  wait_signal, wait_thread,    wait_many,
};

enum { COUNT = sizeof(all_waits) / sizeof(all_waits[0]) };

static struct waits scenes[COUNT];
static struct ouro_task *tasks[COUNT];
static struct ouro_task *ended;

static void
print_line(const char *line, size_t size, void *arg)
{
    (void)arg;
    (void)fwrite(line, 1, size, stdout);
}

__attribute__((noinline)) static void
look_now(void)
{
    __asm__ volatile("" ::: "memory");
}

static int
fail_at_once(void *arg)
{
    (void)arg;
    return -EPIPE;
}

static void
dump_and_stop(void *loop)
{
    const struct ouro_dump_options options = {.no_stacks = true};

    if (ouro_create_task(NULL, fail_at_once, NULL) < 0) /* it has not begun */
        _exit(1);
    ouro_dump_tasks_to(loop, print_line, NULL, &options);
    (void)fflush(stdout);
    look_now();
    _exit(0);
}

static int
begin_all(void)
{
    int rc = ouro_create_task(&ended, fail_at_once, NULL);

    for (size_t i = 0; rc == 0 && i < COUNT; i++) {
        rc = waits_begin(&scenes[i]);
        if (rc == 0)
            rc = ouro_create_task(&tasks[i], all_waits[i], &scenes[i]);
        if (rc == 0)
            rc = ouro_await(&scenes[i].there);
        if (rc == 0 && all_waits[i] == wait_in_scopes)
            ouro_task_cancel(tasks[i]); /* which does not reach it */
    }
    return rc;
}

/* What is written goes out for a while yet. */
static int
begin_and_dump(void *arg)
{
    struct ouro_handle dump = {0};
    struct ouro_loop *loop = ouro_get_running_loop();
    int rc = begin_all();

    if (rc == 0)
        rc = ouro_sleep(OURO_MILLISECONDS(200));
    if (rc == 0 && arg != NULL)
        dump_and_stop(loop);
    if (rc < 0)
        return rc;
    ouro_call_soon(loop, &dump, dump_and_stop, loop);
    return ouro_sleep(OURO_FOREVER);
}

/* With an argument the dump comes from a task, else from a call. */
int
main(int argc, char **argv)
{
    return ouro_run(begin_and_dump, argc > 1 ? argv[1] : NULL) < 0;
}
