/*
 * progress.c -- a bar with the time left.
 */
#define _GNU_SOURCE 1
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "timing.h"

enum { PROGRESS_WIDTH = 24 };

void progress_begin(struct progress *progress, size_t total, int64_t value_ns, bool quiet)
{
    *progress = (struct progress){
        .shown = isatty(STDERR_FILENO) && !quiet, .total = total, .start_ns = timing_now(), .value_ns = value_ns};
}

void progress_draw(const struct progress *progress, size_t done, const char *cell)
{
    static const char bar[] = "########################", rest[] = "........................";
    char time[TIMING_TEXT];
    int64_t each = done ? (timing_now() - progress->start_ns) / (int64_t)done : progress->value_ns;
    int filled = progress->total ? (int)(done * PROGRESS_WIDTH / progress->total) : 0;

    if (!progress->shown || progress->total == 0)
        return;
    fprintf(stderr, "\r\033[K[%.*s%.*s] %zu/%zu, %s left, %.40s", filled, bar, PROGRESS_WIDTH - filled, rest, done,
            progress->total, timing_format(each * (int64_t)(progress->total - done), time), cell);
}

void progress_clear(const struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
}
