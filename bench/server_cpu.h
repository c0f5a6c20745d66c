/* SPDX-License-Identifier: MIT */
/* The CPU time of another process, all its threads together. */
#ifndef BENCH_SERVER_CPU_H
#define BENCH_SERVER_CPU_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Read the nanoseconds that the threads of `pid` have run so far, those that
 * the kernel started for its io_uring included.
 *
 * Returns 0 or a negative errno: -ENOENT if there is no such process, or this
 * kernel keeps no such account.
 */
int server_cpu_read(pid_t pid, uint64_t *out_ns);

#endif
