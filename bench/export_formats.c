/*
 * export_formats.c -- the formats of `rclab export`, all but CSV.
 */
#define _GNU_SOURCE 1
#include "export_formats.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "names.h"
#include "verdict.h"

static const struct observation *export_sample(const struct result_cell *cell, size_t i)
{
    return &cell->observation[i];
}

static void export_dump(const json_t *value, FILE *stream)
{
    json_dumpf(value, stream, JSON_INDENT(1));
    fputc('\n', stream);
}

static bool export_first_of_group(const struct results *results, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (results_same_group(&results->cell[j], &results->cell[i]))
            return false;
    return true;
}

/* null where there is none, and for what JSON cannot hold. */
static json_t *export_number(double value, bool there)
{
    json_t *number = there ? json_real(value) : NULL;

    return number ? number : json_null();
}

/* `timed` false: under callgrind, where no figure that comes from a time means anything. */
static json_t *export_row(const struct row *row, bool timed)
{
    char *verdict = verdict_text(row);
    const double *median = row->median;
    json_t *object = json_pack(
        "{s:s, s:s, s:i, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "cell", row->cell->key, "unit",
        row->cell->unit, "ok", (int)row->cell->count[RESULTS_OK], "not_ok", (int)(row->cell->observations - row->cell->count[RESULTS_OK]), "verdict",
        verdict, "per_second", export_number(median[RESULTS_RATE], timed && median[RESULTS_RATE] >= 0), "ns_per_op",
        export_number(median[RESULTS_NS_PER_OP], timed && median[RESULTS_NS_PER_OP] >= 0), "mad",
        export_number(row->mad, timed && median[RESULTS_RATE] >= 0), "ratio", export_number(row->ratio, timed && row->ratio > 0), "ci_low",
        export_number(row->interval.low, timed && row->interval.exists), "ci_high",
        export_number(row->interval.high, timed && row->interval.exists), "pairs", json_integer((json_int_t)row->pairs), "dropped",
        json_integer((json_int_t)row->dropped), "rss_kib", export_number(median[RESULTS_RSS], median[RESULTS_RSS] >= 0));

    free(verdict);
    return object;
}

static json_t *export_rows(const struct results *results)
{
    struct row *rows = memory_alloc(results->cells, sizeof rows[0]);
    json_t *list = json_array();

    for (size_t i = 0; i < results->cells; i++) {
        size_t count = export_first_of_group(results, i) ? verdict_judge(results, &results->cell[i], rows) : 0;

        for (size_t j = 0; j < count; j++)
            json_array_append_new(list, export_row(&rows[j], !results_instructions_only(results)));
    }
    free(rows);
    return list;
}

void export_json(const struct results *results, FILE *stream)
{
    json_t *samples = json_array(), *whole;

    for (size_t i = 0; i < results->cells; i++)
        for (size_t j = 0; j < results->cell[i].observations; j++)
            json_array_append(samples, export_sample(&results->cell[i], j)->record);
    whole = json_pack("{s:O, s:b, s:s, s:o, s:o}", "run", results->run, "complete", results->complete, "times",
                      results_instructions_only(results) ? "callgrind" : "real", "samples", samples, "rows",
                      export_rows(results));
    export_dump(whole, stream);
    json_decref(whole);
}

/* XML 1.0 has no control characters but tab and line ends, not even escaped. */
static void export_xml(const char *text, FILE *stream)
{
    for (; text && *text; text++)
        switch (*text) {
        case '<': fputs("&lt;", stream); break;
        case '>': fputs("&gt;", stream); break;
        case '&': fputs("&amp;", stream); break;
        case '"': fputs("&quot;", stream); break;
        case '\n': fputs("&#10;", stream); break;
        case '\t': fputs("&#9;", stream); break;
        default: fputc((unsigned char)*text < ' ' ? '?' : *text, stream); break;
        }
}

