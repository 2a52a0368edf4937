/*
 * soak.c -- random cells until the budget is spent.
 */
#define _GNU_SOURCE 1
#include "soak.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings.h"
#include "catalog.h"
#include "counting.h"
#include "die.h"
#include "draw.h"
#include "exits.h"
#include "interrupt.h"
#include "launch.h"
#include "lock.h"
#include "machine.h"
#include "memory.h"
#include "options.h"
#include "outcome.h"
#include "param.h"
#include "plan.h"
#include "suggest.h"
#include "timing.h"
#include "worker.h"

enum { KEY_BUDGET = 256, KEY_SEED, KEY_CELL, KEY_TIMEOUT, KEY_NO_LOCK };

enum {
    SOAK_LEAST_THREADS = 2,
    SOAK_MOST_THREADS = 8,
    SOAK_ABOVE = 8,       /* a policy's number: up to this many times its default */
    SOAK_LONGER = 3,      /* each look at a cell's memory measures that much longer than the one before */
    SOAK_LOOKS = 4,       /* each only if those before it saw it grow */
    SOAK_LINES = 12,      /* of a worker's last words that are shown */
    SOAK_MS = 1000000,
    SOAK_LEAST_MS = 20,   /* measured time of the first look */
    SOAK_MOST_MS = 200,
    SOAK_SANITIZED = 10,  /* a sanitizer's workers may take that much longer before they hang */
};
static const double SOAK_GROWTH = 1.25, SOAK_STEADY = 2; /* soak.h says how they are used */
static const int64_t SOAK_SLACK_KIB = 4096;

struct soak_cell {
    const struct runtime *runtime;
    const struct workload_info *workload;
    struct sample_request request; /* owns its values */
};

struct soak {
    struct names strategies, workloads; /* chosen */
    struct bindings bindings;           /* what the values of these are drawn from */
    struct names seen_strategies, seen_workloads; /* of which a cell was run */
    int64_t budget_ns, timeout_ns, cell; /* cell below 0: all */
    uint64_t seed;
    bool seed_given, no_lock, quiet;
    bool memory_judged;
    char *again; /* the options to repeat with, but for the cell's number */
    struct counting counting;
    int64_t end;
    uint64_t cells, findings;
};

/* --- drawing a cell --- */

/* From least to most, each order of magnitude as likely as the next. */
static int64_t soak_draw_number(uint64_t *state, int64_t least, int64_t most)
{
    int64_t span = most - least, bound = 1;

    for (size_t doublings = draw_below(state, 64 - (size_t)__builtin_clzll((uint64_t)span + 1)); doublings > 0; doublings--)
        bound *= 2;
    bound = 2 * bound - 1 < span ? 2 * bound - 1 : span;
    return least + (int64_t)draw_below(state, (size_t)bound + 1);
}

/* One of -L's. */
static char *soak_draw_given(uint64_t *state, const struct names *values)
{
    return memory_text("%s", values->item[draw_below(state, values->count)]);
}

/* The whole runtime is meant: unless -L says otherwise there is a collector. */
static char *soak_draw_choice(uint64_t *state, const struct param *param, bool policy)
{
    bool collector = policy && strcmp(param->name, "gc") == 0;
    struct names all = {0}, choices = {0};
    char *value;

    param_choices(param, &all);
    for (size_t i = 0; i < all.count; i++)
        if (!collector || strcmp(all.item[i], "off") != 0)
            names_add(&choices, all.item[i]);
    value = soak_draw_given(state, &choices);
    names_free(&all);
    names_free(&choices);
    return value;
}

/* NULL: leave it at its default. Policies go beyond their default, a workload's sizes not: they would take long. */
static char *soak_draw_value(uint64_t *state, const struct param *param, bool policy)
{
    int64_t usual = param->fallback ? strtoll(param->fallback, NULL, 10) : 0, most = policy ? SOAK_ABOVE * usual : usual;
    char *value = NULL;

    if (param->kind == PARAM_CHOICE) {
        value = soak_draw_choice(state, param, policy);
    } else if (param->kind == PARAM_INT && (!policy || draw_below(state, 2))) {
        most = most > param->max ? param->max : most < param->min ? param->min : most;
        value = memory_text("%" PRId64, soak_draw_number(state, param->min, most));
    }
    return value;
}

