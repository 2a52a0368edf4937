/*
 * test_stress.c -- several threads on every container at once, each test with an account that must balance.
 *
 * Values encode who made them and why they are where they are: an int in a list is thread * STRESS_BASE + number, a value in a
 * dict encodes its key. Bounded by operations, not by time.
 */
#include "harness.h"
#include "threads.h"

#include "../objects/dict.h"
#include "../objects/iter.h"
#include "../objects/list.h"
#include "../objects/number.h"
#include "../objects/set.h"
#include "../objects/str.h"
#include "../objects/tuple.h"

#if !RC_UNSAFE

#ifdef OS_TSAN
enum { STRESS_SCALE = 5 };
#else
enum { STRESS_SCALE = 1 };
#endif

#define STRESS_BASE 1000000 /* beyond the cached ints: each value is an object that is counted and freed */

enum { STRESS_KEYS = 600, STRESS_LISTS = 4 };

struct stress {
    struct obj *o[STRESS_LISTS];
    struct os_barrier meet;
    _Atomic int64_t in, out;       /* sums of what went into the containers and came out */
    _Atomic int won[STRESS_KEYS];  /* how many threads were told that they were the one */
};

static struct stress *stress_new(int threads, struct obj *(*make)(size_t))
{
    struct stress *s = calloc(1, sizeof *s);
    if (!s)
        die("stress", errno);
    os_barrier_init(&s->meet, threads);
    for (int i = 0; make && i < STRESS_LISTS; i++)
        s->o[i] = make(0);
    return s;
}
static void stress_drop(struct stress *s)
{
    for (int i = 0; i < STRESS_LISTS; i++)
        obj_xdecref(s->o[i]);
    os_barrier_drop(&s->meet);
    free(s);
}
static void stress_meet(struct stress *s)
{
    thread_detach();
    os_barrier_wait(&s->meet);
    thread_attach();
}
/* relaxed, both: accounts, read when the threads have ended */
static void stress_add(_Atomic int64_t *sum, int64_t n) { atomic_fetch_add_explicit(sum, n, memory_order_relaxed); }
static void stress_win(struct stress *s, int key) { atomic_fetch_add_explicit(&s->won[key], 1, memory_order_relaxed); }

static int64_t stress_int(struct obj *o)
{
    int64_t value;
    return o && int_value(o, &value) == 0 ? value : INT64_MIN;
}

/* The sum of what is left in a list. */
static int64_t stress_left(struct obj *list)
{
    int64_t sum = 0;
    for (struct obj *o; (o = list_pop(list, -1)); obj_decref(o))
        sum += stress_int(o);
    err_take();
    return sum;
}

static void stress_run(int threads, const char *(*body)(struct threads_arg *), struct stress *s)
{
    const char *verdict = threads_run(threads, body, s);
    cr_assert_null(verdict, "%s", verdict);
}

/* --- lists --- */

static const char *stress_list_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    uint64_t random = (uint64_t)a->index + 1;
    for (int i = 0; i < 20000 / STRESS_SCALE; i++) {
        uint64_t r = work_random(&random);
        struct obj *list = s->o[r % 2], *o;
        int64_t value = STRESS_BASE * (a->index + 1) + i;
        if (r >> 60 < 9) {
            o = int_new(value);
            if ((r & 4 ? list_append(list, o) : list_insert(list, (int64_t)(r >> 8 & 63) - 32, o)) != 0)
                return "cannot add";
            stress_add(&s->in, value);
        } else if ((o = list_pop(list, r & 4 ? -1 : 0))) {
            stress_add(&s->out, stress_int(o));
        }
        obj_xdecref(o);
        rt_safepoint();
    }
    return NULL;
}

TEST(lists_give_back_what_was_put_in)
{
    struct stress *s = stress_new(4, list_new);
    stress_run(4, stress_list_body, s);
    int64_t left = stress_left(s->o[0]) + stress_left(s->o[1]);
    cr_assert_eq(s->in, s->out + left);
    stress_drop(s);
}

