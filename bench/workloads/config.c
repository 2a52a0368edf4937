/*
 * config.c -- a configuration that is read all the time and changed now and then: one dict, shared by all.
 *
 * The keys are strings, made once. The value of key k is a tuple (k, version): fresh with each change, so that a reader may hold
 * the last reference to an old one. Key k is changed by thread k % threads alone (by the last one of few keys), so that versions only
 * grow: each read is checked to be of its key and not older than what this thread has read of it before. At the end each
 * value is the last one written. Of 1000 operations `writes` are changes, at random.
 */
#include "../workload.h"

enum {
    CONFIG_REP = 1024, /* operations of a repetition */
    CONFIG_BATCH = 64, /* from safepoint to safepoint */
};

struct config_thread {
    _Alignas(CACHE_LINE) uint64_t random;
    int64_t *seen; /* of each key, the version read last */
    uint64_t reads, writes, wrong, older;
};

struct config {
    int64_t size, permille;
    int threads;
    struct obj *dict;
    struct obj **key;
    int64_t *written; /* of each key; its writer's */
    int64_t *seen;    /* of all threads */
    struct config_thread *thread;
};

/* (k, version): new, or NULL. */
static struct obj *config_value(int64_t k, int64_t version)
{
    struct obj *a = int_new(k), *b = a ? int_new(version) : NULL, *pair = b ? tuple_pair(a, b) : NULL;
    obj_xdecref(a);
    obj_xdecref(b);
    return pair;
}

static int config_set(const struct config *s, int64_t k, int64_t version)
{
    struct obj *value = config_value(k, version);
    int failed = value ? dict_set(s->dict, s->key[k], value) : -1;
    obj_xdecref(value);
    return failed;
}

/* The version of a value of key k; -1: it is not its. */
static int64_t config_version(struct obj *value, int64_t k)
{
    int64_t key = -1, version = -1;
    if (!obj_is(value, &tuple_type) || tuple_length(value) != 2)
        return -1;
    int_value(tuple_get_borrowed(value, 0), &key);
    int_value(tuple_get_borrowed(value, 1), &version);
    return key == k ? version : -1;
}

/* --- set-up --- */

static void config_drop(struct config *s)
{
    obj_xdecref(s->dict);
    for (int64_t i = 0; s->key && i < s->size; i++)
        obj_xdecref(s->key[i]);
    os_free(s->key);
    os_free(s->written);
    os_free(s->seen);
    os_free(s->thread);
    os_free(s);
}

static int config_fill(struct config *s)
{
    char name[64];
    for (int64_t i = 0; i < s->size; i++) {
        snprintf(name, sizeof name, "server.option.%lld", (long long)i);
        if (!(s->key[i] = str_from(name)) || config_set(s, i, 0) != 0)
            return -1;
        rt_safepoint();
    }
    return 0;
}

static int config_setup(struct work *w)
{
    struct config *s = work_state(sizeof *s);
    if (!s) {
        err_memory();
        return -1;
    }
    *s = (struct config){.size = work_int(w, "size"), .permille = work_int(w, "writes"), .threads = w->threads};
    size_t size = (size_t)s->size, threads = (size_t)w->threads;
    s->thread = work_per_thread(w, sizeof *s->thread);
    s->key = os_alloc_zeroed(size, sizeof *s->key);
    s->written = os_alloc_zeroed(size, sizeof *s->written);
    s->seen = os_alloc_zeroed(size * threads, sizeof *s->seen);
    if (!s->thread || !s->key || !s->written || !s->seen)
        err_memory();
    else if ((s->dict = dict_new(size)) != NULL && config_fill(s) == 0) {
        for (int i = 0; i < w->threads; i++) {
            s->thread[i].random = work_stream(w, i);
            s->thread[i].seen = s->seen + (size_t)i * size;
        }
        w->state = s;
        return 0;
    }
    config_drop(s);
    return -1;
}

static void config_teardown(struct work *w) { config_drop(w->state); }

/* --- operations --- */

static int config_read(const struct config *s, struct config_thread *t)
{
    int64_t k = (int64_t)work_below(&t->random, (uint64_t)s->size);
    struct obj *value;
    int there = dict_get(s->dict, s->key[k], &value);
    t->reads++;
    if (there != 1) {
        t->wrong++;
        return there;
    }
    int64_t version = config_version(value, k);
    t->wrong += version < 0;
    t->older += version < t->seen[k];
    t->seen[k] = version;
    obj_decref(value);
    return 0;
}

/* One of the thread's keys, if it has any. */
static int config_write(const struct config *s, struct config_thread *t, int thread)
{
    int64_t mine = (s->size - thread + s->threads - 1) / s->threads;
    if (mine <= 0)
        return config_read(s, t);
    int64_t k = thread + s->threads * (int64_t)work_below(&t->random, (uint64_t)mine);
    t->writes++;
    return config_set(s, k, ++s->written[k]);
}

static int64_t config_run(struct work *w, int thread, uint64_t reps)
{
    struct config *s = w->state;
    struct config_thread *t = &s->thread[thread];
    for (uint64_t batch = reps * (CONFIG_REP / CONFIG_BATCH); batch > 0; batch--) {
        for (int i = 0; i < CONFIG_BATCH; i++) {
            bool write = (int64_t)work_below(&t->random, 1000) < s->permille;
            if (unlikely((write ? config_write(s, t, thread) : config_read(s, t)) < 0))
                return -1;
        }
        rt_safepoint();
    }
    return (int64_t)(reps * CONFIG_REP);
}

/* --- the answer --- */

static bool config_check(struct work *w)
{
    struct config *s = w->state;
    for (int i = 0; i < w->threads; i++) {
        struct config_thread *t = &s->thread[i];
        if (t->wrong || t->older)
            return work_wrong(w, "thread %d: of %llu values %llu were not their key's, %llu older than one read before", i,
                              (unsigned long long)t->reads, (unsigned long long)t->wrong, (unsigned long long)t->older);
    }
    for (int64_t k = 0; k < s->size; k++) {
        struct obj *value;
        int64_t version = dict_get(s->dict, s->key[k], &value) == 1 ? config_version(value, k) : -1;
        obj_xdecref(value);
        if (version != s->written[k])
            return work_wrong(w, "key %lld has version %lld, %lld was written last", (long long)k, (long long)version,
                              (long long)s->written[k]);
    }
    return dict_length(s->dict) == s->size || work_wrong(w, "the dict has %lld keys", (long long)dict_length(s->dict));
}

static const struct param config_params[] = {
    {"writes", PARAM_INT, NULL, 0, 1000, "1", "changes among 1000 operations"},
    {"size", PARAM_INT, NULL, 1, 1 << 20, "1024", "keys"},
    {0},
};

static const struct workload workload_config = {
    .info = {.name = "config", .unit = "ops", .summary = "a shared dict, mostly read", .params = config_params},
    .setup = config_setup,
    .run = config_run,
    .check = config_check,
    .teardown = config_teardown,
};
