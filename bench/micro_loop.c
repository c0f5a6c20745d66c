/* SPDX-License-Identifier: MIT */
/* What it costs to have the loop call: at once, and from another thread; and
 * what of that is the watch for calls that hold the loop for too long. */
#include "micro.h"

#include <ouro/run.h>

enum { CHAIN_COUNT = 100 };

/* Calls that ask for the next one, many side by side: a turn of the loop is
 * shared by all of them. */
struct chains {
    struct ouro_loop *loop;
    struct ouro_future ended;
    size_t width;  /* chains to begin */
    size_t left;   /* calls to ask for */
    size_t active; /* chains that have not ended */
    struct chain {
        struct ouro_handle handle;
        struct chains *of;
    } chains[CHAIN_COUNT];
};

/* Whether there is another call to ask for. */
static bool
goes_on(struct chains *chains)
{
    if (chains->left > 0) {
        chains->left--;
        return true;
    }
    if (--chains->active == 0)
        (void)ouro_future_set_result(&chains->ended, NULL);
    return false;
}

static void
ask_soon(void *arg)
{
    struct chain *self = arg;

    if (goes_on(self->of))
        ouro_call_soon(self->of->loop, &self->handle, ask_soon, self);
}

static void
ask_threadsafe(void *arg)
{
    struct chain *self = arg;

    if (goes_on(self->of))
        micro_check(ouro_call_soon_threadsafe(self->of->loop, &self->handle,
                                              ask_threadsafe, self),
                    "post");
}

static void
run_chains(struct chains *chains, ouro_callback_fn *fn, size_t count)
{
    ouro_future_init(&chains->ended, chains->loop);
    chains->left = count - chains->width;
    chains->active = chains->width;
    for (size_t i = 0; i < chains->width; i++)
        ouro_call_soon(chains->loop, &chains->chains[i].handle, fn,
                       &chains->chains[i]);
    micro_check(ouro_await(&chains->ended), "chains");
}

static void
call_soon(void *arg, size_t count)
{
    run_chains(arg, ask_soon, count);
}

static void
call_soon_threadsafe(void *arg, size_t count)
{
    run_chains(arg, ask_threadsafe, count);
}

static void
begin(struct chains *chains)
{
    chains->loop = ouro_get_running_loop();
    for (size_t i = 0; i < CHAIN_COUNT; i++)
        chains->chains[i].of = chains;
}

static int
measure(void *arg)
{
    struct chains *chains = arg;

    begin(chains);
    chains->width = CHAIN_COUNT;
    micro_measure("call_soon to its call, 100 in a turn", call_soon, chains,
                  20000);
    micro_measure("call_soon_threadsafe to its call, 100 in a turn",
                  call_soon_threadsafe, chains, 20000);
    chains->width = 1;
    micro_measure("call_soon to its call, 1 in a turn", call_soon, chains,
                  2000);
    return 0;
}

static int
measure_unwatched(void *arg)
{
    struct chains *chains = arg;

    begin(chains);
    chains->width = CHAIN_COUNT;
    micro_measure("call_soon to its call, 100 in a turn, unwatched", call_soon,
                  chains, 20000);
    chains->width = 1;
    micro_measure("call_soon to its call, 1 in a turn, unwatched", call_soon,
                  chains, 2000);
    return 0;
}

void
micro_loop(void)
{
    const struct ouro_run_options unwatched = {.no_stall_report = true};
    struct chains chains = {0};

    micro_check(ouro_run(measure, &chains), "loop");
    micro_check(ouro_run_with(measure_unwatched, &chains, &unwatched),
                "unwatched loop");
}