/* The interior of a copy that only this thread knows. */
static const char *stress_look_at_copy(struct obj *list)
{
    const char *verdict = NULL;
    struct obj *copy = list_slice(list, 0, INT64_MAX);
    for (int64_t k = 0, n = list_length(copy); k < n; k++) {
        struct obj *o = list_get(copy, k);
        int64_t value = stress_int(o);
        if (value < STRESS_BASE || value >= STRESS_BASE + 400)
            verdict = "a stranger in the list";
        obj_xdecref(o);
    }
    obj_decref(copy);
    return verdict;
}

/* Up to five items leave `from` for a list of this thread's own, and from there all at once for `to`. */
static const char *stress_move_some(struct obj *from, struct obj *to)
{
    struct obj *mine = list_new(0), *o;
    for (int k = 0; k < 5 && (o = list_pop(from, -1)); k++) {
        list_append(mine, o);
        obj_decref(o);
    }
    int failed = list_extend(to, mine);
    obj_decref(mine);
    return failed ? "extend failed" : NULL;
}

static const char *stress_move_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    const char *verdict = NULL;
    uint64_t random = (uint64_t)a->index + 1;
    for (int i = 0; i < 4000 / STRESS_SCALE && !verdict; i++) {
        uint64_t r = work_random(&random);
        struct obj *from = s->o[r % STRESS_LISTS], *to = s->o[(r >> 8) % STRESS_LISTS], *o;
        switch (r >> 61) {
        case 0: case 1: case 2:
            if ((o = list_pop(from, 0)) && list_append(to, o) != 0)
                verdict = "append failed";
            obj_xdecref(o);
            break;
        case 3: case 4: verdict = stress_move_some(from, to); break;
        case 5: list_reverse(from); break;
        case 6: verdict = stress_look_at_copy(from); break;
        default: list_set_slice(to, 0, INT64_MAX, to); break; /* to itself: nothing moves */
        }
        err_take();
        rt_safepoint();
    }
    return verdict;
}

TEST(items_that_wander_between_lists_are_neither_lost_nor_doubled)
{
    enum { ITEMS = 400 };
    struct stress *s = stress_new(4, list_new);
    for (int i = 0; i < ITEMS; i++) {
        struct obj *o = int_new(STRESS_BASE + i);
        list_append(s->o[i % STRESS_LISTS], o);
        obj_decref(o);
    }
    stress_run(4, stress_move_body, s);
    for (int i = 0; i < STRESS_LISTS; i++)
        for (struct obj *o; (o = list_pop(s->o[i], -1)); obj_decref(o))
            stress_win(s, (int)(stress_int(o) - STRESS_BASE));
    for (int i = 0; i < ITEMS; i++)
        cr_assert_eq(s->won[i], 1);
    stress_drop(s);
}

/* A sort owns the items while it runs; others find an empty list, and what they append meanwhile makes the sort fail. */
static const char *stress_sort_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    for (int i = 0; i < 300 / STRESS_SCALE; i++) {
        if (a->index < 2) {
            list_reverse(s->o[0]);
            if (list_sort(s->o[0]) != 0 && err_take() != ERR_CHANGED)
                return "sort failed for another reason than a change";
        } else {
            struct obj *o = list_get(s->o[0], 0), *copy = list_slice(s->o[0], 0, 20);
            int64_t n = list_length(copy);
            if (n != 0 && n != 20)
                return "a sort shows a part of the list";
            if (o && (stress_int(o) < STRESS_BASE || stress_int(o) >= STRESS_BASE + 500))
                return "a stranger in the list";
            obj_xdecref(o);
            obj_decref(copy);
            err_take();
        }
        rt_safepoint();
    }
    return NULL;
}

