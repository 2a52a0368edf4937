/*
 * verdict.h -- what the samples of one group (same workload, values and threads) say about each strategy: the rows of the
 * table, as numbers. Rules 3, 9, 13 and 14 of the harness: a verdict needs an interval of the paired ratio that excludes 1
 * (sign test, Bonferroni over the group) and an effect of at least 2%; what is not settled is inconclusive, never "same".
 */
#ifndef BENCH_VERDICT_H
#define BENCH_VERDICT_H

#include <stddef.h>

#include "results.h"
#include "summary.h"

#define VERDICT_LEAST_EFFECT 0.02
#define VERDICT_ALPHA 0.05

enum verdict {
    VERDICT_REFERENCE,
    VERDICT_FASTER,
    VERDICT_SLOWER,
    VERDICT_INCONCLUSIVE,
    VERDICT_EXPLORATORY,  /* too few rounds by intent */
    VERDICT_WITHHELD,     /* the build or the A/A row forbids one */
    VERDICT_AA,           /* the reference against itself: no difference seen */
    VERDICT_AA_DIFFERS,
    VERDICT_UNSAFE,       /* wrong answers expected of the strategy: never ranked */
    VERDICT_RACY,         /* wrong answers expected of the workload or its values, a demonstration: never ranked */
    VERDICT_LATENCY,      /* its requests were timed one by one: the rate is not judged */
    VERDICT_FAILED,       /* crashed, hung or wrong: `failure` says which */
    VERDICT_NO_REFERENCE, /* the reference failed or is not there */
    VERDICT_EMPTY,        /* nothing measured */
};

struct row {
    const struct result_cell *cell;
    enum verdict verdict;
    double median[RESULTS_METRICS]; /* below 0: none */
    double mad;                     /* of the rate, as a share of its median */
    double scaling;                 /* against the 1-thread cell; 0: none */
    double ratio;                   /* median of the paired ratios of the rate; 0: none */
    struct interval interval;       /* of that ratio */
    size_t pairs, pairs_needed;     /* rounds where both are right and in one regime; the fewest for an interval here */
    size_t dropped;                 /* rounds where both are right, but not in one regime */
};

/* Fills one row per cell of the group of `first`, best first, those that are not ranked last. `rows` has room for all
 * cells; returns the number of rows. */
size_t verdict_judge(const struct results *results, const struct result_cell *first, struct row *rows);

/* How many rounds would resolve the difference that was seen, or the least effect if it is smaller (*target says which), as
 * the spread of the pairs and the share of dropped ones were. The row has an interval. */
size_t verdict_rounds_needed(const struct row *row, double *target);

/* "faster", "crashed SIGSEGV 3/20": the caller frees it. */
char *verdict_text(const struct row *row);

#endif
