/*
 * weakdict.c -- the dict with weak values. What it promises is in weakdict.h.
 *
 * Every operation does as dict.c's: hash the key (user code), lock, search, act, unlock, and only then drop what it displaced. An
 * upgrade may be made under the lock: it waits for nothing but a stripe of weak.c. A weak reference to a value that is inserted
 * is made before the lock is taken.
 */
#include "track.h"
#include "weak.h"
#include "weakdict.h"

enum { WEAKDICT_SWEEP = 4 }; /* entries that an insertion looks at: a turn through all n of them takes n/4 insertions */

INLINE struct weakdict *weakdict_expect(struct obj *o) { return obj_expect(o, &weakdict_type) ? (struct weakdict *)o : NULL; }
static struct weak *weakdict_weak(const struct table_place *e) { return (struct weak *)table_value(e); }

/* 0, or -1: no weakdict, or the key cannot be hashed. */
static int weakdict_begin(struct obj *o, struct obj *key, int64_t *hash)
{
    return weakdict_expect(o) && table_hash(key, hash) == 0 ? 0 : -1;
}

API struct obj *weakdict_new(void)
{
    struct weakdict *d = obj_alloc(&weakdict_type, sizeof *d);
    if (unlikely(!d))
        return NULL;
    lock_init(&d->lock, &d->base);
    table_init(&d->table, 0);
    d->sweep = 0;
    obj_track(&d->base);
    return &d->base.base;
}

API int64_t weakdict_length(struct obj *o)
{
    struct weakdict *d = weakdict_expect(o);
    if (!d)
        return -1;
    int64_t length = 0;
    size_t position = 0;
    lock_acquire(&d->lock);
    for (struct table_place *e; (e = table_step(&d->table, &position));)
        length += !weak_is_cleared(weakdict_weak(e));
    lock_release(&d->lock);
    return length;
}

/* --- entries that left the table under the lock, to be dropped after it --- */

struct weakdict_gone {
    struct table_entry entry[WEAKDICT_SWEEP + 1];
    int count;
};

static void weakdict_take_out(struct weakdict *d, int64_t number, struct weakdict_gone *gone)
{
    gone->entry[gone->count++] = table_remove(&d->table, &d->lock, number);
}

/* Looks at the next few entries for dead ones. Under the lock. */
static void weakdict_sweep(struct weakdict *d, struct weakdict_gone *gone)
{
    for (int i = 0; i < WEAKDICT_SWEEP && table_filled(&d->table) > 0; i++) {
        size_t at = d->sweep < table_filled(&d->table) ? d->sweep : 0;
        d->sweep = at + 1;
        struct table_place *e = &d->table.entry[at];
        if (table_key(e) && weak_is_cleared(weakdict_weak(e)))
            weakdict_take_out(d, (int64_t)at, gone);
    }
}

static void weakdict_drop(const struct weakdict_gone *gone)
{
    for (int i = 0; i < gone->count; i++)
        table_entry_drop(&gone->entry[i]);
}

/* The value of an entry, which goes if that is dead: new reference or NULL. Under the lock. */
static struct obj *weakdict_upgrade(struct weakdict *d, int64_t number, struct weakdict_gone *gone)
{
    struct obj *value = weak_upgrade(weakdict_weak(&d->table.entry[number]));
    if (!value)
        weakdict_take_out(d, number, gone);
    return value;
}

/* --- operations --- */

API int weakdict_get(struct obj *o, struct obj *key, struct obj **value)
{
    struct weakdict *d = (struct weakdict *)o;
    struct weakdict_gone gone = {.count = 0};
    int64_t hash;
    *value = NULL;
    if (unlikely(weakdict_begin(o, key, &hash) != 0))
        return -1;
    lock_acquire(&d->lock);
    int64_t number = table_search(&d->table, &d->lock, key, hash);
    if (number >= 0)
        *value = weakdict_upgrade(d, number, &gone);
    lock_release(&d->lock);
    weakdict_drop(&gone);
    return number < 0 && number != TABLE_MISSING ? -1 : *value != NULL;
}

