/*
 * test_iter.c -- iterators over every container, containers that change meanwhile, iterators shared by threads; tuples.
 */
#include "build.h"
#include "threads.h"

/* What is left of it, as a list. */
static struct obj *iter_rest(struct obj *i)
{
    struct obj *l = own(list_new(0)), *item;
    while (iter_next(i, &item) == 1)
        cr_assert_eq(list_append(l, own(item)), 0);
    cr_assert_null(item);
    return l;
}

/* The next item, which must be that int. */
static void iter_expect(struct obj *i, int64_t value)
{
    struct obj *item = NULL;
    cr_assert_eq(iter_next(i, &item), 1);
    cr_assert_eq(value_of(own(item)), value);
}

static bool iter_is_over(struct obj *i)
{
    struct obj *item = i;
    return iter_next(i, &item) == 0 && item == NULL;
}

TEST(iterator_yields_every_item_in_order_and_stays_exhausted)
{
    struct obj *t = tuple_of(num(0), num(1), num(2), num(3), num(4));
    struct obj *source[] = {list_of_range(0, 5), t, dict_of_range(0, 5), set_of_range(0, 5)};
    struct obj *empty[] = {own(list_new(9)), own(tuple_new(NULL, 0)), own(dict_new(9)), own(set_new(9))};
    for (int k = 0; k < 4; k++) {
        struct obj *i = own(iter_new(source[k])), *e = own(iter_new(empty[k]));
        cr_assert_str_eq(shown(iter_rest(i)), "[0, 1, 2, 3, 4]");
        cr_assert(iter_is_over(i) && iter_is_over(i) && iter_is_over(e) && is_released(i));
    }
    drop_owned();
}

TEST(iterator_owns_its_container_until_exhausted)
{
    struct obj *source[] = {list_of_ints(1), tuple_of(num(1)), dict_of_range(1, 2), set_of_range(1, 2)};
    for (int k = 0; k < 4; k++) {
        struct obj *i = own(iter_new(source[k]));
        cr_assert_eq(count_of(source[k]), 2);
        iter_expect(i, 1);
        cr_assert_eq(count_of(source[k]), 2);
        cr_assert(iter_is_over(i) && count_of(source[k]) == 1);
        cr_assert(iter_is_over(i) && count_of(source[k]) == 1);
        own(iter_new(source[k])); /* dropped before it is exhausted */
    }
    struct obj *l = list_from((struct obj *[]){num(7)}, 1), *i = own(iter_new(l));
    obj_decref(l);
    iter_expect(i, 7);
    cr_assert(iter_is_over(i));
    drop_owned();
}

TEST(list_iterator_follows_positions_while_the_list_changes)
{
    struct obj *l = list_of_ints(1, 2, 3), *i = own(iter_new(l));
    iter_expect(i, 1);
    cr_assert_eq(list_append(l, num(4)), 0);
    cr_assert_eq(list_insert(l, 0, num(0)), 0);
    iter_expect(i, 1);
    cr_assert_eq(list_set_slice(l, 0, 2, NULL), 0);
    cr_assert_str_eq(shown(l), "[2, 3, 4]");
    iter_expect(i, 4);
    cr_assert(iter_is_over(i));
    cr_assert_eq(list_append(l, num(5)), 0);
    cr_assert(iter_is_over(i), "exhausted is for good");
    drop_owned();
}

TEST(dict_or_set_that_changes_size_ends_the_iteration_with_an_error)
{
    struct obj *d = dict_of_range(0, 4), *s = set_of_range(0, 4), *item;
    struct obj *of_dict = own(iter_new(d)), *of_set = own(iter_new(s));
    iter_expect(of_dict, 0);
    iter_expect(of_set, 0);
    cr_assert(dict_set(d, num(1), text("other value")) == 0 && set_add(s, num(1)) == 0);
    iter_expect(of_dict, 1);
    iter_expect(of_set, 1);
    cr_assert(dict_set(d, num(9), num(9)) == 0 && set_discard(s, num(3)) == 1);
    cr_assert(iter_next(of_dict, &item) == -1 && !item && raised(ERR_CHANGED, "changed its size"));
    cr_assert(iter_next(of_set, &item) == -1 && !item && raised(ERR_CHANGED, "changed its size"));
    cr_assert(dict_del(d, num(9)) == 0 && set_add(s, num(3)) == 1);
    cr_assert(iter_next(of_dict, &item) == -1 && raised(ERR_CHANGED, ""), "the error stays");
    cr_assert(iter_next(of_set, &item) == -1 && raised(ERR_CHANGED, ""), "the error stays");
    cr_assert(is_released(d) && is_released(s) && is_released(of_dict));
    drop_owned();
}

