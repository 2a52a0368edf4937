/*
 * test_dict.c -- dicts: every operation against an ordered C model, order of insertion, collisions, keys that interfere.
 */
#include "build.h"
#include "threads.h"

/* --- against the model --- */

/* The value at that key, or -1: none. */
static int64_t dict_value(struct obj *d, struct obj *key)
{
    struct obj *value = NULL;
    int found = dict_get(d, key, &value);
    cr_assert(found == (value != NULL));
    return found ? value_of(own(value)) : -1;
}

static void dict_compare(const struct order_model *m, struct obj *d)
{
    struct obj *items = own(dict_items(d)), *item = NULL, *i = own(iter_new(d));
    cr_assert(dict_length(d) == m->length && list_length(items) == m->length);
    for (int64_t at = 0; at < m->length; at++) {
        struct obj *pair = list_get_borrowed(items, at);
        cr_assert_eq(iter_next(i, &item), 1);
        cr_assert_eq(own(item), tuple_get_borrowed(pair, 0));
        cr_assert_eq(obj_equal(item, order_key(m->key[at])), 1);
        cr_assert_eq(value_of(tuple_get_borrowed(pair, 1)), m->value[at]);
    }
    cr_assert_eq(iter_next(i, &item), 0);
}

static void dict_model_step(struct order_model *m, struct obj *d, int64_t k)
{
    struct obj *key = order_key(k), *value = NULL;
    int64_t at = order_find(m, k), drawn = draw_below(1000);
    switch (draw_below(8)) {
    case 0:
    case 1:
        cr_assert_eq(dict_set(d, key, num(drawn)), 0);
        order_put(m, k, drawn);
        break;
    case 2:
        cr_assert_eq(dict_del(d, key), at >= 0 ? 0 : -1);
        cr_assert(at >= 0 || raised(ERR_KEY, "no such key"));
        order_delete(m, k);
        break;
    case 3:
        cr_assert_eq(dict_pop(d, key, &value), at >= 0);
        cr_assert(at >= 0 ? value_of(own(value)) == m->value[at] : value == NULL);
        order_delete(m, k);
        break;
    case 4:
        cr_assert_eq(dict_setdefault(d, key, num(drawn), &value), at >= 0);
        cr_assert_eq(value_of(own(value)), at >= 0 ? m->value[at] : drawn);
        order_put(m, k, at >= 0 ? m->value[at] : drawn);
        break;
    case 5: cr_assert_eq(dict_value(d, key), at >= 0 ? m->value[at] : -1); break;
    case 6: cr_assert_eq(dict_contains(d, key), at >= 0); break;
    case 7:
        cr_assert_eq(dict_get_borrowed(d, key, &value), at >= 0);
        cr_assert(at >= 0 ? value_of(value) == m->value[at] : value == NULL);
        break;
    }
}

/* Now and then something with the whole dict. */
static void dict_model_whole(struct order_model *m, struct obj *d)
{
    struct obj *other = own(dict_new(0)), *copy = own(dict_copy(d));
    dict_compare(m, copy);
    cr_assert(obj_equal(copy, d) == 1 && obj_equal(d, copy) == 1);
    for (int i = 0; i < 10; i++) {
        int64_t k = draw_below(ORDER_KEYS);
        cr_assert_eq(dict_set(other, order_key(k), num(k)), 0);
    }
    cr_assert_eq(dict_update(copy, other), 0);
    cr_assert_eq(dict_update(d, d), 0);
    dict_compare(m, d);
    struct obj *keys = own(dict_keys(other));
    for (int64_t i = 0; i < list_length(keys); i++)
        cr_assert_eq(dict_value(copy, list_get_borrowed(keys, i)), dict_value(other, list_get_borrowed(keys, i)));
    cr_assert_eq(dict_length(copy) >= dict_length(d) && dict_length(copy) >= dict_length(other), true);
    if (draw() % 4 == 0) {
        cr_assert_eq(dict_clear(d), 0);
        m->length = 0;
    }
}

