/*
 * export_csv.c -- one line for each sample: fixed columns, then one for each event and counter that any sample of the file
 * has. The document is RFC 4180.
 */
#define _GNU_SOURCE 1
#include "export_formats.h"

#include <stdlib.h>
#include <string.h>

#include "counter_table.h"
#include "latency_csv.h"
#include "memory.h"
#include "names.h"
#include "report.h"

/* A text that a spreadsheet would take for a formula is left as it is: the file must say what was measured. */
static void export_csv_text(const char *text, FILE *stream)
{
    if (!text)
        return;
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

/* Nothing for null: a figure that is missing is not 0. */
static void export_csv_value(const json_t *value, FILE *stream)
{
    fputc(',', stream);
    if (json_is_integer(value))
        fprintf(stream, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        fprintf(stream, "%.17g", json_real_value(value));
    else
        export_csv_text(json_string_value(value), stream);
}

/* --- the further columns: "refcounts:incref", "locks:list:acquired", "event:cycles" --- */

static void export_csv_flatten(const json_t *object, const char *prefix, json_t *flat)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value) {
        char *path = memory_text("%s:%s", prefix, name);

        if (json_is_object(value))
            export_csv_flatten(value, path, flat);
        else
            json_object_set(flat, path, value);
        free(path);
    }
}

static json_t *export_csv_total(double value)
{
    static const double most = 9e18; /* no integer of JSON's is larger: a damaged file's sum */

    if (value < 0)
        return json_null();
    return value < most ? json_integer((json_int_t)value) : json_real(value);
}

/* The sum over the threads; null unless each of them has a value. */
static void export_csv_events(const json_t *record, json_t *flat, struct names *estimated)
{
    size_t i;
    json_t *entry;

    json_array_foreach(json_object_get(record, "counters"), i, entry) {
        const char *event = json_string_value(json_object_get(entry, "event"));
        struct counter_total total;
        char *path;

        if (!event)
            continue;
        total = counter_total(record, event);
        path = memory_text("event:%s", event);
        json_object_set_new(flat, path, export_csv_total(total.value));
        if (total.estimated)
            names_add(estimated, event);
        free(path);
    }
}

/* All of a sample's counters under the names of their columns. New reference. */
static json_t *export_csv_counters(const json_t *record, struct names *estimated)
{
    static const char *const kinds[] = {"refcounts", "locks", "peaks", "collector", "facts"};
    json_t *flat = json_object();

    export_csv_events(record, flat, estimated);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        export_csv_flatten(json_object_get(record, kinds[i]), kinds[i], flat);
    return flat;
}

static void export_csv_columns(const struct results *results, struct names *columns)
{
    json_t *seen = json_object(), *value; /* all in one: a set that names_add's search would make slow */
    const char *name;

    for (size_t i = 0; i < results->cells; i++)
        for (size_t j = 0; j < results->cell[i].observations; j++) {
            struct names estimated = {0};
            json_t *flat = export_csv_counters(results->cell[i].observation[j].record, &estimated);

            json_object_update(seen, flat);
            json_decref(flat);
            names_free(&estimated);
        }
    json_object_foreach(seen, name, value)
        names_add(columns, name);
    json_decref(seen);
}

static void export_csv_further(const json_t *record, const struct names *columns, FILE *stream)
{
    struct names estimated = {0};
    json_t *flat = export_csv_counters(record, &estimated);
    char *joined = names_join(&estimated, " ");

    fputc(',', stream);
    export_csv_text(joined, stream);
    for (size_t i = 0; i < columns->count; i++)
        export_csv_value(json_object_get(flat, columns->item[i]), stream);
    free(joined);
    json_decref(flat);
    names_free(&estimated);
}

/* --- the fixed columns --- */

/* Under callgrind a sample's times are no times: they are left out. */
static void export_csv_figures(const struct observation *sample, bool timed, FILE *stream)
{
    static const struct {
        const char *key;
        bool time;
    } figures[] = {{"round", false}, {"slot", false},   {"status", false},  {"signal", false},      {"wall_ns", true},
                   {"cpu_ns", true}, {"drain_ns", true}, {"ops", false}, {"rss_peak_kib", false}};
    const json_t *hops = json_object_get(sample->record, "hop_ns");

    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        export_csv_value(figures[i].time && !timed ? NULL : json_object_get(sample->record, figures[i].key), stream);
    fputc(',', stream);
    if (sample->status == RESULTS_OK && timed)
        fprintf(stream, "%.17g", sample->metric[RESULTS_RATE]);
    fprintf(stream, ",%s", sample->status == RESULTS_OK ? results_regime_name(sample->regime) : "");
    export_csv_value(json_array_get(hops, 0), stream);
    export_csv_value(json_array_get(hops, 1), stream);
    fprintf(stream, ",%s", timed ? "real" : "callgrind");
}

static void export_csv_sample(const struct result_cell *cell, const struct observation *sample, bool timed, FILE *stream)
{
    char *params = report_params(cell, " ");

    export_csv_text(cell->key, stream);
    fputc(',', stream);
    export_csv_text(cell->workload, stream);
    fputc(',', stream);
    export_csv_text(params, stream);
    fprintf(stream, ",%d,", cell->threads);
    export_csv_text(cell->strategy, stream);
    fputc(',', stream);
    export_csv_text(cell->unit, stream);
    export_csv_figures(sample, timed, stream);
    latency_export(cell, sample, stream);
    free(params);
}

void export_csv(const struct results *results, FILE *stream)
{
    struct names columns = {0};
    bool timed = !results_instructions_only(results);

    export_csv_columns(results, &columns);
    fputs("cell,workload,parameters,threads,strategy,unit,round,slot,status,signal,wall_ns,cpu_ns,drain_ns,ops,rss_peak_kib,"
          "per_second,regime,hop_before_ns,hop_after_ns,times",
          stream);
    fprintf(stream, "%s,estimated", latency_export_header);
    for (size_t i = 0; i < columns.count; i++) {
        fputc(',', stream);
        export_csv_text(columns.item[i], stream);
    }
    fputs("\r\n", stream);
    for (size_t i = 0; i < results->cells; i++)
        for (size_t j = 0; j < results->cell[i].observations; j++) {
            export_csv_sample(&results->cell[i], &results->cell[i].observation[j], timed, stream);
            export_csv_further(results->cell[i].observation[j].record, &columns, stream);
            fputs("\r\n", stream);
        }
    names_free(&columns);
}
