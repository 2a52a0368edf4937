/*
 * test_concurrent_dict.c -- ConcurrentDict: each operation, keys that interfere, shards and their growth, memory that runs out, many
 * threads, recorded histories.
 */
#include "../objects/concurrent_dict.h"
#include "build.h"
#include "linearizability.h"
#include "threads.h"

static struct obj *shared_new(void) { return own(concurrent_dict_new(0)); }

/* {from: -from, …} */
static struct obj *shared_of_range(int64_t from, int64_t to)
{
    struct obj *d = shared_new();
    for (int64_t i = from; i < to; i++)
        cr_assert_eq(concurrent_dict_set(d, num(i), num(-i)), 0);
    return d;
}

/* The value at that key, or -1: none. */
static int64_t shared_value(struct obj *d, struct obj *key)
{
    struct obj *value = d;
    int found = concurrent_dict_get(d, key, &value);
    cr_assert(found >= 0 && found == (value != NULL) && concurrent_dict_contains(d, key) == found);
    return found ? value_of(own(value)) : -1;
}

static int shared_bits(struct obj *d) { return concurrent_newest(d)->bits; }

/* No shard is locked. */
static bool shared_is_released(struct obj *d)
{
    for (struct concurrent_shards *s = concurrent_newest(d); s; s = s->older)
        for (size_t i = 0; i < (size_t)1 << s->bits; i++) {
            if (!lock_try(&s->shard[i].lock))
                return false;
            lock_release(&s->shard[i].lock);
        }
    return heap_self()->depth == 0;
}

/* --- one key --- */

TEST(concurrent_dict_begins_empty)
{
    struct obj *d = shared_new();
    cr_assert(concurrent_dict_length(d) == 0 && shared_value(d, num(1)) == -1);
    cr_assert_str_eq(shown(d), "ConcurrentDict({})");
    drop_owned();
}

TEST(concurrent_dict_gives_back_what_was_set)
{
    struct obj *d = shared_new();
    cr_assert(concurrent_dict_set(d, text("a"), num(1)) == 0 && concurrent_dict_set(d, num(7), num(2)) == 0);
    cr_assert(shared_value(d, text("a")) == 1 && shared_value(d, num(7)) == 2 && concurrent_dict_length(d) == 2);
    drop_owned();
}

TEST(concurrent_dict_get_of_a_missing_key_is_no_error)
{
    struct obj *d = shared_of_range(0, 3), *value = d;
    cr_assert(concurrent_dict_get(d, num(5), &value) == 0 && !value && err_code() == ERR_NONE);
    drop_owned();
}

TEST(concurrent_dict_set_replaces_the_value_and_keeps_the_first_key)
{
    struct obj *d = shared_new(), *first = key(1, 1), *same = key(1, 1);
    cr_assert(concurrent_dict_set(d, first, num(1)) == 0 && concurrent_dict_set(d, same, num(2)) == 0);
    cr_assert(concurrent_dict_length(d) == 1 && shared_value(d, first) == 2 && count_of(first) == 2 && count_of(same) == 1);
    drop_owned();
}

TEST(concurrent_dict_del_takes_the_key_out)
{
    struct obj *d = shared_of_range(0, 3);
    cr_assert(concurrent_dict_del(d, num(1)) == 0 && shared_value(d, num(1)) == -1 && concurrent_dict_length(d) == 2);
    cr_assert(shared_value(d, num(0)) == 0 && shared_value(d, num(2)) == -2);
    drop_owned();
}

TEST(concurrent_dict_del_names_the_key_that_is_missing)
{
    struct obj *d = shared_of_range(0, 3);
    cr_assert(concurrent_dict_del(d, num(4711)) == -1 && raised(ERR_KEY, "4711"));
    cr_assert(concurrent_dict_del(d, text("x")) == -1 && raised(ERR_KEY, "str") && concurrent_dict_length(d) == 3);
    drop_owned();
}

TEST(concurrent_dict_keys_can_come_again)
{
    struct obj *d = shared_new();
    for (int64_t i = 1; i <= 100; i++)
        cr_assert(concurrent_dict_set(d, num(5), num(i)) == 0 && shared_value(d, num(5)) == i && concurrent_dict_del(d, num(5)) == 0);
    cr_assert_eq(concurrent_dict_length(d), 0);
    drop_owned();
}

TEST(concurrent_dict_setdefault_inserts_once)
{
    struct obj *d = shared_new(), *a = num(1001), *b = num(1002), *found = NULL;
    cr_assert(concurrent_dict_setdefault(d, num(1), a, &found) == 0 && own(found) == a);
    cr_assert(concurrent_dict_setdefault(d, num(1), b, &found) == 1 && own(found) == a && concurrent_dict_length(d) == 1);
    drop_owned();
}

TEST(concurrent_dict_pop_gives_the_value_once)
{
    struct obj *d = shared_new(), *v = key(1, 1), *value = NULL;
    cr_assert(concurrent_dict_set(d, num(1), v) == 0 && concurrent_dict_pop(d, num(1), &value) == 1 && own(value) == v);
    cr_assert(concurrent_dict_pop(d, num(1), &value) == 0 && !value && err_code() == ERR_NONE && count_of(v) == 2);
    drop_owned();
}

TEST(concurrent_dict_holds_none_as_a_value)
{
    struct obj *d = shared_new(), *value = NULL;
    cr_assert(concurrent_dict_set(d, none_get(), none_get()) == 0 && concurrent_dict_contains(d, none_get()) == 1);
    cr_assert(concurrent_dict_get(d, none_get(), &value) == 1 && own(value) == none_get());
    cr_assert(concurrent_dict_pop(d, none_get(), &value) == 1 && own(value) == none_get());
    drop_owned();
}

/* --- replace --- */

TEST(concurrent_dict_replace_asks_for_identity)
{
    struct obj *d = shared_new(), *a = key(1, 1), *equal = key(1, 1), *b = key(1, 2), *k = num(1), *value = NULL;
    cr_assert_eq(concurrent_dict_set(d, k, a), 0);
    cr_assert(concurrent_dict_replace(d, k, equal, b) == 0 && concurrent_dict_replace(d, k, NULL, b) == 0 && count_of(b) == 1);
    cr_assert(concurrent_dict_replace(d, k, a, b) == 1 && concurrent_dict_get(d, k, &value) == 1 && own(value) == b);
    cr_assert(count_of(a) == 1 && count_of(b) == 3 && concurrent_dict_replace(d, k, a, a) == 0);
    drop_owned();
}

TEST(concurrent_dict_replace_of_nothing_inserts)
{
    struct obj *d = shared_new(), *a = key(1, 1), *k = num(1);
    cr_assert(concurrent_dict_replace(d, k, a, a) == 0 && concurrent_dict_length(d) == 0);
    cr_assert(concurrent_dict_replace(d, k, NULL, NULL) == 1 && concurrent_dict_length(d) == 0);
    cr_assert(concurrent_dict_replace(d, k, NULL, a) == 1 && concurrent_dict_length(d) == 1 && count_of(a) == 2);
    drop_owned();
}

TEST(concurrent_dict_replace_by_nothing_removes)
{
    struct obj *d = shared_new(), *a = key(1, 1), *k = key(2, 2);
    cr_assert(concurrent_dict_set(d, k, a) == 0 && concurrent_dict_replace(d, k, k, NULL) == 0);
    cr_assert(concurrent_dict_replace(d, k, a, NULL) == 1 && concurrent_dict_length(d) == 0 && count_of(a) == 1 && count_of(k) == 1);
    drop_owned();
}

