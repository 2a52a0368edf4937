/*
 * model.c -- which execution graphs the memory model allows.
 *
 * RC11 (Lahav et al., PLDI 2017): coherence, atomicity, no cycle of program order and reads-from, and psc acyclic, where
 *     scb      = po ∪ po≠loc ; hb ; po≠loc ∪ hb|loc ∪ mo ∪ rb
 *     psc_base = ([SC] ∪ [Fsc] ; hb?) ; scb ; ([SC] ∪ hb? ; [Fsc])
 *     psc_F    = [Fsc] ; (hb ∪ hb ; eco ; hb) ; [Fsc]
 *     psc      = psc_base ∪ psc_F
 * SC: po ∪ rf ∪ mo ∪ rb acyclic.
 *
 * Coherence and atomicity are kept by construction: a new event has no successors, so it may read from (or stand after) no
 * write that comes in modification order before one that happens before it, or before one that such an event has read; and
 * nothing is put between a read-modify-write and what it reads. No cycle of po and rf can arise, since a read takes what is there.
 * A new event that reads the last write, or is the last write itself, has no outgoing edge in any of these relations: it
 * cannot close a cycle. So only stale reads and stores put before others are checked.
 *
 * membarrier(2) (os_fence_others) is an SC fence of its caller. The light fence on the other side is one too, but only
 * towards os_fence_others: two light fences do not order each other (as the Linux kernel's model has it of RCU, where each grace
 * period stands either before or after each read section: Alglave et al., ASPLOS 2018; the carrying over is ours).
 */
#include "engine.h"
#include <string.h>

static bool sc_fence(const struct event *e) /* a seq_cst one, or membarrier's caller */
{
    return e->op.kind == FENCE && (e->op.order == memory_order_seq_cst || e->op.order == FENCE_OTHERS);
}
static bool light_fence(const struct event *e) { return e->op.kind == FENCE && e->op.order == FENCE_LIGHT; }
static bool sc_access(const struct event *e) /* a seq_cst one */
{
    return e->op.kind != FENCE && e->op.kind != PLAIN_STORE &&
           (e->op.kind == CAS && !e->writes ? e->op.order_failure : e->op.order) == memory_order_seq_cst;
}

static bool hb(const struct event *a, const struct event *b) { return a != b && clock_covers(&b->hb, a); }

/* Where an event stands among the writes of its location: a write at its place, a read behind the one it reads. */
static int place(const struct graph *g, const struct event *e) { return e->writes ? e->mo : graph_mo_of(g, e->from); }

/* mo ∪ rb, one location. */
static bool overwritten_by(const struct graph *g, const struct event *a, const struct event *b)
{
    return b->writes && a != b && b->mo > place(g, a);
}

/* eco = (rf ∪ mo ∪ rb)+, one location. */
static bool eco(const struct graph *g, const struct event *a, const struct event *b)
{
    if (a == b)
        return false;
    if (b->writes)
        return b->mo > place(g, a) || (b->reads && a->writes && b->mo > a->mo);
    return a->writes ? place(g, b) >= a->mo : place(g, b) > place(g, a);
}

/* --- psc --- */

enum { NODES = 256 };

static struct {
    const struct graph *g;
    int nodes, node[NODES]; /* the events that psc relates: seq_cst accesses, fences */
} psc;

/* The first event of its thread behind e that is at another location, or the last one before it; NULL: none. */
static const struct event *neighbour(const struct event *e, int step)
{
    const struct event *end = step > 0 ? psc.g->event + psc.g->length : psc.g->event - 1;
    for (const struct event *n = e + step; n != end; n += step)
        if (n->thread == e->thread && n->op.location != e->op.location)
            return n;
    return NULL;
}

/* po≠loc ; hb ; po≠loc. What it leads to happens after a: the cheap test comes first. */
static bool around(const struct event *a, const struct event *b)
{
    if (!hb(a, b))
        return false;
    const struct event *from = neighbour(a, 1), *to = neighbour(b, -1);
    return from && to && hb(from, to);
}

static bool scb(const struct event *a, const struct event *b)
{
    if (a->thread == b->thread)
        return a->index < b->index;
    bool same = a->op.location == b->op.location && a->op.location >= 0;
    return (same && (hb(a, b) || overwritten_by(psc.g, a, b))) || around(a, b);
}

/* y has been reached by [source] ; hb? ; scb: marks the nodes that are y or, being fences, happen after it. */
static void base_targets(const struct event *y, bool *reached)
{
    for (int n = 0; n < psc.nodes; n++) {
        const struct event *t = &psc.g->event[psc.node[n]];
        if (!reached[n] && !light_fence(t) && (t == y || (sc_fence(t) && hb(y, t))))
            reached[n] = true;
    }
}

