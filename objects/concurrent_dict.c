/*
 * concurrent_dict.c -- ConcurrentDict: shards, their growth, and operations on them. Protocol and promises are in concurrent_dict.h.
 *
 * Every operation hashes the key (user code), enters its shard (locks it, following `next` past those that have moved), searches,
 * acts, unlocks, and only then drops what it displaced. A comparison may be user code and lets go of the lock: if the shard has moved
 * meanwhile, it is empty, and the search begins again where its entries are.
 */
#include "concurrent_dict.h"
#include "dict.h"
#include "list.h"
#include "local_wrapper.h"
#include "track.h"
#include "tuple.h"
#include <inttypes.h>

#if defined(RC_EXPLORED)
enum { SHARDS_BITS_MIN = 1, SHARDS_BITS_MAX = 2, SHARD_FULL = 1 };
#elif defined(RC_HOSTILE)
enum { SHARDS_BITS_MIN = 1, SHARDS_BITS_MAX = 4, SHARD_FULL = 2 };
#else
/* 16 shards for a dozen threads on a few keys; 1024 keep off each other what a machine has; a shard of 64 is in the cache when it is
 * divided */
enum { SHARDS_BITS_MIN = 4, SHARDS_BITS_MAX = 10, SHARD_FULL = 64 };
#endif

INLINE struct concurrent_dict *concurrent_expect(struct obj *o)
{
    return obj_as(o, &concurrent_dict_type);
}