TEST(a_list_sorted_by_several_threads_keeps_its_items)
{
    enum { ITEMS = 500 };
    struct stress *s = stress_new(4, list_new);
    for (int i = 0; i < ITEMS; i++) {
        struct obj *o = int_new(STRESS_BASE + (i * 37) % ITEMS);
        list_append(s->o[0], o);
        obj_decref(o);
    }
    stress_run(4, stress_sort_body, s);
    cr_assert_eq(list_sort(s->o[0]), 0);
    cr_assert_eq(list_length(s->o[0]), ITEMS);
    int64_t before = INT64_MIN;
    for (int64_t i = 0; i < list_length(s->o[0]); i++) {
        struct obj *o = list_get(s->o[0], i);
        cr_assert_gt(stress_int(o), before);
        before = stress_int(o);
        obj_decref(o);
    }
    stress_drop(s);
}

/* --- dicts --- */

/* An int key, or a str one, for i; new. */
static struct obj *stress_key(int i, bool text)
{
    char digits[32];
    snprintf(digits, sizeof digits, "key %d", i);
    return text ? str_from(digits) : int_new(STRESS_BASE + i);
}

/* Every thread offers its own value for every key: one is taken, and all are told which. */
static const char *stress_setdefault_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    const char *verdict = NULL;
    stress_meet(s);
    for (int i = 0; i < STRESS_KEYS && !verdict; i++) {
        int key = (i + a->index % 2 * 300) % STRESS_KEYS;
        struct obj *k = stress_key(key, key % 2), *mine = int_new(STRESS_BASE * (a->index + 1) + key), *found, *again = NULL;
        int there = dict_setdefault(s->o[0], k, mine, &found);
        if (there < 0 || stress_int(found) % STRESS_BASE != key)
            verdict = "setdefault gave the value of another key";
        if (there == 0) {
            stress_win(s, key);
            verdict = found == mine ? verdict : "inserted, but found another's";
        }
        if (dict_get(s->o[0], k, &again) != 1 || again != found)
            verdict = "the value of a key has changed";
        obj_xdecref(again);
        obj_xdecref(found);
        obj_decref(mine);
        obj_decref(k);
        rt_safepoint();
    }
    return verdict;
}

static const char *stress_pop_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    const char *verdict = NULL;
    for (int i = 0; i < STRESS_KEYS && !verdict; i++) {
        int key = a->index % 2 ? STRESS_KEYS - 1 - i : i;
        struct obj *k = stress_key(key, key % 2), *value;
        int popped = dict_pop(s->o[0], k, &value);
        if (popped == 1 && stress_int(value) % STRESS_BASE != key)
            verdict = "popped the value of another key";
        if (popped == 1)
            stress_win(s, key);
        obj_xdecref(value);
        obj_decref(k);
        rt_safepoint();
    }
    return verdict;
}

TEST(each_key_of_a_dict_is_won_by_one_thread)
{
    for (int round = 0; round < 20 / STRESS_SCALE; round++) {
        struct stress *s = stress_new(4, dict_new);
        stress_run(4, stress_setdefault_body, s);
        cr_assert_eq(dict_length(s->o[0]), STRESS_KEYS);
        for (int i = 0; i < STRESS_KEYS; i++)
            cr_assert_eq(s->won[i], 1);
        stress_run(4, stress_pop_body, s);
        cr_assert_eq(dict_length(s->o[0]), 0);
        for (int i = 0; i < STRESS_KEYS; i++)
            cr_assert_eq(s->won[i], 2);
        stress_drop(s);
    }
}

/* A snapshot of a dict whose values encode their keys, whoever changes it meanwhile. */
static const char *stress_check_items(struct obj *dict)
{
    const char *verdict = NULL;
    struct obj *copy = dict_copy(dict), *items = dict_items(copy);
    if (list_length(items) != dict_length(copy))
        verdict = "items and length of a private copy differ";
    for (int64_t i = 0, n = list_length(items); i < n && !verdict; i++) {
        struct obj *pair = list_get(items, i);
        if (stress_int(tuple_get_borrowed(pair, 0)) != stress_int(tuple_get_borrowed(pair, 1)) % STRESS_BASE + STRESS_BASE)
            verdict = "a key with the value of another";
        obj_decref(pair);
    }
    obj_decref(items);
    obj_decref(copy);
    return verdict;
}

