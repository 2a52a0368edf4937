/*
 * lab_page.c -- labs as one HTML page that opens from disk: texts, figures, drawings, steppers.
 *
 * Everything is written here as HTML and SVG; the script of the template hides what comes after a prediction until it is asked for, no more. So
 * the page is whole without the script, and on paper. A failing execution is the explorer's own page, in a frame.
 */
#define _GNU_SOURCE 1
#include "lab_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "html.h"
#include "lab_run.h"
#include "lab_text.h"
#include "machine.h"

/* bench/lab_page.html, with a mark for the labs. */
__asm__(".pushsection .rodata\nlab_page_template: .incbin \"bench/lab_page.html\"\n.byte 0\n.popsection");
extern const char lab_page_template[] __attribute__((visibility("hidden")));
static const char LAB_PAGE_MARK[] = "@RCLAB-LABS@";

enum { LAB_PAGE_UNITS = 10000 }; /* of a lane's length, in its picture */

static void lab_page_element(FILE *out, const char *tag, const char *text)
{
    fprintf(out, "<%s>", tag);
    html_escape(out, text);
    fprintf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

/* Text of ours that may hold Markdown. */
static void lab_page_paragraph(FILE *out, const char *tag, const char *markdown)
{
    fprintf(out, "<%s>", tag);
    lab_text_html(out, markdown);
    fprintf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

/* --- sections --- */

static const char *lab_page_list(const struct lab_block *block)
{
    return block->kind == LAB_NUMBERED ? "ol" : block->kind == LAB_ITEM ? "ul" : NULL;
}

/* Opens and closes lists where the kind of block changes. */
static const char *lab_page_turn(FILE *out, const char *open, const char *wanted)
{
    if (open && open != wanted)
        fprintf(out, "</%s>\n", open);
    if (wanted && open != wanted)
        fprintf(out, "<%s>\n", wanted);
    return wanted;
}

static void lab_page_blocks(FILE *out, const char *markdown)
{
    const char *open = NULL;
    struct lab_block block;

    while (markdown && lab_text_block(&markdown, &block)) {
        open = lab_page_turn(out, open, lab_page_list(&block));
        if (block.kind == LAB_CODE)
            lab_page_element(out, "pre", block.text);
        else
            lab_page_paragraph(out, open ? "li" : "p", block.text);
        free(block.text);
    }
    lab_page_turn(out, open, NULL);
}

static void lab_page_section(FILE *out, const struct lab_text *text, enum lab_section section)
{
    fputs("<section>", out);
    lab_page_element(out, "h3", lab_text_heading(section));
    lab_page_blocks(out, text->section[section]);
    fputs("</section>\n", out);
}

/* The choices as something to choose from. */
static void lab_page_prediction(FILE *out, const struct lab_text *text, const char *name)
{
    const char *at = text->section[LAB_PREDICTION];
    struct lab_block block;
    char letter = 'a';

    fputs("<section class=\"prediction\"><h3>Prediction</h3>\n", out);
    while (at && lab_text_block(&at, &block)) {
        if (block.kind == LAB_PARAGRAPH) {
            lab_page_paragraph(out, "p", block.text);
        } else {
            fprintf(out, "<label><input type=\"radio\" name=\"choice-%s\" value=\"%c\"><span><b>%c)</b> ", name, letter, letter);
            lab_text_html(out, block.text);
            fputs("</span></label>\n", out);
            letter++;
        }
        free(block.text);
    }
    fputs("<p class=\"acts\"><button type=\"button\" class=\"reveal\" aria-expanded=\"true\">Show what happened</button></p></section>\n", out);
}

/* --- figures --- */

static void lab_page_value(FILE *out, const json_t *row, const char *unit)
{
    char value[LAB_RUN_TEXT];
    double number = lab_run_double(row, "value"), spread = lab_run_double(row, "spread");

    if (isnan(number)) {
        fputs("–", out);
        return;
    }
    html_escape(out, lab_run_value(number, unit, value));
    if (!isnan(spread)) {
        fputs(" <small>± ", out);
        html_escape(out, lab_run_value(spread, unit, value));
        fputs("</small>", out);
    }
}

static void lab_page_figures(FILE *out, const json_t *block)
{
    size_t i;
    json_t *row;

    fputs("<table class=\"figures\"><tbody>\n", out);
    json_array_foreach(json_object_get(block, "rows"), i, row) {
        fputs("<tr>", out);
        lab_page_element(out, "th scope=\"row\"", lab_run_string(row, "label"));
        fputs("<td>", out);
        lab_page_value(out, row, lab_run_string(row, "unit"));
        fputs("</td></tr>\n", out);
    }
    fputs("</tbody></table>\n", out);
}

static void lab_page_bar(FILE *out, double share)
{
    fputs("<td class=\"bar\"><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">", out);
    if (share > 0)
        fprintf(out, "<rect width=\"%.0f\" height=\"10\"/>", fmax(share * 1000, 2));
    fputs("</svg></td>", out);
}

static void lab_page_bars(FILE *out, const json_t *block)
{
    const json_t *rows = json_object_get(block, "rows");
    double most = lab_run_most(rows);
    size_t i;
    json_t *row;

    fputs("<table class=\"bars\">", out);
    lab_page_element(out, "caption", lab_run_string(block, "caption"));
    json_array_foreach(rows, i, row) {
        fputs("<tr>", out);
        lab_page_element(out, "th scope=\"row\"", lab_run_string(row, "label"));
        lab_page_bar(out, most > 0 ? lab_run_double(row, "value") / most : 0);
        fputs("<td>", out);
        lab_page_value(out, row, lab_run_string(block, "unit"));
        if (*lab_run_string(row, "note"))
            lab_page_element(out, "span class=\"note\"", lab_run_string(row, "note"));
        fputs("</td></tr>\n", out);
    }
    fputs("</table>\n", out);
}

static void lab_page_table(FILE *out, const json_t *block)
{
    const json_t *columns = json_object_get(block, "columns");
    size_t i, j;
    json_t *row, *cell;

    fputs("<div class=\"scroll\" tabindex=\"0\"><table class=\"plain\">", out);
    lab_page_element(out, "caption", lab_run_string(block, "caption"));
    fputs("<thead><tr>", out);
    json_array_foreach(columns, j, cell)
        lab_page_element(out, json_is_true(json_object_get(cell, "right")) ? "th scope=\"col\" class=\"right\"" : "th scope=\"col\"",
                         lab_run_string(cell, "heading"));
    fputs("</tr></thead><tbody>\n", out);
    json_array_foreach(json_object_get(block, "rows"), i, row) {
        fputs("<tr>", out);
        json_array_foreach(row, j, cell)
            lab_page_element(out, json_is_true(json_object_get(json_array_get(columns, j), "right")) ? "td class=\"right\"" : "td",
                             json_string_value(cell));
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

/* --- timelines --- */

/* What a kind looks like: top and height of 20. Kinds differ in form, so that colour says nothing alone. */
static const struct {
    int top, height;
} lab_page_forms[LAB_KINDS] = {[LAB_RUN] = {0, 20}, [LAB_HOLD] = {3, 14}, [LAB_WAIT] = {9, 2}, [LAB_MOVE] = {6, 8}, [LAB_IO] = {16, 4}};

static void lab_page_span(FILE *out, enum lab_kind kind, double from, double length)
{
    if (kind < LAB_KINDS)
        fprintf(out, "<rect class=\"%s\" x=\"%.0f\" width=\"%.0f\" y=\"%d\" height=\"%d\"/>", lab_run_kind(kind), from, fmax(length, 8),
                lab_page_forms[kind].top, lab_page_forms[kind].height);
}

static void lab_page_lane(FILE *out, const json_t *lane, double begin, double end)
{
    double scale = LAB_PAGE_UNITS / (end - begin);
    size_t i;
    json_t *span;

    fputs("<div class=\"lane\">", out);
    lab_page_element(out, "span", lab_run_string(lane, "name"));
    fprintf(out, "<svg viewBox=\"0 0 %d 20\" preserveAspectRatio=\"none\" aria-hidden=\"true\">", LAB_PAGE_UNITS);
    json_array_foreach(json_object_get(lane, "spans"), i, span) {
        double from = json_number_value(json_array_get(span, 1)), to = json_number_value(json_array_get(span, 2));

        lab_page_span(out, lab_run_kind_of(json_string_value(json_array_get(span, 0))), (from - begin) * scale, (to - from) * scale);
    }
    fputs("</svg></div>\n", out);
}

static void lab_page_legend(FILE *out, const json_t *legend, double length)
{
    char text[LAB_RUN_TEXT];
    size_t i;
    json_t *entry;

    fputs("<p class=\"legend\">", out);
    json_array_foreach(legend, i, entry) {
        fputs("<span><svg viewBox=\"0 0 30 20\" aria-hidden=\"true\">", out);
        lab_page_span(out, lab_run_kind_of(json_string_value(json_array_get(entry, 0))), 0, 30);
        fputs("</svg> ", out);
        html_escape(out, json_string_value(json_array_get(entry, 1)));
        fputs("</span> ", out);
    }
    fprintf(out, "<span>%s from left to right</span></p>\n", lab_run_value(length, "ns", text));
}

static void lab_page_timeline(FILE *out, const json_t *block)
{
    double begin = lab_run_double(block, "begin"), end = lab_run_double(block, "end");
    size_t i;
    json_t *lane;

    fputs("<figure class=\"timeline\">", out);
    lab_page_element(out, "figcaption", lab_run_string(block, "caption"));
    json_array_foreach(json_object_get(block, "lanes"), i, lane)
        lab_page_lane(out, lane, begin, end);
    lab_page_legend(out, json_object_get(block, "legend"), end - begin);
    fputs("</figure>\n", out);
}

/* --- lanes, and all the rest --- */

static void lab_page_lanes(FILE *out, const json_t *block)
{
    const char *text = json_string_value(json_object_get(block, "text")), *html = json_string_value(json_object_get(block, "html"));

    fputs("<figure class=\"explored\"><figcaption><code>", out);
    html_escape(out, lab_run_string(block, "command"));
    fputs("</code>: ", out);
    if (text)
        fputs("this execution fails, step by step</figcaption>\n", out);
    else
        fprintf(out, "all %" JSON_INTEGER_FORMAT " executions are right</figcaption>\n",
                json_integer_value(json_object_get(block, "executions")));
    if (html) {
        fprintf(out, "<iframe title=\"Steps of %s\" loading=\"lazy\" srcdoc=\"", lab_run_string(block, "scenario"));
        html_escape(out, html);
        fputs("\"></iframe>\n", out);
    }
    if (text)
        lab_page_element(out, "pre class=\"steps\"", text);
    fputs("</figure>\n", out);
}

static void lab_page_block(FILE *out, const json_t *block)
{
    const char *kind = lab_run_string(block, "kind");

    if (strcmp(kind, "say") == 0)
        lab_page_paragraph(out, "p", lab_run_string(block, "text"));
    else if (strcmp(kind, "figures") == 0)
        lab_page_figures(out, block);
    else if (strcmp(kind, "bars") == 0)
        lab_page_bars(out, block);
    else if (strcmp(kind, "table") == 0)
        lab_page_table(out, block);
    else if (strcmp(kind, "timeline") == 0)
        lab_page_timeline(out, block);
    else if (strcmp(kind, "lanes") == 0)
        lab_page_lanes(out, block);
    else if (strcmp(kind, "command") == 0) {
        fputs("<p class=\"command\">By hand: ", out);
        lab_page_element(out, "code", lab_run_string(block, "text"));
        fputs("</p>\n", out);
    }
}

static void lab_page_found(FILE *out, const json_t *document)
{
    const char *status = lab_run_string(document, "status");
    size_t i;
    json_t *block;

    fputs("<section class=\"machine\"><h3>On this machine</h3>\n", out);
    if (*lab_run_string(document, "busy"))
        lab_page_element(out, "p class=\"busy\"", lab_run_string(document, "busy"));
    json_array_foreach(json_object_get(document, "blocks"), i, block)
        lab_page_block(out, block);
    fprintf(out, "<p class=\"verdict %s\"><strong>%s:</strong> ", status,
            strcmp(status, "shown") == 0 ? "Shown" : strcmp(status, "not_shown") == 0 ? "Not shown" : "Failed");
    lab_text_html(out, lab_run_string(document, "reason"));
    fputs("</p>\n<p class=\"answer\" hidden></p></section>\n", out);
}

/* --- the page --- */

static void lab_page_lab(FILE *out, const struct lab_page_entry *entry)
{
    struct lab_text text;

    lab_text_parse(&text, entry->lab->text);
    fprintf(out, "<article id=\"%s\" data-status=\"%s\" data-answer=\"%s\">\n<h2><span>%d</span> ", entry->lab->name,
            lab_run_string(entry->document, "status"), lab_run_string(entry->document, "answer"), entry->lab->number);
    lab_text_html(out, text.title);
    fputs("</h2>\n", out);
    lab_page_section(out, &text, LAB_QUESTION);
    lab_page_prediction(out, &text, entry->lab->name);
    fputs("<div class=\"found\">\n", out);
    lab_page_found(out, entry->document);
    for (int section = LAB_HAPPENS; section < LAB_SECTIONS; section++)
        lab_page_section(out, &text, (enum lab_section)section);
    fprintf(out, "<p class=\"command\">By yourself: <code>rclab lab %s</code></p>\n</div>\n</article>\n", entry->lab->name);
    lab_text_free(&text);
}

static void lab_page_contents(FILE *out, const struct lab_page_entry *entry, size_t entries)
{
    fputs("<nav aria-label=\"Labs\"><ol class=\"contents\">\n", out);
    for (size_t i = 0; i < entries; i++) {
        fprintf(out, "<li value=\"%d\"><a href=\"#%s\">", entry[i].lab->number, entry[i].lab->name);
        lab_text_html(out, lab_run_string(entry[i].document, "title"));
        fputs("</a></li>\n", out);
    }
    fputs("</ol></nav>\n", out);
}

static void lab_page_about(FILE *out)
{
    json_t *host = machine_host();
    time_t now = time(NULL);
    char day[16];

    strftime(day, sizeof day, "%Y-%m-%d", gmtime(&now));
    fputs("<p class=\"about\">Measured on: ", out);
    html_escape(out, lab_run_string(host, "cpu"));
    fprintf(out, ", %d CPUs, ", place_cpu_count());
    html_escape(out, lab_run_string(host, "kernel"));
    fprintf(out, ", %s, with %s. Other machines give other figures: run it on yours.</p>\n", day, machine_version());
    json_decref(host);
}

void lab_page_write(FILE *out, const struct lab_page_entry *entry, size_t entries)
{
    const char *mark = strstr(lab_page_template, LAB_PAGE_MARK);

    fwrite(lab_page_template, 1, (size_t)(mark - lab_page_template), out);
    lab_page_about(out);
    lab_page_contents(out, entry, entries);
    for (size_t i = 0; i < entries; i++)
        lab_page_lab(out, &entry[i]);
    fputs(mark + strlen(LAB_PAGE_MARK), out);
}
