/*
 * gil-cost.c -- one lock for everything against atomic operations everywhere: what a lock and its release cost, what an access to an object costs with
 * the one and with the other, and how the bill looks with one thread and with two.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "../results.h"
#include "lab.h"

enum { GIL_ROUNDS = 3, GIL_CELLS = 6, GIL_BATCH = 1000, GIL_LOOKS = 5, GIL_STRATEGIES = 3 };

static pthread_mutex_t gil_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Alignas(128) _Atomic uint64_t gil_word;

static uint64_t gil_lock_batch(void *arg, int thread)
{
    (void)arg;
    (void)thread;
    for (int i = 0; i < GIL_BATCH; i++) {
        pthread_mutex_lock(&gil_mutex);
        pthread_mutex_unlock(&gil_mutex);
    }
    return GIL_BATCH;
}

static uint64_t gil_count_batch(void *arg, int thread)
{
    (void)arg;
    (void)thread;
    for (int i = 0; i < GIL_BATCH; i++) {
        atomic_fetch_add_explicit(&gil_word, 1, memory_order_relaxed); /* relaxed: as an incref is */
        atomic_fetch_sub_explicit(&gil_word, 1, memory_order_acq_rel); /* acq_rel: as a decref is */
    }
    return GIL_BATCH;
}

/* volatile: a load and a store each, as plain counting in memory is. */
static volatile uint64_t gil_plain;

static uint64_t gil_plain_batch(void *arg, int thread)
{
    (void)arg;
    (void)thread;
    for (int i = 0; i < GIL_BATCH; i++) {
        gil_plain = gil_plain + 1;
        gil_plain = gil_plain - 1;
    }
    return GIL_BATCH;
}

/* ns of a lock and its release. */
static double gil_parts(struct lab_run *run)
{
    static const struct {
        const char *name;
        uint64_t (*batch)(void *arg, int thread);
    } parts[] = {{"a lock and its release", gil_lock_batch}, {"atomic incref and decref", gil_count_batch}, {"plain incref and decref", gil_plain_batch}};
    double lock = 0;

    lab_bars(run, "The parts, one thread, nobody else there", "ns");
    for (int i = 0; i < 3; i++) {
        struct lab_series series = {0};

        for (int look = 0; look < GIL_LOOKS; look++)
            lab_add(&series, lab_cost(run, 1, lab_share(run, 0.2 / 3 / GIL_LOOKS), parts[i].batch, NULL));
        lab_bar(run, parts[i].name, lab_median(&series), lab_mad(&series), NULL);
        if (i == 0)
            lock = lab_median(&series);
    }
    return lock;
}

static const char *const gil_strategies[GIL_STRATEGIES] = {"gil", "atomic", "biased"};

/* ns of an access as one thread pays it. */
static void gil_accesses(struct lab_run *run, const struct results *results, double cost[2][GIL_STRATEGIES])
{
    static const char *const keys[2][GIL_STRATEGIES] = {{"list/gil/t1", "list/atomic/t1", "list/biased/t1"},
                                                        {"list/gil/t2", "list/atomic/t2", "list/biased/t2"}};
    static const char *const notes[GIL_STRATEGIES] = {"no lock and no atomic operation in it", "each count atomic, a lock a list",
                                                      "counts of the owner plain, a lock a list"};

    for (int t = 0; t < 2; t++) {
        lab_bars(run, t == 0 ? "An operation on a list, one thread" : "An operation of one thread, two threads with lists of their own", "ns");
        for (int s = 0; s < GIL_STRATEGIES; s++) {
            struct lab_series series = {0};

            lab_metric(results, keys[t][s], RESULTS_NS_PER_OP, &series);
            cost[t][s] = lab_median(&series);
            lab_bar(run, gil_strategies[s], cost[t][s], lab_mad(&series), t == 0 ? notes[s] : NULL);
        }
    }
}

static void gil_run(struct lab_run *run)
{
    const struct results *results;
    double cost[2][GIL_STRATEGIES], lock;

    for (int s = 0; s < GIL_STRATEGIES; s++)
        if (!lab_needs_strategy(run, gil_strategies[s]))
            return;
    lock = gil_parts(run);
    results = lab_measure(run, GIL_ROUNDS, (int)(lab_share(run, 0.5) / 1000000 / GIL_ROUNDS / GIL_CELLS) + 1, "-W list -s gil,atomic,biased -t 1,2");
    if (!results)
        return;
    gil_accesses(run, results, cost);
    lab_figure(run, "the GIL's share, if it were taken for each operation", 100 * lock / (lock + cost[0][0]), "%", -1);
    lab_answer(run, cost[0][1] < 1.1 * cost[0][0] ? 'a' : cost[1][1] < cost[1][0] ? 'b' : 'c');
    if (cost[0][1] > 1.1 * cost[0][0])
        lab_shown(run, "with one thread an operation costs %.1f ns under the GIL, %.1f ns with atomic counts and %.1f ns with biased ones", cost[0][0],
                  cost[0][1], cost[0][2]);
    else
        lab_not_shown(run, "with one thread an operation costs %.1f ns under the GIL and %.1f ns with atomic counts: no clear difference here", cost[0][0],
                      cost[0][1]);
}

LAB(.number = 21, .run = gil_run);
