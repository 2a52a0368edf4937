/*
 * test_verdict.c -- judgement of small groups made by hand: regimes of the line hop, and how many rounds would do.
 */
#include <criterion/criterion.h>

#include "../../bench/exits.h"
#include "../../bench/hop.h"
#include "../../bench/verdict.h"

enum { ROUNDS = 20, CELLS = 2 };

struct group {
    struct results results;
    struct result_cell cell[CELLS];
    struct observation observation[CELLS][ROUNDS];
    struct row row[CELLS];
};

/* `other` is twice as fast as the reference, everywhere near. */
static void group_begin(struct group *group)
{
    json_t *params = json_object();

    *group = (struct group){0};
    group->results = (struct results){.cell = group->cell, .cells = CELLS, .reference = "gil", .rounds = ROUNDS};
    for (int i = 0; i < CELLS; i++) {
        group->cell[i] = (struct result_cell){.strategy = i ? "other" : "gil",
                                              .workload = "fib",
                                              .threads = 2,
                                              .params = params,
                                              .observation = group->observation[i],
                                              .observations = ROUNDS,
                                              .count = {[RESULTS_OK] = ROUNDS}};
        for (int round = 0; round < ROUNDS; round++)
            group->observation[i][round] = (struct observation){
                .round = round, .regime = RESULTS_NEAR, .hop_ns = 35, .answer_ok = true, .metric = {[RESULTS_RATE] = i + 1}};
    }
}

static void group_end(struct group *group)
{
    json_decref(group->cell[0].params);
}

static const struct row *group_judge(struct group *group)
{
    verdict_judge(&group->results, &group->cell[0], group->row);
    return group->row[0].cell == &group->cell[1] ? &group->row[0] : &group->row[1];
}

Test(verdict, pairs_are_taken_within_one_regime_only)
{
    struct group group;
    const struct row *row;

    group_begin(&group);
    for (int round = 0; round < 8; round++) {
        group.observation[1][round].regime = RESULTS_FAR;
        group.observation[1][round].metric[RESULTS_RATE] = 0.1; /* it would spoil the median's interval */
    }
    row = group_judge(&group);
    cr_assert_eq(row->pairs, 12);
    cr_assert_eq(row->dropped, 8);
    cr_assert_eq(row->interval.low, 2);
    cr_assert_eq(row->verdict, VERDICT_FASTER);
    group_end(&group);
}

Test(verdict, a_demonstration_is_not_ranked_and_no_reference)
{
    struct group group;

    group_begin(&group);
    group.cell[1].demonstration = true;
    cr_assert_eq(group_judge(&group)->verdict, VERDICT_RACY);
    cr_assert_eq(group.row[1].cell, &group.cell[1]); /* last, though the faster */
    cr_assert_eq(group.row[1].ratio, 0);
    group.cell[1].demonstration = false;
    group.cell[0].demonstration = true;
    cr_assert_eq(group_judge(&group)->verdict, VERDICT_NO_REFERENCE);
    group_end(&group);
}

Test(verdict, a_flipped_sample_pairs_with_nothing_not_even_another)
{
    struct group group;
    const struct row *row;

    group_begin(&group);
    for (int i = 0; i < CELLS; i++)
        for (int round = 0; round < ROUNDS; round++)
            group.observation[i][round].regime = RESULTS_FLIPPED;
    row = group_judge(&group);
    cr_assert_eq(row->pairs, 0);
    cr_assert_eq(row->dropped, ROUNDS);
    cr_assert_eq(row->verdict, VERDICT_INCONCLUSIVE);
    group_end(&group);
}

Test(verdict, rounds_needed_aim_at_the_difference_seen)
{
    struct row row = {.ratio = 1.03, .pairs = 20, .interval = {.exists = true, .low = 0.97, .high = 1.09}};
    double target;

    cr_assert_eq(verdict_rounds_needed(&row, &target), 81); /* 20 * (0.06/0.03)^2, and one */
    cr_assert_float_eq(target, 0.03, 1e-9);
    row.ratio = 0.99;
    cr_assert_eq(verdict_rounds_needed(&row, &target), 181); /* the least effect: 20 * (0.06/0.02)^2 */
    cr_assert_float_eq(target, VERDICT_LEAST_EFFECT, 1e-9);
}

Test(verdict, rounds_needed_count_the_dropped_pairs)
{
    struct row row = {.ratio = 1.03, .pairs = 20, .dropped = 20, .interval = {.exists = true, .low = 0.97, .high = 1.09}};
    double target;

    cr_assert_eq(verdict_rounds_needed(&row, &target), 162);
}

/* The document's order: 130, 2, 77, 4, 124, 1, 3. */
Test(exits, precedence_is_the_documented_one)
{
    static const int order[] = {130, 2, 77, 4, 124, 1, 3, 0};
    enum { CODES = sizeof order / sizeof order[0] };

    for (int i = 0; i < CODES; i++)
        for (int j = i; j < CODES; j++) {
            cr_assert_eq(exits_worse(order[i], order[j]), order[i]);
            cr_assert_eq(exits_worse(order[j], order[i]), order[i]);
        }
}

Test(hop, needs_two_cpus)
{
    double ns = -1;

    cr_assert_not(hop_measure(0, 0, &ns));
    cr_assert_not(hop_measure(-1, 0, &ns));
    cr_assert_not(hop_measure(0, 1 << 20, &ns));
    cr_assert_eq(ns, -1, "untouched");
}
