/*
 * test_reads.c -- lists and dicts read without their lock (reads=optimistic), and memory that waits for a grace period.
 *
 * The storms: one thread changes a container in every way there is, others read it in every way and check each value, on every policy of
 * memory. Values are ints (blocks that are used again at once), or strings that are larger than HEAP_MAX and tell by their bytes
 * what they are: their memory goes back to malloc, where the sanitizers watch it.
 */
#include "../objects/dict.h"
#include "../objects/iter.h"
#include "../objects/list.h"
#include "../objects/number.h"
#include "../objects/set.h"
#include "../objects/str.h"

#ifdef OS_TSAN
enum { READS_SCALE = 20 };
#else
enum { READS_SCALE = 1 };
#endif

/* The runtime once more, with these policies. test_stop ends it. False: it does not start. */
static bool reads_restart(enum heap_policy heap, enum reads_policy reads)
{
    cr_assert_eq(objects_stop(), 0);
    struct objects_config config = {.heap = heap, .lock = test_lock(), .reads = reads};
    return objects_start(&config) == 0;
}

TEST(optimistic_reads_are_refused_where_nothing_says_what_is_alive)
{
    bool started = reads_restart(HEAP_THREAD, READS_OPTIMISTIC);
    cr_assert_eq(started, RC_READS != RC_READS_NONE);
    cr_assert_eq(runtime_refuses("reads", "optimistic") == NULL, started, "the driver says the same");
    cr_assert_null(runtime_refuses("reads", "locked"));
    cr_assert_null(runtime_refuses("freelist", "malloc"));
    if (!started)
        test_start();
}

#if RC_READS != RC_READS_NONE

static uint64_t reads_counted(enum rc_counter which) { return heap_self()->rc.base.counts.value[which]; }

/* --- values that tell what they are --- */

enum { READS_LONG = 1000, READS_SIGN = 7 };

struct reads_kind {
    struct obj *(*make)(int64_t n);      /* new, or NULL */
    bool (*is)(struct obj *o, int64_t *n); /* it is one of these, and which */
};
static struct obj *reads_int(int64_t n) { return int_new(n * 100 + 10000 + READS_SIGN); }
static bool reads_is_int(struct obj *o, int64_t *n)
{
    int64_t value;
    if (!obj_is(o, &int_type) || int_value(o, &value) != 0)
        return false;
    *n = (value - 10000) / 100;
    return value % 100 == READS_SIGN;
}
static struct obj *reads_text(int64_t n)
{
    char bytes[READS_LONG];
    memset(bytes, 'a' + (int)(n % 26), sizeof bytes);
    memcpy(bytes, &n, sizeof n);
    return str_new(bytes, sizeof bytes);
}
static bool reads_is_text(struct obj *o, int64_t *n)
{
    if (!obj_is(o, &str_type) || str_length(o) != READS_LONG)
        return false;
    const char *bytes = str_bytes(o);
    memcpy(n, bytes, sizeof *n);
    return bytes[sizeof *n] == 'a' + *n % 26 && bytes[READS_LONG - 1] == bytes[sizeof *n];
}
static const struct reads_kind reads_kinds[] = {{reads_int, reads_is_int}, {reads_text, reads_is_text}};

/* --- storms --- */

enum { READS_KEYS = 24 };

struct reads_storm {
    const struct reads_kind *kind;
    struct obj *o, *kept; /* kept: always in the list */
    _Atomic int over;
    int steps;
};

static bool reads_over(struct reads_storm *s) { return atomic_load_explicit(&s->over, memory_order_relaxed) != 0; }

