/*
 * results.c -- one run in memory, built from the records of its file.
 */
#include "results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "pace.h"
#include "runtime.h"
#include "samples.h"

static const char *const status_names[RESULTS_STATUSES] = {[RESULTS_OK] = "ok",
                                                           [RESULTS_WRONG] = "wrong_result",
                                                           [RESULTS_CRASH] = "crash",
                                                           [RESULTS_TIMEOUT] = "timeout",
                                                           [RESULTS_SKIPPED] = "skipped"};

static const char *const regime_names[RESULTS_REGIMES] = {
    [RESULTS_UNPROBED] = "unprobed", [RESULTS_NEAR] = "near", [RESULTS_FAR] = "far", [RESULTS_FLIPPED] = "flipped"};

static const double RESULTS_MOST_HOP_NS = 1e9;                       /* nobody's line takes a second */
static const json_int_t RESULTS_MOST_NS = INT64_C(1000000000000000000); /* 30 years: sums and differences stay within 63 bits */

static struct result_cell *results_find(const struct results *results, const char *key)
{
    for (size_t i = 0; i < results->cells; i++)
        if (strcmp(results->cell[i].key, key) == 0)
            return &results->cell[i];
    return NULL;
}

static bool results_take_cell(struct results *results, json_t *plan)
{
    struct result_cell *cell = &results->cell[results->cells];
    int unsafe, aa, oversubscribed;

    if (json_unpack(plan, "{s:s, s:s, s:s, s:s, s:i, s:o, s:b, s:b, s:{s:b}}", "cell", &cell->key, "strategy",
                    &cell->strategy, "workload", &cell->workload, "unit", &cell->unit, "threads", &cell->threads, "params",
                    &cell->params, "aa", &aa, "oversubscribed", &oversubscribed, "traits", "unsafe", &unsafe))
        return false;
    if (cell->threads < 1 || cell->threads > RUNTIME_MAX_THREADS || !json_is_object(cell->params) ||
        results_find(results, cell->key))
        return false;
    cell->aa = aa;
    cell->oversubscribed = oversubscribed;
    cell->unsafe = unsafe && cell->threads > 1;
    results->cells++;
    return true;
}

static bool results_take_plan(struct results *results, json_t *plan)
{
    size_t i;
    json_t *item;

    if (json_array_size(plan) > RESULTS_MOST_CELLS)
        return false;
    results->cell = memory_alloc(json_array_size(plan), sizeof results->cell[0]);
    json_array_foreach(plan, i, item)
        if (!results_take_cell(results, item))
            return false;
    return results->cells > 0;
}

bool results_begin(struct results *results, json_t *run, const char **why)
{
    const char *type = json_string_value(json_object_get(run, "t")), *schema;
    int exploratory, statistics, forced;
    json_int_t warmup, min;
    json_t *plan;

    *results = (struct results){.run = json_incref(run)};
    schema = json_string_value(json_object_get(run, "schema"));
    if (!type || strcmp(type, "run") != 0 || !schema)
        *why = "not a file of rclab: a run record is expected here";
    else if (strcmp(schema, SAMPLES_SCHEMA) != 0)
        *why = "another schema than " SAMPLES_SCHEMA;
    else if (json_unpack(run, "{s:s, s:i, s:I, s:I, s:b, s:b, s:b, s:o}", "reference", &results->reference, "rounds",
                         &results->rounds, "warmup_ns", &warmup, "min_ns", &min, "exploratory", &exploratory, "statistics",
                         &statistics, "force_verdicts", &forced, "plan", &plan) ||
             results->rounds < 1 || results->rounds > RESULTS_MOST_ROUNDS || warmup < 0 || warmup > RESULTS_MOST_NS ||
             min < 0 || min > RESULTS_MOST_NS || !pace_take(json_object_get(run, "latency"), &results->pace) ||
             !results_take_plan(results, plan))
        *why = "a damaged run record";
    else {
        results->value_ns = warmup + min;
        results->exploratory = exploratory;
        results->statistics = statistics;
        results->forced = forced;
        return true;
    }
    return false;
}

/* False if the threads' list is not one. */
static bool results_take_threads(struct observation *observation, json_t *threads, double wall)
{
    json_int_t first = 0, last = 0;
    size_t i;
    json_t *thread;

    json_array_foreach(threads, i, thread) {
        json_int_t end, switches;

        if (json_unpack(thread, "{s:I, s:I}", "end_ns", &end, "nivcsw", &switches) || end < -RESULTS_MOST_NS ||
            end > RESULTS_MOST_NS)
            return false;
        first = i == 0 || end < first ? end : first;
        last = i == 0 || end > last ? end : last;
        observation->preempted |= switches > 0;
    }
    observation->metric[RESULTS_SKEW] = (double)(last - first) / wall;
    return json_is_array(threads);
}

