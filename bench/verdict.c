/*
 * verdict.c -- what the samples of one group say about each strategy.
 */
#include "verdict.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static void verdict_measure(struct row *row, const struct result_cell *cell)
{
    double *values = memory_alloc(cell->observations, sizeof values[0]);

    *row = (struct row){.cell = cell};
    for (int metric = 0; metric < RESULTS_METRICS; metric++) {
        size_t count = results_values(cell, (enum results_metric)metric, values);

        row->median[metric] = count ? summary_median(values, count) : -1;
        if (metric == RESULTS_RATE && count)
            row->mad = summary_mad(values, count) / row->median[metric];
    }
    free(values);
}

/* Rate against that of the same strategy, workload and values on one thread. */
static double verdict_scaling(const struct results *results, const struct row *row)
{
    const struct result_cell *cell = row->cell;

    for (size_t i = 0; i < results->cells; i++) {
        const struct result_cell *one = &results->cell[i];
        struct row single;

        if (one->threads != 1 || cell->threads == 1 || !results_alike(one, cell, RESULTS_THREADS))
            continue;
        verdict_measure(&single, one);
        return single.median[RESULTS_RATE] > 0 && row->median[RESULTS_RATE] > 0
                   ? row->median[RESULTS_RATE] / single.median[RESULTS_RATE]
                   : 0;
    }
    return 0;
}

static const struct observation *verdict_partner(const struct result_cell *cell, int round)
{
    for (size_t i = 0; i < cell->observations; i++)
        if (cell->observation[i].round == round && cell->observation[i].status == RESULTS_OK)
            return &cell->observation[i];
    return NULL;
}

/* Ratios of the rates within each round: what drifts between the rounds cancels out. Rule 5a: only within one regime. */
static void verdict_compare(struct row *row, const struct result_cell *reference, double alpha)
{
    double *ratio = memory_alloc(row->cell->observations, sizeof ratio[0]);

    for (size_t i = 0; i < row->cell->observations; i++) {
        const struct observation *one = &row->cell->observation[i];
        const struct observation *other = one->status == RESULTS_OK ? verdict_partner(reference, one->round) : NULL;

        if (other && !results_same_regime(one, other))
            row->dropped++;
        else if (other)
            ratio[row->pairs++] = one->metric[RESULTS_RATE] / other->metric[RESULTS_RATE];
    }
    row->pairs_needed = summary_least_count(alpha);
    if (row->pairs_needed < SUMMARY_LEAST_PAIRS)
        row->pairs_needed = SUMMARY_LEAST_PAIRS;
    if (row->pairs)
        row->ratio = summary_median(ratio, row->pairs);
    if (row->pairs >= row->pairs_needed)
        row->interval = summary_sign_interval(ratio, row->pairs, alpha);
    free(ratio);
}

/* What can be said of a row before any comparison; VERDICT_INCONCLUSIVE: it may be compared. */
static enum verdict verdict_alone(const struct results *results, const struct result_cell *cell)
{
    if (cell->unsafe)
        return VERDICT_UNSAFE;
    if (results_failures(cell))
        return VERDICT_FAILED;
    if (cell->count[RESULTS_OK] == 0)
        return VERDICT_EMPTY;
    if (cell->demonstration)
        return VERDICT_RACY;
    if (results->pace.mode != PACE_OFF)
        return VERDICT_LATENCY;
    if (!cell->aa && strcmp(cell->strategy, results->reference) == 0)
        return VERDICT_REFERENCE;
    return VERDICT_INCONCLUSIVE;
}

static enum verdict verdict_of_interval(const struct row *row)
{
    double effect = row->ratio - 1;

    if (row->interval.exists && row->interval.low > 1 && effect >= VERDICT_LEAST_EFFECT)
        return VERDICT_FASTER;
    if (row->interval.exists && row->interval.high < 1 && effect <= -VERDICT_LEAST_EFFECT)
        return VERDICT_SLOWER;
    return VERDICT_INCONCLUSIVE;
}

static enum verdict verdict_compared(const struct results *results, const struct row *row, const struct row *reference)
{
    enum verdict verdict = verdict_of_interval(row);

    if (!reference)
        return VERDICT_NO_REFERENCE;
    if (results->exploratory)
        return VERDICT_EXPLORATORY;
    if (row->cell->aa)
        return verdict == VERDICT_INCONCLUSIVE ? VERDICT_AA : VERDICT_AA_DIFFERS;
    return results_build_objection(results) && !results->forced ? VERDICT_WITHHELD : verdict;
}

/* If the reference differs from itself, the machine or the method is at fault and nobody is judged. */
static void verdict_withhold(struct row *rows, size_t count)
{
    bool differs = false;

    for (size_t i = 0; i < count; i++)
        differs |= rows[i].verdict == VERDICT_AA_DIFFERS;
    for (size_t i = 0; differs && i < count; i++)
        if (rows[i].verdict == VERDICT_FASTER || rows[i].verdict == VERDICT_SLOWER || rows[i].verdict == VERDICT_INCONCLUSIVE)
            rows[i].verdict = VERDICT_WITHHELD;
}

