/*
 * page_words.c -- the summary of a run in words.
 */
#define _GNU_SOURCE 1
#include "page_words.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "names.h"

enum { PAGE_WORDS_MOST = 6 }; /* places that a sentence can name before nobody reads it */

/* The rows of one strategy that got one verdict, smallest ratio first. */
struct mention {
    const struct report_group *group;
    const struct row *row;
};

/* A strategy while it is being described. */
struct subject {
    const struct report_group *group;
    size_t groups;
    const char *series;
    size_t comparisons; /* rows that were compared with the reference, whatever came of it */
    struct mention *mention;
    size_t mentions;
    json_t *items;
};

const char *page_words_verdict(enum verdict verdict)
{
    static const char *const words[] = {
        [VERDICT_REFERENCE] = "reference",       [VERDICT_FASTER] = "faster",
        [VERDICT_SLOWER] = "slower",             [VERDICT_INCONCLUSIVE] = "inconclusive",
        [VERDICT_EXPLORATORY] = "exploratory",   [VERDICT_WITHHELD] = "withheld",
        [VERDICT_AA] = "aa",                     [VERDICT_AA_DIFFERS] = "aa_differs",
        [VERDICT_UNSAFE] = "unsafe",             [VERDICT_RACY] = "racy",
        [VERDICT_FAILED] = "failed",             [VERDICT_NO_REFERENCE] = "no_reference",
        [VERDICT_EMPTY] = "empty",               [VERDICT_LATENCY] = "latency",
    };

    return words[verdict];
}

char *page_words_series(const struct result_cell *cell)
{
    return memory_text("%s%s", cell->strategy, cell->aa ? " (A/A)" : "");
}

static bool page_words_is(const struct result_cell *cell, const char *series)
{
    char *own = page_words_series(cell);
    bool same = strcmp(own, series) == 0;

    free(own);
    return same;
}

/* "fib", or "fib n=27" where the run has the workload with other values too. The caller frees it. */
static char *page_words_workload(const struct report_group *group, size_t groups, const struct result_cell *cell)
{
    bool several = false;
    char *params, *text;

    for (size_t i = 0; i < groups; i++) {
        const struct result_cell *other = group[i].row[0].cell;

        several |= strcmp(other->workload, cell->workload) == 0 && !json_equal(other->params, cell->params);
    }
    params = several ? report_params(cell, " ") : memory_text("%s", "");
    text = memory_text("%s%s%s", cell->workload, *params ? " " : "", params);
    free(params);
    return text;
}

/* "fib, 2 threads": the caller frees it. */
static char *page_words_place(const struct subject *subject, const struct mention *mention)
{
    const struct result_cell *cell = mention->row->cell;
    char *workload = page_words_workload(subject->group, subject->groups, cell);
    char *text = memory_text("%s, %d thread%s", workload, cell->threads, cell->threads > 1 ? "s" : "");

    free(workload);
    return text;
}

/* "3.57× [3.51 … 3.64]", as in the table; "" without a ratio. The caller frees it. */
static char *page_words_ratio(const struct row *row)
{
    if (row->ratio <= 0)
        return memory_text("%s", "");
    if (!row->interval.exists)
        return memory_text("%.2f× [–]", row->ratio);
    return memory_text("%.2f× [%.2f … %.2f]", row->ratio, row->interval.low, row->interval.high);
}

/* "3.57× [3.51 … 3.64] (fib, 2 threads)": the caller frees it. */
static char *page_words_mention(const struct subject *subject, const struct mention *mention)
{
    char *place = page_words_place(subject, mention), *ratio = page_words_ratio(mention->row);
    char *text = *ratio ? memory_text("%s (%s)", ratio, place) : memory_text("%s", place);

    free(place);
    free(ratio);
    return text;
}

static int page_words_order(const void *a, const void *b)
{
    const struct mention *x = a, *y = b;

    return (x->row->ratio > y->row->ratio) - (x->row->ratio < y->row->ratio);
}

static void page_words_collect(struct subject *subject, enum verdict verdict)
{
    subject->mentions = 0;
    for (size_t i = 0; i < subject->groups; i++)
        for (size_t j = 0; j < subject->group[i].rows; j++) {
            const struct row *row = &subject->group[i].row[j];

            if (row->verdict == verdict && page_words_is(row->cell, subject->series))
                subject->mention[subject->mentions++] = (struct mention){&subject->group[i], row};
        }
    qsort(subject->mention, subject->mentions, sizeof subject->mention[0], page_words_order);
}