/* --- compute and upsert --- */

static struct obj *shared_in_use;
static int shared_calls;

/* value + *arg; a missing one counts as 0. A sum of 0 is to be missing. */
static int shared_add(void *arg, struct obj *key, struct obj *old, struct obj **value)
{
    int64_t n = 0;
    (void)key;
    if (old && int_value(old, &n) != 0)
        return -1;
    n += *(int64_t *)arg;
    *value = n ? int_new(n) : NULL;
    return n && !*value ? -1 : 0;
}
static int shared_add_counted(void *arg, struct obj *key, struct obj *old, struct obj **value)
{
    shared_calls++;
    return shared_add(arg, key, old, value);
}
static int64_t shared_computed(struct obj *d, int64_t k, int64_t more)
{
    struct obj *now = d, *key = num(k);
    int there = concurrent_dict_compute(d, key, shared_add, &more, &now);
    cr_assert(there >= 0 && there == (now != NULL));
    return there ? value_of(own(now)) : 0;
}

TEST(concurrent_dict_compute_makes_changes_and_removes)
{
    struct obj *d = shared_new();
    cr_assert(shared_computed(d, 1, 5) == 5 && shared_value(d, num(1)) == 5);
    cr_assert(shared_computed(d, 1, 37) == 42 && shared_value(d, num(1)) == 42);
    cr_assert(shared_computed(d, 1, -42) == 0 && concurrent_dict_length(d) == 0);
    cr_assert(shared_computed(d, 2, 0) == 0 && concurrent_dict_length(d) == 0, "nothing to nothing");
    drop_owned();
}

static int shared_refuses(void *arg, struct obj *key, struct obj *old, struct obj **value)
{
    (void)arg, (void)key, (void)old, (void)value;
    return key_fails();
}
TEST(concurrent_dict_compute_that_fails_changes_nothing)
{
    struct obj *d = shared_of_range(1, 3), *now = d;
    cr_assert(concurrent_dict_compute(d, num(1), shared_refuses, NULL, &now) == -1 && !now && raised(ERR_VALUE, "key refuses"));
    cr_assert(concurrent_dict_compute(d, num(9), shared_refuses, NULL, &now) == -1 && !now && raised(ERR_VALUE, "key refuses"));
    cr_assert(concurrent_dict_length(d) == 2 && shared_value(d, num(1)) == -1 && shared_is_released(d));
    drop_owned();
}

/* The first time, it changes the value that it was called with: as another thread would. */
static int shared_interferes(void *arg, struct obj *key, struct obj *old, struct obj **value)
{
    if (shared_calls++ == 0 && concurrent_dict_set(shared_in_use, key, arg) != 0)
        return -1;
    int64_t n = 0, one = 1;
    return old && int_value(old, &n) != 0 ? -1 : shared_add(&one, key, old, value);
}
TEST(concurrent_dict_compute_is_called_again_when_the_value_has_changed)
{
    struct obj *now = NULL;
    shared_in_use = shared_of_range(1, 3);
    for (int64_t k = 2; k < 4; k++) { /* a value that is replaced; a key that appears */
        shared_calls = 0;
        cr_assert_eq(concurrent_dict_compute(shared_in_use, num(k), shared_interferes, num(1000), &now), 1);
        cr_assert(value_of(own(now)) == 1001 && shared_value(shared_in_use, num(k)) == 1001, "the interfering set is not lost");
        cr_assert_eq(shared_calls, 2);
    }
    drop_owned();
}

/* No lock is held: it may use the dict, the same shard included. */
static int shared_uses_all(void *arg, struct obj *key, struct obj *old, struct obj **value)
{
    int64_t n = 0;
    for (int64_t i = 100; i < 140; i++) {
        struct obj *k = int_new(i);
        int failed = concurrent_dict_set(shared_in_use, k, k);
        obj_decref(k);
        if (failed)
            return -1;
    }
    (void)arg, (void)key;
    *value = int_value(old, &n) == 0 ? int_new(n * 10) : NULL;
    return *value ? 0 : -1;
}
TEST(concurrent_dict_compute_may_use_the_dict)
{
    struct obj *now = NULL;
    shared_in_use = shared_of_range(1, 3);
    cr_assert(concurrent_dict_compute(shared_in_use, num(2), shared_uses_all, NULL, &now) == 1 && value_of(own(now)) == -20);
    cr_assert(concurrent_dict_length(shared_in_use) == 42 && shared_value(shared_in_use, num(2)) == -20);
    drop_owned();
}

TEST(concurrent_dict_upsert_asks_only_for_a_value_that_is_there)
{
    struct obj *d = shared_new(), *now = NULL;
    int64_t more = 3;
    shared_calls = 0;
    cr_assert(concurrent_dict_upsert(d, num(1), num(40), shared_add_counted, &more, &now) == 1 && value_of(own(now)) == 40 && shared_calls == 0);
    cr_assert(concurrent_dict_upsert(d, num(1), num(99), shared_add_counted, &more, &now) == 1 && value_of(own(now)) == 43 && shared_calls == 1);
    cr_assert(concurrent_dict_upsert(d, num(1), num(99), shared_refuses, NULL, &now) == -1 && !now && raised(ERR_VALUE, "refuses"));
    drop_owned();
}

/* --- whole dicts --- */

TEST(concurrent_dict_length_follows)
{
    struct obj *d = shared_new();
    for (int64_t i = 0; i < 200; i++)
        cr_assert(concurrent_dict_set(d, num(i), num(i)) == 0 && concurrent_dict_length(d) == i + 1);
    for (int64_t i = 0; i < 200; i++)
        cr_assert(concurrent_dict_del(d, num(i)) == 0 && concurrent_dict_length(d) == 199 - i);
    drop_owned();
}

TEST(concurrent_dict_update_from_a_dict)
{
    struct obj *d = shared_of_range(0, 3);
    cr_assert(concurrent_dict_update(d, dict_of_range(2, 50)) == 0 && concurrent_dict_length(d) == 50);
    cr_assert(concurrent_dict_update(d, own(dict_new(0))) == 0 && concurrent_dict_length(d) == 50 && shared_value(d, num(49)) == -49);
    drop_owned();
}

TEST(concurrent_dict_update_from_another_and_from_itself)
{
    struct obj *d = shared_of_range(0, 3), *other = shared_of_range(2, 50);
    cr_assert(concurrent_dict_set(other, num(1), num(77)) == 0 && concurrent_dict_update(d, other) == 0);
    cr_assert(concurrent_dict_update(d, d) == 0 && concurrent_dict_length(d) == 50 && shared_value(d, num(1)) == 77);
    cr_assert(concurrent_dict_length(other) == 49);
    drop_owned();
}

TEST(concurrent_dict_clear_empties_it_for_use_again)
{
    struct obj *d = shared_of_range(0, 500), *v = key(1, 1);
    cr_assert(concurrent_dict_set(d, num(1), v) == 0 && concurrent_dict_clear(d) == 0 && concurrent_dict_length(d) == 0);
    cr_assert(count_of(v) == 1 && shared_value(d, num(2)) == -1 && concurrent_dict_clear(d) == 0);
    cr_assert(concurrent_dict_set(d, num(2), num(5)) == 0 && concurrent_dict_length(d) == 1 && shared_value(d, num(2)) == 5);
    drop_owned();
}

