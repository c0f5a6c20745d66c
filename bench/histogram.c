/* SPDX-License-Identifier: MIT */
/* A histogram of durations: which bucket a value falls into, and back. */
#include "histogram.h"

#include <stddef.h>
#include <string.h>

static size_t
bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_SUB_COUNT)
        return (size_t)value;

    int shift = 63 - __builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    size_t sub = (size_t)(value >> shift) - HISTOGRAM_SUB_COUNT;
    return ((size_t)shift + 1) * HISTOGRAM_SUB_COUNT + sub;
}

/* The middle of a bucket. */
static uint64_t
value_of(size_t bucket)
{
    if (bucket < HISTOGRAM_SUB_COUNT)
        return bucket;

    size_t shift = bucket / HISTOGRAM_SUB_COUNT - 1;
    uint64_t sub = bucket % HISTOGRAM_SUB_COUNT + HISTOGRAM_SUB_COUNT;
    return (sub << shift) + (UINT64_C(1) << shift) / 2;
}

void
histogram_reset(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

void
histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram->total++;
    histogram->buckets[bucket_of(value)]++;
}

uint64_t
histogram_quantile(const struct histogram *histogram, double quantile)
{
    if (histogram->total == 0)
        return 0;

    double wanted = quantile * (double)histogram->total;
    uint64_t seen = 0;
    size_t last = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (histogram->buckets[i] == 0)
            continue;
        seen += histogram->buckets[i];
        last = i;
        if ((double)seen >= wanted)
            break;
    }
    return value_of(last);
}
