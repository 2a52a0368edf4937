/*
 * lab_text.c -- the text of a lab: its sections, and the little Markdown that they may use.
 */
#define _GNU_SOURCE 1
#include "lab_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "html.h"
#include "memory.h"

enum { LAB_TEXT_LEAST_CHOICES = 2, LAB_TEXT_MOST_CHOICES = 5, LAB_TEXT_EXERCISES = 2, LAB_TEXT_CODE = 4 };

static const char *const lab_text_headings[LAB_SECTIONS] = {
    [LAB_QUESTION] = "Question", [LAB_PREDICTION] = "Prediction", [LAB_HAPPENS] = "What happens",
    [LAB_WHY] = "Why",           [LAB_ELSEWHERE] = "Elsewhere",   [LAB_EXERCISES] = "Exercises"};

const char *lab_text_heading(enum lab_section section)
{
    return lab_text_headings[section];
}

/* --- sections --- */

static const char *lab_text_next_line(const char *line)
{
    const char *end = strchr(line, '\n');

    return end ? end + 1 : line + strlen(line);
}

static char *lab_text_copy(const char *from, const char *to)
{
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    return memory_text("%.*s", (int)(to - from), from);
}

/* The section whose heading begins at `line`; LAB_SECTIONS: none of them. */
static enum lab_section lab_text_section(const char *line)
{
    char *heading = lab_text_copy(line + strlen("## "), lab_text_next_line(line));
    int section = 0;

    while (section < LAB_SECTIONS && strcmp(heading, lab_text_headings[section]) != 0)
        section++;
    free(heading);
    return (enum lab_section)section;
}

void lab_text_parse(struct lab_text *text, const char *markdown)
{
    *text = (struct lab_text){0};
    for (const char *line = markdown, *next; *line; line = next) {
        next = lab_text_next_line(line);
        if (strncmp(line, "# ", 2) == 0 && !text->title)
            text->title = lab_text_copy(line + 2, next);
        if (strncmp(line, "## ", 3) == 0) {
            enum lab_section section = lab_text_section(line);
            const char *body = next;

            while (*next && strncmp(next, "## ", 3) != 0)
                next = lab_text_next_line(next);
            if (section < LAB_SECTIONS && !text->section[section])
                text->section[section] = lab_text_copy(body, next);
        }
    }
}

void lab_text_free(struct lab_text *text)
{
    free(text->title);
    for (int i = 0; i < LAB_SECTIONS; i++)
        free(text->section[i]);
}

char *lab_text_objection(const struct lab_text *text)
{
    size_t choices, exercises;

    if (!text->title || !*text->title)
        return memory_text("it has no title");
    for (int i = 0; i < LAB_SECTIONS; i++)
        if (!text->section[i] || !*text->section[i])
            return memory_text("the section '%s' is missing or empty", lab_text_headings[i]);
    choices = lab_text_items(text->section[LAB_PREDICTION]);
    exercises = lab_text_items(text->section[LAB_EXERCISES]);
    if (choices < LAB_TEXT_LEAST_CHOICES || choices > LAB_TEXT_MOST_CHOICES)
        return memory_text("%zu choices instead of %d to %d", choices, LAB_TEXT_LEAST_CHOICES, LAB_TEXT_MOST_CHOICES);
    if (exercises != LAB_TEXT_EXERCISES)
        return memory_text("%zu exercises instead of %d", exercises, LAB_TEXT_EXERCISES);
    return NULL;
}

/* --- blocks --- */

static bool lab_text_is_blank(const char *line)
{
    line += strspn(line, " \t");
    return *line == '\n' || *line == '\0';
}

/* Characters of an item's mark, 0: it is none. */
static size_t lab_text_mark(const char *line, enum lab_block_kind *kind)
{
    size_t digits = strspn(line, "0123456789");

    *kind = LAB_ITEM;
    if (strncmp(line, "- ", 2) == 0)
        return 2;
    *kind = LAB_NUMBERED;
    return digits && strncmp(line + digits, ". ", 2) == 0 ? digits + 2 : 0;
}

static bool lab_text_is_code(const char *line)
{
    return strspn(line, " ") >= LAB_TEXT_CODE && !lab_text_is_blank(line);
}

static void lab_text_append(char **text, const char *from, const char *to, const char *between)
{
    char *piece = lab_text_copy(from, to), *longer = *text ? memory_text("%s%s%s", *text, between, piece) : memory_text("%s", piece);

    free(piece);
    free(*text);
    *text = longer;
}

