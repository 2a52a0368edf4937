/*
 * latency.c -- the latencies of a cell, from its samples' histograms.
 */
#include "latency.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "pace.h"
#include "pacing.h"

const struct latency_percentile latency_percentiles[LATENCY_PERCENTILES] = {
    {0.5, "P50"}, {0.9, "P90"}, {0.99, "P99"}, {0.999, "P99.9"}, {0.9999, "P99.99"}};
enum { LATENCY_ALWAYS = 4 }; /* columns of a table; further ones only where somebody has the events */

static const double LATENCY_LEAST_TAIL = 10;               /* events above a percentile; 10,000 events for P99.9 */
static const double LATENCY_KEPT = 0.99;                   /* of the rate: below it was missed */
static const json_int_t LATENCY_MOST_COUNT = 10000000000; /* of one bucket of one sample: sums stay within 64 bits */

static int64_t latency_most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A whole number from 0 to `most` under this key, or that bound which it is beyond; `otherwise` if there is none. */
static int64_t latency_number(const json_t *hist, const char *key, int64_t most, int64_t otherwise)
{
    const json_t *value = json_object_get(hist, key);
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value))
        return otherwise;
    return number < 0 ? 0 : number > most ? most : number;
}

/* --- merging --- */

int64_t latency_take_counts(struct histogram *h, const json_t *counts)
{
    int64_t largest = -1;
    size_t i;
    json_t *pair;

    json_array_foreach(counts, i, pair) {
        const json_t *value = json_array_get(pair, 0), *count = json_array_get(pair, 1);
        double number = json_number_value(value);

        if (!json_is_number(value) || !(number >= 0) || !json_is_integer(count) || json_integer_value(count) <= 0 ||
            json_integer_value(count) > LATENCY_MOST_COUNT)
            continue;
        if (number >= (double)HISTOGRAM_LIMIT)
            number = (double)HISTOGRAM_LIMIT;
        histogram_record(h, (int64_t)number, (uint64_t)json_integer_value(count));
        largest = latency_most(largest, (int64_t)number);
    }
    return largest;
}

static void latency_take_rate(struct latency *latency, const json_t *hist)
{
    double achieved = json_number_value(json_object_get(hist, "achieved"));
    double rate = json_number_value(json_object_get(hist, "rate"));

    if (!json_is_number(json_object_get(hist, "achieved")))
        return;
    if (latency->achieved < 0 || achieved < latency->achieved)
        latency->achieved = achieved > 0 ? achieved : 0;
    latency->missed += achieved < rate * LATENCY_KEPT;
    latency->backlog = latency_most(latency->backlog, latency_number(hist, "backlog", LATENCY_MOST_COUNT, 0));
    latency->unserved += latency_number(hist, "unserved", LATENCY_MOST_COUNT, 0);
    latency->overslept += latency_number(hist, "overslept", LATENCY_MOST_COUNT, 0);
    latency->overslept_ns = latency_most(latency->overslept_ns, latency_number(hist, "overslept_ns", HISTOGRAM_LIMIT, 0));
}

/* The exact largest value of the sample goes to *max if it is larger. */
static void latency_take(struct latency *latency, const json_t *record, int64_t *max)
{
    const json_t *hist = json_object_get(record, "hist");
    const char *unit = json_string_value(json_object_get(hist, "unit"));
    int64_t largest;

    if (!unit || strcmp(unit, "ns") != 0)
        return;
    largest = latency_take_counts(&latency->histogram, json_object_get(hist, "counts"));
    if (largest < 0)
        return;
    *max = latency_most(*max, latency_number(hist, "max", INT64_MAX, largest));
    latency->samples++;
    latency->ops += (uint64_t)latency_number(record, "ops", INT64_MAX / 2 / RESULTS_MOST_ROUNDS, 0);
    latency->clock_ns = latency_most(latency->clock_ns, latency_number(hist, "clock_ns", HISTOGRAM_LIMIT, -1));
    latency_take_rate(latency, hist);
}

bool latency_merge(struct latency *latency, const struct result_cell *cell)
{
    int64_t max = 0;

    *latency = (struct latency){.achieved = -1, .clock_ns = -1};
    for (size_t i = 0; i < cell->observations; i++)
        if (cell->observation[i].status == RESULTS_OK)
            latency_take(latency, cell->observation[i].record, &max);
    if (latency->histogram.count)
        latency->histogram.max = max; /* exact, where a bucket would say its upper end */
    return latency->histogram.count > 0;
}

