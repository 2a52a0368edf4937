/*
 * reads.c -- lists and dicts are read without their lock while another thread changes them (objects/reads.h).
 *
 * Where from: FIELD.md 3.15 (slots that are not filled yet), 3.16 (a resize frees the array under its reader), 3.17 (a table whose entries
 * have moved), 3.18 (a shared iterator), 3.19 (a late reader of a head whose block is on a freelist, used again, or given back),
 * 3.22 (an array read just before it is retired).
 * A reads as a stranger, of a container that is published and of objects that a try can count; B changes it. Retired blocks are freed at
 * once when their grace period is over (RC_EXPLORED), so that a reader that is not waited for meets freed memory. Items are things, whose
 * payload is read plainly: one that is not A's own, or not published with all it holds, is a race.
 * Checked: each answer is one that some order of the operations gives; a second operation is not older than the first.
 */
#include "things.h"

static struct {
    struct obj *o, *key[4], *thing, *iter;
    _Atomic(struct obj *) slot;
} reads;

static const char *reads_unfit(void) { return RC_READS == RC_READS_NONE ? RC_READS_REFUSED : NULL; }

/* --- lists --- */

/* Things 1 … items, of B's. Nobody else holds them. Two reads by main, of which the second needs no lock. */
static void reads_make_list(int items)
{
    scenario_act_as(1);
    reads.o = list_new(0);
    for (int i = 1; i <= items; i++) {
        struct obj *item = thing_new(i);
        list_append(reads.o, item);
        obj_decref(item);
    }
    scenario_act_as(-1);
    for (int i = 0; i < items; i++)
        obj_decref(list_get(reads.o, i));
    scenario_act_as(1);
}
static void reads_setup_one(void) { reads_make_list(1); }
static void reads_setup_two(void) { reads_make_list(2); }
static void reads_setup_three(void) { reads_make_list(3); }
/* What the list holds at i, or -1. */
static int64_t reads_at(int64_t i)
{
    struct obj *item = list_get(reads.o, i);
    if (!item) {
        err_take();
        return -1;
    }
    int64_t value = thing_value(item);
    obj_decref(item);
    return value;
}
static void reads_put(int64_t value, int (*how)(struct obj *item))
{
    struct obj *item = thing_new(value);
    how(item);
    obj_decref(item);
}
static void reads_drop(void) { obj_decref(reads.o); }

static int reads_set_first(struct obj *item) { return list_set(reads.o, 0, item); }
static int reads_insert_first(struct obj *item) { return list_insert(reads.o, 0, item); }
static int reads_append_item(struct obj *item) { return list_append(reads.o, item); }

static void reads_get_first(void)
{
    int64_t value = reads_at(0);
    EXPLORE_CHECK(value == 1 || value == 2);
}
static void reads_replace(void) { reads_put(2, reads_set_first); }
static const struct scenario reads_scenario_list_replace = {
    .name = "reads-list-replace", .summary = "an item is read without the lock while its list drops the only reference to it",
    .source = "FIELD.md 3.19", .setup = reads_setup_one, .thread = {reads_get_first, reads_replace}, .check = reads_drop,
    .unfit = reads_unfit, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_list_replace);
/* Frees go to a freelist, and the next object lies where the old one lay. */
static void reads_replace_reuse(void)
{
    reads_replace();
    obj_decref(thing_new(3));
}
static const struct scenario reads_scenario_list_replace_reuse = {
    .name = "reads-list-replace-reuse", .summary = "the same when the item's memory is used again at once", .source = "FIELD.md 3.19",
    .setup = reads_setup_one, .thread = {reads_get_first, reads_replace_reuse}, .check = reads_drop, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC, .heap = HEAP_LOCKED,
};
SCENARIO(reads_scenario_list_replace_reuse);

