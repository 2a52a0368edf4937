/*
 * weak-table.c -- weak references come and go while their target lives or dies; somebody clears them with the world stopped.
 *
 * Where from: FIELD.md 3.20, objects/weak.h. Goes wrong when the first weak reference is not noticed by the one who finds the object
 * dead, when two first ones meet, when the end of a weak reference meets that of its target (both take it out of the table), or when an
 * upgrade gets past the collector.
 * Checked: no access after the end of either; two threads get one weak reference; nothing is left.
 */
#include "things.h"

static struct {
    struct obj *o, *weak, *made[2];
    bool cleared;
} wt;

/* A made it; B's reference was counted by a stranger. */
static void wt_setup(void)
{
    scenario_act_as(0);
    wt.o = thing_new(1);
    scenario_act_as(-1);
    obj_incref(wt.o);
}
static void wt_drop(void) { obj_decref(wt.o); }

/* --- the first one --- */

static void wt_make_drop_upgrade(void)
{
    struct obj *o, *weak = weak_new(wt.o);
    EXPLORE_CHECK(weak_get(weak, &o) == 1);
    obj_decref(o);
    obj_decref(wt.o);
    if (weak_get(weak, &o) == 1) {
        EXPLORE_CHECK(thing_value(o) == 1);
        obj_decref(o);
    }
    obj_decref(weak);
}
static const struct scenario wt_first = {
    .name = "weak-first", .summary = "the first weak reference is made and used while the owner drops its strong one",
    .source = "FIELD.md 3.20", .setup = wt_setup, .thread = {wt_drop, wt_make_drop_upgrade},
};
SCENARIO(wt_first);

/* A counted both of B's. */
static void wt_setup_counted(void)
{
    scenario_act_as(0);
    wt.o = thing_new(1);
    obj_incref(wt.o);
    obj_incref(wt.o);
}
static void wt_drop_and_drain(void)
{
    obj_decref(wt.o);
    rt_safepoint();
}
static void wt_drop_make_drop_upgrade(void)
{
    obj_decref(wt.o);
    wt_make_drop_upgrade();
}
static const struct scenario wt_first_queued = {
    .name = "weak-first-queued", .summary = "the same, made by a thread that has just dropped what the owner counted; the owner drains",
    .source = "FIELD.md 3.12, 3.20", .setup = wt_setup_counted, .thread = {wt_drop_and_drain, wt_drop_make_drop_upgrade},
};
SCENARIO(wt_first_queued);

static void wt_make_a(void) { wt.made[0] = weak_new(wt.o); }
static void wt_make_b(void) { wt.made[1] = weak_new(wt.o); }
static void wt_check_made(void)
{
    EXPLORE_CHECK(wt.made[0] && wt.made[0] == wt.made[1]);
    obj_decref(wt.o);
    obj_decref(wt.o);
    obj_decref(wt.made[0]);
    obj_decref(wt.made[1]);
}
static const struct scenario wt_two = {
    .name = "weak-first-two", .summary = "two threads make the first weak reference: they get the same one", .source = "objects/weak.h",
    .setup = wt_setup, .thread = {wt_make_a, wt_make_b}, .check = wt_check_made,
};
SCENARIO(wt_two);

/* --- the end of one --- */

static void wt_setup_weak(void)
{
    scenario_act_as(0);
    wt.o = thing_new(1);
    scenario_act_as(1);
    wt.weak = weak_new(wt.o);
}
static void wt_drop_weak(void) { obj_decref(wt.weak); }
/* What comes next into the table is not hurt. */
static void wt_drop_and_go_on(void)
{
    obj_decref(wt.o);
    struct obj *o = thing_new(2), *weak = weak_new(o);
    obj_decref(o);
    if (!RC_DEFERS_FREE)
        EXPLORE_CHECK(weak_get(weak, &o) == 0);
    obj_decref(weak);
}
static const struct scenario wt_ends = {
    .name = "weak-ends", .summary = "a weak reference's last holder drops it while its target dies", .source = "objects/weak.h (W1)",
    .setup = wt_setup_weak, .thread = {wt_drop_and_go_on, wt_drop_weak},
};
SCENARIO(wt_ends);
/* A makes one when B drops the last one: the old or a new one. */
static void wt_make_and_drop(void)
{
    struct obj *o, *weak = weak_new(wt.o);
    EXPLORE_CHECK(weak_get(weak, &o) == 1);
    obj_decref(o);
    obj_decref(weak);
    obj_decref(wt.o);
}
static const struct scenario wt_again = {
    .name = "weak-again", .summary = "a weak reference is asked for while the one that is there loses its last holder", .source = "objects/weak.h",
    .setup = wt_setup_weak, .thread = {wt_make_and_drop, wt_drop_weak},
};
SCENARIO(wt_again);

/* --- as the collector does it: what only its own kind holds is cleared with the world stopped --- */

static void wt_collect(void)
{
    rc_settle_begin();
    thread_stop_world();
    rc_settle_stw();
    if (rc_count_stw(&wt.o->rc) == 1) {
        weak_clear((struct container *)wt.o);
        wt.cleared = true;
    }
    thread_start_world();
    rc_settle_end();
    if (wt.cleared)
        thing_set(wt.o, 2); /* nobody else has it */
    thread_detach();
}
static void wt_upgrade_and_rest(void)
{
    struct obj *o;
    if (weak_get(wt.weak, &o) == 1) {
        EXPLORE_CHECK(thing_value(o) == 1);
        obj_decref(o);
    }
    thread_detach();
}
static void wt_setup_collect(void)
{
    wt_setup_weak();
    wt.cleared = false;
}
static void wt_check_collect(void)
{
    obj_decref(wt.o);
    obj_decref(wt.weak);
}
static const struct scenario wt_stopped = {
    .name = "weak-collect", .summary = "a weak reference is cleared with the world stopped while another thread upgrades it",
    .source = "FIELD.md 1, gc/collect.c", .setup = wt_setup_collect, .thread = {wt_collect, wt_upgrade_and_rest}, .check = wt_check_collect,
    .large = RC_DEFERS_FREE,
};
SCENARIO(wt_stopped);
