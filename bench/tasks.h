/* SPDX-License-Identifier: MIT */
/* What the programs of the bench of tasks share, ours and those compared with:
 * how one of their jobs is chosen, timed and told.
 *
 *     $ tasks_ouro gather 10000
 *     rounds=7 least_ns=... median_ns=... check=49995000
 *
 * Each job does a given amount of work, and returns a number that only one who
 * did all of it can know; run_tasks knows it, too.
 */
#ifndef BENCH_TASKS_H
#define BENCH_TASKS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The same in tasks_asyncio.py. */
enum {
    TASKS_STAGES = 1000,       /* of the pipeline */
    TASKS_QUEUE_SIZE = 8,      /* items that wait between two of them */
    TASKS_CHAINS = 100,        /* calls that are asked for side by side */
    TASKS_OTHER_TIMERS = 1000, /* that wait while timeouts begin and end */
    TASKS_TURN = 100, /* timeouts begun and ended in a turn of the loop */
    TASKS_HOUR_SECONDS = 3600
};

/* Do the work of `count`, which may be seen in the result. */
typedef uint64_t tasks_fn(size_t count);

struct tasks_job {
    const char *name;
    tasks_fn *fn;
};

/* Run the job that the command line names, several times, and print a line.
 * Returns what main() returns.  The list of `jobs` ends with a NULL name. */
int tasks_main(int argc, char **argv, const struct tasks_job *jobs);

/* Stop the program, with `what` it could not do, unless `good`. */
void tasks_check(int good, const char *what);

#ifdef __cplusplus
}
#endif

#endif
