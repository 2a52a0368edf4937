/*
 * pair.c -- what one incref and its decref cost, and nothing else.
 *
 *     private  one object of the thread's own            spread  256 of them in turn
 *     shared   one object of the main thread, by all     none    the same loop without counting: the floor
 *     ring     a fresh object handed to the next thread, which drops it; a pair is a hand-over: made, sent, dropped
 *
 * The objects are floats, of which nothing is cached. `object=immortal` makes all but the ring's immortal; that is a
 * parameter of its own because `shared` is immortal by default and the point of kind=shared is to count.
 *
 * A compiler may turn count++ and the count-- behind it into nothing, or keep the count in a register for the length of
 * the loop. atomic_signal_fence(seq_cst) stands behind each half: it emits no instruction, but memory is memory there, so
 * both loads and both stores are done, for every strategy alike (seen in the disassembly of `plain`: two stores a pair).
 * kind=none has the same fences, which keep its loop alive, and reads the object's type where the others count.
 *
 * The rings: thread i fills ring i, thread (i + 1) % threads empties it, one filler and one emptier each. A repetition
 * is a fixed number of hand-overs for everybody and every thread goes on with both ends until it is through with both, so
 * whoever finishes first leaves nobody waiting. A filler without memory hands over NULL for the same reason.
 * Order: filled (P1) and emptied (P2) are release stores of their only writer and acquire loads of the other side.
 */
#include "../workload.h"

enum {
    PAIR_SPREAD = 256,
    PAIR_BATCH = 64, /* pairs from safepoint to safepoint, so that it is not what is measured */
    PAIR_REP = 1024, /* pairs of a repetition, a multiple of both */
    PAIR_SLOTS = 256,
    PAIR_SPINS = 32, /* looks at both rings before the CPU is given to somebody else: about a microsecond */
};

enum pair_kind { PAIR_PRIVATE, PAIR_SPREAD_OUT, PAIR_SHARED, PAIR_NONE, PAIR_RING };

struct pair_ring {
    _Alignas(CACHE_LINE) _Atomic uint64_t filled;  /* hand-overs put in so far; written by the filler */
    _Alignas(CACHE_LINE) _Atomic uint64_t emptied; /* taken out so far; written by the emptier */
    _Alignas(CACHE_LINE) struct obj *slot[PAIR_SLOTS];
};

/* One thread's own, and the ring that it fills. */
struct pair_thread {
    _Alignas(CACHE_LINE) struct obj *object[PAIR_SPREAD]; /* made by the thread itself, which thereby owns them */
    uint64_t wrong; /* hand-overs that brought another object than was sent; looks that found another type */
    struct pair_ring ring;
};

struct pair {
    enum pair_kind kind;
    bool immortal;
    struct obj *shared;
    struct pair_thread *thread;
};

/* --- objects --- */

static struct obj *pair_object(const struct pair *s, int number)
{
    struct obj *o = float_new(number + 0.5);
    if (o && s->immortal)
        rc_immortalize(&o->rc);
    return o;
}

/* An immortal object is never deallocated by its count: its memory is taken here. NULL is allowed. */
static void pair_drop(const struct pair *s, struct obj *o)
{
    if (o && s->immortal)
        o->type->dealloc(o);
    else
        obj_xdecref(o);
}

/* How many objects of its own a thread of this kind has. */
static int pair_objects(const struct pair *s)
{
    return s->kind == PAIR_SPREAD_OUT ? PAIR_SPREAD : s->kind == PAIR_PRIVATE || s->kind == PAIR_NONE ? 1 : 0;
}

/* The objects that the calling thread works on, made at its first round. 0, or -1. */
static int pair_prepare(struct pair *s, struct pair_thread *t)
{
    for (int i = 0; i < pair_objects(s); i++)
        if (!t->object[i] && !(t->object[i] = pair_object(s, i)))
            return -1;
    return 0;
}

static int pair_setup(struct work *w)
{
    static const char *const name[] = {"private", "spread", "shared", "none", "ring"};
    struct pair *s = work_state(sizeof *s);
    struct pair_thread *thread = work_per_thread(w, sizeof *thread);
    if (!s || !thread)
        return work_no_memory(s, thread);
    s->thread = thread;
    while (!work_is(w, "kind", name[s->kind]))
        s->kind++;
    s->immortal = work_is(w, "object", "immortal") && s->kind != PAIR_RING;
    if (s->kind == PAIR_SHARED && !(s->shared = pair_object(s, 0)))
        return work_no_memory(s, thread);
    w->state = s;
    return 0;
}

