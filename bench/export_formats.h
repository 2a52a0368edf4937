/*
 * export_formats.h -- the formats of `rclab export`. Each writes one run to the stream.
 */
#ifndef BENCH_EXPORT_FORMATS_H
#define BENCH_EXPORT_FORMATS_H

#include <stdio.h>

#include "results.h"

void export_json(const struct results *results, FILE *stream);   /* run, samples and the rows of the table, one object */
void export_csv(const struct results *results, FILE *stream);    /* one line for each sample, its counters included */
void export_junit(const struct results *results, FILE *stream);  /* one test case for each cell */

/* pyperf's JSON, version 1.0: seconds for one operation. False, with a message, if there is no sample to put into it:
 * pyperf refuses a file without benchmarks. */
bool export_pyperf(const struct results *results, FILE *stream);

#endif