/* The same while the helper of a strategy with a log turns an epoch (epochs.c). */
static void reads_setup_epoch(void)
{
    reads_make_list(1);
    scenario_act_as(0);
    reads.thing = thing_new(0);
    things_fill_log(reads.thing, 1);
}
static void reads_join_and_get(void)
{
    rt_safepoint();
    reads_get_first();
}
static void reads_replace_and_join(void)
{
    reads_replace();
    rt_safepoint();
}
static void reads_check_epoch(void)
{
    obj_decref(reads.thing);
    reads_drop();
}
static const struct scenario reads_scenario_epoch = {
    .name = "reads-list-epoch", .summary = "a thread in the new epoch reads without the lock what one in the old epoch replaces",
    .source = "FIELD.md 3.27", .setup = reads_setup_epoch, .thread = {reads_join_and_get, reads_replace_and_join},
    .check = reads_check_epoch, .unfit = reads_unfit, .reads = READS_OPTIMISTIC, .large = true,
};
SCENARIO(reads_scenario_epoch);
static const struct scenario reads_scenario_epoch_later = {
    .name = "reads-list-epoch-later", .summary = "the same by a thread that has not joined the new epoch",
    .source = "FIELD.md 3.27", .setup = reads_setup_epoch, .thread = {reads_get_first, reads_replace_and_join},
    .check = reads_check_epoch, .unfit = reads_unfit, .reads = READS_OPTIMISTIC, .large = true,
};
SCENARIO(reads_scenario_epoch_later);

/* What RC_READS_BORROW says, at one slot. */
static const char *reads_borrow_unfit(void) { return RC_READS == RC_READS_BORROW ? NULL : "it is RC_READS_TRY (slot-get-try)"; }
static void reads_setup_slot(void)
{
    scenario_act_as(1);
    atomic_init(&reads.slot, thing_new(1));
    reads.thing = thing_new(0);
    scenario_act_as(0);
    things_fill_log(reads.thing, 1);
}
static void reads_borrow(void)
{
    struct obj *o = atomic_load_explicit(&reads.slot, memory_order_acquire); /* acquire: the object as it was put there */
    EXPLORE_CHECK(thing_value(o) == 1 || thing_value(o) == 2);
    obj_incref(o);
    rt_safepoint();
    EXPLORE_CHECK(thing_value(o) == 1 || thing_value(o) == 2);
    obj_decref(o);
}
static void reads_join_and_borrow(void)
{
    rt_safepoint();
    reads_borrow();
}
static void reads_replace_slot(void)
{
    /* release: the new object; acquire: the old one */
    struct obj *old = atomic_exchange_explicit(&reads.slot, thing_new(2), memory_order_acq_rel);
    obj_decref(old);
    rt_safepoint();
}
static void reads_check_slot(void)
{
    obj_decref(atomic_load_explicit(&reads.slot, memory_order_relaxed)); /* relaxed: alone */
    obj_decref(reads.thing);
}
static const struct scenario reads_scenario_slot = {
    .name = "reads-slot-epoch", .summary = "a slot is read without a lock and its object counted, while one in the old epoch replaces it",
    .source = "FIELD.md 3.27", .setup = reads_setup_slot, .thread = {reads_borrow, reads_replace_slot}, .check = reads_check_slot,
    .unfit = reads_borrow_unfit,
};
SCENARIO(reads_scenario_slot);
static const struct scenario reads_scenario_slot_joined = {
    .name = "reads-slot-epoch-joined", .summary = "the same by a thread that has joined the new epoch", .source = "FIELD.md 3.27",
    .setup = reads_setup_slot, .thread = {reads_join_and_borrow, reads_replace_slot}, .check = reads_check_slot,
    .unfit = reads_borrow_unfit, .large = true,
};
SCENARIO(reads_scenario_slot_joined);

/* The room of one is used up: another array. */
static void reads_append(void) { reads_put(2, reads_append_item); }
static void reads_get_grown(void)
{
    int64_t second = reads_at(1), first = reads_at(0);
    EXPLORE_CHECK((second == -1 || second == 2) && first == 1);
    EXPLORE_CHECK(second == -1 || list_length(reads.o) == 2);
}
static const struct scenario reads_scenario_list_grow = {
    .name = "reads-list-grow", .summary = "gets without the lock while an append moves the list to a larger array",
    .source = "FIELD.md 3.15, 3.16, 3.22", .setup = reads_setup_one, .thread = {reads_get_grown, reads_append}, .check = reads_drop,
    .unfit = reads_unfit, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_list_grow);
