/*
 * page_document.h -- one run as the JSON that the page draws: scripts/page/README.md says what is in it.
 */
#ifndef BENCH_PAGE_DOCUMENT_H
#define BENCH_PAGE_DOCUMENT_H

#include <jansson.h>

#include "results.h"

/* Bumped when a template of before could not draw it. */
#define PAGE_SCHEMA "rclab-page/1"

/* New reference; never NULL. */
json_t *page_document_run(const struct results *results, const char *path);

#endif
