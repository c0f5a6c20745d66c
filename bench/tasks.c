/* SPDX-License-Identifier: MIT */
/* The command line of the programs of the bench of tasks, and their clock. */
#include "tasks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 7, ROUNDS_MAX = 1001 };

static int64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

void
tasks_check(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "it failed: %s\n", what);
    exit(EXIT_FAILURE);
}

static const struct tasks_job *
find_job(const struct tasks_job *jobs, const char *name)
{
    for (; jobs->name != NULL; jobs++) {
        if (strcmp(jobs->name, name) == 0)
            return jobs;
    }
    return NULL;
}

static int
list_jobs(const struct tasks_job *jobs)
{
    for (; jobs->name != NULL; jobs++)
        printf("%s\n", jobs->name);
    return EXIT_SUCCESS;
}

/* The first round, which is not timed, warms up. */
static void
run_job(const struct tasks_job *job, size_t count, size_t rounds)
{
    int64_t ns[ROUNDS_MAX];
    uint64_t check = job->fn(count);

    for (size_t i = 0; i < rounds; i++) {
        int64_t begin_ns = now_ns();
        uint64_t result = job->fn(count);

        ns[i] = now_ns() - begin_ns;
        tasks_check(result == check, "each round comes to the same");
    }
    qsort(ns, rounds, sizeof(ns[0]), compare);
    printf("rounds=%zu least_ns=%" PRId64 " median_ns=%" PRId64
           " check=%" PRIu64 "\n",
           rounds, ns[0], ns[rounds / 2], check);
}

int
tasks_main(int argc, char **argv, const struct tasks_job *jobs)
{
    const struct tasks_job *job = argc > 2 ? find_job(jobs, argv[1]) : NULL;
    size_t rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : ROUNDS;

    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list_jobs(jobs);
    if (job == NULL || rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: %s JOB COUNT [ROUNDS]\n       %s --list\n",
                argv[0], argv[0]);
        return EXIT_FAILURE;
    }
    run_job(job, strtoul(argv[2], NULL, 10), rounds);
    return EXIT_SUCCESS;
}
