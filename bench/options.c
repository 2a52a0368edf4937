/*
 * options.c -- the command line of `rclab run` and `rclab fib`.
 */
#define _GNU_SOURCE 1
#include "options.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "die.h"
#include "memory.h"
#include "pace.h"
#include "pacing.h"
#include "timing.h"

static const int64_t OPTIONS_SPARE_NS = 60 * TIMING_SECOND; /* default timeout: the measured times and this */

/* Under callgrind all is some fifty times slower. */
static const int64_t OPTIONS_CALLGRIND_TIMEOUT_NS = 600 * TIMING_SECOND;

enum {
    KEY_FAST = 256,
    KEY_RIGOROUS,
    KEY_MIN_TIME,
    KEY_TIMEOUT,
    KEY_AFFINITY,
    KEY_PLACE,
    KEY_SEED,
    KEY_REFERENCE,
    KEY_STATS,
    KEY_INPUT,
    KEY_BUDGET,
    KEY_STRICT,
    KEY_STYLE,
    KEY_FORCE,
    KEY_FORCE_VERDICTS,
    KEY_NO_COUNTERS,
    KEY_REQUIRE_COUNTERS,
    KEY_COUNT_INSTRUCTIONS,
    KEY_RESUME,
    KEY_APPEND,
    KEY_SHARD,
    KEY_NO_LOCK,
    KEY_LATENCY,
    KEY_RATE,
    KEY_REQUEST,
};
enum { OPTIONS_SHARD_SEED = 1 };       /* the shards of one sweep must agree */
enum { OPTIONS_LAST_KEY = 0xffffff }; /* argp's own are above, and 0 */

int64_t options_number(const char *what, const char *text, int64_t min, int64_t max)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno || number < min || number > max)
        die_usage("%s %s: allowed is a whole number from %" PRId64 " to %" PRId64, what, text, min, max);
    return number;
}

int64_t options_time(const char *what, const char *text)
{
    int64_t ns;

    if (!timing_parse(text, &ns))
        die_usage("%s %s: allowed is a time such as 0.5, 90s, 500ms or 1h30m", what, text);
    return ns;
}

/* Short, so that it can be typed again. */
uint64_t options_random_seed(void)
{
    uint32_t seed;

    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        die("getrandom", errno);
    return seed;
}

static void options_split(struct names *names, const char *what, const char *list)
{
    names_split(names, list, ',');
    if (names->count == 0)
        die_usage("%s '%s': an empty list; allowed is NAME[,NAME…]", what, list);
}

static void options_threads(struct options *options, const char *list)
{
    struct names counts = {0};

    options_split(&counts, "-t", list);
    for (size_t i = 0; i < counts.count; i++) {
        int threads = (int)options_number("-t", counts.item[i], 1, RUNTIME_MAX_THREADS);
        bool known = false;

        for (size_t j = 0; j < options->thread_counts; j++)
            known |= options->threads[j] == threads;
        if (!known)
            options->threads[options->thread_counts++] = threads;
    }
    names_free(&counts);
}

void options_shard(struct options *options, const char *text)
{
    const char *slash = strchr(text, '/');
    char *index;

    if (!slash)
        die_usage("--shard %s: allowed is I/N, such as 1/4", text);
    options->shards = (int)options_number("--shard: N", slash + 1, 1, OPTIONS_MOST_ROUNDS);
    index = memory_text("%.*s", (int)(slash - text), text);
    options->shard = (int)options_number("--shard: I", index, 1, options->shards);
    free(index);
}

static void options_latency(struct options *options, const char *mode)
{
    if (!pace_mode_parse(mode, &options->pace.mode))
        die_usage("--latency %s: allowed is closed (a request begins when the last one ended) or fixed (at --rate)", mode);
}

static void options_rate(struct options *options, const char *rate)
{
    if (!pace_rate_parse(rate, &options->pace.rate))
        die_usage("--rate %s: allowed is a whole number of requests a second and thread from 1 to %d, such as 500, 2k or 20k/s",
                  rate, PACE_MOST_RATE);
}

/* Those that do not decide what is measured. */
static bool options_goes_with_resume(int key)
{
    static const int keys[] = {KEY_RESUME, KEY_BUDGET, KEY_STRICT, KEY_STYLE, KEY_FORCE_VERDICTS, KEY_NO_LOCK, 'q'};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (key == keys[i])
            return true;
    return false;
}

static void options_note(struct options *options, int key)
{
    if (key > 0 && key <= OPTIONS_LAST_KEY && !options_goes_with_resume(key))
        options->fixed = key;
}

