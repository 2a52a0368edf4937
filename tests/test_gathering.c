/*
 * test_gathering.c -- the gathering iterator: order, gaps, cancelling, and many threads on both sides.
 * What needs every interleaving is in tests/scenarios/gathering.c.
 */
#include "../gc/collect.h"
#include "../objects/gathering_iterator.h"
#include "build.h"
#include "threads.h"

enum { GI_MS = 1000000 };

static struct obj *gi_new(void) { return own(gathering_iterator_new()); }
static void gi_insert(struct obj *g, int64_t key) { cr_assert_eq(gathering_iterator_insert(g, key, num((int64_t)((uint64_t)key * 10))), 0); }
/* The next value, which is there. */
static int64_t gi_next(struct obj *g)
{
    struct obj *value;
    cr_assert_eq(gathering_iterator_next(g, INT64_MAX, 0, &value), 1);
    return value_of(own(value));
}
static bool gi_is_released(struct obj *g)
{
    struct lock *l = &((struct gathering_iterator *)g)->lock;
    if (!lock_try(l))
        return false;
    lock_release(l);
    return true;
}

TEST(gathered_values_come_in_the_order_of_their_keys)
{
    static const int64_t key[] = {3, 0, 4, 1, 2};
    struct obj *g = gi_new(), *value;
    for (int i = 0; i < 5; i++)
        gi_insert(g, key[i]);
    for (int64_t k = 0; k < 5; k++)
        cr_assert(gathering_iterator_length(g) == 5 - k && gi_next(g) == k * 10);
    cr_assert(gathering_iterator_next(g, 4, -1, &value) == 0 && !value, "4 was the last");
    drop_owned();
}

TEST(gathering_ends_at_max_key_and_goes_on_with_a_larger_one)
{
    struct obj *g = gi_new(), *value;
    for (int64_t k = 5; k >= 0; k--)
        gi_insert(g, k);
    for (int64_t k = 0; k <= 2; k++)
        cr_assert(gathering_iterator_next(g, 2, -1, &value) == 1 && value_of(own(value)) == k * 10);
    cr_assert(gathering_iterator_next(g, 2, -1, &value) == 0 && !value && gathering_iterator_next(g, 1, -1, &value) == 0);
    for (int64_t k = 3; k <= 5; k++)
        cr_assert(gathering_iterator_next(g, 5, -1, &value) == 1 && value_of(own(value)) == k * 10);
    cr_assert(gathering_iterator_next(g, 5, -1, &value) == 0 && gathering_iterator_next(gi_new(), -1, -1, &value) == 0);
    drop_owned();
}

TEST(gap_is_waited_for_and_its_lateness_told)
{
    struct obj *g = gi_new(), *value = g;
    gi_insert(g, 1);
    cr_assert(gathering_iterator_next(g, 9, 0, &value) == -1 && !value && raised(ERR_EMPTY, "Empty: key 0 has not come"));
    int64_t start = os_now();
    cr_assert(gathering_iterator_next(g, 9, 3 * GI_MS, &value) == -1 && raised(ERR_EMPTY, "key 0"));
    cr_assert_geq(os_now() - start, 3 * GI_MS);
    gi_insert(g, 0);
    cr_assert(gi_next(g) == 0 && gi_next(g) == 10 && gi_is_released(g));
    cr_assert(gathering_iterator_next(g, 9, 0, &value) == -1 && raised(ERR_EMPTY, "key 2"));
    drop_owned();
}

TEST(key_goes_in_once_ever_and_not_below_zero)
{
    struct obj *g = gi_new(), *value = text("refused");
    gi_insert(g, 0);
    gi_insert(g, 7);
    cr_assert(gathering_iterator_insert(g, 7, value) == -1 && raised(ERR_KEY, "key 7 has been inserted before"));
    cr_assert_eq(gi_next(g), 0);
    cr_assert(gathering_iterator_insert(g, 0, value) == -1 && raised(ERR_KEY, "key 0"), "it has come out");
    cr_assert(gathering_iterator_insert(g, -1, value) == -1 && raised(ERR_VALUE, "-1 is negative"));
    cr_assert(gathering_iterator_insert(g, INT64_MIN, value) == -1 && raised(ERR_VALUE, "-9223372036854775808"));
    cr_assert(count_of(value) == 1 && gathering_iterator_length(g) == 1 && gi_is_released(g));
    drop_owned();
}

