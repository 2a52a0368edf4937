/*
 * launch.h -- worker processes, seen from the driver: start, wait with a deadline, kill, collect what they wrote.
 * Each worker leads a process group of its own, is killed with it, and dies when the driver dies. Nothing is polled while a
 * worker measures: the driver sleeps until a pipe closes, the deadline passes or a signal comes (interrupt.h, held).
 */
#ifndef BENCH_LAUNCH_H
#define BENCH_LAUNCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <jansson.h>

enum launch_end {
    LAUNCH_EXITED,      /* code: the exit status */
    LAUNCH_SIGNALLED,   /* code: the signal */
    LAUNCH_TIMED_OUT,   /* killed at the deadline */
    LAUNCH_INTERRUPTED, /* killed because the driver was told to stop */
};

struct launch_stream {
    int fd; /* -1 at its end */
    char *text;
    size_t length;
};

struct launch {
    pid_t pid;
    struct launch_stream report, errors; /* the worker's line; the end of its standard output and error */
    enum launch_end end;
    int code;
    struct rusage usage; /* of the worker, for whatever reason it ended */
};

/* `padding` bytes are added to the environment: they move the worker's stack, whose place can decide a comparison.
 * `wrapper`: a program and its options, ending with NULL, that the worker is started through; NULL: none. */
void launch_start(struct launch *launch, const json_t *order, size_t padding, char *const *wrapper);

/* The same for another hidden command than `worker`, which is called in the same way: `rclab COMMAND FD ORDER`. */
void launch_begin(struct launch *launch, const char *command, const json_t *order, size_t padding, char *const *wrapper);

/* Until all have ended. At `deadline` (timing_now) those that run are killed. */
void launch_wait(struct launch *launches, size_t count, int64_t deadline);

/* What the worker reported: new reference, NULL if it was not one whole JSON object. */
json_t *launch_report(const struct launch *launch);
void launch_free(struct launch *launch);

#endif
