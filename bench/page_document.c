/*
 * page_document.c -- one run as the JSON that the page draws. Tables come from report.c as texts; the numbers beside them,
 * which the charts need, are those of the same rows. Nothing is computed that the table does not show.
 */
#define _GNU_SOURCE 1
#include "page_document.h"

#include <stdlib.h>
#include <string.h>

#include "collector.h"
#include "contention.h"
#include "counter_table.h"
#include "latency.h"
#include "memory.h"
#include "names.h"
#include "notes.h"
#include "page_about.h"
#include "page_latency.h"
#include "page_table.h"
#include "page_words.h"
#include "report.h"
#include "samples.h"

/* All groups of a run, judged. */
struct groups {
    struct report_group *group;
    size_t count;
};

static void page_document_judge(struct groups *groups, const struct results *results)
{
    *groups = (struct groups){.group = memory_alloc(results->cells, sizeof groups->group[0])};
    for (size_t i = 0; i < results->cells; i++) {
        struct report_group *group = &groups->group[groups->count];
        struct row *rows = memory_alloc(results->cells, sizeof rows[0]);

        if (report_take_group(group, results, i, rows)) {
            group->row = memory_resize(rows, group->rows, sizeof rows[0]);
            groups->count++;
        } else
            free(rows);
    }
}

static void page_document_forget(struct groups *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        free((struct row *)groups->group[i].row);
    free(groups->group);
}

/* Not known, written below 0, is null. */
static json_t *page_document_number(double value)
{
    return value < 0 ? json_null() : json_real(value);
}

static json_t *page_document_names(const struct names *names)
{
    json_t *list = json_array();

    for (size_t i = 0; i < names->count; i++)
        json_array_append_new(list, json_string(names->item[i]));
    return list;
}

/* --- a group --- */

static json_t *page_document_sample(const struct observation *observation)
{
    json_t *rate = observation->status == RESULTS_OK ? json_real(observation->metric[RESULTS_RATE]) : json_null();

    return json_pack("{s:i, s:O, s:o, s:b}", "round", observation->round, "status",
                     json_object_get(observation->record, "status"), "rate", rate, "preempted",
                     (int)observation->preempted);
}

static json_t *page_document_medians(const struct row *row)
{
    static const char *const names[RESULTS_METRICS] = {
        [RESULTS_RATE] = "per_second", [RESULTS_NS_PER_OP] = "ns_per_op", [RESULTS_CPU] = "cpu_per_wall",
        [RESULTS_SKEW] = "skew",       [RESULTS_DRAIN] = "drain",         [RESULTS_RSS] = "rss_kib"};
    json_t *medians = json_object();

    for (int metric = 0; metric < RESULTS_METRICS; metric++)
        json_object_set_new(medians, names[metric], page_document_number(row->median[metric]));
    return medians;
}

static json_t *page_document_row(const struct row *row)
{
    const struct result_cell *cell = row->cell;
    double rate = row->median[RESULTS_RATE];
    char *series = page_words_series(cell), *verdict = verdict_text(row);
    json_t *samples = json_array(), *latency = page_latency_cell(cell), *document;

    for (size_t i = 0; i < cell->observations; i++)
        json_array_append_new(samples, page_document_sample(&cell->observation[i]));
    document = json_pack("{s:s, s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o}", "strategy",
                         series, "aa", (int)cell->aa, "verdict", page_words_verdict(row->verdict), "verdict_text", verdict,
                         "median", page_document_medians(row), "mad", page_document_number(rate < 0 ? -1 : row->mad),
                         "mad_low", page_document_number(rate < 0 ? -1 : rate * (1 - row->mad)), "mad_high",
                         page_document_number(rate < 0 ? -1 : rate * (1 + row->mad)), "ratio",
                         page_document_number(row->ratio > 0 ? row->ratio : -1), "ci_low",
                         page_document_number(row->interval.exists ? row->interval.low : -1), "ci_high",
                         page_document_number(row->interval.exists ? row->interval.high : -1), "scaling",
                         page_document_number(row->scaling > 0 ? row->scaling : -1), "ok",
                         (json_int_t)cell->count[RESULTS_OK], "not_ok",
                         (json_int_t)(cell->observations - cell->count[RESULTS_OK]), "samples", samples, "latency",
                         latency ? latency : json_null());
    free(series);
    free(verdict);
    return document;
}

