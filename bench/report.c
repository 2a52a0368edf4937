/*
 * report.c -- what people read: the head lines, one table per group of cells, the notes under it.
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector.h"
#include "contention.h"
#include "counter_table.h"
#include "exits.h"
#include "identity.h"
#include "latency.h"
#include "latency_csv.h"
#include "memory.h"
#include "names.h"
#include "notes.h"
#include "timing.h"
#include "verdict.h"

static const double REPORT_LONGEST_NS = 1e18; /* a damaged file's times, multiplied, would not fit */

static const char *report_text(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : otherwise;
}

char *report_flags(const char *cflags)
{
    struct names all = {0}, shown = {0};
    char *text;

    names_split(&all, cflags, ' ');
    for (size_t i = 0; i < all.count; i++)
        if (strchr("Ofm", all.item[i][1]) && all.item[i][0] == '-')
            names_add(&shown, all.item[i]);
    text = names_join(&shown, " ");
    names_free(&all);
    names_free(&shown);
    return text;
}

static void report_host(const json_t *run)
{
    const json_t *host = json_object_get(run, "host"), *build = json_object_get(run, "build");
    const char *virt = report_text(host, "virt", "none");
    char *flags = report_flags(report_text(build, "cflags", "")), *counters = counter_table_state(run);

    printf("host  %s%s, %" JSON_INTEGER_FORMAT " cores · %s%s%s · governor %s · hardware counters: %s\n",
           report_text(host, "cpu", "unknown processor"), strcmp(virt, "none") == 0 ? "" : ", VM",
           json_integer_value(json_object_get(json_object_get(host, "topology"), "cores")),
           report_text(build, "cc", "unknown cc"), *flags ? " " : "", flags, report_text(json_object_get(run, "system"), "governor", "unknown"),
           counters);
    free(flags);
    free(counters);
}

static void report_plan(const struct results *results)
{
    char time[TIMING_TEXT];
    double time_ns = (double)results->cells * results->rounds * (double)results->value_ns;
    const char *shard = json_string_value(json_object_get(results->run, "shard"));
    int parts;

    if (shard && sscanf(shard, "%*d/%d", &parts) == 1 && parts > 0)
        time_ns /= parts;
    printf("plan  %zu cells × %d rounds ≈ %s · randomised, seed %" JSON_INTEGER_FORMAT "%s%s%s%s\n", results->cells,
           results->rounds, timing_format(time_ns < REPORT_LONGEST_NS ? (int64_t)time_ns : (int64_t)REPORT_LONGEST_NS, time),
           json_integer_value(json_object_get(results->run, "seed")), shard ? " · shard " : "", shard ? shard : "",
           results->exploratory ? " · exploratory" : "",
           results->statistics ? " · with statistics: slower than without" : "");
}

/* `merged` is the list that rclab merge writes, or NULL. */
static bool report_hosts_differ(const json_t *merged)
{
    bool differ = false;
    size_t i;
    json_t *part;

    json_array_foreach(merged, i, part) {
        char *difference = identity_host_difference(json_array_get(merged, 0), part);

        differ |= difference != NULL;
        free(difference);
    }
    return differ;
}

static void report_warnings(const struct results *results)
{
    const char *objection = results_build_objection(results);
    const json_t *load = json_object_get(json_object_get(results->run, "system"), "load1");

    if (objection)
        printf("!!    %s: %s\n", objection,
               results->forced ? "verdicts are forced" : "no verdicts (--force-verdicts gives them)");
    if (report_hosts_differ(json_object_get(results->run, "merged")))
        puts("!!    merged from several hosts: each round is of one host, but medians mix them");
    if (json_is_real(load) && json_real_value(load) >= 1)
        printf("!!    load %.1f at the start: other work disturbs the figures\n", json_real_value(load));
}

void report_head(const struct results *results, enum table_style style)
{
    if (style == TABLE_CSV)
        return;
    if (style == TABLE_MARKDOWN)
        puts("```");
    report_host(results->run);
    report_plan(results);
    report_warnings(results);
    if (style == TABLE_MARKDOWN)
        puts("```");
    fflush(stdout); /* the plan says how long it takes: now, also into a pipe */
}

