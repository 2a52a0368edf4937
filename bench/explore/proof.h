/*
 * proof.h -- one scenario on one strategy, from the request to the statement: proved, failed with a schedule, or out of budget.
 */
#ifndef EXPLORE_PROOF_H
#define EXPLORE_PROOF_H

#include "engine.h"

enum search { SEARCH_DPOR, SEARCH_BRUTE, SEARCH_RANDOM, SEARCH_REPLAY };

struct proof_request {
    const struct explore_target *target;
    const struct scenario *scenario;
    enum model model;
    enum search search;
    struct limits limits;
    uint64_t seed;
    int depth;            /* PCT */
    const char *schedule; /* replay */
    const char *page;     /* where to write the page of a failing schedule; NULL: nowhere */
    bool graphs;          /* tell how many different executions there were, and which (graphs_sum) */
    bool lanes;           /* print the failing schedule as lanes */
    bool verbose;         /* with every step, also those that nobody else can see */
};

enum { PROOF_OUTCOMES = 1000, PROOF_SCHEDULE = 4096 };

struct proof {
    enum verdict verdict;
    bool crashed;                     /* the explorer's process died: failure.text says how */
    struct counts counts;
    struct failure failure;
    uint64_t graphs_sum;              /* of the hashes of the different executions: equal sets have equal sums */
    uint64_t graphs;                  /* different executions */
    int threads, helpers;
    int outcomes;
    char outcome[PROOF_OUTCOMES][64]; /* sorted */
    char schedule[PROOF_SCHEDULE];    /* of the failure */
};

/* In a process of its own; output of the lanes goes to standard output. Exits 2 on a schedule that cannot be replayed. */
void proof_run(const struct proof_request *request, struct proof *proof);

/* It failed in the way in which the scenario says that it must fail. */
bool proof_fails_as_stated(const struct proof_request *request, const struct proof *proof);
/* False if it found something else than the scenario states: other outcomes, no failure; says what on `text`. What a search that
 * does not see everything has not found contradicts nothing. */
bool proof_is_as_stated(const struct proof_request *request, const struct proof *proof, char *text, size_t size);

#endif