/* From event x, which psc_base's source is or (a fence) happens before. */
static void base_through(const struct event *x, bool *reached)
{
    const struct graph *g = psc.g;
    for (int y = 0; y < g->length; y++)
        if (scb(x, &g->event[y]))
            base_targets(&g->event[y], reached);
}

static void psc_base_from(const struct event *source, bool *reached)
{
    const struct graph *g = psc.g;
    if (light_fence(source))
        return;
    base_through(source, reached);
    for (int x = 0; source->op.kind == FENCE && x < g->length; x++)
        if (hb(source, &g->event[x]))
            base_through(&g->event[x], reached);
}

static bool fences_meet(const struct event *a, const struct event *b)
{
    if (light_fence(a))
        return b->op.order == FENCE_OTHERS || (light_fence(b) && a->thread == b->thread);
    return light_fence(b) ? a->op.order == FENCE_OTHERS : true;
}

/* The fences that happen after b, as far as the source orders them. */
static void fence_targets(const struct event *source, const struct event *b, bool *reached)
{
    for (int n = 0; n < psc.nodes; n++) {
        const struct event *t = &psc.g->event[psc.node[n]];
        if (!reached[n] && t->op.kind == FENCE && fences_meet(source, t) && hb(b, t))
            reached[n] = true;
    }
}

/* Through eco from event a, which happens after the fence source. */
static void fence_through(const struct event *source, const struct event *a, bool *reached)
{
    const struct graph *g = psc.g;
    for (int y = 0; y < g->length && a->op.kind != FENCE; y++)
        if (g->event[y].op.location == a->op.location && eco(g, a, &g->event[y]))
            fence_targets(source, &g->event[y], reached);
}

static void psc_fence_from(const struct event *source, bool *reached)
{
    const struct graph *g = psc.g;
    fence_targets(source, source, reached);
    for (int x = 0; x < g->length; x++)
        if (hb(source, &g->event[x]))
            fence_through(source, &g->event[x], reached);
}

static void psc_from(const struct event *source, bool *reached)
{
    psc_base_from(source, reached);
    if (source->op.kind == FENCE)
        psc_fence_from(source, reached);
}

static void psc_collect(const struct graph *g)
{
    psc.g = g;
    psc.nodes = 0;
    for (int i = 0; i < g->length; i++) {
        const struct event *e = &g->event[i];
        if (!sc_fence(e) && !light_fence(e) && !sc_access(e))
            continue;
        if (psc.nodes == NODES)
            run_fail("too long", NULL, "more than %d seq_cst events in one execution", NODES);
        psc.node[psc.nodes++] = i;
    }
}

/* The nodes from which a path of psc may go through event e. */
static bool psc_sources(const struct event *e, bool *source)
{
    bool any = false;
    for (int n = 0; n < psc.nodes; n++) {
        const struct event *s = &psc.g->event[psc.node[n]];
        if (s == e || (s->op.kind == FENCE && hb(s, e)))
            any = source[n] = true;
    }
    return any;
}

/* Depth first from node n; true: it comes back to a node that can go through e, where the cycle would be closed. */
static bool psc_returns(int n, bool *visited, const bool *source)
{
    bool reached[NODES] = {false};
    if (source[n])
        return true;
    visited[n] = true;
    psc_from(&psc.g->event[psc.node[n]], reached);
    for (int t = 0; t < psc.nodes; t++)
        if (reached[t] && !visited[t] && psc_returns(t, visited, source))
            return true;
    return false;
}

/* False: no cycle goes through the outgoing edges of e (the only new ones). True: perhaps. */
static bool psc_suspects(const struct event *e)
{
    bool source[NODES] = {false}, first[NODES] = {false}, visited[NODES] = {false};
    if (!psc_sources(e, source))
        return false;
    base_through(e, first);
    for (int y = 0; y < psc.g->length; y++)
        if (psc.g->event[y].op.location == e->op.location && eco(psc.g, e, &psc.g->event[y]))
            for (int n = 0; n < psc.nodes; n++)
                first[n] = first[n] || hb(&psc.g->event[y], &psc.g->event[psc.node[n]]);
    for (int n = 0; n < psc.nodes; n++)
        if (first[n] && !visited[n] && psc_returns(n, visited, source))
            return true;
    return false;
}

static bool cyclic(int nodes, const bool *edge)
{
    static int incoming[EVENTS_MAX], ready[EVENTS_MAX];
    int done = 0, head = 0, tail = 0;
    memset(incoming, 0, (size_t)nodes * sizeof *incoming);
    for (int i = 0; i < nodes; i++)
        for (int j = 0; j < nodes; j++)
            incoming[j] += edge[i * nodes + j];
    for (int i = 0; i < nodes; i++)
        if (incoming[i] == 0)
            ready[tail++] = i;
    while (head < tail) {
        int i = ready[head++];
        done++;
        for (int j = 0; j < nodes; j++)
            if (edge[i * nodes + j] && --incoming[j] == 0)
                ready[tail++] = j;
    }
    return done < nodes;
}

