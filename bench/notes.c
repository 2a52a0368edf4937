/*
 * notes.c -- the notes under a table.
 */
#define _GNU_SOURCE 1
#include "notes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "memory.h"
#include "names.h"
#include "summary.h"

enum { NOTES_MOST_ROUNDS = 1000 }; /* nobody runs more: the machine is too restless then */

static const char *notes_text(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));

    return text ? text : "";
}

static void __attribute__((format(printf, 2, 3))) notes_line(struct names *notes, const char *format, ...)
{
    va_list list;
    char *text;

    va_start(list, format);
    if (vasprintf(&text, format, list) < 0)
        die("memory", errno);
    va_end(list);
    names_add(notes, text);
    free(text);
}

static const struct observation *notes_first_failure(const struct result_cell *cell)
{
    for (size_t i = 0; i < cell->observations; i++)
        if (cell->observation[i].status != RESULTS_OK && cell->observation[i].status != RESULTS_SKIPPED)
            return &cell->observation[i];
    return NULL;
}

/* "3 crashed, 1 skipped of 20": the caller frees it. */
static char *notes_counts(const struct result_cell *cell)
{
    static const char *const words[RESULTS_STATUSES] = {[RESULTS_WRONG] = "wrong",
                                                        [RESULTS_CRASH] = "crashed",
                                                        [RESULTS_TIMEOUT] = "timed out",
                                                        [RESULTS_SKIPPED] = "skipped"};
    struct names list = {0};
    char *joined, *text;

    for (int status = 0; status < RESULTS_STATUSES; status++)
        if (words[status] && cell->count[status]) {
            char *item = memory_text("%zu %s", cell->count[status], words[status]);

            names_add(&list, item);
            free(item);
        }
    joined = names_join(&list, ", ");
    text = memory_text("%s of %zu", joined, cell->observations);
    free(joined);
    names_free(&list);
    return text;
}

/* The last line that holds something; its length goes to *length. */
static const char *notes_last_line(const char *text, int *length)
{
    const char *end = text + strlen(text), *line;

    while (end > text && end[-1] == '\n')
        end--;
    for (line = end; line > text && line[-1] != '\n';)
        line--;
    *length = (int)(end - line);
    return line;
}

/* What failed, the first reason, and the last words of that worker. */
static void notes_failure(const struct row *row, struct names *notes)
{
    const struct result_cell *cell = row->cell;
    const struct observation *failure = notes_first_failure(cell);
    const char *why, *said;
    char *counts;
    int length;

    if (!failure)
        return;
    why = notes_text(failure->record, "why");
    said = notes_last_line(notes_text(failure->record, "stderr"), &length);
    counts = notes_counts(cell);
    notes_line(notes, "%s: %s%s%s%s%s%.*s", cell->strategy, counts,
               cell->unsafe ? " (expected: unsafe under threads)" : "", *why ? "; first: " : "", why,
               length ? "; said: " : "", length, said);
    free(counts);
}

static size_t notes_preempted(const struct row *row)
{
    size_t count = 0;

    for (size_t i = 0; i < row->cell->observations; i++)
        count += row->cell->observation[i].status == RESULTS_OK && row->cell->observation[i].preempted;
    return count;
}

/* Samples further than 5 MAD, and than the least effect, from the median. */
static size_t notes_far(const struct row *row)
{
    double reach = 5 * row->mad > VERDICT_LEAST_EFFECT ? 5 * row->mad : VERDICT_LEAST_EFFECT;
    size_t count = 0;

    for (size_t i = 0; i < row->cell->observations; i++) {
        double off = row->cell->observation[i].metric[RESULTS_RATE] / row->median[RESULTS_RATE] - 1;

        count += row->cell->observation[i].status == RESULTS_OK && (off > reach || off < -reach);
    }
    return count;
}

