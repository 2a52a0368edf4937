/*
 * counter-race.c -- ft_utils' counter race: 10 threads, 50000 increments each, begun together. How many are lost under a GIL and without one, and how
 * much hangs on where the interpreter may switch. The switch interval is 200 µs, so that there are some switches within a repetition.
 */
#include <stdio.h>

#include "lab.h"

enum { RACE_ROUNDS = 3, RACE_CELLS = 12, RACE_ALL = 500000 };

static const struct race_cell {
    const char *key, *words;
    bool racy;
} race_cells[] = {
    {"counter/gil/t10/switch-interval=200", "gil | at the loop's end | nothing", true},
    {"counter/gil/t10/switch=instruction,switch-interval=200", "gil | at every instruction | nothing", true},
    {"counter/biased/t10/switch-interval=200", "biased | – | nothing", true},
    {"counter/atomic/t10/switch-interval=200", "atomic | – | nothing", true},
    {"counter/gil/t10/kind=locked,switch=instruction,switch-interval=200", "gil | at every instruction | a mutex", false},
    {"counter/biased/t10/kind=locked,switch=instruction,switch-interval=200", "biased | – | a mutex", false},
};
enum { RACE_SHOWN = sizeof race_cells / sizeof race_cells[0] };

static const char race_words[] = "-W counter -s gil,biased,atomic -t 10 -L kind=racy,locked -L switch=loop,instruction -L switch-interval=200";

static void race_run(struct lab_run *run)
{
    const struct results *results;
    struct lab_series lost[RACE_SHOWN] = {0};
    double right = 0;

    if (!lab_needs_strategy(run, "gil") || !lab_needs_strategy(run, "biased") || !lab_needs_strategy(run, "atomic"))
        return;
    results = lab_measure(run, RACE_ROUNDS, (int)(lab_share(run, 1.0) / 1000000 / RACE_ROUNDS / RACE_CELLS / 2) + 1, race_words);
    if (!results)
        return;
    lab_table(run, "Lost of 500000 increments, the last repetition of each sample",
              "strategy|may switch|protected by|>lost, median|>least|>most");
    for (int i = 0; i < RACE_SHOWN; i++) {
        double most = 0;

        lab_facts(results, race_cells[i].key, "lost", &lost[i]);
        for (size_t k = 0; k < lost[i].count; k++)
            most = lost[i].value[k] > most ? lost[i].value[k] : most;
        lab_row(run, "%s|%.0f|%.0f|%.0f", race_cells[i].words, lab_median(&lost[i]), lab_least(&lost[i]), most);
        right += race_cells[i].racy ? 0 : most;
    }
    lab_bars(run, "Lost in a hundred increments, without protection", "%");
    for (int i = 0; i < RACE_SHOWN; i++)
        if (race_cells[i].racy)
            lab_bar(run, i == 0 ? "gil, switch at the loop's end" : i == 1 ? "gil, switch at every instruction" : i == 2 ? "biased" : "atomic",
                    100 * lab_median(&lost[i]) / RACE_ALL, -1, NULL);
    lab_answer(run, lab_median(&lost[0]) == 0 && lab_median(&lost[2]) > 0 ? 'b' : lab_median(&lost[0]) > 0 ? 'a' : 'c');
    if (right > 0)
        lab_not_shown(run, "the mutex lost %.0f updates: this cannot be, please report it", right);
    else if (lab_median(&lost[0]) == 0 && lab_median(&lost[2]) > 0)
        lab_shown(run, "the same program loses nothing under a GIL that switches at the loop's end, %.0f updates when it may switch at every instruction, "
                       "%.0f without a GIL, and none with a mutex", lab_median(&lost[1]), lab_median(&lost[2]));
    else
        lab_not_shown(run, "lost were %.0f with a GIL and %.0f without: the threads hardly met%s", lab_median(&lost[0]), lab_median(&lost[2]),
                      lab_cpus(run) < 2 ? ", there is one CPU" : "");
}

LAB(.number = 8, .run = race_run);
