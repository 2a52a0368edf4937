/*
 * lab_print.c -- a lab for the terminal: its text, and what was found, drawn with letters.
 */
#define _GNU_SOURCE 1
#include "lab_print.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "die.h"
#include "lab_run.h"
#include "memory.h"

enum { LAB_PRINT_NARROW = 60, LAB_PRINT_WIDE = 120, LAB_PRINT_USUAL = 100, LAB_PRINT_LABEL = 34, LAB_PRINT_INDENT = 2,
       LAB_PRINT_LINES = 44 }; /* of an execution: the page and rclab explore have all */

/* What a kind of span looks like; none: a blank. */
static const char *const lab_print_letters[LAB_KINDS] = {
    [LAB_RUN] = "█", [LAB_HOLD] = "▓", [LAB_WAIT] = "·", [LAB_MOVE] = "▒", [LAB_IO] = "─"};

int lab_print_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    int width = LAB_PRINT_USUAL;

    if (columns && atoi(columns) > 0)
        width = atoi(columns);
    else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        width = size.ws_col;
    return width < LAB_PRINT_NARROW ? LAB_PRINT_NARROW : width > LAB_PRINT_WIDE ? LAB_PRINT_WIDE : width;
}

/* --- text --- */

static int lab_print_columns(const char *text, size_t length)
{
    int columns = 0;

    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

/* Words, broken at `width`; the lines after the first are indented by `hang`. */
static void lab_print_wrapped(FILE *out, const char *text, int at, int hang, int width)
{
    for (bool first = true; *text;) {
        size_t length = strcspn(text, " ");
        int columns = lab_print_columns(text, length);

        if (!first && at + 1 + columns > width) {
            fprintf(out, "\n%*s", hang, "");
            at = hang;
        } else if (!first) {
            putc(' ', out);
            at++;
        }
        fwrite(text, 1, length, out);
        at += columns;
        text += length;
        text += strspn(text, " ");
        first = false;
    }
    putc('\n', out);
}

static int lab_print_lines(const char *text)
{
    int lines = 0;

    for (; *text; text++)
        lines += *text == '\n' || text[1] == '\0';
    return lines;
}

/* Of more lines than `most` the first one and the last ones. */
static void lab_print_code(FILE *out, const char *text, int most)
{
    int lines = lab_print_lines(text), left_out = lines > most ? lines - most : 0, line = 0;

    for (size_t length; *text; text += length + (text[length] == '\n'), line++) {
        length = strcspn(text, "\n");
        if (line == 0 || line > left_out)
            fprintf(out, "      %.*s\n", (int)length, text);
        if (line == 0 && left_out)
            fprintf(out, "      … %d lines are left out: run that command, or make the page\n", left_out);
    }
}

/* `number`: of this item in its list, from 1. Choices get letters. */
static void lab_print_block(FILE *out, const struct lab_block *block, int number, bool letters, int width)
{
    char *plain = lab_text_plain(block->text);

    if (block->kind == LAB_CODE) {
        lab_print_code(out, block->text, INT_MAX);
    } else if (block->kind == LAB_PARAGRAPH) {
        fprintf(out, "%*s", LAB_PRINT_INDENT, "");
        lab_print_wrapped(out, plain, LAB_PRINT_INDENT, LAB_PRINT_INDENT, width);
    } else {
        if (letters)
            fprintf(out, "  %c) ", 'a' + number - 1);
        else if (block->kind == LAB_NUMBERED)
            fprintf(out, "  %d. ", number);
        else
            fprintf(out, "  -  ");
        lab_print_wrapped(out, plain, 5, 5, width);
    }
    free(plain);
}

void lab_print_section(FILE *out, const struct lab_text *text, enum lab_section section, int width)
{
    const char *at = text->section[section];
    struct lab_block block;
    int items = 0;
    bool before = false;

    fprintf(out, "\n%s\n", lab_text_heading(section));
    while (at && lab_text_block(&at, &block)) {
        bool item = block.kind == LAB_ITEM || block.kind == LAB_NUMBERED;

        if (before && !item)
            putc('\n', out);
        items = item ? items + 1 : 0;
        lab_print_block(out, &block, items, section == LAB_PREDICTION, width);
        free(block.text);
        before = true;
    }
}

/* --- what was found --- */

/* Left-aligned in `columns`; longer texts push what follows. */
static void lab_print_padded(FILE *out, const char *text, int columns)
{
    int have = lab_print_columns(text, strlen(text));

    fprintf(out, "%s%*s", text, have < columns ? columns - have : 0, "");
}

static void lab_print_value(FILE *out, const json_t *row, const char *unit, int columns)
{
    char value[LAB_RUN_TEXT], spread[LAB_RUN_TEXT], *text;
    double number = lab_run_double(row, "value"), mad = lab_run_double(row, "spread");

    if (isnan(number))
        text = memory_text("–");
    else if (isnan(mad))
        text = memory_text("%s", lab_run_value(number, unit, value));
    else
        text = memory_text("%s ± %s", lab_run_value(number, unit, value), lab_run_value(mad, unit, spread));
    lab_print_padded(out, text, columns);
    free(text);
}

/* The widest of the rows' texts under that key. */
static int lab_print_widest(const json_t *rows, const char *key, int most)
{
    int widest = 0;
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row) {
        const char *text = lab_run_string(row, key);
        int columns = lab_print_columns(text, strlen(text));

        widest = columns > widest ? columns : widest;
    }
    return widest > most ? most : widest;
}

