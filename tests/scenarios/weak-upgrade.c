/*
 * weak-upgrade.c -- a weak reference is upgraded while the last strong ones go.
 *
 * Where from: FIELD.md 3.20. Goes wrong when an upgrade gives an object that somebody has found dead (use after free), when an object
 * that was upgraded just in time dies of the count found before (the same), or when one side takes the other for the last (leak).
 * Checked: an upgrade gives a live object or nothing; in the end the object is gone and its weak reference cleared. Main makes the
 * weak reference, so that its own count is nobody's business here.
 */
#include "things.h"

static struct {
    struct obj *o, *weak;
} up;

/* A's own reference, and `more` that others count. */
static void up_make(int more)
{
    scenario_act_as(0);
    up.o = thing_new(1);
    scenario_act_as(-1);
    up.weak = weak_new(up.o);
    while (more-- > 0)
        obj_incref(up.o);
}
static void up_setup(void) { up_make(0); }
static void up_setup_shared(void) { up_make(1); }
static void up_setup_local(void) /* two references, both counted by A */
{
    up_make(0);
    scenario_act_as(0);
    obj_incref(up.o);
}
static void up_check(void)
{
    struct obj *o;
    EXPLORE_CHECK(weak_get(up.weak, &o) == 0);
    obj_decref(up.weak);
}

static void up_drop(void) { obj_decref(up.o); }
static void up_drop_two(void)
{
    up_drop();
    up_drop();
}
static void up_drop_and_drain(void)
{
    up_drop();
    rt_safepoint();
}
static void up_upgrade(void)
{
    struct obj *o;
    if (weak_get(up.weak, &o) != 1)
        return;
    EXPLORE_CHECK(o == up.o && thing_value(o) >= 1);
    obj_decref(o);
}
static void up_drop_and_upgrade(void)
{
    up_drop();
    up_upgrade();
}
static void up_upgrade_and_drop(void)
{
    up_upgrade();
    up_drop();
}

static const struct scenario up_last = {
    .name = "weak-upgrade", .summary = "a weak reference is upgraded while the owner drops the last strong one",
    .source = "FIELD.md 3.20", .setup = up_setup, .thread = {up_drop, up_upgrade}, .check = up_check,
};
SCENARIO(up_last);
static const struct scenario up_both = {
    .name = "weak-upgrade-both", .summary = "the same, and the owner drops one more, that another thread had counted",
    .source = "FIELD.md 3.20", .setup = up_setup_shared, .thread = {up_drop_two, up_upgrade}, .check = up_check,
};
SCENARIO(up_both);
static const struct scenario up_three = {
    .name = "weak-upgrade-three", .summary = "the two strong ones are dropped by two threads, a third upgrades", .source = "FIELD.md 3.20",
    .setup = up_setup_shared, .thread = {up_drop, up_drop, up_upgrade}, .check = up_check,
};
SCENARIO(up_three);
static const struct scenario up_two = {
    .name = "weak-upgrade-two", .summary = "two threads upgrade while the owner drops the last strong one", .source = "FIELD.md 3.20",
    .setup = up_setup, .thread = {up_drop, up_upgrade, up_upgrade}, .check = up_check,
};
SCENARIO(up_two);

/* --- the owner gives the object up --- */

static const struct scenario up_merge = {
    .name = "weak-merge", .summary = "the owner drops its own while another thread upgrades, then drops the one that it counted itself",
    .source = "FIELD.md 3.7, 3.20", .setup = up_setup_shared, .thread = {up_drop, up_upgrade_and_drop}, .check = up_check,
};
SCENARIO(up_merge);
static const struct scenario up_merge_after = {
    .name = "weak-merge-after", .summary = "the same, and upgrades when it has dropped its own", .source = "FIELD.md 3.7, 3.20",
    .setup = up_setup_shared, .thread = {up_drop, up_drop_and_upgrade}, .check = up_check,
};
SCENARIO(up_merge_after);
static const struct scenario up_queued = {
    .name = "weak-queued", .summary = "a foreign drop of what the owner counted, then an upgrade, while the owner drops and drains",
    .source = "FIELD.md 3.12, 3.20", .setup = up_setup_local, .thread = {up_drop_and_drain, up_drop_and_upgrade}, .check = up_check,
};
SCENARIO(up_queued);
static void up_drop_and_end(void)
{
    up_drop();
    scenario_thread_end(0);
}
static const struct scenario up_exit = {
    .name = "weak-exit", .summary = "the same while the owner ends", .source = "FIELD.md 3.10, 3.20",
    .setup = up_setup_local, .thread = {up_drop_and_end, up_drop_and_upgrade}, .check = up_check,
};
SCENARIO(up_exit);

/* --- what is held is found, by any thread --- */

static void up_take_and_drop(void)
{
    obj_decref(obj_incref(up.o));
    rt_safepoint();
}
static void up_must_upgrade(void)
{
    struct obj *o;
    EXPLORE_CHECK(weak_get(up.weak, &o) == 1);
    obj_decref(o);
}
static void up_check_held(void)
{
    scenario_act_as(-1);
    obj_decref(up.o);
    rc_drain();
    up_check();
}
static const struct scenario up_held = {
    .name = "weak-held", .summary = "two threads upgrade what the owner holds and counts: they get it", .source = "FIELD.md 1",
    .setup = up_setup, .thread = {up_take_and_drop, up_must_upgrade, up_must_upgrade}, .check = up_check_held,
};
SCENARIO(up_held);