static void shared_sorted_is(struct obj *list, const char *expected)
{
    cr_assert_eq(list_sort(own(list)), 0);
    cr_assert_str_eq(shown(list), expected);
}
TEST(concurrent_dict_lists_its_keys) { shared_sorted_is(concurrent_dict_keys(shared_of_range(0, 5)), "[0, 1, 2, 3, 4]"); drop_owned(); }
TEST(concurrent_dict_lists_its_values) { shared_sorted_is(concurrent_dict_values(shared_of_range(0, 5)), "[-4, -3, -2, -1, 0]"); drop_owned(); }
TEST(concurrent_dict_lists_its_items)
{
    shared_sorted_is(concurrent_dict_items(shared_of_range(0, 3)), "[(0, 0), (1, -1), (2, -2)]");
    shared_sorted_is(concurrent_dict_items(shared_new()), "[]");
    drop_owned();
}

TEST(concurrent_dicts_are_equal_when_their_pairs_are)
{
    struct obj *a = shared_of_range(0, 40), *b = shared_new();
    for (int64_t i = 39; i >= 0; i--)
        cr_assert_eq(concurrent_dict_set(b, real((double)i), num(-i)), 0);
    cr_assert(obj_equal(a, b) == 1 && obj_equal(b, a) == 1 && obj_equal(a, shared_new()) == 0 && obj_equal(a, dict_of_range(0, 40)) == 0);
    cr_assert(concurrent_dict_set(b, num(7), num(8)) == 0 && obj_equal(a, b) == 0);
    cr_assert(concurrent_dict_del(b, num(7)) == 0 && concurrent_dict_set(b, num(77), num(-7)) == 0 && obj_equal(a, b) == 0);
    drop_owned();
}

TEST(concurrent_dict_shows_its_pairs_and_stops_at_itself)
{
    struct obj *d = shared_new();
    cr_assert_eq(concurrent_dict_set(d, text("k"), list_of_ints(1)), 0);
    cr_assert_str_eq(shown(d), "ConcurrentDict({'k': [1]})");
    cr_assert(concurrent_dict_set(d, text("k"), d) == 0 && !obj_repr(d) && raised(ERR_RECURSION, "500") && shared_is_released(d));
    cr_assert_eq(concurrent_dict_clear(d), 0);
    drop_owned();
}

TEST(concurrent_dict_tells_the_collector_of_all_it_holds)
{
    struct obj *d = shared_of_range(0, 300);
    cr_assert_eq(children_of(d), 600);
    d->type->clear(d);
    cr_assert(children_of(d) == 0 && concurrent_dict_length(d) == 0);
    drop_owned();
}

/* --- iteration --- */

/* Goes through it; each key k < MANY with k % modulus == 0 exactly once, the others at most once. *each (may be NULL) runs after each pair. */
enum { SHARED_MANY = 600 };
static void shared_iterate(struct obj *d, int64_t modulus, void (*each)(struct obj *, int64_t))
{
    static uint8_t seen[SHARED_MANY];
    struct concurrent_cursor c;
    struct table_entry e;
    int step = 0;
    memset(seen, 0, sizeof seen);
    cr_assert_eq(concurrent_dict_begin(&c, d), 0);
    while ((step = concurrent_dict_step(&c, &e)) == 1) {
        int64_t k = value_of(e.key);
        cr_assert(k >= 0 && value_of(e.value) == -k && (k >= SHARED_MANY || seen[k]++ == 0), "key %lld twice", (long long)k);
        if (each)
            each(d, k);
    }
    cr_assert(step == 0 && concurrent_dict_step(&c, &e) == 0, "the end stays the end");
    concurrent_dict_end(&c);
    for (int64_t k = 0; k < SHARED_MANY; k += modulus)
        cr_assert_eq(seen[k], 1, "key %lld", (long long)k);
}

TEST(concurrent_dict_iteration_meets_each_pair_once)
{
    shared_iterate(shared_of_range(0, SHARED_MANY), 1, NULL);
    drop_owned();
}

static void shared_delete_odd(struct obj *d, int64_t k)
{
    for (int64_t i = k | 1; i < k + 9 && i < SHARED_MANY; i += 2)
        if (concurrent_dict_del(d, num(i)) != 0)
            err_take();
}
TEST(concurrent_dict_iteration_goes_on_while_keys_go)
{
    shared_iterate(shared_of_range(0, SHARED_MANY), 2, shared_delete_odd);
    drop_owned();
}

/* Keys that stay come once although the shards are divided under way. */
static void shared_grow(struct obj *d, int64_t k)
{
    size_t mark = build_owned.length;
    for (int64_t i = 0; i < 20 && k < SHARED_MANY; i++)
        cr_assert_eq(concurrent_dict_set(d, num(SHARED_MANY + 20 * k + i), num(-(SHARED_MANY + 20 * k + i))), 0);
    drop_owned_since(mark);
}
TEST(concurrent_dict_iteration_goes_on_while_shards_are_divided)
{
    struct obj *d = concurrent_dict_new(0);
    for (int64_t i = 0; i < SHARED_MANY; i++)
        cr_assert_eq(concurrent_dict_set(d, num(i), num(-i)), 0);
    int bits = shared_bits(d);
    bool can_grow = bits < SHARDS_BITS_MAX;
    shared_iterate(d, 1, shared_grow);
    cr_assert(!can_grow || shared_bits(d) > bits);
    obj_decref(d);
    drop_owned();
}

static void shared_reinsert(struct obj *d, int64_t k)
{
    cr_assert(concurrent_dict_del(d, num(k)) == 0 && concurrent_dict_set(d, num(k), num(-k)) == 0);
}
TEST(concurrent_dict_iteration_does_not_meet_a_key_again_that_came_back)
{
    shared_iterate(shared_of_range(0, SHARED_MANY), 1, shared_reinsert);
    drop_owned();
}

TEST(concurrent_dict_iteration_can_end_early)
{
    struct obj *d = shared_of_range(0, 100);
    struct concurrent_cursor c;
    struct table_entry e;
    cr_assert(concurrent_dict_begin(&c, d) == 0 && concurrent_dict_step(&c, &e) == 1);
    concurrent_dict_end(&c);
    cr_assert(concurrent_dict_begin(&c, shared_new()) == 0 && concurrent_dict_step(&c, &e) == 0);
    concurrent_dict_end(&c);
    cr_assert(concurrent_dict_begin(&c, num(1)) == -1 && raised(ERR_TYPE, "expected ConcurrentDict, not int"));
    drop_owned();
}

/* --- capacity, shards --- */

TEST(concurrent_dict_refuses_capacities_beyond_its_limits)
{
    cr_assert(!concurrent_dict_new(-1) && raised(ERR_VALUE, "capacity -1 of a ConcurrentDict: 0 to 2147483648 are allowed"));
    cr_assert(!concurrent_dict_new(CONCURRENT_CAPACITY_MAX + 1) && raised(ERR_VALUE, "2147483649"));
    cr_assert(!concurrent_dict_new(INT64_MIN) && raised(ERR_VALUE, "") && !concurrent_dict_new(INT64_MAX) && raised(ERR_VALUE, ""));
    struct obj *one = own(concurrent_dict_new(1));
    cr_assert(concurrent_dict_set(one, num(1), num(2)) == 0 && concurrent_dict_set(one, num(2), num(2)) == 0);
    drop_owned();
}

