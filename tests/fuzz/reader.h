/*
 * reader.h -- one input for the reader of sample files, and for all that is done with what it accepts: judged, compared,
 * printed, exported. Shared by the fuzzer (fuzz_reader.c) and by the test that replays its corpus (test_corpus.c).
 * Prints to standard output and error: the caller points them at /dev/null.
 */
#ifndef TESTS_FUZZ_READER_H
#define TESTS_FUZZ_READER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../bench/contrast.h"
#include "../../bench/export_formats.h"
#include "../../bench/gate.h"
#include "../../bench/identity.h"
#include "../../bench/load.h"
#include "../../bench/report.h"
#include "../../bench/verdict.h"

static void reader_require(bool holds)
{
    if (!holds)
        abort();
}

/* Every cell against every other: what compare does. An interval must be one. */
static void reader_contrast(const struct results *results)
{
    for (size_t i = 0; i < results->cells; i++)
        for (size_t j = 0; j < results->cells; j++)
            for (int figure = 0; figure < 2 * CONTRAST_FIGURES; figure++) {
                struct contrast contrast;

                contrast_cells(&contrast, &results->cell[i], &results->cell[j], (enum contrast_figure)(figure / 2), figure % 2,
                               0.05);
                reader_require(!contrast.interval.exists || contrast.interval.low <= contrast.interval.high);
            }
}

/* A run is the same experiment as itself. */
static void reader_identity(const struct results *results)
{
    char hash[IDENTITY_HASH];

    reader_require(!identity_plan_difference(results->run, results->run));
    reader_require(!identity_host_difference(results->run, results->run));
    reader_require(!identity_kernel_difference(results->run, results->run));
    reader_require(!identity_build_difference(results->run, results->run));
    reader_require(!identity_cpus_difference(results->run, results->run));
    identity_plan_hash(results->run, hash);
}

/* True if the input was accepted as a file of samples. */
static bool reader_one(const uint8_t *data, size_t size)
{
    FILE *stream = fmemopen((void *)data, size, "r");
    struct results results;
    struct load_tail tail;

    reader_require(stream != NULL);
    if (!load_stream(stream, "input", &results, &tail)) {
        reader_require(results.run == NULL);
        return false;
    }
    reader_require(tail.whole >= 0 && (size_t)tail.whole <= size);
    reader_require(!tail.unended || (size_t)tail.whole == size);
    reader_contrast(&results);
    reader_identity(&results);
    report_head(&results, TABLE_MARKDOWN);
    report_tables(&results, TABLE_MARKDOWN, false);
    report_tables(&results, TABLE_CSV, true);
    export_json(&results, stdout);
    export_csv(&results, stdout);
    export_junit(&results, stdout);
    export_pyperf(&results, stdout);
    results_free(&results);
    return true;
}

#endif