static void reads_length_then_get(void)
{
    int64_t length = list_length(reads.o);
    if (length == 2)
        EXPLORE_CHECK(reads_at(1) == 2);
    else
        EXPLORE_CHECK(length == 1);
}
static const struct scenario reads_scenario_list_length_get = {
    .name = "reads-list-length", .summary = "what a length counts can be got", .source = "FIELD.md 3.15",
    .setup = reads_setup_one, .thread = {reads_length_then_get, reads_append}, .check = reads_drop, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_list_length_get);

/* Where an item was popped another is appended: who got that one sees a length that counts it. */
static void reads_setup_swap(void)
{
    reads_make_list(2);
    reads.thing = thing_new(3);
    reads_allow(reads.thing); /* or a stranger's try would fail */
}
static void reads_pop_append(void)
{
    obj_decref(list_pop(reads.o, 1));
    list_append(reads.o, reads.thing);
}
static void reads_get_then_length(void)
{
    if (reads_at(1) == 3)
        EXPLORE_CHECK(list_length(reads.o) == 2);
}
static void reads_check_swap(void)
{
    obj_decref(reads.thing);
    reads_drop();
}
static const struct scenario reads_scenario_list_swap = {
    .name = "reads-list-pop-append", .summary = "what was got is counted: a get, then the length, while the last item is popped and another appended",
    .source = "FIELD.md 3.15", .setup = reads_setup_swap, .thread = {reads_get_then_length, reads_pop_append}, .check = reads_check_swap,
    .unfit = reads_unfit, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_list_swap);

/* In place: the list stays in its array. */
static void reads_pop(void) { obj_decref(list_pop(reads.o, 0)); }
static void reads_get_popped(void)
{
    int64_t first = reads_at(0), third = reads_at(2);
    EXPLORE_CHECK(first == 1 || first == 2);
    EXPLORE_CHECK(third == -1 || (third == 3 && first == 1)); /* first == 2: the pop is over */
}
static const struct scenario reads_scenario_list_pop_first = {
    .name = "reads-list-pop", .summary = "gets without the lock while a pop moves all items down", .source = "FIELD.md 3.16",
    .setup = reads_setup_three, .thread = {reads_get_popped, reads_pop}, .check = reads_drop, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_list_pop_first);
static void reads_insert(void) { reads_put(9, reads_insert_first); }
static void reads_get_inserted(void)
{
    int64_t second = reads_at(1), first = reads_at(0);
    EXPLORE_CHECK(second == 2 || second == 1);
    EXPLORE_CHECK(first == 9 || (first == 1 && second == 2)); /* second == 1: the insertion is over */
}
static const struct scenario reads_scenario_list_insert_first = {
    .name = "reads-list-insert", .summary = "gets without the lock while an insertion moves all items up", .source = "FIELD.md 3.16",
    .setup = reads_setup_two, .thread = {reads_get_inserted, reads_insert}, .check = reads_drop, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_list_insert_first);
static void reads_clear(void) { list_clear(reads.o); }
/* The array waits for its readers, the item for nobody. */
static void reads_setup_wait(void)
{
    reads_make_list(1);
    retire_full = RETIRE_BLOCKS;
}
static void reads_clear_reuse(void)
{
    reads_clear();
    obj_decref(thing_new(3));
}
static void reads_get_cleared(void)
{
    int64_t first = reads_at(0);
    EXPLORE_CHECK(first == 1 || first == -1);
    EXPLORE_CHECK(first == 1 || list_length(reads.o) == 0);
}
static const struct scenario reads_scenario_list_cleared = {
    .name = "reads-list-clear", .summary = "a get without the lock while the list is cleared", .source = "FIELD.md 3.16, 3.22",
    .setup = reads_setup_one, .thread = {reads_get_cleared, reads_clear}, .check = reads_drop, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_list_cleared);

static const struct scenario reads_scenario_clear_reuse = {
    .name = "reads-list-clear-reuse", .summary = "the same when the item's memory is used again at once", .source = "FIELD.md 3.19",
    .setup = reads_setup_wait, .thread = {reads_get_cleared, reads_clear_reuse}, .check = reads_drop, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC, .heap = HEAP_LOCKED,
};
SCENARIO(reads_scenario_clear_reuse);

