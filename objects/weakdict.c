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

INLINE struct weakdict *weakdict_expect(struct obj *o) { return obj_as(o, &weakdict_type); }
static struct weak *weakdict_weak(const struct table_place *e) { return (struct weak *)table_value(e); }

API struct obj *weakdict_new(void)
{
    struct weakdict *d = obj_alloc(&weakdict_type, sizeof *d);
    if (unlikely(!d))
        return NULL;
    table_init(&d->table, 0);
    d->sweep = 0;
    if (unlikely(!lock_init(&d->lock, &d->base))) {
        obj_decref(&d->base.base);
        return err_memory();
    }
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

/* --- one operation: open, lock and search, act under the lock, close --- */

struct weakdict_step {
    struct weakdict *d;
    struct obj *key;
    int64_t hash, number; /* number: what the search found: an entry, TABLE_MISSING or an error; then what a put made of it */
    struct obj *weak;     /* the reference that a put enters; owned */
    /* what left the table under the lock, to be dropped after it */
    struct obj *old;
    struct table_entry gone[WEAKDICT_SWEEP + 1];
    int gone_count;
};

/* `value`: what will be put, or NULL. False: no weakdict, or the key cannot be hashed, or no weak reference to the value can be had. */
static bool weakdict_open(struct weakdict_step *s, struct obj *o, struct obj *key, struct obj *value)
{
    *s = (struct weakdict_step){.d = weakdict_expect(o), .key = key};
    return s->d && table_hash(key, &s->hash) == 0 && (!value || (s->weak = weak_new(value)));
}

static void weakdict_search(struct weakdict_step *s)
{
    lock_acquire(&s->d->lock);
    s->number = table_search(&s->d->table, &s->d->lock, s->key, s->hash);
}

static void weakdict_close(struct weakdict_step *s)
{
    lock_release(&s->d->lock);
    obj_xdecref(s->weak);
    obj_xdecref(s->old);
    for (int i = 0; i < s->gone_count; i++)
        table_entry_drop(&s->gone[i]);
}

/* --- under the lock --- */

static void weakdict_take_out(struct weakdict_step *s, int64_t number)
{
    s->gone[s->gone_count++] = table_remove(&s->d->table, &s->d->lock, number);
}

/* Looks at the next few entries for dead ones. */
static void weakdict_sweep(struct weakdict_step *s)
{
    struct weakdict *d = s->d;
    for (int i = 0; i < WEAKDICT_SWEEP && table_filled(&d->table) > 0; i++) {
        size_t at = d->sweep < table_filled(&d->table) ? d->sweep : 0;
        d->sweep = at + 1;
        struct table_place *e = &d->table.entry[at];
        if (table_key(e) && weak_is_cleared(weakdict_weak(e)))
            weakdict_take_out(s, (int64_t)at);
    }
}

/* The value of the entry that was found: new reference, or NULL. */
static struct obj *weakdict_upgrade(const struct weakdict_step *s)
{
    return s->number >= 0 ? weak_upgrade(weakdict_weak(&s->d->table.entry[s->number])) : NULL;
}

static void weakdict_put(struct weakdict_step *s)
{
    if (s->number >= 0) {
        s->old = table_exchange(&s->d->table, s->number, obj_incref(s->weak));
    } else if (s->number == TABLE_MISSING) {
        weakdict_sweep(s);
        s->number = table_insert(&s->d->table, &s->d->lock, s->key, s->hash, s->weak);
    }
}

/* --- operations --- */

API int weakdict_get(struct obj *o, struct obj *key, struct obj **value)
{
    struct weakdict_step s;
    *value = NULL;
    if (unlikely(!weakdict_open(&s, o, key, NULL)))
        return -1;
    weakdict_search(&s);
    *value = weakdict_upgrade(&s);
    if (!*value && s.number >= 0)
        weakdict_take_out(&s, s.number);
    weakdict_close(&s);
    return s.number < 0 && s.number != TABLE_MISSING ? -1 : *value != NULL;
}

API int weakdict_set(struct obj *o, struct obj *key, struct obj *value)
{
    struct weakdict_step s;
    if (unlikely(!weakdict_open(&s, o, key, value)))
        return -1;
    weakdict_search(&s);
    weakdict_put(&s);
    weakdict_close(&s);
    return likely(s.number >= 0) ? 0 : table_failed(s.number);
}

API int weakdict_setdefault(struct obj *o, struct obj *key, struct obj *value, struct obj **found)
{
    struct weakdict_step s;
    *found = NULL;
    if (unlikely(!weakdict_open(&s, o, key, value)))
        return -1;
    weakdict_search(&s);
    *found = weakdict_upgrade(&s);
    bool there = *found != NULL;
    if (!there)
        weakdict_put(&s);
    weakdict_close(&s);
    if (!there && s.number >= 0)
        *found = obj_incref(value);
    return likely(s.number >= 0) ? there : table_failed(s.number);
}

API int weakdict_del(struct obj *o, struct obj *key)
{
    struct weakdict_step s;
    if (unlikely(!weakdict_open(&s, o, key, NULL)))
        return -1;
    weakdict_search(&s);
    bool there = s.number >= 0, alive = there && !weak_is_cleared(weakdict_weak(&s.d->table.entry[s.number]));
    if (there)
        weakdict_take_out(&s, s.number);
    weakdict_close(&s);
    return likely(alive) ? 0 : there || s.number == TABLE_MISSING ? table_no_key(key) : -1;
}

/* --- slots --- */

static void weakdict_dealloc(struct obj *o)
{
    struct weakdict *d = (struct weakdict *)o;
    table_drop_dead(&d->table);
    lock_drop(&d->lock);
    obj_free(o, sizeof *d);
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
