/*
 * page_html.h -- the summary and the tables as plain HTML, for browsers that run no script.
 */
#ifndef BENCH_PAGE_HTML_H
#define BENCH_PAGE_HTML_H

#include <jansson.h>

/* From the document that page_document_run's runs are in: the caller frees it. */
char *page_html(const json_t *document);

#endif
