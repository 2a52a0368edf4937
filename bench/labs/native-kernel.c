/*
 * native-kernel.c -- who computes natively need not hold the GIL, if nobody else can reach the memory: five ways to have that, what each costs, and
 * what is left of it when the kernel touches one object per block.
 *
 * The kernel is workload quantum's. For the drawing two threads run it here, between turns under one lock.
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "../results.h"
#include "../workloads/quantum.h"
#include "lab.h"

enum { NATIVE_ROUNDS = 3, NATIVE_WAYS = 5, NATIVE_STRATEGIES = 2, NATIVE_MS = 1000000 };
enum { NATIVE_QUBITS = 14, NATIVE_TURNS = 6, NATIVE_GATES = 8, NATIVE_TRIES = 10 };

static const char *const native_ways[NATIVE_WAYS] = {"hold", "clone", "batch", "arena", "raw"};
static const char *const native_notes[NATIVE_WAYS] = {"keeps the lock", "a copy for each gate", "a copy for 8 gates", "two arrays in turn",
                                                      "in place: unsafe, were there a reader"};
static const double NATIVE_CORES = 1.3; /* less is no second core */
static const char *const native_strategies[NATIVE_STRATEGIES] = {"gil", "biased"};

/* --- the drawing: a lock that goes around in turn, as a GIL does when everybody computes --- */

struct native_turn {
    int64_t wanted, got, ended; /* the lock, twice; the kernel */
};

static struct native {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned next, serving; /* tickets, under the mutex */
    bool hold;
    struct amplitude *amplitude[2];
    struct native_turn turn[2][NATIVE_TURNS];
} native = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void native_take(void)
{
    unsigned ticket;

    pthread_mutex_lock(&native.mutex);
    ticket = native.next++;
    while (native.serving != ticket)
        pthread_cond_wait(&native.changed, &native.mutex);
    pthread_mutex_unlock(&native.mutex);
}

static void native_let(void)
{
    pthread_mutex_lock(&native.mutex);
    native.serving++;
    pthread_cond_broadcast(&native.changed);
    pthread_mutex_unlock(&native.mutex);
}

static void native_gates(struct amplitude *a)
{
    for (int i = 0; i < NATIVE_GATES; i++) {
        struct quantum_gate g = quantum_circuit(NATIVE_QUBITS, 0, i);

        quantum_gate_pairs(&g, a, a, 0, (size_t)1 << (NATIVE_QUBITS - 1));
    }
}

static void native_body(void *arg, int thread)
{
    (void)arg;
    for (int i = 0; i < NATIVE_TURNS; i++) {
        struct native_turn *t = &native.turn[thread][i];

        t->wanted = lab_now();
        native_take();
        t->got = lab_now();
        if (!native.hold)
            native_let();
        native_gates(native.amplitude[thread]);
        t->ended = lab_now();
        if (native.hold)
            native_let();
    }
}

static int64_t native_begin(void)
{
    return native.turn[0][0].wanted < native.turn[1][0].wanted ? native.turn[0][0].wanted : native.turn[1][0].wanted;
}

static int64_t native_end(void)
{
    int64_t a = native.turn[0][NATIVE_TURNS - 1].ended, b = native.turn[1][NATIVE_TURNS - 1].ended;

    return a > b ? a : b;
}

/* Leaves the stamps of the shortest of some runs: the one that other work disturbed least. */
static void native_try(struct lab_run *run)
{
    static struct native_turn best[2][NATIVE_TURNS];
    int64_t least = INT64_MAX;

    for (int i = 0; i < NATIVE_TRIES; i++) {
        lab_threads(run, 2, native_body, NULL);
        if (native_end() - native_begin() < least) {
            least = native_end() - native_begin();
            memcpy(best, native.turn, sizeof best);
        }
    }
    memcpy(native.turn, best, sizeof best);
}

static void native_draw(struct lab_run *run, bool hold, const char *caption)
{
    int64_t begin;

    native.hold = hold;
    native_try(run);
    begin = native_begin();
    lab_timeline(run, caption, 0, native_end() - begin);
    lab_legend(run, LAB_WAIT, "waits for the lock");
    lab_legend(run, LAB_HOLD, "computes, with the lock");
    lab_legend(run, LAB_RUN, "computes, without it");
    for (int t = 0; t < 2; t++) {
        lab_lane(run, t == 0 ? "thread A" : "thread B");
        for (int i = 0; i < NATIVE_TURNS; i++) {
            const struct native_turn *turn = &native.turn[t][i];

            lab_span(run, LAB_WAIT, turn->wanted - begin, turn->got - begin);
            lab_span(run, hold ? LAB_HOLD : LAB_RUN, turn->got - begin, turn->ended - begin);
        }
    }
}

static bool native_draw_both(struct lab_run *run)
{
    size_t bytes = sizeof(struct amplitude) << NATIVE_QUBITS;

    for (int t = 0; t < 2; t++)
        if (!native.amplitude[t] && !(native.amplitude[t] = calloc(1, bytes))) {
            lab_not_shown(run, "no memory for two registers");
            return false;
        }
    native_draw(run, true, "Two threads, six times eight gates each, the lock held while they compute");
    native_draw(run, false, "The same work, the lock given up before each kernel");
    return true;
}

