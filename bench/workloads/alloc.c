/*
 * alloc.c -- making and freeing objects, `depth` of them alive at a time in each thread.
 *
 * A thread's objects stand in a ring; each new one takes the place of the oldest, which is checked and dropped. What is left
 * at the end of a round is dropped in the same round, so each object that is counted was made and freed. Each holds its
 * serial number. A list is one of room for one int, with one int in it: two objects.
 */
#include "../workload.h"

enum {
    ALLOC_BATCH = 64, /* from safepoint to safepoint */
    ALLOC_REP = 1024, /* made in a repetition */
    ALLOC_FIRST = 1 << 20, /* the first serial number, beyond the cached ints */
};

/* What the object of a serial number is: kind[number % 4]. */
enum alloc_kind { ALLOC_INT, ALLOC_FLOAT, ALLOC_LIST };
struct alloc_mix {
    const char *name;
    enum alloc_kind kind[4];
};
static const struct alloc_mix alloc_mixes[] = {
    {"int", {ALLOC_INT, ALLOC_INT, ALLOC_INT, ALLOC_INT}},
    {"float", {ALLOC_FLOAT, ALLOC_FLOAT, ALLOC_FLOAT, ALLOC_FLOAT}},
    {"list", {ALLOC_LIST, ALLOC_LIST, ALLOC_LIST, ALLOC_LIST}},
    {"mixed", {ALLOC_INT, ALLOC_FLOAT, ALLOC_INT, ALLOC_LIST}},
};

/* One thread's ring: object n stands in slot n % depth. */
struct alloc_ring {
    _Alignas(CACHE_LINE) struct obj **slot;
    uint64_t made, dropped, wrong;
    int64_t objects; /* made, those inside lists included */
};

struct alloc {
    const struct alloc_mix *mix;
    uint64_t depth;
    struct alloc_ring *ring; /* one for each thread */
    struct obj **slot;       /* of all of them */
};

static int alloc_setup(struct work *w)
{
    size_t depth = (size_t)work_int(w, "depth"), threads = (size_t)w->threads;
    struct alloc *s = work_state(sizeof *s);
    struct alloc_ring *ring = os_alloc_aligned(CACHE_LINE, threads * sizeof *ring);
    struct obj **slot = os_alloc_zeroed(threads * depth, sizeof *slot);
    if (!s || !ring || !slot) {
        os_free(slot);
        os_free(ring);
        os_free(s);
        err_memory();
        return -1;
    }
    for (size_t i = 0; i < threads; i++)
        ring[i] = (struct alloc_ring){.slot = slot + i * depth};
    *s = (struct alloc){.mix = alloc_mixes, .depth = depth, .ring = ring, .slot = slot};
    while (!work_is(w, "kind", s->mix->name))
        s->mix++;
    w->state = s;
    return 0;
}

static void alloc_teardown(struct work *w)
{
    struct alloc *s = w->state;
    os_free(s->slot);
    os_free(s->ring);
    os_free(s);
}

static int64_t alloc_number(uint64_t n) { return ALLOC_FIRST + (int64_t)n; }

/* New, or NULL. */
static struct obj *alloc_list(int64_t number)
{
    struct obj *list = list_new(1), *item = list ? int_new(number) : NULL;
    if (item && list_append(list, item) == 0) {
        obj_decref(item);
        return list;
    }
    obj_xdecref(item);
    obj_xdecref(list);
    return NULL;
}

/* The number that a list holds, -1: it is not a list of one int. */
static int64_t alloc_list_value(struct obj *list)
{
    int64_t value = -1;
    struct obj *item = list_length(list) == 1 ? list_get(list, 0) : NULL;
    if (item)
        int_value(item, &value);
    obj_xdecref(item);
    return value;
}

/* Puts object `made` into its slot, which is empty. 0, or -1. */
static int alloc_make(const struct alloc *s, struct alloc_ring *r)
{
    int64_t number = alloc_number(r->made);
    enum alloc_kind kind = s->mix->kind[r->made % 4];
    struct obj *o = kind == ALLOC_INT ? int_new(number) : kind == ALLOC_FLOAT ? float_new((double)number) : alloc_list(number);
    if (unlikely(!o))
        return -1;
    r->slot[r->made++ % s->depth] = o;
    r->objects += kind == ALLOC_LIST ? 2 : 1;
    return 0;
}

/* Checks and drops the oldest object. */
static void alloc_drop(const struct alloc *s, struct alloc_ring *r)
{
    struct obj *o = r->slot[r->dropped % s->depth];
    int64_t value = -1;
    double d = -1;
    switch (s->mix->kind[r->dropped % 4]) {
    case ALLOC_INT:
        int_value(o, &value);
        break;
    case ALLOC_FLOAT:
        float_value(o, &d);
        value = (int64_t)d;
        break;
    case ALLOC_LIST:
        value = alloc_list_value(o);
        break;
    }
    obj_decref(o);
    r->wrong += value != alloc_number(r->dropped);
    r->dropped++;
}

/* The objects left over. */
static void alloc_drop_all(const struct alloc *s, struct alloc_ring *r)
{
    while (r->dropped < r->made) {
        alloc_drop(s, r);
        if (r->dropped % ALLOC_BATCH == 0)
            rt_safepoint();
    }
}

static int64_t alloc_run(struct work *w, int thread, uint64_t reps)
{
    struct alloc *s = w->state;
    struct alloc_ring *r = &s->ring[thread];
    int64_t before = r->objects;
    int failed = 0;
    for (uint64_t batch = reps * (ALLOC_REP / ALLOC_BATCH); batch > 0 && !failed; batch--) {
        for (int i = 0; i < ALLOC_BATCH && !failed; i++) {
            if (r->made - r->dropped == s->depth)
                alloc_drop(s, r);
            failed = alloc_make(s, r);
        }
        rt_safepoint();
    }
    alloc_drop_all(s, r);
    return failed ? -1 : r->objects - before;
}

static bool alloc_check(struct work *w)
{
    struct alloc *s = w->state;
    for (int i = 0; i < w->threads; i++) {
        struct alloc_ring *r = &s->ring[i];
        if (r->wrong)
            return work_wrong(w, "thread %d: %llu of %llu objects had lost their value", i, (unsigned long long)r->wrong,
                              (unsigned long long)r->made);
        if (r->made != r->dropped || r->made == 0)
            return work_wrong(w, "thread %d: %llu objects made, %llu dropped", i, (unsigned long long)r->made,
                              (unsigned long long)r->dropped);
    }
    return true;
}

static const struct param alloc_params[] = {
    {"kind", PARAM_CHOICE, "int|float|list|mixed", 0, 0, "int", "what is made; mixed: two ints, a float and a list in turn"},
    {"depth", PARAM_INT, NULL, 1, 1 << 20, "256", "objects (lists count as one) that are alive at a time in each thread"},
    {0},
};

static const struct workload workload_alloc = {
    .info = {.name = "alloc", .unit = "objects", .summary = "objects made and freed, oldest first", .params = alloc_params},
    .setup = alloc_setup,
    .run = alloc_run,
    .check = alloc_check,
    .teardown = alloc_teardown,
};
