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
 * towards os_fence_others: two light fences do not order each other (as in the Linux kernel's model, where each membarrier
 * stands either before or after each light fence; Alglave et al., ASPLOS 2018).
 */
#include "engine.h"
#include <string.h>

static bool sc_fence(const struct event *e) { return e->op.kind == FENCE && (e->op.order == memory_order_seq_cst || e->op.order == FENCE_OTHERS); }
static bool light_fence(const struct event *e) { return e->op.kind == FENCE && e->op.order == FENCE_LIGHT; }
static bool sc_access(const struct event *e)
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

struct psc {
    const struct graph *g;
    int fences, nodes;
    int node[EVENTS_MAX];           /* the events that psc relates */
    int next_other[EVENTS_MAX];     /* the first event of the same thread behind it at another location, or -1 */
    int previous_other[EVENTS_MAX]; /* the last one before it */
};
static struct psc psc;

/* po≠loc ; hb ; po≠loc */
static bool around(int a, int b)
{
    int from = psc.next_other[a], to = psc.previous_other[b];
    return from >= 0 && to >= 0 && hb(&psc.g->event[from], &psc.g->event[to]);
}

static bool scb(int i, int j)
{
    const struct event *a = &psc.g->event[i], *b = &psc.g->event[j];
    if (i == j)
        return false;
    if (a->thread == b->thread)
        return a->index < b->index;
    bool same = a->op.location == b->op.location && a->op.location >= 0;
    return (same && (hb(a, b) || overwritten_by(psc.g, a, b))) || around(i, j);
}

/* psc_base from node s: marks the nodes it reaches. A light fence takes no part. */
static void psc_base_from(int s, bool *reaches)
{
    const struct graph *g = psc.g;
    const struct event *source = &g->event[s];
    bool fence = source->op.kind == FENCE;
    if (light_fence(source))
        return;
    for (int x = 0; x < g->length; x++) {
        if (x != s && !(fence && hb(source, &g->event[x])))
            continue;
        for (int y = 0; y < g->length; y++) {
            if (!scb(x, y))
                continue;
            for (int n = 0; n < psc.nodes; n++) {
                const struct event *t = &g->event[psc.node[n]];
                if (!light_fence(t) && (psc.node[n] == y || (sc_fence(t) && hb(&g->event[y], t))))
                    reaches[n] = true;
            }
        }
    }
}

static bool fences_meet(const struct event *a, const struct event *b)
{
    if (light_fence(a))
        return b->op.order == FENCE_OTHERS || (light_fence(b) && a->thread == b->thread);
    return light_fence(b) ? a->op.order == FENCE_OTHERS : true;
}

/* psc_F from the fence s. */
static void psc_fence_from(int s, bool *reaches)
{
    const struct graph *g = psc.g;
    const struct event *source = &g->event[s];
    for (int n = 0; n < psc.nodes; n++) {
        const struct event *t = &g->event[psc.node[n]];
        if (t->op.kind == FENCE && fences_meet(source, t) && hb(source, t))
            reaches[n] = true;
    }
    for (int x = 0; x < g->length; x++) {
        const struct event *a = &g->event[x];
        if (a->op.kind == FENCE || !hb(source, a))
            continue;
        for (int y = 0; y < g->length; y++) {
            const struct event *b = &g->event[y];
            if (b->op.location != a->op.location || !eco(g, a, b))
                continue;
            for (int n = 0; n < psc.nodes; n++) {
                const struct event *t = &g->event[psc.node[n]];
                if (t->op.kind == FENCE && fences_meet(source, t) && hb(b, t))
                    reaches[n] = true;
            }
        }
    }
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

static void psc_collect(const struct graph *g)
{
    psc.g = g;
    psc.nodes = 0;
    for (int i = 0; i < g->length; i++) {
        const struct event *e = &g->event[i];
        if (sc_fence(e) || light_fence(e) || sc_access(e))
            psc.node[psc.nodes++] = i;
    }
}

static void psc_neighbours(const struct graph *g)
{
    for (int i = 0; i < g->length; i++) {
        psc.next_other[i] = psc.previous_other[i] = -1;
        for (int j = i + 1; j < g->length && psc.next_other[i] < 0; j++)
            if (g->event[j].thread == g->event[i].thread && g->event[j].op.location != g->event[i].op.location)
                psc.next_other[i] = j;
        for (int j = i; j-- > 0 && psc.previous_other[i] < 0;)
            if (g->event[j].thread == g->event[i].thread && g->event[j].op.location != g->event[i].op.location)
                psc.previous_other[i] = j;
    }
}

static bool psc_acyclic(const struct graph *g)
{
    enum { NODES = 256 };
    static bool edge[NODES * NODES];
    psc_collect(g);
    if (psc.nodes < 2)
        return true;
    if (psc.nodes > NODES)
        run_fail("too long", NULL, "more than %d seq_cst events in one execution", NODES);
    psc_neighbours(g);
    memset(edge, 0, (size_t)psc.nodes * (size_t)psc.nodes);
    for (int n = 0; n < psc.nodes; n++) {
        psc_base_from(psc.node[n], edge + n * psc.nodes);
        if (g->event[psc.node[n]].op.kind == FENCE)
            psc_fence_from(psc.node[n], edge + n * psc.nodes);
    }
    return !cyclic(psc.nodes, edge);
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

bool model_consistent(const struct graph *g) { return model == MODEL_SC ? sc_acyclic(g) : psc_acyclic(g); }

/* --- what a new event may do --- */

int model_least_mo(const struct graph *g, int thread, int location)
{
    static const struct clock none;
    const struct clock *before = &none;
    int least = 0;
    for (int i = g->length; i-- > 0;)
        if (g->event[i].thread == thread) {
            before = &g->event[i].hb;
            break;
        }
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

/* Of what reads and writes, the read: where the write finds room is the caller's question. */
static bool allowed(struct graph *g, int thread, const struct op *op, struct choice c)
{
    struct op part = *op;
    if (part.kind == RMW || part.kind == CAS)
        part.kind = LOAD;
    graph_add(g, thread, &part, c.from, c.mo);
    bool good = model_consistent(g);
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
    return op->kind == STORE || op->kind == PLAIN_STORE ? choices_write(g, thread, op, out, room) : choices_read(g, thread, op, out, room);
}
