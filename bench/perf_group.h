/*
 * perf_group.h -- one group of events, counted by the calling thread for itself.
 *
 * The kernel is reached through struct perf_door alone: perf_door_real, or a script in the tests. A group is opened
 * disabled, begun and ended by the same thread, and read once. What could not be opened or read has its errno, never a 0.
 */
#ifndef BENCH_PERF_GROUP_H
#define BENCH_PERF_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <linux/perf_event.h>

#include "events.h"

/* As the system calls: -1 and errno on failure. */
struct perf_door {
    int (*open)(struct perf_event_attr *attributes, int leader); /* for the calling thread; leader -1: it becomes one */
    ssize_t (*read)(int fd, void *buffer, size_t size);
    int (*control)(int fd, unsigned long request); /* PERF_EVENT_IOC_…, on the leader, for its whole group */
    void (*close)(int fd);
};
extern const struct perf_door perf_door_real;

struct perf_count {
    const struct event *event;
    struct event_code code;
    int fd;              /* -1: perf does not count it */
    int error;           /* 0: there is a value. PERF_NEVER_RAN, PERF_VANISHED or what the kernel said */
    bool by_usage;       /* from getrusage */
    bool estimated;      /* multiplexed: scaled by enabled / running */
    uint64_t value;
};

/* What the kernel does not call an error. */
enum {
    PERF_NEVER_RAN = 16, /* EBUSY: enabled, but never on a counter */
    PERF_VANISHED = 5,   /* EIO: its read came back short */
    PERF_NOT_COUNTED = 61, /* ENODATA: reads 0 although it cannot be */
};

struct perf_group {
    const struct perf_door *door;
    struct perf_count count[EVENTS_MOST];
    size_t counts;
    int leader;                      /* -1: none could be opened */
    uint64_t enabled_ns, running_ns; /* of the leader, and so of all that perf counts */
    struct rusage before;
};

void perf_group_open(struct perf_group *group, const struct perf_door *door, const struct events_cpu *cpu,
                     const struct event_group *events);
void perf_group_begin(struct perf_group *group);
void perf_group_end(struct perf_group *group); /* takes the values */
void perf_group_close(struct perf_group *group);

/* The errno's name; why, in words; what would help. Constants. */
struct perf_reason {
    const char *name, *why, *remedy;
};
struct perf_reason perf_reason(const struct event *event, int error);

/* Opens, counts a short loop, closes: an event may open and yet count nothing. 0, or the errno as in perf_count. */
int perf_probe(const struct event *event, const struct perf_door *door, const struct events_cpu *cpu,
               struct perf_group *group);

#endif