/* The list is as long as before, in another array; in the old one the slot still names the memory, which is another thing by now. */
static void reads_setup_exchange(void)
{
    struct obj *item = bool_get(true);
    reads_setup_wait();
    reads.thing = tuple_new(&item, 1);
}
static void reads_exchange_reuse(void)
{
    list_set_slice(reads.o, 0, 1, reads.thing);
    obj_decref(thing_new(3));
}
static void reads_get_exchanged(void)
{
    struct obj *item = list_get(reads.o, 0);
    EXPLORE_CHECK(item && (item == bool_get(true) || thing_value(item) == 1));
    obj_xdecref(item);
}
static void reads_check_exchange(void)
{
    obj_decref(reads.thing);
    reads_drop();
}
static const struct scenario reads_scenario_exchange = {
    .name = "reads-list-exchange-reuse", .summary = "a get without the lock while a slice takes the item's place, whose memory is used again at once",
    .source = "FIELD.md 3.16, 3.19", .setup = reads_setup_exchange, .thread = {reads_get_exchanged, reads_exchange_reuse},
    .check = reads_check_exchange, .unfit = reads_unfit, .reads = READS_OPTIMISTIC, .heap = HEAP_LOCKED,
};
SCENARIO(reads_scenario_exchange);

/* Room for two, of which one is used when the list moves: the other slot is read by who knows the new length alone. */
static void reads_setup_half(void)
{
    scenario_act_as(1);
    reads.o = list_new(2);
    list_append(reads.o, bool_get(true));
    reads.thing = tuple_pair(bool_get(false), bool_get(false));
    scenario_act_as(-1);
    obj_decref(list_get(reads.o, 0));
    scenario_act_as(1);
}
static void reads_extend(void) { list_extend(reads.o, reads.thing); }
static void reads_get_half(void)
{
    for (int i = 2; i >= 1; i--) {
        struct obj *item = list_get(reads.o, i);
        EXPLORE_CHECK(item ? item == bool_get(false) : err_take() == ERR_INDEX);
    }
}
static void reads_check_half(void)
{
    obj_decref(reads.thing);
    reads_drop();
}
static const struct scenario reads_scenario_extend = {
    .name = "reads-list-extend", .summary = "a get without the lock while a list that is not full moves to a larger array",
    .source = "FIELD.md 3.15", .setup = reads_setup_half, .thread = {reads_get_half, reads_extend}, .check = reads_check_half,
    .unfit = reads_unfit, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_extend);

/* With retired memory kept for a while, the reader may have the old array and the new length. */
static void reads_setup_half_late(void)
{
    reads_setup_half();
    retire_full = RETIRE_BLOCKS;
}
static const struct scenario reads_scenario_extend_late = {
    .name = "reads-list-extend-late", .summary = "the same, with the old array kept until both threads have ended",
    .source = "FIELD.md 3.15, 3.16", .setup = reads_setup_half_late, .thread = {reads_get_half, reads_extend}, .check = reads_check_half,
    .unfit = reads_unfit, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_extend_late);

/* Nobody has read the list yet: the first stranger publishes it, and the next array must wait for the second. */
static void reads_setup_private(void)
{
    scenario_act_as(1);
    reads.o = list_new(1);
    reads.thing = thing_new(1);
    list_append(reads.o, reads.thing);
}
static void reads_get_twice(void)
{
    EXPLORE_CHECK(reads_at(0) == 1);
    EXPLORE_CHECK(reads_at(0) == 1);
}
static void reads_check_private(void)
{
    obj_decref(reads.thing);
    reads_drop();
}
static const struct scenario reads_scenario_list_publish_first = {
    .name = "reads-list-publish", .summary = "a stranger's first reads publish a list that its owner moves to a larger array",
    .source = "FIELD.md 3.16", .setup = reads_setup_private, .thread = {reads_get_twice, reads_append}, .check = reads_check_private,
    .unfit = reads_unfit, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_list_publish_first);

