/*
 * dict.c -- dicts: table.h's table under one lock. The protocol is in dict.h.
 *
 * Every operation hashes the key first (user code), then locks, searches (which may release the lock for a comparison and
 * take it again), acts on what it found, unlocks, and only then drops what it displaced.
 */
#include "track.h"
#include "borrowed.h"
#include "dict.h"
#include "list.h"
#include "tuple.h"

INLINE struct dict *dict_expect(struct obj *o) { return obj_as(o, &dict_type); }

API struct obj *dict_new(size_t room)
{
    struct table table;
    if (table_init(&table, room) != 0)
        return err_memory();
    struct dict *d = obj_alloc(&dict_type, sizeof *d);
    if (unlikely(!d)) {
        table_free_new(&table);
        return NULL;
    }
    d->table = table;
    if (unlikely(!lock_init(&d->lock, &d->base))) {
        obj_decref(&d->base.base);
        return err_memory();
    }
    obj_track(&d->base);
    return &d->base.base;
}

API int64_t dict_length(struct obj *o)
{
    struct dict *d = dict_expect(o);
    if (!d)
        return -1;
    if (unlikely(!lock_try_own(&d->lock))) {
        if (reads_optimistic()) {
            rc_stat(read_optimistic);
            return (int64_t)atomic_load_explicit(&d->table.used, memory_order_acquire); /* (V2) acquire: the entries that it counts */
        }
        lock_acquire_other(&d->lock);
    }
    int64_t length = (int64_t)table_used(&d->table);
    lock_release(&d->lock);
    return length;
}

/* --- reading --- */

/* dict_load and dict_contains (`value` is NULL) by a stranger, or where nobody is one. */
static __attribute__((noinline)) int dict_load_other(struct dict *d, struct obj *key, int64_t hash, struct obj **value)
{
    struct obj *taken;
    int found = table_try_find(&d->table, &d->lock, key, hash, value != NULL, &taken);
    if (likely(found != TABLE_ODD)) {
        if (value)
            *value = taken;
        return found;
    }
    obj_xdecref(taken);
    lock_acquire_other(&d->lock);
    int64_t number = table_search(&d->table, &d->lock, key, hash);
    if (value)
        *value = number >= 0 ? obj_incref(table_value(&d->table.entry[number])) : NULL;
    table_publish(&d->table, number);
    lock_release(&d->lock);
    return number >= 0 ? 1 : number == TABLE_MISSING ? 0 : -1;
}

/* dict_get of a key whose hash is known. */
INLINE int dict_load(struct dict *d, struct obj *key, int64_t hash, struct obj **value)
{
    if (unlikely(!lock_try_own(&d->lock))) {
        if (reads_optimistic())
            return dict_load_other(d, key, hash, value);
        lock_acquire_other(&d->lock);
    }
    int64_t number = table_search(&d->table, &d->lock, key, hash);
    *value = number >= 0 ? obj_incref(table_value(&d->table.entry[number])) : NULL;
    lock_release(&d->lock);
    return number >= 0 ? 1 : number == TABLE_MISSING ? 0 : -1;
}

API int dict_get(struct obj *o, struct obj *key, struct obj **value)
{
    struct dict *d = dict_expect(o);
    int64_t hash;
    *value = NULL;
    if (unlikely(!d || table_hash(key, &hash) != 0))
        return -1;
    return dict_load(d, key, hash, value);
}

API int dict_get_borrowed(struct obj *o, struct obj *key, struct obj **value)
{
    struct dict *d = dict_expect(o);
    int64_t hash;
    *value = NULL;
    if (unlikely(!d || table_hash(key, &hash) != 0))
        return -1;
    lock_acquire(&d->lock);
    int64_t number = table_search(&d->table, &d->lock, key, hash);
    if (number >= 0) {
        struct obj *there = table_value(&d->table.entry[number]);
        if (borrowed_keep(there))
            *value = there;
    }
    lock_release(&d->lock);
    return *value ? 1 : number == TABLE_MISSING ? 0 : -1;
}

API int dict_contains(struct obj *o, struct obj *key)
{
    struct dict *d = dict_expect(o);
    int64_t hash;
    if (unlikely(!d || table_hash(key, &hash) != 0))
        return -1;
    if (unlikely(!lock_try_own(&d->lock))) {
        if (reads_optimistic())
            return dict_load_other(d, key, hash, NULL);
        lock_acquire_other(&d->lock);
    }
    int64_t number = table_search(&d->table, &d->lock, key, hash);
    lock_release(&d->lock);
    return number >= 0 ? 1 : number == TABLE_MISSING ? 0 : -1;
}

