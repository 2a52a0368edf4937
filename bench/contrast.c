/*
 * contrast.c -- two cells, one ratio.
 */
#include "contrast.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

bool contrast_figure_parse(const char *name, size_t length, enum contrast_figure *figure)
{
    static const char *const names[CONTRAST_FIGURES] = {
        [CONTRAST_THROUGHPUT] = "throughput", [CONTRAST_WALL] = "wall", [CONTRAST_CPU] = "cpu", [CONTRAST_RSS] = "rss"};

    for (size_t i = 0; i < CONTRAST_FIGURES; i++)
        if (strlen(names[i]) == length && strncmp(name, names[i], length) == 0) {
            *figure = (enum contrast_figure)i;
            return true;
        }
    return false;
}

/* Not above zero: there is none, and no ratio can be made of it. */
static double contrast_value(const struct observation *observation, enum contrast_figure figure)
{
    const double *metric = observation->metric;

    if (observation->status != RESULTS_OK)
        return 0;
    switch (figure) {
    case CONTRAST_WALL: return metric[RESULTS_NS_PER_OP];
    case CONTRAST_CPU: return metric[RESULTS_CPU] * 1e9 / metric[RESULTS_RATE];
    case CONTRAST_RSS: return metric[RESULTS_RSS];
    default: return metric[RESULTS_RATE];
    }
}

static size_t contrast_values(const struct result_cell *cell, enum contrast_figure figure, enum results_regime regime,
                              double *values)
{
    size_t count = 0;

    for (size_t i = 0; i < cell->observations; i++) {
        double value = contrast_value(&cell->observation[i], figure);

        if (cell->observation[i].regime == regime && value > 0)
            values[count++] = value;
    }
    return count;
}

static size_t contrast_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The regime that leaves most samples on the weaker side. */
static enum results_regime contrast_regime(const struct result_cell *cell, const struct result_cell *reference,
                                           enum contrast_figure figure, double *scratch)
{
    enum results_regime best = RESULTS_UNPROBED;
    size_t most = 0;

    for (int regime = 0; regime < RESULTS_FLIPPED; regime++) {
        size_t count = contrast_least(contrast_values(cell, figure, (enum results_regime)regime, scratch),
                                      contrast_values(reference, figure, (enum results_regime)regime, scratch));

        if (count > most) {
            most = count;
            best = (enum results_regime)regime;
        }
    }
    return best;
}

static void contrast_unpaired(struct contrast *contrast, const struct result_cell *cell, const struct result_cell *reference,
                              enum contrast_figure figure, double alpha)
{
    size_t most = cell->observations + reference->observations;
    double *now = memory_alloc(most, sizeof now[0]), *then = memory_alloc(most, sizeof then[0]);

    contrast->regime = contrast_regime(cell, reference, figure, now);
    contrast->used = contrast_values(cell, figure, contrast->regime, now);
    contrast->reference_used = contrast_values(reference, figure, contrast->regime, then);
    contrast->dropped = cell->count[RESULTS_OK] - contrast->used + reference->count[RESULTS_OK] - contrast->reference_used;
    if (contrast->used)
        contrast->median = summary_median(now, contrast->used);
    if (contrast->reference_used)
        contrast->reference_median = summary_median(then, contrast->reference_used);
    if (contrast->used && contrast->reference_used) {
        contrast->ratio = summary_quotient(now, contrast->used, then, contrast->reference_used);
        contrast->interval = summary_quotient_interval(now, contrast->used, then, contrast->reference_used, alpha);
    }
    free(now);
    free(then);
}

/* Cells of several threads meet within one regime. One thread has no distance to another: it meets any but a flipped one, as
 * a number of threads is compared with one thread. */
static bool contrast_meet(const struct result_cell *cell, const struct observation *one, const struct result_cell *reference,
                          const struct observation *other)
{
    if (cell->threads > 1 && reference->threads > 1)
        return results_same_regime(one, other);
    return one->regime != RESULTS_FLIPPED && other->regime != RESULTS_FLIPPED;
}

static void contrast_paired(struct contrast *contrast, const struct result_cell *cell, const struct result_cell *reference,
                            enum contrast_figure figure, double alpha)
{
    double *ratio = memory_alloc(3 * cell->observations, sizeof ratio[0]);
    double *now = ratio + cell->observations, *then = now + cell->observations;

    for (size_t i = 0; i < cell->observations; i++) {
        const struct observation *one = &cell->observation[i], *other = results_observation(reference, one->round);
        double a = contrast_value(one, figure), b = other ? contrast_value(other, figure) : 0;

        if (!(a > 0 && b > 0))
            continue;
        if (!contrast_meet(cell, one, reference, other)) {
            contrast->dropped += 2;
            continue;
        }
        now[contrast->used] = a;
        then[contrast->used] = b;
        ratio[contrast->used++] = a / b;
    }
    contrast->reference_used = contrast->used;
    if (contrast->used) {
        contrast->median = summary_median(now, contrast->used);
        contrast->reference_median = summary_median(then, contrast->used);
        contrast->ratio = summary_median(ratio, contrast->used);
        contrast->interval = summary_sign_interval(ratio, contrast->used, alpha);
    }
    free(ratio);
}

void contrast_cells(struct contrast *contrast, const struct result_cell *cell, const struct result_cell *reference,
                    enum contrast_figure figure, bool paired, double alpha)
{
    *contrast = (struct contrast){0};
    (paired ? contrast_paired : contrast_unpaired)(contrast, cell, reference, figure, alpha);
}
