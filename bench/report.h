/*
 * report.h -- what people read: the head lines, one table per group of cells, the notes under it.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

#include "results.h"
#include "table.h"

/* "host …" and "plan …"; nothing in CSV. */
void report_head(const struct results *results, enum table_style style);

/* The tables; with notes unless `quiet`. Returns EXITS_OK, or EXITS_INCONCLUSIVE if a comparison was not settled. */
int report_tables(const struct results *results, enum table_style style, bool quiet);

/* EXITS_WORKER if a cell failed that was not expected to. */
int report_failures(const struct results *results);

#endif
