/*
 * table.c -- a table of texts, printed for people (libsmartcols), as CSV or as Markdown.
 */
#define _GNU_SOURCE 1
#include "table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols.h>

#include "die.h"
#include "memory.h"

struct table_cell {
    char *text;
    const char *colour; /* NULL: none */
};

void table_begin(struct table *table, const struct table_column *column, size_t columns)
{
    *table = (struct table){.column = memory_alloc(columns, sizeof column[0]), .columns = columns};
    for (size_t i = 0; i < columns; i++) {
        table->column[i] = column[i];
        table->column[i].heading = memory_text("%s", column[i].heading);
    }
}

void table_cell(struct table *table, const char *format, ...)
{
    va_list list;
    char *text;

    va_start(list, format);
    if (vasprintf(&text, format, list) < 0)
        die("memory", errno);
    va_end(list);
    table->cell = memory_resize(table->cell, table->cells + 1, sizeof table->cell[0]);
    table->cell[table->cells++] = (struct table_cell){.text = text};
}

void table_colour(struct table *table, const char *colour)
{
    table->cell[table->cells - 1].colour = colour;
}

const char *table_text(const struct table *table, size_t index)
{
    return table->cell[index].text;
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->cells; i++)
        free(table->cell[i].text);
    for (size_t i = 0; i < table->columns; i++)
        free((char *)table->column[i].heading);
    free(table->cell);
    free(table->column);
    *table = (struct table){0};
}

bool table_colours_wanted(void)
{
    const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(refused && *refused) && terminal && strcmp(terminal, "dumb") != 0;
}

bool table_style_parse(const char *name, enum table_style *style)
{
    static const char *const names[] = {[TABLE_TEXT] = "table", [TABLE_CSV] = "csv", [TABLE_MARKDOWN] = "md"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *style = (enum table_style)i;
            return true;
        }
    return false;
}

static struct libscols_table *table_new_text(const struct table *table)
{
    struct libscols_table *text = scols_new_table();

    if (!text)
        die("table", errno);
    /* A narrow terminal wraps lines; it must not make the library cut figures off. */
    scols_table_set_termforce(text, SCOLS_TERMFORCE_NEVER);
    scols_table_enable_colors(text, table_colours_wanted());
    scols_table_set_column_separator(text, "  ");
    for (size_t i = 0; i < table->columns; i++)
        if (!scols_table_new_column(text, table->column[i].heading, 0, table->column[i].right ? SCOLS_FL_RIGHT : 0))
            die("table", errno);
    return text;
}

static void table_print_text(const struct table *table)
{
    struct libscols_table *text = table_new_text(table);

    for (size_t i = 0; i < table->cells; i += table->columns) {
        struct libscols_line *line = scols_table_new_line(text, NULL);

        for (size_t j = 0; j < table->columns; j++) {
            const struct table_cell *cell = &table->cell[i + j];

            if (!line || scols_line_set_data(line, j, cell->text))
                die("table", ENOMEM);
            if (cell->colour)
                scols_cell_set_color(scols_line_get_cell(line, j), cell->colour);
        }
    }
    scols_print_table(text);
    scols_unref_table(text);
}

/* RFC 4180: quotes around what holds a comma, a quote or a line end; quotes doubled. */
static void table_print_quoted(const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void table_print_csv(const struct table *table)
{
    for (size_t i = 0; i < table->columns; i++)
        printf("%s%s", i ? "," : "", table->column[i].heading);
    for (size_t i = 0; i < table->cells; i++) {
        putchar(i % table->columns ? ',' : '\n');
        table_print_quoted(table->cell[i].text);
    }
    putchar('\n');
}

static void table_print_markdown(const struct table *table)
{
    for (size_t i = 0; i < table->columns; i++)
        printf("| %s ", table->column[i].heading);
    puts("|");
    for (size_t i = 0; i < table->columns; i++)
        printf("|%s", table->column[i].right ? "---:" : "---");
    for (size_t i = 0; i < table->cells; i++) {
        fputs(i % table->columns ? "| " : "|\n| ", stdout);
        for (const char *c = table->cell[i].text; *c; c++)
            printf(*c == '|' ? "\\%c" : "%c", *c);
        putchar(' ');
    }
    puts("|");
}

void table_print(const struct table *table, enum table_style style)
{
    if (style == TABLE_TEXT)
        table_print_text(table);
    else if (style == TABLE_CSV)
        table_print_csv(table);
    else
        table_print_markdown(table);
}
