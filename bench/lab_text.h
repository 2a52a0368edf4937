/*
 * lab_text.h -- the text of a lab (bench/labs/NAME.md): its sections, and the little Markdown that they may use.
 *
 *     # Title
 *     ## Question        paragraphs
 *     ## Prediction      a paragraph, then the choices: two to five items "- …"
 *     ## What happens    ## Why (names its source)    ## Elsewhere
 *     ## Exercises       two items "1. …", "2. …"
 *
 * Blocks: paragraphs, items (continued by lines that are indented by two or more), code (lines indented by four). Within a line: `code`,
 * **strong**, *stressed*, [words](address).
 */
#ifndef BENCH_LAB_TEXT_H
#define BENCH_LAB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum lab_section { LAB_QUESTION, LAB_PREDICTION, LAB_HAPPENS, LAB_WHY, LAB_ELSEWHERE, LAB_EXERCISES, LAB_SECTIONS };

struct lab_text {
    char *title;
    char *section[LAB_SECTIONS]; /* its Markdown; NULL: it is not there */
};

void lab_text_parse(struct lab_text *text, const char *markdown);
void lab_text_free(struct lab_text *text);
const char *lab_text_heading(enum lab_section section);

/* NULL, or what is missing: the caller frees it. */
char *lab_text_objection(const struct lab_text *text);

enum lab_block_kind { LAB_PARAGRAPH, LAB_ITEM, LAB_NUMBERED, LAB_CODE };
struct lab_block {
    enum lab_block_kind kind;
    char *text; /* one line but for code; the caller frees it */
};

/* The next block of a section, from *at, which moves on. False: no more. */
bool lab_text_block(const char **at, struct lab_block *block);

/* Items of either kind. */
size_t lab_text_items(const char *section);

/* What stands within a line: plain without its marks, or as HTML (escaped). */
char *lab_text_plain(const char *line); /* the caller frees it */
void lab_text_html(FILE *out, const char *line);

#endif
