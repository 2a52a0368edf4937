/*
 * callgrind.h -- instruction counts without a PMU: a worker under valgrind's callgrind, collecting in the measured round only.
 * Exact and repeatable, but threads are run in turn: no contention, no cache coherence, and no times.
 */
#ifndef BENCH_CALLGRIND_H
#define BENCH_CALLGRIND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "runtime.h"

/* --- the driver's side --- */

struct callgrind {
    char *folder, *file; /* a temporary one; what callgrind writes in it */
    char **argv;         /* valgrind and its options, ends with NULL: what a worker is started through */
};

/* Exits 77, naming the package, if valgrind is not installed or this program was built without its header. */
void callgrind_require(void);
void callgrind_begin(struct callgrind *callgrind);

/* Puts what callgrind wrote into the record's "counters"; null with an errno if it wrote nothing. Removes its file. */
void callgrind_add(const struct callgrind *callgrind, json_t *record);
void callgrind_end(struct callgrind *callgrind);

struct callgrind_totals {
    bool found;
    uint64_t instructions, locked; /* events Ir and Ge */
};
struct callgrind_totals callgrind_parse(FILE *file);

/* --- the worker's side --- */

void callgrind_listen(struct sample_request *request);

#endif
