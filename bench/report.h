/*
 * report.h -- what people read: the head lines, one table per group of cells, the notes under it.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "names.h"
#include "results.h"
#include "table.h"
#include "verdict.h"

/* One group of cells (same workload, values and threads), judged, and the unit that its rates are shown in. */
struct report_group {
    const struct results *results;
    const struct row *row; /* best first */
    size_t rows;
    double best; /* the highest median rate */
    double unit; /* of the rates: 1, 1e3, 1e6 … */
    const char *prefix;
};

/* "host …" and "plan …"; nothing in CSV. */
void report_head(const struct results *results, enum table_style style);

/* The tables; with notes unless `quiet`. Returns EXITS_OK, or EXITS_INCONCLUSIVE if a comparison was not settled. */
int report_tables(const struct results *results, enum table_style style, bool quiet);

/* The group of cell `index`; false if an earlier cell belongs to it too. `rows` has room for all cells and is kept by the
 * group. */
bool report_take_group(struct report_group *group, const struct results *results, size_t index, struct row *rows);

/* What report_tables prints for a group, for whoever shows it in another way: the page's figures are the table's because
 * both come from here. table_free gives them back. Counters that are nowhere above zero go to `zero`. */
void report_fill(struct table *table, const struct report_group *group);
void report_fill_counters(struct table *table, const struct report_group *group, struct names *zero);

/* Median over the right samples of a counter per operation; `kind` is "refcounts" or "locks". Below 0 if none has it. */
double report_counter(const struct result_cell *cell, const char *kind, const char *name);

/* "n=27 shared=counted"; "-O2 -fno-plt": the flags that can change speed. The caller frees them. */
char *report_params(const struct result_cell *cell, const char *separator);
char *report_flags(const char *cflags);

/* EXITS_WORKER if a cell failed that was not expected to. */
int report_failures(const struct results *results);

#endif
