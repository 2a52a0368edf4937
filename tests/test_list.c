/*
 * test_list.c -- lists: every operation against a C array, edges, aliasing, callbacks that change the list under it.
 */
#include "build.h"
#include "threads.h"

/* --- against a C array --- */

enum { LIST_MODEL_MAX = 64 };

struct list_model {
    int64_t value[LIST_MODEL_MAX * 2];
    int64_t length;
};

static int64_t model_at(const struct list_model *m, int64_t i) { return i < 0 ? i + m->length : i; }
static bool model_has(const struct list_model *m, int64_t i) { return model_at(m, i) >= 0 && model_at(m, i) < m->length; }
static int64_t model_clip(const struct list_model *m, int64_t i)
{
    i = i < 0 ? i + m->length : i;
    return i < 0 ? 0 : i > m->length ? m->length : i;
}

/* value[from, to) = more[0, count) */
static void model_replace(struct list_model *m, int64_t from, int64_t to, const int64_t *more, int64_t count)
{
    struct list_model old = *m;
    m->length = from;
    for (int64_t i = 0; i < count; i++)
        m->value[m->length++] = more[i];
    for (int64_t i = to; i < old.length; i++)
        m->value[m->length++] = old.value[i];
}

static int64_t model_find(const struct list_model *m, int64_t value)
{
    for (int64_t i = 0; i < m->length; i++)
        if (m->value[i] == value)
            return i;
    return -1;
}

static void model_compare(const struct list_model *m, struct obj *l)
{
    cr_assert_eq(list_length(l), m->length);
    for (int64_t i = 0; i < m->length; i++) {
        struct obj *item = list_get(l, i);
        int64_t value = -1;
        cr_assert(item && int_value(item, &value) == 0 && value == m->value[i]);
        obj_decref(item);
    }
}

static int model_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void list_model_single(struct list_model *m, struct obj *l, int64_t at, int64_t value)
{
    switch (draw_below(6)) {
    case 0:
        cr_assert_eq(list_append(l, num(value)), 0);
        model_replace(m, m->length, m->length, &value, 1);
        break;
    case 1: {
        int64_t before = model_clip(m, at);
        cr_assert_eq(list_insert(l, at, num(value)), 0);
        model_replace(m, before, before, &value, 1);
        break;
    }
    case 2: {
        bool there = model_has(m, at);
        struct obj *item = list_pop(l, at);
        cr_assert(there ? value_of(own(item)) == m->value[model_at(m, at)] : !item && raised(ERR_INDEX, "out of range"));
        if (there)
            model_replace(m, model_at(m, at), model_at(m, at) + 1, NULL, 0);
        break;
    }
    case 3:
        if (list_set(l, at, num(value)) == 0)
            m->value[model_at(m, at)] = value;
        else
            cr_assert(!model_has(m, at) && raised(ERR_INDEX, "out of range"));
        break;
    case 4: {
        int64_t found = model_find(m, value);
        cr_assert_eq(list_contains(l, num(value)), found >= 0);
        cr_assert_eq(list_index(l, num(value)), found);
        break;
    }
    case 5: {
        int64_t found = model_find(m, value);
        cr_assert_eq(list_remove(l, num(value)), found >= 0 ? 0 : -1);
        if (found >= 0)
            model_replace(m, found, found + 1, NULL, 0);
        break;
    }
    }
}

static void list_model_slice(struct list_model *m, struct obj *l, int64_t at, int64_t to)
{
    struct list_model part = {.length = 0};
    int64_t first = model_clip(m, at), end = model_clip(m, to);
    end = end < first ? first : end;
    model_replace(&part, 0, 0, m->value + first, end - first);
    switch (draw_below(7)) {
    case 0: model_compare(&part, own(list_slice(l, at, to))); break;
    case 1:
        cr_assert_eq(list_set_slice(l, at, to, NULL), 0);
        model_replace(m, first, end, NULL, 0);
        break;
    case 2: { /* itself, doubled or put into its own middle */
        struct list_model whole = *m;
        cr_assert_eq(list_set_slice(l, at, to, l), 0);
        model_replace(m, first, end, whole.value, whole.length);
        break;
    }
    case 3: {
        int64_t more[3] = {draw_below(40), draw_below(40), draw_below(40)};
        struct obj *source = draw() % 2 ? list_of_array(more, 3) : tuple_of(num(more[0]), num(more[1]), num(more[2]));
        cr_assert_eq(list_set_slice(l, at, to, source), 0);
        model_replace(m, first, end, more, 3);
        break;
    }
    case 4: {
        struct obj *other = own(list_slice(l, at, to));
        bool self = draw() % 4 == 0;
        cr_assert_eq(list_extend(l, self ? l : other), 0);
        struct list_model whole = self ? *m : part;
        model_replace(m, m->length, m->length, whole.value, whole.length);
        break;
    }
    case 5:
        cr_assert_eq(list_reverse(l), 0);
        for (int64_t i = 0, k = m->length - 1; i < k; i++, k--) {
            int64_t swap = m->value[i];
            m->value[i] = m->value[k];
            m->value[k] = swap;
        }
        break;
    case 6:
        cr_assert_eq(list_sort(l), 0);
        qsort(m->value, (size_t)m->length, sizeof m->value[0], model_order);
        break;
    }
}

