/*
 * graph.c -- a shared graph with cycles, which several threads rebuild while the collector runs.
 *
 * A shared list has a place for each of `size` nodes. A node holds its number and one link; it is a list [number, link], or for
 * every other number a dict {0: number, 1: link}. A step takes the node `other` from a random place, makes a new one, links the two
 * to each other, and puts the new one into a random place of the thread's own (every threads-th is); the node that stood there is left
 * to its own devices. It may still be linked from elsewhere. Mostly it is not, but its peer and it hold each other: garbage that counting never frees.
 * Then the step walks a few links from a random place and looks at each node on its way.
 *
 *     reachable: from each place a chain of links, each to a newer node than the one before, until two that hold each other
 *
 * With gc=off nobody would free the cycles, so a step empties the link of the node that it takes out. That is enough, also when another
 * thread links to that node at the same time: the newest node of a cycle is linked by its maker before it gets its place and by others to
 * newer nodes alone, so in a cycle it still has its first link, and it was emptied when it was taken out.
 *
 * Numbers say who made a node (thread) and when (serial); a node found must have a number that was given. At the end each place has a
 * node; and with the graph dropped nothing is left alive (the sample's leak check, after a last collection).
 */
#include "../workload.h"

enum {
    GRAPH_REP = 256,  /* steps of a repetition */
    GRAPH_WALK = 8,   /* links followed in a step */
    GRAPH_NUMBER = 0, /* what stands where in a node */
    GRAPH_LINK = 1,
};

struct graph_thread {
    _Alignas(CACHE_LINE) uint64_t random;
    _Atomic int64_t made; /* serial of its next node: the number of others' nodes is compared with it */
    uint64_t wrong, visited;
    struct obj *key[2]; /* 0 and 1, for the dicts: cached ints */
};

struct graph {
    int64_t size;
    int threads;
    bool breaks; /* no collector: steps break cycles themselves */
    bool lists, dicts;
    struct obj *place;
    struct graph_thread *thread;
};

/* --- nodes --- */

/* New, or NULL; the link is None. */
static struct obj *graph_node(const struct graph *s, struct graph_thread *t, int thread)
{
    /* relaxed: the caller alone writes it, and whoever finds the node got it through the list's lock */
    int64_t serial = atomic_load_explicit(&t->made, memory_order_relaxed);
    atomic_store_explicit(&t->made, serial + 1, memory_order_relaxed); /* relaxed: as above */
    struct obj *number = int_new(serial * RUNTIME_MAX_THREADS + thread), *none = none_get(), *node = NULL;
    if (number && (!s->dicts || (s->lists && serial % 2 == 0)))
        node = list_from((struct obj *[]){number, none}, 2);
    else if (number && (node = dict_new(2)) != NULL &&
             (dict_set(node, t->key[GRAPH_NUMBER], number) != 0 || dict_set(node, t->key[GRAPH_LINK], none) != 0)) {
        obj_decref(node);
        node = NULL;
    }
    obj_xdecref(number);
    return node;
}

/* New, or NULL: this is no node. */
static struct obj *graph_get(struct graph_thread *t, struct obj *node, int what)
{
    struct obj *found = NULL;
    if (obj_is(node, &list_type))
        return list_get(node, what);
    return obj_is(node, &dict_type) && dict_get(node, t->key[what], &found) == 1 ? found : NULL;
}

static int graph_link(struct graph_thread *t, struct obj *node, struct obj *to)
{
    return obj_is(node, &list_type) ? list_set(node, GRAPH_LINK, to) : dict_set(node, t->key[GRAPH_LINK], to);
}

/* A node that somebody made. */
static bool graph_is_right(const struct graph *s, struct graph_thread *t, struct obj *node)
{
    int64_t value = -1;
    struct obj *number = graph_get(t, node, GRAPH_NUMBER);
    if (number)
        int_value(number, &value);
    obj_xdecref(number);
    if (value < 0 || value % RUNTIME_MAX_THREADS >= s->threads)
        return false;
    /* relaxed: see graph_node */
    return value / RUNTIME_MAX_THREADS < atomic_load_explicit(&s->thread[value % RUNTIME_MAX_THREADS].made, memory_order_relaxed);
}

/* --- set-up --- */

static int graph_keys(struct graph_thread *t)
{
    for (int i = 0; i < 2; i++)
        if (!t->key[i] && !(t->key[i] = int_new(i)))
            return -1;
    return 0;
}

static int graph_fill(struct graph *s)
{
    s->place = list_new((size_t)s->size);
    int failed = !s->place || graph_keys(&s->thread[0]) != 0;
    for (int64_t i = 0; i < s->size && !failed; i++) {
        struct obj *node = graph_node(s, &s->thread[0], 0);
        failed = !node || list_append(s->place, node) != 0;
        obj_xdecref(node);
        rt_safepoint();
    }
    return failed;
}

