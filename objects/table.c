/*
 * table.c -- growing, changing and copying the hash table of dict and set. Protocol and invariants: table.h.
 */
#include "number.h"
#include "table.h"
#include <assert.h>
#include <inttypes.h>

#ifdef RC_HOSTILE
enum { TABLE_MIN_SLOTS = 2 };
#else
enum { TABLE_MIN_SLOTS = 8 };
#endif
#define TABLE_MAX_SLOTS ((size_t)1 << 31) /* entry numbers are int32_t, and two thirds of this fit */

/* The cheap part of the invariant; table_valid_entries is the rest, after a resize, O(slots). */
API bool table_valid(const struct table *t)
{
    size_t filled = table_filled(t);
    return table_used(t) <= filled && filled + t->usable <= TABLE_ROOM(t->slots) && (filled == 0 || table_key(&t->entry[filled - 1]));
}

API bool table_valid_entries(const struct table *t)
{
#ifdef RC_HOSTILE
    size_t live = 0, indexed = 0;
    for (size_t i = 0; i < table_filled(t); i++)
        live += table_key(&t->entry[i]) != NULL;
    for (size_t i = 0; i < t->slots; i++) {
        int32_t number = table_index(t, i);
        if (number >= 0 && !((size_t)number < table_filled(t) && table_key(&t->entry[number])))
            return false;
        indexed += number >= 0;
    }
    return live == table_used(t) && indexed == live;
#else
    return table_used(t) == table_filled(t); /* just compacted */
#endif
}

/* How many entries a full table should have room for. The half on top keeps a table that loses as many as it gains from
 * being compacted at every step. */
static size_t table_growth(const struct table *t)
{
#ifdef RC_HOSTILE
    return table_used(t) + 1;
#else
    return table_used(t) + table_used(t) / 2 + 1;
#endif
}

static size_t table_bytes(size_t slots)
{
    return sizeof(struct table_block) + slots * sizeof(int32_t) + TABLE_ROOM(slots) * sizeof(struct table_place);
}
INLINE struct table_place *table_places(struct table_block *b) { return (struct table_place *)(b->index + b->slots); }
/* NULL: it has no memory. */
INLINE struct table_block *table_block(const struct table *t)
{
    return t->index ? (struct table_block *)((char *)t->index - offsetof(struct table_block, index)) : NULL;
}
/* relaxed: under the lock */
INLINE struct table_block *table_published(const struct table *t) { return atomic_load_explicit(&t->published, memory_order_relaxed); }

/* Frees memory that has left its table; `published`: readers may still be in it. */
static void table_free(const struct table *t, bool published)
{
    if (unlikely(published))
        retire(table_block(t), table_bytes(t->slots));
    else
        os_free(table_block(t));
}
API void table_free_new(const struct table *t) { table_free(t, false); }

/* Around a change of more than one slot: readers take the lock meanwhile. */
INLINE struct table_block *table_hide(struct table *t, struct lock *l)
{
    struct table_block *shown = table_published(t);
    atomic_store_explicit(&t->published, NULL, memory_order_relaxed); /* (V1) relaxed: before the version's release */
    lock_changes(l);
    return shown;
}
INLINE void table_show(struct table *t, struct table_block *shown)
{
    atomic_store_explicit(&t->published, shown, memory_order_release); /* (V1) release: all slots as they are now */
}
/* (V1) release: after what it counts */
INLINE void table_count(_Atomic size_t *counter, size_t n) { atomic_store_explicit(counter, n, memory_order_release); }

API int table_init(struct table *t, size_t room)
{
    *t = (struct table){0};
    if (room == 0)
        return 0;
    size_t slots = TABLE_MIN_SLOTS;
    while (TABLE_ROOM(slots) < room && slots < TABLE_MAX_SLOTS)
        slots *= 2;
    if (TABLE_ROOM(slots) < room)
        return -1;
    struct table_block *b = os_alloc(table_bytes(slots));
    if (!b)
        return -1;
    b->slots = slots;
    t->index = b->index;
    memset((void *)t->index, 0xff, slots * sizeof *t->index); /* TABLE_EMPTY */
    t->entry = table_places(b);
    t->slots = slots;
    t->usable = TABLE_ROOM(slots);
    return 0;
}

/* Writes an entry behind the last one and its number into the first EMPTY slot of its sequence. */
INLINE void table_append(struct table *t, struct table_entry e)
{
    struct table_cursor c = table_start(t->slots, e.hash);
    size_t filled = table_filled(t);
    struct table_place *place = &t->entry[filled];
    while (table_index(t, c.slot) != TABLE_EMPTY)
        table_next(t->slots, &c);
    /* (V1) release, all, and in this order: table.h. Also the first: it may stand where a deleted one did */
    atomic_store_explicit(&place->hash, e.hash, memory_order_release);
    atomic_store_explicit(&place->key, e.key, memory_order_release);
    atomic_store_explicit(&place->value, e.value, memory_order_release);
    atomic_store_explicit(&t->index[c.slot], (int32_t)filled, memory_order_release); /* (V1) release: the entry */
    table_count(&t->used, table_used(t) + 1);
    table_count(&t->filled, filled + 1);
    t->usable--;
}

