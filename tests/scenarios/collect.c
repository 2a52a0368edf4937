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