TEST(list_does_what_a_c_array_does)
{
    struct list_model m = {.length = 0};
    struct obj *l = list_new(0);
    build_seed = 5;
    for (int step = 0; step < 30000; step++) {
        int64_t span = 3 * m.length + 3, at = draw_below(span) - span / 2, to = draw_below(span) - span / 2;
        if (draw() % 3)
            list_model_single(&m, l, at, draw_below(40) - (draw() % 8 ? 0 : INT64_MAX / 2));
        else
            list_model_slice(&m, l, at, to);
        if (m.length > LIST_MODEL_MAX || draw() % 500 == 0) {
            cr_assert_eq(list_clear(l), 0);
            m.length = 0;
        }
        err_take();
        model_compare(&m, l);
        drop_owned_since(0);
        rt_safepoint();
    }
    obj_decref(l);
    drop_owned();
}

/* --- edges --- */

TEST(list_index_counts_from_both_ends_and_no_further)
{
    struct obj *l = list_of_ints(10, 11, 12);
    static const int64_t outside[] = {3, 4, -4, INT64_MAX, INT64_MIN};
    for (int64_t i = 0; i < 3; i++)
        cr_assert(value_of(own(list_get(l, i))) == 10 + i && value_of(own(list_get(l, i - 3))) == 10 + i &&
                  value_of(list_get_borrowed(l, i - 3)) == 10 + i);
    for (int i = 0; i < 5; i++) {
        char part[80];
        snprintf(part, sizeof part, "index %lld out of range (length 3)", (long long)outside[i]);
        cr_assert(!list_get(l, outside[i]) && raised(ERR_INDEX, part));
        cr_assert(!list_get_borrowed(l, outside[i]) && raised(ERR_INDEX, part));
        cr_assert(!list_pop(l, outside[i]) && raised(ERR_INDEX, part));
        cr_assert(list_set(l, outside[i], none_get()) == -1 && raised(ERR_INDEX, part));
    }
    cr_assert(!list_pop(own(list_new(4)), -1) && raised(ERR_INDEX, "index -1 out of range (length 0)"));
    cr_assert_str_eq(shown(l), "[10, 11, 12]");
    drop_owned();
}

TEST(list_insert_clips_its_position)
{
    struct obj *l = list_of_ints(1, 2);
    cr_assert_eq(list_insert(l, INT64_MAX, num(9)), 0);
    cr_assert_eq(list_insert(l, INT64_MIN, num(0)), 0);
    cr_assert_eq(list_insert(l, -1, num(8)), 0);
    cr_assert_str_eq(shown(l), "[0, 1, 2, 8, 9]");
    drop_owned();
}

TEST(list_slices_are_clipped)
{
    struct obj *l = list_of_range(0, 5);
    cr_assert_str_eq(shown(own(list_slice(l, INT64_MIN, INT64_MAX))), "[0, 1, 2, 3, 4]");
    cr_assert_str_eq(shown(own(list_slice(l, -2, 99))), "[3, 4]");
    cr_assert_str_eq(shown(own(list_slice(l, 4, 1))), "[]");
    cr_assert_str_eq(shown(own(list_slice(own(list_new(0)), 0, 9))), "[]");
    cr_assert_eq(list_set_slice(l, 4, 1, list_of_ints(7)), 0); /* as Python: inserts at 4 */
    cr_assert_str_eq(shown(l), "[0, 1, 2, 3, 7, 4]");
    cr_assert_eq(list_set_slice(l, 0, INT64_MAX, NULL), 0);
    cr_assert_str_eq(shown(l), "[]");
    cr_assert_eq(list_set_slice(l, 0, 0, tuple_of(num(1))), 0);
    cr_assert_str_eq(shown(l), "[1]");
    drop_owned();
}

