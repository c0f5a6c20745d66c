/* SPDX-License-Identifier: MIT */
/* A world to run a task in; see world.h. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SKIPPED = 77,
    LOOKS = 1000 /* for what is left to end, one in LOOK_NS */
};

#define LOOK_NS OURO_MILLISECONDS(10)
#define LIMIT   OURO_SECONDS(20)

/* What runs the test's task, and waits for the rest. */
struct world {
    struct ouro_sim *sim; /* NULL: it is a real one */
    struct ouro_loop *loop;
    struct seen_exceptions seen;
    struct ouro_loop_stats left;
    ouro_task_fn *fn;
    void *arg;
    int result;
};

/* How loops are made. */
static struct ouro_loop_options loop_options;

static uint64_t chaos_seed = 1;

void
set_world_seed(uint64_t seed)
{
    chaos_seed = seed;
}

void
set_world_loop(const struct ouro_loop_options *options)
{
    static const struct ouro_loop_options usual;

    loop_options = options != NULL ? *options : usual;
}

static bool
is_simulated(const char *engine)
{
    return strcmp(engine, "uring") != 0;
}

const char *
world_engine(int argc, char **argv)
{
    const char *engine = argc > 1 ? argv[1] : "sim";
    struct ouro_report report;
    struct ouro_loop_options options = {.report = &report};
    struct ouro_loop *loop;

    if (is_simulated(engine))
        return engine;
    if (ouro_loop_new(&loop, &options) < 0) {
        printf("skipped: %s\n", report.text);
        exit(SKIPPED);
    }
    ouro_loop_free(loop);
    return engine;
}

/* Making one. */

static void
make_simulated(struct world *world, const char *engine)
{
    struct ouro_sim_options options = {0};

    if (strcmp(engine, "chaos") == 0)
        options = (struct ouro_sim_options){
            .seed = chaos_seed,
            .late_percent = 20,
            .reorder_percent = 20,
            .short_io_percent = 30,
            .late_cancel_percent = 30,
            .no_buffer_percent = 10,
        };
    options.loop = loop_options;
    assert_ok(ouro_sim_new(&world->sim, &options));
    world->loop = ouro_sim_loop(world->sim);
}

static void
make(struct world *world, const char *engine)
{
    if (is_simulated(engine))
        make_simulated(world, engine);
    else
        assert_ok(ouro_loop_new(&world->loop, &loop_options));
    ouro_loop_set_exception_handler(world->loop, see_exception, &world->seen);
}

/* The main task.  It does not assert: that is done when the loop is left. */

static bool
is_quiet(const struct ouro_loop_stats *stats)
{
    return stats->tasks == 1 && stats->transports == 0 && stats->servers == 0
           && stats->buffers == 0;
}

/* A connection takes its time to end after everybody has left it. */
static int
wait_until_quiet(struct world *world)
{
    int rc = 0;

    ouro_loop_get_stats(world->loop, &world->left);
    for (int i = 0; rc == 0 && i < LOOKS && !is_quiet(&world->left); i++) {
        rc = ouro_sleep(LOOK_NS);
        ouro_loop_get_stats(world->loop, &world->left);
    }
    return rc;
}

static int
run_main(void *arg)
{
    struct world *world = arg;
    struct ouro_timeout limit;

    ouro_timeout_begin(&limit, world->sim != NULL ? OURO_FOREVER : LIMIT);
    int rc = world->fn(world->arg);
    world->result = (int)ouro_timeout_end(&limit, rc);
    return wait_until_quiet(world);
}

static int
run_real(struct world *world)
{
    struct ouro_task *task;

    int rc = ouro_loop_create_task(world->loop, &task, run_main, world);
    if (rc < 0)
        return rc;
    rc = ouro_loop_run_until_complete(world->loop, ouro_task_future(task));
    if (rc == 0)
        rc = ouro_task_result(task);
    ouro_task_unref(task);
    return rc;
}

/* What it left. */

static void
assert_nothing_left(struct world *world)
{
    assert_int_equal(world->left.tasks, 1); /* the one that looked */
    assert_int_equal(world->left.transports, 0);
    assert_int_equal(world->left.servers, 0);
    assert_int_equal(world->left.buffers, 0);

    ouro_loop_get_stats(world->loop, &world->left);
    assert_int_equal(world->left.tasks, 0);
    assert_int_equal(world->left.timers, 0);
    assert_int_equal(world->left.operations, 0);
    if (world->sim != NULL)
        assert_int_equal(ouro_sim_open_sockets(world->sim), 0);
}

static void
end(struct world *world)
{
    if (world->sim != NULL)
        ouro_sim_free(world->sim);
    else
        ouro_loop_free(world->loop);
}

int
run_in_noisy_world(const char *engine, ouro_task_fn *fn, void *arg,
                   struct seen_exceptions *out_seen)
{
    struct world world = {.fn = fn, .arg = arg, .result = UNSEEN};
    size_t descriptors = count_descriptors();
    size_t allocations = live_allocations();

    make(&world, engine);
    int rc = world.sim != NULL ? ouro_sim_run(world.sim, run_main, &world)
                               : run_real(&world);
    assert_nothing_left(&world);
    end(&world);

    assert_ok(rc == -EDEADLK ? 0 : rc);
    assert_int_equal(count_descriptors(), descriptors);
    assert_int_equal(live_allocations(), allocations);
    if (out_seen != NULL)
        *out_seen = world.seen;
    else
        assert_string_equal(world.seen.message, "");
    return rc < 0 ? rc : world.result;
}
