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