static void pair_teardown(struct work *w)
{
    struct pair *s = w->state;
    for (int i = 0; i < w->threads; i++)
        for (int j = 0; j < pair_objects(s); j++)
            pair_drop(s, s->thread[i].object[j]);
    pair_drop(s, s->shared);
    os_free(s->thread);
    os_free(s);
}

/* --- the loops that are measured --- */

INLINE void pair_count(struct obj *o)
{
    obj_incref(o);
    atomic_signal_fence(memory_order_seq_cst); /* for the compiler alone: see the header */
    obj_decref(o);
    atomic_signal_fence(memory_order_seq_cst); /* as above */
}

static void pair_on_one(struct obj *o, uint64_t reps)
{
    for (uint64_t batch = reps * (PAIR_REP / PAIR_BATCH); batch > 0; batch--) {
        for (int i = 0; i < PAIR_BATCH; i++)
            pair_count(o);
        rt_safepoint();
    }
}

static void pair_on_many(struct obj *const *object, uint64_t reps)
{
    size_t at = 0;
    for (uint64_t batch = reps * (PAIR_REP / PAIR_BATCH); batch > 0; batch--) {
        for (size_t i = 0; i < PAIR_BATCH; i++)
            pair_count(object[at + i]);
        at = (at + PAIR_BATCH) % PAIR_SPREAD;
        rt_safepoint();
    }
}

/* The floor. Returns how often the type was not what it is. */
static uint64_t pair_on_none(const struct obj *o, uint64_t reps)
{
    uint64_t wrong = 0;
    for (uint64_t batch = reps * (PAIR_REP / PAIR_BATCH); batch > 0; batch--) {
        for (int i = 0; i < PAIR_BATCH; i++) {
            wrong += o->type != &float_type;
            atomic_signal_fence(memory_order_seq_cst); /* as in pair_count */
            atomic_signal_fence(memory_order_seq_cst); /* as in pair_count */
        }
        rt_safepoint();
    }
    return wrong;
}

/* --- the rings --- */

/* What hand-over `number` of thread `thread` holds; exact in a double up to 2^45 hand-overs. */
static double pair_value(int thread, uint64_t number) { return (double)(number * RUNTIME_MAX_THREADS + (uint64_t)thread); }

/* Hands over at most `most` objects without waiting; how many. *failed: there was no memory. */
static uint64_t pair_fill(struct pair_ring *ring, int thread, uint64_t most, bool *failed)
{
    uint64_t filled = atomic_load_explicit(&ring->filled, memory_order_relaxed); /* relaxed: the caller alone writes it */
    /* (P2) acquire: the emptier has read these slots before they are written again */
    uint64_t room = PAIR_SLOTS - (filled - atomic_load_explicit(&ring->emptied, memory_order_acquire));
    uint64_t n = most < room ? most : room;
    n = n < PAIR_BATCH ? n : PAIR_BATCH;
    for (uint64_t i = filled; i < filled + n; i++) {
        struct obj *o = float_new(pair_value(thread, i));
        *failed |= !o;
        ring->slot[i % PAIR_SLOTS] = o; /* the reference goes with it */
    }
    atomic_store_explicit(&ring->filled, filled + n, memory_order_release); /* (P1) release: the slots and the objects */
    return n;
}

/* Takes and drops at most PAIR_BATCH objects without waiting; how many. */
static uint64_t pair_empty(struct pair_ring *ring, int filler, uint64_t *wrong)
{
    uint64_t emptied = atomic_load_explicit(&ring->emptied, memory_order_relaxed); /* relaxed: the caller alone writes it */
    /* (P1) acquire: sees the slots and the objects */
    uint64_t n = atomic_load_explicit(&ring->filled, memory_order_acquire) - emptied;
    n = n < PAIR_BATCH ? n : PAIR_BATCH;
    for (uint64_t i = emptied; i < emptied + n; i++) {
        struct obj *o = ring->slot[i % PAIR_SLOTS];
        double value = 0;
        if (!o)
            continue;
        *wrong += float_value(o, &value) != 0 || value != pair_value(filler, i);
        obj_decref(o);
    }
    atomic_store_explicit(&ring->emptied, emptied + n, memory_order_release); /* (P2) release: the slots have been read */
    return n;
}

