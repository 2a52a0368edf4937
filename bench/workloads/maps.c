/*
 * maps.c -- ConcurrentDict against what it replaces: one shared map from ints to ints, many threads.
 *
 *     concurrent  ConcurrentDict: shards, a lock in each
 *     locked      a dict: one lock (with -L reads=optimistic its readers need none)
 *     lfht        liburcu's lock-free hash table
 *     ck          Concurrency Kit's ck_ht: readers without a lock, writers under one mutex
 *
 * All hold reference-counted values: a get returns a new reference, a displaced value dies when its last reference goes. The two of
 * ours have objects as keys (shared by all threads, made before), hash them and compare them through their types; the other two
 * compare words, and free what they displace by the thousand, after a grace period (contenders/limbo.h). All are made as large as they
 * will be. So lfht and ck show what is left of their speed when values are objects; they cannot be ConcurrentDict, whose keys may run user
 * code (concurrent_dict.h).
 *
 * Key i is the int i * stride: with stride=17 the original's shards filled unevenly. Of 1000 operations `sets` set a key to a new int,
 * `defaults` are setdefaults, `pops` take it out; the rest gets. At the beginning all keys are there. Every value of key i is i modulo
 * `keys`, which each read checks. With sets=0 the keys that are there at the end are counted: each setdefault that inserts adds one, each
 * pop that finds takes one. Facts: `present` at the end, `graces`: grace periods waited for.
 */
#include "../../objects/concurrent_dict.h"
#include "../workload.h"
#include "contenders/maps.h"
#include <inttypes.h>

enum {
    MAPS_REP = 1024, /* operations of a repetition */
    MAPS_BATCH = 64, /* from safepoint to safepoint */
};

struct maps_thread {
    _Alignas(CACHE_LINE) uint64_t random;
    struct limbo limbo;
    int64_t reads, wrong, inserted, popped;
};

struct maps {
    const struct maps_ops *ops;
    int64_t keys, sets, defaults, pops; /* the last two: up to there, of 1000 */
    int64_t stride;
    struct obj **key;
    struct maps_thread *thread;
    struct obj *dict;
    struct cds_lfht *lfht;
#ifdef HAVE_CK
    struct ckht *ck;
#endif
};

/* What a contender can do with key i. As ConcurrentDict: new references; 1, 0, -1. */
struct maps_ops {
    const char *name;
    int (*make)(struct maps *s);
    int (*get)(struct maps *s, int64_t i, struct obj **value);
    int (*set)(struct maps *s, struct limbo *l, int64_t i, struct obj *value);
    int (*setdefault)(struct maps *s, int64_t i, struct obj *value, struct obj **found);
    int (*pop)(struct maps *s, struct limbo *l, int64_t i, struct obj **value);
};

/* --- ConcurrentDict --- */

static int maps_concurrent_make(struct maps *s) { return (s->dict = concurrent_dict_new(s->keys)) ? 0 : -1; }
static int maps_concurrent_get(struct maps *s, int64_t i, struct obj **value) { return concurrent_dict_get(s->dict, s->key[i], value); }
static int maps_concurrent_set(struct maps *s, struct limbo *l, int64_t i, struct obj *value)
{
    (void)l;
    return concurrent_dict_set(s->dict, s->key[i], value);
}
static int maps_concurrent_setdefault(struct maps *s, int64_t i, struct obj *value, struct obj **found)
{
    return concurrent_dict_setdefault(s->dict, s->key[i], value, found);
}
static int maps_concurrent_pop(struct maps *s, struct limbo *l, int64_t i, struct obj **value)
{
    (void)l;
    return concurrent_dict_pop(s->dict, s->key[i], value);
}

/* --- dict --- */

static int maps_locked_make(struct maps *s) { return (s->dict = dict_new((size_t)s->keys)) ? 0 : -1; }
static int maps_locked_get(struct maps *s, int64_t i, struct obj **value) { return dict_get(s->dict, s->key[i], value); }
static int maps_locked_set(struct maps *s, struct limbo *l, int64_t i, struct obj *value)
{
    (void)l;
    return dict_set(s->dict, s->key[i], value);
}
static int maps_locked_setdefault(struct maps *s, int64_t i, struct obj *value, struct obj **found)
{
    return dict_setdefault(s->dict, s->key[i], value, found);
}
static int maps_locked_pop(struct maps *s, struct limbo *l, int64_t i, struct obj **value)
{
    (void)l;
    return dict_pop(s->dict, s->key[i], value);
}

/* --- those of others --- */

