/*
 * traversal.c -- all threads walk one shared structure that never changes: nothing is written but the counts.
 *
 * A complete tree of tuples, `fanout` children to a node, `depth` levels, an int of its own in each leaf. A repetition is a walk
 * over all of it. reference=new takes and drops a reference to each object on the way, as an interpreter does: every thread writes every
 * object. reference=borrowed takes none; that is safe, since a tuple never changes and the root is held. The sum of the leaves
 * and the number of objects are known beforehand; at the end the root has one reference.
 */
#include "../workload.h"

enum { TRAVERSAL_FIRST = 1 << 20 }; /* the first leaf: beyond the cached ints */

struct traversal_thread {
    _Alignas(CACHE_LINE) uint64_t walks;
    uint64_t wrong;
};

struct traversal {
    int depth, fanout;
    bool borrowed;
    int64_t objects, sum; /* what a walk has to find */
    struct obj *root;
    struct traversal_thread *thread;
};

/* What a walk has found. */
struct traversal_found {
    int64_t objects, sum;
};

/* The children made are in the array; drops them. */
static struct obj *traversal_tuple(struct obj **child, int made, int fanout)
{
    struct obj *node = made == fanout ? tuple_new(child, (size_t)fanout) : NULL;
    while (made > 0)
        obj_decref(child[--made]);
    return node;
}

enum { TRAVERSAL_FANOUT = 8, TRAVERSAL_DEPTH = 7 };

/* New, or NULL. Adds to what walks have to find. */
static struct obj *traversal_make(struct traversal *s, int depth, int64_t *leaf)
{
    struct obj *child[TRAVERSAL_FANOUT] = {NULL};
    int made = 0;
    rt_safepoint();
    s->objects++;
    if (depth == 0) {
        s->sum += *leaf;
        return int_new((*leaf)++);
    }
    while (made < s->fanout && (child[made] = traversal_make(s, depth - 1, leaf)) != NULL)
        made++;
    return traversal_tuple(child, made, s->fanout);
}

static int traversal_setup(struct work *w)
{
    struct traversal *s = work_state(sizeof *s);
    struct traversal_thread *thread = work_per_thread(w, sizeof *thread);
    int64_t leaf = TRAVERSAL_FIRST;
    if (!s || !thread)
        return work_no_memory(s, thread);
    *s = (struct traversal){.depth = (int)work_int(w, "depth"), .fanout = (int)work_int(w, "fanout"),
                            .borrowed = work_is(w, "reference", "borrowed"), .thread = thread};
    if (!(s->root = traversal_make(s, s->depth, &leaf)))
        return work_no_memory(s, thread);
    w->state = s;
    return 0;
}

static void traversal_teardown(struct work *w)
{
    struct traversal *s = w->state;
    obj_decref(s->root);
    os_free(s->thread);
    os_free(s);
}

static void traversal_look(struct obj *o, struct traversal_found *found)
{
    int64_t value = 0;
    found->objects++;
    if (!obj_is(o, &tuple_type) && int_value(o, &value) == 0)
        found->sum += value;
}

/* Takes the reference. Recursion: as deep as the tree. */
static void traversal_walk(struct obj *o, struct traversal_found *found)
{
    int64_t children = obj_is(o, &tuple_type) ? tuple_length(o) : 0;
    traversal_look(o, found);
    for (int64_t i = 0; i < children; i++)
        traversal_walk(tuple_get(o, i), found);
    obj_decref(o);
    if (children)
        rt_safepoint();
}

/* The root is held, and its structure keeps all of it: also across safepoints. */
static void traversal_walk_borrowed(struct obj *o, struct traversal_found *found)
{
    int64_t children = obj_is(o, &tuple_type) ? tuple_length(o) : 0;
    traversal_look(o, found);
    for (int64_t i = 0; i < children; i++)
        traversal_walk_borrowed(tuple_get_borrowed(o, i), found);
    if (children)
        rt_safepoint();
}

static int64_t traversal_run(struct work *w, int thread, uint64_t reps)
{
    struct traversal *s = w->state;
    struct traversal_thread *t = &s->thread[thread];
    for (uint64_t i = 0; i < reps; i++) {
        struct traversal_found found = {0};
        if (s->borrowed)
            traversal_walk_borrowed(s->root, &found);
        else
            traversal_walk(obj_incref(s->root), &found);
        t->wrong += found.objects != s->objects || found.sum != s->sum;
        t->walks++;
    }
    return (int64_t)reps * s->objects;
}

static bool traversal_check(struct work *w)
{
    struct traversal *s = w->state;
    rc_drain(); /* for rc_count_stw */
    for (int i = 0; i < w->threads; i++)
        if (s->thread[i].wrong || s->thread[i].walks == 0)
            return work_wrong(w, "thread %d: %llu of %llu walks did not find what is there", i,
                              (unsigned long long)s->thread[i].wrong, (unsigned long long)s->thread[i].walks);
    int64_t count = rc_count_stw(&s->root->rc);
    return count == 1 || work_wrong(w, "the root ends with %lld references instead of 1", (long long)count);
}

static const struct param traversal_params[] = {
    {"depth", PARAM_INT, NULL, 1, TRAVERSAL_DEPTH, "4", "levels of tuples"},
    {"fanout", PARAM_INT, NULL, 1, TRAVERSAL_FANOUT, "8", "children of each"},
    {"reference", PARAM_CHOICE, "new|borrowed", 0, 0, "new", "whether the walk counts a reference to each object"},
    {0},
};

static const struct workload workload_traversal = {
    .info = {.name = "traversal", .unit = "objects", .summary = "all threads walk one shared tree of tuples", .params = traversal_params},
    .setup = traversal_setup,
    .run = traversal_run,
    .check = traversal_check,
    .teardown = traversal_teardown,
};