static const char *page_document_why(const json_t *record)
{
    static const char *const keys[] = {"signal", "why", "error"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *text = json_string_value(json_object_get(record, keys[i]));

        if (text && *text)
            return text;
    }
    return "";
}

/* One line per sample, in the order of the file within each strategy. */
static json_t *page_document_samples(const struct report_group *group)
{
    char *rate = memory_text("%s%s/S", group->prefix, group->row[0].cell->unit);
    const struct table_column columns[] = {{"STRATEGY", false}, {"ROUND", true},      {"STATUS", false},
                                           {rate, true},        {"CPU/WALL", true},   {"SWITCHED OFF", false},
                                           {"WHY", false}};
    struct table table;

    table_begin(&table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < group->rows; i++)
        for (size_t j = 0; j < group->row[i].cell->observations; j++) {
            const struct observation *one = &group->row[i].cell->observation[j];
            bool ok = one->status == RESULTS_OK;

            table_cell(&table, "%s%s", group->row[i].cell->strategy, group->row[i].cell->aa ? " (A/A)" : "");
            table_cell(&table, "%d", one->round);
            table_cell(&table, "%s", json_string_value(json_object_get(one->record, "status")));
            table_cell(&table, ok ? "%.5g" : "–", one->metric[RESULTS_RATE] / group->unit);
            table_cell(&table, ok ? "%.2f" : "–", one->metric[RESULTS_CPU]);
            table_cell(&table, "%s", one->preempted ? "yes" : "no");
            table_cell(&table, "%s", page_document_why(one->record));
        }
    free(rate);
    return page_table(&table, "samples", "Raw samples");
}

/* [{"kind", "name", "values": [one per row]}]: those that are above zero somewhere, which are the table's lines. */
static void page_document_counter_values(json_t *list, const struct report_group *group, const json_t *table)
{
    static const char *const kinds[] = {"refcounts", "locks"};
    size_t i;
    json_t *line;

    json_array_foreach(json_object_get(table, "rows"), i, line) {
        const char *name = json_string_value(json_array_get(line, 0));
        json_t *values = json_array();
        const char *kind = kinds[0];

        for (size_t row = 0; row < group->rows; row++) {
            double value = report_counter(group->row[row].cell, kinds[0], name);

            if (value < 0) {
                value = report_counter(group->row[row].cell, kinds[1], name);
                kind = value < 0 ? kind : kinds[1];
            }
            json_array_append_new(values, page_document_number(value));
        }
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "kind", kind, "name", name, "values", values));
    }
}

static void page_document_counters(json_t *document, json_t *tables, const struct report_group *group)
{
    struct names zero = {0};
    struct table table;
    json_t *counters = json_array(), *converted;
    char *joined;

    report_fill_counters(&table, group, &zero);
    joined = names_join(&zero, ", ");
    converted = page_table(&table, "counters", "Counters per operation");
    if (zero.count)
        json_object_set_new(converted, "note", json_sprintf("zero for all: %s", joined));
    page_document_counter_values(counters, group, converted);
    if (json_array_size(counters) || zero.count)
        json_array_append(tables, converted);
    json_decref(converted);
    json_object_set_new(document, "counters", counters);
    free(joined);
    names_free(&zero);
}

static void page_document_contention(json_t *tables, const struct report_group *group)
{
    struct table table;

    if (contention_fill_locks(&table, group))
        json_array_append_new(tables, page_table(&table, "contention", "Locks by type of object, per operation; the longest wait"));
    if (contention_fill_peaks(&table, group))
        json_array_append_new(tables, page_table(&table, "peaks", "Peaks: the highest in any sample"));
    if (collector_fill(&table, group))
        json_array_append_new(tables, page_table(&table, "collector", "The collector of cycles, over all samples"));
}