static int reads_with(struct reads_storm *s, int64_t n, int (*change)(struct obj *o, int64_t n, struct obj *item))
{
    struct obj *item = s->kind->make(n);
    int failed = item ? change(s->o, n, item) : -1;
    obj_xdecref(item);
    return failed;
}
static int reads_append(struct obj *o, int64_t n, struct obj *item) { return (void)n, list_append(o, item); }
static int reads_insert(struct obj *o, int64_t n, struct obj *item) { return list_insert(o, 1 + n % 5, item); }
static int reads_set(struct obj *o, int64_t n, struct obj *item) { return list_length(o) > 1 ? list_set(o, 1 + n % (list_length(o) - 1), item) : 0; }
static int reads_slice(struct obj *o, int64_t n, struct obj *item)
{
    struct obj *two[2] = {item, item}, *more = list_from(two, 2);
    int failed = more ? list_set_slice(o, 1, 3 + n % 3, more) : -1;
    obj_xdecref(more);
    return failed;
}
static int reads_extend(struct obj *o, int64_t n, struct obj *item)
{
    struct obj *two[2] = {item, item}, *more = tuple_new(two, 2);
    (void)n;
    int failed = more ? list_extend(o, more) : -1;
    obj_xdecref(more);
    return failed;
}

/* `kept` stays in front, but for the moments of a sort or a clear. */
static int reads_change_list(struct reads_storm *s, int64_t step)
{
    uint64_t random = (uint64_t)step * 0x9e3779b97f4a7c15u;
    int64_t length = list_length(s->o);
    switch (random >> 60) {
    case 0: case 1: case 2: case 3: return reads_with(s, step, reads_append);
    case 4: case 5: return reads_with(s, step, reads_insert);
    case 6: case 7: case 8: return reads_with(s, step, reads_set);
    case 9: return reads_with(s, step, reads_slice);
    case 10: return reads_with(s, step, reads_extend);
    case 11: return length > 1 ? list_set_slice(s->o, 1, 1 + length / 2, NULL) : 0;
    case 12:
        if (step % 64 == 0 && (list_clear(s->o) != 0 || list_append(s->o, s->kept) != 0))
            return -1;
        return 0;
    default: {
        struct obj *gone = length > 1 ? list_pop(s->o, 1 + (int64_t)(random >> 8) % (length - 1)) : NULL;
        obj_xdecref(gone);
        return 0;
    }
    }
}

static const char *reads_look_at_list(struct reads_storm *s, uint64_t *random)
{
    int64_t n, i = (int64_t)work_below(random, 40);
    struct obj *item = list_get(s->o, i % 8 == 7 ? -1 - i / 8 : i);
    if (item && item != s->kept && !s->kind->is(item, &n))
        return "an item is not what was put in";
    obj_xdecref(item);
    if (!item && err_take() != ERR_INDEX)
        return "a get failed otherwise than by its index";
    if (list_length(s->o) < 0 || list_contains(s->o, s->kept) < 0)
        return "a list cannot be asked";
    if (work_below(random, 16) > 0)
        return NULL;
    struct obj *iter = iter_new(s->o);
    while (iter && iter_next(iter, &item) == 1) {
        if (item != s->kept && !s->kind->is(item, &n))
            return "an iterated item is not what was put in";
        obj_decref(item);
    }
    obj_xdecref(iter);
    return iter ? NULL : "no iterator";
}

/* The value of key k is one of n with n % READS_KEYS == k; keys are made anew each time, equal and not identical. */
static struct obj *reads_key(int64_t k)
{
    char name[32];
    snprintf(name, sizeof name, "key %d", (int)k);
    return k % 2 ? int_new(k + 1000) : str_from(name);
}
static int reads_change_dict(struct reads_storm *s, int64_t step)
{
    uint64_t random = (uint64_t)step * 0x9e3779b97f4a7c15u;
    int64_t k = (int64_t)((random >> 20) % READS_KEYS);
    struct obj *key = reads_key(k), *value = key ? s->kind->make(step * READS_KEYS + k) : NULL, *old = NULL;
    int failed = value ? 0 : -1;
    if (!failed && random >> 61 < 5)
        failed = dict_set(s->o, key, value);
    else if (!failed && random >> 61 < 7)
        failed = dict_pop(s->o, key, &old) < 0;
    else if (!failed && step % 32 == 0)
        failed = dict_clear(s->o);
    obj_xdecref(old);
    obj_xdecref(key);
    obj_xdecref(value);
    return failed;
}
static const char *reads_look_at_dict(struct reads_storm *s, uint64_t *random)
{
    int64_t k = (int64_t)work_below(random, READS_KEYS), n;
    struct obj *key = reads_key(k), *value;
    int found = dict_get(s->o, key, &value);
    if (found < 0 || dict_contains(s->o, key) < 0 || dict_length(s->o) < 0)
        return "a dict cannot be asked";
    if (found && (!s->kind->is(value, &n) || n % READS_KEYS != k))
        return "a value is not its key's";
    obj_decref(key);
    obj_xdecref(value);
    if (work_below(random, 16) > 0)
        return NULL;
    struct obj *iter = iter_new(s->o), *item;
    int step;
    while (iter && (step = iter_next(iter, &item)) == 1) {
        if (!obj_is(item, &int_type) && !obj_is(item, &str_type))
            return "an iterated key is not what was put in";
        obj_decref(item);
    }
    obj_xdecref(iter);
    return !iter || (step < 0 && err_take() != ERR_CHANGED) ? "no iteration" : NULL;
}

