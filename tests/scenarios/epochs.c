/*
 * epochs.c -- counts that are logged and applied by a helper thread, while the helper is turning an epoch.
 *
 * Where from: FIELD.md 3.27 (a DEC applied before a foreign INC; rotation of the log in the middle of a borrow; the pads of an exiting
 * thread; a log without bound; the committer's own frees), 3.13 (no memory for the log).
 * In setup a full log asks for an epoch, so the helper opens one as soon as the bodies run, and waits for them to acknowledge it at their
 * safepoints. Checked: an object lives as long as somebody holds it, and nothing is left at the end. On strategies
 * without a log these are plain copies and drops.
 */
#include "things.h"

static struct {
    struct os_mutex lock;
    struct obj *source, *keep, *own, *kept;
} epoch = {.lock = OS_MUTEX_INIT};

/* B's thread holds the object, through `source`, which both may read under the lock. */
static void epoch_setup_quiet(void)
{
    scenario_act_as(1);
    epoch.source = thing_new(1);
    epoch.keep = thing_new(0);
}
static void epoch_setup(void)
{
    epoch_setup_quiet();
    scenario_act_as(0);
    things_fill_log(epoch.keep, 1);
}
static void epoch_check(void)
{
    obj_xdecref(epoch.source);
    obj_decref(epoch.keep);
}

/* A new reference or NULL. */
static struct obj *epoch_copy(void)
{
    os_lock(&epoch.lock);
    struct obj *o = epoch.source;
    if (o)
        obj_incref(o);
    os_unlock(&epoch.lock);
    return o;
}
static void epoch_read_and_drop(struct obj *o)
{
    if (!o)
        return;
    EXPLORE_CHECK(thing_value(o) == 1);
    obj_decref(o);
}
static void epoch_drop_source(void)
{
    os_lock(&epoch.lock);
    struct obj *o = epoch.source;
    epoch.source = NULL;
    os_unlock(&epoch.lock);
    obj_decref(o);
}

/* --- a DEC and a foreign INC --- */

static void epoch_join_and_copy(void)
{
    rt_safepoint();
    epoch_read_and_drop(epoch_copy());
}
static void epoch_copy_join_read(void)
{
    struct obj *o = epoch_copy();
    rt_safepoint();
    epoch_read_and_drop(o);
}
static void epoch_drop_and_join(void)
{
    epoch_drop_source();
    rt_safepoint();
}
static const struct scenario dec_before_inc = {
    .name = "dec-before-inc", .summary = "a thread in the new epoch copies a reference that one in the old epoch then drops",
    .source = "FIELD.md 3.27", .setup = epoch_setup, .thread = {epoch_join_and_copy, epoch_drop_and_join}, .check = epoch_check,
};
SCENARIO(dec_before_inc);
static const struct scenario safepoint_rotation = {
    .name = "safepoint-rotation", .summary = "an epoch is acknowledged between a thread's incref and decref while another drops",
    .source = "FIELD.md 3.27", .setup = epoch_setup, .thread = {epoch_copy_join_read, epoch_drop_and_join}, .check = epoch_check,
};
SCENARIO(safepoint_rotation);

/* --- a borrowed reference lasts until the next safepoint --- */

static void epoch_borrow(void)
{
    os_lock(&epoch.lock);
    struct obj *o = epoch.source;
    os_unlock(&epoch.lock);
    EXPLORE_CHECK(!o || thing_value(o) == 1);
    rt_safepoint();
}
static const char *epoch_borrow_unfit(void)
{
    return RC_KEEPS_BORROWED ? NULL : "a raw borrowed reference ends as soon as another thread drops the last one";
}
static const struct scenario borrow_rotation = {
    .name = "borrow-rotation", .summary = "a borrowed reference is used while the only one is dropped and epochs turn",
    .source = "FIELD.md 3.27", .setup = epoch_setup, .thread = {epoch_borrow, epoch_drop_and_join}, .check = epoch_check,
    .unfit = epoch_borrow_unfit,
};
SCENARIO(borrow_rotation);

/* --- pads that are full, left behind, or cannot be had --- */