/* Where a hash lies among all. Each bit of the hash moves half of them (finaliser of MurmurHash3), also the upper ones. */
INLINE uint64_t concurrent_mix(int64_t hash)
{
    uint64_t h = (uint64_t)hash;
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

/* --- shards --- */

/* Gives back their memory, with what is in it. */
static void concurrent_free(struct concurrent_shards *s)
{
    for (size_t i = 0; i < (size_t)1 << s->bits; i++) {
        table_drop_dead(&s->shard[i].table);
        lock_drop(&s->shard[i].lock);
    }
    os_free(s);
}

/* New, empty, each with room for that many; NULL: no memory (no error is set). */
static struct concurrent_shards *concurrent_make(int bits, size_t room, struct concurrent_shards *older)
{
    size_t count = (size_t)1 << bits;
    struct concurrent_shards *s = os_alloc_aligned(CACHE_LINE, sizeof *s + count * sizeof *s->shard);
    if (!s)
        return NULL;
    s->bits = bits;
    s->older = older;
    atomic_init(&s->next, NULL);
    bool made = true;
    for (size_t i = 0; i < count; i++) { /* all, so that they can be freed as one */
        struct concurrent_shard *shard = &s->shard[i];
        shard->holder.base.type = &concurrent_dict_type;
        shard->bits = (uint8_t)bits;
        shard->moved = false;
        made = lock_init_shared(&shard->lock, &shard->holder) && made;
        made = table_init(&shard->table, room) == 0 && made;
    }
    if (!made)
        concurrent_free(s);
    return made ? s : NULL;
}

/* The shard with that place, locked. */
INLINE struct concurrent_shard *concurrent_enter(struct concurrent_dict *d, uint64_t place)
{
    /* (G1) acquire: the shards as they were made */
    struct concurrent_shards *s = atomic_load_explicit(&d->shards, memory_order_acquire);
    for (;;) {
        struct concurrent_shard *shard = &s->shard[place >> (64 - s->bits)];
        lock_acquire(&shard->lock);
        if (likely(!shard->moved))
            return shard;
        lock_release(&shard->lock);
        s = atomic_load_explicit(&s->next, memory_order_relaxed); /* relaxed: stored before any has moved, which the lock orders */
    }
}

/* What table_search finds, in the shard that holds the key if any does (TABLE_ERROR: in some shard), which is locked. */
INLINE int64_t concurrent_search(struct concurrent_dict *d, struct obj *key, int64_t hash, struct concurrent_shard **shard)
{
    for (;;) {
        struct concurrent_shard *s = *shard = concurrent_enter(d, concurrent_mix(hash));
        int64_t number = table_search(&s->table, &s->lock, key, hash);
        if (likely(!s->moved) || number == TABLE_ERROR)
            return number;
        lock_release(&s->lock);
    }
}

/* --- growth --- */

static bool concurrent_is_high(int64_t hash, int bits) { return concurrent_mix(hash) >> (64 - bits) & 1; }

/* Moves shard i on; false: no memory. */
static bool concurrent_divide(struct concurrent_shards *now, struct concurrent_shards *next, size_t i)
{
    struct concurrent_shard *from = &now->shard[i], *to = &next->shard[2 * i]; /* to: nobody comes there before `moved` is seen */
    lock_acquire(&from->lock);
    from->moved = from->moved ||
                  table_divide(&from->table, &from->lock, &to[0].table, &to[1].table, concurrent_is_high, next->bits) == 0;
    bool moved = from->moved;
    lock_release(&from->lock);
    return moved;
}

/* Twice as many shards, unless there are more than 1 << bits already. No error: where it fails the dict is right, and fuller. */
SLOW void concurrent_grow(struct concurrent_dict *d, int bits)
{
    /* (G2) acquire: what the last one to do so has stored; whoever finds it taken leaves it to that thread */
    if (atomic_exchange_explicit(&d->growing, true, memory_order_acquire))
        return;
    /* relaxed, both: (G2), only here are they written */
    struct concurrent_shards *now = atomic_load_explicit(&d->shards, memory_order_relaxed);
    struct concurrent_shards *next = atomic_load_explicit(&now->next, memory_order_relaxed);
    if (!next && now->bits == bits && bits < SHARDS_BITS_MAX) {
        next = concurrent_make(bits + 1, 0, now);
        atomic_store_explicit(&now->next, next, memory_order_relaxed); /* relaxed: the lock of each moved shard hands it over */
    }
    bool moved = next != NULL;
    for (size_t i = 0; moved && i < (size_t)1 << now->bits; i++)
        moved = concurrent_divide(now, next, i);
    if (moved)
        atomic_store_explicit(&d->shards, next, memory_order_release); /* (G1) release: the shards as they were made */
    atomic_store_explicit(&d->growing, false, memory_order_release);   /* (G2) release: what it has stored */
}

/* An insertion has left that many entries in a shard of so many bits. Holding no lock. */
INLINE void concurrent_inserted(struct concurrent_dict *d, size_t used, int bits)
{
    if (unlikely(used > SHARD_FULL) && bits < SHARDS_BITS_MAX)
        concurrent_grow(d, bits);
}

/* --- making one --- */

static int concurrent_bits(int64_t capacity)
{
    int bits = SHARDS_BITS_MIN;
    while (bits < SHARDS_BITS_MAX && capacity >> bits > SHARD_FULL / 2)
        bits++;
    return bits;
}

API struct obj *concurrent_dict_new(int64_t capacity)
{
    if (capacity < 0 || capacity > CONCURRENT_CAPACITY_MAX) {
        err_set(ERR_VALUE, "capacity %" PRId64 " of a ConcurrentDict: 0 to %" PRId64 " are allowed", capacity, CONCURRENT_CAPACITY_MAX);
        return NULL;
    }
    int bits = concurrent_bits(capacity);
    struct concurrent_shards *s = concurrent_make(bits, (size_t)(capacity >> bits), NULL);
    if (!s)
        return err_memory();
    struct concurrent_dict *d = obj_alloc(&concurrent_dict_type, sizeof *d);
    if (unlikely(!d)) {
        concurrent_free(s);
        return NULL;
    }
    atomic_init(&d->shards, s);
    atomic_init(&d->growing, false);
    obj_track(&d->base);
    return &d->base.base;
}

/* --- one key --- */

/* 0, or -1: no ConcurrentDict, or the key cannot be hashed. */
INLINE int concurrent_start(struct obj **o, struct obj *key, int64_t *hash)
{
    struct concurrent_dict *d = concurrent_expect(*o);
    if (unlikely(!d || table_hash(key, hash) != 0))
        return -1;
    *o = &d->base.base;
    return 0;
}
/* 1, 0, -1 of a search's result. */
INLINE int concurrent_found(int64_t number) { return number >= 0 ? 1 : number == TABLE_MISSING ? 0 : -1; }

static int concurrent_load(struct concurrent_dict *d, struct obj *key, int64_t hash, struct obj **value)
{
    struct concurrent_shard *s;
    int64_t number = concurrent_search(d, key, hash, &s);
    *value = number >= 0 ? obj_incref(table_value(&s->table.entry[number])) : NULL;
    lock_release(&s->lock);
    return concurrent_found(number);
}

API int concurrent_dict_get(struct obj *o, struct obj *key, struct obj **value)
{
    int64_t hash;
    *value = NULL;
    return likely(concurrent_start(&o, key, &hash) == 0) ? concurrent_load((struct concurrent_dict *)o, key, hash, value) : -1;
}

API int concurrent_dict_contains(struct obj *o, struct obj *key)
{
    int64_t hash;
    if (unlikely(concurrent_start(&o, key, &hash) != 0))
        return -1;
    struct concurrent_shard *s;
    int64_t number = concurrent_search((struct concurrent_dict *)o, key, hash, &s);
    lock_release(&s->lock);
    return concurrent_found(number);
}

static int concurrent_store(struct concurrent_dict *d, struct obj *key, int64_t hash, struct obj *value)
{
    struct obj *old = NULL;
    struct concurrent_shard *s;
    size_t used = 0;
    int64_t number = concurrent_search(d, key, hash, &s);
    if (number >= 0) {
        old = table_exchange(&s->table, number, obj_incref(value));
    } else if (number == TABLE_MISSING) {
        number = table_insert(&s->table, &s->lock, key, hash, value);
        used = table_used(&s->table);
    }
    lock_release(&s->lock);
    obj_xdecref(old);
    concurrent_inserted(d, used, s->bits);
    return likely(number >= 0) ? 0 : table_failed(number);
}

API int concurrent_dict_set(struct obj *o, struct obj *key, struct obj *value)
{
    int64_t hash;
    return likely(concurrent_start(&o, key, &hash) == 0) ? concurrent_store((struct concurrent_dict *)o, key, hash, value) : -1;
}

API int concurrent_dict_setdefault(struct obj *o, struct obj *key, struct obj *value, struct obj **found)
{
    int64_t hash;
    *found = NULL;
    if (unlikely(concurrent_start(&o, key, &hash) != 0))
        return -1;
    struct concurrent_dict *d = (struct concurrent_dict *)o;
    struct concurrent_shard *s;
    int64_t number = concurrent_search(d, key, hash, &s);
    bool missing = number == TABLE_MISSING;
    if (missing)
        number = table_insert(&s->table, &s->lock, key, hash, value);
    if (number >= 0)
        *found = obj_incref(table_value(&s->table.entry[number]));
    size_t used = missing ? table_used(&s->table) : 0;
    lock_release(&s->lock);
    concurrent_inserted(d, used, s->bits);
    return number < 0 ? table_failed(number) : !missing;
}

API int concurrent_dict_pop(struct obj *o, struct obj *key, struct obj **value)
{
    int64_t hash;
    *value = NULL;
    if (unlikely(concurrent_start(&o, key, &hash) != 0))
        return -1;
    struct table_entry old = {0};
    struct concurrent_shard *s;
    int64_t number = concurrent_search((struct concurrent_dict *)o, key, hash, &s);
    if (number >= 0)
        old = table_remove(&s->table, &s->lock, number);
    lock_release(&s->lock);
    *value = old.value;
    obj_xdecref(old.key);
    return concurrent_found(number);
}

API int concurrent_dict_del(struct obj *o, struct obj *key)
{
    struct obj *value;
    int found = concurrent_dict_pop(o, key, &value);
    if (found == 0)
        return table_no_key(key);
    obj_xdecref(value);
    return found < 0 ? -1 : 0;
}

/* --- read, make, publish --- */

static int concurrent_swap(struct concurrent_dict *d, struct obj *key, int64_t hash, struct obj *expected, struct obj *value)
{
    struct table_entry old = {0};
    struct concurrent_shard *s;
    int64_t number = concurrent_search(d, key, hash, &s);
    bool missing = number == TABLE_MISSING;
    bool same = missing ? !expected : number >= 0 && table_value(&s->table.entry[number]) == expected;
    if (same && !missing && value) {
        old.value = table_exchange(&s->table, number, obj_incref(value));
    } else if (same && !missing) {
        old = table_remove(&s->table, &s->lock, number);
    } else if (same && value) {
        number = table_insert(&s->table, &s->lock, key, hash, value);
    }
    size_t used = same && missing ? table_used(&s->table) : 0;
    lock_release(&s->lock);
    obj_xdecref(old.value);
    obj_xdecref(old.key);
    concurrent_inserted(d, used, s->bits);
    return likely(number >= 0 || number == TABLE_MISSING) ? same : table_failed(number);
}

API int concurrent_dict_replace(struct obj *o, struct obj *key, struct obj *expected, struct obj *value)
{
    int64_t hash;
    if (unlikely(concurrent_start(&o, key, &hash) != 0))
        return -1;
    return concurrent_swap((struct concurrent_dict *)o, key, hash, expected, value);
}

/* One attempt of compute: 1, and the new value in *now; 0: another thread came between; -1. */
static int concurrent_attempt(struct concurrent_dict *d, struct obj *key, int64_t hash, concurrent_dict_function *function, void *arg,
                              struct obj **now)
{
    struct obj *old;
    if (concurrent_load(d, key, hash, &old) < 0)
        return -1;
    *now = NULL;
    int done = function(arg, key, old, now);
    if (done == 0)
        done = concurrent_swap(d, key, hash, old, *now);
    obj_xdecref(old); /* not before the swap: it keeps the address from meaning another object */
    if (done == 1)
        return 1;
    obj_xdecref(*now);
    *now = NULL;
    return done;
}

API int concurrent_dict_compute(struct obj *o, struct obj *key, concurrent_dict_function *function, void *arg, struct obj **now)
{
    int64_t hash;
    int done = 0;
    *now = NULL;
    if (unlikely(concurrent_start(&o, key, &hash) != 0))
        return -1;
    while ((done = concurrent_attempt((struct concurrent_dict *)o, key, hash, function, arg, now)) == 0)
        rt_safepoint(); /* each round again means that another thread has changed the value */
    return done < 0 ? -1 : *now != NULL;
}

struct concurrent_upsert {
    struct obj *initial;
    concurrent_dict_function *function;
    void *arg;
};
static int concurrent_upsert_value(void *raw, struct obj *key, struct obj *old, struct obj **value)
{
    const struct concurrent_upsert *u = raw;
    if (old)
        return u->function(u->arg, key, old, value);
    *value = obj_incref(u->initial);
    return 0;
}

API int concurrent_dict_upsert(struct obj *o, struct obj *key, struct obj *initial, concurrent_dict_function *function, void *arg,
                               struct obj **now)
{
    struct concurrent_upsert u = {initial, function, arg};
    return concurrent_dict_compute(o, key, concurrent_upsert_value, &u, now);
}

/* --- shard after shard --- */

/* The shard with *place, locked; *place moves to the first place behind it, 0: there is none. */
static struct concurrent_shard *concurrent_walk(struct concurrent_dict *d, uint64_t *place)
{
    struct concurrent_shard *s = concurrent_enter(d, *place);
    int shift = 64 - s->bits;
    *place = ((*place >> shift) + 1) << shift;
    return s;
}

API int64_t concurrent_dict_length(struct obj *o)
{
    struct concurrent_dict *d = concurrent_expect(o);
    if (!d)
        return -1;
    int64_t length = 0;
    uint64_t place = 0;
    do {
        struct concurrent_shard *s = concurrent_walk(d, &place);
        length += (int64_t)table_used(&s->table);
        lock_release(&s->lock);
    } while (place != 0);
    return length;
}

API int concurrent_dict_clear(struct obj *o)
{
    struct concurrent_dict *d = concurrent_expect(o);
    if (!d)
        return -1;
    uint64_t place = 0;
    do {
        struct concurrent_shard *s = concurrent_walk(d, &place);
        struct table old = table_steal(&s->table, &s->lock);
        lock_release(&s->lock);
        table_drop(&old);
    } while (place != 0);
    return 0;
}

API int concurrent_dict_begin(struct concurrent_cursor *c, struct obj *o)
{
    *c = (struct concurrent_cursor){.dict = concurrent_expect(o)};
    return c->dict ? 0 : -1;
}

API int concurrent_dict_step(struct concurrent_cursor *c, struct table_entry *e)
{
    while (c->at == c->batch.length) {
        if (c->last)
            return 0;
        table_snapshot_drop(&c->batch);
        struct concurrent_shard *s = concurrent_walk(c->dict, &c->place);
        bool failed = table_snapshot_locked(&s->table, &c->batch) != 0;
        lock_release(&s->lock);
        c->at = 0;
        c->last = failed || c->place == 0;
        if (failed)
            return table_failed(TABLE_NO_MEMORY);
    }
    *e = c->batch.entry[c->at++];
    return 1;
}

API void concurrent_dict_end(struct concurrent_cursor *c) { table_snapshot_drop(&c->batch); }

API int concurrent_dict_update(struct obj *o, struct obj *other)
{
    struct concurrent_dict *d = concurrent_expect(o);
    struct concurrent_cursor c;
    struct table_entry e;
    if (!d)
        return -1;
    other = local_wrapper_peel(other);
    if (&d->base.base == other)
        return 0;
    if (obj_is(other, &dict_type)) { /* its entries as a last batch: one snapshot */
        c = (struct concurrent_cursor){.last = true};
        if (table_snapshot(&((struct dict *)other)->table, &((struct dict *)other)->lock, &c.batch) != 0)
            return -1;
    } else if (concurrent_dict_begin(&c, other) != 0) {
        return -1;
    }
    int step;
    while ((step = concurrent_dict_step(&c, &e)) == 1 && (step = concurrent_store(d, e.key, e.hash, e.value)) == 0)
        continue;
    concurrent_dict_end(&c);
    return step;
}

static struct obj *concurrent_take_key(const struct table_entry *e) { return obj_incref(e->key); }
static struct obj *concurrent_take_value(const struct table_entry *e) { return obj_incref(e->value); }
static struct obj *concurrent_take_pair(const struct table_entry *e) { return tuple_pair(e->key, e->value); }

/* New list of what `take` makes (new references, or NULL and an error) of each pair. */
static struct obj *concurrent_list(struct obj *o, struct obj *(*take)(const struct table_entry *))
{
    struct concurrent_cursor c;
    struct table_entry e;
    struct obj *list = concurrent_dict_begin(&c, o) == 0 ? list_new(0) : NULL;
    int step = -1;
    while (list && (step = concurrent_dict_step(&c, &e)) == 1) {
        struct obj *item = take(&e);
        step = item ? list_append(list, item) : -1;
        obj_xdecref(item);
        if (step != 0)
            break;
    }
    concurrent_dict_end(&c);
    if (step == 0)
        return list;
    obj_xdecref(list);
    return NULL;
}

API struct obj *concurrent_dict_keys(struct obj *dict) { return concurrent_list(dict, concurrent_take_key); }
API struct obj *concurrent_dict_values(struct obj *dict) { return concurrent_list(dict, concurrent_take_value); }
API struct obj *concurrent_dict_items(struct obj *dict) { return concurrent_list(dict, concurrent_take_pair); }

/* --- slots --- */

/* relaxed, both: dead and this thread's alone, or the world is stopped */
static struct concurrent_shards *concurrent_newest(struct obj *o)
{
    struct concurrent_shards *s = atomic_load_explicit(&((struct concurrent_dict *)o)->shards, memory_order_relaxed);
    struct concurrent_shards *next = atomic_load_explicit(&s->next, memory_order_relaxed);
    return next ? next : s;
}

static void concurrent_dealloc(struct obj *o)
{
    for (struct concurrent_shards *older, *s = concurrent_newest(o); s; s = older) {
        older = s->older;
        concurrent_free(s);
    }
    obj_free(o, sizeof(struct concurrent_dict));
}

static void concurrent_clear_slot(struct obj *o) { concurrent_dict_clear(o); }

/* With the world stopped: no lock. What has moved is empty. */
static int concurrent_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    int stop = 0;
    for (struct concurrent_shards *s = concurrent_newest(o); s && !stop; s = s->older)
        for (size_t i = 0; i < (size_t)1 << s->bits && !stop; i++)
            stop = table_traverse(&s->shard[i].table, visit, arg);
    return stop;
}

