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
 * The lock's version changes when an entry moves or goes (delete, clear, resize). It does not for a new entry or value:
 * these leave every probe sequence that somebody is in the middle of as it was, up to its end, where the new one is met.
 */
#ifndef OBJECTS_TABLE_H
#define OBJECTS_TABLE_H

#include "lock.h"
#include "str.h"

struct table_entry {
    int64_t hash;
    struct obj *key;   /* owned; NULL: deleted */
    struct obj *value; /* owned; NULL in a set */
};

struct table {
    int32_t *index;             /* `slots` of them; one block of memory with the entries behind it; NULL: slots == 0 */
    struct table_entry *entry;  /* room for slots * 2/3 */
    size_t slots, used, filled; /* used: live entries; filled: entries written, deleted ones included */
    size_t usable;              /* entries that may still be written before a resize */
};

enum { TABLE_EMPTY = -1, TABLE_DUMMY = -2 }; /* in index[] */
/* What a search finds instead of an entry's number. */
enum { TABLE_MISSING = -1, TABLE_ASK = -2, TABLE_ERROR = -3, TABLE_NO_MEMORY = -4 };

#define TABLE_ROOM(slots) ((slots)*2 / 3)

/* Where a search is. Probing is CPython's: start at the low bits (good for small ints), let the high ones come in. */
struct table_cursor {
    size_t slot;
    uint64_t perturb;
    int64_t asked; /* after TABLE_ASK: the entry to compare with */
};

INLINE struct table_cursor table_start(const struct table *t, int64_t hash)
{
    return (struct table_cursor){.slot = (uint64_t)hash & (t->slots - 1), .perturb = (uint64_t)hash};
}
INLINE void table_next(const struct table *t, struct table_cursor *c)
{
    c->perturb >>= 5;
    c->slot = (c->slot * 5 + c->perturb + 1) & (t->slots - 1);
}

/* The number of the entry that holds `key`, TABLE_MISSING, TABLE_ERROR, or TABLE_ASK: compare with entry c->asked, and
 * if it differs call again to go on. */
INLINE int64_t table_find(const struct table *t, struct obj *key, int64_t hash, struct table_cursor *c)
{
    if (t->used == 0)
        return TABLE_MISSING;
    for (;;) {
        int32_t number = t->index[c->slot];
        if (number == TABLE_EMPTY)
            return TABLE_MISSING;
        table_next(t, c);
        if (number == TABLE_DUMMY)
            continue;
        const struct table_entry *e = &t->entry[number];
        if (e->key == key)
            return number;
        if (e->hash != hash)
            continue;
        if (unlikely(!(e->key->type->flags & key->type->flags & TYPE_EXACT))) {
            c->asked = number;
            return TABLE_ASK;
        }
        int equal = obj_equal(e->key, key);
        if (equal)
            return equal > 0 ? number : TABLE_ERROR;
    }
}

SLOW int64_t table_search_slow(struct table *t, struct lock *l, struct obj *key, int64_t hash);
/* As table_find, to the end: never TABLE_ASK. The lock is held before and after, whatever comes out, but may be released
 * in between (user code runs): nothing known about the table before the call is known after it. */
INLINE int64_t table_search(struct table *t, struct lock *l, struct obj *key, int64_t hash)
{
    struct table_cursor c = table_start(t, hash);
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
INLINE struct table_entry *table_step(const struct table *t, size_t *position)
{
    while (*position < t->filled) {
        struct table_entry *e = &t->entry[(*position)++];
        if (e->key)
            return e;
    }
    return NULL;
}

/* --- without the lock --- */

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
