/*
 * page_latency.h -- the latency of a cell: the histograms of its right samples, merged, and what is read off them.
 */
#ifndef BENCH_PAGE_LATENCY_H
#define BENCH_PAGE_LATENCY_H

#include <jansson.h>

#include "report.h"
#include "table.h"

/* {"unit", "events", "percentiles": [{"p", "value", "text"}]}, or NULL if no right sample carries a histogram. New reference. */
json_t *page_latency_cell(const struct result_cell *cell);

/* One line per strategy that has a histogram. False, and no table, if none has. */
bool page_latency_table(struct table *table, const struct report_group *group);

#endif