/* Nothing moved: looks again soon, and after some time lets others run. */
static void pair_idle(int *idle)
{
    if (++*idle < PAIR_SPINS) {
        os_relax();
        return;
    }
    *idle = 0;
    thread_detach();
    os_yield();
    thread_attach();
}

static int pair_on_rings(struct work *w, int thread, uint64_t reps)
{
    struct pair *s = w->state;
    struct pair_thread *self = &s->thread[thread];
    int from = (thread + w->threads - 1) % w->threads, idle = 0;
    uint64_t filled = 0, emptied = 0, goal = reps * PAIR_REP;
    bool failed = false;
    while (filled < goal || emptied < goal) {
        uint64_t put = pair_fill(&self->ring, thread, goal - filled, &failed);
        uint64_t taken = pair_empty(&s->thread[from].ring, from, &self->wrong);
        filled += put;
        emptied += taken;
        rt_safepoint();
        if (put + taken == 0)
            pair_idle(&idle);
    }
    return failed ? -1 : 0;
}

static int64_t pair_run(struct work *w, int thread, uint64_t reps)
{
    struct pair *s = w->state;
    struct pair_thread *self = &s->thread[thread];
    if (pair_prepare(s, self) != 0)
        return -1;
    switch (s->kind) {
    case PAIR_PRIVATE:
        pair_on_one(self->object[0], reps);
        break;
    case PAIR_SPREAD_OUT:
        pair_on_many(self->object, reps);
        break;
    case PAIR_SHARED:
        pair_on_one(s->shared, reps);
        break;
    case PAIR_NONE:
        self->wrong += pair_on_none(self->object[0], reps);
        break;
    case PAIR_RING:
        if (pair_on_rings(w, thread, reps) != 0)
            return -1;
        break;
    }
    return (int64_t)(reps * PAIR_REP);
}

/* --- the answer: as many references as before, the objects as they were --- */

static bool pair_check_object(struct work *w, const struct pair *s, const struct obj *o, int number)
{
    double value = 0;
    if (rc_is_immortal(&o->rc) != s->immortal)
        return work_wrong(w, "object %d %s immortal", number, s->immortal ? "is no longer" : "has become");
    if (!s->immortal && rc_count_stw(&o->rc) != 1)
        return work_wrong(w, "object %d ends with %lld references instead of 1", number, (long long)rc_count_stw(&o->rc));
    if (float_value(o, &value) != 0 || value != number + 0.5)
        return work_wrong(w, "object %d holds %g instead of %g", number, value, number + 0.5);
    return true;
}

static bool pair_check_thread(struct work *w, struct pair *s, int thread)
{
    struct pair_thread *t = &s->thread[thread];
    /* relaxed, both: the threads have ended */
    uint64_t filled = atomic_load_explicit(&t->ring.filled, memory_order_relaxed);
    uint64_t emptied = atomic_load_explicit(&t->ring.emptied, memory_order_relaxed);
    if (filled != emptied)
        return work_wrong(w, "thread %d: %llu objects handed over, %llu received", thread, (unsigned long long)filled,
                          (unsigned long long)emptied);
    if (t->wrong)
        return work_wrong(w, "thread %d found %llu objects to be others than it should", thread, (unsigned long long)t->wrong);
    for (int i = 0; i < pair_objects(s); i++)
        if (!pair_check_object(w, s, t->object[i], i))
            return false;
    return true;
}

static bool pair_check(struct work *w)
{
    struct pair *s = w->state;
    rc_drain(); /* for rc_count_stw */
    for (int i = 0; i < w->threads; i++)
        if (!pair_check_thread(w, s, i))
            return false;
    return !s->shared || pair_check_object(w, s, s->shared, 0);
}

static const struct param pair_params[] = {
    {"kind", PARAM_CHOICE, "private|spread|shared|ring|none", 0, 0, "private", "whose object is counted; none: the bare loop"},
    {"object", PARAM_CHOICE, "counted|immortal", 0, 0, "counted", "whether it is counted (the ring's always are)"},
    {0},
};

static const struct joint pair_joint[] = {{"kind", "ring", "each thread waits for its neighbours"}, {0}};

static const struct workload workload_pair = {
    .info = {.name = "pair", .unit = "pairs", .summary = "one incref and one decref", .params = pair_params,
             .joint = pair_joint},
    .setup = pair_setup,
    .run = pair_run,
    .check = pair_check,
    .teardown = pair_teardown,
};
