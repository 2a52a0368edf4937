/*
 * proof.c -- runs one request in a child process (the arena and the code's statics are its own) and brings the result back.
 */
#include "proof.h"
#include "../die.h"
#include "../exits.h"
#include "lanes.h"
#include "stepper.h"
#include "trace.h"
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct proof_request *request;
static struct proof *proof; /* shared with the parent */

uint64_t explore_seed(void) { return request->seed; }

/* --- what is gathered from complete executions --- */

static struct {
    uint64_t *slot; /* open addressing; 0: empty */
    size_t used, room;
} seen;

static void seen_insert(uint64_t hash)
{
    size_t i = hash % seen.room;
    while (seen.slot[i] && seen.slot[i] != hash)
        i = (i + 1) % seen.room;
    if (seen.slot[i])
        return;
    seen.slot[i] = hash;
    seen.used++;
}

static void seen_grow(void)
{
    uint64_t *old = seen.slot;
    size_t room = seen.room;
    seen.room = room ? room * 2 : 4096;
    seen.used = 0;
    seen.slot = calloc(seen.room, sizeof *seen.slot);
    if (!seen.slot)
        die("explore", ENOMEM);
    for (size_t i = 0; i < room; i++)
        if (old[i])
            seen_insert(old[i]);
    free(old);
}

static void note_outcome(void)
{
    int at = 0;
    if (!run.outcome[0])
        return;
    while (at < proof->outcomes && strcmp(proof->outcome[at], run.outcome) < 0)
        at++;
    if ((at < proof->outcomes && strcmp(proof->outcome[at], run.outcome) == 0) || proof->outcomes == PROOF_OUTCOMES)
        return;
    memmove(proof->outcome[at + 1], proof->outcome[at], (size_t)(proof->outcomes - at) * sizeof *proof->outcome);
    proof->outcomes++;
    snprintf(proof->outcome[at], sizeof *proof->outcome, "%s", run.outcome);
}

/* Which executions these are. */
static void note_graph(void)
{
    uint64_t hash = graph_hash(graph);
    size_t before = seen.used;
    if (seen.used * 2 >= seen.room)
        seen_grow();
    seen_insert(hash ? hash : 1);
    if (seen.used > before)
        proof->graphs_sum += hash;
    proof->graphs = seen.used;
}

static void on_complete(void)
{
    if (request->graphs)
        note_graph();
    note_outcome();
}

/* --- the child --- */

static enum verdict search(void)
{
    switch (request->search) {
    case SEARCH_BRUTE: return walk_all(&request->limits, on_complete);
    case SEARCH_RANDOM: return walk_random(&request->limits, request->seed, request->depth, on_complete);
    case SEARCH_REPLAY: return walk_replay(request->schedule);
    default: return search_all(&request->limits, on_complete);
    }
}

/* The failing execution once more, step by step: its printed form, its lanes, its page. */
static void explain(void)
{
    struct failure shown = run.failure;
    struct counts counts = run.counts;
    trace_begin();
    bool failed = request->search == SEARCH_DPOR ? walk_follow() : walk_again();
    if (failed && strcmp(run.failure.kind, shown.kind) == 0) {
        proof->failure = shown = run.failure; /* of a race, one step after another may show the other side */
    } else {
        size_t used = strlen(proof->failure.text);
        snprintf(proof->failure.text + used, sizeof proof->failure.text - used, " (not reproduced: the schedule does not lead there)");
    }
    run.counts = counts;
    trace_end(&shown, !request->verbose);
    snprintf(proof->schedule, sizeof proof->schedule, "%s", walk_schedule());
    if (request->lanes)
        lanes_print(stdout, &shown);
    if (request->page)
        stepper_write(request->page, &shown, request);
    fflush(stdout);
}

static void child(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 30); /* graphs come and go: their memory stays here */
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    model = request->model;
    run.limits = &request->limits;
    run_open(request->target, request->scenario);
    proof->threads = run.threads;
    proof->helpers = run.helpers;
    proof->verdict = search();
    proof->counts = run.counts;
    proof->failure = run.failure;
    if (proof->verdict == VERDICT_FAILED)
        explain();
}

void proof_run(const struct proof_request *asked, struct proof *result)
{
    int status;
    request = asked;
    proof = mmap(NULL, sizeof *proof, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (proof == MAP_FAILED)
        die("explore", errno);
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        die("fork", errno);
    if (pid == 0) {
        child();
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXITS_USAGE)
        exit(EXITS_USAGE); /* it has said why: a file that cannot be written, a schedule that does not fit */
    *result = *proof;
    munmap(proof, sizeof *proof);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    result->crashed = true;
    result->verdict = VERDICT_FAILED;
    snprintf(result->failure.kind, sizeof result->failure.kind, "crash");
    snprintf(result->failure.text, sizeof result->failure.text, "the process ended with %s %d",
             WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* NULL: none. */
static const char *stated_failure(const struct proof_request *asked)
{
    const struct scenario *s = asked->scenario;
    return s->fails_weak && asked->model == MODEL_SC ? NULL : s->fails;
}

bool proof_fails_as_stated(const struct proof_request *asked, const struct proof *p)
{
    const char *fails = stated_failure(asked);
    return p->verdict == VERDICT_FAILED && fails && strcmp(fails, p->failure.kind) == 0;
}

static bool outcomes_are_as_stated(const struct proof_request *asked, const struct proof *p, char *text, size_t size)
{
    const char *const *wanted = asked->model == MODEL_SC ? asked->scenario->outcomes_sc : asked->scenario->outcomes;
    int n = 0;
    if (!wanted)
        return true;
    while (wanted[n])
        n++;
    for (int i = 0; i < n || i < p->outcomes; i++) {
        if (i < n && i < p->outcomes && strcmp(wanted[i], p->outcome[i]) == 0)
            continue;
        snprintf(text, size, "seen %d outcomes, stated %d; the first difference: seen '%s', stated '%s'", p->outcomes, n,
                 i < p->outcomes ? p->outcome[i] : "none", i < n ? wanted[i] : "none");
        return false;
    }
    return true;
}

bool proof_is_as_stated(const struct proof_request *asked, const struct proof *p, char *text, size_t size)
{
    const char *fails = stated_failure(asked);
    bool all = asked->search == SEARCH_DPOR || (asked->search == SEARCH_BRUTE && asked->limits.preemptions < 0);
    if (p->verdict == VERDICT_BUDGET || proof_fails_as_stated(asked, p))
        return true;
    if (fails && (p->verdict == VERDICT_FAILED || all || asked->search == SEARCH_REPLAY)) {
        snprintf(text, size, "stated to fail with '%s'", fails);
        return false;
    }
    return p->verdict != VERDICT_PROVED || !all || outcomes_are_as_stated(asked, p, text, size);
}