/* Moves the live entries into memory with room for `room`; false: no memory, nothing has changed. */
SLOW bool table_resize(struct table *t, struct lock *l, size_t room)
{
    struct table grown;
    if (table_init(&grown, room) != 0)
        return false;
    size_t position = 0;
    for (struct table_place *e; (e = table_step(t, &position));)
        table_append(&grown, table_entry_at(e));
    struct table old = {.index = t->index, .slots = t->slots};
    bool published = table_hide(t, l) != NULL;
    t->index = grown.index;
    t->entry = grown.entry;
    t->slots = grown.slots;
    t->usable = grown.usable;
    table_count(&t->filled, table_filled(&grown)); /* used is the same */
    if (unlikely(published))
        table_show(t, table_block(t));
    table_free(&old, published);
    assert(table_valid(t) && table_valid_entries(t));
    return true;
}

API bool table_reserve(struct table *t, struct lock *l, size_t more)
{
    return t->usable >= more || table_resize(t, l, table_used(t) + more);
}

API int64_t table_insert(struct table *t, struct lock *l, struct obj *key, int64_t hash, struct obj *value)
{
    if (unlikely(t->usable == 0) && !table_resize(t, l, table_growth(t)))
        return TABLE_NO_MEMORY;
    table_append(t, (struct table_entry){hash, obj_incref(key), value ? obj_incref(value) : NULL});
    return (int64_t)table_filled(t) - 1;
}

/* With references of its own. */
INLINE struct table_entry table_entry_new(const struct table_place *place)
{
    struct table_entry e = table_entry_at(place);
    obj_incref(e.key);
    if (e.value)
        obj_incref(e.value);
    return e;
}

API struct table_entry table_remove(struct table *t, struct lock *l, int64_t number)
{
    struct table_place *place = &t->entry[number];
    struct table_entry e = table_entry_at(place);
    struct table_cursor c = table_start(t->slots, e.hash);
    while (table_index(t, c.slot) != number)
        table_next(t->slots, &c);
    struct table_block *shown = table_hide(t, l);
    /* (V1) release, all: after the version */
    atomic_store_explicit(&t->index[c.slot], TABLE_DUMMY, memory_order_release);
    atomic_store_explicit(&place->key, NULL, memory_order_release);
    atomic_store_explicit(&place->value, NULL, memory_order_release);
    table_count(&t->used, table_used(t) - 1);
    size_t filled = table_filled(t);
    while (filled > 0 && !table_key(&t->entry[filled - 1]))
        filled--;
    table_count(&t->filled, filled);
    table_show(t, shown);
    assert(table_valid(t));
    return e;
}

API struct table table_steal(struct table *t, struct lock *l)
{
    struct table all = {.index = t->index, .entry = t->entry, .slots = t->slots, .usable = t->usable};
    /* relaxed, all: the caller's own */
    atomic_init(&all.used, table_used(t));
    atomic_init(&all.filled, table_filled(t));
    atomic_init(&all.published, table_hide(t, l));
    t->index = NULL;
    t->entry = NULL;
    t->slots = t->usable = 0;
    table_count(&t->used, 0);
    table_count(&t->filled, 0);
    return all;
}

API int table_clone(struct table *to, const struct table *from)
{
    if (table_init(to, table_used(from)) != 0)
        return -1;
    size_t position = 0;
    for (struct table_place *e; (e = table_step(from, &position));)
        table_append(to, table_entry_new(e));
    return 0;
}

API int table_divide(struct table *t, struct lock *l, struct table *low, struct table *high, bool (*is_high)(int64_t hash, int arg), int arg)
{
    size_t position = 0, count[2] = {0};
    for (struct table_place *e; (e = table_step(t, &position));)
        count[is_high(table_hash_at(e), arg)]++;
    if (table_init(low, count[0]) != 0)
        return -1;
    if (table_init(high, count[1]) != 0) {
        table_free_new(low);
        *low = (struct table){0};
        return -1;
    }
    position = 0;
    for (struct table_place *e; (e = table_step(t, &position));)
        table_append(is_high(table_hash_at(e), arg) ? high : low, table_entry_at(e));
    struct table empty = table_steal(t, l); /* the references have moved */
    table_free(&empty, table_published(&empty) != NULL);
    return 0;
}

