/*
 * allocation.c -- making and freeing objects with a GIL and without: one pool under a lock, or a freelist in each thread.
 */
#include <stdio.h>
#include <string.h>

#include "../results.h"
#include "lab.h"

enum { ALLOCATION_ROUNDS = 3, ALLOCATION_CELLS = 12 };

static const struct allocation_cell {
    const char *key, *name;
} allocation_cells[2][4] = {
    {{"alloc/gil/t1/freelist=locked", "gil, one locked pool"}, {"alloc/gil/t1", "gil, freelist a thread"},
     {"alloc/biased/t1/freelist=locked", "biased, one locked pool"}, {"alloc/biased/t1", "biased, freelist a thread"}},
    {{"alloc/gil/t2/freelist=locked", "gil, one locked pool"}, {"alloc/gil/t2", "gil, freelist a thread"},
     {"alloc/biased/t2/freelist=locked", "biased, one locked pool"}, {"alloc/biased/t2", "biased, freelist a thread"}},
};
enum { ALLOCATION_GIL_LOCKED, ALLOCATION_GIL_OWN, ALLOCATION_LOCKED, ALLOCATION_OWN };

static void allocation_bars(struct lab_run *run, const struct results *results, double rate[2][4])
{
    for (int t = 0; t < 2; t++) {
        lab_bars(run, t == 0 ? "Objects made and freed in a second, one thread" : "The same, two threads together", "/s");
        for (int i = 0; i < 4; i++) {
            struct lab_series series = {0};

            lab_metric(results, allocation_cells[t][i].key, RESULTS_RATE, &series);
            rate[t][i] = lab_median(&series);
            lab_bar(run, allocation_cells[t][i].name, rate[t][i], lab_mad(&series), NULL);
        }
    }
}

static void allocation_run(struct lab_run *run)
{
    const struct results *results;
    double rate[2][4];

    if (!lab_needs_cpus(run, 2) || !lab_needs_strategy(run, "gil") || !lab_needs_strategy(run, "biased"))
        return;
    results = lab_measure(run, ALLOCATION_ROUNDS, (int)(lab_share(run, 0.8) / 1000000 / ALLOCATION_ROUNDS / ALLOCATION_CELLS) + 1,
                          "-W alloc -s gil,biased -t 1,2 -L freelist=malloc,locked,thread");
    if (!results)
        return;
    allocation_bars(run, results, rate);
    lab_figure(run, "two threads against one, gil, locked pool", rate[1][ALLOCATION_GIL_LOCKED] / rate[0][ALLOCATION_GIL_LOCKED], "×", -1);
    lab_figure(run, "two threads against one, biased, locked pool", rate[1][ALLOCATION_LOCKED] / rate[0][ALLOCATION_LOCKED], "×", -1);
    lab_figure(run, "two threads against one, biased, freelist a thread", rate[1][ALLOCATION_OWN] / rate[0][ALLOCATION_OWN], "×", -1);
    lab_answer(run, rate[1][ALLOCATION_LOCKED] > 1.5 * rate[0][ALLOCATION_LOCKED]   ? 'c'
                    : rate[1][ALLOCATION_LOCKED] > 0.95 * rate[0][ALLOCATION_LOCKED] ? 'b'
                                                                                     : 'a');
    if (rate[1][ALLOCATION_OWN] > 1.3 * rate[1][ALLOCATION_LOCKED])
        lab_shown(run, "without a GIL two threads make %.1f times as many objects from freelists of their own as from one locked pool",
                  rate[1][ALLOCATION_OWN] / rate[1][ALLOCATION_LOCKED]);
    else
        lab_not_shown(run, "freelists of their own gave two threads %.2f times what one pool gave: the threads hardly ran at once, or the machine is busy",
                      rate[1][ALLOCATION_OWN] / rate[1][ALLOCATION_LOCKED]);
}

LAB(.number = 22, .run = allocation_run);
