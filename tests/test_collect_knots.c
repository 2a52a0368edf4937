/*
 * test_collect_graphs.c -- random graphs, collected and compared with a plain search: what is freed, what stays, what finalisers bring
 * back. All the ways of a collection are taken: no suspects, few, many.
 */
#include "../gc/collect.h"

enum { KNOT_NODES = 48, KNOT_EDGES = 3, KNOT_ROUNDS = 400 };

struct knot_node {
    struct container base;
    int number;
    struct obj *edge[KNOT_EDGES];
};

static struct knot {
    int nodes;
    struct knot_node *node[KNOT_NODES]; /* valid until freed */
    int edge[KNOT_NODES][KNOT_EDGES];   /* -1: none */
    bool outside[KNOT_NODES];            /* we hold a reference to it */
    bool untracked[KNOT_NODES];          /* the collector does not know it */
    bool rescues[KNOT_NODES];            /* its finaliser keeps it, during a collection */
    bool freed[KNOT_NODES], rescued[KNOT_NODES];
    bool collecting;
} knot;

static void knot_dealloc(struct obj *o)
{
    struct knot_node *n = (struct knot_node *)o;
    knot.freed[n->number] = true;
    for (int k = 0; k < KNOT_EDGES; k++)
        if (n->edge[k])
            obj_decref_field(n->edge[k]);
    obj_free(o, sizeof *n);
}
static int knot_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    int stop = 0;
    for (int k = 0; k < KNOT_EDGES && !stop; k++)
        if (((struct knot_node *)o)->edge[k])
            stop = visit(((struct knot_node *)o)->edge[k], arg);
    return stop;
}
static void knot_clear(struct obj *o)
{
    for (int k = 0; k < KNOT_EDGES; k++) {
        struct obj *held = ((struct knot_node *)o)->edge[k];
        ((struct knot_node *)o)->edge[k] = NULL;
        obj_xdecref(held);
    }
}
static void knot_finalize(struct obj *o)
{
    int number = ((struct knot_node *)o)->number;
    if (!knot.collecting || !knot.rescues[number])
        return;
    knot.rescued[number] = true;
    obj_incref(o);
}

#define KNOT_TYPE .flags = TYPE_CONTAINER, .dealloc = knot_dealloc, .traverse = knot_traverse, .clear = knot_clear
static const struct type knot_node_type = {.name = "node", KNOT_TYPE};
static const struct type knot_soul_type = {.name = "node with a finaliser", KNOT_TYPE, .finalize = knot_finalize};

static uint64_t knot_below(uint64_t *random, uint64_t n)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (*random >> 33) % n;
}

/* Which nodes hold which. Shape 0: anything · 1: a tree whose nodes know their parents · 2: a tree */
static void knot_draw(uint64_t *random, int shape)
{
    for (int i = 0; i < knot.nodes; i++)
        for (int k = 0; k < KNOT_EDGES; k++) {
            int child = shape ? 2 * i + k : (int)knot_below(random, (uint64_t)knot.nodes);
            bool parent = shape && k == 0;
            if (parent)
                child = (i - 1) / 2;
            bool none = shape ? (parent && (shape == 2 || i == 0)) || child >= knot.nodes : knot_below(random, 2);
            knot.edge[i][k] = none ? -1 : child;
        }
}

/* New nodes, a reference to each; about `held` in 16 keep it. */
static void knot_make(uint64_t *random, uint64_t held, bool finalisers)
{
    for (int i = 0; i < knot.nodes; i++) {
        knot.rescues[i] = finalisers && knot_below(random, 4) == 0;
        knot.untracked[i] = knot_below(random, 32) == 0;
        knot.outside[i] = knot.untracked[i] || (held && (i == 0 || knot_below(random, 16) < held - 1));
        knot.node[i] = obj_alloc(finalisers && knot_below(random, 2) ? &knot_soul_type : &knot_node_type, sizeof *knot.node[i]);
        cr_assert_not_null(knot.node[i]);
        knot.node[i]->number = i;
        for (int k = 0; k < KNOT_EDGES; k++)
            knot.node[i]->edge[k] = NULL;
        knot.freed[i] = knot.rescued[i] = false;
    }
    for (int i = 0; i < knot.nodes; i++) {
        for (int k = 0; k < KNOT_EDGES; k++)
            if (knot.edge[i][k] >= 0)
                knot.node[i]->edge[k] = obj_incref(&knot.node[knot.edge[i][k]]->base.base);
        if (!knot.untracked[i])
            obj_track(&knot.node[i]->base);
    }
}

