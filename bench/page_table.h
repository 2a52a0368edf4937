/*
 * page_table.h -- a table as the JSON that the page shows.
 */
#ifndef BENCH_PAGE_TABLE_H
#define BENCH_PAGE_TABLE_H

#include <jansson.h>

#include "table.h"

/* {"kind", "title", "columns": [{"heading", "right"}], "rows": [[text]]}, new reference. Frees the table. The kind tells
 * the page what the table is of, the title tells people. */
json_t *page_table(struct table *table, const char *kind, const char *title);

#endif
