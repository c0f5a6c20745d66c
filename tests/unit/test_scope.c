/* SPDX-License-Identifier: MIT */
/* Scopes against a model: a task runs a program that is drawn by chance, of
 * limits, shields, groups, waits and requests to end, nested in one another.
 * What each call returns, and when, is compared with what a small model says.
 *
 * Times are drawn so finely that two events of different causes never meet; the
 * orders of one instant have tests of their own.  OURO_TEST_SEED=n runs one
 * program alone, and shows its steps.
 */
#include "scope_model.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRAMS = 10000, DEEPEST = 4 };

/* Steps. */

static int
do_sleep(struct run *run)
{
    int64_t from_ns = ouro_loop_time_ns(run->loop);
    int64_t delay_ns = draw_ns(run);
    bool at_once = is_cancelled(run);
    int64_t ends_ns = least(run->next_ns, cancelled_ns(run, from_ns));
    int64_t to_ns = least(from_ns + delay_ns, most(ends_ns, from_ns));

    if (at_once)
        to_ns = from_ns;
    int rc = ouro_sleep(delay_ns);
    expect(run, "sleep", rc,
           at_once || ends_ns < from_ns + delay_ns ? -ECANCELED : 0, to_ns);
    if (!at_once)
        has_waited(run, from_ns, to_ns);
    return rc;
}

static void
do_request(struct run *run)
{
    ouro_task_cancel(run->task);
    run->own++;
    tell(run, "cancel itself", 0, 0);
}

static void
do_uncancel(struct run *run)
{
    int64_t now_ns = ouro_loop_time_ns(run->loop);
    unsigned count = count_requests(run, now_ns);

    if (count > 0) {
        run->taken++;
        count--;
    }
    expect(run, "uncancel", (ssize_t)ouro_uncancel(), (ssize_t)count, now_ns);
}

static int
run_child(void *arg)
{
    const struct child *child = arg;
    struct ouro_shield shield;
    int rc = ouro_sleep(child->sleep_ns);

    if (rc == 0)
        return child->returns;
    if (child->clean_up_ns > 0) {
        ouro_shield_begin(&shield, OURO_FOREVER);
        rc = (int)ouro_shield_end(&shield, ouro_sleep(child->clean_up_ns));
    }
    return rc == 0 ? -ECANCELED : rc;
}

static struct level *
innermost_group(struct run *run)
{
    struct level *level = run->level;

    while (level != NULL && level->kind != GROUP)
        level = level->outer;
    return level;
}

static void
do_create(struct run *run)
{
    struct level *level = innermost_group(run);
    int64_t now_ns = ouro_loop_time_ns(run->loop);

    if (level == NULL || level->count == CHILDREN)
        return;
    bool refused = pressed_ns(level) <= now_ns;
    struct child *child = &level->children[level->count];
    *child = (struct child){
        .sleep_ns = draw_ns(run),
        .clean_up_ns = draw(run, 2) == 0 ? 0 : draw_ns(run),
        .returns = draw(run, 3) == 0 ? -EPROTO - (int)level->count : 0,
    };
    child->due_ns = now_ns + child->sleep_ns;
    expect(run, "create",
           ouro_group_create_task(level->group, run_child, child),
           refused ? -ECANCELED : 0, now_ns);
    if (!refused)
        level->count++;
}

static void
do_end_early(struct run *run)
{
    struct level *level = innermost_group(run);
    int64_t now_ns = ouro_loop_time_ns(run->loop);

    if (level == NULL)
        return;
    ouro_group_cancel(level->group);
    tell(run, "end the group early", 0, 0);
    if (pressed_ns(level) > now_ns) {
        level->ended_ns = now_ns;
        level->ended_waits = run->waits;
    }
}

/* Scopes. */

static int run_block(struct run *run, unsigned depth);

/* What the end of a part is given. */
static int
draw_result(struct run *run, int rc)
{
    switch (draw(run, 6)) {
    case 0:
        return 7;
    case 1:
        return -EPIPE;
    default:
        return rc;
    }
}

