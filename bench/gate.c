/*
 * gate.c -- bounds on ratios, for continuous integration.
 */
#include "gate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"

static _Noreturn void gate_refuse(const char *text)
{
    die_usage("--fail-if '%s': allowed is FIGURE:-N%% or FIGURE:+N%%, such as throughput:-5%% (fails when it falls by more "
              "than 5%%); FIGURE is throughput, wall, cpu or rss; -N is below 100",
              text);
}

void gate_parse(struct gate *gate, const char *text)
{
    const char *colon = strchr(text, ':'), *number;
    double percent;
    char *end;

    if (!colon || !contrast_figure_parse(text, (size_t)(colon - text), &gate->figure) || (colon[1] != '-' && colon[1] != '+'))
        gate_refuse(text);
    number = colon + 2;
    if (!isdigit((unsigned char)*number))
        gate_refuse(text);
    percent = strtod(number, &end);
    if (number[strspn(number, "0123456789.")] != '%' || strcmp(end, "%") != 0 || !(percent <= 1e6) ||
        (colon[1] == '-' && percent >= 100))
        gate_refuse(text);
    gate->text = text;
    gate->bound = colon[1] == '-' ? 1 - percent / 100 : 1 + percent / 100;
    if (percent == 0) /* the sign must survive: beyond 1, however little */
        gate->bound = colon[1] == '-' ? 1 - 1e-12 : 1 + 1e-12;
}

enum gate_verdict gate_judge(const struct gate *gate, struct interval interval)
{
    if (!interval.exists)
        return GATE_UNDECIDED;
    if (gate->bound < 1)
        return interval.high < gate->bound ? GATE_FAILED : interval.low >= gate->bound ? GATE_PASSED : GATE_UNDECIDED;
    return interval.low > gate->bound ? GATE_FAILED : interval.high <= gate->bound ? GATE_PASSED : GATE_UNDECIDED;
}