static void export_property(const json_t *object, const char *name, FILE *stream)
{
    const char *value = json_string_value(json_object_get(object, name));

    if (!value)
        return;
    fprintf(stream, "    <property name=\"%s\" value=\"", name);
    export_xml(value, stream);
    fputs("\"/>\n", stream);
}

static double export_seconds(const struct result_cell *cell)
{
    double seconds = 0;

    for (size_t i = 0; i < cell->observations; i++)
        seconds += (double)json_integer_value(json_object_get(cell->observation[i].record, "wall_ns")) / 1e9;
    return seconds;
}

static const char *export_first_why(const struct result_cell *cell)
{
    for (size_t i = 0; i < cell->observations; i++) {
        const struct observation *sample = &cell->observation[i];
        const char *why = json_string_value(json_object_get(sample->record, "why"));

        if (sample->status != RESULTS_OK && sample->status != RESULTS_SKIPPED)
            return why ? why : json_string_value(json_object_get(sample->record, "status"));
    }
    return NULL;
}

static void export_junit_case(const struct row *row, FILE *stream)
{
    const struct result_cell *cell = row->cell;
    char *verdict = verdict_text(row);

    fputs("    <testcase classname=\"", stream);
    export_xml(cell->workload, stream);
    fputs("\" name=\"", stream);
    export_xml(cell->key, stream);
    fprintf(stream, "\" time=\"%.6f\">\n", export_seconds(cell));
    if (results_failures(cell)) {
        fputs("      <failure message=\"", stream);
        export_xml(verdict, stream);
        fputs("\">", stream);
        export_xml(export_first_why(cell), stream);
        fputs("</failure>\n", stream);
    } else if (cell->count[RESULTS_OK] == 0 && !cell->unsafe)
        fputs("      <skipped message=\"not measured\"/>\n", stream);
    fprintf(stream, "      <system-out>%.6g ", row->median[RESULTS_RATE] > 0 ? row->median[RESULTS_RATE] : 0);
    export_xml(cell->unit, stream);
    fputs("/s, ", stream);
    export_xml(verdict, stream);
    if (row->interval.exists)
        fprintf(stream, ", %.4f [%.4f, %.4f]", row->ratio, row->interval.low, row->interval.high);
    fputs("</system-out>\n    </testcase>\n", stream);
    free(verdict);
}

static void export_junit_group(const struct results *results, size_t first, FILE *stream)
{
    struct row *rows = memory_alloc(results->cells, sizeof rows[0]);
    size_t count = verdict_judge(results, &results->cell[first], rows), failures = 0, skipped = 0;

    for (size_t i = 0; i < count; i++) {
        failures += results_failures(rows[i].cell) > 0;
        skipped += !results_failures(rows[i].cell) && rows[i].cell->count[RESULTS_OK] == 0 && !rows[i].cell->unsafe;
    }
    fputs("  <testsuite name=\"", stream);
    export_xml(rows[0].cell->workload, stream);
    fprintf(stream, " t%d", rows[0].cell->threads);
    fprintf(stream, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n    <properties>\n", count, failures, skipped);
    export_property(results->run, "run_id", stream);
    export_property(results->run, "started", stream);
    export_property(json_object_get(results->run, "host"), "cpu", stream);
    export_property(json_object_get(results->run, "build"), "git", stream);
    fputs("    </properties>\n", stream);
    for (size_t i = 0; i < count; i++)
        export_junit_case(&rows[i], stream);
    fputs("  </testsuite>\n", stream);
    free(rows);
}

void export_junit(const struct results *results, FILE *stream)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", stream);
    for (size_t i = 0; i < results->cells; i++)
        if (export_first_of_group(results, i))
            export_junit_group(results, i, stream);
    fputs("</testsuites>\n", stream);
}

