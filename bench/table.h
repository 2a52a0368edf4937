/*
 * table.h -- a table of texts, printed for people (libsmartcols), as CSV or as Markdown.
 * Cells are appended row by row; the last row must be complete before printing.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum table_style { TABLE_TEXT, TABLE_CSV, TABLE_MARKDOWN };

struct table_column {
    const char *heading;
    bool right; /* aligned to the right */
};

struct table {
    struct table_column *column;
    size_t columns, cells;
    struct table_cell *cell;
};

/* Copies the columns. */
void table_begin(struct table *table, const struct table_column *column, size_t columns);
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_colour(struct table *table, const char *colour); /* of the cell appended last; a name libsmartcols knows */
const char *table_text(const struct table *table, size_t index); /* of cell `index`, counted row by row; borrowed */
void table_print(const struct table *table, enum table_style style);
void table_free(struct table *table);

/* Standard output is a terminal that can show colours, and NO_COLOR is not set. */
bool table_colours_wanted(void);

/* "text", "csv" or "md": see options. False if it is none of them. */
bool table_style_parse(const char *name, enum table_style *style);

#endif