/* One unit for the whole group, so that its figures can be compared by eye. */
static void report_choose_unit(struct report_group *group)
{
    static const struct {
        double unit;
        const char *prefix;
    } prefixes[] = {{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}, {1e12, "T"}};

    for (size_t i = 0; i < group->rows; i++)
        if (group->row[i].median[RESULTS_RATE] > group->best)
            group->best = group->row[i].median[RESULTS_RATE];
    group->unit = prefixes[0].unit;
    group->prefix = prefixes[0].prefix;
    for (size_t i = 1; i < sizeof prefixes / sizeof prefixes[0] && group->best >= prefixes[i].unit; i++) {
        group->unit = prefixes[i].unit;
        group->prefix = prefixes[i].prefix;
    }
}

/* Three significant figures at least. */
static int report_decimals(double value)
{
    return value >= 100 ? 1 : value >= 10 ? 2 : 3;
}

char *report_params(const struct result_cell *cell, const char *separator)
{
    struct names list = {0};
    const char *key;
    json_t *value;
    char *joined;

    json_object_foreach(cell->params, key, value) {
        char *item = memory_text("%s=%s", key, json_string_value(value) ? json_string_value(value) : "?");

        names_add(&list, item);
        free(item);
    }
    joined = names_join(&list, separator);
    names_free(&list);
    return joined;
}

static bool report_times_requests(const struct results *results)
{
    return results->pace.mode != PACE_OFF;
}

/* What the figures of a group are. The caller frees it. */
static char *report_what(const struct report_group *group)
{
    const char *unit = group->row[0].cell->unit;

    if (results_instructions_only(group->results))
        return memory_text("instruction counts from callgrind per operation (%s)", unit);
    if (report_times_requests(group->results))
        return latency_title(group);
    return memory_text("%s%s/s, higher is better", group->prefix, unit);
}

static void report_heading(const struct report_group *group, enum table_style style)
{
    const struct result_cell *cell = group->row[0].cell;
    char *params = report_params(cell, " "), *what = report_what(group);

    printf("\n%s%s%s%s · %d thread%s%s · %s\n%s", style == TABLE_MARKDOWN ? "### " : "", cell->workload, *params ? " " : "",
           params, cell->threads, cell->threads > 1 ? "s" : "", cell->oversubscribed ? " (oversubscribed)" : "", what,
           style == TABLE_MARKDOWN ? "\n" : "");
    free(what);
    free(params);
}

static void report_number(struct table *table, double value, int decimals, const char *sign)
{
    if (value < 0)
        table_cell(table, "–");
    else
        table_cell(table, "%.*f%s", decimals, value, sign);
}

static void report_percent(struct table *table, double share)
{
    if (share < 0)
        table_cell(table, "–");
    else
        table_cell(table, share < 0.0995 ? "%.1f%%" : "%.0f%%", share * 100);
}

static void report_memory(struct table *table, double kib)
{
    if (kib < 0)
        table_cell(table, "–");
    else if (kib < 1024 * 1024)
        table_cell(table, "%.1fM", kib / 1024);
    else
        table_cell(table, "%.2fG", kib / 1024 / 1024);
}

static void report_ratio(struct table *table, const struct row *row)
{
    if (row->verdict == VERDICT_REFERENCE)
        table_cell(table, "1.00× (reference)");
    else if (row->ratio <= 0)
        table_cell(table, "–");
    else if (row->interval.exists)
        table_cell(table, "%.2f× [%.2f … %.2f]", row->ratio, row->interval.low, row->interval.high);
    else
        table_cell(table, "%.2f× [–]", row->ratio);
}

static void report_verdict(struct table *table, const struct row *row)
{
    char *text = verdict_text(row);

    table_cell(table, "%s", text);
    if (row->verdict == VERDICT_FASTER)
        table_colour(table, "green");
    else if (row->verdict == VERDICT_SLOWER || row->verdict == VERDICT_WITHHELD)
        table_colour(table, "yellow");
    else if (row->verdict == VERDICT_FAILED || row->verdict == VERDICT_AA_DIFFERS)
        table_colour(table, "red");
    free(text);
}

