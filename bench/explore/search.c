/*
 * search.c -- every execution graph that the memory model allows, each once: TruSt (Kokologiannakis, Marmanis, Gladstein,
 * Vafeiadis, "Truly stateless, optimal dynamic partial order reduction", POPL 2022; the optimality needs no memory of what was seen).
 *
 * A graph is extended by the next event of the leftmost thread that can run:
 *     a read    once for each write that it may read from
 *     a write   once for each place in modification order, and for each earlier read r that it could have served: r takes the
 *               new write, and what came after r and does not lead to the write is forgotten (it will be found again)
 * Forgetting is allowed only where what is forgotten (and r itself) was "maximally added": each read took the newest write
 * there was, each write came last, nobody who stays reads from it. So of all the graphs that lead to the same one by such a
 * step exactly one takes it.
 *
 * A read-modify-write is one event here, both read and write; it may take a source that another has taken already, but then the only
 * way on is that the other one reads from it instead. What awaits a condition is a read like any other, and its thread stops
 * where the condition does not hold.
 *
 * What is not finished lies on a stack of graphs; the current one goes on in the same run of the program, so a
 * program run is started only for an alternative.
 */
#include "engine.h"
#include <stdlib.h>
#include <string.h>

static struct {
    struct graph **at;
    size_t used, room;
} todo;

static void todo_push(struct graph *g)
{
    if (todo.used == todo.room) {
        todo.room = todo.room * 2 + 256;
        todo.at = realloc(todo.at, todo.room * sizeof *todo.at);
        if (!todo.at)
            abort();
    }
    todo.at[todo.used++] = g;
}

static void todo_take(void)
{
    struct graph *g = todo.at[--todo.used];
    graph->length = g->length;
    memcpy(graph->event, g->event, (size_t)g->length * sizeof *g->event);
    free(g);
}

/* --- backward revisits --- */

static bool porf_before(const struct event *e, const struct event *of) { return of->porf.at[e->thread] >= e->index; }

/* Nobody of `previous` reads from event number e. */
static bool is_unread(const struct graph *g, int e, const bool *previous)
{
    for (int i = 0; i < g->length; i++)
        if (previous[i] && g->event[i].reads && g->event[i].from == e)
            return false;
    return true;
}

/* No write of `previous` at that location comes after place mo; number `but` is not looked at. */
static bool is_last(const struct graph *g, int location, int mo, int but, const bool *previous)
{
    for (int i = 0; i < g->length; i++)
        if (i != but && previous[i] && g->event[i].writes && g->event[i].op.location == location && g->event[i].mo > mo)
            return false;
    return true;
}

/* The event would be added in the same way if it came now, with only what was there before it and what leads to the new write. */
static bool maximally_added(const struct graph *g, int number, const struct event *write)
{
    static bool previous[EVENTS_MAX];
    const struct event *e = &g->event[number];
    if (e->op.kind == CHOICE)
        return e->written == 0; /* the others are found from here again */
    for (int i = 0; i < g->length; i++)
        previous[i] = i <= number || (&g->event[i] != write && porf_before(&g->event[i], write));
    if (e->writes && (!is_unread(g, number, previous) || !is_last(g, e->op.location, e->mo, number, previous)))
        return false;
    if (e->reads && e->from != INIT && !previous[e->from])
        return false;
    return !e->reads || is_last(g, e->op.location, graph_mo_of(g, e->from), number, previous);
}

/* The read takes the new write, the graph's last event; a read-modify-write that succeeds now stands behind it. */
static bool retarget(struct graph *g, int read, int write)
{
    struct event *r = &g->event[read];
    const struct event *before = graph_before(g, read);
    if (before && g->event[write].mo < model_least_mo_after(g, &before->hb, r->op.location))
        return false;
    r->from = (int16_t)write;
    event_evaluate(g, read);
    if (r->writes)
        graph_insert_mo(g, read, g->event[write].mo + 1);
    return true;
}

