/*
 * local-wrapper.c -- one object that two threads use all the time: counted directly, through a LocalWrapper of each thread's own, and not counted at
 * all. With a tuple, of which only the count is written, and with a list, whose lock is written as well.
 */
#include <stdio.h>

#include "../results.h"
#include "lab.h"

enum { WRAP_ROUNDS = 3, WRAP_WAYS = 3, WRAP_STRATEGIES = 2, WRAP_CELLS = 24, WRAP_MS = 1000000 };

static const char *const wrap_ways[WRAP_WAYS] = {"counted", "wrapped", "borrowed"};
static const char *const wrap_strategies[WRAP_STRATEGIES] = {"atomic", "biased"};

struct wrap_cell {
    struct lab_series ns, counts;
};

static void wrap_read(const struct results *results, const char *strategy, int threads, const char *way, const char *object, struct wrap_cell *cell)
{
    char key[128];
    bool named = way != wrap_ways[0], list = *object == 'l'; /* a key leaves out what is the default */

    snprintf(key, sizeof key, "wrapper/%s/t%d%s%s%s%s%s", strategy, threads, named || list ? "/" : "", named ? "through=" : "", named ? way : "",
             named && list ? "," : "", list ? "object=list" : "");
    *cell = (struct wrap_cell){0};
    lab_metric(results, key, RESULTS_NS_PER_OP, &cell->ns);
    lab_facts(results, key, "counts of the object", &cell->counts);
}

/* Bars of one strategy and object, for both numbers of threads; the costs of two threads. */
static void wrap_bars(struct lab_run *run, const struct results *results, const char *strategy, const char *object, double cost[2][WRAP_WAYS])
{
    for (int t = 0; t < 2; t++) {
        char caption[96];

        snprintf(caption, sizeof caption, "The length of a shared %s, %s, %s", object, strategy, t == 0 ? "one thread" : "two threads");
        lab_bars(run, caption, "ns");
        for (int w = 0; w < WRAP_WAYS; w++) {
            struct wrap_cell cell;

            wrap_read(results, strategy, t + 1, wrap_ways[w], object, &cell);
            cost[t][w] = lab_median(&cell.ns);
            lab_bar(run, wrap_ways[w], cost[t][w], lab_mad(&cell.ns), NULL);
        }
    }
}

static void wrap_counts(struct lab_run *run, const struct results *results)
{
    lab_table(run, "Increfs and decrefs of the tuple itself in a whole sample: two threads, biased", "through|>counts");
    for (int w = 0; w < WRAP_WAYS; w++) {
        struct wrap_cell cell;

        wrap_read(results, "biased", 2, wrap_ways[w], "tuple", &cell);
        lab_row(run, "%s|%.0f", wrap_ways[w], lab_median(&cell.counts));
    }
}

static void wrap_run(struct lab_run *run)
{
    const struct results *results;
    double tuple[WRAP_STRATEGIES][2][WRAP_WAYS], list[WRAP_STRATEGIES][2][WRAP_WAYS], biased;

    if (!lab_needs_cpus(run, 2))
        return;
    for (int s = 0; s < WRAP_STRATEGIES; s++)
        if (!lab_needs_strategy(run, wrap_strategies[s]))
            return;
    results = lab_measure(run, WRAP_ROUNDS, (int)(lab_share(run, 1.0) / WRAP_MS / WRAP_ROUNDS / WRAP_CELLS / 1.5) + 1,
                          "-W wrapper -s atomic,biased -t 1,2 -L through=counted,wrapped,borrowed -L object=tuple,list");
    if (!results)
        return;
    wrap_counts(run, results);
    for (int s = 0; s < WRAP_STRATEGIES; s++)
        wrap_bars(run, results, wrap_strategies[s], "tuple", tuple[s]);
    for (int s = 0; s < WRAP_STRATEGIES; s++)
        wrap_bars(run, results, wrap_strategies[s], "list", list[s]);
    biased = tuple[1][1][0] / tuple[1][1][1];
    lab_answer(run, biased < 1.2 ? 'a' : tuple[0][1][0] < 1.2 * tuple[0][1][1] ? 'b' : 'c');
    if (biased > 1.2 && tuple[0][1][0] > 1.2 * tuple[0][1][1])
        lab_shown(run, "with two threads an operation on the shared tuple costs %.1f ns counted and %.1f ns wrapped under atomic, %.1f and %.1f ns under biased; "
                       "on the list, whose lock is shared too, %.1f and %.1f ns (biased)",
                  tuple[0][1][0], tuple[0][1][1], tuple[1][1][0], tuple[1][1][1], list[1][1][0], list[1][1][1]);
    else
        lab_not_shown(run, "counted and wrapped cost %.1f and %.1f ns under atomic, %.1f and %.1f ns under biased: the threads hardly ran at the same time, or share "
                           "a core", tuple[0][1][0], tuple[0][1][1], tuple[1][1][0], tuple[1][1][1]);
}

LAB(.number = 16, .run = wrap_run);
