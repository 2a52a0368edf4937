/*
 * defer.c -- deferred counts and counts by thread while the world is stopped (objects/defer.h, objects/stack.h).
 *
 * Where from: FIELD.md 1 (deferred; per-thread counts) and 3.28 (an id is used again before all arrays are merged).
 * Checked: what is on a stack is not freed, what nobody has is; a count is the sum of all that was counted, at the head, by threads that
 * run, and by threads that have ended; a new object begins with no count of the one that had its id before.
 */
#include "../../gc/collect.h"

/* An object that can be deferred, with a payload that its users write plainly: a free that does not come after is a race. */
struct defer_thing {
    struct deferred base;
    int64_t value;
};
static void defer_thing_dealloc(struct obj *o) { obj_free(o, sizeof(struct defer_thing)); }
static const struct type defer_thing_type = {
    .name = "thing", .flags = TYPE_CONTAINER | TYPE_DEFERS, .dealloc = defer_thing_dealloc};

static struct {
    struct obj *o, *next;
    uint32_t id;
} deferral;

/* Deferred, with an id; one reference, the caller's. */
static struct obj *defer_thing_new(void)
{
    struct defer_thing *t = obj_alloc(&defer_thing_type, sizeof *t);
    defer_init(&t->base);
    t->value = 1;
    obj_track(&t->base.base);
    EXPLORE_CHECK(defer_enable(&t->base.base.base, true));
    return &t->base.base.base;
}
static struct deferred *defer_of(struct obj *o) { return (struct deferred *)o; }
static void defer_touch(struct obj *o) { ((struct defer_thing *)o)->value++; }

/* The number of references, the registry's and those of all threads included. */
static int64_t defer_sum(struct obj *o)
{
    rc_settle_begin();
    thread_stop_world();
    rc_settle_stw();
    defer_merge_stw();
    int64_t count = rc_count_stw(&o->rc);
    thread_start_world();
    rc_settle_end();
    return count;
}

static void defer_drop_all(void)
{
    defer_stop();
    rc_drain();
}

/* --- an ending thread's counts, and who merges --- */

static void defer_setup_counts(void)
{
    deferral.o = defer_thing_new();
    scenario_act_as(1);
    defer_incref(defer_of(deferral.o)); /* so that the arrays are there */
    defer_decref(defer_of(deferral.o));
    scenario_act_as(-1);
}
static void defer_merge(void)
{
    int64_t count = defer_sum(deferral.o);
    EXPLORE_CHECK(count >= 2 && count <= 4);
    thread_detach();
}
static void defer_count_and_end(void)
{
    defer_incref(defer_of(deferral.o));
    rt_safepoint();
    defer_incref(defer_of(deferral.o));
    scenario_thread_end(1);
}
static void defer_count_and_block(void)
{
    defer_incref(defer_of(deferral.o));
    rt_safepoint();
    defer_incref(defer_of(deferral.o));
    thread_detach();
}
static void defer_check_counts(void)
{
    EXPLORE_CHECK(defer_sum(deferral.o) == 4); /* registry, maker, two by thread */
    defer_decref(defer_of(deferral.o));
    defer_decref(defer_of(deferral.o));
    obj_decref(deferral.o);
    defer_drop_all();
}
static const struct scenario defer_exit = {
    .name = "defer-exit", .summary = "a thread that counts by itself ends while another one merges", .source = "FIELD.md 1 (per-thread counts)",
    .setup = defer_setup_counts, .thread = {defer_merge, defer_count_and_end}, .check = defer_check_counts, .track = TRACK_THREAD,
    .large = RC_NEEDS_GIL || RC_DEFERS_FREE,
};
SCENARIO(defer_exit);
static const struct scenario defer_count = {
    .name = "defer-count", .summary = "a thread counts by itself and blocks while another one merges",
    .source = "FIELD.md 1 (per-thread counts)",
    .setup = defer_setup_counts, .thread = {defer_merge, defer_count_and_block}, .check = defer_check_counts, .track = TRACK_THREAD,
    .large = RC_NEEDS_GIL || RC_DEFERS_FREE,
};
SCENARIO(defer_count);

/* --- an id that is used again --- */

