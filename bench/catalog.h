/*
 * catalog.h -- the runtime instances linked into this program, found by walking the linker section `rclab_runtimes`.
 * A strategy may be there twice, without and with statistics; lists name it once.
 */
#ifndef BENCH_CATALOG_H
#define BENCH_CATALOG_H

#include "names.h"
#include "runtime.h"

/* NULL if there is none of this name and kind. */
const struct runtime *catalog_runtime(const char *name, bool statistics);

/* Either kind, for what does not depend on it (traits, sizes, workloads). NULL if there is none. */
const struct runtime *catalog_strategy(const char *name);

const struct workload_info *catalog_workload(const struct runtime *runtime, const char *name);

/* A variable of this workload, or one that every workload has. */
const struct param *catalog_param(const struct runtime *runtime, const struct workload_info *workload, const char *name);

/* Why this strategy cannot have that value of a policy; NULL: it can. */
const char *catalog_refusal(const struct runtime *runtime, const char *param, const char *value);

void catalog_strategies(struct names *names); /* alphabetical */
void catalog_workloads(struct names *names);  /* of any strategy, in the runtimes' order */
void catalog_params(struct names *names, const struct runtime *runtime, const struct workload_info *workload);

#endif
