/* SPDX-License-Identifier: MIT */
/* Words for tests that run tasks on a simulated loop. */
#include "ouro_test.h"

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