/* --- measured --- */

struct native_cell {
    struct lab_series rate, cores, clone, attach;
};

static void native_read(const struct results *results, const char *strategy, const char *way, const char *touch, struct native_cell *cell)
{
    char key[128];
    bool plain = strcmp(way, "clone") == 0; /* a key leaves out what is the default */

    snprintf(key, sizeof key, "quantum/%s/t2%s%s%s%s%s", strategy, plain && !*touch ? "" : "/", plain ? "" : "release=", plain ? "" : way,
             !plain && *touch ? "," : "", touch);
    *cell = (struct native_cell){0};
    lab_metric(results, key, RESULTS_RATE, &cell->rate);
    lab_metric(results, key, RESULTS_CPU, &cell->cores);
    lab_facts(results, key, "clone permille", &cell->clone);
    lab_facts(results, key, "attach permille", &cell->attach);
}

static void native_table(struct lab_run *run, struct native_cell cell[NATIVE_STRATEGIES][NATIVE_WAYS])
{
    lab_table(run, "Two threads, each with a register of 4096 amplitudes",
              "strategy|release|>gates/ms|>cores in use|>copying, %|>waiting to attach, %");
    for (int s = 0; s < NATIVE_STRATEGIES; s++)
        for (int w = 0; w < NATIVE_WAYS; w++) {
            const struct native_cell *c = &cell[s][w];

            lab_row(run, "%s|%s|%.1f|%.2f|%.1f|%.1f", native_strategies[s], native_ways[w], lab_median(&c->rate) / 1000, lab_median(&c->cores),
                    lab_median(&c->clone) / 10, lab_median(&c->attach) / 10);
        }
    for (int s = 0; s < NATIVE_STRATEGIES; s++) {
        lab_bars(run, s == 0 ? "Under the GIL" : "Without a GIL (biased)", "gates/ms");
        for (int w = 0; w < NATIVE_WAYS; w++)
            lab_bar(run, native_ways[w], lab_median(&cell[s][w].rate) / 1000, lab_mad(&cell[s][w].rate) / 1000, s == 0 ? native_notes[w] : NULL);
    }
}

/* One object counted after every 1024 pairs: attached for it each time. */
static bool native_touch(struct lab_run *run)
{
    static const int touched[] = {0, 4}; /* hold and raw */
    const struct results *results =
        lab_measure(run, NATIVE_ROUNDS, (int)(lab_share(run, 0.25) / NATIVE_MS / NATIVE_ROUNDS / 4 / 1.5) + 1,
                    "-W quantum -s gil,biased -t 2 -L release=hold,raw -L touch=block");

    if (!results)
        return false;
    lab_bars(run, "The same with one shared object counted after every 1024 pairs", "gates/ms");
    for (int s = 0; s < NATIVE_STRATEGIES; s++)
        for (int i = 0; i < 2; i++) {
            struct native_cell cell;
            char label[64];

            native_read(results, native_strategies[s], native_ways[touched[i]], "touch=block", &cell);
            snprintf(label, sizeof label, "%s, %s", native_strategies[s], native_ways[touched[i]]);
            lab_bar(run, label, lab_median(&cell.rate) / 1000, lab_mad(&cell.rate) / 1000, NULL);
        }
    return true;
}

static void native_run(struct lab_run *run)
{
    static struct native_cell cell[NATIVE_STRATEGIES][NATIVE_WAYS];
    const struct results *results;
    double hold, clone, raw, cores;

    if (!lab_needs_cpus(run, 2) || !lab_needs_strategy(run, "gil") || !lab_needs_strategy(run, "biased") || !native_draw_both(run))
        return;
    results = lab_measure(run, NATIVE_ROUNDS, (int)(lab_share(run, 0.65) / NATIVE_MS / NATIVE_ROUNDS / NATIVE_WAYS / NATIVE_STRATEGIES / 1.5) + 1,
                          "-W quantum -s gil,biased -t 2 -L release=hold,clone,batch,arena,raw");
    if (!results)
        return;
    for (int s = 0; s < NATIVE_STRATEGIES; s++)
        for (int w = 0; w < NATIVE_WAYS; w++)
            native_read(results, native_strategies[s], native_ways[w], "", &cell[s][w]);
    native_table(run, cell);
    if (!native_touch(run))
        return;
    hold = lab_median(&cell[0][0].rate);
    clone = lab_median(&cell[0][1].rate);
    raw = lab_median(&cell[0][NATIVE_WAYS - 1].rate);
    cores = lab_median(&cell[0][NATIVE_WAYS - 1].cores);
    lab_answer(run, clone > 1.8 * hold ? 'a' : clone > 1.05 * hold ? 'b' : 'c');
    if (raw > 1.4 * hold && cores > NATIVE_CORES)
        lab_shown(run, "under the GIL, giving it up around the kernel did %.2f times the work of holding it, with %.2f cores in use; with a copy for each gate %.2f times",
                  raw / hold, cores, clone / hold);
    else
        lab_not_shown(run, "under the GIL, giving it up did %.2f times the work of holding it; the two threads were given %.2f cores%s", raw / hold, cores,
                      cores > NATIVE_CORES ? "" : ": other work had the rest");
}

LAB(.number = 14, .run = native_run);
