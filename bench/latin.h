/*
 * latin.h -- the order of the cells within each round: rows of a balanced Latin square (Williams 1949).
 * Over one square every cell stands at every slot once, and follows every other cell equally often, so that neither the
 * place in the round nor the predecessor (a hot or cold machine) favours a cell. A square has n rows, or 2n when n is odd.
 */
#ifndef BENCH_LATIN_H
#define BENCH_LATIN_H

#include <stddef.h>
#include <stdint.h>

size_t latin_rows(size_t cells);

/* Writes a permutation of 0 … cells-1. The seed decides the labels and the order of the rows; each further square of the
 * same run is drawn anew. */
void latin_order(uint64_t seed, size_t cells, size_t round, size_t *order);

#endif