static void soak_draw_values(const struct soak *soak, struct soak_cell *cell, uint64_t *state)
{
    const struct param *const list[] = {cell->workload->params, cell->runtime->params};
    size_t used = 0;

    for (size_t i = 0; i < 2; i++)
        for (const struct param *param = list[i]; param && param->name && used < RUNTIME_MAX_PARAMS - 1; param++) {
            const struct names *given = bindings_of(&soak->bindings, param->name);
            char *value = given ? soak_draw_given(state, given) : soak_draw_value(state, param, i == 1);

            if (value && catalog_refusal(cell->runtime, param->name, value)) {
                free(value);
                value = NULL;
            }
            if (value)
                cell->request.params[used++] = (struct param_value){.name = param->name, .value = value};
        }
}

/* False: this strategy has not got the workload. */
static bool soak_draw(const struct soak *soak, struct soak_cell *cell, uint64_t number)
{
    uint64_t state = draw_mix(soak->seed, number);
    const char *strategy = soak->strategies.item[draw_below(&state, soak->strategies.count)];
    bool statistics = draw_below(&state, 2);

    *cell = (struct soak_cell){.runtime = catalog_runtime(strategy, statistics)};
    if (!cell->runtime)
        cell->runtime = catalog_strategy(strategy);
    cell->workload = catalog_workload(cell->runtime, soak->workloads.item[draw_below(&state, soak->workloads.count)]);
    if (!cell->workload)
        return false;
    cell->request.workload = cell->workload->name;
    cell->request.threads = SOAK_LEAST_THREADS + (int)draw_below(&state, SOAK_MOST_THREADS - SOAK_LEAST_THREADS + 1);
    cell->request.min_ns = (SOAK_LEAST_MS + (int64_t)draw_below(&state, SOAK_MOST_MS - SOAK_LEAST_MS)) * SOAK_MS;
    cell->request.warmup_ns = SOAK_LEAST_MS * SOAK_MS;
    cell->request.seed = draw_next(&state) >> 1; /* fits JSON's integers */
    for (int i = 0; i < cell->request.threads; i++)
        cell->request.cpu[i] = -1;
    soak_draw_values(soak, cell, &state);
    return true;
}

static void soak_cell_free(struct soak_cell *cell)
{
    for (struct param_value *value = cell->request.params; value->name; value++)
        free((char *)value->value);
}

/* "biased graph t4 gc=track-buffered …": the caller frees it. */
static char *soak_cell_text(const struct soak_cell *cell)
{
    char *text = memory_text("%s%s %s t%d", cell->runtime->name, cell->runtime->statistics ? " (statistics)" : "",
                             cell->workload->name, cell->request.threads);

    for (const struct param_value *value = cell->request.params; value->name; value++)
        memory_append(&text, " %s=%s", value->name, value->value);
    return text;
}

/* --- running it --- */

static json_t *soak_order(const struct soak *soak, const struct soak_cell *cell)
{
    json_t *order = worker_order(cell->runtime, &cell->request);

    json_object_set_new(order, "count", counting_order(&soak->counting, 0));
    json_object_set_new(order, "callgrind", json_false());
    return order;
}

/* One worker. NULL: told to stop. */
static json_t *soak_launch(const struct soak *soak, const struct soak_cell *cell)
{
    json_t *order = soak_order(soak, cell), *record = NULL;
    struct launch launch;

    launch_start(&launch, order, 0, NULL);
    launch_wait(&launch, 1, timing_now() + soak->timeout_ns + 2 * cell->request.min_ns);
    if (launch.end != LAUNCH_INTERRUPTED)
        record = outcome_record(&launch);
    launch_free(&launch);
    json_decref(order);
    return record;
}

