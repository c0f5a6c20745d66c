/* SPDX-License-Identifier: MIT */
/* A world to run a task in: one test, on each engine.
 *
 * Behaviour is tested in tasks that talk to each other over 127.0.0.1, in one
 * loop.  Which engine is under it is a word, the program's first argument:
 *
 *   sim    no kernel, virtual time
 *   chaos  the same, and all that may go wrong does: short reads and writes,
 *          late and overtaking completions, cancels that lose their race
 *   uring  the real thing
 *
 * A world leaves nothing behind, and that is asserted: no task, connection,
 * operation, timer, block, allocation or descriptor.
 */
#ifndef OURO_TEST_WORLD_H
#define OURO_TEST_WORLD_H

#include "ouro_test.h"

/* The engine a test program was asked for; "sim" if it was not.  Ends the
 * program as skipped where that engine cannot run. */
const char *world_engine(int argc, char **argv);

/* How the loops of all worlds from now on are made; NULL: in the usual way. */
void set_world_loop(const struct ouro_loop_options *options);

/* By what chance things go wrong in the worlds of chaos from now on. */
void set_world_seed(uint64_t seed);

/* Run `fn(arg)` as the main task of a new world, wait until all that it began
 * has ended, and return what it returned.
 *
 * Nothing may be reported to the exception handler meanwhile.
 *   -EDEADLK, -ETIMEDOUT  it did not come to an end, in sim or in uring
 */
#define run_in_world(engine, fn, arg) run_in_noisy_world(engine, fn, arg, NULL)

/* The same, where reports are expected: they go to `*out_seen`. */
int run_in_noisy_world(const char *engine, ouro_task_fn *fn, void *arg,
                       struct seen_exceptions *out_seen);

#endif