static void page_document_events(json_t *tables, const struct report_group *group)
{
    struct names missing = {0};
    struct table table;
    json_t *converted;
    char *joined;

    if (!counter_table_fill(&table, group))
        return;
    converted = page_table(&table, "events", "Events per operation, counted by the machine");
    counter_table_missing(group, &missing);
    joined = names_join(&missing, "; ");
    if (missing.count)
        json_object_set_new(converted, "note", json_string(joined));
    json_array_append_new(tables, converted);
    free(joined);
    names_free(&missing);
}

static json_t *page_document_tables(json_t *document, const struct report_group *group)
{
    const struct result_cell *cell = group->row[0].cell;
    bool timed = group->results->pace.mode != PACE_OFF; /* then the latencies are the main table: rates are not shown */
    char *title = memory_text("%s%s/s, higher is better", group->prefix, cell->unit), *latency = latency_title(group);
    json_t *tables = json_array();
    struct table table;

    if (!timed || !latency_table(&table, group))
        report_fill(&table, group);
    json_array_append_new(tables, page_table(&table, "main", timed ? latency : title));
    page_document_events(tables, group);
    if (group->results->statistics) {
        page_document_counters(document, tables, group);
        page_document_contention(tables, group);
    }
    if (latency_table(&table, group))
        json_array_append_new(tables, page_table(&table, "latency", latency));
    json_array_append_new(tables, page_document_samples(group));
    free(latency);
    free(title);
    return tables;
}

static json_t *page_document_group(const struct report_group *group)
{
    const struct result_cell *cell = group->row[0].cell;
    char *title = memory_text("%d thread%s%s", cell->threads, cell->threads > 1 ? "s" : "",
                              cell->oversubscribed ? " (oversubscribed)" : "");
    json_t *document = json_pack("{s:s, s:i, s:b, s:f, s:s}", "title", title, "threads", cell->threads, "oversubscribed",
                                 (int)cell->oversubscribed, "scale", group->unit, "prefix", group->prefix);
    json_t *rows = json_array();
    struct names notes = {0}, facts = {0};

    for (size_t i = 0; i < group->rows; i++)
        json_array_append_new(rows, page_document_row(&group->row[i]));
    json_object_set_new(document, "rows", rows);
    json_object_set_new(document, "tables", page_document_tables(document, group));
    latency_notes(group, &notes);
    notes_list(group->results, group->row, group->rows, &notes, &facts);
    json_object_set_new(document, "notes", page_document_names(&notes));
    json_object_set_new(document, "facts", page_document_names(&facts));
    names_free(&notes);
    names_free(&facts);
    free(title);
    return document;
}

/* --- a section: one workload with one set of values, at every thread count --- */

static bool page_document_same_section(const struct report_group *a, const struct report_group *b)
{
    const struct result_cell *x = a->row[0].cell, *y = b->row[0].cell;

    return strcmp(x->workload, y->workload) == 0 && json_equal(x->params, y->params);
}

/* The groups of the section of group `first`, in the order of the plan: `member` has room for all. Their number; 0 if the
 * section began earlier. */
static size_t page_document_members(const struct groups *groups, size_t first, const struct report_group **member)
{
    size_t count = 0;

    for (size_t i = 0; i < groups->count; i++)
        if (page_document_same_section(&groups->group[i], &groups->group[first])) {
            if (i < first)
                return 0;
            member[count++] = &groups->group[i];
        }
    return count;
}

static const struct row *page_document_row_of(const struct report_group *group, const char *strategy)
{
    for (size_t i = 0; i < group->rows; i++)
        if (!group->row[i].cell->aa && strcmp(group->row[i].cell->strategy, strategy) == 0)
            return &group->row[i];
    return NULL;
}

static void page_document_scaling_row(struct table *table, const struct report_group **member, size_t members,
                                      const char *strategy, double unit)
{
    table_cell(table, "%s", strategy);
    for (size_t i = 0; i < members; i++) {
        const struct row *row = page_document_row_of(member[i], strategy);
        double rate = row ? row->median[RESULTS_RATE] : -1;

        if (rate < 0)
            table_cell(table, "–");
        else
            table_cell(table, "%.4g ±%.0f%%%s", rate / unit, row->mad * 100,
                       row->verdict == VERDICT_UNSAFE || row->verdict == VERDICT_RACY || row->verdict == VERDICT_FAILED
                           ? " (not ranked)"
                           : "");
    }
}

