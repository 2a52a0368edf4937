/*
 * load.c -- a whole file of samples as one run in memory.
 */
#include "load.h"

#include <errno.h>
#include <string.h>

#include "samples.h"

static bool load_is_run(const json_t *record)
{
    const char *type = json_string_value(json_object_get(record, "t"));

    return type && strcmp(type, "run") == 0;
}

/* Consumes the record. */
static bool load_record(struct results *results, json_t *record, const char **why)
{
    bool taken = false;

    if (!results->run)
        taken = results_begin(results, record, why);
    else if (load_is_run(record))
        *why = "a second run in one file: split it, one run for each file";
    else
        taken = results_add(results, record, why);
    json_decref(record);
    return taken;
}

bool load_stream(FILE *stream, const char *name, struct results *results, struct load_tail *tail)
{
    struct samples_reader reader;
    const char *why = NULL;
    json_t *record;
    bool failed;

    *results = (struct results){0};
    samples_open_stream(&reader, stream, name);
    while (!why && (record = samples_next(&reader)))
        load_record(results, record, &why);
    if (!why && !reader.failed && !results->run)
        why = "the file is empty";
    if (why)
        fprintf(stderr, "rclab: %s:%zu: %s\n", name, reader.line, why);
    if (tail)
        *tail = (struct load_tail){.whole = reader.whole, .cut = reader.cut, .unended = reader.unended};
    failed = why || reader.failed;
    samples_finish(&reader);
    if (failed)
        results_free(results);
    return !failed;
}

bool load_file(const char *path, struct results *results)
{
    FILE *stream = fopen(path, "re");

    if (!stream) {
        fprintf(stderr, "rclab: %s: %s\n", path, strerror(errno));
        return false;
    }
    return load_stream(stream, path, results, NULL);
}
