/* SPDX-License-Identifier: MIT */
/* Micro-benchmarks: what single operations cost, as a table.
 *
 *     $ taskset -c 1 build/release/bench/micro
 *
 * Arguments are the subjects to measure; none means all of them.
 */
#include "micro.h"

#include <ouro/error.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPEATS = 101 };

static const struct {
    const char *name;
    void (*run)(void);
} subjects[] = {
    {"scale", micro_scale}, {"context", micro_context}, {"task", micro_task},
    {"loop", micro_loop},   {"timer", micro_timer},
};

enum { SUBJECT_COUNT = sizeof(subjects) / sizeof(subjects[0]) };

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
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

void
micro_measure(const char *what, micro_fn *fn, void *arg, size_t count)
{
    double ns[REPEATS];

    fn(arg, count);
    for (size_t i = 0; i < REPEATS; i++) {
        int64_t begin_ns = now_ns();

        fn(arg, count);
        ns[i] = (double)(now_ns() - begin_ns) / (double)count;
    }
    qsort(ns, REPEATS, sizeof(ns[0]), compare);
    printf("| %s | %.1f | %.1f |\n", what, ns[0], ns[REPEATS / 2]);
    fflush(stdout);
}

void
micro_check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "micro: %s: %s\n", what, ouro_strerror(rc));
    exit(EXIT_FAILURE);
}

static void
run_subject(const char *name)
{
    for (size_t i = 0; i < SUBJECT_COUNT; i++) {
        if (strcmp(subjects[i].name, name) == 0) {
            subjects[i].run();
            return;
        }
    }
    fprintf(stderr, "micro: there is no subject '%s'\n", name);
    exit(EXIT_FAILURE);
}

int
main(int argc, char **argv)
{
    printf("| operation | ns, least | ns, median |\n| --- | --- | --- |\n");
    for (int i = 1; i < argc; i++)
        run_subject(argv[i]);
    for (size_t i = 0; argc < 2 && i < SUBJECT_COUNT; i++)
        subjects[i].run();
    return EXIT_SUCCESS;
}
