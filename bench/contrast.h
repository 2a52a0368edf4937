/*
 * contrast.h -- two cells, one ratio: of one figure, with an interval. Paired by round within one file; as independent
 * samples between two files, where nothing pairs. Either way only samples of one regime meet (rule 5a); one thread has none.
 */
#ifndef BENCH_CONTRAST_H
#define BENCH_CONTRAST_H

#include "results.h"
#include "summary.h"

enum contrast_figure {
    CONTRAST_THROUGHPUT, /* operations per second */
    CONTRAST_WALL,       /* wall time of one operation of one thread */
    CONTRAST_CPU,        /* CPU time of one operation */
    CONTRAST_RSS,        /* peak memory */
    CONTRAST_FIGURES,
};

struct contrast {
    double median, reference_median; /* of the samples used; 0: none */
    double ratio;                    /* against the reference; 0: none */
    struct interval interval;
    size_t used, reference_used;     /* samples; equal when paired */
    size_t dropped;                  /* of both, for their regime */
    enum results_regime regime;      /* of those used, when not paired */
};

/* "throughput", "wall", "cpu", "rss": false if it is none of them. */
bool contrast_figure_parse(const char *name, size_t length, enum contrast_figure *figure);

void contrast_cells(struct contrast *contrast, const struct result_cell *cell, const struct result_cell *reference,
                    enum contrast_figure figure, bool paired, double alpha);

#endif