/* Puts `weak` at the key. Under the lock, `number` being what the search for the key found; the old reference in *old. */
static int64_t weakdict_put(struct weakdict *d, int64_t number, struct obj *key, int64_t hash, struct obj *weak, struct obj **old,
                            struct weakdict_gone *gone)
{
    if (number >= 0) {
        *old = table_exchange(&d->table, number, obj_incref(weak));
    } else if (number == TABLE_MISSING) {
        weakdict_sweep(d, gone);
        number = table_insert(&d->table, &d->lock, key, hash, weak);
    }
    return number;
}

API int weakdict_set(struct obj *o, struct obj *key, struct obj *value)
{
    struct weakdict *d = (struct weakdict *)o;
    struct weakdict_gone gone = {.count = 0};
    struct obj *weak, *old = NULL;
    int64_t hash;
    if (unlikely(weakdict_begin(o, key, &hash) != 0 || !(weak = weak_new(value))))
        return -1;
    lock_acquire(&d->lock);
    int64_t number = table_search(&d->table, &d->lock, key, hash);
    number = weakdict_put(d, number, key, hash, weak, &old, &gone);
    lock_release(&d->lock);
    obj_decref(weak);
    obj_xdecref(old);
    weakdict_drop(&gone);
    return likely(number >= 0) ? 0 : table_failed(number);
}

API int weakdict_setdefault(struct obj *o, struct obj *key, struct obj *value, struct obj **found)
{
    struct weakdict *d = (struct weakdict *)o;
    struct weakdict_gone gone = {.count = 0};
    struct obj *weak, *old = NULL;
    int64_t hash;
    *found = NULL;
    if (unlikely(weakdict_begin(o, key, &hash) != 0 || !(weak = weak_new(value))))
        return -1;
    lock_acquire(&d->lock);
    int64_t number = table_search(&d->table, &d->lock, key, hash);
    if (number >= 0)
        *found = weak_upgrade(weakdict_weak(&d->table.entry[number]));
    bool there = *found != NULL;
    if (!there)
        number = weakdict_put(d, number, key, hash, weak, &old, &gone);
    lock_release(&d->lock);
    if (!there && number >= 0)
        *found = obj_incref(value);
    obj_decref(weak);
    obj_xdecref(old);
    weakdict_drop(&gone);
    return likely(number >= 0) ? there : table_failed(number);
}

API int weakdict_del(struct obj *o, struct obj *key)
{
    struct weakdict *d = (struct weakdict *)o;
    struct weakdict_gone gone = {.count = 0};
    int64_t hash;
    if (unlikely(weakdict_begin(o, key, &hash) != 0))
        return -1;
    lock_acquire(&d->lock);
    int64_t number = table_search(&d->table, &d->lock, key, hash);
    if (number >= 0)
        weakdict_take_out(d, number, &gone);
    lock_release(&d->lock);
    bool alive = gone.count > 0 && !weak_is_cleared((struct weak *)gone.entry[0].value);
    weakdict_drop(&gone);
    if (number >= 0 && !alive)
        number = TABLE_MISSING;
    return likely(number >= 0) ? 0 : number == TABLE_MISSING ? table_no_key(key) : -1;
}

/* --- slots --- */

static void weakdict_dealloc(struct obj *o)
{
    table_drop_dead(&((struct weakdict *)o)->table);
    obj_free(o, sizeof(struct weakdict));
}

static void weakdict_clear_slot(struct obj *o)
{
    struct weakdict *d = (struct weakdict *)o;
    lock_acquire(&d->lock);
    struct table old = table_steal(&d->table, &d->lock);
    lock_release(&d->lock);
    table_drop(&old);
}

/* With the world stopped: no lock. The values are no references. */
static int weakdict_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    return table_traverse(&((struct weakdict *)o)->table, visit, arg);
}

static void weakdict_lock(struct obj *o) { lock_acquire(&((struct weakdict *)o)->lock); }
static void weakdict_unlock(struct obj *o) { lock_release(&((struct weakdict *)o)->lock); }

static const struct type weakdict_type = {
    .name = "weakdict",
    .flags = TYPE_CONTAINER,
    .dealloc = weakdict_dealloc,
    .traverse = weakdict_traverse,
    .clear = weakdict_clear_slot,
    .lock = weakdict_lock,
    .unlock = weakdict_unlock,
    .size = {.least = sizeof(struct weakdict)},
};