/* "! WHAT (kept): biased 2/20, gil 1/20": one line for the whole table, none if no sample is concerned. */
static void notes_tally(const struct row *row, size_t rows, size_t (*count)(const struct row *), const char *what,
                        struct names *notes)
{
    struct names list = {0};
    char *text;

    for (size_t i = 0; i < rows; i++)
        if (count(&row[i])) {
            text = memory_text("%s %zu/%zu", row[i].cell->strategy, count(&row[i]), row[i].cell->count[RESULTS_OK]);
            names_add(&list, text);
            free(text);
        }
    text = names_join(&list, ", ");
    if (list.count)
        notes_line(notes, "%s (kept): %s", what, text);
    free(text);
    names_free(&list);
}

static void notes_inconclusive(const struct row *row, struct names *notes)
{
    const char *name = row->cell->strategy;
    double target;
    size_t rounds;

    if (row->verdict != VERDICT_INCONCLUSIVE)
        return;
    if (!row->interval.exists) {
        notes_line(notes, "%s: %zu pairs are too few for an interval: %zu are needed here", name, row->pairs,
                   row->pairs_needed);
        return;
    }
    rounds = verdict_rounds_needed(row, &target);
    if (rounds > NOTES_MOST_ROUNDS)
        notes_line(notes, "%s: more than %d rounds would be needed to resolve ±%.1f%%", name, NOTES_MOST_ROUNDS,
                   target * 100);
    else if (rounds > row->pairs + row->dropped)
        notes_line(notes, "%s: about %zu rounds would resolve ±%.1f%%", name, rounds, target * 100);
    else if (row->interval.low > 1 - VERDICT_LEAST_EFFECT && row->interval.high < 1 + VERDICT_LEAST_EFFECT)
        notes_line(notes, "%s: any difference is below the least effect of %.0f%%", name, VERDICT_LEAST_EFFECT * 100);
}

/* Rule 5a. How many samples of each regime; returns how many in all. */
static size_t notes_count_regimes(const struct row *row, size_t rows, size_t count[RESULTS_REGIMES])
{
    size_t samples = 0;

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < row[i].cell->observations; j++)
            if (row[i].cell->observation[j].status == RESULTS_OK) {
                count[row[i].cell->observation[j].regime]++;
                samples++;
            }
    return row[0].cell->threads < 2 ? 0 : samples;
}

/* One line that says how far apart the CPUs were. */
static void notes_print_hops(const struct row *row, size_t rows)
{
    size_t count[RESULTS_REGIMES] = {0}, samples = notes_count_regimes(row, rows, count);

    if (samples == 0)
        return;
    printf("hops   ");
    for (int regime = 0, said = 0; regime < RESULTS_REGIMES; regime++)
        if (count[regime])
            printf("%s%s %zu", said++ ? ", " : "", results_regime_name((enum results_regime)regime), count[regime]);
    printf(" of %zu samples (a line hop is near below %.0f ns)\n", samples, RESULTS_FAR_NS);
}

/* What was left out of the comparison for it. */
static void notes_dropped(const struct row *row, size_t rows, struct names *notes)
{
    size_t pairs = 0, dropped = 0;

    for (size_t i = 0; i < rows; i++) {
        pairs += row[i].pairs + row[i].dropped;
        dropped += row[i].dropped;
    }
    if (dropped)
        notes_line(notes, "%zu of %zu pairs dropped: their samples were not in one regime", dropped, pairs);
}

static void notes_wrong_by_design(const struct row *row, struct names *notes)
{
    size_t wrong = 0;

    for (size_t i = 0; i < row->cell->observations; i++)
        wrong += row->cell->observation[i].status == RESULTS_OK && !row->cell->observation[i].answer_ok;
    if (wrong)
        notes_line(notes, "%s: %zu/%zu answers wrong, which is what this workload shows", row->cell->strategy, wrong,
                    row->cell->count[RESULTS_OK]);
}

