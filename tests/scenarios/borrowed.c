/*
 * borrowed.c -- a borrowed item of a list is used while another thread replaces it, under both policies (objects/borrowed.h).
 *
 * Where from: FIELD.md 3.1 (read, unlock, somebody replaces it: use after free), 3.27 (rotation in the middle of a borrow).
 *     raw         right where the strategy keeps what others displace until the reader's safepoint (RC_KEEPS_BORROWED), a use after
 *                 free anywhere else: THAT IS WHAT IT SHOWS
 *     deferred    right everywhere; dropped at the safepoint, in a detach, at the thread's end
 * Checked: the reader sees a value that was set, and touches nothing that is freed; in the end nothing is alive that nobody holds.
 */
#include "../../objects/section.h"
#include "things.h"

static struct {
    struct obj *list, *other, *new;
    _Atomic bool replaced;
} lending;

/* The list is B's and so is the only reference to its item: for A both are a stranger's, and B's decref frees at once. */
static void lending_setup(void)
{
    scenario_act_as(1);
    struct obj *item = thing_new(1);
    lending.list = list_from(&item, 1);
    obj_decref(item);
    lending.new = thing_new(2);
    scenario_act_as(-1);
    list_length(lending.list); /* the lock's bias is gone */
}
static void lending_check(void)
{
    struct obj *item = list_get(lending.list, 0);
    EXPLORE_CHECK(item == lending.new);
    obj_decref(item);
    obj_decref(lending.new);
    obj_decref(lending.list);
}
static void lending_replace(void)
{
    list_set(lending.list, 0, lending.new);
    rt_safepoint();
}

/* A looks once more when it knows of the replacing: an access that follows the free, not one that races with it. */
static void lending_borrow_and_learn(void)
{
    struct obj *item = list_get_borrowed(lending.list, 0);
    if (atomic_load_explicit(&lending.replaced, memory_order_acquire)) /* acquire: after all that B did */
        EXPLORE_CHECK(thing_value(item) == 1 || thing_value(item) == 2);
    rt_safepoint();
}
static void lending_replace_and_tell(void)
{
    list_set(lending.list, 0, lending.new);
    atomic_store_explicit(&lending.replaced, true, memory_order_release); /* release: after it */
    rt_safepoint();
}
static const struct scenario borrowed_raw = {
    .name = "borrowed-raw", .summary = "borrowed=raw: an item is used while its last reference is dropped", .source = "FIELD.md 3.1",
    .setup = lending_setup, .thread = {lending_borrow_and_learn, lending_replace_and_tell}, .check = lending_check,
    .borrowed = BORROWED_RAW,
    .fails = RC_KEEPS_BORROWED ? NULL : "use after free",
};
SCENARIO(borrowed_raw);

static void lending_borrow(void)
{
    struct obj *item = list_get_borrowed(lending.list, 0);
    EXPLORE_CHECK(thing_value(item) == 1 || thing_value(item) == 2);
    rt_safepoint();
}
static const struct scenario borrowed_deferred = {
    .name = "borrowed-deferred", .summary = "borrowed=deferred: the same at any time; dropped at the safepoint", .source = "FIELD.md 3.1",
    .setup = lending_setup, .thread = {lending_borrow, lending_replace}, .check = lending_check, .borrowed = BORROWED_DEFERRED,
};
SCENARIO(borrowed_deferred);

/* Without a safepoint: what it borrowed is dropped when it ends. */
static void lending_borrow_and_end(void)
{
    struct obj *item = list_get_borrowed(lending.list, 0);
    EXPLORE_CHECK(thing_value(item) == 1 || thing_value(item) == 2);
    scenario_thread_end(0);
}
static const struct scenario borrowed_end = {
    .name = "borrowed-end", .summary = "a thread ends that holds the last reference to what it borrowed", .source = "FIELD.md 3.10",
    .setup = lending_setup, .thread = {lending_borrow_and_end, lending_replace}, .check = lending_check, .borrowed = BORROWED_DEFERRED,
};
SCENARIO(borrowed_end);

/* The item is the next operation's argument, which may have to wait for a lock. */
static void lending_setup_other(void)
{
    lending_setup();
    lending.other = list_new(4);
}
static void lending_pass_on(void)
{
    list_append(lending.other, list_get_borrowed(lending.list, 0));
    rt_safepoint();
}
static void lending_replace_and_append(void)
{
    list_append(lending.other, lending.new);
    list_set(lending.list, 0, lending.new);
    rt_safepoint();
}
static void lending_check_other(void)
{
    EXPLORE_CHECK(list_length(lending.other) == 2);
    for (int i = 0; i < 2; i++) {
        struct obj *item = list_get(lending.other, i);
        EXPLORE_CHECK(thing_value(item) == 1 || thing_value(item) == 2);
        obj_decref(item);
    }
    obj_decref(lending.other);
    lending_check();
}
static const struct scenario borrowed_argument = {
    .name = "borrowed-argument", .summary = "a deferred borrowed item is appended to a list whose lock may be taken", .source = "FIELD.md 3.1",
    .setup = lending_setup_other, .thread = {lending_pass_on, lending_replace_and_append}, .check = lending_check_other,
    .borrowed = BORROWED_DEFERRED, .lock = LOCK_BY_FUTEX,
};
SCENARIO(borrowed_argument);

/* The getter finds the lock taken by its own thread's section, which it brings back, and may have to wait for, before it returns. */
static const char *lending_unless_locks(void) { return LOCK_NONE ? "it has no object locks" : NULL; }
static void lending_setup_logged(void)
{
    lending_setup();
    scenario_act_as(1);
    things_fill_log(lending.new, 1);
    scenario_act_as(-1);
}
static void lending_borrow_in_section(void)
{
    struct section s;
    section_begin(&s, lending.list);
    struct obj *item = list_get_borrowed(lending.list, 0);
    EXPLORE_CHECK(thing_value(item) == 1 || thing_value(item) == 2);
    section_end(&s);
    rt_safepoint();
}
static const struct scenario borrowed_in_section = {
    .name = "borrowed-in-section", .summary = "an item is borrowed from the list whose section its thread is in", .source = "borrowed.h; FIELD.md 3.25",
    .setup = lending_setup_logged, .thread = {lending_borrow_in_section, lending_replace}, .check = lending_check,
    .unfit = lending_unless_locks, .lock = LOCK_BY_FUTEX, .borrowed = RC_KEEPS_BORROWED ? BORROWED_AUTO : BORROWED_DEFERRED, .large = RC_DEFERS_FREE,
};
SCENARIO(borrowed_in_section);
