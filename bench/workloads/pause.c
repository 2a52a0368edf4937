/*
 * pause.c -- what a collection costs when there is nothing to collect: live lists, looked at once by a plain traversal and once
 * by the collector.
 *
 * The lists make a tree: the root holds about the square root of their number of inner ones, which share the leaves among them; each leaf
 * holds an int. order=made links the leaves as they were made, which a prefetching machine likes; shuffled links them at random.
 * A repetition walks the tree once from its root through the types' traverse slots, with a stack of its own and no marks
 * (each list has one holder), and collects once; thread 0 does both, the others wait for it, detached. With gc=off it walks only.
 *
 * Facts, of the best repetition: traversal_ns, pause_ns (the world stood still), ratio_percent (of the one to the other).
 * Each walk must meet every list; a collection must find nothing.
 */
#include "../../gc/collect.h"
#include "../workload.h"

struct pause {
    int64_t lists;
    bool collects;
    struct obj *root;
    struct obj **stack; /* containers whose references are to be followed */
    int64_t pending, met;
    int64_t traversal_ns, pause_ns; /* the least so far; 0: none yet */
    uint64_t wrong, collected;
};

/* --- set-up --- */

static struct obj *pause_leaf(int64_t number)
{
    struct obj *item = int_new((1 << 20) + number), *leaf = item ? list_from(&item, 1) : NULL;
    obj_xdecref(item);
    return leaf;
}

/* All of them, in an array of their references; what could not be made is NULL. */
static struct obj **pause_leaves(struct work *w, int64_t n, bool shuffled)
{
    struct obj **leaf = os_alloc_zeroed((size_t)n, sizeof *leaf);
    uint64_t random = work_stream(w, 0);
    for (int64_t i = 0; leaf && i < n && (leaf[i] = pause_leaf(i)) != NULL; i++)
        rt_safepoint();
    for (int64_t i = n - 1; leaf && shuffled && i > 0; i--) {
        int64_t j = (int64_t)work_below(&random, (uint64_t)i + 1);
        struct obj *other = leaf[i];
        leaf[i] = leaf[j];
        leaf[j] = other;
    }
    return leaf ? leaf : err_memory();
}

static bool pause_all_there(struct obj *const *leaf, int64_t n)
{
    while (n > 0)
        if (!leaf[--n])
            return false;
    return true;
}

/* Inner lists of `each` leaves below one root: new, or NULL. */
static struct obj *pause_tree(struct obj *const *leaf, int64_t n, int64_t each)
{
    struct obj *root = list_new(0);
    int failed = !root;
    for (int64_t i = 0; i < n && !failed; i += each) {
        struct obj *inner = list_from(leaf + i, (size_t)(n - i < each ? n - i : each));
        failed = !inner || list_append(root, inner) != 0;
        obj_xdecref(inner);
        rt_safepoint();
    }
    if (!failed)
        return root;
    obj_xdecref(root);
    return NULL;
}

static int pause_setup(struct work *w)
{
    struct pause *s = work_state(sizeof *s);
    int64_t lists = work_int(w, "lists"), each = 1;
    while (each * each < lists)
        each++;
    int64_t inner = (lists - 1) / (each + 1) + 1, leaves = lists - 1 - inner < 1 ? 1 : lists - 1 - inner;
    struct obj **leaf = s ? pause_leaves(w, leaves, work_is(w, "order", "shuffled")) : err_memory();
    struct obj **stack = leaf ? os_alloc_zeroed((size_t)lists + 3, sizeof *stack) : NULL;
    if (leaf && !stack)
        err_memory();
    struct obj *root = stack && pause_all_there(leaf, leaves) ? pause_tree(leaf, leaves, each) : NULL;
    for (int64_t i = 0; leaf && i < leaves; i++)
        obj_xdecref(leaf[i]);
    os_free(leaf);
    if (!root) {
        os_free(stack);
        os_free(s);
        return -1;
    }
    *s = (struct pause){.collects = work_collects(w), .root = root, .stack = stack,
                        .lists = 1 + list_length(root) + leaves};
    w->state = s;
    return 0;
}

static void pause_teardown(struct work *w)
{
    struct pause *s = w->state;
    obj_decref(s->root);
    os_free(s->stack);
    os_free(s);
}

/* --- what is timed --- */

static int pause_visit(struct obj *child, void *arg)
{
    struct pause *s = arg;
    if (obj_is(child, &list_type))
        s->stack[s->pending++] = child;
    return 0;
}

static void pause_traverse(struct pause *s)
{
    s->pending = s->met = 0;
    pause_visit(s->root, s);
    while (s->pending > 0) {
        struct obj *o = s->stack[--s->pending];
        o->type->traverse(o, pause_visit, s);
        s->met++;
    }
}

static void pause_least(int64_t *least, int64_t ns)
{
    if (*least == 0 || ns < *least)
        *least = ns;
}

static void pause_repetition(struct pause *s)
{
    int64_t start = os_now();
    pause_traverse(s);
    pause_least(&s->traversal_ns, os_now() - start);
    s->wrong += s->met != s->lists;
    if (!s->collects)
        return;
    struct gc_statistics before = gc_statistics();
    s->collected += (uint64_t)gc_collect();
    struct gc_statistics after = gc_statistics();
    if (after.collections == before.collections + 1)
        pause_least(&s->pause_ns, after.pause_ns - before.pause_ns);
}

static int64_t pause_run(struct work *w, int thread, uint64_t reps)
{
    struct pause *s = w->state;
    for (uint64_t i = 0; i < reps; i++) {
        if (thread == 0)
            pause_repetition(s);
        work_barrier(w);
    }
    return thread == 0 ? (int64_t)reps * s->lists : 0;
}

static bool pause_check(struct work *w)
{
    struct pause *s = w->state;
    work_fact(w, "lists", s->lists);
    work_fact(w, "traversal_ns", s->traversal_ns);
    if (s->pause_ns) {
        work_fact(w, "pause_ns", s->pause_ns);
        work_fact(w, "ratio_percent", s->pause_ns * 100 / (s->traversal_ns ? s->traversal_ns : 1));
    }
    if (s->wrong)
        return work_wrong(w, "%llu walks did not meet all of the %lld lists", (unsigned long long)s->wrong, (long long)s->lists);
    return s->collected == 0 || work_wrong(w, "the collector took %llu live lists for garbage", (unsigned long long)s->collected);
}

static const struct param pause_params[] = {
    {"lists", PARAM_INT, NULL, 4, 100000000, "10000", "live lists"},
    {"order", PARAM_CHOICE, "made|shuffled", 0, 0, "made", "in which the leaves are linked"},
    {0},
};

static const struct joint pause_joint[] = {{NULL, NULL, "all threads wait for the one that collects"}, {0}};

static const struct workload workload_pause = {
    .info = {.name = "pause", .unit = "lists", .summary = "live lists: one plain traversal, one collection (with -L gc=…)",
             .params = pause_params, .joint = pause_joint},
    .setup = pause_setup,
    .run = pause_run,
    .check = pause_check,
    .teardown = pause_teardown,
};