/* --- changing --- */

/* dict_set of a key whose hash is known. */
INLINE int dict_store(struct dict *d, struct obj *key, int64_t hash, struct obj *value)
{
    struct obj *old = NULL;
    lock_acquire(&d->lock);
    int64_t number = table_search(&d->table, &d->lock, key, hash);
    if (number >= 0) {
        old = table_exchange(&d->table, number, obj_incref(value));
    } else if (number == TABLE_MISSING) {
        number = table_insert(&d->table, &d->lock, key, hash, value);
    }
    lock_release(&d->lock);
    obj_xdecref(old);
    return likely(number >= 0) ? 0 : table_failed(number);
}

API int dict_set(struct obj *o, struct obj *key, struct obj *value)
{
    struct dict *d = dict_expect(o);
    int64_t hash;
    if (unlikely(!d || table_hash(key, &hash) != 0))
        return -1;
    return dict_store(d, key, hash, value);
}

API int dict_setdefault(struct obj *o, struct obj *key, struct obj *value, struct obj **found)
{
    struct dict *d = dict_expect(o);
    int64_t hash;
    *found = NULL;
    if (unlikely(!d || table_hash(key, &hash) != 0))
        return -1;
    lock_acquire(&d->lock);
    int64_t number = table_search(&d->table, &d->lock, key, hash);
    bool missing = number == TABLE_MISSING;
    if (missing)
        number = table_insert(&d->table, &d->lock, key, hash, value);
    if (number >= 0)
        *found = obj_incref(table_value(&d->table.entry[number]));
    lock_release(&d->lock);
    return number < 0 ? table_failed(number) : !missing;
}

API int dict_pop(struct obj *o, struct obj *key, struct obj **value)
{
    struct dict *d = dict_expect(o);
    int64_t hash;
    *value = NULL;
    if (unlikely(!d || table_hash(key, &hash) != 0))
        return -1;
    struct table_entry old = {0};
    lock_acquire(&d->lock);
    int64_t number = table_search(&d->table, &d->lock, key, hash);
    if (number >= 0)
        old = table_remove(&d->table, &d->lock, number);
    lock_release(&d->lock);
    *value = old.value;
    obj_xdecref(old.key);
    return number >= 0 ? 1 : number == TABLE_MISSING ? 0 : -1;
}

API int dict_del(struct obj *o, struct obj *key)
{
    struct obj *value;
    int found = dict_pop(o, key, &value);
    if (found == 0)
        return table_no_key(key);
    obj_xdecref(value);
    return found < 0 ? -1 : 0;
}

API int dict_clear(struct obj *o)
{
    struct dict *d = dict_expect(o);
    if (!d)
        return -1;
    lock_acquire(&d->lock);
    struct table old = table_steal(&d->table, &d->lock);
    lock_release(&d->lock);
    table_drop(&old);
    return 0;
}

/* --- whole dicts --- */

API int dict_update(struct obj *o, struct obj *other)
{
    struct dict *d = dict_expect(o), *source = dict_expect(other);
    struct table_snapshot s;
    if (!d || !source)
        return -1;
    if (d == source)
        return 0;
    if (table_snapshot(&source->table, &source->lock, &s) != 0)
        return -1;
    lock_acquire(&d->lock);
    int failed = table_reserve(&d->table, &d->lock, s.length) ? 0 : table_failed(TABLE_NO_MEMORY);
    lock_release(&d->lock);
    for (size_t i = 0; i < s.length && !failed; i++)
        failed = dict_store(d, s.entry[i].key, s.entry[i].hash, s.entry[i].value);
    table_snapshot_drop(&s);
    return failed;
}

API struct obj *dict_copy(struct obj *o)
{
    struct dict *d = dict_expect(o);
    struct dict *copy = d ? (struct dict *)dict_new(0) : NULL;
    if (!copy)
        return NULL;
    lock_acquire(&d->lock);
    int failed = table_clone(&copy->table, &d->table);
    lock_release(&d->lock);
    if (likely(!failed))
        return &copy->base.base;
    obj_decref(&copy->base.base);
    return err_memory();
}