static int
do_limit(struct run *run, unsigned depth)
{
    struct ouro_timeout limit;
    struct level level;
    int64_t delay_ns = draw_limit_ns(run);

    tell(run, "a limit of", delay_ns, 0);
    ouro_timeout_begin(&limit, delay_ns);
    open_level(run, &level, LIMIT, delay_ns);
    int result = draw_result(run, run_block(run, depth + 1));
    int64_t now_ns = ouro_loop_time_ns(run->loop);
    bool expired = level.when_ns <= run->fired_ns;

    if (ouro_timeout_expired(&limit) != expired)
        expect(run, "expired", !expired, expired, now_ns);
    close_level(run);
    int wanted = result;
    if (result == -ECANCELED && expired && !is_cancelled(run))
        wanted = -ETIMEDOUT;
    int rc = (int)ouro_timeout_end(&limit, result);
    expect(run, "limit ends", rc, wanted, now_ns);
    return rc;
}

static int
do_shield(struct run *run, unsigned depth)
{
    struct ouro_shield shield;
    struct level level;
    int64_t delay_ns = draw_limit_ns(run);

    tell(run, "a shield of", delay_ns, 0);
    ouro_shield_begin(&shield, delay_ns);
    open_level(run, &level, SHIELD, delay_ns);
    int result = draw_result(run, run_block(run, depth + 1));
    bool expired = level.when_ns <= run->fired_ns;

    close_level(run);
    int rc = (int)ouro_shield_end(&shield, result);
    expect(run, "shield ends", rc,
           result == -ECANCELED && expired ? -ETIMEDOUT : result,
           ouro_loop_time_ns(run->loop));
    return rc;
}

/* When the last child ends, if they are told to end at `told_ns`. */
static int64_t
last_ns(const struct level *level, int64_t told_ns)
{
    int64_t last_ns = INT64_MIN;

    for (size_t i = 0; i < level->count; i++) {
        const struct child *child = &level->children[i];
        bool told = child->due_ns > told_ns;

        last_ns =
            most(last_ns, told ? told_ns + child->clean_up_ns : child->due_ns);
    }
    return last_ns;
}

/* What a group comes to, said before it is ended. */
struct forecast {
    int64_t to_ns;
    bool waits; /* children are left */
    bool told;  /* they were told to end */
    int error;  /* of the first that failed, or 0 */
    bool early; /* ouro_group_cancel(), and none had failed */
};

static struct forecast
forecast(const struct run *run, const struct level *level, int result)
{
    int64_t now_ns = ouro_loop_time_ns(run->loop);
    const struct child *failure = first_to_fail(level);
    int64_t told_ns = pressed_ns(level);
    bool waits = last_ns(level, told_ns) > now_ns
                 || (level->count > 0 && level->ended_ns == now_ns
                     && last_ns(level, told_ns) == now_ns
                     && level->ended_waits == run->waits);

    if (waits && told_ns > now_ns) {
        int64_t reason_ns = least(run->next_ns, cancelled_ns(run, now_ns));

        if (result < 0 || is_cancelled(run))
            reason_ns = now_ns;
        told_ns = least(told_ns, most(reason_ns, now_ns));
    }
    if (result < 0)
        told_ns = least(told_ns, now_ns);
    if (failure != NULL && failure->due_ns > told_ns)
        failure = NULL;

    int64_t to_ns = most(now_ns, last_ns(level, told_ns));
    return (struct forecast){
        .to_ns = to_ns,
        .waits = waits,
        .told = told_ns <= to_ns,
        .error = failure != NULL ? failure->returns : 0,
        .early = failure == NULL && level->ended_ns <= now_ns,
    };
}

static int
wanted_of_group(const struct run *run, const struct forecast *seen, int result)
{
    if (seen->error < 0)
        return seen->error;
    if (result >= 0 && seen->told && is_cancelled(run))
        return -ECANCELED;
    if (result == -ECANCELED && seen->early && !is_cancelled(run))
        return 0;
    return result;
}