static void report_row(struct table *table, const struct report_group *group, const struct row *row)
{
    double rate = row->median[RESULTS_RATE];

    table_cell(table, "%s", row->cell->strategy);
    report_number(table, rate / group->unit, report_decimals(group->best / group->unit), "");
    report_number(table, row->median[RESULTS_NS_PER_OP], report_decimals(row->median[RESULTS_NS_PER_OP]), "");
    report_percent(table, rate < 0 ? -1 : row->mad);
    report_ratio(table, row);
    report_number(table, row->scaling > 0 ? row->scaling : -1, 2, "×");
    report_number(table, row->median[RESULTS_CPU], 2, "");
    report_percent(table, row->median[RESULTS_SKEW]);
    report_percent(table, row->median[RESULTS_DRAIN]);
    report_memory(table, row->median[RESULTS_RSS]);
    report_verdict(table, row);
}

void report_fill(struct table *table, const struct report_group *group)
{
    char *versus = memory_text("VS %s [95%% CI]", group->results->reference);
    const struct table_column columns[] = {{"STRATEGY", false}, {"MEDIAN", true}, {"NS/OP", true},    {"MAD", true},
                                           {versus, false},     {"SCALING", true}, {"CPU/WALL", true}, {"SKEW", true},
                                           {"DRAIN", true},     {"RSS", true},     {"VERDICT", false}};

    table_begin(table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < group->rows; i++)
        report_row(table, group, &group->row[i]);
    free(versus);
}

static void report_table(const struct report_group *group, enum table_style style)
{
    struct table table;

    report_fill(&table, group);
    table_print(&table, style);
    table_free(&table);
}

/* Names of all counters of the group's cells, in the order of the first that has them. */
static void report_counter_names(const struct report_group *group, const char *kind, struct names *names)
{
    for (size_t i = 0; i < group->rows; i++)
        for (size_t j = 0; j < group->row[i].cell->observations; j++) {
            const char *name;
            json_t *value;

            json_object_foreach(json_object_get(group->row[i].cell->observation[j].record, kind), name, value)
                if (!json_is_object(value)) /* locks by type: contention.h */
                    names_add(names, name);
        }
}

double report_counter(const struct result_cell *cell, const char *kind, const char *name)
{
    double *values = memory_alloc(cell->observations, sizeof values[0]), median;
    size_t count = 0;

    for (size_t i = 0; i < cell->observations; i++) {
        const json_t *record = cell->observation[i].record;
        const json_t *value = json_object_get(json_object_get(record, kind), name);

        if (cell->observation[i].status == RESULTS_OK && json_is_integer(value))
            values[count++] = (double)json_integer_value(value) / results_counted_ops(&cell->observation[i]);
    }
    median = count ? summary_median(values, count) : -1;
    free(values);
    return median;
}

static bool report_counter_seen(const struct report_group *group, const char *kind, const char *name)
{
    for (size_t i = 0; i < group->rows; i++)
        if (report_counter(group->row[i].cell, kind, name) > 0)
            return true;
    return false;
}

/* The names of counters that are nowhere above zero go to `zero`. */
static void report_counter_rows(struct table *table, const struct report_group *group, const char *kind, struct names *zero)
{
    struct names names = {0};

    report_counter_names(group, kind, &names);
    for (size_t i = 0; i < names.count; i++) {
        if (!report_counter_seen(group, kind, names.item[i])) {
            names_add(zero, names.item[i]);
            continue;
        }
        table_cell(table, "%s", names.item[i]);
        for (size_t j = 0; j < group->rows; j++) {
            double value = report_counter(group->row[j].cell, kind, names.item[i]);

            if (value < 0)
                table_cell(table, "–");
            else
                table_cell(table, "%.4g", value);
        }
    }
    names_free(&names);
}

