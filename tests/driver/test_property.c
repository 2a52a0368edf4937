/*
 * test_property.c -- what the verdicts are worth, on simulated runs: the real order of the cells (latin.h) and the real
 * judgement (verdict.h) over samples whose truth is known. Noise of 1% on every sample, and a machine whose speed drifts
 * slowly by several percent while the run lasts. Fixed seeds: a failure repeats.
 */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../bench/draw.h"
#include "../../bench/latin.h"
#include "../../bench/options.h"
#include "../../bench/verdict.h"

enum { TRIALS = 10000, ROUNDS = OPTIONS_ROUNDS, MOST_CELLS = 3 };
static const double NOISE = 0.01, DRIFT_STEP = 0.004;

/* One simulated run: the cells' true speeds are given, everything else is drawn. */
struct simulation {
    struct results results;
    struct result_cell cell[MOST_CELLS];
    struct observation observation[MOST_CELLS][ROUNDS];
    struct row row[MOST_CELLS];
    uint64_t state;
    double slowest, fastest; /* of the drift, over all trials */
};

static double draw_unit(uint64_t *state) /* in (0, 1] */
{
    return ((double)(draw_next(state) >> 11) + 1) / 9007199254740992.0;
}

static double draw_normal(uint64_t *state)
{
    double radius = sqrt(-2 * log(draw_unit(state)));

    return radius * cos(2 * M_PI * draw_unit(state));
}

static void simulation_begin(struct simulation *simulation, size_t cells, uint64_t seed)
{
    static const char *const names[MOST_CELLS] = {"gil", "other", "gil (A/A)"};

    json_t *params = json_object(); /* of one group */

    *simulation = (struct simulation){.state = seed, .slowest = INFINITY};
    simulation->results = (struct results){
        .cell = simulation->cell, .cells = cells, .reference = "gil", .rounds = ROUNDS, .value_ns = 1, .complete = true};
    for (size_t i = 0; i < cells; i++)
        simulation->cell[i] = (struct result_cell){.key = names[i],
                                                   .strategy = names[i],
                                                   .workload = "fib",
                                                   .unit = "calls",
                                                   .threads = 1,
                                                   .params = params,
                                                   .aa = i == 2,
                                                   .observation = simulation->observation[i],
                                                   .observations = ROUNDS,
                                                   .count = {[RESULTS_OK] = ROUNDS}};
}

/* Speeds are per cell; the machine's own is a random walk from sample to sample. */
static void simulation_run(struct simulation *simulation, const double *speed)
{
    size_t order[MOST_CELLS], cells = simulation->results.cells;
    uint64_t seed = draw_next(&simulation->state);
    double machine = 1;

    for (size_t round = 0; round < ROUNDS; round++) {
        latin_order(seed, cells, round, order);
        for (size_t slot = 0; slot < cells; slot++) {
            double rate = 1e8 * machine * speed[order[slot]] * exp(NOISE * draw_normal(&simulation->state));

            simulation->observation[order[slot]][round] =
                (struct observation){.round = (int)round, .answer_ok = true, .metric = {[RESULTS_RATE] = rate}};
            machine *= exp(DRIFT_STEP * draw_normal(&simulation->state));
            simulation->slowest = fmin(simulation->slowest, machine);
            simulation->fastest = fmax(simulation->fastest, machine);
        }
    }
    verdict_judge(&simulation->results, &simulation->cell[0], simulation->row);
}

static const struct row *row_of(const struct simulation *simulation, const char *strategy)
{
    for (size_t i = 0; i < simulation->results.cells; i++)
        if (strcmp(simulation->row[i].cell->strategy, strategy) == 0)
            return &simulation->row[i];
    cr_assert_fail("no row for %s", strategy);
    return NULL;
}

/* What was seen over all trials of one truth. */
struct tally {
    int covered, faster, slower, aa_false, judged;
};

static struct tally simulate(size_t cells, double truth, uint64_t seed)
{
    static struct simulation simulation;
    const double speed[MOST_CELLS] = {1, truth, 1};
    struct tally tally = {0};

