/* SPDX-License-Identifier: MIT */
/* What models of waiting tasks are made of: lines of players, the steps that
 * are ready, and chance.
 *
 * A program of random actions runs on the library and on a model of it, which
 * knows nothing of lists and handles.  After each turn both must have come to
 * the same.  A seed that fails is named, and can be run alone: OURO_SIM_SEED=7.
 */
#ifndef OURO_SYNC_MODEL_H
#define OURO_SYNC_MODEL_H

#include "ouro_test.h"

#include <stdlib.h>
#include <string.h>

enum { PLAYERS = 32, SEEDS = 400, NOBODY = -1 };

/* Players, the first being the one that came first. */
struct line {
    int players[PLAYERS];
    size_t count;
};

/* A player that was woken, or has not begun, and with what outcome. */
struct step {
    int player;
    int outcome;
};

/* The steps that are ready, in their order. */
struct steps {
    struct step all[4 * PLAYERS];
    size_t count;
};

static uint64_t chance;

/* A number from 0 to `count` - 1. */
static inline unsigned
draw(unsigned count)
{
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(chance >> 33) % count;
}

static inline void
line_append(struct line *line, int player)
{
    line->players[line->count++] = player;
}

static inline bool
line_remove(struct line *line, int player)
{
    for (size_t i = 0; i < line->count; i++) {
        if (line->players[i] != player)
            continue;
        line->count--;
        memmove(&line->players[i], &line->players[i + 1],
                (line->count - i) * sizeof(line->players[0]));
        return true;
    }
    return false;
}

/* NOBODY if there is none. */
static inline int
line_shift(struct line *line)
{
    int first = line->count > 0 ? line->players[0] : NOBODY;

    line_remove(line, first);
    return first;
}

static inline void
steps_append(struct steps *steps, int player, int outcome)
{
    steps->all[steps->count++] = (struct step){player, outcome};
}

/* Let the first in `line` run with `outcome`.  NOBODY if there is none. */
static inline int
wake_first(struct steps *steps, struct line *line, int outcome)
{
    int first = line_shift(line);

    if (first != NOBODY)
        steps_append(steps, first, outcome);
    return first;
}

/* Run `program` with each seed, or with the one that is asked for. */
static inline void
for_each_seed(void (*program)(unsigned seed))
{
    const char *only = getenv("OURO_SIM_SEED");

    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        if (only != NULL)
            seed = (unsigned)strtoul(only, NULL, 0);
        chance = seed;
        program(seed);
        if (only != NULL)
            break;
    }
}

#endif
