/*
 * shared-memo.c -- ft_utils' fibonacci over one memo for all threads: a dict with one lock or a ConcurrentDict; the tasks handed out by an executor's
 * ticket or by a ConcurrentQueue. Which of the two changes brings what, and how often two threads work the same thing out.
 */
#include <stdio.h>

#include "../results.h"
#include "lab.h"

enum { MEMO_ROUNDS = 3, MEMO_MODES = 4, MEMO_STRATEGIES = 2, MEMO_CELLS = 16, MEMO_MS = 1000000 };

static const struct memo_mode {
    const char *name, *memo, *tasks;
} memo_modes[MEMO_MODES] = {
    {"threads", "dict", "ticket"},
    {"fast_memo", "ConcurrentDict", "ticket"},
    {"fast_tasks", "dict", "ConcurrentQueue"},
    {"fast_threads", "ConcurrentDict", "ConcurrentQueue"},
};
static const char *const memo_strategies[MEMO_STRATEGIES] = {"gil", "biased"};

struct memo_cell {
    struct lab_series rate, misses, entries;
    int failed, samples;
};

static void memo_read(const struct results *results, const char *strategy, int threads, int mode, struct memo_cell *cell)
{
    char key[96];

    snprintf(key, sizeof key, "fastfib/%s/t%d/run_size=2000%s%s", strategy, threads, mode ? ",mode=" : "", mode ? memo_modes[mode].name : "");
    *cell = (struct memo_cell){0};
    lab_metric(results, key, RESULTS_RATE, &cell->rate);
    lab_facts(results, key, "misses", &cell->misses);
    lab_facts(results, key, "memo", &cell->entries);
    lab_failures(results, key, &cell->failed, &cell->samples);
}

static void memo_table(struct lab_run *run, struct memo_cell cell[MEMO_STRATEGIES][2][MEMO_MODES])
{
    lab_table(run, "2000 tasks F(1000 … 5000); worked out twice: misses beyond the memo's entries of two threads",
              "strategy|memo|tasks by|>tasks/ms, one thread|>two threads|>scaling|>worked out twice");
    for (int s = 0; s < MEMO_STRATEGIES; s++)
        for (int m = 0; m < MEMO_MODES; m++) {
            const struct memo_cell *one = &cell[s][0][m], *two = &cell[s][1][m];
            double alone = lab_median(&one->rate), both = lab_median(&two->rate);

            lab_row(run, "%s|%s|%s|%.0f|%.0f|%.2f|%.0f", memo_strategies[s], memo_modes[m].memo, memo_modes[m].tasks, alone / 1000, both / 1000,
                    both / alone, lab_median(&two->misses) - lab_median(&two->entries));
        }
    for (int s = 0; s < MEMO_STRATEGIES; s++) {
        lab_bars(run, s == 0 ? "Two threads under the GIL" : "Two threads without a GIL (biased)", "tasks/ms");
        for (int m = 0; m < MEMO_MODES; m++) {
            char label[64];

            snprintf(label, sizeof label, "%s, %s", memo_modes[m].memo, memo_modes[m].tasks);
            lab_bar(run, label, lab_median(&cell[s][1][m].rate) / 1000, lab_mad(&cell[s][1][m].rate) / 1000, NULL);
        }
    }
}

/* Samples that were wrong. */
static int memo_read_all(const struct results *results, struct memo_cell cell[MEMO_STRATEGIES][2][MEMO_MODES])
{
    int wrong = 0;

    for (int s = 0; s < MEMO_STRATEGIES; s++)
        for (int t = 0; t < 2; t++)
            for (int m = 0; m < MEMO_MODES; m++) {
                memo_read(results, memo_strategies[s], t + 1, m, &cell[s][t][m]);
                wrong += cell[s][t][m].failed;
            }
    return wrong;
}

static void memo_run(struct lab_run *run)
{
    static struct memo_cell cell[MEMO_STRATEGIES][2][MEMO_MODES];
    const struct results *results;
    double dict, memo, tasks, gil;
    int wrong;

    if (!lab_needs_cpus(run, 2))
        return;
    for (int s = 0; s < MEMO_STRATEGIES; s++)
        if (!lab_needs_strategy(run, memo_strategies[s]))
            return;
    results = lab_measure(run, MEMO_ROUNDS, (int)(lab_share(run, 0.9) / MEMO_MS / MEMO_ROUNDS / MEMO_CELLS / 1.5) + 1,
                          "-W fastfib -s gil,biased -t 1,2 -L run_size=2000 -L mode=threads,fast_memo,fast_tasks,fast_threads");
    if (!results)
        return;
    wrong = memo_read_all(results, cell);
    memo_table(run, cell);
    lab_say(run, "What a memo must hold to: of two threads that store the same key at once one stores, and both go on with a whole value.");
    if (lab_explore(run, "concurrent-setdefault", "biased", "") != LAB_PROVED)
        return;
    gil = lab_median(&cell[0][1][0].rate);
    dict = lab_median(&cell[1][1][0].rate);
    memo = lab_median(&cell[1][1][1].rate) / dict;
    tasks = lab_median(&cell[1][1][2].rate) / dict;
    lab_answer(run, memo < 1.05 && tasks < 1.05 ? 'c' : memo >= tasks ? 'a' : 'b');
    if (wrong)
        lab_not_shown(run, "%d samples were wrong: this cannot be, please report it", wrong);
    else if (dict > 1.1 * gil)
        lab_shown(run, "two threads do %.2f times the GIL's work over one dict; ConcurrentDict makes %.2f times that, a queue for the tasks %.2f times; every "
                       "sum of F(z) was right", dict / gil, memo, tasks);
    else
        lab_not_shown(run, "two threads do %.2f times the GIL's work over one dict: the machine had no second core to give", dict / gil);
}

LAB(.number = 17, .run = memo_run);
