/*
 * run.c -- `rclab run` and `rclab fib`: plan, measure in rounds, write the file, print the table.
 */
#define _GNU_SOURCE 1
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "axis.h"
#include "callgrind.h"
#include "counting.h"
#include "die.h"
#include "draw.h"
#include "exits.h"
#include "identity.h"
#include "interrupt.h"
#include "latin.h"
#include "launch.h"
#include "lock.h"
#include "machine.h"
#include "memory.h"
#include "options.h"
#include "outcome.h"
#include "pace.h"
#include "plan.h"
#include "progress.h"
#include "report.h"
#include "resume.h"
#include "results.h"
#include "samples.h"
#include "summary.h"
#include "timing.h"
#include "worker.h"

enum {
    RUN_MOST_HANGS = 2,      /* of one cell: the rest of its samples is skipped, since each costs a timeout */
    RUN_MOST_PADDING = 4096, /* bytes added to a worker's environment: a page, the period of cache aliasing */
};

/* Streams of random numbers under the one recorded seed (draw_mix). */
enum { RUN_STREAM_ORDER = 1, RUN_STREAM_PADDING, RUN_STREAM_ROUND };

struct run {
    struct options options;
    struct place place;
    struct plan plan;
    struct counting counting;
    struct callgrind callgrind; /* zero: not used */
    struct samples_writer file;
    struct results results;
    struct progress progress;
    size_t taken; /* samples of this process */
    int64_t budget_end; /* INT64_MAX: none */
    const char *stopped; /* why before the end; NULL: it was not */
};

static json_t *run_id(void)
{
    uint64_t id;

    if (getrandom(&id, sizeof id, 0) != sizeof id)
        die("getrandom", errno);
    return json_sprintf("%016llx", (unsigned long long)id);
}

static json_t *run_argv(int argc, char **argv)
{
    json_t *list = json_array();

    for (int i = 0; i < argc; i++)
        json_array_append_new(list, samples_text(argv[i], strlen(argv[i])));
    return list;
}

static json_t *run_started(void)
{
    time_t now = time(NULL);
    char text[32];

    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    return json_string(text);
}

static bool run_exploratory(const struct options *options)
{
    return options->fast || options->rounds < SUMMARY_LEAST_PAIRS;
}

static json_t *run_shard(const struct options *options)
{
    return options->shards > 1 ? json_sprintf("%d/%d", options->shard, options->shards) : json_null();
}

static json_t *run_record(const struct run *run, json_t *argv)
{
    const struct options *options = &run->options;
    char hash[IDENTITY_HASH];
    json_t *record = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:I, s:i, s:I, s:I, s:I, s:s, s:s, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:O, s:b}",
        "t", "run", "schema", SAMPLES_SCHEMA, "run_id", run_id(), "started", run_started(), "argv", argv, "seed",
        (json_int_t)options->seed, "rounds", options->rounds, "warmup_ns", (json_int_t)options->warmup_ns, "min_ns",
        (json_int_t)options->min_ns, "timeout_ns", (json_int_t)options->timeout_ns, "reference", run->plan.reference,
        "place", place_name(options->place), "exploratory", run_exploratory(options), "rigorous",
        options->rigorous, "statistics", options->stats, "force_verdicts", options->force_verdicts, "plan",
        plan_json(&run->plan, &run->place), "host", machine_host(), "build", machine_build(), "system", machine_system(),
        "events", counting_json(&run->counting), "unavailable", run->counting.unavailable, "count_instructions",
        (int)options->count_instructions);

    json_object_set_new(record, "latency", pace_json(&options->pace));
    json_object_set_new(record, "shard", run_shard(options));
    json_object_set_new(record, "plan_hash", json_string(identity_plan_hash(record, hash)));
    return record;
}

/* What stands in the file before the samples of a run that is gone on with. */
static json_t *run_resume_record(const struct run *run, json_t *argv)
{
    const struct options *options = &run->options;

    return json_pack("{s:s, s:s, s:o, s:o, s:i, s:b, s:o}", "t", "resume", "mode", options->append ? "append" : "resume",
                     "started", run_started(), "argv", argv, "rounds", options->rounds, "exploratory",
                     run_exploratory(options), "system", machine_system());
}

/* Written and taken into the results: the table comes from what the file holds. Consumes the record. */
static void run_keep(struct run *run, json_t *record)
{
    const char *why = NULL;

    samples_write(&run->file, record);
    if (!results_add(&run->results, record, &why))
        die_usage("a record of this run is refused: %s", why);
    json_decref(record);
}

/* Before the file is there: an event that is not known or not to be had ends the run. */
static void run_prepare_counting(struct run *run)
{
    const struct options *options = &run->options;

    if (options->no_counters)
        counting_none(&run->counting);
    else
        counting_prepare(&run->counting, &options->events, &perf_door_real);
    if (options->require_counters)
        counting_require(&run->counting);
    if (options->count_instructions)
        callgrind_require();
}