TEST(concurrent_dict_with_a_capacity_has_the_shards_for_it)
{
    struct obj *d = own(concurrent_dict_new(2000));
    int bits = shared_bits(d);
    cr_assert(bits > shared_bits(shared_new()));
    for (int64_t i = 0; i < 2000; i++)
        cr_assert_eq(concurrent_dict_set(d, num(i), num(i)), 0);
    cr_assert(shared_bits(d) == bits && concurrent_dict_length(d) == 2000);
    drop_owned();
}

/* How many entries the fullest shard has. */
static size_t shared_fullest(struct obj *d, size_t *total)
{
    struct concurrent_shards *s = concurrent_newest(d);
    size_t most = 0;
    *total = 0;
    for (size_t i = 0; i < (size_t)1 << s->bits; i++) {
        size_t used = table_used(&s->shard[i].table);
        *total += used;
        most = used > most ? used : most;
    }
    return most;
}

/* The original puts all keys of stride 17 into one of its 17 shards. */
TEST(concurrent_dict_spreads_keys_of_any_stride)
{
    static const int64_t stride[] = {1, 2, 16, 17, 17 * 17, 64, 255, 1024, 4096, INT64_C(1) << 32, INT64_C(17) << 40};
    for (size_t i = 0; i < sizeof stride / sizeof *stride; i++) {
        struct obj *d = concurrent_dict_new(0);
        for (int64_t k = 0; k < 3200; k++)
            cr_assert_eq(concurrent_dict_set(d, num(k * stride[i]), none_get()), 0);
        size_t total, fullest = shared_fullest(d, &total), shards = (size_t)1 << shared_bits(d);
        cr_assert_eq(total, 3200);
        cr_assert(fullest * shards < 2 * total + 30 * shards, "stride %lld: %zu of %zu in one of %zu shards", (long long)stride[i],
                  fullest, total, shards);
        obj_decref(d);
        drop_owned_since(0);
    }
    drop_owned();
}

TEST(concurrent_dict_divides_its_shards_as_it_grows)
{
    struct obj *d = shared_new();
    int least = shared_bits(d), before = least;
    for (int64_t i = 0; i < 20000; i++) {
        struct obj *k = int_new(i * 17), *v = int_new(i);
        cr_assert_eq(concurrent_dict_set(d, k, v), 0);
        obj_decref(k);
        obj_decref(v);
        cr_assert(shared_bits(d) == before || shared_bits(d) == before + 1, "one step at a time");
        before = shared_bits(d);
    }
    size_t total, fullest = shared_fullest(d, &total);
    cr_assert(before > least + 2 && before <= SHARDS_BITS_MAX && total == 20000);
    cr_assert(before == SHARDS_BITS_MAX || fullest <= 2 * SHARD_FULL);
    for (int64_t i = 0; i < 20000; i += 7) {
        struct obj *k = int_new(i * 17);
        cr_assert_eq(shared_value(d, k), i);
        obj_decref(k);
    }
    cr_assert(concurrent_dict_length(d) == 20000 && concurrent_newest(d)->older->shard[0].moved);
    drop_owned();
}

/* --- keys --- */

TEST(concurrent_dict_finds_equal_numbers_of_any_type)
{
    struct obj *d = shared_new();
    cr_assert(concurrent_dict_set(d, num(1), num(10)) == 0 && concurrent_dict_set(d, bool_get(true), num(11)) == 0);
    cr_assert(concurrent_dict_set(d, real(1), num(12)) == 0 && concurrent_dict_length(d) == 1 && shared_value(d, num(1)) == 12);
    cr_assert(concurrent_dict_set(d, real(0x1p64), num(13)) == 0 && shared_value(d, big("18446744073709551616")) == 13);
    drop_owned();
}

TEST(concurrent_dict_tells_colliding_keys_apart)
{
    enum { KEYS = 200 };
    struct obj *d = shared_new();
    for (int64_t i = 0; i < KEYS; i++)
        cr_assert_eq(concurrent_dict_set(d, key(-3, i), num(i)), 0);
    for (int64_t i = 0; i < KEYS; i += 2)
        cr_assert_eq(concurrent_dict_del(d, key(-3, i)), 0);
    for (int64_t i = 0; i < KEYS; i++)
        cr_assert_eq(shared_value(d, key(-3, i)), i % 2 ? i : -1);
    cr_assert_eq(concurrent_dict_length(d), KEYS / 2);
    drop_owned();
}

static void shared_compare(const struct order_model *m, struct obj *d)
{
    cr_assert_eq(concurrent_dict_length(d), m->length);
    for (int64_t at = 0; at < m->length; at++)
        cr_assert_eq(shared_value(d, order_key(m->key[at])), m->value[at]);
}
static void shared_model_step(struct order_model *m, struct obj *d, int64_t k)
{
    struct obj *key = order_key(k), *value = NULL;
    int64_t at = order_find(m, k), drawn = draw_below(1000);
    switch (draw_below(6)) {
    case 0:
    case 1:
        cr_assert_eq(concurrent_dict_set(d, key, num(drawn)), 0);
        order_put(m, k, drawn);
        break;
    case 2:
        cr_assert_eq(concurrent_dict_del(d, key), at >= 0 ? 0 : -1);
        cr_assert(at >= 0 || raised(ERR_KEY, "no such key"));
        order_delete(m, k);
        break;
    case 3:
        cr_assert_eq(concurrent_dict_pop(d, key, &value), at >= 0);
        cr_assert(at >= 0 ? value_of(own(value)) == m->value[at] : value == NULL);
        order_delete(m, k);
        break;
    case 4:
        cr_assert_eq(concurrent_dict_setdefault(d, key, num(drawn), &value), at >= 0);
        cr_assert_eq(value_of(own(value)), at >= 0 ? m->value[at] : drawn);
        order_put(m, k, at >= 0 ? m->value[at] : drawn);
        break;
    case 5:
        drawn++;
        cr_assert(concurrent_dict_upsert(d, key, num(drawn), shared_add, &drawn, &value) == 1);
        order_put(m, k, (at >= 0 ? m->value[at] : 0) + drawn);
        cr_assert_eq(value_of(own(value)), m->value[order_find(m, k)]);
        break;
    }
}
TEST(concurrent_dict_does_what_a_model_does)
{
    struct order_model m = {.length = 0};
    struct obj *d = concurrent_dict_new(0);
    build_seed = 29;
    for (int step = 0; step < 8000; step++) {
        shared_model_step(&m, d, draw_below(step / 1000 % 2 ? ORDER_KEYS : 7));
        if (draw() % 50 == 0)
            shared_compare(&m, d);
        if (draw() % 1000 == 0) {
            cr_assert_eq(concurrent_dict_clear(d), 0);
            m.length = 0;
        }
        drop_owned_since(0);
        rt_safepoint();
    }
    obj_decref(d);
    drop_owned();
}

/* --- errors --- */

