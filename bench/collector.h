/*
 * collector.h -- what the collector of cycles did in the samples of a group (-L gc=…): a line for each strategy.
 *
 * A sample carries "collector": {"collections", "skipped", "collected", "resurrected", "uncollectable", "tracked", "suspects",
 * "pause_ns", "pause_longest_ns", "stop_ns", "stop_longest_ns", "stops": {"unit": "ns", "events", "min", "max", "saturated", "counts":
 * [[value, count], …]}}, or null when it was off (gc/collect.h has what each is). All cover the warm-up; "uncollectable", "tracked" and "suspects" are
 * those of the last collection. A collection stops the world once, and once more when finalisers ran.
 */
#ifndef BENCH_COLLECTOR_H
#define BENCH_COLLECTOR_H

#include <stdbool.h>

#include "report.h"
#include "table.h"

/* Sums and maxima over the right samples; the times to stop the world out of their histograms, merged. False, and no table, if
 * nobody had a collector. */
bool collector_fill(struct table *table, const struct report_group *group);

#endif
