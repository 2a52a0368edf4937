/*
 * gate.h -- `--fail-if 'throughput:-5%'`: a bound on the ratio of one figure, for continuous integration.
 * The sign says which way is bad: -5% fails below 0.95, +5% above 1.05. A gate fails only if the whole interval of the
 * ratio lies beyond the bound, and passes only if all of it lies on the good side; else it is undecided.
 */
#ifndef BENCH_GATE_H
#define BENCH_GATE_H

#include "contrast.h"

enum gate_verdict { GATE_PASSED, GATE_FAILED, GATE_UNDECIDED };

struct gate {
    const char *text; /* as the user wrote it: borrowed */
    enum contrast_figure figure;
    double bound; /* of the ratio; below 1: smaller is bad */
};

/* Exits 2 if it is not one. */
void gate_parse(struct gate *gate, const char *text);

enum gate_verdict gate_judge(const struct gate *gate, struct interval interval);

#endif