static void run_create(struct run *run, int argc, char **argv)
{
    const char *why = NULL;
    json_t *record;

    samples_create(&run->file, run->options.output, run->options.force);
    record = run_record(run, run_argv(argc, argv));
    if (!record || !results_begin(&run->results, record, &why))
        die_usage("the record of this run is refused: %s", why ? why : "memory");
    samples_write(&run->file, record);
    json_decref(record);
}

/* This round is this process's to take: it is in its shard, and --append takes new rounds only. */
static bool run_mine(const struct run *run, int round)
{
    return round >= run->options.first_round && round % run->options.shards == run->options.shard - 1;
}

/* The cells of the plan are those of the file, in the same order: resume_check saw to it. */
static bool run_done(const struct run *run, size_t cell, int round)
{
    return results_observation(&run->results.cell[cell], round) != NULL;
}

static size_t run_missing(const struct run *run)
{
    size_t missing = 0;

    for (int round = 0; round < run->options.rounds; round++)
        for (size_t cell = 0; run_mine(run, round) && cell < run->plan.cells; cell++)
            missing += !run_done(run, cell, round);
    return missing;
}

static void run_go_on(struct run *run, const struct resume *resume, int argc, char **argv)
{
    json_t *now = run_record(run, run_argv(argc, argv));

    resume_check(resume, &run->file, &run->results, now);
    json_decref(now);
    for (size_t i = 0; i < run->plan.cells; i++)
        run->plan.cell[i].hangs = (int)run->results.cell[i].count[RESULTS_TIMEOUT];
    if (run_missing(run) == 0 && run->results.complete) {
        fprintf(stderr, "rclab: %s: nothing is missing\n", run->file.path);
        return;
    }
    resume_mend(resume, &run->file);
    run_keep(run, run_resume_record(run, run_argv(argc, argv)));
}

static void run_begin(struct run *run, int argc, char **argv)
{
    bool old = run->options.resume || run->options.append;
    struct resume resume;

    if (getenv(WORKER_ALLOCATION_MAP) && !run->options.stats)
        die_usage("%s: only the instances of --stats know what lies where", WORKER_ALLOCATION_MAP);
    if (!run->options.no_lock)
        lock_take();
    if (old) {
        resume_open(&resume, &run->options, &run->file, &run->results);
        resume_options(&resume, &run->options, &run->results);
    }
    place_load(&run->place, run->options.place, run->options.affinity);
    plan_build(&run->plan, &run->options, &run->place);
    run_prepare_counting(run);
    if (old)
        run_go_on(run, &resume, argc, argv);
    else
        run_create(run, argc, argv);
    if (run->options.count_instructions)
        callgrind_begin(&run->callgrind);
    run->budget_end = run->options.budget_ns ? timing_now() + run->options.budget_ns : INT64_MAX;
    if (!run->options.quiet)
        report_head(&run->results, run->options.style);
}

/* All cells of a round draw the same numbers, so that their work is the same. */
static json_t *run_order(const struct run *run, const struct cell *cell, int round)
{
    struct sample_request request = {
        .workload = cell->workload->name,
        .threads = cell->threads,
        .warmup_ns = run->options.warmup_ns,
        .min_ns = run->options.min_ns,
        .pace = cell->pace,
        .seed = draw_mix(run->options.seed, RUN_STREAM_ROUND + (uint64_t)round) >> 1, /* fits JSON's integers */
    };
    json_t *order;

    memcpy(request.params, cell->params, sizeof request.params);
    for (int i = 0; i < cell->threads; i++)
        request.cpu[i] = place_cpu(&run->place, i);
    order = worker_order(cell->runtime, &request);
    json_object_set_new(order, "count", counting_order(&run->counting, round));
    json_object_set_new(order, "callgrind", json_boolean(run->options.count_instructions));
    return order;
}

/* One worker. NULL if the run must stop: the sample that was cut off is nobody's fault and is not recorded. */
static json_t *run_measure(struct run *run, struct cell *cell, int round, size_t slot)
{
    uint64_t padding = draw_mix(draw_mix(run->options.seed, RUN_STREAM_PADDING), (uint64_t)round * run->plan.cells + slot);
    json_t *order = run_order(run, cell, round), *record = NULL;
    int64_t timeout = timing_now() + run->options.timeout_ns;
    struct launch launch;

    launch_start(&launch, order, draw_below(&padding, RUN_MOST_PADDING), run->callgrind.argv);
    launch_wait(&launch, 1, timeout < run->budget_end ? timeout : run->budget_end);
    if (launch.end == LAUNCH_INTERRUPTED)
        run->stopped = "interrupted";
    else if (launch.end == LAUNCH_TIMED_OUT && timeout >= run->budget_end)
        run->stopped = "budget";
    else
        record = outcome_record(&launch);
    if (record && run->callgrind.argv)
        callgrind_add(&run->callgrind, record);
    cell->hangs += launch.end == LAUNCH_TIMED_OUT;
    launch_free(&launch);
    json_decref(order);
    return record;
}

