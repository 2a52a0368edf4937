/*
 * owner-merges.c -- a thread drops its last reference to an object that it made while others hold some of theirs.
 *
 * Where from: FIELD.md 3.7, 3.8, 3.9. Goes wrong when the one that gives up the object touches the head after the step that
 * lets others free it, or when whoever frees does not see what the others did with the object before they dropped it.
 * Checked: every access to the payload happens before the deallocation, which comes once.
 */
#include "things.h"

static struct { struct obj *o; } merge;

/* A made it; B's reference was counted by A. */
static void merge_setup_local(void)
{
    scenario_act_as(0);
    merge.o = obj_incref(thing_new(1));
}
/* A made it; B's reference was counted by a stranger. */
static void merge_setup_shared(void)
{
    scenario_act_as(0);
    merge.o = thing_new(1);
    scenario_act_as(-1);
    obj_incref(merge.o);
}
static void merge_setup_three(void)
{
    merge_setup_local();
    obj_incref(merge.o);
}

static void merge_owner(void) { obj_decref(merge.o); }
static void merge_other(void)
{
    EXPLORE_CHECK(thing_value(merge.o) == 1);
    obj_decref(merge.o);
}
static void merge_writer(void)
{
    thing_set(merge.o, 2);
    obj_decref(merge.o);
}
static void merge_keeper(void)
{
    obj_incref(merge.o);
    obj_decref(merge.o);
    merge_writer();
}
static void merge_owner_draining(void)
{
    obj_decref(merge.o);
    rt_safepoint();
}

static const struct scenario owner_merges = {
    .name = "owner-merges", .summary = "the owner drops its last reference while another thread drops one that the owner counted",
    .source = "FIELD.md 3.7", .setup = merge_setup_local, .thread = {merge_owner, merge_writer},
};
SCENARIO(owner_merges);
static const struct scenario quick_dealloc = {
    .name = "quick-dealloc", .summary = "the owner drops its last reference while another thread drops one that it counted itself",
    .source = "FIELD.md 3.9", .setup = merge_setup_shared, .thread = {merge_owner, merge_writer},
};
SCENARIO(quick_dealloc);
static const struct scenario owner_merges_kept = {
    .name = "owner-merges-kept", .summary = "the same while the other thread takes a reference more and drops both",
    .source = "FIELD.md 3.8", .setup = merge_setup_shared, .thread = {merge_owner, merge_keeper},
};
SCENARIO(owner_merges_kept);
static const struct scenario owner_merges_three = {
    .name = "owner-merges-three", .summary = "the owner drops its reference and drains while two threads drop theirs",
    .source = "FIELD.md 3.7", .setup = merge_setup_three, .thread = {merge_owner_draining, merge_other, merge_other},
};
SCENARIO(owner_merges_three);