static struct obj *dict_take_key(const struct table_entry *e) { return obj_incref(e->key); }
static struct obj *dict_take_value(const struct table_entry *e) { return obj_incref(e->value); }
static struct obj *dict_take_pair(const struct table_entry *e) { return tuple_pair(e->key, e->value); }

/* New list of what `take` makes (new references, or NULL and an error) of each entry of a snapshot. */
static struct obj *dict_list(struct obj *o, struct obj *(*take)(const struct table_entry *))
{
    struct dict *d = dict_expect(o);
    struct table_snapshot s;
    if (!d || table_snapshot(&d->table, &d->lock, &s) != 0)
        return NULL;
    struct list *list = (struct list *)list_new(s.length);
    bool failed = !list;
    /* nobody else knows the list yet: no lock */
    for (size_t i = 0; i < s.length && !failed; i++) {
        struct obj *item = take(&s.entry[i]);
        failed = !item;
        if (!failed)
            list_push(list, item);
    }
    table_snapshot_drop(&s);
    if (!failed)
        return &list->base.base;
    if (list)
        obj_decref(&list->base.base);
    return NULL;
}

API struct obj *dict_keys(struct obj *dict) { return dict_list(dict, dict_take_key); }
API struct obj *dict_values(struct obj *dict) { return dict_list(dict, dict_take_value); }
API struct obj *dict_items(struct obj *dict) { return dict_list(dict, dict_take_pair); }

/* --- slots --- */

static void dict_dealloc(struct obj *o)
{
    table_drop_dead(&((struct dict *)o)->table);
    lock_drop(&((struct dict *)o)->lock);
    obj_free(o, sizeof(struct dict));
}

static void dict_clear_slot(struct obj *o) { dict_clear(o); }

/* With the world stopped: no lock. */
static int dict_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    return table_traverse(&((struct dict *)o)->table, visit, arg);
}

/* Is this pair of one dict also in `d`? 1, 0, -1. */
static int dict_has_pair(struct dict *d, const struct table_entry *e)
{
    struct obj *value;
    int found = dict_load(d, e->key, e->hash, &value);
    if (found == 1)
        found = obj_equal(e->value, value);
    obj_xdecref(value);
    return found;
}

/* As many pairs, and each of them there; one lock at a time. */
static int dict_equal(struct obj *a, struct obj *b)
{
    struct dict *x = (struct dict *)a;
    if (!(b = obj_if(b, &dict_type)) || dict_length(a) != dict_length(b))
        return 0;
    if (!obj_enter())
        return -1;
    struct table_entry e;
    size_t position = 0;
    int equal = 1;
    while (equal == 1 && table_step_new(&x->table, &x->lock, &position, &e)) {
        equal = dict_has_pair((struct dict *)b, &e);
        table_entry_drop(&e);
    }
    obj_leave();
    return equal;
}

static int dict_repr_pair(struct strbuf *out, const struct table_entry *e, bool first, int depth)
{
    if (!first && strbuf_add_text(out, ", ") != 0)
        return -1;
    if (strbuf_add_repr(out, e->key, depth) != 0 || strbuf_add_text(out, ": ") != 0)
        return -1;
    return strbuf_add_repr(out, e->value, depth);
}

static int dict_repr(struct obj *o, struct strbuf *out, int depth)
{
    struct dict *d = (struct dict *)o;
    if (!obj_enter())
        return -1;
    struct table_entry e;
    size_t position = 0;
    bool first = true;
    int failed = strbuf_add_text(out, "{");
    while (!failed && table_step_new(&d->table, &d->lock, &position, &e)) {
        failed = dict_repr_pair(out, &e, first, depth + 1);
        first = false;
        table_entry_drop(&e);
    }
    obj_leave();
    return failed ? -1 : strbuf_add_text(out, "}");
}

static void dict_lock(struct obj *o) { lock_acquire(&((struct dict *)o)->lock); }
static void dict_unlock(struct obj *o) { lock_release(&((struct dict *)o)->lock); }

static const struct type dict_type = {
    .name = "dict",
    .flags = TYPE_CONTAINER,
    .dealloc = dict_dealloc,
    .traverse = dict_traverse,
    .clear = dict_clear_slot,
    .equal = dict_equal,
    .repr = dict_repr,
    .lock = dict_lock,
    .unlock = dict_unlock,
    .size = {.least = sizeof(struct dict)},
};
