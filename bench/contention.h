/*
 * contention.h -- what only the instances with statistics know: locks by the type of the locked object, and peaks.
 */
#ifndef BENCH_CONTENTION_H
#define BENCH_CONTENTION_H

#include <stdbool.h>

#include "report.h"
#include "table.h"

/* A line for each type and strategy: per operation, the median over the right samples; the longest wait, the maximum over
 * them. False, and no table, if no sample has locks by type. */
bool contention_fill_locks(struct table *table, const struct report_group *group);

/* The highest that something was in any right sample: never per operation. False, and no table, if no sample has a peak. */
bool contention_fill_peaks(struct table *table, const struct report_group *group);

#endif