/* pyperf takes no empty text and no line end in metadata. */
static void export_pyperf_text(json_t *metadata, const char *key, const char *value)
{
    char *copy;

    if (!value || value[strspn(value, " \t\r\n")] == '\0')
        return;
    copy = memory_text("%s", value);
    for (char *c = copy; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    json_object_set_new(metadata, key, json_string(copy));
    free(copy);
}

/* What all runs share. pyperf refuses to put runs together that differ in hostname, cpu_model_name, platform or cpu_count. */
static json_t *export_pyperf_metadata(const struct results *results)
{
    const json_t *host = json_object_get(results->run, "host"), *build = json_object_get(results->run, "build");
    json_t *metadata = json_pack("{s:s}", "unit", "second"), *load;
    char *date = memory_text("%s", json_string_value(json_object_get(results->run, "started"))
                                       ? json_string_value(json_object_get(results->run, "started"))
                                       : "");

    date[strcspn(date, "Z")] = '\0';
    if (strchr(date, 'T'))
        *strchr(date, 'T') = ' ';
    export_pyperf_text(metadata, "date", date);
    export_pyperf_text(metadata, "hostname", json_string_value(json_object_get(host, "name")));
    export_pyperf_text(metadata, "cpu_model_name", json_string_value(json_object_get(host, "cpu")));
    export_pyperf_text(metadata, "platform", json_string_value(json_object_get(host, "kernel")));
    export_pyperf_text(metadata, "rclab_git", json_string_value(json_object_get(build, "git")));
    export_pyperf_text(metadata, "rclab_cc", json_string_value(json_object_get(build, "cc")));
    export_pyperf_text(metadata, "rclab_cflags", json_string_value(json_object_get(build, "cflags")));
    load = json_object_get(json_object_get(results->run, "system"), "load1");
    if (json_is_number(load) && json_number_value(load) >= 0)
        json_object_set(metadata, "load_avg_1min", load);
    free(date);
    return metadata;
}

static json_t *export_pyperf_run(const struct result_cell *cell, const struct observation *sample)
{
    double memory = sample->metric[RESULTS_RSS];
    json_t *value = json_real(sample->metric[RESULTS_NS_PER_OP] / 1e9), *run;

    if (!value || !(json_real_value(value) > 0)) { /* so many operations that no number is left */
        json_decref(value);
        return NULL;
    }
    run = json_pack("{s:[o], s:{s:i, s:i, s:f}}", "values", value, "metadata", "rclab_round", sample->round, "rclab_threads",
                    cell->threads, "duration",
                    (double)json_integer_value(json_object_get(sample->record, "wall_ns")) / 1e9);
    if (memory > 0 && memory < 1e15)
        json_object_set_new(json_object_get(run, "metadata"), "mem_max_rss", json_integer((json_int_t)(memory * 1024)));
    return run;
}

static json_t *export_pyperf_cell(const struct result_cell *cell)
{
    json_t *runs = json_array(), *metadata = json_object();

    for (size_t i = 0; i < cell->observations && !results_wrong_expected(cell); i++) {
        json_t *run = cell->observation[i].status == RESULTS_OK ? export_pyperf_run(cell, &cell->observation[i]) : NULL;

        if (run)
            json_array_append_new(runs, run);
    }
    if (json_array_size(runs)) {
        export_pyperf_text(metadata, "name", cell->key);
        export_pyperf_text(metadata, "rclab_unit", cell->unit);
        return json_pack("{s:o, s:o}", "metadata", metadata, "runs", runs);
    }
    json_decref(runs);
    json_decref(metadata);
    return NULL;
}

bool export_pyperf(const struct results *results, FILE *stream)
{
    json_t *benchmarks = json_array(), *whole;
    bool some;

    for (size_t i = 0; i < results->cells; i++) {
        json_t *benchmark = export_pyperf_cell(&results->cell[i]);

        if (benchmark)
            json_array_append_new(benchmarks, benchmark);
    }
    some = json_array_size(benchmarks) > 0;
    whole = json_pack("{s:s, s:o, s:o}", "version", "1.0", "metadata", export_pyperf_metadata(results), "benchmarks",
                      benchmarks);
    if (some)
        export_dump(whole, stream);
    else
        fprintf(stderr, "rclab: no right sample: pyperf takes no file without benchmarks\n");
    json_decref(whole);
    return some;
}
