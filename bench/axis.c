/*
 * axis.c -- what the cells of one file can be compared along.
 */
#include "axis.h"

#include <string.h>

#include "die.h"
#include "suggest.h"

static bool axis_differ(const struct result_cell *a, const struct result_cell *b, const char *axis)
{
    char mine[RESULTS_VALUE], theirs[RESULTS_VALUE];
    const char *one = results_along(a, axis, mine), *other = results_along(b, axis, theirs);

    return one && other && strcmp(one, other) != 0;
}

/* Workloads that differ in a default do not make it a value to compare. */
bool axis_compares(const struct results *results, const char *axis)
{
    for (size_t i = 1; i < results->cells; i++)
        for (size_t j = 0; j < i; j++)
            if (axis_differ(&results->cell[i], &results->cell[j], axis) &&
                results_alike(&results->cell[i], &results->cell[j], axis))
                return true;
    return false;
}

void axis_all(const struct results *results, struct names *axes)
{
    struct names candidates = {0};

    names_add(&candidates, RESULTS_STRATEGY);
    for (size_t i = 0; i < results->cells; i++) {
        const char *name;
        json_t *value;

        json_object_foreach(results->cell[i].params, name, value)
            names_add(&candidates, name);
    }
    names_add(&candidates, RESULTS_THREADS);
    for (size_t i = 0; i < candidates.count; i++)
        if (axis_compares(results, candidates.item[i]))
            names_add(axes, candidates.item[i]);
    names_free(&candidates);
}

void axis_values(const struct results *results, const char *axis, struct names *values)
{
    for (size_t i = 0; i < results->cells; i++) {
        char text[RESULTS_VALUE];
        const char *value = results_along(&results->cell[i], axis, text);

        if (value && !(results->cell[i].aa && strcmp(axis, RESULTS_STRATEGY) == 0))
            names_add(values, value);
    }
}

/* Of a variable that all cells left at its default, which is no part of what they are. */
static void axis_defaults(const struct results *results, const char *axis, struct names *values)
{
    size_t i;
    json_t *cell;

    json_array_foreach(json_object_get(results->run, "plan"), i, cell) {
        const char *value = json_string_value(json_object_get(json_object_get(cell, "defaults"), axis));

        if (value)
            names_add(values, value);
    }
}

_Noreturn void axis_refuse(const struct results *results, const char *axis, const char *file)
{
    struct names axes = {0}, values = {0};

    axis_all(results, &axes);
    axis_values(results, axis, &values);
    axis_defaults(results, axis, &values);
    if (values.count == 0)
        suggest_die("variable of this file", axis, &axes);
    die_usage("compare: %s has no two cells that differ in %s alone (it holds %s); --along takes: %s", file, axis,
              names_join(&values, ", "), axes.count ? names_join(&axes, ", ") : "none");
}
