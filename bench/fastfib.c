/*
 * fastfib.c -- `rclab fastfib`: the report of ft_utils' fibonacci example.
 *
 * Task i belongs to the worker whose share is i mod shares; in mode threads the one worker has them all. Law, whatever the
 * interleaving: hits + bases == tasks.
 */
#define _GNU_SOURCE 1
#include "fastfib.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "die.h"
#include "exits.h"
#include "interrupt.h"
#include "launch.h"
#include "memory.h"
#include "options.h"
#include "outcome.h"
#include "param.h"
#include "place.h"
#include "suggest.h"
#include "timing.h"
#include "worker.h"

enum { FASTFIB_RUNS = 5, FASTFIB_WORKERS = 16, FASTFIB_TEXT = 24 };
static const int64_t FASTFIB_TIMEOUT_NS = 600 * TIMING_SECOND; /* of one run; big numbers take their time */

enum { KEY_NTH = 256, KEY_SIZE, KEY_WORKERS, KEY_MODE, KEY_SEED, KEY_OFFSETS, KEY_TIMEOUT };

struct fastfib {
    const char *strategy, *nth, *size, *offsets;
    bool processes, fast;
    int workers;
    uint64_t seed;
    int64_t timeout_ns;
    const struct runtime *runtime;
    struct place place;
};

/* What one run found; sums over its workers. */
struct fastfib_run {
    int64_t ns;
    int64_t tasks, hits, misses, bases, memo;
    uint64_t checksum; /* ΣF(zᵢ) mod 2^64 */
};

static void fastfib_mode(struct fastfib *fastfib, const char *mode)
{
    fastfib->processes = strcmp(mode, "processes") == 0;
    fastfib->fast = strcmp(mode, "fast_threads") == 0;
    if (!fastfib->processes && !fastfib->fast && strcmp(mode, "threads") != 0)
        die_usage("--mode %s: allowed is threads, fast_threads or processes", mode);
}

