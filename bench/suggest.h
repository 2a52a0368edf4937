/*
 * suggest.h -- an unknown name is answered with the near ones and with all that are allowed.
 */
#ifndef BENCH_SUGGEST_H
#define BENCH_SUGGEST_H

#include <stddef.h>

#include "names.h"

/* Letters to insert, delete, replace or swap with their neighbour to make one word of the other. Words are cut at 63. */
size_t suggest_distance(const char *a, const char *b);

/* Adds to `near` the names close to `word`, or that it abbreviates. */
void suggest_near(const char *word, const struct names *allowed, struct names *near);

/* Exits 2: "unknown KIND 'WORD' (did you mean …?); allowed: …". */
_Noreturn void suggest_die(const char *kind, const char *word, const struct names *allowed);

#endif
