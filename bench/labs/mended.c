/*
 * mended.c -- the shared double mended twice: with a mutex, and with a compare-exchange loop, whose retries are counted.
 *
 * Each thread multiplies by 3.14 and divides by it, many times, and multiplies once more at the end; the product must be 3.14 to the power of
 * the number of threads, but for rounding: the order in which threads interleave decides the last digits.
 */
#define _GNU_SOURCE 1
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "lab.h"

enum { MENDED_THREADS = 10, MENDED_LOADS = 5000, MENDED_MOST_TRIALS = 1000, MENDED_LOG = 3000 };
static const double MENDED_BASE = 3.14, MENDED_ROUNDING = 1e-6;

enum mended_way { MENDED_NOT, MENDED_MUTEX, MENDED_CAS, MENDED_WAYS };
static const char *const mended_names[MENDED_WAYS] = {"nothing", "a mutex", "a compare-exchange loop"};

static struct mended {
    enum mended_way way;
    pthread_mutex_t mutex;
    _Alignas(128) _Atomic double result;
    _Alignas(128) _Atomic uint64_t retries;
} mended = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* The plain way, and what is done under the mutex: relaxed, so that it is a load and a store like any other. */
static void mended_plain(double by)
{
    double was = atomic_load_explicit(&mended.result, memory_order_relaxed); /* relaxed: as said above */

    atomic_store_explicit(&mended.result, was * by, memory_order_relaxed); /* relaxed: as said above */
}

/* The number of failed attempts. */
static uint64_t mended_exchange(double by)
{
    double was = atomic_load_explicit(&mended.result, memory_order_relaxed); /* relaxed: a guess, the exchange verifies it */
    uint64_t failed = 0;

    /* relaxed: one word, and nothing hangs on it; on failure `was` is what is there */
    while (!atomic_compare_exchange_weak_explicit(&mended.result, &was, was * by, memory_order_relaxed, memory_order_relaxed))
        failed++;
    return failed;
}

static uint64_t mended_multiply(double by)
{
    switch (mended.way) {
    case MENDED_MUTEX:
        pthread_mutex_lock(&mended.mutex);
        mended_plain(by);
        pthread_mutex_unlock(&mended.mutex);
        return 0;
    case MENDED_CAS: return mended_exchange(by);
    default: mended_plain(by); return 0;
    }
}

static void mended_body(void *arg, int thread)
{
    uint64_t retries = 0;

    (void)arg;
    (void)thread;
    for (int i = 0; i < MENDED_LOADS; i++) {
        retries += mended_multiply(MENDED_BASE);
        retries += mended_multiply(1 / MENDED_BASE);
    }
    retries += mended_multiply(MENDED_BASE);
    atomic_fetch_add_explicit(&mended.retries, retries, memory_order_relaxed); /* relaxed: read after the join */
}

struct mended_count {
    int trials, wrong;
    double worst; /* the greatest factor by which a product is off, at least 1 */
    struct lab_series retries, ns;
};

static void mended_trial(struct lab_run *run, enum mended_way way, int threads, struct mended_count *count)
{
    double updates = (double)threads * (2 * MENDED_LOADS + 1), off;
    int64_t begin;

    mended.way = way;
    atomic_store_explicit(&mended.result, 1, memory_order_relaxed);  /* relaxed: no thread is there */
    atomic_store_explicit(&mended.retries, 0, memory_order_relaxed); /* relaxed: as above */
    begin = lab_now();
    lab_threads(run, threads, mended_body, NULL);
    lab_add(&count->ns, (double)(lab_now() - begin) / updates);
    lab_add(&count->retries, 1000 * (double)atomic_load_explicit(&mended.retries, memory_order_relaxed) / updates); /* relaxed: joined */
    off = fabs(log(atomic_load_explicit(&mended.result, memory_order_relaxed) / pow(MENDED_BASE, threads)));          /* relaxed: joined */
    count->trials++;
    count->wrong += !(off < MENDED_ROUNDING);
    count->worst = fmax(count->worst, isfinite(off) ? exp(off) : INFINITY);
}

static void mended_repeat(struct lab_run *run, enum mended_way way, int threads, int64_t ns, struct mended_count *count)
{
    *count = (struct mended_count){.worst = 1};
    for (int64_t until = lab_now() + ns; lab_now() < until && count->trials < MENDED_MOST_TRIALS;)
        mended_trial(run, way, threads, count);
}

/* --- attempts, drawn --- */

static struct {
    int64_t at[2][MENDED_LOG + 1];
    bool failed[2][MENDED_LOG];
} mended_log;