static void graph_teardown(struct work *w)
{
    struct graph *s = w->state;
    struct graph_thread *t = &s->thread[0];
    struct obj *none = none_get();
    for (int64_t i = 0; s->breaks && i < list_length(s->place); i++) {
        struct obj *node = list_get(s->place, i);
        graph_link(t, node, none);
        obj_decref(node);
    }
    obj_xdecref(s->place);
    for (int i = 0; i < 2 * w->threads; i++)
        obj_xdecref(s->thread[i / 2].key[i % 2]);
    os_free(s->thread);
    os_free(s);
}

static int graph_setup(struct work *w)
{
    struct graph *s = work_state(sizeof *s);
    struct graph_thread *thread = work_per_thread(w, sizeof *thread);
    if (!s || !thread)
        return work_no_memory(s, thread);
    *s = (struct graph){.size = work_int(w, "size"), .threads = w->threads, .breaks = !work_collects(w),
                        .lists = !work_is(w, "node", "dict"), .dicts = !work_is(w, "node", "list"), .thread = thread};
    for (int i = 0; i < w->threads; i++)
        thread[i].random = work_stream(w, i);
    if (graph_fill(s) == 0) {
        w->state = s;
        return 0;
    }
    obj_xdecref(s->place);
    for (int i = 0; i < 2; i++)
        obj_xdecref(thread[0].key[i]);
    return work_no_memory(s, thread);
}

/* --- steps --- */

/* The node at a random place: new, or NULL. */
static struct obj *graph_at_random(const struct graph *s, struct graph_thread *t)
{
    return list_get(s->place, (int64_t)work_below(&t->random, (uint64_t)s->size));
}

/* Puts a new node into a place of the thread's own, if it has any; 0, or -1. */
static int graph_replace(const struct graph *s, struct graph_thread *t, int thread)
{
    int64_t mine = (s->size - thread + s->threads - 1) / s->threads;
    if (mine <= 0)
        return 0;
    struct obj *other = graph_at_random(s, t), *node = other ? graph_node(s, t, thread) : NULL, *old = NULL;
    int64_t at = thread + s->threads * (int64_t)work_below(&t->random, (uint64_t)mine);
    int failed = !node || graph_link(t, node, other) != 0 || graph_link(t, other, node) != 0;
    if (!failed && s->breaks)
        old = list_get(s->place, at);
    failed = failed || list_set(s->place, at, node) != 0;
    if (old) { /* maybe the other end of the new link: a link that is emptied too often is right, too */
        failed = graph_link(t, old, none_get()) != 0 || failed;
        obj_decref(old);
    }
    obj_xdecref(node);
    obj_xdecref(other);
    return failed ? -1 : 0;
}

static int graph_walk(const struct graph *s, struct graph_thread *t)
{
    struct obj *node = graph_at_random(s, t), *none = none_get();
    if (!node)
        return -1;
    for (int i = 0; i < GRAPH_WALK && node && node != none; i++) {
        struct obj *next = graph_get(t, node, GRAPH_LINK);
        t->wrong += !graph_is_right(s, t, node) || !next;
        t->visited++;
        obj_decref(node);
        node = next;
    }
    obj_xdecref(node);
    return 0;
}

static int64_t graph_run(struct work *w, int thread, uint64_t reps)
{
    struct graph *s = w->state;
    struct graph_thread *t = &s->thread[thread];
    if (graph_keys(t) != 0)
        return -1;
    for (uint64_t step = reps * GRAPH_REP; step > 0; step--) {
        if (unlikely(graph_replace(s, t, thread) != 0 || graph_walk(s, t) != 0))
            return -1;
        rt_safepoint();
    }
    return (int64_t)(reps * GRAPH_REP);
}

/* --- the answer --- */

static bool graph_check(struct work *w)
{
    struct graph *s = w->state;
    for (int i = 0; i < w->threads; i++)
        if (s->thread[i].wrong || s->thread[i].visited == 0)
            return work_wrong(w, "thread %d: %llu of %llu nodes on its way were none", i, (unsigned long long)s->thread[i].wrong,
                              (unsigned long long)s->thread[i].visited);
    if (list_length(s->place) != s->size)
        return work_wrong(w, "the graph has %lld places instead of %lld", (long long)list_length(s->place), (long long)s->size);
    for (int64_t i = 0; i < s->size; i++) {
        struct obj *node = list_get(s->place, i);
        bool right = node && graph_is_right(s, &s->thread[0], node);
        obj_xdecref(node);
        if (!right)
            return work_wrong(w, "what stands at place %lld is no node", (long long)i);
    }
    return true;
}

static const struct param graph_params[] = {
    {"size", PARAM_INT, NULL, 1, 1 << 20, "1024", "places of the graph"},
    {"node", PARAM_CHOICE, "list|dict|mixed", 0, 0, "mixed", "what a node is; mixed: in turn"},
    {0},
};

static const struct workload workload_graph = {
    .info = {.name = "graph", .unit = "steps", .params = graph_params,
             .summary = "a shared graph with cycles, rebuilt by all threads (gc=off: it breaks its cycles itself)"},
    .setup = graph_setup,
    .run = graph_run,
    .check = graph_check,
    .teardown = graph_teardown,
};
