/*
 * two-locks.c -- a lock for each object against one for all: what two locks in opposite order do, what an address order and critical sections make
 * of it, and what moving items between lists costs, with one mutex over all of them and with a lock in each.
 */
#include <stdio.h>

#include "../results.h"
#include "lab.h"

enum { LOCKS_ROUNDS = 2, LOCKS_GUARDS = 4, LOCKS_CELLS = 16, LOCKS_MS = 1000000 };

static const char *const locks_guards[LOCKS_GUARDS] = {"global", "ordered", "section", "nested"};
static const char *const locks_words[LOCKS_GUARDS] = {"one mutex for all", "two locks by address", "a section of both", "a section in a section"};

/* ns of one move, as one thread pays it. */
static void locks_cost(const struct results *results, int threads, int lists, const char *guard, struct lab_series *series)
{
    char key[128];
    int used = snprintf(key, sizeof key, "transfer/biased/t%d", threads);
    const char *separator = "/";

    /* a key leaves out what is the default */
    if (guard != locks_guards[1]) {
        used += snprintf(key + used, sizeof key - (size_t)used, "%sguard=%s", separator, guard);
        separator = ",";
    }
    if (lists != 64)
        snprintf(key + used, sizeof key - (size_t)used, "%slists=%d", separator, lists);
    *series = (struct lab_series){0};
    lab_metric(results, key, RESULTS_NS_PER_OP, series);
}

/* Both numbers of threads over `lists` lists; the costs of two threads. */
static void locks_bars(struct lab_run *run, const struct results *results, int lists, double cost[LOCKS_GUARDS])
{
    for (int threads = 1; threads <= 2; threads++) {
        char caption[64];

        snprintf(caption, sizeof caption, "One move of one thread: %d lists, %s", lists, threads == 1 ? "one thread" : "two threads");
        lab_bars(run, caption, "ns");
        for (int g = 0; g < LOCKS_GUARDS; g++) {
            struct lab_series series;

            locks_cost(results, threads, lists, locks_guards[g], &series);
            cost[g] = lab_median(&series);
            lab_bar(run, locks_words[g], cost[g], lab_mad(&series), NULL);
        }
    }
}

static bool locks_explore(struct lab_run *run)
{
    lab_say(run, "Two threads, two object locks, each thread takes both, one after the other; A begins with `a`, B with `b`. The explorer looks for an "
                 "execution that does not end:");
    if (lab_explore(run, "lock-opposite-order", "biased", "") != LAB_FAILS)
        return false;
    lab_say(run, "Named in opposite order as before, but taken by address (`lock_acquire_two`):");
    if (lab_explore(run, "lock-two", "biased", "") != LAB_PROVED)
        return false;
    lab_say(run, "In opposite order again, as nested critical sections: who must wait for the inner lock lets go of the outer one meanwhile:");
    return lab_explore(run, "section-futex", "biased", "") == LAB_PROVED;
}

static void locks_run(struct lab_run *run)
{
    const struct results *results;
    double many[LOCKS_GUARDS], few[LOCKS_GUARDS];

    if (!lab_needs_strategy(run, "biased") || !locks_explore(run))
        return;
    results = lab_measure(run, LOCKS_ROUNDS, (int)(lab_share(run, 0.8) / LOCKS_MS / LOCKS_ROUNDS / LOCKS_CELLS / 1.5) + 1,
                          "-W transfer -s biased -t 1,2 -L guard=global,ordered,section,nested -L lists=2,64");
    if (!results)
        return;
    locks_bars(run, results, 64, many);
    locks_bars(run, results, 2, few);
    lab_say(run, "Every sample is checked: all items are there, each once, and the lists' own counts, kept under the locks, are the number of moves.");
    if (lab_cpus(run) > 1) /* else there were no two that ran at the same time */
        lab_answer(run, many[1] < 0.95 * many[0] ? (few[1] < 0.95 * few[0] ? 'a' : 'b') : 'c');
    lab_shown(run, "opposite order can deadlock, address order and nested sections cannot; with two threads a move costs %.0f ns under one mutex and %.0f ns "
                   "with a lock for each of 64 lists (2 lists: %.0f and %.0f)",
              many[0], many[1], few[0], few[1]);
}

LAB(.number = 15, .run = locks_run);
