/*
 * set.c -- sets: table.h's table under one lock, without values. The protocol is in set.h and as in dict.c.
 *
 * An operation on two sets takes a snapshot of one (with references of its own), then works on the other item by item: no
 * two locks are held at once, and what it saw of each is that set at one moment, or item by item.
 */
#include "track.h"
#include "list.h"
#include "set.h"

INLINE struct set *set_expect(struct obj *o) { return obj_as(o, &set_type); }

API struct obj *set_new(size_t room)
{
    struct table table;
    if (table_init(&table, room) != 0)
        return err_memory();
    struct set *s = obj_alloc(&set_type, sizeof *s);
    if (unlikely(!s)) {
        table_free_new(&table);
        return NULL;
    }
    s->table = table;
    if (unlikely(!lock_init(&s->lock, &s->base))) {
        obj_decref(&s->base.base);
        return err_memory();
    }
    obj_track(&s->base);
    return &s->base.base;
}

API int64_t set_length(struct obj *o)
{
    struct set *s = set_expect(o);
    if (!s)
        return -1;
    lock_acquire(&s->lock);
    int64_t length = (int64_t)table_used(&s->table);
    lock_release(&s->lock);
    return length;
}

/* --- single items, with a hash that is known --- */

INLINE int set_insert(struct set *s, struct obj *item, int64_t hash)
{
    lock_acquire(&s->lock);
    int64_t number = table_search(&s->table, &s->lock, item, hash);
    bool missing = number == TABLE_MISSING;
    if (missing)
        number = table_insert(&s->table, &s->lock, item, hash, NULL);
    lock_release(&s->lock);
    return likely(number >= 0) ? missing : table_failed(number);
}

INLINE int set_has(struct set *s, struct obj *item, int64_t hash)
{
    bool stranger = false;
    if (unlikely(!lock_try_own(&s->lock))) {
        struct obj *none;
        int found = reads_optimistic() ? table_try_find(&s->table, &s->lock, item, hash, false, &none) : TABLE_ODD;
        if (found != TABLE_ODD)
            return found;
        lock_acquire_other(&s->lock);
        stranger = reads_optimistic();
    }
    int64_t number = table_search(&s->table, &s->lock, item, hash);
    if (unlikely(stranger))
        table_publish(&s->table, number);
    lock_release(&s->lock);
    return number >= 0 ? 1 : number == TABLE_MISSING ? 0 : -1;
}

/* --- single items --- */

API int set_add(struct obj *o, struct obj *item)
{
    struct set *s = set_expect(o);
    int64_t hash;
    return likely(s && table_hash(item, &hash) == 0) ? set_insert(s, item, hash) : -1;
}

API int set_contains(struct obj *o, struct obj *item)
{
    struct set *s = set_expect(o);
    int64_t hash;
    return likely(s && table_hash(item, &hash) == 0) ? set_has(s, item, hash) : -1;
}

API int set_discard(struct obj *o, struct obj *item)
{
    struct set *s = set_expect(o);
    int64_t hash;
    if (unlikely(!s || table_hash(item, &hash) != 0))
        return -1;
    struct table_entry old = {0};
    lock_acquire(&s->lock);
    int64_t number = table_search(&s->table, &s->lock, item, hash);
    if (number >= 0)
        old = table_remove(&s->table, &s->lock, number);
    lock_release(&s->lock);
    obj_xdecref(old.key);
    return number >= 0 ? 1 : number == TABLE_MISSING ? 0 : -1;
}

API int set_remove(struct obj *o, struct obj *item)
{
    int found = set_discard(o, item);
    return found == 0 ? table_no_key(item) : found < 0 ? -1 : 0;
}

API struct obj *set_pop(struct obj *o)
{
    struct set *s = set_expect(o);
    if (!s)
        return NULL;
    struct table_entry newest = {0};
    lock_acquire(&s->lock);
    if (table_used(&s->table) > 0)
        newest = table_remove(&s->table, &s->lock, (int64_t)table_filled(&s->table) - 1); /* the last one written is live */
    lock_release(&s->lock);
    if (unlikely(!newest.key))
        err_set(ERR_KEY, "pop from an empty set", 0, 0);
    return newest.key;
}

API int set_clear(struct obj *o)
{
    struct set *s = set_expect(o);
    if (!s)
        return -1;
    lock_acquire(&s->lock);
    struct table old = table_steal(&s->table, &s->lock);
    lock_release(&s->lock);
    table_drop(&old);
    return 0;
}

/* --- whole sets --- */

API struct obj *set_copy(struct obj *o)
{
    struct set *s = set_expect(o);
    struct set *copy = s ? (struct set *)set_new(0) : NULL;
    if (!copy)
        return NULL;
    lock_acquire(&s->lock);
    int failed = table_clone(&copy->table, &s->table);
    lock_release(&s->lock);
    if (likely(!failed))
        return &copy->base.base;
    obj_decref(&copy->base.base);
    return err_memory();
}

