/*
 * test_histogram.c -- quantiles against those of the sorted values, over distributions of every shape that latencies have.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../bench/draw.h"
#include "../../bench/histogram.h"

enum { VALUES = 20000 };

static double unit(uint64_t *seed)
{
    return (double)draw_below(seed, UINT32_MAX) / (double)UINT32_MAX;
}

static int64_t uniform_small(uint64_t *seed) { return (int64_t)draw_below(seed, 300); }
static int64_t uniform_wide(uint64_t *seed) { return (int64_t)(unit(seed) * 3.6e12); }
static int64_t exponential(uint64_t *seed) { return (int64_t)(-log(1 - unit(seed) * 0.999999) * 20000); }
static int64_t log_uniform(uint64_t *seed) { return (int64_t)exp(unit(seed) * log(3.6e12)); }
static int64_t heavy_tail(uint64_t *seed) { return (int64_t)(500 / pow(1 - unit(seed) * 0.999999, 1.5)); }
static int64_t two_modes(uint64_t *seed) { return draw_below(seed, 1000) < 995 ? 980 + (int64_t)draw_below(seed, 40) : 40000000; }
static int64_t constant(uint64_t *seed)
{
    (void)seed;
    return 123456789;
}

static int64_t (*const distributions[])(uint64_t *) = {uniform_small, uniform_wide, exponential, log_uniform,
                                                       heavy_tail,    two_modes,    constant};
enum { DISTRIBUTIONS = sizeof distributions / sizeof distributions[0] };

static const double shares[] = {0, 0.0001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.995, 0.999, 0.9999, 1};
enum { SHARES = sizeof shares / sizeof shares[0] };

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The same definition, on the values themselves. */
static int64_t exact_quantile(const int64_t *sorted, size_t count, double share)
{
    size_t rank = (size_t)ceil(share * (double)count - 1e-6);

    return sorted[rank < 1 ? 0 : rank - 1];
}

static struct histogram *fresh(void) { return calloc(1, sizeof(struct histogram)); }

static void expect_invariant(const struct histogram *h)
{
    uint64_t sum = 0;

    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum += h->bucket[i];
    cr_assert_eq(sum, h->count);
}

Test(histogram, quantiles_are_never_too_low_and_less_than_one_percent_too_high)
{
    int64_t *values = malloc(VALUES * sizeof values[0]);

    for (int d = 0; d < DISTRIBUTIONS; d++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            struct histogram *h = fresh();
            uint64_t stream = seed;

            for (int i = 0; i < VALUES; i++)
                histogram_record(h, values[i] = distributions[d](&stream), 1);
            qsort(values, VALUES, sizeof values[0], ascending);
            for (int s = 0; s < SHARES; s++) {
                int64_t exact = exact_quantile(values, VALUES, shares[s]), found = histogram_quantile(h, shares[s]);

                cr_assert_geq(found, exact, "distribution %d, quantile %g: %ld below %ld", d, shares[s], found, exact);
                cr_assert(found == exact || (double)(found - exact) < (double)exact * HISTOGRAM_ERROR,
                          "distribution %d, quantile %g: %ld for %ld", d, shares[s], found, exact);
            }
            cr_assert_eq(h->min, values[0]);
            cr_assert_eq(h->max, values[VALUES - 1]);
            cr_assert_eq(h->count, VALUES);
            expect_invariant(h);
            free(h);
        }
    free(values);
}

Test(histogram, merging_is_recording_one_after_the_other)
{
    for (int d = 0; d < DISTRIBUTIONS; d++)
        for (int e = 0; e < DISTRIBUTIONS; e++) {
            struct histogram *one = fresh(), *other = fresh(), *both = fresh();
            uint64_t stream = 11;

            for (int i = 0; i < 2000; i++) {
                struct histogram *part = i % 3 ? one : other;
                int64_t value = distributions[i % 3 ? d : e](&stream);

                histogram_record(part, value, 1);
                histogram_record(both, value, 1);
            }
            histogram_merge(one, other);
            cr_assert_eq(memcmp(one, both, sizeof *both), 0);
            free(one);
            free(other);
            free(both);
        }
}

Test(histogram, buckets_touch_and_grow)
{
    for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
        int64_t top = histogram_value(i);

        cr_assert_eq(histogram_index(top), i);
        cr_assert_eq(histogram_index(top + 1), i + 1);
    }
    cr_assert_eq(histogram_value(HISTOGRAM_BUCKETS - 1), HISTOGRAM_LIMIT - 1);
    cr_assert_gt(HISTOGRAM_LIMIT, INT64_C(3600) * 1000000000, "an hour of nanoseconds");
}

Test(histogram, small_values_are_exact)
{
    for (int64_t value = 0; value < 2 * HISTOGRAM_HALF; value++) {
        cr_assert_eq(histogram_index(value), value);
        cr_assert_eq(histogram_value((uint32_t)value), value);
    }
}

Test(histogram, nothing_recorded_has_no_quantile)
{
    struct histogram *h = fresh(), *other = fresh();

    histogram_record(h, 5, 0);
    histogram_merge(h, other);
    cr_assert_eq(h->count, 0);
    cr_assert_eq(histogram_quantile(h, 0.5), -1);
    histogram_record(other, 7, 2);
    histogram_merge(h, other);
    cr_assert_eq(h->min, 7);
    histogram_clear(h);
    cr_assert_eq(histogram_quantile(h, 1), -1);
    free(h);
    free(other);
}

Test(histogram, one_event_is_every_quantile)
{
    struct histogram *h = fresh();

    histogram_record(h, 1000001, 1);
    for (int s = 0; s < SHARES; s++)
        cr_assert_eq(histogram_quantile(h, shares[s]), 1000001, "the exact maximum caps its bucket");
    free(h);
}

Test(histogram, beyond_the_range_is_counted_and_told)
{
    struct histogram *h = fresh();

    histogram_record(h, -5, 1);
    histogram_record(h, HISTOGRAM_LIMIT - 1, 1);
    histogram_record(h, HISTOGRAM_LIMIT, 1);
    histogram_record(h, INT64_MAX, 2);
    cr_assert_eq(h->count, 5);
    cr_assert_eq(h->saturated, 3);
    cr_assert_eq(h->min, 0, "a clock that went back");
    cr_assert_eq(h->max, INT64_MAX);
    cr_assert_eq(histogram_quantile(h, 1), INT64_MAX);
    cr_assert_eq(histogram_quantile(h, 0.8), HISTOGRAM_LIMIT - 1);
    cr_assert_eq(h->bucket[HISTOGRAM_BUCKETS - 1], 4);
    expect_invariant(h);
    free(h);
}

Test(histogram, ranks_do_not_slip_by_rounding)
{
    struct histogram *h = fresh();

    histogram_record(h, 1, 990);
    histogram_record(h, 2, 10);
    cr_assert_eq(histogram_quantile(h, 0.99), 1);
    cr_assert_eq(histogram_quantile(h, 0.9901), 2);
    histogram_record(h, 1, 9000 - 990);
    histogram_record(h, 2, 990);
    cr_assert_eq(histogram_quantile(h, 0.9), 1, "9000 of 10000");
    free(h);
}
