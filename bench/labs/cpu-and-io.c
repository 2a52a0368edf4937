/*
 * cpu-and-io.c -- what threads are good for under a GIL: two that compute are no faster than one, two that wait are; and one that waits suffers from
 * one that computes. The same without a GIL.
 */
#include <stdio.h>

#include "../results.h"
#include "lab.h"

enum { MIX_ROUNDS = 2, MIX_CELLS = 4 * 3, MIX_MS = 1000000, MIX_STRATEGIES = 2 };

static const char *const mix_strategies[MIX_STRATEGIES] = {"gil", "biased"};

struct mix {
    double speedup, requests, alone_ns, beside_ns;
};

static double mix_fact(const struct results *results, const char *strategy, const char *rest, const char *fact)
{
    struct lab_series series = {0};
    char key[64];

    snprintf(key, sizeof key, "turns/%s/%s", strategy, rest);
    lab_facts(results, key, fact, &series);
    return lab_median(&series);
}

static double mix_rate(const struct results *results, const char *strategy, const char *rest)
{
    struct lab_series series = {0};
    char key[64];

    snprintf(key, sizeof key, "turns/%s/%s", strategy, rest);
    lab_metric(results, key, RESULTS_RATE, &series);
    return lab_median(&series);
}

static struct mix mix_of(const struct results *results, const char *strategy)
{
    return (struct mix){
        .speedup = mix_rate(results, strategy, "t2/io=0") / mix_rate(results, strategy, "t1/io=0"),
        .requests = mix_fact(results, strategy, "t2/io=2", "io_requests") / mix_fact(results, strategy, "t1", "io_requests"),
        .alone_ns = mix_fact(results, strategy, "t1", "io_wait_p99_ns"),
        .beside_ns = mix_fact(results, strategy, "t2", "io_wait_p99_ns"),
    };
}

static void mix_table(struct lab_run *run, const struct mix *mix)
{
    lab_table(run, "Two threads against one; and how long the interpreter lets one in a hundred finished waits wait",
              "strategy|>both compute: work|>both wait: requests of each|>alone|>beside computing");
    for (int s = 0; s < MIX_STRATEGIES; s++)
        lab_row(run, "%s|%.2f×|%.2f×|%.1f µs|%.1f µs", mix_strategies[s], mix[s].speedup, mix[s].requests, mix[s].alone_ns / 1e3,
                mix[s].beside_ns / 1e3);
}

static bool mix_draw(struct lab_run *run)
{
    static const char *const two[] = {"computes A", "computes B"}, *const both[] = {"I/O", "computes"};

    return lab_draw_turns(run, "Two that compute, under a GIL", "-s gil -t 2 -L io=0", 50, two, 2) &&
           lab_draw_turns(run, "Two that compute, without", "-s biased -t 2 -L io=0", 50, two, 2) &&
           lab_draw_turns(run, "One that does I/O and one that computes, under a GIL", "-s gil -t 2", 50, both, 2) &&
           lab_draw_turns(run, "One that does I/O and one that computes, without", "-s biased -t 2", 50, both, 2);
}

static void mix_run(struct lab_run *run)
{
    const struct results *results;
    struct mix mix[MIX_STRATEGIES];

    if (!lab_needs_cpus(run, 2) || !lab_needs_strategy(run, "gil") || !lab_needs_strategy(run, "biased"))
        return;
    results = lab_measure(run, MIX_ROUNDS, (int)(lab_share(run, 0.7) / MIX_MS / MIX_ROUNDS / MIX_CELLS) + 1, "-W turns -s gil,biased -t 1,2 -L io=0,1,2");
    if (!results)
        return;
    for (int s = 0; s < MIX_STRATEGIES; s++)
        mix[s] = mix_of(results, mix_strategies[s]);
    mix_table(run, mix);
    if (!mix_draw(run))
        return;
    lab_answer(run, mix[0].speedup > 1.5 ? 'a' : mix[0].beside_ns < MIX_MS ? 'b' : 'c');
    if (mix[0].beside_ns > 10 * mix[1].beside_ns && mix[1].speedup > 1.1 * mix[0].speedup)
        lab_shown(run, "two that compute do %.2f times the work of one under the GIL, %.2f times without; one that does I/O beside one that computes waits "
                       "up to %.1f ms for the GIL, and %.1f µs without one", mix[0].speedup, mix[1].speedup, mix[0].beside_ns / 1e6, mix[1].beside_ns / 1e3);
    else
        lab_not_shown(run, "work of two against one: %.2f under the GIL, %.2f without; waits of %.1f µs and %.1f µs: the machine was too busy to tell",
                      mix[0].speedup, mix[1].speedup, mix[0].beside_ns / 1e3, mix[1].beside_ns / 1e3);
}

LAB(.number = 12, .run = mix_run);