TEST(dict_does_what_an_ordered_model_does)
{
    struct order_model m = {.length = 0};
    struct obj *d = dict_new(0);
    build_seed = 7;
    for (int step = 0; step < 20000; step++) {
        int64_t keys = step / 2000 % 2 ? ORDER_KEYS : 7; /* few: deleted and inserted again and again */
        dict_model_step(&m, d, draw_below(keys));
        if (draw() % 200 == 0)
            dict_model_whole(&m, d);
        dict_compare(&m, d);
        cr_assert(table_valid(&((struct dict *)d)->table));
        drop_owned_since(0);
        rt_safepoint();
    }
    obj_decref(d);
    drop_owned();
}

/* --- order, growth --- */

TEST(dict_keeps_the_order_of_insertion)
{
    struct obj *d = dict_of_range(1, 5);
    cr_assert_eq(dict_set(d, num(2), text("two")), 0);
    cr_assert_str_eq(shown(d), "{1: -1, 2: 'two', 3: -3, 4: -4}");
    cr_assert_eq(dict_del(d, num(1)), 0);
    cr_assert_eq(dict_set(d, num(1), num(1)), 0);
    cr_assert_str_eq(shown(d), "{2: 'two', 3: -3, 4: -4, 1: 1}");
    cr_assert_str_eq(shown(own(dict_keys(d))), "[2, 3, 4, 1]");
    cr_assert_str_eq(shown(own(dict_values(d))), "['two', -3, -4, 1]");
    cr_assert_str_eq(shown(own(dict_items(d))), "[(2, 'two'), (3, -3), (4, -4), (1, 1)]");
    drop_owned();
}

TEST(dict_finds_equal_numbers_of_any_type_and_keeps_the_first_key)
{
    struct obj *d = own(dict_new(0)), *nan = real(0.0 / 0.0);
    cr_assert(dict_set(d, num(1), num(10)) == 0 && dict_set(d, bool_get(true), num(11)) == 0);
    cr_assert(dict_set(d, real(1), num(12)) == 0 && dict_set(d, real(0x1p64), num(13)) == 0);
    cr_assert(dict_set(d, big("18446744073709551616"), num(14)) == 0);
    cr_assert_str_eq(shown(d), "{1: 12, 1.8446744073709552e+19: 14}");
    cr_assert(dict_set(d, nan, num(1)) == 0 && dict_contains(d, nan) == 1 && dict_contains(d, real(0.0 / 0.0)) == 0);
    drop_owned();
}

TEST(dict_grows_to_many_and_empties)
{
    enum { MANY = 20000 };
    struct obj *d = own(dict_new(0));
    for (int64_t i = 0; i < MANY; i++) {
        struct obj *k = int_new(i * 7919);
        cr_assert_eq(dict_set(d, k, k), 0);
        obj_decref(k);
        rt_safepoint();
    }
    size_t full = ((struct dict *)d)->table.slots;
    cr_assert_eq(dict_length(d), MANY);
    for (int64_t i = 0; i < MANY; i++) {
        struct obj *k = int_new(i * 7919), *value = NULL;
        cr_assert(dict_pop(d, k, &value) == 1 && obj_equal(k, value) == 1);
        obj_decref(k);
        obj_decref(value);
        rt_safepoint();
    }
    cr_assert_eq(dict_length(d), 0);
    for (int64_t i = 0; i < 3 * MANY; i++) /* a live key or two among ever new ones: the table is compacted, and shrinks */
        cr_assert(dict_set(d, num(i), none_get()) == 0 && (i < 2 || dict_del(d, num(i - 2)) == 0));
    cr_assert(dict_length(d) == 2 && ((struct dict *)d)->table.slots < full / 100);
    drop_owned();
}

TEST(dict_with_room_does_not_move_while_it_fills)
{
    struct obj *d = own(dict_new(1000));
    void *entries = ((struct dict *)d)->table.entry;
    for (int64_t i = 0; i < 1000; i++)
        cr_assert_eq(dict_set(d, num(i), num(i)), 0);
    cr_assert_eq((void *)((struct dict *)d)->table.entry, entries);
    drop_owned();
}