static const char *reads_in_storm(struct threads_arg *a, int (*change)(struct reads_storm *, int64_t),
                                  const char *(*look)(struct reads_storm *, uint64_t *))
{
    struct reads_storm *s = a->shared;
    uint64_t random = (uint64_t)a->index;
    const char *verdict = NULL;
    for (int64_t i = 0; !verdict && (a->index == 0 ? i < s->steps : !reads_over(s)); i++) {
        if (a->index == 0)
            verdict = change(s, i) == 0 ? NULL : "a change failed";
        else
            verdict = look(s, &random);
        if (i % 8 == 0)
            rt_safepoint();
    }
    atomic_store_explicit(&s->over, 1, memory_order_relaxed);
    return verdict;
}
static const char *reads_storm_list(struct threads_arg *a) { return reads_in_storm(a, reads_change_list, reads_look_at_list); }
static const char *reads_storm_dict(struct threads_arg *a) { return reads_in_storm(a, reads_change_dict, reads_look_at_dict); }

/* FIELD.md 3.15, 3.16 (lists), 3.17 (dicts). Short rounds: threads come and go, and leave what they have retired (3.22). */
static void reads_run_storm(enum heap_policy heap, const struct reads_kind *kind, struct obj *(*make)(size_t),
                            const char *(*body)(struct threads_arg *))
{
    cr_assert(reads_restart(heap, READS_OPTIMISTIC));
    struct reads_storm s = {.kind = kind, .o = make(0), .kept = float_new(0.5), .steps = 1500 / READS_SCALE};
    if (obj_is(s.o, &list_type))
        cr_assert_eq(list_append(s.o, s.kept), 0);
    for (int round = 0; round < 4; round++) {
        s.over = 0;
        const char *verdict = threads_run(3, body, &s);
        cr_assert_null(verdict, "%s", verdict);
    }
    obj_decref(s.o);
    obj_decref(s.kept);
}
TEST(readers_of_a_list_meet_its_changes) { reads_run_storm(HEAP_THREAD, &reads_kinds[0], list_new, reads_storm_list); }
TEST(readers_of_a_list_meet_its_changes_with_malloc) { reads_run_storm(HEAP_MALLOC, &reads_kinds[0], list_new, reads_storm_list); }
TEST(readers_of_a_list_meet_its_changes_with_one_freelist) { reads_run_storm(HEAP_LOCKED, &reads_kinds[0], list_new, reads_storm_list); }
TEST(readers_of_a_list_meet_large_items) { reads_run_storm(HEAP_THREAD, &reads_kinds[1], list_new, reads_storm_list); }
TEST(readers_of_a_dict_meet_its_changes) { reads_run_storm(HEAP_THREAD, &reads_kinds[0], dict_new, reads_storm_dict); }
TEST(readers_of_a_dict_meet_its_changes_with_malloc) { reads_run_storm(HEAP_MALLOC, &reads_kinds[0], dict_new, reads_storm_dict); }
TEST(readers_of_a_dict_meet_its_changes_with_one_freelist) { reads_run_storm(HEAP_LOCKED, &reads_kinds[0], dict_new, reads_storm_dict); }
TEST(readers_of_a_dict_meet_large_values) { reads_run_storm(HEAP_THREAD, &reads_kinds[1], dict_new, reads_storm_dict); }

/* --- order --- */

struct reads_series {
    struct obj *list, *dict, *key;
    _Atomic int over;
};

