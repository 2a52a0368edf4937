/*
 * counters.c -- the command `rclab counters`, and the events for `rclab list`.
 */
#define _GNU_SOURCE 1
#include "counters.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "counting.h"
#include "die.h"
#include "exits.h"
#include "perf_group.h"
#include "suggest.h"
#include "table.h"

enum { KEY_JSON = 256, KEY_PROBE, KEY_REQUIRE };

struct counters {
    struct names required;
    bool json, probe;
};

static const char *counters_kind(const struct event *event)
{
    return event->kind == EVENT_HARDWARE ? "hardware" : "software";
}

/* --- the list, nothing tried --- */

void counters_print_events(void)
{
    static const struct table_column columns[] = {{"EVENT", false}, {"KIND", false}, {"CODE HERE", false}, {"COUNTS", false}};
    struct events_cpu cpu;
    struct table table;

    events_cpu_read(&cpu);
    table_begin(&table, columns, sizeof columns / sizeof columns[0]);
    for (const struct event *event = events; event->name; event++) {
        struct event_code code;
        bool known = events_code(event, &cpu, &code);

        table_cell(&table, "%s", event->name);
        table_cell(&table, "%s", counters_kind(event));
        if (known)
            table_cell(&table, "%" PRIu32 ":0x%04" PRIx64, code.type, code.config);
        else
            table_cell(&table, "–");
        table_cell(&table, *code.what ? "%s: %s" : "%s", event->help, code.what);
    }
    table_print(&table, TABLE_TEXT);
    table_free(&table);
}

json_t *counters_json_events(void)
{
    json_t *list = json_array();
    struct events_cpu cpu;

    events_cpu_read(&cpu);
    for (const struct event *event = events; event->name; event++) {
        struct event_code code;
        bool known = events_code(event, &cpu, &code);
        json_t *config = known ? json_sprintf("0x%" PRIx64, code.config) : json_null();

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i, s:o, s:s, s:s}", "name", event->name, "kind",
                                              counters_kind(event), "help", event->help, "type", (int)code.type, "config",
                                              config, "what", code.what, "source", code.source));
    }
    return list;
}

/* --- the command: each tried --- */

static void counters_row(struct table *table, const struct counters *counters, const struct perf_count *count, int error)
{
    struct perf_reason reason = perf_reason(count->event, error);

    table_cell(table, "%s", count->event->name);
    table_cell(table, "%s", error ? reason.name : count->by_usage ? "available (getrusage)" : "available");
    table_colour(table, error ? "yellow" : "green");
    if (counters->probe && error)
        table_cell(table, "–");
    else if (counters->probe)
        table_cell(table, "%" PRIu64 "%s", count->value, count->estimated ? " est." : "");
    table_cell(table, "%s", error ? reason.why : "");
    table_cell(table, "%s", error ? reason.remedy : "");
}

static json_t *counters_entry(const struct counters *counters, const struct perf_group *group, int error)
{
    const struct perf_count *count = &group->count[0];
    json_t *entry = error ? counting_missing(count->event, error) : json_pack("{s:s, s:n, s:n, s:n}", "event",
                                                                              count->event->name, "errno", "why", "remedy");

    json_object_set_new(entry, "kind", json_string(counters_kind(count->event)));
    json_object_set_new(entry, "available", json_boolean(error == 0));
    json_object_set_new(entry, "source", error ? json_null() : json_string(count->by_usage ? "getrusage" : "perf"));
    if (counters->probe) {
        bool timed = !error && !count->by_usage;

        json_object_set_new(entry, "value", error ? json_null() : json_integer((json_int_t)count->value));
        json_object_set_new(entry, "enabled_ns", timed ? json_integer((json_int_t)group->enabled_ns) : json_null());
        json_object_set_new(entry, "running_ns", timed ? json_integer((json_int_t)group->running_ns) : json_null());
    }
    return entry;
}

/* Tries all; the exit code. */
static int counters_try(const struct counters *counters, struct table *table, json_t *list)
{
    struct events_cpu cpu;
    int code = EXITS_OK;

    events_cpu_read(&cpu);
    for (const struct event *event = events; event->name; event++) {
        struct perf_group group;
        int error = perf_probe(event, &perf_door_real, &cpu, &group);

        counters_row(table, counters, &group.count[0], error);
        json_array_append_new(list, counters_entry(counters, &group, error));
        if (error && names_has(&counters->required, event->name)) {
            fprintf(stderr, "rclab: --require %s: %s\n", event->name, perf_reason(event, error).name);
            code = EXITS_MISSING;
        }
    }
    return code;
}

static error_t counters_option(int key, char *arg, struct argp_state *state)
{
    struct counters *counters = state->input;
    struct names known = {0};

    switch (key) {
    case KEY_JSON: counters->json = true; return 0;
    case KEY_PROBE: counters->probe = true; return 0;
    case KEY_REQUIRE:
        events_names(&known);
        names_split(&counters->required, arg, ',');
        for (size_t i = 0; i < counters->required.count; i++)
            if (!names_has(&known, counters->required.item[i]))
                suggest_die("event", counters->required.item[i], &known);
        names_free(&known);
        return 0;
    case ARGP_KEY_ARG: die_usage("%s: '%s' is not an option; see --help", state->name, arg);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option counters_options[] = {
    {"probe", KEY_PROBE, NULL, 0, "Show what each counted over a short loop", 0},
    {"require", KEY_REQUIRE, "EVENTS", 0, "Exit 77 if one of these is absent", 0},
    {"json", KEY_JSON, NULL, 0, "As JSON", 0},
    {0},
};
static const struct argp counters_argp = {
    .options = counters_options,
    .parser = counters_option,
    .doc = "Tell for each event whether this machine counts it; if not: errno, why, and what would help.\v"
           "Every event is opened and counted over a short loop: one that opens and counts nothing is absent.",
};

int counters_main(int argc, char **argv)
{
    static const struct table_column plain[] = {{"EVENT", false}, {"HERE", false}, {"WHY", false}, {"REMEDY", false}};
    static const struct table_column probed[] = {
        {"EVENT", false}, {"HERE", false}, {"COUNTED", true}, {"WHY", false}, {"REMEDY", false}};
    struct counters counters = {0};
    json_t *list = json_array();
    struct table table;
    int code;

    argp_parse(&counters_argp, argc, argv, 0, NULL, &counters);
    table_begin(&table, counters.probe ? probed : plain, counters.probe ? 5 : 4);
    code = counters_try(&counters, &table, list);
    if (counters.json) {
        json_dumpf(list, stdout, JSON_INDENT(2));
        putchar('\n');
    } else
        table_print(&table, TABLE_TEXT);
    table_free(&table);
    json_decref(list);
    names_free(&counters.required);
    return code;
}