/* FIELD.md 3.2 and 3.5 */
TEST(list_takes_itself_as_second_operand)
{
    struct obj *l = list_of_ints(1, 2, 3);
    cr_assert_eq(list_extend(l, l), 0);
    cr_assert_str_eq(shown(l), "[1, 2, 3, 1, 2, 3]");
    cr_assert_eq(list_set_slice(l, 1, 5, l), 0);
    cr_assert_str_eq(shown(l), "[1, 1, 2, 3, 1, 2, 3, 3]");
    cr_assert_eq(list_set_slice(l, 0, 8, l), 0);
    cr_assert_str_eq(shown(l), "[1, 1, 2, 3, 1, 2, 3, 3]");
    cr_assert_eq(obj_equal(l, l), 1);
    cr_assert(is_released(l));
    struct obj *empty = own(list_new(0));
    cr_assert(list_extend(empty, empty) == 0 && list_set_slice(empty, 0, 0, empty) == 0 && list_length(empty) == 0);
    drop_owned();
}

TEST(list_gives_back_exactly_the_references_it_took)
{
    struct obj *x = key(1, 1), *l = list_of(x, x);
    cr_assert_eq(count_of(x), 3);
    cr_assert(list_append(l, x) == 0 && list_insert(l, 0, x) == 0 && list_extend(l, l) == 0);
    cr_assert_eq(count_of(x), 9);
    cr_assert_eq(list_set(l, 0, x), 0);
    cr_assert_eq(count_of(x), 9);
    obj_decref(list_pop(l, 3));
    cr_assert(list_remove(l, x) == 0 && list_set_slice(l, 1, 3, NULL) == 0);
    cr_assert_eq(count_of(x), 5);
    cr_assert_eq(list_set_slice(l, 0, 1, l), 0);
    cr_assert_eq(count_of(x), 8);
    cr_assert(list_reverse(l) == 0 && list_sort(l) == 0 && list_clear(l) == 0);
    cr_assert_eq(count_of(x), 1);
    drop_owned();
}

TEST(list_grows_to_many_and_shrinks_to_none)
{
    enum { MANY = 20000 };
    struct obj *l = own(list_new(0));
    for (int64_t i = 0; i < MANY; i++) {
        struct obj *o = int_new(i);
        cr_assert_eq(list_append(l, o), 0);
        obj_decref(o);
        rt_safepoint();
    }
    size_t full = ((struct list *)l)->room;
    for (int64_t i = MANY - 1; i >= 0; i--) {
        struct obj *o = list_pop(l, -1);
        cr_assert_eq(value_of(o), i);
        obj_decref(o);
        rt_safepoint();
    }
    cr_assert(list_length(l) == 0 && ((struct list *)l)->room < full / 100, "memory goes back");
    drop_owned();
}

TEST(list_operations_name_the_wrong_type)
{
    struct obj *l = list_of_ints(1), *no = num(5);
    cr_assert(list_length(no) == -1 && raised(ERR_TYPE, "expected list, not int"));
    cr_assert(!list_get(no, 0) && raised(ERR_TYPE, "int"));
    cr_assert(!list_get_borrowed(no, 0) && raised(ERR_TYPE, "int"));
    cr_assert(list_set(no, 0, l) == -1 && raised(ERR_TYPE, "int"));
    cr_assert(list_append(no, l) == -1 && raised(ERR_TYPE, "int"));
    cr_assert(list_insert(no, 0, l) == -1 && raised(ERR_TYPE, "int"));
    cr_assert(!list_pop(no, 0) && raised(ERR_TYPE, "int"));
    cr_assert(!list_slice(no, 0, 1) && raised(ERR_TYPE, "int"));
    cr_assert(list_extend(no, l) == -1 && raised(ERR_TYPE, "int"));
    cr_assert(list_extend(l, no) == -1 && raised(ERR_TYPE, "list or tuple, not int"));
    cr_assert(list_set_slice(l, 0, 1, own(set_new(0))) == -1 && raised(ERR_TYPE, "list or tuple, not set"));
    cr_assert(list_remove(no, l) == -1 && raised(ERR_TYPE, "int"));
    cr_assert(list_index(no, l) == -1 && raised(ERR_TYPE, "int"));
    cr_assert(list_contains(no, l) == -1 && raised(ERR_TYPE, "int"));
    cr_assert(list_clear(no) == -1 && raised(ERR_TYPE, "int"));
    cr_assert(list_reverse(no) == -1 && raised(ERR_TYPE, "int"));
    cr_assert(list_sort(no) == -1 && raised(ERR_TYPE, "int"));
    cr_assert_str_eq(shown(l), "[1]");
    cr_assert(is_released(l));
    drop_owned();
}

