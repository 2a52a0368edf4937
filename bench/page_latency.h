/*
 * page_latency.h -- a cell's latencies for the page.
 */
#ifndef BENCH_PAGE_LATENCY_H
#define BENCH_PAGE_LATENCY_H

#include <jansson.h>

#include "results.h"

/* {"unit", "events", "percentiles": [{"p", "heading", "value", "text"}]}, or NULL if no right sample carries a histogram. New
 * reference. */
json_t *page_latency_cell(const struct result_cell *cell);

#endif
