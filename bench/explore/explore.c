/*
 * explore.c -- the program behind `rclab explore`: which scenarios, on which strategies, how; the table, the exit code.
 *
 * Exit: 0 all as the scenarios state (proved, as a rule), 1 a failing schedule was found, 3 the budget ran out first, 2 usage.
 */
#define _GNU_SOURCE 1
#include <argp.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../die.h"
#include "../exits.h"
#include "../names.h"
#include "../suggest.h"
#include "../timing.h"
#include "json.h"
#include "proof.h"

extern const struct explore_target *const targets_begin[] __asm__("__start_explore_targets");
extern const struct explore_target *const targets_end[] __asm__("__stop_explore_targets");
#define for_each_target(t) for (const struct explore_target *const *t = targets_begin; t < targets_end; t++)
#define for_each_scenario(s, t) for (const struct scenario *const *s = (t)->scenarios; s < (t)->scenarios_end; s++)

enum {
    KEY_LIST = 256, KEY_SEARCH, KEY_BUDGET, KEY_SCHEDULES, KEY_PREEMPTIONS, KEY_SEED, KEY_DEPTH, KEY_REPLAY, KEY_ALL, KEY_MODEL,
    KEY_QUICK, KEY_UNFIT, KEY_JSON, KEY_SPINS, KEY_SPURIOUS,
};

struct explore {
    struct names strategies, scenarios;
    struct proof_request request;
    bool list, all, quiet, quick, unfit, json;
    int proved, failed, unfinished;
};

/* --- names --- */

static void known_strategies(struct names *known)
{
    for_each_target(t) names_add(known, (*t)->strategy);
    names_sort(known);
}

static void known_scenarios(struct names *known)
{
    for_each_target(t) for_each_scenario(s, *t) if (!names_has(known, (*s)->name)) names_add(known, (*s)->name);
    names_sort(known);
}

static void refuse_unknown(const char *kind, const struct names *asked, void (*fill)(struct names *))
{
    struct names known = {0};
    fill(&known);
    for (size_t i = 0; i < asked->count; i++)
        if (!names_has(&known, asked->item[i]))
            suggest_die(kind, asked->item[i], &known);
    names_free(&known);
}

/* Why it is not run, or NULL. */
static const char *left_out(const struct explore *x, const struct scenario *s)
{
    if (s->large && x->quick)
        return "takes minutes";
    return s->unfit && !x->unfit ? s->unfit() : NULL;
}

/* --- output --- */

static void list_scenarios(void)
{
    struct names known = {0};
    known_scenarios(&known);
    for (size_t i = 0; i < known.count; i++)
        for_each_target(t) {
            bool found = false;
            for_each_scenario(s, *t) if (!found && strcmp((*s)->name, known.item[i]) == 0)
            {
                printf("%-24s %s [%s]\n", (*s)->name, (*s)->summary, (*s)->source);
                found = true;
            }
            if (found)
                break;
        }
    names_free(&known);
}

static void print_failure(const struct proof *p)
{
    printf("  %s: %s\n", p->failure.kind, p->failure.text);
    if (!p->crashed)
        printf("  again: --replay '%s'\n", p->schedule);
}

static void print_proof(const struct proof_request *r, const struct proof *p, const char *wrong)
{
    static const char *const words[] = {
        [VERDICT_PROVED] = "proved", [VERDICT_FAILED] = "FAILED", [VERDICT_BUDGET] = "budget ran out"};
    const struct counts *c = &p->counts;
    const char *word = wrong ? "WRONG" : proof_fails_as_stated(r, p) ? "fails (stated)" : words[p->verdict];
    printf("%-24s %-9s %-5s %-14s ", r->scenario->name, r->target->strategy, r->model == MODEL_SC ? "sc" : "rc11", word);
    printf("%10" PRIu64 " %10" PRIu64 " %11" PRIu64 " %8.2f s %9.0f/s\n", c->schedules, c->blocked, c->points, c->seconds,
           c->seconds > 0 ? (double)c->points / c->seconds : 0);
    if (wrong)
        printf("  %s\n", wrong);
    if (p->verdict == VERDICT_FAILED)
        print_failure(p);
}

