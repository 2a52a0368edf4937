/*
 * borrowed.c (a workload) -- items are read from a list or dict, by new or by borrowed references: what each way costs.
 *
 *     rclab run -W borrowed -L getter=new,borrowed -L borrowed=raw,deferred
 *
 * A pass reads all items once, a safepoint after each 64, and adds up their values. Nobody replaces an item, so that raw borrowing is
 * right here under every strategy; where it is not, the explorer (scenario borrowed-raw) and the asan build (tests/test_borrowed.c)
 * show it. The answer: the sum of the values times the passes.
 */
#include "../workload.h"
#include <inttypes.h>

enum { BORROWED_READ_BLOCK = 64 };                  /* reads from safepoint to safepoint */
static const int64_t BORROWED_READ_FIRST = 1 << 20; /* the first item's value: beyond the cached, immortal ints */

/* What is read. */
struct borrowed_read_place {
    _Alignas(CACHE_LINE) struct obj *container; /* sharing=private: made by the thread, items and keys included */
    struct obj *keys;                           /* of a dict: a tuple of ints; else NULL */
};
struct borrowed_read_thread {
    _Alignas(CACHE_LINE) struct borrowed_read_place own;
    uint64_t sum, passes;
};

struct borrowed_read {
    int64_t items;
    bool dict, borrow, shared;
    struct borrowed_read_place all; /* sharing=shared */
    struct borrowed_read_thread *thread;
};

/* --- set-up --- */

static void borrowed_read_drop(const struct borrowed_read_place *p)
{
    obj_xdecref(p->container);
    obj_xdecref(p->keys);
}

/* A new list of the ints from first on, or NULL. */
static struct obj *borrowed_read_ints(int64_t first, int64_t items)
{
    struct obj *list = list_new((size_t)items);
    for (int64_t i = 0; list && i < items; i++) {
        struct obj *o = int_new(first + i);
        if (!o || list_append(list, o) != 0) {
            obj_decref(list);
            list = NULL;
        }
        obj_xdecref(o);
    }
    return list;
}

/* The dict of keys to values, from two lists. New, or NULL. */
static struct obj *borrowed_read_mapping(struct obj *keys, struct obj *values)
{
    struct obj *dict = dict_new((size_t)list_length(keys));
    for (int64_t i = 0; dict && i < list_length(keys); i++) {
        struct obj *key = list_get(keys, i), *value = list_get(values, i);
        if (dict_set(dict, key, value) != 0) {
            obj_decref(dict);
            dict = NULL;
        }
        obj_decref(key);
        obj_decref(value);
    }
    return dict;
}

static struct obj *borrowed_read_tuple(struct obj *o)
{
    struct list *list = (struct list *)o; /* nobody else knows it */
    return tuple_new(list_plain(list->item), list_count(list));
}

/* 0, or -1: nothing is left behind. */
static int borrowed_read_fill(const struct borrowed_read *s, struct borrowed_read_place *p)
{
    struct obj *values = borrowed_read_ints(BORROWED_READ_FIRST, s->items);
    if (!s->dict || !values) {
        p->container = values;
        return values ? 0 : -1;
    }
    struct obj *keys = borrowed_read_ints(0, s->items);
    p->keys = keys ? borrowed_read_tuple(keys) : NULL;
    p->container = p->keys ? borrowed_read_mapping(keys, values) : NULL;
    obj_decref(values);
    obj_xdecref(keys);
    if (p->container)
        return 0;
    borrowed_read_drop(p);
    *p = (struct borrowed_read_place){0};
    return -1;
}

static int borrowed_read_setup(struct work *w)
{
    struct borrowed_read *s = work_state(sizeof *s);
    struct borrowed_read_thread *thread = work_per_thread(w, sizeof *thread);
    if (!s || !thread)
        return work_no_memory(s, thread);
    *s = (struct borrowed_read){.items = work_int(w, "items"), .dict = work_is(w, "container", "dict"),
                                .borrow = work_is(w, "getter", "borrowed"), .shared = work_is(w, "sharing", "shared"),
                                .thread = thread};
    w->state = s;
    return !s->shared || borrowed_read_fill(s, &s->all) == 0 ? 0 : work_no_memory(s, thread);
}

static void borrowed_read_teardown(struct work *w)
{
    struct borrowed_read *s = w->state;
    for (int i = 0; i < w->threads; i++)
        borrowed_read_drop(&s->thread[i].own);
    borrowed_read_drop(&s->all);
    os_free(s->thread);
    os_free(s);
}