/* The list moves an item from one place to another in two steps: at every moment it is in there. */
static void reads_move(void)
{
    struct obj *item = list_get(reads.o, 0);
    list_append(reads.o, item);
    list_set(reads.o, 0, none_get());
    obj_decref(item);
}
static void reads_setup_contains(void)
{
    scenario_act_as(1);
    reads.o = list_new(2);
    reads.key[0] = int_new(1000);
    list_append(reads.o, reads.key[0]);
    scenario_act_as(-1);
    obj_decref(list_get(reads.o, 0));
    scenario_act_as(1);
}
static void reads_contains(void) { EXPLORE_CHECK(list_contains(reads.o, reads.key[0]) == 1); }
static void reads_check_contains(void)
{
    obj_decref(reads.key[0]);
    reads_drop();
}
static const struct scenario reads_scenario_list_contains_moved = {
    .name = "reads-list-contains", .summary = "an item that only changes its place is never missing", .source = "FIELD.md section 1",
    .setup = reads_setup_contains, .thread = {reads_contains, reads_move}, .check = reads_check_contains, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_list_contains_moved);

/* A slice is replaced by another of the same length: nobody sees the list without it. */
static void reads_setup_slice(void)
{
    reads_setup_contains();
    reads.thing = tuple_new((struct obj *[]){none_get(), reads.key[0]}, 2);
    list_append(reads.o, none_get());
}
static void reads_set_slice(void) { list_set_slice(reads.o, 0, 2, reads.thing); }
static void reads_ask_twice(void)
{
    EXPLORE_CHECK(list_length(reads.o) == 2);
    reads_contains();
}
static void reads_check_slice(void)
{
    obj_decref(reads.thing);
    reads_check_contains();
}
static const struct scenario reads_scenario_slice = {
    .name = "reads-list-slice", .summary = "length and contains while a slice is replaced: all of the old or all of the new",
    .source = "FIELD.md section 1", .setup = reads_setup_slice, .thread = {reads_ask_twice, reads_set_slice},
    .check = reads_check_slice, .unfit = reads_unfit, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_slice);

/* A sort empties the list until it is done. What is appended meanwhile goes when the sorted items come back: the length never falls to 0
 * in between, and the sort says that something was lost. */
static void reads_setup_sort(void)
{
    scenario_act_as(1);
    reads.o = list_new(2);
    list_append(reads.o, bool_get(true));
    list_append(reads.o, bool_get(false));
    scenario_act_as(-1);
    obj_decref(list_get(reads.o, 0));
    scenario_act_as(1);
}
static void reads_sort(void) { reads.thing = list_sort(reads.o) != 0 && err_take() == ERR_CHANGED ? none_get() : NULL; }
static void reads_append_while_sorted(void)
{
    bool emptied = list_length(reads.o) == 0;
    list_append(reads.o, bool_get(true));
    EXPLORE_CHECK(!emptied || list_length(reads.o) > 0);
}
static void reads_check_sort(void)
{
    EXPLORE_CHECK(list_length(reads.o) == (reads.thing ? 2 : 3));
    reads_drop();
}
static const struct scenario reads_scenario_sort = {
    .name = "reads-list-sort", .summary = "who appends while the list is sorted never sees it without items", .source = "FIELD.md section 1",
    .setup = reads_setup_sort, .thread = {reads_append_while_sorted, reads_sort}, .check = reads_check_sort, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_sort);

/* --- dicts --- */

/* Room for one entry, used by key 1 -> thing 1. */
static void reads_make_dict(size_t room)
{
    for (int i = 0; i < 4; i++)
        reads.key[i] = int_new(i);
    scenario_act_as(1);
    struct obj *value = thing_new(1);
    reads.o = dict_new(room);
    dict_set(reads.o, reads.key[1], value);
    obj_decref(value);
    scenario_act_as(-1);
    dict_get(reads.o, reads.key[1], &value);
    obj_decref(value);
    scenario_act_as(1);
}
static void reads_setup_dict(void) { reads_make_dict(1); }
static void reads_setup_dict_room(void) { reads_make_dict(3); }
/* The value of a key, or -1. */
static int64_t reads_of(struct obj *key)
{
    struct obj *value;
    int there = dict_get(reads.o, key, &value);
    int64_t n = there == 1 ? thing_value(value) : -1;
    EXPLORE_CHECK(there >= 0);
    obj_xdecref(value);
    return n;
}
static void reads_dict_put(struct obj *key, int64_t n)
{
    struct obj *value = thing_new(n);
    dict_set(reads.o, key, value);
    obj_decref(value);
}

