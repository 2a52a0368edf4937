/*
 * timing.h -- the driver's clock, and times as people write them.
 */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIMING_TEXT = 32 };
#define TIMING_SECOND INT64_C(1000000000)

int64_t timing_now(void); /* CLOCK_MONOTONIC, ns */

/* "0.5", "90s", "500ms", "10m", "1h30m" to ns; a bare number is seconds. False if it is not a time or below zero. */
bool timing_parse(const char *text, int64_t *ns);

/* 112 s to "1m52s"; returns `text`. */
const char *timing_format(int64_t ns, char text[TIMING_TEXT]);

#endif