static int maps_lfht_make(struct maps *s) { return (s->lfht = lfht_new(s->keys)) ? 0 : -1; }
static int maps_lfht_get(struct maps *s, int64_t i, struct obj **value) { return lfht_get(s->lfht, i * s->stride, value); }
static int maps_lfht_set(struct maps *s, struct limbo *l, int64_t i, struct obj *value) { return lfht_set(s->lfht, l, i * s->stride, value); }
static int maps_lfht_setdefault(struct maps *s, int64_t i, struct obj *value, struct obj **found)
{
    return lfht_setdefault(s->lfht, i * s->stride, value, found);
}
static int maps_lfht_pop(struct maps *s, struct limbo *l, int64_t i, struct obj **value) { return lfht_pop(s->lfht, l, i * s->stride, value); }

#ifdef HAVE_CK
static int maps_ck_make(struct maps *s) { return (s->ck = ckht_new(s->keys, 1)) ? 0 : -1; }
static int maps_ck_get(struct maps *s, int64_t i, struct obj **value) { return ckht_get(s->ck, i * s->stride, value); }
static int maps_ck_set(struct maps *s, struct limbo *l, int64_t i, struct obj *value) { return ckht_set(s->ck, l, i * s->stride, value); }
static int maps_ck_setdefault(struct maps *s, int64_t i, struct obj *value, struct obj **found)
{
    return ckht_setdefault(s->ck, i * s->stride, value, found);
}
static int maps_ck_pop(struct maps *s, struct limbo *l, int64_t i, struct obj **value) { return ckht_pop(s->ck, l, i * s->stride, value); }
#endif

#define MAPS_OPS(of) {#of, maps_##of##_make, maps_##of##_get, maps_##of##_set, maps_##of##_setdefault, maps_##of##_pop}
static const struct maps_ops maps_contender[] = {
    MAPS_OPS(concurrent), MAPS_OPS(locked), MAPS_OPS(lfht),
#ifdef HAVE_CK
    MAPS_OPS(ck),
#endif
};

/* --- set-up --- */

/* A value of key i: new, or NULL. */
static struct obj *maps_value(const struct maps *s, struct maps_thread *t, int64_t i)
{
    return int_new(i + s->keys * (int64_t)(1 + work_below(&t->random, 1 << 20)));
}

static void maps_drop(struct work *w, struct maps *s)
{
    if (s->lfht)
        lfht_free(s->lfht, &s->thread[0].limbo);
#ifdef HAVE_CK
    if (s->ck)
        ckht_free(s->ck);
#endif
    obj_xdecref(s->dict);
    for (int i = 0; s->thread && i < w->threads; i++)
        limbo_stop(&s->thread[i].limbo);
    for (int64_t i = 0; s->key && i < s->keys; i++)
        obj_xdecref(s->key[i]);
    os_free(s->key);
    os_free(s->thread);
    os_free(s);
}

static int maps_fill(struct maps *s)
{
    int failed = 0;
    for (int64_t i = 0; !failed && i < s->keys; i++) {
        struct obj *value = (s->key[i] = int_new(i * s->stride)) ? maps_value(s, &s->thread[0], i) : NULL;
        failed = value ? s->ops->set(s, &s->thread[0].limbo, i, value) : -1;
        obj_xdecref(value);
        rt_safepoint();
    }
    return failed;
}

static int maps_make(struct work *w, struct maps *s)
{
    s->thread = work_per_thread(w, sizeof *s->thread);
    s->key = s->thread ? os_alloc_zeroed((size_t)s->keys, sizeof *s->key) : NULL;
    if (!s->key) {
        err_memory();
        return -1;
    }
    for (int i = 0; i < w->threads; i++) {
        s->thread[i].random = work_stream(w, i);
        if (limbo_start(&s->thread[i].limbo) != 0)
            return -1;
    }
    return s->ops->make(s) == 0 ? maps_fill(s) : -1;
}

