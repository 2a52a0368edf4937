/*
 * page_about.h -- what a reader must know beside the figures: warnings, the run, what was not measured, machine and build.
 */
#ifndef BENCH_PAGE_ABOUT_H
#define BENCH_PAGE_ABOUT_H

#include <jansson.h>

#include "results.h"

/* [{"kind", "text"}]: what lowers the trust in this run. New reference. */
json_t *page_about_warnings(const struct results *results);

/* Tables of page_table's form. New reference. */
json_t *page_about_tables(const struct results *results);

#endif
