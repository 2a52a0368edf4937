/*
 * test_local_wrapper.c -- the wrapper: every operation works through it, and none of them counts the target.
 */
#include "build.h"
#include "threads.h"

#include "../objects/atomic_flag.h"
#include "../objects/atomic_int.h"
#include "../objects/atomic_reference.h"
#include "../objects/bounded_queue.h"
#include "../objects/concurrent_dict.h"
#include "../objects/concurrent_deque.h"
#include "../objects/concurrent_queue.h"
#include "../objects/gathering_iterator.h"
#include "../objects/interval_lock.h"
#include "../objects/local_wrapper.h"
#include "../objects/rwlock.h"
#include "../objects/section.h"
#include "../objects/thread_local.h"
#include "../objects/weak.h"
#include "../objects/weakdict.h"

enum { WRAPPER_USES = 1000000 };

static struct obj *wrap(struct obj *o) { return own(local_wrapper_new(o)); }

TEST(wrapper_counts_its_target_once)
{
    struct obj *l = list_of_ints(1, 2, 3);
    struct obj *w = local_wrapper_new(l);
    cr_assert_eq(count_of(l), 2);
    obj_decref(w);
    cr_assert_eq(count_of(l), 1);
    drop_owned();
}

TEST(wrapper_of_a_wrapper_wraps_what_that_wraps)
{
    struct obj *l = list_of_ints(1), *w = wrap(l), *again = wrap(w);
    cr_assert(local_wrapper_peel(again) == l && local_wrapper_peel(w) == l && local_wrapper_peel(l) == l);
    cr_assert(count_of(l) == 3 && count_of(w) == 1);
    drop_owned();
}

TEST(wrapper_gives_its_target_as_a_new_reference)
{
    struct obj *l = list_of_ints(1), *w = wrap(l), *got = local_wrapper_get(w), *same = local_wrapper_get(l);
    cr_assert(got == l && same == l && count_of(l) == 4);
    obj_decref(got);
    obj_decref(same);
    drop_owned();
}

TEST(wrapper_keeps_its_target_alive)
{
    struct obj *l = list_new(0), *w = local_wrapper_new(l);
    obj_decref(l);
    cr_assert_eq(list_append(w, none_get()), 0);
    cr_assert_eq(list_length(w), 1);
    obj_decref(w);
}

/* --- every operation --- */

TEST(wrapped_list_does_what_a_list_does)
{
    struct obj *l = list_of_ints(3, 1, 2), *w = wrap(l), *other = wrap(list_of_ints(7, 8)), *t = wrap(tuple_of(num(9)));
    cr_assert(list_length(w) == 3 && value_of(own(list_get(w, 0))) == 3 && list_set(w, 0, num(4)) == 0);
    cr_assert(list_append(w, num(5)) == 0 && list_insert(w, 0, num(6)) == 0 && value_of(own(list_pop(w, 0))) == 6);
    cr_assert(list_extend(w, other) == 0 && list_extend(w, t) == 0 && list_extend(w, w) == 0);
    cr_assert_str_eq(shown(l), "[4, 1, 2, 5, 7, 8, 9, 4, 1, 2, 5, 7, 8, 9]");
    cr_assert(list_set_slice(w, 7, 14, NULL) == 0 && list_set_slice(w, 0, 1, other) == 0 && list_set_slice(w, 0, 2, w) == 0);
    cr_assert(list_remove(w, num(9)) == 0 && list_index(w, num(5)) >= 0 && list_contains(w, num(9)) == 1);
    cr_assert(list_reverse(w) == 0 && list_sort(w) == 0);
    cr_assert_str_eq(shown(w), shown(l));
    struct obj *all = own(list_slice(w, 0, 100));
    cr_assert(all != l && obj_equal(all, w) == 1 && obj_equal(w, all) == 1, "a slice is a new list");
    cr_assert(list_clear(w) == 0 && list_length(l) == 0);
    cr_assert_eq(count_of(l), 2);
    drop_owned();
}

