/*
 * tally.h -- the worker's counting: each thread opens, begins, ends and keeps its own groups, for the measured round only.
 * A runtime knows nothing of it but two callbacks (runtime.h).
 */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include <stdbool.h>

#include <jansson.h>

#include "perf_group.h"
#include "runtime.h"

enum { TALLY_GROUPS = 2 }; /* in one sample: one of hardware events, one of software events */

struct tally_group {
    int number; /* in the run's order of groups; -1: not used */
    struct event_group events;
};

struct tally_thread {
    struct perf_group group[TALLY_GROUPS];
    bool began, ended;
} __attribute__((aligned(128))); /* a thread writes its own while others measure */

struct tally {
    const struct perf_door *door;
    struct events_cpu cpu;
    struct tally_group group[TALLY_GROUPS];
    struct perf_group first[TALLY_GROUPS]; /* the main thread's, never begun: the kernel's first opening is slow */
    struct tally_thread *thread;
    int threads;
};

/* `order`: [{"group": 0, "events": ["cycles", …]}]. False if it is not that. The tally must outlive the request. */
bool tally_begin(struct tally *tally, const json_t *order, const struct perf_door *door, struct sample_request *request);

/* The "counters" of a sample. New reference. */
json_t *tally_json(const struct tally *tally);
void tally_end(struct tally *tally);

#endif
