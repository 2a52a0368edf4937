/*
 * lab_run.h -- one lab in progress, seen from the driver: its result is a JSON object that lab_print and lab_page draw.
 *
 *   {"lab", "number", "title", "status": "shown" | "not_shown" | "failed", "reason", "answer": "b" or null, "busy": text or null, "seconds",
 *    "blocks": [{"kind": "say", "text"}
 *               {"kind": "figures", "rows": [{"label", "value", "unit", "spread"}]}
 *               {"kind": "bars", "caption", "unit", "rows": [{"label", "value", "spread", "note"}]}
 *               {"kind": "table", "caption", "columns": [{"heading", "right"}], "rows": [[text]]}
 *               {"kind": "timeline", "caption", "begin", "end", "legend": [[kind, words]], "lanes": [{"name", "spans": [[kind, from, to]]}]}
 *               {"kind": "command", "text"}
 *               {"kind": "lanes", "command", "scenario", "strategy", "verdict", "executions", "text", "html"}]}
 *
 * Spread, note and html may be null.
 */
#ifndef BENCH_LAB_RUN_H
#define BENCH_LAB_RUN_H

#include <jansson.h>

#include "labs/lab.h"
#include "place.h"
#include "results.h"

enum { LAB_RUN_MOST_RESULTS = 16 };

struct lab_run {
    const struct lab *lab;
    double seconds;
    struct place place;
    json_t *document, *blocks;
    struct results *results[LAB_RUN_MOST_RESULTS]; /* of lab_measure, until the end */
    size_t measured;
};

/* Runs the lab in this process. The document: new reference. */
json_t *lab_run_here(const struct lab *lab, double seconds);

/* A document for a lab that crashed or hung. New reference. */
json_t *lab_run_failed(const struct lab *lab, const char *why);

/* Adds a block of that kind; borrowed. */
json_t *lab_run_block(struct lab_run *run, const char *kind);

/* Of a value for people: three significant digits, "1.23 Mcalls/s", "34.5 ns"; "ns" grows to µs, ms, s. `text` has LAB_RUN_TEXT bytes. */
enum { LAB_RUN_TEXT = 64 };
const char *lab_run_value(double value, const char *unit, char *text);

/* Of a document's objects: "" where there is no such text, NAN where there is no such number; the highest "value" of rows, at least 0. */
const char *lab_run_string(const json_t *object, const char *key);
double lab_run_double(const json_t *object, const char *key);
double lab_run_most(const json_t *rows);

/* Of a kind of span, as JSON has it; and back, LAB_KINDS if it is none. */
const char *lab_run_kind(enum lab_kind kind);
enum lab_kind lab_run_kind_of(const char *name);

#endif