/* The end of what a worker wrote, indented. */
static void soak_print_words(const char *words)
{
    const char *at = words + strlen(words);
    int lines = 0;

    while (at > words && lines < SOAK_LINES)
        lines += *--at == '\n';
    while (*at == '\n')
        at++;
    while (*at) {
        size_t length = strcspn(at, "\n");

        printf("    | %.*s\n", (int)length, at);
        at += length + (at[length] == '\n');
    }
}

static void soak_finding(struct soak *soak, uint64_t number, const struct soak_cell *cell, const char *what, const char *words)
{
    char *text = soak_cell_text(cell);

    soak->findings++;
    printf("finding %" PRIu64 ": cell %" PRIu64 ": %s: %s\n  repeat: %s --cell %" PRIu64 "\n", soak->findings, number, text, what,
           soak->again, number);
    if (words)
        soak_print_words(words);
    fflush(stdout);
    free(text);
}

/* What is wrong with a worker, or NULL. The caller frees it. */
static char *soak_wrong(const json_t *record)
{
    const char *status = json_string_value(json_object_get(record, "status"));
    const char *number = json_string_value(json_object_get(record, "signal")), *why = json_string_value(json_object_get(record, "why"));

    if (strcmp(status, "ok") == 0)
        return NULL;
    if (number || why)
        return memory_text("%s: %s", status, number ? number : why);
    if (json_is_integer(json_object_get(record, "exit")))
        return memory_text("%s: exit %" JSON_INTEGER_FORMAT, status, json_integer_value(json_object_get(record, "exit")));
    return memory_text("%s", status);
}

/* KiB; below 0: not told. False: found wrong, or told to stop. */
static bool soak_look(struct soak *soak, uint64_t number, const struct soak_cell *cell, int64_t *peak)
{
    json_t *record = soak_launch(soak, cell), *rss = json_object_get(record, "rss_peak_kib");
    char *wrong = record ? soak_wrong(record) : NULL;
    bool right = record && !wrong;

    if (wrong)
        soak_finding(soak, number, cell, wrong, json_string_value(json_object_get(record, "stderr")));
    *peak = json_is_integer(rss) ? json_integer_value(rss) : -1;
    free(wrong);
    json_decref(record);
    return right;
}

/* Whether the last of these looks goes on growing as the ones before did: soak.h. */
static bool soak_grows(const int64_t peak[], int looks)
{
    int64_t before = peak[looks - 2], after = peak[looks - 1];

    if (before < 0 || (double)after <= SOAK_GROWTH * (double)before + (double)SOAK_SLACK_KIB)
        return false;
    return looks == 2 || (double)(after - before) >= SOAK_STEADY * (double)(before - peak[looks - 3]);
}

static void soak_find_growth(struct soak *soak, uint64_t number, const struct soak_cell *cell, const int64_t peak[SOAK_LOOKS])
{
    char *text = memory_text("memory grows: %" PRId64, peak[0]);

    for (int look = 1; look < SOAK_LOOKS; look++)
        memory_append(&text, ", %" PRId64, peak[look]);
    memory_append(&text, " KiB, each in %d times the time of the one before", SOAK_LONGER);
    soak_finding(soak, number, cell, text, NULL);
    free(text);
}

/* A cell with its looks at the memory. */
static void soak_run_cell(struct soak *soak, uint64_t number, struct soak_cell *cell)
{
    int64_t peak[SOAK_LOOKS];

    soak->cells++;
    names_add(&soak->seen_strategies, cell->runtime->name);
    names_add(&soak->seen_workloads, cell->workload->name);
    for (int look = 0; look < (soak->memory_judged ? SOAK_LOOKS : 1); look++) {
        if (!soak_look(soak, number, cell, &peak[look]) || (look > 0 && !soak_grows(peak, look + 1)))
            return;
        cell->request.min_ns *= SOAK_LONGER;
    }
    if (soak->memory_judged)
        soak_find_growth(soak, number, cell, peak);
}

