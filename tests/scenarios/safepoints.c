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

/* --- a GIL that is switched on (rc/gil_switch.c) --- */

/* Plain steps, each between two safepoints: only a GIL keeps two threads' apart, and only its hand-over shows one what the other wrote. */
static struct {
    int steps;
} gilled;

static const char *gilled_unfit(void) { return RC_NEEDS_GIL ? "it has a GIL from the start" : NULL; }
static void gilled_setup(void) { gilled.steps = 0; }
static void gilled_rest(void)
{
    gilled.steps++;
    thread_detach();
}
static void gilled_switch(void)
{
    thread_gil_on();
    gilled_rest();
}
static void gilled_come(void)
{
    thread_detach();
    thread_attach();
}
/* Before the switch there is one step of one thread; after it all are under the GIL. */
static void gilled_switch_and_block(void)
{
    thread_gil_on();
    gilled.steps++;
    gilled_come();
    gilled_rest();
}
static void gilled_step_and_point(void)
{
    gilled.steps++;
    rt_safepoint();
    gilled_come();
    thread_detach();
}
static void gilled_point(void)
{
    rt_safepoint();
    gilled_rest();
}
static void gilled_end(void)
{
    thread_gil_on();
    gilled.steps++;
    scenario_thread_end(1);
}
static void gilled_check_two(void) { EXPLORE_CHECK(gilled.steps == 2); }
static void gilled_check_three(void) { EXPLORE_CHECK(gilled.steps == 3); }

#define GILLED(symbol, title, asked, after, big, ...)                                                                  \
    static const struct scenario symbol = {                                                                            \
        .name = title, .summary = asked, .source = "PEP 703; gil_switch.c", .setup = gilled_setup, .thread = {__VA_ARGS__},  \
        .check = after, .unfit = gilled_unfit, .large = big,                                                           \
    };                                                                                                                 \
    SCENARIO(symbol)
GILLED(gilled_both, "gil-on-both", "two threads switch the GIL on and step", gilled_check_two, RC_DEFERS_FREE, gilled_switch, gilled_switch);
GILLED(gilled_pointed, "gil-on-point", "one thread switches the GIL on and steps; the other comes to a safepoint and steps", gilled_check_two,
       RC_DEFERS_FREE, gilled_switch, gilled_point);
GILLED(gilled_one, "gil-on", "one thread switches the GIL on, blocks, steps; the other has stepped before and comes back", gilled_check_three,
       true, gilled_switch_and_block, gilled_step_and_point);
GILLED(gilled_ends, "gil-on-end", "a thread that holds it ends", gilled_check_two, RC_DEFERS_FREE, gilled_switch, gilled_end);
