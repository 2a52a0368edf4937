/*
 * dict.c (a workload) -- churn of a dict: boxed ints as keys and values are inserted, read, replaced and popped.
 *
 * The keys of `size` entries stay; others come and go. A block of 64 dict operations inserts new keys (setdefault), reads some
 * staying ones from a random one on, replaces the values of others by themselves plus a constant (a get, an int_add, a set),
 * and pops the keys it has inserted. The mix says how many of each; why phases, see list.c. Keys are boxed anew each time, as
 * a program that works them out does.
 *
 * Every value says which key it belongs to: of a staying key its low 20 bits are the key's number, above them is how often it was
 * replaced; of a key that comes and goes it is a function of the key. So each read is checked. At the end: `size` entries; no
 * insertion found its key there, no pop missed it; the replacements add up (among several threads some are lost, since
 * reading and storing are two steps).
 */
#include "../workload.h"
#include <inttypes.h>

enum {
    DICT_CHURN_BITS = 20,
    DICT_CHURN_MASK = (1 << DICT_CHURN_BITS) - 1,
    DICT_CHURN_STEP = 1 << DICT_CHURN_BITS, /* beyond the cached ints */
    DICT_CHURN_KEYS = 1000,                 /* the first key: beyond the cached ints */
    DICT_CHURN_BLOCK = 64,                  /* operations */
    DICT_CHURN_BLOCKS = 16,                 /* of a repetition */
};
#define DICT_CHURN_PASSING (INT64_C(1) << 32) /* above all staying keys */

/* Of each block; as many pops as insertions; a replacement is two operations, a get and a set. */
struct dict_churn_mix {
    const char *name;
    int inserts, gets, replacements;
};
static const struct dict_churn_mix dict_churn_mixes[] = {
    {"churn", 16, 16, 8},
    {"read", 1, 60, 1},   /* 61 gets in 64 */
    {"write", 8, 16, 16}, /* 32 gets in 64 */
};

struct dict_churn_thread {
    _Alignas(CACHE_LINE) struct obj *dict; /* sharing=private: made by the thread, which owns it and what it puts in */
    struct obj *step;                      /* what a replacement adds; its own as well */
    uint64_t random;
    int64_t inserted, popped, replaced, wrong;
};

struct dict_churn {
    const struct dict_churn_mix *mix;
    int64_t size;
    int threads;
    struct obj *shared; /* sharing=shared: the dict of all */
    struct dict_churn_thread *thread;
};

/* --- set-up --- */

/* dict[key] = value, both boxed here; `insert`: by setdefault. 1: the key was there, 0: it was not (or nobody asked), -1. */
static int dict_churn_put(struct obj *dict, int64_t key, int64_t value, bool insert)
{
    struct obj *k = int_new(key), *v = k ? int_new(value) : NULL, *found = NULL;
    int there = !v ? -1 : insert ? dict_setdefault(dict, k, v, &found) : dict_set(dict, k, v);
    obj_xdecref(found);
    obj_xdecref(v);
    obj_xdecref(k);
    return there;
}

/* A dict of `size` staying keys; new, or NULL. */
static struct obj *dict_churn_dict(int64_t size)
{
    struct obj *dict = dict_new(0);
    for (int64_t i = 0; dict && i < size; i++) {
        if (dict_churn_put(dict, DICT_CHURN_KEYS + i, DICT_CHURN_STEP + i, false) != 0) {
            obj_decref(dict);
            return NULL;
        }
        if (i % DICT_CHURN_BLOCK == 0)
            rt_safepoint();
    }
    return dict;
}

static int dict_churn_setup(struct work *w)
{
    struct dict_churn *s = work_state(sizeof *s);
    struct dict_churn_thread *thread = work_per_thread(w, sizeof *thread);
    if (!s || !thread)
        return work_no_memory(s, thread);
    for (int i = 0; i < w->threads; i++)
        thread[i].random = work_stream(w, i);
    s->thread = thread;
    s->threads = w->threads;
    s->size = work_int(w, "size");
    s->mix = dict_churn_mixes;
    while (!work_is(w, "mix", s->mix->name))
        s->mix++;
    if (work_is(w, "sharing", "shared") && !(s->shared = dict_churn_dict(s->size)))
        return work_no_memory(s, thread);
    w->state = s;
    return 0;
}