TEST(wrapped_dict_does_what_a_dict_does)
{
    struct obj *d = dict_of_range(0, 4), *w = wrap(d), *value;
    cr_assert(dict_length(w) == 4 && dict_get(w, num(3), &value) == 1 && value_of(own(value)) == -3);
    cr_assert(dict_set(w, num(9), num(1)) == 0 && dict_contains(w, num(9)) == 1 && dict_del(w, num(9)) == 0);
    cr_assert(dict_setdefault(w, num(8), num(2), &value) == 0 && value_of(own(value)) == 2);
    cr_assert(dict_pop(w, num(8), &value) == 1 && value_of(own(value)) == 2);
    cr_assert(dict_update(w, wrap(dict_of_range(10, 12))) == 0 && dict_length(d) == 6);
    cr_assert(list_length(own(dict_keys(w))) == 6 && list_length(own(dict_items(w))) == 6 && list_length(own(dict_values(w))) == 6);
    cr_assert(obj_equal(own(dict_copy(w)), w) == 1 && obj_equal(w, d) == 1 && obj_equal(d, w) == 1);
    cr_assert(dict_clear(w) == 0 && dict_length(d) == 0 && count_of(d) == 2);
    drop_owned();
}

TEST(wrapped_set_does_what_a_set_does)
{
    struct obj *s = set_of_range(0, 4), *w = wrap(s), *x = wrap(set_of_range(2, 6));
    cr_assert(set_length(w) == 4 && set_add(w, num(9)) == 1 && set_remove(w, num(9)) == 0 && set_discard(w, num(9)) == 0);
    cr_assert(set_length(own(set_union(w, x))) == 6 && set_length(own(set_intersection(w, x))) == 2);
    cr_assert(set_length(own(set_difference(w, x))) == 2 && set_length(own(set_symmetric_difference(w, x))) == 4);
    cr_assert(set_is_subset(w, x) == 0 && set_contains(w, num(3)) == 1 && obj_equal(own(set_copy(w)), w) == 1);
    cr_assert(set_update(w, x) == 0 && set_length(s) == 6 && list_length(own(set_items(w))) == 6);
    cr_assert(value_of(own(set_pop(w))) == 5 && set_clear(w) == 0 && set_length(s) == 0 && count_of(s) == 2);
    drop_owned();
}

TEST(wrapped_str_does_what_a_str_does)
{
    struct obj *s = text("hello"), *w = wrap(s), *whole = str_slice(w, 0, 99);
    cr_assert(whole == s && count_of(s) == 3, "a full slice is the target, counted");
    obj_decref(whole);
    cr_assert(str_length(w) == 5 && strcmp(str_bytes(w), "hello") == 0);
    cr_assert_str_eq(str_bytes(own(str_concat(w, w))), "hellohello");
    cr_assert_str_eq(str_bytes(own(str_slice(w, 1, 3))), "el");
    cr_assert(obj_equal(w, text("hello")) == 1 && obj_equal(text("hello"), w) == 1 && hash_of(w) == hash_of(s));
    cr_assert(obj_less(w, text("hellp")) == 1 && obj_less(text("hella"), w) == 1 && count_of(s) == 2);
    drop_owned();
}

TEST(wrapped_numbers_count)
{
    struct obj *a = num(1000), *b = big("100000000000000000000"), *f = real(0.5);
    struct obj *x = wrap(a), *y = wrap(b), *z = wrap(f), *truth = wrap(bool_get(true));
    int64_t value;
    double real_value;
    cr_assert(value_of(own(int_add(x, x))) == 2000 && value_of(own(int_sub(x, num(1)))) == 999);
    cr_assert(value_of(own(int_mul(truth, x))) == 1000 && value_of(own(int_floordiv(y, y))) == 1);
    cr_assert(value_of(own(int_mod(x, num(7)))) == 6 && value_of(own(int_neg(x))) == -1000);
    cr_assert(int_compare(x, y) == -1 && int_low64(x) == 1000 && int_value(x, &value) == 0 && value == 1000);
    cr_assert(int_value(y, &value) == -1 && raised(ERR_OVERFLOW, "64 bits"));
    cr_assert(float_value(z, &real_value) == 0 && real_value == 0.5 && float_value(x, &real_value) == 0 && real_value == 1000);
    cr_assert(obj_equal(x, a) == 1 && obj_equal(a, x) == 1 && obj_equal(a, z) == 0 && obj_less(f, x) == 1 && obj_less(x, f) == 0);
    cr_assert(obj_equal(x, wrap(real(1000.0))) == 1 && hash_of(y) == hash_of(b));
    cr_assert(count_of(a) == 2 && count_of(b) == 2 && count_of(f) == 2);
    drop_owned();
}

