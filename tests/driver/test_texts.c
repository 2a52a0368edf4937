/*
 * test_texts.c -- what the driver reads from people: near names, times, choices.
 */
#include <criterion/criterion.h>

#include "../../bench/param.h"
#include "../../bench/suggest.h"
#include "../../bench/timing.h"

Test(suggest, distance_counts_edits_and_swaps)
{
    cr_assert_eq(suggest_distance("biased", "biased"), 0);
    cr_assert_eq(suggest_distance("biassed", "biased"), 1);
    cr_assert_eq(suggest_distance("baised", "biased"), 1);
    cr_assert_eq(suggest_distance("", "gil"), 3);
    cr_assert_eq(suggest_distance("plain", "atomic"), suggest_distance("atomic", "plain"));
}

Test(timing, times_are_read_as_people_write_them)
{
    int64_t ns;

    cr_assert(timing_parse("0.5", &ns) && ns == TIMING_SECOND / 2);
    cr_assert(timing_parse("500ms", &ns) && ns == TIMING_SECOND / 2);
    cr_assert(timing_parse("1h30m", &ns) && ns == 5400 * TIMING_SECOND);
    cr_assert_not(timing_parse("", &ns));
    cr_assert_not(timing_parse("-1", &ns));
    cr_assert_not(timing_parse("5 parsecs", &ns));
    cr_assert_not(timing_parse("1e300", &ns));
}

/* A choice in parentheses is what a build lacks: it is told, and is no value. */
Test(texts, remark_among_choices_is_no_value)
{
    static const struct param p = {.name = "heap", .kind = PARAM_CHOICE, .choices = "old|new|(best: it needs libbest-dev)"};
    char *refusal = param_refusal(&p, "best");
    cr_assert_str_eq(refusal, "heap=best: allowed is old|new|(best: it needs libbest-dev)");
    free(refusal);
    refusal = param_refusal(&p, "(best: it needs libbest-dev)");
    cr_assert_not_null(refusal);
    free(refusal);
    cr_assert_null(param_refusal(&p, "new"));
}
