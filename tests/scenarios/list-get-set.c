/*
 * list-get-set.c -- one thread reads an item of a list while another replaces it: three ways of reading.
 *
 * Where from: FIELD.md 3.1 (read, unlock, somebody replaces it, incref: use after free), section 1 "lock-free reads" (try-incref, look
 * again), 3.19 (a late reader of a head whose block is on a freelist or has been used again).
 *     locked      list_get: a new reference, taken under the lock
 *     borrowed    list_get_borrowed: good until the reader's next safepoint (more of that in borrowed.c)
 *     try         a slot read without a lock: rc_try_incref, is it still there?, else the locked way. Needs memory of objects that
 *                 stays memory of objects: a freelist
 * Checked: the reader sees one of the values that were set, and touches nothing that is freed.
 */
#include "things.h"

static struct {
    struct obj *list, *new;
    _Atomic(struct obj *) slot, handed;
    struct os_mutex lock;
} getset = {.lock = OS_MUTEX_INIT};

/* The list is B's and so is its item: for A both are a stranger's. */
static void getset_setup(void)
{
    scenario_act_as(1);
    struct obj *item = thing_new(1);
    getset.list = list_from(&item, 1);
    obj_decref(item);
    getset.new = thing_new(2);
}
static void getset_setup_unbiased(void)
{
    getset_setup();
    scenario_act_as(-1);
    list_length(getset.list); /* the lock's bias is gone */
}
static void getset_check(void)
{
    struct obj *item = list_get(getset.list, 0);
    EXPLORE_CHECK(item == getset.new);
    obj_decref(item);
    obj_decref(getset.new);
    obj_decref(getset.list);
}
static void getset_set(void)
{
    list_set(getset.list, 0, getset.new);
    rt_safepoint();
}

static void getset_get(void)
{
    struct obj *item = list_get(getset.list, 0);
    EXPLORE_CHECK(thing_value(item) == 1 || thing_value(item) == 2);
    obj_decref(item);
}
static const struct scenario list_get_locked = {
    .name = "list-get-locked", .summary = "list_get, a new reference, against list_set by the list's maker", .source = "FIELD.md 3.1",
    .setup = getset_setup, .thread = {getset_get, getset_set}, .check = getset_check,
};
SCENARIO(list_get_locked);
static const struct scenario list_get_shared = {
    .name = "list-get-shared", .summary = "the same where the list's lock has no bias any more", .source = "FIELD.md 3.1",
    .setup = getset_setup_unbiased, .thread = {getset_get, getset_set}, .check = getset_check,
};
SCENARIO(list_get_shared);

static void getset_borrow(void)
{
    struct obj *item = list_get_borrowed(getset.list, 0);
    obj_incref(item);
    rt_safepoint();
    EXPLORE_CHECK(thing_value(item) == 1 || thing_value(item) == 2);
    obj_decref(item);
}
static const struct scenario list_get_borrowed_then = {
    .name = "list-get-borrowed", .summary = "list_get_borrowed, then a reference of one's own, against list_set", .source = "FIELD.md 3.1",
    .setup = getset_setup_unbiased, .thread = {getset_borrow, getset_set}, .check = getset_check,
};
SCENARIO(list_get_borrowed_then);

/* --- try-incref --- */