    simulation_begin(&simulation, cells, seed);
    for (int trial = 0; trial < TRIALS; trial++) {
        const struct row *other;

        simulation_run(&simulation, speed);
        other = row_of(&simulation, "other");
        cr_assert(other->interval.exists);
        tally.covered += other->interval.low <= truth && truth <= other->interval.high;
        tally.faster += other->verdict == VERDICT_FASTER;
        tally.slower += other->verdict == VERDICT_SLOWER;
        tally.judged += other->verdict != VERDICT_WITHHELD;
        if (cells > 2)
            tally.aa_false += row_of(&simulation, "gil (A/A)")->verdict != VERDICT_AA;
    }
    json_decref(simulation.cell[0].params);
    cr_assert_gt(simulation.fastest / simulation.slowest, 1.05, "the drift must be worth cancelling");
    return tally;
}

/* The interval of the sign test at 20 pairs covers with 95.9%: the 95% asked for leave no room for a bias. */
Test(property, interval_covers_the_truth_in_95_percent)
{
    static const double truths[] = {0.5, 0.97, 1, 1.03, 4};

    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        struct tally tally = simulate(2, truths[i], 1000 + i);

        cr_assert_geq(tally.covered, TRIALS * 95 / 100, "truth %g: covered in %d of %d", truths[i], tally.covered, TRIALS);
        cr_assert_leq(tally.covered, TRIALS * 99 / 100, "truth %g: an interval that always covers says nothing", truths[i]);
    }
}

Test(property, equal_strategies_are_judged_different_in_at_most_5_percent)
{
    struct tally tally = simulate(2, 1, 2000);

    cr_assert_leq(tally.faster + tally.slower, TRIALS * 5 / 100, "%d faster, %d slower", tally.faster, tally.slower);
}

Test(property, aa_row_differs_in_at_most_5_percent)
{
    struct tally tally = simulate(3, 1, 3000);

    cr_assert_leq(tally.aa_false, TRIALS * 5 / 100, "%d of %d A/A verdicts are false", tally.aa_false, TRIALS);
    cr_assert_leq(tally.faster + tally.slower, TRIALS * 5 / 100);
}

Test(property, three_percent_are_found_in_90_percent_at_the_default_rounds)
{
    struct tally faster = simulate(2, 1.03, 4000), slower = simulate(2, 1 / 1.03, 4001), family = simulate(3, 1.03, 4002);

    cr_assert_geq(faster.faster, TRIALS * 90 / 100, "faster in %d of %d", faster.faster, TRIALS);
    cr_assert_geq(slower.slower, TRIALS * 90 / 100, "slower in %d of %d", slower.slower, TRIALS);
    cr_assert_geq(family.faster, TRIALS * 90 / 100, "beside an A/A row: %d of %d", family.faster, TRIALS);
    cr_assert_eq(faster.slower + slower.faster + family.slower, 0, "never the wrong way round");
}

Test(property, one_percent_is_never_given_a_verdict_often)
{
    struct tally tally = simulate(2, 1.01, 5000);

    cr_assert_leq(tally.faster + tally.slower, TRIALS * 5 / 100, "the least effect is 2%%: %d", tally.faster);
}

/* Files do not pair: without drift between them their interval keeps its promise, and is not uselessly wide. */
Test(property, interval_between_files_covers_the_truth_in_95_percent)
{
    enum { FILES = 2000 };
    uint64_t state = 6000;
    int covered = 0;

    for (int trial = 0; trial < FILES; trial++) {
        double now[ROUNDS], then[ROUNDS - 5];
        struct interval interval;

        for (int i = 0; i < ROUNDS; i++)
            now[i] = 1.5e8 * exp(NOISE * draw_normal(&state));
        for (int i = 0; i < ROUNDS - 5; i++)
            then[i] = 1e8 * exp(NOISE * draw_normal(&state));
        interval = summary_quotient_interval(now, ROUNDS, then, ROUNDS - 5, VERDICT_ALPHA);
        covered += interval.low <= 1.5 && 1.5 <= interval.high;
        cr_assert_lt(interval.high / interval.low, 1.03);
    }
    cr_assert_geq(covered, FILES * 94 / 100, "%d of %d", covered, FILES); /* 95% less two standard errors */
    cr_assert_leq(covered, FILES * 98 / 100, "%d of %d", covered, FILES);
}