/* One writer counts up at a place, which meanwhile moves to ever new arrays; whoever reads it never sees the count go back. */
static const char *reads_count_up(struct reads_series *s, int64_t step)
{
    struct obj *n = int_new(1000 + step);
    bool done = n && list_set(s->list, 0, n) == 0 && dict_set(s->dict, s->key, n) == 0 && list_append(s->list, n) == 0;
    struct obj *other = done ? int_new(step % 50) : NULL;
    done = other && dict_set(s->dict, other, n) == 0;
    if (done && step % 50 == 49)
        for (int64_t i = 0; i < 50; i++)
            obj_decref(list_pop(s->list, -1));
    obj_xdecref(n);
    obj_xdecref(other);
    return done ? NULL : "no memory";
}
static const char *reads_follow(struct reads_series *s, int64_t *list, int64_t *dict)
{
    struct obj *a, *b;
    int64_t x, y;
    if (dict_get(s->dict, s->key, &b) != 1 || !(a = list_get(s->list, 0)) || int_value(a, &x) != 0 || int_value(b, &y) != 0)
        return "what is always there was missing";
    obj_decref(a);
    obj_decref(b);
    if (x < *list || y < *dict || x < y) /* the list is written first, and was read last */
        return "a later read gave an earlier value";
    *list = x;
    *dict = y;
    return NULL;
}
static const char *reads_series_body(struct threads_arg *a)
{
    struct reads_series *s = a->shared;
    const char *verdict = NULL;
    int64_t list = 0, dict = 0;
    for (int64_t i = 0; !verdict && (a->index ? !atomic_load_explicit(&s->over, memory_order_relaxed) : i < 5000 / READS_SCALE); i++) {
        verdict = a->index ? reads_follow(s, &list, &dict) : reads_count_up(s, i);
        if (i % 16 == 0)
            rt_safepoint();
    }
    atomic_store_explicit(&s->over, 1, memory_order_relaxed);
    return verdict;
}
TEST(what_readers_see_never_goes_back) /* FIELD.md 3.15 */
{
    cr_assert(reads_restart(HEAP_THREAD, READS_OPTIMISTIC));
    struct obj *zero = int_new(1000);
    struct reads_series s = {.list = list_from(&zero, 1), .dict = dict_new(0), .key = str_from("series")};
    cr_assert_eq(dict_set(s.dict, s.key, zero), 0);
    const char *verdict = threads_run(3, reads_series_body, &s);
    cr_assert_null(verdict, "%s", verdict);
    obj_decref(zero);
    obj_decref(s.list);
    obj_decref(s.dict);
    obj_decref(s.key);
}

/* --- a shared iterator (FIELD.md 3.18) --- */

struct reads_shared_iter {
    struct obj *iter;
    _Atomic int64_t sum, taken;
};
static const char *reads_take_all(struct threads_arg *a)
{
    struct reads_shared_iter *s = a->shared;
    struct obj *item;
    int64_t value;
    while (iter_next(s->iter, &item) == 1) {
        if (int_value(item, &value) != 0)
            return "an item is not what was put in";
        atomic_fetch_add_explicit(&s->sum, value, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->taken, 1, memory_order_relaxed);
        obj_decref(item);
        rt_safepoint();
    }
    return NULL;
}
static void reads_share_iter(struct obj *container, int64_t items)
{
    struct reads_shared_iter s = {.iter = iter_new(container)};
    obj_decref(container); /* the iterator alone holds it */
    const char *verdict = threads_run(3, reads_take_all, &s);
    cr_assert_null(verdict, "%s", verdict);
    cr_assert_eq(s.taken, items);
    cr_assert_eq(s.sum, items * (items - 1) / 2 + 1000 * items);
    obj_decref(s.iter);
}
TEST(iterator_of_many_threads_gives_each_item_once)
{
    enum { ITEMS = 2000 / READS_SCALE };
    cr_assert(reads_restart(HEAP_THREAD, READS_OPTIMISTIC));
    struct obj *list = list_new(0), *dict = dict_new(0), *set = set_new(0);
    for (int64_t i = 0; i < ITEMS; i++) {
        struct obj *n = int_new(1000 + i);
        cr_assert(list_append(list, n) == 0 && dict_set(dict, n, none_get()) == 0 && set_add(set, n) == 1);
        obj_decref(n);
    }
    reads_share_iter(list, ITEMS);
    reads_share_iter(dict, ITEMS);
    reads_share_iter(set, ITEMS);
}