TEST(iterator_survives_a_dict_that_moved_but_kept_its_size)
{
    for (int64_t seen = 0; seen <= 6; seen++) {
        struct obj *d = dict_of_range(0, 6), *i = own(iter_new(d)), *item;
        for (int64_t k = 0; k < seen; k++)
            iter_expect(i, k);
        for (int64_t k = 0; k < 40; k++) /* entries are written over and over: the table is compacted */
            cr_assert(dict_set(d, num(100 + k), num(k)) == 0 && dict_del(d, num(100 + k)) == 0);
        int64_t rest = 0;
        for (; iter_next(i, &item) == 1; rest++)
            cr_assert_eq(dict_contains(d, own(item)), 1);
        cr_assert_eq(rest, 6 - seen);
    }
    drop_owned();
}

TEST(iterator_names_the_wrong_type)
{
    struct obj *item = num(1);
    cr_assert(!iter_new(num(1)) && raised(ERR_TYPE, "int cannot be iterated"));
    cr_assert(!iter_new(text("x")) && raised(ERR_TYPE, "str cannot be iterated"));
    cr_assert(iter_next(list_of_ints(1), &item) == -1 && !item && raised(ERR_TYPE, "expected iterator, not list"));
    drop_owned();
}

enum { SHARED_ITEMS = 3000 };
struct iter_shared {
    struct obj *iter;
    _Atomic int pulled[SHARED_ITEMS];
};

static const char *iter_pull(struct threads_arg *a)
{
    struct iter_shared *s = a->shared;
    struct obj *item;
    int result;
    while ((result = iter_next(s->iter, &item)) == 1) {
        int64_t value = 0;
        int_value(item, &value);
        atomic_fetch_add_explicit(&s->pulled[value], 1, memory_order_relaxed); /* relaxed: read after the joins */
        obj_decref(item);
        rt_safepoint();
    }
    return result == 0 ? NULL : "iter_next failed";
}

/* FIELD.md 3.18: each item once, and the container is let go of once. */
TEST(threads_that_share_an_iterator_get_each_item_once)
{
    static struct iter_shared s;
    struct obj *source[] = {list_of_range(0, SHARED_ITEMS), dict_of_range(0, SHARED_ITEMS), set_of_range(0, SHARED_ITEMS)};
    for (int k = 0; k < 3; k++) {
        memset(&s, 0, sizeof s);
        s.iter = own(iter_new(source[k]));
        cr_assert_null(threads_run(RC_UNSAFE ? 1 : 3, iter_pull, &s));
        for (int i = 0; i < SHARED_ITEMS; i++)
            cr_assert_eq(atomic_load_explicit(&s.pulled[i], memory_order_relaxed), 1, "item %d of %d", i, k);
        cr_assert_eq(count_of(source[k]), 1);
    }
    drop_owned();
}

/* --- tuples --- */

TEST(tuple_index_counts_from_both_ends_and_no_further)
{
    struct obj *t = tuple_of(num(1), text("x"), none_get());
    cr_assert(value_of(own(tuple_get(t, 0))) == 1 && own(tuple_get(t, -1)) == none_get() &&
              value_of(tuple_get_borrowed(t, -3)) == 1);
    cr_assert(!tuple_get(t, 3) && raised(ERR_INDEX, "index 3 out of range (length 3)"));
    cr_assert(!tuple_get_borrowed(t, -4) && raised(ERR_INDEX, "index -4 out of range (length 3)"));
    cr_assert(!tuple_get(t, INT64_MIN) && raised(ERR_INDEX, "-9223372036854775808"));
    cr_assert(!tuple_get(num(1), 0) && raised(ERR_TYPE, "expected tuple, not int"));
    cr_assert(tuple_length(t) == 3 && tuple_length(num(1)) == -1 && raised(ERR_TYPE, "int"));
    drop_owned();
}

