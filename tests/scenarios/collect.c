/*
 * collect.c -- a collection of cycles while another thread changes what is reachable (gc/collect.c).
 *
 * Checked: what somebody holds is not collected, what nobody holds is, and nothing is freed twice or used after it.
 */
#include "../../gc/collect.h"

static struct {
    struct obj *held, *ring; /* held: by B, with a list in it; ring: two lists that hold each other, and B a reference */
} heap_of;

static struct obj *collect_pair(void)
{
    struct obj *a = list_new(0), *b = list_new(0);
    list_append(a, b);
    list_append(b, a);
    obj_decref(b);
    return a;
}

static void collect_setup(void)
{
    scenario_act_as(1);
    heap_of.held = list_new(0);
    heap_of.ring = collect_pair();
    obj_decref(collect_pair()); /* garbage from the beginning */
    scenario_act_as(-1);
}

static void collect_run(void)
{
    gc_collect();
    thread_detach();
}

/* Lets go of the ring, and puts a new pair where it is reachable. */
static void collect_mutate(void)
{
    struct obj *pair = collect_pair();
    list_append(heap_of.held, pair);
    obj_decref(pair);
    rt_safepoint();
    obj_decref(heap_of.ring);
    thread_detach();
}
static void collect_let_go(void)
{
    obj_decref(heap_of.ring);
    thread_detach();
}

static void collect_check(void)
{
    struct obj *pair = list_get(heap_of.held, 0);
    if (pair) {
        EXPLORE_CHECK(list_length(pair) == 1);
        obj_decref(pair);
    }
    err_take();
    obj_decref(heap_of.held);
    rc_drain();
    gc_collect();
}

static const struct scenario collect_against_mutator = {
    .name = "collect-mutator", .summary = "a collection while another thread drops a cycle and makes a reachable one",
    .source = "FIELD.md 1 (cycle collection)", .setup = collect_setup, .thread = {collect_run, collect_mutate}, .check = collect_check,
    .track = TRACK_THREAD, .large = true,
};
SCENARIO(collect_against_mutator);
static const struct scenario collect_against_drop = {
    .name = "collect-drop", .summary = "a collection while another thread drops the last reference to a cycle",
    .source = "FIELD.md 1 (cycle collection)", .setup = collect_setup, .thread = {collect_run, collect_let_go}, .check = collect_check,
    .track = TRACK_THREAD, .large = true,
};
SCENARIO(collect_against_drop);

/* --- small enough for a proof: one container, which holds itself, and no locks of its own --- */

struct knot {
    struct container base;
    struct obj *held; /* itself, until it is cleared */
    void (*finalize)(struct knot *);
};
static void knot_dealloc(struct obj *o)
{
    struct obj *held = ((struct knot *)o)->held;
    if (held)
        obj_decref_field(held);
    obj_free(o, sizeof(struct knot));
}
static int knot_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    struct knot *k = (struct knot *)o;
    return k->held ? visit(k->held, arg) : 0;
}
static void knot_clear(struct obj *o)
{
    struct knot *k = (struct knot *)o;
    struct obj *held = k->held;
    k->held = NULL;
    obj_xdecref(held);
}
static void knot_finalize(struct obj *o) { ((struct knot *)o)->finalize((struct knot *)o); }
static const struct type knot_type = {
    .name = "knot", .flags = TYPE_CONTAINER, .dealloc = knot_dealloc, .traverse = knot_traverse, .clear = knot_clear};
static const struct type knot_finalized_type = {
    .name = "knot", .flags = TYPE_CONTAINER, .dealloc = knot_dealloc, .traverse = knot_traverse, .clear = knot_clear, .finalize = knot_finalize};

/* One reference, and its own. Whoever holds one finds it whole. */
static struct obj *knot_new(const struct type *type, void (*finalize)(struct knot *))
{
    struct knot *k = obj_alloc(type, sizeof *k);
    k->held = &k->base.base;
    k->finalize = finalize;
    obj_track(&k->base);
    obj_incref(&k->base.base);
    return &k->base.base;
}
static bool knot_is_whole(struct obj *o) { return ((struct knot *)o)->held == o; }

static struct {
    struct obj *knot;
    int64_t collected[2]; /* by each thread */
    _Atomic(struct obj *) taken;
} small;

/* Where the world may stop beside the end of a body, which begins attached. Where there is a GIL it may before the body has it. */
static void small_meet(void)
{
    if (!RC_NEEDS_GIL)
        rt_safepoint();
}