/* False if the probes are there but are no times. Files of before the probe have none: null. */
static bool results_take_hops(struct observation *observation, const json_t *hops)
{
    const json_t *first = json_array_get(hops, 0), *second = json_array_get(hops, 1);
    double before = json_number_value(first), after = json_number_value(second);

    if (!hops || json_is_null(hops) || json_is_null(first) || json_is_null(second))
        return true;
    if (json_array_size(hops) != 2 || !(before > 0 && before < RESULTS_MOST_HOP_NS && after > 0 && after < RESULTS_MOST_HOP_NS))
        return false;
    observation->hop_ns = (before + after) / 2;
    if ((before < RESULTS_FAR_NS) != (after < RESULTS_FAR_NS))
        observation->regime = RESULTS_FLIPPED;
    else
        observation->regime = before < RESULTS_FAR_NS ? RESULTS_NEAR : RESULTS_FAR;
    return true;
}

/* Files of before demonstrations were told have the first alone. */
static bool results_expects_wrong(const json_t *verify)
{
    return json_is_true(json_object_get(verify, "may_be_wrong")) || json_is_true(json_object_get(verify, "demonstration"));
}

static bool results_take_figures(struct observation *observation, const struct result_cell *cell)
{
    json_int_t wall, cpu, drain, ops;
    json_t *threads, *rss = json_object_get(observation->record, "rss_peak_kib");
    int answer_ok;

    if (json_unpack(observation->record, "{s:I, s:I, s:I, s:I, s:{s:b}, s:o}", "wall_ns", &wall, "cpu_ns", &cpu, "drain_ns",
                    &drain, "ops", &ops, "verify", "result_ok", &answer_ok, "threads", &threads) ||
        wall <= 0 || ops <= 0)
        return false;
    observation->answer_ok = answer_ok;
    observation->demonstration = !answer_ok || results_expects_wrong(json_object_get(observation->record, "verify"));
    observation->metric[RESULTS_RATE] = (double)ops * 1e9 / (double)wall;
    observation->metric[RESULTS_NS_PER_OP] = (double)wall * cell->threads / (double)ops;
    observation->metric[RESULTS_CPU] = (double)cpu / (double)wall;
    observation->metric[RESULTS_DRAIN] = (double)drain / (double)wall;
    observation->metric[RESULTS_RSS] = json_is_integer(rss) ? (double)json_integer_value(rss) : -1;
    return results_take_threads(observation, threads, (double)wall) &&
           results_take_hops(observation, json_object_get(observation->record, "hop_ns"));
}

/* Its histogram, if it has one, is of the run's mode and rate: another one is another figure. */
static bool results_same_pace(const struct results *results, const json_t *record)
{
    const json_t *hist = json_object_get(record, "hist");
    struct pace pace;

    if (!json_object_get(hist, "mode"))
        return true;
    return pace_take(hist, &pace) && pace_equal(&pace, &results->pace);
}

static bool results_take_status(struct observation *observation, const char *name)
{
    for (size_t i = 0; i < RESULTS_STATUSES; i++)
        if (strcmp(name, status_names[i]) == 0) {
            observation->status = (enum results_status)i;
            return true;
        }
    return false;
}

double results_counted_ops(const struct observation *observation)
{
    const json_t *counted = json_object_get(observation->record, "counted_ops");

    /* early files have no such figure, and no better one */
    return (double)json_integer_value(json_integer_value(counted) > 0 ? counted : json_object_get(observation->record, "ops"));
}

const struct observation *results_observation(const struct result_cell *cell, int round)
{
    for (size_t i = round < cell->rounds ? cell->observations : 0; i-- > 0;) /* backwards: files are in order, mostly */
        if (cell->observation[i].round == round)
            return &cell->observation[i];
    return NULL;
}

/* The run was gone on with. Before further rounds, all that went before stays as it is. */
static bool results_add_resume(struct results *results, const json_t *record, const char **why)
{
    int rounds, exploratory;

    if (json_unpack((json_t *)record, "{s:i, s:b}", "rounds", &rounds, "exploratory", &exploratory) ||
        rounds < results->rounds || rounds > RESULTS_MOST_ROUNDS) {
        *why = "a damaged resume record";
        return false;
    }
    results->rounds = rounds;
    results->exploratory = exploratory;
    results->ended = results->complete = false;
    return true;
}

