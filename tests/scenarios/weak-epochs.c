/*
 * weak-epochs.c -- a weak reference is upgraded while a helper thread applies the counts that drop the last strong one.
 *
 * Where from: FIELD.md 1 (buffered: a weak upgrade needs a LIVE to DYING compare-and-swap), 3.20. The last DEC is in the log, and of an
 * epoch that the helper's first turn applies; B acknowledges that turn and upgrades. Goes wrong when the helper finds zero and an upgrade
 * comes between that and the object's end, or when it does not find zero again after the upgraded reference went (leak).
 * On strategies without a log the object is dead before the threads begin, or dies as in weak-upgrade.c.
 */
#include "things.h"

static struct {
    struct obj *o, *weak, *keep;
} we;

/* A drops its reference in an epoch that is over. */
static void we_drop_long_ago(void)
{
#ifdef RC_STRATEGY_BUFFERED_H
    struct rc_thread *t = log_self();
    t->epoch--;
    obj_decref(we.o);
    pad_seal(t, &t->dec);
    t->epoch++;
#else
    obj_decref(we.o);
#endif
}
static void we_setup_more(int more)
{
    scenario_act_as(0);
    we.keep = thing_new(0);
    we.o = thing_new(1);
    while (more-- > 0)
        obj_incref(we.o);
    we.weak = weak_new(we.o);
    we_drop_long_ago();
    things_fill_log(we.keep, 1);
}
static void we_setup(void) { we_setup_more(0); }
static void we_setup_held(void) { we_setup_more(1); }
static void we_check(void)
{
    struct obj *o;
    EXPLORE_CHECK(weak_get(we.weak, &o) == 0);
    obj_decref(we.weak);
    obj_decref(we.keep);
}

static void we_join(void) { rt_safepoint(); }
static void we_upgrade(void)
{
    struct obj *o;
    if (weak_get(we.weak, &o) != 1)
        return;
    EXPLORE_CHECK(thing_value(o) == 1);
    obj_decref(o);
}
static void we_rest_and_upgrade(void)
{
    thread_detach();
    thread_attach();
    we_upgrade();
}
static void we_upgrade_and_join(void)
{
    we_upgrade();
    rt_safepoint();
}
static void we_upgrade_copy_rest(void)
{
    struct obj *o;
    if (weak_get(we.weak, &o) != 1)
        return;
    obj_incref(o);
    obj_decref(o);
    rt_safepoint();
    EXPLORE_CHECK(thing_value(o) == 1);
    obj_decref(o);
}
static void we_drop(void)
{
    obj_decref(we.o);
    rt_safepoint();
}

static const struct scenario we_zero = {
    .name = "weak-epoch", .summary = "a weak reference is upgraded while the log's last DEC of its target is applied",
    .source = "FIELD.md 3.20, 3.27", .setup = we_setup, .thread = {we_join, we_rest_and_upgrade}, .check = we_check, .large = true,
};
SCENARIO(we_zero);
static const struct scenario we_copy = {
    .name = "weak-epoch-copy", .summary = "it is upgraded, and copied and dropped in the log, before and after the epoch is turned",
    .source = "FIELD.md 3.20, 3.27", .setup = we_setup, .thread = {we_join, we_upgrade_copy_rest}, .check = we_check, .large = RC_DEFERS_FREE,
};
SCENARIO(we_copy);
static const struct scenario we_drops = {
    .name = "weak-epoch-drop", .summary = "it is upgraded by one while the other drops the last strong one and the epoch is turned",
    .source = "FIELD.md 3.20, 3.27", .setup = we_setup_held, .thread = {we_drop, we_rest_and_upgrade}, .check = we_check,
};
SCENARIO(we_drops);
static const struct scenario we_two = {
    .name = "weak-epoch-two", .summary = "two upgrade it, one before and one while the log's last DEC is applied", .source = "FIELD.md 3.20, 3.27",
    .setup = we_setup, .thread = {we_upgrade_and_join, we_rest_and_upgrade}, .check = we_check, .large = true,
};
SCENARIO(we_two);