TEST(dict_tells_colliding_keys_apart)
{
    enum { KEYS = 300 };
    struct obj *d = own(dict_new(0));
    for (int64_t i = 0; i < KEYS; i++)
        cr_assert_eq(dict_set(d, key(-3, i), num(i)), 0);
    for (int64_t i = 0; i < KEYS; i += 2)
        cr_assert_eq(dict_del(d, key(-3, i)), 0);
    for (int64_t i = 0; i < KEYS; i++)
        cr_assert_eq(dict_value(d, key(-3, i)), i % 2 ? i : -1);
    cr_assert_eq(dict_length(d), KEYS / 2);
    drop_owned();
}

/* Hashes that differ in their high bits alone start at the same slot: no reason to call the user's equal. */
TEST(dict_compares_only_keys_of_equal_hash)
{
    struct obj *d = own(dict_new(0));
    for (int64_t i = 0; i < 5; i++)
        cr_assert_eq(dict_set(d, key(i << 20, i), num(i)), 0);
    key_at_compare = (struct key_hook){key_fails, 1};
    cr_assert(dict_contains(d, key((int64_t)9 << 20, 0)) == 0 && key_at_compare.run != NULL);
    cr_assert(dict_contains(d, key((int64_t)4 << 20, 4)) == -1 && raised(ERR_VALUE, "key refuses"));
    drop_owned();
}

/* --- results and errors --- */

TEST(dict_names_the_key_that_is_missing)
{
    struct obj *d = dict_of_range(0, 3), *value = d;
    cr_assert(dict_get(d, num(5), &value) == 0 && value == NULL && err_code() == ERR_NONE);
    cr_assert(dict_del(d, num(4711)) == -1 && raised(ERR_KEY, "4711"));
    cr_assert(dict_del(d, text("x")) == -1 && raised(ERR_KEY, "str"));
    cr_assert(dict_pop(d, num(5), &value) == 0 && value == NULL);
    cr_assert_eq(dict_length(d), 3);
    drop_owned();
}

/* `code` from every operation that hashes or compares `key`; the dict stays as it is. */
static void dict_every_operation_fails(struct obj *d, struct obj *key, enum err code, const char *part, void (*arm)(void))
{
    struct obj *before = text(shown(d)), *value;
    for (int operation = 0; operation < 7; operation++) {
        value = d;
        arm();
        switch (operation) {
        case 0: cr_assert(dict_get(d, key, &value) == -1 && !value); break;
        case 1: cr_assert(dict_get_borrowed(d, key, &value) == -1 && !value); break;
        case 2: cr_assert_eq(dict_contains(d, key), -1); break;
        case 3: cr_assert_eq(dict_set(d, key, none_get()), -1); break;
        case 4: cr_assert_eq(dict_del(d, key), -1); break;
        case 5: cr_assert(dict_setdefault(d, key, none_get(), &value) == -1 && !value); break;
        case 6: cr_assert(dict_pop(d, key, &value) == -1 && !value); break;
        }
        cr_assert(raised(code, part) && is_released(d), "operation %d", operation);
    }
    cr_assert_eq(obj_equal(text(shown(d)), before), 1);
}

static void arm_nothing(void) {}
static void arm_hash(void) { key_at_hash = (struct key_hook){key_fails, 1}; }
static void arm_compare(void) { key_at_compare = (struct key_hook){key_fails, 1}; }