/* --- who takes the lock, and what is retired --- */

struct reads_count {
    struct obj *list, *dict, *key, *set, *item; /* the item is of the set alone: a dict's read would allow it */
};
/* A stranger's second reads take no lock and write nothing to the container. */
static const char *reads_stranger(struct threads_arg *a)
{
    struct reads_count *c = a->shared;
    struct obj *o;
    for (int round = 0; round < 2; round++) {
        uint64_t before = reads_counted(RC_STAT_lock_acquired), reads = reads_counted(RC_STAT_read_optimistic);
        obj_xdecref(list_get(c->list, 0));
        if (dict_get(c->dict, c->key, &o) != 1 || dict_contains(c->dict, c->key) != 1 || set_contains(c->set, c->item) != 1)
            return "not there";
        obj_decref(o);
        struct obj *missing = int_new(77777);
        if (dict_get(c->dict, missing, &o) != 0 || list_length(c->list) != 1 || dict_length(c->dict) != 1)
            return "wrong";
        obj_decref(missing);
        if (round == 1 && (reads_counted(RC_STAT_lock_acquired) != before || reads_counted(RC_STAT_read_optimistic) != reads + 7))
            return "a read took the lock";
    }
    return NULL;
}
TEST(reads_by_strangers_take_no_lock_after_the_first)
{
    cr_assert(reads_restart(HEAP_THREAD, READS_OPTIMISTIC));
    struct reads_count c = {list_new(1), dict_new(1), str_from("key"), set_new(1), str_from("item")};
    struct obj *value = int_new(5000), *key = str_from("key"), *item = str_from("item"); /* equal, not identical */
    cr_assert(list_append(c.list, value) == 0 && dict_set(c.dict, key, value) == 0 && set_add(c.set, item) == 1);
    obj_decref(value);
    obj_decref(key);
    obj_decref(item);
    const char *verdict = threads_run(1, reads_stranger, &c);
    cr_assert_null(verdict, "%s", verdict);
    obj_decref(c.list);
    obj_decref(c.dict);
    obj_decref(c.set);
    obj_decref(c.key);
    obj_decref(c.item);
}

/* A large object dies by another thread's decref; its owner, if that is who frees it, finds it as it detaches. */
struct reads_large {
    struct obj *str;
    _Atomic bool made, dropped;
};
static const char *reads_detach_last(struct threads_arg *a)
{
    struct reads_large *s = a->shared;
    if (a->index == 0) {
        char *text = os_alloc(RETIRE_LARGE + 1);
        if (!text)
            return "no memory";
        memset(text, 'x', RETIRE_LARGE);
        text[RETIRE_LARGE] = 0;
        s->str = str_from(text);
        os_free(text);
        atomic_store_explicit(&s->made, true, memory_order_release); /* release: the str */
        while (!atomic_load_explicit(&s->dropped, memory_order_acquire)) /* attached, and no safepoint: the queue waits */
            os_yield();
    } else {
        while (!atomic_load_explicit(&s->made, memory_order_acquire)) /* acquire: the str */
            os_yield();
        obj_decref(s->str);
        atomic_store_explicit(&s->dropped, true, memory_order_release); /* release: the decref */
    }
    thread_detach();
    size_t kept = heap_self()->retired.bytes;
    thread_attach();
    return kept < RETIRE_LARGE ? NULL : "a detached thread keeps a large block";
}
TEST(who_detaches_leaves_no_large_block_behind) /* FIELD.md 3.22 */
{
    cr_assert(reads_restart(HEAP_THREAD, READS_OPTIMISTIC));
    struct reads_large s = {0};
    const char *verdict = threads_run(2, reads_detach_last, &s);
    cr_assert_null(verdict, "%s", verdict);
}