static void mended_attempts(void *arg, int thread)
{
    double was = atomic_load_explicit(&mended.result, memory_order_relaxed); /* relaxed: a guess */

    (void)arg;
    mended_log.at[thread][0] = lab_now();
    for (int i = 0; i < MENDED_LOG; i++) {
        double next = was * (i % 2 ? 2 : 0.5);
        /* relaxed: as in mended_exchange */
        bool done = atomic_compare_exchange_strong_explicit(&mended.result, &was, next, memory_order_relaxed, memory_order_relaxed);

        mended_log.failed[thread][i] = !done;
        mended_log.at[thread][i + 1] = lab_now();
        if (done)
            was = next;
    }
}

/* Both threads' attempts in the stretch with most failures. */
static int64_t mended_stretch(int64_t length)
{
    int64_t best = mended_log.at[0][0];
    int most = -1;

    for (int i = 0; i < MENDED_LOG; i += 5) {
        int64_t from = mended_log.at[0][i];
        int failed = 0;

        for (int t = 0; t < 2; t++)
            for (int k = 0; k < MENDED_LOG; k++)
                failed += mended_log.failed[t][k] && mended_log.at[t][k] >= from && mended_log.at[t][k + 1] < from + length;
        if (failed > most) {
            most = failed;
            best = from;
        }
    }
    return best;
}

static void mended_draw(struct lab_run *run)
{
    static const char *const names[] = {"thread A", "thread B"};
    int64_t length = 5000, begin;

    lab_threads(run, 2, mended_attempts, NULL);
    begin = mended_stretch(length);
    lab_timeline(run, "Attempts of two threads to exchange: the stretch with most failures", 0, length);
    lab_legend(run, LAB_RUN, "succeeds");
    lab_legend(run, LAB_WAIT, "fails and tries again");
    for (int t = 0; t < 2; t++) {
        lab_lane(run, names[t]);
        for (int i = 0; i < MENDED_LOG; i++)
            lab_span(run, mended_log.failed[t][i] ? LAB_WAIT : LAB_RUN, mended_log.at[t][i] - begin, mended_log.at[t][i + 1] - begin);
    }
}

static void mended_table(struct lab_run *run, struct mended_count count[2][MENDED_WAYS])
{
    char ns[32];

    lab_table(run, "Every thread: 5000 multiplications and divisions, then one multiplication",
              "mended with|>threads|>trials|>wrong|>off by a factor of|>retries in 1000|>ns an update");
    for (int way = 0; way < MENDED_WAYS; way++)
        for (int many = 0; many < 2; many++) {
            const struct mended_count *c = &count[many][way];

            snprintf(ns, sizeof ns, c->worst < 1 + MENDED_ROUNDING ? "1" : c->worst < 1e6 ? "%.2f" : "%.1e", c->worst);
            lab_row(run, "%s|%d|%d|%d|%s|%.1f|%.1f", mended_names[way], many ? MENDED_THREADS : 2, c->trials, c->wrong, ns,
                    lab_median(&c->retries), lab_median(&c->ns));
        }
}

static void mended_run(struct lab_run *run)
{
    static struct mended_count count[2][MENDED_WAYS];
    int wrong, mends;

    if (!lab_needs_cpus(run, 2))
        return;
    for (int many = 0; many < 2; many++)
        for (int way = 0; way < MENDED_WAYS; way++)
            mended_repeat(run, (enum mended_way)way, many ? MENDED_THREADS : 2, lab_share(run, 0.9 / 2 / MENDED_WAYS), &count[many][way]);
    mended_table(run, count);
    mended_draw(run);
    wrong = count[0][MENDED_NOT].wrong + count[1][MENDED_NOT].wrong;
    mends = count[0][MENDED_MUTEX].wrong + count[1][MENDED_MUTEX].wrong + count[0][MENDED_CAS].wrong + count[1][MENDED_CAS].wrong;
    lab_answer(run, lab_median(&count[0][MENDED_CAS].retries) < 1 ? 'a' : lab_median(&count[0][MENDED_CAS].retries) < 500 ? 'b' : 'c');
    if (wrong && !mends)
        lab_shown(run, "without protection %d trials were wrong; with either mend none, and the loop had to try again %.1f times in 1000 (two threads)",
                  wrong, lab_median(&count[0][MENDED_CAS].retries));
    else
        lab_not_shown(run, "%d trials without protection and %d with a mend were wrong%s", wrong, mends,
                      mends ? ": this is a fault of rclab, please report it" : ": the threads hardly met");
}

LAB(.number = 6, .run = mended_run);
