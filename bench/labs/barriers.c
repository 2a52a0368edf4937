/*
 * barriers.c -- store buffering: each of two threads writes its flag and reads the other's. How often do both read the old value, with
 * nothing, with release and acquire, with a full fence between? And what does each kind of barrier cost?
 *
 * A trial has a pair of flags of its own, in two cache lines, and begins when both threads have come to it (they spin on a counter).
 * membarrier is the one barrier that a thread pays for another: here it is asked for as a system call, for all threads of the process.
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <linux/membarrier.h>
#include <math.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab.h"

enum { BARRIER_TRIALS = 4096, BARRIER_BATCH = 1000, BARRIER_CALLS = 20, BARRIER_ROUNDS = 5 };

enum barrier_way { BARRIER_RELAXED, BARRIER_ACQ_REL, BARRIER_FENCE, BARRIER_SEQ_CST, BARRIER_WAYS };
static const char *const barrier_names[BARRIER_WAYS] = {"relaxed: nothing between", "store release, load acquire", "a seq_cst fence between",
                                                        "store and load seq_cst"};

/* --- store buffering --- */

struct barrier_trial {
    alignas(64) _Atomic int flag[2][16]; /* a line each */
    int seen[2];
};

static struct barrier {
    struct barrier_trial trial[BARRIER_TRIALS];
    alignas(128) _Atomic int come;
    enum barrier_way way;
} barrier;

static int barrier_write_and_read(enum barrier_way way, _Atomic int *mine, _Atomic int *other)
{
    switch (way) {
    case BARRIER_RELAXED:
        atomic_store_explicit(mine, 1, memory_order_relaxed);     /* relaxed: this order is what is tried */
        return atomic_load_explicit(other, memory_order_relaxed); /* relaxed: as above */
    case BARRIER_ACQ_REL:
        atomic_store_explicit(mine, 1, memory_order_release);     /* release: this order is what is tried */
        return atomic_load_explicit(other, memory_order_acquire); /* acquire: as above */
    case BARRIER_FENCE:
        atomic_store_explicit(mine, 1, memory_order_relaxed);     /* relaxed: the fence is what is tried */
        atomic_thread_fence(memory_order_seq_cst);                /* seq_cst: as above */
        return atomic_load_explicit(other, memory_order_relaxed); /* relaxed: as above */
    default:
        atomic_store_explicit(mine, 1, memory_order_seq_cst);     /* seq_cst: this order is what is tried */
        return atomic_load_explicit(other, memory_order_seq_cst); /* seq_cst: as above */
    }
}

/* Both are at trial i. */
static void barrier_meet(int i)
{
    atomic_fetch_add_explicit(&barrier.come, 1, memory_order_acq_rel); /* acq_rel: one trial's accesses do not reach into the next one */
    while (atomic_load_explicit(&barrier.come, memory_order_acquire) < 2 * (i + 1)) /* acquire: as above */
        ;
}

static void barrier_body(void *arg, int thread)
{
    (void)arg;
    for (int i = 0; i < BARRIER_TRIALS; i++) {
        struct barrier_trial *t = &barrier.trial[i];

        barrier_meet(i);
        t->seen[thread] = barrier_write_and_read(barrier.way, &t->flag[thread][0], &t->flag[!thread][0]);
    }
}

struct barrier_count {
    uint64_t trials, both_old;
};

static void barrier_try(struct lab_run *run, enum barrier_way way, int64_t ns, struct barrier_count *count)
{
    for (int64_t until = lab_now() + ns; lab_now() < until;) {
        barrier.way = way;
        atomic_store_explicit(&barrier.come, 0, memory_order_relaxed); /* relaxed: no thread is there */
        for (int i = 0; i < BARRIER_TRIALS; i++)
            for (int t = 0; t < 2; t++)
                atomic_store_explicit(&barrier.trial[i].flag[t][0], 0, memory_order_relaxed); /* relaxed: as above */
        lab_threads(run, 2, barrier_body, NULL);
        for (int i = 0; i < BARRIER_TRIALS; i++)
            count->both_old += barrier.trial[i].seen[0] == 0 && barrier.trial[i].seen[1] == 0;
        count->trials += BARRIER_TRIALS;
    }
}

/* --- the cost of each --- */

enum barrier_cost { COST_STORE, COST_RELEASE, COST_SEQ_STORE, COST_ACQ_FENCE, COST_SEQ_FENCE, COST_RMW, COST_MEMBARRIER, COSTS };
static const char *const barrier_costs[COSTS] = {"store relaxed", "store release", "store seq_cst", "store, fence acq_rel, load",
                                                 "store, fence seq_cst, load", "fetch_add", "membarrier (system call)"};
static enum barrier_cost barrier_measured;
static alignas(64) _Atomic uint64_t barrier_word, barrier_other;

