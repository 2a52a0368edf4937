/*
 * containers.c -- two threads at one or two containers: each operation is atomic, and nothing is freed under a reader.
 *
 * Where from: FIELD.md 3.2 (a list assigned to its own slice: what is unlocked is what was locked), 3.3 (an error branch unlocks what was
 * locked, once), 3.5 (a.extend(b) against b.extend(a); a.extend(a)), 3.16 and 3.17 (a resize frees the old table under a
 * reader, or the reader meets moved entries), 3.18 (a shared iterator exhausted by two drops its container twice).
 * Checked: each result is one that some order of the operations gives; no deadlock; counts.
 */
#include "things.h"

static struct {
    struct obj *a, *b, *key[4], *iter;
    int taken[2];
} box;

static struct obj *box_list(int items)
{
    struct obj *l = list_new(0);
    for (int i = 0; i < items; i++) {
        struct obj *item = thing_new(i);
        list_append(l, item);
        obj_decref(item);
    }
    return l;
}
static void box_drop(void)
{
    obj_xdecref(box.a);
    obj_xdecref(box.b);
}

/* --- 3.5 --- */

static void box_setup_two(void)
{
    scenario_act_as(0);
    box.a = box_list(1);
    scenario_act_as(1);
    box.b = box_list(1);
    thing_unbias(box.a);
    thing_unbias(box.b);
}
static void box_extend_a(void) { list_extend(box.a, box.b); }
static void box_extend_b(void) { list_extend(box.b, box.a); }
static void box_check_two(void)
{
    int64_t a = list_length(box.a), b = list_length(box.b);
    EXPLORE_CHECK((a == 2 && b == 3) || (a == 3 && b == 2));
    box_drop();
}
static const struct scenario two_extend = {
    .name = "two-extend", .summary = "a.extend(b) against b.extend(a)", .source = "FIELD.md 3.5",
    .setup = box_setup_two, .thread = {box_extend_a, box_extend_b}, .check = box_check_two,
};
SCENARIO(two_extend);

static void box_setup_one(void)
{
    scenario_act_as(0);
    box.a = box_list(1);
    thing_unbias(box.a);
}
static void box_extend_self(void) { list_extend(box.a, box.a); }
static void box_pop(void) { obj_xdecref(list_pop(box.a, 0)); }
static void box_check_one(void)
{
    int64_t length = list_length(box.a);
    EXPLORE_CHECK(length == 0 || length == 1); /* popped first: nothing to double */
    box_drop();
}
static const struct scenario extend_self = {
    .name = "extend-self", .summary = "a.extend(a) against a.pop(0)", .source = "FIELD.md 3.5",
    .setup = box_setup_one, .thread = {box_extend_self, box_pop}, .check = box_check_one,
};
SCENARIO(extend_self);

/* --- 3.2 --- */

/* The append meets B inside if the lock was released once too often before. */
static void box_slice_self(void)
{
    list_set_slice(box.a, 0, 1, box.a);
    list_append(box.a, none_get());
}
static void box_look(void)
{
    struct obj *item = list_get(box.a, 0);
    EXPLORE_CHECK(item && thing_value(item) == 0);
    obj_decref(item);
}
static void box_check_slice(void)
{
    EXPLORE_CHECK(list_length(box.a) == 2);
    box_drop();
}
static const struct scenario slice_self = {
    .name = "slice-self", .summary = "a[0:1] = a against a reader: the unlock meets the lock that was taken", .source = "FIELD.md 3.2",
    .setup = box_setup_one, .thread = {box_slice_self, box_look}, .check = box_check_slice,
};
SCENARIO(slice_self);

/* --- 3.3 --- */

static void box_miss(void)
{
    EXPLORE_CHECK(list_get(box.a, 9) == NULL && err_take() == ERR_INDEX);
    EXPLORE_CHECK(list_set(box.a, 9, none_get()) == -1 && err_take() == ERR_INDEX);
    list_append(box.a, none_get()); /* meets B inside, if B's lock was released for it */
}
static void box_append(void) { list_append(box.a, none_get()); }
static void box_check_append(void)
{
    EXPLORE_CHECK(list_length(box.a) == 3);
    box_drop();
}
static const struct scenario error_unlock = {
    .name = "error-unlock", .summary = "bad indexes against an append: the error branch unlocks once what it had locked",
    .source = "FIELD.md 3.3", .setup = box_setup_one, .thread = {box_miss, box_append}, .check = box_check_append,
};
SCENARIO(error_unlock);

