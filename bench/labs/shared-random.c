/*
 * shared-random.c -- one source of random numbers for two threads: unguarded, and guarded in four ways. How many numbers are drawn twice, what a
 * draw costs, and how long a thread keeps the source before the other one gets it.
 */
#include <stdio.h>

#include "../results.h"
#include "lab.h"

enum { SOURCE_ROUNDS = 3, SOURCE_GUARDS = 5, SOURCE_CELLS = 10, SOURCE_MS = 1000000 };

static const struct source_guard {
    const char *name, *words;
} source_guards[SOURCE_GUARDS] = {
    {"direct", "nothing"},
    {"mutex", "a mutex for each draw"},
    {"rwlock", "an RWLock for each draw, as writer"},
    {"interval", "an IntervalLock, kept for 5 ms"},
    {"batch", "a BatchExecutor, 64 at a time"},
};

struct source_cell {
    struct lab_series ns, repeated, draws;
    int failed, samples;
};

static void source_read(const struct results *results, int threads, const char *guard, struct source_cell *cell)
{
    char key[64];
    bool named = guard != source_guards[1].name; /* a key leaves out what is the default */

    snprintf(key, sizeof key, "random/biased/t%d%s%s", threads, named ? "/guard=" : "", named ? guard : "");
    *cell = (struct source_cell){0};
    lab_metric(results, key, RESULTS_NS_PER_OP, &cell->ns);
    lab_facts(results, key, "repeated", &cell->repeated);
    lab_facts(results, key, "draws", &cell->draws);
    lab_failures(results, key, &cell->failed, &cell->samples);
}

static void source_table(struct lab_run *run, struct source_cell cell[2][SOURCE_GUARDS])
{
    lab_table(run, "Numbers drawn more than once, of a million drawn by two threads", "guard|>repeated|>samples|>wrong");
    for (int g = 0; g < SOURCE_GUARDS; g++) {
        struct source_cell *c = &cell[1][g];

        lab_row(run, "%s|%.0f|%d|%d", source_guards[g].words, 1e6 * lab_median(&c->repeated) / lab_median(&c->draws), c->samples, c->failed);
    }
    for (int t = 0; t < 2; t++) {
        lab_bars(run, t == 0 ? "A draw, one thread" : "A draw of one thread, two threads draw", "ns");
        for (int g = 0; g < SOURCE_GUARDS; g++)
            lab_bar(run, source_guards[g].name, lab_median(&cell[t][g].ns), lab_mad(&cell[t][g].ns), NULL);
    }
}

/* The least of the guarded ones with two threads; its place. */
static int source_cheapest(struct source_cell cell[2][SOURCE_GUARDS])
{
    int best = 1;

    for (int g = 2; g < SOURCE_GUARDS; g++)
        if (lab_median(&cell[1][g].ns) < lab_median(&cell[1][best].ns))
            best = g;
    return best;
}

static void source_run(struct lab_run *run)
{
    static struct source_cell cell[2][SOURCE_GUARDS];
    const struct results *results;
    int best, wrong = 0;
    double repeated;

    if (!lab_needs_cpus(run, 2) || !lab_needs_strategy(run, "biased"))
        return;
    results = lab_measure(run, SOURCE_ROUNDS, (int)(lab_share(run, 1.0) / SOURCE_MS / SOURCE_ROUNDS / SOURCE_CELLS / 1.5) + 1,
                          "-W random -s biased -t 1,2 -L guard=direct,mutex,rwlock,interval,batch");
    if (!results)
        return;
    for (int t = 0; t < 2; t++)
        for (int g = 0; g < SOURCE_GUARDS; g++) {
            source_read(results, t + 1, source_guards[g].name, &cell[t][g]);
            wrong += cell[t][g].failed;
        }
    source_table(run, cell);
    best = source_cheapest(cell);
    repeated = lab_median(&cell[1][0].repeated);
    lab_answer(run, best == 3 ? 'c' : best == 4 ? 'd' : best == 2 ? 'b' : 'a');
    if (wrong)
        lab_not_shown(run, "%d samples with a guard were wrong: this cannot be, please report it", wrong);
    else if (repeated > 0)
        lab_shown(run, "without a guard %.0f numbers were drawn twice, with a guard none; cheapest with two threads was %s (%.0f ns a draw; a mutex: %.0f ns)",
                  repeated, source_guards[best].words, lab_median(&cell[1][best].ns), lab_median(&cell[1][1].ns));
    else
        lab_not_shown(run, "without a guard no number was drawn twice: the threads hardly ran at the same time");
}

LAB(.number = 18, .run = source_run);
