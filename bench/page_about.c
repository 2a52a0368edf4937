/*
 * page_about.c -- what a reader must know beside the figures: warnings, the run, what was not measured, machine and build.
 */
#define _GNU_SOURCE 1
#include "page_about.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "memory.h"
#include "names.h"
#include "page_table.h"
#include "timing.h"

/* --- warnings --- */

static void __attribute__((format(printf, 3, 4)))
page_about_warn(json_t *warnings, const char *kind, const char *format, ...)
{
    va_list list;
    json_t *text;

    va_start(list, format);
    text = json_vsprintf(format, list);
    va_end(list);
    json_array_append_new(warnings, json_pack("{s:s, s:o}", "kind", kind, "text", text));
}

static void page_about_warn_oversubscribed(json_t *warnings, const struct results *results)
{
    struct names counts = {0};
    char *joined;

    for (size_t i = 0; i < results->cells; i++)
        if (results->cell[i].oversubscribed) {
            char *threads = memory_text("%d", results->cell[i].threads);

            names_add(&counts, threads);
            free(threads);
        }
    joined = names_join(&counts, ", ");
    if (counts.count)
        page_about_warn(warnings, "oversubscribed", "oversubscribed at %s threads: more threads than CPUs, they take turns", joined);
    free(joined);
    names_free(&counts);
}

json_t *page_about_warnings(const struct results *results)
{
    const char *objection = results_build_objection(results);
    const json_t *load = json_object_get(json_object_get(results->run, "system"), "load1");
    json_t *warnings = json_array();

    if (!results->ended)
        page_about_warn(warnings, "incomplete", "this run was cut off: its file has no end record");
    else if (!results->complete)
        page_about_warn(warnings, "incomplete", "this run was stopped before its end");
    if (objection)
        page_about_warn(warnings, "build", "%s: %s", objection,
                           results->forced ? "verdicts were forced" : "no verdicts are given");
    if (json_is_real(load) && json_real_value(load) >= 1)
        page_about_warn(warnings, "load", "load %.1f at the start: other work disturbed the figures", json_real_value(load));
    page_about_warn_oversubscribed(warnings, results);
    if (results->exploratory)
        page_about_warn(warnings, "exploratory", "exploratory: too few rounds for verdicts");
    if (results->statistics)
        page_about_warn(warnings, "statistics", "measured with statistics: slower than without");
    if (json_array_size(json_object_get(results->run, "unavailable")))
        page_about_warn(warnings, "missing", "not everything can be measured here: see the table \"Not measured\"");
    return warnings;
}

/* --- what the run was, on which machine --- */

static void page_about_fact(struct table *table, const char *name, const json_t *value)
{
    table_cell(table, "%s", name);
    if (json_is_string(value))
        table_cell(table, "%s", json_string_value(value));
    else if (json_is_integer(value))
        table_cell(table, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        table_cell(table, "%.2f", json_real_value(value));
    else if (json_is_boolean(value))
        table_cell(table, "%s", json_is_true(value) ? "yes" : "no");
    else if (json_array_size(value) || json_object_size(value)) {
        char *text = json_dumps(value, 0);

        table_cell(table, "%s", text ? text : "");
        free(text);
    } else
        table_cell(table, json_is_null(value) ? "unknown" : "none");
}

static const struct table_column fact_columns[] = {{"WHAT", false}, {"VALUE", false}};

static json_t *page_about_facts(const json_t *object, const char *title)
{
    struct table table;
    const char *key;
    json_t *value;

    table_begin(&table, fact_columns, 2);
    json_object_foreach((json_t *)object, key, value)
        page_about_fact(&table, key, value);
    return page_table(&table, "facts", title);
}

/* One word as a shell takes it: quoted where need be. */
static void page_about_quote(FILE *out, const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=,./:+@%";

    if (*word && strspn(word, safe) == strlen(word)) {
        fputs(word, out);
        return;
    }
    putc('\'', out);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            putc(*word, out);
    putc('\'', out);
}

/* The command as it can be pasted into a shell; its first word is "rclab run". The caller frees it. */
static char *page_about_command(const json_t *argv)
{
    char *line = NULL;
    size_t length, i;
    FILE *out = open_memstream(&line, &length);
    json_t *item;

    if (!out)
        die("memory", errno);
    json_array_foreach(argv, i, item) {
        const char *word = json_string_value(item) ? json_string_value(item) : "?";

        if (i == 0)
            fputs(word, out);
        else {
            putc(' ', out);
            page_about_quote(out, word);
        }
    }
    if (fclose(out))
        die("memory", errno);
    return line;
}

static json_t *page_about_plan(const struct results *results)
{
    static const char *const keys[] = {"run_id", "started", "seed", "reference", "place", "exploratory", "rigorous", "statistics"};
    char time[TIMING_TEXT], *command = page_about_command(json_object_get(results->run, "argv"));
    struct table table;

    table_begin(&table, fact_columns, 2);
    table_cell(&table, "command");
    table_cell(&table, "%s", command);
    table_cell(&table, "plan");
    table_cell(&table, "%zu cells × %d rounds ≈ %s, order randomised", results->cells, results->rounds,
               timing_format((int64_t)results->cells * results->rounds * results->value_ns, time));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        page_about_fact(&table, keys[i], json_object_get(results->run, keys[i]));
    free(command);
    return page_table(&table, "plan", "Run");
}

static const char *page_about_remedy(const json_t *item)
{
    const char *remedy = json_string_value(json_object_get(item, "remedy"));
    const char *error = json_string_value(json_object_get(item, "errno"));

    if (remedy)
        return remedy;
    if (!error)
        return "none in this version";
    if (strcmp(error, "EACCES") == 0 || strcmp(error, "EPERM") == 0)
        return "sysctl kernel.perf_event_paranoid=1, or CAP_PERFMON";
    if (strcmp(error, "ENOENT") == 0 || strcmp(error, "EOPNOTSUPP") == 0)
        return "a machine, or a virtual machine, that shows its performance counters; --stats counts operations without them";
    return "none known";
}

static json_t *page_about_unavailable(const json_t *unavailable)
{
    const struct table_column columns[] = {{"EVENT", false}, {"ERRNO", false}, {"WHY", false}, {"REMEDY", false}};
    struct table table;
    size_t i;
    json_t *item;

    table_begin(&table, columns, 4);
    json_array_foreach(unavailable, i, item) {
        const char *event = json_string_value(json_object_get(item, "event"));
        const char *error = json_string_value(json_object_get(item, "errno"));
        const char *why = json_string_value(json_object_get(item, "why"));

        table_cell(&table, "%s", event ? event : "?");
        table_cell(&table, "%s", error ? error : "–");
        table_cell(&table, "%s", why ? why : "");
        table_cell(&table, "%s", page_about_remedy(item));
    }
    return page_table(&table, "unavailable", "Not measured");
}

json_t *page_about_tables(const struct results *results)
{
    json_t *about = json_array();

    json_array_append_new(about, page_about_plan(results));
    json_array_append_new(about, page_about_unavailable(json_object_get(results->run, "unavailable")));
    json_array_append_new(about, page_about_facts(json_object_get(results->run, "host"), "Machine"));
    json_array_append_new(about, page_about_facts(json_object_get(results->run, "system"), "System at the start"));
    json_array_append_new(about, page_about_facts(json_object_get(results->run, "build"), "Build"));
    return about;
}
