/*
 * lab_run.c -- what a lab's code may use: its result, threads, series of values. (The engine is lab_engine.c.)
 */
#define _GNU_SOURCE 1
#include "lab_run.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "die.h"
#include "lab_text.h"
#include "memory.h"
#include "summary.h"
#include "timing.h"

enum { LAB_RUN_SPIN_NS = 1000000, LAB_RUN_SLICE_NS = 1500000 };
static const double LAB_RUN_DELAYED = 0.03; /* of a slice: more than that is a disturbance */
static const double LAB_RUN_BUSY = 0.6;     /* of the CPUs: more load than that is told */

/* --- the document --- */

static json_t *lab_run_text(const char *format, va_list values)
{
    char *text = NULL;
    json_t *string;

    if (vasprintf(&text, format, values) < 0)
        die("memory", errno);
    string = json_string(text);
    free(text);
    return string;
}

json_t *lab_run_block(struct lab_run *run, const char *kind)
{
    json_t *block = json_pack("{s:s}", "kind", kind);

    json_array_append_new(run->blocks, block);
    return block;
}

/* The block added last, if it is of that kind; a programmer's error otherwise. Borrowed. */
static json_t *lab_run_last(struct lab_run *run, const char *kind)
{
    size_t count = json_array_size(run->blocks);
    json_t *last = count ? json_array_get(run->blocks, count - 1) : NULL;
    const char *is = json_string_value(json_object_get(last, "kind"));

    return is && strcmp(is, kind) == 0 ? last : NULL;
}

static json_t *lab_run_rows(struct lab_run *run, const char *kind, const char *rows)
{
    json_t *block = lab_run_last(run, kind);

    if (!block)
        die_usage("lab %s: a part of %s stands outside it", run->lab->name, kind);
    return json_object_get(block, rows);
}

/* JSON knows no NaN. */
static json_t *lab_run_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

void lab_say(struct lab_run *run, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    json_object_set_new(lab_run_block(run, "say"), "text", lab_run_text(format, values));
    va_end(values);
}

void lab_figure(struct lab_run *run, const char *label, double value, const char *unit, double spread)
{
    json_t *block = lab_run_last(run, "figures");

    if (!block) {
        block = lab_run_block(run, "figures");
        json_object_set_new(block, "rows", json_array());
    }
    json_array_append_new(json_object_get(block, "rows"),
                          json_pack("{s:s, s:o, s:s, s:o}", "label", label, "value", lab_run_number(value), "unit", unit,
                                    "spread", spread < 0 ? json_null() : lab_run_number(spread)));
}

void lab_bars(struct lab_run *run, const char *caption, const char *unit)
{
    json_t *block = lab_run_block(run, "bars");

    json_object_set_new(block, "caption", json_string(caption));
    json_object_set_new(block, "unit", json_string(unit));
    json_object_set_new(block, "rows", json_array());
}

void lab_bar(struct lab_run *run, const char *label, double value, double spread, const char *note)
{
    json_array_append_new(lab_run_rows(run, "bars", "rows"),
                          json_pack("{s:s, s:o, s:o, s:s?}", "label", label, "value", lab_run_number(value), "spread",
                                    spread < 0 ? json_null() : lab_run_number(spread), "note", note));
}

/* The parts of a text between its '|', without the blanks around them. New reference. */
static json_t *lab_run_split(const char *text)
{
    json_t *parts = json_array();

    for (const char *end = text;; text = end + 1) {
        size_t length = strcspn(text, "|"), from = strspn(text, " ");

        end = text + length;
        while (length > from && text[length - 1] == ' ')
            length--;
        json_array_append_new(parts, json_stringn(text + from, length > from ? length - from : 0));
        if (!*end)
            return parts;
    }
}

void lab_table(struct lab_run *run, const char *caption, const char *columns)
{
    json_t *block = lab_run_block(run, "table"), *list = json_array(), *names = lab_run_split(columns), *name;
    size_t i;

    json_array_foreach(names, i, name) {
        const char *heading = json_string_value(name);
        int right = heading[0] == '>';

        json_array_append_new(list, json_pack("{s:s, s:b}", "heading", heading + right, "right", right));
    }
    json_decref(names);
    json_object_set_new(block, "caption", json_string(caption));
    json_object_set_new(block, "columns", list);
    json_object_set_new(block, "rows", json_array());
}