static error_t options_common(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    options_note(options, key);
    switch (key) {
    case 's': options_split(&options->strategies, "-s", arg); return 0;
    case 't': options_threads(options, arg); return 0;
    case 'L': bindings_parse(&options->bindings, arg, state); return 0;
    case 'o': options->output = arg; return 0;
    case 'p': options->rounds = (int)options_number("-p", arg, 1, OPTIONS_MOST_ROUNDS); return 0;
    case 'w': options->warmup_ns = options_time("-w", arg); return 0;
    case 'q': options->quiet = true; return 0;
    case KEY_FAST: options->fast = true; return 0;
    case KEY_RIGOROUS: options->rigorous = true; return 0;
    case KEY_MIN_TIME: options->min_ns = options_time("--min-time", arg); return 0;
    case KEY_TIMEOUT: options->timeout_ns = options_time("--timeout", arg); return 0;
    case KEY_BUDGET: options->budget_ns = options_time("--budget", arg); return 0;
    case KEY_AFFINITY: options->affinity = arg; return 0;
    case KEY_SEED:
        options->seed = (uint64_t)options_number("--seed", arg, 0, INT64_MAX);
        options->seed_given = true;
        return 0;
    case KEY_RESUME: options->resume = arg; return 0;
    case KEY_APPEND: options->append = true; return 0;
    case KEY_SHARD: options_shard(options, arg); return 0;
    case KEY_NO_LOCK: options->no_lock = true; return 0;
    case KEY_LATENCY: options_latency(options, arg); return 0;
    case KEY_RATE: options_rate(options, arg); return 0;
    case KEY_REQUEST: options->pace.request = options_number("--request", arg, 1, PACE_MOST_REQUEST); return 0;
    case KEY_REFERENCE: options->reference = arg; return 0;
    case KEY_STATS: options->stats = true; return 0;
    case KEY_INPUT: names_add(bindings_values(&options->bindings, "input", strlen("input")), arg); return 0;
    case KEY_STRICT: options->strict = true; return 0;
    case KEY_FORCE: options->force = true; return 0;
    case 'e': options_split(&options->events, "-e", arg); return 0;
    case KEY_NO_COUNTERS: options->no_counters = true; return 0;
    case KEY_REQUIRE_COUNTERS: options->require_counters = true; return 0;
    case KEY_COUNT_INSTRUCTIONS: options->count_instructions = true; return 0;
    case KEY_FORCE_VERDICTS: options->force_verdicts = true; return 0;
    case KEY_PLACE:
        if (!place_parse(arg, &options->place))
            die_usage("--place %s: allowed is core, smt or none", arg);
        return 0;
    case KEY_STYLE:
        if (!table_style_parse(arg, &options->style))
            die_usage("--style %s: allowed is table, csv or md", arg);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option common_options[] = {
    {NULL, 0, NULL, 0, "What to run:", 1},
    {"strategies", 's', "LIST", 0, "Strategies, comma-separated (default: all)", 0},
    {"threads", 't', "LIST", 0, "Thread counts (default: 1 and the number of cores)", 0},
    {"parameter", 'L', "VAR=V1,V2", 0, "Run with each value of a workload's variable; also: -L VAR V1,V2", 0},
    {"input", KEY_INPUT, "PATH", 0, "Short for -L input=PATH", 0},
    {"stats", KEY_STATS, NULL, 0, "Use the instances that count operations and locks (they are slower)", 0},
    {"events", 'e', "EVENTS", 0, "Count these (default: all; rclab list events)", 0},
    {"no-counters", KEY_NO_COUNTERS, NULL, 0, "Count no events", 0},
    {"require-counters", KEY_REQUIRE_COUNTERS, NULL, 0, "Exit 77 if an event asked for cannot be counted here", 0},
    {"count-instructions", KEY_COUNT_INSTRUCTIONS, NULL, 0,
     "Under valgrind's callgrind: instructions and locked ones per operation, no times", 0},
    {"latency", KEY_LATENCY, "MODE", 0,
     "Time each request. closed: one after the other (service time); fixed: at --rate, from the intended start", 0},
    {"rate", KEY_RATE, "R", 0, "With --latency fixed: requests a second of each thread, such as 500 or 2k", 0},
    {"request", KEY_REQUEST, "N", 0, "Repetitions of the workload in one request (default 1)", 0},
    {NULL, 0, NULL, 0, "How long:", 2},
    {"processes", 'p', "ROUNDS", 0, "Rounds: one fresh process per cell and round (default 20)", 0},
    {"warmup", 'w', "TIME", 0, "Warm-up of each process (default 0.2)", 0},
    {"min-time", KEY_MIN_TIME, "TIME", 0, "Measured time of each process (default 0.5)", 0},
    {"fast", KEY_FAST, NULL, 0, "5 rounds: exploratory, gives no verdicts", 0},
    {"rigorous", KEY_RIGOROUS, NULL, 0, "40 rounds, and the reference against itself (A/A)", 0},
    {"timeout", KEY_TIMEOUT, "TIME", 0, "A worker that takes longer hangs (default 60 + warm-up + measured time)", 0},
    {"resume", KEY_RESUME, "FILE", 0, "Take what an interrupted run lacks; the plan is FILE's", 0},
    {"append", KEY_APPEND, NULL, 0, "Put further rounds of the same plan into the file of -o", 0},
    {"shard", KEY_SHARD, "I/N", 0, "Only part I of N of the rounds, for rclab merge (without --seed: seed 1)", 0},
    {"budget", KEY_BUDGET, "TIME", 0, "Stop after this time with what there is, exit 124", 0},
    {NULL, 0, NULL, 0, "Where and in which order:", 3},
    {"affinity", KEY_AFFINITY, "CPULIST", 0, "Use these CPUs only, such as 0,2-3", 0},
    {"place", KEY_PLACE, "POLICY", 0, "core: a core for each thread first (default); smt: siblings first; none: not pinned", 0},
    {"seed", KEY_SEED, "N", 0, "Repeat the order and the random numbers of another run", 0},
    {"no-lock", KEY_NO_LOCK, NULL, 0, "Measure although another measurement runs on this machine", 0},
    {NULL, 0, NULL, 0, "What to print and keep:", 4},
    {"output", 'o', "FILE", 0, "Raw samples (default: a new file in ~/.local/state/rclab)", 0},
    {"force", KEY_FORCE, NULL, 0, "Overwrite FILE", 0},
    {"reference", KEY_REFERENCE, "STRATEGY", 0, "Compare with this one (default: gil, else the first)", 0},
    {"strict", KEY_STRICT, NULL, 0, "Exit 3 if a comparison stays inconclusive", 0},
    {"force-verdicts", KEY_FORCE_VERDICTS, NULL, 0, "Give verdicts in spite of a debug, dirty or sanitizer build", 0},
    {"style", KEY_STYLE, "STYLE", 0, "table (default), csv or md", 0},
    {"quiet", 'q', NULL, 0, "Tables only", 0},
    {0},
};
static const struct argp common_argp = {.options = common_options, .parser = options_common};
static const struct argp_child common_child[] = {{&common_argp, 0, NULL, 0}, {0}};

static error_t options_run(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options; return 0;
    case 'W':
        options_note(options, key);
        options_split(&options->workloads, "-W", arg);
        return 0;
    case ARGP_KEY_ARG: die_usage("%s: '%s' is not an option; see --help", state->name, arg);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static error_t options_fib(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = options; return 0;
    case 'n':
        options_note(options, key);
        options_split(bindings_values(&options->bindings, "n", 1), "-n", arg);
        return 0;
    case ARGP_KEY_ARG: die_usage("%s: '%s' is not an option; see --help", state->name, arg);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option run_options[] = {
    {"workloads", 'W', "LIST", 0, "Workloads, comma-separated (default: all)", 1},
    {0},
};
static const struct argp run_argp = {
    .options = run_options,
    .parser = options_run,
    .doc = "Run workloads on strategies and compare them.\v"
           "Every round runs each cell (strategy, workload, threads, values of -L) once, in a fresh process and in random "
           "order. Exit: 0 ok, 2 usage, 3 inconclusive (--strict), 4 a worker failed, 124 budget, 130 interrupted.",
    .children = common_child,
};

static const struct argp_option fib_options[] = {
    {NULL, 'n', "N", 0, "Which Fibonacci number: short for -L n=N", 1},
    {0},
};
static const struct argp fib_argp = {
    .options = fib_options,
    .parser = options_fib,
    .doc = "The Gilectomy's experiment: every thread computes its own fib(n) over boxed integers.\v"
           "`rclab fib -t 1,2,7` is that experiment in one command.",
    .children = common_child,
};

/* One repetition to warm up and one that counts, so that the count is the same every time; how long they take does not
 * matter: a warm-up that is to last 1 ns is one repetition, as is a value of 0 ns. */
static void options_instructions(struct options *options)
{
    if (options->events.count || options->require_counters || options->rigorous)
        die_usage("--count-instructions excludes -e, --require-counters and --rigorous");
    options->no_counters = true;
    options->warmup_ns = 1;
    options->min_ns = 0;
    if (options->rounds == 0)
        options->rounds = 1;
    if (options->timeout_ns == 0)
        options->timeout_ns = OPTIONS_CALLGRIND_TIMEOUT_NS;
}

/* What does not go together. Counters are left out unless asked for: an open event makes each switch of threads dearer. */
static void options_pace(struct options *options)
{
    struct pace *pace = &options->pace;

    if (pace->mode == PACE_OFF && (pace->rate || pace->request))
        die_usage("--%s: it goes with --latency", pace->rate ? "rate" : "request");
    if (pace->mode == PACE_OFF)
        return;
    if (pace->mode == PACE_FIXED && !pace->rate)
        die_usage("--latency fixed: give --rate R, the requests a second of each thread");
    if (pace->mode == PACE_CLOSED && pace->rate)
        die_usage("--rate: a closed loop has none; it goes with --latency fixed");
    if (options->strict || options->rigorous || options->count_instructions)
        die_usage("--latency excludes --%s: throughput is not judged there",
                  options->strict     ? "strict"
                  : options->rigorous ? "rigorous"
                                      : "count-instructions");
    if (pace->request == 0)
        pace->request = 1;
    options->no_counters |= options->events.count == 0 && !options->require_counters;
}

/* What a sample may take by itself. */
static int64_t options_longest(const struct options *options)
{
    return options->warmup_ns + options->min_ns * (options->pace.mode == PACE_FIXED ? PACING_PATIENCE : 1);
}

static void options_defaults(struct options *options)
{
    int cores = place_cpu_count();

    if (options->thread_counts == 0) {
        options->threads[options->thread_counts++] = 1;
        if (cores > 1)
            options->threads[options->thread_counts++] = cores < RUNTIME_MAX_THREADS ? cores : RUNTIME_MAX_THREADS;
    }
    if (options->rounds == 0)
        options->rounds = options->fast       ? OPTIONS_FAST_ROUNDS
                          : options->rigorous ? OPTIONS_RIGOROUS_ROUNDS
                                              : OPTIONS_ROUNDS;
    if (options->timeout_ns == 0)
        options->timeout_ns = OPTIONS_SPARE_NS + options_longest(options);
}

static const char *options_name(int key)
{
    static const struct argp_option *const lists[] = {common_options, run_options, fib_options};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (const struct argp_option *option = lists[i]; option->name || option->key || option->doc; option++)
            if (option->key == key)
                return option->name ? option->name : "n";
    return "?";
}

static void options_check(const struct options *options)
{
    if (options->resume && options->fixed)
        die_usage("--resume %s: what is measured stands in the file; leave out --%s", options->resume,
                  options_name(options->fixed));
    if (options->append && options->force)
        die_usage("--append and --force exclude each other");
    if (options->shard > options->rounds)
        die_usage("--shard %d/%d: there are %d rounds only: this shard would be empty", options->shard, options->shards,
                  options->rounds);
    if (options->fast && options->rigorous)
        die_usage("--fast and --rigorous exclude each other");
    if (options->no_counters && (options->events.count || options->require_counters))
        die_usage("--no-counters and %s exclude each other", options->events.count ? "-e" : "--require-counters");
    if (options->timeout_ns <= options_longest(options))
        die_usage("--timeout: it must exceed the warm-up and the measured time together, or every worker would hang");
}

/* `flags` are argp's. */
static void options_parse(const struct argp *argp, struct options *options, int argc, char **argv, unsigned flags)
{
    error_t error;

    *options = (struct options){.warmup_ns = TIMING_SECOND / 5, .min_ns = TIMING_SECOND / 2, .shard = 1, .shards = 1};
    error = argp_parse(argp, argc, argv, flags, NULL, options);
    if (error)
        die("command line", error);
    if (!options->seed_given)
        options->seed = options->shards > 1 ? OPTIONS_SHARD_SEED : options_random_seed();
    options_pace(options);
    if (options->count_instructions)
        options_instructions(options);
    options_defaults(options);
    options_check(options);
}

static void options_fib_workload(struct options *options)
{
    options->fib = true;
    names_add(&options->workloads, "fib");
}

void options_restore(struct options *options, bool fib, int argc, char **argv)
{
    struct options asked = *options;

    options_parse(fib ? &fib_argp : &run_argp, options, argc, argv, ARGP_NO_HELP);
    if (fib)
        options_fib_workload(options);
    options->budget_ns = asked.budget_ns;
    options->strict = asked.strict;
    options->style = asked.style;
    options->quiet = asked.quiet;
    options->force_verdicts |= asked.force_verdicts;
    options->no_lock = asked.no_lock;
    options->resume = asked.resume;
    options->append = false;
    names_free(&asked.strategies); /* --resume allows none of them: only `rclab fib` has filled in its workload */
    names_free(&asked.workloads);
}

void options_parse_run(struct options *options, int argc, char **argv)
{
    options_parse(&run_argp, options, argc, argv, 0);
}

void options_parse_fib(struct options *options, int argc, char **argv)
{
    options_parse(&fib_argp, options, argc, argv, 0);
    options_fib_workload(options);
}

void options_free(struct options *options)
{
    bindings_free(&options->bindings);
    names_free(&options->events);
    names_free(&options->strategies);
    names_free(&options->workloads);
}