static void dict_churn_teardown(struct work *w)
{
    struct dict_churn *s = w->state;
    for (int i = 0; i < w->threads; i++) {
        obj_xdecref(s->thread[i].dict);
        obj_xdecref(s->thread[i].step);
    }
    obj_xdecref(s->shared);
    os_free(s->thread);
    os_free(s);
}

/* What a thread makes for itself in its first round. 0, or -1. */
static int dict_churn_prepare(const struct dict_churn *s, struct dict_churn_thread *t)
{
    if (!t->step && !(t->step = int_new(DICT_CHURN_STEP)))
        return -1;
    return s->shared || t->dict || (t->dict = dict_churn_dict(s->size)) ? 0 : -1;
}

/* --- the phases of a block; each 0, or -1 --- */

/* The number of the staying key where a walk begins. */
static int64_t dict_churn_start(const struct dict_churn *s, struct dict_churn_thread *t)
{
    return (int64_t)work_below(&t->random, (uint64_t)s->size);
}

/* The thread's key of that number among those that come and go, and the value that belongs to it. */
static int64_t dict_churn_passing(const struct dict_churn *s, const struct dict_churn_thread *t, int64_t number)
{
    return DICT_CHURN_PASSING + number * s->threads + (t - s->thread);
}
static int64_t dict_churn_value(int64_t key) { return key * 3 + 1; }

static int dict_churn_insert(const struct dict_churn *s, struct obj *dict, struct dict_churn_thread *t, int n)
{
    for (int i = 0; i < n; i++) {
        int64_t key = dict_churn_passing(s, t, t->inserted);
        int there = dict_churn_put(dict, key, dict_churn_value(key), true);
        if (unlikely(there < 0))
            return -1;
        t->wrong += there;
        t->inserted++;
    }
    return 0;
}

static int dict_churn_pop(const struct dict_churn *s, struct obj *dict, struct dict_churn_thread *t, int n)
{
    for (int i = 0; i < n; i++) {
        int64_t number = dict_churn_passing(s, t, t->popped), value = -1;
        struct obj *key = int_new(number), *o = NULL;
        int found = key ? dict_pop(dict, key, &o) : -1;
        if (found == 1)
            int_value(o, &value);
        obj_xdecref(o);
        obj_xdecref(key);
        if (unlikely(found < 0))
            return -1;
        t->wrong += value != dict_churn_value(number);
        t->popped++;
    }
    return 0;
}

/* The value of a staying key in a new reference, after checking it; NULL: an error (a missing key is one). */
INLINE struct obj *dict_churn_get(struct obj *dict, struct obj *key, int64_t number, int64_t *wrong)
{
    struct obj *o;
    int64_t value = -1;
    int found = dict_get(dict, key, &o);
    if (unlikely(found <= 0)) {
        if (found == 0)
            err_set(ERR_KEY, "key %" PRId64 " is gone", number, 0);
        return NULL;
    }
    int_value(o, &value);
    *wrong += (value & DICT_CHURN_MASK) != number;
    return o;
}

static int dict_churn_read(const struct dict_churn *s, struct obj *dict, struct dict_churn_thread *t, int n)
{
    int64_t at = dict_churn_start(s, t);
    for (int i = 0; i < n; i++) {
        struct obj *key = int_new(DICT_CHURN_KEYS + at), *o = key ? dict_churn_get(dict, key, at, &t->wrong) : NULL;
        obj_xdecref(key);
        if (unlikely(!o))
            return -1;
        obj_decref(o);
        at = at + 1 < s->size ? at + 1 : 0;
    }
    return 0;
}