TEST(dict_refuses_keys_that_cannot_be_hashed_or_compared)
{
    struct obj *d = own(dict_new(0));
    cr_assert(dict_set(d, key(1, 1), num(1)) == 0 && dict_set(d, num(2), num(2)) == 0);
    dict_every_operation_fails(d, own(list_new(0)), ERR_TYPE, "a list cannot be hashed", arm_nothing);
    dict_every_operation_fails(d, own(dict_new(0)), ERR_TYPE, "a dict cannot be hashed", arm_nothing);
    dict_every_operation_fails(d, tuple_of(num(1), own(set_new(0))), ERR_TYPE, "a set cannot be hashed", arm_nothing);
    dict_every_operation_fails(d, key(1, 5), ERR_VALUE, "key refuses", arm_hash);
    dict_every_operation_fails(d, key(1, 5), ERR_VALUE, "key refuses", arm_compare);
    drop_owned();
}

TEST(dict_operations_name_the_wrong_type)
{
    struct obj *no = text("no"), *d = dict_of_range(0, 2), *value = d;
    cr_assert(dict_length(no) == -1 && raised(ERR_TYPE, "expected dict, not str"));
    cr_assert(dict_get(no, no, &value) == -1 && !value && raised(ERR_TYPE, "str"));
    cr_assert(dict_get_borrowed(no, no, &value) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(dict_contains(no, no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(dict_set(no, no, no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(dict_del(no, no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(dict_setdefault(no, no, no, &value) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(dict_pop(no, no, &value) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(dict_update(no, d) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(dict_update(d, no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(dict_clear(no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(!dict_copy(no) && raised(ERR_TYPE, "str"));
    cr_assert(!dict_keys(no) && raised(ERR_TYPE, "str"));
    cr_assert(!dict_values(no) && raised(ERR_TYPE, "str"));
    cr_assert(!dict_items(no) && raised(ERR_TYPE, "str"));
    cr_assert(dict_length(d) == 2 && is_released(d));
    drop_owned();
}

static const char *dict_set_elsewhere(struct threads_arg *a)
{
    return dict_set(a->shared, none_get(), none_get()) == 0 ? NULL : "set failed";
}

TEST(dict_is_usable_by_another_thread_after_errors)
{
    struct obj *d = dict_of_range(0, 2);
    cr_assert(dict_del(d, num(9)) == -1 && dict_set(d, own(list_new(0)), none_get()) == -1 && dict_update(d, none_get()) == -1);
    cr_assert_null(threads_run(1, dict_set_elsewhere, d));
    cr_assert_str_eq(shown(d), "{0: 0, 1: -1, None: None}");
    drop_owned();
}

TEST(dict_gives_back_exactly_the_references_it_took)
{
    struct obj *d = own(dict_new(0)), *k = key(1, 1), *same = key(1, 1), *v = real(1), *found;
    cr_assert(dict_set(d, k, v) == 0 && dict_set(d, same, v) == 0);
    cr_assert(count_of(k) == 2 && count_of(same) == 1 && count_of(v) == 2);
    cr_assert(dict_setdefault(d, same, k, &found) == 1 && own(found) == v);
    cr_assert(dict_get(d, same, &found) == 1 && own(found) == v && dict_get_borrowed(d, k, &found) == 1);
    rt_safepoint();
    cr_assert(count_of(k) == 2 && count_of(same) == 1 && count_of(v) == 4);
    struct obj *copy = own(dict_copy(d));
    own(dict_items(d));
    cr_assert(count_of(k) == 4 && count_of(v) == 6);
    cr_assert(dict_update(copy, d) == 0 && dict_clear(copy) == 0 && dict_pop(d, same, &found) == 1 && own(found) == v);
    cr_assert(count_of(k) == 2 && count_of(v) == 5);
    drop_owned();
}

TEST(dicts_are_equal_whatever_their_order)
{
    struct obj *a = own(dict_new(0)), *b = own(dict_new(0)), *nested = list_of_ints(1);
    cr_assert(dict_set(a, num(1), nested) == 0 && dict_set(a, text("x"), num(2)) == 0);
    cr_assert(dict_set(b, text("x"), real(2)) == 0 && dict_set(b, bool_get(true), list_of_ints(1)) == 0);
    cr_assert(obj_equal(a, b) == 1 && obj_equal(b, a) == 1);
    cr_assert_str_eq(shown(a), "{1: [1], 'x': 2}");
    cr_assert_eq(list_append(nested, num(2)), 0);
    cr_assert(obj_equal(a, b) == 0 && obj_equal(a, own(dict_new(0))) == 0 && obj_equal(a, own(set_new(0))) == 0);
    cr_assert(dict_set(a, num(1), none_get()) == 0 && dict_del(b, num(1)) == 0 && dict_set(b, num(3), none_get()) == 0);
    cr_assert_eq(obj_equal(a, b), 0, "as many, but another key");
    cr_assert(dict_set(a, num(1), a) == 0 && !obj_repr(a) && raised(ERR_RECURSION, "500"));
    cr_assert_eq(dict_clear(a), 0);
    cr_assert(is_released(a));
    drop_owned();
}

TEST(tuple_keys_nested_too_deeply_are_a_recursion_error)
{
    struct obj *deep = own(tuple_new(NULL, 0)), *d = own(dict_new(0));
    for (int i = 0; i < OBJ_DEPTH_MAX - 1; i++)
        deep = tuple_of(deep);
    cr_assert_eq(dict_set(d, deep, none_get()), 0);
    cr_assert(dict_set(d, tuple_of(deep), none_get()) == -1 && raised(ERR_RECURSION, "500"));
    cr_assert(dict_length(d) == 1 && is_released(d));
    drop_owned();
}

/* --- keys that change the dict while it compares --- */

static struct obj *dict_under_test, *dict_rival; /* rival: an equal of the key that is sought */

static int hook_dict_clear(void) { return dict_clear(dict_under_test); }
static int hook_dict_delete(void) { return dict_del(dict_under_test, num(1)); }
static int hook_dict_put_rival(void) { return dict_set(dict_under_test, dict_rival, num(99)); }
static int hook_dict_grow(void)
{
    for (int64_t i = 100; i < 130; i++)
        if (dict_set(dict_under_test, num(i), none_get()) != 0)
            return -1;
    return 0;
}
static int hook_dict_grow_and_put(void) { return hook_dict_grow() != 0 ? -1 : hook_dict_put_rival(); }

/* Six keys of one group, one int among them; the hook runs at the `after`-th comparison. */
static struct obj *dict_arm(int (*run)(void), int after, struct obj *rival)
{
    dict_under_test = own(dict_new(0));
    for (int64_t i = 0; i < 6; i++)
        cr_assert_eq(dict_set(dict_under_test, i == 3 ? num(1) : key(0, i), num(i)), 0);
    dict_rival = rival;
    key_at_compare = (struct key_hook){run, after};
    return dict_under_test;
}

/* Whatever happened: every key once, each found. */
static bool dict_is_sound(struct obj *d)
{
    key_at_compare.run = NULL;
    struct obj *keys = own(dict_keys(d));
    int64_t length = list_length(keys);
    for (int64_t i = 0; i < length; i++)
        if (dict_contains(d, list_get_borrowed(keys, i)) != 1 || list_index(keys, list_get_borrowed(keys, i)) != i)
            return false;
    return length == dict_length(d) && table_valid(&((struct dict *)d)->table) && is_released(d);
}

TEST(dict_search_goes_on_rightly_when_the_comparison_changed_the_dict)
{
    for (int after = 1; after <= 5; after++) {
        struct obj *last = key(0, 5), *absent = key(0, 9), *d;
        d = dict_arm(hook_dict_clear, after, NULL);
        cr_assert(dict_value(d, last) == -1 && dict_length(d) == 0 && dict_is_sound(d));
        d = dict_arm(hook_dict_delete, after, NULL);
        cr_assert(dict_value(d, last) == 5 && dict_length(d) == 5 && dict_is_sound(d));
        d = dict_arm(hook_dict_grow, after, NULL);
        cr_assert(dict_value(d, last) == 5 && dict_length(d) == 36 && dict_is_sound(d));
        d = dict_arm(hook_dict_put_rival, after, absent);
        cr_assert(dict_value(d, key(0, 9)) == 99 && dict_is_sound(d));
        d = dict_arm(hook_dict_grow_and_put, after, absent);
        cr_assert(dict_value(d, key(0, 9)) == 99 && dict_is_sound(d));
    }
    drop_owned();
}

/* Another inserts an equal key while ours is being compared: it must not come in twice. */
TEST(dict_insertion_sees_an_equal_key_that_the_comparison_put_in)
{
    int (*const hook[])(void) = {hook_dict_put_rival, hook_dict_grow_and_put};
    for (int h = 0; h < 2; h++)
        for (int after = 1; after <= 5; after++) {
            struct obj *value = NULL, *d = dict_arm(hook[h], after, key(0, 9));
            cr_assert(dict_set(d, key(0, 9), num(1)) == 0 && dict_value(d, key(0, 9)) == 1 && dict_is_sound(d));
            d = dict_arm(hook[h], after, key(0, 9));
            cr_assert(dict_setdefault(d, key(0, 9), num(1), &value) == 1 && value_of(own(value)) == 99 && dict_is_sound(d));
        }
    drop_owned();
}

TEST(dict_removal_takes_the_right_entry_when_the_comparison_changed_the_dict)
{
    int (*const hook[])(void) = {hook_dict_delete, hook_dict_grow};
    for (int h = 0; h < 2; h++)
        for (int after = 1; after <= 4; after++) { /* the fourth finds it equal */
            struct obj *value = NULL, *d = dict_arm(hook[h], after, NULL);
            cr_assert(dict_pop(d, key(0, 4), &value) == 1 && value_of(own(value)) == 4);
            cr_assert(dict_value(d, key(0, 4)) == -1 && dict_length(d) == (h ? 35 : 4) && dict_is_sound(d));
            d = dict_arm(hook_dict_clear, after, NULL);
            cr_assert(dict_pop(d, key(0, 4), &value) == 0 && dict_is_sound(d));
        }
    drop_owned();
}

TEST(dict_survives_being_changed_by_its_own_equal_update_and_repr)
{
    int (*const hook[])(void) = {hook_dict_clear, hook_dict_delete, hook_dict_grow};
    for (int h = 0; h < 3; h++)
        for (int after = 1; after <= 12; after += 3) {
            struct obj *other = own(dict_copy(dict_arm(NULL, 0, NULL))), *d = dict_arm(hook[h], after, NULL);
            cr_assert_geq(obj_equal(d, other), 0);
            cr_assert(dict_is_sound(d) && dict_is_sound(other));
            d = dict_arm(hook[h], after, NULL);
            cr_assert(dict_update(d, other) == 0 && dict_is_sound(d) && dict_value(d, key(0, 5)) == 5);
            d = dict_arm(NULL, 0, NULL);
            key_at_repr = (struct key_hook){hook[h], after};
            shown(d);
            key_at_repr.run = NULL;
            cr_assert(dict_is_sound(d));
        }
    drop_owned();
}

static int hook_dict_touch(void) { return dict_set(dict_under_test, text("touched"), none_get()); }

TEST(destructors_of_displaced_keys_and_values_may_use_the_dict)
{
    struct obj *d = dict_under_test = own(dict_new(0));
    for (int64_t i = 0; i < 6; i++) {
        struct obj *k = key_new(i, i), *v = key_new(i, -i);
        cr_assert_eq(dict_set(d, k, v), 0);
        obj_decref(k);
        obj_decref(v);
    }
    rc_drain();
    key_at_finalize = hook_dict_touch;
    cr_assert_eq(dict_set(d, key(0, 0), none_get()), 0);
    cr_assert_eq(dict_del(d, key(1, 1)), 0);
    rc_drain();
    cr_assert_eq(dict_contains(d, text("touched")), 1);
    cr_assert_eq(dict_clear(d), 0);
    rc_drain();
    cr_assert_str_eq(shown(d), "{'touched': None}");
    rc_drain();
    key_at_finalize = NULL;
    drop_owned();
}