static void small_setup(void)
{
    scenario_act_as(1);
    small.knot = knot_new(&knot_type, NULL);
    scenario_act_as(-1);
}
static void small_collect(void)
{
    small.collected[0] = gc_collect();
    thread_detach();
}
static void small_drop(void)
{
    small_meet(); /* the world may stop here, or at the end */
    EXPLORE_CHECK(knot_is_whole(small.knot));
    obj_decref(small.knot);
    thread_detach();
}
static void small_check_dropped(void) { EXPLORE_CHECK(small.collected[0] + gc_collect() == 1); }
static const struct scenario collect_small_drop = {
    .name = "collect-small-drop", .summary = "a collection while another thread drops the last reference to an object that holds itself",
    .source = "FIELD.md 1 (cycle collection)", .setup = small_setup, .thread = {small_collect, small_drop}, .check = small_check_dropped,
    .track = TRACK_LOCKED, .large = RC_DEFERS_FREE,
};
SCENARIO(collect_small_drop);

/* Makes one where it is held, while the other collects. */
static void small_make(void)
{
    struct obj *knot = knot_new(&knot_type, NULL);
    small_meet();
    EXPLORE_CHECK(knot_is_whole(knot));
    small.knot = knot;
    thread_detach();
}
static void small_check_made(void)
{
    EXPLORE_CHECK(small.collected[0] == 0 && knot_is_whole(small.knot));
    obj_decref(small.knot);
    EXPLORE_CHECK(gc_collect() == 1);
}
static const struct scenario collect_small_make = {
    .name = "collect-small-make", .summary = "a collection while another thread makes an object that holds itself, and keeps it",
    .source = "FIELD.md 1 (cycle collection)", .thread = {small_collect, small_make}, .check = small_check_made,
    .track = TRACK_THREAD, .large = RC_DEFERS_FREE,
};
SCENARIO(collect_small_make);

/* Garbage from the beginning, and two who look for it. */
static void twice_setup(void) { obj_decref(knot_new(&knot_type, NULL)); }
static void twice_collect(void)
{
    small_meet(); /* the other may collect here, and this one afterwards */
    small.collected[1] = gc_collect();
    thread_detach();
}
static void twice_check(void) { EXPLORE_CHECK(small.collected[0] + small.collected[1] == 1); }
static const struct scenario collect_twice = {
    .name = "collect-twice", .summary = "two threads collect at once: one does, or one after the other", .source = "gc/collect.c",
    .setup = twice_setup, .thread = {small_collect, twice_collect}, .check = twice_check, .track = TRACK_LOCKED, .large = RC_NEEDS_GIL || RC_DEFERS_FREE,
};
SCENARIO(collect_twice);

/* A finaliser of garbage puts it where the other thread takes it, before or after the collector's second look. */
static void rescue_finalize(struct knot *k)
{
    obj_incref(&k->base.base);
    atomic_store_explicit(&small.taken, &k->base.base, memory_order_release); /* release: as a container's lock, with the object goes what is in it */
}
static void rescue_setup(void)
{
    atomic_init(&small.taken, NULL);
    small.knot = NULL;
    scenario_act_as(0);
    obj_decref(knot_new(&knot_finalized_type, rescue_finalize));
    scenario_act_as(-1);
}
static void rescue_take(void)
{
    small_meet(); /* where it stands at the first stop, so that it runs between the two */
    small.knot = atomic_exchange_explicit(&small.taken, NULL, memory_order_acquire); /* acquire: as above */
    if (small.knot) {
        EXPLORE_CHECK(knot_is_whole(small.knot));
        ((struct knot *)small.knot)->held = small.knot; /* a write, which no look of the collector may race with */
    }
    thread_detach();
}
static void rescue_take_and_drop(void)
{
    rescue_take();
    thread_attach(); /* the second stop may have been meanwhile */
    if (small.knot) {
        EXPLORE_CHECK(knot_is_whole(small.knot));
        obj_decref(small.knot);
        small.knot = NULL;
    }
    thread_detach();
}
static void rescue_check(void)
{
    struct obj *left = atomic_exchange_explicit(&small.taken, NULL, memory_order_relaxed); /* relaxed: all have ended */
    if (!left)
        left = small.knot;
    if (left) {
        EXPLORE_CHECK(small.collected[0] == 0 && knot_is_whole(left));
        obj_decref(left);
    }
    EXPLORE_CHECK(small.collected[0] + gc_collect() == 1);
}
static const struct scenario collect_rescue = {
    .name = "collect-rescue", .summary = "a finaliser puts its object where another thread takes it before the collector's second look",
    .source = "FIELD.md 3.14", .setup = rescue_setup, .thread = {small_collect, rescue_take}, .check = rescue_check,
    .track = TRACK_LOCKED, .large = RC_NEEDS_GIL || RC_DEFERS_FREE,
};
SCENARIO(collect_rescue);
static const struct scenario collect_rescue_drop = {
    .name = "collect-rescue-drop", .summary = "the same; it is dropped before, at or after the second look", .source = "FIELD.md 3.14",
    .setup = rescue_setup, .thread = {small_collect, rescue_take_and_drop}, .check = rescue_check, .track = TRACK_LOCKED, .large = true,
};
SCENARIO(collect_rescue_drop);

