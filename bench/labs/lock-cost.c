/*
 * lock-cost.c -- the same sum with a lock around each increment, a lock around the loop, and an atomic increment: all right, not equally dear.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "lab.h"

enum { COST_BATCH = 2000, COST_ROUNDS = 5, COST_TURNS = 2000, COST_ATTEMPTS = 20 };

enum cost_way { COST_PLAIN, COST_PER_INCREMENT, COST_PER_LOOP, COST_ATOMIC, COST_WAYS };
static const char *const cost_names[COST_WAYS] = {"nothing (wrong)", "a lock around each increment", "a lock around 2000 increments",
                                                  "an atomic increment"};

static struct cost {
    enum cost_way way;
    alignas(128) pthread_mutex_t mutex;
    alignas(128) volatile uint64_t plain; /* volatile: a load and a store for each increment, not one addition for the loop */
    alignas(128) _Atomic uint64_t atomic;
    alignas(128) _Atomic uint64_t wanted;
} cost = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void cost_per_increment(void)
{
    for (int i = 0; i < COST_BATCH; i++) {
        pthread_mutex_lock(&cost.mutex);
        cost.plain = cost.plain + 1;
        pthread_mutex_unlock(&cost.mutex);
    }
}

static void cost_loop(void)
{
    for (int i = 0; i < COST_BATCH; i++)
        cost.plain = cost.plain + 1;
}

static uint64_t cost_batch(void *arg, int thread)
{
    (void)arg;
    (void)thread;
    if (cost.way == COST_PLAIN) {
        cost_loop();
    } else if (cost.way == COST_PER_INCREMENT) {
        cost_per_increment();
    } else if (cost.way == COST_PER_LOOP) {
        pthread_mutex_lock(&cost.mutex);
        cost_loop();
        pthread_mutex_unlock(&cost.mutex);
    } else {
        for (int i = 0; i < COST_BATCH; i++)
            atomic_fetch_add_explicit(&cost.atomic, 1, memory_order_relaxed); /* relaxed: a sum alone */
    }
    atomic_fetch_add_explicit(&cost.wanted, COST_BATCH, memory_order_relaxed); /* relaxed: read after the join */
    return COST_BATCH;
}

/* ns; what is missing from the sum is added to *lost. */
static double cost_measure(struct lab_run *run, enum cost_way way, int threads, int64_t ns, uint64_t *lost)
{
    double found;

    cost.way = way;
    cost.plain = 0;
    atomic_store_explicit(&cost.atomic, 0, memory_order_relaxed); /* relaxed: no thread is there */
    atomic_store_explicit(&cost.wanted, 0, memory_order_relaxed); /* relaxed: as above */
    found = lab_cost(run, threads, ns, cost_batch, NULL);
    *lost += atomic_load_explicit(&cost.wanted, memory_order_relaxed) - cost.plain -
             atomic_load_explicit(&cost.atomic, memory_order_relaxed); /* relaxed: all have ended */
    return found;
}

/* --- who had the lock when --- */

static struct {
    int64_t asked[2][COST_TURNS], got[2][COST_TURNS], gave[2][COST_TURNS];
} cost_log;

static void cost_take_turns(void *arg, int thread)
{
    (void)arg;
    for (int i = 0; i < COST_TURNS; i++) {
        cost_log.asked[thread][i] = lab_now();
        pthread_mutex_lock(&cost.mutex);
        cost_log.got[thread][i] = lab_now();
        for (int k = 0; k < 20; k++)
            cost.plain = cost.plain + 1;
        cost_log.gave[thread][i] = lab_now();
        pthread_mutex_unlock(&cost.mutex);
    }
}

/* How long a thread waited for the lock between `from` and `to`. */
static int64_t cost_waited(int thread, int64_t from, int64_t to)
{
    int64_t waited = 0;

    for (int i = 0; i < COST_TURNS; i++)
        if (cost_log.asked[thread][i] >= from && cost_log.got[thread][i] < to)
            waited += cost_log.got[thread][i] - cost_log.asked[thread][i];
    return waited;
}