/* One graph for each place of the write; from: what the write itself reads (RMW), in numbers of `rest`. */
static void push_revisit(const struct graph *rest, int read, const struct event *write, int from)
{
    struct choice choice[EVENTS_MAX];
    struct graph *scratch = malloc(sizeof *scratch + (size_t)(rest->length + 1) * sizeof *scratch->event);
    int choices = 1;
    choice[0] = (struct choice){from, 0};
    scratch->length = rest->length;
    memcpy(scratch->event, rest->event, (size_t)rest->length * sizeof *rest->event);
    if (write->op.kind == STORE) {
        int least = model_least_mo(scratch, write->thread, write->op.location), last = graph_last_mo(scratch, write->op.location);
        choices = 0;
        for (int mo = last + 1; mo > least; mo--)
            if (mo > last || graph_rmw_from(scratch, write->op.location, graph_at_mo(scratch, write->op.location, mo - 1), INIT) == INIT)
                choice[choices++] = (struct choice){INIT, mo};
    } else if (graph_rmw_from(scratch, write->op.location, from, INIT) != INIT) {
        choices = 0; /* the source is taken */
    }
    for (int i = 0; i < choices; i++) {
        int added = graph_add(scratch, write->thread, &write->op, choice[i].from, choice[i].mo);
        struct graph *g = graph_copy(scratch);
        bool last = g->event[added].mo == graph_last_mo(g, write->op.location);
        if (retarget(g, read, added) && (last || model_consistent(g, (const int[]){read, added}, 2)))
            todo_push(g);
        else
            free(g);
        graph_remove_last(scratch);
    }
    free(scratch);
}

/* The write is the last event of `g`; looks for earlier reads that it could have served. */
static void revisit(const struct graph *g, int write)
{
    static bool keep[EVENTS_MAX];
    static int map[EVENTS_MAX];
    const struct event *w = &g->event[write];
    for (int r = 0; r < write; r++) {
        const struct event *read = &g->event[r];
        if (!read->reads || read->op.location != w->op.location || porf_before(read, w))
            continue;
        bool maximal = true;
        for (int i = 0; i < g->length; i++)
            keep[i] = i != write && (i <= r || porf_before(&g->event[i], w));
        for (int i = r; i < write && maximal; i++)
            maximal = (i != r && keep[i]) || maximally_added(g, i, w);
        if (!maximal)
            continue;
        struct graph *rest = graph_restrict(g, keep, map);
        struct event *kept = &rest->event[map[r]];
        if (kept->writes) { /* its write goes: nobody reads it, it was maximal */
            for (int i = 0; i < rest->length; i++)
                if (rest->event[i].writes && rest->event[i].op.location == kept->op.location && rest->event[i].mo > kept->mo)
                    rest->event[i].mo--;
            kept->writes = false;
        }
        push_revisit(rest, map[r], w, w->reads && w->from != INIT ? map[w->from] : INIT);
        free(rest);
    }
}

/* --- forward --- */

/* The source is not taken by another read-modify-write, and the model allows what follows from the write. */
static bool fits(struct graph *g, int event)
{
    const struct event *e = &g->event[event];
    if (!e->reads || !e->writes)
        return true;
    if (graph_rmw_from(g, e->op.location, e->from, event) != INIT)
        return false;
    return e->mo == graph_last_mo(g, e->op.location) || model_consistent(g, &event, 1);
}

/* The first choice always fits: the newest write has no read-modify-write behind it yet. */
static int extend(int thread, const struct op *op)
{
    struct choice choice[EVENTS_MAX];
    int choices = model_choices(graph, thread, op, choice, EVENTS_MAX);
    for (int i = choices; i-- > 0;) { /* the run goes on with the first one, so that comes last */
        int added = graph_add(graph, thread, op, choice[i].from, choice[i].mo);
        const struct event *e = &graph->event[added];
        if (e->writes && op->kind != PLAIN_STORE && (e->reads || i == 0))
            revisit(graph, added); /* a store's revisits place it anew: once is enough */
        if (i == 0)
            return added;
        if (fits(graph, added))
            todo_push(graph_copy(graph));
        graph_remove_last(graph);
    }
    run_fail("internal", op->pc, "no choice is left for an operation");
}

static bool over(const struct limits *limits, double start)
{
    return (limits->schedules && run.counts.schedules + run.counts.blocked >= limits->schedules) ||
           (limits->seconds > 0 && engine_now() - start >= limits->seconds);
}

enum verdict search_all(const struct limits *limits, void (*on_complete)(void))
{
    double start = engine_now();
    enum verdict verdict = VERDICT_PROVED;
    memset(&run.counts, 0, sizeof run.counts);
    run.patient = false;
    graph->length = 0;
    todo.used = 0;
    todo_push(graph_copy(graph));
    while (todo.used > 0 && verdict == VERDICT_PROVED) {
        todo_take();
        enum run_end end = run_execute(extend, NULL);
        if (end == RUN_FAILED)
            verdict = VERDICT_FAILED;
        else if (end == RUN_COMPLETE && on_complete)
            on_complete();
        if (verdict == VERDICT_PROVED && todo.used > 0 && over(limits, start))
            verdict = VERDICT_BUDGET;
    }
    while (todo.used > 0)
        free(todo.at[--todo.used]);
    run.counts.seconds = engine_now() - start;
    return verdict;
}