static int maps_setup(struct work *w)
{
    struct maps *s = work_state(sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    for (size_t i = 0; i < sizeof maps_contender / sizeof *maps_contender; i++)
        if (work_is(w, "of", maps_contender[i].name))
            s->ops = &maps_contender[i];
    s->keys = work_int(w, "keys");
    s->stride = work_int(w, "stride");
    s->sets = work_int(w, "sets");
    s->defaults = s->sets + work_int(w, "defaults");
    s->pops = s->defaults + work_int(w, "pops");
    if (maps_make(w, s) != 0) {
        maps_drop(w, s);
        return -1;
    }
    w->state = s;
    return 0;
}

static void maps_teardown(struct work *w) { maps_drop(w, w->state); }

/* --- operations --- */

/* Looks at what a read of key i came with, and drops it. */
static void maps_look(const struct maps *s, struct maps_thread *t, int64_t i, struct obj *value)
{
    int64_t number = -1;
    if (!value)
        return;
    if (obj_is(value, &int_type))
        int_value(value, &number);
    t->reads++;
    t->wrong += number < 0 || number % s->keys != i;
    obj_decref(value);
}

static int maps_write(struct maps *s, struct maps_thread *t, int64_t i, bool always)
{
    struct obj *value = maps_value(s, t, i), *found = NULL;
    if (!value)
        return -1;
    int result = always ? s->ops->set(s, &t->limbo, i, value) : s->ops->setdefault(s, i, value, &found);
    obj_decref(value);
    t->inserted += !always && result == 0;
    maps_look(s, t, i, found);
    return result;
}

static int maps_step(struct maps *s, struct maps_thread *t)
{
    int64_t i = (int64_t)work_below(&t->random, (uint64_t)s->keys), what = (int64_t)work_below(&t->random, 1000);
    if (what < s->defaults)
        return maps_write(s, t, i, what < s->sets);
    struct obj *value;
    bool pop = what < s->pops;
    int result = pop ? s->ops->pop(s, &t->limbo, i, &value) : s->ops->get(s, i, &value);
    t->popped += pop && result == 1;
    t->wrong += !pop && result == 0 && s->pops == s->defaults; /* nobody took it */
    maps_look(s, t, i, value);
    return result;
}

static int64_t maps_run(struct work *w, int thread, uint64_t reps)
{
    struct maps *s = w->state;
    for (uint64_t batch = reps * (MAPS_REP / MAPS_BATCH); batch > 0; batch--) {
        for (int i = 0; i < MAPS_BATCH; i++)
            if (unlikely(maps_step(s, &s->thread[thread]) < 0))
                return -1;
        rt_safepoint();
    }
    return (int64_t)(reps * MAPS_REP);
}

/* --- the answer --- */

/* How many keys are there; looks at their values, as thread 0. */
static int64_t maps_present(struct maps *s)
{
    int64_t present = 0;
    for (int64_t i = 0; i < s->keys; i++) {
        struct obj *value;
        present += s->ops->get(s, i, &value) == 1;
        maps_look(s, &s->thread[0], i, value);
    }
    return present;
}

static bool maps_check(struct work *w)
{
    struct maps *s = w->state;
    int64_t present = maps_present(s), expected = s->keys, reads = 0, wrong = 0, graces = 0;
    for (int i = 0; i < w->threads; i++) {
        const struct maps_thread *t = &s->thread[i];
        expected += t->inserted - t->popped;
        reads += t->reads;
        wrong += t->wrong;
        graces += t->limbo.graces;
    }
    work_fact(w, "present", present);
    work_fact(w, "graces", graces);
    if (wrong)
        return work_wrong(w, "%" PRId64 " of %" PRId64 " values were not their key's, or missing", wrong, reads);
    bool counted = s->sets == 0 || s->pops == s->defaults; /* a set does not say whether it inserted */
    return !counted || present == expected ||
           work_wrong(w, "%" PRId64 " keys are there instead of %" PRId64, present, expected);
}

static const struct param maps_params[] = {
    {"of", PARAM_CHOICE, "concurrent|locked|lfht|" CONTENDERS_CK("ck"), 0, 0, "concurrent", "the map: ConcurrentDict, dict, liburcu's, ck's"},
    {"keys", PARAM_INT, NULL, 1, 1 << 20, "4096", "how many there are"},
    {"stride", PARAM_INT, NULL, 1, 1 << 20, "1", "between two keys (17: what the original's shards cannot bear)"},
    {"sets", PARAM_INT, NULL, 0, 1000, "100", "of 1000 operations; what sets, defaults and pops leave are gets"},
    {"defaults", PARAM_INT, NULL, 0, 1000, "0", "setdefaults of 1000 operations"},
    {"pops", PARAM_INT, NULL, 0, 1000, "0", "of 1000 operations"},
    {0},
};

static const struct workload workload_maps = {
    .info = {.name = "maps", .unit = "ops", .summary = "ConcurrentDict against a locked dict, liburcu's and ck's hash tables",
             .params = maps_params},
    .setup = maps_setup,
    .run = maps_run,
    .check = maps_check,
    .teardown = maps_teardown,
};
