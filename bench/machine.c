/*
 * machine.c -- the facts that go with every number: the host, the build, the state of the system.
 *
 * The Makefile gives this file alone the BUILD_ macros; it must compile it with the flags of everything else, since the
 * predefined macros below (sanitizers, NDEBUG, optimisation) speak for the whole program.
 */
#define _GNU_SOURCE 1
#include "machine.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <hwloc.h>

#include "die.h"

#ifndef BUILD_CC
#ifdef __clang__
#define BUILD_CC __VERSION__
#else
#define BUILD_CC "gcc " __VERSION__
#endif
#endif
#ifndef BUILD_CFLAGS
#define BUILD_CFLAGS "unknown"
#endif
#ifndef BUILD_GIT
#define BUILD_GIT "unknown"
#endif

const char *machine_version(void)
{
    return "rclab 0.1 (git " BUILD_GIT ")";
}

/* First line of a small file, without its end; false if the file or the line is not there. */
static bool machine_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    bool found = file && fgets(line, (int)size, file);

    if (file)
        fclose(file);
    if (found)
        line[strcspn(line, "\n")] = '\0';
    return found && *line;
}

static json_t *machine_text(const char *path)
{
    char line[256];

    return machine_line(path, line, sizeof line) ? json_string(line) : json_null();
}

/* The value of the first line "key : value" of /proc/cpuinfo; NULL if absent. Static buffer. */
static const char *machine_cpuinfo(const char *key)
{
    static char line[8192]; /* the flags of a processor of today take 1.5 kB */
    FILE *file = fopen("/proc/cpuinfo", "re");
    const char *value = NULL;

    while (file && !value && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');

        if (strncmp(line, key, strlen(key)) == 0 && isspace((unsigned char)line[strlen(key)]) && colon) {
            line[strcspn(line, "\n")] = '\0';
            value = colon + 1 + strspn(colon + 1, " ");
        }
    }
    if (file)
        fclose(file);
    return value;
}

/* "none", or what the firmware calls the virtual machine; null where neither can be told. */
static json_t *machine_virt(void)
{
    const char *flags = machine_cpuinfo("flags");
    char name[128];

    if (!flags)
        return json_null();
    if (!strstr(flags, "hypervisor"))
        return json_string("none");
    if (machine_line("/sys/class/dmi/id/product_name", name, sizeof name))
        return json_sprintf("VM (%s)", name);
    return json_string("VM");
}

static json_t *machine_topology(void)
{
    hwloc_topology_t topology;
    json_t *facts;

    if (hwloc_topology_init(&topology) || hwloc_topology_load(topology))
        return json_null();
    facts = json_pack("{s:i, s:i, s:i, s:i}", "packages", hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE), "numa",
                      hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE), "cores",
                      hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE), "cpus",
                      hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU));
    hwloc_topology_destroy(topology);
    return facts;
}

json_t *machine_host(void)
{
    const char *model = machine_cpuinfo("model name");
    json_t *cpu = model ? json_string(model) : json_null(); /* before machine_virt reuses the buffer */
    struct utsname system;

    if (uname(&system))
        die("uname", errno);
    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:s}", "name", system.nodename, "cpu", cpu, "topology",
                     machine_topology(), "virt", machine_virt(), "kernel", system.release, "machine", system.machine);
}

/* gcc defines __SANITIZE_…, clang answers __has_feature; neither tells of undefined-behaviour checks: read the flags. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
static json_t *machine_sanitizers(void)
{
    json_t *list = json_array();

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
    json_array_append_new(list, json_string("address"));
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
    json_array_append_new(list, json_string("thread"));
#endif
    if (strstr(BUILD_CFLAGS, "undefined"))
        json_array_append_new(list, json_string("undefined"));
    return list;
}

/* A hash (FNV-1a) of the running program: two builds with the same flags from the same dirty tree are still two. */
static json_t *machine_binary(void)
{
    FILE *file = fopen("/proc/self/exe", "re");
    uint64_t hash = 0xcbf29ce484222325u;
    unsigned char block[65536];
    size_t length;

    if (!file)
        return json_null();
    while ((length = fread(block, 1, sizeof block, file)))
        for (size_t i = 0; i < length; i++)
            hash = (hash ^ block[i]) * 0x100000001b3u;
    fclose(file);
    return json_sprintf("%016llx", (unsigned long long)hash);
}

json_t *machine_build(void)
{
    bool ndebug = false, optimised = false;
    json_t *dirty = json_null();

#ifdef NDEBUG
    ndebug = true;
#endif
#ifdef __OPTIMIZE__
    optimised = true;
#endif
#ifdef BUILD_DIRTY
    dirty = json_boolean(BUILD_DIRTY);
#endif
    return json_pack("{s:s, s:s, s:s, s:o, s:b, s:b, s:o, s:o}", "cc", BUILD_CC, "cflags", BUILD_CFLAGS, "git", BUILD_GIT,
                     "dirty", dirty, "ndebug", ndebug, "optimised", optimised, "sanitizers", machine_sanitizers(),
                     "binary", machine_binary());
}

static json_t *machine_boost(void)
{
    char line[16];

    if (machine_line("/sys/devices/system/cpu/cpufreq/boost", line, sizeof line))
        return json_boolean(line[0] == '1');
    if (machine_line("/sys/devices/system/cpu/intel_pstate/no_turbo", line, sizeof line))
        return json_boolean(line[0] == '0');
    return json_null();
}

static json_t *machine_flag(const char *path)
{
    char line[16];

    return machine_line(path, line, sizeof line) ? json_boolean(line[0] != '0') : json_null();
}

static json_t *machine_load(void)
{
    double load;

    return getloadavg(&load, 1) == 1 ? json_real(load) : json_null();
}

json_t *machine_system(void)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "governor",
                     machine_text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), "boost", machine_boost(), "smt",
                     machine_flag("/sys/devices/system/cpu/smt/active"), "aslr",
                     machine_flag("/proc/sys/kernel/randomize_va_space"), "isolated",
                     machine_text("/sys/devices/system/cpu/isolated"), "load1", machine_load());
}