/* Is this pair of one dict also in the other? 1, 0, -1. */
static int concurrent_has_pair(struct concurrent_dict *d, const struct table_entry *e)
{
    struct obj *value;
    int found = concurrent_load(d, e->key, e->hash, &value);
    if (found == 1)
        found = obj_equal(e->value, value);
    obj_xdecref(value);
    return found;
}

static int concurrent_equal(struct obj *a, struct obj *b)
{
    struct concurrent_cursor c;
    struct table_entry e;
    if (!(b = obj_if(b, &concurrent_dict_type)) || concurrent_dict_length(a) != concurrent_dict_length(b))
        return 0;
    if (!obj_enter())
        return -1;
    concurrent_dict_begin(&c, a);
    int equal = 1, step = 0;
    while (equal == 1 && (step = concurrent_dict_step(&c, &e)) == 1)
        equal = concurrent_has_pair((struct concurrent_dict *)b, &e);
    concurrent_dict_end(&c);
    obj_leave();
    return step < 0 ? -1 : equal;
}

static int concurrent_repr_pair(struct strbuf *out, const struct table_entry *e, int depth)
{
    if (strbuf_add_repr(out, e->key, depth) != 0 || strbuf_add_text(out, ": ") != 0)
        return -1;
    return strbuf_add_repr(out, e->value, depth);
}

static int concurrent_repr(struct obj *o, struct strbuf *out, int depth)
{
    struct concurrent_cursor c;
    struct table_entry e;
    if (!obj_enter())
        return -1;
    concurrent_dict_begin(&c, o);
    const char *before = "ConcurrentDict({";
    int failed = 0, step = 0;
    while (!failed && (step = concurrent_dict_step(&c, &e)) == 1) {
        failed = strbuf_add_text(out, before) != 0 || concurrent_repr_pair(out, &e, depth + 1) != 0;
        before = ", ";
    }
    concurrent_dict_end(&c);
    obj_leave();
    if (failed || step < 0)
        return -1;
    return strbuf_add_text(out, before[0] == ',' ? "})" : "ConcurrentDict({})");
}

static const struct type concurrent_dict_type = {
    .name = "ConcurrentDict",
    .flags = TYPE_CONTAINER,
    .dealloc = concurrent_dealloc,
    .traverse = concurrent_traverse,
    .clear = concurrent_clear_slot,
    .equal = concurrent_equal,
    .repr = concurrent_repr,
    .size = {.least = sizeof(struct concurrent_dict)},
};