SLOW int64_t table_search_slow(struct table *t, struct lock *l, struct obj *key, int64_t hash)
{
    struct table_cursor c = table_start(t->slots, hash);
    for (;;) {
        int64_t number = table_find(t, key, hash, &c);
        if (number != TABLE_ASK)
            return number;
        struct obj *stored = obj_incref(table_key(&t->entry[c.asked]));
        uint32_t version = lock_version(l);
        lock_release(l);
        int equal = obj_equal(stored, key);
        obj_decref(stored); /* here: it may be the last reference, and its destructor must not meet the lock */
        lock_acquire(l);
        if (equal < 0)
            return TABLE_ERROR;
        if (lock_version(l) != version)
            c = table_start(t->slots, hash);
        else if (equal)
            return c.asked;
    }
}

API void table_drop(struct table *t)
{
    size_t position = 0;
    for (struct table_place *e; (e = table_step(t, &position));)
        table_entry_drop(&(struct table_entry){0, table_key(e), table_value(e)});
    table_free(t, table_published(t) != NULL);
}

API void table_drop_dead(struct table *t)
{
    size_t position = 0;
    for (struct table_place *e; (e = table_step(t, &position));) {
        struct obj *value = table_value(e);
        obj_decref_field(table_key(e));
        if (value)
            obj_decref_field(value);
    }
    table_free(t, false); /* at once: a reader holds a reference to the owner */
}

API int table_traverse(const struct table *t, int (*visit)(struct obj *, void *), void *arg)
{
    size_t position = 0;
    int stop = 0;
    for (struct table_place *e; !stop && (e = table_step(t, &position));) {
        stop = visit(table_key(e), arg);
        if (!stop && table_value(e))
            stop = visit(table_value(e), arg);
    }
    return stop;
}

SLOW int table_failed(int64_t result)
{
    if (result == TABLE_NO_MEMORY)
        err_memory();
    return -1;
}

SLOW int table_no_key(struct obj *key)
{
    const struct integer *i = (const struct integer *)key;
    if (obj_is(key, &int_type) && i->limbs == 0)
        err_set(ERR_KEY, "no such key: %" PRId64, i->small, 0);
    else
        err_set_name(ERR_KEY, "no such key: a %s", key->type->name, NULL);
    return -1;
}

API int table_snapshot_locked(const struct table *t, struct table_snapshot *s)
{
    *s = (struct table_snapshot){0};
    if (table_used(t) > 0 && !(s->entry = os_alloc(table_used(t) * sizeof *s->entry)))
        return -1;
    size_t position = 0;
    for (struct table_place *e; (e = table_step(t, &position));)
        s->entry[s->length++] = table_entry_new(e);
    return 0;
}

API int table_snapshot(struct table *t, struct lock *l, struct table_snapshot *s)
{
    lock_acquire(l);
    bool failed = table_snapshot_locked(t, s) != 0;
    lock_release(l);
    return failed ? table_failed(TABLE_NO_MEMORY) : 0;
}

API void table_snapshot_drop(struct table_snapshot *s)
{
    for (size_t i = 0; i < s->length; i++)
        table_entry_drop(&s->entry[i]);
    os_free(s->entry);
}

API bool table_step_new(struct table *t, struct lock *l, size_t *position, struct table_entry *e)
{
    lock_acquire(l);
    const struct table_place *next = table_step(t, position);
    if (next)
        *e = table_entry_new(next);
    lock_release(l);
    return next != NULL;
}

/* --- without the lock --- */

API void table_publish(struct table *t, int64_t number)
{
    if (t->index && !table_published(t))
        table_show(t, table_block(t));
    if (number < 0)
        return;
    struct obj *value = table_value(&t->entry[number]);
    reads_allow(table_key(&t->entry[number]));
    if (value)
        reads_allow(value);
}

/* A reader's look at one block: what it is, and what it keeps until it has left. */
struct table_reader {
    struct table *t;
    struct lock *lock;
    struct table_block *b;
    uint32_t version;
    struct obj *kept; /* a key that was counted to be compared */
};

/* False: there is nothing to read without the lock. In a read section. */
INLINE bool table_reader_begin(struct table_reader *r, struct table *t, struct lock *l)
{
    *r = (struct table_reader){.t = t, .lock = l};
    r->version = atomic_load_explicit(&l->version, memory_order_acquire); /* (V2) acquire: first */
    r->b = atomic_load_explicit(&t->published, memory_order_acquire);     /* (V2) acquire: the block, complete */
    return likely(r->b != NULL);
}
/* No entry has moved or gone since. (V2) relaxed: after the acquire of what it is to judge */
INLINE bool table_reader_is_right(const struct table_reader *r)
{
    return likely(atomic_load_explicit(&r->lock->version, memory_order_relaxed) == r->version);
}

