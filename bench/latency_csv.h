/*
 * latency_csv.h -- latencies as lines of CSV, in nanoseconds; nothing stands where there is no figure.
 */
#ifndef BENCH_LATENCY_CSV_H
#define BENCH_LATENCY_CSV_H

#include <stdio.h>

#include "report.h"
#include "results.h"
#include "table.h"

/* The rows of a group for `--style csv`; the header with latency_csv_begin. */
void latency_csv_begin(struct table *table);
void latency_csv(struct table *table, const struct report_group *group);

/* Further columns of `rclab export --format csv`: latency_export_header, and the values of one sample, each after a comma. */
extern const char latency_export_header[];
void latency_export(const struct result_cell *cell, const struct observation *sample, FILE *stream);

#endif