static int dict_churn_replace(const struct dict_churn *s, struct obj *dict, struct dict_churn_thread *t, int n)
{
    int64_t at = dict_churn_start(s, t);
    for (int i = 0; i < n; i++) {
        struct obj *key = int_new(DICT_CHURN_KEYS + at), *old = key ? dict_churn_get(dict, key, at, &t->wrong) : NULL;
        struct obj *o = old ? int_add(old, t->step) : NULL;
        int failed = o ? dict_set(dict, key, o) : -1;
        obj_xdecref(o);
        obj_xdecref(old);
        obj_xdecref(key);
        if (unlikely(failed))
            return -1;
        t->replaced++;
        at = at + 1 < s->size ? at + 1 : 0;
    }
    return 0;
}

static int64_t dict_churn_run(struct work *w, int thread, uint64_t reps)
{
    struct dict_churn *s = w->state;
    struct dict_churn_thread *t = &s->thread[thread];
    const struct dict_churn_mix *mix = s->mix;
    if (dict_churn_prepare(s, t) != 0)
        return -1;
    struct obj *dict = s->shared ? s->shared : t->dict;
    for (uint64_t block = reps * DICT_CHURN_BLOCKS; block > 0; block--) {
        if (unlikely(dict_churn_insert(s, dict, t, mix->inserts) != 0 || dict_churn_read(s, dict, t, mix->gets) != 0 ||
                     dict_churn_replace(s, dict, t, mix->replacements) != 0 || dict_churn_pop(s, dict, t, mix->inserts) != 0))
            return -1;
        rt_safepoint();
    }
    return (int64_t)(reps * DICT_CHURN_BLOCKS * DICT_CHURN_BLOCK);
}

/* --- the answer --- */

/* One dict, after `replaced` replacements, of which some may be lost when several threads made them. */
static bool dict_churn_check_dict(struct work *w, struct obj *dict, int64_t replaced, bool exact)
{
    struct dict_churn *s = w->state;
    int64_t value = -1, kept = 0, wrong = 0;
    if (dict_length(dict) != s->size)
        return work_wrong(w, "the dict has %" PRId64 " entries instead of %" PRId64, dict_length(dict), s->size);
    for (int64_t i = 0; i < s->size; i++) {
        struct obj *key = int_new(DICT_CHURN_KEYS + i), *o = key ? dict_churn_get(dict, key, i, &wrong) : NULL;
        if (o)
            int_value(o, &value);
        obj_xdecref(o);
        obj_xdecref(key);
        if (!o || wrong)
            return work_wrong(w, "the dict has no value, or another's, for key %" PRId64, DICT_CHURN_KEYS + i);
        kept += (value >> DICT_CHURN_BITS) - 1;
    }
    if (kept > replaced || (exact && kept != replaced))
        return work_wrong(w, "%" PRId64 " replacements were made, the dict shows %" PRId64, replaced, kept);
    return true;
}

static bool dict_churn_check(struct work *w)
{
    struct dict_churn *s = w->state;
    int64_t replaced = 0, wrong = 0;
    for (int i = 0; i < w->threads; i++) {
        struct dict_churn_thread *t = &s->thread[i];
        if (t->dict && !dict_churn_check_dict(w, t->dict, t->replaced, true))
            return false;
        replaced += t->replaced;
        wrong += t->wrong;
    }
    if (wrong)
        return work_wrong(w, "%" PRId64 " keys had another value than theirs, or were there or gone out of turn", wrong);
    return !s->shared || dict_churn_check_dict(w, s->shared, replaced, w->threads == 1);
}

static const struct param dict_churn_params[] = {
    {"sharing", PARAM_CHOICE, "private|shared", 0, 0, "private", "a dict for each thread, or one for all"},
    {"mix", PARAM_CHOICE, "read|write|churn", 0, 0, "churn",
     "read: 95% gets; write: 50%; churn: 16 inserts, 24 gets, 8 sets, 16 pops"},
    {"size", PARAM_INT, NULL, 1, DICT_CHURN_MASK, "1024", "entries that stay in the dict"},
    {0},
};

static const struct workload workload_dict = {
    .info = {.name = "dict", .unit = "ops", .summary = "setdefault, get, set and pop, ints as keys and values",
             .params = dict_churn_params},
    .setup = dict_churn_setup,
    .run = dict_churn_run,
    .check = dict_churn_check,
    .teardown = dict_churn_teardown,
};