static void soak_cell(struct soak *soak, uint64_t number)
{
    struct soak_cell cell;
    char *text;

    if (!soak_draw(soak, &cell, number)) {
        if (soak->cell >= 0)
            die_usage("--cell %" PRIu64 ": %s has no such workload", number, cell.runtime->name);
        return;
    }
    text = soak_cell_text(&cell);
    if (!soak->quiet)
        printf("cell %" PRIu64 ": %s\n", number, text);
    fflush(stdout);
    free(text);
    soak_run_cell(soak, number, &cell);
    soak_cell_free(&cell);
}

/* --- the command --- */

static void soak_choose(struct names *chosen, const struct names *known, const char *kind)
{
    for (size_t i = 0; i < chosen->count; i++)
        if (!names_has(known, chosen->item[i]))
            suggest_die(kind, chosen->item[i], known);
    if (known->count == 0)
        die_usage("no %s is linked into this program", kind);
    for (size_t i = 0, all = chosen->count == 0; all && i < known->count; i++)
        names_add(chosen, known->item[i]);
    names_sort(chosen);
}

static void soak_choose_all(struct soak *soak)
{
    struct names linked = {0}, safe = {0}, workloads = {0};

    catalog_strategies(&linked);
    for (size_t i = 0; i < linked.count; i++)
        if (!(catalog_strategy(linked.item[i])->traits & RUNTIME_UNSAFE))
            names_add(&safe, linked.item[i]);
    catalog_workloads(&workloads);
    soak_choose(&soak->strategies, &safe, "strategy that is safe under threads");
    soak_choose(&soak->workloads, &workloads, "workload");
    plan_check_bindings(&soak->bindings, &soak->strategies, &soak->workloads);
    names_free(&linked);
    names_free(&safe);
    names_free(&workloads);
}

static bool soak_sanitized(void)
{
    json_t *build = machine_build();
    bool sanitized = json_array_size(json_object_get(build, "sanitizers")) > 0;

    json_decref(build);
    return sanitized;
}

/* The choice of strategies, workloads and values decides what a number draws: it belongs to the command that repeats it. */
static void soak_remember(struct soak *soak, const char *command)
{
    char *strategies = names_join(&soak->strategies, ","), *workloads = names_join(&soak->workloads, ",");

    soak->again = memory_text("%s --seed %" PRIu64 " -s %s -W %s", command, soak->seed, strategies, workloads);
    for (size_t i = 0; i < soak->bindings.count; i++) {
        char *values = names_join(&soak->bindings.item[i].values, ",");

        memory_append(&soak->again, " -L %s=%s", soak->bindings.item[i].name, values);
        free(values);
    }
    free(strategies);
    free(workloads);
}

static int64_t soak_budget(const char *text)
{
    int64_t budget = options_time("--budget", text);

    if (budget == 0)
        die_usage("--budget %s: no cell would be run; allowed is a time above 0, such as 10m", text);
    return budget;
}

