/*
 * long-load.c -- experiment 3 of ft_utils' consistent_counter: ten threads multiply and divide one shared float for long, with a GIL and without.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../catalog.h"
#include "lab.h"

enum { LONG_ROUNDS = 4, LONG_MOST = 64 };

struct long_count {
    int samples, exact, rounded, wrong;
    int64_t bits, lost, reference;
    bool infinite;
};

static double long_double_of(int64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static struct long_count long_count(const struct results *results, const char *strategy)
{
    struct long_count c = {0};
    int64_t bits[LONG_MOST], reference[LONG_MOST], lost[LONG_MOST];
    char key[80];

    snprintf(key, sizeof key, "consistent/%s/t10/kind=long,loads=5000,switch-interval=500", strategy);
    c.samples = (int)lab_fact_values(results, key, "result_bits", bits, LONG_MOST);
    lab_fact_values(results, key, "reference_bits", reference, LONG_MOST);
    lab_fact_values(results, key, "lost", lost, LONG_MOST);
    for (int i = 0; i < c.samples; i++) {
        c.exact += bits[i] == reference[i];
        c.rounded += bits[i] != reference[i] && lost[i] == 0;
        c.wrong += lost[i] != 0;
    }
    if (c.samples > 0) {
        c.bits = bits[0];
        c.lost = lost[0];
        c.reference = reference[0];
    }
    return c;
}

static void long_row(struct lab_run *run, const char *strategy, const struct long_count *c)
{
    char off[48];

    if (c->lost == INT64_MIN)
        snprintf(off, sizeof off, "no number any more");
    else if (c->lost)
        snprintf(off, sizeof off, "off by 3.14^%" PRId64, -c->lost);
    else
        snprintf(off, sizeof off, "%s", c->bits == c->reference ? "the reference" : "other last digits");
    lab_row(run, "%s|%.17g|%s|%d|%d|%d|%d", strategy, long_double_of(c->bits), off, c->samples, c->exact, c->rounded, c->wrong);
}

static void long_run(struct lab_run *run)
{
    static const char *const strategies[] = {"gil", "biased", "atomic"};
    struct long_count count[3];
    const struct results *results;

    for (int i = 0; i < 3; i++)
        if (!lab_needs_strategy(run, strategies[i]))
            return;
    results = lab_measure(run, LONG_ROUNDS, (int)(lab_share(run, 0.5) / 1000000 / LONG_ROUNDS / 3) + 1,
                          "-W consistent -s gil,biased,atomic -t 10 -L kind=long -L loads=5000 -L switch-interval=500");
    if (!results)
        return;
    for (int i = 0; i < 3; i++)
        count[i] = long_count(results, strategies[i]);
    lab_say(run, "One thread that does the work of all ten gets %.17g.", long_double_of(count[0].reference));
    lab_table(run, "The product after 5000 × (10 multiplications, 10 divisions) and one multiplication in each of 10 threads",
              "strategy|>one result|that is|>samples|>exact|>rounded|>wrong");
    for (int i = 0; i < 3; i++)
        long_row(run, strategies[i], &count[i]);
    lab_answer(run, count[0].wrong ? 'c' : count[0].rounded && count[1].wrong ? 'b' : count[1].wrong ? 'a' : 'c');
    if (count[0].wrong)
        lab_not_shown(run, "%d results under the GIL were wrong: this cannot be, please report it", count[0].wrong);
    else if (count[1].wrong + count[2].wrong)
        lab_shown(run, "under the GIL no update is lost, and %d of %d results differ in their last digits; without one %d of %d are wrong", count[0].rounded,
                  count[0].samples, count[1].wrong + count[2].wrong, count[1].samples + count[2].samples);
    else
        lab_not_shown(run, "no update was lost without a GIL either: the threads hardly met%s", lab_cpus(run) < 2 ? ", there is one CPU" : "");
}

LAB(.number = 4, .run = long_run);