/* Takes the text. */
static void page_words_add(const struct subject *subject, enum verdict verdict, char *text)
{
    json_array_append_new(subject->items, json_pack("{s:s, s:s}", "kind", page_words_verdict(verdict), "text", text));
    free(text);
}

/* "faster than gil in 4 of 6 comparisons: from LEAST to MOST" */
static void page_words_range(const struct subject *subject, enum verdict verdict, const char *what)
{
    const char *reference = subject->group[0].results->reference;
    char *least = page_words_mention(subject, &subject->mention[0]);
    char *most = page_words_mention(subject, &subject->mention[subject->mentions - 1]);
    char *count = memory_text("%zu of %zu comparison%s", subject->mentions, subject->comparisons,
                              subject->comparisons > 1 ? "s" : "");

    if (subject->mentions == 1)
        page_words_add(subject, verdict, memory_text("%s %s in %s: %s", what, reference, count, least));
    else
        page_words_add(subject, verdict, memory_text("%s %s in %s: from %s to %s", what, reference, count, least, most));
    free(least);
    free(most);
    free(count);
}

/* "inconclusive: PLACE; PLACE"; of failures also how they failed. The overview has them all. */
static void page_words_each(const struct subject *subject, enum verdict verdict, const char *what)
{
    struct names list = {0};
    char *joined;

    for (size_t i = 0; i < subject->mentions && i < PAGE_WORDS_MOST; i++) {
        char *mention = page_words_mention(subject, &subject->mention[i]);
        char *how = verdict == VERDICT_FAILED ? verdict_text(subject->mention[i].row) : memory_text("%s", "");
        char *text = memory_text("%s%s%s", mention, *how ? ": " : "", how);

        names_add(&list, text);
        free(text);
        free(how);
        free(mention);
    }
    joined = names_join(&list, "; ");
    if (subject->mentions > PAGE_WORDS_MOST)
        page_words_add(subject, verdict, memory_text("%s: %s and %zu more", what, joined, subject->mentions - PAGE_WORDS_MOST));
    else
        page_words_add(subject, verdict, memory_text("%s: %s", what, joined));
    free(joined);
    names_free(&list);
}

static void page_words_aa(struct subject *subject)
{
    page_words_collect(subject, VERDICT_AA);
    if (subject->mentions)
        page_words_add(subject, VERDICT_AA,
                       memory_text("the reference against itself: no difference seen in %zu comparison%s, as it should be",
                                   subject->mentions, subject->mentions > 1 ? "s" : ""));
}

static void page_words_describe(struct subject *subject)
{
    static const struct {
        enum verdict verdict;
        bool range; /* from the least to the greatest ratio; else one by one */
        const char *what;
    } sentences[] = {
        {VERDICT_FASTER, true, "faster than"},
        {VERDICT_SLOWER, true, "slower than"},
        {VERDICT_INCONCLUSIVE, false, "inconclusive"},
        {VERDICT_EXPLORATORY, true, "no verdict, too few rounds (exploratory): against"},
        {VERDICT_WITHHELD, true, "verdict withheld: against"},
        {VERDICT_FAILED, false, "failed"},
        {VERDICT_AA_DIFFERS, false, "the reference differs from itself, so the others get no verdict"},
        {VERDICT_UNSAFE, false, "wrong answers expected, not ranked"},
        {VERDICT_RACY, false, "wrong answers expected of the workload or its values, not ranked"},
        {VERDICT_NO_REFERENCE, false, "measured, but there is no reference to compare with"},
        {VERDICT_EMPTY, false, "not measured"},
        {VERDICT_LATENCY, false, "latency was measured; the rate is not judged"},
    };

    page_words_aa(subject);
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        page_words_collect(subject, sentences[i].verdict);
        if (subject->mentions && sentences[i].range)
            page_words_range(subject, sentences[i].verdict, sentences[i].what);
        else if (subject->mentions)
            page_words_each(subject, sentences[i].verdict, sentences[i].what);
    }
}

static size_t page_words_comparisons(struct subject *subject)
{
    static const enum verdict compared[] = {VERDICT_FASTER, VERDICT_SLOWER, VERDICT_INCONCLUSIVE, VERDICT_EXPLORATORY,
                                            VERDICT_WITHHELD};
    size_t count = 0;

    for (size_t i = 0; i < sizeof compared / sizeof compared[0]; i++) {
        page_words_collect(subject, compared[i]);
        count += subject->mentions;
    }
    return count;
}

