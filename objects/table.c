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
    return t->used <= t->filled && t->filled + t->usable <= TABLE_ROOM(t->slots) &&
           (t->filled == 0 || t->entry[t->filled - 1].key);
}

API bool table_valid_entries(const struct table *t)
{
#ifdef RC_HOSTILE
    size_t live = 0, indexed = 0;
    for (size_t i = 0; i < t->filled; i++)
        live += t->entry[i].key != NULL;
    for (size_t i = 0; i < t->slots; i++) {
        if (t->index[i] >= 0 && !((size_t)t->index[i] < t->filled && t->entry[t->index[i]].key))
            return false;
        indexed += t->index[i] >= 0;
    }
    return live == t->used && indexed == live;
#else
    return t->used == t->filled; /* just compacted */
#endif
}

/* How many entries a full table should have room for. The half on top keeps a table that loses as many as it gains from
 * being compacted at every step. */
static size_t table_growth(const struct table *t)
{
#ifdef RC_HOSTILE
    return t->used + 1;
#else
    return t->used + t->used / 2 + 1;
#endif
}

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
    /* slots is even, so the entries behind the index are aligned */
    t->index = os_alloc(slots * sizeof *t->index + TABLE_ROOM(slots) * sizeof *t->entry);
    if (!t->index)
        return -1;
    memset(t->index, 0xff, slots * sizeof *t->index); /* TABLE_EMPTY */
    t->entry = (struct table_entry *)(t->index + slots);
    t->slots = slots;
    t->usable = TABLE_ROOM(slots);
    return 0;
}

/* Writes an entry behind the last one and its number into the first EMPTY slot of its sequence. */
INLINE void table_append(struct table *t, struct table_entry e)
{
    struct table_cursor c = table_start(t, e.hash);
    while (t->index[c.slot] != TABLE_EMPTY)
        table_next(t, &c);
    t->index[c.slot] = (int32_t)t->filled;
    t->entry[t->filled++] = e;
    t->used++;
    t->usable--;
}

/* Moves the live entries into memory with room for `room`; false: no memory, nothing has changed. */
SLOW bool table_resize(struct table *t, struct lock *l, size_t room)
{
    struct table grown;
    if (table_init(&grown, room) != 0)
        return false;
    size_t position = 0;
    for (struct table_entry *e; (e = table_step(t, &position));)
        table_append(&grown, *e);
    os_free(t->index);
    *t = grown;
    l->version++;
    assert(table_valid(t) && table_valid_entries(t));
    return true;
}

API bool table_reserve(struct table *t, struct lock *l, size_t more)
{
    return t->usable >= more || table_resize(t, l, t->used + more);
}

API int64_t table_insert(struct table *t, struct lock *l, struct obj *key, int64_t hash, struct obj *value)
{
    if (unlikely(t->usable == 0) && !table_resize(t, l, table_growth(t)))
        return TABLE_NO_MEMORY;
    table_append(t, (struct table_entry){hash, obj_incref(key), value ? obj_incref(value) : NULL});
    return (int64_t)t->filled - 1;
}

API struct table_entry table_remove(struct table *t, struct lock *l, int64_t number)
{
    struct table_entry e = t->entry[number];
    struct table_cursor c = table_start(t, e.hash);
    while (t->index[c.slot] != number)
        table_next(t, &c);
    t->index[c.slot] = TABLE_DUMMY;
    t->entry[number].key = t->entry[number].value = NULL;
    t->used--;
    while (t->filled > 0 && !t->entry[t->filled - 1].key)
        t->filled--;
    l->version++;
    assert(table_valid(t));
    return e;
}

API struct table table_steal(struct table *t, struct lock *l)
{
    struct table all = *t;
    *t = (struct table){0};
    l->version++;
    return all;
}

API int table_clone(struct table *to, const struct table *from)
{
    if (table_init(to, from->used) != 0)
        return -1;
    size_t position = 0;
    for (struct table_entry *e; (e = table_step(from, &position));) {
        obj_incref(e->key);
        if (e->value)
            obj_incref(e->value);
        table_append(to, *e);
    }
    return 0;
}

API int table_divide(struct table *t, struct lock *l, struct table *low, struct table *high, bool (*is_high)(int64_t hash, int arg), int arg)
{
    size_t position = 0, count[2] = {0};
    for (struct table_entry *e; (e = table_step(t, &position));)
        count[is_high(e->hash, arg)]++;
    if (table_init(low, count[0]) != 0)
        return -1;
    if (table_init(high, count[1]) != 0) {
        os_free(low->index);
        *low = (struct table){0};
        return -1;
    }
    position = 0;
    for (struct table_entry *e; (e = table_step(t, &position));)
        table_append(is_high(e->hash, arg) ? high : low, *e);
    os_free(t->index);
    *t = (struct table){0};
    l->version++;
    return 0;
}

SLOW int64_t table_search_slow(struct table *t, struct lock *l, struct obj *key, int64_t hash)
{
    struct table_cursor c = table_start(t, hash);
    for (;;) {
        int64_t number = table_find(t, key, hash, &c);
        if (number != TABLE_ASK)
            return number;
        struct obj *stored = obj_incref(t->entry[c.asked].key);
        uint32_t version = l->version;
        lock_release(l);
        int equal = obj_equal(stored, key);
        obj_decref(stored); /* here: it may be the last reference, and its destructor must not meet the lock */
        lock_acquire(l);
        if (equal < 0)
            return TABLE_ERROR;
        if (l->version != version)
            c = table_start(t, hash);
        else if (equal)
            return c.asked;
    }
}

API void table_drop(struct table *t)
{
    size_t position = 0;
    for (struct table_entry *e; (e = table_step(t, &position));)
        table_entry_drop(e);
    os_free(t->index);
}

API void table_drop_dead(struct table *t)
{
    size_t position = 0;
    for (struct table_entry *e; (e = table_step(t, &position));) {
        obj_decref_field(e->key);
        if (e->value)
            obj_decref_field(e->value);
    }
    os_free(t->index);
}

API int table_traverse(const struct table *t, int (*visit)(struct obj *, void *), void *arg)
{
    size_t position = 0;
    int stop = 0;
    for (struct table_entry *e; !stop && (e = table_step(t, &position));) {
        stop = visit(e->key, arg);
        if (!stop && e->value)
            stop = visit(e->value, arg);
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
    if (t->used > 0 && !(s->entry = os_alloc(t->used * sizeof *s->entry)))
        return -1;
    size_t position = 0;
    for (struct table_entry *e; (e = table_step(t, &position));) {
        obj_incref(e->key);
        if (e->value)
            obj_incref(e->value);
        s->entry[s->length++] = *e;
    }
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
    const struct table_entry *next = table_step(t, position);
    if (next) {
        *e = *next;
        obj_incref(e->key);
        if (e->value)
            obj_incref(e->value);
    }
    lock_release(l);
    return next != NULL;
}