/* 1, 0 (not this entry), TABLE_ODD. `key` is that of the entry, not identical to `wanted`, with the same hash. */
static int table_reader_compare(struct table_reader *r, struct table_place *e, struct obj *key, struct obj *wanted)
{
    if (RC_READS != RC_READS_BORROW) {
        if (r->kept || !reads_take(key))
            return TABLE_ODD;
        r->kept = key; /* from here on its memory stays; the next look says whether it is the key's */
        /* (V2) acquire: after the take, which acquires (R3) */
        if (atomic_load_explicit(&e->key, memory_order_acquire) != key || !table_reader_is_right(r))
            return TABLE_ODD;
    }
    return key->type->flags & wanted->type->flags & TYPE_EXACT ? obj_equal(key, wanted) : TABLE_ODD;
}

/* The entry's number, TABLE_MISSING or TABLE_ODD. */
INLINE int64_t table_reader_find(struct table_reader *r, struct obj *wanted, int64_t hash)
{
    struct table_place *entry = table_places(r->b);
    struct table_cursor c = table_start(r->b->slots, hash);
    for (;;) {
        int32_t number = atomic_load_explicit(&r->b->index[c.slot], memory_order_acquire); /* (V2) acquire: the entry */
        if (number == TABLE_EMPTY)
            return TABLE_MISSING;
        table_next(r->b->slots, &c);
        if (number == TABLE_DUMMY)
            continue;
        struct obj *key = atomic_load_explicit(&entry[number].key, memory_order_acquire); /* (V2) acquire: the key */
        if (key != wanted) {
            /* (V2) acquire: as the key; a place that was written again shows in the version */
            if (atomic_load_explicit(&entry[number].hash, memory_order_acquire) != hash)
                continue;
            int same = key ? table_reader_compare(r, &entry[number], key, wanted) : TABLE_ODD;
            if (same == 0)
                continue;
            if (same < 0)
                return TABLE_ODD;
        }
        /* (V2) acquire: it is counted as well (table.h) */
        return (size_t)number < atomic_load_explicit(&r->t->filled, memory_order_acquire) ? number : TABLE_ODD;
    }
}

/* A reference to what the place holds; false: it does not any more, *taken is a mistake or NULL. */
INLINE bool table_reader_take(const struct table_reader *r, _Atomic(struct obj *) *place, struct obj **taken)
{
    struct obj *o = atomic_load_explicit(place, memory_order_acquire); /* (V2) acquire: the object as it was put there */
    /* not of a place that nobody has written yet, in memory that somebody has left meanwhile */
    if (unlikely(!o || !table_reader_is_right(r) || !reads_take(o)))
        return false;
    *taken = o;
    /* (V2) acquire: after the take, which acquires (R3) */
    return likely(atomic_load_explicit(place, memory_order_acquire) == o) && table_reader_is_right(r);
}

API int table_try_find(struct table *t, struct lock *l, struct obj *key, int64_t hash, bool value, struct obj **taken)
{
    struct table_reader r;
    int64_t number = TABLE_ODD;
    *taken = NULL;
    reads_enter();
    if (table_reader_begin(&r, t, l)) {
        number = table_reader_find(&r, key, hash);
        if (!(number >= 0 && value ? table_reader_take(&r, &table_places(r.b)[number].value, taken) : table_reader_is_right(&r)))
            number = TABLE_ODD;
    }
    reads_leave();
    obj_xdecref(r.kept);
    rc_stat_add(read_optimistic, number != TABLE_ODD);
    rc_stat_add(read_locked, number == TABLE_ODD);
    return number >= 0 ? 1 : number == TABLE_MISSING ? 0 : TABLE_ODD;
}

API bool table_try_step(struct table *t, struct lock *l, size_t expected, size_t *position, struct obj **taken)
{
    struct table_reader r;
    bool there = false;
    *taken = NULL;
    reads_enter();
    if (table_reader_begin(&r, t, l)) {
        /* (V2) acquire, both: the entries that they count. Of this block if the version is still the same */
        size_t filled = atomic_load_explicit(&t->filled, memory_order_acquire), at = *position;
        struct table_place *entry = table_places(r.b);
        if (atomic_load_explicit(&t->used, memory_order_acquire) == expected && table_reader_is_right(&r)) {
            while (at < filled && !atomic_load_explicit(&entry[at].key, memory_order_acquire)) /* (V2) acquire: for the next look */
                at++;
            there = at < filled && table_reader_take(&r, &entry[at].key, taken);
        }
        if (there)
            *position = at + 1;
    }
    reads_leave();
    rc_stat_add(read_optimistic, there);
    rc_stat_add(read_locked, !there);
    return there;
}