static const char *list_append_elsewhere(struct threads_arg *a)
{
    struct obj *l = a->shared;
    return list_append(l, none_get()) == 0 ? NULL : "append failed";
}

/* FIELD.md 3.3: an error branch that unlocks twice, or never, shows at the next user. */
TEST(list_is_usable_by_another_thread_after_every_error)
{
    struct obj *l = list_of(num(1), text("x")), *absent = num(77);
    cr_assert(!list_get(l, 9) && is_released(l));
    cr_assert(!list_get_borrowed(l, 9) && is_released(l));
    cr_assert(list_set(l, -9, absent) == -1 && is_released(l));
    cr_assert(!list_pop(l, 9) && is_released(l));
    cr_assert(list_remove(l, absent) == -1 && is_released(l));
    cr_assert(list_index(l, absent) == -1 && is_released(l));
    cr_assert(list_extend(l, absent) == -1 && is_released(l));
    cr_assert(list_set_slice(l, 0, 1, absent) == -1 && is_released(l));
    cr_assert(list_sort(l) == -1 && raised(ERR_TYPE, "no order between") && is_released(l));
    cr_assert_null(threads_run(1, list_append_elsewhere, l));
    cr_assert_eq(list_length(l), 3);
    drop_owned();
}

/* --- callbacks that change the list while it compares --- */

static struct obj *list_under_test;

static int hook_clear(void) { return list_clear(list_under_test); }
static int hook_append(void)
{
    struct obj *k = key_new(0, 77);
    int failed = k ? list_append(list_under_test, k) : -1;
    obj_xdecref(k);
    return failed;
}
static int hook_drop_first(void)
{
    struct obj *gone = list_pop(list_under_test, 0);
    obj_xdecref(gone);
    return gone ? 0 : -1;
}
static int hook_insert_first(void) { return list_insert(list_under_test, 0, none_get()); }

/* [k0 … k5] in one group, and the hook for the `after`-th comparison. */
static void list_arm(int (*run)(void), int after)
{
    list_under_test = own(list_new(0));
    for (int i = 0; i < 6; i++)
        cr_assert_eq(list_append(list_under_test, key(0, i)), 0);
    key_at_compare = (struct key_hook){run, after};
}

TEST(list_search_starts_again_when_the_comparison_moved_items)
{
    for (int after = 1; after <= 4; after++) {
        list_arm(hook_drop_first, after);
        cr_assert_eq(list_index(list_under_test, key(0, 4)), 3);
        list_arm(hook_insert_first, after);
        cr_assert_eq(list_index(list_under_test, key(0, 4)), 5);
        list_arm(hook_append, after);
        cr_assert_eq(list_index(list_under_test, key(0, 4)), 4);
        list_arm(hook_clear, after);
        cr_assert_eq(list_contains(list_under_test, key(0, 4)), 0);
        cr_assert(is_released(list_under_test));
    }
    drop_owned();
}

TEST(list_remove_takes_the_right_item_when_the_comparison_moved_it)
{
    for (int after = 1; after <= 3; after++) { /* the third one finds it equal, and moves it away first */
        list_arm(hook_drop_first, after);
        cr_assert_eq(list_remove(list_under_test, key(0, 2)), 0);
        cr_assert_str_eq(shown(list_under_test), "[<0.1>, <0.3>, <0.4>, <0.5>]");
        list_arm(hook_insert_first, after);
        cr_assert_eq(list_remove(list_under_test, key(0, 2)), 0);
        cr_assert_str_eq(shown(list_under_test), "[None, <0.0>, <0.1>, <0.3>, <0.4>, <0.5>]");
        list_arm(hook_clear, after);
        cr_assert(list_remove(list_under_test, key(0, 2)) == -1 && raised(ERR_KEY, "a key"));
    }
    drop_owned();
}

