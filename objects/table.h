/*
 * table.h -- the hash table under dict and set: open addressing over an index array, entries in insertion order.
 *
 * As CPython's compact dict (Hettinger 2012): `index` is a power-of-two array of entry numbers (EMPTY, DUMMY or >= 0),
 * `entry` holds {hash, key, value} in the order of insertion. The owner of the table (dict, set) holds its lock around every call
 * here; nothing here runs user code, decrefs or blocks, save the functions that say so. A lookup that meets a key it may
 * not compare under a lock says so (TABLE_ASK); table_search_slow compares without the lock and comes back.
 *
 * Invariants, under the lock: filled + usable <= TABLE_ROOM(slots); used = entries with a key <= filled; each of them is in
 * exactly one slot, all slots before it on its probe sequence hold a number or DUMMY; a DUMMY is not used again until the
 * next resize, so at least one slot in three is EMPTY and every probe ends; the last entry written is not a deleted one.
 *
 * Optimistic readers (reads.h): an insertion stores the entry, its number in the index, used, filled, in this order, each with release: who
 * finds the entry's number below `filled` finds it counted, who finds it counted finds its number. A deletion is a change of
 * several slots. A place may be written again after a deletion: the version tells.
 *
 * The lock's version changes when an entry moves or goes (delete, clear, resize). It does not for a new entry or value:
 * these leave every probe sequence that somebody is in the middle of as it was, up to its end, where the new one is met.
 */
#ifndef OBJECTS_TABLE_H
#define OBJECTS_TABLE_H

#include "reads.h"
#include "str.h"

struct table_entry {
    int64_t hash;
    struct obj *key;   /* owned; NULL: deleted */
    struct obj *value; /* owned; NULL in a set */
};

/* The same where it stands in the table. */
struct table_place {
    _Atomic int64_t hash;
    _Atomic(struct obj *) key, value;
};

/* A table in memory: the index, and behind it room for slots * 2/3 entries. */
struct table_block {
    size_t slots; /* even, so that the entries are aligned */
    _Atomic int32_t index[];
};

struct table {
    _Atomic(struct table_block *) published; /* reads.h; NULL, or what index and entry lie in */
    _Atomic size_t used, filled; /* used: live entries; filled: entries written, deleted ones included */
    size_t slots;
    size_t usable;               /* entries that may still be written before a resize */
    _Atomic int32_t *index;      /* NULL: slots == 0 */
    struct table_place *entry;
};

enum { TABLE_EMPTY = -1, TABLE_DUMMY = -2 }; /* in index[] */
/* What a search finds instead of an entry's number. */
enum { TABLE_MISSING = -1, TABLE_ASK = -2, TABLE_ERROR = -3, TABLE_NO_MEMORY = -4, TABLE_ODD = -5 };

#define TABLE_ROOM(slots) ((slots)*2 / 3)

/* relaxed, all that follow: under the lock */
HOT size_t table_used(const struct table *t) { return atomic_load_explicit(&t->used, memory_order_relaxed); }
HOT size_t table_filled(const struct table *t) { return atomic_load_explicit(&t->filled, memory_order_relaxed); }
HOT int32_t table_index(const struct table *t, size_t slot) { return atomic_load_explicit(&t->index[slot], memory_order_relaxed); }
/* relaxed, all three: as above */
HOT int64_t table_hash_at(const struct table_place *e) { return atomic_load_explicit(&e->hash, memory_order_relaxed); }
HOT struct obj *table_key(const struct table_place *e) { return atomic_load_explicit(&e->key, memory_order_relaxed); }
HOT struct obj *table_value(const struct table_place *e) { return atomic_load_explicit(&e->value, memory_order_relaxed); }
HOT struct table_entry table_entry_at(const struct table_place *e)
{
    return (struct table_entry){table_hash_at(e), table_key(e), table_value(e)};
}
/* Another value for the entry; what it held passes to the caller. */
HOT struct obj *table_exchange(struct table *t, int64_t number, struct obj *value)
{
    struct obj *old = table_value(&t->entry[number]);
    atomic_store_explicit(&t->entry[number].value, value, memory_order_release); /* (V1) release: for optimistic readers */
    return old;
}

/* Where a search is. Probing is CPython's: start at the low bits (good for small ints), let the high ones come in. */
struct table_cursor {
    size_t slot;
    uint64_t perturb;
    int64_t asked; /* after TABLE_ASK: the entry to compare with */
};

INLINE struct table_cursor table_start(size_t slots, int64_t hash)
{
    return (struct table_cursor){.slot = (uint64_t)hash & (slots - 1), .perturb = (uint64_t)hash};
}
INLINE void table_next(size_t slots, struct table_cursor *c)
{
    c->perturb >>= 5;
    c->slot = (c->slot * 5 + c->perturb + 1) & (slots - 1);
}

/* The number of the entry that holds `key`, TABLE_MISSING, TABLE_ERROR, or TABLE_ASK: compare with entry c->asked, and
 * if it differs call again to go on. */