/* Each thread owns the keys that are its index modulo the threads, and reads all of them. */
static const char *stress_dict_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    uint64_t random = (uint64_t)a->index + 1;
    int64_t mine = 0;
    bool set[STRESS_KEYS] = {false};
    const char *verdict = NULL;
    for (int i = 0; i < 15000 / STRESS_SCALE && !verdict; i++) {
        uint64_t r = work_random(&random);
        int key = (int)(r % (STRESS_KEYS / 4)) * 4 % STRESS_KEYS + a->index;
        struct obj *k = stress_key(key, false), *v = int_new(STRESS_BASE * (2 + (int64_t)(r >> 32 & 15)) + key), *found;
        switch (r >> 61) {
        case 0: case 1: case 2:
            if (dict_set(s->o[0], k, v) != 0)
                verdict = "cannot set";
            mine += !set[key];
            set[key] = true;
            break;
        case 3: case 4:
            if ((dict_del(s->o[0], k) == 0) != set[key])
                verdict = "a key that nobody else touches was not as left";
            mine -= set[key];
            set[key] = false;
            err_take();
            break;
        case 5:
            if (dict_contains(s->o[0], k) != set[key])
                verdict = "contains is wrong about a key that nobody else touches";
            break;
        case 6:
            if (r % 64 == 0)
                verdict = stress_check_items(s->o[0]);
            break;
        default: { /* a key of somebody else's */
            int other = (key + 1) % STRESS_KEYS;
            struct obj *ok = stress_key(other, false);
            if (dict_get(s->o[0], ok, &found) == 1 && stress_int(found) % STRESS_BASE != other)
                verdict = "the value of another key";
            obj_xdecref(found);
            obj_decref(ok);
        }
        }
        obj_decref(k);
        obj_decref(v);
        rt_safepoint();
    }
    stress_add(&s->in, mine);
    return verdict;
}

TEST(a_dict_keeps_the_values_of_each_key_apart)
{
    struct stress *s = stress_new(4, dict_new);
    stress_run(4, stress_dict_body, s);
    cr_assert_eq(dict_length(s->o[0]), s->in);
    const char *verdict = stress_check_items(s->o[0]);
    cr_assert_null(verdict, "%s", verdict);
    stress_drop(s);
}

/* dict_update, dict_clear and dict_copy both ways between two dicts. */
static const char *stress_update_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    const char *verdict = NULL;
    for (int i = 0; i < 300 / STRESS_SCALE && !verdict; i++) {
        struct obj *x = s->o[a->index % 2], *y = s->o[1 - a->index % 2];
        if (a->index < 2 && dict_update(x, y) != 0)
            return "update failed";
        for (int k = 0; a->index == 2 && k < 20; k++) {
            struct obj *key = stress_key(k + i % 10 * 20, false), *v = int_new(2 * STRESS_BASE + k + i % 10 * 20);
            dict_set(s->o[k % 2], key, v);
            obj_decref(key);
            obj_decref(v);
        }
        if (a->index == 3 && i % 20 == 0)
            dict_clear(x);
        verdict = stress_check_items(y);
        rt_safepoint();
    }
    return verdict;
}

TEST(dicts_updated_by_each_other_stay_consistent)
{
    struct stress *s = stress_new(4, dict_new);
    stress_run(4, stress_update_body, s);
    const char *verdict = stress_check_items(s->o[0]);
    cr_assert_null(verdict, "%s", verdict);
    stress_drop(s);
}

/* --- sets --- */

