/*
 * test_summary.c -- the driver's arithmetic: order statistics, the sign interval, the order of the cells.
 */
#include <criterion/criterion.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../../bench/latin.h"
#include "../../bench/summary.h"

enum { MOST_CELLS = 12 };

Test(summary, median_of_odd_count_is_the_middle_value)
{
    const double values[] = {9, 1, 5};

    cr_assert_eq(summary_median(values, 3), 5);
    cr_assert_eq(values[0], 9, "the caller's values are left in their order");
}

Test(summary, median_of_even_count_is_the_mean_of_the_middle_two)
{
    const double values[] = {4, 1, 3, 100};

    cr_assert_eq(summary_median(values, 4), 3.5);
}

Test(summary, mad_ignores_one_wild_value)
{
    const double values[] = {10, 11, 12, 13, 1000};

    cr_assert_eq(summary_mad(values, 5), 1);
}

Test(summary, middle_is_a_value_that_occurred_and_keeps_64_bits)
{
    const int64_t values[] = {INT64_MAX, INT64_MAX - 1, 5, INT64_MIN};

    cr_assert_eq(summary_middle(values, 4), 5);
    cr_assert_eq(summary_middle(values, 1), INT64_MAX);
}

Test(summary, sign_interval_needs_six_values_for_95_percent)
{
    const double values[] = {1, 2, 3, 4, 5, 6};
    struct interval interval = summary_sign_interval(values, 6, 0.05);

    cr_assert_not(summary_sign_interval(values, 5, 0.05).exists);
    cr_assert(interval.exists);
    cr_assert_eq(interval.low, 1);
    cr_assert_eq(interval.high, 6);
    cr_assert_eq(summary_least_count(0.05), 6);
}

/* The table of every book: 20 values, 95%: from the 6th to the 15th. */
Test(summary, sign_interval_of_twenty_runs_from_sixth_to_fifteenth)
{
    double values[20];
    struct interval interval;

    for (int i = 0; i < 20; i++)
        values[i] = 20 - i; /* backwards: it must sort */
    interval = summary_sign_interval(values, 20, 0.05);
    cr_assert_eq(interval.low, 6);
    cr_assert_eq(interval.high, 15);
}

Test(summary, sign_interval_widens_with_the_family)
{
    double values[20];
    struct interval interval;

    for (int i = 0; i < 20; i++)
        values[i] = i + 1;
    interval = summary_sign_interval(values, 20, 0.05 / 4);
    cr_assert_eq(interval.low, 5); /* 2 P(B <= 4) = 0.0118 <= 0.0125 < 2 P(B <= 5) = 0.0414 */
    cr_assert_eq(interval.high, 16);
    cr_assert_eq(summary_least_count(0.05 / 4), 8); /* 2 * 2^-8 = 0.0078; 2 * 2^-7 = 0.0156 */
}

Test(summary, sign_interval_of_many_values_does_not_underflow)
{
    enum { COUNT = 10000 };
    double *values = malloc(COUNT * sizeof values[0]);
    struct interval interval;

    for (int i = 0; i < COUNT; i++)
        values[i] = i;
    interval = summary_sign_interval(values, COUNT, 0.05);
    free(values);
    cr_assert(interval.exists);
    cr_assert_geq(interval.low, 4890); /* 5000 - 1.96 * 50 - 1 = 4901 */
    cr_assert_leq(interval.low, 4910);
}

Test(summary, halving_the_width_needs_four_times_the_rounds)
{
    struct interval interval = {.exists = true, .low = 0.96, .high = 1.04};

    cr_assert_eq(summary_needed(20, interval, 0.021), 73); /* 20 * (0.04/0.021)^2 = 72.6 */
}

/* How often b directly follows a, over one whole square. */
static void count_neighbours(size_t cells, size_t follows[MOST_CELLS][MOST_CELLS], size_t at_slot[MOST_CELLS][MOST_CELLS])
{
    size_t order[MOST_CELLS];

    for (size_t round = 0; round < latin_rows(cells); round++) {
        latin_order(7, cells, round, order);
        for (size_t slot = 0; slot < cells; slot++) {
            cr_assert_lt(order[slot], cells);
            at_slot[order[slot]][slot]++;
            if (slot)
                follows[order[slot - 1]][order[slot]]++;
        }
    }
}

