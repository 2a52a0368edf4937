/*
 * lab_print.h -- a lab for the terminal: its text, and what was found, drawn with letters.
 */
#ifndef BENCH_LAB_PRINT_H
#define BENCH_LAB_PRINT_H

#include <stdio.h>

#include <jansson.h>

#include "lab_text.h"

/* Columns to fill: COLUMNS, or the terminal's; 60 to 120. */
int lab_print_width(void);

/* A section with its heading. */
void lab_print_section(FILE *out, const struct lab_text *text, enum lab_section section, int width);

/* What a run found (lab_run.h): its blocks, and whether the observable came out. */
void lab_print_result(FILE *out, const json_t *document, int width);

/* A line of columns, for the tests: kinds of spans as letters, from `begin` to `end`. The caller frees it. */
char *lab_print_lane(const json_t *spans, double begin, double end, int columns);

#endif