/* --- 3.16, 3.17 --- */

static void box_setup_dict(void)
{
    for (int i = 0; i < 4; i++)
        box.key[i] = int_new(i);
    scenario_act_as(1);
    box.a = dict_new(1);
    struct obj *value = thing_new(7);
    dict_set(box.a, box.key[1], value);
    obj_decref(value);
    thing_unbias(box.a);
}
static void box_dict_get(void)
{
    struct obj *value;
    EXPLORE_CHECK(dict_get(box.a, box.key[1], &value) == 1);
    EXPLORE_CHECK(thing_value(value) == 7);
    obj_decref(value);
}
static void box_dict_grow(void)
{
    dict_set(box.a, box.key[2], box.key[2]);
    dict_set(box.a, box.key[3], box.key[3]);
}
static void box_dict_replace(void)
{
    struct obj *value = thing_new(7);
    dict_set(box.a, box.key[1], value);
    obj_decref(value);
}
static void box_check_dict(void)
{
    EXPLORE_CHECK(dict_length(box.a) == 3);
    box_drop();
}
static void box_check_dict_one(void)
{
    EXPLORE_CHECK(dict_length(box.a) == 1);
    box_drop();
}
static const struct scenario dict_get_resize = {
    .name = "dict-get-resize", .summary = "dict_get while another thread's insertions resize the table", .source = "FIELD.md 3.17",
    .setup = box_setup_dict, .thread = {box_dict_get, box_dict_grow}, .check = box_check_dict,
};
SCENARIO(dict_get_resize);
static const struct scenario dict_get_replace = {
    .name = "dict-get-replace", .summary = "dict_get while another thread replaces the value", .source = "FIELD.md 3.16",
    .setup = box_setup_dict, .thread = {box_dict_get, box_dict_replace}, .check = box_check_dict_one,
};
SCENARIO(dict_get_replace);

/* --- 3.18 --- */

static void box_make_iter(int items)
{
    scenario_act_as(0);
    struct obj *l = box_list(0);
    for (int i = 0; i < items; i++)
        list_append(l, none_get()); /* immortal: the counts that matter are the list's */
    box.iter = iter_new(l);
    obj_decref(l); /* the iterator alone holds it */
    scenario_act_as(-1);
    thing_unbias(box.iter);
    thing_unbias(((struct iter *)box.iter)->source);
}
static void box_setup_iter(void) { box_make_iter(0); }
static void box_setup_iter_item(void) { box_make_iter(1); }
static void box_exhaust(void)
{
    struct obj *item;
    EXPLORE_CHECK(iter_next(box.iter, &item) == 0);
}
static void box_iterate(int who)
{
    struct obj *item;
    while (iter_next(box.iter, &item) == 1) {
        box.taken[who]++;
        EXPLORE_CHECK(item == none_get());
    }
}
static void box_iterate_a(void) { box_iterate(0); }
static void box_iterate_b(void) { box_iterate(1); }
static void box_check_iter(void)
{
    EXPLORE_CHECK(box.taken[0] + box.taken[1] == 1);
    obj_decref(box.iter);
}
static void box_check_exhausted(void) { obj_decref(box.iter); }
static const struct scenario iter_shared = {
    .name = "iter-shared", .summary = "two threads come to the end of one iterator: the container is dropped once",
    .source = "FIELD.md 3.18", .setup = box_setup_iter, .thread = {box_exhaust, box_exhaust}, .check = box_check_exhausted,
};
SCENARIO(iter_shared);
static const struct scenario iter_shared_item = {
    .name = "iter-shared-item", .summary = "the same with an item before the end: it comes out once", .source = "FIELD.md 3.18",
    .setup = box_setup_iter_item, .thread = {box_iterate_a, box_iterate_b}, .check = box_check_iter, .large = true,
};
SCENARIO(iter_shared_item);
