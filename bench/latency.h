/*
 * latency.h -- the latencies of a cell: the histograms of its right samples, merged, and what is read off them (rule 12).
 *
 * A sample carries "hist": {"unit": "ns", "counts": [[value, count], …]}; those that `rclab run --latency` made say further
 * "mode", "rate" and "request" (pace.h), "events", "min", "max" (exact), "saturated", "clock_ns" (what one reading of the clock
 * costs), and at a fixed rate "achieved" (of the slowest thread), "backlog", "unserved", "overslept" and "overslept_ns"
 * (pacing.h). One run has one pace, which results.h checks; so what is merged here belongs together.
 *
 * Quantiles are those of histogram.h: never too low, less than 0.79% too high. Nothing is said of a tail that holds fewer than
 * ten events: a P99.9 needs 10,000.
 */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include "histogram.h"
#include "names.h"
#include "report.h"
#include "results.h"
#include "table.h"

struct latency {
    struct histogram histogram; /* ns */
    uint64_t ops;               /* of the samples merged */
    size_t samples;
    int64_t clock_ns;           /* largest of a sample; below 0: not told */
    /* fixed rate */
    size_t missed;              /* samples whose slowest thread was more than 1% below the rate */
    double achieved;            /* requests a second of the slowest thread of all samples; below 0: not told */
    int64_t backlog;            /* largest of a sample */
    int64_t unserved, overslept; /* sums */
    int64_t overslept_ns;       /* largest */
};

/* Percentiles as tables show them, in rising order. */
struct latency_percentile {
    double share;
    const char *heading; /* "P99.9" */
};
enum { LATENCY_PERCENTILES = 5 };
extern const struct latency_percentile latency_percentiles[LATENCY_PERCENTILES];

/* Adds what a sample's [[value, count], …] hold. The largest value; below 0: there was nothing that is a count. */
int64_t latency_take_counts(struct histogram *h, const json_t *counts);

/* False if no right sample of the cell has a histogram. */
bool latency_merge(struct latency *latency, const struct result_cell *cell);

/* Of number `index`, ns; below 0: too few events for it. */
int64_t latency_percentile(const struct latency *latency, int index);

/* "980 ns", "41.3 µs": the caller frees it. */
char *latency_text(int64_t ns);

/* One row per strategy that has a histogram; in a latency run also the others, with the reason. False, and no table, if
 * there is no histogram and the run is none. */
bool latency_table(struct table *table, const struct report_group *group);

/* "service time (closed loop) of a request of 1 repetition, 1024 ops": the caller frees it. */
char *latency_title(const struct report_group *group);

/* Why a row is not like the others: "wrong result 2/2"; "" if it is. The caller frees it. */
char *latency_remark(const struct row *row);

/* What must be known with the figures: percentiles that are left out, a rate that was not kept, waits that ended late. */
void latency_notes(const struct report_group *group, struct names *notes);

#endif
