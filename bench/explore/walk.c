/*
 * walk.c -- one step after another: which thread, and which of its choices. Brute force, PCT, and the replay of a schedule.
 *
 * A schedule is the sequence of steps: a thread's letter (helpers: a digit), followed by the number of the choice where it is
 * not the first: "A A B1 A". The choices of a step are those of model.c: 0 is the newest write (or the end of the modification
 * order), 1 the one before that, and so on. "A!" is no step: A goes on only with the newest value of what it awaits. A thread that awaits something has a step only when the
 * condition can hold.
 *
 * Brute force takes every sequence, optionally with at most so many preemptions (Musuvathi, Qadeer: CHESS, PLDI 2007). It is what
 * search.c is tested against. PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010): random priorities, lowered at
 * depth - 1 random steps; finds a bug of that depth among n threads and k steps with probability at least 1/(n k^(depth-1)),
 * under sc; under rc11 the reads choose at random besides.
 */
#include "engine.h"
#include "../exits.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = EVENTS_MAX * 2, TEXT_MAX = EVENTS_MAX * 4 };

static char text[TEXT_MAX];
static int text_used;

static char letter(int t) { return (char)(t < run.threads ? 'A' + t : '1' + t - run.threads); }

/* The thread has come too late for what it could still have read: it goes on only with the newest value. Written "A!". */
static bool late[CLOCKS];

static void note_late(int t)
{
    late[t] = true;
    if (text_used + 8 <= TEXT_MAX)
        text_used += snprintf(text + text_used, TEXT_MAX - (size_t)text_used, text_used ? " %c!" : "%c!", letter(t));
}

static void note_step(int t, int number)
{
    late[t] = false;
    if (text_used + 8 > TEXT_MAX)
        return;
    text_used += snprintf(text + text_used, TEXT_MAX - (size_t)text_used, text_used ? " %c" : "%c", letter(t));
    if (number > 0)
        text_used += snprintf(text + text_used, TEXT_MAX - (size_t)text_used, "%d", number);
}

const char *walk_schedule(void) { return text; }

/* --- the choices of a step --- */

static bool choice_is_good(int t, const struct op *op, struct choice c)
{
    int added = graph_add(graph, t, op, c.from, c.mo);
    const struct event *e = &graph->event[added];
    bool good = !e->reads || (op_holds(op, e->read) && !run_repeats(t, op, c.from));
    if (good && e->reads && e->writes)
        good = graph_rmw_from(graph, op->location, e->from, added) == INIT &&
               (e->mo == graph_last_mo(graph, op->location) || model_consistent(graph, &added, 1));
    graph_remove_last(graph);
    return good;
}

/* In SC one runs in the order of memory: the newest write, the end of the order. */
static int step_choices(int t, const struct op *op, struct choice *out)
{
    struct choice all[EVENTS_MAX];
    int count = 0, choices = model_choices(graph, t, op, all, EVENTS_MAX);
    if (choices > 1 && op->kind != CHOICE && (model == MODEL_SC || (op->await && late[t])))
        choices = 1;
    for (int i = 0; i < choices; i++)
        if (choice_is_good(t, op, all[i]))
            out[count++] = all[i];
    return count;
}

/* What awaits nothing can always take the newest write. */
static bool enabled(int t)
{
    struct choice unused[EVENTS_MAX];
    const struct op *op = run_pending(t);
    if (!run_ready(t) || !op)
        return false;
    if (op->kind == FENCE)
        return true;
    if (op->await == AWAIT_NONE)
        return !run_repeats(t, op, graph_at_mo(graph, op->location, graph_last_mo(graph, op->location)));
    return step_choices(t, op, unused) > 0;
}

/* It awaits what an older value grants and the newest does not: it may as well come late. */
static bool may_be_late(int t)
{
    struct choice newest[1];
    const struct op *op = run_pending(t);
    return !late[t] && op && op->await && enabled(t) && model_choices(graph, t, op, newest, 1) == 1 && !choice_is_good(t, op, newest[0]);
}