static void barrier_once(enum barrier_cost cost)
{
    switch (cost) {
    case COST_STORE: atomic_store_explicit(&barrier_word, 1, memory_order_relaxed); break;   /* relaxed: its cost is measured */
    case COST_RELEASE: atomic_store_explicit(&barrier_word, 1, memory_order_release); break; /* release: as above */
    case COST_SEQ_STORE: atomic_store_explicit(&barrier_word, 1, memory_order_seq_cst); break; /* seq_cst: as above */
    case COST_ACQ_FENCE:
    case COST_SEQ_FENCE:
        atomic_store_explicit(&barrier_word, 1, memory_order_relaxed); /* relaxed: the fence's cost is measured */
        if (cost == COST_ACQ_FENCE)
            atomic_thread_fence(memory_order_acq_rel); /* acq_rel: as above */
        else
            atomic_thread_fence(memory_order_seq_cst); /* seq_cst: as above */
        (void)atomic_load_explicit(&barrier_other, memory_order_relaxed); /* relaxed: as above */
        break;
    case COST_RMW: atomic_fetch_add_explicit(&barrier_word, 1, memory_order_relaxed); break; /* relaxed: its cost is measured */
    default: syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0); break;
    }
}

static uint64_t barrier_batch(void *arg, int thread)
{
    int times = barrier_measured == COST_MEMBARRIER ? BARRIER_CALLS : BARRIER_BATCH;

    (void)arg;
    (void)thread;
    switch (barrier_measured) { /* the choice outside the loop: it would cost as much as a store */
#define BARRIER_LOOP(cost) case cost: for (int i = 0; i < times; i++) barrier_once(cost); break
        BARRIER_LOOP(COST_STORE);
        BARRIER_LOOP(COST_RELEASE);
        BARRIER_LOOP(COST_SEQ_STORE);
        BARRIER_LOOP(COST_ACQ_FENCE);
        BARRIER_LOOP(COST_SEQ_FENCE);
        BARRIER_LOOP(COST_RMW);
        default: for (int i = 0; i < times; i++) barrier_once(COST_MEMBARRIER);
#undef BARRIER_LOOP
    }
    return (uint64_t)times;
}

static void barrier_bars(struct lab_run *run)
{
    bool membarrier = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    struct lab_series series[COSTS] = {0};

    for (int round = 0; round < BARRIER_ROUNDS; round++)
        for (int cost = 0; cost < COSTS; cost++) {
            barrier_measured = (enum barrier_cost)cost;
            if (cost != COST_MEMBARRIER || membarrier)
                lab_add(&series[cost], lab_cost(run, 1, lab_share(run, 0.4 / BARRIER_ROUNDS / COSTS), barrier_batch, NULL));
        }
    lab_bars(run, "One operation, one thread, nobody else at the line", "ns");
    for (int cost = 0; cost < COSTS; cost++)
        if (cost != COST_MEMBARRIER)
            lab_bar(run, barrier_costs[cost], lab_median(&series[cost]), lab_mad(&series[cost]), NULL);
    lab_figure(run, barrier_costs[COST_MEMBARRIER], lab_median(&series[COST_MEMBARRIER]), "ns", lab_mad(&series[COST_MEMBARRIER]));
}

static void barrier_table(struct lab_run *run, const struct barrier_count *count)
{
    lab_table(run, "Both threads read the old value", "between write and read|>trials|>both old|>in a million");
    for (int way = 0; way < BARRIER_WAYS; way++)
        lab_row(run, "%s|%" PRIu64 "|%" PRIu64 "|%.0f", barrier_names[way], count[way].trials, count[way].both_old,
                1e6 * (double)count[way].both_old / fmax((double)count[way].trials, 1));
}

static void barrier_run(struct lab_run *run)
{
    struct barrier_count count[BARRIER_WAYS] = {0};
    uint64_t weak, strong;

    if (!lab_needs_cpus(run, 2))
        return;
    for (int way = 0; way < BARRIER_WAYS; way++)
        barrier_try(run, (enum barrier_way)way, lab_share(run, 0.5 / BARRIER_WAYS), &count[way]);
    barrier_table(run, count);
    lab_say(run, "What the memory model allows, step by step: each store waits in a buffer of its own core while the load goes ahead.");
    if (lab_explore(run, "store-buffering", "litmus", "") != LAB_FAILS || lab_explore(run, "store-buffering+fences", "litmus", "") != LAB_PROVED)
        return;
    barrier_bars(run);
    weak = count[BARRIER_RELAXED].both_old + count[BARRIER_ACQ_REL].both_old;
    strong = count[BARRIER_FENCE].both_old + count[BARRIER_SEQ_CST].both_old;
    lab_answer(run, weak == 0 ? 'a' : count[BARRIER_ACQ_REL].both_old == 0 ? 'b' : 'c');
    if (strong)
        lab_not_shown(run, "%" PRIu64 " trials with a full barrier saw two old values: this cannot be, please report it", strong);
    else if (weak)
        lab_shown(run, "without a full barrier %" PRIu64 " of %" PRIu64 " trials saw two old values, with one none of %" PRIu64, weak,
                  count[0].trials + count[1].trials, count[2].trials + count[3].trials);
    else
        lab_not_shown(run, "no trial saw two old values: the threads hardly met");
}

LAB(.number = 19, .run = barrier_run);
