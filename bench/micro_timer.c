/* SPDX-License-Identifier: MIT */
/* What timers and timeouts cost while many others wait.
 *
 * Each begin of a timeout, and each call_later, reads the clock.  On a loop of
 * the simulation, whose clock is a variable, one sees what is left without.
 */
#include "micro.h"

#include <ouro/run.h>
#include <ouro/sim.h>

#include <stdio.h>
#include <stdlib.h>

struct timers {
    const char *clock;
    struct ouro_loop *loop;
    struct ouro_handle *live;
    struct ouro_handle own;
    size_t count;
    uint32_t random;
};

static void
do_nothing(void *arg)
{
    (void)arg;
}

/* From a minute on, one per microsecond on average. */
static int64_t
some_time(struct timers *timers)
{
    timers->random = timers->random * 1664525 + 1013904223;
    return OURO_SECONDS(60) + (int64_t)(timers->random >> 8) * 1000;
}

static void
begin_and_end(void *arg, size_t count)
{
    (void)arg;
    for (size_t i = 0; i < count; i++) {
        struct ouro_timeout limit;

        ouro_timeout_begin(&limit, OURO_SECONDS(61));
        micro_check((int)ouro_timeout_end(&limit, 0), "timeout");
    }
}

static void
begin_and_end_inside(void *arg, size_t count)
{
    struct ouro_timeout outer;

    ouro_timeout_begin(&outer, OURO_SECONDS(50));
    begin_and_end(arg, count);
    micro_check((int)ouro_timeout_end(&outer, 0), "timeout");
}

static void
call_later_and_cancel(void *arg, size_t count)
{
    struct timers *timers = arg;

    for (size_t i = 0; i < count; i++) {
        ouro_call_later(timers->loop, &timers->own, OURO_SECONDS(61),
                        do_nothing, NULL);
        ouro_handle_cancel(&timers->own);
    }
}

static void
move_any(void *arg, size_t count)
{
    struct timers *timers = arg;

    for (size_t i = 0; i < count; i++) {
        int64_t delay_ns = some_time(timers);
        size_t which = (timers->random >> 4) % timers->count;

        ouro_call_later(timers->loop, &timers->live[which], delay_ns,
                        do_nothing, NULL);
    }
}

static void
row(struct timers *timers, const char *what, micro_fn *fn)
{
    char text[128];

    snprintf(text, sizeof(text), "%s, %zu timers live%s", what, timers->count,
             timers->clock);
    micro_measure(text, fn, timers, 10000);
}

static void
measure_with(struct timers *timers, size_t count)
{
    timers->count = count;
    timers->live = calloc(count, sizeof(*timers->live));
    for (size_t i = 0; i < count; i++)
        ouro_call_later(timers->loop, &timers->live[i], some_time(timers),
                        do_nothing, NULL);

    row(timers, "timeout begun and ended", begin_and_end);
    row(timers, "call_later and cancel", call_later_and_cancel);
    if (count > 0)
        row(timers, "a timer moved", move_any);
    else
        row(timers, "timeout inside a shorter one", begin_and_end_inside);

    for (size_t i = 0; i < count; i++)
        ouro_handle_cancel(&timers->live[i]);
    free(timers->live);
}

static int
measure(void *arg)
{
    struct timers timers = {
        .clock = arg,
        .loop = ouro_get_running_loop(),
        .random = 1,
    };

    measure_with(&timers, 0);
    measure_with(&timers, 1000);
    measure_with(&timers, 100000);
    return 0;
}

void
micro_timer(void)
{
    static char without[] = ", without the clock";
    static char with[] = "";
    struct ouro_sim *sim;

    micro_check(ouro_run(measure, with), "timers");
    micro_check(ouro_sim_new(&sim, NULL), "a simulation");
    micro_check(ouro_sim_run(sim, measure, without), "timers");
    ouro_sim_free(sim);
}