int64_t latency_percentile(const struct latency *latency, int index)
{
    double share = latency_percentiles[index].share;

    if ((double)latency->histogram.count * (1 - share) < LATENCY_LEAST_TAIL * (1 - 1e-9))
        return -1;
    return histogram_quantile(&latency->histogram, share);
}

char *latency_text(int64_t ns)
{
    static const char *const unit[] = {"ns", "µs", "ms", "s"};
    double value = (double)ns;
    int i = 0;

    for (; value >= 1000 && i < 3; i++)
        value /= 1000;
    return memory_text("%.*f %s", i == 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2, value, unit[i]);
}

/* --- the table --- */

/* What a group's table has beside the percentiles. */
struct latency_columns {
    int percentiles;
    bool rate, remark;
};

char *latency_remark(const struct row *row)
{
    switch (row->verdict) {
    case VERDICT_UNSAFE:
    case VERDICT_RACY:
    case VERDICT_FAILED:
    case VERDICT_EMPTY: return verdict_text(row);
    default: return memory_text("%s", "");
    }
}

/* False if no row has a histogram. */
static bool latency_choose(const struct report_group *group, struct latency_columns *columns)
{
    struct latency *latency = memory_alloc(1, sizeof *latency);
    bool any = false;

    *columns = (struct latency_columns){.percentiles = LATENCY_ALWAYS};
    for (size_t i = 0; i < group->rows; i++) {
        char *remark = latency_remark(&group->row[i]);

        columns->remark |= *remark != '\0';
        free(remark);
        if (!latency_merge(latency, group->row[i].cell))
            continue;
        any = true;
        columns->rate |= latency->achieved >= 0;
        while (columns->percentiles < LATENCY_PERCENTILES && latency_percentile(latency, columns->percentiles) >= 0)
            columns->percentiles++;
    }
    free(latency);
    return any;
}

static void latency_begin(struct table *table, const struct latency_columns *columns)
{
    struct table_column column[LATENCY_PERCENTILES + 6] = {{"STRATEGY", false}, {"EVENTS", true}};
    size_t count = 2;

    for (int i = 0; i < columns->percentiles; i++)
        column[count++] = (struct table_column){latency_percentiles[i].heading, true};
    column[count++] = (struct table_column){"MAX", true};
    if (columns->rate) {
        column[count++] = (struct table_column){"ACHIEVED", true};
        column[count++] = (struct table_column){"BACKLOG", true};
    }
    if (columns->remark)
        column[count++] = (struct table_column){"REMARK", false};
    table_begin(table, column, count);
}

static void latency_cell(struct table *table, bool there, int64_t ns)
{
    char *text = there && ns >= 0 ? latency_text(ns) : memory_text("–");

    table_cell(table, "%s", text);
    free(text);
}

static void latency_row(struct table *table, const struct latency_columns *columns, const struct row *row,
                        const struct latency *latency)
{
    bool there = latency->histogram.count > 0;
    char *remark = latency_remark(row);

    table_cell(table, "%s%s", row->cell->strategy, row->cell->aa && !strchr(row->cell->strategy, '(') ? " (A/A)" : "");
    table_cell(table, "%" PRIu64, latency->histogram.count);
    for (int i = 0; i < columns->percentiles; i++)
        latency_cell(table, there, latency_percentile(latency, i));
    latency_cell(table, there, latency->histogram.max);
    if (columns->rate) {
        table_cell(table, latency->achieved >= 0 ? "%.6g/s" : "–", latency->achieved);
        table_cell(table, latency->achieved >= 0 ? "%" PRId64 : "–", latency->backlog);
    }
    if (columns->remark)
        table_cell(table, "%s", *remark ? remark : "–");
    free(remark);
}

bool latency_table(struct table *table, const struct report_group *group)
{
    bool run = group->results->pace.mode != PACE_OFF;
    struct latency_columns columns;
    struct latency *latency;

    if (!latency_choose(group, &columns) && !run)
        return false;
    latency = memory_alloc(1, sizeof *latency);
    latency_begin(table, &columns);
    for (size_t i = 0; i < group->rows; i++)
        if (latency_merge(latency, group->row[i].cell) || run)
            latency_row(table, &columns, &group->row[i], latency);
    free(latency);
    return true;
}