/* A's next incref finds its log full. */
static void epoch_setup_full(void)
{
    epoch_setup_quiet();
    scenario_act_as(0);
    for (int i = 0; i < THINGS_LOG; i++)
        obj_incref(epoch.keep);
}
static void epoch_rotate(void)
{
    obj_incref(epoch.keep);
    rt_safepoint();
    obj_decref(epoch.keep);
}
static void epoch_drop_keep(void) { obj_decref(epoch.keep); }
static void epoch_check_full(void)
{
    for (int i = 1; i < THINGS_LOG; i++)
        obj_decref(epoch.keep);
    epoch_check();
}
static const struct scenario log_rotation = {
    .name = "log-rotation", .summary = "a thread's log runs full and asks for an epoch while another drops and acknowledges",
    .source = "FIELD.md 3.27", .setup = epoch_setup_full, .thread = {epoch_rotate, epoch_drop_keep}, .check = epoch_check_full,
};
SCENARIO(log_rotation);

/* A holds an object of its own. */
static void epoch_setup_own_quiet(void)
{
    epoch_setup_quiet();
    scenario_act_as(0);
    epoch.own = thing_new(0);
}
static void epoch_setup_own(void)
{
    epoch_setup_own_quiet();
    things_fill_log(epoch.keep, 1);
}
static void epoch_check_kept(void)
{
    epoch_read_and_drop(epoch.kept);
    epoch_check();
}
static void epoch_copy_and_end(void)
{
    epoch.kept = epoch_copy();
    obj_decref(epoch.own);
    scenario_thread_end(0);
}
static const struct scenario exit_unsealed = {
    .name = "exit-unsealed", .summary = "a thread ends with entries in its log that no epoch has collected", .source = "FIELD.md 3.27",
    .setup = epoch_setup_own, .thread = {epoch_copy_and_end, epoch_drop_and_join}, .check = epoch_check_kept,
};
SCENARIO(exit_unsealed);

static void epoch_copy_detach_read(void)
{
    struct obj *o = epoch_copy();
    thread_detach();
    thread_attach();
    epoch_read_and_drop(o);
}
static const struct scenario detach_unsealed = {
    .name = "detach-unsealed", .summary = "a thread blocks with entries in its log while an epoch is turned", .source = "FIELD.md 3.27",
    .setup = epoch_setup, .thread = {epoch_copy_detach_read, epoch_drop_source}, .check = epoch_check,
};
SCENARIO(detach_unsealed);

static void epoch_copy_without_memory(void)
{
    os_refuse_memory(true);
    epoch.kept = epoch_copy();
    obj_decref(epoch.own);
    os_refuse_memory(false);
}
static const struct scenario no_memory = {
    .name = "no-memory", .summary = "a thread that gets no memory copies and drops while another drops", .source = "FIELD.md 3.13",
    .setup = epoch_setup_own_quiet, .thread = {epoch_copy_without_memory, epoch_drop_source}, .check = epoch_check_kept,
};
SCENARIO(no_memory);

/* --- a log over its bound: the mutator waits for the committer, and holds up nothing --- */

static void epoch_setup_long(void)
{
    scenario_act_as(0);
    epoch.keep = thing_new(0);
    things_fill_log(epoch.keep, 3);
}
static void epoch_wait(void) { rt_safepoint(); }
static const struct scenario log_bound = {
    .name = "log-bound", .summary = "a thread whose log is over its bound waits at its safepoint until it is applied", .source = "FIELD.md 3.27",
    .setup = epoch_setup_long, .thread = {epoch_wait}, .check = epoch_check,
};
SCENARIO(log_bound);

/* --- the helper's own destructors --- */

static void epoch_touch(struct thing *t) { obj_decref(obj_incref(t->field)); }
/* A's log is over its bound with decrefs alone, so it waits for two epochs: in the second one the finaliser runs. */
static void epoch_setup_dying(void)
{
    enum { DROPS = 6 * THINGS_LOG };
    epoch_setup_quiet();
    scenario_act_as(-1);
    for (int i = 0; i < DROPS; i++)
        obj_incref(epoch.keep);
    scenario_act_as(0);
    obj_incref(epoch.source);
    obj_decref(mortal_new(epoch_touch, epoch.source)); /* B still holds the field through `source` */
    for (int i = 0; i < DROPS; i++)
        obj_decref(epoch.keep);
}
static const struct scenario commit_destroys = {
    .name = "commit-destroys", .summary = "a finaliser runs where counts are applied and logs, while another thread drops the same object",
    .source = "FIELD.md 3.27", .setup = epoch_setup_dying, .thread = {epoch_wait, epoch_drop_source}, .check = epoch_check,
    .large = RC_DEFERS_FREE,
};
SCENARIO(commit_destroys);
