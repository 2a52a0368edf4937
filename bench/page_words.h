/*
 * page_words.h -- the summary of a run in words: per strategy, what is faster than the reference, slower, inconclusive or
 * failed, with ratios and intervals; and the table of all comparisons.
 */
#ifndef BENCH_PAGE_WORDS_H
#define BENCH_PAGE_WORDS_H

#include <stddef.h>

#include <jansson.h>

#include "report.h"
#include "table.h"

/* "faster", "no_reference" …: how the page calls a verdict in its data. Constant. */
const char *page_words_verdict(enum verdict verdict);

/* "gil", or "gil (A/A)" for the reference against itself: the caller frees it. */
char *page_words_series(const struct result_cell *cell);

/* [{"strategy", "items": [{"kind", "text"}]}], in the order of the strategies' names. New reference. */
json_t *page_words_summary(const struct report_group *group, size_t groups);

/* One line per group, one column per strategy. table_free gives it back. */
void page_words_overview(struct table *table, const struct report_group *group, size_t groups);

#endif