void report_fill_counters(struct table *table, const struct report_group *group, struct names *zero)
{
    struct table_column *columns = memory_alloc(group->rows + 1, sizeof columns[0]);

    columns[0] = (struct table_column){"COUNTER PER OPERATION", false};
    for (size_t i = 0; i < group->rows; i++)
        columns[i + 1] = (struct table_column){group->row[i].cell->strategy, true};
    table_begin(table, columns, group->rows + 1);
    report_counter_rows(table, group, "refcounts", zero);
    report_counter_rows(table, group, "locks", zero);
    free(columns);
}

static void report_counters(const struct report_group *group, enum table_style style)
{
    struct names zero = {0};
    struct table table;
    char *joined;

    report_fill_counters(&table, group, &zero);
    putchar('\n');
    table_print(&table, style);
    joined = names_join(&zero, ", ");
    if (zero.count)
        printf("%szero for all: %s\n", style == TABLE_MARKDOWN ? "\n" : "", joined);
    free(joined);
    names_free(&zero);
    table_free(&table);
}

static void report_contention(const struct report_group *group, enum table_style style)
{
    bool (*const fill[])(struct table *, const struct report_group *) = {contention_fill_locks, contention_fill_peaks,
                                                                                collector_fill};
    struct table table;

    for (size_t i = 0; i < sizeof fill / sizeof fill[0]; i++)
        if (fill[i](&table, group)) {
            putchar('\n');
            table_print(&table, style);
            table_free(&table);
        }
}

static void report_csv_number(struct table *table, double value)
{
    if (value < 0)
        table_cell(table, "%s", "");
    else
        table_cell(table, "%.6g", value);
}

static void report_csv_row(struct table *table, const struct row *row)
{
    const struct result_cell *cell = row->cell;
    char *params = report_params(cell, " "), *verdict = verdict_text(row);
    double none = -1;

    table_cell(table, "%s", cell->workload);
    table_cell(table, "%s", params);
    table_cell(table, "%d", cell->threads);
    table_cell(table, "%s", cell->strategy);
    table_cell(table, "%s", cell->unit);
    table_cell(table, "%zu", cell->count[RESULTS_OK]);
    table_cell(table, "%zu", cell->observations - cell->count[RESULTS_OK]);
    report_csv_number(table, row->median[RESULTS_RATE]);
    report_csv_number(table, row->median[RESULTS_NS_PER_OP]);
    report_csv_number(table, row->median[RESULTS_RATE] < 0 ? none : row->mad);
    report_csv_number(table, row->ratio > 0 ? row->ratio : none);
    report_csv_number(table, row->interval.exists ? row->interval.low : none);
    report_csv_number(table, row->interval.exists ? row->interval.high : none);
    report_csv_number(table, row->scaling > 0 ? row->scaling : none);
    for (int metric = RESULTS_CPU; metric < RESULTS_METRICS; metric++)
        report_csv_number(table, row->median[metric]);
    table_cell(table, "%s", cell->oversubscribed ? "yes" : "no");
    table_cell(table, "%s", strcmp(verdict, "–") == 0 ? "reference" : verdict);
    free(params);
    free(verdict);
}

static const struct table_column csv_columns[] = {
    {"workload", false},     {"parameters", false}, {"threads", true},    {"strategy", false},       {"unit", false},
    {"ok", true},            {"not_ok", true},      {"per_second", true}, {"ns_per_op", true},       {"mad", true},
    {"ratio", true},         {"ci_low", true},      {"ci_high", true},    {"scaling", true},         {"cpu_per_wall", true},
    {"skew", true},          {"drain", true},       {"rss_kib", true},    {"oversubscribed", false}, {"verdict", false},
};

static void report_notes(const struct names *notes, enum table_style style)
{
    for (size_t i = 0; i < notes->count; i++)
        printf("%s%s\n", style == TABLE_MARKDOWN ? "\n" : "! ", notes->item[i]);
}

