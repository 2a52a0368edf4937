/*
 * notes.h -- the notes under a table: what failed and why, what disturbed the samples, what more rounds would settle, and
 * the facts that the workload found.
 */
#ifndef BENCH_NOTES_H
#define BENCH_NOTES_H

#include <stddef.h>

#include "names.h"
#include "results.h"
#include "table.h"
#include "verdict.h"

/* For the rows of one group; rows > 0. The texts are added to `notes` and `facts`. */
void notes_list(const struct results *results, const struct row *row, size_t rows, struct names *notes, struct names *facts);
void notes_print(const struct results *results, const struct row *row, size_t rows, enum table_style style);

#endif
