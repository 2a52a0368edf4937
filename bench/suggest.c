/*
 * suggest.c -- an unknown name is answered with the near ones and with all that are allowed.
 */
#define _GNU_SOURCE 1
#include "suggest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"

enum { SUGGEST_LONGEST = 63, SUGGEST_MESSAGE = 4096 };

static size_t suggest_least(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* The optimal string alignment distance, row by row of the usual matrix. */
size_t suggest_distance(const char *a, const char *b)
{
    size_t cost[SUGGEST_LONGEST + 1][SUGGEST_LONGEST + 1];
    size_t rows = strnlen(a, SUGGEST_LONGEST), columns = strnlen(b, SUGGEST_LONGEST);

    for (size_t i = 0; i <= rows; i++)
        for (size_t j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            cost[i][j] = suggest_least(cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && cost[i - 2][j - 2] + 1 < cost[i][j])
                cost[i][j] = cost[i - 2][j - 2] + 1;
        }
    return cost[rows][columns];
}

void suggest_near(const char *word, const struct names *allowed, struct names *near)
{
    size_t length = strlen(word), reach = length < 3 ? 1 : length < 7 ? 2 : 3;

    for (size_t i = 0; i < allowed->count; i++) {
        const char *name = allowed->item[i];

        if ((length && strncmp(name, word, length) == 0) || suggest_distance(word, name) <= reach)
            names_add(near, name);
    }
}

_Noreturn void suggest_die(const char *kind, const char *word, const struct names *allowed)
{
    struct names near = {0};
    char *all = names_join(allowed, ", "), *close, message[SUGGEST_MESSAGE];

    suggest_near(word, allowed, &near);
    close = names_join(&near, " or ");
    snprintf(message, sizeof message, "unknown %s '%s'%s%s%s; allowed: %s", kind, word, near.count ? " (did you mean " : "",
             close, near.count ? "?)" : "", *all ? all : "none");
    free(all);
    free(close);
    names_free(&near);
    die_usage("%s", message);
}
