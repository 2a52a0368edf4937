/*
 * compare.c -- `rclab compare REF NEW…`: cells of two files against each other, and gates for continuous integration.
 *
 * Between files nothing pairs, so the two sides are independent samples (contrast.h); what the machine did between the two
 * runs stands in the ratio, and the heading says so. With one file its strategies, or the values of a variable or of the
 * threads (--along), are compared with the reference within it, paired by round; cells that differ in that alone are a group.
 * Bonferroni: over the cells that have one reference, as in the table of the run; between two files over all cells; for a gate over all
 * cells and gates.
 */
#define _GNU_SOURCE 1
#include "compare.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "contrast.h"
#include "die.h"
#include "exits.h"
#include "gate.h"
#include "identity.h"
#include "load.h"
#include "memory.h"
#include "names.h"
#include "pace.h"
#include "report.h"
#include "suggest.h"
#include "table.h"
#include "verdict.h"

enum { KEY_FAIL_IF = 256, KEY_FORCE, KEY_FORCE_VERDICTS, KEY_STRICT, KEY_STYLE, KEY_ALONG, KEY_REFERENCE };

struct compare {
    struct names files;
    struct gate *gate;
    size_t gates;
    const char *along;     /* with one file; else NULL, as the reference */
    const char *reference; /* value along it */
    struct names values;   /* along it, in the plan's order */
    bool force, force_verdicts, strict;
    enum table_style style;
};

/* One table: `then` is the reference. With one file both are the same. */
struct side_by_side {
    const struct compare *compare;
    const struct results *then, *now;
    const char *then_name, *now_name;
    size_t cells; /* that are compared */
    bool paired;
};

