/*
 * identity.c -- do two run records tell of the same experiment?
 */
#define _GNU_SOURCE 1
#include "identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "memory.h"

static const char *const plan_keys[] = {"seed", "warmup_ns", "min_ns", "statistics", "rigorous", "place", "reference", NULL};
static const char *const pace_keys[] = {"latency", NULL}; /* the keys of the cells have it too; this names it */
static const char *const cell_keys[] = {"cell", "workload", "threads", "unit", "params", "defaults", "traits", "aa", NULL};
static const char *const cpu_keys[] = {"cpus", NULL};
static const char *const host_keys[] = {"name", "cpu", "topology", "virt", "machine", NULL};
static const char *const kernel_keys[] = {"kernel", NULL};
static const char *const build_keys[] = {"cc",        "cflags",     "git",    "dirty", "ndebug",
                                         "optimised", "sanitizers", "binary", NULL};

static char *identity_dump(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    if (!text)
        die("JSON", ENOMEM);
    return text;
}

/* A file that is older than a policy says nothing of it: only what both know can differ. */
static bool identity_alike(const json_t *a, const json_t *b)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)a, name, value) {
        const json_t *other = json_object_get(b, name);

        if (other && !json_equal(value, other))
            return false;
    }
    return true;
}

/* The first of the keys whose values differ. */
static char *identity_keys(const json_t *a, const json_t *b, const char *const *keys)
{
    for (; *keys; keys++) {
        const json_t *one = json_object_get(a, *keys), *other = json_object_get(b, *keys);
        char *text, *first, *second;

        if (!one || !other || json_equal(one, other) || (strcmp(*keys, "defaults") == 0 && identity_alike(one, other)))
            continue;
        first = identity_dump(one);
        second = identity_dump(other);
        text = memory_text("%s: %s and %s", *keys, first, second);
        free(first);
        free(second);
        return text;
    }
    return NULL;
}

static const json_t *identity_cell(const json_t *plan, const char *key)
{
    size_t i;
    json_t *cell;

    json_array_foreach(plan, i, cell)
        if (strcmp(json_string_value(json_object_get(cell, "cell")), key) == 0)
            return cell;
    return NULL;
}

/* A cell of `a` that `b` lacks or that differs there. Both plans were checked by results_begin. */
static char *identity_cells(const json_t *a, const json_t *b, const char *const *keys, const char *side)
{
    size_t i;
    json_t *cell;

    json_array_foreach(a, i, cell) {
        const char *key = json_string_value(json_object_get(cell, "cell"));
        const json_t *other = identity_cell(b, key);
        char *difference = other ? identity_keys(cell, other, keys) : memory_text("in the %s one only", side), *text;

        if (!difference)
            continue;
        text = memory_text("cell %s: %s", key, difference);
        free(difference);
        return text;
    }
    return NULL;
}

char *identity_plan_difference(const json_t *a, const json_t *b)
{
    const json_t *one = json_object_get(a, "plan"), *other = json_object_get(b, "plan");
    char *difference = identity_keys(a, b, plan_keys);

    if (!difference)
        difference = identity_keys(a, b, pace_keys);
    if (!difference)
        difference = identity_cells(one, other, cell_keys, "first");
    if (!difference)
        difference = identity_cells(other, one, cell_keys, "second");
    if (!difference)
        for (size_t i = 0; !difference && i < json_array_size(one); i++)
            if (!json_equal(json_object_get(json_array_get(one, i), "cell"), json_object_get(json_array_get(other, i), "cell")))
                difference = memory_text("the order of the cells, from the %zuth on", i + 1);
    return difference;
}

static void identity_feed(uint64_t *hash, const json_t *object, const char *const *keys)
{
    for (; *keys; keys++) {
        const json_t *value = json_object_get(object, *keys);
        char *text = value ? identity_dump(value) : memory_text("null");

        for (const char *c = text; *c; c++)
            *hash = (*hash ^ (unsigned char)*c) * 0x100000001b3u; /* FNV-1a */
        *hash = (*hash ^ '\n') * 0x100000001b3u;
        free(text);
    }
}

const char *identity_plan_hash(const json_t *run, char text[IDENTITY_HASH])
{
    uint64_t hash = 0xcbf29ce484222325u;
    size_t i;
    json_t *cell;

    identity_feed(&hash, run, plan_keys);
    json_array_foreach(json_object_get(run, "plan"), i, cell)
        identity_feed(&hash, cell, cell_keys);
    snprintf(text, IDENTITY_HASH, "%016" PRIx64, hash);
    return text;
}

char *identity_host_difference(const json_t *a, const json_t *b)
{
    return identity_keys(json_object_get(a, "host"), json_object_get(b, "host"), host_keys);
}

char *identity_kernel_difference(const json_t *a, const json_t *b)
{
    return identity_keys(json_object_get(a, "host"), json_object_get(b, "host"), kernel_keys);
}

char *identity_build_difference(const json_t *a, const json_t *b)
{
    return identity_keys(json_object_get(a, "build"), json_object_get(b, "build"), build_keys);
}

char *identity_cpus_difference(const json_t *a, const json_t *b)
{
    return identity_cells(json_object_get(a, "plan"), json_object_get(b, "plan"), cpu_keys, "first");
}
