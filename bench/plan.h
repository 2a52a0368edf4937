/*
 * plan.h -- the cells of a run: strategy x workload x threads x combination of -L values. All names and values are checked
 * here, before anything is measured.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <jansson.h>

#include "bindings.h"
#include "options.h"
#include "place.h"
#include "runtime.h"

enum { PLAN_MOST_CELLS = RESULTS_MOST_CELLS };

struct cell {
    char *key;      /* "fib/biased/t2/shared=counted": names what is not the default */
    char *strategy; /* the runtime's name, or "gil (A/A)" */
    const struct runtime *runtime;
    const struct workload_info *workload;
    int threads;
    bool aa;                                       /* the reference once more */
    bool oversubscribed;                           /* more threads than CPUs */
    struct param_value params[RUNTIME_MAX_PARAMS]; /* as given by -L: borrowed from the options */
    struct pace pace;                              /* how its requests are timed */
    int hangs;                                     /* workers of it that hung so far */
};

struct plan {
    struct cell *cell;
    size_t cells;
    char *reference; /* strategy to compare with */
};

/* Exits 2 on an unknown name or a value that is not allowed. The options and the place must outlive the plan. */
void plan_build(struct plan *plan, const struct options *options, const struct place *place);
json_t *plan_json(const struct plan *plan, const struct place *place); /* the "plan" of a run record */

/* Exits 2 unless every variable of -L belongs to one of these workloads at least, and every value is one that all these strategies can
 * have. */
void plan_check_bindings(const struct bindings *bindings, const struct names *strategies, const struct names *workloads);
void plan_free(struct plan *plan);

#endif