/* B drops two references of A's by thread: one that was counted at the head, and one that A counted: +1 in its array. */
static void defer_setup_id(void)
{
    scenario_act_as(0);
    deferral.o = defer_thing_new();
    deferral.id = defer_id(defer_of(deferral.o));
    defer_incref(defer_of(deferral.o));
    scenario_act_as(-1);
    deferral.next = NULL;
}
/* What gc_collect does with it, with nothing else: when the registry's reference is the last, out with it and in with the next. */
static void defer_reuse(void)
{
    struct obj *dead = NULL;
    rc_settle_begin();
    thread_stop_world();
    rc_settle_stw();
    defer_merge_stw();
    if (rc_count_stw(&deferral.o->rc) == 1 && defer_release_stw((struct container *)deferral.o))
        dead = deferral.o;
    thread_start_world();
    rc_settle_end();
    if (dead) {
        obj_decref(dead);
        deferral.next = defer_thing_new();
        EXPLORE_CHECK(defer_id(defer_of(deferral.next)) == deferral.id);
        defer_incref(defer_of(deferral.next));
    }
    thread_detach();
}
static void defer_last_user(void)
{
    defer_incref(defer_of(deferral.o));
    defer_touch(deferral.o);
    rt_safepoint();
    defer_decref(defer_of(deferral.o));
    defer_touch(deferral.o);
    defer_decref(defer_of(deferral.o));
    defer_decref(defer_of(deferral.o));
    thread_detach();
}
static void defer_check_id(void)
{
    if (deferral.next) {
        EXPLORE_CHECK(defer_sum(deferral.next) == 3);
        defer_decref(defer_of(deferral.next));
        obj_decref(deferral.next);
    } else {
        EXPLORE_CHECK(defer_sum(deferral.o) == 1);
    }
    defer_drop_all();
}
static const struct scenario defer_id_reused = {
    .name = "defer-id", .summary = "an object dies and the next one gets its id, while another thread still counts by it",
    .source = "FIELD.md 3.28", .setup = defer_setup_id, .thread = {defer_reuse, defer_last_user}, .check = defer_check_id,
    .track = TRACK_THREAD, .large = RC_NEEDS_GIL || RC_DEFERS_FREE,
};
SCENARIO(defer_id_reused);

/* --- a deferred object on a stack --- */

/* B holds the only counted reference. */
static void defer_setup_stack(void)
{
    scenario_act_as(1);
    deferral.o = defer_thing_new();
    EXPLORE_CHECK(stack_reserve(1));
    scenario_act_as(-1);
}
static void defer_collect(void)
{
    gc_collect();
    thread_detach();
}
/* Loads it, lets go of what it loaded it from, uses it, pops it. */
static void defer_load(void)
{
    stack_push(deferral.o);
    obj_decref(deferral.o);
}
static void defer_use(void)
{
    defer_touch(stack_local(0, 0));
    stack_pop();
    thread_detach();
}
static void defer_call(void)
{
    defer_load();
    rt_safepoint();
    defer_use();
}
static void defer_call_blocked(void)
{
    defer_load();
    thread_detach();
    thread_attach();
    defer_use();
}
static void defer_check_stack(void)
{
    rc_drain();
    gc_collect();
    defer_drop_all();
}
static const struct scenario defer_stack = {
    .name = "defer-stack", .summary = "a collection while a deferred object is on another thread's stack and nowhere else",
    .source = "FIELD.md 1 (deferred)", .setup = defer_setup_stack, .thread = {defer_collect, defer_call}, .check = defer_check_stack,
    .track = TRACK_THREAD, .large = RC_NEEDS_GIL || RC_DEFERS_FREE,
};
SCENARIO(defer_stack);
static const struct scenario defer_stack_blocked = {
    .name = "defer-stack-blocked", .summary = "a collection while a blocked thread has a deferred object on its stack",
    .source = "FIELD.md 1 (deferred)", .setup = defer_setup_stack, .thread = {defer_collect, defer_call_blocked},
    .check = defer_check_stack, .track = TRACK_THREAD, .large = RC_NEEDS_GIL || RC_DEFERS_FREE,
};
SCENARIO(defer_stack_blocked);