static bool verdict_ranked(const struct row *row)
{
    return row->verdict != VERDICT_UNSAFE && row->verdict != VERDICT_RACY && row->verdict != VERDICT_FAILED &&
           row->verdict != VERDICT_EMPTY;
}

static int verdict_order(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    double dx = x->median[RESULTS_RATE], dy = y->median[RESULTS_RATE];

    if (verdict_ranked(x) != verdict_ranked(y))
        return verdict_ranked(y) - verdict_ranked(x);
    if (dx != dy)
        return dx < dy ? 1 : -1;
    return strcmp(x->cell->strategy, y->cell->strategy);
}

size_t verdict_judge(const struct results *results, const struct result_cell *first, struct row *rows)
{
    size_t count = 0, family = 0;
    const struct row *reference = NULL;

    for (size_t i = 0; i < results->cells; i++) {
        const struct result_cell *cell = &results->cell[i];
        struct row *row = &rows[count];

        if (!results_same_group(cell, first))
            continue;
        verdict_measure(row, cell);
        row->scaling = verdict_scaling(results, row);
        row->verdict = verdict_alone(results, cell);
        if (row->verdict == VERDICT_REFERENCE)
            reference = row;
        family += row->verdict == VERDICT_INCONCLUSIVE;
        count++;
    }
    for (size_t i = 0; i < count; i++)
        if (rows[i].verdict == VERDICT_INCONCLUSIVE) {
            if (reference)
                verdict_compare(&rows[i], reference->cell, VERDICT_ALPHA / (double)family);
            rows[i].verdict = verdict_compared(results, &rows[i], reference);
        }
    verdict_withhold(rows, count);
    qsort(rows, count, sizeof rows[0], verdict_order);
    return count;
}

size_t verdict_rounds_needed(const struct row *row, double *target)
{
    double effect = row->ratio > 1 ? row->ratio - 1 : 1 - row->ratio, rounds;

    *target = effect > VERDICT_LEAST_EFFECT ? effect : VERDICT_LEAST_EFFECT;
    rounds = (double)summary_needed(row->pairs, row->interval, *target);
    return (size_t)(rounds * (double)(row->pairs + row->dropped) / (double)row->pairs + 0.5);
}

/* "crashed SIGSEGV" or "failed exit 3", by the first crash. */
static char *verdict_crash_name(const struct result_cell *cell)
{
    for (size_t i = 0; i < cell->observations; i++) {
        const json_t *record = cell->observation[i].record;
        const char *signal = json_string_value(json_object_get(record, "signal"));

        if (cell->observation[i].status == RESULTS_CRASH)
            return signal ? memory_text("crashed %s", signal)
                          : memory_text("failed exit %" JSON_INTEGER_FORMAT,
                                        json_integer_value(json_object_get(record, "exit")));
    }
    return memory_text("crashed");
}

/* The gravest kind of failure, and how many of the samples that were started had it. */
static char *verdict_failure(const struct result_cell *cell)
{
    size_t started = cell->observations - cell->count[RESULTS_SKIPPED];
    char *name, *text;

    if (cell->count[RESULTS_CRASH]) {
        name = verdict_crash_name(cell);
        text = memory_text("%s %zu/%zu", name, cell->count[RESULTS_CRASH], started);
        free(name);
        return text;
    }
    if (cell->count[RESULTS_TIMEOUT])
        return memory_text("timeout %zu/%zu", cell->count[RESULTS_TIMEOUT], started);
    return memory_text("wrong result %zu/%zu", cell->count[RESULTS_WRONG], started);
}

char *verdict_text(const struct row *row)
{
    static const char *const text[] = {
        [VERDICT_REFERENCE] = "–",
        [VERDICT_FASTER] = "faster",
        [VERDICT_SLOWER] = "slower",
        [VERDICT_INCONCLUSIVE] = "inconclusive",
        [VERDICT_EXPLORATORY] = "exploratory",
        [VERDICT_WITHHELD] = "withheld",
        [VERDICT_AA] = "A/A: no difference seen",
        [VERDICT_AA_DIFFERS] = "A/A: differs",
        [VERDICT_UNSAFE] = "wrong answers expected",
        [VERDICT_RACY] = "wrong answers expected",
        [VERDICT_LATENCY] = "latency run: not judged",
        [VERDICT_NO_REFERENCE] = "no reference",
        [VERDICT_EMPTY] = "not measured",
    };

    return row->verdict == VERDICT_FAILED ? verdict_failure(row->cell) : memory_text("%s", text[row->verdict]);
}