INLINE int64_t table_find(const struct table *t, struct obj *key, int64_t hash, struct table_cursor *c)
{
    if (table_used(t) == 0)
        return TABLE_MISSING;
    for (;;) {
        int32_t number = table_index(t, c->slot);
        if (number == TABLE_EMPTY)
            return TABLE_MISSING;
        table_next(t->slots, c);
        if (number == TABLE_DUMMY)
            continue;
        const struct table_place *e = &t->entry[number];
        struct obj *stored = table_key(e);
        if (stored == key)
            return number;
        if (table_hash_at(e) != hash)
            continue;
        if (unlikely(!(stored->type->flags & key->type->flags & TYPE_EXACT))) {
            c->asked = number;
            return TABLE_ASK;
        }
        int equal = obj_equal(stored, key);
        if (equal)
            return equal > 0 ? number : TABLE_ERROR;
    }
}

SLOW int64_t table_search_slow(struct table *t, struct lock *l, struct obj *key, int64_t hash);
/* As table_find, to the end: never TABLE_ASK. The lock is held before and after, whatever comes out, but may be released
 * in between (user code runs): nothing known about the table before the call is known after it. */
INLINE int64_t table_search(struct table *t, struct lock *l, struct obj *key, int64_t hash)
{
    struct table_cursor c = table_start(t->slots, hash);
    int64_t number = table_find(t, key, hash, &c);
    return likely(number != TABLE_ASK) ? number : table_search_slow(t, l, key, hash);
}

/* Hash of a key, before any lock: user code may run. 0, or -1 and an error. */
INLINE int table_hash(struct obj *key, int64_t *hash)
{
    if (key->type == &str_type) {
        /* relaxed: 0 or the value, nothing else hangs on it (str.h) */
        *hash = atomic_load_explicit(&((struct str *)key)->hash, memory_order_relaxed);
        if (likely(*hash != 0))
            return 0;
    }
    return obj_hash(key, hash);
}

/* An empty table with room for that many entries (0: no memory is used). 0, or -1: no memory (no error is set). */
API int table_init(struct table *t, size_t room);
/* Adds a key that is known to be missing, with references of its own (value may be NULL). Its number, or TABLE_NO_MEMORY:
 * the table is as it was. */
API int64_t table_insert(struct table *t, struct lock *l, struct obj *key, int64_t hash, struct obj *value);
/* Makes room for that many new entries; false: no memory, the table is as it was. */
API bool table_reserve(struct table *t, struct lock *l, size_t more);
/* Takes the entry out; its references pass to the caller. */
API struct table_entry table_remove(struct table *t, struct lock *l, int64_t number);
/* Takes everything out: the result belongs to the caller, who unlocks and then calls table_drop. */
API struct table table_steal(struct table *t, struct lock *l);
/* Into an empty table without memory: the entries of another, with references of its own. 0, or -1: no memory. */
API int table_clone(struct table *to, const struct table *from);
/* Moves the entries into two empty tables, by what `is_high` says of their hashes. 0, or -1: no memory, nothing has changed. */
API int table_divide(struct table *t, struct lock *l, struct table *low, struct table *high, bool (*is_high)(int64_t hash, int arg), int arg);
/* The next live entry at or after *position, which moves behind it; NULL: no more. */
INLINE struct table_place *table_step(const struct table *t, size_t *position)
{
    while (*position < table_filled(t)) {
        struct table_place *e = &t->entry[(*position)++];
        if (table_key(e))
            return e;
    }
    return NULL;
}

/* --- without the lock (reads=optimistic). What is in *taken afterwards (NULL, or a reference) is the caller's: the answer, or to be
 * dropped when no lock is held, where there is none --- */

/* 1: the key is there, and with `value` *taken is a new reference to its value; 0: it is not; TABLE_ODD: take the lock. */
API int table_try_find(struct table *t, struct lock *l, struct obj *key, int64_t hash, bool value, struct obj **taken);
/* The key of the live entry at *position or behind it, which moves behind it; `expected` entries are live. False: take the lock (also
 * at the end). */
API bool table_try_step(struct table *t, struct lock *l, size_t expected, size_t *position, struct obj **taken);
/* Under the lock, which is not held through a bias, after a reader could not do without: the next one can. `number`: of the entry that
 * was read, if not negative. */
API void table_publish(struct table *t, int64_t number);


/* --- without the lock --- */

/* Frees the memory of a table that nobody has seen and that has no entries. */
API void table_free_new(const struct table *t);
/* Drops what table_steal returned. User code may run. */
API void table_drop(struct table *t);
/* For dealloc: drops the fields of a dead owner. */
API void table_drop_dead(struct table *t);
API int table_traverse(const struct table *t, int (*visit)(struct obj *, void *), void *arg);
/* Sets the error that a negative result of a search or an insertion stands for (TABLE_ERROR has set it). -1. */
SLOW int table_failed(int64_t result);
/* Sets ERR_KEY, naming the key (an int by value, others by type). -1. */
SLOW int table_no_key(struct obj *key);

/* Copies of the entries at one moment, in order, with references of their own. */
struct table_snapshot {
    struct table_entry *entry;
    size_t length;
};
/* The caller holds the lock. 0, or -1: no memory (no error is set). */
API int table_snapshot_locked(const struct table *t, struct table_snapshot *s);
/* Takes and releases the lock. 0, or -1 with ERR_MEMORY. */
API int table_snapshot(struct table *t, struct lock *l, struct table_snapshot *s);
API void table_snapshot_drop(struct table_snapshot *s);
/* table_step with a lock of its own: new references in *e; false: no more. */
API bool table_step_new(struct table *t, struct lock *l, size_t *position, struct table_entry *e);
INLINE void table_entry_drop(const struct table_entry *e)
{
    obj_decref(e->key);
    obj_xdecref(e->value);
}

#endif