static void reads_grow(struct obj *list, int64_t to)
{
    while (list_length(list) < to)
        cr_assert_eq(list_append(list, none_get()), 0);
}
static const char *reads_touch(struct threads_arg *a)
{
    obj_xdecref(list_get(a->shared, 0));
    return NULL;
}
TEST(only_arrays_that_strangers_have_read_wait_for_readers) /* FIELD.md 3.16 */
{
    if (test_lock() != LOCK_BY_BIAS)
        return; /* nobody knows who is a stranger */
    cr_assert(reads_restart(HEAP_THREAD, READS_OPTIMISTIC));
    struct obj *list = list_new(0);
    uint64_t before = reads_counted(RC_STAT_retired);
    reads_grow(list, 100);
    obj_decref(list_get(list, 0));
    cr_assert_eq(list_clear(list), 0);
    cr_assert_eq(reads_counted(RC_STAT_retired), before, "private: freed at once");
    reads_grow(list, 100);
    threads_run(1, reads_touch, list);
    reads_grow(list, 1000);
    cr_assert_gt(reads_counted(RC_STAT_retired), before);
    obj_decref(list);
}

/* What waits is bounded, whatever the thread does between two safepoints; much memory does not wait longer than to the next one. */
TEST(retired_memory_is_bounded) /* FIELD.md 3.22 */
{
    cr_assert(reads_restart(HEAP_THREAD, READS_OPTIMISTIC));
    struct retire_list *r = &heap_self()->retired;
    for (int i = 0; i < 5 * RETIRE_BLOCKS; i++) {
        retire(os_alloc(100), 100);
        cr_assert(r->count < RETIRE_BLOCKS && r->bytes <= RETIRE_BYTES);
    }
    for (int i = 0; i < 50; i++) {
        retire(os_alloc(RETIRE_LARGE - 1), RETIRE_LARGE - 1);
        cr_assert_leq(r->bytes, RETIRE_BYTES);
    }
    retire_flush();
    cr_assert_eq(r->count, 0);
    retire(os_alloc(RETIRE_LARGE), RETIRE_LARGE);
    rt_safepoint();
    cr_assert_eq(r->count, 0, "a safepoint frees large blocks");
    retire(os_alloc(RETIRE_LARGE), RETIRE_LARGE);
    thread_detach();
    cr_assert_eq(r->count, 0, "so does a detach");
    thread_attach();
    retire(NULL, 0);
    cr_assert_eq(r->count, 0);
}

/* --- without memory --- */

/* Each change of a published list and dict either happens or does not, and retiring needs none. */
static void reads_change_without_memory(struct obj *list, struct obj *dict, struct obj *key, int64_t at)
{
    os_fault_plan(at, true);
    int appended = list_append(list, key), added = dict_set(dict, key, key), sorted = list_sort(list);
    os_fault_plan(0, false);
    if (appended || added || sorted)
        err_take();
    cr_assert(appended == 0 || appended == -1);
}
TEST(out_of_memory_leaves_what_readers_see_as_it_was)
{
    cr_assert(reads_restart(HEAP_THREAD, READS_OPTIMISTIC));
    for (int64_t at = 1; at < 12; at++) {
        struct obj *list = list_new(0), *dict = dict_new(0), *key[12];
        for (int64_t i = 0; i < 12; i++) {
            key[i] = int_new(2000 - i);
            cr_assert(i > 4 || (list_append(list, key[i]) == 0 && dict_set(dict, key[i], key[i]) == 0));
        }
        threads_run(1, reads_touch, list);
        for (int64_t i = 5; i < 12; i++)
            reads_change_without_memory(list, dict, key[i], at);
        struct obj *value;
        for (int64_t i = 0; i < 5; i++) {
            cr_assert_eq(list_contains(list, key[i]), 1);
            cr_assert_eq(dict_get(dict, key[i], &value), 1);
            cr_assert_eq(value, key[i]);
            obj_decref(value);
        }
        os_fault_plan(1, true);
        cr_assert(list_clear(list) == 0 && dict_clear(dict) == 0, "to clear and to retire needs no memory");
        retire_flush();
        os_fault_plan(0, false);
        for (int64_t i = 0; i < 12; i++)
            obj_decref(key[i]);
        obj_decref(list);
        obj_decref(dict);
    }
}

#endif
