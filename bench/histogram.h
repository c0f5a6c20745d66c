/* SPDX-License-Identifier: MIT */
/* A histogram of durations, with buckets that grow with the value.
 *
 * Each power of two has 64 buckets, so a percentile is off by less than one
 * percent however long the tail is, and recording costs the same for any value.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_SUB_BITS = 6,
    HISTOGRAM_SUB_COUNT = 1 << HISTOGRAM_SUB_BITS,
    HISTOGRAM_BUCKETS = (65 - HISTOGRAM_SUB_BITS) * HISTOGRAM_SUB_COUNT
};

struct histogram {
    uint64_t total;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Forget all values. */
void histogram_reset(struct histogram *histogram);

void histogram_record(struct histogram *histogram, uint64_t value);

/* The value that `quantile` (0 to 1) of all are not above; 0 if there is none.
 */
uint64_t histogram_quantile(const struct histogram *histogram, double quantile);

#endif