TEST(keys_may_be_far_apart_and_as_large_as_they_get)
{
    struct obj *g = gi_new(), *value;
    for (int shift = 2; shift < 63; shift++)
        gi_insert(g, INT64_C(1) << shift);
    cr_assert_eq(gathering_iterator_insert(g, INT64_MAX, num(1)), 0);
    gi_insert(g, 0);
    cr_assert(gi_next(g) == 0 && gathering_iterator_length(g) == 62);
    ((struct gathering_iterator *)g)->next = INT64_MAX; /* as if it had come so far */
    cr_assert(gathering_iterator_next(g, INT64_MAX, 0, &value) == 1 && value_of(own(value)) == 1);
    cr_assert(gathering_iterator_next(g, INT64_MAX, -1, &value) == 0 && !value, "there is none after it");
    drop_owned();
}

TEST(gathering_does_what_a_model_of_it_does)
{
    enum { KEYS = 3000, AHEAD = 50 };
    struct obj *g = gi_new(), *value;
    static bool in[KEYS + AHEAD];
    size_t mark = build_owned.length;
    memset(in, 0, sizeof in);
    for (int64_t next = 0, held = 0; next < KEYS; drop_owned_since(mark)) {
        int64_t key = next - 5 + draw_below(AHEAD);
        bool fits = key >= next && !in[key];
        if (key >= 0) {
            cr_assert_eq(gathering_iterator_insert(g, key, num(key)) == 0, fits, "%lld", (long long)key);
            in[key] |= fits;
            held += fits;
        }
        err_take();
        int result = gathering_iterator_next(g, KEYS, 0, &value);
        cr_assert_eq(result == 1, in[next]);
        if (result == 1) {
            cr_assert_eq(value_of(own(value)), next);
            next++, held--;
        }
        cr_assert_eq(gathering_iterator_length(g), held);
    }
    drop_owned();
}

TEST(cancelled_gathering_drops_its_values_and_refuses_all)
{
    struct obj *g = gi_new(), *item = text("dropped"), *value;
    cr_assert(gathering_iterator_insert(g, 0, item) == 0 && gathering_iterator_insert(g, 2, item) == 0 && count_of(item) == 3);
    cr_assert(gathering_iterator_cancel(g) == 0 && count_of(item) == 1 && gathering_iterator_length(g) == 0);
    cr_assert(gathering_iterator_next(g, 9, -1, &value) == -1 && !value && raised(ERR_CANCELLED, "CancelledError: the gathering"));
    cr_assert(gathering_iterator_insert(g, 1, item) == -1 && raised(ERR_CANCELLED, "cancelled"));
    cr_assert(gathering_iterator_cancel(g) == 0 && count_of(item) == 1 && gi_is_released(g));
    drop_owned();
}

TEST(gathering_keeps_the_counts_of_its_values)
{
    struct obj *item = text("counted"), *g = gathering_iterator_new(), *value;
    for (int64_t k = 0; k < 40; k++)
        cr_assert_eq(gathering_iterator_insert(g, k, item), 0);
    cr_assert_eq(count_of(item), 41);
    cr_assert(gathering_iterator_next(g, 9, 0, &value) == 1 && own(value) == item && count_of(item) == 41);
    obj_decref(g);
    cr_assert_eq(count_of(item), 2);
    drop_owned();
}

TEST(gathering_names_the_wrong_type)
{
    struct obj *wrong = num(1), *value = wrong;
    cr_assert(gathering_iterator_insert(wrong, 0, wrong) == -1 && raised(ERR_TYPE, "expected gathering iterator, not int"));
    cr_assert(gathering_iterator_next(wrong, 0, 0, &value) == -1 && !value && raised(ERR_TYPE, "not int"));
    cr_assert(gathering_iterator_cancel(wrong) == -1 && gathering_iterator_length(wrong) == -1 && raised(ERR_TYPE, "not int"));
    drop_owned();
}

TEST(gathering_without_memory_changes_nothing)
{
    struct obj *g = gi_new(), *item = text("item");
    int64_t refused = 0;
    for (int64_t k = 0; k < 100; k++) {
        os_fault_plan(1, false);
        int failed = gathering_iterator_insert(g, k, item);
        os_fault_plan(0, false);
        cr_assert(!failed || (raised(ERR_MEMORY, "memory") && gathering_iterator_length(g) == k && gathering_iterator_insert(g, k, item) == 0));
        refused -= failed;
    }
    cr_assert(refused > 0 && gathering_iterator_length(g) == 100 && count_of(item) == 101);
    drop_owned();
}

TEST(collector_sees_through_a_gathering)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = HEAP_THREAD, .track = TRACK_THREAD};
    cr_assert_eq(objects_start(&config), 0);
    gc_start();
    struct obj *g = gathering_iterator_new();
    cr_assert(gathering_iterator_insert(g, 3, g) == 0 && gathering_iterator_insert(g, 5, g) == 0 && children_of(g) == 2);
    obj_decref(g);
    gc_collect();
    rc_drain();
}

#if !RC_UNSAFE

