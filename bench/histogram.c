/*
 * histogram.c -- what is read off a histogram when nobody records any more.
 */
#include "histogram.h"

#include <math.h>
#include <string.h>

void histogram_clear(struct histogram *h)
{
    memset(h, 0, sizeof *h);
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
    if (from->count == 0)
        return;
    if (h->count == 0 || from->min < h->min)
        h->min = from->min;
    if (h->count == 0 || from->max > h->max)
        h->max = from->max;
    h->count += from->count;
    h->saturated += from->saturated;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        h->bucket[i] += from->bucket[i];
}

int64_t histogram_value(uint32_t index)
{
    uint32_t shift = index < 2 * HISTOGRAM_HALF ? 0 : index / HISTOGRAM_HALF - 1;

    return ((int64_t)(index - shift * HISTOGRAM_HALF + 1) << shift) - 1;
}

/* From 1 to count. 0.99 * 1000 is 990.0000000000001 or so in floating point: not the 991st event. */
static uint64_t histogram_rank(const struct histogram *h, double share)
{
    double rank = ceil(share * (double)h->count * (1 - 1e-12));

    return rank < 1 ? 1 : rank >= (double)h->count ? h->count : (uint64_t)rank;
}

int64_t histogram_quantile(const struct histogram *h, double share)
{
    uint64_t rank = histogram_rank(h, share), seen = 0;

    if (h->count == 0)
        return -1;
    if (rank == h->count)
        return h->max;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen >= rank)
            return histogram_value(i) < h->max ? histogram_value(i) : h->max;
    }
    return h->max;
}
