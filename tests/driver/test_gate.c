/*
 * test_gate.c -- bounds on ratios: how they are read and when they fail.
 */
#include <criterion/criterion.h>

#include "../../bench/gate.h"

static struct interval interval(double low, double high)
{
    return (struct interval){.exists = true, .low = low, .high = high};
}

Test(gate, a_fall_fails_only_if_the_whole_interval_is_beyond)
{
    struct gate gate;

    gate_parse(&gate, "throughput:-5%");
    cr_assert_eq(gate.figure, CONTRAST_THROUGHPUT);
    cr_assert_float_eq(gate.bound, 0.95, 1e-12);
    cr_assert_eq(gate_judge(&gate, interval(0.90, 0.94)), GATE_FAILED);
    cr_assert_eq(gate_judge(&gate, interval(0.90, 0.96)), GATE_UNDECIDED);
    cr_assert_eq(gate_judge(&gate, interval(0.96, 0.99)), GATE_PASSED);
    cr_assert_eq(gate_judge(&gate, (struct interval){0}), GATE_UNDECIDED);
}

Test(gate, a_rise_is_the_mirror_image)
{
    struct gate gate;

    gate_parse(&gate, "rss:+7.5%");
    cr_assert_eq(gate.figure, CONTRAST_RSS);
    cr_assert_eq(gate_judge(&gate, interval(1.08, 1.2)), GATE_FAILED);
    cr_assert_eq(gate_judge(&gate, interval(1.07, 1.2)), GATE_UNDECIDED);
    cr_assert_eq(gate_judge(&gate, interval(0.5, 1.07)), GATE_PASSED);
}

Test(gate, zero_percent_keeps_its_direction)
{
    struct gate gate;

    gate_parse(&gate, "wall:-0%");
    cr_assert_eq(gate_judge(&gate, interval(0.8, 0.99)), GATE_FAILED);
    gate_parse(&gate, "wall:+0%");
    cr_assert_eq(gate_judge(&gate, interval(0.8, 0.99)), GATE_PASSED);
}