/* The values of one fact over the right samples of a cell; their number. */
static size_t notes_fact_values(const struct result_cell *cell, const char *name, int64_t *values)
{
    size_t count = 0;

    for (size_t i = 0; i < cell->observations; i++) {
        json_t *fact = json_object_get(json_object_get(cell->observation[i].record, "facts"), name);

        if (cell->observation[i].status == RESULTS_OK && json_is_integer(fact))
            values[count++] = json_integer_value(fact);
    }
    return count;
}

/* "hits=9 · misses≈24": = where all right samples agree, ≈ the median where they do not. "" if there are no facts. */
static char *notes_facts(const struct result_cell *cell)
{
    int64_t *values = memory_alloc(cell->observations, sizeof values[0]);
    struct names list = {0};
    const struct observation *first = cell->count[RESULTS_OK] ? cell->observation : NULL;
    const char *name;
    json_t *fact;
    char *text;

    while (first && first->status != RESULTS_OK)
        first++;
    json_object_foreach(first ? json_object_get(first->record, "facts") : NULL, name, fact) {
        size_t count = notes_fact_values(cell, name, values);
        int64_t middle = count ? summary_middle(values, count) : 0;
        bool agree = true;

        for (size_t i = 0; i < count; i++)
            agree &= values[i] == middle;
        text = memory_text("%s%s%" PRId64, name, agree ? "=" : "≈", middle);
        names_add(&list, text);
        free(text);
    }
    text = names_join(&list, " · ");
    names_free(&list);
    free(values);
    return text;
}

/* One line for all strategies if they found the same, else one for each. */
static void notes_list_facts(const struct row *row, size_t rows, struct names *list)
{
    char **facts = memory_alloc(rows, sizeof facts[0]);
    const char *shared = NULL;
    bool same = true;

    for (size_t i = 0; i < rows; i++) {
        facts[i] = notes_facts(row[i].cell);
        if (*facts[i]) {
            same &= !shared || strcmp(shared, facts[i]) == 0;
            shared = facts[i];
        }
    }
    if (shared && same)
        names_add(list, shared);
    for (size_t i = 0; i < rows; i++) {
        if (!same && *facts[i])
            notes_line(list, "%s: %s", row[i].cell->strategy, facts[i]);
        free(facts[i]);
    }
    free(facts);
}

void notes_list(const struct results *results, const struct row *row, size_t rows, struct names *notes, struct names *facts)
{
    if (row[0].cell->oversubscribed)
        notes_line(notes, "oversubscribed: more threads than CPUs; they take turns");
    for (size_t i = 0; i < rows; i++) {
        notes_failure(&row[i], notes);
        notes_wrong_by_design(&row[i], notes);
        notes_inconclusive(&row[i], notes);
        if (row[i].verdict == VERDICT_AA_DIFFERS)
            notes_line(notes, "the reference differs from itself: verdicts are withheld");
    }
    notes_tally(row, rows, notes_preempted, "samples with involuntary context switches", notes);
    if (results->pace.mode == PACE_OFF) /* of rates that nobody judges: nothing */
        notes_tally(row, rows, notes_far, "samples beyond 5 MAD", notes);
    if (results->exploratory && results->pace.mode == PACE_OFF)
        notes_line(notes, "exploratory: too few rounds for verdicts");
    notes_dropped(row, rows, notes);
    notes_list_facts(row, rows, facts);
}

void notes_print(const struct results *results, const struct row *row, size_t rows, enum table_style style)
{
    struct names notes = {0}, facts = {0};

    notes_list(results, row, rows, &notes, &facts);
    for (size_t i = 0; i < notes.count; i++)
        printf("%s%s\n", style == TABLE_MARKDOWN ? "- " : "! ", notes.item[i]);
    notes_print_hops(row, rows);
    for (size_t i = 0; i < facts.count; i++)
        printf("facts  %s\n", facts.item[i]);
    names_free(&notes);
    names_free(&facts);
}