TEST(list_search_passes_a_comparisons_error_on)
{
    for (int after = 1; after <= 3; after++) {
        list_arm(key_fails, after);
        cr_assert(list_index(list_under_test, key(0, 2)) == -1 && raised(ERR_VALUE, "key refuses"));
        key_at_compare = (struct key_hook){key_fails, after};
        cr_assert(list_remove(list_under_test, key(0, 2)) == -1 && raised(ERR_VALUE, "key refuses"));
        key_at_compare = (struct key_hook){key_fails, after};
        cr_assert(list_contains(list_under_test, key(0, 2)) == -1 && raised(ERR_VALUE, "key refuses"));
        cr_assert(list_length(list_under_test) == 6 && is_released(list_under_test));
    }
    cr_assert(list_remove(list_under_test, num(4711)) == -1 && raised(ERR_KEY, "4711 is not in the list"));
    cr_assert(list_index(list_under_test, text("x")) == -1 && raised(ERR_KEY, "a str"));
    drop_owned();
}

TEST(list_survives_being_changed_by_its_own_equal_and_repr)
{
    int (*const hook[])(void) = {hook_clear, hook_drop_first, hook_insert_first, hook_append};
    for (int i = 0; i < 4; i++)
        for (int after = 1; after <= 6; after++) {
            list_arm(hook[i], after);
            struct obj *other = own(list_new(0));
            for (int k = 0; k < 6; k++)
                cr_assert_eq(list_append(other, key(0, k)), 0);
            cr_assert_geq(obj_equal(list_under_test, other), 0);
            key_at_compare.run = NULL;
            key_at_repr = (struct key_hook){hook[i], after};
            shown(other);
            key_at_repr.run = NULL;
            cr_assert(is_released(list_under_test) && is_released(other));
        }
    drop_owned();
}

static int hook_read_and_append(void)
{
    obj_xdecref(list_get(list_under_test, 0));
    return list_append(list_under_test, none_get());
}

/* FIELD.md 3.4: what an operation displaces dies outside the lock, and its destructor may come back to the list. */
TEST(destructors_of_displaced_items_may_use_the_list)
{
    struct obj *k = NULL, *l = list_under_test = own(list_new(0));
    for (int64_t i = 0; i < 8; i++) {
        cr_assert_eq(list_append(l, k = key_new(0, i)), 0);
        obj_decref(k);
    }
    rc_drain();
    key_at_finalize = hook_read_and_append;
    cr_assert_eq(list_set(l, 0, none_get()), 0);
    cr_assert_eq(list_set_slice(l, 0, 2, NULL), 0);
    cr_assert_eq(list_remove(l, key(0, 3)), 0);
    obj_decref(list_pop(l, 0));
    cr_assert_eq(live_now() > 0 && list_length(l) >= 8, true);
    cr_assert_eq(list_clear(l), 0);
    rc_drain();
    cr_assert_eq(list_length(l), 4, "the last four were cleared, and each appended to what was left");
    key_at_finalize = NULL;
    drop_owned();
}

/* --- sorting --- */

TEST(list_sort_is_stable_at_every_length)
{
    build_seed = 6;
    for (int64_t length = 0; length < 200; length += length < 40 ? 1 : 37) {
        struct obj *l = own(list_new(0));
        for (int64_t i = 0; i < length; i++)
            cr_assert_eq(list_append(l, key(draw_below(5), i)), 0);
        cr_assert_eq(list_sort(l), 0);
        for (int64_t i = 1; i < length; i++) {
            const struct key *a = (struct key *)list_get_borrowed(l, i - 1), *b = (struct key *)list_get_borrowed(l, i);
            cr_assert(a->group < b->group || (a->group == b->group && a->id < b->id), "length %d", (int)length);
        }
        cr_assert_eq(list_length(l), length);
        drop_owned_since(0);
        rt_safepoint();
    }
    drop_owned();
}