static void reads_dict_get(void)
{
    int64_t value = reads_of(reads.key[1]);
    EXPLORE_CHECK(value == 1 || value == 2);
}
static void reads_dict_replace(void) { reads_dict_put(reads.key[1], 2); }
static const struct scenario reads_scenario_dict_replace = {
    .name = "reads-dict-replace", .summary = "a value is read without the lock while its dict drops the only reference to it",
    .source = "FIELD.md 3.19", .setup = reads_setup_dict, .thread = {reads_dict_get, reads_dict_replace}, .check = reads_drop,
    .unfit = reads_unfit, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_dict_replace);
static void reads_dict_grow(void) { reads_dict_put(reads.key[2], 2); }
static void reads_dict_get_grown(void)
{
    int64_t two = reads_of(reads.key[2]);
    EXPLORE_CHECK(two == -1 || two == 2);
    EXPLORE_CHECK(reads_of(reads.key[1]) == 1);
    EXPLORE_CHECK(two == -1 || dict_length(reads.o) == 2);
}
static const struct scenario reads_scenario_dict_grow = {
    .name = "reads-dict-grow", .summary = "gets without the lock while an insertion resizes the table", .source = "FIELD.md 3.17, 3.22",
    .setup = reads_setup_dict, .thread = {reads_dict_get_grown, reads_dict_grow}, .check = reads_drop, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_dict_grow);
static const struct scenario reads_scenario_dict_insert = {
    .name = "reads-dict-insert", .summary = "gets without the lock while an entry is added in place", .source = "FIELD.md 3.15",
    .setup = reads_setup_dict_room, .thread = {reads_dict_get_grown, reads_dict_grow}, .check = reads_drop, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_dict_insert);
static void reads_length_then_find(void)
{
    if (dict_length(reads.o) == 2)
        EXPLORE_CHECK(reads_of(reads.key[2]) == 2);
}
static const struct scenario reads_scenario_dict_length_get = {
    .name = "reads-dict-length", .summary = "what a dict's length counts can be got", .source = "FIELD.md 3.15",
    .setup = reads_setup_dict_room, .thread = {reads_length_then_find, reads_dict_grow}, .check = reads_drop, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_dict_length_get);
/* The place of the deleted entry is written again, for another key. Values are immortal: it is about the entry. */
static void reads_setup_reuse(void)
{
    reads_make_dict(3);
    dict_set(reads.o, reads.key[1], bool_get(true));
}
static void reads_dict_reuse(void)
{
    dict_del(reads.o, reads.key[1]);
    dict_set(reads.o, reads.key[2], bool_get(false));
}
static void reads_dict_get_deleted(void)
{
    struct obj *value;
    if (dict_get(reads.o, reads.key[1], &value) == 1)
        EXPLORE_CHECK(value == bool_get(true));
    else
        EXPLORE_CHECK(dict_length(reads.o) == 0 || dict_contains(reads.o, reads.key[2]) == 1);
}
static const struct scenario reads_scenario_dict_reuse = {
    .name = "reads-dict-reuse", .summary = "a get without the lock while its entry is deleted, and its place used for another key",
    .source = "FIELD.md 3.17", .setup = reads_setup_reuse, .thread = {reads_dict_get_deleted, reads_dict_reuse}, .check = reads_drop,
    .unfit = reads_unfit, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_dict_reuse);

