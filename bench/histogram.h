/*
 * histogram.h -- how many values fell where: log-linear buckets, in fixed memory, recorded in a few instructions.
 * (The idea is HdrHistogram's, by Gil Tene; the code is ours.) For latencies in nanoseconds, but it knows no unit.
 *
 *     value            bucket width   buckets
 *     0 … 255                    1        256
 *     2^m … 2^(m+1)-1    2^(m - 7)        128   for each m from 8 to 41
 *
 * A value is reported as the highest one of its bucket: never too low, and too high by less than 1/128 (0.79%) of itself, so
 * that two decimal digits hold. What is 2^42 or above (in ns: 73 minutes) is counted in the last bucket and in `saturated`.
 * Count, least and largest value are exact.
 *
 * Invariant: the counts of all buckets add up to `count`; min > max exactly while count is 0.
 * The struct is one writer's; merging is for after it has ended. The measuring side needs this header alone.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_HALF_BITS = 7, /* 128 buckets for each doubling: 100 would do for two digits */
    HISTOGRAM_HALF = 1 << HISTOGRAM_HALF_BITS,
    HISTOGRAM_TOP_BITS = 42,
    HISTOGRAM_BUCKETS = (HISTOGRAM_TOP_BITS - HISTOGRAM_HALF_BITS + 1) * HISTOGRAM_HALF,
};
#define HISTOGRAM_LIMIT (INT64_C(1) << HISTOGRAM_TOP_BITS) /* the least value that saturates */
#define HISTOGRAM_ERROR (1.0 / HISTOGRAM_HALF)              /* a reported value is above the true one by less than this share */

struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t count, saturated;
    int64_t min, max;
};

/* The bucket of a value from 0 to HISTOGRAM_LIMIT - 1. */
static inline uint32_t histogram_index(int64_t value)
{
    uint32_t top = 63 - (uint32_t)__builtin_clzll((uint64_t)value | HISTOGRAM_HALF), shift = top - HISTOGRAM_HALF_BITS;

    return shift * HISTOGRAM_HALF + (uint32_t)((uint64_t)value >> shift);
}

/* `times` events of that value. A value below 0 (a clock went back) counts as 0. Neither allocates nor fails. */
static inline void histogram_record(struct histogram *h, int64_t value, uint64_t times)
{
    if (times == 0)
        return;
    if (value < 0)
        value = 0;
    if (h->count == 0 || value < h->min)
        h->min = value;
    if (h->count == 0 || value > h->max)
        h->max = value;
    h->count += times;
    if (value >= HISTOGRAM_LIMIT) {
        h->saturated += times;
        value = HISTOGRAM_LIMIT - 1;
    }
    h->bucket[histogram_index(value)] += times;
}

/* Empty; a zeroed struct is empty too. */
void histogram_clear(struct histogram *h);

/* Adds all events of `from`: as if they had been recorded here. */
void histogram_merge(struct histogram *h, const struct histogram *from);

/* The highest value of a bucket. */
int64_t histogram_value(uint32_t index);

/* The event of rank ceil(share * count), counted from the least, at least 1: the smallest value that at least this share of
 * the events does not exceed. Reported as its bucket's highest value, or the exact maximum if that is less. `share` from 0 to
 * 1; 1 is the exact maximum. -1 if there are no events. */
int64_t histogram_quantile(const struct histogram *h, double share);

#endif