Test(latin, every_cell_stands_everywhere_and_follows_every_other_equally_often)
{
    for (size_t cells = 1; cells <= MOST_CELLS; cells++) {
        size_t follows[MOST_CELLS][MOST_CELLS] = {{0}}, at_slot[MOST_CELLS][MOST_CELLS] = {{0}};
        size_t each = latin_rows(cells) / cells;

        count_neighbours(cells, follows, at_slot);
        for (size_t a = 0; a < cells; a++)
            for (size_t b = 0; b < cells; b++) {
                cr_assert_eq(at_slot[a][b], each, "%zu cells: cell %zu at slot %zu", cells, a, b);
                cr_assert_eq(follows[a][b], a == b ? 0 : each, "%zu cells: %zu after %zu", cells, b, a);
            }
    }
}

static bool orders_equal(uint64_t seed_a, size_t round_a, uint64_t seed_b, size_t round_b)
{
    size_t a[MOST_CELLS], b[MOST_CELLS];

    latin_order(seed_a, MOST_CELLS, round_a, a);
    latin_order(seed_b, MOST_CELLS, round_b, b);
    for (size_t i = 0; i < MOST_CELLS; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

Test(latin, a_seed_repeats_its_order_and_another_seed_does_not)
{
    cr_assert(orders_equal(1, 3, 1, 3));
    cr_assert_not(orders_equal(1, 3, 2, 3));
}

Test(latin, a_further_square_is_drawn_anew)
{
    bool all = true;

    for (size_t round = 0; round < MOST_CELLS; round++)
        all &= orders_equal(1, round, 1, round + MOST_CELLS);
    cr_assert_not(all);
}

Test(summary, a_spread_without_bounds_needs_more_rounds_than_anybody_runs)
{
    struct interval interval = {.exists = true, .low = 0, .high = 1e300};

    cr_assert_eq(summary_needed(20, interval, 0.02), SUMMARY_MOST_NEEDED);
}

Test(summary, quotient_is_the_middle_of_all_quotients)
{
    const double a[] = {8, 2, 4}, b[] = {2, 1}; /* 1 2 2 4 4 8: the middle two are 2 and 4 */

    cr_assert_eq(summary_quotient(a, 3, b, 2), 3);
}

/* Tables of the Mann-Whitney test, two-sided 5%: U = 0 for 4 and 4, 23 for 10 and 10, none for 3 and 3. */
Test(summary, quotient_interval_has_the_ranks_of_the_tables)
{
    double a[10], b[10], all[100], value;
    struct interval interval;
    size_t count = 0;

    for (int i = 0; i < 10; i++) {
        a[i] = exp2(i); /* powers of two: quotients are exact */
        b[i] = exp2(i * 10);
    }
    interval = summary_quotient_interval(a, 4, b, 4, 0.05);
    cr_assert(interval.exists);
    cr_assert_eq(interval.low, a[0] / b[3]);
    cr_assert_eq(interval.high, a[3] / b[0]);
    cr_assert_not(summary_quotient_interval(a, 3, b, 3, 0.05).exists);
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++) {
            value = a[i] / b[j];
            for (count = (size_t)(10 * i + j); count > 0 && all[count - 1] > value; count--)
                all[count] = all[count - 1];
            all[count] = value;
        }
    interval = summary_quotient_interval(a, 10, b, 10, 0.05);
    cr_assert_eq(interval.low, all[23], "the 24th smallest");
    cr_assert_eq(interval.high, all[76], "the 24th largest");
}

Test(summary, quotient_interval_of_many_values_agrees_with_the_exact_one)
{
    enum { COUNT = 201 }; /* just beyond SUMMARY_EXACT */
    double a[COUNT], b[COUNT];
    struct interval exact, normal;

    for (int i = 0; i < COUNT; i++) {
        a[i] = 100 + i * 37 % COUNT;
        b[i] = 50 + i * 53 % COUNT;
    }
    exact = summary_quotient_interval(a, COUNT - 1, b, COUNT - 1, 0.05);
    normal = summary_quotient_interval(a, COUNT, b, COUNT, 0.05);
    cr_assert(exact.exists && normal.exists);
    cr_assert_float_eq(exact.low, normal.low, 0.02 * exact.low);
    cr_assert_float_eq(exact.high, normal.high, 0.02 * exact.high);
}
