/* SPDX-License-Identifier: MIT */
/* When a call has held its loop for too long, and how that is told. */
#include "stall.h"

#include "backtrace.h"
#include "loop.h"
#include "symbols.h"
#include "text.h"

#include <ouro/stall.h>

#include <unistd.h>

/* Each of the three counters goes up only, and so does the sum. */
struct ouro__stall_view
ouro__stall_view_of(const struct ouro_loop *loop)
{
    const struct ouro__pulse *pulse = &loop->pulse;

    return (struct ouro__stall_view){
        .busy = atomic_load(&pulse->busy),
        .turns = atomic_load_explicit(&pulse->turns, memory_order_relaxed),
        .calls =
            atomic_load_explicit(&pulse->calls, memory_order_relaxed)
            + atomic_load_explicit(&pulse->flushes, memory_order_relaxed)
            + atomic_load_explicit(&loop->engine->calls, memory_order_relaxed),
    };
}

bool
ouro__stall_look(struct ouro__stall_state *state,
                 const struct ouro__stall_view *view, int64_t limit_ns,
                 int64_t now_ns, int64_t *out_held_ns)
{
    const struct ouro__stall_view *seen = &state->seen;

    if (!view->busy || !seen->busy || view->turns != seen->turns
        || view->calls != seen->calls) {
        state->seen = *view;
        state->since_ns = now_ns;
        state->told = false;
        return false;
    }
    *out_held_ns = now_ns - state->since_ns;
    if (state->told || *out_held_ns < limit_ns)
        return false;
    state->told = true;
    return true;
}

/* A call is told of after its limit, and half of that at the most. */
int64_t
ouro__stall_pause_ns(int64_t limit_ns)
{
    return limit_ns / 2;
}

void
ouro_print_stall(const struct ouro_stall *stall, void *arg)
{
    struct ouro__symbols *symbols = ouro__symbols_load();
    int fd = STDERR_FILENO;
    struct ouro__text text;

    (void)arg;
    ouro__text_init(&text, ouro__text_write, &fd);
    ouro__text_add(&text, "ouro: ");
    if (stall->name != NULL)
        ouro__text_add(&text, "task '%s' (%s)", stall->name,
                       ouro__text_site(stall->site));
    else
        ouro__text_add(&text, "a call (%s)", ouro__text_site(stall->site));
    ouro__text_add(&text, " has held the loop for %lld ms",
                   (long long)(stall->held_ns / 1000000));
    ouro__text_end_line(&text);
    ouro__backtrace_tell(&text, symbols, stall->frames, stall->frame_count);
    ouro__symbols_free(symbols);
}
