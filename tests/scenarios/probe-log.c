/*
 * probe-log.c -- logged counts: a pad that runs full while an epoch is turned, and two epochs in a row. tests/mutants/table says which
 * step each scenario guards. For strategies with a log alone.
 */
#include "things.h"

static const char *probe_unless_logged(void) { return RC_DEFERS_FREE ? NULL : "it has no log"; }

static struct {
    struct os_mutex lock;
    struct obj *source, *keep;
} logged = {.lock = OS_MUTEX_INIT};

/* Asks for an epoch. */
static void logged_ask(void)
{
#ifdef RC_STRATEGY_BUFFERED_H
    commit_ask();
#endif
}

/* A's pad of increfs is full: one more asks for an epoch, and the next pad runs full while it is turned and applied. */
static void logged_setup_full(void)
{
    scenario_act_as(0);
    logged.keep = thing_new(0);
    for (int i = 0; i < THINGS_LOG; i++)
        obj_incref(logged.keep);
}
static void logged_one_pad_more(void)
{
    obj_incref(logged.keep);
    rt_safepoint();
    for (int i = 0; i <= THINGS_LOG; i++)
        obj_incref(logged.keep);
}
static void logged_check_full(void)
{
    for (int i = 0; i <= 2 * THINGS_LOG + 2; i++)
        obj_decref(logged.keep);
}
static const struct scenario log_full_pad = {
    .name = "log-full", .summary = "pads run full while an epoch is turned", .source = "FIELD.md 3.27",
    .setup = logged_setup_full, .thread = {logged_one_pad_more}, .check = logged_check_full, .unfit = probe_unless_logged,
};
SCENARIO(log_full_pad);

/* Without memory entries go into the head, which the committer empties. */
static void logged_setup_keep(void)
{
    scenario_act_as(0);
    logged.keep = thing_new(0);
}
static void logged_without_memory(void)
{
    os_refuse_memory(true);
    obj_incref(logged.keep);
    rt_safepoint();
    obj_decref(logged.keep);
    os_refuse_memory(false);
}
static void logged_check_keep(void) { obj_decref(logged.keep); }
static const struct scenario log_direct_one = {
    .name = "log-direct", .summary = "a thread without memory counts in the head while an epoch is turned", .source = "FIELD.md 3.13",
    .setup = logged_setup_keep, .thread = {logged_without_memory}, .check = logged_check_keep, .unfit = probe_unless_logged,
};
SCENARIO(log_direct_one);

/* The source: a new reference, or NULL if it is gone; a look at what was copied, which is dropped; and out with it. */
static struct obj *logged_copy(void)
{
    os_lock(&logged.lock);
    struct obj *o = logged.source;
    if (o)
        obj_incref(o);
    os_unlock(&logged.lock);
    return o;
}
static void logged_read(struct obj *o)
{
    if (!o)
        return;
    EXPLORE_CHECK(thing_value(o) == 1);
    obj_decref(o);
}
static void logged_drop(void)
{
    os_lock(&logged.lock);
    struct obj *o = logged.source;
    logged.source = NULL;
    os_unlock(&logged.lock);
    obj_decref(o);
}

/* B drops what A has just copied, and asks for one epoch more. */
static void logged_setup_source(void)
{
    scenario_act_as(1);
    logged.source = thing_new(1);
    scenario_act_as(-1);
    logged_ask();
}
static void logged_copy_and_read(void)
{
    struct obj *o = logged_copy();
    rt_safepoint();
    logged_read(o);
}
static void logged_drop_and_ask(void)
{
    logged_drop();
    rt_safepoint();
    logged_ask();
}
static const struct scenario log_two_turns = {
    .name = "log-two-turns", .summary = "one thread copies a reference, another drops the source; two epochs are turned", .source = "FIELD.md 3.27",
    .setup = logged_setup_source, .thread = {logged_copy_and_read, logged_drop_and_ask}, .unfit = probe_unless_logged, .large = true,
};
SCENARIO(log_two_turns);

/* The drop goes into the head, for want of memory: not to be applied earlier than from a pad. */
static void logged_join_and_copy(void)
{
    rt_safepoint();
    logged_read(logged_copy());
}
static void logged_drop_without_memory(void)
{
    os_refuse_memory(true);
    logged_drop();
    rt_safepoint();
    os_refuse_memory(false);
}
static const struct scenario log_direct_early = {
    .name = "log-direct-early", .summary = "a thread in the new epoch copies what one without memory, in the old epoch, then drops",
    .source = "FIELD.md 3.13", .setup = logged_setup_source, .thread = {logged_join_and_copy, logged_drop_without_memory},
    .unfit = probe_unless_logged,
};
SCENARIO(log_direct_early);

/* A is away while epochs are turned, comes back, and drops the source of what B has copied in the newest. */
static void logged_away_setup(void)
{
    scenario_act_as(0);
    logged.source = thing_new(1);
    thread_detach();
    scenario_act_as(-1);
    logged_ask();
}
static void logged_return_and_drop(void)
{
    thread_attach();
    logged_drop();
}
static const struct scenario log_away = {
    .name = "log-away", .summary = "a thread that was away while an epoch was turned drops the source of what another copies",
    .source = "FIELD.md 3.27", .setup = logged_away_setup, .thread = {logged_return_and_drop, logged_join_and_copy},
    .unfit = probe_unless_logged,
};
SCENARIO(log_away);
