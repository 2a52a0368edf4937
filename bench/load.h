/*
 * load.h -- a whole file of samples as one run in memory: for the commands that compare, merge, export and continue.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdio.h>

#include "results.h"

/* What stands at the end of a file that was cut off. */
struct load_tail {
    long whole;    /* bytes up to the end of the last whole record */
    bool cut;      /* a piece of a line follows */
    bool unended;  /* the last record is whole but for its newline */
};

/* False, with a message, if it cannot be read, is damaged or holds not exactly one run; the results are free then. */
bool load_file(const char *path, struct results *results);

/* The same from an open stream, which it closes. `name` is for messages; `tail` may be NULL. */
bool load_stream(FILE *stream, const char *name, struct results *results, struct load_tail *tail);

#endif
