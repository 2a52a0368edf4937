/*
 * page_table.c -- a table as the JSON that the page shows.
 */
#include "page_table.h"

json_t *page_table(struct table *table, const char *kind, const char *title)
{
    json_t *columns = json_array(), *rows = json_array(), *row = NULL;

    for (size_t i = 0; i < table->columns; i++)
        json_array_append_new(columns, json_pack("{s:s, s:b}", "heading", table->column[i].heading, "right",
                                                 (int)table->column[i].right));
    for (size_t i = 0; i < table->cells; i++) {
        const char *text = table_text(table, i);

        if (i % table->columns == 0) {
            row = json_array();
            json_array_append_new(rows, row);
        }
        json_array_append_new(row, json_string(text));
    }
    table_free(table);
    return json_pack("{s:s, s:s, s:o, s:o}", "kind", kind, "title", title, "columns", columns, "rows", rows);
}
