/*
 * consistent-counter.c -- ft_utils' consistent_counter: its four experiments, each in ten threads and then ten times in one, with a GIL and
 * without one. The workload `consistent` runs them and refuses its sample when the fourth is not right to the last bit.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lab.h"

/* What there is for one load of all ten threads; a repetition is run about four times a cell (warm-up, reference, measured). */
enum { CONSISTENT_LOAD_NS = 30000, CONSISTENT_PARTS = 4, CONSISTENT_LEAST = 1000, CONSISTENT_MOST = 100000 };

static const struct consistent_experiment {
    const char *key, *words; /* the key without its loads; the workload's default is not in it */
} consistent_experiments[] = {
    {"", "1 simple"},
    {"kind=tracked,", "2 tracked"},
    {"kind=long,", "3 long load"},
    {"kind=locked,", "4 consistent"},
};
static const char *const consistent_strategies[] = {"gil", "biased"};
enum { CONSISTENT_EXPERIMENTS = 4, CONSISTENT_STRATEGIES = 2 };

/* What one cell found. */
struct consistent_found {
    double result, alone;
    int64_t peak;
    int failed, samples;
    bool known, same;
};

/* The first value of a fact; 0: there is none. */
static int64_t consistent_fact(const struct results *results, const char *key, const char *fact, bool *known)
{
    int64_t value;

    *known = lab_fact_values(results, key, fact, &value, 1) > 0;
    return *known ? value : 0;
}

static double consistent_double(int64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static struct consistent_found consistent_find(const struct results *results, const char *strategy, const char *experiment, int loads)
{
    struct consistent_found found = {0};
    int64_t result, alone;
    char key[128];

    snprintf(key, sizeof key, "consistent/%s/t10/%sloads=%d", strategy, experiment, loads);
    result = consistent_fact(results, key, "result_bits", &found.known);
    alone = consistent_fact(results, key, "alone_bits", &found.known);
    found.peak = consistent_fact(results, key, "peak", &found.known);
    found.result = consistent_double(result);
    found.alone = consistent_double(alone);
    found.same = found.known && result == alone;
    lab_failures(results, key, &found.failed, &found.samples);
    return found;
}

static void consistent_show(struct lab_run *run, const struct consistent_found *found, const char *experiment, const char *strategy)
{
    char peak[24] = "–";

    if (found->peak > 0)
        snprintf(peak, sizeof peak, "%" PRId64, found->peak);
    lab_row(run, "%s|%s|%.17g|%.17g|%s|%s", experiment, strategy, found->result, found->alone, found->same ? "yes" : "no", peak);
}

static void consistent_judge(struct lab_run *run, struct consistent_found found[CONSISTENT_STRATEGIES][CONSISTENT_EXPERIMENTS])
{
    bool mended = true, broken = false;

    for (int s = 0; s < CONSISTENT_STRATEGIES; s++) {
        mended &= found[s][3].known && found[s][3].same && found[s][3].failed == 0;
        broken |= found[s][2].known && !found[s][2].same;
    }
    lab_answer(run, !mended ? 'c' : broken ? 'b' : 'a');
    if (!mended)
        lab_not_shown(run, "under the interval lock a result differs from the reference: this cannot be, please report it");
    else if (broken)
        lab_shown(run, "under the interval lock both strategies gave %a, the reference to the last bit; without it %s gave %.17g",
                  found[0][3].result, found[1][2].same ? "gil" : "biased", found[found[1][2].same ? 0 : 1][2].result);
    else
        lab_not_shown(run, "the long load gave the reference without the lock too: the threads hardly met%s",
                      lab_cpus(run) < 2 ? ", there is one CPU" : "");
}

static int consistent_loads(const struct lab_run *run)
{
    int64_t loads = lab_share(run, 1.0) / CONSISTENT_EXPERIMENTS / CONSISTENT_STRATEGIES / CONSISTENT_PARTS / CONSISTENT_LOAD_NS;

    return (int)(loads < CONSISTENT_LEAST ? CONSISTENT_LEAST : loads > CONSISTENT_MOST ? CONSISTENT_MOST : loads);
}

static void consistent_run(struct lab_run *run)
{
    struct consistent_found found[CONSISTENT_STRATEGIES][CONSISTENT_EXPERIMENTS];
    const struct results *results;
    char words[200];
    int loads = consistent_loads(run);

    for (int s = 0; s < CONSISTENT_STRATEGIES; s++)
        if (!lab_needs_strategy(run, consistent_strategies[s]))
            return;
    snprintf(words, sizeof words, "-W consistent -s gil,biased -t 10 -L kind=simple,tracked,long,locked -L loads=%d", loads);
    results = lab_measure(run, 1, 1, words);
    if (!results)
        return;
    lab_say(run, "Each thread loads %d times (the original: %d; `--seconds` gives it more). A repetition starts from 1.", loads, CONSISTENT_MOST);
    lab_table(run, "result *= 3.14, by ten threads and then ten times by one", "experiment|strategy|>ten threads|>one thread|same to the last bit|>peak");
    for (int e = 0; e < CONSISTENT_EXPERIMENTS; e++)
        for (int s = 0; s < CONSISTENT_STRATEGIES; s++) {
            found[s][e] = consistent_find(results, consistent_strategies[s], consistent_experiments[e].key, loads);
            consistent_show(run, &found[s][e], consistent_experiments[e].words, consistent_strategies[s]);
        }
    consistent_judge(run, found);
}

LAB(.number = 5, .run = consistent_run);