TEST(wrapped_tuple_iterator_key_and_weak_reference_work)
{
    struct obj *t = tuple_of(num(1), num(2)), *w = wrap(t), *item, *value, *target;
    cr_assert(tuple_length(w) == 2 && value_of(own(tuple_get(w, -1))) == 2 && value_of(tuple_get_borrowed(w, 0)) == 1);
    cr_assert(obj_equal(w, t) == 1 && obj_equal(t, w) == 1 && hash_of(w) == hash_of(t) && obj_less(t, w) == 0 && obj_less(w, t) == 0);
    struct obj *it = wrap(own(iter_new(t)));
    cr_assert(iter_next(it, &item) == 1 && value_of(own(item)) == 1);
    struct obj *k = wrap(own(thread_local_new(NULL)));
    cr_assert(thread_local_set(k, num(5)) == 0 && thread_local_get(k, &value) == 1 && value_of(own(value)) == 5);
    struct obj *weak = wrap(own(weak_new(t)));
    cr_assert(weak_get(weak, &target) == 1 && own(target) == t);
    struct obj *weakdict = wrap(own(weakdict_new()));
    cr_assert(weakdict_set(weakdict, num(1), t) == 0 && weakdict_length(weakdict) == 1);
    drop_owned();
}

TEST(wrapped_atomics_and_concurrent_dict_work)
{
    struct obj *i = wrap(own(atomic_int_new(41))), *f = wrap(own(atomic_flag_new(false))), *d = wrap(own(concurrent_dict_new(0)));
    struct obj *r = wrap(own(atomic_reference_new(none_get()))), *all[] = {i, f, d, r}, *value, *other = wrap(dict_of_range(0, 3));
    int64_t now;
    cr_assert(atomic_int_incr(i, &now) == 0 && now == 42 && atomic_int_get(i, &now) == 0 && now == 42);
    cr_assert(obj_equal(i, num(42)) == 1 && obj_equal(num(42), i) == 1 && atomic_int_compare(i, wrap(num(1000))) == -1);
    cr_assert(obj_less(i, num(43)) == 1 && value_of(own(atomic_int_apply(int_add, i, i))) == 84);
    cr_assert(atomic_flag_set(f, true) == 0 && atomic_flag_test(f) == 1);
    cr_assert(atomic_reference_set(r, num(5)) == 0 && value_of(own(atomic_reference_get(r))) == 5);
    cr_assert(concurrent_dict_set(d, num(7), num(8)) == 0 && concurrent_dict_get(d, num(7), &value) == 1 && value_of(own(value)) == 8);
    cr_assert(concurrent_dict_setdefault(d, num(9), num(1), &value) == 0 && value_of(own(value)) == 1);
    cr_assert(concurrent_dict_pop(d, num(9), &value) == 1 && value_of(own(value)) == 1 && concurrent_dict_contains(d, num(9)) == 0);
    cr_assert(concurrent_dict_update(d, other) == 0 && concurrent_dict_update(d, d) == 0 && concurrent_dict_length(d) == 4);
    cr_assert(obj_equal(d, local_wrapper_peel(d)) == 1 && obj_equal(local_wrapper_peel(d), d) == 1);
    for (int k = 0; k < 4; k++)
        cr_assert_eq(count_of(local_wrapper_peel(all[k])), 2);
    drop_owned();
}

TEST(wrapped_queues_deques_and_locks_work)
{
    struct obj *q = wrap(own(concurrent_queue_new(1))), *b = wrap(own(bounded_queue_new(2))), *d = wrap(own(concurrent_deque_new()));
    struct obj *g = wrap(own(gathering_iterator_new())), *rw = wrap(own(rwlock_new())), *il = wrap(own(interval_lock_new(0)));
    struct obj *all[] = {q, b, d, g, rw, il};
    cr_assert(concurrent_queue_push(q, num(1)) == 0 && concurrent_queue_size(q) == 1 && value_of(own(concurrent_queue_pop(q, 0))) == 1);
    cr_assert(bounded_queue_put(b, num(2), 0) == 0 && bounded_queue_size(b) == 1 && value_of(own(bounded_queue_get(b, 0))) == 2);
    struct obj *items = tuple_of(num(3), num(4));
    cr_assert(concurrent_deque_extend(d, wrap(items)) == 0 && concurrent_deque_extend(d, wrap(list_of_ints(5))) == 0);
    cr_assert(concurrent_deque_extend(d, d) == 0 && concurrent_deque_length(d) == 6 && count_of(items) == 2);
    cr_assert(gathering_iterator_insert(g, 0, num(6)) == 0);
    cr_assert(rwlock_read_lock(rw) == 0 && rwlock_readers(rw) == 1 && rwlock_read_unlock(rw) == 0);
    cr_assert(interval_lock_lock(il) == 0 && interval_lock_poll(il) == 0 && interval_lock_unlock(il) == 0);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(count_of(local_wrapper_peel(all[i])), 2);
    drop_owned();
}