static const char *lab_text_code(const char *line, struct lab_block *block)
{
    block->kind = LAB_CODE;
    for (; lab_text_is_code(line); line = lab_text_next_line(line))
        lab_text_append(&block->text, line + LAB_TEXT_CODE, lab_text_next_line(line), "\n");
    return line;
}

bool lab_text_block(const char **at, struct lab_block *block)
{
    const char *line = *at;
    enum lab_block_kind other;
    size_t mark;

    *block = (struct lab_block){.kind = LAB_PARAGRAPH};
    while (*line && lab_text_is_blank(line))
        line = lab_text_next_line(line);
    if (!*line)
        return false;
    if (lab_text_is_code(line)) {
        *at = lab_text_code(line, block);
        return true;
    }
    mark = lab_text_mark(line, &block->kind);
    if (!mark)
        block->kind = LAB_PARAGRAPH;
    line += mark;
    do {
        line += strspn(line, " ");
        lab_text_append(&block->text, line, lab_text_next_line(line), " ");
        line = lab_text_next_line(line);
    } while (!lab_text_is_blank(line) && !lab_text_mark(line, &other));
    *at = line;
    return true;
}

size_t lab_text_items(const char *section)
{
    struct lab_block block;
    size_t items = 0;

    while (section && lab_text_block(&section, &block)) {
        items += block.kind == LAB_ITEM || block.kind == LAB_NUMBERED;
        free(block.text);
    }
    return items;
}

/* --- within a line --- */

struct lab_text_style {
    const char *mark, *html, *end;
};
static const struct lab_text_style lab_text_styles[] = {
    {"`", "<code>", "</code>"}, {"**", "<strong>", "</strong>"}, {"*", "<em>", "</em>"}};

/* What a mark at `at` encloses: from and to; the end of the whole, or NULL if it encloses nothing. A '*' between blanks is itself. */
static const char *lab_text_enclosed(const char *at, const struct lab_text_style *style, const char **from, const char **to)
{
    size_t length = strlen(style->mark);

    if (strncmp(at, style->mark, length) != 0)
        return NULL;
    *from = at + length;
    *to = strstr(*from, style->mark);
    if (!*to || *to == *from || isspace((unsigned char)**from))
        return NULL;
    return *to + length;
}

/* [words](address) at `at`: its end, or NULL. */
static const char *lab_text_link(const char *at, char **words, char **address)
{
    const char *close = *at == '[' ? strstr(at, "](") : NULL, *end = close ? strchr(close, ')') : NULL;

    if (!end || memchr(at + 1, '[', (size_t)(close - at - 1)))
        return NULL;
    *words = memory_text("%.*s", (int)(close - at - 1), at + 1);
    *address = memory_text("%.*s", (int)(end - close - 2), close + 2);
    return end + 1;
}

static void lab_text_line(FILE *out, const char *at, bool html);

static const char *lab_text_put_link(FILE *out, const char *at, bool html)
{
    char *words, *address;
    const char *end = lab_text_link(at, &words, &address);

    if (!end)
        return NULL;
    if (html) {
        fputs("<a href=\"", out);
        html_escape(out, address);
        fputs("\">", out);
        lab_text_line(out, words, true);
        fputs("</a>", out);
    } else {
        fprintf(out, "%s <%s>", words, address);
    }
    free(words);
    free(address);
    return end;
}

static const char *lab_text_put_styled(FILE *out, const char *at, bool html)
{
    for (size_t i = 0; i < sizeof lab_text_styles / sizeof lab_text_styles[0]; i++) {
        const struct lab_text_style *style = &lab_text_styles[i];
        const char *from, *to, *end = lab_text_enclosed(at, style, &from, &to);

        if (end) {
            char *inner = memory_text("%.*s", (int)(to - from), from);

            fputs(html ? style->html : "", out);
            if (i == 0 && html)
                html_escape(out, inner); /* code holds no marks */
            else if (i == 0)
                fputs(inner, out);
            else
                lab_text_line(out, inner, html);
            fputs(html ? style->end : "", out);
            free(inner);
            return end;
        }
    }
    return NULL;
}

static void lab_text_line(FILE *out, const char *at, bool html)
{
    while (*at) {
        const char *end = lab_text_put_link(out, at, html);

        if (!end)
            end = lab_text_put_styled(out, at, html);
        if (!end) {
            char one[] = {*at, 0};

            if (html)
                html_escape(out, one);
            else
                fputs(one, out);
            end = at + 1;
        }
        at = end;
    }
}

char *lab_text_plain(const char *line)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        die("memory", errno);
    lab_text_line(out, line, false);
    if (fclose(out))
        die("memory", errno);
    return text;
}

void lab_text_html(FILE *out, const char *line)
{
    lab_text_line(out, line, true);
}
