/*
 * timing.c -- the driver's clock, and times as people write them.
 */
#define _GNU_SOURCE 1
#include "timing.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double TIMING_LONGEST = 1e9; /* seconds, 30 years: keeps every sum of times within 63 bits of ns */

int64_t timing_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * TIMING_SECOND + now.tv_nsec;
}

/* The seconds of the unit at *text, which is moved behind it; 0 if there is none. */
static double timing_unit(const char **text)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strncmp(*text, units[i].name, strlen(units[i].name)) == 0) {
            *text += strlen(units[i].name);
            return units[i].seconds;
        }
    return 0;
}

bool timing_parse(const char *text, int64_t *ns)
{
    double total = 0;

    if (!*text)
        return false;
    while (*text) {
        char *end;
        double number, unit;

        if (!isdigit((unsigned char)*text) && *text != '.')
            return false;
        number = strtod(text, &end);
        if (end == text)
            return false;
        text = end;
        unit = timing_unit(&text);
        if (unit == 0 && *text)
            return false;
        total += number * (unit > 0 ? unit : 1);
    }
    if (!(total >= 0 && total <= TIMING_LONGEST))
        return false;
    *ns = (int64_t)(total * 1e9 + 0.5);
    return true;
}

const char *timing_format(int64_t ns, char text[TIMING_TEXT])
{
    int64_t seconds = (ns + TIMING_SECOND / 2) / TIMING_SECOND;

    if (seconds < 10)
        snprintf(text, TIMING_TEXT, "%.1fs", (double)ns / 1e9);
    else if (seconds < 60)
        snprintf(text, TIMING_TEXT, "%" PRId64 "s", seconds);
    else if (seconds < 3600)
        snprintf(text, TIMING_TEXT, "%" PRId64 "m%02" PRId64 "s", seconds / 60, seconds % 60);
    else
        snprintf(text, TIMING_TEXT, "%" PRId64 "h%02" PRId64 "m", seconds / 3600, seconds % 3600 / 60);
    return text;
}
