/*
 * runs.c -- reads a file of samples run by run.
 */
#include "runs.h"

#include <stdio.h>
#include <string.h>

#include "exits.h"
#include "samples.h"

/* A run record begins another run. Consumes the record. */
static void runs_record(struct results *results, json_t *record, const char *path, runs_take *take, void *context,
                        const char **why)
{
    const char *type = json_string_value(json_object_get(record, "t"));

    if (results->run && type && strcmp(type, "run") == 0) {
        take(results, path, context);
        results_free(results);
        results->run = NULL;
    }
    if (results->run)
        results_add(results, record, why);
    else
        results_begin(results, record, why);
    json_decref(record);
}

int runs_read(const char *path, runs_take *take, void *context)
{
    struct samples_reader reader;
    struct results results = {0};
    const char *why = NULL;
    json_t *record;
    int code = EXITS_OK;

    if (!samples_open(&reader, path))
        return EXITS_USAGE;
    while (!why && (record = samples_next(&reader)))
        runs_record(&results, record, path, take, context, &why);
    if (!why && !reader.failed && !results.run)
        why = "the file is empty";
    if (why)
        fprintf(stderr, "rclab: %s:%zu: %s\n", path, reader.line, why);
    if (why || reader.failed)
        code = EXITS_USAGE;
    else
        take(&results, path, context);
    samples_finish(&reader);
    if (results.run)
        results_free(&results);
    return code;
}
