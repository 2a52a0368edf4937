/*
 * axis.h -- what the cells of one file can be compared along: their strategies, the values of a variable of -L, their numbers
 * of threads. Two values can be compared if two cells differ in them alone; such cells were measured in the same rounds.
 */
#ifndef BENCH_AXIS_H
#define BENCH_AXIS_H

#include "names.h"
#include "results.h"

/* Some two cells differ along it alone. */
bool axis_compares(const struct results *results, const char *axis);

/* All of which that is true: the strategy first, then the variables, the threads last. */
void axis_all(const struct results *results, struct names *axes);

/* Its values in the plan's order. The reference once more (A/A) is no strategy of its own. */
void axis_values(const struct results *results, const char *axis, struct names *values);

/* Exits 2: it is unknown, or nothing differs along it alone; names those along which something does. */
_Noreturn void axis_refuse(const struct results *results, const char *axis, const char *file);

#endif
