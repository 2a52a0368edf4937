/*
 * listing.c -- `rclab list`: the strategies, workloads and parameters that are linked in.
 */
#include "listing.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "catalog.h"
#include "counters.h"
#include "exits.h"
#include "lab.h"
#include "memory.h"
#include "param.h"
#include "suggest.h"
#include "table.h"

enum { KEY_JSON = 256 };

struct listing {
    struct names topics; /* empty: all */
    bool json;
};

/* One thing that can be listed: for people, and as JSON. */
struct topic {
    const char *name;
    void (*print)(void);
    json_t *(*json)(void);
};

static json_t *listing_traits(const struct runtime *runtime)
{
    static const struct {
        unsigned trait;
        const char *name;
    } traits[] = {{RUNTIME_UNSAFE, "unsafe"}, {RUNTIME_GIL, "gil"}, {RUNTIME_DEFERS_FREE, "defers-free"}};
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof traits / sizeof traits[0]; i++)
        if (runtime->traits & traits[i].trait)
            json_array_append_new(list, json_string(traits[i].name));
    return list;
}

static char *listing_joined(json_t *list)
{
    struct names names = {0};
    size_t i;
    json_t *item;
    char *text;

    json_array_foreach(list, i, item)
        names_add(&names, json_string_value(item));
    text = names.count ? names_join(&names, ", ") : memory_text("–");
    names_free(&names);
    json_decref(list);
    return text;
}

static void listing_print_strategies(void)
{
    static const struct table_column columns[] = {
        {"STRATEGY", false}, {"HEADER", true}, {"INT", true}, {"TRAITS", false}, {"SUMMARY", false}};
    struct names names = {0};
    struct table table;

    catalog_strategies(&names);
    table_begin(&table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < names.count; i++) {
        const struct runtime *runtime = catalog_strategy(names.item[i]);
        char *traits = listing_joined(listing_traits(runtime));

        table_cell(&table, "%s", runtime->name);
        table_cell(&table, "%zu B", runtime->head_bytes);
        table_cell(&table, "%zu B", runtime->int_bytes);
        table_cell(&table, "%s", traits);
        table_cell(&table, "%s", runtime->summary);
        free(traits);
    }
    table_print(&table, TABLE_TEXT);
    table_free(&table);
    names_free(&names);
}

static json_t *listing_json_strategies(void)
{
    json_t *list = json_array();
    struct names names = {0};

    catalog_strategies(&names);
    for (size_t i = 0; i < names.count; i++) {
        const struct runtime *r = catalog_strategy(names.item[i]);

        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:I, s:I, s:b}", "name", r->name, "summary", r->summary,
                                              "traits", listing_traits(r), "head_bytes", (json_int_t)r->head_bytes,
                                              "int_bytes", (json_int_t)r->int_bytes, "statistics",
                                              catalog_runtime(r->name, true) != NULL));
    }
    names_free(&names);
    return list;
}

/* The first strategy that has the workload, for its description: all have the same one. */
static const struct workload_info *listing_workload(const char *name)
{
    const struct workload_info *workload = NULL;
    struct names strategies = {0};

    catalog_strategies(&strategies);
    for (size_t i = 0; i < strategies.count && !workload; i++)
        workload = catalog_workload(catalog_strategy(strategies.item[i]), name);
    names_free(&strategies);
    return workload;
}

static void listing_print_workloads(void)
{
    static const struct table_column columns[] = {
        {"WORKLOAD", false}, {"COUNTS", false}, {"PARAMETERS", false}, {"SUMMARY", false}};
    struct names names = {0};
    struct table table;

    catalog_workloads(&names);
    table_begin(&table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < names.count; i++) {
        const struct workload_info *workload = listing_workload(names.item[i]);
        struct names params = {0};
        char *joined;

        for (const struct param *param = workload->params; param && param->name; param++)
            names_add(&params, param->name);
        joined = params.count ? names_join(&params, ", ") : memory_text("–");
        table_cell(&table, "%s", workload->name);
        table_cell(&table, "%s", workload->unit);
        table_cell(&table, "%s", joined);
        table_cell(&table, "%s", workload->summary);
        free(joined);
        names_free(&params);
    }
    table_print(&table, TABLE_TEXT);
    table_free(&table);
    names_free(&names);
}

static json_t *listing_json_param_list(const struct param *param)
{
    static const char *const kinds[] = {[PARAM_CHOICE] = "choice", [PARAM_INT] = "integer", [PARAM_PATH] = "path"};
    json_t *list = json_array();

    for (; param && param->name; param++) {
        json_t *one = json_pack("{s:s, s:s, s:s?, s:s?}", "name", param->name, "kind", kinds[param->kind], "default",
                                param->fallback, "help", param->help);

        if (param->kind == PARAM_CHOICE) {
            struct names choices = {0};
            json_t *values = json_array();

            param_choices(param, &choices);
            for (size_t i = 0; i < choices.count; i++)
                json_array_append_new(values, json_string(choices.item[i]));
            json_object_set_new(one, "choices", values);
            names_free(&choices);
        } else if (param->kind == PARAM_INT) {
            json_object_set_new(one, "min", json_integer(param->min));
            json_object_set_new(one, "max", json_integer(param->max));
        }
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *listing_json_workloads(void)
{
    json_t *list = json_array();
    struct names names = {0};

    catalog_workloads(&names);
    for (size_t i = 0; i < names.count; i++) {
        const struct workload_info *workload = listing_workload(names.item[i]);

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", workload->name, "unit", workload->unit,
                                              "summary", workload->summary, "racy_by_design", workload->racy_by_design,
                                              "params", listing_json_param_list(workload->params)));
    }
    names_free(&names);
    return list;
}