/* All of psc; the suspicion alone takes in paths that light fences do not make. */
static bool psc_cyclic(void)
{
    static bool edge[NODES * NODES];
    memset(edge, 0, (size_t)psc.nodes * (size_t)psc.nodes);
    for (int n = 0; n < psc.nodes; n++)
        psc_from(&psc.g->event[psc.node[n]], edge + n * psc.nodes);
    return cyclic(psc.nodes, edge);
}

static bool psc_acyclic(const struct graph *g, const int *added, int count)
{
    psc_collect(g);
    if (psc.nodes < 2)
        return true;
    for (int i = 0; i < count; i++)
        if (psc_suspects(&g->event[added[i]]))
            return !psc_cyclic();
    return true;
}

/* --- sequential consistency --- */

bool model_sc_before(const struct graph *g, int i, int j)
{
    const struct event *a = &g->event[i], *b = &g->event[j];
    bool same = a->op.location == b->op.location && a->op.location >= 0;
    return (a->thread == b->thread && a->index < b->index) || (b->reads && b->from == i) || (same && overwritten_by(g, a, b));
}

static bool sc_acyclic(const struct graph *g)
{
    static bool edge[EVENTS_MAX * EVENTS_MAX];
    int n = g->length;
    memset(edge, 0, (size_t)n * (size_t)n);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            edge[i * n + j] = model_sc_before(g, i, j);
    return !cyclic(n, edge);
}

bool model_consistent(const struct graph *g, const int *added, int count)
{
    return model == MODEL_SC ? sc_acyclic(g) : psc_acyclic(g, added, count);
}

/* --- what a new event may do --- */

int model_least_mo_after(const struct graph *g, const struct clock *before, int location)
{
    int least = 0;
    for (int i = 0; i < g->length; i++) {
        const struct event *e = &g->event[i];
        if (e->op.location != location || !clock_covers(before, e))
            continue;
        int at = place(g, e);
        if (at > least)
            least = at;
    }
    return least;
}

int model_least_mo(struct graph *g, int thread, int location)
{
    const struct event *last = graph_last_of(g, thread);
    return last ? model_least_mo_after(g, &last->hb, location) : 0;
}

/* Of what reads and writes, the read: where the write finds room is the caller's question. */
static bool allowed(struct graph *g, int thread, const struct op *op, struct choice c)
{
    struct op part = *op;
    if (op->kind == CAS && !op_swaps(op, graph_value(g, op->location, c.from)))
        part.order = op->order_failure;
    if (op->kind == RMW || op->kind == CAS)
        part.kind = LOAD;
    int added = graph_add(g, thread, &part, c.from, c.mo);
    bool good = model_consistent(g, &added, 1);
    graph_remove_last(g);
    return good;
}

/* The last write first. A read-modify-write is offered sources that another one has taken as well: see search.c. */
static int choices_read(struct graph *g, int thread, const struct op *op, struct choice *out, int room)
{
    int least = model_least_mo(g, thread, op->location), last = graph_last_mo(g, op->location), count = 0;
    for (int mo = last; mo >= least && count < room; mo--) {
        struct choice c = {graph_at_mo(g, op->location, mo), 0};
        if (mo == last || allowed(g, thread, op, c))
            out[count++] = c;
    }
    return count;
}

static int choices_write(struct graph *g, int thread, const struct op *op, struct choice *out, int room)
{
    int least = model_least_mo(g, thread, op->location), last = graph_last_mo(g, op->location), count = 0;
    for (int mo = last + 1; mo > least && count < room; mo--) {
        struct choice c = {INIT, mo};
        if (mo <= last && (op->kind == PLAIN_STORE || graph_rmw_from(g, op->location, graph_at_mo(g, op->location, mo - 1), INIT) != INIT))
            continue;
        if (mo == last + 1 || allowed(g, thread, op, c))
            out[count++] = c;
    }
    return count;
}

int model_choices(struct graph *g, int thread, const struct op *op, struct choice *out, int room)
{
    if (op->kind == FENCE) {
        out[0] = (struct choice){INIT, 0};
        return 1;
    }
    if (op->kind == CHOICE) { /* the first one is what happens where nothing unusual does */
        int count = 0;
        while ((uint64_t)count < op->expected && count < room) {
            out[count] = (struct choice){INIT, count};
            count++;
        }
        return count;
    }
    return op->kind == STORE || op->kind == PLAIN_STORE ? choices_write(g, thread, op, out, room) : choices_read(g, thread, op, out, room);
}