static error_t fastfib_option(int key, char *arg, struct argp_state *state)
{
    struct fastfib *fastfib = state->input;

    switch (key) {
    case KEY_NTH: fastfib->nth = arg; return 0;
    case KEY_SIZE: fastfib->size = arg; return 0;
    case KEY_WORKERS: fastfib->workers = (int)options_number("--workers", arg, 1, RUNTIME_MAX_THREADS); return 0;
    case KEY_MODE: fastfib_mode(fastfib, arg); return 0;
    case KEY_SEED: fastfib->seed = (uint64_t)options_number("--seed", arg, 0, INT64_MAX); return 0;
    case KEY_OFFSETS: fastfib->offsets = arg; return 0;
    case KEY_TIMEOUT: fastfib->timeout_ns = options_time("--timeout", arg); return 0;
    case 's': fastfib->strategy = arg; return 0;
    case ARGP_KEY_ARG: die_usage("%s: '%s' is not an option; see --help", state->name, arg);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option fastfib_options[] = {
    {"nth_element", KEY_NTH, "N", 0, "Smallest Fibonacci number asked for (required)", 0},
    {"nth-element", KEY_NTH, NULL, OPTION_ALIAS, NULL, 0},
    {"run_size", KEY_SIZE, "S", 0, "Tasks of each run (required)", 0},
    {"run-size", KEY_SIZE, NULL, OPTION_ALIAS, NULL, 0},
    {"workers", KEY_WORKERS, "COUNT", 0, "Threads or processes (default 16)", 0},
    {"mode", KEY_MODE, "MODE", 0, "threads (default): one shared dict; fast_threads: ConcurrentDict, a queue and a counter, through LocalWrappers; processes: each its own dict", 0},
    {"strategy", 's', "STRATEGY", 0, "Default: biased", 0},
    {"seed", KEY_SEED, "N", 0, "Repeat the tasks of another report", 0},
    {"offsets", KEY_OFFSETS, "KIND", 0, "random (default), or splitmix: the fixed tasks of the check values", 0},
    {"timeout", KEY_TIMEOUT, "TIME", 0, "A run that takes longer hangs (default 600)", 0},
    {0},
};
static const struct argp fastfib_argp = {
    .options = fastfib_options,
    .parser = fastfib_option,
    .doc = "The fibonacci example of ft_utils: tasks F(n + offset) over a shared memo, five timed runs.\v"
           "Times: threads, from the first thread's start to the last one's end; processes, from the first start of a "
           "process to the end of the last one. Each run has fresh processes and a fresh memo.",
};

static void fastfib_check_param(const struct workload_info *workload, const char *option, const char *name, const char *value)
{
    const struct param *param = param_find(workload->params, name);
    char *refusal;

    if (!value)
        die_usage("%s is required; see rclab fastfib --help", option);
    if (!param)
        die_usage("the workload fastfib has no parameter %s", name);
    refusal = param_refusal(param, value);
    if (refusal)
        die_usage("--%s", refusal);
}

static void fastfib_check(struct fastfib *fastfib)
{
    const struct workload_info *workload;
    struct names known = {0};

    catalog_strategies(&known);
    if (!names_has(&known, fastfib->strategy))
        suggest_die("strategy", fastfib->strategy, &known);
    names_free(&known);
    fastfib->runtime = catalog_runtime(fastfib->strategy, false);
    if (!fastfib->runtime)
        die_usage("strategy %s was built with statistics only", fastfib->strategy);
    workload = catalog_workload(fastfib->runtime, "fastfib");
    if (!workload)
        die_usage("strategy %s has no workload fastfib", fastfib->strategy);
    fastfib_check_param(workload, "--nth_element", "nth_element", fastfib->nth);
    fastfib_check_param(workload, "--run_size", "run_size", fastfib->size);
    fastfib_check_param(workload, "--offsets", "offsets", fastfib->offsets);
}

/* Processes of a run: one with all threads, or one for each worker that has a task. */
static int fastfib_shares(const struct fastfib *fastfib)
{
    int64_t tasks = strtoll(fastfib->size, NULL, 10); /* checked by fastfib_check */

    if (!fastfib->processes)
        return 1;
    return tasks < fastfib->workers ? (int)tasks : fastfib->workers;
}

/* Worker number `share` of a run. */
static void fastfib_start(const struct fastfib *fastfib, struct launch *launch, int run, int share)
{
    char share_text[FASTFIB_TEXT], shares_text[FASTFIB_TEXT];
    struct sample_request request = {
        .workload = "fastfib",
        .threads = fastfib->processes ? 1 : fastfib->workers,
        .params = {{"nth_element", fastfib->nth},
                   {"run_size", fastfib->size},
                   {"offsets", fastfib->offsets},
                   {"mode", fastfib->fast ? "fast_threads" : "threads"},
                   {"share", share_text},
                   {"shares", shares_text}},
        .warmup_ns = 0, /* with min_ns 0: exactly one repetition */
        .seed = (fastfib->seed + (uint64_t)run) & INT64_MAX,
    };
    json_t *order;

    snprintf(share_text, sizeof share_text, "%d", share);
    snprintf(shares_text, sizeof shares_text, "%d", fastfib_shares(fastfib));
    for (int i = 0; i < request.threads; i++)
        request.cpu[i] = place_cpu(&fastfib->place, share + i);
    order = worker_order(fastfib->runtime, &request);
    launch_start(launch, order, 0, NULL);
    json_decref(order);
}

/* Adds what one worker reported. Returns an exit code, with a message if it failed. */
static int fastfib_take(const struct fastfib *fastfib, const struct launch *launch, struct fastfib_run *run)
{
    json_t *record = outcome_record(launch);
    const char *status = json_string_value(json_object_get(record, "status"));
    const char *why = json_string_value(json_object_get(record, "why")), *signal = NULL;
    bool unsafe = (fastfib->runtime->traits & RUNTIME_UNSAFE) && fastfib->workers > 1 && !fastfib->processes;
    json_int_t tasks = 0, hits = 0, misses = 0, bases = 0, memo = 0, checksum = 0, wall = 0;
    int code = EXITS_OK;

    if (launch->end == LAUNCH_INTERRUPTED)
        code = EXITS_INTERRUPTED;
    else if (json_unpack(record, "{s:I, s:{s:I, s:I, s:I, s:I, s:I, s:I}}", "wall_ns", &wall, "facts", "tasks", &tasks, "hits",
                         &hits, "misses", &misses, "bases", &bases, "memo", &memo, "checksum", &checksum) ||
             strcmp(status, "ok") != 0)
        code = unsafe ? EXITS_OK : EXITS_WORKER;
    if (strcmp(status, "ok") != 0 && launch->end != LAUNCH_INTERRUPTED) {
        signal = json_string_value(json_object_get(record, "signal"));
        fprintf(stderr, "rclab: fastfib/%s: %s%s%s%s%s%s\n", fastfib->strategy, status, signal ? " " : "", signal ? signal : "",
                why ? ": " : "", why ? why : "", unsafe ? " (expected: unsafe under threads)" : "");
    }
    run->tasks += tasks;
    run->hits += hits;
    run->misses += misses;
    run->bases += bases;
    run->memo += memo;
    run->checksum += (uint64_t)checksum;
    if (!fastfib->processes)
        run->ns = wall;
    json_decref(record);
    return code;
}

static int fastfib_run(const struct fastfib *fastfib, int number, struct fastfib_run *run)
{
    int launches = fastfib_shares(fastfib), code = EXITS_OK;
    struct launch *launch = memory_alloc((size_t)launches, sizeof launch[0]);
    int64_t start = timing_now();

    for (int i = 0; i < launches; i++)
        fastfib_start(fastfib, &launch[i], number, i);
    launch_wait(launch, (size_t)launches, start + fastfib->timeout_ns);
    *run = (struct fastfib_run){.ns = timing_now() - start};
    for (int i = 0; i < launches; i++) {
        code = exits_worse(code, fastfib_take(fastfib, &launch[i], run));
        launch_free(&launch[i]);
    }
    free(launch);
    return code;
}

static void fastfib_print_checks(const struct fastfib_run *runs)
{
    bool lawful = true, same = true;

    for (int i = 0; i < FASTFIB_RUNS; i++) {
        lawful &= runs[i].hits + runs[i].bases == runs[i].tasks && runs[i].misses >= runs[i].memo;
        same &= runs[i].checksum == runs[0].checksum;
    }
    printf("Checksum:               ");
    for (int i = 0; i < (same ? 1 : FASTFIB_RUNS); i++)
        printf("%s%016" PRIx64, i ? " " : "", runs[i].checksum);
    printf("\nLast run:               tasks %" PRId64 ", hits %" PRId64 ", misses %" PRId64 ", bases %" PRId64 ", memo %" PRId64
           "\n",
           runs[FASTFIB_RUNS - 1].tasks, runs[FASTFIB_RUNS - 1].hits, runs[FASTFIB_RUNS - 1].misses,
           runs[FASTFIB_RUNS - 1].bases, runs[FASTFIB_RUNS - 1].memo);
    printf("Law:                    hits + bases == tasks, misses >= memo: %s\n", lawful ? "holds" : "BROKEN");
}

static void fastfib_print(const struct fastfib *fastfib, const struct fastfib_run *runs)
{
    int64_t total = 0, hits = 0, misses = 0;

    for (int i = 0; i < FASTFIB_RUNS; i++) {
        total += runs[i].ns;
        hits += runs[i].hits;
        misses += runs[i].misses;
    }
    puts("Report");
    printf("nth Element:            %s\n", fastfib->nth);
    printf("Mode:                   %s (%s)\n", fastfib->processes ? "processes" : fastfib->fast ? "fast_threads" : "threads", fastfib->strategy);
    printf("Size:                   %s\n", fastfib->size);
    printf("Workers:                %d\n", fastfib->workers);
    printf("Average Execution Time: %.6f s\n", (double)total / FASTFIB_RUNS / 1e9);
    if (!fastfib->processes && misses)
        printf("Cache rate:             %.6f\n", (double)hits / (double)misses);
    printf("Total Execution Time:   %.6f s\n", (double)total / 1e9);
    printf("Offsets:                %s, seed %" PRIu64 "\n", fastfib->offsets, fastfib->seed);
    fastfib_print_checks(runs);
}

int fastfib_main(int argc, char **argv)
{
    static struct fastfib fastfib;
    struct fastfib_run runs[FASTFIB_RUNS];
    int code = EXITS_OK;

    fastfib = (struct fastfib){.strategy = "biased",
                               .offsets = "random",
                               .workers = FASTFIB_WORKERS,
                               .seed = options_random_seed(),
                               .timeout_ns = FASTFIB_TIMEOUT_NS};
    argp_parse(&fastfib_argp, argc, argv, 0, NULL, &fastfib);
    fastfib_check(&fastfib);
    place_load(&fastfib.place, PLACE_CORE, NULL);
    interrupt_hold();
    for (int i = 0; i < FASTFIB_RUNS && code == EXITS_OK; i++)
        code = fastfib_run(&fastfib, i, &runs[i]);
    interrupt_release();
    if (code == EXITS_OK)
        fastfib_print(&fastfib, runs);
    return code;
}
