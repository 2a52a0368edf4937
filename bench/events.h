/*
 * events.h -- the events that can be counted: one const table, their codes on this processor, and how they are grouped.
 *
 * Hardware events need counters of the processor, of which EVENTS_COUNTERS are taken to be free: they are cut into groups
 * that fit, and the groups rotate across rounds instead of multiplexing within one. Cycles and instructions, when asked for,
 * are in every hardware group, so that each has what its ratios need. Software events need no counter: one group, always.
 */
#ifndef BENCH_EVENTS_H
#define BENCH_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "names.h"

enum { EVENTS_MOST = 16, EVENTS_COUNTERS = 4 };

enum event_kind { EVENT_HARDWARE, EVENT_SOFTWARE };

/* What getrusage(RUSAGE_THREAD) knows of an event that perf refuses. */
enum event_usage { EVENT_USAGE_NONE, EVENT_USAGE_SWITCHES, EVENT_USAGE_FAULTS };

struct event {
    const char *name, *help;
    enum event_kind kind;
    uint32_t type;          /* of perf_event_attr */
    uint64_t config;        /* PERF_TYPE_RAW: 0, the code depends on the processor (events_code) */
    const char *pfm;        /* PERF_TYPE_RAW: libpfm4's names, '|' between them, for processors that the table lacks */
    bool anchor;            /* in every hardware group */
    bool kernel;            /* happens in the kernel: without the right to count there it silently reads 0, so that right is
                             * asked for and its refusal is an error */
    bool busy;              /* cannot stay 0 while a thread runs: 0 means that it is not counted */
    enum event_usage usage;
};

extern const struct event events[]; /* ends with a NULL name */

/* NULL if there is none. */
const struct event *events_find(const char *name);
void events_names(struct names *names);

struct events_cpu {
    char vendor[16]; /* "GenuineIntel" */
    int family, model; /* -1: not told */
};

void events_cpu_parse(struct events_cpu *cpu, FILE *cpuinfo);
void events_cpu_read(struct events_cpu *cpu); /* /proc/cpuinfo */

struct event_code {
    uint32_t type;
    uint64_t config;
    const char *what, *source; /* of a raw code: what exactly it counts and who says so; else "" */
};

/* False: no code is known for this processor. */
bool events_code(const struct event *event, const struct events_cpu *cpu, struct event_code *code);

struct event_group {
    const struct event *event[EVENTS_MOST];
    size_t count;
};

/* Cuts the hardware events among `asked` into groups, in the order of the table; their number. */
size_t events_groups(const struct event_group *asked, struct event_group groups[EVENTS_MOST]);
void events_software(const struct event_group *asked, struct event_group *software);

#endif