/* `code` from every operation that hashes or compares `key`; the dict stays as it is. */
static void shared_every_operation_fails(struct obj *d, struct obj *key, enum err code, const char *part, void (*arm)(void))
{
    int64_t length = concurrent_dict_length(d), more = 1;
    for (int operation = 0; operation < 9; operation++) {
        struct obj *value = operation == 3 ? NULL : d;
        arm();
        switch (operation) {
        case 0: cr_assert_eq(concurrent_dict_get(d, key, &value), -1); break;
        case 1: cr_assert_eq(concurrent_dict_setdefault(d, key, none_get(), &value), -1); break;
        case 2: cr_assert_eq(concurrent_dict_pop(d, key, &value), -1); break;
        case 3: cr_assert_eq(concurrent_dict_contains(d, key), -1); break;
        case 4: cr_assert_eq(concurrent_dict_compute(d, key, shared_add, &more, &value), -1); break;
        case 5: cr_assert_eq(concurrent_dict_upsert(d, key, num(1), shared_add, &more, &value), -1); break;
        case 6: cr_assert_eq(concurrent_dict_set(d, key, none_get()), -1); value = NULL; break;
        case 7: cr_assert_eq(concurrent_dict_del(d, key), -1); value = NULL; break;
        case 8: cr_assert_eq(concurrent_dict_replace(d, key, NULL, none_get()), -1); value = NULL; break;
        }
        cr_assert(!value && raised(code, part) && shared_is_released(d), "operation %d", operation);
    }
    cr_assert_eq(concurrent_dict_length(d), length);
}
static void shared_arm_nothing(void) {}
static void shared_arm_hash(void) { key_at_hash = (struct key_hook){key_fails, 1}; }
static void shared_arm_compare(void) { key_at_compare = (struct key_hook){key_fails, 1}; }

TEST(concurrent_dict_refuses_keys_that_cannot_be_hashed)
{
    struct obj *d = shared_of_range(0, 3);
    shared_every_operation_fails(d, own(list_new(0)), ERR_TYPE, "a list cannot be hashed", shared_arm_nothing);
    shared_every_operation_fails(d, d, ERR_TYPE, "a ConcurrentDict cannot be hashed", shared_arm_nothing);
    shared_every_operation_fails(d, key(1, 5), ERR_VALUE, "key refuses", shared_arm_hash);
    drop_owned();
}
TEST(concurrent_dict_passes_on_what_a_comparison_raises)
{
    struct obj *d = shared_new();
    cr_assert_eq(concurrent_dict_set(d, key(1, 1), num(1)), 0);
    shared_every_operation_fails(d, key(1, 5), ERR_VALUE, "key refuses", shared_arm_compare);
    drop_owned();
}

