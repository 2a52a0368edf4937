/*
 * latency_csv.c -- latencies as lines of CSV, in nanoseconds.
 */
#include "latency_csv.h"

#include <inttypes.h>
#include <stdlib.h>

#include "latency.h"
#include "memory.h"

static const struct table_column latency_csv_columns[] = {
    {"workload", false}, {"parameters", false}, {"threads", true},  {"strategy", false}, {"mode", false},    {"rate", true},
    {"request", true},   {"ok", true},          {"not_ok", true},   {"events", true},    {"p50_ns", true},   {"p90_ns", true},
    {"p99_ns", true},    {"p99_9_ns", true},    {"p99_99_ns", true}, {"max_ns", true},    {"achieved", true}, {"backlog", true},
    {"unserved", true},  {"remark", false},
};
_Static_assert(LATENCY_PERCENTILES == 5, "the columns above and latency_export_header name each percentile");

void latency_csv_begin(struct table *table)
{
    table_begin(table, latency_csv_columns, sizeof latency_csv_columns / sizeof latency_csv_columns[0]);
}

/* Nothing where there is nothing: a figure that is missing is not 0. */
static void latency_csv_number(struct table *table, bool there, int64_t value)
{
    if (there)
        table_cell(table, "%" PRId64, value);
    else
        table_cell(table, "%s", "");
}

static void latency_csv_row(struct table *table, const struct report_group *group, const struct row *row,
                            const struct latency *latency)
{
    const struct pace *pace = &group->results->pace;
    const struct result_cell *cell = row->cell;
    char *params = report_params(cell, " "), *remark = latency_remark(row);
    bool there = latency->histogram.count > 0, fixed = latency->achieved >= 0;

    table_cell(table, "%s", cell->workload);
    table_cell(table, "%s", params);
    table_cell(table, "%d", cell->threads);
    table_cell(table, "%s", cell->strategy);
    table_cell(table, "%s", pace->mode == PACE_FIXED ? "fixed" : "closed");
    latency_csv_number(table, pace->mode == PACE_FIXED, pace->rate);
    latency_csv_number(table, true, pace->request);
    latency_csv_number(table, true, (int64_t)cell->count[RESULTS_OK]);
    latency_csv_number(table, true, (int64_t)(cell->observations - cell->count[RESULTS_OK]));
    latency_csv_number(table, true, (int64_t)latency->histogram.count);
    for (int i = 0; i < LATENCY_PERCENTILES; i++)
        latency_csv_number(table, there && latency_percentile(latency, i) >= 0, latency_percentile(latency, i));
    latency_csv_number(table, there, latency->histogram.max);
    if (fixed)
        table_cell(table, "%.6g", latency->achieved);
    else
        table_cell(table, "%s", "");
    latency_csv_number(table, fixed, latency->backlog);
    latency_csv_number(table, fixed, latency->unserved);
    table_cell(table, "%s", remark);
    free(params);
    free(remark);
}

void latency_csv(struct table *table, const struct report_group *group)
{
    struct latency *latency = memory_alloc(1, sizeof *latency);

    for (size_t i = 0; i < group->rows; i++) {
        latency_merge(latency, group->row[i].cell);
        latency_csv_row(table, group, &group->row[i], latency);
    }
    free(latency);
}

const char latency_export_header[] = ",latency,rate,request,events,p50_ns,p90_ns,p99_ns,p99_9_ns,p99_99_ns,max_ns,backlog,unserved";

static void latency_export_number(const json_t *hist, const char *key, FILE *stream)
{
    const json_t *value = json_object_get(hist, key);

    fputc(',', stream);
    if (json_is_integer(value))
        fprintf(stream, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

void latency_export(const struct result_cell *cell, const struct observation *sample, FILE *stream)
{
    const json_t *hist = json_object_get(sample->record, "hist");
    const char *mode = json_string_value(json_object_get(hist, "mode"));
    struct latency *latency = memory_alloc(1, sizeof *latency);
    struct result_cell one = *cell;

    one.observation = (struct observation *)sample;
    one.observations = 1;
    fprintf(stream, ",%s", mode && sample->status == RESULTS_OK ? mode : "");
    latency_export_number(hist, "rate", stream);
    latency_export_number(hist, "request", stream);
    if (latency_merge(latency, &one)) {
        fprintf(stream, ",%" PRIu64, latency->histogram.count);
        for (int i = 0; i < LATENCY_PERCENTILES; i++)
            if (latency_percentile(latency, i) >= 0)
                fprintf(stream, ",%" PRId64, latency_percentile(latency, i));
            else
                fputc(',', stream);
        fprintf(stream, ",%" PRId64, latency->histogram.max);
    } else
        fputs(",,,,,,,", stream);
    latency_export_number(hist, "backlog", stream);
    latency_export_number(hist, "unserved", stream);
    free(latency);
}
