/*
 * counter_table.h -- the events of a group of cells as a table: per operation, the median over the samples, and ratios of
 * two events that were counted in the same group of the same sample, and of no others.
 */
#ifndef BENCH_COUNTER_TABLE_H
#define BENCH_COUNTER_TABLE_H

#include <stdbool.h>

#include "names.h"
#include "report.h"
#include "results.h"
#include "table.h"

struct counter_figure {
    double value;   /* median; below 0: no sample has it */
    bool estimated; /* a sample of it was multiplexed */
    size_t missing; /* samples in which it was to be counted and was not */
    const char *error; /* why, of the last of them: belongs to the record */
};

/* An event of one sample. */
struct counter_total {
    double value; /* of all threads; below 0: it was not to be counted, or a thread's value is missing */
    bool asked, estimated;
    json_int_t group;
    const char *error; /* belongs to the record */
};
struct counter_total counter_total(const json_t *record, const char *event);

/* An event per operation: the sum over the threads of a sample, divided by its operations. */
struct counter_figure counter_per_operation(const struct result_cell *cell, const char *event);

/* `over` per `under`, both of one group. */
struct counter_figure counter_ratio(const struct result_cell *cell, const char *over, const char *under);

/* False, and no table, if no cell has an event with a value. */
bool counter_table_fill(struct table *table, const struct report_group *group);

/* What the samples of the group lack. */
void counter_table_missing(const struct report_group *group, struct names *notes);

/* "not counted: cycles, instructions: ENOENT, …; remedy: …": one text for each reason. */
void counter_table_unavailable(const struct results *results, struct names *notes);

/* Of the hardware: "cycles, instructions", or "none (ENOENT)", "not asked for". The caller frees it. */
char *counter_table_state(const json_t *run);

#endif
