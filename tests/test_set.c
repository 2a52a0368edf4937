/*
 * test_set.c -- sets: single items against an ordered C model, set algebra against bit masks, items that interfere.
 */
#include "build.h"

static void set_compare(const struct order_model *m, struct obj *s)
{
    struct obj *items = own(set_items(s));
    cr_assert(set_length(s) == m->length && list_length(items) == m->length);
    for (int64_t i = 0; i < m->length; i++)
        cr_assert_eq(obj_equal(list_get_borrowed(items, i), order_key(m->key[i])), 1);
}

static void set_model_step(struct order_model *m, struct obj *s, int64_t k)
{
    struct obj *item = order_key(k);
    int there = order_find(m, k) >= 0;
    switch (draw_below(5)) {
    case 0:
        cr_assert_eq(set_add(s, item), !there);
        order_put(m, k, 0);
        break;
    case 1:
        cr_assert_eq(set_discard(s, item), there);
        order_delete(m, k);
        break;
    case 2:
        cr_assert(set_remove(s, item) == there - 1 && (there || raised(ERR_KEY, "no such key")));
        order_delete(m, k);
        break;
    case 3: cr_assert_eq(set_contains(s, item), there); break;
    case 4: {
        struct obj *newest = draw() % 4 ? NULL : set_pop(s);
        cr_assert(!newest || obj_equal(own(newest), order_key(m->key[m->length - 1])) == 1);
        m->length -= newest != NULL;
        err_take();
    }
    }
}

TEST(set_does_what_an_ordered_model_does)
{
    struct order_model m = {.length = 0};
    struct obj *s = set_new(0);
    build_seed = 8;
    for (int step = 0; step < 20000; step++) {
        set_model_step(&m, s, draw_below(step / 2000 % 2 ? ORDER_KEYS : 7));
        if (draw() % 1000 == 0) {
            cr_assert_eq(set_clear(s), 0);
            m.length = 0;
        }
        set_compare(&m, s);
        cr_assert(table_valid(&((struct set *)s)->table));
        drop_owned_since(0);
        rt_safepoint();
    }
    obj_decref(s);
    drop_owned();
}

/* What makes a new set of two. */
static struct obj *(*const set_makes[])(struct obj *, struct obj *) = {
    set_union, set_intersection, set_difference, set_symmetric_difference,
};

/* --- algebra: bit k of a mask says that order_key(k) is in it --- */

enum { MASK_BITS = 20 };

static struct obj *set_of_mask(uint32_t mask)
{
    struct obj *s = own(set_new(0));
    for (int64_t k = 0; k < MASK_BITS; k++)
        if (mask >> k & 1)
            cr_assert_eq(set_add(s, order_key(k)), 1);
    return s;
}

static uint32_t mask_of_set(struct obj *s)
{
    uint32_t mask = 0;
    for (int64_t k = 0; k < MASK_BITS; k++)
        mask |= (uint32_t)set_contains(s, order_key(k)) << k;
    cr_assert_eq(set_length(s), __builtin_popcount(mask));
    return mask;
}

TEST(set_algebra_agrees_with_bit_masks)
{
    build_seed = 9;
    for (int i = 0; i < 1000; i++) {
        uint32_t all = (1u << MASK_BITS) - 1, x = (uint32_t)draw() & (uint32_t)draw() & all, y = (uint32_t)draw() & all;
        y = i % 3 == 0 ? y | x : i % 3 == 1 ? x & y : y; /* supersets, subsets, neither */
        struct obj *a = set_of_mask(x), *b = i % 50 ? set_of_mask(y) : a;
        y = b == a ? x : y;
        cr_assert_eq(mask_of_set(own(set_union(a, b))), x | y);
        cr_assert_eq(mask_of_set(own(set_intersection(a, b))), x & y);
        cr_assert_eq(mask_of_set(own(set_difference(a, b))), x & ~y);
        cr_assert_eq(mask_of_set(own(set_symmetric_difference(a, b))), x ^ y);
        cr_assert_eq(set_is_subset(a, b), (x & ~y) == 0);
        cr_assert_eq(obj_equal(a, b), x == y);
        struct obj *copy = own(set_copy(a));
        cr_assert(mask_of_set(copy) == x && set_update(copy, b) == 0 && mask_of_set(copy) == (x | y));
        cr_assert(mask_of_set(a) == x && mask_of_set(b) == y);
        drop_owned_since(0);
        rt_safepoint();
    }
    drop_owned();
}

