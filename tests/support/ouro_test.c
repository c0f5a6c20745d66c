/* SPDX-License-Identifier: MIT */
/* Words for tests that run tasks, and for what a process has. */
#include "ouro_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
start_task(struct ouro_sim *sim, ouro_task_fn *fn, void *arg, const char *name,
           const char *site)
{
    assert_ok(ouro__create_task(ouro_sim_loop(sim), NULL, fn, arg, name, site));
    ouro_sim_turn(sim);
}

/* What the child process runs. */
struct task_in_child {
    ouro_task_fn *fn;
    void *arg;
    const char *name;
};

static int
join(void *arg)
{
    return ouro_task_join(arg);
}

/* What goes wrong here must not look like a rule that was broken, so it exits
 * where another program would assert. */
static void
run_task_in_child(void *arg)
{
    const struct task_in_child *child = arg;
    struct ouro_task *task = NULL;
    struct ouro_sim *sim = NULL;

    if (ouro_sim_new(&sim, NULL) < 0)
        _exit(EXIT_FAILURE);
    if (ouro__create_task(ouro_sim_loop(sim), &task, child->fn, child->arg,
                          child->name, OURO_HERE)
        < 0)
        _exit(EXIT_FAILURE);

    ouro_sim_run(sim, join, task);
    ouro_task_unref(task);
    ouro_sim_free(sim);
}

void
assert_task_stops(ouro_task_fn *fn, void *arg, const char *words,
                  const char *name, const char *file, int line)
{
    struct task_in_child child = {fn, arg, name};

    assert_function_stops(run_task_in_child, &child, words, file, line);
}

size_t
count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.')
            count++;
    }
    closedir(folder);
    return count - 1; /* without the folder's own */
}

static void
copy(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text != NULL ? text : "");
}

void
see_exception(const struct ouro_exception *exception, void *arg)
{
    struct seen_exceptions *seen = arg;

    seen->count++;
    seen->error = exception->error;
    copy(seen->message, sizeof(seen->message), exception->message);
    copy(seen->name, sizeof(seen->name), exception->name);
    copy(seen->site, sizeof(seen->site), exception->site);
}
