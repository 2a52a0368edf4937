/*
 * events.c -- the events that can be counted.
 */
#define _GNU_SOURCE 1
#include "events.h"

#include <stdlib.h>
#include <string.h>

#include <linux/perf_event.h>
#ifdef HAVE_PFM
#include <perfmon/pfmlib_perf_event.h>
#endif

#include "memory.h"

#define EVENTS_L1D_READ_MISS                                                                                                   \
    (PERF_COUNT_HW_CACHE_L1D | PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

static const char LOCKED[] = "locked-operations", CROSS[] = "cross-core-hits";

/* Neighbours share a group: a miss and what it is a share of stand together. */
const struct event events[] = {
    {.name = "cycles", .help = "core cycles, user space", .kind = EVENT_HARDWARE, .type = PERF_TYPE_HARDWARE,
     .config = PERF_COUNT_HW_CPU_CYCLES, .anchor = true, .busy = true},
    {.name = "instructions", .help = "instructions retired, user space", .kind = EVENT_HARDWARE, .type = PERF_TYPE_HARDWARE,
     .config = PERF_COUNT_HW_INSTRUCTIONS, .anchor = true, .busy = true},
    {.name = "cache-references", .help = "accesses to the last cache", .kind = EVENT_HARDWARE, .type = PERF_TYPE_HARDWARE,
     .config = PERF_COUNT_HW_CACHE_REFERENCES},
    {.name = "cache-misses", .help = "misses of the last cache", .kind = EVENT_HARDWARE, .type = PERF_TYPE_HARDWARE,
     .config = PERF_COUNT_HW_CACHE_MISSES},
    {.name = "l1d-misses", .help = "loads that miss the first data cache", .kind = EVENT_HARDWARE, .type = PERF_TYPE_HW_CACHE,
     .config = EVENTS_L1D_READ_MISS},
    {.name = "branch-misses", .help = "branches predicted wrongly", .kind = EVENT_HARDWARE, .type = PERF_TYPE_HARDWARE,
     .config = PERF_COUNT_HW_BRANCH_MISSES},
    {.name = LOCKED, .help = "locked read-modify-writes", .kind = EVENT_HARDWARE, .type = PERF_TYPE_RAW,
     .pfm = "MEM_INST_RETIRED:LOCK_LOADS|MEM_UOPS_RETIRED:LOCK_LOADS|RETIRED_LOCK_INSTRUCTIONS"},
    {.name = CROSS, .help = "loads served by another core's cache", .kind = EVENT_HARDWARE, .type = PERF_TYPE_RAW,
     .pfm = "MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD|MEM_LOAD_L3_HIT_RETIRED:XSNP_HITM|MEM_LOAD_UOPS_L3_HIT_RETIRED:XSNP_HITM"},
    {.name = "task-clock", .help = "nanoseconds on a CPU", .kind = EVENT_SOFTWARE, .type = PERF_TYPE_SOFTWARE,
     .config = PERF_COUNT_SW_TASK_CLOCK, .busy = true},
    {.name = "context-switches", .help = "times it was switched off", .kind = EVENT_SOFTWARE, .type = PERF_TYPE_SOFTWARE,
     .config = PERF_COUNT_SW_CONTEXT_SWITCHES, .kernel = true, .usage = EVENT_USAGE_SWITCHES},
    {.name = "cpu-migrations", .help = "times it went on on another CPU", .kind = EVENT_SOFTWARE, .type = PERF_TYPE_SOFTWARE,
     .config = PERF_COUNT_SW_CPU_MIGRATIONS, .kernel = true},
    {.name = "page-faults", .help = "page faults", .kind = EVENT_SOFTWARE, .type = PERF_TYPE_SOFTWARE,
     .config = PERF_COUNT_SW_PAGE_FAULTS, .kernel = true, .usage = EVENT_USAGE_FAULTS},
    {0},
};

const struct event *events_find(const char *name)
{
    for (const struct event *event = events; event->name; event++)
        if (strcmp(event->name, name) == 0)
            return event;
    return NULL;
}

void events_names(struct names *names)
{
    for (const struct event *event = events; event->name; event++)
        names_add(names, event->name);
}

/* --- the processor --- */

static bool events_cpu_take(const char *line, const char *key, const char **value)
{
    size_t length = strlen(key);
    const char *colon = strchr(line, ':');

    if (strncmp(line, key, length) != 0 || !colon || line[length + strspn(line + length, " \t")] != ':')
        return false;
    *value = colon + 1 + strspn(colon + 1, " \t");
    return true;
}

void events_cpu_parse(struct events_cpu *cpu, FILE *cpuinfo)
{
    char *line = NULL;
    const char *value;
    size_t size = 0;

    *cpu = (struct events_cpu){.family = -1, .model = -1};
    while (cpuinfo && getline(&line, &size, cpuinfo) > 0 && *line != '\n') /* an empty line ends the first processor */
        if (events_cpu_take(line, "vendor_id", &value))
            snprintf(cpu->vendor, sizeof cpu->vendor, "%.*s", (int)strcspn(value, " \n"), value);
        else if (events_cpu_take(line, "cpu family", &value))
            cpu->family = atoi(value);
        else if (events_cpu_take(line, "model", &value))
            cpu->model = atoi(value);
    free(line);
}

void events_cpu_read(struct events_cpu *cpu)
{
    FILE *cpuinfo = fopen("/proc/cpuinfo", "re");

    events_cpu_parse(cpu, cpuinfo);
    if (cpuinfo)
        fclose(cpuinfo);
}

/* --- codes that differ from processor to processor --- */

struct raw_code {
    const char *event, *vendor;
    int family;
    const int *models; /* ends with 0; NULL: the whole family */
    uint64_t config;   /* umask << 8 | event */
    const char *what, *source;
};

/* Model numbers as in the kernel's arch/x86/include/asm/intel-family.h. Hybrid processors are left out: their small cores
 * have other codes, and a thread may run on either. */
static const int intel_mem_uops[] = {42, 45, 58, 62, 60, 63, 69, 70, 61, 71, 79, 86, 0};            /* Sandy Bridge … Broadwell */
static const int intel_mem_inst[] = {78, 94, 85, 142, 158, 165, 166, 0};                            /* Skylake … Comet Lake */
static const int intel_ice_lake[] = {125, 126, 106, 108, 140, 141, 167, 143, 207, 173, 174, 0};     /* Ice Lake … Granite Rapids */

#define INTEL_SOURCE "Intel perfmon event files (Linux tools/perf/pmu-events/arch/x86): "
#define AMD_SOURCE "AMD Processor Programming Reference, "
static const struct raw_code raw_codes[] = {
    {LOCKED, "GenuineIntel", 6, intel_mem_uops, 0x21d0, "locked loads retired", INTEL_SOURCE "MEM_UOPS_RETIRED.LOCK_LOADS"},
    {LOCKED, "GenuineIntel", 6, intel_mem_inst, 0x21d0, "locked loads retired", INTEL_SOURCE "MEM_INST_RETIRED.LOCK_LOADS"},
    {LOCKED, "GenuineIntel", 6, intel_ice_lake, 0x21d0, "locked loads retired", INTEL_SOURCE "MEM_INST_RETIRED.LOCK_LOADS"},
    {CROSS, "GenuineIntel", 6, intel_mem_uops, 0x04d2, "loads that hit a modified line of another core",
     INTEL_SOURCE "MEM_LOAD_UOPS_L3_HIT_RETIRED.XSNP_HITM"},
    {CROSS, "GenuineIntel", 6, intel_mem_inst, 0x04d2, "loads that hit a modified line of another core",
     INTEL_SOURCE "MEM_LOAD_L3_HIT_RETIRED.XSNP_HITM"},
    {CROSS, "GenuineIntel", 6, intel_ice_lake, 0x04d2, "loads whose line another core forwarded",
     INTEL_SOURCE "MEM_LOAD_L3_HIT_RETIRED.XSNP_FWD"},
    {LOCKED, "AuthenticAMD", 0x17, NULL, 0x0f25, "locked instructions retired", AMD_SOURCE "family 17h: PMCx025 LsLocks, all kinds"},
    {LOCKED, "AuthenticAMD", 0x19, NULL, 0x1f25, "locked instructions retired", AMD_SOURCE "family 19h: PMCx025, all kinds"},
    {LOCKED, "AuthenticAMD", 0x1a, NULL, 0x1f25, "locked instructions retired", AMD_SOURCE "family 1Ah: PMCx025, all kinds"},
    {CROSS, "AuthenticAMD", 0x17, NULL, 0x1243, "fills from a cache of this or another core complex, L3 hits included",
     AMD_SOURCE "family 17h: PMCx043 lcl_cache, rmt_cache"},
    {CROSS, "AuthenticAMD", 0x19, NULL, 0x1443, "fills from another core complex (within one they look like L3 hits)",
     AMD_SOURCE "family 19h: PMCx043 near_cache, far_cache"},
    {CROSS, "AuthenticAMD", 0x1a, NULL, 0x1443, "fills from another core complex (within one they look like L3 hits)",
     AMD_SOURCE "family 1Ah: PMCx043 near_cache, far_cache"},
};

static bool events_raw_fits(const struct raw_code *raw, const struct event *event, const struct events_cpu *cpu)
{
    if (strcmp(raw->event, event->name) != 0 || strcmp(raw->vendor, cpu->vendor) != 0 || raw->family != cpu->family)
        return false;
    for (const int *model = raw->models; model && *model != cpu->model; model++)
        if (*model == 0)
            return false;
    return true;
}

#ifdef HAVE_PFM
/* libpfm4 encodes for the processor it finds. Encoding is not availability: only perf_event_open tells that. */
static bool events_pfm(const struct event *event, struct event_code *code)
{
    struct names tried = {0};
    bool found = false;

    names_split(&tried, event->pfm, '|');
    for (size_t i = 0; i < tried.count && !found && pfm_initialize() == PFM_SUCCESS; i++) {
        struct perf_event_attr attributes = {.size = sizeof attributes};
        pfm_perf_encode_arg_t encoding = {.attr = &attributes, .size = sizeof encoding};

        found = pfm_get_os_event_encoding(tried.item[i], PFM_PLM3, PFM_OS_PERF_EVENT, &encoding) == PFM_SUCCESS;
        if (found)
            *code = (struct event_code){attributes.type, attributes.config, "by its name in libpfm4", "libpfm4"};
    }
    names_free(&tried);
    return found;
}
#else
static bool events_pfm(const struct event *event, struct event_code *code)
{
    (void)event;
    (void)code;
    return false;
}
#endif

bool events_code(const struct event *event, const struct events_cpu *cpu, struct event_code *code)
{
    *code = (struct event_code){event->type, event->config, "", ""};
    if (event->type != PERF_TYPE_RAW)
        return true;
    for (size_t i = 0; i < sizeof raw_codes / sizeof raw_codes[0]; i++)
        if (events_raw_fits(&raw_codes[i], event, cpu)) {
            *code = (struct event_code){PERF_TYPE_RAW, raw_codes[i].config, raw_codes[i].what, raw_codes[i].source};
            return true;
        }
    return events_pfm(event, code);
}

/* --- groups --- */

static void events_put(struct event_group *group, const struct event *event)
{
    group->event[group->count++] = event;
}

static void events_anchors(const struct event_group *asked, struct event_group *group)
{
    *group = (struct event_group){0};
    for (size_t i = 0; i < asked->count; i++)
        if (asked->event[i]->anchor)
            events_put(group, asked->event[i]);
}

size_t events_groups(const struct event_group *asked, struct event_group groups[EVENTS_MOST])
{
    size_t count = 0;
    struct event_group anchors;

    events_anchors(asked, &anchors);
    for (size_t i = 0; i < asked->count; i++) {
        const struct event *event = asked->event[i];

        if (event->kind != EVENT_HARDWARE || event->anchor)
            continue;
        if (count == 0 || groups[count - 1].count == EVENTS_COUNTERS)
            groups[count++] = anchors;
        events_put(&groups[count - 1], event);
    }
    if (count == 0 && anchors.count)
        groups[count++] = anchors;
    return count;
}

void events_software(const struct event_group *asked, struct event_group *software)
{
    *software = (struct event_group){0};
    for (size_t i = 0; i < asked->count; i++)
        if (asked->event[i]->kind == EVENT_SOFTWARE)
            events_put(software, asked->event[i]);
}