static const char *stress_set_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    for (int i = 0; i < STRESS_KEYS; i++) {
        struct obj *k = stress_key(i, i % 2);
        int added = set_add(s->o[0], k);
        if (added < 0 || set_contains(s->o[0], k) != 1)
            return "added, and not there";
        if (added)
            stress_win(s, i);
        obj_decref(k);
        rt_safepoint();
    }
    stress_meet(s);
    for (int i = 0; i < STRESS_KEYS; i++) {
        struct obj *k = i % 3 ? stress_key(i, i % 2) : NULL, *popped = k ? NULL : set_pop(s->o[0]);
        stress_add(&s->out, k ? set_discard(s->o[0], k) == 1 : popped != NULL);
        obj_xdecref(k);
        obj_xdecref(popped);
        err_take();
        rt_safepoint();
    }
    return NULL;
}

TEST(each_item_of_a_set_is_added_and_removed_by_one_thread)
{
    for (int round = 0; round < 20 / STRESS_SCALE; round++) {
        struct stress *s = stress_new(4, set_new);
        stress_run(4, stress_set_body, s);
        for (int i = 0; i < STRESS_KEYS; i++)
            cr_assert_eq(s->won[i], 1);
        cr_assert_eq(s->out + set_length(s->o[0]), STRESS_KEYS);
        stress_drop(s);
    }
}

/* What never leaves a set is in every union and in no difference, whatever comes and goes beside it. */
static const char *stress_set_algebra_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    struct obj *x = s->o[a->index % 2], *y = s->o[1 - a->index % 2], *stays = s->o[2];
    for (int i = 0; i < 400 / STRESS_SCALE; i++) {
        if (a->index >= 2) {
            struct obj *k = stress_key(100 + i % 50, false);
            if (i / 50 % 2 ? set_discard(x, k) < 0 : set_add(x, k) < 0)
                return "add or discard failed";
            obj_decref(k);
        } else {
            struct obj *both = set_intersection(x, y), *all = set_union(x, y), *one = set_symmetric_difference(x, stays);
            if (set_is_subset(stays, both) != 1 || set_is_subset(stays, all) != 1 || set_is_subset(both, all) < 0)
                return "an item that stays is missing";
            struct obj *none = set_intersection(one, stays);
            if (set_length(none) != 0)
                return "an item that stays is in the difference";
            obj_decref(none);
            obj_decref(both);
            obj_decref(all);
            obj_decref(one);
        }
        rt_safepoint();
    }
    return NULL;
}

TEST(set_operations_see_what_stays)
{
    struct stress *s = stress_new(4, set_new);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 30; k++) {
            struct obj *key = stress_key(k, k % 2);
            set_add(s->o[i], key);
            obj_decref(key);
        }
    stress_run(4, stress_set_algebra_body, s);
    stress_drop(s);
}

/* --- iterators over what changes --- */

static const char *stress_iter_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    for (int i = 0; i < 200 / STRESS_SCALE; i++) {
        struct obj *source = s->o[i % 3], *it = iter_new(source), *o, *k = stress_key(i % 40, false);
        int more = 0;
        for (int steps = 0; a->index < 2 && steps < 1000 && (more = iter_next(it, &o)) == 1; steps++) {
            int64_t value = stress_int(o);
            obj_decref(o);
            if (value < STRESS_BASE || value >= STRESS_BASE + 40)
                return "an item that never was in the container";
            rt_safepoint();
        }
        if (more < 0 && err_take() != ERR_CHANGED)
            return "an iterator failed for another reason than a change";
        if (a->index >= 2) {
            list_append(s->o[0], k);
            obj_xdecref(list_pop(s->o[0], 0));
            dict_set(s->o[1], k, k);
            set_add(s->o[2], k);
            if (i % 3 == 0) {
                struct obj *v;
                dict_pop(s->o[1], k, &v);
                obj_xdecref(v);
                set_discard(s->o[2], k);
            }
        }
        obj_decref(k);
        obj_decref(it);
        rt_safepoint();
    }
    return NULL;
}