TEST(wrapper_is_a_key_like_its_target)
{
    struct obj *s = text("key"), *w = wrap(s), *d = own(dict_new(0)), *value;
    cr_assert(dict_set(d, s, num(1)) == 0 && dict_get(d, w, &value) == 1 && value_of(own(value)) == 1);
    cr_assert(dict_set(d, w, num(2)) == 0 && dict_length(d) == 1);
    struct obj *other = own(dict_new(0));
    cr_assert(dict_set(other, w, num(3)) == 0 && dict_get(other, text("key"), &value) == 1 && value_of(own(value)) == 3);
    drop_owned();
}

TEST(wrapper_of_the_wrong_type_is_refused_by_its_targets_name)
{
    struct obj *w = wrap(num(1000)), *hash = wrap(list_of_ints(1));
    int64_t h;
    cr_assert(list_append(w, w) == -1 && raised(ERR_TYPE, "expected list, not int"));
    cr_assert(dict_length(w) == -1 && raised(ERR_TYPE, "not int"));
    cr_assert(!int_add(hash, w) && raised(ERR_TYPE, "expected int"));
    cr_assert(obj_hash(hash, &h) == -1 && raised(ERR_TYPE, "list cannot be hashed"));
    cr_assert(obj_less(w, hash) == -1 && raised(ERR_TYPE, "no order"));
    cr_assert(list_extend(hash, w) == -1 && raised(ERR_TYPE, "list or tuple, not int"));
    drop_owned();
}

TEST(wrapper_without_memory_leaves_the_target_alone)
{
    struct obj *l = list_of_ints(1), *w[64];
    int made = 0;
    os_fault_plan(1, true);
    while (made < 64 && (w[made] = local_wrapper_new(l)) != NULL) /* the freelist's blocks first */
        made++;
    os_fault_plan(0, false);
    cr_assert(made == 64 || raised(ERR_MEMORY, "memory"));
    cr_assert_eq(count_of(l), made + 1);
    while (made > 0)
        obj_decref(w[--made]);
    drop_owned();
}

/* --- the count --- */

/* Counts of mortal objects that this thread has written; with all of them on one account. */
static uint64_t wrapper_counts(void)
{
    const uint64_t *v = rt_self->counts.value;
    return v[RC_STAT_incref] + v[RC_STAT_incref_shared] + v[RC_STAT_decref] + v[RC_STAT_decref_shared] + v[RC_STAT_log_inc] +
           v[RC_STAT_log_dec] + v[RC_STAT_log_direct];
}

/* Small ints are immortal: what is counted here could only be the containers (or the ints, where a strategy counts immortal ones in the same
 * place: then as often without wrappers). False: something failed. */
static bool wrapper_use(struct obj *list, struct obj *dict, struct obj *set, struct obj *str)
{
    struct obj *one = int_new(1), *value, *item;
    int64_t hash;
    bool right = list_append(list, one) == 0 && list_set(list, 0, one) == 0 && (item = list_pop(list, -1)) == one &&
                 list_contains(list, one) == 1 && dict_set(dict, one, one) == 0 && dict_get(dict, one, &value) == 1 &&
                 value == one && set_contains(set, one) == 1 && obj_hash(str, &hash) == 0 && str_length(str) == 4 &&
                 obj_equal(str, str) == 1 && list_length(list) == 1;
    return right; /* nothing to drop: the ints are immortal */
}