/* --- brute force: the oracle's answers are counted up like the digits of a number --- */

static struct {
    int taken[STEPS_MAX], of[STEPS_MAX];
    int depth, fixed; /* answers given in this execution; those that repeat the last one */
    int last_thread, preemptions, bound;
    bool cut; /* some execution would have taken more preemptions */
} oracle;

static int ask(int options)
{
    if (options == 1)
        return 0;
    if (oracle.depth == STEPS_MAX)
        run_fail("too long", NULL, "more than %d decisions", STEPS_MAX);
    int at = oracle.depth++;
    if (at >= oracle.fixed) {
        oracle.taken[at] = 0;
        oracle.of[at] = options;
    }
    return oracle.taken[at];
}

/* False: that was the last sequence. */
static bool next_sequence(void)
{
    while (oracle.depth > 0 && oracle.taken[oracle.depth - 1] + 1 == oracle.of[oracle.depth - 1])
        oracle.depth--;
    if (oracle.depth == 0)
        return false;
    oracle.taken[oracle.depth - 1]++;
    oracle.fixed = oracle.depth;
    return true;
}

static int brute_next(void)
{
    int able[CLOCKS], count = 0;
    bool goes_on = oracle.last_thread >= 0 && enabled(oracle.last_thread);
    for (int t = 0; t < run_thread_count(); t++)
        if (enabled(t)) {
            if (goes_on && t != oracle.last_thread && oracle.preemptions == oracle.bound)
                oracle.cut = true;
            else
                able[count++] = t;
        }
    if (count == 0)
        return -1;
    for (int t = 0; t < run_thread_count(); t++)
        if (may_be_late(t)) {
            if (ask(2) == 0)
                continue;
            note_late(t);
            return brute_next();
        }
    int t = able[ask(count)];
    oracle.preemptions += goes_on && t != oracle.last_thread;
    return oracle.last_thread = t;
}

static int brute_extend(int t, const struct op *op)
{
    struct choice choice[EVENTS_MAX];
    int number = ask(step_choices(t, op, choice));
    note_step(t, number);
    return graph_add(graph, t, op, choice[number].from, choice[number].mo);
}

static void begin_walk(void)
{
    graph->length = 0;
    text_used = 0;
    text[0] = 0;
    oracle.depth = 0;
    oracle.last_thread = -1;
    oracle.preemptions = 0;
    memset(late, 0, sizeof late);
}

static bool over(const struct limits *limits, double start)
{
    return (limits->schedules && run.counts.schedules >= limits->schedules) ||
           (limits->seconds > 0 && engine_now() - start >= limits->seconds);
}

enum verdict walk_all(const struct limits *limits, void (*on_complete)(void))
{
    double start = engine_now();
    enum verdict verdict = VERDICT_PROVED;
    memset(&run.counts, 0, sizeof run.counts);
    run.patient = false; /* as the search, which it is compared with */
    oracle.bound = limits->preemptions;
    oracle.fixed = 0;
    oracle.cut = false;
    do {
        begin_walk();
        enum run_end end = run_execute(brute_extend, brute_next);
        if (end == RUN_FAILED)
            verdict = VERDICT_FAILED;
        else if (end == RUN_COMPLETE && on_complete)
            on_complete();
        if (verdict == VERDICT_FAILED || !next_sequence())
            break;
        if (over(limits, start))
            verdict = VERDICT_BUDGET;
    } while (verdict == VERDICT_PROVED);
    run.counts.seconds = engine_now() - start;
    return verdict == VERDICT_PROVED && oracle.cut ? VERDICT_BUDGET : verdict;
}

/* --- PCT --- */

static struct {
    uint64_t state;
    int priority[CLOCKS], lowest;
    int change[16], changes;
    int step, longest;
} pct;

