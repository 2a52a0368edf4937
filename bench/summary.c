/*
 * summary.c -- the statistics: order statistics only.
 */
#include "summary.h"

#include <math.h>
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

/* Quotients a[i]/b[j] up to `bound`; both sorted. */
static size_t summary_count_quotients(const double *a, size_t count_a, const double *b, size_t count_b, double bound)
{
    size_t count = 0, j = count_b; /* a larger a[i] leaves only larger b[j]: j walks once */

    for (size_t i = count_a; i-- > 0;) {
        while (j > 0 && a[i] / b[j - 1] <= bound)
            j--;
        count += count_b - j;
    }
    return count;
}

/* The rank-th smallest quotient (from 1), by bisection: all of them would not fit into memory. Both sorted. */
static double summary_quotient_at(const double *a, size_t count_a, const double *b, size_t count_b, size_t rank)
{
    double low = a[0] / b[count_b - 1], high = a[count_a - 1] / b[0];

    if (summary_count_quotients(a, count_a, b, count_b, low) >= rank)
        return low;
    for (;;) { /* low has fewer than `rank`, high has enough: ends when no number is left between them */
        double middle = low + (high - low) / 2;

        if (!(middle > low && middle < high))
            return high;
        if (summary_count_quotients(a, count_a, b, count_b, middle) >= rank)
            high = middle;
        else
            low = middle;
    }
}

double summary_quotient(const double *a, size_t count_a, const double *b, size_t count_b)
{
    double *x = summary_sorted(a, count_a), *y = summary_sorted(b, count_b), quotient;
    size_t pairs = count_a * count_b;

    quotient = summary_quotient_at(x, count_a, y, count_b, pairs / 2 + 1);
    if (pairs % 2 == 0)
        quotient = (quotient + summary_quotient_at(x, count_a, y, count_b, pairs / 2)) / 2;
    free(x);
    free(y);
    return quotient;
}

/* In how many of the binomial(a + b, a) orders Mann and Whitney's U is u, for u up to `most`: the coefficients of the
 * product of (1 - x^(b+i)) / (1 - x^i), i from 1 to a. What is lost in large ones never reaches smaller u. */
static long double *summary_rank_sums(size_t count_a, size_t count_b, size_t most)
{
    long double *ways = memory_alloc(most + 1, sizeof ways[0]);

    ways[0] = 1;
    for (size_t i = 1; i <= count_a; i++) {
        for (size_t u = most + 1; u-- > count_b + i;)
            ways[u] -= ways[u - count_b - i];
        for (size_t u = i; u <= most; u++)
            ways[u] += ways[u - i];
    }
    return ways;
}

/* The largest k with 2 P(U <= k-1) <= alpha; 0 if there is none. */
static size_t summary_exact_rank(size_t count_a, size_t count_b, double alpha)
{
    size_t most = count_a * count_b / 2, rank = 0;
    long double *ways = summary_rank_sums(count_a, count_b, most), orders = 1, below = 0;

    for (size_t i = 1; i <= count_a; i++)
        orders = orders * (long double)(count_b + i) / (long double)i;
    while (rank <= most) {
        below += ways[rank] / orders;
        if (2 * below > alpha)
            break;
        rank++;
    }
    free(ways);
    return rank;
}

static size_t summary_normal_rank(size_t count_a, size_t count_b, double alpha)
{
    double a = (double)count_a, b = (double)count_b, low = 0, high = 40, rank;

    for (int i = 0; i < 100; i++) { /* the normal quantile: erfc(z / sqrt 2) = alpha */
        double z = (low + high) / 2;

        if (erfc(z / sqrt(2)) > alpha)
            low = z;
        else
            high = z;
    }
    rank = a * b / 2 - high * sqrt(a * b * (a + b + 1) / 12);
    return rank > 0 ? (size_t)rank : 0;
}

struct interval summary_quotient_interval(const double *a, size_t count_a, const double *b, size_t count_b, double alpha)
{
    size_t pairs = count_a * count_b;
    size_t rank = pairs == 0               ? 0
                  : pairs <= SUMMARY_EXACT ? summary_exact_rank(count_a, count_b, alpha)
                                           : summary_normal_rank(count_a, count_b, alpha);
    struct interval interval = {.exists = rank > 0};

    if (interval.exists) {
        double *x = summary_sorted(a, count_a), *y = summary_sorted(b, count_b);

        interval.low = summary_quotient_at(x, count_a, y, count_b, rank);
        interval.high = summary_quotient_at(x, count_a, y, count_b, pairs + 1 - rank);
        free(x);
        free(y);
    }
    return interval;
}

size_t summary_needed(size_t count, struct interval interval, double half_width)
{
    double shrink = (interval.high - interval.low) / 2 / half_width, needed = (double)count * shrink * shrink;

    return needed < SUMMARY_MOST_NEEDED ? (size_t)needed + 1 : SUMMARY_MOST_NEEDED;
}