static void prove(struct explore *x, const struct explore_target *t, const struct scenario *s)
{
    char wrong[300] = "";
    struct proof p;
    x->request.target = t;
    x->request.scenario = s;
    proof_run(&x->request, &p);
    bool right = proof_is_as_stated(&x->request, &p, wrong, sizeof wrong), stated = proof_fails_as_stated(&x->request, &p);
    (x->json ? json_print_proof : print_proof)(&x->request, &p, right ? NULL : wrong);
    x->failed += (p.verdict == VERDICT_FAILED && !stated) || !right;
    x->unfinished += p.verdict == VERDICT_BUDGET;
    x->proved += right && (p.verdict == VERDICT_PROVED || stated);
}

static void prove_all(struct explore *x)
{
    if (!x->json)
        printf("%-24s %-9s %-5s %-14s %10s %10s %11s\n", "SCENARIO", "STRATEGY", "MODEL", "VERDICT", "EXECUTIONS", "BLOCKED", "POINTS");
    for_each_target(t) {
        if (x->strategies.count > 0 ? !names_has(&x->strategies, (*t)->strategy) : (*t)->unsafe)
            continue;
        int before = x->proved;
        for_each_scenario(s, *t) {
            if (!x->all && !names_has(&x->scenarios, (*s)->name))
                continue;
            const char *why = left_out(x, *s);
            if (why && !x->json)
                printf("%-24s %-9s not run: %s\n", (*s)->name, (*t)->strategy, why);
            else if (!why)
                prove(x, *t, *s);
        }
        if (x->proved > before && !x->json)
            printf("  %s is proved within these bounds: a loop that yields goes round %d times in vain, %d wakes and failures of weak "
                   "compare-and-swap a thread come for no reason; %s\n",
                   (*t)->strategy, x->request.limits.spins, x->request.limits.spurious, (*t)->bounds());
    }
}

/* --- options --- */

static long number(const char *what, const char *text, long min, long max)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < min || value > max)
        die_usage("%s: '%s' is no whole number from %ld to %ld", what, text, min, max);
    return value;
}

static void choose(const char *what, const char *text, const char *const *words, int *chosen)
{
    struct names known = {0};
    for (int i = 0; words[i]; i++) {
        names_add(&known, words[i]);
        if (strcmp(words[i], text) == 0)
            *chosen = i;
    }
    if (!names_has(&known, text))
        suggest_die(what, text, &known);
    names_free(&known);
}

