/*
 * hop.c -- how long a cache line takes from one CPU to another.
 *
 * Protocol: `turn` counts up. The pinger writes the odd numbers and waits for the even ones, the ponger the reverse; so
 * each number is one hop. HOP_STOP ends it. All accesses are relaxed: the number itself is the whole message.
 * The lower quartile over batches is taken: other work on the CPUs only ever adds time, distance is always there.
 */
#define _GNU_SOURCE 1
#include "hop.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "summary.h"
#include "timing.h"

enum {
    HOP_LINE = 128,         /* two lines: the adjacent-line prefetcher pairs them */
    HOP_BATCH = 32,         /* round trips between two looks at the clock: 2 µs at least, the clock costs 22 ns */
    HOP_MOST_BATCHES = 512,
    HOP_NS = 2000000,
};
static const uint32_t HOP_STOP = UINT32_MAX;

struct hop {
    alignas(HOP_LINE) _Atomic uint32_t turn;
    alignas(HOP_LINE) double batch[HOP_MOST_BATCHES]; /* the pinger's; main reads them after the join */
    size_t batches;
};

static void *hop_pong(void *argument)
{
    struct hop *hop = argument;
    uint32_t expected = 1, seen;

    for (;;) {
        do
            seen = atomic_load_explicit(&hop->turn, memory_order_relaxed); /* relaxed: see the file's head */
        while (seen != expected && seen != HOP_STOP);
        if (seen == HOP_STOP)
            return NULL;
        atomic_store_explicit(&hop->turn, expected + 1, memory_order_relaxed); /* relaxed: see the file's head */
        expected += 2;
    }
}

static uint32_t hop_batch(struct hop *hop, uint32_t turn)
{
    for (int i = 0; i < HOP_BATCH; i++) {
        atomic_store_explicit(&hop->turn, ++turn, memory_order_relaxed); /* relaxed: see the file's head */
        turn++;
        while (atomic_load_explicit(&hop->turn, memory_order_relaxed) != turn) /* relaxed: see the file's head */
            ;
    }
    return turn;
}

static void *hop_ping(void *argument)
{
    struct hop *hop = argument;
    uint32_t turn = hop_batch(hop, 0); /* waits for the other thread's start; not counted */
    int64_t begin = timing_now(), before = begin, now;

    do {
        turn = hop_batch(hop, turn);
        now = timing_now();
        hop->batch[hop->batches++] = (double)(now - before) / (2 * HOP_BATCH);
        before = now;
    } while (hop->batches < HOP_MOST_BATCHES && now - begin < HOP_NS);
    atomic_store_explicit(&hop->turn, HOP_STOP, memory_order_relaxed); /* relaxed: see the file's head */
    return NULL;
}

static bool hop_start(pthread_t *thread, int cpu, void *(*body)(void *), struct hop *hop)
{
    pthread_attr_t attributes;
    cpu_set_t set;
    bool started;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (pthread_attr_init(&attributes))
        return false;
    started = pthread_attr_setaffinity_np(&attributes, sizeof set, &set) == 0 &&
              pthread_create(thread, &attributes, body, hop) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

bool hop_measure(int cpu_a, int cpu_b, double *ns)
{
    struct hop hop = {.turn = 0};
    pthread_t ping, pong;
    bool pinging;

    if (cpu_a < 0 || cpu_b < 0 || cpu_a == cpu_b || cpu_a >= CPU_SETSIZE || cpu_b >= CPU_SETSIZE)
        return false;
    if (!hop_start(&pong, cpu_b, hop_pong, &hop))
        return false;
    pinging = hop_start(&ping, cpu_a, hop_ping, &hop);
    if (pinging)
        pthread_join(ping, NULL);
    else
        atomic_store_explicit(&hop.turn, HOP_STOP, memory_order_relaxed); /* relaxed: see the file's head */
    pthread_join(pong, NULL);
    if (pinging)
        *ns = summary_quartile(hop.batch, hop.batches);
    return pinging;
}
