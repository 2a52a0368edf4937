/*
 * progress.h -- a bar with the time left, on standard error if that is a terminal. It is drawn between samples only: while
 * one is measured the driver sleeps.
 */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool shown;
    size_t total;
    int64_t start_ns, value_ns;
};

/* `value_ns`: what a sample should take, until the first have been seen. */
void progress_begin(struct progress *progress, size_t total, int64_t value_ns, bool quiet);
void progress_draw(const struct progress *progress, size_t done, const char *cell);
void progress_clear(const struct progress *progress);

#endif
