/* SPDX-License-Identifier: MIT */
/* Plays the promises of conformance.h. */
#include "conformance.h"

#include "world.h"

#include <ouro/transport_impl.h>

#include <stdio.h>
#include <string.h>

enum { MOST_TESTS = 512, NAME_SIZE = 160 };

/* Words of the promises. */

int
connect_ends(struct scene *scene)
{
    return scene->kind->connect(scene->transports, scene->kind->ops);
}

void
begin_end(struct scene *scene, int which)
{
    ouro_transport_begin(scene->transports[which], &scene->ends[which]);
}

int
meet(struct scene *scene)
{
    int rc = connect_ends(scene);

    for (int i = 0; rc == 0 && i < 2; i++)
        begin_end(scene, i);
    return rc;
}

int
let_arrive(void)
{
    return ouro_sleep(OURO_MILLISECONDS(10));
}

int
until_sent(struct end *end)
{
    int rc = ouro_sleep(0);

    while (rc == 0 && end_queued(end) > 0)
        rc = ouro_sleep(OURO_MILLISECONDS(1));
    return rc;
}

void
check_end(const struct end *end)
{
    if (!calls_are_in_order(end->calls))
        fail_msg("not in order: %s", end->calls);
    assert_int_equal(end->losses, 1);
    assert_false(end->wrong);
    assert_false(end->reentered);
}

void
check_all_came(const struct end *end)
{
    assert_int_equal(end->received, end->peer->sent);
}

/* Playing. */

static int
play(void *arg)
{
    struct scene *scene = arg;
    int rc = scene->promise->act(scene);

    /* What went wrong must not leave anything behind. */
    for (int i = 0; rc < 0 && i < 2; i++) {
        if (scene->ends[i].transport != NULL)
            ouro_transport_abort(scene->ends[i].transport);
    }
    int lost = until_both_lost(scene->ends);
    ends_leave(scene->ends);
    return rc < 0 ? rc : lost;
}

static void
keep_promise(void **state)
{
    struct scene *scene = *state;
    struct ouro_loop_options loop = scene->kind->loop;

    ends_init(scene->ends);
    set_world_loop(&loop);
    int rc = scene->promise->is_noisy
                 ? run_in_noisy_world(scene->engine, play, scene, &scene->seen)
                 : run_in_world(scene->engine, play, scene);
    set_world_loop(NULL);

    assert_ok(rc);
    for (int i = 0; i < 2; i++)
        check_end(&scene->ends[i]);
    if (scene->promise->check != NULL)
        scene->promise->check(scene);
}

/* The list of tests. */

static struct scene scenes[MOST_TESTS];
static char names[MOST_TESTS][NAME_SIZE];
static struct CMUnitTest tests[MOST_TESTS];

static size_t
add_promises(size_t count, const struct promise *promises,
             const struct conformance_kind *kind, const char *engine)
{
    for (; promises->name != NULL; promises++, count++) {
        if (count == MOST_TESTS)
            fail_msg("more tests than there is room for");
        scenes[count] =
            (struct scene){.kind = kind, .promise = promises, .engine = engine};
        snprintf(names[count], NAME_SIZE, "%s (%s)", promises->name,
                 kind->name);
        tests[count] = (struct CMUnitTest){
            .name = names[count],
            .test_func = keep_promise,
            .initial_state = &scenes[count],
        };
    }
    return count;
}

int
run_conformance(const struct conformance_kind *kinds, size_t count,
                const char *engine)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++) {
        total = add_promises(total, reading_promises, &kinds[i], engine);
        total = add_promises(total, writing_promises, &kinds[i], engine);
        total = add_promises(total, ending_promises, &kinds[i], engine);
    }
    return _cmocka_run_group_tests("conformance", tests, total, NULL, NULL);
}
