/*
 * pace.h -- how requests are timed (struct pace of runtime.h): what --latency, --rate and --request ask for, as text, as
 * JSON and as a part of a cell's key. A cell's key names mode, rate and size of a request: figures of different ones are
 * different cells and never meet.
 */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include <stdbool.h>

#include <jansson.h>

#include "runtime.h"

enum { PACE_MOST_RATE = 1000000, PACE_MOST_REQUEST = 1000000000 };

/* "closed", "fixed": false if it is neither. */
bool pace_mode_parse(const char *text, enum pace_mode *mode);

/* Requests a second and thread: "500", "2k", "0.5k", "20k/s", "1M". False if it is none, no whole number, or not within 1 to
 * PACE_MOST_RATE. */
bool pace_rate_parse(const char *text, int64_t *rate);

bool pace_equal(const struct pace *a, const struct pace *b);

/* {"mode", "rate", "request"}, null when off. New reference. */
json_t *pace_json(const struct pace *pace);

/* Absent and null are off. False: damaged. */
bool pace_take(const json_t *value, struct pace *pace);

/* "/latency=fixed,rate=1000", "" when off. The caller frees it. */
char *pace_key(const struct pace *pace);

/* "service time (closed loop)", "latency from the intended start (fixed rate 1000/s a thread)", "throughput". The caller
 * frees it. */
char *pace_words(const struct pace *pace);

#endif