/* The chunk of a thread that ends is freed if nothing is in it; the last container there is another thread's to drop. */
static void chunk_setup(void)
{
    scenario_act_as(0);
    struct knot *k = obj_alloc(&knot_type, sizeof *k);
    k->held = NULL;
    obj_track(&k->base);
    small.knot = &k->base.base;
    scenario_act_as(-1);
}
static void chunk_end(void) { scenario_thread_end(0); }
static void chunk_drop(void) { obj_decref(small.knot); }
static void chunk_check(void)
{
    gc_collect();
    EXPLORE_CHECK(track_chunks() == 0);
}
static const struct scenario track_end = {
    .name = "track-end", .summary = "a thread ends while another drops what is left in its table of containers", .source = "objects/track.c",
    .setup = chunk_setup, .thread = {chunk_end, chunk_drop}, .check = chunk_check, .track = TRACK_THREAD,
};
SCENARIO(track_end);

/* --- settling: the counts are exact, wherever what applies them stands --- */

static struct obj *settle_of;

static void settle_dealloc(struct obj *o)
{
    rt_safepoint();
    obj_free(o, sizeof(struct obj));
}
static const struct type settle_type = {.name = "stops as it dies", .dealloc = settle_dealloc};

static void settle_setup_thread(int references)
{
    scenario_act_as(1);
    settle_of = list_new(0);
    for (int i = 1; i < references; i++)
        obj_incref(settle_of);
    scenario_act_as(-1);
}
/* Under buffered the next reference asks for a turn. */
static void settle_setup_ask(void) { settle_setup_thread(9); }
/* What applies the first decref comes to a safepoint before it applies the second. */
static void settle_setup_turn(void)
{
    settle_setup_thread(2);
    scenario_act_as(1);
    obj_decref(obj_alloc(&settle_type, sizeof(struct obj)));
    obj_decref(settle_of);
    scenario_act_as(-1);
}
static void settle_count(int64_t least, int64_t most)
{
    rc_settle_begin();
    thread_stop_world();
    rc_settle_stw();
    int64_t count = rc_count_stw(&settle_of->rc);
    EXPLORE_CHECK(count >= least && count <= most);
    thread_start_world();
    rc_settle_end();
    thread_detach();
}
static void settle_count_ten(void) { settle_count(9, 10); }
static void settle_count_one(void) { settle_count(1, 1); }
static void settle_ask(void)
{
    obj_incref(settle_of);
    thread_detach();
}
static void settle_drain(void)
{
    rc_drain();
    thread_detach();
}
static void settle_check(void) { obj_decref(settle_of); }
static void settle_check_ten(void)
{
    for (int i = 0; i < 10; i++)
        obj_decref(settle_of);
}
static const struct scenario settle_turn = {
    .name = "settle-turn", .summary = "a thread settles all counts while what another has dropped is being applied", .source = "gc/collect.c",
    .setup = settle_setup_turn, .thread = {settle_count_one, settle_drain}, .check = settle_check, .large = RC_DEFERS_FREE,
};
SCENARIO(settle_turn);
static const struct scenario settle_asked = {
    .name = "settle-asked", .summary = "a thread settles all counts while another asks for them to be applied", .source = "gc/collect.c",
    .setup = settle_setup_ask, .thread = {settle_count_ten, settle_ask}, .check = settle_check_ten, .large = RC_DEFERS_FREE,
};
SCENARIO(settle_asked);