TEST(tuples_compare_hash_and_print)
{
    struct obj *empty = own(tuple_new(NULL, 0)), *one = tuple_of(num(1));
    struct obj *pair = own(tuple_pair(num(1), num(2))), *swapped = own(tuple_pair(num(2), num(1)));
    struct obj *nested = tuple_of(one, num(2)), *like_pair = tuple_of(real(1), big("2"));
    cr_assert_str_eq(shown(empty), "()");
    cr_assert_str_eq(shown(one), "(1,)");
    cr_assert_str_eq(shown(nested), "((1,), 2)");
    cr_assert(obj_equal(pair, like_pair) == 1 && hash_of(pair) == hash_of(like_pair));
    cr_assert(obj_equal(pair, swapped) == 0 && obj_equal(pair, one) == 0 && obj_equal(one, list_of_ints(1)) == 0);
    cr_assert(hash_of(pair) != hash_of(swapped) && hash_of(one) != hash_of(tuple_of(one)) && hash_of(empty) != hash_of(one));
    cr_assert(obj_less(empty, one) == 1 && obj_less(one, pair) == 1 && obj_less(swapped, pair) == 0 && obj_less(pair, pair) == 0);
    cr_assert(obj_less(pair, list_of_ints(1)) == -1 && raised(ERR_TYPE, "expected tuple, not list"));
    cr_assert(obj_less(one, tuple_of(none_get())) == -1 && raised(ERR_TYPE, "int and NoneType"));
    int64_t hash;
    cr_assert(obj_hash(tuple_of(num(1), own(list_new(0))), &hash) == -1 && raised(ERR_TYPE, "a list cannot be hashed"));
    drop_owned();
}

/* A table looks at the low bits first: pairs of small ints must differ there about as often as at random (647 of 1024). */
TEST(tuple_hash_reaches_the_low_bits)
{
    bool seen[1024] = {false};
    int distinct = 0;
    for (int64_t i = 0; i < 32; i++)
        for (int64_t k = 0; k < 32; k++) {
            bool *slot = &seen[hash_of(tuple_of(num(i << 20), num(k << 20))) & 1023];
            distinct += !*slot;
            *slot = true;
        }
    cr_assert_gt(distinct, 550, "%d", distinct);
    drop_owned();
}

TEST(tuple_passes_its_items_errors_on)
{
    struct obj *a = tuple_of(num(1), key(1, 1)), *b = tuple_of(num(1), key(1, 1));
    int64_t hash;
    key_at_compare = (struct key_hook){key_fails, 1};
    cr_assert(obj_equal(a, b) == -1 && raised(ERR_VALUE, "key refuses"));
    key_at_compare = (struct key_hook){key_fails, 1};
    cr_assert(obj_less(a, b) == -1 && raised(ERR_VALUE, "key refuses"));
    key_at_hash = (struct key_hook){key_fails, 1};
    cr_assert(obj_hash(a, &hash) == -1 && raised(ERR_VALUE, "key refuses"));
    key_at_repr = (struct key_hook){key_fails, 1};
    cr_assert(!obj_repr(a) && raised(ERR_VALUE, "key refuses"));
    cr_assert(obj_equal(a, b) == 1 && heap_self()->depth == 0);
    drop_owned();
}

/* --- what a collector of cycles asks of every container --- */

static int stop_at_first(struct obj *child, void *seen)
{
    ++*(int *)seen;
    return child ? 77 : 0;
}

TEST(traverse_visits_every_reference_and_stops_when_told)
{
    struct obj *l = list_of_ints(1, 2, 3), *d = dict_of_range(0, 3);
    struct obj *all[] = {l, tuple_of(l, l), d, set_of_range(0, 5), own(iter_new(l))};
    static const int children[] = {3, 2, 6, 5, 1};
    cr_assert_eq(dict_del(d, num(1)), 0);
    cr_assert_eq(dict_set(d, num(1), l), 0);
    for (int i = 0; i < 5; i++) {
        int seen = 0;
        cr_assert_eq(children_of(all[i]), children[i]);
        cr_assert(all[i]->type->traverse(all[i], stop_at_first, &seen) == 77 && seen == 1);
    }
    drop_owned();
}

TEST(clear_slot_breaks_cycles)
{
    struct obj *l = list_new(0), *d = dict_new(0), *t = tuple_pair(l, d), *i = iter_new(l);
    cr_assert(list_append(l, t) == 0 && list_append(l, i) == 0 && dict_set(d, none_get(), t) == 0);
    d->type->clear(d);
    i->type->clear(i);
    l->type->clear(l);
    cr_assert(children_of(l) == 0 && children_of(d) == 0 && children_of(i) == 0 && iter_is_over(i));
    obj_decref(t);
    obj_decref(i);
    obj_decref(l);
    obj_decref(d);
}