void lab_row(struct lab_run *run, const char *format, ...)
{
    json_t *rows = lab_run_rows(run, "table", "rows"), *text, *row;
    va_list values;

    va_start(values, format);
    text = lab_run_text(format, values);
    va_end(values);
    row = lab_run_split(json_string_value(text));
    if (json_array_size(row) != json_array_size(lab_run_rows(run, "table", "columns")))
        die_usage("lab %s: '%s' has another number of columns than its table", run->lab->name, json_string_value(text));
    json_array_append_new(rows, row);
    json_decref(text);
}

/* --- timelines --- */

static const char *const lab_run_kinds[LAB_KINDS] = {
    [LAB_RUN] = "run", [LAB_HOLD] = "hold", [LAB_WAIT] = "wait", [LAB_MOVE] = "move", [LAB_IO] = "io"};

const char *lab_run_kind(enum lab_kind kind)
{
    return lab_run_kinds[kind];
}

enum lab_kind lab_run_kind_of(const char *name)
{
    int kind = 0;

    while (kind < LAB_KINDS && (!name || strcmp(name, lab_run_kinds[kind]) != 0))
        kind++;
    return (enum lab_kind)kind;
}

void lab_timeline(struct lab_run *run, const char *caption, int64_t begin, int64_t end)
{
    json_t *block = lab_run_block(run, "timeline");

    json_object_set_new(block, "caption", json_string(caption));
    json_object_set_new(block, "begin", json_integer(begin));
    json_object_set_new(block, "end", json_integer(end > begin ? end : begin + 1));
    json_object_set_new(block, "legend", json_array());
    json_object_set_new(block, "lanes", json_array());
}

void lab_legend(struct lab_run *run, enum lab_kind kind, const char *words)
{
    json_array_append_new(lab_run_rows(run, "timeline", "legend"), json_pack("[s, s]", lab_run_kind(kind), words));
}

void lab_lane(struct lab_run *run, const char *name)
{
    json_array_append_new(lab_run_rows(run, "timeline", "lanes"), json_pack("{s:s, s:[]}", "name", name, "spans"));
}

void lab_span(struct lab_run *run, enum lab_kind kind, int64_t from, int64_t to)
{
    json_t *block = lab_run_last(run, "timeline"), *lanes = lab_run_rows(run, "timeline", "lanes");
    json_t *lane = json_array_get(lanes, json_array_size(lanes) - 1);
    int64_t begin = json_integer_value(json_object_get(block, "begin")), end = json_integer_value(json_object_get(block, "end"));

    from = from < begin ? begin : from;
    to = to > end ? end : to;
    if (from < to)
        json_array_append_new(json_object_get(lane, "spans"),
                              json_pack("[s, I, I]", lab_run_kind(kind), (json_int_t)from, (json_int_t)to));
}

/* --- the end --- */

static void lab_run_settle(struct lab_run *run, const char *status, const char *format, va_list values)
{
    json_object_set_new(run->document, "status", json_string(status));
    json_object_set_new(run->document, "reason", lab_run_text(format, values));
}

void lab_shown(struct lab_run *run, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    lab_run_settle(run, "shown", format, values);
    va_end(values);
}

void lab_not_shown(struct lab_run *run, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    lab_run_settle(run, "not_shown", format, values);
    va_end(values);
}

void lab_answer(struct lab_run *run, char choice)
{
    json_object_set_new(run->document, "answer", json_stringn(&choice, 1));
}

/* --- the machine --- */

int64_t lab_share(const struct lab_run *run, double share)
{
    return (int64_t)(run->seconds * share * (double)TIMING_SECOND);
}

int lab_cpus(const struct lab_run *run)
{
    return run->place.cpus;
}

bool lab_needs_cpus(struct lab_run *run, int cpus)
{
    if (lab_cpus(run) >= cpus)
        return true;
    lab_not_shown(run, "this needs %d CPUs that work at the same time, and here there %s %d", cpus, lab_cpus(run) == 1 ? "is" : "are",
                  lab_cpus(run));
    return false;
}

bool lab_needs_strategy(struct lab_run *run, const char *strategy)
{
    if (catalog_strategy(strategy))
        return true;
    lab_not_shown(run, "this build of rclab lacks the strategy %s", strategy);
    return false;
}

int64_t lab_now(void)
{
    return timing_now();
}

struct lab_run_thread {
    void (*body)(void *arg, int thread);
    void *arg;
    int number, cpu;
    struct lab_run_start *start;
    pthread_t thread;
};

