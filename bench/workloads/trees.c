/*
 * trees.c -- binary trees, as in the Computer Language Benchmarks Game: allocate a tree, walk it, drop it.
 *
 * Each thread keeps one tree of the full depth for the length of the sample (what a collector has to look at again and again), and
 * in each repetition makes, walks and drops one of the same depth, or 2^(depth - d) of a smaller depth d, in turn: as many
 * nodes each time, to within a factor of two. A node is a list or a tuple of its two children; those of a leaf are None.
 * The walk counts the nodes: 2^(d + 1) - 1. Every node is made, looked at and freed by its thread; nothing is shared.
 */
#include "../workload.h"

enum { TREES_LEAST = 2 }; /* the smallest depth */

struct trees_thread {
    _Alignas(CACHE_LINE) struct obj *kept;
    uint64_t walked, wrong;
    int depth; /* of the next trees */
};

struct trees {
    int depth;
    bool tuples;
    struct trees_thread *thread;
};

static int trees_setup(struct work *w)
{
    struct trees *s = work_state(sizeof *s);
    struct trees_thread *thread = work_per_thread(w, sizeof *thread);
    if (!s || !thread)
        return work_no_memory(s, thread);
    *s = (struct trees){.depth = (int)work_int(w, "depth"), .tuples = work_is(w, "node", "tuple"), .thread = thread};
    for (int i = 0; i < w->threads; i++)
        thread[i].depth = s->depth;
    w->state = s;
    return 0;
}

static void trees_teardown(struct work *w)
{
    struct trees *s = w->state;
    for (int i = 0; i < w->threads; i++)
        obj_xdecref(s->thread[i].kept);
    os_free(s->thread);
    os_free(s);
}

/* Steals both; NULL is a child that could not be made. New, or NULL. */
static struct obj *trees_node(bool tuple, struct obj *left, struct obj *right)
{
    struct obj *node = NULL;
    if (left && right)
        node = tuple ? tuple_pair(left, right) : list_from((struct obj *[]){left, right}, 2);
    obj_xdecref(left);
    obj_xdecref(right);
    return node;
}

/* Recursion: as deep as the tree. New, or NULL. */
static struct obj *trees_make(bool tuple, int depth)
{
    rt_safepoint();
    if (depth == 0)
        return trees_node(tuple, obj_incref(none_get()), obj_incref(none_get()));
    struct obj *left = trees_make(tuple, depth - 1);
    return trees_node(tuple, left, left ? trees_make(tuple, depth - 1) : NULL);
}

/* The nodes below and at this one; takes the reference. */
static uint64_t trees_walk(bool tuple, struct obj *node)
{
    uint64_t nodes = 0;
    rt_safepoint();
    if (node && obj_is(node, tuple ? &tuple_type : &list_type)) {
        nodes = 1 + trees_walk(tuple, tuple ? tuple_get(node, 0) : list_get(node, 0));
        nodes += trees_walk(tuple, tuple ? tuple_get(node, 1) : list_get(node, 1));
    }
    obj_xdecref(node);
    return nodes;
}

static uint64_t trees_nodes(int depth) { return ((uint64_t)2 << depth) - 1; }

/* Trees of one depth. Their nodes, or -1. */
static int64_t trees_repetition(const struct trees *s, struct trees_thread *t)
{
    int64_t nodes = 0;
    for (uint64_t n = (uint64_t)1 << (s->depth - t->depth); n > 0; n--) {
        struct obj *tree = trees_make(s->tuples, t->depth);
        if (!tree)
            return -1;
        uint64_t found = trees_walk(s->tuples, tree);
        t->wrong += found != trees_nodes(t->depth);
        t->walked++;
        nodes += (int64_t)found;
    }
    t->depth = t->depth - 2 < TREES_LEAST ? s->depth : t->depth - 2;
    return nodes;
}

static int64_t trees_run(struct work *w, int thread, uint64_t reps)
{
    struct trees *s = w->state;
    struct trees_thread *t = &s->thread[thread];
    int64_t nodes = 0;
    if (!t->kept && !(t->kept = trees_make(s->tuples, s->depth)))
        return -1;
    for (; reps > 0; reps--) {
        int64_t more = trees_repetition(s, t);
        if (more < 0)
            return -1;
        nodes += more;
        rt_safepoint();
    }
    return nodes;
}

static bool trees_check(struct work *w)
{
    struct trees *s = w->state;
    for (int i = 0; i < w->threads; i++) {
        struct trees_thread *t = &s->thread[i];
        uint64_t kept = trees_walk(s->tuples, obj_incref(t->kept));
        if (t->wrong || t->walked == 0)
            return work_wrong(w, "thread %d: %llu of %llu trees had not their number of nodes", i, (unsigned long long)t->wrong,
                              (unsigned long long)t->walked);
        if (kept != trees_nodes(s->depth))
            return work_wrong(w, "thread %d: the tree that was kept has %llu nodes instead of %llu", i, (unsigned long long)kept,
                              (unsigned long long)trees_nodes(s->depth));
    }
    return true;
}

static const struct param trees_params[] = {
    {"depth", PARAM_INT, NULL, TREES_LEAST, 24, "10", "of the largest trees: 2^(depth + 1) - 1 nodes"},
    {"node", PARAM_CHOICE, "list|tuple", 0, 0, "list", "what a node is (a leaf that is a tuple is never tracked by the collector)"},
    {0},
};

static const struct workload workload_trees = {
    .info = {.name = "trees", .unit = "nodes", .summary = "binary trees made, walked and dropped by each thread", .params = trees_params},
    .setup = trees_setup,
    .run = trees_run,
    .check = trees_check,
    .teardown = trees_teardown,
};
