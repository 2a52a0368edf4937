/*
 * counter_table.c -- the events of a group of cells as a table.
 */
#include "counter_table.h"

#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "memory.h"
#include "summary.h"

static const struct {
    const char *heading, *over, *under;
    double scale;
} counter_ratios[] = {
    {"instructions per cycle", "instructions", "cycles", 1},
    {"cache-misses per 100 references", "cache-misses", "cache-references", 100},
    {"l1d-misses per 1000 instructions", "l1d-misses", "instructions", 1000},
    {"branch-misses per 1000 instructions", "branch-misses", "instructions", 1000},
    {"locked-operations per 1000 instructions", "locked-operations", "instructions", 1000},
    {"cross-core-hits per 1000 instructions", "cross-core-hits", "instructions", 1000},
};
enum { COUNTER_RATIOS = sizeof counter_ratios / sizeof counter_ratios[0] };

static const char *counter_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

struct counter_total counter_total(const json_t *record, const char *event)
{
    struct counter_total sum = {.value = 0};
    bool missing = false;
    size_t i;
    json_t *entry;

    json_array_foreach(json_object_get(record, "counters"), i, entry) {
        const json_t *value = json_object_get(entry, "value");

        if (strcmp(counter_text(entry, "event"), event) != 0)
            continue;
        sum.asked = true;
        sum.estimated |= json_is_true(json_object_get(entry, "estimated"));
        sum.group = json_integer_value(json_object_get(entry, "group"));
        if (json_is_integer(value) && json_integer_value(value) >= 0)
            sum.value += (double)json_integer_value(value);
        else {
            missing = true;
            sum.error = counter_text(entry, "errno");
        }
    }
    if (missing || !sum.asked)
        sum.value = -1;
    return sum;
}

static struct counter_figure counter_median(struct counter_figure figure, double *values, size_t count)
{
    figure.value = count ? summary_median(values, count) : -1;
    free(values);
    return figure;
}

struct counter_figure counter_per_operation(const struct result_cell *cell, const char *event)
{
    struct counter_figure figure = {0};
    double *values = memory_alloc(cell->observations + 1, sizeof values[0]);
    size_t count = 0;

    for (size_t i = 0; i < cell->observations; i++) {
        const json_t *record = cell->observation[i].record;
        struct counter_total sum = counter_total(record, event);

        if (cell->observation[i].status != RESULTS_OK || !sum.asked)
            continue;
        if (sum.value < 0) {
            figure.missing++;
            figure.error = sum.error;
            continue;
        }
        values[count++] = sum.value / (double)json_integer_value(json_object_get(record, "ops"));
        figure.estimated |= sum.estimated;
    }
    return counter_median(figure, values, count);
}

struct counter_figure counter_ratio(const struct result_cell *cell, const char *over, const char *under)
{
    struct counter_figure figure = {0};
    double *values = memory_alloc(cell->observations + 1, sizeof values[0]);
    size_t count = 0;

    for (size_t i = 0; i < cell->observations; i++) {
        const json_t *record = cell->observation[i].record;
        struct counter_total a = counter_total(record, over), b = counter_total(record, under);

        if (cell->observation[i].status != RESULTS_OK || a.value < 0 || b.value <= 0 || a.group != b.group)
            continue;
        values[count++] = a.value / b.value;
        figure.estimated |= a.estimated || b.estimated;
    }
    return counter_median(figure, values, count);
}

static void counter_cell(struct table *table, struct counter_figure figure, double scale)
{
    if (figure.value < 0)
        table_cell(table, "–");
    else
        table_cell(table, "%.4g%s", figure.value * scale, figure.estimated ? " est." : "");
}

/* In the order of events.h, then what else the samples hold. */
static void counter_names(const struct report_group *group, struct names *names)
{
    struct names found = {0}, known = {0};

    for (size_t i = 0; i < group->rows; i++)
        for (size_t j = 0; j < group->row[i].cell->observations; j++) {
            size_t k;
            json_t *entry;

            json_array_foreach(json_object_get(group->row[i].cell->observation[j].record, "counters"), k, entry)
                if (json_is_integer(json_object_get(entry, "value")))
                    names_add(&found, counter_text(entry, "event"));
        }
    events_names(&known);
    for (size_t i = 0; i < known.count; i++)
        if (names_has(&found, known.item[i]))
            names_add(names, known.item[i]);
    for (size_t i = 0; i < found.count; i++)
        names_add(names, found.item[i]);
    names_free(&found);
    names_free(&known);
}

