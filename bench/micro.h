/* SPDX-License-Identifier: MIT */
/* What the micro-benchmarks share: how one thing is measured, and told. */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H

#include <stddef.h>

/* What is measured: `count` operations, one after the other. */
typedef void micro_fn(void *arg, size_t count);

/*
 * Repeat fn(arg, count), and print the least and the median time of an
 * operation as a row of the table.
 *
 * Others use the machine too, and can only make it slower: the least is the
 * figure, and the median says how far to trust it.  In a task `fn` may suspend.
 */
void micro_measure(const char *what, micro_fn *fn, void *arg, size_t count);

/* Stop the program, with `what` it could not do, if `rc` is an error. */
void micro_check(int rc, const char *what);

/* The subjects; each prints its rows. */
void micro_scale(void);
void micro_context(void);
void micro_task(void);
void micro_loop(void);
void micro_timer(void);

#endif
