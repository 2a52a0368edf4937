/*
 * correct-and-racy.c -- programs that synchronise as they must stay right when the GIL goes; programs that were right by its grace do not. (And counts
 * must be made for it: plain ones, without a GIL, crash.)
 */
#include <stdio.h>

#include "../catalog.h"
#include "../results.h"
#include "lab.h"

enum { RIGHT_ROUNDS = 3, RIGHT_STRATEGIES = 3, RIGHT_PROGRAMS = 6, RIGHT_CELLS = 5 * 3 + 3 };

static const char *const right_strategies[RIGHT_STRATEGIES] = {"gil", "biased", "plain"};

static const struct right_program {
    const char *name, *workload, *rest, *kind;
} right_programs[RIGHT_PROGRAMS] = {
    {"counter under a mutex", "counter", "t4/kind=locked,switch=instruction,switch-interval=200", "correct"},
    {"counter, atomic", "counter", "t4/kind=atomic,switch=instruction,switch-interval=200", "correct"},
    {"queue with backpressure", "pipeline", "t4", "correct"},
    {"moves between locked lists", "transfer", "t4", "correct"},
    {"counter, unprotected", "counter", "t4/switch-interval=200", "racy, right by grace of the GIL"},
    {"counter, unprotected, switch anywhere", "counter", "t4/switch=instruction,switch-interval=200", "racy"},
};

/* Samples that were wrong, crashed or hung, or lost updates; and of how many. */
struct right_count {
    int wrong, samples;
};

static struct right_count right_count(const struct results *counters, const struct results *others, const struct right_program *p, const char *strategy)
{
    const struct results *results = p->workload[0] == 'c' ? counters : others;
    struct lab_series lost = {0};
    struct right_count c;
    char key[128];

    snprintf(key, sizeof key, "%s/%s/%s", p->workload, strategy, p->rest);
    lab_failures(results, key, &c.wrong, &c.samples);
    lab_facts(results, key, "lost", &lost);
    for (size_t i = 0; i < lost.count; i++)
        c.wrong += lost.value[i] > 0;
    return c;
}

static void right_row(struct lab_run *run, const struct right_program *p, const struct right_count *c)
{
    char text[RIGHT_STRATEGIES][24];

    for (int s = 0; s < RIGHT_STRATEGIES; s++) {
        if (c[s].samples)
            snprintf(text[s], sizeof text[s], "%d of %d", c[s].wrong, c[s].samples);
        else
            snprintf(text[s], sizeof text[s], "not run");
    }
    lab_row(run, "%s|%s|%s|%s|%s", p->name, p->kind, text[0], text[1], text[2]);
}

static void right_judge(struct lab_run *run, int correct, const struct right_count *grace, const struct right_count *racy)
{
    lab_answer(run, correct ? 'c' : grace[1].wrong ? 'b' : 'a');
    if (correct)
        lab_not_shown(run, "%d samples of correct programs were wrong: this is a fault of rclab, please report it", correct);
    else if (grace[0].wrong == 0 && grace[1].wrong > 0)
        lab_shown(run, "no correct program failed with a GIL or without; the racy counter failed in %d of %d samples with a GIL (%d of %d where it may switch "
                       "anywhere), and in %d of %d without", grace[0].wrong, grace[0].samples, racy[0].wrong, racy[0].samples, grace[1].wrong,
                  grace[1].samples);
    else
        lab_not_shown(run, "no correct program failed, and the racy counter hardly did either: %d of %d without a GIL: the threads hardly met", grace[1].wrong,
                      grace[1].samples);
}

static void right_run(struct lab_run *run)
{
    int ms = (int)(lab_share(run, 0.6) / 1000000 / RIGHT_ROUNDS / RIGHT_CELLS) + 1, correct = 0;
    const struct results *counters, *others;
    struct right_count count[RIGHT_PROGRAMS][RIGHT_STRATEGIES] = {0};

    for (int s = 0; s < RIGHT_STRATEGIES; s++)
        if (!lab_needs_strategy(run, right_strategies[s]))
            return;
    counters = lab_measure(run, RIGHT_ROUNDS, ms, "-W counter -s gil,biased,plain -t 4 -L kind=racy,locked,atomic -L switch=loop,instruction "
                                                  "-L switch-interval=200 --timeout 5s");
    others = counters ? lab_measure(run, RIGHT_ROUNDS, ms, "-W pipeline,transfer -s gil,biased -t 4") : NULL;
    if (!others)
        return;
    lab_table(run, "Samples that were wrong, crashed or hung, of all; four threads", "program|it is|>gil|>biased|>plain, no GIL");
    for (int p = 0; p < RIGHT_PROGRAMS; p++) {
        for (int s = 0; s < RIGHT_STRATEGIES; s++)
            count[p][s] = right_count(counters, others, &right_programs[p], right_strategies[s]);
        right_row(run, &right_programs[p], count[p]);
        correct += p < 4 ? count[p][0].wrong + count[p][1].wrong : 0;
    }
    right_judge(run, correct, count[4], count[5]);
}

LAB(.number = 10, .run = right_run);