static void lab_print_figures(FILE *out, const json_t *block, int width)
{
    const json_t *rows = json_object_get(block, "rows");
    int label = lab_print_widest(rows, "label", width - LAB_PRINT_LABEL);
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row) {
        fputs("  ", out);
        lab_print_padded(out, lab_run_string(row, "label"), label + 2);
        lab_print_value(out, row, lab_run_string(row, "unit"), 0);
        putc('\n', out);
    }
}

static void lab_print_bar(FILE *out, double share, int columns)
{
    int filled = isnan(share) ? 0 : (int)lrint(share * columns);

    for (int i = 0; i < columns; i++)
        fputs(i < filled ? "█" : i == 0 && share > 0 ? "▏" : " ", out);
}

static void lab_print_bars(FILE *out, const json_t *block, int width)
{
    const json_t *rows = json_object_get(block, "rows");
    int label = lab_print_widest(rows, "label", LAB_PRINT_LABEL), bar = width / 3;
    double most = lab_run_most(rows);
    size_t i;
    json_t *row;

    fprintf(out, "  %s\n", lab_run_string(block, "caption"));
    json_array_foreach(rows, i, row) {
        fputs("    ", out);
        lab_print_padded(out, lab_run_string(row, "label"), label + 1);
        lab_print_bar(out, most > 0 ? lab_run_double(row, "value") / most : 0, bar);
        putc(' ', out);
        lab_print_value(out, row, lab_run_string(block, "unit"), 0);
        fprintf(out, "%s%s\n", *lab_run_string(row, "note") ? "  " : "", lab_run_string(row, "note"));
    }
}

/* --- tables --- */

static void lab_print_cell(FILE *out, const char *text, int columns, bool right)
{
    int have = lab_print_columns(text, strlen(text)), blank = columns > have ? columns - have : 0;

    fprintf(out, "%*s%s%*s", right ? blank : 0, "", text, right ? 0 : blank, "");
}

static int lab_print_column_width(const json_t *block, size_t column)
{
    const char *heading = lab_run_string(json_array_get(json_object_get(block, "columns"), column), "heading");
    int width = lab_print_columns(heading, strlen(heading));
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(block, "rows"), i, row) {
        const char *text = json_string_value(json_array_get(row, column));
        int columns = text ? lab_print_columns(text, strlen(text)) : 0;

        width = columns > width ? columns : width;
    }
    return width;
}

static void lab_print_table(FILE *out, const json_t *block)
{
    const json_t *columns = json_object_get(block, "columns");
    size_t i, j;
    json_t *row, *cell;

    fprintf(out, "  %s\n    ", lab_run_string(block, "caption"));
    json_array_foreach(columns, j, cell) {
        lab_print_cell(out, lab_run_string(cell, "heading"), lab_print_column_width(block, j), json_is_true(json_object_get(cell, "right")));
        fputs("  ", out);
    }
    json_array_foreach(json_object_get(block, "rows"), i, row) {
        fputs("\n    ", out);
        json_array_foreach(row, j, cell) {
            lab_print_cell(out, json_string_value(cell), lab_print_column_width(block, j),
                           json_is_true(json_object_get(json_array_get(columns, j), "right")));
            fputs("  ", out);
        }
    }
    putc('\n', out);
}

/* --- timelines --- */

/* How much of [from, to] a kind of span fills. */
static double lab_print_filled(const json_t *spans, enum lab_kind kind, double from, double to)
{
    double filled = 0;
    size_t i;
    json_t *span;

    json_array_foreach(spans, i, span) {
        double begin = json_number_value(json_array_get(span, 1)), end = json_number_value(json_array_get(span, 2));

        if (lab_run_kind_of(json_string_value(json_array_get(span, 0))) == kind && begin < to && end > from)
            filled += fmin(end, to) - fmax(begin, from);
    }
    return filled;
}