static error_t soak_option(int key, char *arg, struct argp_state *state)
{
    struct soak *soak = state->input;

    switch (key) {
    case 's': names_split(&soak->strategies, arg, ','); return 0;
    case 'W': names_split(&soak->workloads, arg, ','); return 0;
    case 'L': bindings_parse(&soak->bindings, arg, state); return 0;
    case 'q': soak->quiet = true; return 0;
    case KEY_BUDGET: soak->budget_ns = soak_budget(arg); return 0;
    case KEY_TIMEOUT: soak->timeout_ns = options_time("--timeout", arg); return 0;
    case KEY_CELL: soak->cell = options_number("--cell", arg, 0, INT64_MAX); return 0;
    case KEY_NO_LOCK: soak->no_lock = true; return 0;
    case KEY_SEED:
        soak->seed = (uint64_t)options_number("--seed", arg, 0, INT64_MAX);
        soak->seed_given = true;
        return 0;
    case ARGP_KEY_ARG: die_usage("%s: '%s' is not an option; see --help", state->name, arg);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option soak_options[] = {
    {"strategies", 's', "NAME,…", 0, "Strategies (all that are safe under threads)", 0},
    {"workloads", 'W', "NAME,…", 0, "Workloads (all)", 0},
    {"parameter", 'L', "VAR=V1,V2", 0, "Draw a variable's value from these (all; of gc all but off); also: -L VAR V1,V2", 0},
    {"budget", KEY_BUDGET, "TIME", 0, "Begin no cell after this time (10m)", 0},
    {"seed", KEY_SEED, "N", 0, "What is drawn (at random; it is printed)", 0},
    {"cell", KEY_CELL, "I", 0, "Cell I of the seed alone, until it has a finding or the budget is spent", 0},
    {"timeout", KEY_TIMEOUT, "TIME", 0, "A worker hangs after its measured time and this (60s; with a sanitizer ten times that)", 0},
    {"no-lock", KEY_NO_LOCK, NULL, 0, "Also while another rclab measures, which it disturbs", 0},
    {"quiet", 'q', NULL, 0, "Print findings alone", 0},
    {0},
};
static const struct argp soak_argp = {
    .options = soak_options,
    .parser = soak_option,
    .doc = "Random cells, each in fresh workers, until the budget is spent: every workload's own checks, leaks, crashes, hangs, and memory "
           "that grows with time. Exit 4 with a finding. In the builds with sanitizers (make VARIANT=asan) their reports are findings.",
};

static void soak_all(struct soak *soak)
{
    bool one = soak->cell >= 0;

    for (uint64_t number = 0; timing_now() < soak->end && !interrupt_seen() && !(one && soak->findings); number++)
        soak_cell(soak, one ? (uint64_t)soak->cell : number);
}

static void soak_print_end(const struct soak *soak)
{
    printf("soak    %" PRIu64 " cells, %zu of %zu workloads, %zu of %zu strategies, %" PRIu64 " finding%s\n", soak->cells,
           soak->seen_workloads.count, soak->workloads.count, soak->seen_strategies.count, soak->strategies.count, soak->findings,
           soak->findings == 1 ? "" : "s");
}

static void soak_free(struct soak *soak)
{
    free(soak->again);
    names_free(&soak->strategies);
    names_free(&soak->workloads);
    names_free(&soak->seen_strategies);
    names_free(&soak->seen_workloads);
    bindings_free(&soak->bindings);
    counting_free(&soak->counting);
}

int soak_main(int argc, char **argv)
{
    static struct soak soak = {.budget_ns = 600 * TIMING_SECOND, .timeout_ns = 60 * TIMING_SECOND, .cell = -1};
    bool interrupted;

    argp_parse(&soak_argp, argc, argv, 0, NULL, &soak);
    soak_choose_all(&soak);
    if (!soak.seed_given)
        soak.seed = options_random_seed();
    if (!soak.no_lock)
        lock_take();
    soak.memory_judged = !soak_sanitized();
    if (!soak.memory_judged)
        soak.timeout_ns *= SOAK_SANITIZED;
    soak_remember(&soak, argv[0]);
    counting_none(&soak.counting);
    printf("soak    %s%s\n", soak.again, soak.memory_judged ? "" : " (sanitizers: memory is not judged)");
    interrupt_hold();
    soak.end = timing_now() + soak.budget_ns;
    soak_all(&soak);
    interrupted = interrupt_seen();
    interrupt_release();
    if (soak.cells == 0 && !interrupted)
        die_usage("--budget: it was spent before a cell began; give it a longer time, such as 10m");
    soak_print_end(&soak);
    soak_free(&soak);
    return soak.findings ? EXITS_WORKER : interrupted ? EXITS_INTERRUPTED : EXITS_OK;
}