static error_t option(int key, char *arg, struct argp_state *state)
{
    static const char *const models[] = {"rc11", "sc", NULL}, *const searches[] = {"dpor", "brute", "random", NULL};
    struct explore *x = state->input;
    int chosen;
    int64_t ns;
    switch (key) {
    case KEY_LIST: x->list = true; return 0;
    case KEY_ALL: x->all = true; return 0;
    case 's': names_split(&x->strategies, arg, ','); return 0;
    case 'o': x->request.page = arg; return 0;
    case KEY_QUICK: x->quick = true; return 0;
    case KEY_UNFIT: x->unfit = true; return 0;
    case 'q': x->request.lanes = false; return 0;
    case 'v': x->request.verbose = true; return 0;
    case KEY_JSON: x->json = x->request.graphs = true, x->request.lanes = false; return 0;
    case KEY_MODEL: choose("model", arg, models, &chosen), x->request.model = (enum model)chosen; return 0;
    case KEY_SEARCH: choose("search", arg, searches, &chosen), x->request.search = (enum search)chosen; return 0;
    case KEY_BUDGET:
        if (!timing_parse(arg, &ns))
            die_usage("--budget: '%s' is no time; allowed: 30s, 2m, 1h", arg);
        x->request.limits.seconds = (double)ns / 1e9;
        return 0;
    case KEY_SCHEDULES: x->request.limits.schedules = (uint64_t)number("--schedules", arg, 1, 1000000000000); return 0;
    case KEY_PREEMPTIONS: x->request.limits.preemptions = (int)number("--preemptions", arg, 0, 1000); return 0;
    case KEY_SPINS: x->request.limits.spins = (int)number("--spins", arg, 0, 100); return 0;
    case KEY_SPURIOUS: x->request.limits.spurious = (int)number("--spurious", arg, 0, 10); return 0;
    case KEY_SEED: x->request.seed = (uint64_t)number("--seed", arg, 0, 1000000000); return 0;
    case KEY_DEPTH: x->request.depth = (int)number("--depth", arg, 1, 16); return 0;
    case KEY_REPLAY: x->request.schedule = arg, x->request.search = SEARCH_REPLAY; return 0;
    case ARGP_KEY_ARG: names_add(&x->scenarios, arg); return 0;
    case ARGP_KEY_END:
        if (!x->list && !x->all && x->scenarios.count == 0)
            die_usage("explore: which scenario? --list shows them, --all takes all");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"list", KEY_LIST, NULL, 0, "The scenarios there are", 0},
    {"all", KEY_ALL, NULL, 0, "Every scenario", 0},
    {"quick", KEY_QUICK, NULL, 0, "Without the scenarios that take minutes", 0},
    {"unfit", KEY_UNFIT, NULL, 0, "Also where a scenario asks what a strategy does not promise: see it fail", 0},
    {"strategy", 's', "LIST", 0, "Strategies (default: all that promise right answers under threads)", 0},
    {"model", KEY_MODEL, "rc11|sc", 0, "Memory model (default rc11)", 0},
    {"search", KEY_SEARCH, "dpor|brute|random", 0, "All execution graphs once (default), every interleaving, or PCT", 0},
    {"budget", KEY_BUDGET, "TIME", 0, "Stop each proof after that time (default 10m)", 0},
    {"schedules", KEY_SCHEDULES, "N", 0, "Stop each proof after N executions", 0},
    {"preemptions", KEY_PREEMPTIONS, "N", 0, "brute: at most N preemptions", 0},
    {"spins", KEY_SPINS, "N", 0, "A thread yields in vain N times before it waits for good (default 1)", 0},
    {"spurious", KEY_SPURIOUS, "N", 0, "Of each thread N wakes, or failures of weak compare-and-swap, for no reason (default 0)", 0},
    {"seed", KEY_SEED, "N", 0, "random: the seed (default 1)", 0},
    {"depth", KEY_DEPTH, "N", 0, "random: look for bugs of that depth (default 3)", 0},
    {"replay", KEY_REPLAY, "SCHEDULE", 0, "Run that schedule, as a failure printed it", 0},
    {"output", 'o', "FILE.html", 0, "Write the failing schedule as a page with a stepper", 0},
    {"quiet", 'q', NULL, 0, "No lanes, only the verdicts", 0},
    {"verbose", 'v', NULL, 0, "Lanes and page with every step, also those that no other thread can see", 0},
    {"json", KEY_JSON, NULL, 0, "No table: a line of JSON for each proof", 0},
    {0},
};

int main(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options, .parser = option, .args_doc = "[SCENARIO…]",
        .doc = "Runs a scenario's threads through every execution that the memory model allows, with the code that is measured.",
    };
    struct explore x = {.request = {.limits = {.seconds = 600, .preemptions = -1, .spins = 1}, .seed = 1, .depth = 3, .lanes = true}};
    argp_err_exit_status = EXITS_USAGE;
    setlocale(LC_CTYPE, "C.UTF-8");
    argp_parse(&argp, argc, argv, 0, NULL, &x);
    refuse_unknown("strategy", &x.strategies, known_strategies);
    refuse_unknown("scenario", &x.scenarios, known_scenarios);
    if (x.list) {
        list_scenarios();
        return 0;
    }
    if (x.request.search == SEARCH_REPLAY && (x.scenarios.count != 1 || x.strategies.count != 1))
        die_usage("--replay belongs to one scenario and one strategy (-s)");
    prove_all(&x);
    if (x.proved + x.failed + x.unfinished == 0)
        die_usage("explore: none of these scenarios can run on these strategies");
    return x.failed ? 1 : x.unfinished ? 3 : 0;
}