/* Each of the comparisons that the sort specialises, and the mix that none fits. */
TEST(list_sort_orders_every_kind_of_item)
{
    struct obj *ints = list_of_ints(3, INT64_MIN, 0, INT64_MAX, -1), *strs = list_of(text("b"), text(""), text("ab"), text("a"));
    struct obj *floats = list_of(real(2.5), real(-1), real(0.5));
    struct obj *mixed = list_of(real(1.5), num(2), bool_get(true), big("-99999999999999999999"));
    struct obj *bigs = list_of(big("99999999999999999999"), num(5), big("-99999999999999999999"));
    struct obj *lists = list_of(list_of_ints(2), list_of_ints(1, 9), list_of_ints(1), own(list_new(0)), list_of_ints(1, 3));
    struct obj *tuples = list_of(tuple_of(num(2), num(0)), tuple_of(num(1), num(9)), tuple_of(num(1)));
    struct obj *all[] = {ints, strs, floats, mixed, bigs, lists, tuples};
    for (int i = 0; i < 7; i++)
        cr_assert_eq(list_sort(all[i]), 0);
    cr_assert_str_eq(shown(ints), "[-9223372036854775808, -1, 0, 3, 9223372036854775807]");
    cr_assert_str_eq(shown(strs), "['', 'a', 'ab', 'b']");
    cr_assert_str_eq(shown(floats), "[-1.0, 0.5, 2.5]");
    cr_assert_str_eq(shown(mixed), "[-99999999999999999999, True, 1.5, 2]");
    cr_assert_str_eq(shown(bigs), "[-99999999999999999999, 5, 99999999999999999999]");
    cr_assert_str_eq(shown(lists), "[[], [1], [1, 3], [1, 9], [2]]");
    cr_assert_str_eq(shown(tuples), "[(1,), (1, 9), (2, 0)]");
    drop_owned();
}

/* 100 keys in an order that needs runs and merges. */
static struct obj *list_of_keys_to_sort(void)
{
    struct obj *l = own(list_new(0));
    for (int64_t i = 0; i < 100; i++)
        cr_assert_eq(list_append(l, key(i * 37 % 100, i)), 0);
    return l;
}

/* Every key of 0 … 99 once. */
static bool list_holds_all_keys(struct obj *l)
{
    bool seen[100] = {0};
    for (int64_t i = 0; i < list_length(l); i++)
        seen[((struct key *)list_get_borrowed(l, i))->id] = true;
    for (int i = 0; i < 100; i++)
        if (!seen[i])
            return false;
    return list_length(l) == 100;
}

TEST(list_sort_that_fails_midway_loses_nothing)
{
    for (int after = 1; after < 600; after += 7) {
        struct obj *l = list_of_keys_to_sort();
        key_at_compare = (struct key_hook){key_fails, after};
        int failed = list_sort(l);
        cr_assert_eq(failed != 0, key_at_compare.run == NULL);
        cr_assert(!failed || raised(ERR_VALUE, "key refuses"));
        cr_assert(list_holds_all_keys(l) && is_released(l));
        key_at_compare.run = NULL;
        cr_assert(list_sort(l) == 0 && ((struct key *)list_get_borrowed(l, 0))->group == 0);
        drop_owned_since(0);
        rt_safepoint();
    }
    struct obj *l = list_of(num(3), num(1), text("x"), num(2));
    cr_assert(list_sort(l) == -1 && raised(ERR_TYPE, "no order between"));
    cr_assert(list_length(l) == 4 && list_contains(l, num(1)) == 1 && list_contains(l, text("x")) == 1);
    drop_owned();
}

static int hook_sort(void) { return list_sort(list_under_test); }

TEST(list_changed_during_its_sort_says_so_and_keeps_its_items)
{
    int (*const hook[])(void) = {hook_append, hook_insert_first, hook_clear};
    for (int i = 0; i < 3; i++)
        for (int after = 1; after < 500; after += 71) {
            struct obj *l = list_under_test = list_of_keys_to_sort();
            key_at_compare = (struct key_hook){hook[i], after};
            cr_assert(list_sort(l) == -1 && raised(ERR_CHANGED, "changed during its sort"));
            cr_assert(list_holds_all_keys(l) && is_released(l));
            drop_owned_since(0);
        }
    list_under_test = list_of_keys_to_sort(); /* it is empty meanwhile: nothing to sort, and nothing changed */
    key_at_compare = (struct key_hook){hook_sort, 5};
    cr_assert(list_sort(list_under_test) == 0 && list_holds_all_keys(list_under_test));
    drop_owned();
}

/* --- nesting --- */

