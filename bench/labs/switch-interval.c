/*
 * switch-interval.c -- the GIL's switch interval, swept: what computing threads lose to switching, and how long a thread waits that has to answer.
 */
#include <stdio.h>

#include "../results.h"
#include "lab.h"

enum { INTERVAL_ROUNDS = 2, INTERVALS = 4, INTERVAL_MS = 1000000 };

static const struct interval_point {
    const char *key, *name;
    double ns;
} interval_points[INTERVALS] = {
    {"turns/gil/t3/switch-interval=100", "0.1 ms", 1e5},
    {"turns/gil/t3/switch-interval=1000", "1 ms", 1e6},
    {"turns/gil/t3", "5 ms (the default)", 5e6},
    {"turns/gil/t3/switch-interval=20000", "20 ms", 2e7},
};

static void interval_bars(struct lab_run *run, const char *caption, const char *unit, const struct lab_series *series)
{
    lab_bars(run, caption, unit);
    for (int i = 0; i < INTERVALS; i++)
        lab_bar(run, interval_points[i].name, lab_median(&series[i]), lab_mad(&series[i]), NULL);
}

static void interval_run(struct lab_run *run)
{
    static const char *const names[] = {"answers (I/O)", "computes A", "computes B"};
    struct lab_series wait[INTERVALS] = {0}, additions[INTERVALS] = {0};
    const struct results *results;
    double shortest, longest;

    if (!lab_needs_strategy(run, "gil"))
        return;
    results = lab_measure(run, INTERVAL_ROUNDS, (int)(lab_share(run, 0.7) / INTERVAL_MS / INTERVAL_ROUNDS / INTERVALS) + 1,
                          "-W turns -s gil -t 3 -L io=1 -L switch-interval=100,1000,5000,20000");
    if (!results)
        return;
    for (int i = 0; i < INTERVALS; i++) {
        lab_facts(results, interval_points[i].key, "io_wait_median_ns", &wait[i]);
        lab_metric(results, interval_points[i].key, RESULTS_RATE, &additions[i]);
    }
    interval_bars(run, "How long the answering thread waits for the GIL, median, at a switch interval of", "ns", wait);
    interval_bars(run, "What the two computing threads get done meanwhile, additions", "/s", additions);
    if (!lab_draw_turns(run, "40 ms at an interval of 1 ms", "-s gil -t 3 -L switch-interval=1000", 40, names, 3) ||
        !lab_draw_turns(run, "40 ms at an interval of 20 ms", "-s gil -t 3 -L switch-interval=20000", 40, names, 3))
        return;
    shortest = lab_median(&wait[0]);
    longest = lab_median(&wait[INTERVALS - 1]);
    lab_answer(run, longest < 3 * shortest ? 'a' : longest < 1.5 * interval_points[INTERVALS - 1].ns ? 'b' : 'c');
    if (longest > 3 * shortest)
        lab_shown(run, "the answering thread waits %.1f ms at an interval of 0.1 ms, and %.0f ms at 20 ms", shortest / 1e6, longest / 1e6);
    else
        lab_not_shown(run, "the wait was %.1f ms at an interval of 0.1 ms and %.1f ms at 20 ms: the machine's own delays hide the GIL's", shortest / 1e6,
                      longest / 1e6);
}

LAB(.number = 7, .run = interval_run);
