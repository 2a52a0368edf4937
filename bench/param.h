/*
 * param.h -- the variables of workloads (struct param of runtime.h): finding, checking and describing them.
 */
#ifndef BENCH_PARAM_H
#define BENCH_PARAM_H

#include "names.h"
#include "runtime.h"

/* In a list that ends with a NULL name; the list itself may be NULL. */
const struct param *param_find(const struct param *list, const char *name);

/* Adds the values of a PARAM_CHOICE. */
void param_choices(const struct param *param, struct names *choices);

/* "counted|immortal", "1 to 40", "a path": the caller frees it. */
char *param_values(const struct param *param);

/* NULL if the value is allowed; else what is wrong with it, which the caller frees. */
char *param_refusal(const struct param *param, const char *value);

#endif