/* Variables that every workload has: of the first strategy, as all have the same. NULL if there are none. */
static const struct param *listing_common_params(void)
{
    struct names strategies = {0};
    const struct param *params;

    catalog_strategies(&strategies);
    params = strategies.count ? catalog_strategy(strategies.item[0])->params : NULL;
    names_free(&strategies);
    return params;
}

/* Of a workload; NULL: there is no such column. */
static void listing_param_rows(struct table *table, const char *workload, const struct param *param)
{
    for (; param && param->name; param++) {
        char *values = param_values(param);

        if (workload)
            table_cell(table, "%s", workload);
        table_cell(table, "%s", param->name);
        table_cell(table, "%s", values);
        table_cell(table, "%s", param->fallback ? param->fallback : "–");
        table_cell(table, "%s", param->help ? param->help : "");
        free(values);
    }
}

static void listing_print_params(void)
{
    static const struct table_column columns[] = {
        {"WORKLOAD", false}, {"PARAMETER", false}, {"VALUES", false}, {"DEFAULT", false}, {"MEANING", false}};
    struct names names = {0};
    struct table table;

    catalog_workloads(&names);
    table_begin(&table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < names.count; i++)
        listing_param_rows(&table, names.item[i], listing_workload(names.item[i])->params);
    listing_param_rows(&table, "(all)", listing_common_params());
    table_print(&table, TABLE_TEXT);
    table_free(&table);
    names_free(&names);
}

static json_t *listing_json_params(void)
{
    return listing_json_param_list(listing_common_params());
}

/* Which strategies cannot have that value, and why. */
static void listing_print_refusals(const char *name, const char *value)
{
    struct names strategies = {0};

    catalog_strategies(&strategies);
    for (size_t i = 0; i < strategies.count; i++) {
        const char *why = catalog_refusal(catalog_strategy(strategies.item[i]), name, value);

        if (why)
            printf("! %s=%s: not with strategy %s: %s\n", name, value, strategies.item[i], why);
    }
    names_free(&strategies);
}

/* What is looked for among the policies, but is a workload's own. */
static void listing_print_counting(void)
{
    struct names workloads = {0};
    const struct workload_info *fib = NULL;

    catalog_workloads(&workloads);
    if (names_has(&workloads, "fib"))
        fib = listing_workload("fib");
    names_free(&workloads);
    if (fib && param_find(fib->params, "defer") && param_find(fib->params, "borrow"))
        printf("! defer and borrow (what is not counted at the object) are parameters of the workload fib: rclab list params\n");
}

/* Policies: the variables that every workload has, since they are the runtime's. */
static void listing_print_policies(void)
{
    static const struct table_column columns[] = {{"POLICY", false}, {"VALUES", false}, {"DEFAULT", false}, {"MEANING", false}};
    struct table table;

    table_begin(&table, columns, sizeof columns / sizeof columns[0]);
    listing_param_rows(&table, NULL, listing_common_params());
    table_print(&table, TABLE_TEXT);
    table_free(&table);
    listing_print_counting();
    for (const struct param *param = listing_common_params(); param && param->name; param++) {
        struct names choices = {0};

        if (param->kind != PARAM_CHOICE)
            continue;
        param_choices(param, &choices);
        for (size_t i = 0; i < choices.count; i++)
            listing_print_refusals(param->name, choices.item[i]);
        names_free(&choices);
    }
}

static const struct topic topics[] = {
    {"strategies", listing_print_strategies, listing_json_strategies},
    {"workloads", listing_print_workloads, listing_json_workloads},
    {"params", listing_print_params, listing_json_params}, /* JSON: those of every workload; the others stand with theirs */
    {"policies", listing_print_policies, listing_json_params},
    {"events", counters_print_events, counters_json_events},
    {"labs", lab_print_list, lab_json_list},
};
enum { TOPICS = sizeof topics / sizeof topics[0] };

static error_t listing_option(int key, char *arg, struct argp_state *state)
{
    struct listing *listing = state->input;
    struct names known = {0};

    switch (key) {
    case KEY_JSON: listing->json = true; return 0;
    case ARGP_KEY_ARG:
        for (size_t i = 0; i < TOPICS; i++)
            names_add(&known, topics[i].name);
        if (!names_has(&known, arg))
            suggest_die("list", arg, &known);
        names_free(&known);
        names_add(&listing->topics, arg);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option listing_options[] = {
    {"json", KEY_JSON, NULL, 0, "As JSON", 0},
    {0},
};
static const struct argp listing_argp = {
    .options = listing_options,
    .parser = listing_option,
    .args_doc = "[strategies|workloads|params|policies|events|labs]…",
    .doc = "List what is linked into this program: the header of an object and a small int in bytes, the traits, every "
           "workload's parameters and the runtime's policies (what -L sets for any workload) with their values and defaults; events and labs.",
};

int listing_main(int argc, char **argv)
{
    struct listing listing = {0};
    json_t *object = json_object();
    bool first = true;

    argp_parse(&listing_argp, argc, argv, 0, NULL, &listing);
    for (size_t i = 0; i < TOPICS; i++) {
        if (listing.topics.count && !names_has(&listing.topics, topics[i].name))
            continue;
        if (listing.json) {
            json_object_set_new(object, topics[i].name, topics[i].json());
            continue;
        }
        if (!first)
            putchar('\n');
        first = false;
        topics[i].print();
    }
    if (listing.json) {
        json_dumpf(object, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(object);
    names_free(&listing.topics);
    return EXITS_OK;
}
