/*
 * exits.c -- which exit code wins when several apply.
 */
#include "exits.h"

#include <stddef.h>

int exits_worse(int a, int b)
{
    static const int order[] = {EXITS_INTERRUPTED, EXITS_USAGE, EXITS_MISSING, EXITS_WORKER,
                                EXITS_BUDGET,      EXITS_GATE,  EXITS_INCONCLUSIVE};

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return EXITS_OK;
}