TEST(concurrent_dict_operations_name_the_wrong_type)
{
    struct obj *no = text("no"), *d = shared_of_range(0, 2), *value = d;
    cr_assert(concurrent_dict_length(no) == -1 && raised(ERR_TYPE, "expected ConcurrentDict, not str"));
    cr_assert(concurrent_dict_get(no, no, &value) == -1 && !value && raised(ERR_TYPE, "str"));
    cr_assert(concurrent_dict_contains(no, no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(concurrent_dict_set(no, no, no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(concurrent_dict_del(no, no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(concurrent_dict_setdefault(no, no, no, &value) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(concurrent_dict_pop(no, no, &value) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(concurrent_dict_replace(no, no, no, no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(concurrent_dict_compute(no, no, shared_add, NULL, &value) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(concurrent_dict_upsert(no, no, no, shared_add, NULL, &value) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(concurrent_dict_update(no, d) == -1 && raised(ERR_TYPE, "str") && concurrent_dict_update(d, no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(concurrent_dict_clear(no) == -1 && raised(ERR_TYPE, "str"));
    cr_assert(!concurrent_dict_keys(no) && raised(ERR_TYPE, "str") && !concurrent_dict_values(no) && raised(ERR_TYPE, "str"));
    cr_assert(!concurrent_dict_items(no) && raised(ERR_TYPE, "str") && concurrent_dict_length(d) == 2 && shared_is_released(d));
    drop_owned();
}

TEST(concurrent_dict_gives_back_exactly_the_references_it_took)
{
    struct obj *d = own(concurrent_dict_new(0)), *k = key(1, 1), *same = key(1, 1), *v = real(1), *found;
    cr_assert(concurrent_dict_set(d, k, v) == 0 && concurrent_dict_set(d, same, v) == 0);
    cr_assert(count_of(k) == 2 && count_of(same) == 1 && count_of(v) == 2);
    cr_assert(concurrent_dict_setdefault(d, same, k, &found) == 1 && own(found) == v && concurrent_dict_get(d, same, &found) == 1 && own(found) == v);
    own(concurrent_dict_items(d));
    cr_assert(count_of(k) == 3 && count_of(same) == 1 && count_of(v) == 5);
    for (int64_t i = 0; i < 300; i++) /* its shard is divided, again and again */
        cr_assert_eq(concurrent_dict_set(d, num(i), none_get()), 0);
    cr_assert(count_of(k) == 3 && count_of(v) == 5 && concurrent_dict_pop(d, same, &found) == 1 && own(found) == v);
    cr_assert(count_of(k) == 2 && count_of(v) == 5);
    drop_owned();
}

/* --- memory --- */

static struct obj *shared_restart(void)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_MALLOC, .lock = test_lock()};
    cr_assert_eq(objects_start(&config), 0);
    return NULL;
}

TEST(concurrent_dict_that_cannot_be_made_leaves_nothing)
{
    struct obj *d = shared_restart();
    int64_t live = live_now(), at = 1;
    for (; !d; at++) {
        os_fault_plan(at, false);
        d = concurrent_dict_new(100);
        os_fault_plan(0, false);
        cr_assert(d || (raised(ERR_MEMORY, "out of memory") && live_now() == live));
    }
    cr_assert_gt(at, 3);
    obj_decref(d);
}

/* Each operation with each of its allocations refused: ERR_MEMORY and nothing has changed, or it has done all. */
TEST(concurrent_dict_operations_survive_refused_memory)
{
    shared_restart();
    struct obj *new = num(1000), *value, *others = dict_of_range(2000, 2040);
    int64_t more = 5000;
    for (int operation = 0; operation < 8; operation++) {
        bool failed = true;
        int refusals = 0;
        for (int64_t at = 1; failed; at++) {
            struct obj *d = shared_of_range(0, 40);
            rc_drain();
            value = NULL;
            os_fault_plan(at, true);
            switch (operation) {
            case 0: failed = concurrent_dict_set(d, new, new) < 0; break;
            case 1: failed = concurrent_dict_setdefault(d, new, new, &value) < 0; break;
            case 2: failed = concurrent_dict_replace(d, new, NULL, new) < 0; break;
            case 3: failed = concurrent_dict_compute(d, new, shared_add, &more, &value) < 0; break;
            case 4: failed = !(value = concurrent_dict_keys(d)); break;
            case 5: failed = !(value = concurrent_dict_items(d)); break;
            case 6: failed = !(value = obj_repr(d)); break;
            case 7: failed = concurrent_dict_update(d, others) < 0; break;
            }
            os_fault_plan(0, false);
            refusals += failed;
            obj_xdecref(value);
            cr_assert(!failed || (!value && raised(ERR_MEMORY, "out of memory")), "operation %d", operation);
            cr_assert(shared_is_released(d) && concurrent_dict_contains(d, num(39)) == 1);
            int64_t length = concurrent_dict_length(d), most = operation == 7 ? 80 : operation < 4 ? 41 : 40;
            cr_assert(failed ? length == 40 || operation == 7 : length == most, "operation %d: %lld", operation, (long long)length);
            cr_assert(!failed || operation != 7 || concurrent_dict_update(d, others) == 0);
        }
        /* a table may have had room left */
        cr_assert(refusals > 0 || operation < 3, "operation %d", operation);
    }
    drop_owned();
}

/* A growth without memory stops where it is; the dict is right, and grows when there is memory again. */
TEST(concurrent_dict_that_cannot_divide_its_shards_goes_on)
{
    struct obj *d = shared_new();
    int64_t n = 0;
    for (int refused = 0; refused < 12; refused++) {
        int bits = shared_bits(d);
        for (int i = 0; i < 400; i++, n++) {
            struct obj *k = num(n);
            os_fault_plan(1 + refused, true);
            bool set = concurrent_dict_set(d, k, k) == 0;
            os_fault_plan(0, false);
            if (!set) /* its table could not grow */
                cr_assert(raised(ERR_MEMORY, "out of memory") && concurrent_dict_set(d, k, k) == 0);
            cr_assert_eq(shared_value(d, k), n);
        }
        cr_assert(concurrent_dict_length(d) == n && shared_bits(d) >= bits && children_of(d) == 2 * n);
        for (int64_t k = 0; k < n; k += 3)
            cr_assert_eq(shared_value(d, num(k)), k);
    }
    drop_owned();
}

TEST(concurrent_dict_needs_no_memory_to_read_or_remove)
{
    struct obj *d = shared_of_range(0, 40), *k = num(7), *none = num(77), *value[2] = {NULL};
    rc_drain();
    os_fault_plan(1, true);
    bool read = concurrent_dict_get(d, k, &value[0]) == 1 && concurrent_dict_contains(d, none) == 0 && concurrent_dict_set(d, k, none) == 0;
    bool removed = concurrent_dict_pop(d, k, &value[1]) == 1 && concurrent_dict_length(d) == 39 && concurrent_dict_clear(d) == 0;
    os_fault_plan(0, false);
    cr_assert(read && removed);
    cr_assert(own(value[1]) == none && value_of(own(value[0])) == -7);
    drop_owned();
}

/* --- user code at awkward moments --- */

static int hook_shared_clear(void) { return concurrent_dict_clear(shared_in_use); }
static int hook_shared_grow(void)
{
    for (int64_t i = 5000; i < 6500; i++) {
        struct obj *k = int_new(i);
        int failed = k ? concurrent_dict_set(shared_in_use, k, k) : -1;
        obj_xdecref(k);
        if (failed)
            return -1;
    }
    return 0;
}
static struct obj *shared_rival;
static int hook_shared_put_rival(void) { return concurrent_dict_set(shared_in_use, shared_rival, num(99)); }

/* Six keys of one hash, and a hook at the n-th comparison. */
static void shared_arm(int (*run)(void), int after)
{
    shared_in_use = shared_new();
    for (int64_t i = 0; i < 6; i++)
        cr_assert_eq(concurrent_dict_set(shared_in_use, key(0, i), num(i)), 0);
    key_at_compare = (struct key_hook){run, after};
}

TEST(concurrent_dict_cleared_during_a_comparison)
{
    for (int after = 1; after <= 6; after++) {
        shared_arm(hook_shared_clear, after);
        struct obj *value = NULL;
        cr_assert(concurrent_dict_get(shared_in_use, key(0, 5), &value) == 0 && !value && shared_is_released(shared_in_use));
        shared_arm(hook_shared_clear, after);
        cr_assert(concurrent_dict_set(shared_in_use, key(0, 5), num(55)) == 0 && concurrent_dict_length(shared_in_use) == 1);
        cr_assert_eq(shared_value(shared_in_use, key(0, 5)), 55);
        drop_owned_since(0);
    }
    drop_owned();
}

/* The shard moves away while the comparison runs without its lock. */
TEST(concurrent_dict_shard_divided_during_a_comparison)
{
    for (int after = 1; after <= 6; after++) {
        shared_arm(hook_shared_grow, after);
        int bits = shared_bits(shared_in_use);
        struct obj *value = NULL;
        cr_assert(concurrent_dict_pop(shared_in_use, key(0, 5), &value) == 1 && value_of(own(value)) == 5);
        cr_assert((bits == SHARDS_BITS_MAX || shared_bits(shared_in_use) > bits) && concurrent_dict_length(shared_in_use) == 5 + 1500);
        shared_arm(hook_shared_grow, after);
        cr_assert(concurrent_dict_set(shared_in_use, key(0, 9), num(9)) == 0 && shared_value(shared_in_use, key(0, 9)) == 9);
        cr_assert(shared_value(shared_in_use, key(0, 0)) == 0 && concurrent_dict_length(shared_in_use) == 7 + 1500);
        drop_owned_since(0);
    }
    drop_owned();
}

TEST(concurrent_dict_key_inserted_by_the_comparison_is_found)
{
    for (int after = 1; after <= 6; after++) {
        shared_rival = key(0, 77);
        shared_arm(hook_shared_put_rival, after);
        struct obj *found = NULL;
        cr_assert(concurrent_dict_setdefault(shared_in_use, key(0, 77), num(1), &found) == 1 && value_of(own(found)) == 99);
        cr_assert_eq(concurrent_dict_length(shared_in_use), 7);
        drop_owned_since(0);
    }
    drop_owned();
}

/* What is displaced dies when no lock is held: its finaliser uses the dict (FIELD.md 3.4). */
static _Atomic int shared_seen;
static int shared_look(void)
{
    for (int64_t i = 0; i < 8; i++) {
        struct obj *k = int_new(i), *value;
        atomic_fetch_add_explicit(&shared_seen, concurrent_dict_get(shared_in_use, k, &value) >= 0, memory_order_relaxed);
        obj_xdecref(value);
        obj_decref(k);
    }
    return 0;
}
TEST(concurrent_dict_is_free_when_a_displaced_value_dies)
{
    struct obj *k = num(3), *none = none_get();
    for (int way = 0; way < 5; way++) {
        struct obj *dying = key_new(1, way), *value;
        shared_in_use = shared_of_range(0, 8);
        cr_assert_eq(concurrent_dict_set(shared_in_use, k, dying), 0);
        key_at_finalize = shared_look;
        shared_seen = 0;
        if (way == 4)
            cr_assert_eq(concurrent_dict_replace(shared_in_use, k, dying, none), 1);
        obj_decref(dying);
        switch (way) {
        case 0: cr_assert_eq(concurrent_dict_set(shared_in_use, k, none), 0); break;
        case 1: cr_assert_eq(concurrent_dict_del(shared_in_use, k), 0); break;
        case 2: cr_assert_eq(concurrent_dict_clear(shared_in_use), 0); break;
        case 3: cr_assert_eq(concurrent_dict_pop(shared_in_use, k, &value), 1); obj_decref(value); break;
        }
        rc_drain();
        key_at_finalize = NULL;
        cr_assert_eq(shared_seen, 8, "way %d", way);
    }
    drop_owned();
}

#if !RC_UNSAFE

/* --- many threads --- */

enum { SHARED_THREADS = 8 };
#ifdef OS_TSAN
enum { SHARED_ROUNDS = 2, SHARED_STEPS = 200 };
#else
enum { SHARED_ROUNDS = 10, SHARED_STEPS = 2000 };
#endif

static const char *shared_set_elsewhere(struct threads_arg *a)
{
    return concurrent_dict_set(a->shared, none_get(), none_get()) == 0 ? NULL : "set failed";
}
TEST(concurrent_dict_is_usable_by_another_thread_after_errors)
{
    struct obj *d = shared_of_range(0, 2);
    cr_assert(concurrent_dict_del(d, num(9)) == -1 && concurrent_dict_set(d, own(list_new(0)), none_get()) == -1);
    cr_assert(concurrent_dict_update(d, none_get()) == -1);
    cr_assert_null(threads_run(1, shared_set_elsewhere, d));
    cr_assert_eq(concurrent_dict_length(d), 3);
    drop_owned();
}

/* 8 threads, 100 keys: whoever came first, all see one value for each key. */
struct shared_defaults {
    struct obj *dict;
    int64_t seen[SHARED_THREADS][100];
};
static const char *shared_set_defaults(struct threads_arg *a)
{
    struct shared_defaults *s = a->shared;
    for (int64_t i = 0; i < 100; i++) {
        struct obj *k = int_new(1000 + 17 * i), *v = int_new(1000 * a->index + i), *found;
        if (concurrent_dict_setdefault(s->dict, k, v, &found) < 0)
            return "setdefault failed";
        int_value(found, &s->seen[a->index][i]);
        obj_decref(found);
        obj_decref(k);
        obj_decref(v);
        rt_safepoint();
    }
    return NULL;
}
TEST(concurrent_dict_setdefault_race_has_one_value_for_all)
{
    for (int round = 0; round < SHARED_ROUNDS; round++) {
        struct shared_defaults s = {.dict = shared_new()};
        cr_assert_null(threads_run(SHARED_THREADS, shared_set_defaults, &s));
        cr_assert_eq(concurrent_dict_length(s.dict), 100);
        for (int64_t i = 0; i < 100; i++) {
            int64_t value = shared_value(s.dict, num(1000 + 17 * i));
            cr_assert_eq(value % 1000, i);
            for (int t = 0; t < SHARED_THREADS; t++)
                cr_assert_eq(s.seen[t][i], value, "thread %d, key %d", t, (int)i);
        }
        drop_owned_since(0);
    }
    drop_owned();
}

/* 8 threads pop 200 keys: each key exactly once. */
struct shared_pops {
    struct obj *dict;
    _Atomic int taken[200];
};
static const char *shared_pop_all(struct threads_arg *a)
{
    struct shared_pops *s = a->shared;
    for (int64_t i = 0; i < 200; i++) {
        struct obj *k = int_new(1000 + i), *value;
        int popped = concurrent_dict_pop(s->dict, k, &value);
        if (popped < 0 || popped != (value != NULL))
            return "pop failed";
        atomic_fetch_add_explicit(&s->taken[i], popped, memory_order_relaxed);
        obj_xdecref(value);
        obj_decref(k);
        rt_safepoint();
    }
    return NULL;
}
TEST(concurrent_dict_pop_race_gives_each_key_once)
{
    for (int round = 0; round < SHARED_ROUNDS; round++) {
        struct shared_pops s = {.dict = shared_of_range(1000, 1200)};
        cr_assert_null(threads_run(SHARED_THREADS, shared_pop_all, &s));
        cr_assert_eq(concurrent_dict_length(s.dict), 0);
        for (int i = 0; i < 200; i++)
            cr_assert_eq(s.taken[i], 1, "key %d", i);
        drop_owned_since(0);
    }
    drop_owned();
}

/* Counters: no update is lost. The original has nothing to do this with. */
static const char *shared_count(struct threads_arg *a)
{
    struct obj *one = int_new(1), *now;
    int64_t more = 1;
    for (int64_t i = 0; i < SHARED_STEPS; i++) {
        struct obj *k = int_new(i % 5);
        if (concurrent_dict_upsert(a->shared, k, one, shared_add, &more, &now) != 1)
            return "upsert failed";
        obj_decref(now);
        obj_decref(k);
        rt_safepoint();
    }
    return NULL;
}
TEST(concurrent_dict_upsert_loses_no_update)
{
    struct obj *d = shared_new();
    cr_assert_null(threads_run(SHARED_THREADS, shared_count, d));
    for (int64_t k = 0; k < 5; k++)
        cr_assert_eq(shared_value(d, num(k)), SHARED_THREADS * SHARED_STEPS / 5);
    drop_owned();
}

/* Each thread inserts its own keys while all make the shards divide: nothing is lost, and each finds its own at once. */
static const char *shared_fill(struct threads_arg *a)
{
    for (int64_t i = 0; i < SHARED_STEPS; i++) {
        struct obj *k = int_new(i * a->count + a->index), *value;
        if (concurrent_dict_set(a->shared, k, k) != 0 || concurrent_dict_get(a->shared, k, &value) != 1)
            return "what was set is not there";
        obj_decref(value);
        obj_decref(k);
        rt_safepoint();
    }
    return NULL;
}
TEST(concurrent_dict_grows_under_insertions_and_loses_none)
{
    struct obj *d = shared_new();
    int bits = shared_bits(d);
    cr_assert_null(threads_run(SHARED_THREADS, shared_fill, d));
    cr_assert(concurrent_dict_length(d) == SHARED_THREADS * SHARED_STEPS && shared_bits(d) > bits);
    for (int64_t i = 0; i < SHARED_THREADS * SHARED_STEPS; i++) {
        struct obj *k = int_new(i);
        cr_assert_eq(shared_value(d, k), i);
        obj_decref(k);
        if (i % 100 == 0)
            drop_owned_since(1);
    }
    drop_owned();
}

/* A stable key comes once in every iteration, whatever the others do; values are what belongs to their keys. */
static const char *shared_iterate_once(struct obj *d)
{
    struct concurrent_cursor c;
    struct table_entry e;
    uint8_t seen[50] = {0};
    const char *verdict = NULL;
    int step = 0;
    concurrent_dict_begin(&c, d);
    while (!verdict && (step = concurrent_dict_step(&c, &e)) == 1) {
        int64_t k = 0, v = 0;
        int_value(e.key, &k);
        int_value(e.value, &v);
        verdict = v != -k ? "another key's value" : k < 50 && seen[k]++ ? "a key twice" : NULL;
    }
    concurrent_dict_end(&c);
    for (int k = 0; k < 50 && !verdict; k++)
        verdict = step != 0 ? "iteration failed" : !seen[k] ? "a key that was there is missed" : NULL;
    return verdict;
}
static const char *shared_iterate_or_change(struct threads_arg *a)
{
    const char *verdict = NULL;
    for (int64_t i = 0; i < SHARED_STEPS / 4 && !verdict; i++) {
        struct obj *k = int_new(50 + (i * 8 + a->index) % 1000), *v = int_new(-50 - (i * 8 + a->index) % 1000), *value;
        if (a->index % 4 == 0) {
            verdict = i % 16 == 0 ? shared_iterate_once(a->shared) : NULL;
        } else if (i / 10 % 2) {
            verdict = concurrent_dict_pop(a->shared, k, &value) < 0 ? "pop failed" : NULL;
            obj_xdecref(value);
        } else if (concurrent_dict_set(a->shared, k, v) != 0) {
            verdict = "set failed";
        }
        obj_decref(k);
        obj_decref(v);
        rt_safepoint();
    }
    return verdict;
}
TEST(concurrent_dict_iteration_sees_what_stays_once)
{
    struct obj *d = shared_of_range(0, 50);
    cr_assert_null(threads_run(SHARED_THREADS, shared_iterate_or_change, d));
    int64_t length = concurrent_dict_length(d);
    cr_assert(length >= 50 && length <= 1050 && children_of(d) == 2 * length);
    drop_owned();
}

/* What is got lives while others replace it: values larger than HEAP_MAX, whose memory the sanitizers watch. */
enum { SHARED_MAGIC = 0x5afe };
struct shared_box {
    struct obj base;
    int64_t magic;
    char rest[HEAP_MAX];
};
static void shared_box_dealloc(struct obj *o)
{
    ((struct shared_box *)o)->magic = 0;
    obj_free(o, sizeof(struct shared_box));
}
static const struct type shared_box_type = {.name = "box", .dealloc = shared_box_dealloc};
static const char *shared_read_or_replace(struct threads_arg *a)
{
    const char *verdict = NULL;
    for (int64_t i = 0; i < SHARED_STEPS / 2 && !verdict; i++) {
        struct obj *k = int_new(i % 3), *value = NULL;
        if (a->index % 2) {
            concurrent_dict_get(a->shared, k, &value);
        } else {
            struct shared_box *b = obj_alloc(&shared_box_type, sizeof *b);
            b->magic = SHARED_MAGIC;
            concurrent_dict_set(a->shared, k, value = &b->base);
        }
        verdict = value && ((struct shared_box *)value)->magic != SHARED_MAGIC ? "a dead value" : NULL;
        obj_xdecref(value);
        obj_decref(k);
        rt_safepoint();
    }
    return verdict;
}
TEST(concurrent_dict_get_never_gives_a_dead_value)
{
    struct obj *d = shared_new();
    cr_assert_null(threads_run(SHARED_THREADS, shared_read_or_replace, d));
    cr_assert_eq(concurrent_dict_length(d), 3);
    drop_owned();
}

/* Keys with an equal of their own, all in one shard, while it is divided. */
static const char *shared_use_slow_keys(struct threads_arg *a)
{
    for (int64_t i = 0; i < SHARED_STEPS / 8; i++) {
        struct obj *k = key_new(i % 7, i % 21), *filler = int_new(i * a->count + a->index), *value;
        bool bad = concurrent_dict_set(a->shared, k, filler) != 0 || concurrent_dict_set(a->shared, filler, k) != 0 ||
                   concurrent_dict_get(a->shared, filler, &value) != 1;
        if (bad)
            return "an operation failed";
        obj_decref(value);
        obj_decref(k);
        obj_decref(filler);
        rt_safepoint();
    }
    return NULL;
}
TEST(concurrent_dict_keys_with_code_of_their_own_survive_growth)
{
    struct obj *d = shared_new();
    cr_assert_null(threads_run(SHARED_THREADS, shared_use_slow_keys, d));
    cr_assert_eq(concurrent_dict_length(d), 21 + SHARED_THREADS * (SHARED_STEPS / 8));
    drop_owned();
}

/* --- linearizability --- */

struct shared_recorded {
    struct lin_history history;
    struct obj *dict;
    uint64_t seed;
    bool broken;             /* setdefault is a get and a set, upsert as well */
    struct os_barrier *meet; /* between the two */
};
static int64_t shared_result(struct obj *value)
{
    int64_t result = LIN_NONE;
    if (value)
        int_value(value, &result);
    obj_xdecref(value);
    return result;
}
static void shared_do(struct shared_recorded *s, int thread, int kind, int64_t k, int64_t v)
{
    struct obj *key = int_new(k), *given = int_new(v), *value = NULL;
    int64_t result = 0;
    struct lin_op *op = lin_invoke(&s->history, thread, kind, k, v);
    switch (kind) {
    case LIN_GET: concurrent_dict_get(s->dict, key, &value), result = shared_result(value); break;
    case LIN_SET: concurrent_dict_set(s->dict, key, given); break;
    case LIN_DEL: result = concurrent_dict_del(s->dict, key) == 0; break;
    case LIN_CONTAINS: result = concurrent_dict_contains(s->dict, key); break;
    case LIN_POP: concurrent_dict_pop(s->dict, key, &value), result = shared_result(value); break;
    case LIN_ADD: concurrent_dict_upsert(s->dict, key, given, shared_add, &op->argument, &value), result = shared_result(value); break;
    case LIN_SETDEFAULT:
        if (s->broken && concurrent_dict_get(s->dict, key, &value) == 0) {
            thread_detach();
            os_barrier_wait(s->meet);
            thread_attach();
            concurrent_dict_set(s->dict, key, given);
            value = obj_incref(given);
        } else if (!s->broken) {
            concurrent_dict_setdefault(s->dict, key, given, &value);
        }
        result = shared_result(value);
        break;
    }
    lin_return(&s->history, op, result);
    obj_decref(given);
    obj_decref(key);
}
static const char *shared_record(struct threads_arg *a)
{
    struct shared_recorded *s = a->shared;
    uint64_t seed = s->seed + (uint64_t)a->index;
    for (int i = 0; i < 30; i++) {
        uint64_t drawn = work_random(&seed);
        shared_do(s, a->index, (int)(drawn % (LIN_ADD + 1)), 300 + (int64_t)(drawn >> 8) % 2, 1 + (int64_t)(drawn >> 16) % 1000);
        shared_do(s, a->index, LIN_SET, 400 + 4 * i + a->index, 7); /* makes the shards divide meanwhile */
        rt_safepoint();
    }
    return NULL;
}
static enum lin_verdict shared_verdict(struct shared_recorded *s, int threads, const char *(*body)(struct threads_arg *))
{
    s->dict = own(concurrent_dict_new(0));
    lin_begin(&s->history, threads, 64);
    cr_assert_null(threads_run(threads, body, s));
    struct lin_result r = lin_check(&s->history, &lin_dict);
    if (r.verdict != LIN_YES && !s->broken)
        lin_explain(&s->history, &r);
    lin_end(&s->history);
    return r.verdict;
}
TEST(concurrent_dict_histories_are_linearizable)
{
    struct shared_recorded s = {.broken = false};
    for (int round = 0; round < 10 * SHARED_ROUNDS; round++) {
        s.seed = (uint64_t)round * 1000;
        cr_assert_eq(shared_verdict(&s, 4, shared_record), LIN_YES);
        drop_owned_since(0);
    }
    drop_owned();
}

static const char *shared_record_default(struct threads_arg *a)
{
    shared_do(a->shared, a->index, LIN_SETDEFAULT, 300, 1 + a->index);
    return NULL;
}
TEST(concurrent_dict_setdefault_as_get_then_set_would_be_caught)
{
    struct os_barrier meet;
    struct shared_recorded s = {.broken = false, .meet = &meet};
    os_barrier_init(&meet, 2);
    cr_assert_eq(shared_verdict(&s, 2, shared_record_default), LIN_YES);
    s.broken = true;
    cr_assert_eq(shared_verdict(&s, 2, shared_record_default), LIN_NO);
    os_barrier_drop(&meet);
    drop_owned();
}

#endif