TEST(set_keeps_the_order_of_insertion_and_pops_the_newest)
{
    struct obj *s = set_of_range(1, 5);
    cr_assert(set_discard(s, num(2)) == 1 && set_add(s, num(2)) == 1 && set_add(s, real(3)) == 0);
    cr_assert_str_eq(shown(s), "{1, 3, 4, 2}");
    cr_assert_str_eq(shown(own(set_items(s))), "[1, 3, 4, 2]");
    cr_assert_str_eq(shown(own(set_union(s, set_of_range(4, 7)))), "{1, 3, 4, 2, 5, 6}");
    cr_assert_str_eq(shown(own(set_symmetric_difference(s, set_of_range(4, 6)))), "{1, 3, 2, 5}");
    cr_assert(set_discard(s, num(4)) == 1 && value_of(own(set_pop(s))) == 2 && value_of(own(set_pop(s))) == 3);
    cr_assert(set_add(s, num(9)) == 1 && value_of(own(set_pop(s))) == 9 && value_of(own(set_pop(s))) == 1);
    cr_assert(!set_pop(s) && raised(ERR_KEY, "empty set"));
    cr_assert_str_eq(shown(s), "set()");
    drop_owned();
}

TEST(set_takes_itself_as_second_operand)
{
    struct obj *s = set_of_range(0, 3);
    cr_assert_eq(set_update(s, s), 0);
    cr_assert_str_eq(shown(own(set_union(s, s))), "{0, 1, 2}");
    cr_assert_str_eq(shown(own(set_intersection(s, s))), "{0, 1, 2}");
    cr_assert_str_eq(shown(own(set_difference(s, s))), "set()");
    cr_assert_str_eq(shown(own(set_symmetric_difference(s, s))), "set()");
    cr_assert(set_is_subset(s, s) == 1 && obj_equal(s, s) == 1 && set_length(s) == 3 && is_released(s));
    drop_owned();
}

TEST(set_operations_name_the_wrong_type)
{
    struct obj *s = set_of_range(0, 2), *no = own(dict_new(0));
    for (int i = 0; i < 4; i++) {
        cr_assert(!set_makes[i](s, no) && raised(ERR_TYPE, "expected set, not dict"));
        cr_assert(!set_makes[i](no, s) && raised(ERR_TYPE, "expected set, not dict"));
    }
    cr_assert(set_length(no) == -1 && raised(ERR_TYPE, "dict"));
    cr_assert(set_add(no, no) == -1 && raised(ERR_TYPE, "dict"));
    cr_assert(set_discard(no, no) == -1 && raised(ERR_TYPE, "dict"));
    cr_assert(set_remove(no, no) == -1 && raised(ERR_TYPE, "dict"));
    cr_assert(set_contains(no, no) == -1 && raised(ERR_TYPE, "dict"));
    cr_assert(!set_pop(no) && raised(ERR_TYPE, "dict"));
    cr_assert(set_clear(no) == -1 && raised(ERR_TYPE, "dict"));
    cr_assert(!set_copy(no) && raised(ERR_TYPE, "dict"));
    cr_assert(!set_items(no) && raised(ERR_TYPE, "dict"));
    cr_assert(set_update(s, no) == -1 && raised(ERR_TYPE, "dict"));
    cr_assert(set_update(no, s) == -1 && raised(ERR_TYPE, "dict"));
    cr_assert(set_is_subset(s, no) == -1 && raised(ERR_TYPE, "dict"));
    cr_assert(set_is_subset(no, s) == -1 && raised(ERR_TYPE, "dict"));
    cr_assert(obj_equal(s, no) == 0 && set_length(s) == 2 && is_released(s));
    drop_owned();
}

TEST(set_refuses_items_that_cannot_be_hashed_or_compared)
{
    struct obj *s = own(set_new(0)), *bad[] = {own(list_new(0)), own(set_new(0)), tuple_of(own(dict_new(0)))};
    cr_assert_eq(set_add(s, key(1, 1)), 1);
    for (int i = 0; i < 3; i++) {
        cr_assert(set_add(s, bad[i]) == -1 && raised(ERR_TYPE, "cannot be hashed"));
        cr_assert(set_discard(s, bad[i]) == -1 && raised(ERR_TYPE, "cannot be hashed"));
        cr_assert(set_remove(s, bad[i]) == -1 && raised(ERR_TYPE, "cannot be hashed"));
        cr_assert(set_contains(s, bad[i]) == -1 && raised(ERR_TYPE, "cannot be hashed"));
    }
    int (*const operation[])(struct obj *, struct obj *) = {set_add, set_discard, set_remove, set_contains};
    for (int i = 0; i < 4; i++) {
        key_at_compare = (struct key_hook){key_fails, 1};
        cr_assert(operation[i](s, key(1, 2)) == -1 && raised(ERR_VALUE, "key refuses") && is_released(s));
    }
    cr_assert(set_remove(s, num(4711)) == -1 && raised(ERR_KEY, "4711"));
    cr_assert_str_eq(shown(s), "{<1.1>}");
    drop_owned();
}