static int
do_group(struct run *run, unsigned depth)
{
    struct ouro_group group;
    struct level level;

    tell(run, "a group", 0, 0);
    ouro_group_begin(&group);
    open_level(run, &level, GROUP, 0);
    level.group = &group;
    for (uint64_t i = draw(run, CHILDREN); i > 0; i--)
        do_create(run);
    int result = draw_result(run, run_block(run, depth + 1));
    int64_t now_ns = ouro_loop_time_ns(run->loop);
    struct forecast seen = forecast(run, &level, result);

    if (seen.error < 0 && result < 0 && result != -ECANCELED)
        run->reports++;
    int rc = ouro_group_end(&group, result);
    if (seen.waits)
        has_waited(run, now_ns, seen.to_ns);
    close_level(run);
    expect(run, "group ends", rc, wanted_of_group(run, &seen, result),
           seen.to_ns);
    return rc;
}

static int
run_step(struct run *run, unsigned depth)
{
    uint64_t choice = draw(run, depth < DEEPEST ? 24 : 14);

    if (choice < 7)
        return do_sleep(run);
    if (choice >= 14 && choice < 18)
        return do_limit(run, depth);
    if (choice >= 18 && choice < 20)
        return do_shield(run, depth);
    if (choice >= 20)
        return do_group(run, depth);

    if (choice < 9)
        do_create(run);
    else if (choice < 12)
        do_uncancel(run);
    else if (choice == 12)
        do_request(run);
    else
        do_end_early(run);
    return 0;
}

static int
run_block(struct run *run, unsigned depth)
{
    int rc = 0;

    for (uint64_t i = 1 + draw(run, 5); i > 0 && !run->failed; i--)
        rc = run_step(run, depth);
    return rc;
}

static int
run_program(void *arg)
{
    struct run *run = arg;

    run->task = ouro_current_task();
    run_block(run, 0);
    return 0;
}

static void
request(void *arg)
{
    struct run *run = arg;

    ouro_task_cancel(run->task);
}

/* Whether all went as the model says. */
static bool
try_program(uint64_t seed, struct run *run)
{
    struct seen_exceptions seen = {0};
    const struct ouro_sim_options options = {
        .loop = {.exception_handler = see_exception, .exception_arg = &seen},
    };
    struct ouro_sim *sim;

    memset(run, 0, sizeof(*run));
    run->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    run->next_ns = OURO_FOREVER;
    run->fired_ns = INT64_MIN;
    assert_ok(ouro_sim_new(&sim, &options));
    run->loop = ouro_sim_loop(sim);
    for (size_t i = 0; i < REQUESTS; i++) {
        run->requests_ns[i] = OURO_FOREVER;
        if (draw(run, 3) == 0)
            run->requests_ns[i] = ouro_loop_time_ns(run->loop)
                                  + (int64_t)(1 + draw(run, 3)) * draw_ns(run);
        ouro_call_at(run->loop, &run->requests[i], run->requests_ns[i], request,
                     run);
    }
    int rc = ouro_sim_run(sim, run_program, run);
    for (size_t i = 0; i < REQUESTS; i++)
        ouro_handle_cancel(&run->requests[i]);
    tell(run, "reports that the model expects, and those there were",
         (int64_t)run->reports, (ssize_t)seen.count);
    ouro_sim_free(sim);
    return rc == 0 && !run->failed && seen.count == run->reports;
}

/* A49 to A52, A70, A71 */
static void
programs_of_chance_run_as_the_model_says(void **state)
{
    static struct run run;
    const char *one = getenv("OURO_TEST_SEED");
    uint64_t first = one != NULL ? strtoull(one, NULL, 0) : 1;
    uint64_t last = one != NULL ? first : PROGRAMS;

    (void)state;
    for (uint64_t seed = first; seed <= last; seed++) {
        bool right = try_program(seed, &run);

        if (right && one == NULL)
            continue;
        print_message("OURO_TEST_SEED=%" PRIu64 "\n%s", seed, run.story);
        assert_true(right);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_of_chance_run_as_the_model_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