static bool results_add_sample(struct results *results, json_t *record, const char **why)
{
    struct observation observation = {.record = record};
    const char *key, *status;
    struct result_cell *cell;

    if (json_unpack(record, "{s:s, s:i, s:s}", "cell", &key, "round", &observation.round, "status", &status) ||
        !results_take_status(&observation, status)) {
        *why = "a damaged sample record";
        return false;
    }
    if (observation.round < 0 || observation.round >= results->rounds) {
        *why = "a sample of a round that the plan does not have";
        return false;
    }
    cell = results_find(results, key);
    if (!cell) {
        *why = "a sample of a cell that the plan does not have";
        return false;
    }
    if (observation.status == RESULTS_OK && !results_take_figures(&observation, cell)) {
        *why = "a sample whose figures are missing or impossible";
        return false;
    }
    if (!results_same_pace(results, record)) {
        *why = "a sample of another latency mode or rate than its run's";
        return false;
    }
    if (results_observation(cell, observation.round)) {
        *why = "a second sample of the same cell and round";
        return false;
    }
    json_incref(record);
    cell->count[observation.status]++;
    cell->demonstration |= observation.demonstration;
    if (observation.round >= cell->rounds)
        cell->rounds = observation.round + 1;
    cell->observation = memory_resize(cell->observation, cell->observations + 1, sizeof cell->observation[0]);
    cell->observation[cell->observations++] = observation;
    return true;
}

bool results_add(struct results *results, json_t *record, const char **why)
{
    const char *type = json_string_value(json_object_get(record, "t"));

    if (type && strcmp(type, "sample") == 0)
        return results_add_sample(results, record, why);
    if (type && strcmp(type, "end") == 0) {
        results->ended = true;
        results->complete = json_is_true(json_object_get(record, "complete"));
        return true;
    }
    if (type && strcmp(type, "resume") == 0)
        return results_add_resume(results, record, why);
    *why = "neither a run nor a sample nor an end nor a resume record";
    return false;
}

void results_free(struct results *results)
{
    for (size_t i = 0; i < results->cells; i++) {
        for (size_t j = 0; j < results->cell[i].observations; j++)
            json_decref(results->cell[i].observation[j].record);
        free(results->cell[i].observation);
    }
    free(results->cell);
    json_decref(results->run);
    *results = (struct results){0};
}

size_t results_values(const struct result_cell *cell, enum results_metric metric, double *values)
{
    size_t count = 0;

    for (size_t i = 0; i < cell->observations; i++)
        if (cell->observation[i].status == RESULTS_OK && cell->observation[i].metric[metric] >= 0)
            values[count++] = cell->observation[i].metric[metric];
    return count;
}

size_t results_failures(const struct result_cell *cell)
{
    return cell->unsafe ? 0 : cell->count[RESULTS_WRONG] + cell->count[RESULTS_CRASH] + cell->count[RESULTS_TIMEOUT];
}

bool results_wrong_expected(const struct result_cell *cell)
{
    return cell->unsafe || cell->demonstration;
}

bool results_same_regime(const struct observation *a, const struct observation *b)
{
    return a->regime == b->regime && a->regime != RESULTS_FLIPPED;
}

const char *results_regime_name(enum results_regime regime)
{
    return regime_names[regime];
}

const char *results_along(const struct result_cell *cell, const char *axis, char text[RESULTS_VALUE])
{
    if (strcmp(axis, RESULTS_STRATEGY) == 0)
        return cell->strategy;
    if (strcmp(axis, RESULTS_THREADS) != 0)
        return json_string_value(json_object_get(cell->params, axis));
    snprintf(text, RESULTS_VALUE, "%d", cell->threads);
    return text;
}

/* The same variables, and the same values of all but one. */
static bool results_same_params(json_t *a, json_t *b, const char *but)
{
    const char *name;
    json_t *value;

    if (json_object_size(a) != json_object_size(b) || !json_object_get(a, but) != !json_object_get(b, but))
        return false;
    json_object_foreach(a, name, value)
        if (strcmp(name, but) != 0 && !json_equal(value, json_object_get(b, name)))
            return false;
    return true;
}

bool results_alike(const struct result_cell *a, const struct result_cell *b, const char *axis)
{
    return strcmp(a->workload, b->workload) == 0 && (a->threads == b->threads || strcmp(axis, RESULTS_THREADS) == 0) &&
           (strcmp(a->strategy, b->strategy) == 0 || strcmp(axis, RESULTS_STRATEGY) == 0) &&
           results_same_params(a->params, b->params, axis);
}

bool results_same_group(const struct result_cell *a, const struct result_cell *b)
{
    return results_alike(a, b, RESULTS_STRATEGY);
}

bool results_instructions_only(const struct results *results)
{
    return json_is_true(json_object_get(results->run, "count_instructions"));
}

const char *results_build_objection(const struct results *results)
{
    json_t *build = json_object_get(results->run, "build");

    if (results_instructions_only(results))
        return "under callgrind, where times mean nothing";
    if (json_array_size(json_object_get(build, "sanitizers")))
        return "a sanitizer build";
    if (json_is_false(json_object_get(build, "optimised")))
        return "a build without optimisation";
    if (json_is_false(json_object_get(build, "ndebug")))
        return "a debug build (assertions are on)";
    if (json_is_true(json_object_get(build, "dirty")))
        return "a dirty build (changes that are not committed)";
    return NULL;
}