/* An error in the middle of an operation on two sets leaves both as they were, and free. */
TEST(set_algebra_passes_a_comparisons_error_on)
{
    struct obj *a = own(set_new(0)), *b = own(set_new(0));
    for (int64_t i = 0; i < 5; i++)
        cr_assert(set_add(a, key(0, i)) == 1 && set_add(b, key(0, i + 3)) == 1);
    for (int i = 0; i < 4; i++)
        for (int after = 1; after <= 9; after += 4) {
            key_at_compare = (struct key_hook){key_fails, after};
            cr_assert(!set_makes[i](a, b) && raised(ERR_VALUE, "key refuses"));
            cr_assert(is_released(a) && is_released(b) && set_length(a) == 5 && set_length(b) == 5);
        }
    key_at_compare = (struct key_hook){key_fails, 2};
    cr_assert(set_is_subset(a, b) == -1 && raised(ERR_VALUE, "key refuses"));
    key_at_compare = (struct key_hook){key_fails, 2};
    cr_assert(obj_equal(a, b) == -1 && raised(ERR_VALUE, "key refuses"));
    drop_owned();
}

static struct obj *set_under_test;
static int hook_set_clear(void) { return set_clear(set_under_test); }
static int hook_set_grow(void)
{
    for (int64_t i = 100; i < 130; i++)
        if (set_add(set_under_test, num(i)) < 0)
            return -1;
    return 0;
}
static int hook_set_put_equal(void) { return set_add(set_under_test, key(0, 9)) < 0 ? -1 : 0; }

TEST(set_survives_items_that_change_it_while_it_compares)
{
    int (*const hook[])(void) = {hook_set_clear, hook_set_grow, hook_set_put_equal};
    static const int64_t lengths[] = {1, 37, 7};
    for (int h = 0; h < 3; h++)
        for (int after = 1; after <= 6; after++) {
            struct obj *s = set_under_test = own(set_new(0));
            for (int64_t i = 0; i < 6; i++)
                cr_assert_eq(set_add(s, key(0, i)), 1);
            key_at_compare = (struct key_hook){hook[h], after};
            cr_assert_eq(set_add(s, key(0, 9)), h != 2, "there already: another put it in");
            cr_assert(set_length(s) == lengths[h] && set_contains(s, key(0, 9)) == 1 && is_released(s));
            key_at_compare = (struct key_hook){hook[h], after};
            cr_assert_geq(obj_equal(s, own(set_copy(s))), 0);
            key_at_compare = (struct key_hook){hook[h], after};
            own(set_union(s, own(set_copy(s))));
            key_at_compare.run = NULL;
            cr_assert(is_released(s) && table_valid(&((struct set *)s)->table));
        }
    drop_owned();
}

TEST(set_gives_back_exactly_the_references_it_took)
{
    struct obj *s = own(set_new(0)), *k = key(1, 1), *same = key(1, 1);
    cr_assert(set_add(s, k) == 1 && set_add(s, same) == 0);
    cr_assert(count_of(k) == 2 && count_of(same) == 1);
    struct obj *copy = own(set_copy(s));
    own(set_items(s));
    own(set_union(s, copy));
    own(set_intersection(s, copy));
    own(set_symmetric_difference(s, copy));
    cr_assert_eq(count_of(k), 6);
    cr_assert(set_discard(copy, same) == 1 && set_update(copy, s) == 0 && own(set_pop(copy)) == k && set_clear(s) == 0);
    cr_assert(count_of(k) == 5 && count_of(same) == 1);
    drop_owned();
}

static int hook_set_touch(void) { return set_add(set_under_test, text("touched")) < 0 ? -1 : 0; }

TEST(destructors_of_displaced_items_may_use_the_set)
{
    struct obj *s = set_under_test = own(set_new(0));
    for (int64_t i = 0; i < 4; i++) {
        struct obj *k = key_new(i, i);
        cr_assert_eq(set_add(s, k), 1);
        obj_decref(k);
    }
    rc_drain();
    key_at_finalize = hook_set_touch;
    cr_assert_eq(set_discard(s, key(1, 1)), 1);
    rc_drain();
    cr_assert_eq(set_contains(s, text("touched")), 1);
    cr_assert_eq(set_clear(s), 0);
    rc_drain();
    cr_assert_str_eq(shown(s), "{'touched'}");
    rc_drain();
    key_at_finalize = NULL;
    drop_owned();
}