static void getset_setup_slot(void)
{
    scenario_act_as(1);
    atomic_init(&getset.slot, obj_incref(thing_new(1))); /* B holds it, and so does the slot */
    scenario_act_as(-1);
    obj_incref(atomic_load_explicit(&getset.slot, memory_order_relaxed)); /* relaxed: alone. Somebody else holds it as well */
    scenario_act_as(1);
    obj_decref(atomic_load_explicit(&getset.slot, memory_order_relaxed)); /* relaxed: as above */
}
/* A new reference to what is in the slot. */
static struct obj *getset_try(void)
{
    struct obj *item = atomic_load_explicit(&getset.slot, memory_order_acquire); /* acquire: the object as it was put there */
    if (rc_try_incref(&item->rc)) {
        /* acquire: not before the try, which acquires too */
        if (item == atomic_load_explicit(&getset.slot, memory_order_acquire))
            return item;
        obj_decref(item);
    }
    os_lock(&getset.lock);
    item = obj_incref(atomic_load_explicit(&getset.slot, memory_order_relaxed)); /* relaxed: under the lock */
    os_unlock(&getset.lock);
    return item;
}
static void getset_read_slot(void)
{
    struct obj *item = getset_try();
    EXPLORE_CHECK(thing_value(item) == 1 || thing_value(item) == 2);
    obj_decref(item);
}
/* Replaces the item and drops the old one, held twice: by the slot and by somebody whose count was a stranger's. */
static void getset_replace(void)
{
    struct obj *new = thing_new(2);
    os_lock(&getset.lock);
    /* acq_rel: the new object before its address, and the old one after its own */
    struct obj *old = atomic_exchange_explicit(&getset.slot, new, memory_order_acq_rel);
    os_unlock(&getset.lock);
    obj_decref(old);
    obj_decref(old);
}
/* The next object may lie where the old one lay: a late try may find it there. */
static void getset_replace_reuse(void)
{
    getset_replace();
    obj_decref(thing_new(3));
}
static void getset_replace_immortal(void)
{
    getset_replace();
    getset.new = thing_new(3);
    rc_immortalize(&getset.new->rc);
}
/* The same, and a third thread counts it. */
static void getset_replace_hand(void)
{
    getset_replace();
    atomic_store_explicit(&getset.handed, thing_new(3), memory_order_release); /* release: hands it over */
}
static void getset_count(void)
{
    struct obj *item = atomic_load_explicit(&getset.handed, memory_order_acquire); /* acquire: as it was handed over */
    if (item)
        obj_incref(item);
}
static void getset_check_slot(void)
{
    struct obj *item = atomic_load_explicit(&getset.slot, memory_order_relaxed); /* relaxed: alone */
    EXPLORE_CHECK(thing_value(item) == 2);
    obj_decref(item);
}
static void getset_check_immortal(void)
{
    getset_check_slot();
    EXPLORE_CHECK(rc_is_immortal(&getset.new->rc));
    obj_dealloc(getset.new); /* by hand, for the leak check */
}
static void getset_check_handed(void)
{
    getset_check_slot();
    struct obj *item = atomic_load_explicit(&getset.handed, memory_order_relaxed); /* relaxed: alone */
    for (int64_t n = rc_count_stw(&item->rc); n > 0; n--)
        obj_decref(item);
}
static const struct scenario get_try = {
    .name = "slot-get-try", .summary = "try-incref of what a slot holds, look again, against its replacement; one freelist",
    .source = "FIELD.md 3.19", .setup = getset_setup_slot, .thread = {getset_read_slot, getset_replace_reuse}, .check = getset_check_slot,
    .heap = HEAP_LOCKED,
};
SCENARIO(get_try);
static const struct scenario get_try_thread = {
    .name = "slot-get-try-thread", .summary = "the same with a freelist for each thread", .source = "FIELD.md 3.19",
    .setup = getset_setup_slot, .thread = {getset_read_slot, getset_replace_reuse}, .check = getset_check_slot, .heap = HEAP_THREAD,
};
SCENARIO(get_try_thread);
static const struct scenario get_try_immortal = {
    .name = "slot-get-try-immortal", .summary = "the same when the block holds an immortal object next", .source = "FIELD.md 3.19",
    .setup = getset_setup_slot, .thread = {getset_read_slot, getset_replace_immortal}, .check = getset_check_immortal, .heap = HEAP_LOCKED,
};
SCENARIO(get_try_immortal);
static const struct scenario get_try_counted = {
    .name = "slot-get-try-counted", .summary = "the same when a third thread counts the block's next object", .source = "FIELD.md 3.19",
    .setup = getset_setup_slot, .thread = {getset_read_slot, getset_replace_hand, getset_count}, .check = getset_check_handed,
    .heap = HEAP_LOCKED,
};
SCENARIO(get_try_counted);