enum { GI_KEYS = 3000, GI_WORKERS = 3 };
struct gi_share {
    struct obj *g;
    _Atomic int64_t key, came, sum; /* relaxed, all: tickets and counts */
};
static struct gi_share gi_share;
static void gi_share_begin(void)
{
    memset(&gi_share, 0, sizeof gi_share);
    gi_share.g = gi_new();
}

/* Workers take keys from a ticket and bring them in disorder. */
static const char *gi_bring(void)
{
    for (;; rt_safepoint()) {
        int64_t ticket = atomic_fetch_add_explicit(&gi_share.key, 1, memory_order_relaxed);
        if (ticket >= GI_KEYS)
            return NULL;
        int64_t key = ticket ^ 15; /* in blocks of 16, backwards */
        struct obj *value = int_new(key);
        if (!value || gathering_iterator_insert(gi_share.g, key, value) != 0)
            return "an insertion failed";
        obj_decref(value);
    }
}
static const char *gi_gather(int64_t timeout_ns)
{
    for (int64_t last = -1, key;; rt_safepoint()) {
        struct obj *value;
        int result = gathering_iterator_next(gi_share.g, GI_KEYS - 9, timeout_ns, &value); /* 8 in the last block come too */
        if (result == 0)
            return NULL;
        if (result < 0 && timeout_ns >= 0 && err_take() == ERR_EMPTY)
            continue;
        if (result < 0)
            return "a step failed";
        int_value(value, &key);
        obj_decref(value);
        if (key <= last)
            return "out of order";
        last = key;
        atomic_fetch_add_explicit(&gi_share.came, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&gi_share.sum, key, memory_order_relaxed);
    }
}
static const char *gi_crowd(struct threads_arg *a)
{
    int gatherers = *(int *)a->shared;
    return a->index >= gatherers ? gi_bring() : gi_gather(a->index == 2 ? 100000 : -1);
}
static void gi_check(void)
{
    int64_t keys = GI_KEYS - 8;
    cr_assert_eq(atomic_load_explicit(&gi_share.came, memory_order_relaxed), keys);
    cr_assert_eq(atomic_load_explicit(&gi_share.sum, memory_order_relaxed), keys * (keys - 1) / 2);
}
TEST(one_gatherer_gets_all_of_many_workers_in_order)
{
    int gatherers = 1;
    gi_share_begin();
    cr_assert_null(threads_run(1 + GI_WORKERS, gi_crowd, &gatherers));
    gi_check();
    drop_owned();
}
TEST(gatherers_that_share_an_iterator_get_each_key_once_and_in_order)
{
    int gatherers = 3;
    gi_share_begin();
    cr_assert_null(threads_run(3 + GI_WORKERS, gi_crowd, &gatherers));
    gi_check();
    drop_owned();
}

static const char *gi_cancel_waiters(struct threads_arg *a)
{
    struct gathering_iterator *g = a->shared;
    struct obj *value;
    if (a->index > 0)
        return gathering_iterator_next(a->shared, 9, -1, &value) == -1 && err_take() == ERR_CANCELLED ? NULL : "a waiter was not told";
    thread_detach();
    /* relaxed: a count to wait for */
    while (atomic_load_explicit(&g->moved.waiting, memory_order_relaxed) < (uint32_t)a->count - 1)
        os_yield();
    thread_attach();
    return gathering_iterator_cancel(a->shared) == 0 ? NULL : "the cancelling failed";
}
TEST(cancelling_wakes_every_waiter)
{
    struct obj *g = gi_new();
    cr_assert_null(threads_run(4, gi_cancel_waiters, g));
    drop_owned();
}

/* Two wait for the same key, one of them goes no further: when the other has it, the first one's end has come. */
static const char *gi_different_ends(struct threads_arg *a)
{
    struct gathering_iterator *g = a->shared;
    struct obj *value;
    int count = 0, result;
    if (a->index < 2) {
        while ((result = gathering_iterator_next(a->shared, a->index, -1, &value)) == 1) {
            obj_decref(value);
            count++;
        }
        return result == 0 && count <= 1 + a->index ? NULL : "a step failed";
    }
    thread_detach();
    /* relaxed: a count to wait for */
    while (atomic_load_explicit(&g->moved.waiting, memory_order_relaxed) < 2)
        os_yield();
    thread_attach();
    return gathering_iterator_insert(a->shared, 0, none_get()) == 0 && gathering_iterator_insert(a->shared, 1, none_get()) == 0
               ? NULL : "an insertion failed";
}
TEST(who_goes_less_far_is_told_when_another_has_taken_its_last_key)
{
    for (int round = 0; round < 30; round++) {
        struct obj *g = gi_new();
        cr_assert_null(threads_run(3, gi_different_ends, g));
        cr_assert_eq(gathering_iterator_length(g), 0);
    }
    drop_owned();
}

#endif