/* --- reading: items from … to, a way each; 0, or -1 --- */

static int borrowed_read_list_new(const struct borrowed_read_place *p, int64_t from, int64_t to, uint64_t *sum)
{
    for (int64_t i = from; i < to; i++) {
        struct obj *item = list_get(p->container, i);
        if (unlikely(!item))
            return -1;
        *sum += int_low64(item);
        obj_decref(item);
    }
    return 0;
}
static int borrowed_read_list_borrowed(const struct borrowed_read_place *p, int64_t from, int64_t to, uint64_t *sum)
{
    for (int64_t i = from; i < to; i++) {
        struct obj *item = list_get_borrowed(p->container, i);
        if (unlikely(!item))
            return -1;
        *sum += int_low64(item);
    }
    return 0;
}
static int borrowed_read_dict_new(const struct borrowed_read_place *p, int64_t from, int64_t to, uint64_t *sum)
{
    for (int64_t i = from; i < to; i++) {
        struct obj *item;
        if (unlikely(dict_get(p->container, tuple_get_borrowed(p->keys, i), &item) != 1))
            return -1;
        *sum += int_low64(item);
        obj_decref(item);
    }
    return 0;
}
static int borrowed_read_dict_borrowed(const struct borrowed_read_place *p, int64_t from, int64_t to, uint64_t *sum)
{
    for (int64_t i = from; i < to; i++) {
        struct obj *item;
        if (unlikely(dict_get_borrowed(p->container, tuple_get_borrowed(p->keys, i), &item) != 1))
            return -1;
        *sum += int_low64(item);
    }
    return 0;
}

static int64_t borrowed_read_run(struct work *w, int thread, uint64_t reps)
{
    struct borrowed_read *s = w->state;
    struct borrowed_read_thread *t = &s->thread[thread];
    struct borrowed_read_place *p = s->shared ? &s->all : &t->own;
    int (*block)(const struct borrowed_read_place *, int64_t, int64_t, uint64_t *) =
        s->dict ? (s->borrow ? borrowed_read_dict_borrowed : borrowed_read_dict_new)
                : (s->borrow ? borrowed_read_list_borrowed : borrowed_read_list_new);
    if (!p->container && borrowed_read_fill(s, p) != 0)
        return -1;
    for (uint64_t pass = 0; pass < reps; pass++) {
        uint64_t sum = 0;
        for (int64_t from = 0; from < s->items; from += BORROWED_READ_BLOCK) {
            int64_t to = from + BORROWED_READ_BLOCK < s->items ? from + BORROWED_READ_BLOCK : s->items;
            if (unlikely(block(p, from, to, &sum) != 0))
                return -1;
            rt_safepoint();
        }
        t->sum += sum;
        t->passes++;
    }
    return (int64_t)reps * s->items;
}

static bool borrowed_read_check(struct work *w)
{
    struct borrowed_read *s = w->state;
    uint64_t n = (uint64_t)s->items, one = n * (uint64_t)BORROWED_READ_FIRST + n * (n - 1) / 2;
    for (int i = 0; i < w->threads; i++) {
        const struct borrowed_read_thread *t = &s->thread[i];
        if (t->sum != t->passes * one)
            return work_wrong(w, "thread %d read values that add up to %" PRIu64 " in %" PRIu64 " passes of %" PRIu64, i, t->sum,
                              t->passes, one);
    }
    return true;
}

static const struct param borrowed_read_params[] = {
    {"getter", PARAM_CHOICE, "new|borrowed", 0, 0, "borrowed", "new: a reference for each read; borrowed: what the policy of that name makes of it"},
    {"container", PARAM_CHOICE, "list|dict", 0, 0, "list", "what is read"},
    {"sharing", PARAM_CHOICE, "private|shared", 0, 0, "private", "a container for each thread, or one for all"},
    {"items", PARAM_INT, NULL, 1, 1 << 20, "1024", "items of a container"},
    {0},
};

static const struct workload workload_borrowed = {
    .info = {.name = "borrowed", .unit = "reads", .summary = "read items by new or by borrowed references", .params = borrowed_read_params},
    .setup = borrowed_read_setup,
    .run = borrowed_read_run,
    .check = borrowed_read_check,
    .teardown = borrowed_read_teardown,
};
