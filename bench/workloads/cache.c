/*
 * cache.c -- a cache that keeps nothing: a weak dict (objects/weakdict.h), whose values live as long as somebody uses them.
 *
 * A lookup of a random key: the value that is there, else a new one, which the dict takes unless another thread was faster; then
 * that one's counts. The thread holds the last `hold` values that it got, so that values die and come back all the time. The value of
 * key k is the tuple (k, f(k)): each one got is checked.
 * The answer: every value right; hits and misses add up to the lookups; at the end a key has one value in all the threads' hands
 * together, and the dict has as many live values as these: no more, or one was kept, and no fewer, or one was lost.
 * Facts: hits, misses, `late` (of the misses: another thread was faster), and `alive` at the end.
 */
#include "../workload.h"
#include "../../objects/weakdict.h"
#include <inttypes.h>

enum {
    CACHE_REP = 1024, /* lookups of a repetition */
    CACHE_BATCH = 64, /* from safepoint to safepoint */
};

struct cache_thread {
    _Alignas(CACHE_LINE) uint64_t random;
    struct obj *dict;  /* sharing=private: made by the thread; shared: that of all, borrowed from it */
    struct obj **held; /* a ring of `hold`; NULL: nothing yet */
    int64_t at;        /* in the ring: the oldest */
    uint64_t lookups, hits, misses, late, wrong;
};

struct cache {
    int64_t keys, hold;
    bool shared;
    struct obj *dict; /* sharing=shared */
    struct obj **key;
    struct obj **held; /* of all threads */
    struct cache_thread *thread;
};

/* --- values --- */

static int64_t cache_function(int64_t k)
{
    uint64_t state = (uint64_t)k;
    return (int64_t)(work_random(&state) >> 2);
}

/* New, or NULL. */
static struct obj *cache_value(int64_t k)
{
    struct obj *a = int_new(k), *b = a ? int_new(cache_function(k)) : NULL, *pair = b ? tuple_pair(a, b) : NULL;
    obj_xdecref(a);
    obj_xdecref(b);
    return pair;
}

/* Its key; -1: it is not any key's value. */
static int64_t cache_key_of(struct obj *value)
{
    int64_t key = -1, f = -1;
    if (!obj_is(value, &tuple_type) || tuple_length(value) != 2)
        return -1;
    int_value(tuple_get_borrowed(value, 0), &key);
    int_value(tuple_get_borrowed(value, 1), &f);
    return key >= 0 && f == cache_function(key) ? key : -1;
}

/* --- set-up --- */

static void cache_drop(struct cache *s, int threads)
{
    for (int64_t i = 0; s->held && i < threads * s->hold; i++)
        obj_xdecref(s->held[i]);
    for (int i = 0; s->thread && !s->shared && i < threads; i++)
        obj_xdecref(s->thread[i].dict);
    obj_xdecref(s->dict);
    for (int64_t k = 0; s->key && k < s->keys; k++)
        obj_xdecref(s->key[k]);
    os_free(s->held);
    os_free(s->key);
    os_free(s->thread);
    os_free(s);
}

/* 0, or -1. */
static int cache_fill(struct cache *s)
{
    char name[64];
    for (int64_t k = 0; k < s->keys; k++) {
        snprintf(name, sizeof name, "/article/%" PRId64, k);
        if (!(s->key[k] = str_from(name)))
            return -1;
    }
    return !s->shared || (s->dict = weakdict_new()) ? 0 : -1;
}