/* --- what is said with it --- */

/* ", 1024 ops", of the first cell that knows. The caller frees it. */
static char *latency_request_ops(const struct report_group *group)
{
    struct latency *latency = memory_alloc(1, sizeof *latency);
    char *text = NULL;

    for (size_t i = 0; i < group->rows && !text; i++)
        if (latency_merge(latency, group->row[i].cell) && latency->ops)
            text = memory_text(", %.6g %s", (double)latency->ops / (double)latency->histogram.count, group->row[i].cell->unit);
    free(latency);
    return text ? text : memory_text("%s", "");
}

char *latency_title(const struct report_group *group)
{
    const struct pace *pace = &group->results->pace;
    char *words = pace_words(pace), *ops = latency_request_ops(group), *title;

    if (pace->mode == PACE_OFF)
        title = memory_text("latency (the run does not say of what)");
    else
        title = memory_text("%s of a request: %" PRId64 " repetition%s%s", words, pace->request, pace->request > 1 ? "s" : "", ops);
    free(words);
    free(ops);
    return title;
}

static void latency_add(struct names *names, char *text)
{
    names_add(names, text);
    free(text);
}

static void latency_note_rate(const struct row *row, const struct latency *latency, int64_t rate, struct names *notes)
{
    char *worst = latency_text(latency->overslept_ns);
    const char *name = row->cell->strategy;

    if (latency->missed)
        latency_add(notes, memory_text("%s: the rate was not kept in %zu of %zu samples: %.6g/s of %" PRId64
                                       "/s a thread at worst, a backlog of up to %" PRId64 " requests at the end: these "
                                       "figures grow with the length of a sample",
                                       name, latency->missed, latency->samples, latency->achieved, rate, latency->backlog));
    if (latency->unserved)
        latency_add(notes, memory_text("%s: %" PRId64 " request%s due and never begun: these figures are lower bounds", name,
                                       latency->unserved, latency->unserved > 1 ? "s were" : " was"));
    if (latency->overslept)
        latency_add(notes, memory_text("%s: %" PRId64 " wait%s ended more than %d µs late, up to %s: the machine's doing, but "
                                       "in the figures",
                                       name, latency->overslept, latency->overslept > 1 ? "s" : "",
                                       PACING_OVERSLEPT_NS / 1000, worst));
    free(worst);
}

static void latency_note_clock(int64_t clock_ns, struct names *notes)
{
    char *text = latency_text(clock_ns);

    if (clock_ns >= 0)
        latency_add(notes, memory_text("each figure includes one reading of the clock, about %s", text));
    free(text);
}

/* Rule 5a. Nothing is compared, so nothing is dropped; but two distances are two distributions in one. */
static void latency_note_regimes(const struct report_group *group, struct names *notes)
{
    size_t count[RESULTS_REGIMES] = {0}, samples = 0;

    for (size_t i = 0; i < group->rows; i++)
        for (size_t j = 0; j < group->row[i].cell->observations; j++)
            if (group->row[i].cell->observation[j].status == RESULTS_OK) {
                count[group->row[i].cell->observation[j].regime]++;
                samples++;
            }
    for (int regime = 0; regime < RESULTS_REGIMES; regime++)
        if (count[regime] == samples)
            return;
    latency_add(notes, memory_text("samples of different distances between the CPUs are put together (see hops)"));
}

void latency_notes(const struct report_group *group, struct names *notes)
{
    struct latency *latency = memory_alloc(1, sizeof *latency);
    struct names few = {0};
    int64_t clock_ns = -1;
    char *joined;

    for (size_t i = 0; i < group->rows; i++) {
        if (!latency_merge(latency, group->row[i].cell))
            continue;
        clock_ns = latency_most(clock_ns, latency->clock_ns);
        if (latency_percentile(latency, LATENCY_ALWAYS - 1) < 0)
            latency_add(&few, memory_text("%s %" PRIu64, group->row[i].cell->strategy, latency->histogram.count));
        latency_note_rate(&group->row[i], latency, group->results->pace.rate, notes);
    }
    joined = names_join(&few, ", ");
    if (few.count)
        latency_add(notes, memory_text("no P99.9 below 10,000 events: %s", joined));
    latency_note_clock(clock_ns, notes);
    latency_note_regimes(group, notes);
    free(joined);
    free(latency);
    names_free(&few);
}
