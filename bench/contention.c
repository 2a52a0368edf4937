/*
 * contention.c -- locks by type, and peaks.
 */
#include "contention.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "names.h"
#include "summary.h"

/* How the samples' values become the cell's. */
enum contention_figure { CONTENTION_PER_OPERATION, CONTENTION_HIGHEST };

static const struct {
    const char *heading, *key;
    enum contention_figure figure;
} contention_columns[] = {
    {"ACQUIRED", "acquired", CONTENTION_PER_OPERATION}, {"BIASED", "biased", CONTENTION_PER_OPERATION},
    {"CONTENDED", "contended", CONTENTION_PER_OPERATION}, {"REVOKED", "revoked", CONTENTION_PER_OPERATION},
    {"DELAY NS", "wait_ns", CONTENTION_PER_OPERATION}, {"LONGEST NS", "wait_longest_ns", CONTENTION_HIGHEST},
};
enum { CONTENTION_COLUMNS = sizeof contention_columns / sizeof contention_columns[0] };

static const json_t *contention_find(const json_t *record, const char *const *path, size_t length)
{
    const json_t *at = record;

    for (size_t i = 0; i < length; i++)
        at = json_object_get(at, path[i]);
    return at;
}

/* Below 0: no right sample has it. */
static double contention_figure(const struct result_cell *cell, const char *const *path, size_t length,
                                enum contention_figure figure)
{
    double *values = memory_alloc(cell->observations + 1, sizeof values[0]), highest = -1;
    size_t count = 0;

    for (size_t i = 0; i < cell->observations; i++) {
        const json_t *value = contention_find(cell->observation[i].record, path, length);
        double number = (double)json_integer_value(value);

        if (cell->observation[i].status != RESULTS_OK || !json_is_integer(value) || number < 0)
            continue;
        highest = number > highest ? number : highest;
        values[count++] = number / results_counted_ops(&cell->observation[i]);
    }
    if (count && figure == CONTENTION_PER_OPERATION)
        highest = summary_median(values, count);
    free(values);
    return highest;
}

static void contention_cell(struct table *table, double value, enum contention_figure figure)
{
    if (value < 0)
        table_cell(table, "–");
    else
        table_cell(table, figure == CONTENTION_HIGHEST ? "%.0f" : "%.4g", value);
}

/* The names in `key` of all records whose values are objects, or are not; in the order in which they are found. */
static void contention_names(const struct report_group *group, const char *key, bool objects, struct names *names)
{
    for (size_t i = 0; i < group->rows; i++)
        for (size_t j = 0; j < group->row[i].cell->observations; j++) {
            const char *name;
            json_t *value;

            json_object_foreach(json_object_get(group->row[i].cell->observation[j].record, key), name, value)
                if (json_is_object(value) == objects)
                    names_add(names, name);
        }
}

static void contention_lock_row(struct table *table, const char *type, const struct result_cell *cell)
{
    const char *acquired[] = {"locks", type, "acquired"};

    if (contention_figure(cell, acquired, 3, CONTENTION_HIGHEST) < 0)
        return; /* this strategy has no such locks */
    table_cell(table, "%s", type);
    table_cell(table, "%s", cell->strategy);
    for (size_t c = 0; c < CONTENTION_COLUMNS; c++) {
        const char *path[] = {"locks", type, contention_columns[c].key};

        contention_cell(table, contention_figure(cell, path, 3, contention_columns[c].figure), contention_columns[c].figure);
    }
}

bool contention_fill_locks(struct table *table, const struct report_group *group)
{
    struct table_column columns[2 + CONTENTION_COLUMNS] = {{"LOCKS PER OPERATION", false}, {"STRATEGY", false}};
    struct names types = {0};
    bool any;

    contention_names(group, "locks", true, &types);
    any = types.count > 0;
    for (size_t c = 0; c < CONTENTION_COLUMNS; c++)
        columns[2 + c] = (struct table_column){contention_columns[c].heading, true};
    if (any)
        table_begin(table, columns, 2 + CONTENTION_COLUMNS);
    for (size_t i = 0; i < types.count; i++)
        for (size_t row = 0; row < group->rows; row++)
            contention_lock_row(table, types.item[i], group->row[row].cell);
    names_free(&types);
    return any;
}

bool contention_fill_peaks(struct table *table, const struct report_group *group)
{
    struct table_column *columns = memory_alloc(group->rows + 1, sizeof columns[0]);
    struct names names = {0};
    bool any;

    contention_names(group, "peaks", false, &names);
    any = names.count > 0;
    columns[0] = (struct table_column){"PEAK OF ALL SAMPLES", false};
    for (size_t i = 0; i < group->rows; i++)
        columns[i + 1] = (struct table_column){group->row[i].cell->strategy, true};
    if (any)
        table_begin(table, columns, group->rows + 1);
    for (size_t i = 0; i < names.count; i++) {
        const char *path[] = {"peaks", names.item[i]};

        table_cell(table, "%s", names.item[i]);
        for (size_t row = 0; row < group->rows; row++)
            contention_cell(table, contention_figure(group->row[row].cell, path, 2, CONTENTION_HIGHEST), CONTENTION_HIGHEST);
    }
    free(columns);
    names_free(&names);
    return any;
}