/* Events, where there are any. */
static void report_events(const struct report_group *group, enum table_style style, bool quiet)
{
    struct names missing = {0};
    struct table table;

    if (counter_table_fill(&table, group)) {
        putchar('\n');
        table_print(&table, style);
        table_free(&table);
    }
    counter_table_missing(group, &missing);
    if (!quiet)
        report_notes(&missing, style);
    names_free(&missing);
}

/* Once for the run: the machine is the same for all its tables. */
static void report_unavailable(const struct results *results, enum table_style style)
{
    struct names notes = {0};

    if (results_instructions_only(results))
        names_add(&notes, "callgrind runs threads in turn: exact instruction counts, but no contention, no cache and no times; "
                          "each thread's own clock readings, some hundred instructions, are in them");
    counter_table_unavailable(results, &notes);
    if (notes.count && style != TABLE_MARKDOWN)
        putchar('\n');
    report_notes(&notes, style);
    names_free(&notes);
}

/* In a run that timed each request: the rate has the timing in it and is not shown. */
static void report_latency(const struct report_group *group, enum table_style style, bool quiet)
{
    struct names notes = {0};
    struct table table;

    if (!latency_table(&table, group))
        return;
    table_print(&table, style);
    table_free(&table);
    latency_notes(group, &notes);
    if (!quiet)
        report_notes(&notes, style);
    names_free(&notes);
}

static void report_group(const struct report_group *group, enum table_style style, bool quiet)
{
    report_heading(group, style);
    if (report_times_requests(group->results))
        report_latency(group, style, quiet);
    else if (!results_instructions_only(group->results)) /* no times under callgrind */
        report_table(group, style);
    report_events(group, style, quiet);
    if (group->results->statistics) {
        report_counters(group, style);
        report_contention(group, style);
    }
    if (!quiet) {
        if (style == TABLE_MARKDOWN)
            putchar('\n');
        notes_print(group->results, group->row, group->rows, style);
    }
}

static bool report_first_of_group(const struct results *results, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (results_same_group(&results->cell[i], &results->cell[index]))
            return false;
    return true;
}

bool report_take_group(struct report_group *group, const struct results *results, size_t index, struct row *rows)
{
    *group = (struct report_group){.results = results, .row = rows};
    if (!report_first_of_group(results, index))
        return false;
    group->rows = verdict_judge(results, &results->cell[index], rows);
    report_choose_unit(group);
    return true;
}

static bool report_settled(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        switch (rows[i].verdict) {
        case VERDICT_INCONCLUSIVE:
        case VERDICT_EXPLORATORY:
        case VERDICT_WITHHELD:
        case VERDICT_NO_REFERENCE:
        case VERDICT_AA_DIFFERS:
        case VERDICT_EMPTY: return false;
        default: break;
        }
    return true;
}

int report_tables(const struct results *results, enum table_style style, bool quiet)
{
    struct row *rows = memory_alloc(results->cells, sizeof rows[0]);
    struct table csv;
    bool settled = true;

    if (report_times_requests(results))
        latency_csv_begin(&csv);
    else
        table_begin(&csv, csv_columns, sizeof csv_columns / sizeof csv_columns[0]);
    for (size_t i = 0; i < results->cells; i++) {
        struct report_group group;

        if (!report_take_group(&group, results, i, rows))
            continue;
        settled &= report_settled(rows, group.rows);
        if (style != TABLE_CSV)
            report_group(&group, style, quiet);
        if (report_times_requests(results))
            latency_csv(&csv, &group);
        for (size_t j = 0; j < group.rows && !report_times_requests(results); j++)
            report_csv_row(&csv, &rows[j]);
    }
    if (style == TABLE_CSV)
        table_print(&csv, style);
    else if (!quiet)
        report_unavailable(results, style);
    table_free(&csv);
    free(rows);
    return settled ? EXITS_OK : EXITS_INCONCLUSIVE;
}

int report_failures(const struct results *results)
{
    for (size_t i = 0; i < results->cells; i++)
        if (results_failures(&results->cell[i]))
            return EXITS_WORKER;
    return EXITS_OK;
}