static void counter_ratio_rows(struct table *table, const struct report_group *group)
{
    for (size_t r = 0; r < COUNTER_RATIOS; r++) {
        bool seen = false;

        for (size_t i = 0; i < group->rows; i++)
            seen |= counter_ratio(group->row[i].cell, counter_ratios[r].over, counter_ratios[r].under).value >= 0;
        if (!seen)
            continue;
        table_cell(table, "%s", counter_ratios[r].heading);
        for (size_t i = 0; i < group->rows; i++)
            counter_cell(table, counter_ratio(group->row[i].cell, counter_ratios[r].over, counter_ratios[r].under),
                         counter_ratios[r].scale);
    }
}

bool counter_table_fill(struct table *table, const struct report_group *group)
{
    struct table_column *columns;
    struct names names = {0};
    bool any;

    counter_names(group, &names);
    any = names.count > 0;
    if (any) {
        columns = memory_alloc(group->rows + 1, sizeof columns[0]);
        columns[0] = (struct table_column){"EVENT PER OPERATION", false};
        for (size_t i = 0; i < group->rows; i++)
            columns[i + 1] = (struct table_column){group->row[i].cell->strategy, true};
        table_begin(table, columns, group->rows + 1);
        free(columns);
        for (size_t n = 0; n < names.count; n++) {
            table_cell(table, "%s%s", names.item[n], strcmp(names.item[n], "task-clock") == 0 ? " (ns)" : "");
            for (size_t i = 0; i < group->rows; i++)
                counter_cell(table, counter_per_operation(group->row[i].cell, names.item[n]), 1);
        }
        counter_ratio_rows(table, group);
    }
    names_free(&names);
    return any;
}

void counter_table_missing(const struct report_group *group, struct names *notes)
{
    for (const struct event *event = events; event->name; event++)
        for (size_t i = 0; i < group->rows; i++) {
            struct counter_figure figure = counter_per_operation(group->row[i].cell, event->name);
            char *note;

            if (!figure.missing)
                continue;
            note = memory_text("%s: %s has no value in %zu sample%s (%s)", group->row[i].cell->strategy, event->name,
                               figure.missing, figure.missing > 1 ? "s" : "", figure.error);
            names_add(notes, note);
            free(note);
        }
}

static bool counter_same_reason(const json_t *a, const json_t *b)
{
    return strcmp(counter_text(a, "errno"), counter_text(b, "errno")) == 0 &&
           strcmp(counter_text(a, "why"), counter_text(b, "why")) == 0 &&
           strcmp(counter_text(a, "remedy"), counter_text(b, "remedy")) == 0;
}

void counter_table_unavailable(const struct results *results, struct names *notes)
{
    const json_t *list = json_object_get(results->run, "unavailable");
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item) {
        struct names alike = {0};
        char *joined, *note;
        size_t j;
        json_t *other;

        json_array_foreach(list, j, other)
            if (counter_same_reason(item, other))
                names_add(&alike, counter_text(other, "event"));
        joined = names_join(&alike, ", ");
        note = memory_text("not counted: %s: %s%s%s%s%s", joined, counter_text(item, "errno"),
                           *counter_text(item, "errno") ? ", " : "", counter_text(item, "why"),
                           *counter_text(item, "remedy") ? "; remedy: " : "", counter_text(item, "remedy"));
        names_add(notes, note); /* once: the list keeps each text once */
        free(note);
        free(joined);
        names_free(&alike);
    }
}

char *counter_table_state(const json_t *run)
{
    const json_t *asked = json_object_get(json_object_get(run, "events"), "asked");
    const json_t *missing = json_object_get(run, "unavailable");
    const char *error = NULL;
    size_t i, hardware = 0, absent = 0;
    json_t *item;

    json_array_foreach(asked, i, item) {
        const struct event *event = json_is_string(item) ? events_find(json_string_value(item)) : NULL;

        hardware += event && event->kind == EVENT_HARDWARE;
    }
    json_array_foreach(missing, i, item) {
        const struct event *event = events_find(counter_text(item, "event"));

        if (!event || event->kind != EVENT_HARDWARE)
            continue;
        absent++;
        error = error ? error : counter_text(item, "errno");
    }
    if (absent >= hardware && error)
        return memory_text("none (%s)", error);
    if (hardware == 0)
        return memory_text("not asked for");
    return memory_text(absent ? "%zu of %zu" : "%zu", hardware - absent, hardware);
}
