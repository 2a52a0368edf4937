/*
 * json.c -- a proof as one line of JSON: what the tests of the search compare, what scripts/explore-benchmark counts.
 *
 * Keys stand in a fixed order, so that two equal runs differ in `seconds` alone. graphs_sum is a string: JSON's numbers do not hold
 * 64 bits.
 */
#include "json.h"
#include "../die.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static json_t *count(uint64_t n) { return json_integer((json_int_t)n); }

static json_t *graphs_sum(const struct proof *p)
{
    char hex[17];
    snprintf(hex, sizeof hex, "%016" PRIx64, p->graphs_sum);
    return json_string(hex);
}

static json_t *failure(const struct proof *p)
{
    return p->verdict == VERDICT_FAILED ? json_pack("{s:s,s:s}", "kind", p->failure.kind, "text", p->failure.text) : json_null();
}

static json_t *outcomes(const struct proof *p)
{
    json_t *list = json_array();
    for (int i = 0; i < p->outcomes; i++)
        json_array_append_new(list, json_string(p->outcome[i]));
    return list;
}

void json_print_proof(const struct proof_request *r, const struct proof *p, const char *wrong)
{
    static const char *const searches[] = {"dpor", "brute", "random", "replay"};
    static const char *const verdicts[] = {[VERDICT_PROVED] = "proved", [VERDICT_FAILED] = "failed", [VERDICT_BUDGET] = "budget"};
    json_t *line = json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:s?,s:o,s:o,s:o,s:o,s:f,s:o,s:o,s:o,s:s?,s:o}",
                             "scenario", r->scenario->name, "strategy", r->target->strategy,
                             "model", r->model == MODEL_SC ? "sc" : "rc11", "search", searches[r->search],
                             "verdict", verdicts[p->verdict], "stated", proof_fails_as_stated(r, p), "wrong", wrong,
                             "executions", count(p->counts.schedules), "blocked", count(p->counts.blocked),
                             "points", count(p->counts.points), "hooks", count(p->counts.hooks), "seconds", p->counts.seconds,
                             "graphs", count(p->graphs), "graphs_sum", graphs_sum(p), "failure", failure(p),
                             "schedule", p->schedule[0] ? p->schedule : NULL, "outcomes", outcomes(p));
    if (!line || json_dumpf(line, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) != 0)
        die("--json", ENOMEM);
    putchar('\n');
    json_decref(line);
}