/* The barrier wakes threads one after the other; where each has its own CPU they then spin until the last one is awake. */
struct lab_run_start {
    pthread_barrier_t barrier;
    _Atomic int awake;
    _Atomic bool apart; /* one did not wait for the last one */
    int spinners;       /* 0: more threads than CPUs */
};

static void lab_run_meet(struct lab_run_start *start)
{
    int64_t until;

    pthread_barrier_wait(&start->barrier);
    until = timing_now() + LAB_RUN_SPIN_NS;
    atomic_fetch_add_explicit(&start->awake, 1, memory_order_relaxed); /* relaxed: the barrier has ordered what matters */
    while (atomic_load_explicit(&start->awake, memory_order_relaxed) < start->spinners) /* relaxed: as above */
        if (timing_now() > until) {
            atomic_store_explicit(&start->apart, true, memory_order_relaxed); /* relaxed: read after the join */
            return;
        }
}

static void *lab_run_body(void *argument)
{
    struct lab_run_thread *t = argument;
    cpu_set_t set;

    CPU_ZERO(&set);
    if (t->cpu >= 0 && t->cpu < CPU_SETSIZE) {
        CPU_SET((size_t)t->cpu, &set);
        pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
    lab_run_meet(t->start);
    t->body(t->arg, t->number);
    return NULL;
}

/* True: they began together. */
static bool lab_run_threads(struct lab_run *run, int threads, void (*body)(void *arg, int thread), void *arg)
{
    struct lab_run_thread *t = memory_alloc((size_t)threads, sizeof t[0]);
    struct lab_run_start start = {.spinners = threads <= lab_cpus(run) ? threads : 0};
    int error;

    pthread_barrier_init(&start.barrier, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) {
        t[i] = (struct lab_run_thread){.body = body, .arg = arg, .number = i, .cpu = place_cpu(&run->place, i), .start = &start};
        error = pthread_create(&t[i].thread, NULL, lab_run_body, &t[i]);
        if (error)
            die("threads of a lab", error);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(t[i].thread, NULL);
    pthread_barrier_destroy(&start.barrier);
    free(t);
    return !atomic_load_explicit(&start.apart, memory_order_relaxed); /* relaxed: all have ended */
}

void lab_threads(struct lab_run *run, int threads, void (*body)(void *arg, int thread), void *arg)
{
    lab_run_threads(run, threads, body, arg);
}

struct lab_run_cost {
    uint64_t (*batch)(void *arg, int thread);
    void *arg;
    struct lab_run_own {
        _Alignas(128) uint64_t ops; /* two lines: the adjacent-line prefetcher pairs them */
        int64_t ns, delayed_ns;
    } *own;
};

/* How long this thread has been ready to run and had no CPU; 0 where the kernel does not tell. */
static int64_t lab_run_delayed(void)
{
    FILE *file = fopen("/proc/thread-self/schedstat", "re");
    int64_t delayed = 0;

    if (file && fscanf(file, "%*d %" SCNd64, &delayed) != 1)
        delayed = 0;
    if (file)
        fclose(file);
    return delayed;
}

static void lab_run_count(void *argument, int thread)
{
    struct lab_run_cost *cost = argument;
    uint64_t ops = 0;
    int64_t delayed = lab_run_delayed(), begin = timing_now(), now;

    do {
        ops += cost->batch(cost->arg, thread);
        now = timing_now();
    } while (now - begin < LAB_RUN_SLICE_NS);
    cost->own[thread] = (struct lab_run_own){.ops = ops, .ns = now - begin, .delayed_ns = lab_run_delayed() - delayed};
}

/* Of one slice; *whole: the threads began together, and none waited for a CPU. */
static double lab_run_slice(struct lab_run *run, int threads, struct lab_run_cost *cost, bool *whole)
{
    double ops = 0, time = 0;

    *whole = lab_run_threads(run, threads, lab_run_count, cost);
    for (int i = 0; i < threads; i++) {
        ops += (double)cost->own[i].ops;
        time += (double)cost->own[i].ns;
        *whole = *whole && (double)cost->own[i].delayed_ns < LAB_RUN_DELAYED * (double)cost->own[i].ns;
    }
    return ops > 0 ? time / ops : NAN;
}

double lab_cost(struct lab_run *run, int threads, int64_t ns, uint64_t (*batch)(void *arg, int thread), void *arg)
{
    struct lab_run_cost cost = {.batch = batch, .arg = arg};
    struct lab_series all = {0}, undisturbed = {0};
    int64_t until = timing_now() + ns;

    cost.own = aligned_alloc(_Alignof(struct lab_run_own), (size_t)threads * sizeof cost.own[0]);
    if (!cost.own)
        die("memory", ENOMEM);
    do {
        bool whole;
        double found = lab_run_slice(run, threads, &cost, &whole);

        lab_add(&all, found);
        if (whole)
            lab_add(&undisturbed, found);
    } while (timing_now() < until);
    free(cost.own);
    return lab_median(undisturbed.count ? &undisturbed : &all);
}

/* --- series --- */

void lab_add(struct lab_series *series, double value)
{
    if (series->count < LAB_SERIES)
        series->value[series->count++] = value;
}

double lab_median(const struct lab_series *series)
{
    return series->count ? summary_median(series->value, series->count) : NAN;
}

double lab_mad(const struct lab_series *series)
{
    return series->count ? summary_mad(series->value, series->count) : NAN;
}

double lab_least(const struct lab_series *series)
{
    double least = NAN;

    for (size_t i = 0; i < series->count; i++)
        least = fmin(least, series->value[i]);
    return least;
}

/* --- for those who draw --- */

const char *lab_run_string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

double lab_run_double(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

double lab_run_most(const json_t *rows)
{
    double most = 0;
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row)
        most = fmax(most, lab_run_double(row, "value"));
    return most;
}

/* --- for people --- */

/* What a unit grows to: the next one holds `factor` of it. */
static const struct lab_run_unit {
    const char *unit, *next;
    double factor;
} lab_run_units[] = {{"ns", "µs", 1000}, {"µs", "ms", 1000}, {"ms", "s", 1000}, {"/s", "k/s", 1000}, {"k/s", "M/s", 1000}, {"M/s", "G/s", 1000},
                     {"KiB", "MiB", 1024}, {"MiB", "GiB", 1024}};

static void lab_run_digits(double value, char *text)
{
    double size = fabs(value);

    if (value == rint(value) && size < 1e15)
        snprintf(text, LAB_RUN_TEXT / 2, "%.0f", value);
    else
        snprintf(text, LAB_RUN_TEXT / 2, size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.01 ? "%.2f" : "%.2g", value);
}

const char *lab_run_value(double value, const char *unit, char *text)
{
    char digits[LAB_RUN_TEXT / 2];

    for (size_t i = 0; i < sizeof lab_run_units / sizeof lab_run_units[0]; i++)
        if (strcmp(unit, lab_run_units[i].unit) == 0 && fabs(value) >= lab_run_units[i].factor) {
            value /= lab_run_units[i].factor;
            unit = lab_run_units[i].next;
        }
    lab_run_digits(value, digits);
    snprintf(text, LAB_RUN_TEXT, "%s%s%.20s", digits, *unit && strcmp(unit, "%") != 0 && strcmp(unit, "×") != 0 ? " " : "", unit);
    return text;
}

/* --- a run --- */

static json_t *lab_run_document(const struct lab *lab)
{
    struct lab_text text;
    json_t *document;

    lab_text_parse(&text, lab->text);
    document = json_pack("{s:s, s:i, s:s, s:s, s:s, s:n, s:n, s:[]}", "lab", lab->name, "number", lab->number, "title", text.title,
                         "status", "failed", "reason", "it said nothing about its observable", "answer", "busy",
                         "blocks");
    lab_text_free(&text);
    return document;
}

json_t *lab_run_failed(const struct lab *lab, const char *why)
{
    json_t *document = lab_run_document(lab);

    json_object_set_new(document, "reason", json_string(why));
    return document;
}

/* Says so when the machine had other work. */
static void lab_run_note_load(struct lab_run *run)
{
    double load;

    if (getloadavg(&load, 1) == 1 && load > LAB_RUN_BUSY * lab_cpus(run))
        json_object_set_new(run->document, "busy", json_sprintf("the load was %.1f when it began: other work disturbs these figures", load));
}

json_t *lab_run_here(const struct lab *lab, double seconds)
{
    struct lab_run run = {.lab = lab, .seconds = seconds, .document = lab_run_document(lab)};
    int64_t begin = timing_now();

    run.blocks = json_object_get(run.document, "blocks");
    place_load(&run.place, PLACE_CORE, NULL);
    lab_run_note_load(&run);
    lab->run(&run);
    json_object_set_new(run.document, "seconds", json_real((double)(timing_now() - begin) / (double)TIMING_SECOND));
    for (size_t i = 0; i < run.measured; i++) {
        results_free(run.results[i]);
        free(run.results[i]);
    }
    return run.document;
}