static int cache_setup(struct work *w)
{
    struct cache *s = work_state(sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    *s = (struct cache){.keys = work_int(w, "keys"), .hold = work_int(w, "hold"), .shared = work_is(w, "sharing", "shared")};
    s->thread = work_per_thread(w, sizeof *s->thread);
    s->key = os_alloc_zeroed((size_t)s->keys, sizeof *s->key);
    s->held = os_alloc_zeroed((size_t)(w->threads * s->hold), sizeof *s->held);
    if (!s->thread || !s->key || !s->held)
        err_memory();
    else if (cache_fill(s) == 0) {
        for (int i = 0; i < w->threads; i++)
            s->thread[i] = (struct cache_thread){.random = work_stream(w, i), .dict = s->dict, .held = s->held + i * s->hold};
        w->state = s;
        return 0;
    }
    cache_drop(s, w->threads);
    return -1;
}

static void cache_teardown(struct work *w) { cache_drop(w->state, w->threads); }

/* --- a lookup --- */

/* What the dict has after a miss: new reference, or NULL. */
static struct obj *cache_make(const struct cache *s, struct cache_thread *t, int64_t k)
{
    struct obj *found = NULL, *made = cache_value(k);
    t->misses++;
    if (likely(made != NULL)) {
        t->late += weakdict_setdefault(t->dict, s->key[k], made, &found) == 1;
        obj_decref(made);
    }
    return found;
}

/* 0, or -1. */
static int cache_look_up(const struct cache *s, struct cache_thread *t)
{
    int64_t k = (int64_t)work_below(&t->random, (uint64_t)s->keys);
    struct obj *value;
    int there = weakdict_get(t->dict, s->key[k], &value);
    t->lookups++;
    t->hits += there == 1;
    if (there == 0)
        value = cache_make(s, t, k);
    if (unlikely(!value))
        return -1;
    t->wrong += cache_key_of(value) != k;
    struct obj *old = t->held[t->at];
    t->held[t->at] = value;
    t->at = t->at + 1 < s->hold ? t->at + 1 : 0;
    obj_xdecref(old);
    return 0;
}

static int64_t cache_run(struct work *w, int thread, uint64_t reps)
{
    struct cache *s = w->state;
    struct cache_thread *t = &s->thread[thread];
    if (!t->dict && !(t->dict = weakdict_new()))
        return -1;
    for (uint64_t batch = reps * (CACHE_REP / CACHE_BATCH); batch > 0; batch--) {
        for (int i = 0; i < CACHE_BATCH; i++)
            if (unlikely(cache_look_up(s, t) != 0))
                return -1;
        rt_safepoint();
    }
    return (int64_t)(reps * CACHE_REP);
}

/* --- the answer --- */

/* What hands from … to hold: how many different values; -1: a key has two. `of` has room for a value of each key. */
static int64_t cache_count(const struct cache *s, int64_t from, int64_t to, struct obj **of)
{
    int64_t alive = 0;
    memset(of, 0, (size_t)s->keys * sizeof *of);
    for (int64_t i = from; i < to; i++) {
        int64_t k = s->held[i] ? cache_key_of(s->held[i]) : -1;
        if (k < 0)
            continue;
        if (of[k] && of[k] != s->held[i])
            return -1;
        alive += !of[k];
        of[k] = s->held[i];
    }
    return alive;
}

/* The live values of each dict are those in hands. The number of them all, or -1. */
static int64_t cache_check_alive(struct work *w, struct obj **of)
{
    struct cache *s = w->state;
    int64_t all = 0, together = s->shared ? w->threads : 1; /* threads with one dict */
    for (int64_t i = 0; i < w->threads; i += together) {
        struct obj *dict = s->thread[i].dict;
        int64_t held = cache_count(s, i * s->hold, (i + together) * s->hold, of), alive = dict ? weakdict_length(dict) : 0;
        if (held != alive) {
            work_wrong(w, "the dict has %" PRId64 " live values, in hands are %" PRId64 " (-1: two of one key)", alive, held);
            return -1;
        }
        all += alive;
    }
    return all;
}

static bool cache_check(struct work *w)
{
    struct cache *s = w->state;
    struct cache_thread sum = {0};
    struct obj **of = os_alloc_zeroed((size_t)s->keys, sizeof *of);
    if (!of)
        return work_wrong(w, "no memory for the check");
    rc_drain(); /* what has died is gone from the dicts */
    int64_t alive = cache_check_alive(w, of);
    os_free(of);
    for (int i = 0; i < w->threads; i++) {
        const struct cache_thread *t = &s->thread[i];
        if (t->wrong || t->hits + t->misses != t->lookups)
            return work_wrong(w, "thread %d: of %" PRIu64 " lookups %" PRIu64 " hit, %" PRIu64 " missed, %" PRIu64 " gave a wrong value", i,
                              t->lookups, t->hits, t->misses, t->wrong);
        sum.hits += t->hits;
        sum.misses += t->misses;
        sum.late += t->late;
    }
    work_fact(w, "hits", (int64_t)sum.hits);
    work_fact(w, "misses", (int64_t)sum.misses);
    work_fact(w, "late", (int64_t)sum.late);
    work_fact(w, "alive", alive);
    return alive >= 0;
}

static const struct param cache_params[] = {
    {"keys", PARAM_INT, NULL, 1, 1 << 20, "1024", "keys that are looked up"},
    {"hold", PARAM_INT, NULL, 1, 1 << 16, "256", "values that a thread holds: its last ones"},
    {"sharing", PARAM_CHOICE, "private|shared", 0, 0, "shared", "a cache for each thread, or one for all"},
    {0},
};

static const struct workload workload_cache = {
    .info = {.name = "cache", .unit = "lookups", .summary = "a cache with weak values, which die and come back", .params = cache_params},
    .setup = cache_setup,
    .run = cache_run,
    .check = cache_check,
    .teardown = cache_teardown,
};
