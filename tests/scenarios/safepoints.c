/*
 * safepoints.c -- what happens at safepoints: the interpreter lock changes hands, epochs are acknowledged, queues are drained.
 *
 * Where from: FIELD.md 3.21 (hand-over deadlocks), section 1 (forced hand-over of the GIL; a request for a safepoint must not be lost).
 * Checked: nobody waits for ever; each thread's work on a shared object happens before the other's or after it, never beside it.
 */
#include "things.h"

static struct { struct obj *o; } safe;

static void safe_setup(void)
{
    scenario_act_as(0);
    safe.o = obj_incref(thing_new(1));
}
static void safe_setup_three(void)
{
    safe_setup();
    obj_incref(safe.o);
}
static void safe_work(void)
{
    obj_incref(safe.o);
    rt_safepoint();
    obj_decref(safe.o);
    rt_safepoint();
    obj_decref(safe.o);
}
static void safe_point(void)
{
    rt_safepoint();
    obj_decref(safe.o);
    rt_safepoint();
}
static void safe_point_once(void)
{
    rt_safepoint();
    obj_decref(safe.o);
}
static void safe_block(void)
{
    thread_detach();
    thread_attach();
    obj_decref(safe.o);
}
static const struct scenario hand_over = {
    .name = "hand-over", .summary = "two threads with safepoints between their increfs and decrefs", .source = "FIELD.md 3.21",
    .setup = safe_setup, .thread = {safe_work, safe_work},
};
SCENARIO(hand_over);
static const struct scenario hand_over_three = {
    .name = "hand-over-three", .summary = "three threads with a safepoint before their decref", .source = "FIELD.md 3.21",
    .setup = safe_setup_three, .thread = {safe_point_once, safe_point_once, safe_point_once}, .large = RC_NEEDS_GIL,
};
SCENARIO(hand_over_three);
static const struct scenario block_and_point = {
    .name = "hand-over-blocking", .summary = "one thread blocks, the other comes to a safepoint", .source = "FIELD.md 3.21",
    .setup = safe_setup, .thread = {safe_block, safe_point},
};
SCENARIO(block_and_point);
