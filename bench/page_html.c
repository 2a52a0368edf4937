/*
 * page_html.c -- the summary and the tables as plain HTML. It writes what the document already holds as text: no figure
 * is formatted twice.
 */
#define _GNU_SOURCE 1
#include "page_html.h"

#include <errno.h>
#include <stdio.h>

#include "die.h"
#include "html.h"

static const char *page_html_string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static void page_html_element(FILE *out, const char *tag, const char *text)
{
    fprintf(out, "<%s>", tag);
    html_escape(out, text);
    fprintf(out, "</%s>\n", tag);
}

/* {"title", "columns": [{"heading"}], "rows": [[text]]}: see page_document. */
static void page_html_table(FILE *out, const json_t *table)
{
    size_t i, j;
    json_t *column, *row, *cell;

    if (!table)
        return;
    fputs("<div class=\"scroll\"><table>", out);
    page_html_element(out, "caption", page_html_string(table, "title"));
    fputs("<tr>", out);
    json_array_foreach(json_object_get(table, "columns"), i, column)
        page_html_element(out, "th", page_html_string(column, "heading"));
    json_array_foreach(json_object_get(table, "rows"), i, row) {
        fputs("<tr>", out);
        json_array_foreach(row, j, cell)
            page_html_element(out, "td", json_string_value(cell) ? json_string_value(cell) : "");
    }
    fputs("</table></div>\n", out);
    page_html_element(out, "p", page_html_string(table, "note"));
}

/* An array of texts, or of objects with a "text". */
static void page_html_list(FILE *out, const json_t *list)
{
    size_t i;
    json_t *item;

    if (json_array_size(list) == 0)
        return;
    fputs("<ul>", out);
    json_array_foreach(list, i, item)
        page_html_element(out, "li", json_is_string(item) ? json_string_value(item) : page_html_string(item, "text"));
    fputs("</ul>\n", out);
}

static void page_html_tables(FILE *out, const json_t *tables)
{
    size_t i;
    json_t *table;

    json_array_foreach(tables, i, table)
        page_html_table(out, table);
}

static void page_html_section(FILE *out, const json_t *section)
{
    size_t i;
    json_t *group;

    page_html_element(out, "h3", page_html_string(section, "title"));
    page_html_table(out, json_object_get(section, "scaling"));
    json_array_foreach(json_object_get(section, "groups"), i, group) {
        page_html_element(out, "h4", page_html_string(group, "title"));
        page_html_tables(out, json_object_get(group, "tables"));
        page_html_list(out, json_object_get(group, "notes"));
        page_html_list(out, json_object_get(group, "facts"));
    }
}

static void page_html_run(FILE *out, const json_t *run)
{
    size_t i;
    json_t *item;

    page_html_element(out, "h2", page_html_string(run, "file"));
    page_html_list(out, json_object_get(run, "warnings"));
    json_array_foreach(json_object_get(run, "summary"), i, item) {
        page_html_element(out, "p", page_html_string(item, "strategy"));
        page_html_list(out, json_object_get(item, "items"));
    }
    page_html_table(out, json_object_get(run, "overview"));
    json_array_foreach(json_object_get(run, "sections"), i, item)
        page_html_section(out, item);
    page_html_tables(out, json_object_get(run, "about"));
}

char *page_html(const json_t *document)
{
    char *text = NULL;
    size_t length, i;
    FILE *out = open_memstream(&text, &length);
    json_t *run;

    if (!out)
        die("memory", errno);
    page_html_list(out, json_object_get(document, "warnings"));
    json_array_foreach(json_object_get(document, "runs"), i, run)
        page_html_run(out, run);
    if (fclose(out))
        die("memory", errno);
    return text;
}