static void run_sample(struct run *run, struct cell *cell, int round, size_t slot)
{
    json_t *record, *found;

    if (interrupt_seen())
        run->stopped = "interrupted";
    else if (timing_now() >= run->budget_end)
        run->stopped = "budget";
    if (run->stopped)
        return;
    progress_draw(&run->progress, run->taken++, cell->key);
    found = cell->hangs < RUN_MOST_HANGS ? run_measure(run, cell, round, slot) : outcome_skipped("it hung before");
    if (!found)
        return;
    record = json_pack("{s:s, s:s, s:i, s:I}", "t", "sample", "cell", cell->key, "round", round, "slot", (json_int_t)slot);
    json_object_update(record, found);
    json_decref(found);
    run_keep(run, record);
}

static void run_rounds(struct run *run)
{
    size_t cells = run->plan.cells, *order = memory_alloc(cells, sizeof order[0]);
    uint64_t seed = draw_mix(run->options.seed, RUN_STREAM_ORDER);

    for (int round = 0; round < run->options.rounds && !run->stopped; round++) {
        if (!run_mine(run, round))
            continue;
        latin_order(seed, cells, (size_t)round, order);
        for (size_t slot = 0; slot < cells && !run->stopped; slot++)
            if (!run_done(run, order[slot], round))
                run_sample(run, &run->plan.cell[order[slot]], round, slot);
    }
    free(order);
}

static void run_end(struct run *run)
{
    json_t *why = run->stopped ? json_string(run->stopped) : json_null();
    bool complete;

    if (run->results.complete) /* nothing was missing: the file has its end */
        return;
    run->options.first_round = 0; /* --append asks for the file's earlier rounds too */
    complete = !run->stopped && run_missing(run) == 0;
    if (!complete && !run->stopped)
        fprintf(stderr, "rclab: %s: earlier rounds lack samples: --resume takes them\n", run->file.path);
    run_keep(run, json_pack("{s:s, s:b, s:o}", "t", "end", "complete", complete, "stopped", why));
}

static int run_exit(const struct run *run, int settled)
{
    int code = report_failures(&run->results);

    if (run->stopped)
        code = exits_worse(code, strcmp(run->stopped, "budget") == 0 ? EXITS_BUDGET : EXITS_INTERRUPTED);
    return run->options.strict ? exits_worse(code, settled) : code;
}

static void run_explain_fib(void)
{
    puts("\nEvery thread computes its own fib(n): t threads do t times the calls. SCALING near t means that they do not "
         "disturb each other; near 1, that they take turns (a global lock); below 1, that they fight for the count of a "
         "shared object.");
}

/* Strategies and the scaling are in the tables; other values stand in different ones. */
static void run_point_to_compare(const struct run *run, FILE *stream)
{
    bool dim = stream == stdout && table_colours_wanted();
    struct names axes = {0};

    axis_all(&run->results, &axes);
    for (size_t i = 0; i < axes.count; i++)
        if (strcmp(axes.item[i], RESULTS_STRATEGY) != 0 && strcmp(axes.item[i], RESULTS_THREADS) != 0) {
            fprintf(stream, "%scompare  rclab compare --along=%s %s%s\n", dim ? "\033[2m" : "", axes.item[i], run->file.path,
                    dim ? "\033[0m" : "");
            break;
        }
    names_free(&axes);
}

static int run_report(struct run *run)
{
    const struct options *options = &run->options;
    FILE *stream = options->style == TABLE_CSV ? stderr : stdout;
    int settled = report_tables(&run->results, options->style, options->quiet);

    if (run->stopped)
        fprintf(stderr, "rclab: stopped before the end (%s): the table holds what there is\n", run->stopped);
    if (options->quiet)
        return settled;
    if (options->fib && options->style != TABLE_CSV)
        run_explain_fib();
    fprintf(stream, "%ssamples  %s\n", options->style == TABLE_CSV ? "" : "\n", run->file.path);
    if (options->pace.mode == PACE_OFF && !options->count_instructions)
        run_point_to_compare(run, stream);
    return settled;
}

static int run_all(struct run *run, int argc, char **argv)
{
    int code;

    interrupt_hold(); /* before the file is there: from its first line on an interrupted run has an end record */
    run_begin(run, argc, argv);
    progress_begin(&run->progress, run_missing(run), run->results.value_ns, run->options.quiet);
    run_rounds(run);
    run_end(run);
    interrupt_release();
    progress_clear(&run->progress);
    code = run_exit(run, run_report(run));
    samples_close(&run->file);
    results_free(&run->results);
    plan_free(&run->plan);
    counting_free(&run->counting);
    callgrind_end(&run->callgrind);
    options_free(&run->options);
    return code;
}

int run_main(int argc, char **argv)
{
    static struct run run;

    options_parse_run(&run.options, argc, argv);
    return run_all(&run, argc, argv);
}

int run_fib_main(int argc, char **argv)
{
    static struct run run;

    options_parse_fib(&run.options, argc, argv);
    return run_all(&run, argc, argv);
}
