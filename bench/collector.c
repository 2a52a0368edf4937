/*
 * collector.c -- what the collector of cycles did.
 */
#include "collector.h"

#include <inttypes.h>
#include <stdlib.h>

#include "histogram.h"
#include "latency.h"
#include "memory.h"

struct collector {
    size_t samples;
    int64_t collections, skipped, collected, uncollectable, pause_ns, pause_longest_ns;
    struct histogram stops;
};

/* 0 for what is no count: a file may hold anything. Bounded, so that sums over all rounds stay within 64 bits. */
static int64_t collector_number(const json_t *found, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(found, key)), most = INT64_MAX / RESULTS_MOST_ROUNDS;

    return number < 0 ? 0 : number > most ? most : number;
}

static void collector_take(struct collector *c, const json_t *found)
{
    int64_t longest = collector_number(found, "pause_longest_ns");

    if (!json_is_object(found))
        return;
    c->samples++;
    c->collections += collector_number(found, "collections");
    c->skipped += collector_number(found, "skipped");
    c->collected += collector_number(found, "collected");
    c->uncollectable += collector_number(found, "uncollectable");
    c->pause_ns += collector_number(found, "pause_ns");
    c->pause_longest_ns = longest > c->pause_longest_ns ? longest : c->pause_longest_ns;
    latency_take_counts(&c->stops, json_object_get(json_object_get(found, "stops"), "counts"));
}

static void collector_time(struct table *table, bool there, int64_t ns)
{
    char *text = there ? latency_text(ns) : NULL;

    table_cell(table, "%s", text ? text : "–");
    free(text);
}

static void collector_row(struct table *table, const struct result_cell *cell)
{
    struct collector *c = memory_alloc(1, sizeof *c);
    bool stopped;

    for (size_t i = 0; i < cell->observations; i++)
        if (cell->observation[i].status == RESULTS_OK)
            collector_take(c, json_object_get(cell->observation[i].record, "collector"));
    stopped = c->stops.count > 0;
    if (c->samples) {
        table_cell(table, "%s", cell->strategy);
        table_cell(table, "%" PRId64, c->collections);
        table_cell(table, "%" PRId64, c->skipped);
        table_cell(table, "%" PRId64, c->collected);
        table_cell(table, "%" PRId64, c->uncollectable);
        collector_time(table, stopped, stopped ? c->pause_ns / (int64_t)c->stops.count : 0);
        collector_time(table, stopped, c->pause_longest_ns);
        collector_time(table, stopped, histogram_quantile(&c->stops, 0.5));
        collector_time(table, stopped, histogram_quantile(&c->stops, 0.99));
        collector_time(table, stopped, histogram_quantile(&c->stops, 1));
    }
    free(c);
}

static bool collector_there(const struct report_group *group)
{
    for (size_t i = 0; i < group->rows; i++)
        for (size_t j = 0; j < group->row[i].cell->observations; j++)
            if (group->row[i].cell->observation[j].status == RESULTS_OK &&
                json_is_object(json_object_get(group->row[i].cell->observation[j].record, "collector")))
                return true;
    return false;
}

bool collector_fill(struct table *table, const struct report_group *group)
{
    static const struct table_column columns[] = {
        {"COLLECTOR", false},  {"COLLECTIONS", true},   {"SKIPPED", true},  {"COLLECTED", true}, {"UNCOLLECTABLE", true},
        {"PAUSE MEAN", true}, {"PAUSE LONGEST", true}, {"STOP P50", true}, {"STOP P99", true},  {"STOP LONGEST", true},
    };

    if (!collector_there(group))
        return false;
    table_begin(table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < group->rows; i++)
        collector_row(table, group->row[i].cell);
    return true;
}
