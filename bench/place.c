/*
 * place.c -- which CPU each thread of a sample is pinned to, by hwloc.
 */
#define _GNU_SOURCE 1
#include "place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hwloc.h>

#include "die.h"

static const char *const place_names[] = {[PLACE_CORE] = "core", [PLACE_SMT] = "smt", [PLACE_NONE] = "none"};

bool place_parse(const char *name, enum place_policy *policy)
{
    for (size_t i = 0; i < sizeof place_names / sizeof place_names[0]; i++)
        if (strcmp(name, place_names[i]) == 0) {
            *policy = (enum place_policy)i;
            return true;
        }
    return false;
}

const char *place_name(enum place_policy policy)
{
    return place_names[policy];
}

static hwloc_topology_t place_topology(hwloc_cpuset_t *allowed)
{
    hwloc_topology_t topology;

    if (hwloc_topology_init(&topology) || hwloc_topology_load(topology) || !(*allowed = hwloc_bitmap_alloc()))
        die("topology (hwloc)", errno);
    if (hwloc_get_cpubind(topology, *allowed, HWLOC_CPUBIND_PROCESS))
        hwloc_bitmap_copy(*allowed, hwloc_topology_get_topology_cpuset(topology));
    hwloc_bitmap_and(*allowed, *allowed, hwloc_topology_get_topology_cpuset(topology));
    return topology;
}

static bool place_list_parse(hwloc_bitmap_t set, const char *list)
{
    /* hwloc's own parser takes "x" for 0 and "3-" for every CPU from 3 on. */
    return *list && !list[strspn(list, "0123456789,-")] && list[strlen(list) - 1] != '-' &&
           hwloc_bitmap_list_sscanf(set, list) == 0 && !hwloc_bitmap_iszero(set);
}

static void place_confine(hwloc_topology_t topology, hwloc_cpuset_t allowed, const char *list)
{
    hwloc_bitmap_t wanted = hwloc_bitmap_alloc();
    char text[256];

    if (!wanted)
        die("topology (hwloc)", errno);
    hwloc_bitmap_list_snprintf(text, sizeof text, allowed);
    if (!place_list_parse(wanted, list) || !hwloc_bitmap_isincluded(wanted, allowed))
        die_usage("--affinity %s: allowed is a list of CPUs out of %s", list, text);
    if (hwloc_set_cpubind(topology, wanted, HWLOC_CPUBIND_PROCESS))
        die("--affinity", errno);
    hwloc_bitmap_copy(allowed, wanted);
    hwloc_bitmap_free(wanted);
}

static void place_append(struct place *place, unsigned cpu)
{
    if (place->cpus < PLACE_MAX)
        place->cpu[place->cpus++] = (int)cpu;
}

/* The CPU of this core that `turn` others of it, allowed and lower, stand before; -1 when there are not so many. */
static int place_sibling(hwloc_obj_t core, hwloc_const_cpuset_t allowed, int turn)
{
    int cpu = -1;

    do {
        do
            cpu = hwloc_bitmap_next(core->cpuset, cpu);
        while (cpu >= 0 && !hwloc_bitmap_isset(allowed, (unsigned)cpu));
    } while (cpu >= 0 && turn-- > 0);
    return cpu;
}

/* turn 0 takes one CPU of every core, turn 1 the second of every core that has one, … */
static void place_by_core(struct place *place, hwloc_topology_t topology, hwloc_const_cpuset_t allowed)
{
    int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE), before = -1;

    for (int turn = 0; place->cpus != before; turn++) {
        before = place->cpus;
        for (int i = 0; i < cores; i++) {
            int cpu = place_sibling(hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, (unsigned)i), allowed, turn);

            if (cpu >= 0)
                place_append(place, (unsigned)cpu);
        }
    }
}

/* hwloc's logical order of the CPUs keeps those of one core together. */
static void place_by_thread(struct place *place, hwloc_topology_t topology, hwloc_const_cpuset_t allowed)
{
    hwloc_obj_t pu = NULL;

    while ((pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu)))
        if (hwloc_bitmap_isset(allowed, pu->os_index))
            place_append(place, pu->os_index);
}

void place_load(struct place *place, enum place_policy policy, const char *affinity)
{
    hwloc_cpuset_t allowed;
    hwloc_topology_t topology = place_topology(&allowed);

    *place = (struct place){.policy = policy};
    if (affinity)
        place_confine(topology, allowed, affinity);
    if (policy == PLACE_CORE)
        place_by_core(place, topology, allowed);
    if (place->cpus == 0) /* also where the system does not tell which CPUs make a core */
        place_by_thread(place, topology, allowed);
    hwloc_bitmap_free(allowed);
    hwloc_topology_destroy(topology);
    if (place->cpus == 0)
        die_usage("hwloc finds no CPU that this process may use");
}

int place_cpu_count(void)
{
    struct place place;

    place_load(&place, PLACE_NONE, NULL);
    return place.cpus;
}

int place_cpu(const struct place *place, int thread)
{
    return place->policy == PLACE_NONE ? -1 : place->cpu[thread % place->cpus];
}

bool place_crowded(const struct place *place, int threads)
{
    return threads > place->cpus;
}