/* Where the threads met: the beginning of the stretch of `length` in which both waited, the less of the two the longest: *waited. */
static int64_t cost_stretch(int64_t length, int64_t *waited)
{
    int64_t best = cost_log.asked[0][0], most = -1;

    for (int i = 0; i < COST_TURNS; i += 20) {
        int64_t from = cost_log.asked[0][i], a = cost_waited(0, from, from + length), b = cost_waited(1, from, from + length);
        int64_t less = a < b ? a : b;

        if (less > most) {
            most = less;
            best = from;
        }
    }
    *waited = most;
    return best;
}

static void cost_draw(struct lab_run *run)
{
    static const char *const names[] = {"thread A", "thread B"};
    int64_t length = 40000, begin = 0, waiting = 0;

    for (int i = 0; i < COST_ATTEMPTS && waiting < length / 5; i++) {
        lab_threads(run, 2, cost_take_turns, NULL);
        begin = cost_stretch(length, &waiting);
    }
    lab_timeline(run, "The lock around 20 increments: the stretch in which both waited most", 0, length);
    lab_legend(run, LAB_HOLD, "holds the lock");
    lab_legend(run, LAB_WAIT, "waits for it");
    for (int t = 0; t < 2; t++) {
        lab_lane(run, names[t]);
        for (int i = 0; i < COST_TURNS; i++) {
            lab_span(run, LAB_WAIT, cost_log.asked[t][i] - begin, cost_log.got[t][i] - begin);
            lab_span(run, LAB_HOLD, cost_log.got[t][i] - begin, cost_log.gave[t][i] - begin);
        }
    }
}

static void cost_bars(struct lab_run *run, struct lab_series series[2][COST_WAYS], const uint64_t *lost)
{
    for (int threads = 1; threads <= 2; threads++) {
        lab_bars(run, threads == 1 ? "One increment, one thread" : "One increment of one thread, two threads", "ns");
        for (int way = 0; way < COST_WAYS; way++)
            lab_bar(run, cost_names[way], lab_median(&series[threads - 1][way]), lab_mad(&series[threads - 1][way]),
                    lost[way] && threads == 2 ? "updates were lost" : NULL);
    }
}

static void cost_run(struct lab_run *run)
{
    static struct lab_series series[2][COST_WAYS];
    uint64_t lost[COST_WAYS] = {0};
    int threads = lab_cpus(run) < 2 ? 1 : 2;
    double each, loop, atomic;

    for (int round = 0; round < COST_ROUNDS; round++)
        for (int t = 1; t <= 2; t++)
            for (int way = 0; way < COST_WAYS; way++)
                lab_add(&series[t - 1][way],
                        cost_measure(run, (enum cost_way)way, t, lab_share(run, 0.9 / COST_ROUNDS / 2 / COST_WAYS), &lost[way]));
    cost_bars(run, series, lost);
    cost_draw(run);
    each = lab_median(&series[threads - 1][COST_PER_INCREMENT]);
    loop = lab_median(&series[threads - 1][COST_PER_LOOP]);
    atomic = lab_median(&series[threads - 1][COST_ATOMIC]);
    lab_answer(run, loop < atomic && atomic < each ? 'a' : atomic < loop && atomic < each ? 'b' : 'c');
    if (lost[COST_PER_INCREMENT] + lost[COST_PER_LOOP] + lost[COST_ATOMIC])
        lab_not_shown(run, "a sum was wrong where it must not be: this is a fault of rclab, please report it");
    else if (loop < each && atomic < each)
        lab_shown(run, "with %d thread%s a lock for each increment costs %.1f times the atomic one and %.0f times the one lock for all; all three are right",
                  threads, threads == 1 ? "" : "s", each / atomic, each / loop);
    else
        lab_not_shown(run, "the lock for each increment was not the dearest here: %.1f ns, %.1f ns around the loop, %.1f ns atomic", each, loop, atomic);
}

LAB(.number = 9, .run = cost_run);
