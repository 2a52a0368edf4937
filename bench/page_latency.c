/*
 * page_latency.c -- merges the histograms of a cell's right samples and reads percentiles off the sum.
 *
 * A sample carries "hist": {"unit": "ns", "counts": [[value, count], …]}; a percentile is the smallest value that at
 * least this share of the events does not exceed. Rule 12: nothing is said of a tail that holds fewer than ten events.
 */
#include "page_latency.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* One bucket, of the merged list. */
struct bucket {
    double value;
    json_int_t count;
};

struct latency {
    const char *unit; /* of the first histogram; others are left out */
    struct bucket *bucket;
    size_t buckets;
    json_int_t events;
};

static const struct {
    double p;
    const char *heading;
} percentiles[] = {{0.5, "P50"}, {0.9, "P90"}, {0.99, "P99"}, {0.999, "P99.9"}, {0.9999, "P99.99"}};
enum { PERCENTILES = sizeof percentiles / sizeof percentiles[0] };
static const double PAGE_LATENCY_LEAST_TAIL = 10; /* events above a percentile; 10,000 events for p99.9 */

static void page_latency_take(struct latency *latency, const json_t *hist)
{
    const json_t *counts = json_object_get(hist, "counts");
    const char *unit = json_string_value(json_object_get(hist, "unit"));
    size_t i;
    json_t *pair;

    if (!unit || (latency->unit && strcmp(latency->unit, unit) != 0) || json_array_size(counts) == 0)
        return;
    latency->unit = unit;
    latency->bucket = memory_resize(latency->bucket, latency->buckets + json_array_size(counts), sizeof latency->bucket[0]);
    json_array_foreach(counts, i, pair) {
        const json_t *value = json_array_get(pair, 0), *count = json_array_get(pair, 1);

        if (!json_is_number(value) || json_integer_value(count) <= 0 || json_integer_value(count) > INT32_MAX)
            continue;
        latency->bucket[latency->buckets++] = (struct bucket){json_number_value(value), json_integer_value(count)};
        latency->events += json_integer_value(count);
    }
}

static int page_latency_order(const void *a, const void *b)
{
    const struct bucket *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

/* False if no right sample has one. free(latency->bucket) afterwards. */
static bool page_latency_merge(struct latency *latency, const struct result_cell *cell)
{
    *latency = (struct latency){0};
    for (size_t i = 0; i < cell->observations; i++)
        if (cell->observation[i].status == RESULTS_OK)
            page_latency_take(latency, json_object_get(cell->observation[i].record, "hist"));
    if (latency->events)
        qsort(latency->bucket, latency->buckets, sizeof latency->bucket[0], page_latency_order);
    return latency->events > 0;
}

/* Below 0: too few events. */
static double page_latency_percentile(const struct latency *latency, double p)
{
    double wanted = p * (double)latency->events, seen = 0;

    if ((double)latency->events * (1 - p) < PAGE_LATENCY_LEAST_TAIL * (1 - 1e-9))
        return -1;
    for (size_t i = 0; i < latency->buckets; i++) {
        seen += (double)latency->bucket[i].count;
        if (seen >= wanted * (1 - 1e-12))
            return latency->bucket[i].value;
    }
    return -1;
}

/* Whole nanoseconds need no decimals. The caller frees it. */
static char *page_latency_text(const struct latency *latency, double value)
{
    if (strcmp(latency->unit, "ns") != 0 || value < 1e4)
        return memory_text("%.6g %s", value, latency->unit);
    if (value < 1e7)
        return memory_text("%.4g µs", value / 1e3);
    return value < 1e10 ? memory_text("%.4g ms", value / 1e6) : memory_text("%.4g s", value / 1e9);
}

json_t *page_latency_cell(const struct result_cell *cell)
{
    struct latency latency;
    json_t *list = NULL, *found = NULL;

    if (page_latency_merge(&latency, cell)) {
        list = json_array();
        for (int i = 0; i < PERCENTILES; i++) {
            double value = page_latency_percentile(&latency, percentiles[i].p);
            char *text = page_latency_text(&latency, value);

            if (value >= 0)
                json_array_append_new(list, json_pack("{s:f, s:s, s:f, s:s}", "p", percentiles[i].p, "heading",
                                                      percentiles[i].heading, "value", value, "text", text));
            free(text);
        }
        found = json_pack("{s:s, s:I, s:o}", "unit", latency.unit, "events", latency.events, "percentiles", list);
    }
    free(latency.bucket);
    return found;
}

static void page_latency_row(struct table *table, const struct row *row, const struct latency *latency)
{
    char *text;

    table_cell(table, "%s%s", row->cell->strategy, row->cell->aa ? " (A/A)" : "");
    table_cell(table, "%" JSON_INTEGER_FORMAT, latency->events);
    for (int i = 0; i < PERCENTILES; i++) {
        double value = page_latency_percentile(latency, percentiles[i].p);

        text = value < 0 ? memory_text("–") : page_latency_text(latency, value);
        table_cell(table, "%s", text);
        free(text);
    }
    text = page_latency_text(latency, latency->bucket[latency->buckets - 1].value);
    table_cell(table, "%s", text);
    free(text);
}

bool page_latency_table(struct table *table, const struct report_group *group)
{
    struct table_column columns[PERCENTILES + 3] = {{"STRATEGY", false}, {"EVENTS", true}};
    bool any = false;

    for (int i = 0; i < PERCENTILES; i++)
        columns[i + 2] = (struct table_column){percentiles[i].heading, true};
    columns[PERCENTILES + 2] = (struct table_column){"MAX", true};
    table_begin(table, columns, PERCENTILES + 3);
    for (size_t i = 0; i < group->rows; i++) {
        struct latency latency;

        if (page_latency_merge(&latency, group->row[i].cell)) {
            page_latency_row(table, &group->row[i], &latency);
            any = true;
        }
        free(latency.bucket);
    }
    if (!any)
        table_free(table);
    return any;
}