/* The kind that fills most of a column, LAB_KINDS: nothing does. */
static enum lab_kind lab_print_kind(const json_t *spans, double from, double to)
{
    enum lab_kind best = LAB_KINDS;
    double most = 0;

    for (int kind = 0; kind < LAB_KINDS; kind++) {
        double filled = lab_print_filled(spans, (enum lab_kind)kind, from, to);

        if (filled > most) {
            most = filled;
            best = (enum lab_kind)kind;
        }
    }
    return best;
}

char *lab_print_lane(const json_t *spans, double begin, double end, int columns)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        die("memory", errno);
    for (int i = 0; i < columns; i++) {
        enum lab_kind kind = lab_print_kind(spans, begin + (end - begin) * i / columns, begin + (end - begin) * (i + 1) / columns);

        fputs(kind < LAB_KINDS ? lab_print_letters[kind] : " ", out);
    }
    fclose(out);
    return text;
}

static void lab_print_legend(FILE *out, const json_t *legend, double length)
{
    char text[LAB_RUN_TEXT];
    size_t i;
    json_t *entry;

    fputs("    ", out);
    json_array_foreach(legend, i, entry) {
        enum lab_kind kind = lab_run_kind_of(json_string_value(json_array_get(entry, 0)));

        fprintf(out, "%s %s   ", kind < LAB_KINDS ? lab_print_letters[kind] : " ", json_string_value(json_array_get(entry, 1)));
    }
    fprintf(out, "(%s in all)\n", lab_run_value(length, "ns", text));
}

static void lab_print_timeline(FILE *out, const json_t *block, int width)
{
    const json_t *lanes = json_object_get(block, "lanes");
    double begin = lab_run_double(block, "begin"), end = lab_run_double(block, "end");
    int label = lab_print_widest(lanes, "name", LAB_PRINT_LABEL);
    size_t i;
    json_t *lane;

    fprintf(out, "  %s\n", lab_run_string(block, "caption"));
    json_array_foreach(lanes, i, lane) {
        char *line = lab_print_lane(json_object_get(lane, "spans"), begin, end, width - label - 8);

        fputs("    ", out);
        lab_print_padded(out, lab_run_string(lane, "name"), label);
        fprintf(out, " │%s│\n", line);
        free(line);
    }
    lab_print_legend(out, json_object_get(block, "legend"), end - begin);
}

/* --- lanes, and all the rest --- */

static void lab_print_lanes(FILE *out, const json_t *block)
{
    const char *text = json_string_value(json_object_get(block, "text"));
    json_int_t executions = json_integer_value(json_object_get(block, "executions"));

    fprintf(out, "  %s: ", lab_run_string(block, "command"));
    if (text)
        fputs("this execution fails\n", out);
    else
        fprintf(out, "all %" JSON_INTEGER_FORMAT " executions are right\n", executions);
    if (text)
        lab_print_code(out, text, LAB_PRINT_LINES);
}

static void lab_print_any(FILE *out, const json_t *block, int width)
{
    const char *kind = lab_run_string(block, "kind");

    if (strcmp(kind, "say") == 0) {
        char *plain = lab_text_plain(lab_run_string(block, "text"));

        fputs("  ", out);
        lab_print_wrapped(out, plain, 2, 2, width);
        free(plain);
    } else if (strcmp(kind, "figures") == 0) {
        lab_print_figures(out, block, width);
    } else if (strcmp(kind, "bars") == 0) {
        lab_print_bars(out, block, width);
    } else if (strcmp(kind, "table") == 0) {
        lab_print_table(out, block);
    } else if (strcmp(kind, "timeline") == 0) {
        lab_print_timeline(out, block, width);
    } else if (strcmp(kind, "lanes") == 0) {
        lab_print_lanes(out, block);
    } else if (strcmp(kind, "command") == 0) {
        fprintf(out, "  by hand: %s\n", lab_run_string(block, "text"));
    }
}

void lab_print_result(FILE *out, const json_t *document, int width)
{
    const char *status = lab_run_string(document, "status");
    size_t i;
    json_t *block;

    fputs("\nOn this machine\n", out);
    if (*lab_run_string(document, "busy"))
        fprintf(out, "  !! %s\n\n", lab_run_string(document, "busy"));
    json_array_foreach(json_object_get(document, "blocks"), i, block) {
        if (i > 0)
            putc('\n', out);
        lab_print_any(out, block, width);
    }
    fprintf(out, "\n  %s: ", strcmp(status, "shown") == 0 ? "shown" : strcmp(status, "not_shown") == 0 ? "not shown" : "failed");
    lab_print_wrapped(out, lab_run_string(document, "reason"), 13, 2, width);
}
