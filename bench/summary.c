/*
 * summary.c -- the statistics: order statistics only.
 */
#include "summary.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static int summary_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double *summary_sorted(const double *values, size_t count)
{
    double *sorted = memory_alloc(count, sizeof sorted[0]);

    memcpy(sorted, values, count * sizeof sorted[0]);
    qsort(sorted, count, sizeof sorted[0], summary_compare);
    return sorted;
}

double summary_median(const double *values, size_t count)
{
    double *sorted = summary_sorted(values, count);
    double median = count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;

    free(sorted);
    return median;
}

double summary_quartile(const double *values, size_t count)
{
    double *sorted = summary_sorted(values, count), quartile = sorted[count / 4];

    free(sorted);
    return quartile;
}

double summary_mad(const double *values, size_t count)
{
    double *distance = memory_alloc(count, sizeof distance[0]), median = summary_median(values, count), mad;

    for (size_t i = 0; i < count; i++)
        distance[i] = values[i] > median ? values[i] - median : median - values[i];
    mad = summary_median(distance, count);
    free(distance);
    return mad;
}

static int summary_compare_int(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int64_t summary_middle(const int64_t *values, size_t count)
{
    int64_t *sorted = memory_alloc(count, sizeof sorted[0]), middle;

    memcpy(sorted, values, count * sizeof sorted[0]);
    qsort(sorted, count, sizeof sorted[0], summary_compare_int);
    middle = sorted[(count - 1) / 2];
    free(sorted);
    return middle;
}

/* The largest k with 2 P(B <= k-1) <= alpha, B binomial(count, 1/2): the k-th value from either end bounds the interval.
 * 0 when there is none. long double: 2^-count stays representable up to 16000 values. */
static size_t summary_sign_rank(size_t count, double alpha)
{
    long double term = 1, below = 0;
    size_t rank = 0;

    for (size_t i = 0; i < count; i++)
        term /= 2;
    while (rank < (count + 1) / 2) {
        below += term;
        if (2 * below > alpha)
            break;
        term = term * (long double)(count - rank) / (long double)(rank + 1);
        rank++;
    }
    return rank;
}

struct interval summary_sign_interval(const double *values, size_t count, double alpha)
{
    size_t rank = summary_sign_rank(count, alpha);
    struct interval interval = {.exists = rank > 0};

    if (interval.exists) {
        double *sorted = summary_sorted(values, count);

        interval.low = sorted[rank - 1];
        interval.high = sorted[count - rank];
        free(sorted);
    }
    return interval;
}

size_t summary_least_count(double alpha)
{
    size_t count = 1;

    while (summary_sign_rank(count, alpha) == 0)
        count++;
    return count;
}

size_t summary_needed(size_t count, struct interval interval, double half_width)
{
    double shrink = (interval.high - interval.low) / 2 / half_width, needed = (double)count * shrink * shrink;

    return needed < SUMMARY_MOST_NEEDED ? (size_t)needed + 1 : SUMMARY_MOST_NEEDED;
}