static uint64_t draw(uint64_t below)
{
    uint64_t z = (pct.state += 0x9e3779b97f4a7c15u); /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static void begin_pct(int depth)
{
    int n = run_thread_count();
    begin_walk();
    for (int t = 0; t < n; t++)
        pct.priority[t] = depth + t;
    for (int t = n; t-- > 1;) {
        int other = (int)draw((uint64_t)t + 1), was = pct.priority[t];
        pct.priority[t] = pct.priority[other];
        pct.priority[other] = was;
    }
    pct.changes = depth - 1;
    for (int i = 0; i < pct.changes; i++)
        pct.change[i] = 1 + (int)draw((uint64_t)pct.longest);
    pct.lowest = depth;
    pct.step = 0;
}

static int pct_next(void)
{
    int best = -1;
    for (int t = 0; t < run_thread_count(); t++)
        if (enabled(t) && (best < 0 || pct.priority[t] > pct.priority[best]))
            best = t;
    return best;
}

static int pct_extend(int t, const struct op *op)
{
    struct choice choice[EVENTS_MAX];
    int choices = step_choices(t, op, choice);
    int number = choices > 1 ? (int)draw((uint64_t)choices) : 0;
    pct.step++;
    for (int i = 0; i < pct.changes; i++)
        if (pct.change[i] == pct.step)
            pct.priority[t] = --pct.lowest;
    note_step(t, number);
    return graph_add(graph, t, op, choice[number].from, choice[number].mo);
}

enum verdict walk_random(const struct limits *limits, uint64_t seed, int depth, void (*on_complete)(void))
{
    double start = engine_now();
    enum verdict verdict = VERDICT_BUDGET;
    memset(&run.counts, 0, sizeof run.counts);
    run.patient = true;
    pct.state = seed;
    pct.longest = 20;
    do {
        begin_pct(depth);
        enum run_end end = run_execute(pct_extend, pct_next);
        if (end == RUN_FAILED)
            verdict = VERDICT_FAILED;
        else if (end == RUN_COMPLETE && on_complete)
            on_complete();
        if (pct.step > pct.longest)
            pct.longest = pct.step;
    } while (verdict == VERDICT_BUDGET && !over(limits, start));
    run.counts.seconds = engine_now() - start;
    return verdict;
}

/* --- replay of a printed schedule --- */

static const char *script;

static int script_next(void)
{
    while (*script == ' ')
        script++;
    if (!*script)
        return pct_next(); /* after its end: whoever can, so that a failure in a thread's last steps shows */
    int t = *script >= 'A' ? *script - 'A' : *script >= '1' ? run.threads + *script - '1' : -1;
    if (t >= 0 && t < run_thread_count() && script[1] == '!') {
        script += 2;
        note_late(t);
        return script_next();
    }
    if (t < 0 || t >= run_thread_count() || (*script >= 'A' && t >= run.threads) || !enabled(t)) {
        fprintf(stderr, "rclab explore: schedule: '%c' cannot go on at \"%.20s\"\n", *script, script);
        exit(EXITS_USAGE);
    }
    return t;
}

static int script_extend(int t, const struct op *op)
{
    struct choice choice[EVENTS_MAX];
    int choices = step_choices(t, op, choice), number = 0;
    long chosen = 0;
    if (*script) {
        script++;
        const char *from = script;
        if (*script >= '0' && *script <= '9') /* not a digit behind a space: that is a helper's step */
            chosen = strtol(script, (char **)&script, 10);
        if (chosen < 0 || chosen >= choices) {
            fprintf(stderr, "rclab explore: schedule: choice %ld of a step that has %d, at \"%.20s\"\n", chosen, choices, from);
            exit(EXITS_USAGE);
        }
        number = (int)chosen;
    }
    note_step(t, number);
    return graph_add(graph, t, op, choice[number].from, choice[number].mo);
}

enum verdict walk_replay(const char *schedule)
{
    memset(&run.counts, 0, sizeof run.counts);
    run.patient = true;
    script = schedule;
    begin_walk();
    return run_execute(script_extend, script_next) == RUN_FAILED ? VERDICT_FAILED : VERDICT_PROVED;
}

bool walk_again(void)
{
    static char again[TEXT_MAX];
    snprintf(again, sizeof again, "%s", text);
    return walk_replay(again) == VERDICT_FAILED;
}

/* --- following a graph --- */

static struct {
    struct graph *g;
    int order[EVENTS_MAX], steps, step;
} follow;

static int follow_next(void)
{
    while (follow.step < follow.steps) {
        const struct event *e = &follow.g->event[follow.order[follow.step]];
        if (!e->reads || op_holds(&e->op, e->read))
            return enabled(e->thread) ? e->thread : -1;
        if (!late[e->thread] && e->op.await)
            note_late(e->thread);
        follow.step++; /* it waits there: no step */
    }
    return pct_next();
}

static bool same_event(const struct graph *a, int i, const struct graph *b, int k)
{
    if (i == INIT || k == INIT)
        return i == k;
    return a->event[i].thread == b->event[k].thread && a->event[i].index == b->event[k].index;
}

/* The choice reads what event e of the followed graph reads; stands where e stands among the writes that are there already; is what
 * the world decided there. */
static bool follows(struct choice c, const struct op *op, const struct event *e)
{
    if (op->kind == FENCE)
        return true;
    if (op->kind == CHOICE)
        return (uint64_t)c.mo == e->written;
    if (e->reads)
        return same_event(graph, c.from, follow.g, e->from);
    int before = 1;
    for (int i = 0; i < graph->length; i++)
        for (int k = 0; k < follow.g->length; k++)
            if (graph->event[i].writes && graph->event[i].op.location == op->location && same_event(graph, i, follow.g, k))
                before += follow.g->event[k].mo < e->mo;
    return c.mo == before;
}

static int follow_extend(int t, const struct op *op)
{
    struct choice choice[EVENTS_MAX];
    int choices = step_choices(t, op, choice), number = 0;
    if (follow.step < follow.steps) {
        const struct event *e = &follow.g->event[follow.order[follow.step++]];
        while (number + 1 < choices && !follows(choice[number], op, e))
            number++;
    }
    note_step(t, number);
    return graph_add(graph, t, op, choice[number].from, choice[number].mo);
}

/* In SC a step reads the newest write, so the steps must be taken in an order of memory; of those, the one nearest to the present. */
static void order_as_memory(void)
{
    static int order[EVENTS_MAX], before[EVENTS_MAX]; /* before: how many of those that are left must come first; -1: not left */
    int n = follow.steps;
    for (int i = 0; i < n; i++) {
        before[i] = 0;
        for (int k = 0; k < n; k++)
            before[i] += model_sc_before(follow.g, follow.order[k], follow.order[i]);
    }
    for (int done = 0; done < n; done++) {
        int first = 0;
        while (first < n && before[first] != 0)
            first++;
        if (first == n)
            return; /* no order of memory: the graph is not consistent */
        order[done] = follow.order[first];
        before[first] = -1;
        for (int i = 0; i < n; i++)
            before[i] -= before[i] > 0 && model_sc_before(follow.g, order[done], follow.order[i]);
    }
    memcpy(follow.order, order, (size_t)n * sizeof *order);
}

bool walk_follow(void)
{
    run.patient = true;
    follow.g = graph_copy(graph);
    follow.steps = run.steps;
    follow.step = 0;
    for (int i = 0; i < run.steps; i++)
        follow.order[i] = run.order[i];
    if (model == MODEL_SC)
        order_as_memory();
    begin_walk();
    enum run_end end = run_execute(follow_extend, follow_next);
    free(follow.g);
    return end == RUN_FAILED;
}
