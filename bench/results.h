/*
 * results.h -- one run in memory, built from the records of its file and from nothing else: `rclab run` and `rclab show`
 * print the same table because both come through here.
 */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "runtime.h"

enum { RESULTS_MOST_ROUNDS = 10000, RESULTS_MOST_CELLS = 4096 };

enum results_status { RESULTS_OK, RESULTS_WRONG, RESULTS_CRASH, RESULTS_TIMEOUT, RESULTS_SKIPPED, RESULTS_STATUSES };

enum results_metric {
    RESULTS_RATE,      /* operations per second of wall time */
    RESULTS_NS_PER_OP, /* of one thread: wall time x threads / operations */
    RESULTS_CPU,       /* CPU time / wall time */
    RESULTS_SKEW,      /* (last end - first end) / wall time */
    RESULTS_DRAIN,     /* drain time / wall time */
    RESULTS_RSS,       /* peak memory, KiB; below 0: unknown */
    RESULTS_METRICS,
};

/* How far apart the CPUs of a sample with several threads were, by the line hop before and after it. */
enum results_regime {
    RESULTS_UNPROBED, /* one thread, or threads that are not pinned to two CPUs */
    RESULTS_NEAR,     /* both hops below RESULTS_FAR_NS */
    RESULTS_FAR,
    RESULTS_FLIPPED,  /* it changed while the sample was taken: comparable with nothing */
    RESULTS_REGIMES,
};
#define RESULTS_FAR_NS 80.0 /* between the two kinds seen on virtual machines: 30 … 45 and 155 … 185 ns */

struct observation {
    int round;
    enum results_regime regime;
    double hop_ns; /* mean of the two probes; 0: RESULTS_UNPROBED */
    enum results_status status;
    double metric[RESULTS_METRICS]; /* of RESULTS_OK only */
    bool answer_ok;                 /* false in a RESULTS_OK one: wrong by design */
    bool demonstration;             /* wrong answers are expected, whatever this one is */
    bool preempted;                 /* a thread was switched off against its will */
    json_t *record;                 /* the sample itself */
};

struct result_cell {
    const char *key, *strategy, *workload, *unit; /* these belong to the run record */
    json_t *params;                               /* borrowed from the run record */
    int threads;
    bool unsafe; /* wrong answers expected: the strategy is unsafe and there are several threads */
    bool demonstration; /* wrong answers expected: a sample says so (a workload or values that show a race) */
    bool aa, oversubscribed;
    struct observation *observation;
    size_t observations, count[RESULTS_STATUSES];
    int rounds; /* one more than the highest round seen */
};

struct results {
    json_t *run; /* the run record */
    struct result_cell *cell;
    size_t cells;
    const char *reference;
    int rounds;
    int64_t value_ns; /* warm-up and measured time of one sample */
    struct pace pace;  /* how requests were timed; off: throughput was measured */
    bool exploratory, statistics, forced;
    bool ended, complete; /* an end record was there; it said complete */
};

/* Takes a reference to the record. False, with *why set to a constant, if it is not a run of this schema. */
bool results_begin(struct results *results, json_t *run, const char **why);

/* Any further record: sample, end, or resume (the run was gone on with: there may be more rounds). Takes a reference. False,
 * with *why set, if it does not belong. */
bool results_add(struct results *results, json_t *record, const char **why);
void results_free(struct results *results);

/* A metric of all RESULTS_OK observations into `values` (of cell->observations places); their number. */
size_t results_values(const struct result_cell *cell, enum results_metric metric, double *values);

/* Operations that the toolkit's own counters of a RESULTS_OK observation cover: with the warm-up. */
double results_counted_ops(const struct observation *observation);

/* NULL if this cell has no sample of this round. */
const struct observation *results_observation(const struct result_cell *cell, int round);

/* Failed ones that are not expected to fail. */
size_t results_failures(const struct result_cell *cell);

/* Never ranked, no reference, no ratio, no gate. Failures of an unsafe one are expected as well, those of a demonstration not. */
bool results_wrong_expected(const struct result_cell *cell);

/* In one regime, so that their ratio means something. */
bool results_same_regime(const struct observation *a, const struct observation *b);
const char *results_regime_name(enum results_regime regime);

/* What cells can be compared along, besides the name of a variable of -L. */
#define RESULTS_STRATEGY "strategy"
#define RESULTS_THREADS "threads"
enum { RESULTS_VALUE = 12 }; /* a number of threads, as a text */

/* "biased", "2", or the variable's value; NULL if the workload has no such variable. The cell's own, or in `text`. */
const char *results_along(const struct result_cell *cell, const char *axis, char text[RESULTS_VALUE]);

/* Same in all but that. */
bool results_alike(const struct result_cell *a, const struct result_cell *b, const char *axis);

/* Same workload, threads and values. */
bool results_same_group(const struct result_cell *a, const struct result_cell *b);

/* NULL, or why this build must not give verdicts: constant. */
const char *results_build_objection(const struct results *results);

/* The workers ran under callgrind: their instruction counts are exact, their times mean nothing. */
bool results_instructions_only(const struct results *results);

#endif
