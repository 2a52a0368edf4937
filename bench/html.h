/*
 * html.h -- text within HTML.
 */
#ifndef BENCH_HTML_H
#define BENCH_HTML_H

#include <stdio.h>

/* For contents and for attributes in double quotes. */
void html_escape(FILE *out, const char *text);

#endif