API int set_update(struct obj *o, struct obj *other)
{
    struct set *s = set_expect(o), *source = set_expect(other);
    struct table_snapshot items;
    if (!s || !source)
        return -1;
    if (s == source)
        return 0;
    if (table_snapshot(&source->table, &source->lock, &items) != 0)
        return -1;
    lock_acquire(&s->lock);
    int failed = table_reserve(&s->table, &s->lock, items.length) ? 0 : table_failed(TABLE_NO_MEMORY);
    lock_release(&s->lock);
    for (size_t i = 0; i < items.length && !failed; i++)
        failed = set_insert(s, items.entry[i].key, items.entry[i].hash) < 0;
    table_snapshot_drop(&items);
    return failed ? -1 : 0;
}

/* Adds to `result` each item of `a` whose being in `b` is as wanted. 0 or -1. */
static int set_add_where(struct set *result, struct set *a, struct set *b, int wanted)
{
    struct table_snapshot items;
    if (table_snapshot(&a->table, &a->lock, &items) != 0)
        return -1;
    int failed = 0;
    for (size_t i = 0; i < items.length && !failed; i++) {
        const struct table_entry *e = &items.entry[i];
        int found = set_has(b, e->key, e->hash);
        failed = found < 0 || (found == wanted && set_insert(result, e->key, e->hash) < 0);
    }
    table_snapshot_drop(&items);
    return failed ? -1 : 0;
}

/* New set of the items of `a` whose being in `b` is as wanted; with `both`, also those of `b` so related to `a`. */
static struct obj *set_combine(struct obj *x, struct obj *y, int wanted, bool both)
{
    struct set *a = set_expect(x), *b = a ? set_expect(y) : NULL;
    struct set *result = b ? (struct set *)set_new(0) : NULL;
    if (!result)
        return NULL;
    if (set_add_where(result, a, b, wanted) == 0 && (!both || set_add_where(result, b, a, wanted) == 0))
        return &result->base.base;
    obj_decref(&result->base.base);
    return NULL;
}

API struct obj *set_intersection(struct obj *a, struct obj *b) { return set_combine(a, b, 1, false); }
API struct obj *set_difference(struct obj *a, struct obj *b) { return set_combine(a, b, 0, false); }
API struct obj *set_symmetric_difference(struct obj *a, struct obj *b) { return set_combine(a, b, 0, true); }

API struct obj *set_union(struct obj *a, struct obj *b)
{
    struct obj *result = set_expect(b) ? set_copy(a) : NULL;
    if (!result || set_update(result, b) == 0)
        return result;
    obj_decref(result);
    return NULL;
}

API int set_is_subset(struct obj *x, struct obj *y)
{
    struct set *a = set_expect(x), *b = a ? set_expect(y) : NULL;
    struct table_snapshot items;
    if (!b || table_snapshot(&a->table, &a->lock, &items) != 0)
        return -1;
    int found = 1;
    for (size_t i = 0; i < items.length && found == 1; i++)
        found = set_has(b, items.entry[i].key, items.entry[i].hash);
    table_snapshot_drop(&items);
    return found;
}

API struct obj *set_items(struct obj *o)
{
    struct set *s = set_expect(o);
    struct table_snapshot items;
    if (!s || table_snapshot(&s->table, &s->lock, &items) != 0)
        return NULL;
    struct list *list = (struct list *)list_new(items.length);
    /* nobody else knows the list yet: no lock; the snapshot's references become the list's */
    for (size_t i = 0; list && i < items.length; i++)
        list_push(list, items.entry[i].key);
    if (list)
        items.length = 0;
    table_snapshot_drop(&items);
    return list ? &list->base.base : NULL;
}

/* --- slots --- */

static void set_dealloc(struct obj *o)
{
    table_drop_dead(&((struct set *)o)->table);
    lock_drop(&((struct set *)o)->lock);
    obj_free(o, sizeof(struct set));
}

static void set_clear_slot(struct obj *o) { set_clear(o); }

/* With the world stopped: no lock. */
static int set_traverse(struct obj *o, int (*visit)(struct obj *, void *), void *arg)
{
    return table_traverse(&((struct set *)o)->table, visit, arg);
}

static int set_equal(struct obj *a, struct obj *b)
{
    if (!(b = obj_if(b, &set_type)) || set_length(a) != set_length(b))
        return 0;
    if (!obj_enter())
        return -1;
    int equal = set_is_subset(a, b);
    obj_leave();
    return equal;
}

static int set_repr(struct obj *o, struct strbuf *out, int depth)
{
    struct set *s = (struct set *)o;
    if (!obj_enter())
        return -1;
    struct table_entry e;
    size_t position = 0;
    const char *before = "{";
    int failed = 0;
    while (!failed && table_step_new(&s->table, &s->lock, &position, &e)) {
        failed = strbuf_add_text(out, before) != 0 || strbuf_add_repr(out, e.key, depth + 1) != 0;
        before = ", ";
        table_entry_drop(&e);
    }
    obj_leave();
    return failed ? -1 : strbuf_add_text(out, before[0] == '{' ? "set()" : "}");
}

static void set_lock(struct obj *o) { lock_acquire(&((struct set *)o)->lock); }
static void set_unlock(struct obj *o) { lock_release(&((struct set *)o)->lock); }

static const struct type set_type = {
    .name = "set",
    .flags = TYPE_CONTAINER,
    .dealloc = set_dealloc,
    .traverse = set_traverse,
    .clear = set_clear_slot,
    .equal = set_equal,
    .repr = set_repr,
    .lock = set_lock,
    .unlock = set_unlock,
    .size = {.least = sizeof(struct set)},
};