static error_t compare_option(int key, char *arg, struct argp_state *state)
{
    struct compare *compare = state->input;

    switch (key) {
    case KEY_FAIL_IF:
        compare->gate = memory_resize(compare->gate, compare->gates + 1, sizeof compare->gate[0]);
        gate_parse(&compare->gate[compare->gates++], arg);
        return 0;
    case KEY_FORCE: compare->force = true; return 0;
    case KEY_FORCE_VERDICTS: compare->force_verdicts = true; return 0;
    case KEY_STRICT: compare->strict = true; return 0;
    case KEY_ALONG: compare->along = arg; return 0;
    case KEY_REFERENCE: compare->reference = arg; return 0;
    case KEY_STYLE:
        if (!table_style_parse(arg, &compare->style))
            die_usage("--style %s: allowed is table, csv or md", arg);
        return 0;
    case ARGP_KEY_ARG:
        if (names_has(&compare->files, arg))
            die_usage("compare: %s is named twice", arg);
        names_add(&compare->files, arg);
        return 0;
    case ARGP_KEY_NO_ARGS: die_usage("compare: name the files, REF first; see rclab compare --help");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option compare_options[] = {
    {"fail-if", KEY_FAIL_IF, "FIGURE:-N%", 0,
     "Exit 1 if FIGURE (throughput, wall, cpu, rss) fell (-) or rose (+) by more than N%: the whole interval lies beyond. "
     "A cell that NEW lacks or where it failed fails too. May be given several times", 0},
    {"strict", KEY_STRICT, NULL, 0, "Exit 3 if a gate (without gates: a comparison) stays undecided", 0},
    {"along", KEY_ALONG, "VAR", 0,
     "With one file: compare the values of this variable of -L, or of threads (default: of strategy)", 0},
    {"reference", KEY_REFERENCE, "VALUE", 0,
     "With one file: compare with this one (default: the file's strategy, or the first value)", 0},
    {"force", KEY_FORCE, NULL, 0, "Compare although the files are of two hosts", 0},
    {"force-verdicts", KEY_FORCE_VERDICTS, NULL, 0, "Judge in spite of a debug, dirty or sanitizer build", 0},
    {"style", KEY_STYLE, "STYLE", 0, "table (default), csv or md", 0},
    {0},
};
static const struct argp compare_argp = {
    .options = compare_options,
    .parser = compare_option,
    .args_doc = "REF NEW…\nFILE",
    .doc = "Compare files of samples, cell by cell; or, within one file, strategies, values of a variable or threads.\v"
           "Two files do not pair: the ratio is the median of all quotients (Hodges and Lehmann) with the interval of the "
           "Mann-Whitney test. Within one file rounds pair, as in the table of rclab run. "
           "Exit: 0 ok, 1 a gate failed, 2 usage or two hosts, 3 undecided (--strict), 4 samples of NEW failed.",
};

static bool compare_along_strategy(const struct side_by_side *both)
{
    return strcmp(both->compare->along, RESULTS_STRATEGY) == 0;
}

static bool compare_is_reference(const struct side_by_side *both, const struct result_cell *cell)
{
    char text[RESULTS_VALUE];
    const char *value = results_along(cell, both->compare->along, text);

    return value && strcmp(value, both->compare->reference) == 0;
}

/* Compared with one reference. Between two files each cell has its own. */
static bool compare_same_group(const struct side_by_side *both, const struct result_cell *a, const struct result_cell *b)
{
    return both->paired ? results_alike(a, b, both->compare->along) : a == b;
}

/* Within one file the reference has none, nor a cell whose workload lacks the variable. */
static bool compare_has_row(const struct side_by_side *both, const struct result_cell *cell)
{
    char text[RESULTS_VALUE];

    return !both->paired || (results_along(cell, both->compare->along, text) && !compare_is_reference(both, cell));
}

/* What this cell is compared with; NULL if there is nothing. */
static const struct result_cell *compare_partner(const struct side_by_side *both, const struct result_cell *cell)
{
    for (size_t i = 0; i < both->then->cells; i++) {
        const struct result_cell *other = &both->then->cell[i];

        if (!both->paired && strcmp(other->key, cell->key) == 0)
            return results_same_group(other, cell) && strcmp(other->unit, cell->unit) == 0 ? other : NULL;
        if (both->paired && compare_is_reference(both, other) && compare_same_group(both, other, cell))
            return other;
    }
    return NULL;
}

static bool compare_wrong_expected(const struct result_cell *cell, const struct result_cell *partner)
{
    return results_wrong_expected(cell) || (partner && results_wrong_expected(partner));
}

static bool compare_judged(const struct side_by_side *both, const struct result_cell *cell)
{
    const struct result_cell *partner = compare_has_row(both, cell) ? compare_partner(both, cell) : NULL;

    return partner && !compare_wrong_expected(cell, partner);
}

/* "171.9M": of operations per second. */
static void compare_print_rate(struct table *table, double rate)
{
    static const char prefixes[] = " kMGT";
    size_t prefix = 0;

    while (rate >= 1000 && prefixes[prefix + 1]) {
        rate /= 1000;
        prefix++;
    }
    if (rate > 0)
        table_cell(table, prefix ? "%.4g%c" : "%.4g", rate, prefixes[prefix]);
    else
        table_cell(table, "–");
}

/* Why nobody is judged; NULL: they are. */
static const char *compare_objection(const struct side_by_side *both)
{
    const char *objection = results_build_objection(both->then);

    if (!objection)
        objection = results_build_objection(both->now);
    return both->compare->force_verdicts ? NULL : objection;
}

static const char *compare_verdict(const struct side_by_side *both, const struct result_cell *cell,
                                   const struct result_cell *partner, const struct contrast *contrast)
{
    const struct interval *interval = &contrast->interval;

    if (results_failures(cell))
        return "failed";
    if (compare_wrong_expected(cell, partner))
        return "wrong answers expected";
    if (!partner)
        return "not in REF";
    if (both->then->exploratory || both->now->exploratory)
        return "exploratory";
    if (compare_objection(both))
        return "withheld";
    if (interval->exists && interval->low > 1 && contrast->ratio >= 1 + VERDICT_LEAST_EFFECT)
        return "faster";
    if (interval->exists && interval->high < 1 && contrast->ratio <= 1 - VERDICT_LEAST_EFFECT)
        return "slower";
    return "inconclusive";
}

/* The key names a strategy, but not a value that is the default. */
static bool compare_shows_value(const struct side_by_side *both)
{
    return both->paired && !compare_along_strategy(both);
}

/* A row's share of the risk: cells with one reference are a family; between two files all are. */
static double compare_alpha(const struct side_by_side *both, const struct result_cell *cell)
{
    size_t family = 0;

    for (size_t i = 0; both->paired && i < both->now->cells; i++)
        family += compare_judged(both, &both->now->cell[i]) && compare_same_group(both, &both->now->cell[i], cell);
    return VERDICT_ALPHA / (double)(family ? family : both->cells);
}

static void compare_print_ratio(struct table *table, const struct contrast *contrast, double alpha)
{
    if (contrast->interval.exists)
        table_cell(table, "%.3f× [%.3f … %.3f]", contrast->ratio, contrast->interval.low, contrast->interval.high);
    else if (contrast->ratio > 0 && contrast->used < summary_least_count(alpha))
        table_cell(table, "%.3f× [from %zu pairs]", contrast->ratio, summary_least_count(alpha));
    else if (contrast->ratio > 0)
        table_cell(table, "%.3f× [–]", contrast->ratio);
    else
        table_cell(table, "–");
}

/* True if this row is not settled. */
static bool compare_row(struct table *table, const struct side_by_side *both, const struct result_cell *cell)
{
    const struct result_cell *partner = compare_partner(both, cell);
    double alpha = compare_alpha(both, cell);
    struct contrast contrast = {0};
    const char *verdict;
    char text[RESULTS_VALUE];

    if (partner)
        contrast_cells(&contrast, cell, partner, CONTRAST_THROUGHPUT, both->paired, alpha);
    if (compare_wrong_expected(cell, partner)) {
        contrast.ratio = 0; /* the rate of wrong answers is shown, but is no measure of anything */
        contrast.interval = (struct interval){0};
    }
    verdict = compare_verdict(both, cell, partner, &contrast);
    if (compare_shows_value(both))
        table_cell(table, "%s", results_along(cell, both->compare->along, text));
    table_cell(table, "%s", cell->key);
    compare_print_rate(table, contrast.reference_median);
    compare_print_rate(table, contrast.median);
    compare_print_ratio(table, &contrast, alpha);
    table_cell(table, "%zu:%zu", contrast.reference_used, contrast.used);
    table_cell(table, "%zu", contrast.dropped);
    table_cell(table, "%s", verdict);
    return !strcmp(verdict, "inconclusive") || !strcmp(verdict, "exploratory") || !strcmp(verdict, "withheld");
}

static void compare_heading_paired(const struct side_by_side *both)
{
    const struct compare *compare = both->compare;
    bool strategies = compare_along_strategy(both);
    size_t left_out = 0;
    char text[RESULTS_VALUE];

    printf("\n%s: against %s%s%s within one file, paired by round%s\n", both->now_name, strategies ? "" : compare->along,
           strategies ? "" : "=", compare->reference,
           strcmp(compare->along, RESULTS_THREADS) == 0 ? "; of all threads together: the ratio is the scaling" : "");
    for (size_t i = 0; i < both->now->cells; i++)
        left_out += !results_along(&both->now->cell[i], compare->along, text);
    if (left_out)
        printf("      %zu of %zu cells are left out: their workload has no %s\n", left_out, both->now->cells, compare->along);
}

static void compare_heading(const struct side_by_side *both)
{
    const char *objection = compare_objection(both);
    char *kernel = identity_kernel_difference(both->then->run, both->now->run);
    char *build = identity_build_difference(both->then->run, both->now->run);

    if (both->compare->style == TABLE_CSV)
        return;
    if (both->paired)
        compare_heading_paired(both);
    else
        printf("\n%s against %s: independent samples; what the machine did between the two runs is in the ratio\n",
               both->now_name, both->then_name);
    if (objection)
        printf("!!    %s: no verdicts (--force-verdicts gives them)\n", objection);
    if (kernel)
        printf("!!    two kernels: %s\n", kernel);
    if (build)
        printf("      two builds: %s\n", build);
    free(kernel);
    free(build);
}

static const struct table_column compare_columns[] = {
    {"VALUE", false}, /* if compare_shows_value */
    {"CELL", false},   {"REF/S", true},   {"NEW/S", true},    {"RATIO [95% CI]", false},
    {"SAMPLES", true}, {"DROPPED", true}, {"VERDICT", false},
};

/* The rows of a cell's group; none if an earlier cell had them. True if one is not settled. */
static bool compare_group(struct table *table, const struct side_by_side *both, size_t first)
{
    const struct result_cell *cell = both->now->cell;
    bool unsettled = false;

    for (size_t i = 0; i < first; i++)
        if (compare_same_group(both, &cell[i], &cell[first]))
            return false;
    for (size_t i = first; i < both->now->cells; i++)
        if (compare_has_row(both, &cell[i]) && compare_same_group(both, &cell[i], &cell[first]))
            unsettled |= compare_row(table, both, &cell[i]);
    return unsettled;
}

/* EXITS_INCONCLUSIVE if a row is not settled. */
static int compare_table(const struct side_by_side *both)
{
    size_t hidden = !compare_shows_value(both);
    bool unsettled = false;
    struct table table;

    compare_heading(both);
    table_begin(&table, compare_columns + hidden, sizeof compare_columns / sizeof compare_columns[0] - hidden);
    for (size_t i = 0; i < both->now->cells; i++)
        unsettled |= compare_group(&table, both, i);
    table_print(&table, both->compare->style);
    table_free(&table);
    return unsettled ? EXITS_INCONCLUSIVE : EXITS_OK;
}

static FILE *compare_gate_stream(const struct compare *compare)
{
    return compare->style == TABLE_CSV ? stderr : stdout;
}

static enum gate_verdict compare_gate_cell(const struct side_by_side *both, const struct gate *gate,
                                           const struct result_cell *cell)
{
    static const char *const words[] = {[GATE_PASSED] = "passed", [GATE_FAILED] = "FAILED", [GATE_UNDECIDED] = "undecided"};
    double alpha = VERDICT_ALPHA / (double)both->cells / (double)both->compare->gates;
    enum gate_verdict verdict;
    struct contrast contrast;

    contrast_cells(&contrast, cell, compare_partner(both, cell), gate->figure, both->paired, alpha);
    verdict = gate_judge(gate, contrast.interval);
    if (both->then->exploratory || both->now->exploratory)
        verdict = GATE_UNDECIDED;
    if (results_failures(cell) || contrast.used == 0)
        verdict = GATE_FAILED;
    if (verdict != GATE_PASSED)
        fprintf(compare_gate_stream(both->compare), "gate  %s: %s: %s, %.3f× [%.3f … %.3f]%s\n", gate->text, cell->key,
                words[verdict], contrast.ratio, contrast.interval.low, contrast.interval.high,
                results_failures(cell)    ? ": its samples failed"
                : contrast.used == 0      ? ": nothing to compare"
                : contrast.interval.exists ? ""
                                           : ": too few samples for an interval");
    return verdict;
}

/* A cell that is no longer there must not pass. */
static size_t compare_lost(const struct side_by_side *both, const struct gate *gate)
{
    size_t lost = 0;

    for (size_t i = 0; !both->paired && i < both->then->cells; i++) {
        const struct result_cell *cell = &both->then->cell[i];
        bool found = results_wrong_expected(cell);

        for (size_t j = 0; j < both->now->cells; j++)
            found |= compare_partner(both, &both->now->cell[j]) == cell;
        if (found)
            continue;
        fprintf(compare_gate_stream(both->compare), "gate  %s: %s: FAILED, %s lacks it\n", gate->text, cell->key,
                both->now_name);
        lost++;
    }
    return lost;
}

static int compare_gate(const struct side_by_side *both, const struct gate *gate)
{
    size_t count[GATE_UNDECIDED + 1] = {0};

    for (size_t i = 0; i < both->now->cells; i++)
        if (compare_judged(both, &both->now->cell[i]))
            count[compare_gate_cell(both, gate, &both->now->cell[i])]++;
    count[GATE_FAILED] += compare_lost(both, gate);
    fprintf(compare_gate_stream(both->compare), "gate  %s: %zu passed, %zu failed, %zu undecided\n", gate->text,
            count[GATE_PASSED], count[GATE_FAILED], count[GATE_UNDECIDED]);
    if (count[GATE_FAILED])
        return EXITS_GATE;
    return count[GATE_UNDECIDED] ? EXITS_INCONCLUSIVE : EXITS_OK;
}

_Noreturn static void compare_refuse(const struct side_by_side *both)
{
    size_t wrong = 0;

    for (size_t i = 0; i < both->now->cells; i++)
        wrong += compare_has_row(both, &both->now->cell[i]) &&
                 compare_wrong_expected(&both->now->cell[i], compare_partner(both, &both->now->cell[i]));
    die_usage(both->paired ? "compare: %s has no cell that can be compared with %s%s"
                           : "compare: %s and %s have no cell that can be compared%s",
              both->then_name, both->paired ? both->compare->reference : both->now_name,
              wrong ? ": wrong answers are expected, which are not ranked" : "");
}

static int compare_both(struct side_by_side *both)
{
    const struct compare *compare = both->compare;
    int code = EXITS_OK, settled;

    both->cells = 0;
    for (size_t i = 0; i < both->now->cells; i++)
        both->cells += compare_judged(both, &both->now->cell[i]);
    if (both->cells == 0)
        compare_refuse(both);
    if (compare->gates && compare_objection(both))
        die_usage("--fail-if: %s or %s is %s: its figures must not decide (--force-verdicts lets them)", both->then_name,
                  both->now_name, compare_objection(both));
    settled = compare_table(both);
    if (compare->gates)
        settled = EXITS_OK;
    for (size_t i = 0; i < compare->gates; i++)
        settled = exits_worse(settled, compare_gate(both, &compare->gate[i]));
    if (settled == EXITS_GATE || compare->strict)
        code = settled;
    return exits_worse(code, report_failures(both->now));
}

static void compare_hosts(const struct compare *compare, const struct results *results)
{
    for (size_t i = 1; i < compare->files.count && !compare->force; i++) {
        char *difference = identity_host_difference(results[0].run, results[i].run);

        if (difference)
            die_usage("compare: %s and %s are of two hosts, %s (--force compares them)", compare->files.item[0],
                      compare->files.item[i], difference);
    }
}

/* What is compared is throughput. Latencies are quantiles of one machine's tail, with no interval from rounds behind them,
 * and those of two modes or rates are different figures. */
static void compare_paces(const struct compare *compare, const struct results *results)
{
    for (size_t i = 0; i < compare->files.count; i++)
        if (results[i].pace.mode != PACE_OFF) {
            char *words = pace_words(&results[i].pace), *other = pace_words(&results[i ? 0 : compare->files.count - 1].pace);

            die_usage("compare: %s holds %s%s%s%s%s: throughput alone is compared (rclab show prints latencies)",
                      compare->files.item[i], words, compare->files.count > 1 ? ", " : "",
                      compare->files.count > 1 ? compare->files.item[i ? 0 : compare->files.count - 1] : "",
                      compare->files.count > 1 ? " holds " : "", compare->files.count > 1 ? other : "");
        }
}

static void compare_choose_reference(struct compare *compare, const struct results *results)
{
    bool strategies = strcmp(compare->along, RESULTS_STRATEGY) == 0;

    axis_values(results, compare->along, &compare->values);
    if (!compare->reference)
        compare->reference = strategies ? results->reference : compare->values.item[0];
    else if (!names_has(&compare->values, compare->reference))
        suggest_die(memory_text(strategies ? "%s of this file" : "value of %s in this file", compare->along),
                    compare->reference, &compare->values);
}

static void compare_choose_axis(struct compare *compare, const struct results *results)
{
    if (compare->files.count > 1 && (compare->along || compare->reference))
        die_usage("--%s: with two files each cell is compared with the same one of the first",
                  compare->along ? "along" : "reference");
    if (compare->files.count > 1)
        return;
    if (!compare->along)
        compare->along = RESULTS_STRATEGY;
    if (!axis_compares(results, compare->along))
        axis_refuse(results, compare->along, compare->files.item[0]);
    compare_choose_reference(compare, results);
}

int compare_main(int argc, char **argv)
{
    struct compare compare = {0};
    struct results *results;
    int code = EXITS_OK;

    argp_parse(&compare_argp, argc, argv, 0, NULL, &compare);
    results = memory_alloc(compare.files.count, sizeof results[0]);
    for (size_t i = 0; i < compare.files.count; i++)
        if (!load_file(compare.files.item[i], &results[i]))
            return EXITS_USAGE;
    compare_paces(&compare, results);
    compare_choose_axis(&compare, results);
    compare_hosts(&compare, results);
    for (size_t i = compare.files.count > 1; i < compare.files.count; i++) {
        struct side_by_side both = {.compare = &compare,
                                    .then = &results[0],
                                    .now = &results[i],
                                    .then_name = compare.files.item[0],
                                    .now_name = compare.files.item[i],
                                    .paired = compare.files.count == 1};

        code = exits_worse(code, compare_both(&both));
    }
    for (size_t i = 0; i < compare.files.count; i++)
        results_free(&results[i]);
    free(results);
    free(compare.gate);
    names_free(&compare.values);
    names_free(&compare.files);
    return code;
}