TEST(iterators_over_changing_containers_give_items_or_say_changed)
{
    struct stress *s = stress_new(4, list_new);
    obj_decref(s->o[1]);
    obj_decref(s->o[2]);
    s->o[1] = dict_new(0);
    s->o[2] = set_new(0);
    for (int i = 0; i < 20; i++) {
        struct obj *k = stress_key(i, false);
        list_append(s->o[0], k);
        dict_set(s->o[1], k, k);
        set_add(s->o[2], k);
        obj_decref(k);
    }
    stress_run(4, stress_iter_body, s);
    stress_drop(s);
}

/* --- threads that come and go --- */

/* One life: takes what others left in a dict, a list and a set, leaves something of its own, ends. */
static void *stress_life(void *raw)
{
    struct stress *s = raw;
    if (thread_begin() != 0)
        die("thread_begin", ENOMEM);
    for (int i = 0; i < 60; i++) {
        int64_t value = STRESS_BASE * (int64_t)rt_self->key + i;
        struct obj *o = int_new(value), *k = stress_key(i, true), *old = NULL;
        list_append(s->o[0], o);
        stress_add(&s->in, value);
        struct obj *taken = i % 2 ? list_pop(s->o[0], 0) : NULL;
        if (taken)
            stress_add(&s->out, stress_int(taken));
        dict_set(s->o[1], k, o);
        if (i % 3 == 0)
            dict_pop(s->o[1], k, &old);
        set_add(s->o[2], o);
        if (i % 2)
            obj_xdecref(set_pop(s->o[2]));
        obj_xdecref(old);
        obj_xdecref(taken);
        obj_decref(k);
        obj_decref(o);
        if (i % 8 == 0)
            rt_safepoint();
    }
    err_take();
    thread_end();
    return NULL;
}

static const char *stress_lives_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    const char *verdict = NULL;
    thread_detach();
    for (int i = 0; i < 60 / STRESS_SCALE && !verdict; i++) {
        pthread_t child[2];
        for (int k = 0; k < 2; k++)
            if (os_spawn(&child[k], stress_life, s) != 0)
                die("child", EAGAIN);
        for (int k = 0; k < 2; k++)
            os_join(child[k]);
    }
    thread_attach();
    return verdict;
}

TEST(threads_come_and_go_while_others_use_their_objects) /* FIELD.md 3.10 */
{
    struct stress *s = stress_new(3, list_new);
    obj_decref(s->o[1]);
    obj_decref(s->o[2]);
    s->o[1] = dict_new(0);
    s->o[2] = set_new(0);
    stress_run(3, stress_lives_body, s);
    int64_t left = stress_left(s->o[0]);
    cr_assert_eq(s->in, s->out + left);
    stress_drop(s);
}

/* --- keys with code of their own: a comparison is a place where the thread may be switched --- */

struct stress_slow {
    struct obj base;
    int64_t value;
};
static void stress_slow_dealloc(struct obj *o)
{
    ((struct stress_slow *)o)->value = -1;
    obj_free(o, sizeof(struct stress_slow));
}
static int stress_slow_hash(struct obj *o, int64_t *hash)
{
    *hash = ((struct stress_slow *)o)->value % 8; /* so that most lookups compare */
    return 0;
}

static void stress_switch(void)
{
    static _Atomic uint32_t turn;
    if (atomic_fetch_add_explicit(&turn, 1, memory_order_relaxed) % 16 == 0) { /* relaxed: decides when to switch */
        rt_safepoint();
        thread_detach();
        os_yield();
        thread_attach();
    } else {
        rt_safepoint();
    }
}

static const struct type stress_slow_type;
static int stress_slow_equal(struct obj *a, struct obj *b)
{
    stress_switch();
    return b->type == &stress_slow_type && ((struct stress_slow *)a)->value == ((struct stress_slow *)b)->value;
}
static const struct type stress_slow_type = {
    .name = "slow", .dealloc = stress_slow_dealloc, .hash = stress_slow_hash, .equal = stress_slow_equal};