/* A key that is equal, not identical, and not kept by anybody but the dict. */
static void reads_setup_equal(void)
{
    reads.key[0] = int_new(1000);
    scenario_act_as(1);
    reads.o = dict_new(2);
    struct obj *key = int_new(1000);
    dict_set(reads.o, key, none_get());
    obj_decref(key);
    scenario_act_as(-1);
    dict_contains(reads.o, reads.key[0]);
    scenario_act_as(1);
}
static void reads_dict_get_equal(void) { EXPLORE_CHECK(dict_contains(reads.o, reads.key[0]) >= 0); }
static void reads_dict_delete(void)
{
    dict_del(reads.o, reads.key[0]);
    obj_decref(int_new(2000)); /* where the key may have lain */
}
static void reads_check_equal(void)
{
    obj_decref(reads.key[0]);
    reads_drop();
}
static const struct scenario reads_scenario_dict_equal = {
    .name = "reads-dict-equal", .summary = "a stored key is compared without the lock while its entry is deleted", .source = "FIELD.md 3.19",
    .setup = reads_setup_equal, .thread = {reads_dict_get_equal, reads_dict_delete}, .check = reads_check_equal, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC, .heap = HEAP_LOCKED,
};
SCENARIO(reads_scenario_dict_equal);
static void reads_dict_clear(void) { dict_clear(reads.o); }
static void reads_dict_get_cleared(void)
{
    int64_t value = reads_of(reads.key[1]);
    EXPLORE_CHECK(value == 1 || value == -1);
    EXPLORE_CHECK(value == 1 || dict_length(reads.o) == 0);
}
static const struct scenario reads_scenario_dict_cleared = {
    .name = "reads-dict-clear", .summary = "a get without the lock while the dict is cleared", .source = "FIELD.md 3.16, 3.22",
    .setup = reads_setup_dict, .thread = {reads_dict_get_cleared, reads_dict_clear}, .check = reads_drop, .unfit = reads_unfit,
    .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_dict_cleared);

/* --- iterators --- */

static void reads_setup_iter(void)
{
    reads_make_list(1);
    scenario_act_as(0);
    reads.iter = iter_new(reads.o);
}
static void reads_step(void)
{
    struct obj *item;
    int there = iter_next(reads.iter, &item);
    EXPLORE_CHECK(there == 0 || (there == 1 && (thing_value(item) == 1 || thing_value(item) == 2)));
    obj_xdecref(item);
}
static void reads_check_iter(void)
{
    obj_decref(reads.iter);
    reads_drop();
}
static const struct scenario reads_scenario_iter_replace = {
    .name = "reads-iter-replace", .summary = "an iterator's step without the list's lock while the item is replaced",
    .source = "FIELD.md 3.18, 3.19", .setup = reads_setup_iter, .thread = {reads_step, reads_replace}, .check = reads_check_iter,
    .unfit = reads_unfit, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_iter_replace);
static void reads_setup_iter_dict(void)
{
    reads_make_dict(1);
    scenario_act_as(0);
    reads.iter = iter_new(reads.o);
}
static void reads_step_key(void)
{
    struct obj *item;
    int there = iter_next(reads.iter, &item);
    if (there == -1)
        EXPLORE_CHECK(err_take() == ERR_CHANGED);
    else
        EXPLORE_CHECK(there == 1 && item == reads.key[1]);
    EXPLORE_CHECK(there == 1 || !item);
    obj_xdecref(item);
}
static const struct scenario reads_scenario_iter_grow = {
    .name = "reads-iter-grow", .summary = "an iterator's step without the dict's lock while an insertion resizes the table",
    .source = "FIELD.md 3.17", .setup = reads_setup_iter_dict, .thread = {reads_step_key, reads_dict_grow}, .check = reads_check_iter,
    .unfit = reads_unfit, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_iter_grow);
/* As many entries as before, but in another block, further on than the old one reaches. */
static void reads_setup_iter_moved(void)
{
    struct obj *item;
    reads_setup_iter_dict();
    EXPLORE_CHECK(iter_next(reads.iter, &item) == 1);
    obj_decref(item);
}
static void reads_step_moved(void)
{
    struct obj *item;
    int there = iter_next(reads.iter, &item);
    EXPLORE_CHECK(there < 1 || item == reads.key[2]);
    if (there < 0)
        EXPLORE_CHECK(err_take() == ERR_CHANGED);
    EXPLORE_CHECK(there == 1 || !item);
    obj_xdecref(item);
}
static void reads_dict_move(void)
{
    dict_set(reads.o, reads.key[2], none_get());
    dict_del(reads.o, reads.key[1]);
}
static const struct scenario reads_scenario_iter_moved = {
    .name = "reads-iter-moved", .summary = "a step without the lock while the entries go to another block and are as many again",
    .source = "FIELD.md 3.17", .setup = reads_setup_iter_moved, .thread = {reads_step_moved, reads_dict_move}, .check = reads_check_iter,
    .unfit = reads_unfit, .large = true, .reads = READS_OPTIMISTIC,
};
SCENARIO(reads_scenario_iter_moved);
