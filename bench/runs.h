/*
 * runs.h -- reads a file of samples run by run: files may have been put behind each other, so that one file holds several.
 */
#ifndef BENCH_RUNS_H
#define BENCH_RUNS_H

#include "results.h"

/* Called for each run, in the order of the file. The results are freed afterwards; what is to stay takes references. */
typedef void runs_take(struct results *results, const char *path, void *context);

/* EXITS_OK, or EXITS_USAGE after a message that names file and line: no file, no run in it, a damaged or foreign record.
 * The run in which a damaged record stands is not taken: half a run would pass for the whole. */
int runs_read(const char *path, runs_take *take, void *context);

#endif