/* Strategies down, threads across, all in the unit of the fastest group. NULL if there is one thread count only, or rates are
 * not what was measured. */
static json_t *page_document_scaling(const struct report_group **member, size_t members)
{
    struct table_column *columns;
    struct names strategies = {0};
    const struct report_group *best = member[0];
    struct table table;
    char *title;
    json_t *document;

    if (members < 2 || member[0]->results->pace.mode != PACE_OFF)
        return NULL;
    columns = memory_alloc(members + 1, sizeof columns[0]);
    columns[0] = (struct table_column){"STRATEGY", false};
    for (size_t i = 0; i < members; i++) {
        int threads = member[i]->row[0].cell->threads;

        best = member[i]->best > best->best ? member[i] : best;
        columns[i + 1] = (struct table_column){memory_text("%d THREAD%s", threads, threads > 1 ? "S" : ""), true};
        for (size_t j = 0; j < member[i]->rows; j++)
            names_add(&strategies, member[i]->row[j].cell->strategy);
    }
    table_begin(&table, columns, members + 1);
    for (size_t i = 0; i < strategies.count; i++)
        page_document_scaling_row(&table, member, members, strategies.item[i], best->unit);
    title = memory_text("Throughput in %s%s/s: median ± MAD", best->prefix, best->row[0].cell->unit);
    document = page_table(&table, "scaling", title);
    for (size_t i = 0; i < members; i++)
        free((char *)columns[i + 1].heading);
    free(columns);
    free(title);
    names_free(&strategies);
    return document;
}

static json_t *page_document_section(const struct report_group **member, size_t members)
{
    const struct result_cell *cell = member[0]->row[0].cell;
    char *params = report_params(cell, " ");
    json_t *groups = json_array(), *scaling = page_document_scaling(member, members), *document;

    for (size_t i = 0; i < members; i++)
        json_array_append_new(groups, page_document_group(member[i]));
    document = json_pack("{s:s, s:s, s:s, s:o, s:o}", "title", cell->workload, "params", params, "unit", cell->unit, "scaling",
                         scaling ? scaling : json_null(), "groups", groups);
    free(params);
    return document;
}

static json_t *page_document_sections(const struct groups *groups)
{
    const struct report_group **member = memory_alloc(groups->count, sizeof member[0]);
    json_t *sections = json_array();

    for (size_t i = 0; i < groups->count; i++) {
        size_t members = page_document_members(groups, i, member);

        if (members)
            json_array_append_new(sections, page_document_section(member, members));
    }
    free(member);
    return sections;
}

/* --- the run --- */

/* All strategies in the order of the plan: the page gives each its colour and its mark by this place. */
static json_t *page_document_strategies(const struct results *results)
{
    struct names names = {0};
    json_t *list;

    for (size_t i = 0; i < results->cells; i++) {
        char *series = page_words_series(&results->cell[i]);

        names_add(&names, series);
        free(series);
    }
    list = page_document_names(&names);
    names_free(&names);
    return list;
}

static json_t *page_document_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return json_string(text ? text : "unknown");
}

json_t *page_document_run(const struct results *results, const char *path)
{
    struct groups groups;
    struct table overview;
    json_t *document, *name = samples_text(path, strlen(path));

    page_document_judge(&groups, results);
    page_words_overview(&overview, groups.group, groups.count);
    document = json_pack("{s:o, s:o, s:o, s:s, s:i, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "file", name, "started",
                         page_document_text(results->run, "started"), "cpu",
                         page_document_text(json_object_get(results->run, "host"), "cpu"), "reference", results->reference,
                         "rounds", results->rounds, "complete", (int)(results->ended && results->complete), "strategies",
                         page_document_strategies(results), "warnings", page_about_warnings(results), "summary",
                         page_words_summary(groups.group, groups.count), "overview",
                         page_table(&overview, "overview", "Rate against the reference, median of the paired ratios and its 95% interval"),
                         "sections", page_document_sections(&groups), "about", page_about_tables(results));
    page_document_forget(&groups);
    return document;
}
