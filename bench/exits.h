/*
 * exits.h -- the exit codes of rclab, and which one wins when several apply.
 */
#ifndef BENCH_EXITS_H
#define BENCH_EXITS_H

enum {
    EXITS_OK = 0,
    EXITS_GATE = 1,         /* a gate failed (rclab compare --fail-if) */
    EXITS_USAGE = 2,        /* bad names, values, files; also what the system refuses before measuring */
    EXITS_INCONCLUSIVE = 3, /* under --strict */
    EXITS_WORKER = 4,       /* a worker crashed, hung or gave a wrong result */
    EXITS_MISSING = 77,     /* a required capability is absent */
    EXITS_BUDGET = 124,     /* the total budget ran out */
    EXITS_INTERRUPTED = 130,
};

/* The one of two codes that the program reports. */
int exits_worse(int a, int b);

#endif
