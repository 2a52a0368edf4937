/*
 * lab_page.h -- labs as one HTML page that opens from disk: texts, figures, drawings, steppers.
 */
#ifndef BENCH_LAB_PAGE_H
#define BENCH_LAB_PAGE_H

#include <stdio.h>

#include <jansson.h>

#include "labs/lab.h"

struct lab_page_entry {
    const struct lab *lab;
    json_t *document; /* lab_run.h */
};

void lab_page_write(FILE *out, const struct lab_page_entry *entry, size_t entries);

#endif
