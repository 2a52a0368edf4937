/*
 * summary.h -- the statistics: order statistics only, no distribution is assumed. Pure functions, no I/O.
 */
#ifndef BENCH_SUMMARY_H
#define BENCH_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SUMMARY_MOST_NEEDED = 1000000000 }; /* what summary_needed says of a spread without bounds */
enum { SUMMARY_LEAST_PAIRS = 6 }; /* 2 * 2^-6 < 5%: the fewest pairs that have a 95% sign interval at all */

struct interval {
    bool exists; /* false: too few values for the level asked */
    double low, high;
};

double summary_median(const double *values, size_t count);         /* count > 0; the mean of the middle two when even */
double summary_quartile(const double *values, size_t count);       /* the lower one: a value that occurred; count > 0 */
double summary_mad(const double *values, size_t count);            /* median distance from the median, unscaled */
int64_t summary_middle(const int64_t *values, size_t count);       /* lower median: a value that occurred */

/* Interval for the median by the sign test: covers it with probability >= 1 - alpha whatever the distribution is. */
struct interval summary_sign_interval(const double *values, size_t count, double alpha);

/* The fewest values for which that interval exists. */
size_t summary_least_count(double alpha);

/* Two independent samples of values above zero: the median of all quotients a/b (Hodges and Lehmann's estimate, on the
 * logarithms), and its interval by the Mann-Whitney test: covers the true ratio with probability >= 1 - alpha whatever the
 * distribution is, if the two have the same shape. Exact up to SUMMARY_EXACT products of the counts, normal beyond. */
enum { SUMMARY_EXACT = 40000 };
double summary_quotient(const double *a, size_t count_a, const double *b, size_t count_b);
struct interval summary_quotient_interval(const double *a, size_t count_a, const double *b, size_t count_b, double alpha);

/* How many values would shrink an interval to `half_width` either side, if widths go with 1/sqrt(count). */
size_t summary_needed(size_t count, struct interval interval, double half_width);

#endif
