/*
 * place.h -- which CPU each thread of a sample is pinned to, by hwloc. Only CPUs that this process may use take part.
 * Thread i gets CPU i of the order, and wraps around when there are more threads than CPUs.
 */
#ifndef BENCH_PLACE_H
#define BENCH_PLACE_H

#include <stdbool.h>

enum place_policy {
    PLACE_CORE, /* one thread per core first, then their siblings */
    PLACE_SMT,  /* the siblings of a core first */
    PLACE_NONE, /* not pinned */
};
enum { PLACE_MAX = 1024 };

struct place {
    enum place_policy policy;
    int cpus;           /* CPUs this process may use, at most PLACE_MAX */
    int cpu[PLACE_MAX]; /* their OS indexes, in the order threads get them */
};

bool place_parse(const char *name, enum place_policy *policy);
const char *place_name(enum place_policy policy);

/* `affinity` is a CPU list such as "0,2-3", or NULL; this process and its workers are confined to it. Exits 2 if it is
 * no list or names a CPU that this process may not use. */
void place_load(struct place *place, enum place_policy policy, const char *affinity);

/* CPUs this process may use, without the rest. */
int place_cpu_count(void);

int place_cpu(const struct place *place, int thread); /* -1: not pinned */
bool place_crowded(const struct place *place, int threads);

#endif