TEST(nested_lists_compare_and_print)
{
    struct obj *a = list_of(num(1), list_of(text("x"), tuple_of(none_get())), own(list_new(0)));
    struct obj *b = list_of(real(1), list_of(text("x"), tuple_of(none_get())), own(list_new(0)));
    cr_assert_str_eq(shown(a), "[1, ['x', (None,)], []]");
    cr_assert(obj_equal(a, b) == 1 && obj_equal(a, list_of_ints(1)) == 0 && obj_equal(a, tuple_of(num(1))) == 0);
    cr_assert_eq(list_append(list_get_borrowed(b, 2), num(5)), 0);
    cr_assert_eq(obj_equal(a, b), 0);
    cr_assert(obj_less(list_of_ints(1, 2), list_of_ints(1, 2, 0)) == 1 && obj_less(list_of_ints(2), list_of_ints(1, 5)) == 0);
    cr_assert(obj_less(list_of_ints(1), num(1)) == -1 && raised(ERR_TYPE, "expected list"));
    drop_owned();
}

/* A list that holds itself: equal, order, hash and repr end with an error, and with the depth counted back down. */
TEST(endless_nesting_is_a_recursion_error)
{
    struct obj *a = own(list_new(0)), *b = own(list_new(0));
    cr_assert(list_append(a, a) == 0 && list_append(b, b) == 0);
    for (int i = 0; i < 3; i++) {
        cr_assert(!obj_repr(a) && raised(ERR_RECURSION, "500"));
        cr_assert(obj_equal(a, b) == -1 && raised(ERR_RECURSION, "500"));
        cr_assert(obj_less(a, b) == -1 && raised(ERR_RECURSION, "500"));
        cr_assert(is_released(a) && is_released(b));
    }
    cr_assert_eq(obj_equal(a, a), 1);
    cr_assert(list_clear(a) == 0 && list_clear(b) == 0);
    drop_owned();
}

/* `levels` lists around an empty one. */
static struct obj *list_nested(int levels)
{
    struct obj *l = own(list_new(0));
    for (int i = 0; i < levels; i++)
        l = list_of(l);
    return l;
}

TEST(nesting_works_up_to_the_limit)
{
    struct obj *a = list_nested(OBJ_DEPTH_MAX - 1), *b = list_nested(OBJ_DEPTH_MAX - 1), *over = list_nested(OBJ_DEPTH_MAX);
    cr_assert_eq(str_length(own(obj_repr(a))), 2 * OBJ_DEPTH_MAX);
    cr_assert_eq(obj_equal(a, b), 1);
    cr_assert(!obj_repr(over) && raised(ERR_RECURSION, "500"));
    cr_assert(obj_equal(over, list_nested(OBJ_DEPTH_MAX)) == -1 && raised(ERR_RECURSION, "500"));
    drop_owned();
}

/* --- deallocation (FIELD.md 3.29) --- */

/* What holds the chain so far; takes its reference. Kinds in turn when `mixed`. */
static struct obj *chain_link(struct obj *inner, bool mixed, int i)
{
    struct obj *outer;
    switch (mixed ? i % 4 : 0) {
    case 1: outer = tuple_pair(inner, inner); break;
    case 2:
        outer = dict_new(0);
        dict_set(outer, none_get(), inner);
        break;
    case 3:
        outer = list_from(&inner, 1);
        obj_decref(inner);
        inner = outer;
        outer = iter_new(inner);
        break;
    default: outer = list_from(&inner, 1);
    }
    obj_decref(inner);
    return outer;
}

static void chain_check(bool mixed, int links)
{
    int64_t before = live_now();
    struct obj *chain = list_new(0);
    for (int i = 0; i < links; i++) {
        chain = chain_link(chain, mixed, i);
        cr_assert_not_null(chain);
        rt_safepoint();
    }
    obj_decref(chain);
    cr_assert_eq(live_now(), before);
}

TEST(million_deep_chain_of_lists_is_freed_without_recursion) { chain_check(false, 1000000); }
TEST(deep_chain_of_all_containers_is_freed_without_recursion) { chain_check(true, 200000); }

static const char *chain_drop_elsewhere(struct threads_arg *a)
{
    obj_decref(a->shared);
    return NULL;
}

TEST(deep_chain_is_freed_without_recursion_by_another_thread)
{
    int64_t before = live_now();
    struct obj *chain = list_new(0);
    for (int i = 0; i < 200000; i++) {
        chain = chain_link(chain, false, i);
        rt_safepoint();
    }
    cr_assert_null(threads_run(1, chain_drop_elsewhere, chain));
    cr_assert_eq(live_now(), before);
}