/* What is reachable from outside, and from what finalisers have kept. */
static void knot_search(bool *reachable)
{
    for (int i = 0; i < knot.nodes; i++)
        reachable[i] = knot.outside[i] || knot.rescued[i];
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < knot.nodes; i++)
            for (int k = 0; k < KNOT_EDGES && reachable[i]; k++)
                if (knot.edge[i][k] >= 0 && !reachable[knot.edge[i][k]])
                    more = reachable[knot.edge[i][k]] = true;
    }
}

/* How many collections met no suspects, few, many. */
static int knot_ways[3];

static void knot_collect(void)
{
    bool reachable[KNOT_NODES], before[KNOT_NODES];
    rc_drain();
    memcpy(before, knot.freed, sizeof before);
    knot.collecting = true;
    int64_t collected = gc_collect();
    knot.collecting = false;
    rc_drain();
    knot_search(reachable);
    int64_t garbage = 0;
    for (int i = 0; i < knot.nodes; i++) {
        cr_assert_eq(knot.freed[i], !reachable[i], "node %d of %d", i, knot.nodes);
        garbage += !before[i] && !reachable[i];
    }
    cr_assert_eq(collected, garbage);
    struct gc_statistics s = gc_statistics();
    knot_ways[!s.suspects ? 0 : s.suspects <= s.tracked / 4 ? 1 : 2]++;
}

static void knot_let_go(void)
{
    for (int i = 0; i < knot.nodes; i++) {
        bool ours = knot.outside[i], rescued = knot.rescued[i];
        knot.outside[i] = knot.rescued[i] = knot.rescues[i] = false;
        for (int drops = ours + rescued; drops > 0; drops--)
            obj_decref(&knot.node[i]->base.base);
    }
}

/* A graph, some of which is let go; then all of it. Untracked nodes end before the others: what they hold is kept by them. */
static void knot_round(uint64_t *random)
{
    knot.nodes = 1 + (int)knot_below(random, KNOT_NODES);
    knot_draw(random, (int)knot_below(random, 3));
    knot_make(random, knot_below(random, 5), knot_below(random, 2));
    for (int i = 0; i < knot.nodes; i++)
        if (!knot.outside[i])
            obj_decref(&knot.node[i]->base.base);
    knot_collect();
    for (int i = 0; i < knot.nodes; i++)
        if (knot.untracked[i])
            knot_clear(&knot.node[i]->base.base);
    knot_let_go();
    rc_drain();
    gc_collect();
    rc_drain();
    for (int i = 0; i < knot.nodes; i++)
        cr_assert(knot.freed[i], "node %d of %d", i, knot.nodes);
}

static void knot_rounds(enum track_policy track)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .track = track};
    cr_assert_eq(objects_start(&config), 0);
    gc_start();
    uint64_t random = 20261121;
    memset(knot_ways, 0, sizeof knot_ways);
    for (int i = 0; i < KNOT_ROUNDS; i++)
        knot_round(&random);
    for (int way = 0; way < 3; way++)
        cr_assert_gt(knot_ways[way], 2, "way %d", way);
}
TEST(random_graphs_are_collected_as_a_search_says_track_thread) { knot_rounds(TRACK_THREAD); }
TEST(random_graphs_are_collected_as_a_search_says_track_locked) { knot_rounds(TRACK_LOCKED); }
