/*
 * updates.c -- `cell[0] += 1` by two threads: a load, an addition, a store, each of them right by itself. (Lab lost-update.)
 *
 * Where from: PEP 703, "Container thread-safety": containers stay whole, compound statements are not atomic; ft_utils' counter race.
 * Under a GIL that is handed over at safepoints alone the three calls are one step; with a safepoint between load and store, as where an
 * interpreter may switch at every instruction, they are not.
 */
static struct {
    struct obj *cell;
} update;

static void update_setup(void)
{
    struct obj *zero = int_new(0);
    update.cell = list_from(&zero, 1);
    obj_decref(zero);
}

INLINE void update_step(bool may_switch)
{
    struct obj *one = int_new(1), *old = list_get(update.cell, 0), *sum = int_add(old, one);
    if (may_switch)
        rt_safepoint();
    list_set(update.cell, 0, sum);
    obj_decref(sum);
    obj_decref(old);
    obj_decref(one);
}
static void update_thread(void) { update_step(false); }
static void update_thread_switch(void) { update_step(true); }

static void update_check(void)
{
    struct obj *sum = list_get(update.cell, 0);
    int64_t value = 0;
    int_value(sum, &value);
    obj_decref(sum);
    obj_decref(update.cell);
    EXPLORE_CHECK(value == 2);
}

static const char *update_unfit(void)
{
    return RC_NEEDS_GIL ? NULL : "another thread may come between load and store: an update is lost (--unfit shows it)";
}
static const struct scenario update_calls = {
    .name = "update", .summary = "cell[0] += 1 by two threads, in three calls", .source = "PEP 703; ft_utils",
    .setup = update_setup, .thread = {update_thread, update_thread}, .check = update_check, .unfit = update_unfit,
};
SCENARIO(update_calls);
static const struct scenario update_switch = {
    .name = "update-switch", .summary = "the same with a safepoint between load and store: an update is lost under every strategy",
    .source = "PEP 703; ft_utils", .setup = update_setup, .thread = {update_thread_switch, update_thread_switch}, .check = update_check,
    .fails = "assertion",
};
SCENARIO(update_switch);