static struct obj *stress_slow(int64_t value)
{
    struct stress_slow *o = obj_alloc(&stress_slow_type, sizeof *o);
    if (!o)
        die("slow", ENOMEM);
    o->value = value;
    return &o->base;
}

enum { STRESS_SLOW = 80 };

static const char *stress_slow_key(struct threads_arg *a, int i)
{
    struct stress *s = a->shared;
    int key = (i * 7 + a->index * 31) % STRESS_SLOW;
    struct obj *k = stress_slow(key), *v = int_new(STRESS_BASE * (a->index + 1) + key), *found;
    const char *verdict = NULL;
    int there = dict_setdefault(s->o[0], k, v, &found);
    if (there < 0 || stress_int(found) % STRESS_BASE != key)
        verdict = "setdefault gave the value of another key";
    if (there == 0)
        stress_add(&s->in, 1);
    obj_xdecref(found);
    if (i % 3 == 0) {
        int popped = dict_pop(s->o[0], k, &found);
        if (popped == 1 && stress_int(found) % STRESS_BASE != key)
            verdict = "popped the value of another key";
        stress_add(&s->out, popped == 1);
        obj_xdecref(found);
    }
    int added = set_add(s->o[1], k);
    if (added < 0 || (added == 0 && i % 5 == 0 && set_discard(s->o[1], k) < 0))
        verdict = "add or discard failed";
    obj_decref(k);
    obj_decref(v);
    return verdict;
}

static const char *stress_slow_body(struct threads_arg *a)
{
    const char *verdict = NULL;
    for (int i = 0; i < 1500 / STRESS_SCALE && !verdict; i++) {
        verdict = stress_slow_key(a, i);
        rt_safepoint();
    }
    return verdict;
}

TEST(keys_whose_comparison_switches_threads_stay_unique)
{
    struct stress *s = stress_new(4, dict_new);
    obj_decref(s->o[1]);
    s->o[1] = set_new(0);
    stress_run(4, stress_slow_body, s);
    cr_assert_eq(dict_length(s->o[0]), s->in - s->out);
    struct obj *keys = dict_keys(s->o[0]), *items = set_items(s->o[1]), *lists[] = {keys, items};
    for (int l = 0; l < 2; l++) {
        int seen[STRESS_SLOW] = {0};
        for (int64_t i = 0, n = list_length(lists[l]); i < n; i++) {
            struct obj *k = list_get(lists[l], i);
            cr_assert_eq(seen[((struct stress_slow *)k)->value]++, 0);
            obj_decref(k);
        }
        obj_decref(lists[l]);
    }
    stress_drop(s);
}

/* list_remove and list_index with such items: each token is removed by one thread. */
static const char *stress_slow_list_body(struct threads_arg *a)
{
    struct stress *s = a->shared;
    const char *verdict = NULL;
    for (int i = 0; i < 100 && !verdict; i++) {
        int value = a->index % 2 ? 99 - i : i;
        struct obj *wanted = stress_slow(value);
        if (list_remove(s->o[0], wanted) == 0)
            stress_win(s, value);
        else if (err_take() != ERR_KEY)
            verdict = "remove failed for another reason than a missing item";
        if (i % 4 == 0) { /* what moves about does not get lost */
            struct obj *o = list_pop(s->o[0], 0);
            if (o)
                list_append(s->o[0], o);
            obj_xdecref(o);
            err_take();
        }
        obj_decref(wanted);
        rt_safepoint();
    }
    return verdict;
}

TEST(items_whose_comparison_switches_threads_are_removed_once)
{
    struct stress *s = stress_new(4, list_new);
    for (int i = 0; i < 100; i++) {
        struct obj *o = stress_slow(i);
        list_append(s->o[0], o);
        obj_decref(o);
    }
    stress_run(4, stress_slow_list_body, s);
    for (struct obj *o; (o = list_pop(s->o[0], 0)); obj_decref(o))
        stress_win(s, (int)((struct stress_slow *)o)->value);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(s->won[i], 1);
    stress_drop(s);
}

#endif
