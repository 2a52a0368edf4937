/*
 * stopwatch.h -- the worker's latencies: gives each thread of a request its record (pacing.h) and makes the sample's "hist"
 * of them. Allocates, and touches what it allocates, before anything is measured.
 */
#ifndef BENCH_STOPWATCH_H
#define BENCH_STOPWATCH_H

#include <jansson.h>

#include "histogram.h"
#include "runtime.h"

/* Sets request->pacing, if its pace is not off. */
void stopwatch_begin(struct sample_request *request);

/* The histogram of all threads' requests, with what their pace came to; null when the pace is off. New reference. */
json_t *stopwatch_json(const struct sample_request *request);

/* Unit (ns), events, least and largest value, and the counts of the buckets, into the object. */
void stopwatch_add_histogram(json_t *object, const struct histogram *h);

void stopwatch_end(struct sample_request *request);

#endif