/* The series of all groups, sorted. */
static void page_words_all(const struct report_group *group, size_t groups, struct names *series, size_t *rows)
{
    *rows = 0;
    for (size_t i = 0; i < groups; i++)
        for (size_t j = 0; j < group[i].rows; j++) {
            char *name = page_words_series(group[i].row[j].cell);

            names_add(series, name);
            free(name);
            ++*rows;
        }
    names_sort(series);
}

json_t *page_words_summary(const struct report_group *group, size_t groups)
{
    json_t *summary = json_array();
    struct names series = {0};
    size_t rows;

    page_words_all(group, groups, &series, &rows);
    for (size_t i = 0; i < series.count; i++) {
        struct subject subject = {.group = group, .groups = groups, .series = series.item[i], .items = json_array()};

        subject.mention = memory_alloc(rows, sizeof subject.mention[0]);
        subject.comparisons = page_words_comparisons(&subject);
        page_words_describe(&subject);
        if (json_array_size(subject.items))
            json_array_append_new(summary, json_pack("{s:s, s:O}", "strategy", subject.series, "items", subject.items));
        json_decref(subject.items);
        free(subject.mention);
    }
    names_free(&series);
    return summary;
}

/* A cell of the overview. The signs keep the verdict legible without colour. */
static void page_words_verdict_cell(struct table *table, const struct row *row)
{
    const char *sign = row->verdict == VERDICT_FASTER ? "▲ " : row->verdict == VERDICT_SLOWER ? "▼ " : "? ";
    char *ratio = page_words_ratio(row), *text = verdict_text(row);

    if (row->verdict == VERDICT_REFERENCE)
        table_cell(table, "reference");
    else if (*ratio && row->verdict != VERDICT_NO_REFERENCE)
        table_cell(table, "%s%s%s%s", sign, ratio, *sign == '?' ? " " : "", *sign == '?' ? text : "");
    else
        table_cell(table, "%s", text);
    free(ratio);
    free(text);
}

static const struct row *page_words_row(const struct report_group *group, const char *series)
{
    for (size_t i = 0; i < group->rows; i++)
        if (page_words_is(group->row[i].cell, series))
            return &group->row[i];
    return NULL;
}

/* A column that says nothing but "reference" is left out. */
static bool page_words_only_reference(const struct report_group *group, size_t groups, const char *series)
{
    for (size_t i = 0; i < groups; i++) {
        const struct row *row = page_words_row(&group[i], series);

        if (row && row->verdict != VERDICT_REFERENCE)
            return false;
    }
    return true;
}

static void page_words_begin_overview(struct table *table, const struct names *series)
{
    struct table_column *columns = memory_alloc(series->count + 2, sizeof columns[0]);

    columns[0] = (struct table_column){"WORKLOAD", false};
    columns[1] = (struct table_column){"THREADS", true};
    for (size_t i = 0; i < series->count; i++)
        columns[i + 2] = (struct table_column){series->item[i], false};
    table_begin(table, columns, series->count + 2);
    free(columns);
}

static void page_words_overview_line(struct table *table, const struct report_group *group, const struct names *series)
{
    for (size_t i = 0; i < series->count; i++) {
        const struct row *row = page_words_row(group, series->item[i]);

        if (row)
            page_words_verdict_cell(table, row);
        else
            table_cell(table, "–");
    }
}

void page_words_overview(struct table *table, const struct report_group *group, size_t groups)
{
    struct names all = {0}, series = {0};
    size_t rows;

    page_words_all(group, groups, &all, &rows);
    for (size_t i = 0; i < all.count; i++)
        if (!page_words_only_reference(group, groups, all.item[i]))
            names_add(&series, all.item[i]);
    page_words_begin_overview(table, &series);
    for (size_t i = 0; i < groups; i++) {
        const struct result_cell *cell = group[i].row[0].cell;
        char *workload = page_words_workload(group, groups, cell);

        table_cell(table, "%s", workload);
        table_cell(table, "%d%s", cell->threads, cell->oversubscribed ? " (oversubscribed)" : "");
        page_words_overview_line(table, &group[i], &series);
        free(workload);
    }
    names_free(&all);
    names_free(&series);
}