TEST(million_uses_through_wrappers_count_nothing)
{
    struct obj *l = list_of_ints(1), *d = dict_of_range(0, 2), *s = set_of_range(0, 2), *t = text("text");
    struct obj *wl = wrap(l), *wd = wrap(d), *ws = wrap(s), *wt = wrap(t);
    struct obj *all[] = {l, d, s, t, wl, wd, ws, wt};
    struct rc_head before[8];
    int uses = WRAPPER_USES;
#ifdef OS_TSAN
    uses /= 10;
#endif
    uint64_t start = wrapper_counts();
    bool right = true;
    for (int i = 0; i < uses && right; i++)
        right = wrapper_use(l, d, s, t);
    uint64_t direct = wrapper_counts() - start;
    rc_drain();
    for (int i = 0; i < 8; i++)
        memcpy(&before[i], &all[i]->rc, sizeof before[i]);
    start = wrapper_counts();
    for (int i = 0; i < uses && right; i++)
        right = wrapper_use(wl, wd, ws, wt);
    cr_assert(right);
    cr_assert_eq(wrapper_counts() - start, direct, "%llu counts, %llu without wrappers", (unsigned long long)(wrapper_counts() - start),
                 (unsigned long long)direct);
    rc_drain();
    for (int i = 0; i < 8; i++)
        cr_assert_eq(memcmp(&before[i], &all[i]->rc, sizeof before[i]), 0, "the head of number %d has changed", i);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(count_of(all[i]), 2);
    drop_owned();
}

TEST(iterating_through_a_wrapper_counts_the_wrapper)
{
    struct obj *l = list_of_range(0, 10), *d = dict_of_range(0, 10), *all[] = {wrap(l), wrap(d)}, *item;
    for (int i = 0; i < 2; i++) {
        struct obj *it = iter_new(all[i]);
        int seen = 0;
        cr_assert_not_null(it);
        cr_assert(count_of(local_wrapper_peel(all[i])) == 2 && count_of(all[i]) == 2);
        for (; iter_next(it, &item) == 1; seen++)
            obj_decref(item);
        cr_assert(seen == 10 && count_of(all[i]) == 1, "exhausted: it lets go");
        obj_decref(it);
    }
    drop_owned();
}

TEST(section_of_a_wrapper_holds_the_targets_lock)
{
    struct obj *l = list_of_ints(1), *w = wrap(l);
    struct section outer, inner;
    section_begin(&outer, w);
    cr_assert(LOCK_NONE || outer.low == &((struct list *)l)->lock);
    section_begin_two(&inner, w, l); /* has its lock already */
    cr_assert(LOCK_NONE || !inner.entered);
    section_end(&inner);
    section_end(&outer);
    drop_owned();
}

TEST(collector_sees_through_wrappers)
{
    struct obj *l = list_new(0), *w = local_wrapper_new(l);
    cr_assert_eq(children_of(w), 1);
    cr_assert_eq(list_append(l, w), 0); /* a cycle */
    obj_decref(w);
    l->type->clear(l);
    obj_decref(l);
}

#if !RC_UNSAFE

struct wrapper_share {
    struct obj *dict;
    int uses;
};
/* What using it has counted; UINT64_MAX: it failed. */
static uint64_t wrapper_used(struct obj *dict, struct obj *key, int uses)
{
    uint64_t counts = wrapper_counts();
    struct obj *value;
    for (int i = 0; i < uses; i++) {
        if (dict_set(dict, key, key) != 0 || dict_get(dict, key, &value) != 1 || value != key)
            return UINT64_MAX;
        rt_safepoint();
    }
    return wrapper_counts() - counts;
}
/* A wrapper of its own for each thread: the one count is when it is made and when it is dropped. */
static const char *wrapper_crowd(struct threads_arg *a)
{
    struct wrapper_share *s = a->shared;
    struct obj *w = local_wrapper_new(s->dict), *key = int_new(a->index);
    if (!w)
        return "no memory";
    uint64_t direct = wrapper_used(s->dict, key, s->uses), wrapped = wrapper_used(w, key, s->uses);
    obj_decref(w);
    if (direct == UINT64_MAX || wrapped == UINT64_MAX)
        return "the dict failed";
    return wrapped == direct ? NULL : "something was counted";
}
TEST(threads_with_wrappers_of_their_own_count_nothing)
{
    struct wrapper_share s = {.dict = own(dict_new(0)), .uses = 20000};
    const char *verdict = threads_run(4, wrapper_crowd, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(count_of(s.dict), 1);
    drop_owned();
}

#endif
